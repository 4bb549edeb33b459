//! `options.triggers = skip`: who may leave triggers out, and where they can be left out.
//!
//! A plain table is filled without its user triggers, and whatever its constraints call runs as always. Any other table is filled by a
//! statement under `session_replication_role = replica`, which also leaves out the triggers of what the statement's functions write,
//! and what the server does to check foreign keys and deferrable unique constraints.

use crate::catalog::relations_below::{PARTS, READ_BY_VIEWS};
use crate::pg::query::text;
use crate::run::copy;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{InsertPath, Table};

/// A table whose triggers cannot be left out is an error (0A000), and so is one whose triggers the caller may not leave out (42501).
pub fn check(run: &Run) -> Result<()> {
    if !run.request.options.skip_triggers {
        return Ok(());
    }
    for copy in &run.table_copies {
        let Some(table) = run.store.table(copy.table) else {
            continue;
        };
        if run.left_to_finish(table.oid) || !table.may_fire_triggers() {
            continue;
        }
        match copy::path(run, copy) {
            InsertPath::Bulk => owns(table)?,
            InsertPath::Sql(_) if table.kind == "v" => refuse_view(table)?,
            InsertPath::Sql(_) if table.triggers.is_none() => {}
            InsertPath::Sql(why) => {
                refuse(table)?;
                may_set_replica(table, &why)?;
            }
        }
    }
    Ok(())
}

/// Requires ownership, as for disabling the triggers of a table.
fn owns(table: &Table) -> Result<()> {
    let refused = text(&format!(
        "SELECT 'no'::pg_catalog.text FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) {0}::pg_catalog.oid \
         AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') \
         AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.tgisinternal)",
        table.oid
    ))?;
    match refused {
        None => Ok(()),
        Some(_) => Err(Error::new(
            Code::NotAllowed,
            format!("must be owner of table {} to skip its triggers", table.sql_name),
        )
        .hint("Let the triggers fire (options.triggers = fire), or call it as a role that owns the table.")),
    }
}

/// Requires the privilege for the setting: it is no question of one table.
fn may_set_replica(table: &Table, why: &str) -> Result<()> {
    let refused = text(
        "SELECT pg_catalog.quote_ident(CURRENT_USER) WHERE NOT pg_catalog.has_parameter_privilege('session_replication_role', 'SET')",
    )?;
    match refused {
        None => Ok(()),
        Some(role) => Err(Error::new(
            Code::NotAllowed,
            format!("permission denied to skip the triggers of {}", table.sql_name),
        )
        .detail(format!(
            "The table is filled by a statement ({why}), whose triggers are skipped by session_replication_role."
        ))
        .hint(format!(
            "Let the triggers fire (options.triggers = fire), or as superuser: GRANT SET ON PARAMETER session_replication_role TO {role}."
        ))),
    }
}

/// A view with a trigger, or with one on a table below it or on a partition of that.
fn refuse_view(view: &Table) -> Result<()> {
    let found = text(&format!(
        "WITH RECURSIVE below (oid) AS (SELECT {}::pg_catalog.oid UNION SELECT e.below FROM below AS b \
           JOIN ({READ_BY_VIEWS} UNION ALL {PARTS}) AS e ON e.above OPERATOR(pg_catalog.=) b.oid) \
         SELECT pg_catalog.format('%I of %s', t.tgname, t.tgrelid::pg_catalog.regclass) FROM below AS b \
         JOIN pg_catalog.pg_trigger AS t ON t.tgrelid OPERATOR(pg_catalog.=) b.oid AND NOT t.tgisinternal AND t.tgenabled OPERATOR(pg_catalog.<>) 'D' \
         ORDER BY t.tgrelid, t.tgname LIMIT 1",
        view.oid
    ))?;
    match found {
        None => Ok(()),
        Some(trigger) => Err(Error::new(
            Code::Unsupported,
            format!("trigger {trigger} cannot be skipped, because rows get there through the view {}", view.sql_name),
        )
        .hint("Let the triggers fire (options.triggers = fire), or describe the table below the view instead of the view.")),
    }
}

/// What the setting would do beside leaving out the triggers of this table.
fn refuse(table: &Table) -> Result<()> {
    let relations = format!(
        "SELECT {0}::pg_catalog.oid AS oid UNION SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree({0}::pg_catalog.oid::pg_catalog.regclass) AS p",
        table.oid
    );
    let always = text(&format!(
        "SELECT pg_catalog.format('ALTER TABLE %s ENABLE TRIGGER %I;', t.tgrelid::pg_catalog.regclass, t.tgname) \
         FROM ({relations}) AS r JOIN pg_catalog.pg_trigger AS t ON t.tgrelid OPERATOR(pg_catalog.=) r.oid \
         WHERE NOT t.tgisinternal AND t.tgenabled OPERATOR(pg_catalog.=) ANY ('{{A,R}}'::pg_catalog.\"char\"[]) ORDER BY t.tgrelid, t.tgname LIMIT 1"
    ))?;
    if let Some(call) = always {
        return Err(Error::new(
            Code::Unsupported,
            format!(
                "a trigger of {} cannot be skipped, because it is enabled for replicas",
                table.sql_name
            ),
        )
        .hint(format!(
            "Let the triggers fire (options.triggers = fire), or as the table's owner: {call}"
        )));
    }
    let unchecked = text(&format!(
        "SELECT pg_catalog.format('%I of %s', c.conname, c.conrelid::pg_catalog.regclass) \
         FROM ({relations}) AS r JOIN pg_catalog.pg_constraint AS c ON c.conrelid OPERATOR(pg_catalog.=) r.oid \
         WHERE c.contype OPERATOR(pg_catalog.=) ANY ('{{p,u,x}}'::pg_catalog.\"char\"[]) AND c.condeferrable \
         OR c.contype OPERATOR(pg_catalog.=) 'f' AND c.conparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid \
         AND c.conrelid OPERATOR(pg_catalog.<>) {}::pg_catalog.oid ORDER BY 1 LIMIT 1",
        table.oid
    ))?;
    match unchecked {
        None => Ok(()),
        Some(constraint) => Err(Error::new(
            Code::Unsupported,
            format!(
                "the triggers of {} cannot be skipped, because constraint {constraint} would not be checked",
                table.sql_name
            ),
        )
        .hint(format!(
            "Let the triggers fire (options.triggers = fire), or switch them off while the project is cloned: ALTER TABLE {} DISABLE TRIGGER USER.",
            table.sql_name
        ))),
    }
}
