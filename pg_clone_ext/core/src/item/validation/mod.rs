//! Whether a form is valid: the JSON Schema of its subtype with formats asserted, and the rules that a schema cannot say.

pub mod formats;
pub mod normalize;
pub mod schema;
pub mod validate;
