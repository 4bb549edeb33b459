//! Which tenant a row belongs to where its columns say nothing, or not the same; keys beside types and in tables without a foreign key.

mod chance;
mod corrections;
mod document_pairs;
mod foreign_tables;
mod history;
mod links;
mod no_owner;
mod outside;
mod outside_pairs;
mod owned_by_pairs;
mod parts;
mod two_tenants;
mod types;
mod waiting;
