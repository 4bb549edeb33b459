//! Stores over somebody's own tables: described by hand or discovered, cloned, verified, deleted.

mod circles;
mod discovery;

mod filters;
mod given_values;
mod keys;
mod membership;
mod questions;
mod random_schemas;
mod references;
mod refresh;
mod shop;
mod table_questions;
mod text_keys;
mod types;
mod unique;
mod verification;

use pg_clone_tests::described_store::{assert_verified, contents, described};
