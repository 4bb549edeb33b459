//! Turns libpq's parameters into tokio-postgres' configuration. Every parameter that libpq 18 knows is applied, has no
//! effect here, or is rejected: a parameter that requests protection must not be ignored.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts, SslNegotiation, TargetSessionAttrs};

use super::dsn::Parameters;

/// Parameters that other modules read: files, TLS, host and port.
const ELSEWHERE: [&str; 17] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "sslcertmode",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "service",
    "servicefile",
    "passfile",
    "host",
    "hostaddr",
    "port",
    "fallback_application_name",
];

/// Parameters of features that this program never uses.
const WITHOUT_EFFECT: [&str; 5] = ["krbsrvname", "gsslib", "sslcompression", "authtype", "tty"];

/// Parameters that are rejected with any value.
const REFUSED: [(&str, &str); 10] = [
    (
        "require_auth",
        "the method of authentication cannot be restricted here; use channel_binding=require or sslmode=verify-full",
    ),
    (
        "requirepeer",
        "the owner of a socket is not checked here; use a host name with sslmode=verify-full",
    ),
    (
        "sslpassword",
        "client keys with a password cannot be read; use a key without one, readable by its owner only",
    ),
    ("sslkeylogfile", "TLS keys are not written to a file"),
    ("scram_client_key", "give a password instead"),
    ("scram_server_key", "give a password instead"),
    ("oauth_issuer", "OAuth is not supported"),
    ("oauth_client_id", "OAuth is not supported"),
    ("oauth_client_secret", "OAuth is not supported"),
    ("oauth_scope", "OAuth is not supported"),
];

/// The configuration without TLS.
pub(super) fn configuration(parameters: &Parameters) -> Result<Config> {
    let mut config = Config::new();
    for name in parameters.names() {
        if let Some(value) = parameters.get(name) {
            set(&mut config, name, value)?;
        }
    }
    if parameters.get("application_name").is_none()
        && let Some(name) = parameters.get("fallback_application_name")
    {
        config.application_name(name);
    }
    for host in parameters.get("host").unwrap_or_default().split(',') {
        config.host(host);
    }
    for address in parameters.get("hostaddr").iter().flat_map(|list| list.split(',')) {
        config.hostaddr(address.parse().ok().context("hostaddr is not an IP address")?);
    }
    for port in parameters.get("port").unwrap_or_default().split(',') {
        let port = if port.is_empty() { "5432" } else { port };
        config.port(
            port.parse()
                .ok()
                .context("the port is not a number from 1 to 65535")?,
        );
    }
    Ok(config)
}

fn set(config: &mut Config, name: &str, value: &str) -> Result<()> {
    match name {
        "password" => config.password(value),
        "user" => config.user(value),
        "dbname" => config.dbname(value),
        "options" => config.options(value),
        "application_name" => config.application_name(value),
        "connect_timeout" => match number(name, value)? {
            // No limit.
            ..=0 => config,
            seconds => config.connect_timeout(Duration::from_secs(seconds.max(2).unsigned_abs())),
        },
        "channel_binding" => config.channel_binding(match value {
            "disable" => ChannelBinding::Disable,
            "prefer" => ChannelBinding::Prefer,
            "require" => ChannelBinding::Require,
            _ => bail!("{name} is one of disable, prefer, require, not {value:?}"),
        }),
        "target_session_attrs" => config.target_session_attrs(match value {
            "any" => TargetSessionAttrs::Any,
            // A server that accepts writes is not a standby.
            "read-write" | "primary" => TargetSessionAttrs::ReadWrite,
            "read-only" => TargetSessionAttrs::ReadOnly,
            "standby" | "prefer-standby" => bail!(
                "the connection parameter {name}={value} is not supported: use read-only, or name the standby as host"
            ),
            _ => bail!("{name} is one of any, read-write, read-only, primary, not {value:?}"),
        }),
        "load_balance_hosts" => config.load_balance_hosts(match value {
            "disable" => LoadBalanceHosts::Disable,
            "random" => LoadBalanceHosts::Random,
            _ => bail!("{name} is one of disable, random, not {value:?}"),
        }),
        "sslnegotiation" => config.ssl_negotiation(match value {
            "postgres" => SslNegotiation::Postgres,
            "direct" => SslNegotiation::Direct,
            _ => bail!("{name} is one of postgres, direct, not {value:?}"),
        }),
        "keepalives" => config.keepalives(number(name, value)? != 0),
        "keepalives_idle" => match number(name, value)? {
            ..=0 => config,
            seconds => config.keepalives_idle(Duration::from_secs(seconds.unsigned_abs())),
        },
        "keepalives_interval" => match number(name, value)? {
            ..=0 => config,
            seconds => config.keepalives_interval(Duration::from_secs(seconds.unsigned_abs())),
        },
        "keepalives_count" => match number(name, value)? {
            ..=0 => config,
            count => config.keepalives_retries(u32::try_from(count).unwrap_or(u32::MAX)),
        },
        "tcp_user_timeout" => match number(name, value)? {
            ..=0 => config,
            milliseconds => config.tcp_user_timeout(Duration::from_millis(milliseconds.unsigned_abs())),
        },
        "gssencmode" => match value {
            // Like libpq without GSSAPI support.
            "disable" | "prefer" => config,
            "require" => bail!("the connection parameter gssencmode=require is not supported: use sslmode=verify-full"),
            _ => bail!("{name} is one of disable, prefer, require, not {value:?}"),
        },
        "gssdelegation" if value == "0" => config,
        "gssdelegation" => bail!("the connection parameter gssdelegation is not supported: GSSAPI is not"),
        "client_encoding" if ["auto", "utf8", "utf-8", "unicode"].contains(&value.to_ascii_lowercase().as_str()) => config,
        "client_encoding" => bail!("the connection parameter client_encoding={value} is not supported: this program uses UTF8"),
        "replication" if ["false", "off", "no", "0"].contains(&value) => config,
        "replication" => bail!("the connection parameter replication={value} is not supported: this program sends SQL only"),
        // This program uses version 3.0.
        "min_protocol_version" if value == "3.0" => config,
        "min_protocol_version" => bail!("the connection parameter min_protocol_version={value} is not supported: this program uses version 3.0"),
        "max_protocol_version" if ["3.0", "3.2", "latest"].contains(&value) => config,
        "max_protocol_version" => bail!("max_protocol_version is one of 3.0, 3.2, latest, not {value:?}"),
        name if ELSEWHERE.contains(&name) || WITHOUT_EFFECT.contains(&name) => config,
        name => match REFUSED.iter().find(|(refused, _)| *refused == name) {
            Some((_, instead)) => bail!("the connection parameter {name} is not supported: {instead}"),
            None => bail!("the connection parameter {name:?} is unknown"),
        },
    };
    Ok(())
}

fn number(name: &str, value: &str) -> Result<i64> {
    value
        .trim()
        .parse()
        .ok()
        .with_context(|| format!("{name} is not a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dsn: &str) -> Result<Config> {
        configuration(&Parameters::parse(dsn)?)
    }

    #[test]
    fn parameters_that_protect_are_obeyed() {
        let config = read(
            "channel_binding=require target_session_attrs=read-only load_balance_hosts=random keepalives=0 \
             tcp_user_timeout=1500 sslnegotiation=direct connect_timeout=1",
        )
        .unwrap();
        assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadOnly);
        assert_eq!(config.get_load_balance_hosts(), LoadBalanceHosts::Random);
        assert!(!config.get_keepalives());
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_millis(1500)));
        assert_eq!(config.get_ssl_negotiation(), SslNegotiation::Direct);
        // libpq's minimum.
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(2)));
    }

    #[test]
    fn what_cannot_be_obeyed_is_refused_by_its_name() {
        for parameter in [
            "require_auth=scram-sha-256",
            "requirepeer=postgres",
            "gssencmode=require",
            "gssdelegation=1",
            "target_session_attrs=standby",
            "target_session_attrs=prefer-standby",
            "channel_binding=always",
            "sslpassword=s3cr3t",
            "client_encoding=latin1",
            "replication=database",
            "min_protocol_version=3.2",
            "sslkeylogfile=/tmp/keys",
            "oauth_issuer=https://x",
            "scram_client_key=s3cr3t",
            "keepalives_idle=s3cr3t",
            "no_such_thing=s3cr3t",
        ] {
            let error = read(parameter).unwrap_err().to_string();
            let name = parameter.split('=').next().unwrap();
            assert!(error.contains(name) && !error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_let_through() {
        for parameter in [
            "gssencmode=prefer",
            "krbsrvname=postgres",
            "client_encoding=UTF8",
            "replication=0",
            "sslcompression=0",
        ] {
            assert!(read(parameter).is_ok(), "{parameter}");
        }
    }
}
