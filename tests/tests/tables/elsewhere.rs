//! Where the rows of a table are stored: children, views, another engine.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn rows_of_child_tables_are_cloned_into_child_tables() {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE item (id uuid PRIMARY KEY, org_id uuid REFERENCES org, title text);
         CREATE TABLE book (pages int, PRIMARY KEY (id)) INHERITS (item);
         INSERT INTO org VALUES ('{PROJECT}', 'O');
         INSERT INTO book SELECT md5('b' || n)::uuid, '{PROJECT}', 'book ' || n, n FROM generate_series(1, 150) n;
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id')"
    ))
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure.message.contains("public.book") && failure.hint.contains("store_table"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_table('s', 'book', 'resource', project_column => 'org_id')")
        .await;
    for (bulk, own) in [("on", 0), ("off", 0), ("on", 2), ("off", 2)] {
        db.run(&format!(
            "SET pg_clone.bulk = {bulk}; DELETE FROM ONLY item; INSERT INTO item SELECT md5('i' || n)::uuid, '{PROJECT}', 'item' FROM generate_series(1, {own}) n"
        ))
        .await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        let count = async |from: &str| {
            db.number(&format!("SELECT count(*) FROM {from} WHERE org_id = '{clone}'"))
                .await
        };
        assert_eq!((count("ONLY item").await, count("book").await), (own, 150));
        assert_eq!(
            db.number(&format!("SELECT sum(pages) FROM book WHERE org_id = '{clone}'"))
                .await,
            150 * 151 / 2
        );
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM project_clone_verify('{clone}') WHERE NOT ok"
            ))
            .await,
            0
        );
        let deleted = db.json(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(deleted["rows"], 151 + own, "{deleted}");
        assert_eq!(db.number("SELECT count(*) FROM book").await, 150);
    }
}

#[tokio::test]
async fn row_security_below_a_view_is_refused() {
    let db = with_observations(3).await;
    db.run(
        "DROP ROLE IF EXISTS below_view; CREATE ROLE below_view LOGIN;
         CREATE TABLE public.note (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), project_id uuid, text text);
         INSERT INTO public.note (project_id, text) SELECT '11111111-1111-4111-8111-111111111111', t FROM unnest('{a,b,hidden}'::text[]) t;
         ALTER TABLE public.note ENABLE ROW LEVEL SECURITY;
         CREATE POLICY hide ON public.note USING (text <> 'hidden');
         CREATE VIEW public.notes WITH (security_invoker) AS SELECT * FROM public.note;
         GRANT ALL ON documents.project, documents.resource, public.note, public.notes TO below_view;
         GRANT USAGE ON SCHEMA documents, public TO below_view;
         SELECT clone.store_table('documents', 'public.notes', 'resource', id_column => 'id', project_column => 'project_id');
         SELECT clone.allow('below_view')",
    )
    .await;
    let session = db.session_as("below_view").await;
    let failure = session.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "0A000", "{failure:?}");
    assert!(
        failure.message.contains("public.notes") && failure.detail.contains("note"),
        "{failure:?}"
    );
    // A role that sees all rows may.
    db.run("ALTER ROLE below_view BYPASSRLS").await;
    let clone = session.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM public.note WHERE project_id = '{clone}'"
        ))
        .await,
        3
    );
    db.run("DROP OWNED BY below_view").await;
}

#[tokio::test]
async fn a_foreign_table_below_a_parent_needs_one_snapshot_for_all_statements() {
    for below in [
        "CREATE TABLE item (id uuid, org_id uuid, kind text) PARTITION BY LIST (kind);
         CREATE TABLE middle PARTITION OF item FOR VALUES IN ('a', 'b') PARTITION BY LIST (kind);
         CREATE FOREIGN TABLE far_item PARTITION OF middle FOR VALUES IN ('a') SERVER loop OPTIONS (schema_name 'far', table_name 'item');
         SELECT clone.store_table('s', 'item', 'resource', id_column => 'id', project_column => 'org_id')",
        "CREATE TABLE item (id uuid, org_id uuid, kind text);
         CREATE FOREIGN TABLE far_item () INHERITS (item) SERVER loop OPTIONS (schema_name 'far', table_name 'item');
         SELECT clone.store_table('s', 'item', 'resource', id_column => 'id', project_column => 'org_id');
         SELECT clone.store_table('s', 'far_item', 'resource', id_column => 'id', project_column => 'org_id')",
        "CREATE FOREIGN TABLE far_item (id uuid, org_id uuid, kind text) SERVER loop OPTIONS (schema_name 'far', table_name 'item');
         CREATE VIEW item AS SELECT * FROM far_item;
         SELECT clone.store_table('s', 'item', 'resource', id_column => 'id', project_column => 'org_id')",
    ] {
        let db = Scratch::with_extension().await;
        db.run(&format!(
            "CREATE EXTENSION postgres_fdw;
             DO $$ BEGIN EXECUTE format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
                 current_database(), (string_to_array(current_setting('unix_socket_directories'), ','))[1], current_setting('port')); END $$;
             CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
             CREATE SCHEMA far; CREATE TABLE far.item (number serial, id uuid PRIMARY KEY, org_id uuid, kind text);
             CREATE TABLE org (id uuid PRIMARY KEY, name text); INSERT INTO org VALUES ('{PROJECT}', 'O');
             INSERT INTO far.item (id, org_id, kind) SELECT md5('i' || n)::uuid, '{PROJECT}', 'a' FROM generate_series(1, 30) n;
             SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project'); {below}"
        ))
        .await;
        let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
        assert_eq!(failure.code, "55000", "{below}: {failure:?}");
        assert!(
            failure.message.starts_with("the rows of ") && failure.message.ends_with(" are not stored in this server"),
            "{failure:?}"
        );
        assert!(failure.hint.contains("REPEATABLE READ"), "{failure:?}");
        db.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        db.run("COMMIT").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM far.item WHERE org_id = '{clone}'"))
                .await,
            30,
            "{below}"
        );
    }
}
