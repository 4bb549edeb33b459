//! Types of columns, by the names that `format_type` gives them.

use super::table_copy::KeyKind;

/// Whether `format_type`'s name is that of a text type stored as a varlena.
pub fn is_text(type_name: &str) -> bool {
    matches!(
        type_name,
        "text" | "citext" | "character varying" | "character" | "bpchar"
    ) || type_name.ends_with(".citext")
        || (type_name.starts_with("character") && type_name.ends_with(')'))
}

/// Whether that text type compares byte by byte (trailing blanks of `character` aside), so that its bytes are the key.
pub fn is_plain_text(type_name: &str) -> bool {
    is_text(type_name) && !type_name.ends_with("citext")
}

/// Whether values of that type have blanks at the end that say nothing.
pub fn is_padded(type_name: &str) -> bool {
    matches!(type_name, "bpchar" | "character") || type_name.starts_with("character(")
}

/// Whether `format_type`'s name is that of `numeric`, with or without precision and scale.
pub fn is_numeric(type_name: &str) -> bool {
    type_name == "numeric" || type_name.starts_with("numeric(")
}

/// The first word of `format_type`'s name, without modifiers; empty for an array.
fn first_word(type_name: &str) -> &str {
    let word = type_name.split(['(', ' ']).next().unwrap_or_default();
    if type_name.ends_with(']') { "" } else { word }
}

/// Whether `format_type`'s name is that of a number, a truth value, or a date or time, none of which spells a key of another kind.
/// Arrays are not.
pub fn is_number_or_time(type_name: &str) -> bool {
    is_time_or_interval(type_name)
        || matches!(
            first_word(type_name),
            "smallint" | "integer" | "bigint" | "oid" | "boolean" | "real" | "double" | "numeric" | "money"
        )
}

/// Whether `hash_record` accepts values of a type: of those that are known here, `money` has no hash function.
pub fn has_hash(type_name: &str) -> bool {
    is_text(type_name) || is_number_or_time(type_name) && type_name != "money"
}

/// A decimal number in the form of `trim_scale`, so that equal numbers have the same text; None if it is not a number.
pub fn canonical_numeric(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !number(whole) || !number(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match (sign, whole, fraction) {
        (_, "0", "") => "0".to_owned(),
        (sign, whole, "") => format!("{sign}{whole}"),
        (sign, whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

/// Whether a type is read as a key by its layout.
pub fn is_key(type_name: &str) -> bool {
    matches!(type_name, "uuid" | "smallint" | "integer" | "bigint") || is_text(type_name)
}

pub fn is_key_array(type_name: &str) -> bool {
    matches!(type_name, "uuid[]" | "text[]")
        || (type_name.starts_with("character varying") && type_name.ends_with("[]"))
}

/// The length that a type allows, for `character varying(n)` and `character(n)`.
fn text_length(type_name: &str) -> Option<usize> {
    let (_, rest) = type_name.split_once('(')?;
    rest.strip_suffix(')')?.parse().ok()
}

/// Characters of a UUID as text.
const UUID_TEXT: usize = 36;

pub fn holds_uuid_text(type_name: &str) -> bool {
    is_text(type_name) && text_length(type_name).is_none_or(|length| length >= UUID_TEXT)
}

/// Whether a type can hold a timestamp, a date or a time of day.
pub fn is_time(type_name: &str) -> bool {
    let word = first_word(type_name);
    type_name == "date" || (matches!(word, "timestamp" | "time") && type_name.ends_with(" time zone"))
}

/// The same, or a span of time.
pub fn is_time_or_interval(type_name: &str) -> bool {
    is_time(type_name) || first_word(type_name) == "interval"
}

pub fn is_integer(type_name: &str) -> bool {
    KeyKind::of(type_name) == KeyKind::Int
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_whose_layout_is_known_are_read_as_text_or_keys() {
        for name in ["text", "character varying(20)", "character(3)", "public.citext"] {
            assert!(is_text(name), "{name}");
        }
        for name in [
            "name",
            "\"char\"",
            "numeric",
            "date",
            "app.mood",
            "character varying[]",
            "bytea",
        ] {
            assert!(!is_text(name) && !is_key(name), "{name}");
        }
    }

    #[test]
    fn equal_decimal_numbers_have_one_spelling() {
        for (given, canonical) in [
            ("1.50", "1.5"),
            ("+007", "7"),
            ("100.00", "100"),
            ("-0.0", "0"),
            ("-.50", "-0.5"),
            ("100", "100"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(canonical_numeric(given).as_deref(), Some(canonical), "{given}");
        }
        for given in ["", ".", "-", "1e3", "NaN", "1.2.3", "one", "--1"] {
            assert_eq!(canonical_numeric(given), None, "{given}");
        }
    }

    #[test]
    fn moments_and_texts_that_hold_a_uuid_are_told_by_their_names() {
        for name in [
            "date",
            "timestamp without time zone",
            "timestamp(0) with time zone",
            "time(3) without time zone",
            "time with time zone",
        ] {
            assert!(is_time(name), "{name}");
        }
        for name in [
            "interval",
            "timestamp with time zone[]",
            "app.timestamp",
            "timerange",
            "text",
            "date[]",
        ] {
            assert!(!is_time(name), "{name}");
        }
        for name in [
            "text",
            "character varying",
            "character varying(36)",
            "character(40)",
            "public.citext",
        ] {
            assert!(holds_uuid_text(name), "{name}");
        }
        for name in ["character varying(35)", "character(1)", "uuid", "jsonb", "name"] {
            assert!(!holds_uuid_text(name), "{name}");
        }
    }

    #[test]
    fn types_with_modifiers_count_and_arrays_do_not() {
        for type_name in [
            "integer",
            "numeric(10,2)",
            "double precision",
            "timestamp(3) without time zone",
            "interval day to second",
        ] {
            assert!(is_number_or_time(type_name), "{type_name}");
        }
        for type_name in [
            "integer[]",
            "numeric(10,2)[]",
            "timestamp without time zone[]",
            "interval[]",
            "text",
            "uuid",
            "timestamps",
            "public.integer",
        ] {
            assert!(!is_number_or_time(type_name), "{type_name}");
            assert_eq!(has_hash(type_name), type_name == "text", "{type_name}");
        }
        assert!(has_hash("double precision") && !has_hash("money"));
    }
}
