//! Whether a document may be written: the subtype's JSON Schema, its rules between values, and its references.
//! All that is wrong is said at once, each with its JSON pointer.

use std::collections::{BTreeMap, HashSet};

use jsonschema::error::ValidationErrorKind;
use serde::Serialize;
use serde_json::Value;

use super::pointer;
use super::references;
use super::subtype::{Check, Subtype};
use crate::error::{Code, Error, Result};

/// One thing that is wrong in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// JSON pointer to where it is.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// What the store knows of an item that a document names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its subtype.
    pub subtype: String,
    /// False for a seed.
    pub complete: bool,
}

/// Everything that is wrong with the document; empty: nothing.
///
/// # Errors
/// 55000 where the rules themselves are broken.
pub fn problems(
    subtype: &Subtype,
    document: &Value,
    targets: &BTreeMap<String, Target>,
) -> Result<Vec<Problem>> {
    let mut problems = schema(subtype, document)?;
    for check in &subtype.checks {
        problems.extend(between(check, document)?);
    }
    for found in references::find(subtype, document)? {
        let wrong = match targets.get(&found.target) {
            None => format!("no item {}", found.target),
            Some(t) if !found.subtypes.is_empty() && !found.subtypes.contains(&t.subtype) => {
                format!(
                    "item {} is a {}, not a {}",
                    found.target,
                    t.subtype,
                    found.subtypes.join(" or ")
                )
            }
            Some(t) if !t.complete => format!("item {} is not complete", found.target),
            Some(_) => continue,
        };
        problems.push(Problem {
            path: found.pointer,
            message: wrong,
        });
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}

/// The error that lists the problems of one or more documents, each with the source it would be a clone of.
pub fn refuse(problems: &[(String, Vec<Problem>)]) -> Result<()> {
    let count: usize = problems.iter().map(|(_, p)| p.len()).sum();
    if count == 0 {
        return Ok(());
    }
    let several = problems.len() > 1;
    let lines: Vec<String> = problems
        .iter()
        .flat_map(|(id, list)| list.iter().map(move |p| (id, p)))
        .map(|(id, p)| {
            let of = if several { format!("{id} ") } else { String::new() };
            format!(
                "{of}{}: {}",
                if p.path.is_empty() { "/" } else { &p.path },
                p.message
            )
        })
        .collect();
    let ids: Vec<&str> = problems
        .iter()
        .filter(|(_, p)| !p.is_empty())
        .map(|(id, _)| id.as_str())
        .collect();
    let noun = if count == 1 { "error" } else { "errors" };
    Err(Error::bad_argument(format!(
        "the clone of {} would not be valid: {count} {noun}",
        ids.join(", ")
    ))
    .detail(lines.join("\n"))
    .hint("fill in with edits what the detail lists; item_clone_draft shows it beforehand"))
}

fn schema(subtype: &Subtype, document: &Value) -> Result<Vec<Problem>> {
    let validator = jsonschema::validator_for(&subtype.json_schema).map_err(|e| {
        Error::new(
            Code::StoreChanged,
            format!("the JSON Schema of subtype {} is not valid: {e}", subtype.name),
        )
        .hint("correct json_schema in the store's table subtype")
    })?;
    Ok(validator
        .iter_errors(document)
        .map(|error| {
            let mut path = error.instance_path().to_string();
            // A missing member is better named itself than by the object that misses it.
            let message = match error.kind() {
                ValidationErrorKind::Required { property } => {
                    path = format!(
                        "{path}/{}",
                        pointer::escape(property.as_str().unwrap_or_default())
                    );
                    "is required".to_string()
                }
                _ => error.to_string(),
            };
            Problem { path, message }
        })
        .collect())
}

fn between(check: &Check, document: &Value) -> Result<Vec<Problem>> {
    match check {
        Check::Unique { paths } => {
            let mut seen = HashSet::new();
            let mut problems = Vec::new();
            for path in paths {
                for place in pointer::find(document, path)? {
                    let Some(value) = document.pointer(&place) else {
                        continue;
                    };
                    if !seen.insert(value) {
                        problems.push(Problem {
                            path: place,
                            message: format!("{value} stands here twice"),
                        });
                    }
                }
            }
            Ok(problems)
        }
        Check::Ascending { paths } => {
            let mut places = Vec::new();
            for path in paths {
                places.extend(pointer::find(document, path)?);
            }
            let problems = places
                .iter()
                .zip(places.iter().skip(1))
                .filter_map(|(first, second)| {
                    let (a, b) = (document.pointer(first)?, document.pointer(second)?);
                    less(b, a).then(|| Problem {
                        path: second.clone(),
                        message: format!("{b} is before {a} at {first}"),
                    })
                });
            Ok(problems.collect())
        }
    }
}

/// Whether a value is less than another of its kind; ISO 8601 dates order as texts.
fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a < b,
        (Value::Number(a), Value::Number(b)) => a.as_f64() < b.as_f64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn subtype(rules: Value) -> Subtype {
        let mut row = json!({"name": "T", "category": "ENTITY", "cloneable": "alone", "versionable": false,
            "json_schema": true, "default_access": [], "item_roles": []});
        row.as_object_mut()
            .unwrap()
            .extend(rules.as_object().unwrap().clone());
        Subtype::from_row(row).unwrap()
    }

    fn paths(rules: Value, document: Value) -> Vec<String> {
        let targets = BTreeMap::from([
            (
                "m".to_string(),
                Target {
                    subtype: "MODEL".into(),
                    complete: true,
                },
            ),
            (
                "seed".to_string(),
                Target {
                    subtype: "MODEL".into(),
                    complete: false,
                },
            ),
            (
                "p".to_string(),
                Target {
                    subtype: "PERSON".into(),
                    complete: true,
                },
            ),
        ]);
        let problems = problems(&subtype(rules), &document, &targets).unwrap();
        problems
            .into_iter()
            .map(|p| format!("{} {}", p.path, p.message))
            .collect()
    }

    #[test]
    fn all_schema_errors_are_listed_with_their_paths() {
        let schema = json!({"type": "object", "required": ["name", "a/b"],
            "properties": {"n": {"type": "number"}, "list": {"items": {"minLength": 1}}}});
        assert_eq!(
            paths(
                json!({"json_schema": schema}),
                json!({"n": "x", "list": ["ok", ""]})
            ),
            [
                "/a~1b is required",
                "/list/1 \"\" is shorter than 1 character",
                "/n \"x\" is not of type \"number\"",
                "/name is required"
            ]
        );
    }

    #[test]
    fn references_must_exist_be_complete_and_of_the_right_subtype() {
        let rules = json!({"references": [{"path": "$.ids[*]", "subtypes": ["MODEL", "SOFTWARE"]}]});
        assert_eq!(
            paths(rules, json!({"ids": ["m", "seed", "p", "nobody"]})),
            [
                "/ids/1 item seed is not complete",
                "/ids/2 item p is a PERSON, not a MODEL or SOFTWARE",
                "/ids/3 no item nobody"
            ]
        );
    }

    #[test]
    fn a_reference_without_subtypes_takes_any_item() {
        let rules = json!({"references": [{"path": "$.id"}]});
        assert!(paths(rules, json!({"id": "p"})).is_empty());
    }

    #[test]
    fn a_value_given_twice_is_named() {
        let rules = json!({"checks": [{"kind": "unique", "paths": ["$.required[*]", "$.optional[*]"]}]});
        let found = paths(rules, json!({"required": ["a", "b"], "optional": ["c", "a"]}));
        assert_eq!(found, ["/optional/1 \"a\" stands here twice"]);
    }

    #[test]
    fn dates_must_ascend_where_both_are_given() {
        let rules = json!({"checks": [{"kind": "ascending", "paths": ["$.begin", "$.end"]}]});
        assert_eq!(
            paths(rules.clone(), json!({"begin": "2026-02-01", "end": "2026-01-31"})),
            ["/end \"2026-01-31\" is before \"2026-02-01\" at /begin"]
        );
        assert!(paths(rules.clone(), json!({"begin": "2026-02-01", "end": "2026-02-01"})).is_empty());
        assert!(paths(rules, json!({"end": "2026-01-31"})).is_empty());
    }

    #[test]
    fn a_broken_schema_is_the_stores_fault() {
        let broken = subtype(json!({"json_schema": {"type": "banana"}}));
        assert_eq!(
            problems(&broken, &json!({}), &BTreeMap::new()).unwrap_err().code,
            Code::StoreChanged
        );
    }

    #[test]
    fn the_error_of_a_set_says_which_clone_is_meant() {
        let problem = Problem {
            path: "/name".into(),
            message: "is required".into(),
        };
        let error = refuse(&[("a".into(), vec![problem.clone()]), ("b".into(), vec![])]).unwrap_err();
        assert_eq!(error.message, "the clone of a would not be valid: 1 error");
        assert_eq!(error.detail, "a /name: is required");
        assert_eq!(
            refuse(&[("a".into(), vec![problem])]).unwrap_err().detail,
            "/name: is required"
        );
        assert_eq!(refuse(&[("a".into(), vec![])]), Ok(()));
    }
}
