//! Checks whether a document may be written: the subtype's JSON Schema, its checks of several values, and its references.
//! All problems are reported at once, each with its JSON pointer and a machine-readable code.

use std::collections::{BTreeMap, HashSet};

use jsonschema::error::ValidationErrorKind;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::item::options::nearest;
use crate::item::pointer::{self, Path};
use crate::item::references;
use crate::item::subtype::{Check, Subtype, Variant};
use crate::item::validation::schema::Place;

/// A problem of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// JSON pointer to where it is.
    pub path: String,
    /// What kind of problem it is: the keyword of the JSON Schema, or `unknown_field`, `duplicate`, `order`, `no_item`,
    /// `wrong_subtype`, `not_complete`.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

/// What the store knows about an item that a document references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its subtype.
    pub subtype: String,
    /// False for a seed.
    pub complete: bool,
    /// Whether the actor may see it.
    pub visible: bool,
}

/// Referenced items by handle; an item that does not exist is absent.
pub type Targets = BTreeMap<String, Target>;

/// What a document is validated against.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// The rules of its subtype.
    pub subtype: &'r Subtype,
    /// Its variant.
    pub variant: Option<&'r Variant>,
    /// Handles that the source references. These are kept even if the actor may not see the items. For handles that a
    /// user enters, items that the actor may not see do not exist.
    pub known: &'r HashSet<String>,
}

/// All problems of the document; empty if it is valid.
///
/// # Errors
/// 55000 if the rules are not valid.
pub fn problems(rules: &Rules, document: &Value, targets: &Targets) -> Result<Vec<Problem>> {
    let subtype = rules.subtype;
    let mut problems = schema(subtype, rules.variant, document)?;
    for check in &subtype.checks {
        problems.extend(between(check, document)?);
    }
    for found in references::find(subtype, document)? {
        let target = targets.get(&found.target);
        let (code, message) = match target {
            Some(t) if !t.visible && rules.known.contains(&found.target) => continue,
            None if found.external => continue,
            Some(t) if !t.visible && found.external => continue,
            None => ("no_item", format!("no item {}", found.target)),
            Some(t) if !t.visible => ("no_item", format!("no item {}", found.target)),
            Some(t) if !found.subtypes.is_empty() && !found.subtypes.contains(&t.subtype) => (
                "wrong_subtype",
                format!(
                    "item {} is a {}, not a {}",
                    found.target,
                    t.subtype,
                    found.subtypes.join(" or ")
                ),
            ),
            Some(t) if !t.complete => ("not_complete", format!("item {} is not complete", found.target)),
            Some(_) => continue,
        };
        problems.push(Problem {
            path: found.pointer,
            code: code.to_owned(),
            message,
        });
    }
    problems.sort();
    problems.dedup();
    Ok(problems)
}

/// Items that a message names.
const NAMED: usize = 10;
/// Problems that a detail lists.
const LISTED: usize = 1_000;

/// The error (22023) that lists the problems of one or more documents, each with the source of the clone.
pub fn refuse(problems: &[(String, Vec<Problem>)]) -> Result<()> {
    let count: usize = problems.iter().map(|(_, p)| p.len()).sum();
    if count == 0 {
        return Ok(());
    }
    let several = problems.len() > 1;
    let lines: Vec<String> = problems
        .iter()
        .flat_map(|(id, list)| list.iter().map(move |p| (id, p)))
        .take(LISTED)
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
    let mut named = ids.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED {
        named.push_str(&format!(" and {} more", ids.len() - NAMED));
    }
    let noun = if count == 1 { "error" } else { "errors" };
    Err(
        Error::bad_argument(format!("the clone of {named} would not be valid: {count} {noun}"))
            .detail(lines.join("\n"))
            .hint("Fill in with edits what the detail lists; item_clone_draft shows it beforehand."),
    )
}

fn schema(subtype: &Subtype, variant: Option<&Variant>, document: &Value) -> Result<Vec<Problem>> {
    let validator = subtype.validator(variant)?;
    if validator.is_valid(document) {
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    for error in validator.iter_errors(document) {
        let path = error.instance_path().to_string();
        match error.kind() {
            // The path of a missing or unknown member is that of the member, not of its object.
            ValidationErrorKind::Required { property } => problems.push(Problem {
                path: pointer::child(&path, property.as_str().unwrap_or_default()),
                code: "required".to_owned(),
                message: "is required".to_owned(),
            }),
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let place = place_of(subtype.schema(variant), &path);
                problems.extend(unexpected.iter().map(|name| unknown(&path, name, place.as_ref())));
            }
            kind => problems.push(Problem {
                code: kind.keyword().to_owned(),
                message: short(&error.to_string()),
                path,
            }),
        }
    }
    Ok(problems)
}

fn place_of<'s>(schema: &'s Value, path: &str) -> Option<Place<'s>> {
    let mut place = Place::root(schema);
    for step in jsonptr::Pointer::parse(path).ok()?.tokens() {
        let step = step.decoded();
        place = place.member(&step).or_else(|| place.element())?;
    }
    Some(place)
}

fn unknown(path: &str, name: &str, place: Option<&Place>) -> Problem {
    let names: Vec<&str> = place.map(|place| place.names().collect()).unwrap_or_default();
    let meant = nearest(name, &names).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Problem {
        path: pointer::child(path, name),
        code: "unknown_field".to_owned(),
        message: format!("is not a field{meant}"),
    }
}

/// A message without the end of a long value.
fn short(message: &str) -> String {
    const MOST: usize = 300;
    match message.char_indices().nth(MOST) {
        None => message.to_owned(),
        Some((end, _)) => {
            let tail: String = message
                .chars()
                .rev()
                .take(60)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            format!(
                "{}...{tail}",
                message.get(..end.min(MOST / 2)).unwrap_or_default()
            )
        }
    }
}

/// The places that several paths find.
fn places(paths: &[Path], document: &Value) -> Result<Vec<String>> {
    let found: Result<Vec<_>> = paths.iter().map(|path| path.find(document)).collect();
    Ok(found?.concat())
}

fn between(check: &Check, document: &Value) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    match check {
        Check::Unique { paths } => {
            let mut seen = HashSet::new();
            for place in places(paths, document)? {
                let Some(value) = document.pointer(&place) else {
                    continue;
                };
                if !seen.insert(value) {
                    problems.push(Problem {
                        message: short(&format!("{value} is here twice")),
                        code: "duplicate".to_owned(),
                        path: place,
                    });
                }
            }
        }
        Check::Ascending { paths } => {
            let places = places(paths, document)?;
            for (first, second) in places.iter().zip(places.iter().skip(1)) {
                let (Some(a), Some(b)) = (document.pointer(first), document.pointer(second)) else {
                    continue;
                };
                if less(b, a) {
                    problems.push(Problem {
                        path: second.clone(),
                        code: "order".to_owned(),
                        message: short(&format!("{b} is before {a} at {first}")),
                    });
                }
            }
        }
    }
    Ok(problems)
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
        known(rules, document, &[])
    }

    fn known(rules: Value, document: Value, known: &[&str]) -> Vec<String> {
        let targets = BTreeMap::from([
            (
                "m".to_string(),
                Target {
                    subtype: "MODEL".into(),
                    complete: true,
                    visible: true,
                },
            ),
            (
                "seed".to_string(),
                Target {
                    subtype: "MODEL".into(),
                    complete: false,
                    visible: true,
                },
            ),
            (
                "p".to_string(),
                Target {
                    subtype: "PERSON".into(),
                    complete: true,
                    visible: true,
                },
            ),
            (
                "hidden".to_string(),
                Target {
                    subtype: "PERSON".into(),
                    complete: false,
                    visible: false,
                },
            ),
        ]);
        let (subtype, known) = (subtype(rules), known.iter().map(|id| (*id).to_string()).collect());
        let rules = Rules {
            subtype: &subtype,
            variant: None,
            known: &known,
        };
        let problems = problems(&rules, &document, &targets).unwrap();
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
    fn an_item_that_may_not_be_seen_is_told_from_none_nowhere_but_where_the_source_names_it() {
        let rules = json!({"references": [{"path": "$.ids[*]", "subtypes": ["MODEL"]}]});
        let document = json!({"ids": ["hidden", "nobody"]});
        assert_eq!(
            paths(rules.clone(), document.clone()),
            ["/ids/0 no item hidden", "/ids/1 no item nobody"]
        );
        assert_eq!(known(rules, document, &["hidden"]), ["/ids/1 no item nobody"]);
    }

    #[test]
    fn an_unknown_member_is_named_with_the_nearest_known_one() {
        let schema = json!({"additionalProperties": false, "properties": {"description": {}, "list": {"items": {"$ref": "#/$defs/e"}}},
            "$defs": {"e": {"additionalProperties": false, "properties": {"path": {}}}}});
        assert_eq!(
            paths(
                json!({"json_schema": schema}),
                json!({"descripton": 1, "list": [{"paht": 1, "x": 2}]})
            ),
            [
                "/descripton is not a field; did you mean description?",
                "/list/0/paht is not a field; did you mean path?",
                "/list/0/x is not a field"
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
        assert_eq!(found, ["/optional/1 \"a\" is here twice"]);
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
        let rules = Rules {
            subtype: &broken,
            variant: None,
            known: &HashSet::new(),
        };
        assert_eq!(
            problems(&rules, &json!({}), &BTreeMap::new()).unwrap_err().code,
            crate::error::Code::StoreChanged
        );
    }

    #[test]
    fn the_error_of_a_set_says_which_clone_is_meant() {
        let problem = Problem {
            path: "/name".into(),
            code: "required".into(),
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
