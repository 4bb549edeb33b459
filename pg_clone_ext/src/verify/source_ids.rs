//! Ids of the source anywhere in the values of the clone: the check "references to the source", and documents whose id is not that of their row.

use super::encoded_ids::{EncodedIdRows, InBytes};
use super::{Check, MadeBy, filled};
use crate::pg::query::for_each_row;
use crate::run::keys::Key;
use pg_clone_core::edit::member;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::plan::{
    self, Column, ColumnRole, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote,
};
use pg_clone_core::rewrite::{Dangling, Format, Rewriter};
use std::borrow::Cow;
use std::collections::HashSet;

/// Checks that no value references a resource of the source, except known dangling references.
pub fn check(
    store: &Store,
    target: &str,
    run: &MadeBy,
    sample: Option<i64>,
    checks: &mut Vec<Check>,
) -> Result<()> {
    let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX);
    let mut ids = IdMap::new(NewIds::new(IdVersion::V4, 0, [0; 16]), budget);
    let active = filled(store);
    let named = |t: &&Table| matches!(t.role, TableRole::Project | TableRole::Resource) && !t.keeps_id();
    for table in store.tables.iter().filter(named).filter(|t| !t.empty) {
        let Some(sql) = plan::source_of_ids(store, table, &run.source_project, &active, &[])? else {
            continue;
        };
        let id_type = table.id_type();
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            if let Some(Key::Uuid(id)) = Key::read(row, 0, KeyKind::of(id_type), id_type)? {
                ids.insert_not_cloned(id)
                    .map_err(crate::run::state::over_budget)?;
            }
            Ok(())
        })?;
    }
    let texts = TextIdMap::new(budget);
    // Without UUIDs only the ids in documents can be searched for.
    let looks = !ids.is_empty();
    let paths = crate::run::plan::id_paths::of_store(store)?;
    let mut rewriter = Rewriter::new(&ids, &texts, Dangling::Keep)
        .with_id_paths(&paths)
        .counting_base64();
    let mut seen = Seen {
        in_bytes: InBytes::new(&ids, &texts),
        wrong_ids: 0,
        base64: EncodedIdRows::default(),
        bytea: EncodedIdRows::default(),
    };
    for table in store.tables.iter().filter(|t| !t.empty && (looks || says_id(t))) {
        scan_table(store, table, target, &active, sample, &mut rewriter, &mut seen)?;
    }
    let known: HashSet<Id> = run
        .targets
        .iter()
        .filter_map(|id| uuid_text::parse_slice(id.as_bytes()))
        .collect();
    let unknown: u64 = rewriter
        .dangling_targets()
        .uuids()
        .filter(|(id, _)| !known.contains(*id))
        .map(|(_, n)| n)
        .sum();
    let total = rewriter.dangling_targets().total();
    checks.push(Check {
        name: Cow::Borrowed("references to the source"),
        subject: "all tables".to_owned(),
        expected: format!("at most {} that dangle", run.dangling),
        found: total.to_string(),
        ok: total <= u64::try_from(run.dangling).unwrap_or(0) && (unknown == 0 || known.len() >= 1000),
    });
    checks.extend(seen.base64.checks("ids of the source in base64"));
    if store
        .tables
        .iter()
        .any(|table| !InBytes::columns(table).is_empty())
    {
        checks.extend(seen.bytea.checks("ids of the source in bytea"));
    }
    checks.push(Check {
        name: Cow::Borrowed("documents whose id is not that of their row"),
        subject: "all tables".to_owned(),
        expected: "0".to_owned(),
        found: seen.wrong_ids.to_string(),
        ok: seen.wrong_ids == 0,
    });
    Ok(())
}

/// What was seen in the rows of a clone.
struct Seen<'m> {
    in_bytes: InBytes<'m>,
    /// Documents whose id is not that of their row.
    wrong_ids: i64,
    /// Rows with ids of the source in base64.
    base64: EncodedIdRows,
    /// Rows with ids of the source in columns of type `bytea`.
    bytea: EncodedIdRows,
}

/// A column as SQL, without texts that are kept because of their prefix (`id_paths.kept_prefixes`).
fn without_kept(store: &Store, column: &Column) -> String {
    let name = format!("t.{}", quote::identifier(&column.name));
    let prefixes = store.options["id_paths"]["kept_prefixes"].as_array();
    let prefixes: Vec<&str> = prefixes
        .into_iter()
        .flatten()
        .filter_map(|p| p.as_str())
        .collect();
    let is_kept = |value: &str| {
        let tests = prefixes
            .iter()
            .map(|p| format!("pg_catalog.starts_with({value}, {})", quote::literal(p)));
        tests.collect::<Vec<_>>().join(" OR ")
    };
    match (column.type_name.as_str(), prefixes.is_empty()) {
        ("text", false) => format!("CASE WHEN {} THEN NULL ELSE {name} END", is_kept(&name)),
        ("text[]", false) => format!(
            "ARRAY(SELECT e FROM pg_catalog.unnest({name}) e WHERE NOT ({}))",
            is_kept("e")
        ),
        _ => name,
    }
}

/// Whether the documents of a table have the key of their row.
fn says_id(table: &Table) -> bool {
    matches!(table.role, TableRole::Project | TableRole::Resource)
        && !table.document_inferred
        && table.document_column.is_some()
}

fn scan_table(
    store: &Store,
    table: &Table,
    target: &str,
    active: &HashSet<Oid>,
    sample: Option<i64>,
    rewriter: &mut Rewriter<'_>,
    seen: &mut Seen<'_>,
) -> Result<()> {
    let Some(belongs) = plan::condition(store, table, target, active, true)? else {
        return Ok(());
    };
    let bytea = InBytes::columns(table);
    let others: Vec<String> = table
        .columns
        .iter()
        .filter(|c| {
            c.role.holds_key() || store.follows_constraints() && !matches!(c.role, ColumnRole::LargeObject)
        })
        .filter(|c| !bytea.iter().any(|in_bytes| in_bytes.name == c.name))
        .filter(|c| table.document_column.as_deref() != Some(c.name.as_str()))
        .filter(|c| !plan::is_number_or_time(&c.type_name))
        .map(|c| without_kept(store, c))
        .collect();
    // Output as text takes as long as the search: 50,000 documents of 1.5 kB, 0.6 of 1.4 s.
    let is_jsonb = table
        .document_column
        .as_deref()
        .is_some_and(|column| table.type_of(column) == "jsonb");
    let document = table
        .document_column
        .as_deref()
        .map_or("NULL::text".to_owned(), |c| match is_jsonb {
            true => format!("t.{}", quote::identifier(c)),
            false => table.text_of("t", c),
        });
    let id = table
        .id_column
        .as_deref()
        .map_or("NULL::text".to_owned(), |c| table.text_of("t", c));
    // A function has at most 100 arguments.
    let parts: Vec<String> = others
        .chunks(50)
        .map(|part| format!(", pg_catalog.concat_ws(' ', {})", part.join(", ")))
        .collect();
    let texts = match parts.as_slice() {
        [first] => first.trim_start_matches(", ").to_owned(),
        parts => format!(
            "pg_catalog.array_to_string(ARRAY[''{}]::pg_catalog.text[], ' ')",
            parts.concat()
        ),
    };
    let mut selected = vec![document, texts, id];
    selected.extend(
        bytea
            .iter()
            .map(|column| format!("t.{}", quote::identifier(&column.name))),
    );
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .limit(sample)
        .select(&selected.join(", "));
    let says_id = says_id(table);
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let before = rewriter.counts().ids_in_base64;
        if let Some(document) = row.bytes(0).filter(|document| !document.is_empty()) {
            if says_id
                && let (Some(said), Some(id)) = (said_id(document, is_jsonb), row.bytes(2))
                && !said.eq_ignore_ascii_case(id)
            {
                seen.wrong_ids += 1;
            }
            let format = if is_jsonb { Format::Jsonb } else { Format::Json };
            rewriter
                .note_references(document, format)
                .map_err(crate::run::document_errors::rewrite_error)?;
        }
        if let Some(text) = row.bytes(1) {
            rewriter
                .note_references(text, Format::Text)
                .map_err(crate::run::document_errors::rewrite_error)?;
        }
        if rewriter.counts().ids_in_base64 > before {
            seen.base64.add(table, &row.text(2)?.unwrap_or_default());
        }
        let mut in_bytes = false;
        for place in 3..3 + bytea.len() {
            let Some(value) = row.bytes(place).filter(|_| !in_bytes) else {
                continue;
            };
            in_bytes = seen
                .in_bytes
                .finds(value)
                .map_err(crate::run::document_errors::rewrite_error)?;
        }
        if in_bytes {
            seen.bytea.add(table, &row.text(2)?.unwrap_or_default());
        }
        Ok(())
    })?;
    Ok(())
}

/// The id that a document says, as bytes of its string.
fn said_id(document: &[u8], is_jsonb: bool) -> Option<Cow<'_, [u8]>> {
    if is_jsonb {
        return jsonb::string_at(document, &["id"]).map(Cow::Borrowed);
    }
    member::string(document, &["id"]).map(|said| match said {
        Cow::Borrowed(said) => Cow::Borrowed(said.as_bytes()),
        Cow::Owned(said) => Cow::Owned(said.into_bytes()),
    })
}
