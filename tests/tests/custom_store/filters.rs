//! Ids in filters, where the same number is a key of several tables.

use super::described;

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
