//! The catalog of stores: which store a call means, and its description.

mod description;
mod open;
mod resolve;

pub use open::{OpenStore, Purpose, check_isolation, open};
pub use resolve::{list_stores, resolve};
