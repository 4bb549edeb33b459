//! Targets that are no plain tables: partitioned, foreign, a view.

use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn a_partitioned_table_routes_its_rows() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE SCHEMA documents;
         CREATE TABLE documents.project (id uuid PRIMARY KEY, name text NOT NULL, owner text, content jsonb NOT NULL DEFAULT '{}',
             created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
         CREATE TABLE documents.resource (id uuid, project_id uuid NOT NULL REFERENCES documents.project, resource_type text NOT NULL, content jsonb NOT NULL,
             created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id, project_id)) PARTITION BY HASH (project_id);
         CREATE TABLE documents.resource_0 PARTITION OF documents.resource FOR VALUES WITH (MODULUS 3, REMAINDER 0);
         CREATE TABLE documents.resource_1 PARTITION OF documents.resource FOR VALUES WITH (MODULUS 3, REMAINDER 1);
         CREATE TABLE documents.resource_2 PARTITION OF documents.resource FOR VALUES WITH (MODULUS 3, REMAINDER 2);
         SELECT clone.store_create('documents', 'documents');
         INSERT INTO documents.project (id, name) VALUES ('11111111-1111-4111-8111-111111111111', 'P');
         INSERT INTO documents.resource SELECT md5('r' || n)::uuid, '11111111-1111-4111-8111-111111111111', 'Thing', jsonb_build_object('value', n, 'self', md5('r' || n)::uuid) FROM generate_series(1, 100) n",
    )
    .await;
    for _ in 0..6 {
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        assert_eq!(db.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{clone}' AND content->>'self' = id::text")).await, 100);
    }
    assert!(
        db.number("SELECT count(DISTINCT tableoid) FROM documents.resource")
            .await
            > 1,
        "more than one partition is filled"
    );
    assert!(
        db.text(&format!(
            "SELECT DISTINCT why FROM project_clone_plan('{PROJECT}') WHERE path = 'sql'"
        ))
        .await
        .contains("partitioned")
    );
}

#[tokio::test]
async fn a_view_with_an_instead_of_trigger_can_be_a_store() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE public.raw (id uuid PRIMARY KEY, tenant uuid, body text);
         CREATE TABLE public.tenant (id uuid PRIMARY KEY, name text);
         CREATE VIEW public.document AS SELECT id, tenant AS project, body::jsonb AS content FROM public.raw;
         CREATE FUNCTION public.put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.raw VALUES (NEW.id, NEW.project, NEW.content::text); RETURN NEW; END $$;
         CREATE TRIGGER put INSTEAD OF INSERT ON public.document FOR EACH ROW EXECUTE FUNCTION public.put();
         INSERT INTO public.tenant VALUES ('11111111-1111-4111-8111-111111111111', 'T');
         INSERT INTO public.raw SELECT md5('r' || n)::uuid, '11111111-1111-4111-8111-111111111111', jsonb_build_object('value', n, 'next', md5('r' || n % 10 + 1)::uuid) FROM generate_series(1, 10) n;
         SELECT clone.store_create('views', 'custom');
         SELECT clone.store_table('views', 'public.tenant', 'project');
         SELECT clone.store_table('views', 'public.document', 'resource', id_column => 'id', project_column => 'project', document_column => 'content')",
    )
    .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM public.document a JOIN public.document b ON b.id = (a.content->>'next')::uuid WHERE a.project = '{clone}' AND b.project = '{clone}'")).await,
        10
    );
}

#[tokio::test]
async fn a_foreign_table_can_be_the_target() {
    let db = with_observations(10).await;
    let other = Scratch::with_extension().await;
    other
        .run("CREATE TABLE public.note (id uuid PRIMARY KEY, project uuid NOT NULL, body text)")
        .await;
    let directory = pg_clone_tests::scratch_database::cluster()
        .await
        .directory()
        .display()
        .to_string();
    db.run(&format!(
        "CREATE EXTENSION postgres_fdw;
         CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{directory}', port '5432', dbname '{}');
         CREATE USER MAPPING FOR postgres SERVER elsewhere OPTIONS (user 'postgres');
         CREATE FOREIGN TABLE public.note (id uuid NOT NULL, project uuid NOT NULL, body text) SERVER elsewhere;
         INSERT INTO public.note SELECT md5('n' || n)::uuid, '{PROJECT}', 'see Patient/{PATIENT} and ' || md5('n' || n)::uuid FROM generate_series(1, 50) n;
         SELECT clone.store_table('documents', 'public.note', 'resource', id_column => 'id', project_column => 'project')",
        other.name
    ))
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "55000", "several snapshots: {failure:?}");
    assert!(
        failure.message.contains("public.note") && failure.hint.contains("REPEATABLE READ"),
        "{failure:?}"
    );
    db.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    db.run("COMMIT").await;
    let patient = db
        .text(&format!(
            "SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient'"
        ))
        .await;
    assert_eq!(
        other.number(&format!("SELECT count(*) FROM public.note WHERE project = '{clone}' AND body = 'see Patient/{patient} and ' || id")).await,
        50
    );
    db.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
    db.clone_project(&format!("'{PROJECT}'")).await;
    db.run("ROLLBACK").await;
    assert_eq!(other.number("SELECT count(*) FROM public.note").await, 100);
}
