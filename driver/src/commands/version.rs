//! `pg_clone version`: the versions of the command and of the extension, and whether they work together.

use anyhow::Result;
use serde_json::json;

use super::Context;
use crate::args::VERSION;
use crate::connect::extension::advice;
use crate::failure::Exit;

const EXTENSION: &str = "SELECT pg_catalog.current_setting('server_version'), a.installed_version, a.default_version \
     FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_available_extensions AS a ON a.name = 'pg_clone_ext'";

pub(super) async fn run(context: &mut Context) -> Result<Exit> {
    context.output.line(format!("pg_clone {VERSION}"));
    let asked = async {
        let target = context.target()?;
        let session = context.session(&target).await?;
        session.query_one(EXTENSION, &[]).await
    };
    let row = match asked.await {
        Ok(row) => row,
        Err(error) => {
            context.output.line(format!("no server was asked: {error:#}"));
            context
                .output
                .document(&json!({"pg_clone": VERSION, "server": null, "pg_clone_ext": null}));
            return Ok(Exit::Done);
        }
    };
    let server: String = row.try_get(0)?;
    let (installed, available): (Option<String>, Option<String>) = (row.try_get(1)?, row.try_get(2)?);
    context.output.line(format!("PostgreSQL {server}"));
    context.output.line(match &installed {
        Some(version) => format!("pg_clone_ext {version}"),
        None => "pg_clone_ext is not installed in this database".to_owned(),
    });
    let advice = advice(
        env!("CARGO_PKG_VERSION"),
        installed.as_deref(),
        available.as_deref(),
    );
    if let Some(advice) = &advice {
        context.output.line(advice);
    }
    context.output.document(&json!({
        "pg_clone": VERSION, "server": server, "pg_clone_ext": installed, "available": available, "advice": advice,
    }));
    Ok(if advice.is_none() {
        Exit::Done
    } else {
        Exit::Failed
    })
}
