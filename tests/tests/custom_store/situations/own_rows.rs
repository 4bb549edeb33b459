//! Rows that belong to a project through other rows of their table: folders in folders, of which only the topmost names the project.

use crate::{assert_verified, contents, described};
use pg_clone_tests::scratch_database::Scratch;

const FOLDERS: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
    CREATE TABLE folder (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int REFERENCES org, parent_id int REFERENCES folder, title text);
    CREATE TABLE file (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, folder_id int NOT NULL REFERENCES folder, title text);
    INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
    INSERT INTO folder (org_id, parent_id, title) VALUES (1, NULL, 'a'), (NULL, 1, 'ab'), (NULL, 2, 'abc'), (1, 3, 'abcd'), (2, NULL, 'x'), (NULL, 5, 'xy'), (NULL, NULL, 'of nobody');
    INSERT INTO file (folder_id, title) SELECT id, title || '.txt' FROM folder;";

/// Titles of the folders below the topmost ones of a project, and of their files.
fn tree(org: &str) -> String {
    format!(
        "WITH RECURSIVE below AS (SELECT f.* FROM folder f WHERE f.org_id = {org} UNION SELECT f.* FROM folder f JOIN below b ON f.parent_id = b.id)
         SELECT b.title || COALESCE(' ' || b.org_id - {org}, '') || ' in ' || COALESCE((SELECT p.title FROM below p WHERE p.id = b.parent_id), '-') || ': ' || COALESCE((SELECT string_agg(x.title, ' ') FROM file x WHERE x.folder_id = b.id), '')
         FROM below b ORDER BY b.title"
    )
}

async fn assert_cloned_with_all_rows(db: &Scratch) {
    let tables = ["org", "folder", "file"];
    let before = contents(db, &tables).await;
    let source = db.list(&tree("1")).await;
    assert_eq!(source.len(), 4);
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(db.list(&tree(&clone)).await, source);
    assert_verified(db, &clone).await;
    let again = db
        .clone_project(&format!("'1', options => '{{\"replace\": \"{clone}\"}}'"))
        .await;
    assert_eq!(again, clone);
    assert_eq!(db.list(&tree(&clone)).await, source);
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(db, &tables).await, before);
}

#[tokio::test]
async fn rows_below_other_rows_of_their_table_are_cloned_with_them() {
    for change in [
        "",
        // By its name only.
        "ALTER TABLE folder DROP CONSTRAINT folder_parent_id_fkey",
        // Through another table instead of a tenant column.
        "CREATE TABLE shelf (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO shelf (org_id) SELECT id FROM org; ALTER TABLE folder ADD shelf_id int REFERENCES shelf",
    ] {
        let db = Scratch::with_extension().await;
        db.run(&format!(
            "{FOLDERS} {change}; SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"org\"}}')"
        ))
        .await;
        assert_cloned_with_all_rows(&db).await;
    }
}

#[tokio::test]
async fn a_declared_way_through_the_own_table_is_followed() {
    let db = described(
        FOLDERS,
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'folder', 'resource', project_column => 'org_id'); SELECT clone.store_table('s', 'file', 'derived', parent => 'folder', join_column => 'folder_id');
         SELECT clone.store_belongs('s', 'folder', '{parent_id}', 'folder', '{id}')",
    )
    .await;
    assert_cloned_with_all_rows(&db).await;
    // The tenants themselves belong to nothing.
    let failure = db
        .fails("SELECT clone.store_belongs('s', 'org', '{id}', 'org', '{id}')")
        .await;
    assert_eq!(failure.code, "22023", "{failure:?}");
}

#[tokio::test]
async fn a_row_of_another_project_below_our_row_stays_with_its_project() {
    let db = described(
        &format!("{FOLDERS} UPDATE folder SET parent_id = 3 WHERE title = 'x'"),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'folder', 'resource', project_column => 'org_id'); SELECT clone.store_belongs('s', 'folder', '{parent_id}', 'folder', '{id}')",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT title FROM folder WHERE id > 7 OR org_id = {clone} ORDER BY id"
        ))
        .await,
        ["a", "ab", "abc", "abcd"]
    );
}

#[tokio::test]
async fn filters_do_not_follow_rows_of_the_own_table_of_derived_rows() {
    let db = described(
        &format!("{FOLDERS} CREATE TABLE shelf (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO shelf (org_id) SELECT id FROM org; ALTER TABLE folder ADD shelf_id int REFERENCES shelf; UPDATE folder SET shelf_id = org_id"),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'shelf', 'resource', project_column => 'org_id'); SELECT clone.store_table('s', 'folder', 'derived', id_column => 'id', parent => 'shelf', join_column => 'shelf_id');
         SELECT clone.store_column('s', 'folder', 'org_id', 'map', 'org'); SELECT clone.store_belongs('s', 'folder', '{parent_id}', 'folder', '{id}')",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(db.list(&tree(&clone)).await.len(), 4);
    let failure = db
        .fails("SELECT project_clone('1', resource_types => '{shelf}')")
        .await;
    assert_eq!(failure.code, "0A000", "{failure:?}");
    assert!(failure.hint.contains("resource_types"), "{failure:?}");
}
