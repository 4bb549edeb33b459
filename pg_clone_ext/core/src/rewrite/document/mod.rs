//! Documents: ids of the same length are changed in place, everything else is rebuilt.

pub mod in_place;
pub mod json_string;
pub mod json_text;
mod jsonb;
mod member_key;
