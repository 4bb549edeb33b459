//! PostgreSQL's `jsonb` without PostgreSQL: its bytes as a tree of [`Node`]s and back, and a walk that finds strings in
//! place.
//!
//! "A payload" is what a `jsonb` datum holds behind its varlena header.

mod decode;
mod edit;
mod encode;
mod error;
mod layout;
mod levels;
mod lookup;
mod node;
pub mod numeric;
mod value;
mod walk;

pub use decode::decode;
pub use edit::edited;
pub use error::JsonbError;
pub use levels::levels;
pub use lookup::string_at;
pub use node::Node;
pub use value::{from_value, to_value};
pub(crate) use walk::Walk;
pub use walk::is_in_name;
