//! Situations that schemas bring along, each with tables of its own.

mod collations;
mod descriptions;
mod expressions;
mod files;
mod key_values;
mod kinds;
mod numbers_within;
mod own_rows;
mod partitions;
mod settings;
mod triggers;
mod unexplained_types;
mod unique_uuids;
mod views;
