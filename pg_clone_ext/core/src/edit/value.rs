//! Edits applied to a document held as a tree.

use super::{Edit, EditError, EditOp, Step};
use serde_json::{Map, Value};

/// Applies one edit to a tree; `true` when the tree changed.
///
/// # Errors
/// [`EditError::NoPlace`] when the place of a set or rename does not exist, [`EditError::Root`] for the removal or
/// renaming of the whole document.
pub fn apply(document: &mut Value, edit: &Edit) -> Result<bool, EditError> {
    let Some((last, parents)) = edit.path.split_last() else {
        return match &edit.op {
            EditOp::Set(value) => Ok(replace(document, value)),
            EditOp::Remove | EditOp::Rename(_) => Err(EditError::Root),
        };
    };
    let no_place = || EditError::NoPlace(edit.path.clone());
    let parent = parents
        .iter()
        .try_fold(document, |value, step| child(value, step));
    match (&edit.op, parent, last) {
        (EditOp::Remove, Some(Value::Object(members)), Step::Key(name)) => {
            Ok(members.shift_remove(name).is_some())
        }
        (EditOp::Remove, Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            Ok(true)
        }
        (EditOp::Remove, _, _) => Ok(false),
        (EditOp::Set(value), Some(Value::Object(members)), Step::Key(name)) => match members.get_mut(name) {
            Some(old) => Ok(replace(old, value)),
            None => {
                members.insert(name.clone(), value.clone());
                Ok(true)
            }
        },
        (EditOp::Set(value), Some(Value::Array(items)), Step::Index(index)) => items
            .get_mut(*index)
            .map(|old| replace(old, value))
            .ok_or_else(no_place),
        (EditOp::Rename(to), Some(Value::Object(members)), Step::Key(from)) if members.contains_key(from) => {
            if from != to {
                rename(members, from, to);
            }
            Ok(from != to)
        }
        (EditOp::Set(_) | EditOp::Rename(_), _, _) => Err(no_place()),
    }
}

/// The value at `path`, if the document has it.
pub fn get<'a>(document: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(document, |value, step| match step {
        Step::Key(name) => value.as_object()?.get(name),
        Step::Index(index) => value.as_array()?.get(*index),
    })
}

fn child<'a>(value: &'a mut Value, step: &Step) -> Option<&'a mut Value> {
    match step {
        Step::Key(name) => value.as_object_mut()?.get_mut(name),
        Step::Index(index) => value.as_array_mut()?.get_mut(*index),
    }
}

fn replace(old: &mut Value, new: &Value) -> bool {
    let changed = old != new;
    if changed {
        *old = new.clone();
    }
    changed
}

/// Renames a member at its position.
fn rename(members: &mut Map<String, Value>, from: &str, to: &str) {
    let old = std::mem::take(members);
    members.extend(
        old.into_iter()
            .filter(|(name, _)| name != to)
            .map(|(name, value)| {
                let name = if name == from { to.to_owned() } else { name };
                (name, value)
            }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(mut document: Value, edit: Edit) -> Result<(Value, bool), EditError> {
        let changed = apply(&mut document, &edit)?;
        Ok((document, changed))
    }

    #[test]
    fn removing_keeps_the_order_of_the_rest() {
        let (document, changed) =
            applied(json!({"a": 1, "b": 2, "c": 3}), Edit::remove(["a".into()])).unwrap();
        assert!(changed);
        assert_eq!(document.to_string(), r#"{"b":2,"c":3}"#);
    }

    #[test]
    fn renaming_keeps_the_place_and_replaces_the_member_of_that_name() {
        let (document, _) =
            applied(json!({"a": 1, "b": 2, "c": 3}), Edit::rename(["c".into()], "a")).unwrap();
        assert_eq!(document.to_string(), r#"{"b":2,"a":3}"#);
    }

    #[test]
    fn setting_below_a_missing_parent_is_an_error_and_removing_there_is_nothing() {
        let path = || ["x".into(), "y".into()];
        assert!(matches!(
            applied(json!({}), Edit::set(path(), 1)),
            Err(EditError::NoPlace(_))
        ));
        assert_eq!(
            applied(json!({}), Edit::remove(path())).unwrap(),
            (json!({}), false)
        );
    }
}
