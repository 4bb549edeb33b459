//! Stores over somebody's own tables: described by hand or discovered, cloned, verified, deleted.

mod circles;
mod discovery;

mod filters;
mod given_values;
mod keys;
mod membership;
mod random_schemas;
mod references;
mod refresh;
mod shop;
mod text_keys;
mod types;
mod unique;
mod verification;

use pg_clone_tests::scratch_database::Scratch;

/// A database with these tables and rows, and statements that describe a store "s" of them.
async fn described(tables: &str, store: &str) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(tables).await;
    db.run("SELECT clone.store_create('s', 'custom')").await;
    db.run(store).await;
    db
}

/// Every check of a clone holds.
async fn assert_verified(db: &Scratch, clone: &str) {
    let failed = db
        .list(&format!(
            "SELECT concat_ws(' | ', check_name, subject, expected, found) FROM project_clone_verify('{clone}') WHERE NOT ok"
        ))
        .await;
    assert_eq!(failed, Vec::<String>::new());
}

/// All rows of tables, with their keys, as one text: what a deletion must leave as it was.
async fn contents(db: &Scratch, tables: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for table in tables {
        all.push(
            db.text(&format!(
                "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} AS t"
            ))
            .await,
        );
    }
    all
}
