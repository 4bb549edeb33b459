//! Parses a connection string into libpq's parameters.

use anyhow::{Result, bail};

/// Parameters of a connection by libpq's names, in the given order; the last of a name counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a URL (`postgres://…`), keywords (`host=… dbname=…`) or a bare database name, as psql does.
    pub(crate) fn parse(dsn: &str) -> Result<Self> {
        let dsn = dsn.trim();
        for scheme in ["postgres://", "postgresql://"] {
            if let Some(rest) = dsn.strip_prefix(scheme) {
                return parse_url(rest);
            }
        }
        if dsn.contains('=') {
            return parse_keywords(dsn);
        }
        let mut parameters = Self::default();
        if !dsn.is_empty() {
            parameters.set("dbname", dsn);
        }
        Ok(parameters)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// The value of a parameter; as in libpq, an empty value counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().rev().find(|(key, _)| key == name)?.1.as_str();
        (!value.is_empty()).then_some(value)
    }

    /// Sets a parameter that is not set yet.
    pub(crate) fn set_default(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The part after `postgres://`: `[user[:password]@][host[:port],…][/dbname][?name=value&…]`.
fn parse_url(rest: &str) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let (userinfo, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for host in hosts.split(',') {
        let (name, port) = split_port(host);
        names.push(percent_decode(name)?);
        ports.push(port);
    }
    for (name, value) in [
        ("user", percent_decode(user)?),
        ("password", percent_decode(password)?),
        ("host", names.join(",")),
        (
            "port",
            if ports.iter().all(|port| port.is_empty()) {
                String::new()
            } else {
                ports.join(",")
            },
        ),
        ("dbname", percent_decode(database)?),
    ] {
        if !value.is_empty() {
            parameters.set(name, &value);
        }
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            bail!("the connection URL has a parameter without a value");
        };
        // JDBC's spelling, which libpq accepts too.
        if name == "ssl" && value == "true" {
            parameters.set("sslmode", "require");
        } else {
            parameters.set(&percent_decode(name)?, &percent_decode(value)?);
        }
    }
    Ok(parameters)
}

/// `host:port`, where the host may be an IPv6 address in brackets.
fn split_port(host: &str) -> (&str, &str) {
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':').unwrap_or(""));
    }
    host.rsplit_once(':').unwrap_or((host, ""))
}

fn percent_decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => bail!("the connection URL has a % that is not followed by two hexadecimal digits"),
        }
        rest = &tail[2..];
    }
    match String::from_utf8(bytes) {
        Ok(decoded) => Ok(decoded),
        Err(_) => bail!("the connection URL is not UTF-8 after decoding"),
    }
}

/// `name = value name = 'quoted \' value'`
fn parse_keywords(text: &str) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            bail!("the connection string ends in a word without =");
        };
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            bail!("the connection string has a word without = or a = without a name");
        }
        let (value, left) = take_value(after.trim_start())?;
        parameters.set(name, &value);
        rest = left.trim_start();
    }
    Ok(parameters)
}

/// One value and the rest of the text.
fn take_value(text: &str) -> Result<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(usize::from(quoted)) {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            _ if !quoted && c.is_whitespace() => return Ok((value, &text[at..])),
            _ => value.push(c),
        }
    }
    if quoted {
        bail!("the connection string has a quote that is not closed");
    }
    Ok((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(dsn: &str) -> Vec<(String, String)> {
        Parameters::parse(dsn).unwrap().0
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_url_gives_its_parts() {
        assert_eq!(
            parsed("postgres://anna:p%40ss@db.example:5433/shop?sslmode=verify-full&application_name=x%20y"),
            pairs(&[
                ("user", "anna"),
                ("password", "p@ss"),
                ("host", "db.example"),
                ("port", "5433"),
                ("dbname", "shop"),
                ("sslmode", "verify-full"),
                ("application_name", "x y"),
            ])
        );
        assert_eq!(parsed("postgresql://"), pairs(&[]));
        assert_eq!(
            parsed("postgresql://a:1,[::1]:2,c/x"),
            pairs(&[("host", "a,::1,c"), ("port", "1,2,"), ("dbname", "x")])
        );
        assert_eq!(
            parsed("postgres://%2Ftmp/x?host=/run"),
            pairs(&[("host", "/tmp"), ("dbname", "x"), ("host", "/run")])
        );
    }

    #[test]
    fn keywords_may_be_quoted_and_spaced() {
        assert_eq!(
            parsed(r"host = db  password='a \' b\\' dbname=x"),
            pairs(&[("host", "db"), ("password", r"a ' b\"), ("dbname", "x")])
        );
        assert_eq!(
            parsed("user='' dbname=y"),
            pairs(&[("user", ""), ("dbname", "y")])
        );
    }

    #[test]
    fn a_bare_word_is_a_database() {
        assert_eq!(parsed("shop"), pairs(&[("dbname", "shop")]));
    }

    #[test]
    fn broken_strings_are_refused_without_quoting_them() {
        for dsn in [
            "host=x s3cr3t",
            "password='s3cr3t",
            "postgres://u:%zz@h/s3cr3t",
            "=s3cr3t",
        ] {
            let error = Parameters::parse(dsn).err().expect("must be refused").to_string();
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }
}
