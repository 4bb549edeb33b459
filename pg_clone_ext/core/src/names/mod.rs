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
pub use tables::{TableMatch, ends_with_word, kind_forms, table_match, table_word};
pub use words::{plain, singular, snake};

/// What is before the longest of these suffixes that ends the name; `None` if none does.
fn before_longest<'a>(name: &'a str, suffixes: &[&str]) -> Option<&'a str> {
    suffixes
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix))
        .min_by_key(|rest| rest.len())
}
