//! Pairs of a type and a key, under any names and with types of any form.

use super::super::{answer_all, discovered, open};

#[tokio::test]
async fn the_type_of_a_pair_gets_no_other_value_where_the_pair_is_unique() {
    let db = discovered(
        "CREATE TABLE orgs (id bigserial PRIMARY KEY, name text NOT NULL); CREATE TABLE work_items (id bigserial PRIMARY KEY, org_id bigint NOT NULL, type text NOT NULL, title text);
         CREATE TABLE item_links (id bigserial PRIMARY KEY, org_id bigint NOT NULL, source_id bigint NOT NULL, source_type text NOT NULL, target_id bigint NOT NULL, target_type text NOT NULL, UNIQUE (source_id, source_type, target_id, target_type));
         INSERT INTO orgs (name) VALUES ('A'), ('B'), ('C'); SELECT setval('work_items_id_seq', 235);
         INSERT INTO work_items (org_id, type, title) SELECT 1 + i % 3, CASE WHEN i % 2 = 0 THEN 'Issue' ELSE 'Epic' END, 'w' || i FROM generate_series(1, 30) i;
         INSERT INTO item_links (org_id, source_id, source_type, target_id, target_type) SELECT a.org_id, a.id, a.type, b.id, b.type FROM work_items a JOIN work_items b ON b.org_id = a.org_id AND b.id IN (a.id - 3, a.id - 6)",
        "orgs",
    )
    .await;
    assert_eq!(
        open(&db).await,
        [
            "error public.item_links.source_id",
            "error public.item_links.target_id"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM item_links l JOIN work_items a ON a.id = l.source_id AND a.type = l.source_type AND a.org_id = l.org_id JOIN work_items b ON b.id = l.target_id AND b.type = l.target_type AND b.org_id = l.org_id WHERE l.org_id = {clone}")).await,
        db.number("SELECT count(*) FROM item_links WHERE org_id = 1").await
    );
}
