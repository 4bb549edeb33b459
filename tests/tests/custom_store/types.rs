//! Ids in columns of types with an unknown layout.

use super::{assert_verified, described};

#[tokio::test]
async fn uuids_are_rewritten_in_columns_of_every_type_that_can_hold_one() {
    let db = described(
        "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE DOMAIN entity_id AS uuid; CREATE DOMAIN doc AS jsonb; CREATE DOMAIN urn AS text CHECK (VALUE LIKE 'urn:%'); CREATE TYPE pair AS (left_id uuid, note text);
         CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE thing (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE link (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, c_char char(36), c_wide char(60), c_varchars varchar(60)[], c_citext citext, c_domain_uuid entity_id, c_domain_jsonb doc, c_domain_text urn,
             c_jsonbs jsonb[], c_jsons json[], c_hstore hstore, c_xml xml, c_pair pair, c_name name, c_domains entity_id[]);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000003', 'Mill'); INSERT INTO thing VALUES ('c1000000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000003');
         INSERT INTO link SELECT 'c1000000-0000-4000-8000-00000000000b', 'a0000000-0000-4000-8000-000000000003', t, 'x ' || t, ARRAY[t], t, t::uuid, jsonb_build_object('x', t), 'urn:uuid:' || t, ARRAY[to_jsonb(t)], ARRAY[to_json(t)],
             hstore('x', t), ('<a ref=\"' || t || '\"/>')::xml, ROW(t::uuid, 'n')::pair, t::name, ARRAY[t::entity_id] FROM (VALUES ('c1000000-0000-4000-8000-00000000000a')) v (t)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{thing,link}'::text[]) t",
    )
    .await;
    let clone = db.clone_project("'a0000000-0000-4000-8000-000000000003'").await;
    let thing = db
        .text(&format!("SELECT id FROM thing WHERE org_id = '{clone}'"))
        .await;
    assert_eq!(
        db.list(&format!("SELECT k.key FROM link l, jsonb_each_text(to_jsonb(l)) k WHERE l.org_id = '{clone}' AND k.key LIKE 'c\\_%' AND k.value NOT LIKE '%{thing}%'")).await,
        Vec::<String>::new()
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
#[cfg_attr(not(icu), ignore = "needs a server with ICU")]
async fn a_key_whose_collation_finds_different_texts_equal_is_refused() {
    let db = described(
        "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE word (id text COLLATE ci PRIMARY KEY, org_id uuid NOT NULL REFERENCES org); INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000003', 'X'); INSERT INTO word SELECT 'a', id FROM org",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'word', 'resource', project_column => 'org_id')",
    )
    .await;
    let failure = db
        .fails("SELECT project_clone('a0000000-0000-4000-8000-000000000003')")
        .await;
    assert!(
        failure.code == "22023" && failure.message.contains("collation"),
        "{failure:?}"
    );
}

/// A column may have the name of an alias that generated SQL uses.
#[tokio::test]
async fn columns_may_have_any_name() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text, t text, k text, v text, o text, e text, n text, s text, r text, doc jsonb);
         CREATE TABLE t (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, t bigint REFERENCES t, u text UNIQUE, c text, k text, m text, p text, f text);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000003', 'Mill', 't', 'k', 'v', 'o', 'e', 'n', 's', 'r', '{\"secret\": \"s\"}');
         INSERT INTO t (org_id, u) SELECT id, 'u1' FROM org; INSERT INTO t (org_id, t, u) SELECT id, 1, 'u2' FROM org",
        "SELECT clone.store_table('s', 'org', 'project', document_column => 'doc', resource_type => 'Project'); SELECT clone.store_table('s', 't', 'resource', project_column => 'org_id');
         SELECT clone.store_column('s', 't', 'u', 'suffix'); SELECT clone.rule('s', 'Project', '$.secret', 'remove')",
    )
    .await;
    let target = "a0000000-0000-4000-8000-000000000009";
    let call = |option: &str| {
        format!(
            "SELECT project_clone('a0000000-0000-4000-8000-000000000003', 'c', options => '{{\"{option}\": \"{target}\"}}')"
        )
    };
    assert_eq!(
        db.list(&format!("SELECT r->>'t' FROM ({}) AS q (r)", call("target")))
            .await,
        ["t"]
    );
    db.run(&format!(
        "UPDATE org SET doc = '{{\"secret\": \"new\"}}' WHERE id = '{target}'"
    ))
    .await;
    db.run(&call("replace")).await;
    assert_eq!(
        db.text(&format!("SELECT doc->>'secret' FROM org WHERE id = '{target}'"))
            .await,
        "new"
    );
    assert_verified(&db, target).await;
    db.run(&format!("SELECT project_delete('{target}')")).await;
}
