//! Values of columns and arguments: datums, compressed values, jsonb, constraints of domains.

pub mod datum;
pub mod domain_check;
pub mod json_text;
pub mod toast;
