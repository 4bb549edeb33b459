//! Texts that name each other in columns with different collations, none of them the database's own: the server does not choose one.

use crate::{assert_verified, described};

const TABLES: &str = r#"
    CREATE TABLE tenant (slug text COLLATE "C" PRIMARY KEY, name text);
    CREATE TABLE box (code text COLLATE "C" PRIMARY KEY, tenant text COLLATE "POSIX" NOT NULL REFERENCES tenant);
    CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, box text COLLATE "POSIX" NOT NULL REFERENCES box);
    CREATE TABLE part (box text COLLATE "POSIX" NOT NULL REFERENCES box, shelf text COLLATE "POSIX" NOT NULL, n int, PRIMARY KEY (box, shelf));
    CREATE TABLE screw (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, box text COLLATE "C" NOT NULL, shelf text COLLATE "C" NOT NULL, FOREIGN KEY (box, shelf) REFERENCES part);
    CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant text COLLATE "POSIX" NOT NULL, box text COLLATE "POSIX", boxes text[] COLLATE "POSIX",
        path text COLLATE "POSIX", kind text COLLATE "POSIX", subject text COLLATE "POSIX", body jsonb);
    INSERT INTO tenant VALUES ('ours', 'Ours'), ('theirs', 'Theirs');
    INSERT INTO box VALUES ('k3m9x0qz', 'ours'), ('p7w2b4vn', 'ours'), ('zz11yy22', 'theirs');
    INSERT INTO item (box) SELECT code FROM box;
    INSERT INTO part SELECT code, 'top', 1 FROM box;
    INSERT INTO screw (box, shelf) SELECT box, shelf FROM part;
    INSERT INTO note (tenant, box, boxes, path, kind, subject, body) SELECT tenant, code, ARRAY[code, 'k3m9x0qz'], code || '/' || code, 'Box', code, jsonb_build_object('box', code) FROM box"#;

const DESCRIPTION: &str = r"
    SELECT clone.store_table('s', 'tenant', 'project');
    SELECT clone.store_table('s', 'box', 'resource', project_column => 'tenant');
    SELECT clone.store_table('s', 'item', 'derived', parent => 'box', join_column => 'box');
    SELECT clone.store_table('s', 'part', 'derived', parent => 'box', join_column => 'box');
    SELECT clone.store_table('s', 'screw', 'derived', parent => 'box', join_column => 'box');
    SELECT clone.store_table('s', 'note', 'resource', project_column => 'tenant');
    SELECT clone.store_reference('s', 'note', 'box', 'box');
    SELECT clone.store_reference('s', 'note', 'boxes', 'box');
    SELECT clone.store_reference('s', 'note', 'path', 'box', separators => '/');
    SELECT clone.store_reference('s', 'note', 'subject', 'box', type_column => 'kind', type_values => '{Box}');
    SELECT clone.store_reference('s', 'note', 'body', 'box', path => '$.box')";

#[tokio::test]
async fn keys_are_found_in_columns_with_other_collations() {
    let db = described(TABLES, DESCRIPTION).await;
    let before = "SELECT count(*) FROM box, item, part, screw, note";
    let rows = db.number(before).await;
    let clone = "copy";
    db.run("SELECT project_clone('ours', options => '{\"target\": \"copy\"}')")
        .await;
    assert_verified(&db, clone).await;
    let named = format!(
        "SELECT count(*) FROM note n JOIN box b ON b.code = n.box COLLATE \"C\" WHERE b.tenant = '{clone}' AND n.tenant = '{clone}' AND n.boxes[1] = n.box
            AND n.path = n.box || '/' || n.box AND n.subject = n.box AND n.body->>'box' = n.box AND n.boxes[2] COLLATE \"C\" IN (SELECT code FROM box WHERE tenant = '{clone}')"
    );
    assert_eq!(db.number(&named).await, 2);
    let screws = format!(
        "SELECT count(*) FROM screw s JOIN part p ON (p.box COLLATE \"C\", p.shelf COLLATE \"C\") = (s.box, s.shelf) JOIN box b ON b.code = p.box COLLATE \"C\" WHERE b.tenant = '{clone}'"
    );
    assert_eq!(db.number(&screws).await, 2);
    db.run("SELECT project_clone('ours', options => '{\"replace\": \"copy\"}')")
        .await;
    assert_verified(&db, clone).await;
    db.run("SELECT project_delete('copy')").await;
    assert_eq!(db.number(before).await, rows);
}
