//! Texts of the tenant within strings of documents and elements of arrays.

use crate::description::{answer_all, discovered};

#[tokio::test]
async fn the_tenant_s_text_within_documents_and_arrays_is_the_clone_s() {
    for (tenants, key) in [
        ("slug text PRIMARY KEY, name text", "slug"),
        (
            "id serial PRIMARY KEY, slug text NOT NULL UNIQUE, name text",
            "id",
        ),
    ] {
        let db = discovered(
            &format!(
                "CREATE TABLE team ({tenants}); INSERT INTO team (slug, name) VALUES ('acme-works', 'A'), ('borealis', 'B'), ('cobalt', 'C');
                 CREATE TABLE bucket (id serial PRIMARY KEY, team_{key} {} NOT NULL REFERENCES team, a jsonb, b text[], c jsonb);
                 INSERT INTO bucket (team_{key}, a, b, c) SELECT t.{key}, jsonb_build_object('resource', 'bucket/' || t.slug || '/*'), ARRAY['s3://' || t.slug || '/x', 's3://' || t.slug || '/y'], jsonb_build_array('arn:' || t.slug || ':x') FROM team t, generate_series(1, 12)",
                if key == "id" { "int" } else { "text" }
            ),
            "team",
        )
        .await;
        assert_eq!(
            db.list("SELECT concat_ws(' ', severity, subject) FROM clone.store_check('s') WHERE severity <> 'note'").await,
            [
                "error public.bucket.a $..['resource']",
                "error public.bucket.b",
                "error public.bucket.c $[*]"
            ]
        );
        answer_all(&db, "answer").await;
        let source = db
            .text(&format!("SELECT {key} FROM team WHERE slug = 'acme-works'"))
            .await;
        let clone = db
            .text(&format!(
                "SELECT project_clone('{source}', options => '{{\"verify\": true}}') ->> '{key}'"
            ))
            .await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM bucket b JOIN team t ON t.{key} = b.team_{key} WHERE t.{key}::text = '{clone}' AND a ->> 'resource' = 'bucket/' || slug || '/*' AND b.b = ARRAY['s3://' || slug || '/x', 's3://' || slug || '/y'] AND c ->> 0 = 'arn:' || slug || ':x'"))
                .await,
            12,
            "{key}"
        );
    }
}

#[tokio::test]
async fn what_names_the_tenant_by_its_name_names_the_clone_by_its_own() {
    let db = discovered(
        "CREATE TABLE realm (id serial PRIMARY KEY, name text NOT NULL UNIQUE); INSERT INTO realm (name) VALUES ('alpha'), ('beta'), ('gamma');
         CREATE TABLE client (id serial PRIMARY KEY, realm_id int NOT NULL REFERENCES realm, url text, realm_name text);
         INSERT INTO client (realm_id, url, realm_name) SELECT r.id, '/realms/' || r.name || '/app' || i, r.name FROM realm r, generate_series(1, 12) i ORDER BY i, r.id",
        "realm",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db
        .clone_project("'2', 'Copy', options => '{\"verify\": true}'")
        .await;
    assert_eq!(
        db.text(&format!("SELECT string_agg(DISTINCT realm_name || left(url, 13), ' ') FROM client WHERE realm_id = {clone}")).await,
        "Copy/realms/Copy/"
    );
}

#[tokio::test]
async fn a_column_with_tenants_in_some_rows_has_no_tenant_in_the_others() {
    // The owner of a role is a realm or a client, and the roles of clients name no realm.
    let uuid = |word: &str| format!("md5('{word}' || i)::uuid::text");
    let db = discovered(
        &format!(
            "CREATE TABLE realm (id varchar(36) PRIMARY KEY, name text); INSERT INTO realm SELECT {realm}, 'r' || i FROM generate_series(0, 2) i;
             CREATE TABLE client (id varchar(36) PRIMARY KEY, realm_id varchar(36) NOT NULL REFERENCES realm); INSERT INTO client SELECT {client}, md5('realm' || i % 3)::uuid::text FROM generate_series(1, 15) i;
             CREATE TABLE role (id varchar(36) PRIMARY KEY, name text, owner_realm_or_client varchar(255), realm varchar(36) REFERENCES realm, realm_id varchar(255));
             INSERT INTO role SELECT {role}, 'n' || i, CASE WHEN i % 4 = 0 THEN md5('client' || 1 + i % 15)::uuid::text ELSE md5('realm' || (1 + i % 15) % 3)::uuid::text END, CASE WHEN i % 4 > 0 THEN md5('realm' || (1 + i % 15) % 3)::uuid::text END, md5('realm' || (1 + i % 15) % 3)::uuid::text FROM generate_series(1, 60) i",
            realm = uuid("realm"),
            client = uuid("client"),
            role = uuid("role")
        ),
        "realm",
    )
    .await;
    answer_all(&db, "answer").await;
    let source = db.text("SELECT md5('realm1')::uuid").await;
    let clone = db
        .clone_project(&format!("'{source}', options => '{{\"verify\": true}}'"))
        .await;
    assert_eq!(
        db.text(&format!("SELECT count(*) FILTER (WHERE r.owner_realm_or_client = '{clone}') || ' ' || count(c) FROM role r LEFT JOIN client c ON c.id = r.owner_realm_or_client AND c.realm_id = '{clone}' WHERE r.realm_id = '{clone}'")).await,
        "15 5"
    );
}
