//! Trees whose rows have numbers between those of their parents.

use crate::assert_verified;
use crate::description::{answer_all, discovered};

const ACCOUNTS: &str = "CREATE TABLE accounts (id serial PRIMARY KEY, name text); INSERT INTO accounts (name) SELECT 'A' || n FROM generate_series(1, 3) n;";

#[tokio::test]
async fn nested_sets_that_are_numbered_over_all_tenants_get_numbers_above_the_others() {
    let db = discovered(
        &format!(
            "{ACCOUNTS}
         CREATE TABLE nodes (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, _lft bigint NOT NULL, _rgt bigint NOT NULL);
         INSERT INTO nodes (account_id, _lft, _rgt) SELECT a, a * 6 - 6 + l, a * 6 - 6 + r FROM generate_series(1, 3) a, (VALUES (1, 6), (2, 3), (4, 5)) v (l, r);
         CREATE TABLE menus (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, \"treeLeft\" int, \"treeRight\" int, type text);
         INSERT INTO menus (account_id, \"treeLeft\", \"treeRight\", type) SELECT a, a * 6 - 6 + l, a * 6 - 6 + r, t FROM generate_series(1, 3) a, (VALUES (1, 6), (2, 3), (4, 5)) v (l, r), unnest('{{x,y}}'::text[]) t;
         CREATE TABLE tags (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, lft int, rght int);
         INSERT INTO tags (account_id, lft, rght) VALUES (2, 1, 4), (2, 2, 3), (2, 5, 6)"
        ),
        "accounts",
    )
    .await;
    assert_eq!(
        db.list("SELECT severity || ' ' || substring(question FROM '[^,:]*') FROM clone.store_check('s') ORDER BY subject").await,
        [
            "error public.menus.\"treeLeft\" and \"treeRight\" number a tree over the rows of all tenants",
            "error public.nodes._lft and _rgt number a tree over the rows of all tenants",
            "error public.tags.lft and rght number a tree",
        ]
    );
    assert_eq!(db.fails("SELECT project_clone('2')").await.code, "55000");
    answer_all(&db, "answer").await;
    for _ in 0..2 {
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_verified(&db, &clone).await;
        for (table, left, right, below) in [
            ("nodes", "_lft", "_rgt", 2),
            ("menus", "\"treeLeft\"", "\"treeRight\"", 4),
            ("tags", "lft", "rght", 1),
        ] {
            let same = if table == "menus" {
                "d.type = p.type"
            } else {
                "true"
            };
            let found = format!(
                "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE d.account_id = p.account_id)) FROM {table} p JOIN {table} d ON {same} AND d.{left} > p.{left} AND d.{right} < p.{right} WHERE p.account_id = "
            );
            for tenant in ["2", &clone] {
                assert_eq!(
                    db.text(&format!("{found}{tenant}")).await,
                    format!("{below} {below}"),
                    "{table} {tenant}"
                );
            }
        }
    }
}

#[tokio::test]
async fn nested_sets_within_rows_of_others_are_not_answered() {
    let db = discovered(
        &format!(
            "{ACCOUNTS}
         CREATE TABLE dirs (id serial PRIMARY KEY, account_id int REFERENCES accounts, left_key int, right_key int);
         INSERT INTO dirs (account_id, left_key, right_key) VALUES (NULL, 1, 20);
         INSERT INTO dirs (account_id, left_key, right_key) SELECT a, a * 6 - 5 + l, a * 6 - 5 + r FROM generate_series(1, 3) a, (VALUES (1, 6), (2, 3), (4, 5)) v (l, r)"
        ),
        "accounts",
    )
    .await;
    let refused = db.fails("SELECT project_clone('2')").await;
    assert!(
        refused.message.contains("lie within rows that are not cloned"),
        "{refused:?}"
    );
    answer_all(&db, "otherwise").await;
    db.clone_project("'2'").await;
}

#[tokio::test]
async fn nested_sets_of_a_tenant_and_other_numbers_are_not_asked_about() {
    let db = discovered(
        &format!(
            "{ACCOUNTS}
         CREATE TABLE cats (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, lft int NOT NULL, rgt int NOT NULL);
         INSERT INTO cats (account_id, lft, rgt) SELECT a, l, r FROM generate_series(1, 3) a, (VALUES (1, 6), (2, 3), (4, 5)) v (l, r);
         CREATE TABLE taxonomies (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, name text); INSERT INTO taxonomies (account_id) SELECT 1 + n % 3 FROM generate_series(1, 6) n;
         CREATE TABLE taxons (id serial PRIMARY KEY, taxonomy_id int NOT NULL REFERENCES taxonomies, lft int, rgt int); INSERT INTO taxons (taxonomy_id, lft, rgt) SELECT t.id, l, r FROM taxonomies t, (VALUES (1, 6), (2, 3), (4, 5)) v (l, r);
         CREATE TABLE trees (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, \"treeId\" int, lft int, rght int); INSERT INTO trees (account_id, \"treeId\", lft, rght) SELECT a, a, l, r FROM generate_series(1, 3) a, (VALUES (1, 6), (2, 3), (4, 5)) v (l, r);
         CREATE TABLE boxes (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, \"left\" int, \"right\" int); INSERT INTO boxes (account_id, \"left\", \"right\") SELECT a, 1000 * a + n * 3, 1000 * a + n * 3 + 40 FROM generate_series(1, 3) a, generate_series(1, 7) n"
        ),
        "accounts",
    )
    .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s')").await,
        [""; 0]
    );
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.text(&format!(
            "SELECT string_agg(DISTINCT \"treeId\"::text, ',') FROM trees WHERE account_id = {clone}"
        ))
        .await,
        "5"
    );
}
