//! Compiled rules of a run: paths parsed, placeholders filled in, grouped by resource type.

use super::arguments::Arguments;
use super::error::RuleError;
use super::singular;
use super::template::{Template, Text};
use super::{Action, Kind, Rule};
use crate::edit::Step;
use crate::json_path::JsonPath;
use std::collections::HashMap;

/// What to do about a template that is not valid.
const PLACEHOLDERS: &str = "Braces enclose a placeholder, {{ and }} stand for braces; for an argument that a call may leave out, give the rule its name in if_given.";

/// The rules of a store, made ready for one run.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(super) rules: Vec<Compiled>,
    /// The rules of each resource type, including those for every type.
    by_type: HashMap<String, Vec<usize>>,
    /// The rules for every type, for types without rules of their own.
    for_any: Vec<usize>,
}

/// One rule made ready.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    /// Its position in the list that was compiled.
    pub index: usize,
    pub path: JsonPath,
    /// Its steps, when it is a singular path.
    pub singular: Option<Vec<Step>>,
    pub act: Act,
    pub when: Option<JsonPath>,
    pub unless_cloned: Option<JsonPath>,
    pub columns: Vec<String>,
    pub todo: Option<Text>,
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    Remove,
    Set(Template),
    Rename(String),
    Regenerate(Kind),
}

impl RuleSet {
    /// Compiles the rules. Those whose argument (`if_given`) was not given are checked and left out.
    ///
    /// # Errors
    /// 22023: a path or filter that cannot be parsed ([`RuleError::Syntax`]), an unknown argument or placeholder, a
    /// rule that makes no sense ([`RuleError::Invalid`]).
    pub fn compile(rules: Vec<Rule>, arguments: &Arguments) -> Result<Self, RuleError> {
        let mut set = RuleSet {
            rules: vec![],
            by_type: HashMap::new(),
            for_any: vec![],
        };
        for (index, rule) in rules.into_iter().enumerate() {
            let compiled = Compiled::new(index, &rule, arguments)?;
            if rule
                .if_given
                .as_ref()
                .is_some_and(|name| arguments.get(name).is_none())
            {
                continue;
            }
            let position = set.rules.len();
            set.rules.push(compiled);
            match rule.resource_type {
                Some(name) => {
                    set.by_type
                        .entry(name)
                        .or_insert_with(|| set.for_any.clone())
                        .push(position);
                }
                None => {
                    set.for_any.push(position);
                    set.by_type.values_mut().for_each(|rules| rules.push(position));
                }
            }
        }
        Ok(set)
    }

    /// Reads rules without a call that they are for.
    ///
    /// # Errors
    /// As [`RuleSet::compile`].
    pub fn check(rules: Vec<Rule>) -> Result<(), RuleError> {
        let arguments = Arguments::new()
            .optional("name", None)
            .optional("owner", None)
            .always("project", "")
            .always("source_project", "");
        Self::compile(rules, &arguments).map(drop)
    }

    /// Whether any rule applies to documents of this type: if not, they need not be parsed.
    pub fn applies_to(&self, resource_type: &str) -> bool {
        !self.of_type(resource_type).is_empty()
    }

    pub(super) fn of_type(&self, resource_type: &str) -> &[usize] {
        self.by_type.get(resource_type).unwrap_or(&self.for_any)
    }
}

impl Compiled {
    fn new(index: usize, rule: &Rule, arguments: &Arguments) -> Result<Self, RuleError> {
        let invalid = |message: String, hint: &'static str| RuleError::Invalid {
            rule: index + 1,
            path: rule.path.clone(),
            message,
            hint,
        };
        let of_template = |message: String| invalid(message, PLACEHOLDERS);
        let parse = |field, text: &str, wrapped: &str| {
            JsonPath::parse(wrapped).map_err(|error| {
                // The position in the wrapped expression, in bytes, is converted.
                let before = wrapped.find(text).unwrap_or(0);
                let at = error.position.saturating_sub(before);
                let position = text.char_indices().take_while(|(offset, _)| *offset < at).count() + 1;
                let (path, text) = (rule.path.clone(), text.to_owned());
                RuleError::Syntax {
                    rule: index + 1,
                    path,
                    field,
                    position,
                    message: error.message,
                    text,
                }
            })
        };
        let path = parse("path", &rule.path, &rule.path)?;
        let singular = singular::steps(&rule.path);
        if singular.as_ref().is_some_and(Vec::is_empty) {
            return Err(invalid(
                "the path is the whole document; a rule changes members of it".to_owned(),
                "Give the path of a member, such as $.name.",
            ));
        }
        let when = match &rule.when {
            Some(text) => {
                let filter = parse("when", text, &format!("$[?{text}]"))?;
                // `a], $[b` would escape the brackets and mean something else.
                parse("when", text, &format!("$[?({text})]"))?;
                Some(filter)
            }
            None => None,
        };
        let unless_cloned = rule
            .unless_cloned
            .as_ref()
            .map(|text| parse("unless_cloned", text, text))
            .transpose()?;
        let if_given = rule.if_given.as_deref();
        if let Some(name) = if_given.filter(|name| !arguments.is_optional(name)) {
            let valid: Vec<_> = arguments
                .names()
                .filter(|name| arguments.is_optional(name))
                .collect();
            return Err(invalid(
                format!("unknown argument \"{name}\"; valid are {}", valid.join(", ")),
                "Name in if_given an argument that a call may leave out.",
            ));
        }
        let several = singular.is_none();
        let act = match &rule.action {
            Action::Remove => Act::Remove,
            Action::Set(value) => Act::Set(Template::parse(value, arguments, if_given).map_err(of_template)?),
            Action::Rename(_) if !rule.columns.is_empty() => {
                return Err(invalid(
                    "a rename changes no value, so no column follows it".to_owned(),
                    "Leave out the columns.",
                ));
            }
            Action::Rename(name) => Act::Rename(name.clone()),
            Action::Regenerate(_) if several && !rule.columns.is_empty() => {
                return Err(invalid(
                    "the path may select several places, so no column follows it".to_owned(),
                    "Leave out the columns, or give a path that selects one place, such as $.name.",
                ));
            }
            Action::Regenerate(kind) => Act::Regenerate(*kind),
        };
        let todo = rule
            .todo
            .as_ref()
            .map(|text| Text::parse(text, arguments, if_given))
            .transpose();
        Ok(Compiled {
            index,
            path,
            singular,
            act,
            when,
            unless_cloned,
            columns: rule.columns.clone(),
            todo: todo.map_err(of_template)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What is wrong with one rule, written as a catalog row.
    fn error(row: Value) -> String {
        let arguments = Arguments::new()
            .optional("name", None)
            .optional("owner", None)
            .always("project", "p");
        RuleSet::compile(vec![serde_json::from_value(row).unwrap()], &arguments)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_expression_that_is_wrong_is_named_with_its_position() {
        let message = error(json!({"path": "$.a[?@.b ==]", "action": "remove"}));
        assert!(
            message.starts_with("rule 1 ($.a[?@.b ==]): \"path\" is not valid at character "),
            "{message}"
        );
        let message = error(json!({"path": "$.a", "action": "remove", "when": "@.b = 'x'"}));
        assert!(
            message.starts_with("rule 1 ($.a): \"when\" is not valid at character "),
            "{message}"
        );
        assert!(message.ends_with(": @.b = 'x'"), "{message}");
        let message = error(json!({"path": "$.a", "action": "remove", "when": "@.b], $[?@.c"}));
        assert!(message.contains("\"when\" is not valid"), "{message}");
        let message = error(json!({"path": "$.a", "action": "remove", "unless_cloned": "channel"}));
        assert!(
            message.contains("\"unless_cloned\" is not valid at character 1"),
            "{message}"
        );
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_an_error_even_if_it_would_not_apply() {
        for (row, part) in [
            (json!({"path": "$", "action": "remove"}), "the whole document"),
            (
                json!({"path": "$.a", "action": "set", "value": "{name}"}),
                "must say if_given \"name\"",
            ),
            (
                json!({"path": "$.a", "action": "set", "value": ["{x}"]}),
                "unknown placeholder {x}",
            ),
            (
                json!({"path": "$.a", "action": "remove", "if_given": "nam"}),
                "unknown argument \"nam\"; valid are name, owner",
            ),
            (
                json!({"path": "$.a", "action": "remove", "if_given": "project"}),
                "unknown argument \"project\"",
            ),
            (
                json!({"path": "$.a", "action": "rename", "value": "b", "columns": ["a"]}),
                "no column follows",
            ),
            (
                json!({"path": "$..a", "action": "regenerate", "value": "uuid", "columns": ["a"]}),
                "no column follows",
            ),
            (
                json!({"path": "$.a", "action": "remove", "if_given": "name", "todo": "{"}),
                "a single {",
            ),
        ] {
            let message = error(row);
            assert!(message.contains(part), "{message}");
        }
    }
}
