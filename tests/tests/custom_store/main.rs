//! Stores over custom tables: described by hand or discovered, cloned, verified, deleted.

mod circles;
mod constraint_hints;
mod description;
mod filters;
mod given_values;
mod keys;
mod membership;
mod random_schemas;
mod references;
mod shop;
mod situations;
mod text_keys;
mod types;
mod unique;
mod verification;
mod wrong_clones;

use pg_clone_tests::described_store::{assert_verified, contents, described};
