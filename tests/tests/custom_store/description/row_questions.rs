//! Questions that follow from the values and rows of described tables: names do not say what they refer to.

use super::{answer_all, discovered, open};
use crate::{assert_verified, contents, described};

const ORG: &str = "CREATE TABLE org (id bigserial PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B');";

#[tokio::test]
async fn values_of_a_unique_column_that_changes_are_followed() {
    for (column, rows, path) in [
        ("sku text", "sku", None),
        ("product_sku text", "sku", None),
        ("what text", "sku", None),
        (
            "data jsonb",
            "jsonb_build_object('n', 1, 'product_sku', sku)",
            Some("$..['product_sku']"),
        ),
    ] {
        let db = discovered(
            &format!(
                "{ORG} CREATE TABLE product (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, sku text NOT NULL UNIQUE);
                 INSERT INTO product (org_id, sku) VALUES (1, 'gear-9'), (2, 'bolt-1'), (2, 'nut-2');
                 CREATE TABLE line (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, {column});
                 INSERT INTO line (org_id, {}) SELECT org_id, {rows} FROM product",
                column.split(' ').next().unwrap()
            ),
            "org",
        )
        .await;
        let failure = db.fails("SELECT project_clone('2')").await;
        assert!(
            failure
                .message
                .contains("holds values of sku of public.product, which are other values in a clone"),
            "{failure:?}"
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let value = match path {
            None => format!("l.{}", column.split(' ').next().unwrap()),
            Some(_) => "l.data->>'product_sku'".to_owned(),
        };
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM line l JOIN product p ON p.sku = {value} AND p.org_id = l.org_id WHERE l.org_id = {clone}"))
                .await,
            2,
            "{column}"
        );
    }
}

#[tokio::test]
async fn pairs_of_a_table_and_a_key_are_recognized_under_any_names() {
    for (kind, key) in [
        ("kind", "ref"),
        ("subject_kind", "subject"),
        ("entity", "entity_ref"),
    ] {
        let db = discovered(
            &format!(
                "{ORG} CREATE TABLE post (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, n text); CREATE TABLE photo (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, n text);
                 INSERT INTO post (org_id, n) VALUES (1, 'x'), (2, 'p2'), (2, 'p3'); INSERT INTO photo (org_id, n) VALUES (2, 'f1'), (2, 'f2'), (1, 'fx');
                 CREATE TABLE lk (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, {kind} text, {key} bigint, stars int);
                 INSERT INTO lk (org_id, {kind}, {key}, stars) VALUES (2, 'post', 2, 5), (2, 'photo', 1, 3), (1, 'post', 1, 7), (1, 'photo', 3, 9)"
            ),
            "org",
        )
        .await;
        assert_eq!(open(&db).await, [format!("error public.lk.{key}")], "{kind}");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.list(&format!("SELECT l.{kind} || ' ' || COALESCE(p.n, f.n) FROM lk l LEFT JOIN post p ON l.{kind} = 'post' AND p.id = l.{key} AND p.org_id = {clone}
                LEFT JOIN photo f ON l.{kind} = 'photo' AND f.id = l.{key} AND f.org_id = {clone} WHERE l.org_id = {clone} ORDER BY l.id"))
                .await,
            ["post p2", "photo f1"],
            "{kind}"
        );
    }
}

#[tokio::test]
async fn rows_below_rows_of_their_table_are_asked_about_where_nothing_declares_it() {
    let tables = format!(
        "{ORG} CREATE TABLE folder (id bigserial PRIMARY KEY, org_id bigint REFERENCES org, title text); INSERT INTO folder (org_id, title) VALUES (1, 'theirs'), (2, 'ours');"
    );
    let add = "ALTER TABLE folder ADD parent_id bigint REFERENCES folder; INSERT INTO folder (parent_id, title) VALUES (2, 'child')";
    // A column that came later, and a description by hand.
    let later = discovered(&tables, "org").await;
    later.run(add).await;
    later.run("SELECT clone.store_refresh('s')").await;
    let by_hand = described(
        &format!("{tables} {add}"),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'folder', 'resource', project_column => 'org_id')",
    )
    .await;
    for db in [later, by_hand] {
        let found = db
            .list("SELECT subject FROM clone.store_check('s') WHERE question LIKE '%belong only through other rows%'")
            .await;
        assert_eq!(found, ["public.folder.parent_id"]);
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.list(&format!(
                "SELECT c.title FROM folder c JOIN folder p ON p.id = c.parent_id WHERE p.org_id = {clone}"
            ))
            .await,
            ["child"]
        );
    }
}

#[tokio::test]
async fn rows_that_are_each_named_by_one_row_are_asked_about() {
    let db = discovered(
        &format!(
            "{ORG} CREATE TABLE address (id bigserial PRIMARY KEY, street text); CREATE TABLE country (id bigserial PRIMARY KEY, name text);
             CREATE TABLE person (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, home_id bigint REFERENCES address, country_id bigint REFERENCES country);
             INSERT INTO address (street) SELECT 's' || n FROM generate_series(1, 12) n; INSERT INTO country (name) SELECT 'c' || n FROM generate_series(1, 9) n;
             INSERT INTO person (org_id, home_id, country_id) SELECT 1 + n % 2, n, 1 + n % 9 FROM generate_series(1, 12) n"
        ),
        "org",
    )
    .await;
    assert_eq!(open(&db).await[0], "error public.address.id");
    answer_all(&db, "answer").await;
    let tables = ["org", "address", "country", "person"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(db.number("SELECT count(*) FROM address").await, 18);
    assert_eq!(db.number("SELECT count(*) FROM country").await, 9);
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM person p JOIN address a ON a.id = p.home_id AND a.id > 12 WHERE p.org_id = {clone}"))
            .await,
        6
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);
}

#[tokio::test]
async fn a_closure_table_without_foreign_keys_maps_both_columns() {
    let db = discovered(
        &format!(
            "{ORG} CREATE TABLE cat (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, n text);
             CREATE TABLE cat_tree (ancestor bigint NOT NULL, descendant bigint NOT NULL, depth int, PRIMARY KEY (ancestor, descendant));
             INSERT INTO cat (org_id, n) VALUES (1, 'x'), (2, 'a'), (2, 'b'), (1, 'y'); INSERT INTO cat_tree VALUES (1, 1, 0), (2, 2, 0), (3, 3, 0), (2, 3, 1), (4, 4, 0), (1, 4, 1)"
        ),
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.list(&format!("SELECT a.n || d.n || t.depth FROM cat_tree t JOIN cat a ON a.id = t.ancestor JOIN cat d ON d.id = t.descendant WHERE a.org_id = {clone} AND d.org_id = {clone} ORDER BY 1"))
            .await,
        ["aa0", "ab1", "bb0"]
    );
}

#[tokio::test]
async fn a_part_of_a_key_is_no_way_to_belong() {
    let db = discovered(
        "CREATE TABLE workspace (slug text PRIMARY KEY, name text); INSERT INTO workspace VALUES ('alpha', 'A'), ('beta', 'B');
         CREATE TABLE script (workspace text NOT NULL REFERENCES workspace, path text NOT NULL, body text, PRIMARY KEY (workspace, path));
         INSERT INTO script VALUES ('alpha', 'f/a', 'x'), ('beta', 'f/a', 'b');
         CREATE TABLE job (id bigserial PRIMARY KEY, ws text, script_path text, note text); INSERT INTO job (ws, script_path, note) VALUES ('beta', 'f/a', 'of beta'), ('alpha', 'f/a', 'of alpha');
         CREATE TABLE rota (id serial PRIMARY KEY, who uuid[])",
        "workspace",
    )
    .await;
    answer_all(&db, "answer").await;
    db.run("SELECT project_clone('beta', options => '{\"verify\": true, \"target\": \"gamma\"}')")
        .await;
    assert_eq!(
        db.list("SELECT note FROM job WHERE id > 2 AND ws = 'gamma'")
            .await,
        ["of beta"]
    );
    assert_eq!(db.number("SELECT count(*) FROM job").await, 3);
}

#[tokio::test]
async fn a_composite_key_of_rows_below_rows_is_compared_as_a_whole() {
    let db = discovered(
        &format!(
            "{ORG} CREATE TABLE page (space text, slug text, org_id bigint REFERENCES org, parent_space text, parent_slug text, title text, PRIMARY KEY (space, slug), FOREIGN KEY (parent_space, parent_slug) REFERENCES page);
             INSERT INTO page VALUES ('eng', 'home', 2, NULL, NULL, 'eh'), ('eng', 'onboarding', NULL, 'eng', 'home', 'eo'), ('hr', 'home', 1, NULL, NULL, 'hh'), ('hr', 'rules', NULL, 'hr', 'home', 'hr')"
        ),
        "org",
    )
    .await;
    let plan = db
        .list("SELECT source_rows FROM project_clone_plan('2') WHERE relation = 'public.page'")
        .await;
    assert_eq!(plan, ["2"]);
}

#[tokio::test]
async fn rows_below_others_by_a_uuid_in_a_text_are_asked_about() {
    for kind in ["uuid", "text", "varchar(36)"] {
        let db = discovered(&format!(
            "CREATE TABLE org (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text); INSERT INTO org (name) VALUES ('A'), ('B');
             CREATE TABLE folders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid REFERENCES org, parent_id {kind}, name text);
             INSERT INTO folders (org_id, name) SELECT id, 'top ' || name FROM org; INSERT INTO folders (parent_id, name) SELECT id, 'in ' || name FROM folders; INSERT INTO folders (parent_id, name) SELECT id, 'in ' || name FROM folders WHERE name LIKE 'in %'"
        ), "org")
        .await;
        answer_all(&db, "answer").await;
        let source = db.text("SELECT id FROM org WHERE name = 'A'").await;
        let clone = db
            .clone_project(&format!("'{source}', 'C', options => '{{\"verify\": true}}'"))
            .await;
        assert_eq!(
            db.list(&format!("WITH RECURSIVE r AS (SELECT id, name FROM folders WHERE org_id = '{clone}' UNION ALL SELECT f.id, f.name FROM folders f JOIN r ON f.parent_id::text = r.id::text) SELECT name FROM r ORDER BY length(name)")).await,
            ["top A", "in top A", "in in top A"],
            "{kind}"
        );
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM folders").await, 6, "{kind}");
    }
}
