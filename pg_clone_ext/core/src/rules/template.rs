//! Texts with placeholders: `{name} Default Client`.

use super::arguments::Arguments;
use super::evaluate::Context;
use serde_json::Value;

/// A text whose placeholders for the call's arguments are filled in; those for the resource are filled in later.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Plain(String),
    SourceId,
    TargetId,
}

/// A JSON value whose strings are such texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Template {
    Fixed(Value),
    Text(Text),
    Array(Vec<Template>),
    Object(Vec<(String, Template)>),
}

impl Text {
    /// Parses a text; `if_given` is the argument that its rule requires. The error is a message.
    pub(super) fn parse(text: &str, arguments: &Arguments, if_given: Option<&str>) -> Result<Self, String> {
        let mut parts = vec![];
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, behind) = rest[at..].split_at(1);
            if let Some(behind) = behind.strip_prefix(brace) {
                plain.push_str(brace);
                rest = behind;
                continue;
            }
            let name = behind
                .split_once('}')
                .filter(|_| brace == "{")
                .map(|(name, _)| name);
            let Some(name) = name else {
                return Err(format!(
                    "a single {brace} in \"{text}\"; write {brace}{brace} for a brace"
                ));
            };
            rest = &behind[name.len() + 1..];
            let part = match name {
                "source_id" => Part::SourceId,
                "target_id" => Part::TargetId,
                _ if !arguments.knows(name) => {
                    let mut valid = vec!["source_id", "target_id"];
                    valid.extend(arguments.names());
                    return Err(format!(
                        "unknown placeholder {{{name}}}; valid are {}",
                        valid.join(", ")
                    ));
                }
                _ if arguments.is_optional(name) && if_given != Some(name) => {
                    return Err(format!(
                        "{{{name}}} may be missing: the rule must say if_given \"{name}\""
                    ));
                }
                _ => {
                    plain.push_str(arguments.get(name).unwrap_or_default());
                    continue;
                }
            };
            if !plain.is_empty() {
                parts.push(Part::Plain(std::mem::take(&mut plain)));
            }
            parts.push(part);
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Plain(plain));
        }
        Ok(Text(parts))
    }

    /// The text for one resource.
    pub(super) fn fill(&self, context: &dyn Context) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Plain(text) => text.as_str(),
            Part::SourceId => context.source_id(),
            Part::TargetId => context.target_id(),
        });
        parts.collect()
    }
}

impl Template {
    /// Parses a value; see [`Text::parse`].
    pub(super) fn parse(
        value: &Value,
        arguments: &Arguments,
        if_given: Option<&str>,
    ) -> Result<Self, String> {
        let parse = |value: &Value| Template::parse(value, arguments, if_given);
        Ok(match value {
            Value::String(text) => Template::Text(Text::parse(text, arguments, if_given)?),
            Value::Array(items) => Template::Array(items.iter().map(parse).collect::<Result<_, _>>()?),
            Value::Object(members) => {
                let member = |(name, value): (&String, &Value)| Ok((name.clone(), parse(value)?));
                Template::Object(members.iter().map(member).collect::<Result<_, String>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Template::Fixed(value.clone()),
        })
    }

    /// The value for one resource.
    pub(super) fn fill(&self, context: &dyn Context) -> Value {
        match self {
            Template::Fixed(value) => value.clone(),
            Template::Text(text) => Value::String(text.fill(context)),
            Template::Array(items) => items.iter().map(|item| item.fill(context)).collect(),
            Template::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), value.fill(context)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, if_given: Option<&str>) -> Result<Text, String> {
        let arguments = Arguments::new()
            .optional("name", Some("Copy"))
            .always("project", "p1");
        Text::parse(text, &arguments, if_given)
    }

    #[test]
    fn arguments_are_filled_in_at_once() {
        assert_eq!(
            parsed("{project}: {name} {{x}}", Some("name")),
            Ok(Text(vec![Part::Plain("p1: Copy {x}".to_owned())]))
        );
    }

    #[test]
    fn a_placeholder_that_may_be_missing_needs_if_given() {
        assert_eq!(
            parsed("{name}", None).unwrap_err(),
            "{name} may be missing: the rule must say if_given \"name\""
        );
    }

    #[test]
    fn unknown_placeholders_and_lone_braces_are_errors() {
        assert_eq!(
            parsed("{nmae}", None).unwrap_err(),
            "unknown placeholder {nmae}; valid are source_id, target_id, name, project"
        );
        assert!(parsed("a { b", None).unwrap_err().starts_with("a single {"));
        assert!(parsed("a } b", None).unwrap_err().starts_with("a single }"));
    }
}
