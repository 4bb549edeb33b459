//! The actor of a call, and which roles may set it.

use crate::fixture::*;

const CLONE: &str = "SELECT item_clone('10378.1/102')->>'owner_username'";

#[tokio::test]
async fn the_argument_wins_over_the_setting_and_the_setting_over_the_database_user() {
    let reg = with_items().await;
    assert_eq!(reg.json(CLONE).await, "postgres");
    reg.run("SET pg_clone.actor = 'bob'").await;
    assert_eq!(reg.json(CLONE).await, "bob");
    assert_eq!(
        reg.json("item_clone('10378.1/102', actor => 'ada')->>'owner_username'")
            .await,
        "ada"
    );
    reg.run("SET pg_clone.actor = ''").await;
    assert_eq!(reg.json(CLONE).await, "postgres");
    assert_eq!(
        reg.failure("SELECT item_clone('10378.1/102', actor => '')")
            .await
            .code,
        "22023"
    );
}

#[tokio::test]
async fn an_untrusted_role_is_itself_and_cannot_name_another() {
    let reg = with_items().await;
    reg.run("INSERT INTO reg.user_role VALUES ('plain', 'registry-read'), ('plain', 'registry-write'); SET ROLE plain").await;
    assert_eq!(
        reg.json("item_clone('10378.1/102')->>'owner_username'").await,
        "plain"
    );
    assert_eq!(
        reg.json("item_clone('10378.1/102', actor => 'plain')->>'owner_username'")
            .await,
        "plain"
    );
    let refused = reg
        .failure("SELECT item_clone('10378.1/102', actor => 'ada')")
        .await;
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("42501", "role \"plain\" may not act for \"ada\"")
    );
    assert!(
        refused
            .hint
            .ends_with("GRANT SET ON PARAMETER pg_clone.actor TO \"plain\";"),
        "{}",
        refused.hint
    );
    assert_eq!(
        reg.failure("SELECT item_clone_draft('10378.1/102', actor => 'ada')")
            .await
            .code,
        "42501"
    );
    assert_eq!(
        reg.failure("SELECT items_clone('{10378.1/102}', actor => 'ada')")
            .await
            .code,
        "42501"
    );
}

#[tokio::test]
async fn an_untrusted_role_cannot_set_the_actor_either() {
    let reg = with_items().await;
    reg.run("INSERT INTO reg.user_role VALUES ('plain', 'registry-read'), ('plain', 'registry-write'); LOAD 'pg_clone_ext'; SET ROLE plain")
        .await;
    assert_eq!(reg.failure("SET pg_clone.actor = 'ada'").await.code, "42501");
    assert_eq!(
        reg.failure("SELECT set_config('pg_clone.actor', 'ada', true)")
            .await
            .code,
        "42501"
    );

    // Set before the library is loaded, the value is thrown away when it is.
    let session = reg.session_as("plain").await;
    session.batch_execute("SET pg_clone.actor = 'ada'").await.unwrap();
    let row = session.query_one(CLONE, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "plain");
}

#[tokio::test]
async fn a_role_that_may_set_the_parameter_acts_for_anyone() {
    let reg = with_items().await;
    reg.run("SET ROLE app").await;
    assert_eq!(
        reg.json("item_clone('10378.1/102', actor => 'ada')->>'owner_username'")
            .await,
        "ada"
    );
    reg.run("SET pg_clone.actor = 'bob'").await;
    assert_eq!(
        reg.json("item_clone('10378.1/102')->>'owner_username'").await,
        "bob"
    );
}

/// As PostgREST does it: an untrusted role per request, and a function of a trusted owner that says who the user is.
#[tokio::test]
async fn what_a_trusted_function_has_set_is_believed_for_the_request() {
    let reg = with_items().await;
    reg.run(
        "CREATE FUNCTION public.pre_request() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS
             $$ SELECT set_config('pg_clone.actor', current_setting('request.jwt.claims')::json->>'preferred_username', true) $$;
         BEGIN; SET LOCAL ROLE plain; SET LOCAL \"request.jwt.claims\" = '{\"preferred_username\": \"bob\"}'; SELECT public.pre_request()",
    )
    .await;
    assert_eq!(
        reg.json("item_clone('10378.1/102')->>'owner_username'").await,
        "bob"
    );
    let other = reg
        .failure("SELECT item_clone('10378.1/102', actor => 'ada')")
        .await;
    assert_eq!(other.code, "42501");
    reg.run("ROLLBACK; BEGIN; SET LOCAL ROLE plain").await;
    let without = reg.failure(CLONE).await;
    assert_eq!(without.message, "\"plain\" may not write to the registry");
    reg.run("ROLLBACK").await;
}

#[tokio::test]
async fn privileges_on_the_stores_tables_are_enough() {
    let reg = with_items().await;
    reg.run("SET ROLE app").await;
    for table in ["clone.run", "clone.item_origin", "clone.store", "clone.blob_copy"] {
        assert_eq!(
            reg.failure(&format!("SELECT count(*) FROM {table}")).await.code,
            "42501",
            "{table}"
        );
    }
    let clone = reg.json("item_clone('10378.1/102', actor => 'ada')").await;
    assert_eq!(
        reg.json("(SELECT count(*) FROM items_clone('{10378.1/102}', actor => 'ada'))")
            .await,
        1
    );
    reg.run("RESET ROLE").await;
    let run = format!(
        "(SELECT to_jsonb(r) FROM clone.run r WHERE target_project = '{}')",
        id(&clone)
    );
    let run = reg.json(&run).await;
    assert_eq!(
        (&run["kind"], &run["run_by"], &run["session_by"]),
        (&"item".into(), &"app".into(), &"postgres".into())
    );

    reg.run("REVOKE INSERT ON reg.item_lock FROM plain; INSERT INTO reg.user_role VALUES ('plain', 'registry-read'), \
             ('plain', 'registry-write'); SET ROLE plain")
        .await;
    assert_eq!(
        reg.failure(CLONE).await.message,
        "permission denied for table item_lock"
    );
}

#[tokio::test]
async fn without_execute_nobody_clones() {
    let reg = with_items().await;
    reg.run("CREATE ROLE stranger; GRANT USAGE ON SCHEMA reg TO stranger; SET ROLE stranger")
        .await;
    for call in [
        "item_clone('10378.1/102')",
        "item_clone_draft('10378.1/102')",
        "items_clone('{10378.1/102}')",
    ] {
        let refused = reg.failure(&format!("SELECT {call}")).await;
        assert_eq!(refused.code, "42501", "{call}");
        assert!(
            refused.message.starts_with("permission denied for function"),
            "{}",
            refused.message
        );
    }
}

#[tokio::test]
async fn a_hostile_search_path_changes_nothing() {
    let reg = with_items().await;
    reg.run(
        "CREATE SCHEMA evil; CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'evil operator'; END $$;
         CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
         CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil now'; END $$;
         SET search_path = evil, pg_catalog, public",
    )
    .await;
    assert_eq!(
        reg.json(
            "public.item_clone('10378.1/102', '{}', 'ada', options => '{\"files\": true}')->>'owner_username'"
        )
        .await,
        "ada"
    );
}

#[tokio::test]
async fn the_view_of_origins_is_for_actors_who_may_read_the_registry() {
    let reg = with_items().await;
    reg.json("item_clone('10378.1/102', actor => 'ada')").await;
    for (actor, seen) in [("ada", true), ("nobody", false)] {
        reg.run(&format!("SET ROLE app; SET pg_clone.actor = '{actor}'"))
            .await;
        let count = reg.json("(SELECT count(*) FROM reg.item_origin)").await;
        assert_eq!(count != 0, seen, "{actor}: {count}");
        reg.run("RESET ROLE").await;
    }
}
