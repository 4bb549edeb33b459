//! UUIDs, types and times in unique indexes: what names them follows, and nothing else is changed to make rows differ.

use crate::assert_verified;
use crate::description::{answer_all, discovered};

/// A polymorphic pair, an undeclared one to one reference, an event's public id beside its time.
const TABLES: &str = "CREATE TABLE tenant (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
    CREATE TABLE invoice (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenant); CREATE TABLE client (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenant);
    CREATE TABLE metadata (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenant, owner_type varchar NOT NULL, owner_id uuid NOT NULL, UNIQUE (owner_type, owner_id));
    CREATE TABLE cause (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL, \"parentId\" uuid UNIQUE);
    CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY, external_id uuid NOT NULL DEFAULT gen_random_uuid(), seen_at timestamptz NOT NULL DEFAULT now(), tenant_id uuid NOT NULL REFERENCES tenant, public_id uuid UNIQUE DEFAULT gen_random_uuid(), PRIMARY KEY (tenant_id, seen_at, id), UNIQUE (seen_at, external_id));
    CREATE TABLE task (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenant, by_external_id uuid, by_public_id uuid, doc jsonb);
    INSERT INTO tenant (name) VALUES ('A'), ('B'); INSERT INTO invoice (tenant_id) SELECT id FROM tenant, generate_series(1, 4); INSERT INTO client (tenant_id) SELECT id FROM tenant, generate_series(1, 4);
    INSERT INTO metadata (tenant_id, owner_type, owner_id) SELECT tenant_id, 'Invoice', id FROM invoice UNION ALL SELECT tenant_id, 'Client', id FROM client; INSERT INTO cause (tenant_id, \"parentId\") SELECT tenant_id, id FROM invoice;
    INSERT INTO event (tenant_id, seen_at) SELECT id, '2026-01-01'::timestamptz + g * interval '1 hour' FROM tenant, generate_series(1, 5) g; INSERT INTO event (tenant_id, public_id) SELECT id, NULL FROM tenant;
    INSERT INTO task (tenant_id, by_external_id, by_public_id, doc) SELECT tenant_id, external_id, public_id, jsonb_build_object('event', external_id, 'public', 'see ' || public_id) FROM event";

#[tokio::test]
async fn references_in_unique_indexes_follow_and_types_and_times_stay() {
    let db = discovered(TABLES, "tenant").await;
    answer_all(&db, "answer").await;
    let source = db.text("SELECT id FROM tenant WHERE name = 'A'").await;
    let clone = db.clone_project(&format!("'{source}', 'C'")).await;
    for (count, sql) in [
        (
            8,
            "SELECT count(*) FROM metadata m WHERE m.tenant_id = '$' AND CASE owner_type WHEN 'Invoice' THEN EXISTS (SELECT FROM invoice i WHERE i.id = owner_id AND i.tenant_id = m.tenant_id) WHEN 'Client' THEN EXISTS (SELECT FROM client i WHERE i.id = owner_id AND i.tenant_id = m.tenant_id) END",
        ),
        (
            4,
            "SELECT count(*) FROM cause c JOIN invoice i ON i.id = c.\"parentId\" AND i.tenant_id = c.tenant_id WHERE c.tenant_id = '$'",
        ),
        (
            6,
            "SELECT count(*) FROM task t JOIN event e ON e.external_id = t.by_external_id AND e.tenant_id = t.tenant_id AND e.public_id IS NOT DISTINCT FROM t.by_public_id AND t.doc->>'event' = e.external_id::text AND t.doc->>'public' IS NOT DISTINCT FROM 'see ' || e.public_id WHERE t.tenant_id = '$'",
        ),
        (
            5,
            "SELECT count(*) FROM event WHERE tenant_id = '$' AND seen_at < '2026-01-02'",
        ),
        (
            1,
            "SELECT count(*) FROM event WHERE tenant_id = '$' AND public_id IS NULL",
        ),
        (
            0,
            "SELECT count(*) FROM event e JOIN event s ON (s.external_id = e.external_id OR s.public_id = e.public_id) AND s.tenant_id <> e.tenant_id WHERE e.tenant_id = '$'",
        ),
    ] {
        assert_eq!(db.number(&sql.replace('$', &clone)).await, count, "{sql}");
    }
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn unique_texts_with_the_uuids_of_rows_are_rewritten_and_get_no_suffix() {
    let db = discovered(
        "CREATE TABLE tenant (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL); INSERT INTO tenant (name) VALUES ('A'), ('B');
         CREATE TABLE file (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenant, key text UNIQUE, url text UNIQUE, code text UNIQUE, doc jsonb);
         INSERT INTO file (tenant_id, code) SELECT id, name || n FROM tenant, generate_series(1, 3) n;
         UPDATE file SET key = 'up/' || id || '/x.png', url = 'https://x/' || upper(tenant_id::text) || '/' || replace(id::text, '-', ''), doc = jsonb_build_object('key', 'up/' || id || '/x.png')",
        "tenant",
    )
    .await;
    answer_all(&db, "answer").await;
    let source = db.text("SELECT id FROM tenant WHERE name = 'A'").await;
    let first = db.clone_project(&format!("'{source}', 'C'")).await;
    let second = db.clone_project(&format!("'{first}', 'CC'")).await;
    for clone in [&first, &second] {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM file WHERE tenant_id = '{clone}' AND key = 'up/' || id || '/x.png' AND doc ->> 'key' = key AND url = 'https://x/' || upper(tenant_id::text) || '/' || replace(id::text, '-', '') AND code LIKE 'A%-%'"
            ))
            .await,
            3
        );
        assert_verified(&db, clone).await;
    }
}

#[tokio::test]
async fn the_key_of_the_tenant_in_a_path_is_asked_about() {
    for unique in ["UNIQUE", ""] {
        let db = discovered(
            &format!(
                "CREATE TABLE tenant (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO tenant (name) VALUES ('A'), ('B'), ('C');
                 CREATE TABLE attachment (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant, path text {unique});
                 INSERT INTO attachment (tenant_id, path) SELECT id, 'media/' || id || '/' || 'c' || n || '/' || 'x' || md5(id || '-' || n) || '/pic.png' FROM tenant, generate_series(1, 30) n"
            ),
            "tenant",
        )
        .await;
        let questions = db
            .list("SELECT subject FROM clone.store_check('s') WHERE severity = 'error'")
            .await;
        assert_eq!(questions, ["public.attachment.path"], "{unique}");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', 'D'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM attachment WHERE tenant_id = {clone} AND path LIKE 'media/{clone}/%/pic.png'")).await,
            30,
            "{unique}"
        );
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn nothing_is_proposed_where_other_parts_are_numbers_of_tenants_too() {
    let db = discovered(
        "CREATE TABLE tenant (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO tenant (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE attachment (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant, path text UNIQUE);
         INSERT INTO attachment (tenant_id, path) SELECT id, id || '/' || substr(md5(n::text || id), 1, 2) || '/' || lpad((n % 5)::text, 2, '0') || '/' || md5(id || '-' || n) || '/pic.png' FROM tenant, generate_series(1, 30) n",
        "tenant",
    )
    .await;
    assert_eq!(
        db.list("SELECT subject || ' ' || COALESCE(answer, '-') FROM clone.store_check('s') WHERE severity = 'error'").await,
        ["public.attachment.path -"]
    );
}

#[tokio::test]
async fn of_a_key_of_several_texts_that_which_tells_rows_apart_changes() {
    for key in [
        "PRIMARY KEY (path, method)",
        "PRIMARY KEY (method, path)",
        "UNIQUE (method, path)",
        "UNIQUE (path, method)",
    ] {
        let db = discovered(
            &format!(
                "CREATE TABLE tenant (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO tenant (name) VALUES ('A'), ('B'), ('C');
                 CREATE TABLE flow (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant); INSERT INTO flow (tenant_id) SELECT id FROM tenant, generate_series(1, 10);
                 CREATE TABLE hook (path text NOT NULL, method text NOT NULL, flow_id int NOT NULL REFERENCES flow, {key});
                 INSERT INTO hook SELECT 'hook' || chr(64 + id), CASE WHEN id % 2 = 0 THEN 'GET' ELSE 'POST' END, id FROM flow"
            ),
            "tenant",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', 'D'").await;
        assert_eq!(
            db.list("SELECT DISTINCT method FROM hook ORDER BY 1").await,
            ["GET", "POST"],
            "{key}"
        );
        assert_eq!(
            db.number("SELECT count(DISTINCT path) FROM hook").await,
            40,
            "{key}"
        );
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn of_unique_texts_only_those_without_an_id_get_a_suffix() {
    let db = discovered(
        "CREATE TABLE tenant (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL); INSERT INTO tenant (name) VALUES ('A'), ('B');
         CREATE TABLE file (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenant, path text UNIQUE, n int, doc jsonb);
         INSERT INTO file (tenant_id, n) SELECT id, n FROM tenant, generate_series(1, 4) n; UPDATE file SET path = CASE n % 2 WHEN 0 THEN id || '.png' ELSE 'plain' || left(id::text, 8) END;
         UPDATE file SET doc = jsonb_build_object('of', path) WHERE n % 2 = 0",
        "tenant",
    )
    .await;
    answer_all(&db, "answer").await;
    let source = db.text("SELECT id FROM tenant WHERE name = 'A'").await;
    let mut clone = db
        .clone_project(&format!("'{source}', 'C', options => '{{\"verify\": true}}'"))
        .await;
    let right = "SELECT count(*) FROM file WHERE tenant_id = '$' AND CASE n % 2 WHEN 0 THEN path = id || '.png' AND doc->>'of' = path ELSE path ~ '^plain[0-9a-f]{8}-[0-9a-z]+' END";
    assert_eq!(db.number(&right.replace('$', &clone)).await, 4);
    for _ in 0..2 {
        let paths = db
            .list(&format!(
                "SELECT path FROM file WHERE tenant_id = '{clone}' AND n % 2 = 1 ORDER BY n"
            ))
            .await;
        clone = db
            .clone_project(&format!(
                "'{source}', 'C', options => '{{\"replace\": \"{clone}\", \"verify\": true}}'"
            ))
            .await;
        assert_eq!(db.number(&right.replace('$', &clone)).await, 4, "{paths:?}");
    }
}
