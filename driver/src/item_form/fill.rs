//! Prompts for the values of a form, field by field.

use anyhow::Result;
use serde_json::{Map, Value};

use super::form::{Form, set};
use super::labels::{child, label, shown, steps, text_shown, unquoted};
use super::prompts::{Prompts, Question};
use super::schema::{Field, Kind};

/// A field to prompt for.
struct Place<'s> {
    path: String,
    field: Field<'s>,
    ui: &'s Value,
    required: bool,
}

impl<'s> Place<'s> {
    fn member(&self, name: &str) -> Option<Place<'s>> {
        Some(Place {
            path: child(&self.path, name),
            field: self.field.member(name)?,
            ui: self.ui.get(name).unwrap_or(&Value::Null),
            required: self.field.requires(name),
        })
    }

    fn inside(&self, step: &str, field: Field<'s>) -> Place<'s> {
        Place {
            path: child(&self.path, step),
            field,
            ui: self.ui.get("items").unwrap_or(&Value::Null),
            required: true,
        }
    }
}

/// Goes through all fields.
///
/// # Errors
/// The user cancels.
pub fn all(form: &mut Form, prompts: &mut dyn Prompts) -> Result<()> {
    let Form { schema, ui, value } = form;
    let root = Place {
        path: String::new(),
        field: Field::root(schema),
        ui,
        required: true,
    };
    let mut asking = Asking {
        schema,
        prompts,
        problem: None,
    };
    if let Some(filled) = asking.object(&root, value.as_object().cloned())? {
        *value = filled;
    }
    Ok(())
}

/// Prompts again for the value at a path and shows its error. A path that the schema does not have is removed.
///
/// # Errors
/// The user cancels.
pub fn one(form: &mut Form, path: &str, problem: Option<String>, prompts: &mut dyn Prompts) -> Result<()> {
    let Form { schema, ui, value } = form;
    let mut place = Place {
        path: String::new(),
        field: Field::root(schema),
        ui,
        required: true,
    };
    let mut asking = Asking {
        schema,
        prompts,
        problem,
    };
    for step in steps(path) {
        let next = match place.field.kind() {
            Kind::List => place.field.element().map(|field| place.inside(&step, field)),
            Kind::Map => place.field.entry().map(|field| place.inside(&step, field)),
            _ => place.member(&step),
        };
        let Some(next) = next else {
            let unknown = child(&place.path, &step);
            asking.say_problem(&unknown);
            set(value, &unknown, None);
            return Ok(());
        };
        place = next;
    }
    let given = value.pointer(&place.path).cloned();
    // The fields of an object are prompted for one by one; its own error is shown first.
    if matches!(place.field.kind(), Kind::Object | Kind::Map | Kind::List) {
        asking.say_problem(&place.path);
    }
    let filled = asking.value(&place, given)?;
    set(value, &place.path, filled);
    Ok(())
}

struct Asking<'a> {
    schema: &'a Value,
    prompts: &'a mut dyn Prompts,
    /// Error of the value that is prompted for next.
    problem: Option<String>,
}

impl Asking<'_> {
    fn say_problem(&mut self, path: &str) {
        if let Some(problem) = self.problem.take() {
            self.prompts
                .say(&format!("! {}: {problem}", label(self.schema, path)));
        }
    }

    fn question(&mut self, place: &Place, more: &str) -> Question {
        let mark = if place.required { "" } else { " (may be empty)" };
        Question {
            label: format!("{}{more}{mark}", label(self.schema, &place.path)),
            help: place.field.description().map(str::to_owned),
            problem: self.problem.take(),
        }
    }

    /// The new value of a field; `None`: the field is omitted.
    fn value(&mut self, place: &Place, given: Option<Value>) -> Result<Option<Value>> {
        match place.field.kind() {
            Kind::Object => self.object(place, given.and_then(|given| given.as_object().cloned())),
            Kind::Map => self.map(place, given),
            Kind::List => self.list(place, given),
            Kind::Boolean => self.boolean(place, given),
            Kind::Choice(values) => self.choice(place, values, given),
            kind => self.scalar(place, &kind, given),
        }
    }

    fn object(&mut self, place: &Place, given: Option<Map<String, Value>>) -> Result<Option<Value>> {
        let absent = given.is_none();
        if absent && !place.required {
            let question = self.question(place, ": fill it in?");
            if !self.prompts.yes(&question, false)? {
                return Ok(None);
            }
        }
        if !place.path.is_empty() {
            self.prompts
                .say(&format!("── {}", label(self.schema, &place.path)));
        }
        let mut members = given.unwrap_or_default();
        for name in place.field.names(place.ui) {
            let Some(at) = place.member(name) else { continue };
            match self.value(&at, members.get(name).cloned())? {
                Some(value) => {
                    members.insert(name.to_owned(), value);
                }
                None => {
                    members.remove(name);
                }
            }
        }
        let nothing = members.is_empty() && absent && !place.required;
        Ok((!nothing).then_some(Value::Object(members)))
    }

    /// A map with names that the user chooses: an empty value removes the entry.
    fn map(&mut self, place: &Place, given: Option<Value>) -> Result<Option<Value>> {
        let given = given.and_then(|given| given.as_object().cloned());
        let absent = given.is_none();
        let mut members = Map::new();
        for (name, value) in given.unwrap_or_default() {
            let at = place.field.entry().map(|field| place.inside(&name, field));
            let kept = match at {
                Some(at) => self.value(
                    &Place {
                        required: false,
                        ..at
                    },
                    Some(value),
                )?,
                None => Some(value),
            };
            members.extend(kept.map(|value| (name, value)));
        }
        while let Some(entry) = place.field.entry() {
            let question = Question {
                label: format!("{}: another name (empty: none)", label(self.schema, &place.path)),
                help: place.field.description().map(str::to_owned),
                problem: self.problem.take(),
            };
            let name = self.prompts.text(&question, "")?;
            if name.is_empty() {
                break;
            }
            let at = place.inside(&name, entry);
            members.extend(self.value(&at, None)?.map(|value| (name, value)));
        }
        let nothing = members.is_empty() && absent && !place.required;
        Ok((!nothing).then_some(Value::Object(members)))
    }

    fn list(&mut self, place: &Place, given: Option<Value>) -> Result<Option<Value>> {
        let Some(field) = place.field.element() else {
            return Ok(given);
        };
        let absent = !matches!(given, Some(Value::Array(_)));
        let nested = matches!(field.kind(), Kind::Object | Kind::Map | Kind::List);
        let mut elements = Vec::new();
        for element in given
            .and_then(|given| given.as_array().cloned())
            .unwrap_or_default()
        {
            let at = place.inside(&elements.len().to_string(), field);
            let kept = match nested {
                true => self.nested(&at, element)?,
                false => self.value(
                    &Place {
                        required: false,
                        ..at
                    },
                    Some(element),
                )?,
            };
            elements.extend(kept);
        }
        loop {
            let at = place.inside(&elements.len().to_string(), field);
            if nested {
                let question = Question {
                    label: format!("{}: add another?", label(self.schema, &place.path)),
                    ..Question::default()
                };
                if !self.prompts.yes(&question, false)? {
                    break;
                }
                elements.extend(self.value(&at, None)?);
            } else {
                match self.value(
                    &Place {
                        required: false,
                        ..at
                    },
                    None,
                )? {
                    Some(element) => elements.push(element),
                    None => break,
                }
            }
        }
        let nothing = elements.is_empty() && absent && !place.required;
        Ok((!nothing).then_some(Value::Array(elements)))
    }

    /// A nested element: keep, edit or remove it.
    fn nested(&mut self, place: &Place, element: Value) -> Result<Option<Value>> {
        let question = Question {
            label: format!("{}: {}", label(self.schema, &place.path), brief(&element)),
            ..Question::default()
        };
        let options = ["keep", "change", "remove"].map(str::to_owned).to_vec();
        match self.prompts.choice(&question, options, 0)? {
            0 => Ok(Some(element)),
            1 => self.value(place, Some(element)),
            _ => Ok(None),
        }
    }

    fn boolean(&mut self, place: &Place, given: Option<Value>) -> Result<Option<Value>> {
        let now = given.as_ref().and_then(Value::as_bool);
        let question = self.question(place, "");
        if place.required || now.is_some() {
            return Ok(Some(self.prompts.yes(&question, now.unwrap_or(false))?.into()));
        }
        let options = ["leave it empty", "yes", "no"].map(str::to_owned).to_vec();
        Ok(match self.prompts.choice(&question, options, 0)? {
            0 => None,
            chosen => Some((chosen == 1).into()),
        })
    }

    fn choice(&mut self, place: &Place, values: Vec<Value>, given: Option<Value>) -> Result<Option<Value>> {
        let mut options: Vec<String> = values.iter().map(shown).collect();
        let start = given
            .as_ref()
            .and_then(|given| values.iter().position(|value| value == given));
        if !place.required {
            options.push("leave it empty".to_owned());
        }
        let start = start.unwrap_or(if place.required { 0 } else { values.len() });
        let question = self.question(place, "");
        let chosen = self.prompts.choice(&question, options, start)?;
        Ok(values.get(chosen).cloned())
    }

    fn scalar(&mut self, place: &Place, kind: &Kind, given: Option<Value>) -> Result<Option<Value>> {
        let now = match (kind, &given) {
            (_, None | Some(Value::Null)) => String::new(),
            (Kind::Text, Some(Value::String(text))) => text_shown(text),
            (_, Some(value)) => shown_as_json(kind, value),
        };
        let question = self.question(place, "");
        let answer = self.prompts.text(&question, &now)?;
        if answer == now && given.is_some() {
            return Ok(given);
        }
        if answer.is_empty() {
            return Ok(None);
        }
        Ok(Some(match kind {
            Kind::Text => unquoted(&answer).unwrap_or(answer).into(),
            _ => serde_json::from_str(&answer).unwrap_or(Value::String(answer)),
        }))
    }
}

fn shown_as_json(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Json, Value::String(text)) => Value::from(text.as_str()).to_string(),
        _ => shown(value),
    }
}

/// A short description of an element.
fn brief(value: &Value) -> String {
    const MOST: usize = 60;
    let words: Vec<String> = match value {
        Value::Object(members) => members
            .values()
            .filter(|value| value.is_string())
            .map(shown)
            .collect(),
        other => vec![shown(other)],
    };
    let text = words.join(", ");
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use serde_json::json;

    use super::*;

    /// Answers by label; other prompts keep their value.
    #[derive(Default)]
    struct Script {
        answers: VecDeque<(&'static str, &'static str)>,
        heard: Vec<String>,
    }

    impl Script {
        fn of(answers: &[(&'static str, &'static str)]) -> Self {
            Self {
                answers: answers.iter().copied().collect(),
                heard: Vec::new(),
            }
        }

        fn answer(&mut self, question: &Question) -> Option<&'static str> {
            self.heard.extend(question.problem.clone());
            self.heard.push(question.label.clone());
            let (label, answer) = self.answers.front().copied()?;
            (question.label.starts_with(label)).then(|| {
                self.answers.pop_front();
                answer
            })
        }
    }

    impl Prompts for Script {
        fn text(&mut self, question: &Question, given: &str) -> Result<String> {
            Ok(self.answer(question).unwrap_or(given).to_owned())
        }

        fn choice(&mut self, question: &Question, options: Vec<String>, start: usize) -> Result<usize> {
            let answer = self.answer(question);
            Ok(answer.map_or(start, |answer| {
                options.iter().position(|option| option == answer).unwrap()
            }))
        }

        fn yes(&mut self, question: &Question, default: bool) -> Result<bool> {
            Ok(self.answer(question).map_or(default, |answer| answer == "y"))
        }

        fn say(&mut self, line: &str) {
            self.heard.push(line.to_owned());
        }
    }

    fn form(value: Value) -> Form {
        let schema = json!({
            "type": "object", "required": ["name", "consent"],
            "properties": {
                "name": {"type": "string", "title": "Name"},
                "consent": {"type": "boolean", "title": "Consent"},
                "size": {"type": "number", "title": "Size"},
                "words": {"type": "array", "title": "Words", "items": {"type": "string"}},
                "place": {"type": "object", "title": "Place", "properties": {"at": {"type": "string", "title": "At"}}},
                "files": {"type": "array", "title": "Files", "items": {"type": "object", "required": ["path"],
                    "properties": {"path": {"type": "string", "title": "Path"}, "use": {"title": "Use", "enum": ["IN", "OUT"]}}}},
                "notes": {"type": "object", "title": "Notes", "additionalProperties": {"type": "string"}}
            }
        });
        let ui = json!({"ui:order": ["name", "consent", "size", "words", "place", "files", "notes"]});
        Form { schema, ui, value }
    }

    fn filled(value: Value, answers: &[(&'static str, &'static str)]) -> Value {
        let mut form = form(value);
        let mut script = Script::of(answers);
        all(&mut form, &mut script).unwrap();
        assert!(
            script.answers.is_empty(),
            "not asked: {:?} of {:?}",
            script.answers,
            script.heard
        );
        form.value
    }

    #[test]
    fn a_form_that_is_only_looked_at_stays_as_it_is() {
        let value = json!({"name": "two\nlines", "consent": false, "size": 0, "words": ["", "a"], "place": {}, "kept": [1],
            "files": [{"path": "p", "use": "OUT"}], "notes": {"k": ""}});
        assert_eq!(filled(value.clone(), &[]), value);
        let least = json!({"name": "n", "consent": true});
        assert_eq!(filled(least.clone(), &[]), least);
    }

    #[test]
    fn answers_reach_every_kind_of_field() {
        let value = json!({"name": "n", "consent": false, "size": 1, "words": ["a", "b"], "files": [{"path": "p"}, {"path": "q"}], "notes": {"k": "v"}});
        let answers = [
            ("Name", "\"a\\nb\""),
            ("Consent", "y"),
            ("Size", "1.25"),
            ("Words / 1", ""),
            ("Words / 2", "c"),
            ("Place: fill it in?", "y"),
            ("Place / At", "here"),
            ("Files / 1: p", "remove"),
            ("Files / 1: q", "change"),
            ("Files / 1 / Use", "IN"),
            ("Files: add another?", "y"),
            ("Files / 2 / Path", "r"),
            ("Notes / k", ""),
            ("Notes: another name", "m"),
            ("Notes / m", "w"),
        ];
        assert_eq!(
            filled(value, &answers),
            json!({"name": "a\nb", "consent": true, "size": 1.25, "words": ["b", "c"], "place": {"at": "here"},
                "files": [{"path": "q", "use": "IN"}, {"path": "r"}], "notes": {"m": "w"}})
        );
    }

    #[test]
    fn one_field_is_asked_for_with_what_is_wrong_there() {
        let mut form = form(json!({"name": "n", "files": [{"path": ""}], "odd": 1}));
        let mut script = Script::of(&[("Files / 1 / Path", "p"), ("Place / At", "x")]);
        one(&mut form, "/files/0/path", Some("is empty".into()), &mut script).unwrap();
        one(&mut form, "/place/at", Some("is required".into()), &mut script).unwrap();
        one(&mut form, "/odd", Some("is not a field".into()), &mut script).unwrap();
        assert_eq!(
            form.value,
            json!({"name": "n", "files": [{"path": "p"}], "place": {"at": "x"}})
        );
        assert_eq!(script.heard[0], "is empty");
        assert!(
            script.heard.contains(&"! odd: is not a field".to_owned()),
            "{:?}",
            script.heard
        );
    }
}
