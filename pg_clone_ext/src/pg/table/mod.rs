//! Tables: opened, locked, and where the planner takes a statement that names them.

pub mod locks;
pub mod plan_check;
pub mod relation;
