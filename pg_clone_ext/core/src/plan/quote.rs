//! Quoting for generated SQL.

/// A quoted identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A quoted literal, valid under any `standard_conforming_strings`.
pub fn literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// The text form of an array of texts, as the server reads it; not quoted as a literal.
pub fn text_array(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let quoted: Vec<String> = texts
        .into_iter()
        .map(|text| format!("\"{}\"", text.as_ref().replace('\\', "\\\\").replace('"', "\\\"")))
        .collect();
    format!("{{{}}}", quoted.join(","))
}

/// The name of a type, as `format_type` writes it when only pg_catalog is in the path, qualified so that it is valid under any
/// `search_path`. Names that are keywords of the grammar always mean the type of pg_catalog and need no schema.
pub fn type_name(name: &str) -> String {
    const KEYWORDS: [&str; 15] = [
        "bigint",
        "integer",
        "smallint",
        "boolean",
        "real",
        "double",
        "numeric",
        "bit",
        "interval",
        "character",
        "time",
        "timestamp",
        "decimal",
        "float",
        "int",
    ];
    let word: &str = name
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .next()
        .unwrap_or_default();
    if name.starts_with('"') || name.contains('.') || KEYWORDS.contains(&word) {
        name.to_owned()
    } else {
        format!("pg_catalog.{name}")
    }
}

/// The text form of a value, as SQL; NULL of NULL. `type_name` is the type's as [`type_name`] takes it.
///
/// A cast from a type that is not PostgreSQL's own may call a function of whoever owns that type, with the rights of whoever runs the
/// query. `format` calls the output function, which is a superuser's.
pub fn text_of(value: &str, type_name: &str) -> String {
    if is_of_the_server(type_name) {
        format!("{value}::pg_catalog.text")
    } else {
        format!(
            "CASE WHEN pg_catalog.num_nulls({value}) OPERATOR(pg_catalog.=) 0 THEN pg_catalog.format('%s', {value}) END"
        )
    }
}

/// Whether a type is PostgreSQL's own; of an unknown one (an empty name) that is not known.
pub fn is_of_the_server(type_name: &str) -> bool {
    !(type_name.is_empty() || type_name.starts_with('"') || type_name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_casts_of_the_servers_own_types_are_used() {
        assert_eq!(text_of("t.a", "character varying(20)"), "t.a::pg_catalog.text");
        assert_eq!(text_of("t.a", "uuid[]"), "t.a::pg_catalog.text");
        for other in ["app.mood", "\"a b\".mood[]", "\"Odd\"", ""] {
            assert!(text_of("t.a", other).contains("format('%s', t.a)"), "{other}");
        }
    }

    #[test]
    fn elements_of_arrays_are_quoted() {
        assert_eq!(
            text_array(["a,b", "NULL", "", r#"\""#]),
            r#"{"a,b","NULL","","\\\""}"#
        );
        assert_eq!(text_array([""; 0]), "{}");
    }

    #[test]
    fn type_names_mean_the_same_under_any_path() {
        assert_eq!(type_name("text[]"), "pg_catalog.text[]");
        assert_eq!(type_name("uuid"), "pg_catalog.uuid");
        assert_eq!(type_name("timestamp with time zone"), "timestamp with time zone");
        assert_eq!(type_name("character varying(20)"), "character varying(20)");
        assert_eq!(type_name("app.mood"), "app.mood");
    }

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
