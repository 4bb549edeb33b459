//! Tables: opening, locking, and the planner's view of statements on them.

pub mod locks;
pub mod plan_check;
pub mod relation;
pub mod view_base;
