//! Which table a description means, when tables are renamed, replaced or dropped.

use pg_clone_tests::sample_documents::PROJECT;
use pg_clone_tests::scratch_database::Scratch;

async fn store() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE item (id uuid PRIMARY KEY, org_id uuid REFERENCES org, title text, secret text);
         CREATE TABLE part (id uuid PRIMARY KEY, item_id uuid, text text);
         INSERT INTO org VALUES ('{PROJECT}', 'O');
         INSERT INTO item SELECT md5('i' || n)::uuid, '{PROJECT}', 'item ' || n, 'secret' FROM generate_series(1, 5) n;
         INSERT INTO part SELECT md5('p' || n)::uuid, md5('i' || n)::uuid, 'part' FROM generate_series(1, 5) n;
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id', columns => '{{\"secret\": \"null\"}}');
         SELECT clone.store_table('s', 'part', 'derived', parent => 'item', join_column => 'item_id')"
    ))
    .await;
    db
}

/// The clone is whole, and what was set by hand was obeyed.
async fn assert_whole(db: &Scratch) {
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.text(&format!(
            "SELECT count(*) || ' ' || count(i.secret) || ' ' || count(p.id) FROM item i LEFT JOIN part p ON p.item_id = i.id WHERE i.org_id = '{clone}'"
        ))
        .await,
        "5 0 5"
    );
}

#[tokio::test]
async fn a_table_that_was_made_anew_keeps_its_description() {
    let db = store().await;
    db.run(
        "CREATE TABLE fresh (LIKE item INCLUDING ALL); INSERT INTO fresh SELECT * FROM item; DROP TABLE item; ALTER TABLE fresh RENAME TO item",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure.detail.contains("table public.item is gone") && failure.hint.contains("store_refresh"),
        "named by its name: {failure:?}"
    );
    db.run("SELECT clone.store_refresh('s')").await;
    assert_whole(&db).await;
}

#[tokio::test]
async fn tables_that_change_places_are_told_apart_by_name() {
    let db = store().await;
    db.run(
        "CREATE TABLE fresh (LIKE item INCLUDING ALL); INSERT INTO fresh SELECT * FROM item; ALTER TABLE item RENAME TO old_item; ALTER TABLE fresh RENAME TO item",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(failure.detail.contains("old_item"), "{failure:?}");
    db.run("SELECT clone.store_refresh('s')").await;
    assert_whole(&db).await;
}

#[tokio::test]
async fn a_table_that_was_renamed_is_still_the_same() {
    let db = store().await;
    db.run("ALTER TABLE part RENAME TO component").await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM component c JOIN item i ON i.id = c.item_id WHERE i.org_id = '{clone}'"
        ))
        .await,
        5
    );
}

#[tokio::test]
async fn a_refresh_throws_no_description_away() {
    let db = store().await;
    db.run("DROP TABLE part; SELECT clone.store_refresh('s')").await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert!(
        failure.code == "55000" && failure.detail.contains("table public.part is gone"),
        "{failure:?}"
    );
    db.run(
        "CREATE TABLE part (id uuid PRIMARY KEY, item_id uuid, text text);
         INSERT INTO part SELECT md5('p' || n)::uuid, md5('i' || n)::uuid, 'part' FROM generate_series(1, 5) n;
         SELECT clone.store_refresh('s')",
    )
    .await;
    assert_whole(&db).await;
    // To forget it takes a word.
    db.run("DROP TABLE part").await;
    assert_eq!(
        db.fails("SELECT clone.store_remove_table('s', 'public.parts')")
            .await
            .code,
        "22023"
    );
    db.run("SELECT clone.store_remove_table('s', 'public.part')")
        .await;
    db.clone_project(&format!("'{PROJECT}'")).await;
}
