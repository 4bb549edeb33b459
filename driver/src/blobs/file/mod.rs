//! One file: its bytes, checksums, metadata and the outcome of its transfer.

pub mod blocking;
pub mod checksum;
pub mod failure;
pub mod hashing_reader;
pub mod memory;
pub mod meter;
pub mod object;
pub mod outcome;
pub mod shared;
