//! The extension in the database: its schema, and whether its version works with this command.

use anyhow::Result;

use super::session::Session;
use crate::failure::Hinted;

const EXTENSION: &str = "SELECT pg_catalog.quote_ident(n.nspname), e.extversion, a.default_version \
     FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace \
     LEFT JOIN pg_catalog.pg_available_extensions AS a ON a.name = e.extname WHERE e.extname = 'pg_clone_ext'";

/// The version of this command.
const OWN: &str = env!("CARGO_PKG_VERSION");

impl Session {
    /// The quoted schema of the extension's functions.
    ///
    /// # Errors
    /// The extension is not in this database, or its version differs from this command's in the first two numbers: its
    /// functions may differ.
    pub async fn extension_schema(&self) -> Result<String> {
        self.check_extension().await?.ok_or_else(|| {
            Hinted::new(
                "the extension pg_clone_ext is not installed in this database",
                "As a superuser run there: CREATE EXTENSION pg_clone_ext;",
            )
            .into()
        })
    }

    /// The quoted schema of the extension's functions; `None` without the extension, because a queue of files can be in a
    /// database of its own.
    ///
    /// # Errors
    /// The extension's version differs from this command's in the first two numbers.
    pub async fn check_extension(&self) -> Result<Option<String>> {
        let rows = self.query(EXTENSION, &[]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let (installed, available): (String, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
        match advice(OWN, Some(&installed), available.as_deref()) {
            Some(advice) => Err(Hinted::new(
                format!("pg_clone {OWN} does not work with pg_clone_ext {installed} in this database"),
                advice,
            )
            .into()),
            None => Ok(Some(row.try_get(0)?)),
        }
    }
}

/// The hint for a missing or incompatible extension. Versions are compatible if their first two numbers are equal.
pub(crate) fn advice(own: &str, installed: Option<&str>, available: Option<&str>) -> Option<String> {
    let Some(installed) = installed else {
        return Some(match available {
            Some(_) => "As a superuser run: CREATE EXTENSION pg_clone_ext;".to_owned(),
            None => {
                format!("Install pg_clone_ext {own} on the server, then run: CREATE EXTENSION pg_clone_ext;")
            }
        });
    };
    let (ours, theirs) = (series(own), series(installed));
    if ours == theirs {
        return None;
    }
    Some(if ours < theirs {
        format!("Upgrade pg_clone to {installed}.")
    } else if available.is_some_and(|available| series(available) >= ours) {
        "As a superuser run: ALTER EXTENSION pg_clone_ext UPDATE;".to_owned()
    } else {
        format!("Install pg_clone_ext {own} on the server, then run: ALTER EXTENSION pg_clone_ext UPDATE;")
    })
}

/// The first two numbers of a version: releases that share them work together.
fn series(version: &str) -> Vec<u32> {
    version
        .split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .take(2)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_says_what_to_upgrade() {
        assert_eq!(advice("0.2.0", Some("0.2.0"), Some("0.2.0")), None);
        assert_eq!(advice("0.2.0", Some("0.2.7"), Some("0.2.7")), None);
        let told = |own, installed, available| advice(own, installed, available).unwrap();
        assert!(told("0.2.0", Some("0.1.0"), Some("0.2.0")).contains("ALTER EXTENSION"));
        assert!(told("0.2.0", Some("0.1.0"), Some("0.1.0")).starts_with("Install pg_clone_ext 0.2.0"));
        assert!(told("0.2.0", Some("0.10.0"), Some("0.10.0")).contains("pg_clone to 0.10.0"));
        assert!(told("0.2.0", None, Some("0.2.0")).contains("CREATE EXTENSION"));
        assert!(told("0.2.0", None, None).starts_with("Install"));
    }
}
