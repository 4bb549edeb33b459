//! The catalog of stores: which store a call means, and its description.

mod description;
mod resolve;

pub use description::load;
pub use resolve::{list_stores, resolve};
