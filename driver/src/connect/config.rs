//! Turns libpq's parameters into tokio-postgres' configuration.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;

use super::dsn::Parameters;

/// Parameters that libpq knows and we have no use for: accepted, because a service file or URL may be shared with psql.
const IGNORED: [&str; 18] = [
    "channel_binding",
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "keepalives_count",
    "keepalives_interval",
    "load_balance_hosts",
    "replication",
    "require_auth",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
    "sslsni",
    "ssl_min_protocol_version",
    "tcp_user_timeout",
];

/// The configuration, TLS aside.
pub(super) fn configuration(parameters: &Parameters) -> Result<Config> {
    const KNOWN: [&str; 9] = [
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "service",
        "passfile",
        "keepalives",
        "keepalives_idle",
        "target_session_attrs",
    ];
    let mut config = Config::new();
    for name in parameters.names() {
        let Some(value) = parameters.get(name) else {
            continue;
        };
        match name {
            "password" => config.password(value),
            "user" => config.user(value),
            "dbname" => config.dbname(value),
            "options" => config.options(value),
            "application_name" => config.application_name(value),
            "connect_timeout" => {
                let seconds: u64 = value
                    .parse()
                    .ok()
                    .context("connect_timeout is not a whole number of seconds")?;
                // 0 means no limit.
                if seconds == 0 {
                    &mut config
                } else {
                    config.connect_timeout(Duration::from_secs(seconds))
                }
            }
            "host" | "port" | "hostaddr" => &mut config,
            name if KNOWN.contains(&name) || IGNORED.contains(&name) => &mut config,
            name => bail!("the connection parameter {name:?} is unknown"),
        };
    }
    match parameters.get("target_session_attrs") {
        Some("read-write" | "primary") => config.target_session_attrs(TargetSessionAttrs::ReadWrite),
        _ => &mut config,
    };
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
