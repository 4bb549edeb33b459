//! The catalog of stores: which store a call means, and its description.

mod column_roles;
mod description;
mod keys;
pub mod large_objects;
mod open;
mod resolve;

pub use column_roles::{check_column_roles, check_rules};
pub use open::{OpenStore, Purpose, check_isolation, open, open_with};
pub use resolve::{list_stores, resolve};
