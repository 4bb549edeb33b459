//! `clone.run` and its details: `clone.run_table`, `clone.run_dangling`, `clone.run_identity`.

use crate::error::internal;
use crate::pg::privileges::{AsExtensionOwner, current_user, current_user_oid};
use crate::pg::value::json_text::JsonText;
use crate::prepared;
use pg_clone_core::error::{Code, Error, Result, shown};
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::{JsonB, Spi};
use serde_json::Value;

/// Rows per INSERT.
const BATCH: usize = 1000;

/// A run that cloned a project.
pub struct ProjectRun<'r> {
    /// Its number, from [`next_id`].
    pub id: i64,
    /// The store.
    pub store: &'r str,
    /// The project that was cloned.
    pub source: &'r str,
    /// The clone.
    pub target: &'r str,
    /// The argument name of the call.
    pub name: Option<&'r str>,
    /// The call's arguments.
    pub arguments: Value,
    /// Resources, that is rows of project and resource tables.
    pub resources: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// References that were replaced by references to the clone.
    pub rewritten: u64,
    /// References to versions that were not cloned; their version part was removed.
    pub kept: u64,
    /// References to resources that were not cloned.
    pub dangling: u64,
    /// Files to copy.
    pub blobs: u64,
    /// When the clone expires, as an interval from now.
    pub expires_in: Option<&'r str>,
    /// The counts of each table, with the columns of clone.run_table.
    pub tables: Vec<Value>,
    /// The targets of dangling references: `target` and `occurrences`.
    pub dangling_targets: Vec<Value>,
}

/// A run that cloned items of a registry.
pub struct ItemRun<'r> {
    /// The store.
    pub store: &'r str,
    /// The items that were cloned, in short.
    pub source: String,
    /// The clones, in short.
    pub target: String,
    /// Name of the first clone.
    pub name: Option<&'r str>,
    /// The call's arguments.
    pub arguments: Value,
    /// Items written.
    pub items: usize,
    /// Rows written.
    pub rows: usize,
    /// Bytes of the documents.
    pub bytes: usize,
    /// Texts in which references were rewritten.
    pub rewritten: usize,
    /// Files to copy.
    pub blobs: usize,
    /// What the operator must do.
    pub todo: Value,
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reserves the number of a run of a store, which cannot be dropped until the transaction ends. 22023 if it was dropped meanwhile.
pub fn next_id(store: &str) -> Result<i64> {
    let _owner = AsExtensionOwner::new();
    let held = Spi::get_one_with_args::<String>(
        "SELECT (SELECT s.name FROM clone.store AS s WHERE s.name OPERATOR(pg_catalog.=) $1 FOR KEY SHARE)",
        &[store.into()],
    );
    if held.map_err(internal)?.is_none() {
        return Err(
            Error::bad_argument(format!("there is no store \"{}\"", shown(store)))
                .hint("Another session has dropped it a moment ago."),
        );
    }
    Spi::get_one::<i64>("SELECT pg_catalog.nextval('clone.run_id_seq'::pg_catalog.regclass)")
        .map_err(internal)?
        .ok_or_else(no_number)
}

fn no_number() -> Error {
    Error::new(Code::Internal, "no run number")
}

/// Records a clone of a project, its tables and its dangling references.
pub fn insert_project(run: &ProjectRun<'_>) -> Result<()> {
    let caller = current_user();
    let _owner = AsExtensionOwner::new();
    Spi::run_with_args(
        "INSERT INTO clone.run (id, store, source_project, target_project, name, arguments, run_by, session_by, started_at, \
         finished_at, resources, rows, bytes, rewritten, kept, dangling, blobs, expires_at) OVERRIDING SYSTEM VALUE \
         VALUES ($1, $2, $3, $4, $5, $6, $7, session_user, pg_catalog.statement_timestamp(), pg_catalog.clock_timestamp(), \
         $8, $9, $10, $11, $12, $13, $14, pg_catalog.now() OPERATOR(pg_catalog.+) $15::pg_catalog.interval)",
        &[
            run.id.into(),
            run.store.into(),
            run.source.into(),
            run.target.into(),
            run.name.into(),
            JsonB(run.arguments.clone()).into(),
            caller.as_str().into(),
            number(run.resources).into(),
            number(run.rows).into(),
            number(run.bytes).into(),
            number(run.rewritten).into(),
            number(run.kept).into(),
            number(run.dangling).into(),
            number(run.blobs).into(),
            run.expires_in.into(),
        ],
    )
    .map_err(internal)?;
    Spi::run_with_args(
        "INSERT INTO clone.run_table (run_id, relation, resource_type, path, rows, bytes, rewritten, kept, dangling, milliseconds) \
         SELECT $1, d.relation, d.resource_type, d.path, d.rows, d.bytes, d.rewritten, d.kept, d.dangling, d.milliseconds \
         FROM pg_catalog.jsonb_to_recordset($2) AS d (relation text, resource_type text, path text, rows bigint, bytes bigint, \
         rewritten bigint, kept bigint, dangling bigint, milliseconds double precision)",
        &[run.id.into(), JsonB(Value::Array(run.tables.clone())).into()],
    )
    .map_err(internal)?;
    if !run.dangling_targets.is_empty() {
        Spi::run_with_args(
            "INSERT INTO clone.run_dangling (run_id, target, occurrences) SELECT $1, d.target, d.occurrences \
             FROM pg_catalog.jsonb_to_recordset($2) AS d (target text, occurrences bigint)",
            &[
                run.id.into(),
                JsonB(Value::Array(run.dangling_targets.clone())).into(),
            ],
        )
        .map_err(internal)?;
    }
    Ok(())
}

/// Records a clone of items; returns the run's number.
pub fn insert_item(run: &ItemRun<'_>) -> Result<i64> {
    let caller = current_user();
    let count = |n: usize| number(n as u64);
    let _owner = AsExtensionOwner::new();
    prepared::write(
        "INSERT INTO clone.run (store, kind, source_project, target_project, name, arguments, run_by, session_by, \
         started_at, finished_at, resources, rows, bytes, rewritten, blobs, todo) \
         VALUES ($1, 'item', $2, $3, $4, $5, $6, session_user, pg_catalog.statement_timestamp(), pg_catalog.clock_timestamp(), \
         $7, $8, $9, $10, $11, $12) RETURNING id",
        &[
            run.store.into(),
            run.source.as_str().into(),
            run.target.as_str().into(),
            run.name.into(),
            JsonText(run.arguments.to_string()).into(),
            caller.into(),
            count(run.items).into(),
            count(run.rows).into(),
            count(run.bytes).into(),
            count(run.rewritten).into(),
            count(run.blobs).into(),
            JsonText(run.todo.to_string()).into(),
        ],
    )?
    .ok_or_else(no_number)
}

/// Records the forced deletion of a project that no run made; returns the run's number.
pub fn insert_deletion(store: &str, project: &str) -> Result<i64> {
    let caller = current_user();
    let _owner = AsExtensionOwner::new();
    Spi::get_one_with_args::<i64>(
        "INSERT INTO clone.run (store, kind, source_project, target_project, arguments, run_by, session_by, started_at, finished_at) \
         VALUES ($1, 'deletion', $2, $2, '{}', $3, session_user, pg_catalog.statement_timestamp(), pg_catalog.clock_timestamp()) \
         RETURNING id",
        &[store.into(), project.into(), caller.as_str().into()],
    )
    .map_err(internal)?
    .ok_or_else(no_number)
}

/// Records the end of a run; `todo` is the to-do list for the operator.
pub fn finish(run: i64, todo: Value) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    Spi::run_with_args(
        "UPDATE clone.run SET finished_at = pg_catalog.clock_timestamp(), todo = $2 WHERE id OPERATOR(pg_catalog.=) $1",
        &[run.into(), JsonB(todo).into()],
    )
    .map_err(internal)
}

/// Records that the run's clone replaced the clone of another run, whose expiry it keeps, and how many rows that were added to that one stay.
pub fn set_replaced(run: i64, replaced: Option<i64>, added_rows: usize) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    Spi::run_with_args(
        "UPDATE clone.run n SET replaced = o.id::pg_catalog.text, expires_at = COALESCE(n.expires_at, o.expires_at), added_rows = $3 FROM clone.run o \
         WHERE n.id OPERATOR(pg_catalog.=) $1 AND o.id OPERATOR(pg_catalog.=) $2",
        &[run.into(), replaced.into(), number(added_rows as u64).into()],
    )
    .map_err(internal)
}

/// Sets or clears the expiry of the run's clone, and the role whose rights its deletion uses; returns the time.
pub fn set_expiry(
    run: i64,
    expires_in: Option<Interval>,
    expires_at: Option<TimestampWithTimeZone>,
) -> Result<Option<TimestampWithTimeZone>> {
    let (name, role) = (current_user(), current_user_oid());
    let _owner = AsExtensionOwner::new();
    Spi::get_one_with_args::<TimestampWithTimeZone>(
        "UPDATE clone.run SET expires_at = COALESCE(pg_catalog.now() OPERATOR(pg_catalog.+) $2, $3), expiry_by = $4, expiry_role = $5 \
         WHERE id OPERATOR(pg_catalog.=) $1 RETURNING expires_at",
        &[
            run.into(),
            expires_in.into(),
            expires_at.into(),
            name.as_str().into(),
            role.into(),
        ],
    )
    .map_err(internal)
}

/// Records what identifies the run's clone; None: its id alone.
pub fn set_identity(run: i64, identity: Option<Value>) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    Spi::run_with_args(
        "UPDATE clone.run SET identity = $2 WHERE id OPERATOR(pg_catalog.=) $1",
        &[run.into(), identity.map(JsonB).into()],
    )
    .map_err(internal)
}

/// The tables that exist and to which a run wrote rows, by their names as SQL.
pub fn tables_written(run: i64) -> Result<Vec<String>> {
    let _owner = AsExtensionOwner::new();
    let found = Spi::get_one_with_args::<JsonB>(
        "SELECT pg_catalog.jsonb_agg(DISTINCT d.relation) FROM clone.run_table AS d WHERE d.run_id OPERATOR(pg_catalog.=) $1 AND d.rows OPERATOR(pg_catalog.>) 0 \
         AND pg_catalog.to_regclass(d.relation) IS NOT NULL",
        &[run.into()],
    )
    .map_err(internal)?;
    found.map_or(Ok(Vec::new()), |JsonB(tables)| {
        serde_json::from_value(tables).map_err(internal)
    })
}

/// The types whose ids a run recorded; None: it ran before this was noted.
pub fn preserved_types(run: i64) -> Result<Option<Vec<String>>> {
    let _owner = AsExtensionOwner::new();
    Spi::get_one_with_args::<Vec<String>>(
        "SELECT (SELECT r.preserved FROM clone.run AS r WHERE r.id OPERATOR(pg_catalog.=) $1)",
        &[run.into()],
    )
    .map_err(internal)
}

/// What identifies the run's clone.
pub fn identity(run: i64) -> Result<Option<Value>> {
    let _owner = AsExtensionOwner::new();
    Spi::get_one_with_args::<JsonB>(
        "SELECT (SELECT r.identity FROM clone.run AS r WHERE r.id OPERATOR(pg_catalog.=) $1)",
        &[run.into()],
    )
    .map(|identity| identity.map(|JsonB(identity)| identity))
    .map_err(internal)
}

/// Records the deletion of a project, in every run that made it, including replaced ones.
pub fn mark_deleted(store: &str, project: &str) -> Result<()> {
    let caller = current_user();
    let _owner = AsExtensionOwner::new();
    Spi::run_with_args(
        "UPDATE clone.run SET deleted_at = pg_catalog.now(), deleted_by = $3 WHERE store OPERATOR(pg_catalog.=) $1 \
         AND target_project OPERATOR(pg_catalog.=) $2 AND kind OPERATOR(pg_catalog.<>) 'item' AND deleted_at IS NULL",
        &[store.into(), project.into(), caller.as_str().into()],
    )
    .map_err(internal)?;
    Spi::run_with_args(
        "DELETE FROM clone.run_identity i USING clone.run r WHERE r.id OPERATOR(pg_catalog.=) i.run_id \
         AND r.store OPERATOR(pg_catalog.=) $1 AND r.target_project OPERATOR(pg_catalog.=) $2",
        &[store.into(), project.into()],
    )
    .map_err(internal)
}

/// Records ids that the next refresh keeps: `table`, `source` and `target` of each; and the types whose ids they are.
pub fn insert_identities(run: i64, types: Vec<String>, identities: &[Value]) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    Spi::run_with_args(
        "UPDATE clone.run SET preserved = $2 WHERE id OPERATOR(pg_catalog.=) $1",
        &[run.into(), types.into()],
    )
    .map_err(internal)?;
    for batch in identities.chunks(BATCH) {
        Spi::run_with_args(
            "INSERT INTO clone.run_identity (run_id, relation, source_id, target_id) \
             SELECT $1, i.\"table\"::pg_catalog.oid::pg_catalog.regclass, i.source, i.target \
             FROM pg_catalog.jsonb_to_recordset($2) AS i (\"table\" pg_catalog.int8, source pg_catalog.text, target pg_catalog.text)",
            &[run.into(), JsonB(Value::Array(batch.to_vec())).into()],
        )
        .map_err(internal)?;
    }
    Ok(())
}

/// Corrects the counts of tables whose rows do not correspond to rows of the source; verification uses them.
pub fn correct_counts(run: i64, counts: &[(String, usize)]) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    for (relation, rows) in counts {
        prepared::write(
            "UPDATE clone.run_table t SET rows = $3 WHERE t.run_id OPERATOR(pg_catalog.=) $1 \
             AND pg_catalog.to_regclass(t.relation)::pg_catalog.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2)::pg_catalog.oid",
            &[run.into(), relation.as_str().into(), number(*rows as u64).into()],
        )?;
    }
    Ok(())
}
