//! Where to connect to: `--dsn`, libpq's environment variables, its service and password files, in libpq's order.

mod dsn;
mod files;
mod tls;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres_rustls::MakeRustlsConnect;

use dsn::Parameters;
use files::Login;
use tls::TlsChoice;

/// Environment variables of libpq and the parameter each one stands for.
const VARIABLES: [(&str, &str); 15] = [
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
];

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

/// The environment as libpq sees it; a test gives its own.
pub(crate) trait Environment {
    /// The value of a variable; unset and empty are the same.
    fn variable(&self, name: &str) -> Option<String>;
    /// The name of the user at the operating system.
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

/// A resolved place to connect to. Its [`fmt::Display`] never shows the password.
#[derive(Clone)]
pub struct Target {
    config: Config,
    tls: MakeRustlsConnect,
    description: String,
}

impl Target {
    /// Resolves `dsn` over the service file over the environment over libpq's defaults.
    pub(crate) fn resolve(dsn: Option<&str>, environment: &dyn Environment) -> Result<Self> {
        let home = environment.variable("HOME").map(PathBuf::from);
        let mut parameters = Parameters::parse(dsn.unwrap_or_default())?;
        add_service(&mut parameters, environment, home.as_deref())?;
        for (variable, name) in VARIABLES {
            if let Some(value) = environment.variable(variable) {
                parameters.set_default(name, &value);
            }
        }
        add_defaults(&mut parameters, environment)?;
        add_password(&mut parameters, home.as_deref());

        let tls = TlsChoice::of(&parameters, home.as_deref())?;
        let mut config = configuration(&parameters)?;
        config.ssl_mode(tls.mode);
        let part = |name: &str| parameters.get(name).unwrap_or_default();
        let description = format!(
            "{}@{}:{}/{}",
            part("user"),
            part("host"),
            part("port"),
            part("dbname")
        );
        Ok(Self {
            config,
            tls: tls.connector()?,
            description,
        })
    }

    /// A place whose parameters are known, reached without TLS.
    pub(crate) fn plain(config: Config, description: &str) -> Result<Self> {
        let tls = TlsChoice::of(&Parameters::parse("sslmode=disable")?, None)?.connector()?;
        Ok(Self {
            config,
            tls,
            description: description.to_owned(),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// A pool of up to `size` connections, made when they are asked for.
    pub(crate) fn pool(&self, size: usize) -> Result<Pool> {
        let manager_config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), manager_config);
        Pool::builder(manager)
            .max_size(size)
            .build()
            .context("cannot make a pool of connections")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.description).finish()
    }
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
    let own = environment
        .variable("PGSERVICEFILE")
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
    parameters.set_default("application_name", "pgclone");
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
    // libpq looks a default socket up as localhost.
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

fn configuration(parameters: &Parameters) -> Result<Config> {
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    struct Fixed(HashMap<&'static str, String>);

    impl Environment for Fixed {
        fn variable(&self, name: &str) -> Option<String> {
            self.0.get(name).cloned()
        }

        fn user(&self) -> Option<String> {
            Some("os".to_owned())
        }
    }

    fn environment(pairs: &[(&'static str, &str)]) -> Fixed {
        Fixed(
            pairs
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn the_connection_string_wins_over_the_environment() {
        let env = environment(&[("PGHOST", "env"), ("PGPORT", "1"), ("PGPASSWORD", "s3cr3t")]);
        let target = Target::resolve(Some("host=dsn dbname=shop"), &env).unwrap();
        assert_eq!(target.to_string(), "os@dsn:1/shop");
        assert_eq!(target.config().get_password(), Some(&b"s3cr3t"[..]));
    }

    #[test]
    fn nothing_given_means_the_local_socket_and_the_operating_systems_user() {
        let target = Target::resolve(None, &environment(&[])).unwrap();
        assert!(target.to_string().starts_with("os@"), "{target}");
        assert!(target.to_string().ends_with(":5432/os"), "{target}");
    }

    #[test]
    fn no_way_to_print_a_target_shows_its_password() {
        let target = Target::resolve(Some("postgres://anna:s3cr3t@db/x"), &environment(&[])).unwrap();
        for shown in [
            format!("{target}"),
            format!("{target:?}"),
            format!("{:?}", target.config()),
        ] {
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
    }

    #[test]
    fn the_service_and_password_files_are_read() {
        use std::os::unix::fs::PermissionsExt;
        let directory = std::env::temp_dir().join(format!("pgclone-connect-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (service, password) = (directory.join("service"), directory.join("pass"));
        std::fs::write(&service, "[work]\nhost=db\nport=7\nuser=anna\ndbname=shop\n").unwrap();
        std::fs::write(&password, "db:7:shop:anna:from file\n").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let env = environment(&[
            ("PGSERVICE", "work"),
            ("PGHOST", "loses"),
            ("PGSERVICEFILE", &service.to_string_lossy()),
            ("PGPASSFILE", &password.to_string_lossy()),
        ]);
        let target = Target::resolve(None, &env).unwrap();
        let unknown = Target::resolve(Some("service=other"), &env);
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = Target::resolve(None, &env).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();

        assert_eq!(target.to_string(), "anna@db:7/shop");
        assert_eq!(target.config().get_password(), Some(&b"from file"[..]));
        assert_eq!(
            open.config().get_password(),
            None,
            "a password file that others read is ignored"
        );
        assert!(unknown.unwrap_err().to_string().contains("\"other\""));
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_name_only() {
        let error = Target::resolve(Some("hots=s3cr3t"), &environment(&[]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"hots\"") && !error.contains("s3cr3t"), "{error}");
    }
}
