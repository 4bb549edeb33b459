//! Values that applications write in place of NULL in columns which refer to a row: `''`, `0`, the nil UUID.

/// These values, in lower case. The last ones are hashes and keys of generators: the first of a chain names none before it.
pub const IN_PLACE_OF_NULL: &[&str] = &[
    "",
    "0",
    "-1",
    "none",
    "null",
    "nil",
    "nobody",
    "n/a",
    "na",
    "-",
    "--",
    "undefined",
    "unknown",
    "empty",
    "00000000-0000-0000-0000-000000000000",
    "00000000",
    "000000000000",
    "0000000000000000",
    "00000000000000000000",
    "000000000000000000000000",
    "00000000000000000000000000",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
];

/// Whether a value stands in place of NULL, in any case of its letters.
pub fn stands_for_null(value: &str) -> bool {
    IN_PLACE_OF_NULL.contains(&value) || IN_PLACE_OF_NULL.contains(&value.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_place_of_null_are_known_in_any_case() {
        for value in ["", "0", "NULL", "None", "00000000-0000-0000-0000-000000000000"] {
            assert!(stands_for_null(value), "{value}");
        }
        for value in [
            "1",
            "00",
            "nobody@x.example",
            "00000000-0000-0000-0000-000000000001",
        ] {
            assert!(!stands_for_null(value), "{value}");
        }
    }
}
