//! What the clone gets in a column: its role, the types that the role fits, and the action for its values.

pub(super) mod column_action;
mod column_role;
mod column_role_types;
mod template;

pub use column_role::{ColumnRole, SUFFIX};
pub use column_role_types::new_value_roles;
pub use template::{could_make, filled};

/// The lists of words in the SQL of the extension, to be compared with those in Rust.
#[cfg(test)]
pub(super) mod sql_list {
    #![allow(clippy::unwrap_used, reason = "a test")]

    pub(in crate::plan) const CATALOG: &str = include_str!("../../../../../sql/install/stores/catalog.sql");
    pub(in crate::plan) const STORES: &str = include_str!("../../../../../sql/install/stores/stores.sql");

    /// The words of the list in parentheses that begins like this.
    pub(in crate::plan) fn words<'a>(sql: &'a str, begin: &str) -> Vec<&'a str> {
        let from = sql.find(begin).unwrap() + 1;
        let list = sql[from..].split_once(')').unwrap().0;
        list.split(',')
            .map(|word| word.trim().trim_matches('\''))
            .collect()
    }
}
