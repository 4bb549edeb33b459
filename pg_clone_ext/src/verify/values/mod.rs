//! Checks of values that are no references.

pub mod array_forms;
pub mod made;
pub mod masks;
pub mod rewritten_columns;
