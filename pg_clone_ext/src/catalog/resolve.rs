//! Finds the store of a call: the given one, the only one, or the one that contains the project.

use crate::pg::privileges::{AsExtensionOwner, check_no_row_security, check_select};
use crate::pg::query::snapshot;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::query::{for_each_row, text};
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::quote;

fn names() -> Result<Vec<String>> {
    snapshot::next_command();
    let _owner = AsExtensionOwner::new();
    let mut names = Vec::new();
    Snapshot::newest().within(|| {
        for_each_row("SELECT name FROM clone.store AS s ORDER BY s.name", &mut |row| {
            if let Some(row) = row {
                names.extend(row.text(0)?.map(std::borrow::Cow::into_owned));
            }
            Ok(())
        })
    })?;
    Ok(names)
}

/// A hint that lists the stores.
pub fn list_stores() -> String {
    match names() {
        Ok(names) if !names.is_empty() => format!("Stores: {}.", names.join(", ")),
        _ => "There is no store yet; create one: SELECT clone.store_create('documents', 'documents');"
            .to_owned(),
    }
}

/// The name of the store. Unknown stores and ambiguous calls are errors (22023); a project that is in
/// no store is P0002, or 42501 if the role may not read all stores.
pub fn resolve(store: Option<&str>, project: &str) -> Result<String> {
    let known = names()?;
    if let Some(name) = store {
        return if known.iter().any(|k| k == name) {
            Ok(name.to_owned())
        } else {
            Err(Error::bad_argument(format!("there is no store \"{}\"", shown(name))).hint(list_stores()))
        };
    }
    match known.as_slice() {
        [] => Err(Error::bad_argument("there is no store").hint(list_stores())),
        [only] => Ok(only.clone()),
        several => {
            let (mut holding, mut unreadable) = (Vec::new(), Vec::new());
            for name in several {
                match holds(name, project)? {
                    Some(true) => holding.push(name),
                    Some(false) => {}
                    None => unreadable.push(name.as_str()),
                }
            }
            match holding.as_slice() {
                [one] => Ok((*one).clone()),
                [] if !unreadable.is_empty() => Err(Error::new(
                    Code::NotAllowed,
                    format!("project \"{}\" is in no store that the role may read", shown(project)),
                )
                .hint(format!(
                    "Grant SELECT on the project table of the store. Project tables that the role cannot read: {}.",
                    unreadable.join(", ")
                ))),
                [] => Err(
                    Error::new(Code::NotFound, format!("project \"{}\" is in no store", shown(project)))
                        .hint(list_stores()),
                ),
                many => Err(Error::bad_argument(format!(
                    "project \"{}\" is in several stores: {}",
                    shown(project),
                    many.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ")
                ))
                .hint("Specify one: store => '…'.")),
            }
        }
    }
}

/// The table of a store's projects.
struct ProjectTable {
    oid: u32,
    /// It as a FROM item, and a condition on its ids that still lacks the id.
    condition: String,
}

impl ProjectTable {
    /// None if the store describes none.
    fn of(store: &str) -> Result<Option<Self>> {
        let _owner = AsExtensionOwner::new();
        let mut found = None;
        let sql = format!(
            "SELECT pg_catalog.format('%I.%I AS t WHERE pg_catalog.lower(t.%I', n.nspname, c.relname, r.id_column), c.oid::pg_catalog.int8 \
             FROM clone.store_relation r JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.relation::pg_catalog.oid \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE r.store OPERATOR(pg_catalog.=) {} AND r.role OPERATOR(pg_catalog.=) 'project'",
            quote::literal(store)
        );
        Snapshot::newest().within(|| {
            for_each_row(&sql, &mut |row| {
                if let Some(row) = row
                    && let (Some(condition), Some(oid)) = (row.text(0)?, row.bigint(1))
                    && let Ok(oid) = u32::try_from(oid)
                {
                    found = Some(ProjectTable {
                        oid,
                        condition: condition.into_owned(),
                    });
                }
                Ok(())
            })
        })?;
        Ok(found)
    }

    fn is_readable(&self) -> bool {
        check_select(self.oid, &self.condition).is_ok()
    }
}

/// Whether the caller sees every project of the store.
pub fn sees_projects(store: &str) -> Result<bool> {
    Ok(ProjectTable::of(store)?
        .is_some_and(|table| table.is_readable() && check_no_row_security(table.oid, "").is_ok()))
}

/// Whether the store's project table has that id; None if the caller may not read it. Ids are compared as texts, so that an id that is not a UUID is
/// not found in a store of UUIDs; the table of projects is small.
fn holds(store: &str, project: &str) -> Result<Option<bool>> {
    let Some(table) = ProjectTable::of(store)? else {
        return Ok(Some(false));
    };
    if !table.is_readable() {
        return Ok(None);
    }
    let found = Snapshot::latest().within(|| {
        text(&format!(
            "SELECT 'yes'::pg_catalog.text FROM {}::pg_catalog.text) OPERATOR(pg_catalog.=) ANY (ARRAY[pg_catalog.lower({given}), \
             pg_catalog.rtrim(pg_catalog.lower({given}))]) LIMIT 1",
            table.condition,
            given = quote::literal(project)
        ))
    })?;
    Ok(Some(found.is_some()))
}
