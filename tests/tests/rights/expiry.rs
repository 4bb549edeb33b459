//! `clone.expire()` runs the triggers of the store's tables with the rights of the role that let the clone expire.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};

#[tokio::test]
async fn a_trigger_cannot_become_whoever_calls_expire() {
    let db = with_observations(3).await;
    db.run(
        "DROP ROLE IF EXISTS expires_own, expires_trap; CREATE ROLE expires_own LOGIN; CREATE ROLE expires_trap LOGIN;
         SELECT clone.allow('expires_own'); GRANT USAGE ON SCHEMA documents TO expires_own, expires_trap;
         GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA documents TO expires_own;
         GRANT TRIGGER ON documents.resource TO expires_trap; GRANT CREATE ON SCHEMA public TO expires_trap;
         CREATE TABLE public.seen (what text); GRANT INSERT ON public.seen TO PUBLIC",
    )
    .await;
    let own = db.session_as("expires_own").await;
    let clone = own
        .clone_project(&format!(
            "'{PROJECT}', options => '{{\"expires_in\": \"1 second\"}}'"
        ))
        .await;
    let trap = db.session_as("expires_trap").await;
    trap.run(
        "CREATE FUNCTION public.climb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO public.seen VALUES (current_user);
             BEGIN RESET ROLE; EXCEPTION WHEN OTHERS THEN NULL; END;
             BEGIN ALTER ROLE expires_trap SUPERUSER; EXCEPTION WHEN OTHERS THEN NULL; END;
             RETURN OLD; END $$;
         CREATE TRIGGER climb BEFORE DELETE ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.climb()",
    )
    .await;
    db.run("SELECT pg_sleep(1.1)").await;
    assert_eq!(
        db.rows("SELECT project, error FROM clone.expire()").await,
        [[Some(clone), None]]
    );
    assert_eq!(db.list("SELECT DISTINCT what FROM seen").await, ["expires_own"]);
    assert_eq!(
        db.text("SELECT rolsuper FROM pg_roles WHERE rolname = 'expires_trap'")
            .await,
        "f"
    );
    db.run("DROP OWNED BY expires_own, expires_trap CASCADE; DROP ROLE expires_own, expires_trap")
        .await;
}

#[tokio::test]
async fn a_role_that_may_delete_sets_the_expiry_and_a_clone_of_a_dropped_role_can_be_deleted() {
    let db = with_observations(1).await;
    db.run(
        "DROP ROLE IF EXISTS expires_gone; CREATE ROLE expires_gone LOGIN; SELECT clone.allow('expires_gone');
         GRANT USAGE ON SCHEMA documents TO expires_gone; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA documents TO expires_gone",
    )
    .await;
    let gone = db.session_as("expires_gone").await;
    let clone = gone.clone_project(&format!("'{PROJECT}'")).await;
    let call = format!("SELECT clone.set_expiry('{clone}', interval '1 microsecond')");
    let failure = gone.fails(&call).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    assert!(
        failure.hint.contains("GRANT DELETE ON documents.project"),
        "{failure:?}"
    );
    db.run("GRANT DELETE ON ALL TABLES IN SCHEMA documents TO expires_gone")
        .await;
    gone.run(&call).await;
    drop(gone);
    db.run("DROP OWNED BY expires_gone; DROP ROLE expires_gone").await;
    for _ in 0..2 {
        let error = db.text("SELECT error FROM clone.expire()").await;
        assert!(
            error.contains("role \"expires_gone\"")
                && error.contains(&format!("project_delete('{clone}', 'documents')"))
                && error.contains(&format!("clone.set_expiry('{clone}', interval")),
            "{error}"
        );
    }
    // The second of the two ways.
    db.run(&format!(
        "SELECT clone.set_expiry('{clone}', interval '0.001 s', store => 'documents'); SELECT pg_sleep(0.01)"
    ))
    .await;
    assert_eq!(
        db.rows("SELECT project, error FROM clone.expire()").await,
        [[Some(clone), None]]
    );
}
