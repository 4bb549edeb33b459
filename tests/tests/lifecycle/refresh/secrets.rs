//! Secrets in documents that rules remove, entered in a clone: a refresh keeps them.

use pg_clone_tests::scratch_database::Scratch;

/// Tenants with documents under keys of this type, and a clone of the first in which secrets were entered.
async fn with_secrets(key: &str) -> (Scratch, String) {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE vault (id {key} PRIMARY KEY, team_id int NOT NULL REFERENCES team, doc jsonb, seen int NOT NULL DEFAULT 0); INSERT INTO vault (team_id, doc) SELECT 1 + n % 2, '{{\"secret\": \"source\", \"a\": 1}}' FROM generate_series(1, 6) n;
         CREATE TABLE counter (n int); INSERT INTO counter VALUES (0);
         SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"team\"}}'); SELECT clone.store_remove_table('s', 'counter') WHERE EXISTS (SELECT FROM clone.store_relation WHERE relation = 'counter'::regclass); SELECT clone.store_shared('s', 'counter');
         SELECT clone.rule('s', 'vault', '$.secret', 'remove'); SELECT clone.preserve_ids('s', 'vault')"
    ))
    .await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    db.run(&format!(
        "UPDATE vault SET doc = doc || '{{\"secret\": \"entered\"}}' WHERE team_id = {clone}"
    ))
    .await;
    (db, clone)
}

#[tokio::test]
async fn secrets_are_kept_under_keys_of_any_type() {
    for key in [
        "serial",
        "uuid DEFAULT gen_random_uuid()",
        "text DEFAULT md5(random()::text)",
        "varchar(40) DEFAULT md5(random()::text)",
    ] {
        let (db, clone) = with_secrets(key).await;
        db.clone_project(&format!(
            "'1', options => '{{\"replace\": \"{clone}\", \"verify\": true}}'"
        ))
        .await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM vault WHERE team_id = {clone} AND doc->>'secret' = 'entered'"
            ))
            .await,
            3,
            "{key}"
        );
    }
}

#[tokio::test]
async fn what_triggers_do_while_secrets_are_restored_is_an_error() {
    for (body, what) in [
        (
            "NEW.doc := NEW.doc || '{\"more\": 1}'",
            Some("documents of public.vault"),
        ),
        ("UPDATE counter SET n = n + 1", Some("rows of public.counter")),
        (
            "DELETE FROM vault WHERE team_id = 2",
            Some("other rows of public.vault"),
        ),
        ("NEW.seen := 5", None),
    ] {
        let (db, clone) = with_secrets("serial").await;
        // Names of tables are those of the caller's search_path.
        db.run(&format!("CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$; CREATE TRIGGER act BEFORE UPDATE ON vault FOR EACH ROW EXECUTE FUNCTION act()")).await;
        let call = format!("SELECT project_clone('1', options => '{{\"replace\": \"{clone}\"}}')");
        let Some(what) = what else {
            db.run(&call).await;
            continue;
        };
        let refused = db.fails(&call).await;
        assert!(
            refused.code == "0A000"
                && refused.message
                    == format!(
                        "a trigger has changed {what} while secrets and settings of the replaced clone were restored"
                    )
                && refused.hint.contains("\"fire\""),
            "{refused:?}"
        );
        assert_eq!(db.number("SELECT count(*) FROM vault").await, 9);
        db.run(&call.replace("\"}'", "\", \"triggers\": \"fire\"}'"))
            .await;
    }
}
