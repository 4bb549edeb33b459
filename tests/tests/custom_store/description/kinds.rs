//! Discovery of structures of applications that constraints describe only in part.

use crate::{assert_verified, contents};
use pg_clone_tests::scratch_database::Scratch;

const ORG: &str = "a0000000-0000-4000-8000-000000000011";
const ORGS: &str = "CREATE TABLE org (id uuid PRIMARY KEY, name text);
    INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000011', 'Ours'), ('b0000000-0000-4000-8000-000000000011', 'Theirs');";

/// Discovers the tables; no question may stay that stops a clone.
async fn discovered(tables: &str) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!("{ORGS}{tables}")).await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')")
        .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE severity = 'error'")
            .await,
        Vec::<String>::new()
    );
    db
}

/// Clones, verifies, compares what a query says of both, deletes, compares the tables.
async fn round_trip(db: &Scratch, tables: &[&str], query: &str) {
    let before = contents(db, tables).await;
    let expected = db.list(&query.replace("$1", &format!("'{ORG}'"))).await;
    assert!(!expected.is_empty());
    let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    assert_verified(db, &clone).await;
    assert_eq!(
        db.list(&query.replace("$1", &format!("'{clone}'"))).await,
        expected
    );
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(db, tables).await, before);
}

#[tokio::test]
async fn what_a_table_refers_to_says_whose_its_rows_are_before_what_refers_to_it() {
    let db = discovered(
        "CREATE TABLE envelope (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE recipient (id bigserial PRIMARY KEY, envelope_id bigint NOT NULL REFERENCES envelope, name text);
         CREATE TABLE session (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, recipient_id bigint UNIQUE REFERENCES recipient);
         INSERT INTO envelope (org_id) SELECT id FROM org; INSERT INTO recipient (envelope_id, name) SELECT id, n FROM envelope, unnest('{Ada,Bob}'::text[]) n;
         INSERT INTO session (org_id, recipient_id) SELECT e.org_id, min(r.id) FROM recipient r JOIN envelope e ON e.id = r.envelope_id GROUP BY 1;",
    )
    .await;
    round_trip(&db, &["envelope", "recipient", "session"], "SELECT r.name || count(s.id) FROM recipient r JOIN envelope e ON e.id = r.envelope_id LEFT JOIN session s ON s.recipient_id = r.id AND s.org_id = e.org_id WHERE e.org_id = $1 GROUP BY r.id ORDER BY 1").await;
}

#[tokio::test]
async fn rows_that_a_nullable_key_does_not_tie_belong_to_the_row_that_owns_them() {
    let db = discovered(
        "CREATE TABLE mail (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE settings (id bigserial PRIMARY KEY, mail_id bigint REFERENCES mail, color text);
         CREATE TABLE team (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, settings_id bigint NOT NULL UNIQUE REFERENCES settings);
         INSERT INTO mail (org_id) SELECT id FROM org; INSERT INTO settings (mail_id, color) VALUES (1, 'red'), (NULL, 'blue'), (2, 'x'), (NULL, 'y');
         INSERT INTO team (org_id, settings_id) SELECT id, CASE name WHEN 'Ours' THEN s ELSE s + 2 END FROM org, generate_series(1, 2) s;",
    )
    .await;
    round_trip(&db, &["mail", "settings", "team"], "SELECT s.color || (s.mail_id IS NULL) FROM team t JOIN settings s ON s.id = t.settings_id WHERE t.org_id = $1 ORDER BY 1").await;
}

#[tokio::test]
async fn a_counter_in_a_key_of_columns_without_constraints_is_no_key() {
    let db = discovered(
        "CREATE TABLE v1_task (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id uuid NOT NULL);
         CREATE TABLE v1_runtime (task_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT '2026-01-01', retry_count int NOT NULL, org_id uuid NOT NULL, note text, PRIMARY KEY (task_id, at, retry_count));
         INSERT INTO v1_task (org_id) SELECT id FROM org, generate_series(1, 3); INSERT INTO v1_runtime (task_id, retry_count, org_id, note) SELECT id, n, org_id, 'n' || n FROM v1_task, generate_series(0, 1) n;",
    )
    .await;
    round_trip(&db, &["v1_task", "v1_runtime"], "SELECT r.note || count(*) FROM v1_runtime r JOIN v1_task t ON t.id = r.task_id AND t.org_id = r.org_id WHERE r.org_id = $1 GROUP BY r.note ORDER BY 1").await;
}

#[tokio::test]
async fn unique_values_beside_references_without_a_key_and_of_any_type() {
    let db = discovered(
        "CREATE TABLE invoice (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE intent (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, invoice_id uuid NOT NULL, status int NOT NULL DEFAULT 0);
         CREATE UNIQUE INDEX ON intent (invoice_id, status) WHERE status = 0;
         CREATE TABLE record (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, key bytea NOT NULL UNIQUE);
         INSERT INTO invoice (org_id) SELECT id FROM org, generate_series(1, 2); INSERT INTO intent (org_id, invoice_id, status) SELECT org_id, id, s FROM invoice, unnest('{0,3}'::int[]) s;
         INSERT INTO record (org_id, key) SELECT id, sha256(id::text::bytea) FROM org;",
    )
    .await;
    round_trip(&db, &["invoice", "intent", "record"], "SELECT i.status || '|' || count(v.id) || '|' || (SELECT max(length(key)) FROM record r WHERE r.org_id = $1::uuid) FROM intent i LEFT JOIN invoice v ON v.id = i.invoice_id AND v.org_id = i.org_id WHERE i.org_id = $1 GROUP BY i.status ORDER BY 1").await;
}

#[tokio::test]
async fn keys_of_generators_in_documents_are_references() {
    let db = discovered(
        "CREATE TABLE trace (id text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, doc jsonb); CREATE TABLE score (id text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, raw json);
         INSERT INTO trace SELECT 'c' || substr(md5(o.name || n), 1, 24), o.id FROM org o, generate_series(1, 3) n; INSERT INTO score SELECT 'c' || substr(md5(o.name || 's' || n), 1, 24), o.id FROM org o, generate_series(1, 3) n;
         INSERT INTO score VALUES ('default', (SELECT id FROM org WHERE name = 'Theirs'), NULL);
         UPDATE trace t SET doc = jsonb_build_object('a', jsonb_build_object('deep', ARRAY[(SELECT min(id) FROM score s WHERE s.org_id = t.org_id)]), 'me', id, 'word', 'default');
         UPDATE score s SET raw = json_build_object('of', (SELECT min(id) FROM trace t WHERE t.org_id = s.org_id)) WHERE id <> 'default';",
    )
    .await;
    round_trip(&db, &["trace", "score"], "SELECT count(s.id) || '|' || count(t.doc->>'me' = t.id OR NULL) || '|' || min(t.doc->>'word') FROM trace t LEFT JOIN score s ON s.id = t.doc#>>'{a,deep,0}' AND s.org_id = t.org_id WHERE t.org_id = $1
         UNION ALL SELECT count(t.id) || '' FROM score s JOIN trace t ON t.id = s.raw->>'of' AND t.org_id = s.org_id WHERE s.org_id = $1").await;
}

#[tokio::test]
async fn a_table_without_a_primary_key_has_a_key_all_the_same() {
    let db = discovered(
        "CREATE TABLE media (id text NOT NULL, org_id uuid NOT NULL REFERENCES org, url text, UNIQUE (org_id, id));
         CREATE TABLE use (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, media_id text NOT NULL);
         CREATE TABLE event (id uuid NOT NULL DEFAULT gen_random_uuid(), org_id uuid NOT NULL, at date NOT NULL) PARTITION BY RANGE (at); CREATE TABLE event_all PARTITION OF event DEFAULT;
         CREATE TABLE charge (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, event_id uuid NOT NULL);
         INSERT INTO media SELECT 'm' || n, id, name || n FROM org, generate_series(1, 3) n; INSERT INTO use (org_id, media_id) SELECT org_id, id FROM media;
         INSERT INTO event (org_id, at) SELECT id, '2026-01-01' FROM org; INSERT INTO charge (org_id, event_id) SELECT org_id, id FROM event;",
    )
    .await;
    round_trip(&db, &["media", "use", "event", "charge"], "SELECT u.media_id || '|' || m.url FROM use u JOIN media m ON m.id = u.media_id AND m.org_id = u.org_id WHERE u.org_id = $1
         UNION ALL SELECT count(e.id) || '' FROM charge c LEFT JOIN event e ON e.id = c.event_id AND e.org_id = c.org_id WHERE c.org_id = $1 ORDER BY 1").await;
}

#[tokio::test]
async fn a_table_that_is_taken_out_leaves_nothing_in_the_catalog() {
    let db = discovered(
        "CREATE TABLE label (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org); CREATE TABLE page (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, label_id bigint);
         INSERT INTO label (org_id) SELECT id FROM org; INSERT INTO page (org_id, label_id) SELECT org_id, id FROM label;",
    )
    .await;
    assert_eq!(db.number("SELECT count(*) FROM clone.store_reference").await, 1);
    db.run("SELECT clone.store_belongs('s', 'page', '{label_id}', 'label'); SELECT clone.store_remove_table('s', 'label')").await;
    assert_eq!(
        db.number("SELECT (SELECT count(*) FROM clone.store_reference) + (SELECT count(*) FROM clone.store_membership)").await,
        0
    );
}

#[tokio::test]
async fn objects_that_say_the_type_of_a_shared_table_and_pairs_of_other_things_are_no_references() {
    let db = Scratch::with_extension().await;
    db.run(ORGS).await;
    db.run("CREATE TABLE country (id bigserial PRIMARY KEY, name text); INSERT INTO country (name) VALUES ('CH'), ('UY');
        CREATE TABLE note (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, place jsonb, template_type text, template_id bigint);
        INSERT INTO note (org_id, place, template_type, template_id) SELECT id, '{\"about\": {\"type\": \"country\", \"id\": 1}}', 'PUBLIC', 1 FROM org;
        SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')").await;
    let open = db
        .list("SELECT question || ' ' || answer FROM clone.store_check('s') WHERE severity <> 'note'")
        .await;
    assert_eq!(
        open,
        [
            "public.note.template_id with template_type looks like a reference to a row of one of several tables, and no type in the data names one SELECT clone.store_column('s', 'public.note', 'template_id', 'keep');"
        ]
    );
    db.run("SELECT clone.store_column('s', 'note', 'template_id', 'keep')")
        .await;
    round_trip(
        &db,
        &["note", "country"],
        "SELECT concat_ws('|', place, template_id) FROM note WHERE org_id = $1",
    )
    .await;
}

#[tokio::test]
async fn types_of_a_pair_that_name_no_table_are_asked_about_before_a_clone_is_refused() {
    let db = Scratch::with_extension().await;
    db.run(ORGS).await;
    db.run("CREATE TABLE prompt (id text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
        CREATE TABLE remark (id text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, object_type text, object_id text, number_type text, number_id bigint);
        INSERT INTO prompt SELECT 'p' || n, id FROM org, generate_series(1, 2) n WHERE name = 'Ours';
        INSERT INTO remark SELECT 'r' || n, id, (ARRAY['PROMPT', 'TRACE'])[n], 'p' || n, 'PROMPT', n FROM org, generate_series(1, 2) n WHERE name = 'Ours';
        SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')").await;
    let open = "SELECT question || ' ' || answer FROM clone.store_check('s') WHERE severity = 'error'";
    assert_eq!(
        db.list(open).await,
        [
            "public.remark.number_id with number_type looks like a reference to a row of one of several tables, and no type in the data names one SELECT clone.store_column('s', 'public.remark', 'number_id', 'keep');",
            "public.remark.object_id names rows of the types TRACE, which no reference declares: do these values stay? SELECT clone.store_column('s', 'public.remark', 'object_id', 'keep');"
        ]
    );
    let refused = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert!(
        refused.code == "55000" && refused.hint.contains("'keep'"),
        "{refused:?}"
    );
    db.run(
        "SELECT clone.store_column('s', 'remark', c, 'keep') FROM unnest('{number_id,object_id}'::name[]) c",
    )
    .await;
    assert_eq!(db.list(open).await, Vec::<String>::new());
    round_trip(&db, &["prompt", "remark"], "SELECT concat_ws('|', object_type, number_id, CASE object_type WHEN 'PROMPT' THEN EXISTS (SELECT FROM prompt p WHERE p.id = r.object_id AND p.org_id = r.org_id)::text ELSE object_id END) FROM remark r WHERE org_id = $1 ORDER BY 1").await;
}

#[tokio::test]
async fn columns_that_name_shared_users_are_no_references_to_link_tables_and_pairs_make_values_unique() {
    let db = discovered(
        "CREATE TABLE users (id bigserial PRIMARY KEY, name text); INSERT INTO users (name) VALUES ('Ada'), ('Bob');
         CREATE TABLE app (id bigserial PRIMARY KEY); INSERT INTO app DEFAULT VALUES;
         CREATE TABLE org_users (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, user_id bigint NOT NULL);
         CREATE TABLE deal (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, user_id bigint, assignee_id bigint);
         CREATE TABLE permit (id bigserial PRIMARY KEY, app_id bigint NOT NULL, permissible_type text, permissible_id bigint, UNIQUE (app_id, permissible_type, permissible_id));
         CREATE TABLE portal (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, display_id int); CREATE TABLE portal_members (portal_id bigint NOT NULL, user_id bigint NOT NULL, UNIQUE (portal_id, user_id));
         INSERT INTO portal (org_id, display_id) SELECT id, 1 FROM org; INSERT INTO portal_members SELECT id, n FROM portal, generate_series(1, 2) n;
         INSERT INTO org_users (org_id, user_id) SELECT id, n FROM org, generate_series(1, 2) n; INSERT INTO deal (org_id, user_id, assignee_id) SELECT id, 1, 2 FROM org;
         INSERT INTO permit (app_id, permissible_type, permissible_id) SELECT 1, 'Deal', id FROM deal;",
    )
    .await;
    round_trip(&db, &["users", "app", "org_users", "deal", "permit", "portal_members"], "SELECT concat_ws('|', d.user_id, d.assignee_id, (SELECT string_agg(u.user_id::text, ',' ORDER BY u.user_id) FROM org_users u WHERE u.org_id = d.org_id), (SELECT count(*) FROM permit p WHERE p.permissible_id = d.id), (SELECT count(*) FROM portal_members m JOIN portal p ON p.id = m.portal_id WHERE p.org_id = d.org_id AND display_id = 1)) FROM deal d WHERE d.org_id = $1").await;
}
