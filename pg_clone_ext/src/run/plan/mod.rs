//! The plan stage: checks the call against the store's description before rows are read.

pub mod call_values;
pub mod detached_rows;
pub mod id_paths;
pub mod partitions;
pub mod rewrite_rules;
pub mod rows_of_two_projects;
pub mod rows_without_project;
pub mod skipped_triggers;
pub mod source_queries;
pub mod source_tables;
pub mod unique_collisions_of_given_values;
pub mod unique_collisions_with_source;
