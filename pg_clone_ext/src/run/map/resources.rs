//! Reads the resources of the source project under the run's snapshot: key, type, whether live, current version.

use super::versions::Versions;
use crate::pg::query::for_each_row;
use crate::pg::query::row::Row;

use crate::run::keys::Key;
use crate::run::state::{Run, over_budget};
use pg_clone_core::batch::{DocumentFormat, VersionFinder};
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, uuid_text};
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
}

/// Calls `each` for every resource of the source project in a table. If it returns that the resource is cloned, the
/// current version is mapped too, if that is a UUID.
pub fn for_each_resource(
    run: &mut Run,
    table: &Table,
    filled: &HashSet<Oid>,
    each: &mut dyn FnMut(&mut Run, Seen<'_>) -> Result<bool>,
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
    let version = if let Some(column) = table
        .columns
        .iter()
        .find(|c| c.role == ColumnRole::Version && KeyKind::of(&c.type_name) != KeyKind::Int)
    {
        extra.push(column.name.clone());
        VersionAt::Column(3, column.type_name.as_str())
    } else if let (Some(document), Some(path)) = (&table.document_column, &table.version_path) {
        extra.push(document.clone());
        VersionAt::Document(3, DocumentFormat::of(table.type_of(document)), path)
    } else {
        VersionAt::Nowhere
    };
    let Some(sql) = plan::source_of_ids(&run.store, table, &run.source, filled, &extra)? else {
        return Ok(());
    };
    let fixed_type = table.resource_type.clone().unwrap_or_default();
    let mut compressed = match version {
        VersionAt::Document(_, _, path) => Some(Versions::new(path)),
        _ => None,
    };
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else {
            let found = compressed.as_mut().map(Versions::finish).transpose()?;
            return clone_versions(run, found.unwrap_or_default());
        };
        let Some(key) = Key::read(row, 0, kind, id_type)? else {
            return Ok(());
        };
        let row_type = row.text(1)?;
        let seen = Seen {
            key,
            resource_type: row_type.as_deref().unwrap_or(&fixed_type),
            live: row.boolean(2),
        };
        if each(run, seen)? {
            clone_versions(run, versions_of(row, &version, compressed.as_mut())?)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn clone_versions(run: &mut Run, versions: impl IntoIterator<Item = Id>) -> Result<()> {
    for version in versions {
        run.ids_mut()?.insert_cloned(version).map_err(over_budget)?;
    }
    Ok(())
}

/// The place of a row's version.
enum VersionAt<'a> {
    Nowhere,
    Column(usize, &'a str),
    Document(usize, DocumentFormat, &'a [String]),
}

/// The version of the row; if its document is compressed, the versions of earlier rows that were found meanwhile.
fn versions_of(row: &Row<'_>, at: &VersionAt<'_>, compressed: Option<&mut Versions>) -> Result<Vec<Id>> {
    let one = |version: Option<Id>| Ok(version.into_iter().collect());
    match at {
        VersionAt::Nowhere => one(None),
        VersionAt::Column(place, "uuid") => one(row.uuid(*place)),
        VersionAt::Column(place, _) => one(row
            .text(*place)?
            .and_then(|text| uuid_text::parse_slice(text.as_bytes()))),
        VersionAt::Document(place, form, path) => {
            let Some(stored) = row.stored(*place)? else {
                return one(None);
            };
            match (stored, compressed) {
                ((document, Some(how)), Some(versions)) => versions.add(*form, how, document),
                ((document, _), _) => one(VersionFinder::version(path, *form, document)),
            }
        }
    }
}
