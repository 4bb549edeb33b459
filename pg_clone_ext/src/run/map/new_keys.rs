//! New keys that are not UUIDs, from the source of the column's values: its sequence, its default, a
//! generator of the store, texts of the same form, or the old values.

use std::collections::HashMap;

use super::fresh_texts::{FreshTexts, random_like};
use super::{expression_keys, large_object_copies, letters, made_of_keys, sequences};
use crate::error::internal;
use crate::pg::query::for_each_row;
use crate::pg::value::datum::random;
use crate::run::document_errors::rewrite_error;
use crate::run::keys::Key;
use crate::run::state::{Run, over_budget};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::text_form::{self, TextForm};
use pg_clone_core::ids::{Id, is_time_ordered, uuid_text};
use pg_clone_core::item::generator::Generator;
use pg_clone_core::plan::{
    self, Column, ColumnRole, KeyForm, KeyKind, KeyRef, SUFFIX, Table, TableRole, filled, quote,
};
use pg_clone_core::rewrite::{Dangling, Outcome, Rewriter};

/// Hint where an expression gives no new keys.
const NEW_KEYS: &str = "New keys come from the default of the column or from options.id_generator; it must return a different \
                        value for each row.";

/// Bytes that a value of type `name` can have.
const NAME_LENGTH: usize = 63;

/// Assigns new values to keys that are not UUIDs, and new UUIDs to those that are sorted first. Values of a sequence are in the order of the
/// old keys, not in that of the rows in the table, which changes with every UPDATE: applications sort by their keys.
pub fn new_keys(run: &mut Run, table: &Table, column: &str, mut keys: Vec<Key>) -> Result<()> {
    let mut timed: Vec<Id> = keys.iter().filter_map(Key::uuid).collect();
    if !timed.is_empty() {
        timed.sort_unstable();
        let ids = run.ids_mut()?;
        for id in timed {
            ids.insert_cloned(id).map_err(over_budget)?;
        }
        keys.retain(|key| key.uuid().is_none());
    }
    if keys.is_empty() {
        return Ok(());
    }
    keys.sort_by_key(number_of);
    run.active.insert(table.oid);
    let (Some(column), Some(key)) = (table.column(column), table.key_ref(column)) else {
        return Ok(());
    };
    let new = new_values(run, table, column, key, &keys)?;
    for (old, new) in keys.iter().zip(&new) {
        run.map_key(key, old, new)?;
    }
    Ok(())
}

/// Whether a UUID waits for the others of its table: of the user's own tables, those that are ordered by their time stay in this order.
pub(super) fn is_sorted_first(run: &Run, id: &Id) -> bool {
    run.texts_by_key() && is_time_ordered(id)
}

/// The number of an integer key; 0 for others, which stay where they are.
pub(super) fn number_of(key: &Key) -> i64 {
    match key {
        Key::Int(number) => *number,
        Key::Uuid(_) | Key::Text(_) => 0,
    }
}

fn new_values(run: &mut Run, table: &Table, column: &Column, key: KeyRef, keys: &[Key]) -> Result<Vec<Key>> {
    // The call gives it (choose_target()), or the clone that is replaced has it.
    let options = &run.request.options;
    let is_id = table.id_column.as_ref() == Some(&column.name);
    if table.role == TableRole::Project && is_id && (options.target.is_some() || options.replace.is_some()) {
        return Ok(keys.to_vec());
    }
    if table.makes_key_of_others(&column.name) && !options.keep_ids && !run.dry {
        return made_of_others(run, table, column, key, keys);
    }
    // Kept keys do not change.
    if run.request.options.keep_ids || column.role == ColumnRole::Keep {
        return Ok(keys.to_vec());
    }
    // A plan takes no number from a sequence: the old keys are enough to count.
    if run.dry {
        check_source(run, table, column, keys.len())?;
        return Ok(keys.to_vec());
    }
    if column.role.makes_texts() {
        return made_texts(run, table, column, keys);
    }
    if let ColumnRole::Value(text) = &column.role {
        return Ok(vec![Key::parse(text); keys.len()]);
    }
    // What names the project by its name names the clone by that of the call.
    if column.role == ColumnRole::Name {
        return Ok(match &run.request.name {
            Some(name) => vec![Key::Text(name.clone()); keys.len()],
            None => keys.to_vec(),
        });
    }
    if let ColumnRole::Expression(sql) = &column.role {
        return expression_keys::values(run, table, column, sql, keys);
    }
    // The server computes it from columns of the row. A unique key of several columns can keep it; see check_generated().
    if column.generated {
        return Ok(keys.to_vec());
    }
    let integer = KeyKind::of(&column.type_name) == KeyKind::Int;
    let generator = run
        .store
        .options
        .get("id_generator")
        .and_then(|generator| generator.as_str())
        .filter(|_| !integer)
        .map(str::to_owned);
    if let Some(named) = generator {
        // Only the name of a function is accepted, not an SQL expression.
        let generator = Generator::parse(&named)?;
        let _path = run.path.enter();
        if generator.takes_subtype {
            let call = format!("{}(s.kind)", generator.function);
            return drawn_for(&call, &subtypes(table, column, keys), keys.len(), integer);
        }
        return drawn(&format!("{}()", generator.function), keys.len(), integer);
    }
    if let Some(sequence) = &column.keys.sequence {
        return sequences::next_values(table, column, sequence, keys.len());
    }
    if !run.texts_by_key() {
        return if integer {
            sequences::values_of_owned(run, table, column, keys.len())
        } else {
            as_uuids(run, keys.len())
        };
    }
    if let Some(default) = &column.keys.default
        && default.contains('(')
    {
        // As for an INSERT of the caller: functions may depend on the search_path.
        let _path = run.path.enter();
        // Written as the column has it: timestamp(0) has no microseconds.
        let call = match KeyForm::of(&column.type_name) {
            KeyForm::Time => format!("({default})::{}", quote::type_name(&column.type_name)),
            _ => default.clone(),
        };
        return drawn(&call, keys.len(), integer);
    }
    if integer {
        return sequences::values_of_owned(run, table, column, keys.len());
    }
    if column.type_name == "oid"
        && let Some(copies) = large_object_copies::keys(run, keys)?
    {
        return Ok(copies);
    }
    if !plan::is_text(&column.type_name) && column.type_name != "name" {
        return Err(no_source(run, table, column));
    }
    of_the_same_form(run, key, table, column, keys)
}

/// Keys that are made of keys of other rows; the others have the form of the old ones.
fn made_of_others(run: &Run, table: &Table, column: &Column, key: KeyRef, keys: &[Key]) -> Result<Vec<Key>> {
    let made = made_of_keys::values(run, table, column, keys)?;
    let rest: Vec<Key> = keys
        .iter()
        .zip(&made)
        .filter(|(_, made)| made.is_none())
        .map(|(key, _)| key.clone())
        .collect();
    // A part of a key beside one that changes keeps what it does not have from other rows, such as the name of a setting.
    let mut rest = match is_new_by_others(table, column) {
        true => rest,
        false => of_the_same_form(run, key, table, column, &rest)?,
    }
    .into_iter();
    let mut new = Vec::with_capacity(keys.len());
    for made in made {
        new.extend(made.map(Key::Text).or_else(|| rest.next()));
    }
    Ok(new)
}

/// Whether every unique key with this column has another one that changes, as it names a row of another table or the project.
fn is_new_by_others(table: &Table, column: &Column) -> bool {
    let changes = |name: &String| {
        name != &column.name
            && table.column(name).is_some_and(|other| {
                other.role == ColumnRole::Project
                    || other.keys.holds.is_some_and(|holds| holds.table != table.oid)
            })
    };
    let mut uniques = table
        .keys
        .uniques
        .iter()
        .filter(|unique| unique.columns.contains(&column.name))
        .peekable();
    uniques.peek().is_some() && uniques.all(|unique| unique.columns.iter().any(changes))
}

/// Raises for a plan what the clone would: 55000 if there is no source of new values, or if a sequence is behind its table.
fn check_source(run: &Run, table: &Table, column: &Column, count: usize) -> Result<()> {
    let integer = KeyKind::of(&column.type_name) == KeyKind::Int;
    if column.role.gives_values()
        || column.generated
        || !integer && run.store.options.get("id_generator").is_some()
    {
        return Ok(());
    }
    if let Some(sequence) = &column.keys.sequence {
        return sequences::check_not_behind(table, column, sequence, count);
    }
    let has_default = run.texts_by_key() && column.keys.default.as_ref().is_some_and(|d| d.contains('('));
    if integer && !has_default {
        return sequences::owned(run, table, column).map(|_| ());
    }
    if run.texts_by_key()
        && !has_default
        && !integer
        && !plan::is_text(&column.type_name)
        // Those of large objects have copies.
        && column.type_name != "oid"
        && column.type_name != "name"
    {
        return Err(no_source(run, table, column));
    }
    Ok(())
}

/// Texts with the form of the old ones.
fn of_the_same_form(
    run: &Run,
    key: KeyRef,
    table: &Table,
    column: &Column,
    keys: &[Key],
) -> Result<Vec<Key>> {
    let texts: Vec<&str> = keys
        .iter()
        .filter_map(|key| match key {
            Key::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let form = TextForm::of(texts.iter().copied());
    let longest = length_of(&column.type_name);
    let mut failed = None;
    let mut fill = |buffer: &mut [u8]| fill_random(buffer, &mut failed);
    let mut new = Vec::with_capacity(keys.len());
    let mut rewriter = rewriter(run);
    let letters = match form {
        TextForm::Name => letters::of_keys(table, column, keys)?,
        _ => HashMap::new(),
    };
    // Those of which no part is a key that changes.
    let mut alone = Vec::new();
    for key in keys {
        let text = key.to_text();
        let text = letters.get(&*text).map_or(text, Clone::clone);
        let rewritten = with_new_ids(&mut rewriter, &text)?;
        if rewritten.is_none() {
            alone.push(text);
        }
        new.push(rewritten);
    }
    let alone: Vec<&str> = alone.iter().map(AsRef::as_ref).collect();
    let mut made = text_form::make_in_order(&form, &alone, longest, &mut fill).into_iter();
    let new = new
        .into_iter()
        .map(|rewritten| Key::Text(rewritten.or_else(|| made.next()).unwrap_or_default()))
        .collect();
    failed.map_or(Ok(()), Err)?;
    debug_assert!(run.store.column_of(key).is_some());
    Ok(new)
}

/// Maximum number of characters of a text type, if it has one.
pub fn length_of(type_name: &str) -> Option<usize> {
    if type_name == "name" {
        return Some(NAME_LENGTH);
    }
    let (_, rest) = type_name.split_once('(')?;
    rest.split(')').next()?.parse().ok()
}

/// Fills a buffer with unpredictable bytes; an error is stored in `failed`.
pub fn fill_random(buffer: &mut [u8], failed: &mut Option<Error>) {
    for chunk in buffer.chunks_mut(32) {
        match random::<32>() {
            Ok(bytes) => chunk.copy_from_slice(&bytes[..chunk.len()]),
            Err(error) => *failed = Some(error),
        }
    }
}

fn made_texts(run: &Run, table: &Table, column: &Column, keys: &[Key]) -> Result<Vec<Key>> {
    let mut fresh = FreshTexts::of(table, &column.name);
    let mut new = Vec::with_capacity(keys.len());
    let mut rewriter = rewriter(run);
    for key in keys {
        let rewritten = match &column.role {
            ColumnRole::Template(template) if template == SUFFIX => {
                with_new_ids(&mut rewriter, &key.to_text())?
            }
            _ => None,
        };
        let text = match (&column.role, rewritten) {
            (_, Some(text)) => text,
            (ColumnRole::Template(template), None) => {
                fill_template(run, template, &key.to_text(), None, length_of(&column.type_name))
            }
            _ => match &mut fresh {
                Some(fresh) => fresh.make(&key.to_text())?,
                None => random_like(&key.to_text())?,
            },
        };
        new.push(match key {
            Key::Int(_) => Key::Int(text.parse().map_err(internal)?),
            _ => Key::Text(text),
        });
    }
    Ok(new)
}

fn rewriter(run: &Run) -> Rewriter<'_> {
    Rewriter::new(&run.ids, &run.texts, Dangling::Keep)
}

/// A text with the new ids of the rows that it names; None if it names none. No other project has such a text.
pub fn with_new_ids(rewriter: &mut Rewriter<'_>, text: &str) -> Result<Option<String>> {
    let mut bytes = text.as_bytes().to_vec();
    match rewriter.plain_text(&mut bytes).map_err(rewrite_error)? {
        Outcome::InPlace => String::from_utf8(bytes).map(Some).map_err(internal),
        Outcome::Rebuilt(new) => String::from_utf8(new).map(Some).map_err(internal),
        Outcome::Unchanged | Outcome::Null => Ok(None),
    }
}

/// The text of a template for a value, which is shortened where the column has at most `longest` characters.
pub fn fill_template(
    run: &Run,
    template: &str,
    value: &str,
    new_id: Option<&str>,
    longest: Option<usize>,
) -> String {
    let number = run.id.to_string();
    let fillings = [
        ("{value}", value),
        ("{name}", run.request.name.as_deref().unwrap_or_default()),
        ("{n}", number.as_str()),
        ("{project}", &run.target),
        ("{new_id}", new_id.unwrap_or_default()),
    ];
    filled(template, &fillings, longest)
}

pub(super) fn no_source(run: &Run, table: &Table, column: &Column) -> Error {
    let call = format!(
        "SELECT clone.store_column({}, {}, {}",
        quote::literal(&run.store.name),
        quote::literal(&table.sql_name),
        quote::literal(&column.name)
    );
    let source = if KeyKind::of(&column.type_name) == KeyKind::Int {
        "Make it an identity column, let a sequence be OWNED BY it, or give it a DEFAULT.".to_owned()
    } else if table.role == TableRole::Project {
        format!(
            "Give it a DEFAULT that makes values of type {}.",
            column.type_name
        )
    } else {
        format!(
            "Give it a DEFAULT that makes values of type {0}, or compute them: {call}, 'expression', value => 'an SQL expression of type {0} over the row').",
            column.type_name
        )
    };
    Error::new(
        Code::StoreChanged,
        format!(
            "column {}.{} has no sequence to take new keys from, and no default",
            table.sql_name, column.name
        ),
    )
    .hint(format!(
        "{source} {}",
        match table.role {
            TableRole::Project =>
                "Or choose the new project's id for each clone: options => '{\"target\": \"…\"}'.".to_owned(),
            _ => format!(
                "If its values are keys of the rows of another table: SELECT clone.store_reference({}, {}, {}, '<table>'). \
                 If another column of its unique keys changes in a clone: {call}, 'keep').",
                quote::literal(&run.store.name),
                quote::literal(&table.sql_name),
                quote::literal(&column.name)
            ),
        }
    ))
}

/// The subtypes of rows, in the order of their keys, as a relation `s` with a column `kind`; COLLECTION for a project.
fn subtypes(table: &Table, column: &Column, keys: &[Key]) -> String {
    let Some(kind) = &table.type_column else {
        let name = match table.role {
            TableRole::Project => "COLLECTION",
            _ => table.resource_type.as_deref().unwrap_or(&table.sql_name),
        };
        return format!(
            "(SELECT {}::pg_catalog.text AS kind FROM pg_catalog.generate_series(1, {})) s",
            quote::literal(name),
            keys.len()
        );
    };
    format!(
        "(SELECT {} AS kind FROM pg_catalog.unnest({}::pg_catalog.text[]) WITH ORDINALITY u (key, n) \
         LEFT JOIN {} t ON {} OPERATOR(pg_catalog.=) u.key ORDER BY u.n OFFSET 0) s",
        table.text_of("t", kind),
        quote::literal(&quote::text_array(keys.iter().map(Key::to_text))),
        table.from_sql(),
        table.text_of("t", &column.name)
    )
}

/// `count` values of an expression.
pub(super) fn drawn(expression: &str, count: usize, integer: bool) -> Result<Vec<Key>> {
    let rows = format!("pg_catalog.generate_series(1, {count})");
    drawn_for(expression, &rows, count, integer)
}

/// The same for each row of a relation.
fn drawn_for(expression: &str, rows: &str, count: usize, integer: bool) -> Result<Vec<Key>> {
    let mut new = Vec::with_capacity(count);
    let cast = if integer {
        "pg_catalog.int8"
    } else {
        "pg_catalog.text"
    };
    for_each_row(
        &format!("SELECT ({expression})::{cast} FROM {rows}"),
        &mut |row| {
            if let Some(row) = row {
                if integer {
                    new.extend(row.bigint(0).map(Key::Int));
                } else {
                    new.extend(row.text(0)?.map(|text| Key::Text(text.into_owned())));
                }
            }
            Ok(())
        },
    )?;
    if new.len() != count {
        return Err(Error::new(
            Code::StoreChanged,
            format!("{expression} returned NULL instead of a new id"),
        )
        .hint(NEW_KEYS));
    }
    if count > 1 && new.first() == new.get(1) {
        return Err(Error::new(
            Code::StoreChanged,
            format!("{expression} returned the same new id twice"),
        )
        .hint(NEW_KEYS));
    }
    Ok(new)
}

/// UUIDs of the run, as texts.
fn as_uuids(run: &mut Run, count: usize) -> Result<Vec<Key>> {
    let mut new = Vec::with_capacity(count);
    for _ in 0..count {
        let seed = random::<16>()?;
        new.push(Key::Text(uuid_text::to_string(
            &run.ids_mut()?.insert_cloned(seed).map_err(over_budget)?,
        )));
    }
    Ok(new)
}
