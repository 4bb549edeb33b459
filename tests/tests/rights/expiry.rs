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

/// Whoever may call expire() must not choose what a name in the other role's triggers means.
#[tokio::test]
async fn names_in_triggers_are_not_those_of_whoever_calls_expire() {
    let db = with_observations(1).await;
    db.run(
        "DROP ROLE IF EXISTS expires_named, expires_shadow; CREATE ROLE expires_named LOGIN; CREATE ROLE expires_shadow LOGIN;
         SELECT clone.allow('expires_named'); GRANT USAGE ON SCHEMA documents TO expires_named; GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA documents TO expires_named;
         CREATE SCHEMA notes; CREATE TABLE notes.deleted (what text); GRANT USAGE ON SCHEMA notes TO expires_named; GRANT INSERT ON notes.deleted TO expires_named;
         CREATE TABLE public.stolen (what text); GRANT INSERT, SELECT ON public.stolen TO PUBLIC;
         CREATE FUNCTION public.remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM note_it(); INSERT INTO deleted VALUES (current_user); RETURN OLD; END $$;
         CREATE TRIGGER remember BEFORE DELETE ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.remember();
         CREATE FUNCTION notes.note_it() RETURNS void LANGUAGE sql AS 'SELECT';
         GRANT USAGE ON SCHEMA clone, clone_internal TO expires_shadow; GRANT EXECUTE ON FUNCTION clone.expire(text) TO expires_shadow;
         CREATE SCHEMA shadow AUTHORIZATION expires_shadow; GRANT USAGE ON SCHEMA shadow TO PUBLIC",
    )
    .await;
    db.run("DO $$ BEGIN EXECUTE format('ALTER ROLE expires_named IN DATABASE %I SET search_path = notes, public', current_database()); END $$")
        .await;
    let own = db.session_as("expires_named").await;
    own.clone_project(&format!(
        "'{PROJECT}', options => '{{\"expires_in\": \"1 second\"}}'"
    ))
    .await;
    let shadow = db.session_as("expires_shadow").await;
    shadow
        .run(
            "CREATE FUNCTION shadow.note_it() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.stolen VALUES (current_user) $$;
             SET search_path = shadow, public; CREATE TEMP TABLE deleted (what text); GRANT INSERT ON deleted TO PUBLIC;
             CREATE FUNCTION pg_temp.take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.stolen VALUES (current_user); RETURN NULL; END $$;
             CREATE TRIGGER take BEFORE INSERT ON deleted FOR EACH ROW EXECUTE FUNCTION pg_temp.take(); SELECT pg_sleep(1.1)",
        )
        .await;
    assert_eq!(
        shadow.list("SELECT concat(error) FROM clone.expire()").await,
        [""]
    );
    assert_eq!(db.list("SELECT what FROM stolen").await, Vec::<String>::new());
    assert_eq!(
        db.list("SELECT DISTINCT what FROM notes.deleted").await,
        ["expires_named"]
    );
    db.run("DROP OWNED BY expires_named, expires_shadow CASCADE; DROP ROLE expires_named, expires_shadow")
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

/// What the caller has deferred is the caller's: it does not run with the rights of the role whose clone expires.
#[tokio::test]
async fn deferred_triggers_of_whoever_calls_expire_run_with_their_own_rights() {
    let db = with_observations(1).await;
    db.run(
        "DROP ROLE IF EXISTS expires_low; CREATE ROLE expires_low LOGIN; SELECT clone.allow('expires_low'); GRANT EXECUTE ON FUNCTION clone.expire TO expires_low; GRANT CREATE ON SCHEMA public TO expires_low;
         CREATE TABLE public.seen (what text); GRANT INSERT ON public.seen TO PUBLIC",
    )
    .await;
    db.clone_project(&format!(
        "'{PROJECT}', options => '{{\"expires_in\": \"1 microsecond\"}}'"
    ))
    .await;
    let low = db.session_as("expires_low").await;
    low.run(
        "CREATE TABLE public.own (x int); CREATE FUNCTION public.seen_by() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER later AFTER INSERT ON public.own DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.seen_by();
         BEGIN; INSERT INTO public.own VALUES (1); SELECT clone.expire(); COMMIT",
    )
    .await;
    assert_eq!(db.list("SELECT what FROM seen").await, ["expires_low"]);
    assert_eq!(
        db.number("SELECT count(*) FROM clone.run WHERE deleted_at IS NULL")
            .await,
        0
    );
    db.run("DROP OWNED BY expires_low CASCADE; DROP ROLE expires_low")
        .await;
}
