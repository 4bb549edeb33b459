//! Edits applied to a document held as text, by the spans of what they change.
//!
//! Everything that is not edited is kept byte for byte: the order of the members, escapes, the spelling of numbers,
//! white space. Added values are written compactly.

use super::overlay::{Overlay, require};
use super::scan::{self, Item, Items};
use super::{Edit, EditError};
use crate::depth;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Applies the edits in order; `None` if the text does not change.
///
/// Of several members with one name the last counts, as in `jsonb` and JavaScript. When an edit touches such a member
/// the others of its name are removed, so that no dropped value remains. A place below one that a
/// later edit removes or replaces need not exist. The text is read twice (validated, then edited), however
/// many edits there are.
///
/// # Errors
/// [`EditError::Malformed`] when the text is not one JSON value; otherwise as [`super::value::apply`].
pub fn apply(document: &str, edits: &[Edit]) -> Result<Option<String>, EditError> {
    if edits.is_empty() {
        return Ok(None);
    }
    // Ignored values are read without recursion.
    serde_json::from_str::<IgnoredAny>(document).map_err(|error| EditError::Malformed(error.to_string()))?;
    depth::check(depth::of_text(document.as_bytes()))?;
    let longest = edits.iter().map(|edit| edit.path.len()).max();
    depth::with_room(longest.unwrap_or_default(), || edited(document, edits))?
}

fn edited(document: &str, edits: &[Edit]) -> Result<Option<String>, EditError> {
    let overlay = Overlay::new(edits)?;
    let deep = edits.iter().any(|edit| edit.path.len() > FEW);
    let mut editor = Editor {
        text: document,
        ends: deep.then(|| scan::Ends::of(document.as_bytes())),
        out: String::with_capacity(document.len()),
        copied: 0,
    };
    editor.value(scan::white(document.as_bytes(), 0), &overlay)?;
    editor.keep_until(document.len())?;
    Ok((editor.out != document).then_some(editor.out))
}

/// What happens to one member or element that the text has.
enum Fate<'a> {
    Keep,
    Drop,
    Edit {
        rename: Option<&'a str>,
        overlay: &'a Overlay,
    },
}

/// Up to this many levels it is faster to search for the end of a value at each level than to compute all ends first.
const FEW: usize = 16;

struct Editor<'a> {
    text: &'a str,
    ends: Option<scan::Ends>,
    out: String,
    /// Position up to which the text was copied to `out` or skipped.
    copied: usize,
}

impl<'a> Editor<'a> {
    fn keep_until(&mut self, end: usize) -> Result<(), EditError> {
        if end > self.copied {
            self.out
                .push_str(self.text.get(self.copied..end).ok_or_else(lost)?);
            self.copied = end;
        }
        Ok(())
    }

    /// Skips the text up to `end`.
    fn skip_until(&mut self, end: usize) {
        self.copied = self.copied.max(end);
    }

    /// Edits the value that starts at `at`.
    fn value(&mut self, at: usize, overlay: &Overlay) -> Result<(), EditError> {
        if let Some(new) = &overlay.replace {
            let end = scan::value(self.text.as_bytes(), at).ok_or_else(lost)?;
            let old = self.text.get(at..end).ok_or_else(lost)?;
            // The same value in another spelling is no change.
            if !serde_json::from_str::<Value>(old).is_ok_and(|old| old == *new) {
                self.keep_until(at)?;
                self.out.push_str(&new.to_string());
                self.skip_until(end);
            }
            return Ok(());
        }
        match self.text.as_bytes().get(at) {
            Some(b'{') => self.object(at, overlay),
            Some(b'[') => self.array(at, overlay),
            _ => require(overlay.needed.as_ref()),
        }
    }

    fn object(&mut self, at: usize, overlay: &Overlay) -> Result<(), EditError> {
        for element in overlay.items.values() {
            require(element.overlay.needed.as_ref())?;
        }
        let text = self.text.as_bytes();
        let items = read(text, at, self.ends.as_ref())?;
        let mut fates: Vec<Fate> = Vec::with_capacity(items.len());
        let mut found = vec![false; overlay.members.len()];
        // Of several members with one name the last counts.
        for item in items.iter().rev() {
            let name = scan::name(&text[item.start..item.name_end]);
            let Some(place) = name.and_then(|name| overlay.original(&name)) else {
                fates.push(Fate::Keep);
                continue;
            };
            let member = &overlay.members[place];
            fates.push(match &member.name {
                Some(name) if !found[place] => Fate::Edit {
                    rename: (member.original.as_ref() != Some(name)).then_some(name.as_str()),
                    overlay: &member.overlay,
                },
                _ => Fate::Drop,
            });
            found[place] = true;
        }
        fates.reverse();
        let mut added = Vec::new();
        for (member, found) in overlay.members.iter().zip(found) {
            if found {
                continue;
            }
            if member.original.is_some() {
                require(member.overlay.needed.as_ref())?;
                require(member.renamed.as_ref())?;
            }
            if let (Some(name), Some(new)) = (&member.name, &member.overlay.replace) {
                added.push((name.as_str(), new));
            }
        }
        self.items(at, &items, &fates)?;
        let mut first = fates.iter().all(|fate| matches!(fate, Fate::Drop));
        if !added.is_empty() {
            self.keep_until(items.last().map_or(at + 1, |item| item.end))?;
        }
        for (name, new) in added {
            let comma = if first { "" } else { "," };
            self.out.push_str(&format!("{comma}{}:{new}", Value::from(name)));
            first = false;
        }
        Ok(())
    }

    fn array(&mut self, at: usize, overlay: &Overlay) -> Result<(), EditError> {
        for member in &overlay.members {
            require(member.overlay.needed.as_ref())?;
            require(member.renamed.as_ref())?;
            if member.name.is_some() && member.overlay.replace.is_some() {
                return require(overlay.needed.as_ref());
            }
        }
        let items = read(self.text.as_bytes(), at, self.ends.as_ref())?;
        let mut fates: Vec<Fate> = items.iter().map(|_| Fate::Keep).collect();
        for (index, element) in &overlay.items {
            match fates.get_mut(*index) {
                Some(fate) if element.removed => *fate = Fate::Drop,
                Some(fate) => {
                    *fate = Fate::Edit {
                        rename: None,
                        overlay: &element.overlay,
                    }
                }
                None => require(element.overlay.needed.as_ref())?,
            }
        }
        self.items(at, &items, &fates)
    }

    /// Writes the kept items. A dropped item is dropped with the comma before it, or, if no item before it
    /// is kept, with the comma after it.
    fn items(&mut self, at: usize, items: &[Item], fates: &[Fate]) -> Result<(), EditError> {
        let mut kept = false;
        for (index, (item, fate)) in items.iter().zip(fates).enumerate() {
            match fate {
                Fate::Keep => kept = true,
                Fate::Drop => {
                    let previous = index
                        .checked_sub(1)
                        .map(|before| items[before].end)
                        .filter(|_| kept);
                    let next = items.get(index + 1).map(|next| next.start).filter(|_| !kept);
                    self.keep_until(previous.unwrap_or(item.start))?;
                    self.skip_until(next.unwrap_or(item.end));
                }
                Fate::Edit { rename, overlay } => {
                    kept = true;
                    if let Some(name) = rename {
                        self.keep_until(item.start)?;
                        self.out.push_str(&Value::from(*name).to_string());
                        self.skip_until(item.name_end);
                    }
                    self.value(item.value, overlay)?;
                }
            }
        }
        self.keep_until(at + 1)
    }
}

fn read(text: &[u8], at: usize, ends: Option<&scan::Ends>) -> Result<Vec<Item>, EditError> {
    let mut items = Items::new(text, at).ok_or_else(lost)?.knowing(ends);
    let read = items.by_ref().collect();
    items.close().map(|_| read).ok_or_else(lost)
}

/// For a position that always exists in a validated text.
fn lost() -> EditError {
    EditError::Malformed("the end of a value was not found".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{apply, *};
    use crate::edit::Step;
    use serde_json::json;

    fn path(steps: &[&str]) -> Vec<Step> {
        steps
            .iter()
            .map(|step| step.parse().map_or_else(|_| Step::from(*step), Step::Index))
            .collect()
    }

    fn edited(document: &str, edits: &[Edit]) -> String {
        apply(document, edits)
            .unwrap()
            .unwrap_or_else(|| document.to_owned())
    }

    #[test]
    fn a_removed_member_takes_one_comma_along() {
        for (name, left) in [("a", "{ \"b\": 2 , \"c\": 3 }"), ("b", "{ \"a\": 1 , \"c\": 3 }")] {
            assert_eq!(
                edited(
                    "{ \"a\": 1 , \"b\": 2 , \"c\": 3 }",
                    &[Edit::remove(path(&[name]))]
                ),
                left
            );
        }
        assert_eq!(
            edited("{ \"a\": 1 , \"b\": 2 }", &[Edit::remove(path(&["b"]))]),
            "{ \"a\": 1 }"
        );
        assert_eq!(
            edited("{\"a\":[1]}", &[Edit::remove(path(&["a", "0"]))]),
            "{\"a\":[]}"
        );
    }

    #[test]
    fn several_removals_count_indexes_after_each_other() {
        let first = || Edit::remove(path(&["0"]));
        assert_eq!(
            edited("[0,1,2,3]", &[first(), first(), Edit::remove(path(&["1"]))]),
            "[2]"
        );
    }

    #[test]
    fn the_rest_keeps_its_spelling() {
        let document = r#"{"z":1.50, "u":"\u0041\/", "a":{"n":1e3,"x":[ ] } ,"s":"secret"}"#;
        let edits = [
            Edit::remove(path(&["s"])),
            Edit::set(path(&["a", "y"]), json!("new")),
        ];
        assert_eq!(
            edited(document, &edits),
            r#"{"z":1.50, "u":"\u0041\/", "a":{"n":1e3,"x":[ ],"y":"new" }}"#
        );
    }

    #[test]
    fn edits_below_a_value_that_was_set_go_into_it() {
        let edits = [
            Edit::set(path(&["a"]), json!({"b": 1, "c": 2})),
            Edit::remove(path(&["a", "b"])),
            Edit::set(path(&["a", "d"]), 3),
        ];
        assert_eq!(
            edited(r#"{"x":0,"a":null}"#, &edits),
            r#"{"x":0,"a":{"c":2,"d":3}}"#
        );
        assert_eq!(edited(r#"{}"#, &edits), r#"{"a":{"c":2,"d":3}}"#);
    }

    #[test]
    fn renaming_changes_the_name_only() {
        let edits = [
            Edit::rename(path(&["a"]), "b"),
            Edit::set(path(&["b", "x"]), 2),
            Edit::remove(path(&["a"])),
        ];
        assert_eq!(
            edited(r#"{"a": {"x":1,"y":1.0},"b":0}"#, &edits),
            r#"{"b": {"x":2,"y":1.0}}"#
        );
    }

    #[test]
    fn a_secret_does_not_survive_in_a_duplicate() {
        let document = r#"{"s":"old","a":1,"\u0073":"older","s":"last"}"#;
        assert_eq!(edited(document, &[Edit::remove(path(&["s"]))]), r#"{"a":1}"#);
        assert_eq!(
            edited(document, &[Edit::set(path(&["s"]), "new")]),
            r#"{"a":1,"s":"new"}"#
        );
    }

    #[test]
    fn nothing_changed_is_none() {
        let document = r#"{"a":1,"b":[1]}"#;
        assert_eq!(apply(document, &[]), Ok(None));
        assert_eq!(apply(document, &[Edit::remove(path(&["c", "d"]))]), Ok(None));
        assert_eq!(apply(document, &[Edit::remove(path(&["b", "7"]))]), Ok(None));
        assert_eq!(apply(document, &[Edit::set(path(&["a"]), 1)]), Ok(None));
    }

    #[test]
    fn a_missing_parent_is_an_error_that_names_the_place() {
        for steps in [&["x", "y"][..], &["a", "y"], &["b", "1"], &["b", "y"], &["0"]] {
            let error = apply(r#"{"a":1,"b":[1]}"#, &[Edit::set(path(steps), 1)]);
            assert_eq!(error, Err(EditError::NoPlace(path(steps))));
        }
    }

    #[test]
    fn deep_nesting_is_walked_without_recursion() {
        let deep = "[".repeat(40_000) + &"]".repeat(40_000);
        let document = format!(r#"{{"deep":{deep},"a":1}}"#);
        assert_eq!(
            edited(&document, &[Edit::remove(path(&["a"]))]),
            format!(r#"{{"deep":{deep}}}"#)
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_left_alone() {
        let document = r#"{"a":"\ud83d","b":1}"#;
        assert_eq!(
            edited(document, &[Edit::remove(path(&["b"]))]),
            r#"{"a":"\ud83d"}"#
        );
    }
}
