//! Names of tables, columns, members and types, as Rails, Django, Prisma, TypeORM, Hibernate and people write them.
//!
//! Discovery calls these functions some hundred thousand times for a database of a hundred tables. They compare suffixes and do not
//! use regular expressions.

mod keys;
mod meanings;
mod tables;
mod words;

pub use keys::{folded_word, named_table, named_word, says_id};
pub use meanings::{Persons, has_persons, names_person, names_quantity};
pub use tables::{TableMatch, ends_with_word, kind_forms, kind_matches, table_match, table_word};
pub use words::{plain, singular, snake};

/// What is before the longest of these suffixes that ends the name; `None` if none does.
fn before_longest<'a>(name: &'a str, suffixes: &[&str]) -> Option<&'a str> {
    suffixes
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix))
        .min_by_key(|rest| rest.len())
}

#[cfg(test)]
mod property_tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = String> {
        let ending = "(|_?[Ii][Dd]s?|(uu|UU|Uu)ids?|ies|IES|ves|men|ices|sses|_entity|_(fk|ref)s?|é|ß|İ)";
        (".{0,12}|[A-Za-z_0-9é ]{0,12}", ending).prop_map(|(name, ending)| name + &ending)
    }

    proptest! {
        /// Names may have any characters: in PostgreSQL everything can stand between quotes.
        #[test]
        fn any_name_has_its_words(name in name(), word in name()) {
            let in_snake = snake(&name);
            prop_assert_eq!(snake(&in_snake), in_snake.clone());
            prop_assert!(plain(&name).chars().all(char::is_alphanumeric));
            prop_assert!(singular(&name).len() <= name.len() + 1);
            let longer = format!("{}_id", name.trim_matches('_'));
            if !name.trim_matches('_').is_empty() {
                // What stands before the table is left out.
                let before = ["id_", "fk_", "lng_", "int_", "guid_", "uuid_", "str_", "num_"];
                let bare = !before.iter().any(|word| snake(&longer).starts_with(word));
                prop_assert!(named_table(&longer, false).is_some());
                prop_assert!(says_id(&longer));
                prop_assume!(bare);
                prop_assert_eq!(named_table(&longer, false), Some(snake(longer.strip_suffix("_id").unwrap())));
                prop_assert!(says_id(&longer));
            }
            for form in kind_forms(&name) {
                prop_assert!(form.chars().all(char::is_alphanumeric), "{}", form);
            }
            let _ = (folded_word(&name), named_word(&name), table_word(&name), names_person(&name), has_persons(&name), names_quantity(&name));
            let _ = table_match(&name, &word);
            prop_assert!(ends_with_word(&name, &name));
        }
    }
}
