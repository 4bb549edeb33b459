//! Before anything is written: values that would collide with the source's own, because a unique index or an exclusion
//! constraint spans all projects and the clone has the same value in all of its columns.

use crate::pg::query::for_each_row;
use crate::pg::query::row::Row;
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{
    self, Column, ColumnRole, FileKey, KeyKind, KeyRef, Reference, ReferenceForm, SourceQuery, Table,
    TableRole, Unique, UniquePart, changes, new_value_roles, quote,
};
use pg_clone_core::rewrite::Dangling;
use pg_clone_core::scan;

/// An index in which a cloned row would meet its original is an error (55000) that says what to do.
pub fn check(run: &Run) -> Result<()> {
    if !run.store.follows_constraints() {
        return Ok(());
    }
    for table in run
        .store
        .tables
        .iter()
        .filter(|t| !t.empty && t.source.is_none() && run.active.contains(&t.oid))
    {
        for unique in &table.keys.uniques {
            if let Some(collision) = collision(run, table, unique)? {
                let kind = if unique.exclusion {
                    "exclusion constraint"
                } else {
                    "unique index"
                };
                let forbids = format!("which the {kind} {} forbids", unique.name);
                return Err(refuse(run, table, unique, &collision, &forbids));
            }
        }
        if let Some(key) = file_key(run, table)
            && let Some(collision) = collision(run, table, &key)?
        {
            let forbids = "which is the key of a file: both would have one";
            return Err(refuse(run, table, &key, &collision, forbids));
        }
    }
    Ok(())
}

/// The key of the rows' files, where only columns tell the files of two projects apart: what must be unique.
fn file_key(run: &Run, table: &Table) -> Option<Unique> {
    let key = FileKey::parse(table.blob_key.as_deref().filter(|_| run.request.options.blobs)?);
    let own = key.has_id() || key.has_project() || key.columns().is_empty();
    if own || run.request.options.blobs_to.is_some() {
        return None;
    }
    let part = |column: &String| UniquePart {
        columns: vec![column.clone()],
        value: format!("NULLIF({}, '')", table.text_of("t", column)),
        operator: plan::EQUAL.to_owned(),
        differs: false,
    };
    Some(Unique {
        name: String::new(),
        columns: key.columns().to_vec(),
        predicate: None,
        exclusion: false,
        expressions: false,
        nulls_meet: false,
        parts: key.columns().iter().map(part).collect(),
    })
}

/// A row of the clone that would meet its source.
struct Collision {
    /// Its values in the index, as text.
    values: String,
    /// The reference that stays in it, because what it names is not cloned.
    kept: Option<String>,
}

/// Whether rows of the clone conflict with their source in a part of an index.
enum Conflict<'s> {
    /// None does.
    Never,
    /// Each does.
    Always,
    /// Those do for which the condition holds, and in which these columns stay as they are.
    IfKept(Vec<&'s Column>, String),
    /// Those do in which one of these columns changes.
    IfChanged(Vec<&'s Column>),
}

fn collision(run: &Run, table: &Table, unique: &Unique) -> Result<Option<Collision>> {
    let mut conditions: Vec<String> = unique.predicate.iter().map(|text| format!("({text})")).collect();
    let (mut stay, mut change): (Vec<&Column>, Vec<Vec<&Column>>) = (Vec::new(), Vec::new());
    for part in &unique.parts {
        match conflict_in(run, table, unique, part) {
            Conflict::Never => return Ok(None),
            Conflict::Always => {}
            Conflict::IfKept(columns, condition) => {
                stay.extend(columns);
                conditions.push(condition);
            }
            Conflict::IfChanged(columns) => change.push(columns),
        }
    }
    let belongs = plan::condition(&run.store, table, &run.source, &run.active, false)?;
    let Some(belongs) = belongs.filter(|_| !unique.parts.is_empty()) else {
        return Ok(None);
    };
    let values: Vec<String> = unique.parts.iter().map(|part| part.value.clone()).collect();
    let read: Vec<&Column> = stay.iter().chain(change.iter().flatten()).copied().collect();
    let mut selected: Vec<String> = vec![format!("pg_catalog.concat_ws(', ', {})", values.join(", "))];
    selected.extend(read.iter().map(|column| as_key(table, column)));
    let (selected, row_filter) = plan::with_row_filter(&run.store, table, selected);
    conditions.insert(0, belongs);
    let sql = SourceQuery::over(&table.from_sql())
        .filter(conditions.join(" AND "))
        .select(&selected.join(", "));
    let mut found = None;
    for_each_row(&sql, &mut |row| {
        let Some(row) = row.filter(|_| found.is_none()) else {
            return Ok(());
        };
        if let Some(filter) = &row_filter
            && run.leaves_out(row, filter)?
        {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(read.len());
        for (place, column) in read.iter().enumerate() {
            kept.push(is_kept(run, table, column, row, place + 1)?);
        }
        let (same, mut others) = kept.split_at(stay.len());
        let meets = same.iter().all(|kept| *kept)
            && change.iter().all(|columns| {
                let (these, rest) = others.split_at(columns.len());
                others = rest;
                these.iter().any(|kept| !*kept)
            });
        if meets {
            found = Some(Collision {
                values: row.text(0)?.unwrap_or_default().into_owned(),
                kept: stay
                    .iter()
                    .find(|column| !is_searched(column))
                    .map(|column| column.name.clone()),
            });
        }
        Ok(())
    })?;
    Ok(found)
}

/// A column as SQL, in the form in which its values are compared.
fn as_key(table: &Table, column: &Column) -> String {
    let plain = format!("t.{}", quote::identifier(&column.name));
    match is_searched(column) {
        true => table.text_of("t", &column.name),
        false => plan::canonical_key(table, &column.name, "t").unwrap_or(plain),
    }
}

/// Whether UUIDs are looked for within the values of a column.
fn is_searched(column: &Column) -> bool {
    match column.role {
        ColumnRole::Rewrite => true,
        ColumnRole::Map(None) => column.type_name.ends_with("[]"),
        _ => false,
    }
}

/// Whether a column names rows, of which some may not be cloned.
fn is_reference(run: &Run, table: &Table, column: &Column) -> bool {
    let is_own = |key: KeyRef| {
        run.store
            .column_of(key)
            .is_some_and(|(of, own)| of.oid == table.oid && own.name == column.name)
    };
    (matches!(column.role, ColumnRole::Map(_)) || declared(table, column).next().is_some())
        && !column.type_name.ends_with("[]")
        && table.id_column.as_ref() != Some(&column.name)
        && !column.keys.holds.is_some_and(is_own)
}

/// The references that are declared for a column.
fn declared<'t>(table: &'t Table, column: &'t Column) -> impl Iterator<Item = &'t Reference> {
    let of_column = |reference: &&Reference| reference.column == column.name;
    table.keys.references.iter().filter(of_column)
}

/// Whether the clone's row has the value of the source's row in a column. NULL stays NULL.
fn is_kept(run: &Run, table: &Table, column: &Column, row: &Row<'_>, place: usize) -> Result<bool> {
    let target = match &column.role {
        ColumnRole::Map(Some(target)) => run.store.id_key(*target),
        _ => None,
    };
    let of = column.keys.holds.or(target);
    if is_searched(column) {
        let text = row.text(place)?.unwrap_or_default();
        let is_cloned = |id| matches!(run.new_key_of(&Key::Uuid(id), &[]), NewKey::To(_));
        let changes = scan::uuids(text.as_bytes())
            .chain(scan::without_dashes(text.as_bytes()))
            .any(|(_, id)| is_cloned(id));
        if changes || declared(table, column).next().is_none() {
            return Ok(!changes);
        }
    }
    let Some(key) = Key::read(row, place, KeyKind::of(&column.type_name), &column.type_name)? else {
        return Ok(true);
    };
    // A reference to rows of several tables: one of which the key is of is enough.
    let mut of: Vec<KeyRef> = of.into_iter().collect();
    of.extend(declared(table, column).filter_map(|reference| {
        let target = run.store.table(reference.target)?;
        target.holds(&reference.target_column)
    }));
    Ok(match run.new_key_of(&key, &of) {
        // A plan has no new keys yet: whether one differs from the old is not asked.
        NewKey::To(_) => of
            .first()
            .and_then(|key| run.store.column_of(*key))
            .is_some_and(|(_, root)| root.role == ColumnRole::Keep),
        NewKey::NotCloned => run.request.options.dangling == Dangling::Keep,
        NewKey::Unknown => true,
    })
}

fn conflict_in<'s>(run: &Run, table: &'s Table, unique: &Unique, part: &UniquePart) -> Conflict<'s> {
    // A generated column to which other rows refer is refused by name later.
    let referenced = |column: &Column| {
        column.generated && column.keys.holds.is_some() && part.value.trim_matches('"') == column.name
    };
    if table.columns.iter().any(referenced) {
        return Conflict::Never;
    }
    let columns: Vec<&Column> = part
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .collect();
    let given = |column: &Column| match &column.role {
        // Whether a value that is given meets another is looked at by `unique_collisions_of_given_values`.
        ColumnRole::Value(_) | ColumnRole::Expression(_) | ColumnRole::Now => true,
        ColumnRole::Null => !unique.nulls_meet,
        ColumnRole::Default => column.keys.default.is_some() || column.keys.sequence.is_some(),
        ColumnRole::Name => run.request.name.is_some(),
        ColumnRole::Owner => run.request.owner.is_some(),
        _ => false,
    };
    if columns.len() < part.columns.len() || columns.iter().any(|column| given(column)) {
        return Conflict::Never;
    }
    let (mut references, others): (Vec<&Column>, Vec<&Column>) = columns
        .into_iter()
        .partition(|column| is_reference(run, table, column));
    // Keys within texts and documents, and in arrays: what they become is not looked at.
    let within = |column: &Column| {
        declared(table, column).any(|reference| !matches!(reference.form, ReferenceForm::Column))
    };
    // A value of its own is made of one that is there: NULL stays NULL.
    let made = |column: &&Column| column.role.makes_texts();
    if unique.nulls_meet && !others.is_empty() && others.iter().all(made) {
        return Conflict::IfKept(references, format!("({}) IS NULL", part.value));
    }
    if others
        .iter()
        .any(|column| column.generated || changes(&run.store, table, &column.name))
        || others.iter().chain(&references).any(|column| within(column))
    {
        return if part.differs {
            Conflict::Always
        } else {
            Conflict::Never
        };
    }
    references.extend(others.into_iter().filter(|column| is_searched(column)));
    match (part.differs, references.is_empty()) {
        (true, true) => return Conflict::Never,
        (true, false) => return Conflict::IfChanged(references),
        (false, _) => {}
    }
    let value = &part.value;
    // Not every value meets itself: NULL does in some indexes only, and an empty range overlaps nothing.
    let condition = match (unique.exclusion, unique.nulls_meet) {
        (true, _) => format!("({value}) {} ({value})", part.operator),
        (false, true) => "true".to_owned(),
        (false, false) => format!("({value}) IS NOT NULL"),
    };
    Conflict::IfKept(references, condition)
}

fn refuse(run: &Run, table: &Table, unique: &Unique, collision: &Collision, forbids: &str) -> Error {
    let columns: Vec<String> = unique
        .columns
        .iter()
        .map(|name| quote::identifier(name))
        .collect();
    let chosen = unique
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .max_by_key(|column| plan::is_text(&column.type_name));
    let column = chosen.map_or("…", |column| column.name.as_str());
    let roles = match chosen {
        // Here NULL meets NULL, and what is made of NULL is NULL.
        _ if unique.nulls_meet && collision.values.is_empty() => {
            "'expression', value => 'an SQL expression over the row')".to_owned()
        }
        Some(column) => new_value_roles(table, column),
        None => "…)".to_owned(),
    };
    let not_cloned = collision.kept.as_ref().map_or(String::new(), |kept| {
        format!(
            "What {} names is not cloned in these rows: clone it too, or leave the rows out. Or: ",
            quote::identifier(kept)
        )
    });
    let project = table.role == TableRole::Project && column == "name";
    Error::new(
        Code::StoreChanged,
        format!(
            "the clone would have the source's values in ({}) of {}, {forbids}",
            columns.join(", "),
            table.sql_name
        ),
    )
    .detail(format!("One row has the values ({}).", collision.values))
    .hint(if project {
        "Give the clone a name of its own: name => '…'.".to_owned()
    } else {
        format!(
            "{not_cloned}Give the column another value in clones: SELECT clone.store_column({}, {}, {}, {roles}. For one call: options => '{{\"values\": {{\"{}.{}\": \"…\"}}}}'.",
            quote::literal(&run.store.name),
            quote::literal(&table.sql_name),
            quote::literal(column),
            table.sql_name.replace('"', "\\\""),
            column
        )
    })
}
