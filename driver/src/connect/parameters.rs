//! Collects connection parameters. Precedence: connection string, service file, environment, defaults.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::dsn::Parameters;
use super::files::{self, Login};

/// Environment variables of libpq and their parameters.
const VARIABLES: [(&str, &str); 31] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGGSSDELEGATION", "gssdelegation"),
    ("PGKRBSRVNAME", "krbsrvname"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGMINPROTOCOLVERSION", "min_protocol_version"),
    ("PGMAXPROTOCOLVERSION", "max_protocol_version"),
];

/// The parameters as libpq's environment variables, for another program; parameters without a variable are omitted.
pub(super) fn as_environment(parameters: &Parameters) -> Vec<(&'static str, String)> {
    VARIABLES
        .iter()
        .filter_map(|(variable, name)| Some((*variable, parameters.get(name)?.to_owned())))
        .collect()
}

/// Variables that determine the connection of another program.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    let files = ["PGSERVICE", "PGSERVICEFILE"];
    VARIABLES.iter().map(|(variable, _)| *variable).chain(files)
}

/// The environment as libpq sees it; tests replace it.
pub(crate) trait Environment {
    /// The value of a variable; an empty value counts as unset.
    fn variable(&self, name: &str) -> Option<String>;
    /// The name of the operating system user.
    fn user(&self) -> Option<String>;
}

/// The environment of this process.
pub(crate) struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn user(&self) -> Option<String> {
        Some(
            nix::unistd::User::from_uid(nix::unistd::Uid::effective())
                .ok()??
                .name,
        )
    }
}

/// All parameters, including the password.
pub(super) fn gather(
    dsn: &str,
    flags: &[(&str, &str)],
    environment: &dyn Environment,
    home: Option<&Path>,
) -> Result<Parameters> {
    let mut parameters = Parameters::parse(dsn)?;
    for (name, value) in flags {
        parameters.set_default(name, value);
    }
    add_service(&mut parameters, environment, home)?;
    for (variable, name) in VARIABLES {
        if let Some(value) = environment.variable(variable) {
            parameters.set_default(name, &value);
        }
    }
    add_defaults(&mut parameters, environment)?;
    add_password(&mut parameters, home);
    Ok(parameters)
}

fn add_service(
    parameters: &mut Parameters,
    environment: &dyn Environment,
    home: Option<&Path>,
) -> Result<()> {
    let asked = parameters.get("service").map(str::to_owned);
    let Some(service) = asked.or_else(|| environment.variable("PGSERVICE")) else {
        return Ok(());
    };
    let own = parameters
        .get("servicefile")
        .map(str::to_owned)
        .or_else(|| environment.variable("PGSERVICEFILE"))
        .map(PathBuf::from)
        .or_else(|| {
            home.map(|home| home.join(".pg_service.conf"))
                .filter(|path| path.exists())
        });
    let system = environment
        .variable("PGSYSCONFDIR")
        .map_or_else(|| PathBuf::from("/etc/postgresql-common"), PathBuf::from)
        .join("pg_service.conf");
    for path in own.into_iter().chain(Some(system).filter(|path| path.exists())) {
        if let Some(found) = files::read_service(&path, &service)? {
            for (name, value) in found.iter() {
                parameters.set_default(name, value);
            }
            return Ok(());
        }
    }
    bail!("the service {service:?} is not in a service file (PGSERVICEFILE, ~/.pg_service.conf)")
}

fn add_defaults(parameters: &mut Parameters, environment: &dyn Environment) -> Result<()> {
    let socket_directory = ["/var/run/postgresql", "/tmp"]
        .into_iter()
        .find(|path| Path::new(path).is_dir());
    if parameters.get("hostaddr").is_none() {
        parameters.set_default("host", socket_directory.unwrap_or("localhost"));
    } else if let Some(address) = parameters.get("hostaddr").map(str::to_owned) {
        parameters.set_default("host", &address);
    }
    parameters.set_default("port", "5432");
    if parameters.get("user").is_none() {
        let user = environment
            .user()
            .context("no user given (PGUSER) and the operating system names none")?;
        parameters.set("user", &user);
    }
    let user = parameters.get("user").unwrap_or_default().to_owned();
    parameters.set_default("dbname", &user);
    if parameters.get("fallback_application_name").is_none() {
        parameters.set_default("application_name", "pg_clone");
    }
    Ok(())
}

fn add_password(parameters: &mut Parameters, home: Option<&Path>) {
    if parameters.get("password").is_some() {
        return;
    }
    let file = parameters
        .get("passfile")
        .map(PathBuf::from)
        .or_else(|| home.map(|home| home.join(".pgpass")));
    let first = |name: &str| {
        parameters
            .get(name)
            .unwrap_or_default()
            .split(',')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let (host, port, database, user) = (first("host"), first("port"), first("dbname"), first("user"));
    // libpq looks up the default socket as localhost.
    let host = if host == "/var/run/postgresql" || host == "/tmp" {
        "localhost".to_owned()
    } else {
        host
    };
    let login = Login {
        host: &host,
        port: &port,
        database: &database,
        user: &user,
    };
    let found = file
        .filter(|path| path.exists())
        .and_then(|path| files::read_password(&path, &login));
    if let Some(password) = found {
        parameters.set("password", &password);
    }
}
