//! Opens a store for a run: locks its tables, reads its description, then asks the planner where rows are stored.

use super::description::{Description, Raw};
use super::expression_locks;
use super::rows_once::{Described, refuse_rows_twice};
use crate::pg::privileges::{AsExtensionOwner, current_user};
use crate::pg::query;
use crate::pg::query::snapshot;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::PathGuard;
use crate::pg::table::locks::OpenTables;
pub use crate::pg::table::locks::Purpose;
use crate::pg::table::plan_check;
use crate::pg::table::plan_check::Below;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{ColumnRole, InsertPath, Oid, Store, Table, quote};

/// A store whose tables are locked.
pub struct OpenStore {
    /// The description.
    pub description: Description,
    /// The snapshot under which it was described and under which everything is to be read. It was taken after the tables were locked.
    pub snapshot: Snapshot,
    /// The tables in use.
    pub tables: OpenTables,
}

/// Locks the tables of a store, takes the snapshot, reads the description. A change of a table by another session was either
/// committed before, and is seen, or waits until the transaction ends. Errors: 22023 no such store, 55000 the tables do not match their
/// description or have changed since the transaction took its snapshot, 0A000 row-level security below a view.
pub fn open(name: &str, purpose: Purpose) -> Result<OpenStore> {
    opened(name, purpose, &[], false)
}

/// The same for a clone: also locks and opens other relations that are read (`sources`), and makes it wait for others where its
/// values are made of their rows.
pub fn open_with(name: &str, purpose: Purpose, sources: &[Oid]) -> Result<OpenStore> {
    opened(name, purpose, sources, purpose == Purpose::Write)
}

fn opened(name: &str, purpose: Purpose, sources: &[Oid], makes_values: bool) -> Result<OpenStore> {
    let _safe = PathGuard::safe();
    snapshot::next_command();
    let locked = tables_of(name)?;
    let mut tables = OpenTables::lock(&locked, purpose);
    tables.add(sources, Purpose::Read);
    if makes_values && !expression_locks::take(name)? {
        return Err(changed(
            name,
            "Another clone ended after this transaction took its snapshot, and new values are made of its rows.",
        ));
    }
    let snapshot = Snapshot::latest();
    let raw = snapshot.within(|| description_of(name))?;
    if snapshot::is_fixed() && Snapshot::newest().within(|| description_of(name))? != raw {
        return Err(changed(
            name,
            "They changed since this transaction took its snapshot.",
        ));
    }
    let description = Raw::parse(name, raw.as_deref())?.into_description()?;
    if description
        .store
        .tables
        .iter()
        .any(|table| !locked.contains(&table.oid))
    {
        return Err(changed(name, "It got another table a moment ago."));
    }
    let mut description = description;
    snapshot.within(|| {
        place(&mut description.store, purpose)?;
        // On a standby an INSERT cannot be planned, and nothing is written.
        if purpose == Purpose::Write {
            let store = &description.store;
            let described = store.tables.iter().map(|table| Described {
                oid: table.oid,
                kind: &table.kind,
                sql_name: &table.sql_name,
            });
            refuse_rows_twice(&store.name, &described.collect::<Vec<_>>())?;
        }
        Ok(())
    })?;
    Ok(OpenStore {
        description,
        snapshot,
        tables,
    })
}

fn changed(name: &str, detail: &str) -> Error {
    Error::new(
        Code::StoreChanged,
        format!("the tables of store \"{name}\" are being changed"),
    )
    .detail(detail)
    .hint("Try again in a new transaction.")
}

/// Oids of the tables that the store describes now.
fn tables_of(name: &str) -> Result<Vec<Oid>> {
    let _owner = AsExtensionOwner::new();
    let mut oids = Vec::new();
    Snapshot::newest().within(|| {
        query::for_each_row(
            &format!(
                "SELECT r.relation::pg_catalog.oid::pg_catalog.int8 FROM clone.store_relation AS r WHERE r.store OPERATOR(pg_catalog.=) {}",
                quote::literal(name)
            ),
            &mut |row| {
                let oid = row.and_then(|row| row.bigint(0));
                oids.extend(oid.and_then(|oid| Oid::try_from(oid).ok()));
                Ok(())
            },
        )
    })?;
    Ok(oids)
}

/// The answer of clone_internal.store_description() under the active snapshot.
pub(super) fn description_of(name: &str) -> Result<Option<String>> {
    let _owner = AsExtensionOwner::new();
    query::text(&format!(
        "SELECT clone_internal.store_description({})::pg_catalog.text",
        quote::literal(name)
    ))
}

/// Determines where the rows of each table are stored: in its own heap, in children, below a view, in another engine.
fn place(store: &mut Store, purpose: Purpose) -> Result<()> {
    let described: Vec<String> = store.tables.iter().map(|table| table.sql_name.clone()).collect();
    let extended = plan_check::planner_is_extended();
    for table in &mut store.tables {
        let unknown: Vec<&str> = table
            .inherited_by
            .iter()
            .filter(|child| !described.contains(child))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            return Err(Error::new(
                Code::StoreChanged,
                format!(
                    "table {} has children that the store does not describe",
                    table.sql_name
                ),
            )
            .detail(format!("Their rows are rows of it too: {}.", unknown.join(", ")))
            .hint("Describe the child tables with clone.store_table(…) as well."));
        }
        match table.kind.as_str() {
            "v" => look_below(table)?,
            "f" => table.elsewhere = true,
            // Planning an INSERT takes its lock, which is not possible on a standby.
            "r" if extended && plan_check::in_recovery() => table.empty = false,
            "r" if table.path == InsertPath::Bulk
                && (extended || purpose == Purpose::Write && !table.empty) =>
            {
                if let Some(why) = plan_check::insert_goes_elsewhere(&insert(table), table.oid)? {
                    table.path = InsertPath::Sql(why);
                    table.elsewhere = true;
                    table.empty = false;
                }
            }
            "r" if extended => table.empty = false,
            "p" if has_foreign_partition(table)? => table.elsewhere = true,
            _ => {}
        }
    }
    Ok(())
}

/// The statement by which the SQL path would fill the table, without rows.
fn insert(table: &Table) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.role != ColumnRole::Default)
        .map(|column| quote::identifier(&column.name))
        .collect();
    let name = &table.sql_name;
    if columns.is_empty() {
        return format!("INSERT INTO {name} DEFAULT VALUES");
    }
    let columns = columns.join(", ");
    format!("INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {name} WHERE false")
}

fn look_below(table: &mut Table) -> Result<()> {
    let below = plan_check::relations_below(table.oid.into());
    check_nothing_hidden(&table.sql_name, &below)?;
    table.elsewhere = below.iter().any(|relation| relation.kind == b'f');
    Ok(())
}

/// Row security of what a view reads hides rows as that of a table does (0A000).
pub fn check_nothing_hidden(view: &str, below: &[Below]) -> Result<()> {
    if let Some(hidden) = below.iter().find(|relation| relation.row_security) {
        return Err(Error::new(
            Code::Unsupported,
            format!(
                "row-level security of a table that view {view} reads applies to role \"{}\"",
                current_user()
            ),
        )
        .detail(format!(
            "The call would miss the rows that the policies of {} hide.",
            name_of(hidden)?
        ))
        .hint("Call it as a role with BYPASSRLS, or describe the tables instead of the view."));
    }
    Ok(())
}

fn name_of(relation: &Below) -> Result<String> {
    let name = query::text(&format!(
        "SELECT {}::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text",
        relation.oid
    ))?;
    Ok(name.unwrap_or_default())
}

fn has_foreign_partition(table: &Table) -> Result<bool> {
    let found = query::text(&format!(
        "SELECT 'yes'::pg_catalog.text FROM pg_catalog.pg_partition_tree({}::pg_catalog.oid::pg_catalog.regclass) AS p \
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) p.relid::pg_catalog.oid \
         WHERE c.relkind OPERATOR(pg_catalog.=) 'f'::pg_catalog.\"char\" LIMIT 1",
        table.oid
    ))?;
    Ok(found.is_some())
}

/// Raises 55000 for a run over tables that are stored elsewhere, if its statements do not share one snapshot.
pub fn check_isolation(store: &Store) -> Result<()> {
    let Some(table) = store.tables.iter().find(|table| table.elsewhere && !table.empty) else {
        return Ok(());
    };
    if snapshot::is_fixed() {
        return Ok(());
    }
    Err(Error::new(
        Code::WrongState,
        format!("the rows of {} are not stored in this server", table.sql_name),
    )
    .detail("Under READ COMMITTED each statement of the clone would see another state of them.")
    .hint("Use one snapshot: BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT project_clone(…); COMMIT;"))
}
