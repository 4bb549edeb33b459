//! Finds a PostgreSQL installation with a server.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Major versions of PostgreSQL that the extension supports, oldest first.
pub const SUPPORTED_MAJORS: std::ops::RangeInclusive<u32> = 15..=18;

/// One PostgreSQL installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    bin: PathBuf,
    /// Major version, e.g. 15.
    pub major: u32,
}

impl Installation {
    /// The installation that the environment variable `PG_CONFIG` names; else the one of `pg_config` on the path; else the
    /// newest supported one in the places where distributions put it.
    ///
    /// # Errors
    /// `PG_CONFIG` is not the path of a supported installation with a server, or no installation is found.
    pub fn find() -> Result<Self> {
        if let Some(program) = std::env::var_os("PG_CONFIG").filter(|value| !value.is_empty()) {
            return Self::of_pg_config(Path::new(&program))
                .with_context(|| format!("PG_CONFIG={} is of no use", program.display()));
        }
        if let Ok(found) = Self::of_pg_config(Path::new("pg_config")) {
            return Ok(found);
        }
        SUPPORTED_MAJORS
            .rev()
            .flat_map(|major| {
                [
                    "/usr/lib/postgresql/{}/bin",
                    "/usr/pgsql-{}/bin",
                    "/opt/homebrew/opt/postgresql@{}/bin",
                ]
                .map(|place| (major, PathBuf::from(place.replace("{}", &major.to_string()))))
            })
            .find_map(|(major, bin)| Self::with_server(bin, major).ok())
            .with_context(|| {
                format!(
                    "no PostgreSQL server of version {} to {} found: install one (Debian: apt-get install \
                     postgresql-15) or set PG_CONFIG to its pg_config",
                    SUPPORTED_MAJORS.start(),
                    SUPPORTED_MAJORS.end()
                )
            })
    }

    /// Path of one of the installation's programs, e.g. `initdb`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// The installation that a `pg_config` belongs to.
    ///
    /// # Errors
    /// It cannot be run, or has no supported server.
    pub fn of_pg_config(pg_config: &Path) -> Result<Self> {
        let ask = |option: &str| -> Result<String> {
            let output = Command::new(pg_config)
                .arg(option)
                .output()
                .with_context(|| format!("cannot run {}", pg_config.display()))?;
            if !output.status.success() {
                bail!("{} {option} failed", pg_config.display());
            }
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let version = ask("--version")?;
        let major = major_of(&version).with_context(|| format!("cannot read the version {version:?}"))?;
        if !SUPPORTED_MAJORS.contains(&major) {
            bail!(
                "{version} is not supported (versions {} to {} are)",
                SUPPORTED_MAJORS.start(),
                SUPPORTED_MAJORS.end()
            );
        }
        Self::with_server(PathBuf::from(ask("--bindir")?), major)
    }

    fn with_server(bin: PathBuf, major: u32) -> Result<Self> {
        for program in ["postgres", "initdb", "pg_ctl"] {
            if !bin.join(program).is_file() {
                bail!(
                    "{} has no {program}: the server is not installed there",
                    bin.display()
                );
            }
        }
        Ok(Self { bin, major })
    }
}

/// `PostgreSQL 15.20 (Debian …)` and `PostgreSQL 18beta1` → 15 and 18.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(1)?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_pg_config_prints() {
        assert_eq!(major_of("PostgreSQL 15.20 (Debian 15.20-0+deb12u1)"), Some(15));
        assert_eq!(major_of("PostgreSQL 18beta1"), Some(18));
        assert_eq!(major_of("something"), None);
    }

    #[test]
    fn a_directory_without_a_server_is_refused() {
        let error = Installation::with_server(PathBuf::from("/nonexistent"), 15).unwrap_err();
        assert!(error.to_string().contains("has no postgres"), "{error}");
    }
}
