//! The driver of `pg_clone_ext`: the `pgclone` command and the throw-away cluster that it and the tests run on.

pub mod cluster;
