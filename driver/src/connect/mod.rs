//! Connection parameters: `--dsn`, libpq's environment variables, service file and password file, with libpq's precedence.

mod config;
mod dsn;
pub(crate) mod extension;
mod files;
mod parameters;
pub(crate) mod session;
mod tls;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::Config;
use tokio_postgres::types::Type;
use tokio_postgres_rustls::MakeRustlsConnect;

use config::configuration;
use dsn::Parameters;
use parameters::{as_environment, gather, variables};
use tls::TlsChoice;

use crate::failure::{Hinted, NO_CONNECTION};

pub(crate) use parameters::{Environment, ProcessEnvironment};

/// A setting that identifies a session of this program: no pooler forwards it.
const MARK: &str = "pg_clone_driver.session";

/// Resolved connection parameters. [`fmt::Display`] never shows the password.
#[derive(Clone)]
pub struct Target {
    config: Config,
    tls: MakeRustlsConnect,
    description: String,
    /// The value of the setting [`MARK`].
    mark: String,
    /// The same parameters as environment variables, for programs that use libpq.
    environment: Vec<(&'static str, String)>,
}

impl Target {
    /// Resolves the parameters. Precedence: `dsn`, service file, environment, libpq's defaults.
    #[cfg(test)]
    pub(crate) fn resolve(dsn: Option<&str>, environment: &dyn Environment) -> Result<Self> {
        Self::resolve_with(dsn, &[], environment)
    }

    /// As [`Self::resolve`], with parameters from flags; as in libpq, a connection string overrides them.
    pub(crate) fn resolve_with(
        dsn: Option<&str>,
        flags: &[(&str, &str)],
        environment: &dyn Environment,
    ) -> Result<Self> {
        let home = environment.variable("HOME").map(PathBuf::from);
        let parameters = gather(dsn.unwrap_or_default(), flags, environment, home.as_deref())?;
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
            mark: uuid::Uuid::new_v4().to_string(),
            environment: as_environment(&parameters),
        })
    }

    /// A target with known parameters, without TLS.
    pub(crate) fn plain(config: Config, description: &str) -> Result<Self> {
        let tls = TlsChoice::of(&Parameters::parse("sslmode=disable")?, None)?.connector()?;
        Ok(Self {
            config,
            tls,
            description: description.to_owned(),
            mark: uuid::Uuid::new_v4().to_string(),
            environment: Vec::new(),
        })
    }

    /// Makes another program connect to this target. The password is in its environment, which only this user and root can read.
    pub(crate) fn in_environment<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        self.clear_environment(command);
        command.envs(
            self.environment
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        )
    }

    /// Removes libpq's variables from the environment of another program.
    pub(crate) fn clear_environment(&self, command: &mut Command) {
        for variable in variables() {
            command.env_remove(variable);
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// The configuration of a connection that must keep its session: locks, LISTEN, prepared statements. Its settings are
    /// startup parameters, so that none remains in a connection that a pooler gives to another client. `search_path` is fixed,
    /// and `synchronous_commit` is off: if the server crashes and loses a record, the next worker finds the file complete and
    /// records it again. Keepalives detect a dead client within a minute.
    pub(crate) fn session_config(&self) -> Config {
        let mut config = self.config.clone();
        let own = format!(
            "-c search_path=pg_catalog,pg_temp -c synchronous_commit=off -c tcp_keepalives_idle=20 \
             -c tcp_keepalives_interval=10 -c tcp_keepalives_count=4 -c {MARK}={}",
            self.mark
        );
        let options = [self.config.get_options().unwrap_or_default(), &own].join(" ");
        config.options(options.trim_start());
        config
    }

    /// Checks that connections of [`Target::session_config`] have a session of their own.
    ///
    /// # Errors
    /// The server cannot be reached, or the connection goes through a pooler.
    pub(crate) async fn check_session(&self) -> Result<()> {
        let connected = self.session_config().connect(self.tls()).await;
        let (client, connection) = connected.map_err(|error| {
            if is_refused_parameter(&error) {
                no_session()
            } else {
                anyhow::Error::new(error).context(format!("{NO_CONNECTION} {self}"))
            }
        })?;
        tokio::spawn(connection);
        let statement = "SELECT pg_catalog.current_setting($1, true)";
        let row = client.query_typed_one(statement, &[(&MARK, Type::TEXT)]).await?;
        if row.get::<_, Option<String>>(0).as_deref() != Some(&self.mark) {
            return Err(no_session());
        }
        Ok(())
    }

    /// A pool of up to `size` connections with a session of their own.
    ///
    /// # Errors
    /// It cannot be created.
    pub(crate) fn session_pool(&self, size: usize) -> Result<Pool> {
        self.pool_of(self.session_config(), size)
    }

    /// A pool of up to `size` connections, opened on demand.
    pub(crate) fn pool(&self, size: usize) -> Result<Pool> {
        self.pool_of(self.config.clone(), size)
    }

    fn pool_of(&self, config: Config, size: usize) -> Result<Pool> {
        let manager_config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(config, self.tls.clone(), manager_config);
        Pool::builder(manager)
            .max_size(size)
            .build()
            .context("cannot make a pool of connections")
    }
}

/// Whether the error is that of a pooler or an old server that does not know a startup parameter.
fn is_refused_parameter(error: &tokio_postgres::Error) -> bool {
    error
        .as_db_error()
        .is_some_and(|error| error.message().contains("startup parameter"))
}

fn no_session() -> anyhow::Error {
    Hinted::new(
        "the connection goes through a connection pooler, and copying files needs a session of its own",
        "Connect to the server itself, e.g. with another port in --dbname; commands other than blobs run and worker also run through a pooler, clone and delete with --blobs-later.",
    )
    .into()
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
        let directory = std::env::temp_dir().join(format!("pg_clone-connect-{}", std::process::id()));
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
