//! The plan stage: what a call and the description of the store say, before a row is read.

pub mod call_values;
pub mod id_paths;
pub mod rows_of_two_projects;
pub mod source_queries;
pub mod source_tables;
