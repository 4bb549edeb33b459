//! Situations that schemas bring along, each with tables of its own.

mod files;
mod kinds;
mod partitions;
mod triggers;
