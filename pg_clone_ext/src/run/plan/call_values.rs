//! Values that a call sets: the new project's id, name and owner, and unique columns. Also checks the open questions of
//! the description, which prevent a call.

use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use crate::run::authorize::{check_fits, text_id};
use crate::run::keys::{Key, in_form_of_key};
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{
    self, Action, ColumnRole, KeyKind, Request, SourceQuery, Store, TableRole, canonical_numeric, is_numeric,
    quote,
};
use pg_clone_core::rules::Rule;

/// Checks for open questions that could make the clone wrong: an error (55000) whose hint is the call that answers it.
pub fn check_questions(store: &Store) -> Result<()> {
    if !store.follows_constraints() {
        return Ok(());
    }
    let found = {
        let _owner = AsExtensionOwner::new();
        pgrx::Spi::get_one_with_args::<pgrx::JsonB>(
            "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(q.question, COALESCE(q.answer, ''), q.otherwise)) \
             FROM clone_internal.store_questions($1) AS q WHERE q.severity OPERATOR(pg_catalog.=) 'error'",
            &[store.name.as_str().into()],
        )
        .map_err(internal)?
    };
    let Some(pgrx::JsonB(json)) = found else {
        return Ok(());
    };
    let questions: Vec<(String, String, Option<String>)> = serde_json::from_value(json).map_err(internal)?;
    let Some((question, answer, otherwise)) = questions.first() else {
        return Ok(());
    };
    let hint = match (answer.as_str(), otherwise) {
        ("", None) => format!(
            "Answer it with one of the functions that SELECT * FROM clone.store_check({}) names.",
            quote::literal(&store.name)
        ),
        ("", Some(call)) => format!("If it is not so: {call}"),
        (answer, None) => format!("Answer it: {answer}"),
        (answer, Some(call)) => format!("Answer it: {answer} If it is not so: {call}"),
    };
    let error = Error::new(Code::StoreChanged, question.clone()).hint(hint);
    Err(match questions.len() {
        1 => error,
        several => error.detail(format!(
            "It is one of {several} open questions: SELECT * FROM clone.store_check({});",
            quote::literal(&store.name)
        )),
    })
}

/// Adds `options.values` to the description. An unknown column, and one that says which row it is or to which project it belongs, is an
/// error (22023).
pub fn put_values<'v>(
    store: &mut Store,
    values: impl IntoIterator<Item = (&'v String, &'v String)>,
) -> Result<()> {
    for (name, value) in values {
        let (table, column) = named_column(store, name)?;
        if let Some(described) = store.tables.get(table) {
            check_given(store, described, &column)?;
        }
        let found = store
            .tables
            .get_mut(table)
            .and_then(|table| table.columns.iter_mut().find(|c| c.name == column));
        if let Some(found) = found {
            found.role = ColumnRole::Value(value.clone());
        }
    }
    Ok(())
}

/// The place of the table, and the column, that a name in `options.values` means: `table.column`, or `column` of the project's table. No
/// match and several are errors (22023).
fn named_column(store: &Store, name: &str) -> Result<(usize, String)> {
    let project = store.project_table()?.oid;
    let mut found: Vec<(usize, &plan::Table, &str, bool)> = Vec::new();
    for (place, table) in store.tables.iter().enumerate() {
        let short = last_name(&table.sql_name);
        let tables = [
            Some(table.sql_name.as_str()),
            Some(short),
            table.resource_type.as_deref(),
        ];
        for column in &table.columns {
            let quoted = quote::identifier(&column.name);
            let is_column = |text: &str| text == column.name || text == quoted;
            let of = |table: &str| {
                name.strip_prefix(table)
                    .and_then(|rest| rest.strip_prefix('.'))
                    .is_some_and(is_column)
            };
            if tables.iter().flatten().any(|table| of(table)) || table.oid == project && is_column(name) {
                found.push((place, table, &column.name, of(&table.sql_name)));
            }
        }
    }
    // A name with its schema is exact.
    if found.iter().any(|(.., exact)| *exact) {
        found.retain(|(.., exact)| *exact);
    }
    match found.as_slice() {
        [] => Err(Error::bad_argument(format!(
            "options.values names \"{}\", which is not a column of the store",
            shown(name)
        ))
        .hint("Name a column as \"table.column\", or \"column\" for one of the project's table.")),
        [(place, _, column, _)] => Ok((*place, (*column).to_owned())),
        [(_, one, column, _), (_, other, ..), ..] => Err(Error::bad_argument(format!(
            "options.values names \"{}\", which is a column of {} and of {}",
            shown(name),
            one.sql_name,
            other.sql_name
        ))
        .hint(format!(
            "Name it with the table's schema: \"{}.{column}\".",
            one.sql_name.replace('"', "\\\"")
        ))),
    }
}

/// The name of a table, as SQL, without its schema.
fn last_name(sql_name: &str) -> &str {
    let before = match sql_name.strip_suffix('"') {
        // A quote within a quoted name is doubled: the name begins at a single one.
        Some(quoted) => quoted
            .char_indices()
            .rev()
            .find(|(at, c)| *c == '"' && (*at == 0 || quoted[..*at].ends_with('.')))
            .map_or(0, |(at, _)| at),
        None => sql_name.rfind('.').map_or(0, |at| at + 1),
    };
    &sql_name[before..]
}

/// Refuses a value from the call for a key, and for a column by which rows belong to their project (22023).
fn check_given(store: &Store, table: &plan::Table, column: &str) -> Result<()> {
    let named = format!("column {column} of {}", table.sql_name);
    if table.role == TableRole::Project && table.id_column.as_deref() == Some(column) {
        return Err(Error::bad_argument(format!(
            "options.values gives a value to {named}, which is the key of the projects"
        ))
        .hint("Give the new project's id with options.target."));
    }
    let role_of = table.column(column).map(|column| &column.role);
    if role_of == Some(&ColumnRole::Project) || store.belongs_by(table, column) {
        return Err(Error::bad_argument(format!(
            "options.values gives a value to {named}, which says to which project a row belongs"
        ))
        .hint("Leave it out: the rows of a clone belong to the new project."));
    }
    if table.column(column).is_some_and(|column| column.generated) {
        return Err(Error::bad_argument(format!(
            "options.values gives a value to {named}, which is generated"
        ))
        .hint("Give values to the columns that it is generated from."));
    }
    if table.left_to_finish {
        return Err(Error::bad_argument(format!(
            "options.values gives a value to {named}, whose rows are written by a function of store \"{}\"",
            store.name
        ))
        .hint("Leave it out, and change the rows after the clone."));
    }
    if matches!(table.role, TableRole::Resource) && table.id_column.as_deref() == Some(column) {
        return Err(Error::bad_argument(format!(
            "options.values gives a value to {named}, which is the key of its rows"
        ))
        .hint("Leave it out: each row of a clone gets a new key, and references follow it."));
    }
    // What is given by hand can only be a row that exists: one of the source or of another project.
    let named_key = table.column(column).and_then(|column| column.keys.holds);
    let other = named_key
        .and_then(|key| store.column_of(key))
        .filter(|(other, key)| (other.oid, key.name.as_str()) != (table.oid, column));
    if let Some((other, _)) = other
        && store.follows_constraints()
        && other.cloned
        && other.role != TableRole::Project
    {
        return Err(Error::bad_argument(format!(
            "options.values gives a value to {named}, which names rows of {}: these are cloned, too",
            other.sql_name
        ))
        .hint("Leave it out: it names the row of the clone. Or change the rows after the clone."));
    }
    Ok(())
}

/// Checks name and owner: an error (22023) if no column takes the value.
pub fn check_arguments(store: &Store, request: &Request, rules: &[Rule]) -> Result<()> {
    if !store.follows_constraints() {
        return Ok(());
    }
    let project = store.project_table()?;
    for (argument, given, role) in [
        ("name", request.name.is_some(), ColumnRole::Name),
        ("owner", request.owner.is_some(), ColumnRole::Owner),
    ] {
        let in_template = |column: &plan::Column| match &column.role {
            ColumnRole::Template(template) => template.contains(&format!("{{{argument}}}")),
            _ => false,
        };
        let used = store
            .tables
            .iter()
            .flat_map(|table| &table.columns)
            .any(|column| column.role == role || in_template(column));
        let by_rule = rules
            .iter()
            .any(|rule| format!("{rule:?}").to_lowercase().contains(argument));
        if given && !used && !by_rule {
            return Err(Error::bad_argument(format!(
                "argument {argument} is given, but no column of {} takes it",
                project.sql_name
            ))
            .hint(format!(
                "Choose the column: SELECT clone.store_column({}, {}, '<column>', '{argument}').",
                quote::literal(&store.name),
                quote::literal(&project.sql_name)
            )));
        }
    }
    Ok(())
}

/// Sets the new project's id from the call. A malformed id, or one in use, is an error (22023).
pub fn choose_target(run: &mut Run) -> Result<()> {
    let Some(target) = run.request.options.target.clone() else {
        return Ok(());
    };
    let project = run.store.project_table()?.clone();
    let column = project.id_column.as_deref().unwrap_or_default();
    let malformed = |form: &str| {
        Error::bad_argument(format!("malformed target \"{}\"", shown(&target)))
            .hint(format!("Projects of this store have {form} as ids."))
    };
    let new = match KeyKind::of(project.type_of(column)) {
        KeyKind::Uuid => {
            Key::Uuid(uuid_text::parse_slice(target.as_bytes()).ok_or_else(|| malformed("UUIDs"))?)
        }
        KeyKind::Int => Key::Int(target.parse().map_err(|_| malformed("integers"))?),
        KeyKind::Text => Key::parse(&target),
    };
    if !matches!(new, Key::Uuid(_)) {
        check_fits(&project, &new.to_text(), "target")?;
    }
    let new = match new {
        // As later calls name it: 77.50 is 77.5.
        Key::Text(given) if is_numeric(project.type_of(column)) => {
            Key::Text(canonical_numeric(&given).ok_or_else(|| malformed("decimal numbers"))?)
        }
        Key::Text(given) => Key::Text(text_id(&project, &given)?),
        new => new,
    };
    let same = format!(
        "t.{} {} {}::{}",
        quote::identifier(column),
        project.column(column).map_or(plan::EQUAL, |c| c.equality()),
        quote::literal(&new.to_text()),
        project.type_of(column)
    );
    let taken = pgrx::Spi::get_one::<bool>(&SourceQuery::over(&project.from_sql()).filter(same).exists())
        .map_err(internal)?;
    // The clone that is replaced has it; that options.target names no other was checked.
    if taken == Some(true) && run.request.options.replace.is_none() {
        return Err(
            Error::bad_argument(format!("project \"{}\" already exists", shown(&target))).hint(
                "Choose another target, or leave it out. To replace an earlier clone use options.replace.",
            ),
        );
    }
    check_handle(run, &target)?;
    let source = source_key(run)?;
    if let (Key::Text(old), Key::Uuid(_)) = (&source, &new) {
        return Err(malformed(&format!("texts such as {old}")));
    }
    if let Some(own) = run.store.id_key(project.oid) {
        run.map_key(own, &source, &new)?;
    }
    Ok(())
}

/// Refuses the id of a collection that an item has, or that cannot be a handle (22023): collections and items of a registry have handles of
/// one kind.
fn check_handle(run: &Run, target: &str) -> Result<()> {
    if run.store.preset != "registry" {
        return Ok(());
    }
    if target.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::bad_argument(format!(
            "target \"{}\" is no handle: it contains spaces or control characters",
            shown(target)
        ))
        .hint(format!("Give a handle such as {}.", run.source)));
    }
    let items = run
        .store
        .tables
        .iter()
        .filter(|table| table.role == TableRole::Resource);
    for table in items {
        let Some(column) = table
            .id_column
            .as_deref()
            .filter(|id| plan::is_text(table.type_of(id)))
        else {
            continue;
        };
        let taken =
            crate::pg::query::exists(&SourceQuery::over(&table.from_sql()).equal(table, column, target))?;
        if taken {
            return Err(Error::bad_argument(format!(
                "target \"{}\" is the handle of an item in {}",
                shown(target),
                table.sql_name
            ))
            .hint("Choose another target, or leave it out."));
        }
    }
    Ok(())
}

/// Rejects a project whose rows are in a schema of its own (0A000): the clone would have no rows and would name the
/// source's schema.
pub fn check_schema(run: &Run) -> Result<()> {
    if !run.store.follows_constraints() {
        return Ok(());
    }
    let project = run.store.project_table()?;
    let names_schema = |column: &&plan::Column| {
        column.name.to_lowercase().contains("schema")
            && (plan::is_text(&column.type_name) || column.type_name == "name")
            && column.role != ColumnRole::Null
    };
    for column in project.columns.iter().filter(names_schema) {
        let Some(belongs) = plan::condition(&run.store, project, &run.source, &run.active, true)? else {
            continue;
        };
        let found = pgrx::Spi::get_one::<String>(&format!(
            "SELECT n.nspname::pg_catalog.text FROM {} AS t JOIN pg_catalog.pg_namespace AS n \
             ON n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) t.{}::pg_catalog.text WHERE {belongs} \
             AND n.nspname OPERATOR(pg_catalog.<>) {}::pg_catalog.name \
             AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid) LIMIT 1",
            project.from_sql(),
            quote::identifier(&column.name),
            quote::literal(&project.schema)
        ))
        .map_err(internal)?;
        if let Some(schema) = found {
            return Err(Error::new(
                Code::Unsupported,
                format!(
                    "project \"{}\" has a schema of its own, \"{schema}\" (column {}.{})",
                    run.source, project.sql_name, column.name
                ),
            )
            .detail("Rows of described tables are cloned, schemas are not.")
            .hint(format!(
                "Copy the schema with pg_dump and psql. To clone the described rows alone: SELECT clone.store_column({}, {}, {}, 'null').",
                quote::literal(&run.store.name),
                quote::literal(&project.sql_name),
                quote::literal(&column.name)
            )));
        }
    }
    Ok(())
}

/// Checks for rows of a polymorphic pair with an undeclared type: their id would still refer to the source's row. An error
/// (55000) lists the types.
pub fn check_types(run: &Run) -> Result<()> {
    for copy in &run.table_copies {
        let Some(table) = run.store.table(copy.table) else {
            continue;
        };
        for output in copy
            .outputs
            .iter()
            .filter(|o| matches!(o.action, Action::MapWhen(_)))
        {
            let references = || table.keys.references.iter().filter(|r| r.column == output.column);
            // The column is declared: ids without a reference are kept.
            let kept = |column: &plan::Column| column.role == ColumnRole::Keep && !column.inferred();
            if table.column(&output.column).is_some_and(kept) {
                continue;
            }
            let Some(type_column) = references().find_map(|r| r.type_column.clone()) else {
                continue;
            };
            let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, false)? else {
                continue;
            };
            let known: Vec<String> = references()
                .filter_map(|r| r.condition.as_ref().map(|condition| format!("({condition})")))
                .collect();
            let unknown = pgrx::Spi::get_one::<String>(&format!(
                "SELECT pg_catalog.string_agg(u.kind, ', ') FROM (SELECT DISTINCT {4} AS kind FROM {1} AS t \
                 WHERE {belongs} AND t.{2} IS NOT NULL AND t.{0} IS NOT NULL AND NOT ({3}) LIMIT 20) AS u",
                quote::identifier(&type_column),
                table.from_sql(),
                quote::identifier(&output.column),
                known.join(" OR "),
                table.text_of("t", &type_column)
            ))
            .map_err(internal)?;
            if let Some(unknown) = unknown {
                return Err(Error::new(
                    Code::StoreChanged,
                    format!(
                        "{}.{} refers to rows of types {unknown}, which no reference declares",
                        table.sql_name, output.column
                    ),
                )
                .detail("The clone would still refer to rows of the source.")
                .hint(format!(
                    "Declare the table of each type (also of a shared table): SELECT clone.store_reference({0}, {1}, {2}, '<table>', type_column => {3}, \
                     type_values => '{{…}}'). If the others stay: SELECT clone.store_column({0}, {1}, {2}, 'keep').",
                    quote::literal(&run.store.name),
                    quote::literal(&table.sql_name),
                    quote::literal(&output.column),
                    quote::literal(&type_column)
                )));
            }
        }
    }
    Ok(())
}

/// The source project's key in the form of the maps.
pub fn source_key(run: &Run) -> Result<Key> {
    let table = run.store.project_table()?;
    let column = table.id_column.as_deref().unwrap_or_default();
    let type_name = table.type_of(column);
    Ok(match KeyKind::of(type_name) {
        KeyKind::Int => Key::Int(run.source.parse().map_err(internal)?),
        _ => Key::parse(&in_form_of_key(&run.source, type_name)),
    })
}
