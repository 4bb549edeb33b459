//! A store over a test's own tables, and assertions about its clones.

use crate::scratch_database::Scratch;

/// A database with these tables and rows, and statements that describe a store "s" of them.
///
/// # Panics
/// When a statement fails.
pub async fn described(tables: &str, store: &str) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(tables).await;
    db.run("SELECT clone.store_create('s', 'custom')").await;
    db.run(store).await;
    db
}

/// Asserts that every check of a clone passes.
///
/// # Panics
/// When one does not.
pub async fn assert_verified(db: &Scratch, clone: &str) {
    let failed = db
        .list(&format!(
            "SELECT concat_ws(' | ', check_name, subject, expected, found) FROM project_clone_verify('{clone}') WHERE NOT ok"
        ))
        .await;
    assert_eq!(failed, Vec::<String>::new());
}

/// All rows of tables, with their keys, as one text: equal before and after a deletion.
///
/// # Panics
/// When a table cannot be read.
pub async fn contents(db: &Scratch, tables: &[&str]) -> Vec<String> {
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
