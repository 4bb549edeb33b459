//! Rows of tables without a tenant that a type and a key name: the blocks of a page, the components of an entry.

use super::super::{answer_all, discovered, open};

/// Pages of three tenants whose blocks of two kinds, and the countries that all share, are named by a pair. Keys are of this type.
fn pages(of_type: &str, hero: &str, text: &str, country: &str) -> String {
    format!(
        "CREATE TABLE orgs (id serial PRIMARY KEY, name text NOT NULL); INSERT INTO orgs (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE pages (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, title text); INSERT INTO pages (org_id, title) SELECT 1 + n % 3, trim(to_char(n, 'RN')) FROM generate_series(1, 30) n;
         CREATE TABLE block_hero (id {of_type} PRIMARY KEY, n int); INSERT INTO block_hero SELECT {hero}, n FROM generate_series(1, 30) n;
         CREATE TABLE block_text (id {of_type} PRIMARY KEY, n int); INSERT INTO block_text SELECT {text}, n FROM generate_series(1, 30) n;
         CREATE TABLE countries (id {of_type} PRIMARY KEY, n int); INSERT INTO countries SELECT {country}, n FROM generate_series(1, 3) n;
         CREATE TABLE pages_blocks (id serial PRIMARY KEY, pages_id int NOT NULL REFERENCES pages, item {of_type}, collection varchar(255));"
    )
}

const UUIDS: [&str; 3] = [
    "md5('h' || n)::uuid",
    "md5('t' || n)::uuid",
    "md5('c' || n)::uuid",
];

const BLOCKS: &str = "INSERT INTO pages_blocks (pages_id, item, collection) SELECT n, id, 'block_hero' FROM block_hero UNION ALL SELECT n, id, 'block_text' FROM block_text";

#[tokio::test]
async fn rows_that_a_pair_owns_are_cloned_where_their_keys_say_whose_they_are() {
    let db = discovered(
        &format!(
            "{} {BLOCKS};
             CREATE TABLE comments (id serial PRIMARY KEY, actor_type text, actor_id int REFERENCES orgs, body text); INSERT INTO comments (actor_type, actor_id) SELECT 'users', 1 + n % 3 FROM generate_series(1, 9) n",
            pages("uuid", UUIDS[0], UUIDS[1], UUIDS[2])
        ),
        "orgs",
    )
    .await;
    assert_eq!(
        open(&db).await,
        ["error public.block_hero.id", "error public.block_text.id"]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM pages_blocks b JOIN pages p ON p.id = b.pages_id JOIN block_hero h ON b.collection = 'block_hero' AND h.id = b.item AND trim(to_char(h.n, 'RN')) = p.title WHERE p.org_id = {clone}")).await,
        10
    );
    assert_eq!(
        db.list("SELECT (SELECT count(*) FROM block_hero), (SELECT count(*) FROM block_text), (SELECT count(*) FROM countries)")
            .await,
        ["40"]
    );
}

#[tokio::test]
async fn numbers_do_not_say_whose_row_of_a_pair_they_are() {
    // All share the countries.
    let db = discovered(
        &format!(
            "{} {BLOCKS} UNION ALL SELECT p.id, c.id, 'countries' FROM pages p JOIN countries c ON c.n = 1 + (p.id / 3) % 3",
            pages("int", "500 + n", "1000 + n", "2000 + n")
        ),
        "orgs",
    )
    .await;
    let asked = db
        .list("SELECT concat_ws(' ', severity, question, answer) FROM clone.store_check('s') WHERE severity = 'error' ORDER BY 1")
        .await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(
        asked[0],
        "error each of 30 rows of public.block_hero is named by rows of one tenant only, by public.pages_blocks.item with \"block_hero\" in collection, as if it were a part of that: its rows are not cloned. \
         No call describes rows that such a pair owns. Give them a column with the tenant, filled from the rows that name them, and check again"
    );
}
