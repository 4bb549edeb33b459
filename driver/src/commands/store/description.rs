//! `pg_clone store discover | check | export | import | diff`: descriptions of stores.

use std::collections::HashSet;
use std::fs;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::args::store::StoreAction;
use crate::cloning::calls::text;
use crate::commands::Context;
use crate::connect::session::Session;
use crate::failure::{Exit, Hinted, UsageContext};
use crate::output::messages;
use crate::output::printable::escape;

const QUESTIONS: &str = "SELECT pg_catalog.to_jsonb(q) FROM clone.store_check($1::text) AS q";

pub(super) async fn run(context: &mut Context, session: &Session, action: &StoreAction) -> Result<Exit> {
    match action {
        StoreAction::Discover {
            table,
            name,
            schemas,
            shared,
            output,
            create,
        } => {
            let tenants = Tenants {
                table,
                name: name.as_deref(),
                schemas,
                shared,
            };
            discover(context, session, &tenants, output.as_deref(), *create).await
        }
        StoreAction::Check { name } => check(context, session, name).await,
        StoreAction::Export { name, output } => {
            let found = export(session, name).await?;
            write(context, &found, output.as_deref())?;
            Ok(Exit::Done)
        }
        StoreAction::Import { file, name } => {
            let description = read(file)?;
            let row = session
                .query_one(
                    "SELECT clone.store_import($1::jsonb, $2::text)",
                    &[&description, name],
                )
                .await
                .with_context(|| format!("cannot import {}", file.display()))?;
            let store: String = row.try_get(0)?;
            context.output.line(format!("Store {store} is described"));
            context.output.document(&json!({"store": store}));
            Ok(Exit::Done)
        }
        StoreAction::Diff { name, file } => {
            let differences = differences(&read(file)?, &export(session, name).await?);
            for line in &differences {
                context.output.line(line);
            }
            context.output.document(&json!({"differences": differences}));
            Ok(if differences.is_empty() {
                Exit::Done
            } else {
                Exit::Failed
            })
        }
        _ => bail!("no command about a description"),
    }
}

/// What is discovered.
struct Tenants<'a> {
    table: &'a str,
    name: Option<&'a str>,
    /// Empty: all.
    schemas: &'a [String],
    shared: &'a [String],
}

async fn discover(
    context: &mut Context,
    session: &Session,
    tenants: &Tenants<'_>,
    output: Option<&Path>,
    create: bool,
) -> Result<Exit> {
    let (table, name) = (tenants.table, tenants.name);
    let schemas = (!tenants.schemas.is_empty()).then(|| tenants.schemas.to_vec());
    let row = session
        .query_one(
            "SELECT clone.store_discover(clone_internal.table_named($1::text), $2::text, $3::text[], \
             ARRAY(SELECT clone_internal.table_named(s) FROM pg_catalog.unnest($4::text[]) AS s))",
            &[&table, &name, &schemas, &tenants.shared.to_vec()],
        )
        .await
        .with_context(|| format!("cannot discover the tables of {table}"))?;
    let description: Value = row.try_get(0)?;
    let questions = description["questions"].as_array().cloned().unwrap_or_default();
    if create {
        // An import would replace what was declared of the store.
        let called = text(&description, "name");
        let described = session
            .query_one(
                "SELECT EXISTS (SELECT FROM clone.store AS s WHERE s.name OPERATOR(pg_catalog.=) $1::text)",
                &[&called],
            )
            .await?;
        if described.try_get(0)? {
            return Err(Hinted::new(
                format!("store {called:?} already exists"),
                format!("To see what is open in it: pg_clone store check {called}. To describe it anew: SELECT clone.store_drop('{called}');"),
            )
            .into())
            .or_usage();
        }
        let row = session
            .query_one(
                "SELECT clone.store_import($1::jsonb, $2::text)",
                &[&description, &name],
            )
            .await
            .context("cannot make the store")?;
        let store: String = row.try_get(0)?;
        context.output.line(format!("Store {store} is registered"));
        if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !messages::are_json() {
            answer_questions(session, &store).await?;
        }
        return check(context, session, &store).await;
    }
    if messages::are_json()
        && let Some(path) = output
    {
        save(&description, path)?;
        context
            .output
            .document(&json!({"file": path.display().to_string(), "questions": questions}));
        return Ok(Exit::Done);
    }
    write(context, &description, output)?;
    // In JSON they are part of the description.
    for question in questions.iter().filter(|_| !messages::are_json()) {
        eprintln!(
            "{}: {}",
            escape(text(question, "severity")),
            escape(text(question, "question"))
        );
    }
    Ok(Exit::Done)
}

/// Asks a person what is open, until nothing is or all the rest was put off, and executes the answers.
async fn answer_questions(session: &Session, store: &str) -> Result<()> {
    let mut later: HashSet<String> = HashSet::new();
    loop {
        let questions = session.json(QUESTIONS, &[&store]).await?;
        let open = questions.iter().find(|question| {
            text(question, "severity") != "note"
                && !text(question, "answer").is_empty()
                && !later.contains(text(question, "question"))
        });
        let Some(question) = open else { return Ok(()) };
        eprintln!(
            "\n{}: {}",
            escape(text(question, "severity")),
            escape(text(question, "question"))
        );
        eprintln!("    a  {}", escape(text(question, "answer")));
        let otherwise = text(question, "otherwise");
        if !otherwise.is_empty() {
            eprintln!("    o  {}", escape(otherwise));
        }
        let choices = if otherwise.is_empty() { "a" } else { "a, o" };
        let call = loop {
            eprint!("Answer: {choices}, l for later, or q to stop [a] ");
            std::io::stderr().flush()?;
            let mut line = String::new();
            if std::io::stdin().read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim() {
                "" | "a" => break Some(text(question, "answer")),
                "o" if !otherwise.is_empty() => break Some(otherwise),
                "l" => break None,
                "q" => return Ok(()),
                // Anything else is asked again: an answer is executed.
                _ => {}
            }
        };
        let Some(call) = call else {
            later.insert(text(question, "question").to_owned());
            continue;
        };
        session
            .execute(call)
            .await
            .with_context(|| format!("the answer cannot be carried out: {}", escape(call)))?;
    }
}

async fn check(context: &mut Context, session: &Session, name: &str) -> Result<Exit> {
    let questions = session.json(QUESTIONS, &[&name]).await?;
    for question in &questions {
        context.output.line(format!(
            "{}: {}",
            text(question, "severity"),
            text(question, "question")
        ));
        for (or, call) in [
            ("", text(question, "answer")),
            ("or ", text(question, "otherwise")),
        ] {
            if !call.is_empty() {
                context.output.line(format!("    {or}{call}"));
            }
        }
    }
    let errors = questions
        .iter()
        .filter(|question| text(question, "severity") == "error")
        .count();
    context.output.line(format!(
        "{} open questions, {errors} of them stop a clone",
        questions.len()
    ));
    context
        .output
        .document(&json!({"store": name, "questions": questions}));
    Ok(if errors == 0 { Exit::Done } else { Exit::Failed })
}

async fn export(session: &Session, name: &str) -> Result<Value> {
    let row = session
        .query_one("SELECT clone.store_export($1::text)", &[&name])
        .await
        .with_context(|| format!("cannot export the store {name:?}"))?;
    Ok(row.try_get(0)?)
}

fn save(description: &Value, path: &Path) -> Result<()> {
    let pretty = serde_json::to_string_pretty(description)?;
    fs::write(path, pretty + "\n").with_context(|| format!("cannot write {}", path.display()))
}

fn write(context: &mut Context, description: &Value, output: Option<&Path>) -> Result<()> {
    match output {
        Some(path) => {
            save(description, path)?;
            context.output.line(format!("Written to {}", path.display()));
            context
                .output
                .document(&json!({"file": path.display().to_string()}));
        }
        None => context.output.file(description),
    }
    Ok(())
}

fn read(file: &PathBuf) -> Result<Value> {
    let mut content = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut content)
            .context("cannot read standard input")?;
    } else {
        content = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    serde_json::from_str(&content).with_context(|| format!("{} is not JSON", file.display()))
}

/// Entries that are only in the file (-) or only in the database (+), by table and reference.
fn differences(file: &Value, database: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for part in [
        "tables",
        "references",
        "memberships",
        "shared",
        "rules",
        "no_references",
        "preserved",
    ] {
        let list = |value: &Value| value[part].as_array().cloned().unwrap_or_default();
        let (old, new) = (list(file), list(database));
        for item in old.iter().filter(|item| !new.contains(item)) {
            lines.push(format!("- {part}: {}", short(item)));
        }
        for item in new.iter().filter(|item| !old.contains(item)) {
            lines.push(format!("+ {part}: {}", short(item)));
        }
    }
    lines
}

fn short(item: &Value) -> String {
    let whole = item.to_string();
    let table = text(item, "table");
    if table.is_empty() {
        whole
    } else {
        format!("{table} {}", whole.chars().take(160).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_on_which_side_it_is() {
        let file = json!({"tables": [{"table": "a"}, {"table": "b", "role": "derived"}], "references": []});
        let database = json!({"tables": [{"table": "a"}, {"table": "b", "role": "resource"}], "references": [{"table": "a", "column": "x"}]});
        let lines = differences(&file, &database);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[0].starts_with("- tables: b")
                && lines[1].starts_with("+ tables: b")
                && lines[2].starts_with("+ references: a")
        );
        assert!(differences(&file, &file).is_empty());
    }
}
