//! Ids in filters, where the same number is a key of several tables.

use super::{assert_verified, described};

const ORG: &str = "a0000000-0000-4000-8000-000000000051";

#[tokio::test]
async fn a_number_that_is_a_key_of_several_tables_needs_its_type() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE customer (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, name text);
         CREATE TABLE product (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, name text);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000051', 'X'); INSERT INTO customer (org_id, name) SELECT id, unnest('{Ann,Ben,Cy}'::text[]) FROM org;
         INSERT INTO product (org_id, name) SELECT id, unnest('{P1,P2,P3}'::text[]) FROM org",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{customer,product}'::text[]) t",
    )
    .await;
    let failure = db
        .fails(&format!("SELECT project_clone('{ORG}', exclude_ids => '{{2}}')"))
        .await;
    assert!(
        failure.code == "22023" && failure.hint.contains("customer/2") && failure.hint.contains("product/2"),
        "{failure:?}"
    );
    for id in ["customer/2", "public.customer/2"] {
        let clone = db
            .clone_project(&format!("'{ORG}', exclude_ids => '{{{id}}}'"))
            .await;
        assert_eq!(
            db.list(&format!("SELECT (SELECT string_agg(name, ',' ORDER BY id) FROM customer WHERE org_id = '{clone}') || ' ' || (SELECT string_agg(name, ',' ORDER BY id) FROM product WHERE org_id = '{clone}')")).await,
            ["Ann,Cy P1,P2,P3"]
        );
    }
    let clone = db
        .clone_project(&format!("'{ORG}', include_ids => '{{product/3}}'"))
        .await;
    assert_eq!(
        db.list(&format!("SELECT name FROM product WHERE org_id = '{clone}' UNION ALL SELECT name FROM customer WHERE org_id = '{clone}'")).await,
        ["P3"]
    );
}

/// Rows that are not cloned, because what they belong to is left out, meet nothing.
#[tokio::test]
async fn a_row_may_be_left_out_whose_key_is_in_the_keys_of_its_parts() {
    for (key_type, default, key) in [
        (
            "uuid",
            "",
            "('c1000000-0000-4000-8000-0000000000' || o.id || i)::uuid",
        ),
        ("text", "", "'p' || o.id || 'x' || i"),
        ("bigint", "DEFAULT nextval('numbers')", "nextval('numbers')"),
    ] {
        let db = described(
            &format!(
                "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE SEQUENCE numbers; CREATE TABLE player (id {key_type} {default} PRIMARY KEY, org_id int NOT NULL REFERENCES org, n int);
                 CREATE TABLE stat (player_id {key_type} NOT NULL REFERENCES player, season int, PRIMARY KEY (player_id, season));
                 CREATE TABLE part (player_id {key_type} NOT NULL, season int, kind text, UNIQUE (player_id, kind), FOREIGN KEY (player_id, season) REFERENCES stat);
                 INSERT INTO org (name) VALUES ('Other'), ('Ours'); INSERT INTO player SELECT {key}, o.id, i FROM org o, generate_series(1, 3) i;
                 INSERT INTO stat SELECT id, 2025 FROM player; INSERT INTO part SELECT player_id, season, 'a' FROM stat"
            ),
            "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'player', 'resource', project_column => 'org_id');
             SELECT clone.store_table('s', 'stat', 'derived', parent => 'player'); SELECT clone.store_table('s', 'part', 'derived', parent => 'stat')",
        )
        .await;
        let left_out = db.text("SELECT id FROM player WHERE org_id = 2 AND n = 2").await;
        let clone = db
            .clone_project(&format!("'2', exclude_ids => '{{{left_out}}}'"))
            .await;
        assert_eq!(
            db.list(&format!(
                "SELECT concat_ws(' ', n, count(s), count(a)) FROM player p LEFT JOIN stat s ON s.player_id = p.id LEFT JOIN part a ON a.player_id = p.id WHERE org_id = {clone} GROUP BY n ORDER BY n"
            ))
            .await,
            ["1 1 1", "3 1 1"],
            "{key_type}"
        );
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM stat WHERE player_id = '{left_out}'"
            ))
            .await,
            1
        );
        assert_verified(&db, &clone).await;
    }
}
