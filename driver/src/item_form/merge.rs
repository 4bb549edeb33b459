//! A form whose source has changed meanwhile: values that the user has entered are kept, all others follow the source.

use serde_json::{Map, Value};

use super::labels::{child, label, shown};

/// Joins two changes of the same draft: `entered` by the user, and `now` by the source. Where both have changed, the user's value is kept. Lists
/// are compared as a whole.
pub fn merged(before: &Value, entered: &Value, now: &Value) -> Value {
    let (Value::Object(was), Value::Object(mine), Value::Object(theirs)) = (before, entered, now) else {
        return if entered == before { now } else { entered }.clone();
    };
    let mut members = Map::new();
    for (name, value) in theirs {
        match (was.get(name), mine.get(name)) {
            // The user has removed it; it stays removed.
            (Some(_), None) => {}
            (None, None) => {
                members.insert(name.clone(), value.clone());
            }
            (was, Some(mine)) => {
                let was = was.unwrap_or(&Value::Null);
                members.insert(name.clone(), merged(was, mine, value));
            }
        }
    }
    for (name, mine) in mine {
        // The source has removed it, or never had it.
        if !theirs.contains_key(name) && was.get(name) != Some(mine) {
            members.insert(name.clone(), mine.clone());
        }
    }
    Value::Object(members)
}

/// What has changed in the source, as lines; says where the user's value is kept.
pub fn changes(schema: &Value, before: &Value, entered: &Value, now: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    collect(schema, "", Some(before), Some(entered), Some(now), &mut lines);
    lines
}

fn collect(
    schema: &Value,
    path: &str,
    before: Option<&Value>,
    entered: Option<&Value>,
    now: Option<&Value>,
    lines: &mut Vec<String>,
) {
    if before == now {
        return;
    }
    if let (Some(Value::Object(was)), Some(Value::Object(is))) = (before, now) {
        let names = was
            .keys()
            .chain(is.keys().filter(|name| !was.contains_key(*name)));
        for name in names {
            let entered = entered.and_then(|entered| entered.get(name));
            collect(
                schema,
                &child(path, name),
                was.get(name),
                entered,
                is.get(name),
                lines,
            );
        }
        return;
    }
    let text = |value: Option<&Value>| value.map(shown).filter(|text| !text.is_empty());
    let nothing = || "nothing".to_owned();
    let kept = match entered != before && entered != now {
        true => match text(entered) {
            Some(entered) => format!("; you have entered {entered}, which is kept"),
            None => "; you have left it empty, which is kept".to_owned(),
        },
        false => String::new(),
    };
    lines.push(format!(
        "  {}: {} → {}{kept}",
        label(schema, path),
        text(before).unwrap_or_else(nothing),
        text(now).unwrap_or_else(nothing)
    ));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entered_values_stay_and_others_follow_the_source() {
        let before = json!({"a": 1, "b": {"c": "x", "d": "y"}, "list": [1], "gone": 1, "mine": 1, "left": 1});
        let entered =
            json!({"a": 1, "b": {"c": "typed", "d": "y"}, "list": [1, 2], "gone": 1, "mine": 2, "new": true});
        let now = json!({"a": 2, "b": {"c": "z", "d": "w", "e": 1}, "list": [7], "left": 3, "added": 4});
        assert_eq!(
            merged(&before, &entered, &now),
            json!({"a": 2, "b": {"c": "typed", "d": "w", "e": 1}, "list": [1, 2], "added": 4, "mine": 2, "new": true})
        );
        assert_eq!(merged(&before, &before, &now), now);
        assert_eq!(merged(&before, &entered, &before), entered);
    }

    #[test]
    fn each_change_of_the_source_is_said_with_the_value_that_is_kept() {
        let schema = json!({"properties": {"a": {"title": "Size"}, "b": {"title": "Place", "properties": {"c": {"title": "At"}}}}});
        let lines = changes(
            &schema,
            &json!({"a": 1, "b": {"c": "x"}, "d": "old"}),
            &json!({"a": 1, "b": {"c": "typed"}}),
            &json!({"a": 2, "b": {"c": "z"}, "d": "new"}),
        );
        assert_eq!(
            lines,
            [
                "  Size: 1 → 2",
                "  Place / At: x → z; you have entered typed, which is kept",
                "  d: old → new; you have left it empty, which is kept"
            ]
        );
        assert!(changes(&schema, &json!({"a": 1}), &json!({"a": 3}), &json!({"a": 1})).is_empty());
    }
}
