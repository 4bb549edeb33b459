//! How names of columns and types mean tables.

use std::collections::{BTreeSet, HashMap};

use super::keys::named_word;
use super::words::{is_word_character, plain, singular, snake};

/// The word by which columns name a table: `order_item` for `OrderItems`, `user` for TypeORM's `user_entity`, `tbl_user` and `tblUser`.
pub fn table_word(table: &str) -> String {
    let mut word = snake(&singular(table));
    if let Some(rest) = ["_entity", "_tbl", "_table"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending))
        && !rest.is_empty()
    {
        word.truncate(rest.len());
    }
    let behind = ["tbl_", "tbl", "tb_"]
        .iter()
        .filter_map(|prefix| word.strip_prefix(prefix));
    match behind.into_iter().find(|rest| !rest.is_empty()) {
        Some(rest) => rest.to_owned(),
        None => word,
    }
}

/// Whether a name is a word, or ends with it: `v1_task` with `task`. Words of two letters end others by chance.
pub fn ends_with_word(name: &str, word: &str) -> bool {
    name == word
        || word.chars().count() > 2
            && name
                .strip_suffix(word)
                .is_some_and(|before| before.ends_with('_'))
}

/// How a name can mean the table of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableMatch {
    /// By the word and an ending: `customerid`, `customer_no`.
    Word = 1,
    /// With other words before: `billtocustomerid`.
    LastWords = 2,
    /// By a part of the word: `cust_id`, `version` for `page_version`.
    Part = 3,
}

/// The endings of names of keys, without separators.
const ENDINGS: &[&str] = &[
    "id", "ids", "uuid", "uuids", "no", "nos", "nr", "nrs", "num", "nums", "number", "numbers", "ref",
    "refs", "key", "keys", "code", "codes", "fk", "pk",
];

/// How a column's name can mean the table of this word, in snake case; `None` if it cannot.
pub fn table_match(name: &str, word: &str) -> Option<TableMatch> {
    let name_plain = plain(name);
    let word_plain = plain(word);
    if word_plain.chars().count() < 3 {
        return None;
    }
    // The word, an s, an ending; or nothing of them.
    let is_ending = |rest: &str| rest.is_empty() || ENDINGS.contains(&rest);
    let ends_word = |rest: &str| is_ending(rest) || rest.strip_prefix('s').is_some_and(is_ending);
    let begins = ["", "fk", "id"]
        .iter()
        .filter_map(|prefix| name_plain.strip_prefix(prefix));
    if begins
        .filter_map(|rest| rest.strip_prefix(word_plain.as_str()))
        .any(ends_word)
    {
        return Some(TableMatch::Word);
    }
    // Without an ending, a table's name within a word is chance: image_storage is no age.
    let stems = || {
        ENDINGS
            .iter()
            .filter_map(|ending| name_plain.strip_suffix(ending))
    };
    let in_snake = snake(name);
    if stems().any(|stem| stem.ends_with(&word_plain))
        || in_snake
            .strip_suffix(word_plain.as_str())
            .is_some_and(|before| before.ends_with('_'))
    {
        return Some(TableMatch::LastWords);
    }
    let length = |text: &str| text.chars().count();
    let stem = stems()
        .filter(|stem| length(stem) >= 3)
        .min_by_key(|stem| stem.len())
        .unwrap_or(&name_plain);
    let named = named_word(name);
    let last = word.rsplit('_').next().unwrap_or_default();
    let ends_with =
        |text: &str, end: &str| text.strip_suffix(end).is_some_and(|before| before.ends_with('_'));
    let part = length(stem) >= 3 && length(stem) < length(&word_plain) && word_plain.starts_with(stem)
        // current_version: page_versions.
        || length(last) > 2 && ends_with(&named, last)
        // groupid: app_groups.
        || length(&named) > 3 && ends_with(word, &named);
    part.then_some(TableMatch::Part)
}

/// The forms in which the names of types and tables are compared, `saleorder` for `sale.order`, `SaleOrders` and `SALE_ORDER`: the
/// words as they are, all of them in the singular, and the last one in the singular. Empty for a name without letters and digits.
pub fn kind_forms(name: &str) -> Vec<String> {
    let snake = snake(name);
    let words: Vec<&str> = snake
        .split(|c| !is_word_character(c))
        .filter(|word| !word.is_empty())
        .collect();
    let Some((last, before)) = words.split_last() else {
        return vec![];
    };
    let singulars: Vec<String> = words.iter().map(|word| singular(word)).collect();
    vec![
        words.concat(),
        singulars.concat(),
        before.concat() + &singular(last),
    ]
}

/// The pairs of a name of a type and a name of a table that have a form in common, by [`kind_forms`], each once.
pub fn kind_matches<'a>(kinds: &'a [String], tables: &'a [String]) -> Vec<(&'a str, &'a str)> {
    let mut tables_of: HashMap<String, Vec<&str>> = HashMap::new();
    for table in tables {
        for form in kind_forms(table) {
            tables_of.entry(form).or_default().push(table);
        }
    }
    let found: BTreeSet<(&str, &str)> = kinds
        .iter()
        .flat_map(|kind| kind_forms(kind).into_iter().map(move |form| (kind, form)))
        .filter_map(|(kind, form)| Some((kind, tables_of.get(&form)?)))
        .flat_map(|(kind, named)| named.iter().map(move |table| (kind.as_str(), *table)))
        .collect();
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_match_tables_by_any_form_once() {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let (kinds, tables) = (
            names(&["SaleOrder", "", "sale.order", "SaleOrder"]),
            names(&["sale_orders", "sales_orders", "order", "?"]),
        );
        assert_eq!(
            kind_matches(&kinds, &tables),
            [
                ("SaleOrder", "sale_orders"),
                ("SaleOrder", "sales_orders"),
                ("sale.order", "sale_orders"),
                ("sale.order", "sales_orders"),
            ]
        );
    }

    #[test]
    fn tables_have_a_word() {
        for (table, expected) in [
            ("OrderItems", "order_item"),
            ("user_entity", "user"),
            ("tbl_user", "user"),
            ("tblUsers", "user"),
            ("tb_users", "user"),
            ("tbl", "tbl"),
            ("_table", "_table"),
            ("people", "person"),
        ] {
            assert_eq!(table_word(table), expected, "{table}");
        }
    }

    #[test]
    fn short_words_end_names_by_chance() {
        assert!(ends_with_word("v1_task", "task"));
        assert!(ends_with_word("os", "os"));
        assert!(!ends_with_word("v1_os", "os"));
        assert!(!ends_with_word("subtask", "task"));
    }

    #[test]
    fn columns_match_tables_by_words() {
        for (name, word, expected) in [
            ("customerid", "customer", Some(TableMatch::Word)),
            ("customer_no", "customer", Some(TableMatch::Word)),
            ("fk_customers", "customer", Some(TableMatch::Word)),
            ("billtocustomerid", "customer", Some(TableMatch::LastWords)),
            ("old_customer", "customer", Some(TableMatch::LastWords)),
            ("cust_id", "customer", Some(TableMatch::Part)),
            ("cust", "customer", Some(TableMatch::Part)),
            ("current_version", "page_version", Some(TableMatch::Part)),
            ("groupid", "app_group", Some(TableMatch::Part)),
            ("image_storage", "age", None),
            ("cu", "customer", None),
            ("os_id", "os", None),
            ("title", "customer", None),
        ] {
            assert_eq!(table_match(name, word), expected, "{name} {word}");
        }
    }

    #[test]
    fn types_and_tables_have_the_same_forms() {
        for name in [
            "sale.order",
            "sale-order",
            "SaleOrder",
            "SALE_ORDERS",
            "sales/order",
        ] {
            assert_eq!(kind_forms(name)[1], "saleorder", "{name}");
        }
        assert_eq!(
            kind_forms("sales_orders"),
            ["salesorders", "saleorder", "salesorder"]
        );
        assert!(kind_forms("--").is_empty());
    }
}
