//! One item of a clone on its way from source to form: may its subtype be cloned, draft, title, edits, problems.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::draft::{self, Change, RECORD_FIELDS};
use super::edits::SetEdits;
use super::options::Options;
use super::source::Source;
use super::subtype::{Cloneable, Subtype};
use super::validate::{Problem, Target, problems};
use crate::error::{Error, Result};

/// A source with its rules and the form that its clone will be made of.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    /// The rules of its subtype.
    pub subtype: &'a Subtype,
    /// The source.
    pub source: &'a Source,
    /// The edited form; references still name the sources.
    pub form: Value,
    /// What was reset.
    pub changes: Vec<Change>,
}

/// Asks whether an item may be cloned: `together` with others, by `items_clone`, or alone.
///
/// # Errors
/// 22023 where its subtype says no.
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
        Cloneable::Set => refused("it can be cloned within a set: items_clone(ARRAY[...])"),
        Cloneable::Never => refused("the registry itself makes such items"),
    }
}

/// Makes the form of one item: draft, then title, then edits.
///
/// # Errors
/// 22023 as [`Source::content`] and [`SetEdits::apply`].
pub fn prepare<'a>(
    subtype: &'a Subtype,
    source: &'a Source,
    options: &Options,
    edits: &SetEdits,
) -> Result<Prepared<'a>> {
    let mut drafted = draft::draft(subtype, source.content(options.from_history)?);
    if let Some(pattern) = &options.title {
        draft::retitle(subtype, pattern, &mut drafted.form);
    }
    edits.apply(&source.id, subtype, &mut drafted.form)?;
    Ok(Prepared {
        subtype,
        source,
        form: drafted.form,
        changes: drafted.changes,
    })
}

impl Prepared<'_> {
    /// The draft for the user: what can be edited, what was reset, what must be filled in before it is valid.
    ///
    /// # Errors
    /// 55000 where the subtype's rules are broken.
    pub fn show(&self, targets: &BTreeMap<String, Target>) -> Result<Value> {
        let required: Vec<Problem> = problems(self.subtype, &self.form, targets)?;
        let forbidden: serde_json::Map<String, Value> = RECORD_FIELDS
            .iter()
            .map(|(field, _)| *field)
            .chain(self.subtype.system_fields.keys().map(String::as_str))
            .chain(self.subtype.derived.iter().map(|d| d.field.as_str()))
            .filter_map(|f| Some((f.to_string(), draft::forbidden(self.subtype, f)?.into())))
            .collect();
        Ok(json!({
            "source": self.source.id,
            "item_category": self.subtype.category,
            "item_subtype": self.subtype.name,
            "item": self.form,
            "reset": self.changes,
            "required": required,
            "forbidden": forbidden,
            "access": {"general": self.subtype.default_access, "groups": {}},
            "json_schema": self.subtype.json_schema,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subtype(cloneable: &str) -> Subtype {
        Subtype::from_row(json!({"name": "PERSON", "category": "AGENT", "cloneable": cloneable, "versionable": false,
            "json_schema": {"properties": {"ethics": {"const": true}}}, "default_access": [], "item_roles": [],
            "resets": [{"op": "set", "path": "/ethics", "value": false, "reason": "consent is given anew"}],
            "title_paths": ["/name"]}))
        .unwrap()
    }

    fn source() -> Source {
        serde_json::from_value(json!({"id": "h", "item_subtype": "PERSON",
            "domain_info": {"name": "Ada", "ethics": true}}))
        .unwrap()
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
        let (s, h) = (subtype("alone"), source());
        let plain = prepare(&s, &h, &options, &SetEdits::default()).unwrap();
        assert_eq!(plain.form["name"], "Copy of Ada");
        let edits = SetEdits::parse(&json!({"h": {"name": "Grace"}}), &["h".into()]).unwrap();
        assert_eq!(prepare(&s, &h, &options, &edits).unwrap().form["name"], "Grace");
    }

    #[test]
    fn the_draft_says_what_was_reset_and_what_is_required() {
        let (s, h) = (subtype("alone"), source());
        let shown = prepare(&s, &h, &Options::default(), &SetEdits::default())
            .unwrap()
            .show(&BTreeMap::new())
            .unwrap();
        assert_eq!(shown["item"], json!({"name": "Ada", "ethics": false}));
        let reset =
            json!([{"path": "/ethics", "was": true, "becomes": false, "reason": "consent is given anew"}]);
        assert_eq!(shown["reset"], reset);
        assert_eq!(
            shown["required"],
            json!([{"path": "/ethics", "message": "true was expected"}])
        );
        assert_eq!(shown["forbidden"]["id"], "a new handle is minted");
    }
}
