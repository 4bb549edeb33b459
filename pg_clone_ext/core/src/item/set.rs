//! One item of a clone, from source to form: whether its subtype can be cloned, draft, title, edits, problems.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::Hasher;
use std::rc::Rc;

use serde_json::{Map, Value, json};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::form::draft::{self, Change};
use super::form::edits::SetEdits;
use super::limits::Interrupt;
use super::options::Options;
use super::references;
use super::source::Source;
use super::subtype::{Cloneable, Subtype, Variant};
use super::validation::normalize::normalize;
use super::validation::validate::{Problem, Rules, Targets, problems};
use crate::error::{Code, Error, Result};

/// A source with its rules and the form of its clone.
#[derive(Debug)]
pub struct Prepared {
    /// The rules of its subtype.
    pub subtype: Rc<Subtype>,
    /// The variant (older form) of source and form.
    variant: Option<usize>,
    /// The history entry that is cloned instead of the latest content.
    revision: Option<i32>,
    /// The edited form; references still refer to the sources.
    pub form: Value,
    /// What was reset.
    pub changes: Vec<Change>,
    /// Handles that the source references.
    pub known: HashSet<String>,
}

/// Requires that an item can be cloned: `together` with others, by `items_clone`, or alone.
///
/// # Errors
/// 22023 if its subtype does not allow it.
pub fn require_cloneable(subtype: &Subtype, id: &str, together: bool) -> Result<()> {
    let refused = |hint: &str| {
        Err(
            Error::bad_argument(format!("item {id} is a {}, which cannot be cloned", subtype.name))
                .hint(hint),
        )
    };
    match subtype.cloneable {
        Cloneable::Alone => Ok(()),
        Cloneable::Set if together => Ok(()),
        Cloneable::Set => refused("It can be cloned together with other items: items_clone(ARRAY[...])."),
        Cloneable::Never => refused("The registry itself makes such items."),
    }
}

/// Makes the form of one item: draft, then title, then edits, then values as they are stored.
///
/// # Errors
/// 22023 as [`Source::content`] and [`SetEdits::apply`]; 55000 if the source does not match `options.etag`, or the rules
/// are not valid.
pub fn prepare(
    subtype: &Rc<Subtype>,
    source: &Source,
    options: &Options,
    edits: &SetEdits,
    interrupt: Interrupt,
) -> Result<Prepared> {
    let content = Value::Object(source.content(options.from_history)?);
    if let Some(given) = &options.etag {
        let etag = etag(subtype, &content);
        if *given != etag {
            return Err(Error::new(
                Code::WrongState,
                format!("item {} has changed since the draft was made", source.id),
            )
            .detail(format!("Its etag is {etag}."))
            .hint("Make a new draft: SELECT item_clone_draft(...)."));
        }
    }
    let variant = subtype.variant_of(&content)?;
    let known = references::targets(subtype, &content)
        .into_iter()
        .map(Cow::into_owned)
        .collect();
    // The content becomes the draft: it is not copied, and read again where a draft is shown.
    let content = match content {
        Value::Object(content) => content,
        _ => Map::new(),
    };
    let mut drafted = draft::draft(subtype, subtype.variant(variant), content);
    if let Some(pattern) = &options.title {
        draft::retitle(subtype, pattern, &mut drafted.form);
    }
    edits.apply(&source.id, subtype, &mut drafted.form, interrupt)?;
    // Edits can turn an older form into the current one, but not the current one into an older form.
    let variant = match variant {
        Some(variant) if subtype.is_of(variant, &drafted.form)? => Some(variant),
        _ => None,
    };
    normalize(subtype.schema(subtype.variant(variant)), &mut drafted.form);
    Ok(Prepared {
        subtype: Rc::clone(subtype),
        variant,
        revision: options.from_history,
        known,
        form: drafted.form,
        changes: drafted.changes,
    })
}

/// A digest of the content and the rules.
fn etag(subtype: &Subtype, content: &Value) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(content.to_string().as_bytes());
    hasher.write_u128(subtype.fingerprint());
    format!("{:032x}", hasher.finish128().as_u128())
}

impl Prepared {
    /// The variant of source and form.
    pub fn variant(&self) -> Option<&Variant> {
        self.subtype.variant(self.variant)
    }

    /// The display name of the clone, and its JSON pointer in the form.
    pub fn display_name(&self) -> Option<(&str, &str)> {
        let derived = self
            .subtype
            .derived
            .iter()
            .find(|derived| derived.field == "display_name");
        let path = derived.map_or("/display_name", |derived| derived.from.as_str());
        Some((path, self.form.pointer(path)?.as_str()?))
    }

    /// What is wrong with the form.
    ///
    /// # Errors
    /// 55000 if the subtype's rules are not valid.
    pub fn problems(&self, targets: &Targets) -> Result<Vec<Problem>> {
        let rules = Rules {
            subtype: &self.subtype,
            variant: self.variant(),
            known: &self.known,
        };
        problems(&rules, &self.form, targets)
    }

    /// A text that changes when the source or its rules change.
    ///
    /// # Errors
    /// As [`Source::content`].
    pub fn etag(&self, source: &Source) -> Result<String> {
        let content = source.content(self.revision)?;
        Ok(etag(&self.subtype, &Value::Object(content)))
    }

    /// The differences from the content of the source as operations of a JSON patch; replace and remove contain the old value.
    fn diff(&self, content: &Value) -> Value {
        let patch = json_patch::diff(content, &self.form);
        let operations = patch.iter().map(|operation| {
            let mut shown = serde_json::to_value(operation).unwrap_or_default();
            let path = shown.get("path").and_then(Value::as_str).unwrap_or_default();
            if let Some(was) = content.pointer(path).cloned()
                && shown.get("op").is_some_and(|op| op != "add")
            {
                shown["was"] = was;
            }
            shown
        });
        operations.collect()
    }

    /// The draft for the user: what can be edited, what was reset, what must be filled in before it is valid.
    ///
    /// # Errors
    /// 55000 if the subtype's rules are not valid.
    pub fn show(&self, source: &Source, targets: &Targets) -> Result<Value> {
        let content = Value::Object(source.content(self.revision)?);
        Ok(json!({
            "source": source.id,
            "etag": etag(&self.subtype, &content),
            "item_category": self.subtype.category,
            "item_subtype": self.subtype.name,
            "title": self.subtype.title,
            "description": self.subtype.description,
            "form_of": self.variant().map(|variant| &variant.name),
            "item": self.form,
            "reset": self.changes,
            "diff": self.diff(&content),
            "required": self.problems(targets)?,
            "forbidden": draft::forbidden_fields(&self.subtype),
            "access": {"general": self.subtype.default_access, "groups": {}},
            "json_schema": self.subtype.schema(self.variant()),
            "ui_schema": self.subtype.ui_schema,
            "revisions": source.revisions,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::never;
    use super::*;

    fn subtype(cloneable: &str) -> Rc<Subtype> {
        Subtype::from_row(json!({"name": "PERSON", "category": "AGENT", "cloneable": cloneable, "versionable": false,
            "json_schema": {"properties": {"ethics": {"const": true}}}, "default_access": [], "item_roles": [],
            "variants": [{"name": "early", "when": {"required": ["author"]}, "json_schema": {"required": ["author"], "properties": {"author": {"minLength": 3}}}}],
            "resets": [{"op": "set", "path": "/ethics", "value": false, "reason": "consent is given anew"}],
            "title_paths": ["/name"]}))
        .map(Rc::new)
        .unwrap()
    }

    fn source(content: Value) -> Source {
        serde_json::from_value(json!({"id": "h", "item_subtype": "PERSON", "domain_info": content})).unwrap()
    }

    fn ada() -> Source {
        source(json!({"name": "Ada", "ethics": true}))
    }

    fn prepared(subtype: &Rc<Subtype>, source: &Source, edits: Value) -> Prepared {
        let edits = SetEdits::parse(&json!({"h": edits}), false).unwrap();
        prepare(subtype, source, &Options::default(), &edits, &never).unwrap()
    }

    #[test]
    fn what_is_cloned_alone_in_sets_or_never() {
        let may = |cloneable, together| require_cloneable(&subtype(cloneable), "h", together).is_ok();
        assert!(may("alone", false) && may("alone", true));
        assert!(!may("set", false) && may("set", true));
        assert!(!may("never", false) && !may("never", true));
    }

    #[test]
    fn edits_win_over_the_title_pattern() {
        let options = Options {
            title: Some("Copy of %s".into()),
            ..Options::default()
        };
        let s = subtype("alone");
        let plain = prepare(&s, &ada(), &options, &SetEdits::default(), &never).unwrap();
        assert_eq!(plain.form["name"], "Copy of Ada");
        let edits = SetEdits::parse(&json!({"h": {"name": "Grace"}}), false).unwrap();
        assert_eq!(
            prepare(&s, &ada(), &options, &edits, &never).unwrap().form["name"],
            "Grace"
        );
    }

    #[test]
    fn the_draft_says_what_was_reset_and_what_is_required() {
        let s = subtype("alone");
        let shown = prepared(&s, &ada(), json!({"age": 36}))
            .show(&ada(), &Targets::new())
            .unwrap();
        assert_eq!(shown["item"], json!({"name": "Ada", "ethics": false, "age": 36}));
        let reset =
            json!([{"path": "/ethics", "was": true, "becomes": false, "reason": "consent is given anew"}]);
        assert_eq!(shown["reset"], reset);
        assert_eq!(
            shown["required"],
            json!([{"path": "/ethics", "code": "const", "message": "true was expected"}])
        );
        assert_eq!(shown["forbidden"]["id"], "a new handle is minted");
        let diff = json!([{"op": "replace", "path": "/ethics", "value": false, "was": true}, {"op": "add", "path": "/age", "value": 36}]);
        assert_eq!(shown["diff"], diff);
    }

    #[test]
    fn an_old_form_is_chosen_by_the_source_never_by_the_edits() {
        let s = subtype("alone");
        let old = source(json!({"author": "Ada L"}));
        assert!(prepared(&s, &old, json!({})).variant().is_some());
        assert_eq!(
            prepared(&s, &old, json!({"author": "A"}))
                .problems(&Targets::new())
                .unwrap()
                .len(),
            1
        );
        let updated = prepared(&s, &old, json!({"author": null, "ethics": false}));
        assert!(updated.variant().is_none());
        assert_eq!(updated.problems(&Targets::new()).unwrap()[0].path, "/ethics");
        let new = prepared(&s, &ada(), json!({"author": "Ada L"}));
        assert!(new.variant().is_none());
        assert_eq!(
            new.problems(&Targets::new()).unwrap()[0].path,
            "/ethics",
            "consent cannot be skipped"
        );
    }

    #[test]
    fn the_etag_changes_with_the_source_and_its_rules_only() {
        let s = subtype("alone");
        let etag_of = |subtype: &Rc<Subtype>, source: &Source, edits: Value| {
            prepared(subtype, source, edits).etag(source).unwrap()
        };
        let etag = etag_of(&s, &ada(), json!({}));
        assert_eq!(etag_of(&s, &ada(), json!({"name": "x"})), etag);
        let other = source(json!({"name": "Adb", "ethics": true}));
        assert_ne!(etag_of(&s, &other, json!({})), etag);
        assert_ne!(etag_of(&subtype("set"), &ada(), json!({})), etag);
        let old = Options {
            etag: Some("0".into()),
            ..Options::default()
        };
        let stale = prepare(&s, &ada(), &old, &SetEdits::default(), &never).unwrap_err();
        assert_eq!(stale.code, Code::WrongState);
    }
}
