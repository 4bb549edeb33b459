//! Clones a project on a private server that this command starts, for target servers without the extension.
//!
//! The private server has the extension and the target's tables without rows. The rows of the source are copied there and
//! cloned there, with values of the target's sequences as keys. Then the clone's rows are copied to the target in one transaction.

mod keys;
mod order;
mod rows;
mod server;

use anyhow::{Context as _, Result};

use self::rows::Pump;
use super::clone_rows::{Destination, Moved, Source, clone_staged, stage};
use crate::connect::session::Session;
use crate::progress::Progress;

pub use server::{Description, LocalServer};

/// Clones a project of the source into `to.rows_for`, a server without the extension. `to.session` is a session on the private server.
///
/// # Errors
/// Those of all servers; tables that differ with loss of data; a cycle of foreign keys that allows no order of inserts. The
/// target's tables are unchanged then; values of its sequences are used up.
pub async fn move_locally(
    source: &mut impl Source,
    to: &Destination<'_>,
    progress: &mut Progress,
) -> Result<Moved> {
    let work = async {
        let prepared = to.interrupt.or(source.prepare(to)).await?;
        let names: Vec<String> = prepared
            .tables
            .iter()
            .map(|table| table.relation.clone())
            .collect();
        let plan = order::of(to.session, &names).await?;
        to.rows_for.begin().await?;
        let result = async {
            to.rows_for.execute("SET CONSTRAINTS ALL DEFERRED").await?;
            to.session.begin().await?;
            let (staging, read) = stage(source, to, &prepared, progress).await?;
            let pump = Pump {
                private: to.session,
                target: to.rows_for,
            };
            let project_table = project_table(to.session, &names).await?;
            pump.take_shared_rows(&staging, &prepared.keys).await?;
            pump.take_all(&project_table).await?;
            keys::reserve(to.rows_for, to.session, &names, &read).await?;
            let (project, run) = clone_staged(to, &staging, &read, progress).await?;
            progress.phase("writing into the target");
            let writing = pump.write(to, run, &project_table, &plan, progress);
            to.interrupt.or(writing).await?;
            anyhow::Ok(Moved { project, run, read })
        }
        .await;
        let moved = to.rows_for.end(result).await?;
        // The queue of files is in this transaction.
        to.session.execute("COMMIT").await?;
        anyhow::Ok(moved)
    };
    let moved = work.await;
    progress.finish();
    moved.with_context(|| format!("cannot clone the project {:?}", to.request.source))
}

async fn project_table(private: &Session, names: &Vec<String>) -> Result<String> {
    let row = private
        .query_one(
            "SELECT t.name FROM pg_catalog.unnest($1::text[]) AS t (name) WHERE EXISTS (SELECT FROM clone.store_relation r \
             WHERE r.role = 'project' AND r.relation = pg_catalog.to_regclass(t.name))",
            &[names],
        )
        .await
        .context("the store has no table of projects")?;
    Ok(row.try_get(0)?)
}
