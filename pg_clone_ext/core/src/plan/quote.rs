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

#[cfg(test)]
mod tests {
    use super::*;

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
