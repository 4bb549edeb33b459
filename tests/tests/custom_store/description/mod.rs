//! Descriptions of stores: discovered, questioned, described again.

mod discovery;
mod kinds;
mod kinds_of_keys;
mod large_tables;
mod lists;
mod numbers;
mod own_names;
mod owned_rows;
mod ownership;
mod questions;
mod refresh;
mod row_questions;
mod secrets;
mod several_tables;
mod table_questions;
mod tenant_numbers;
mod value_questions;
mod values;

use pg_clone_tests::scratch_database::Scratch;

/// A database with these tables, discovered from the tenant's table.
pub async fn discovered(tables: &str, tenant: &str) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(tables).await;
    db.run(&format!(
        "SELECT clone.store_create('s', 'discover', jsonb_build_object('tenant', $t${tenant}$t$))"
    ))
    .await;
    db
}

/// The open questions as "severity subject".
async fn open(db: &Scratch) -> Vec<String> {
    db.list("SELECT severity || ' ' || subject FROM clone.store_check('s')")
        .await
}

/// Executes the calls in a column of the questions, as printed, until no question is left.
pub async fn answer_all(db: &Scratch, column: &str) {
    for _ in 0..6 {
        let calls = db
            .list(&format!(
                "SELECT COALESCE({column}, answer, CASE severity WHEN 'warning' THEN otherwise END) FROM clone.store_check('s')"
            ))
            .await;
        if calls.is_empty() {
            return;
        }
        for call in calls {
            assert!(!call.contains('…'), "{call}");
            db.run(&call).await;
        }
    }
    panic!("still open: {:?}", open(db).await);
}
