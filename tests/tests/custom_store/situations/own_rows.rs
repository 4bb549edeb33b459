//! Rows that belong to a project through other rows of their table: folders in folders, of which only the topmost names the project.

use crate::description::{answer_all, discovered};
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

#[tokio::test]
async fn rows_that_other_rows_of_their_table_own_stop_a_clone_until_they_are_described() {
    // The column that names the owned rows, and how those are found.
    for (column, fill, declared) in [
        ("child_id int REFERENCES step", "2, 3, NULL, NULL, 6, NULL", ""),
        ("child_id int", "2, 3, NULL, NULL, 6, NULL", ""),
        (
            "child_ids int[]",
            "'{2}', '{3,4}', '{}', NULL, '{6}', NULL",
            "SELECT clone.store_reference('s', 'step', 'child_ids', 'step');",
        ),
    ] {
        let array = column.contains("[]");
        let values: Vec<String> = fill
            .split(", ")
            .zip(1..)
            .map(|(value, number)| {
                let org = match number {
                    1 => "1",
                    5 => "2",
                    _ => "NULL",
                };
                format!("({number}, {org}, {value}, 's{number}')")
            })
            .collect();
        let tables = format!(
            "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
             CREATE TABLE step (id serial PRIMARY KEY, org_id int REFERENCES org, {column}, t text); INSERT INTO step VALUES {}; SELECT setval('step_id_seq', 6)",
            values.join(", ")
        );
        let db = discovered(&tables, "org").await;
        db.run(declared).await;
        let failure = db.fails("SELECT * FROM project_clone_plan('1')").await;
        assert_eq!(failure.code, "55000", "{column}: {failure:?}");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let below = |org: &str| {
            let link = if array {
                "s.id = ANY (b.child_ids)"
            } else {
                "s.id = b.child_id"
            };
            format!(
                "WITH RECURSIVE below AS (SELECT s.* FROM step s WHERE s.org_id = {org} UNION SELECT s.* FROM step s JOIN below b ON {link}) SELECT b.t FROM below b ORDER BY b.t"
            )
        };
        let source = db.list(&below("1")).await;
        assert_eq!(source.len(), if array { 4 } else { 3 }, "{column}");
        assert_eq!(db.list(&below(&clone)).await, source, "{column}");
        assert_eq!(
            db.number("SELECT count(*) FROM step").await,
            6 + source.len() as i64
        );
        assert_verified(&db, &clone).await;
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM step").await, 6, "{column}");
    }
}

#[tokio::test]
async fn uuids_in_lists_and_documents_that_own_rows_are_asked_about() {
    let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
    for (column, value, call) in [
        ("parts uuid[]", format!("'{{{}}}'", id(2)), true),
        ("sub uuid", format!("'{}'", id(2)), true),
        (
            "body jsonb",
            format!("'{{\"blocks\": [{{\"ref\": \"{}\"}}]}}'", id(2)),
            false,
        ),
    ] {
        let db = discovered(
            &format!(
                "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
                 CREATE TABLE block (id uuid PRIMARY KEY, org_id int REFERENCES org, {column}); INSERT INTO block VALUES ('{}', 1, {value}), ('{}', NULL, NULL)",
                id(1),
                id(2)
            ),
            "org",
        )
        .await;
        let failure = db.fails("SELECT project_clone('1')").await;
        assert_eq!(failure.code, "55000", "{column}: {failure:?}");
        assert!(
            failure.message.contains("name no tenant and no parent"),
            "{failure:?}"
        );
        assert_eq!(failure.hint.contains("clone.store_belongs("), call, "{failure:?}");
        if call {
            answer_all(&db, "answer").await;
            let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
            assert_eq!(db.number("SELECT count(*) FROM block").await, 4, "{column}");
            db.run(&format!("SELECT project_delete('{clone}')")).await;
            assert_eq!(db.number("SELECT count(*) FROM block").await, 2, "{column}");
        } else {
            db.run("UPDATE block SET org_id = 1").await;
            answer_all(&db, "answer").await;
            db.clone_project("'1'").await;
        }
    }
}

#[tokio::test]
async fn rows_with_a_key_of_several_columns_belong_through_each_other_too() {
    let db = discovered(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
         CREATE TABLE lang (code text PRIMARY KEY); INSERT INTO lang VALUES ('en'), ('de');
         CREATE TABLE node (number int DEFAULT (random() * 1000000000)::int, lang text REFERENCES lang, org_id int REFERENCES org, up int, t text, PRIMARY KEY (number, lang), FOREIGN KEY (up, lang) REFERENCES node);
         INSERT INTO node VALUES (1, 'en', 1, NULL, 'a'), (2, 'en', NULL, 1, 'b'), (3, 'en', NULL, 2, 'c'), (1, 'de', 2, NULL, 'x')",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    db.run("UPDATE clone.store_relation SET id_column = NULL WHERE relation = 'node'::regclass AND id_column IS NULL")
        .await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.list(&format!("WITH RECURSIVE below AS (SELECT n.* FROM node n WHERE n.org_id = {clone} UNION SELECT n.* FROM node n JOIN below b ON (n.up, n.lang) = (b.number, b.lang)) SELECT t FROM below ORDER BY t")).await,
        ["a", "b", "c"]
    );
    assert_eq!(db.number("SELECT count(*) FROM node").await, 7);
}

#[tokio::test]
async fn a_value_in_place_of_null_below_a_row_of_a_tenant_stops_a_clone() {
    for (columns, rows, nobody) in [
        (
            "org_id int NOT NULL DEFAULT 0, parent_id int NOT NULL DEFAULT 0",
            "(1, 1, 0, 'a'), (2, 0, 1, 'b'), (3, 0, 2, 'c'), (4, 2, 0, 'x')",
            "org_id",
        ),
        (
            "org_id int NOT NULL DEFAULT 0, parent_id int",
            "(1, 1, NULL, 'a'), (2, 0, 1, 'b'), (3, 0, 2, 'c'), (4, 2, NULL, 'x')",
            "org_id",
        ),
    ] {
        let db = discovered(
            &format!("CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
             CREATE TABLE folder (id serial PRIMARY KEY, {columns}, t text); INSERT INTO folder VALUES {rows}; SELECT setval('folder_id_seq', 4)"),
            "org",
        )
        .await;
        for _ in 0..3 {
            let Err(failure) = db.attempt("SELECT project_clone('1')").await else {
                panic!("rows were lost: {columns}");
            };
            assert_eq!(failure.code, "55000", "{failure:?}");
            if failure.message.contains(nobody) {
                break;
            }
            let call = failure
                .hint
                .split("Answer it: ")
                .nth(1)
                .and_then(|text| text.split(';').next());
            db.run(call.unwrap_or_else(|| panic!("{failure:?}"))).await;
        }
        db.run("UPDATE folder SET org_id = 1 WHERE org_id = 0").await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM folder WHERE org_id = {clone}"))
                .await,
            3
        );
    }
}

#[tokio::test]
async fn references_across_tables_that_inherit_from_each_other_are_followed() {
    let db = discovered(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
         CREATE TABLE base (id serial PRIMARY KEY, org_id int REFERENCES org, parent_id int, t text); CREATE TABLE kid (extra text, PRIMARY KEY (id)) INHERITS (base);
         INSERT INTO base (org_id, t) VALUES (1, 'a'), (2, 'x'); INSERT INTO kid (org_id, parent_id, t) VALUES (1, 1, 'k1'), (1, 1, 'k2'), (1, 3, 'k3');
         INSERT INTO base (org_id, parent_id, t) VALUES (1, 3, 'b'), (1, 3, 'c')",
        "org",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    let tree = |org: &str| {
        format!(
            "SELECT o.tableoid::regclass || ' ' || o.t || ' below ' || p.tableoid::regclass || ' ' || p.t FROM base o JOIN base p ON p.id = o.parent_id AND p.org_id = o.org_id WHERE o.org_id = {org} ORDER BY o.t"
        )
    };
    let source = db.list(&tree("1")).await;
    assert_eq!(source.len(), 5);
    assert_eq!(db.list(&tree(&clone)).await, source);
}

#[tokio::test]
async fn rows_of_a_table_that_inherits_its_key_get_new_keys() {
    // The key of the parent, and whether the child has a constraint of its own.
    for key in [
        "id serial PRIMARY KEY",
        "id bigint PRIMARY KEY DEFAULT nextval('animals')",
        "id uuid PRIMARY KEY DEFAULT gen_random_uuid()",
        "id serial UNIQUE NOT NULL",
    ] {
        for by_hand in [false, true] {
            let tables = format!(
                "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');
                 CREATE SEQUENCE animals; CREATE TABLE animal ({key}, org_id int NOT NULL REFERENCES org, t text); CREATE TABLE dog (bark text) INHERITS (animal); CREATE TABLE puppy (age int) INHERITS (dog);
                 INSERT INTO animal (org_id, t) VALUES (2, 'x'); INSERT INTO dog (org_id, t) VALUES (1, 'a'), (2, 'b'), (1, 'c'); INSERT INTO puppy (org_id, t) VALUES (1, 'p')"
            );
            let db = if by_hand {
                described(
                    &tables,
                    "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'derived', project_column => 'org_id') FROM unnest('{animal,dog,puppy}'::text[]) t",
                )
                .await
            } else {
                discovered(&tables, "org").await
            };
            let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
            assert_eq!(
                db.list(&format!(
                    "SELECT tableoid::regclass || ' ' || t FROM animal WHERE org_id = {clone} ORDER BY t"
                ))
                .await,
                ["dog a", "dog c", "puppy p"],
                "{key}"
            );
            assert_eq!(
                db.number("SELECT count(*) - count(DISTINCT id) FROM animal")
                    .await,
                0,
                "{key}"
            );
        }
    }
}

/// Keys in arrays and documents of a table that inherits from the one that was declared.
#[tokio::test]
async fn lists_of_keys_of_tables_that_inherit_are_asked_about_and_verified() {
    const TABLES: &str = "CREATE TABLE tenant (id bigserial PRIMARY KEY, name text); CREATE TABLE party (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, nm text);
        CREATE TABLE person (born date, PRIMARY KEY (id)) INHERITS (party); CREATE TABLE contract (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, party_ids bigint[], j jsonb);
        INSERT INTO tenant (name) VALUES ('Other'), ('Ours'); INSERT INTO party (tenant_id, nm) SELECT 1 + i % 2, 'p' || i FROM generate_series(1, 10) i;
        INSERT INTO person (tenant_id, nm) SELECT 1 + i % 2, 'pe' || i FROM generate_series(1, 10) i;
        INSERT INTO contract (tenant_id, party_ids, j) SELECT tenant_id, array_agg(id), jsonb_build_object('party_ids', array_agg(id)) FROM party GROUP BY 1";
    let db = Scratch::with_extension().await;
    db.run(TABLES).await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"tenant\"}')")
        .await;
    for _ in 0..3 {
        for answer in db
            .list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error'")
            .await
        {
            db.run(&answer).await;
        }
    }
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE severity = 'error'")
            .await,
        Vec::<String>::new()
    );
    let clone = db.clone_project("'2'").await;
    let failed = format!(
        "SELECT subject FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name = 'reference names the source''s rows'"
    );
    let listed = format!(
        "SELECT count(*) FILTER (WHERE p.tenant_id = {clone}), count(*) FROM contract c, unnest(party_ids) x JOIN party p ON p.id = x WHERE c.tenant_id = {clone}"
    );
    assert_eq!(
        db.rows(&listed).await[0],
        ["10", "10"].map(|n| Some(n.to_owned()))
    );
    // The path of a document was declared for one of the tables only: verification says so.
    assert_eq!(db.list(&failed).await, ["public.contract.j $..['party_ids'][*]"]);
    db.run("SELECT clone.store_reference('s', 'contract', 'j', 'person', path => '$..[''party_ids''][*]')")
        .await;
    let clone = db.clone_project("'2'").await;
    assert_verified(&db, &clone).await;
    // A number that both tables have names no row for sure.
    db.run("INSERT INTO person (id, tenant_id, nm) SELECT min(id), 2, 'twin' FROM ONLY party WHERE tenant_id = 2")
        .await;
    let failure = db.fails("SELECT project_clone('2')").await;
    assert!(
        failure.code == "0A000"
            && failure.message
                == "a number in column party_ids is the key of two rows: public.party/1 and public.person/1",
        "{failure:?}"
    );
}
