//! libpq's two files: the service file and the password file.

use crate::output::messages;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::dsn::Parameters;

/// The parameters of section `[service]` of a service file; `None` when the file has no such section.
pub(super) fn read_service(path: &Path, service: &str) -> Result<Option<Parameters>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the service file {}", path.display()))?;
    parse_service(&text, service).with_context(|| format!("in the service file {}", path.display()))
}

fn parse_service(text: &str, service: &str) -> Result<Option<Parameters>> {
    let mut found: Option<Parameters> = None;
    let mut inside = false;
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // As in libpq, the first section of a name counts.
            inside = found.is_none() && section == service;
            if inside {
                found = Some(Parameters::default());
            }
        } else if let (true, Some(parameters)) = (inside, found.as_mut()) {
            let Some((name, value)) = line.split_once('=') else {
                bail!("line {} has no =", number + 1);
            };
            parameters.set(name.trim(), value.trim());
        }
    }
    Ok(found)
}

/// The fields by which the password file is searched.
pub(super) struct Login<'a> {
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password for `login` in a password file. A file that others may read is ignored with a warning, as libpq does.
pub(super) fn read_password(path: &Path, login: &Login<'_>) -> Option<String> {
    let permissions = std::fs::metadata(path).ok()?.permissions();
    if permissions.mode() & 0o077 != 0 {
        let ignored = format!(
            "password file {} is readable by others and ignored; permissions should be u=rw (0600)",
            path.display()
        );
        messages::say("warning", &ignored, None);
        return None;
    }
    find_password(&std::fs::read_to_string(path).ok()?, login)
}

fn find_password(text: &str, login: &Login<'_>) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = split_fields(line);
            let [host, port, database, user, password] = fields.as_slice() else {
                return None;
            };
            let matches = |field: &str, value: &str| field == "*" || field == value;
            (matches(host, login.host)
                && matches(port, login.port)
                && matches(database, login.database)
                && matches(user, login.user))
            .then(|| password.clone())
        })
}

/// `a:b\:c:d` → `a`, `b:c`, `d`
fn split_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            ':' if fields.len() < 5 => {
                fields.push(String::new());
                continue;
            }
            '\\' => chars.next().unwrap_or('\\'),
            other => other,
        };
        if let Some(field) = fields.last_mut() {
            field.push(c);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'static> = Login {
        host: "db",
        port: "5432",
        database: "shop",
        user: "anna",
    };

    #[test]
    fn the_first_matching_line_gives_the_password() {
        let text = "# comment\nother:*:*:*:no\ndb:5432:shop:anna:a\\:b\\\\c\n*:*:*:*:late\n";
        assert_eq!(find_password(text, &LOGIN).as_deref(), Some("a:b\\c"));
        assert_eq!(find_password("db:5433:*:*:x", &LOGIN), None);
        assert_eq!(
            find_password("*:*:*:anna:has:colon", &LOGIN).as_deref(),
            Some("has:colon")
        );
    }

    #[test]
    fn a_service_has_the_parameters_of_its_first_section() {
        let text = "[a]\nhost=x\n\n# c\n[b]\nhost = y\nport=1\n[b]\nport=2\n";
        let service = parse_service(text, "b").unwrap().unwrap();
        assert_eq!((service.get("host"), service.get("port")), (Some("y"), Some("1")));
        assert!(parse_service(text, "c").unwrap().is_none());
        assert!(parse_service("[b]\nnonsense\n", "b").is_err());
    }
}
