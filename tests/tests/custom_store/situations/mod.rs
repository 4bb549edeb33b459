//! Situations that schemas bring along, each with tables of its own.

mod descriptions;
mod files;
mod kinds;
mod partitions;
mod triggers;
