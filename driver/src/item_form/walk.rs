//! The dialogue: draft, fields, validation by the server, summary, clone.
//!
//! No transaction is open during the dialogue: the draft's etag shows at the end whether the source has changed.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::fill;
use super::form::Form;
use super::labels::{child, label, shown, steps};
use super::merge;
use super::prompts::{Conversation, Prompts, Question, Terminal, not_cloned};
use super::schema::{Field, Kind};
use crate::connect::session::{Parameter, Parameters, Session};
use crate::failure::{Hinted, Report, Usage};
use crate::interrupt::Interrupt;

/// Maximum number of rounds with errors.
const ROUNDS: usize = 100;

/// Parameters of the dialogue.
pub struct Walk<'a> {
    /// The connection.
    pub session: &'a Session,
    /// Ends the dialogue.
    pub interrupt: &'a Interrupt,
    /// The schema of the extension.
    pub schema: &'a str,
    /// The source.
    pub item: &'a str,
    /// Initial edits of the form.
    pub edits: &'a Value,
    /// The user on whose behalf the item is cloned.
    pub actor: &'a Option<String>,
    /// The store.
    pub store: &'a Option<String>,
    /// Options of item_clone.
    pub options: &'a Value,
}

/// Prompts for the form of a clone and clones the item.
///
/// # Errors
/// Those of the server; an error without changes if the user cancels or a signal comes; edits of fields that do not exist.
pub async fn walk(walk: &Walk<'_>) -> Result<Value> {
    let mut draft = walk.draft(walk.edits, walk.options).await?;
    refuse_unknown(&draft)?;
    let introduction = introduction(&draft, walk.item);
    let mut form = walk.all_or_wrong(Form::of(&draft), &draft, introduction).await?;
    for _ in 0..ROUNDS {
        match walk.round(form.clone(), &draft).await {
            Ok(Round::Cloned(item)) => return Ok(item),
            Ok(Round::Changed(changed)) => form = changed,
            Err(error) if is_wrong_state(&error) => {
                let now = walk.draft(walk.edits, walk.options).await?;
                if now.get("etag") == draft.get("etag") {
                    return Err(error);
                }
                let (before, source) = (Form::of(&draft), Form::of(&now));
                let mut lines = vec![format!("Item {} has changed meanwhile:", walk.item)];
                let changes = merge::changes(&source.schema, &before.value, &form.value, &source.value);
                lines.extend(match changes.is_empty() {
                    true => vec!["  its rules only".to_owned()],
                    false => changes,
                });
                lines.push("What you have entered is kept.".to_owned());
                let value = merge::merged(&before.value, &form.value, &source.value);
                form = walk.all_or_wrong(Form { value, ..source }, &now, lines).await?;
                draft = now;
            }
            Err(error) => return Err(error),
        }
    }
    Err(not_cloned())
}

/// The result of a round of validation and confirmation.
enum Round {
    /// The item is cloned.
    Cloned(Value),
    /// The user has changed the form.
    Changed(Form),
}

/// Whether the server reports that something has changed meanwhile.
fn is_wrong_state(error: &anyhow::Error) -> bool {
    Report::of(error).sqlstate.as_deref() == Some("55000") || error.is::<Stale>()
}

/// The server's error in the answer of a check, with SQLSTATE 55000.
#[derive(Debug)]
struct Stale(Hinted);

impl std::fmt::Display for Stale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Stale {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Refuses edits of fields that the form does not have: nobody would be asked for them.
fn refuse_unknown(draft: &Value) -> Result<()> {
    let text = |problem: &Value, name: &str| {
        let text = problem.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let problems = draft.get("required").and_then(Value::as_array);
    let unknown = problems.into_iter().flatten();
    let unknown = unknown.filter(|problem| problem.get("code").is_some_and(|code| code == "unknown_field"));
    let lines: Vec<String> = unknown
        .map(|problem| format!("{} {}", text(problem, "path"), text(problem, "message")))
        .collect();
    match lines.is_empty() {
        true => Ok(()),
        false => Err(Usage(
            Hinted::new(
                format!("--edit: {}", lines.join("; ")),
                "Without --edit the command asks for each field of the form; --draft shows them.",
            )
            .into(),
        )
        .into()),
    }
}

/// The lines before the first question.
fn introduction(draft: &Value, item: &str) -> Vec<String> {
    let text = |name: &str| draft.get(name).and_then(Value::as_str);
    let kind = text("title").or(text("item_subtype")).unwrap_or("Item");
    let schema = member(draft, "json_schema");
    let mut lines = vec![
        format!("Clone of {item}, {kind}"),
        "Enter keeps a value, Esc stops. A text in quotes may hold \\n for a new line.".to_owned(),
    ];
    let reset = draft.get("reset").and_then(Value::as_array);
    for change in reset.into_iter().flatten() {
        let part = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default();
        lines.push(format!(
            "  starts afresh: {} ({})",
            label(&schema, part("path")),
            part("reason")
        ));
    }
    lines
}

/// Prompts again for each field with an error.
fn mended(mut form: Form, problems: &[(String, String)], prompts: &mut dyn Prompts) -> Result<Form> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, message) in problems {
        places.entry(path).or_default().push(message);
    }
    let noun = if places.len() == 1 {
        "place is"
    } else {
        "places are"
    };
    prompts.say(&format!("{} {noun} not right yet:", places.len()));
    for (path, messages) in places {
        let before = form.value.clone();
        fill::one(&mut form, path, Some(messages.join("; ")), prompts)?;
        // Another field may have to change to resolve the error.
        if form.value == before {
            let question = Question {
                label: "Nothing was changed. Go through all fields?".to_owned(),
                ..Question::default()
            };
            if prompts.yes(&question, false)? {
                fill::all(&mut form, prompts)?;
                break;
            }
        }
    }
    Ok(form)
}

impl Walk<'_> {
    /// Prints lines, and prompts for all fields, or leaves it to the next round to prompt for those with errors.
    async fn all_or_wrong(&self, mut form: Form, draft: &Value, lines: Vec<String>) -> Result<Form> {
        let required = draft.get("required").and_then(Value::as_array);
        let open = required.map_or(0, Vec::len);
        self.ask(move |prompts| {
            lines.iter().for_each(|line| prompts.say(line));
            let question = Question {
                label: "Go through all fields?".to_owned(),
                help: Some(format!("No: only through what is wrong yet, {open} of them")),
                problem: None,
            };
            if prompts.yes(&question, true)? {
                fill::all(&mut form, prompts)?;
            }
            Ok(form)
        })
        .await
    }

    /// Validates the form; asks for what is wrong, or for confirmation.
    async fn round(&self, form: Form, draft: &Value) -> Result<Round> {
        let options = self.options_with(draft);
        let problems = self.problems(&form.value, &options).await?;
        if !problems.is_empty() {
            let mended = self.ask(move |prompts| mended(form, &problems, prompts)).await?;
            return Ok(Round::Changed(mended));
        }
        match self.confirmed(form.clone(), draft, &options).await? {
            None => Ok(Round::Cloned(self.clone_item(&form.value, &options).await?)),
            Some(changed) => Ok(Round::Changed(changed)),
        }
    }

    async fn draft(&self, edits: &Value, options: &Value) -> Result<Value> {
        let statement = format!(
            "SELECT {}.item_clone_draft($1::text, actor => $2::text, store => $3::text, edits => $4::jsonb, options => $5::jsonb)",
            self.schema
        );
        let parameters: [&dyn Parameter; 5] = [&self.item, self.actor, self.store, &edits, &options];
        self.call(&statement, &parameters).await
    }

    /// The errors of the form: paths and messages.
    async fn problems(&self, form: &Value, options: &Value) -> Result<Vec<(String, String)>> {
        let statement = format!(
            "SELECT {}.item_clone_check($1::text, edits => $2::jsonb, actor => $3::text, store => $4::text, options => $5::jsonb)",
            self.schema
        );
        let answer = self
            .call(&statement, &[&self.item, &form, self.actor, self.store, &options])
            .await?;
        let text = |problem: &Value, name: &str| {
            problem
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let problems = answer.get("problems").and_then(Value::as_array);
        let mut found = Vec::new();
        for problem in problems.into_iter().flatten() {
            let (path, message) = (text(problem, "path"), text(problem, "message"));
            // No field of the form can resolve an error without a path.
            if path.is_empty() && problem.get("code").is_some_and(|code| code == "55000") {
                return Err(Stale(Hinted::new(message, text(problem, "hint"))).into());
            }
            if path.is_empty() {
                let hint = text(problem, "hint");
                return Err(match hint.is_empty() {
                    true => anyhow!(message),
                    false => Hinted::new(message, hint).into(),
                });
            }
            found.push((path, message));
        }
        let warnings = answer.get("warnings").and_then(Value::as_array);
        for warning in warnings.into_iter().flatten() {
            Terminal.say(&format!("Note: {}", text(warning, "message")));
        }
        Ok(found)
    }

    async fn clone_item(&self, form: &Value, options: &Value) -> Result<Value> {
        let statement = format!(
            "SELECT {}.item_clone($1::text, edits => $2::jsonb, actor => $3::text, store => $4::text, options => $5::jsonb)",
            self.schema
        );
        self.call(&statement, &[&self.item, &form, self.actor, self.store, &options])
            .await
    }

    async fn call(&self, statement: &str, parameters: Parameters<'_>) -> Result<Value> {
        self.session.begin().await?;
        let found = self.session.json(statement, parameters).await;
        let found = self.session.end(found).await?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// The options of the calls that take the form.
    fn options_with(&self, draft: &Value) -> Value {
        let mut options = match self.options {
            Value::Object(options) => options.clone(),
            _ => Map::new(),
        };
        options.insert("form".to_owned(), true.into());
        options.insert("etag".to_owned(), member(draft, "etag"));
        Value::Object(options)
    }

    /// Shows the differences of the clone and asks for confirmation. Returns the form if a field is to be changed.
    async fn confirmed(&self, mut form: Form, draft: &Value, options: &Value) -> Result<Option<Form>> {
        let checked = self.draft(&form.value, options).await?;
        let lines = summary(&form.schema, &checked, draft);
        self.ask(move |prompts| {
            lines.iter().for_each(|line| prompts.say(line));
            let question = Question {
                label: "Clone it?".to_owned(),
                ..Question::default()
            };
            let options = ["yes", "change a field", "no"].map(str::to_owned).to_vec();
            match prompts.choice(&question, options, 0)? {
                0 => Ok(None),
                1 => {
                    let places = places(&form);
                    let titles = places.iter().map(|(_, title)| title.clone()).collect();
                    let question = Question {
                        label: "Which field?".to_owned(),
                        ..Question::default()
                    };
                    let chosen = prompts.choice(&question, titles, 0)?;
                    if let Some((path, _)) = places.get(chosen) {
                        fill::one(&mut form, path, None, prompts)?;
                    }
                    Ok(Some(form))
                }
                _ => Err(not_cloned()),
            }
        })
        .await
    }

    /// Prompts on a thread of its own, so that a signal can end the command.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Prompts) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let conversation = Conversation::begin();
        let (sender, asked) = oneshot::channel();
        std::thread::spawn(move || {
            // After a signal nobody listens.
            let _ = sender.send(work(&mut Terminal));
        });
        let answer = self.interrupt.or(async { asked.await? }).await;
        drop(conversation);
        answer
    }
}

/// The differences of the clone, as lines.
fn summary(schema: &Value, checked: &Value, draft: &Value) -> Vec<String> {
    let forbidden = draft.get("forbidden");
    let mut lines = vec!["The clone differs from its source in:".to_owned()];
    let operations = checked.get("diff").and_then(Value::as_array);
    for operation in operations.into_iter().flatten() {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        let top = steps(path).next().unwrap_or_default();
        if forbidden.is_some_and(|forbidden| forbidden.get(&top).is_some()) {
            continue;
        }
        let becomes = operation.get("value").map(shown);
        let was = operation.get("was").map(shown);
        lines.push(format!(
            "  {}: {} → {}",
            label(schema, path),
            was.unwrap_or_else(|| "nothing".to_owned()),
            becomes.unwrap_or_else(|| "nothing".to_owned())
        ));
    }
    if lines.len() == 1 {
        lines = vec!["The clone is as its source.".to_owned()];
    }
    lines.push("Its handle, owner, times, history, lock and access settings are its own.".to_owned());
    lines
}

/// The fields of the form that can be chosen: pointers and titles with values.
fn places(form: &Form) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(
        &form.schema,
        Field::root(&form.schema),
        "",
        &form.ui,
        &form.value,
        &mut found,
    );
    found
}

fn collect(
    schema: &Value,
    field: Field,
    path: &str,
    ui: &Value,
    value: &Value,
    found: &mut Vec<(String, String)>,
) {
    for name in field.names(ui) {
        let Some(inner) = field.member(name) else { continue };
        let path = child(path, name);
        let value = value.get(name).unwrap_or(&Value::Null);
        match inner.kind() {
            Kind::Object if value.is_object() => {
                let ui = ui.get(name).unwrap_or(&Value::Null);
                collect(schema, inner, &path, ui, value, found);
            }
            _ => {
                let title = format!("{}: {}", label(schema, &path), shown(value));
                found.push((path, title));
            }
        }
    }
}

fn member(value: &Value, name: &str) -> Value {
    value.get(name).cloned().unwrap_or_default()
}
