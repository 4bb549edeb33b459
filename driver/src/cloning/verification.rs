//! Verifies a clone on the server, checks its files, and prints the result.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::blobs::{self, AllowedLocations};
use crate::connect::Target;
use crate::connect::session::Session;
use crate::output::{Output, thousands};

/// Maximum number of failed checks in text output.
const FAILURES_SHOWN: usize = 50;

/// The store of the run that created the project, if the store has files. Where ids are texts, `ACME` and `acme` are two projects; a UUID and a
/// `citext` may be written in other letters.
const STORE_WITH_FILES: &str = "SELECT r.store, r.target_project FROM clone.run r JOIN clone.store s ON s.name = r.store \
     WHERE (r.target_project = $1 OR pg_catalog.lower(r.target_project) = pg_catalog.lower($1) AND NOT EXISTS ( \
         SELECT FROM clone.store_relation p JOIN clone.store_column k ON k.store = p.store AND k.relation = p.relation AND k.name = p.id_column \
         WHERE p.store = r.store AND p.role = 'project' AND k.type ~ '^(text|character|name)')) \
     AND ($2::text IS NULL OR r.store = $2) AND s.options ? 'blobs' \
     ORDER BY r.target_project = $1 DESC, r.id DESC LIMIT 1";

/// One check of `project_clone_verify`.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Check {
    check_name: String,
    subject: String,
    expected: Option<String>,
    found: Option<String>,
    ok: bool,
}

/// All checks of one clone.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Verification {
    project: String,
    ok: bool,
    checks: Vec<Check>,
}

impl Verification {
    /// Runs `project_clone_verify`.
    ///
    /// # Errors
    /// Those of the server, e.g. if the project is not a clone.
    pub async fn run(
        session: &Session,
        schema: &str,
        project: &str,
        store: Option<&str>,
        columns: bool,
        sample: Option<i64>,
    ) -> Result<Self> {
        let statement = format!(
            "SELECT check_name, subject, expected, found, ok FROM {schema}.project_clone_verify($1::text, store => $2::text, \
             columns => $3, sample => $4)"
        );
        let rows = session
            .query(&statement, &[&project, &store, &columns, &sample])
            .await
            .with_context(|| format!("cannot verify the project {project:?}"))?;
        let checks = rows
            .iter()
            .map(|row| {
                Ok(Check {
                    check_name: row.try_get(0)?,
                    subject: row.try_get::<_, Option<String>>(1)?.unwrap_or_default(),
                    expected: row.try_get(2)?,
                    found: row.try_get(3)?,
                    // A check without a result counts as failed.
                    ok: row.try_get::<_, Option<bool>>(4)?.unwrap_or(false),
                })
            })
            .collect::<Result<Vec<Check>>>()?;
        anyhow::ensure!(
            !checks.is_empty(),
            "project_clone_verify made no check of {project:?}"
        );
        Ok(Self {
            project: project.to_owned(),
            ok: checks.iter().all(|check| check.ok),
            checks,
        })
    }

    /// Checks the file of every row that has one, and adds the results as checks. Does nothing for a store without files.
    ///
    /// # Errors
    /// The database or the location of the files cannot be read.
    pub async fn add_files(
        &mut self,
        session: &Session,
        target: &Target,
        store: Option<&str>,
        allowed: &AllowedLocations,
    ) -> Result<()> {
        let Some(row) = session
            .query(STORE_WITH_FILES, &[&self.project, &store])
            .await?
            .into_iter()
            .next()
        else {
            return Ok(());
        };
        let store: String = row.try_get(0)?;
        // As the run has recorded it: the caller may have written it in other letters.
        let project: String = row.try_get(1)?;
        let report = blobs::verify(&target.pool(1)?, &store, &project, allowed)
            .await
            .with_context(|| format!("cannot look for the files of {:?}", self.project))?;
        let found = report.checked - report.faulty;
        self.checks.push(Check {
            check_name: "files".to_owned(),
            subject: store,
            expected: Some(report.checked.to_string()),
            found: Some(found.to_string()),
            ok: report.faulty == 0,
        });
        self.checks.extend(report.faults.into_iter().map(|fault| Check {
            check_name: "file".to_owned(),
            subject: format!("{} {}", fault.relation, fault.id),
            expected: Some(fault.key),
            found: Some(fault.fault),
            ok: false,
        }));
        self.ok &= report.faulty == 0;
        Ok(())
    }

    /// Whether every check passed.
    pub const fn is_ok(&self) -> bool {
        self.ok
    }

    /// Prints a line per kind of check, and the failures.
    pub fn print(&self, output: &mut Output) {
        let mut kinds: Vec<(&str, usize, usize)> = Vec::new();
        for check in &self.checks {
            let passed = usize::from(check.ok);
            match kinds.iter_mut().find(|(name, ..)| *name == check.check_name) {
                Some((_, ok, all)) => {
                    *ok += passed;
                    *all += 1;
                }
                None => kinds.push((&check.check_name, passed, 1)),
            }
        }
        output.table(
            &["check", ">passed", ">of", ""],
            kinds.iter().map(|(name, ok, all)| {
                let verdict = if ok == all { "ok" } else { "NOT OK" };
                vec![
                    (*name).to_owned(),
                    thousands(*ok as i64),
                    thousands(*all as i64),
                    verdict.to_owned(),
                ]
            }),
        );
        let failures: Vec<&Check> = self.checks.iter().filter(|check| !check.ok).collect();
        for check in failures.iter().take(FAILURES_SHOWN) {
            output.line(format!(
                "  {} {}: expected {}, found {}",
                check.check_name,
                check.subject,
                check.expected.as_deref().unwrap_or("nothing"),
                check.found.as_deref().unwrap_or("nothing")
            ));
        }
        if failures.len() > FAILURES_SHOWN {
            output.line(format!("  and {} more", failures.len() - FAILURES_SHOWN));
        }
        let verdict = if self.ok { "verified" } else { "NOT verified" };
        output.line(format!(
            "Project {} {verdict}: {} checks",
            self.project,
            thousands(self.checks.len() as i64)
        ));
    }
}
