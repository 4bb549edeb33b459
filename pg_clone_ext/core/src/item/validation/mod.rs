//! Validation of a form: the JSON Schema of its subtype with formats asserted, and the checks that a schema cannot express.

pub mod formats;
pub mod normalize;
pub mod schema;
pub mod validate;
