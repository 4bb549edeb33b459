//! The map stage: one pass over the source's ids; every chosen resource gets its new id.

use super::belongings::Candidates;
use super::choose::{Choice, Chooser, check_known};
use super::keys::{Key, NewKey};
use super::state::{Run, over_budget};
use crate::error::internal;
use crate::pg::query::for_each_row;
use crate::pg::row::Row;
use pg_clone_core::edit::member;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::jsonb;
use pg_clone_core::plan::{self, ColumnRole, History, KeyKind, Oid, Table, TableRole, quote};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Fills the run's maps, then plans every table's emission.
pub fn build(run: &mut Run) -> Result<()> {
    let chooser = Chooser::new(&run.store, &run.request)?;
    let tables = run.store.tables.clone();
    let filled: HashSet<Oid> = tables.iter().filter(|t| !t.empty).map(|t| t.oid).collect();
    let mut candidates = Candidates::new(&run.store, run.request.filtered());
    for table in tables.iter().filter(|t| t.role == TableRole::Project) {
        map_resources(run, table, &filled, &chooser, &mut candidates)?;
    }
    for table in tables.iter().filter(|t| t.role == TableRole::Resource) {
        map_resources(run, table, &filled, &chooser, &mut candidates)?;
    }
    check_types_of_rows(run)?;
    super::belongings::bring(run, &tables, &filled, &mut candidates)?;
    map_children(run, &tables)?;
    if run.request.options.history == History::Full {
        map_versions(run, &tables)?;
    }
    for key in chooser.unmatched(|key| !matches!(run.new_key(key, &filled_list(&filled)), NewKey::Unknown)) {
        crate::pg::notice::notice(
            &format!(
                "include_ids names \"{}\", which is no resource of this project",
                key.to_text()
            ),
            "",
        );
    }
    let order = plan::insertion_order(&run.store);
    for oid in order {
        let Some(table) = run.store.table(oid) else {
            continue;
        };
        let emission = plan::emission(
            &run.store,
            table,
            &run.source,
            &run.active,
            run.request.options.history,
        )?;
        run.emissions.extend(emission);
    }
    Ok(())
}

fn filled_list(filled: &HashSet<Oid>) -> Vec<Oid> {
    filled.iter().copied().collect()
}

/// A resource of the source project, as the map stage sees it.
pub struct Seen<'a> {
    /// Its key.
    pub key: Key,
    /// Its type.
    pub resource_type: &'a str,
    /// Whether it is live.
    pub live: bool,
    /// Its current version, if that is a UUID.
    pub version: Option<[u8; 16]>,
}

/// Calls `each` for every resource of the source project in a table.
pub fn for_each_resource(
    run: &mut Run,
    table: &Table,
    filled: &HashSet<Oid>,
    each: &mut dyn FnMut(&mut Run, Seen<'_>) -> Result<()>,
) -> Result<()> {
    let Some(id_column) = table.id_column.as_deref() else {
        return Ok(());
    };
    if table.empty {
        return Ok(());
    }
    let id_type = table.type_of(id_column);
    let kind = KeyKind::of(id_type);
    let mut extra = Vec::new();
    let version = if let Some(column) = table.columns.iter().find(|c| c.role == ColumnRole::Version) {
        extra.push(column.name.clone());
        VersionAt::Column(3, column.type_name.as_str())
    } else if let (Some(document), Some(path)) = (&table.document_column, &table.version_path) {
        extra.push(document.clone());
        if table.type_of(document) == "jsonb" {
            VersionAt::Jsonb(3, path)
        } else {
            VersionAt::Text(3, path)
        }
    } else {
        VersionAt::Nowhere
    };
    let Some(sql) = plan::source_of_ids(&run.store, table, &run.source, filled, &extra)? else {
        return Ok(());
    };
    let memory = crate::pg::memory::Memory::new(c"pg_clone map");
    let fixed_type = table.resource_type.clone().unwrap_or_default();
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        memory.reset();
        memory.within(|| {
            let Some(key) = Key::read(row, 0, kind, id_type)? else {
                return Ok(());
            };
            let row_type = row.text(1)?;
            let seen = Seen {
                key,
                resource_type: row_type.as_deref().unwrap_or(&fixed_type),
                live: row.boolean(2),
                version: version_of(row, &version)?,
            };
            each(run, seen)
        })
    })?;
    Ok(())
}

/// Where a row says its version.
enum VersionAt<'a> {
    Nowhere,
    Column(usize, &'a str),
    Text(usize, &'a [String]),
    Jsonb(usize, &'a [String]),
}

fn version_of(row: &Row<'_>, at: &VersionAt<'_>) -> Result<Option<[u8; 16]>> {
    Ok(match at {
        VersionAt::Nowhere => None,
        VersionAt::Column(place, "uuid") => row.uuid(*place),
        VersionAt::Column(place, _) => row
            .text(*place)?
            .and_then(|text| uuid_text::parse_slice(text.as_bytes())),
        VersionAt::Text(place, path) => row
            .bytes(*place)
            .and_then(|document| version_in_text(document, path)),
        VersionAt::Jsonb(place, path) => row
            .bytes(*place)
            .and_then(|payload| version_in_jsonb(payload, path)),
    })
}

fn map_resources(
    run: &mut Run,
    table: &Table,
    filled: &HashSet<Oid>,
    chooser: &Chooser,
    candidates: &mut Candidates,
) -> Result<()> {
    let mut pending = Vec::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for_each_resource(run, table, filled, &mut |run, seen| {
        match counts.get_mut(seen.resource_type) {
            Some(count) => *count += 1,
            None => {
                counts.insert(seen.resource_type.to_owned(), 1);
            }
        }
        let choice = chooser.choose(table, seen.resource_type, &seen.key, seen.live);
        candidates.saw(seen.resource_type, &seen.key, choice);
        if choice != Choice::Cloned {
            return run.leave(&seen.key, table.oid);
        }
        take(run, table, seen.key, seen.version, &mut pending)
    })?;
    run.source_rows
        .extend(counts.into_iter().map(|(name, count)| ((table.oid, name), count)));
    match &table.id_column {
        Some(column) => new_keys(run, table, column, pending),
        None => Ok(()),
    }
}

/// Marks a resource as cloned; keys that are no UUIDs wait in `pending` for their new ones.
pub fn take(
    run: &mut Run,
    table: &Table,
    key: Key,
    version: Option<[u8; 16]>,
    pending: &mut Vec<Key>,
) -> Result<()> {
    run.active.insert(table.oid);
    match &key {
        Key::Uuid(id) => {
            run.ids.insert_cloned(*id).map_err(over_budget)?;
        }
        _ => pending.push(key),
    }
    if let Some(version) = version {
        run.ids.insert_cloned(version).map_err(over_budget)?;
    }
    Ok(())
}

/// The version id that a JSON text says at that path, if it is a UUID.
pub fn version_in_text(document: &[u8], path: &[String]) -> Option<[u8; 16]> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    uuid_text::parse_slice(member::string(document, &path)?.as_bytes())
}

/// The version id that a jsonb payload says at that path, if it is a UUID.
pub fn version_in_jsonb(payload: &[u8], path: &[String]) -> Option<[u8; 16]> {
    uuid_text::parse_slice(jsonb::string_at(payload, path)?)
}

/// Gives new keys to ids that are no UUIDs: integers from the column's own sequence, texts from the store's generator.
pub fn new_keys(run: &mut Run, table: &Table, column: &str, keys: Vec<Key>) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    run.active.insert(table.oid);
    if matches!(keys.first(), Some(Key::Int(_))) {
        let new = if run.dry {
            // A plan takes no number from a sequence; the old ones do to count with.
            keys.iter()
                .map(|key| if let Key::Int(number) = key { *number } else { 0 })
                .collect()
        } else {
            next_integers(table, column, keys.len())?
        };
        let budget = u64::try_from(run.ids.budget()).unwrap_or(u64::MAX);
        let map = run.integers.entry(table.oid).or_default();
        let needed = (map.len() + keys.len()) * 40;
        if needed as u64 > budget || map.try_reserve(keys.len()).is_err() {
            return Err(over_budget(pg_clone_core::ids::OutOfMemory {
                needed,
                budget: run.ids.budget(),
                entries: map.len() as u64,
            }));
        }
        for (key, new) in keys.iter().zip(new) {
            if let Key::Int(number) = key {
                map.insert(*number, Some(new));
            }
        }
        return Ok(());
    }
    let new = if run.dry {
        keys.iter().map(Key::to_text).collect()
    } else {
        next_texts(run, keys.len())?
    };
    for (key, new) in keys.iter().zip(new) {
        if let Key::Text(text) = key {
            run.texts.insert(text, &new).map_err(over_budget)?;
        }
    }
    Ok(())
}

fn next_integers(table: &Table, column: &str, count: usize) -> Result<Vec<i64>> {
    let sequence = pgrx::Spi::get_one::<String>(&format!(
        "SELECT pg_catalog.pg_get_serial_sequence({}, {})",
        quote::literal(&table.sql_name),
        quote::literal(column)
    ))
    .map_err(internal)?;
    let Some(sequence) = sequence else {
        return Err(Error::new(
            Code::StoreChanged,
            format!(
                "column {}.{column} has no sequence to take new keys from",
                table.sql_name
            ),
        )
        .hint("Make it an identity column, or let a sequence be OWNED BY it."));
    };
    let mut new = Vec::with_capacity(count);
    for_each_row(
        &format!(
            "SELECT pg_catalog.nextval({}::pg_catalog.regclass) FROM pg_catalog.generate_series(1, {count})",
            quote::literal(&sequence)
        ),
        &mut |row| {
            new.extend(row.and_then(|row| row.bigint(0)));
            Ok(())
        },
    )?;
    Ok(new)
}

/// New text ids: from the function in options.mint, else UUIDs of the run.
fn next_texts(run: &mut Run, count: usize) -> Result<Vec<String>> {
    let mint = run
        .store
        .options
        .get("mint")
        .and_then(|mint| mint.as_str())
        .map(str::to_owned);
    let mut new = Vec::with_capacity(count);
    match mint {
        Some(call) => {
            for_each_row(
                &format!("SELECT ({call})::pg_catalog.text FROM pg_catalog.generate_series(1, {count})"),
                &mut |row| {
                    if let Some(row) = row {
                        new.extend(row.text(0)?.map(std::borrow::Cow::into_owned));
                    }
                    Ok(())
                },
            )?;
            if new.len() != count {
                return Err(Error::new(
                    Code::StoreChanged,
                    format!("{call} returned NULL instead of a new id"),
                ));
            }
        }
        None => {
            for _ in 0..count {
                let seed = crate::pg::value::random::<16>()?;
                new.push(uuid_text::to_string(
                    &run.ids.insert_cloned(seed).map_err(over_budget)?,
                ));
            }
        }
    }
    Ok(new)
}

/// Where types are data, a type that no resource of the store has is an error (22023).
fn check_types_of_rows(run: &Run) -> Result<()> {
    let typed: Vec<&Table> = run
        .store
        .tables
        .iter()
        .filter(|t| t.role == TableRole::Resource && t.type_column.is_some())
        .collect();
    if typed.is_empty() {
        return Ok(());
    }
    let mut known: BTreeSet<String> = super::choose::fixed_types(&run.store);
    known.extend(
        run.source_rows
            .keys()
            .map(|(_, name)| name.clone())
            .filter(|name| !name.is_empty()),
    );
    for wanted in run
        .request
        .resource_types
        .iter()
        .filter(|name| !known.contains(*name))
        .cloned()
        .collect::<Vec<_>>()
    {
        for table in &typed {
            let Some(column) = &table.type_column else {
                continue;
            };
            // Only for a type that this project does not have: another project's resource proves that it exists.
            let exists = pgrx::Spi::get_one::<bool>(&format!(
                "SELECT EXISTS (SELECT FROM {} AS t WHERE t.{}::pg_catalog.text OPERATOR(pg_catalog.=) {})",
                table.sql_name,
                quote::identifier(column),
                quote::literal(&wanted)
            ))
            .map_err(internal)?;
            if exists == Some(true) {
                known.insert(wanted.clone());
            }
        }
    }
    check_known(&run.request.resource_types, &known)
}

/// Keys of derived rows that other rows name: children with a key of their own.
fn map_children(run: &mut Run, tables: &[Table]) -> Result<()> {
    let order = plan::insertion_order(&run.store);
    let mut children: Vec<&Table> = tables
        .iter()
        .filter(|t| t.role == TableRole::Derived && !t.empty)
        .collect();
    children.sort_by_key(|t| order.iter().position(|oid| *oid == t.oid));
    // A child of a child needs its parent's keys first.
    let mut waiting = children;
    while !waiting.is_empty() {
        let blocked: HashSet<Oid> = waiting.iter().map(|t| t.oid).collect();
        let (ready, later): (Vec<&Table>, Vec<&Table>) = waiting.iter().copied().partition(|t| {
            t.parents
                .iter()
                .all(|parent| *parent == t.oid || !blocked.contains(parent))
        });
        if ready.is_empty() {
            return Err(Error::new(
                Code::StoreChanged,
                "the derived tables of the store join each other in a circle",
            ));
        }
        for table in ready {
            map_child(run, table)?;
        }
        waiting = later;
    }
    Ok(())
}

fn map_child(run: &mut Run, table: &Table) -> Result<()> {
    if table.parents.is_empty() || table.parents.iter().any(|parent| run.active.contains(parent)) {
        run.active.insert(table.oid);
    } else {
        return Ok(());
    }
    let Some(id_column) = table.id_column.as_deref() else {
        return Ok(());
    };
    let role = table.column(id_column).map(|c| c.role.clone());
    if !matches!(role, Some(ColumnRole::Map(_) | ColumnRole::Key)) {
        return Ok(());
    }
    // A row that shares its parent's key (one to one) gets the new one of the parent.
    if table.join_column.as_deref() == Some(id_column) {
        return Ok(());
    }
    let active = run.active.clone();
    let Some(belongs) = plan::condition(&run.store, table, &run.source, &active, false)? else {
        return Ok(());
    };
    let gate_column = table
        .join_column
        .as_deref()
        .or(table.project_column.as_deref())
        .unwrap_or(id_column);
    let (id_type, gate_type) = (table.type_of(id_column), table.type_of(gate_column));
    let sql = format!(
        "SELECT t.{}, t.{} FROM {} AS t WHERE {belongs}",
        quote::identifier(id_column),
        quote::identifier(gate_column),
        table.sql_name
    );
    let memory = crate::pg::memory::Memory::new(c"pg_clone map");
    let mut pending = Vec::new();
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        memory.reset();
        memory.within(|| {
            let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? else {
                return Ok(());
            };
            if table.join_column.is_some() {
                let Some(parent) = Key::read(row, 1, KeyKind::of(gate_type), gate_type)? else {
                    return Ok(());
                };
                if !matches!(run.new_key(&parent, &table.parents), NewKey::To(_)) {
                    return Ok(());
                }
            }
            match &key {
                Key::Uuid(id) => run.ids.insert_cloned(*id).map(|_| ()).map_err(over_budget),
                _ => {
                    pending.push(key);
                    Ok(())
                }
            }
        })
    })?;
    new_keys(run, table, id_column, pending)
}

/// With full history every version of a cloned resource gets a new version id.
fn map_versions(run: &mut Run, tables: &[Table]) -> Result<()> {
    for table in tables.iter().filter(|t| t.role == TableRole::History && !t.empty) {
        let Some(version) = table.columns.iter().find(|c| c.role == ColumnRole::Version) else {
            continue;
        };
        let Some(join) = table.join_column.as_deref() else {
            continue;
        };
        if !table.parents.iter().any(|parent| run.active.contains(parent)) {
            continue;
        }
        let active = run.active.clone();
        let Some(belongs) = plan::condition(&run.store, table, &run.source, &active, true)? else {
            continue;
        };
        let join_type = table.type_of(join).to_owned();
        let sql = format!(
            "SELECT t.{}::pg_catalog.text, t.{} FROM {} AS t WHERE {belongs}",
            quote::identifier(&version.name),
            quote::identifier(join),
            table.sql_name
        );
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let Some(parent) = Key::read(row, 1, KeyKind::of(&join_type), &join_type)? else {
                return Ok(());
            };
            if matches!(run.new_key(&parent, &table.parents), NewKey::To(_))
                && let Some(version) = row
                    .text(0)?
                    .and_then(|text| uuid_text::parse_slice(text.as_bytes()))
            {
                run.ids.insert_cloned(version).map_err(over_budget)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
