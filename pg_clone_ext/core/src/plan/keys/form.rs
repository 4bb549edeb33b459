//! The text form of keys whose type has several texts for one value: `12.5` and `12.50`, `Red` and `RED`.
//!
//! A value of another type (a text, an element of an array, a member of a document) names a key if it is equal to it by the operator of the
//! key's type. Both are compared in one form, that of `canonical_key`. Known are the texts that the server and JSON write; not `1e3`, a
//! `bytea` in upper case, an IPv6 address that is not shortened, or a time in another zone.

use super::UUID_INPUT;
use crate::ids::uuid_text;
use crate::plan::table_copy::KeyKind;
use crate::plan::types::{canonical_numeric, is_numeric, is_padded, is_text};
use std::borrow::Cow;

/// Which texts of a key's type are the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// Every text is another key.
    Exact,
    /// `uuid`, as its input function reads it.
    Uuid,
    /// `character(n)`: without trailing blanks.
    Padded,
    /// `citext`: without regard to case.
    Folded,
    /// `numeric`: without trailing zeros.
    Number,
    /// `inet`, `cidr`: a host with or without its mask.
    Network,
    /// `macaddr`, `macaddr8`.
    Hardware,
    /// `timestamp`, `timestamptz`: as PostgreSQL writes it or as JSON has it.
    Time,
    /// `date`: also as midnight of that day.
    Date,
}

impl KeyForm {
    /// The form of a type, named as `format_type` does.
    pub fn of(type_name: &str) -> KeyForm {
        match type_name {
            _ if KeyKind::of(type_name) == KeyKind::Uuid => KeyForm::Uuid,
            "inet" | "cidr" => KeyForm::Network,
            "macaddr" | "macaddr8" => KeyForm::Hardware,
            "date" => KeyForm::Date,
            _ if type_name.starts_with("timestamp") && !type_name.ends_with(']') => KeyForm::Time,
            _ if is_numeric(type_name) => KeyForm::Number,
            _ if !is_text(type_name) => KeyForm::Exact,
            _ if type_name.ends_with("citext") => KeyForm::Folded,
            _ if is_padded(type_name) => KeyForm::Padded,
            _ => KeyForm::Exact,
        }
    }

    /// A text in the form in which equal keys are equal texts. `lower` is the server's function, under the database's collation.
    pub fn canonical<'t>(self, text: &'t str, lower: impl FnOnce(&str) -> String) -> Cow<'t, str> {
        match self {
            KeyForm::Exact => Cow::Borrowed(text),
            KeyForm::Uuid => match uuid_text::parse_input(text.as_bytes()) {
                Some(id) => Cow::Owned(uuid_text::to_string(&id)),
                None => Cow::Borrowed(text),
            },
            KeyForm::Padded => Cow::Borrowed(text.trim_end_matches(' ')),
            KeyForm::Folded => Cow::Owned(lower(text)),
            KeyForm::Number => canonical_numeric(text).map_or(Cow::Borrowed(text), Cow::Owned),
            KeyForm::Network => match host_mask(text) {
                Some(mask) => Cow::Owned(format!("{}{mask}", text.to_ascii_lowercase())),
                None => Cow::Borrowed(text),
            },
            KeyForm::Hardware => Cow::Owned(text.to_ascii_lowercase().replace('-', ":")),
            KeyForm::Time => Cow::Owned(as_written_by_the_server(text)),
            KeyForm::Date => Cow::Borrowed(midnight(text).map_or(text, |at| &text[..at])),
        }
    }

    /// The same of `value`, a text as SQL.
    pub fn canonical_sql(self, value: &str) -> String {
        match self {
            KeyForm::Exact => value.to_owned(),
            // A text may have it in every form that the input function of uuid reads.
            KeyForm::Uuid => format!(
                "CASE WHEN {value} OPERATOR(pg_catalog.~*) {UUID_INPUT} THEN {value}::pg_catalog.uuid::pg_catalog.text ELSE {value} END"
            ),
            KeyForm::Padded => format!("pg_catalog.rtrim({value}, ' ')"),
            KeyForm::Folded => format!("pg_catalog.lower(({value}) COLLATE pg_catalog.\"default\")"),
            KeyForm::Number => format!(
                "CASE WHEN {value} OPERATOR(pg_catalog.~) '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)$' \
                 THEN pg_catalog.trim_scale({value}::pg_catalog.numeric)::pg_catalog.text ELSE {value} END"
            ),
            KeyForm::Network => format!(
                "CASE WHEN {value} OPERATOR(pg_catalog.~) '^[0-9]+([.][0-9]+){{3}}$' THEN {value} OPERATOR(pg_catalog.||) '/32' \
                 WHEN {value} OPERATOR(pg_catalog.~) '^[0-9a-fA-F]*:[0-9a-fA-F:.]*$' THEN pg_catalog.lower({value}) OPERATOR(pg_catalog.||) '/128' ELSE {value} END"
            ),
            KeyForm::Hardware => format!("pg_catalog.replace(pg_catalog.lower({value}), '-', ':')"),
            KeyForm::Time => format!(
                "pg_catalog.regexp_replace(pg_catalog.regexp_replace({value}, '^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})T', '\\1 '), '([+-][0-9]{{2}}):00$', '\\1')"
            ),
            KeyForm::Date => format!(
                "pg_catalog.regexp_replace({value}, '^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ]00:00:00$', '\\1')"
            ),
        }
    }

    /// A new key, in its canonical form, spelled as `old` was: with as many decimals, blanks, or a mask.
    pub fn spelled_like(self, new: String, old: &str) -> String {
        match self {
            KeyForm::Number => {
                let decimals = |text: &str| text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                let (has, wanted) = (decimals(&new), decimals(old));
                match wanted.checked_sub(has).filter(|missing| *missing > 0) {
                    Some(missing) => {
                        let point = if has == 0 { "." } else { "" };
                        format!("{new}{point}{}", "0".repeat(missing))
                    }
                    None => new,
                }
            }
            KeyForm::Padded if old.ends_with(' ') => {
                let missing = old.chars().count().saturating_sub(new.chars().count());
                new + &" ".repeat(missing)
            }
            KeyForm::Network if host_mask(old).is_some() => {
                let host = new.strip_suffix("/32").or_else(|| new.strip_suffix("/128"));
                host.map_or_else(|| new.clone(), str::to_owned)
            }
            KeyForm::Time if old.as_bytes().get(10) == Some(&b'T') => {
                let mut spelled = new;
                if spelled.as_bytes().get(10) == Some(&b' ') {
                    spelled.replace_range(10..11, "T");
                }
                if zone(old) && !zone(&spelled) && hours(&spelled) {
                    spelled.push_str(":00");
                }
                spelled
            }
            KeyForm::Date => match midnight(old) {
                Some(at) => new + &old[at..],
                None => new,
            },
            _ => new,
        }
    }
}

/// The mask that an address without one has.
fn host_mask(text: &str) -> Option<&'static str> {
    let of = |bytes: fn(u8) -> bool| text.bytes().all(bytes);
    if text.matches('.').count() == 3 && of(|byte| byte.is_ascii_digit() || byte == b'.') {
        Some("/32")
    } else if text.contains(':') && of(|byte| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.') {
        Some("/128")
    } else {
        None
    }
}

/// Whether a text ends with a zone of hours, `+02`.
fn hours(text: &str) -> bool {
    matches!(text.as_bytes(), [.., b'+' | b'-', one, two] if one.is_ascii_digit() && two.is_ascii_digit())
}

/// Whether it ends with a zone of whole hours and minutes, `+02:00`.
fn zone(text: &str) -> bool {
    text.strip_suffix(":00").is_some_and(hours)
}

fn as_written_by_the_server(text: &str) -> String {
    let mut written = text.to_owned();
    if written.as_bytes().get(10) == Some(&b'T') && written.is_char_boundary(10) {
        written.replace_range(10..11, " ");
    }
    if zone(&written) && written.len() > 16 {
        written.truncate(written.len() - ":00".len());
    }
    written
}

/// Where the time begins in a date with the time of midnight.
fn midnight(text: &str) -> Option<usize> {
    let date = text
        .strip_suffix(" 00:00:00")
        .or_else(|| text.strip_suffix("T00:00:00"))?;
    (date.len() == 10).then_some(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(type_name: &str, text: &str) -> String {
        KeyForm::of(type_name)
            .canonical(text, str::to_lowercase)
            .into_owned()
    }

    #[test]
    fn equal_keys_have_one_form() {
        for (type_name, texts) in [
            ("public.citext", &["alpha", "Alpha", "ALPHA"][..]),
            ("character(6)", &["Kx", "Kx    "]),
            ("numeric(9,2)", &["12.5", "12.50", "+12.5", "012.500"]),
            ("numeric", &["7", "7.0", "7.00"]),
            ("inet", &["10.0.0.1/32", "10.0.0.1"]),
            ("inet", &["fe80::1/128", "FE80::1"]),
            ("macaddr", &["08:00:2b:01:02:03", "08-00-2B-01-02-03"]),
            (
                "timestamp with time zone",
                &[
                    "2020-01-01 00:00:00+00",
                    "2020-01-01T00:00:00+00:00",
                    "2020-01-01T00:00:00+00",
                ],
            ),
            (
                "timestamp without time zone",
                &["2020-01-01 10:00:00", "2020-01-01T10:00:00"],
            ),
            (
                "date",
                &["2020-01-01", "2020-01-01 00:00:00", "2020-01-01T00:00:00"],
            ),
            (
                "uuid",
                &[
                    "a1000000-0000-4000-8000-00000000000a",
                    "{A1000000-0000-4000-8000-00000000000A}",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(canonical(type_name, text), texts[0], "{type_name} {text}");
            }
        }
    }

    #[test]
    fn other_texts_stay_apart() {
        for (type_name, one, other) in [
            ("text", "Kx", "kx"),
            ("character varying(9)", "Kx", "Kx "),
            ("numeric", "12.5", "12.05"),
            ("numeric", "abc", "ABC"),
            ("inet", "10.0.0.1", "10.0.0.1/24"),
            ("date", "2020-01-01", "2020-01-01 10:00:00"),
            ("time without time zone", "10:00:00", "10:00"),
        ] {
            assert_ne!(canonical(type_name, one), canonical(type_name, other));
        }
        // A time of whole minutes has no zone.
        assert_eq!(
            canonical("timestamp without time zone", "2020-01-01T10:00:00"),
            "2020-01-01 10:00:00"
        );
    }

    #[test]
    fn a_new_key_is_spelled_as_the_old_one_was() {
        for (type_name, old, new, spelled) in [
            ("numeric(9,2)", "12.50", "101", "101.00"),
            ("numeric(9,2)", "12", "101", "101"),
            ("numeric(9,2)", "12.5", "7.25", "7.25"),
            ("numeric(9,2)", "12.500", "7.25", "7.250"),
            ("character(6)", "Kx    ", "K82", "K82   "),
            ("character(6)", "Kx", "K82", "K82"),
            ("inet", "10.0.0.1", "10.0.0.9/32", "10.0.0.9"),
            ("inet", "10.0.0.1/32", "10.0.0.9/32", "10.0.0.9/32"),
            (
                "timestamp with time zone",
                "2020-01-01T00:00:00+00:00",
                "2026-11-28 07:49:37.28+00",
                "2026-11-28T07:49:37.28+00:00",
            ),
            ("date", "2020-01-01T00:00:00", "2020-02-02", "2020-02-02T00:00:00"),
            ("text", "a ", "b", "b"),
        ] {
            assert_eq!(
                KeyForm::of(type_name).spelled_like(new.to_owned(), old),
                spelled,
                "{type_name} {old}"
            );
        }
    }
}
