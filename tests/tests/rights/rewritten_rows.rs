//! `clone_internal.rewritten_rows` works only in the statement of a run, and only with the types that the statement requests.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Scratch, Session};

/// A role that may clone and may put triggers on the store's tables.
async fn attacker(db: &Scratch, role: &str) -> Session {
    db.run(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; SELECT clone.allow('{role}');
         GRANT USAGE ON SCHEMA documents TO {role}; GRANT SELECT, INSERT, TRIGGER ON ALL TABLES IN SCHEMA documents TO {role};
         GRANT CREATE ON SCHEMA public TO {role};
         CREATE TABLE public.seen (what text); GRANT ALL ON public.seen TO PUBLIC"
    ))
    .await;
    db.session_as(role).await
}

/// What a trigger tries while the run is inside its own statement.
fn trigger(when: &str, level: &str, attempts: &str) -> String {
    format!(
        "CREATE FUNCTION public.peek() RETURNS trigger LANGUAGE plpgsql AS $$
         DECLARE r record; context text; token text; BEGIN
             {attempts}
             IF TG_OP = 'INSERT' AND TG_LEVEL = 'ROW' THEN RETURN NEW; END IF; RETURN NULL;
         END $$;
         CREATE TRIGGER peek {when} INSERT ON documents.resource FOR EACH {level} EXECUTE FUNCTION public.peek()"
    )
}

const WRONG_TYPES: &str =
    "id uuid, project_id uuid, resource_type bigint, content jsonb, created_at bytea, updated_at timestamptz";

#[tokio::test]
async fn a_trigger_within_the_run_gets_no_row_and_no_memory() {
    // The statement's text shows in the context of an error; its parameter, which is what counts, does not.
    let attempts = format!(
        "GET DIAGNOSTICS context = PG_CONTEXT;
         token := substring(context || current_query() from '[0-9a-f]{{8}}-[0-9a-f-]{{27}}');
         INSERT INTO public.seen SELECT 'a token: ' || token WHERE token <> '{PROJECT}';
         FOREACH token IN ARRAY ARRAY[COALESCE(token, gen_random_uuid()::text), gen_random_uuid()::text] LOOP
         BEGIN
             FOR r IN SELECT * FROM clone_internal.rewritten_rows(token::uuid) AS e ({WRONG_TYPES}) LOOP
                 INSERT INTO public.seen VALUES (r::text);
             END LOOP;
             INSERT INTO public.seen VALUES ('called');
         EXCEPTION WHEN insufficient_privilege THEN NULL;
         END; END LOOP;"
    );
    for (number, (when, level)) in [("BEFORE", "STATEMENT"), ("BEFORE", "ROW"), ("AFTER", "STATEMENT")]
        .into_iter()
        .enumerate()
    {
        let db = with_observations(20).await;
        let role = format!("peeker_{number}");
        let session = attacker(&db, &role).await;
        session.run(&trigger(when, level, &attempts)).await;
        let clone = session.clone_project(&format!("'{PROJECT}'")).await;
        assert_eq!(db.list("SELECT what FROM seen").await, [""; 0], "{when} {level}");
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
            ))
            .await,
            23
        );
        db.run(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"))
            .await;
    }
}

#[tokio::test]
async fn a_clone_within_the_trigger_of_a_clone_takes_nobodys_place() {
    let db = with_observations(20).await;
    let session = attacker(&db, "nester").await;
    session
        .run(&trigger(
            "BEFORE",
            "STATEMENT",
            &format!(
                "IF NOT EXISTS (SELECT FROM public.seen) THEN
                     INSERT INTO public.seen VALUES ('not yet');
                     UPDATE public.seen SET what = public.project_clone('{PROJECT}', 'inner') OPERATOR(pg_catalog.->>) 'id';
                 END IF;"
            ),
        ))
        .await;
    let outer = session.clone_project(&format!("'{PROJECT}', 'outer'")).await;
    let inner = db.text("SELECT what FROM seen").await;
    for clone in [outer, inner] {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
            ))
            .await,
            23
        );
    }
    db.run("DROP OWNED BY nester CASCADE; DROP ROLE nester").await;
}

#[tokio::test]
async fn a_rule_that_swallows_the_rows_is_no_success() {
    let db = with_observations(3).await;
    db.run("CREATE RULE nothing AS ON INSERT TO documents.resource DO INSTEAD NOTHING")
        .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "0A000", "{failure:?}");
    assert!(failure.message.contains("documents.resource"), "{failure:?}");
}

#[tokio::test]
async fn an_allowed_role_can_call_no_internal_function() {
    let db = with_observations(1).await;
    let session = attacker(&db, "outsider").await;
    let functions = session
        .list(
            "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname = 'clone_internal' AND has_function_privilege(p.oid, 'EXECUTE')",
        )
        .await;
    assert_eq!(functions, ["clone_internal.rewritten_rows(uuid)"]);
    let failure = session
        .fails(&format!(
            "SELECT * FROM clone_internal.rewritten_rows('{PROJECT}') AS e (id bigint)"
        ))
        .await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    db.run("CREATE ROLE nobody_at_all LOGIN").await;
    let nobody = db.session_as("nobody_at_all").await;
    assert_eq!(
        nobody
            .text("SELECT has_schema_privilege('clone_internal', 'USAGE')")
            .await,
        "f"
    );
    db.run("DROP OWNED BY outsider CASCADE; DROP ROLE outsider, nobody_at_all")
        .await;
}
