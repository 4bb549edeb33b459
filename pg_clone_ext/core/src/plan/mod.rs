//! The plan of a clone: the tables, their order, the queries that read them, and the action for each column.
//!
//! Everything here is pure: `project_clone_plan` shows what `project_clone` will do because both build the same plan.

mod call_options;
mod columns;
mod file_key;
mod keys;
mod membership;
mod order;
pub mod quote;
mod request;
mod row_filter;
mod rules_apply;
mod source_query;
mod store;
mod table_copy;
mod types;

pub use call_options::{History, Options};
pub use columns::{ColumnRole, SUFFIX, could_make, filled, new_value_roles};
pub use file_key::{FileKey, FileOf};
pub use keys::{
    ColumnKeys, ColumnPair, EMBEDDED_KEY, EQUAL, ForeignKey, KeyForm, KeyRef, Membership, Outside,
    PAIRS_OF_FOREIGN_KEY, Reference, ReferenceForm, TableKeys, UUID_INPUT, Unique, UniquePart, changes,
    comparable, equality, equality_of_texts, in_form_of_key, may_embed_key,
};
pub use membership::{condition, is_project, key_column, of_others, source_of_ids};
pub use order::{has_circle, insertion_order};
pub use request::Request;
pub use row_filter::{ChildKeys, child_keys, columns_of_rows, telling, with_row_filter};
pub use source_query::SourceQuery;
pub use store::{Column, Dependency, InsertPath, Oid, Store, Table, TableRole};
pub use table_copy::{Action, JsonPlace, KeyKind, Output, RowFilter, TableCopy, canonical_key, table_copy};

pub use types::{
    canonical_numeric, has_hash, is_number_or_time, is_numeric, is_padded, is_text, is_time_or_interval,
};

#[cfg(test)]
mod tests;
