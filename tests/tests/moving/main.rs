//! Projects that move between databases, and into files.

mod source_tables;
