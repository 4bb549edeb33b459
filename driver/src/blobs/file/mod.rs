//! What is known of one file: its bytes, checksums, metadata, and what became of it.

pub mod blocking;
pub mod checksum;
pub mod failure;
pub mod hashing_reader;
pub mod memory;
pub mod meter;
pub mod object;
pub mod outcome;
pub mod shared;
