//! Converts values to the form in which they are stored: dates to `YYYY-MM-DD`, and, if the schema has `"x-lenient": true` at
//! its root, numbers to texts and texts to numbers or booleans, as the schema requires. Web frameworks accept such
//! values from forms. A value that cannot be converted is not changed, and the schema refuses it.

use serde_json::{Number, Value};

use crate::item::validation::formats;
use crate::item::validation::schema::Place;

/// Converts the values of a document to the types of its schema.
pub fn normalize(schema: &Value, document: &mut Value) {
    let lenient = schema
        .get("x-lenient")
        .is_some_and(|lenient| *lenient == Value::Bool(true));
    at(&Place::root(schema), document, lenient);
}

fn at(place: &Place, value: &mut Value, lenient: bool) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let Some(place) = place.member(name) {
                    at(&place, member, lenient);
                }
            }
        }
        Value::Array(elements) => {
            if let Some(place) = place.element() {
                for element in elements {
                    at(&place, element, lenient);
                }
            }
        }
        Value::String(text) if place.keyword("format").is_some_and(|format| format == "date") => {
            if let Some((year, month, day)) = formats::date(text) {
                *text = format!("{year:04}-{month:02}-{day:02}");
            }
        }
        Value::Null => {}
        plain if lenient => {
            if let Some(read) = read(place, plain) {
                *plain = read;
            }
        }
        _ => {}
    }
}

/// A plain value converted to the type of the schema, if that differs.
fn read(place: &Place, value: &Value) -> Option<Value> {
    let wants = |name: &str| place.is(name);
    match value {
        Value::Number(number) if wants("string") => Some(number.to_string().into()),
        Value::Bool(true) if wants("string") => Some("True".into()),
        Value::Bool(false) if wants("string") => Some("False".into()),
        Value::Bool(truth) if wants("integer") => Some(u8::from(*truth).into()),
        Value::Number(number) if wants("boolean") => match number.as_f64()? {
            1.0 => Some(true.into()),
            0.0 => Some(false.into()),
            _ => None,
        },
        Value::Number(number) if wants("integer") && !number.is_i64() && !number.is_u64() => whole(number),
        Value::String(_) if wants("string") => None,
        Value::String(text) if wants("boolean") => match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "t" | "true" | "y" | "yes" => Some(true.into()),
            "0" | "off" | "f" | "false" | "n" | "no" => Some(false.into()),
            _ => None,
        },
        Value::String(text) if wants("integer") => text.trim().parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

/// A number without its fraction.
fn whole(number: &Number) -> Option<Value> {
    let text = number.as_f64()?.trunc().to_string();
    text.parse::<i64>().ok().map(Value::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn days_get_two_digits_everywhere() {
        let schema = json!({"properties": {"days": {"items": {"type": "string", "format": "date"}}}});
        let mut document = json!({"days": ["2026-1-5", "2026-02-30", "x"], "n": 1});
        normalize(&schema, &mut document);
        assert_eq!(
            document,
            json!({"days": ["2026-01-05", "2026-02-30", "x"], "n": 1})
        );
    }

    #[test]
    fn lenient_schemas_read_values_of_other_types() {
        let schema = json!({"x-lenient": true, "properties": {"text": {"type": ["string", "null"]}, "truth": {"type": "boolean"},
            "count": {"type": "integer"}, "kind": {"enum": ["A"]}, "notes": {"additionalProperties": {"type": "string"}}}});
        let mut document =
            json!({"text": 1.50, "truth": "yes", "count": "7", "kind": 1, "notes": {"a": 2, "b": true}});
        normalize(&schema, &mut document);
        assert_eq!(
            document,
            json!({"text": "1.5", "truth": true, "count": 7, "kind": 1, "notes": {"a": "2", "b": "True"}})
        );
        let mut odd = json!({"text": null, "truth": "perhaps", "count": "7.5"});
        normalize(&schema, &mut odd);
        assert_eq!(odd, json!({"text": null, "truth": "perhaps", "count": "7.5"}));
        let mut fractions = json!({"count": 5.7, "truth": 1});
        normalize(&schema, &mut fractions);
        assert_eq!(fractions, json!({"count": 5, "truth": true}));
        let mut strict = json!({"text": 1});
        normalize(&json!({"properties": {"text": {"type": "string"}}}), &mut strict);
        assert_eq!(strict, json!({"text": 1}));
    }
}
