//! Names of columns and members that hold keys: `customer_id`, `customerIds`, `customerid`, `customer_uuid`.

use super::before_longest;
use super::words::{is_word_character, singular, snake};

/// Words that end in id or uuid by chance.
const NO_KEYS: &[&str] = &[
    "paid", "valid", "void", "grid", "bid", "android", "hybrid", "solid", "fluid", "liquid", "covid",
    "rapid", "acid", "plaid", "squid", "orchid", "pyramid", "overlaid",
];
/// The longest first: customeruuid is no customeruu.
const KEYS: &[&str] = &["uuids", "uuid", "ids", "id"];
/// Words before the name of a table: `id_customer` and `fk_customer`, and of what type the column is: `lngCustomerID`.
const BEFORE_TABLE: &[&str] = &["id_", "fk_"];
const TYPES: &[&str] = &["lng_", "int_", "guid_", "uuid_", "str_", "num_"];
/// What stands behind `id_` where it is no key of a table: what somebody identifies themselves with.
const OF_PERSONS: &[&str] = &[
    "type", "number", "no", "nr", "num", "card", "token", "document", "image", "photo", "proof", "hash",
    "kind", "country", "expiry", "scan", "url", "front", "back",
];
/// The endings of keys in camel case.
const CAMEL_KEYS: &[&str] = &["Id", "Ids", "ID", "IDs", "Uuid", "Uuids"];

/// Whether the name ends with one of these words in camel case, after a character for which `before` is true.
fn ends_in_camel(name: &str, endings: &[&str], before: impl Fn(char) -> bool) -> bool {
    endings
        .iter()
        .filter_map(|ending| name.strip_suffix(ending))
        .any(|rest| rest.chars().next_back().is_some_and(&before))
}

/// A name without underscores around it, as some applications write all their columns: `tenant_id_`, `_company_id`. The name `_id` stays.
fn bare(name: &str) -> &str {
    let bare = name.trim_matches('_');
    match bare.to_ascii_lowercase().as_str() {
        "" | "id" | "ids" | "uuid" | "uuids" | "fk" | "pk" => name,
        _ => bare,
    }
}

/// The table's word in `id_customer`, `fk_customer` or `idCustomer`, of a name in snake case; `None` for other names.
fn behind_id(snake: &str) -> Option<&str> {
    BEFORE_TABLE
        .iter()
        .find_map(|before| snake.strip_prefix(before))
        .filter(|word| word.starts_with(char::is_alphabetic) && !OF_PERSONS.contains(word))
}

/// A word in snake case without the type of the column before it.
fn without_type(word: &str) -> &str {
    let rest = TYPES.iter().find_map(|of_type| word.strip_prefix(of_type));
    rest.filter(|rest| !rest.is_empty()).unwrap_or(word)
}

/// The word before id in a name without separators, as camel case becomes in SQL without quotes: `customer` for `customerid`. `None`
/// for other names, and for words such as `paid`.
pub fn folded_word(name: &str) -> Option<String> {
    let lower = bare(name).to_lowercase();
    let last = lower.rsplit('_').next().unwrap_or_default();
    let one = last.strip_suffix('s').unwrap_or(last);
    if NO_KEYS.iter().any(|word| one.ends_with(word)) {
        return None;
    }
    // x_abid, in snake case: too short to be a word and id.
    if last.len() < lower.len() && one.ends_with("id") && (3..=4).contains(&one.chars().count()) {
        return None;
    }
    let words = KEYS.iter().filter_map(|key| last.strip_suffix(key));
    words.into_iter().find(|word| is_word(word)).map(str::to_owned)
}

/// A letter, and at least two letters or digits.
fn is_word(text: &str) -> bool {
    text.chars().count() > 2 && text.starts_with(char::is_alphabetic) && text.chars().all(is_word_character)
}

/// The word before `_id` or id in a column's name, in snake case, or that before `_ids` if `plural`; `None` for other names.
/// `customer_id`, `customerId`, `customerid`, `customer_uuid`, `customer_fk`, `id_customer`, `fk_customer` and `lngCustomerID` are
/// `customer`.
pub fn named_table(name: &str, plural: bool) -> Option<String> {
    let name = bare(name);
    let snake = snake(name);
    let endings: &[&str] = if plural {
        &["_ids", "_uuids"]
    } else {
        &["_id", "_uuid", "_fk"]
    };
    if let Some(word) = before_longest(&snake, endings).filter(|word| !word.is_empty()) {
        // fk_customer_id.
        return Some(behind_id(word).unwrap_or(without_type(word)).to_owned());
    }
    if let Some(word) = behind_id(&snake).filter(|_| !plural) {
        return Some(word.to_owned());
    }
    let lower = name.to_lowercase();
    let ends_plural = ["ids", "uuids"]
        .iter()
        .filter_map(|ending| lower.strip_suffix(ending))
        .any(|rest| rest.ends_with(|c: char| c.is_ascii_lowercase()));
    let camel = ends_in_camel(name, CAMEL_KEYS, |c| c == '_' || c.is_ascii_lowercase());
    (ends_plural == plural && !camel)
        .then(|| folded_word(name))
        .flatten()
}

/// The word that a name has besides the ending of a key, in the singular: `product` for `product_id`, `productIds`, `productid`,
/// `productRef`, `products` and `product`.
pub fn named_word(name: &str) -> String {
    let name = bare(name);
    let camel = ends_in_camel(name, CAMEL_KEYS, |c| {
        c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit()
    });
    if let Some(word) = (!camel).then(|| folded_word(name)).flatten() {
        return word;
    }
    let snake = snake(name);
    let endings = [
        "_id", "_ids", "_uuid", "_uuids", "_fk", "_fks", "_pk", "_ref", "_refs",
    ];
    let word = before_longest(&snake, &endings).unwrap_or(&snake);
    singular(behind_id(word).unwrap_or(word))
}

/// Whether a name is that of a key: `x_id`, `xIds`, `customerid`, `x_uuid`, `ancestor`.
pub fn says_id(name: &str) -> bool {
    let name = bare(name);
    ["_id", "_ids", "_ID", "_IDS", "_uuid", "_uuids", "_fk"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || ends_in_camel(name, CAMEL_KEYS, |c| c.is_ascii_lowercase() || c.is_ascii_digit())
        || ends_in_camel(name, &["Fk"], |c| c.is_ascii_lowercase() || c.is_ascii_digit())
        || matches!(name, "ancestor" | "descendant")
        || folded_word(name).is_some()
        || behind_id(&snake(name)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_names_have_a_word_before_id() {
        for (name, expected) in [
            ("customerid", Some("customer")),
            ("customeruuid", Some("customer")),
            ("CUSTOMERIDS", Some("customer")),
            ("app_customerid", Some("customer")),
            ("customer_id", None),
            ("paid", None),
            ("prepaid", None),
            ("bids", None),
            ("is_valid", None),
            ("x_abid", None),
            ("x_abcid", Some("abc")),
            ("abid", None),
            ("uuid", None),
            ("tuuid", Some("tuu")),
            ("1abid", None),
            ("id", None),
            ("", None),
        ] {
            assert_eq!(folded_word(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn columns_name_tables() {
        for name in [
            "customer_id",
            "customerId",
            "customerid",
            "customer_uuid",
            "customer_fk",
            "CustomerID",
            "customer_id_",
            "_customer_id",
            "CUSTOMER_ID_",
            "id_customer",
            "idCustomer",
            "fk_customer",
            "fk_customer_id",
            "fkCustomer",
            "lngCustomerID",
        ] {
            assert_eq!(named_table(name, false).as_deref(), Some("customer"), "{name}");
            assert_eq!(named_table(name, true), None, "{name}");
        }
        for name in ["customer_ids", "customerIds", "customerids", "customer_uuids"] {
            assert_eq!(named_table(name, true).as_deref(), Some("customer"), "{name}");
            assert_eq!(named_table(name, false), None, "{name}");
        }
        for name in ["_id", "id_", "id_card", "fk_", "id_2"] {
            assert_eq!(named_table(name, false), None, "{name}");
        }
        assert_eq!(named_table("proc_def_id_", false).as_deref(), Some("proc_def"));
        assert_eq!(named_table("name", false), None);
    }

    #[test]
    fn a_name_has_a_word() {
        for name in [
            "product_id",
            "productIds",
            "productid",
            "productRef",
            "products",
            "product",
            "product_fks",
        ] {
            assert_eq!(named_word(name), "product", "{name}");
        }
        assert_eq!(named_word("order_items"), "order_item");
        assert_eq!(named_word("_id"), "");
    }

    #[test]
    fn keys_are_told_by_their_names() {
        for name in [
            "x_id",
            "xIds",
            "customerid",
            "x_uuid",
            "ancestor",
            "x_IDS",
            "authorFk",
            "x1Id",
            "proc_inst_id_",
            "id_order",
            "fk_soc",
        ] {
            assert!(says_id(name), "{name}");
        }
        for name in [
            "id",
            "Id",
            "paid",
            "name",
            "the_ancestor",
            "_Id",
            "id_",
            "id_token",
            "id_number",
        ] {
            assert!(!says_id(name), "{name}");
        }
    }
}
