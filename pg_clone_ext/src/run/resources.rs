//! The resources of the source project, read under the run's snapshot: key, type, whether live, current version.

use super::keys::Key;
use super::state::Run;
use crate::pg::query::for_each_row;
use crate::pg::row::Row;
use pg_clone_core::edit::member;
use pg_clone_core::error::Result;
use pg_clone_core::ids::uuid_text;
use pg_clone_core::jsonb;
use pg_clone_core::plan::{self, ColumnRole, KeyKind, Oid, Table};
use std::collections::HashSet;

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

/// The version id that a JSON text says at that path, if it is a UUID.
pub fn version_in_text(document: &[u8], path: &[String]) -> Option<[u8; 16]> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    uuid_text::parse_slice(member::string(document, &path)?.as_bytes())
}

/// The version id that a jsonb payload says at that path, if it is a UUID.
pub fn version_in_jsonb(payload: &[u8], path: &[String]) -> Option<[u8; 16]> {
    uuid_text::parse_slice(jsonb::string_at(payload, path)?)
}
