//! The catalog of stores: finds the store of a call, and reads its description.

mod check_roles;
mod description;
mod keys;
pub mod large_objects;
mod open;
mod resolve;

pub use check_roles::{check_column_roles, check_rules};
pub use open::{OpenStore, Purpose, check_isolation, check_nothing_hidden, open, open_with};
pub use resolve::{list_stores, resolve};
