//! The action for the values of one column.

use super::ColumnRole;
use crate::plan::call_options::History;
use crate::plan::keys::{KeyRef, Reference, ReferenceForm};
use crate::plan::store::{Column, Store, Table};
use crate::plan::table_copy::{Action, JsonPlace, KeyKind, SelectList};
use crate::plan::types::{is_key, is_text};

/// The action for a column with declared references; None if it has none.
fn declared(store: &Store, table: &Table, column: &Column, list: &mut SelectList) -> Option<Action> {
    let references: Vec<&Reference> = table
        .keys
        .references
        .iter()
        .filter(|reference| reference.column == column.name)
        .collect();
    let first = references.first()?;
    let key_of = |reference: &Reference| {
        store
            .table(reference.target)
            .and_then(|target| target.holds(&reference.target_column))
    };
    let kind_of = |key: KeyRef| {
        store
            .column_of(key)
            .map_or(KeyKind::Text, |(_, c)| KeyKind::of(&c.type_name))
    };
    let segments = references
        .iter()
        .any(|reference| matches!(reference.form, ReferenceForm::Path(_)));
    match &first.form {
        // A value that is one key has no separators: settings of which some are lists.
        ReferenceForm::Column | ReferenceForm::Path(_) if segments => {
            let mut keys = Vec::new();
            for reference in &references {
                let separators = match &reference.form {
                    ReferenceForm::Path(separators) => separators.clone(),
                    ReferenceForm::Column => String::new(),
                    _ => continue,
                };
                // References to a table that all projects share are kept.
                let Some(key) = key_of(reference) else { continue };
                let condition = reference
                    .condition
                    .as_ref()
                    .map(|condition| list.expression(format!("({condition})")));
                keys.push((condition, key, separators));
            }
            Some(Action::MapSegments {
                keys,
                rewrite: column.role == ColumnRole::Rewrite,
            })
        }
        ReferenceForm::Path(_) => None,
        ReferenceForm::Column if references.iter().all(|r| r.condition.is_none()) => None,
        ReferenceForm::Column => {
            let mut cases = Vec::new();
            for reference in &references {
                // References to a table that all projects share are kept.
                let Some(key) = key_of(reference) else { continue };
                let condition = reference.condition.as_deref().unwrap_or("true");
                cases.push((list.expression(format!("({condition})")), kind_of(key), key));
            }
            Some(Action::MapWhen(cases))
        }
        ReferenceForm::Array => Some(match column.type_name.as_str() {
            "uuid[]" => Action::MapUuidArray,
            _ => {
                let mut keys = Vec::new();
                for reference in &references {
                    // References to a table that all projects share are kept.
                    let Some(key) = key_of(reference) else { continue };
                    let condition = reference
                        .condition
                        .as_ref()
                        .map(|condition| list.expression(format!("({condition})")));
                    keys.push((condition, key));
                }
                Action::MapArray(keys)
            }
        }),
        ReferenceForm::Json(_) => {
            let mut paths: Vec<JsonPlace> = Vec::new();
            for reference in &references {
                let ReferenceForm::Json(path) = &reference.form else {
                    continue;
                };
                let condition = reference
                    .condition
                    .as_ref()
                    .map(|condition| list.expression(format!("({condition})")));
                let key = (key_of(reference)?, reference.separators.clone());
                // Keys of several tables in one text are replaced one table after another.
                match paths
                    .iter_mut()
                    .find(|known| known.path == *path && known.condition == condition)
                {
                    Some(known) => known.keys.push(key),
                    None => paths.push(JsonPlace {
                        path: path.clone(),
                        keys: vec![key],
                        condition,
                    }),
                }
            }
            Some(Action::JsonReferences {
                jsonb: column.type_name == "jsonb",
                rewrite: column.role == ColumnRole::Rewrite,
                paths,
            })
        }
    }
}

/// The action for a column; None if the column cannot have its role.
pub(in crate::plan) fn action(
    store: &Store,
    table: &Table,
    source_table: &Table,
    column: &Column,
    history: History,
    list: &mut SelectList,
) -> Option<Action> {
    let type_name = column.type_name.as_str();
    // The history of a resource may name its document otherwise.
    let document = [table, source_table]
        .iter()
        .any(|table| table.document_column.as_deref() == Some(column.name.as_str()));
    if table.makes_key_of_others(&column.name) {
        return Some(Action::Map(KeyKind::of(type_name), column.keys.holds));
    }
    if matches!(
        column.role,
        ColumnRole::Keep | ColumnRole::Map(_) | ColumnRole::Rewrite | ColumnRole::Key
    ) && let Some(declared) = declared(store, table, column, list)
    {
        return Some(declared);
    }
    Some(match &column.role {
        // A key to which other rows refer: its values are computed before, so that these rows get them too.
        ColumnRole::Expression(_) if column.keys.holds.is_some() => {
            Action::Map(KeyKind::of(type_name), column.keys.holds)
        }
        ColumnRole::Keep | ColumnRole::Expression(_) | ColumnRole::LargeObject => Action::Keep,
        ColumnRole::Project if belongs_without(store, table, column) && table.oid == source_table.oid => {
            Action::ProjectUnlessNull
        }
        ColumnRole::Project => Action::Project,
        ColumnRole::Name => Action::Name,
        ColumnRole::Owner => Action::Owner(column.keys.holds),
        ColumnRole::Now => Action::Now,
        // A version that is made of the row of its resource: no other row refers to it.
        ColumnRole::NewUuid if table.oid != source_table.oid => Action::NewUuid,
        ColumnRole::NewUuid if column.keys.holds.is_some() => {
            Action::Map(KeyKind::of(type_name), column.keys.holds)
        }
        ColumnRole::NewUuid => Action::NewUuid,
        ColumnRole::Null => Action::Null,
        ColumnRole::Value(value) => Action::Value(value.clone()),
        ColumnRole::Random if column.keys.holds.is_none() => Action::Random,
        ColumnRole::Template(template) if column.keys.holds.is_none() => Action::Template(template.clone()),
        ColumnRole::Random | ColumnRole::Template(_) => {
            Action::Map(KeyKind::of(type_name), column.keys.holds)
        }
        ColumnRole::Default => return None,
        // A version counter restarts; with full history it is kept.
        ColumnRole::Version if KeyKind::of(type_name) == KeyKind::Int => {
            if history == History::Full {
                Action::Keep
            } else {
                Action::Value("1".to_owned())
            }
        }
        ColumnRole::Version if table.oid != source_table.oid => Action::VersionOfDocument,
        ColumnRole::Version => Action::Map(KeyKind::of(type_name), None),
        ColumnRole::Key => Action::Map(
            KeyKind::of(type_name),
            column.keys.holds.or(table.key_ref(&column.name)),
        ),
        ColumnRole::Map(_) => match type_name {
            "uuid[]" => Action::MapUuidArray,
            "text[]" => Action::MapTextArray,
            name if name.starts_with("character varying") && name.ends_with("[]") => Action::MapTextArray,
            // A column without a known key whose type is not a key type is kept.
            name if column.keys.holds.is_none() && !is_key(name) => Action::Keep,
            _ => Action::Map(KeyKind::of(type_name), column.keys.holds),
        },
        ColumnRole::Rewrite => match type_name {
            "jsonb" => Action::Jsonb { document },
            "json" => Action::JsonText { document },
            "uuid" => Action::Map(KeyKind::Uuid, None),
            "uuid[]" => Action::MapUuidArray,
            "text[]" => Action::TextArray,
            name if name.starts_with("character varying") && name.ends_with("[]") => Action::TextArray,
            name if is_text(name) && document => Action::JsonText { document },
            name if is_text(name) => Action::Text,
            _ => Action::ViaText,
        },
    })
}

/// Whether rows can belong to the project while this column of theirs is NULL. Presets say themselves what the column means: newer versions
/// of Medplum fill it where older ones left it NULL.
fn belongs_without(store: &Store, table: &Table, column: &Column) -> bool {
    store.follows_constraints()
        && !column.not_null
        && (!table.keys.within.is_empty() || !table.ways(store).is_empty())
}
