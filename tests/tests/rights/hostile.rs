//! The hostile database: installation, every function of the extension, dump and restore call none of its objects.

use super::hostile_database::{assert_nothing_called, hostile};
use pg_clone_tests::psql::client_program;
use pg_clone_tests::sample_documents::PROJECT;
use pg_clone_tests::scratch_database::{Scratch, Session, cluster};

const PATH: &str = "SET search_path = evil, pg_catalog, public";
const ITEMS: &str = include_str!("../../golden/registry_items.json");

/// Calls a function and remembers that it was called.
struct Caller<'a> {
    session: &'a Session,
    called: &'a mut Vec<String>,
}

impl Caller<'_> {
    /// `function(arguments)`; what it returns is text, of one row.
    async fn call(&mut self, function: &str, arguments: &str) -> String {
        self.called.push(function.to_owned());
        let sql = format!("SELECT f::pg_catalog.text FROM {function}({arguments}) AS f LIMIT 1");
        self.session.list(&sql).await.pop().unwrap_or_default()
    }

    /// The id of the JSON that a function returns.
    async fn call_for_id(&mut self, function: &str, arguments: &str) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.call(function, arguments).await).unwrap();
        json["id"].as_str().unwrap().to_owned()
    }

    /// What a role needs that may clone.
    async fn everyday(&mut self) {
        let source = format!("'{PROJECT}'::pg_catalog.text");
        for bulk in ["on", "off"] {
            self.session.run(&format!("SET pg_clone.bulk = {bulk}")).await;
            let clone = self
                .call_for_id(
                    "public.project_clone",
                    &format!("{source}, store => 'documents', options => '{{\"expires_in\": \"1 day\"}}'"),
                )
                .await;
            let again = self
                .call_for_id("public.project_clone", &format!("{source}, '{{\"store\": \"documents\", \"options\": {{\"replace\": \"{clone}\", \"dangling\": \"null\"}}}}'::pg_catalog.jsonb"))
                .await;
            assert_eq!(clone, again);
            // Without a store it is looked for.
            self.call("public.project_clone_plan", &source).await;
            self.call(
                "public.project_clone_verify",
                &format!("'{clone}'::pg_catalog.text"),
            )
            .await;
            self.call("clone.set_expiry", &format!("'{clone}', expires_in => '1 hour'"))
                .await;
            self.call(
                "public.project_delete",
                &format!("'{clone}'::pg_catalog.text, options => '{{\"dry_run\": true}}'"),
            )
            .await;
            self.call("public.project_delete", &format!("'{clone}'::pg_catalog.text"))
                .await;
            self.call("clone.last_run", "").await;
            let job = self.call("public.project_clone_start", &source).await;
            self.call("public.project_clone_cancel", &job).await;
            self.call("public.project_clone_start", &source).await;
        }
        self.call(
            "public.item_clone_draft",
            "'10378.1/105'::pg_catalog.text, 'ada', 'reg'",
        )
        .await;
        self.call(
            "public.item_clone",
            "'10378.1/105'::pg_catalog.text, '{}', 'ada', 'reg'",
        )
        .await;
        self.call("public.items_clone", "'{10378.1/105}', '{}', 'ada', 'reg'")
            .await;
        let edits = "'{\"display_name\": \"x\"}', 'ada', 'reg'";
        self.call("public.item_clone_check", &format!("'10378.1/105', {edits}"))
            .await;
        self.call("public.items_clone_check", &format!("'{{10378.1/105}}', {edits}"))
            .await;
        self.call("public.item_can_clone", "'10378.1/105', 'ada', 'reg'")
            .await;
        self.call("clone.registry_cloneable", "'ada', 'reg'").await;
        self.session.run("SELECT * FROM reg.item_origin").await;
    }

    /// What the superuser does.
    async fn administration(&mut self, role: &str) {
        self.call(
            "clone.store_create",
            "'documents', 'documents', '{\"blobs\": \"file:/tmp\"}'",
        )
        .await;
        self.call(
            "clone.store_create",
            "'reg', 'registry', '{\"handle_prefix\": \"10378.1\"}'",
        )
        .await;
        self.call(
            "clone.registry_load",
            &format!("'{}', 'reg'", ITEMS.replace('\'', "''")),
        )
        .await;
        self.call("clone.registry_export", "NULL, 'reg'").await;
        self.call(
            "clone.registry_load_check",
            &format!("'{}', 'reg'", ITEMS.replace('\'', "''")),
        )
        .await;
        self.session
            .run("CREATE TABLE public.tenant (id pg_catalog.uuid PRIMARY KEY); CREATE TABLE public.thing (id pg_catalog.uuid PRIMARY KEY, tenant pg_catalog.uuid, body pg_catalog.jsonb)")
            .await;
        self.call("clone.store_create", "'own', 'custom'").await;
        self.call("clone.store_table", "'own', 'public.tenant', 'project'")
            .await;
        self.call(
            "clone.store_table",
            "'own', 'public.thing', 'resource', project_column => 'tenant', document_column => 'body'",
        )
        .await;
        self.call("clone.store_column", "'own', 'public.thing', 'body', 'rewrite'")
            .await;
        self.call("clone.rule", "'own', 'thing', '$.secret', 'remove'")
            .await;
        self.call("clone.preserve_ids", "'documents', 'Patient', keep_added => true")
            .await;
        for store in ["documents", "reg", "own"] {
            self.call("clone.store_refresh", &format!("'{store}'")).await;
        }
        self.call("clone.store_alter", "'own', '{\"blobs\": \"file:/tmp\"}'")
            .await;
        self.describe_by_hand().await;
        self.call("clone.store_remove_table", "'own', 'public.thing'")
            .await;
        self.call("clone.store_drop", "'own'").await;
        self.call("clone.allow", &format!("'{role}'")).await;
        self.call("clone.allow_worker", &format!("'{role}'")).await;
        self.call("clone.registry_grant", &format!("'reg', '{role}'"))
            .await;
    }

    /// Descriptions of stores: references, memberships, questions, files, discovery.
    async fn describe_by_hand(&mut self) {
        self.session
            .run("CREATE TABLE public.note (id pg_catalog.uuid PRIMARY KEY, thing pg_catalog.uuid, other pg_catalog.uuid); CREATE TABLE public.shared (id pg_catalog.uuid PRIMARY KEY)")
            .await;
        self.call(
            "clone.store_table",
            "'own', 'public.note', 'derived', parent => 'public.thing', join_column => 'thing'",
        )
        .await;
        self.call(
            "clone.store_reference",
            "'own', 'public.note', 'other', 'public.thing'",
        )
        .await;
        self.call(
            "clone.store_belongs",
            "'own', 'public.note', '{other}', 'public.thing'",
        )
        .await;
        self.call("clone.store_no_reference", "'own', 'public.note', 'thing'")
            .await;
        self.call(
            "clone.store_polymorphic",
            "'own', 'public.note', 'other', type_column => 'thing'",
        )
        .await;
        self.call("clone.store_shared", "'own', 'public.shared'").await;
        self.call("clone.store_check", "'own'").await;
        let description = self.call("clone.store_export", "'own'").await;
        self.call(
            "clone.store_import",
            &format!("'{}', 'imported'", description.replace('\'', "''")),
        )
        .await;
        self.call("clone.store_drop", "'imported'").await;
        self.call("clone.store_discover", "'public.tenant'").await;
    }

    /// What a worker does.
    async fn worker(&mut self) {
        while !self.call("clone.run_next_job", "").await.is_empty() {}
        self.session
            .run("UPDATE clone.run SET expires_at = started_at WHERE true")
            .await;
        self.call("clone.expire", "").await;
        self.call("clone.source_queries", &format!("'{PROJECT}'::pg_catalog.text"))
            .await;
        for view in [
            "run",
            "run_table",
            "run_dangling",
            "blob_copy",
            "blob_status",
            "store",
            "job",
        ] {
            self.session.run(&format!("SELECT * FROM clone.{view}")).await;
        }
    }
}

async fn fill(db: &Scratch) {
    // By the superuser's plain SQL, under a path of its own: not what is tested here.
    let session = db.session().await;
    session.run(&format!(
        r#"SET search_path = pg_catalog;
           INSERT INTO documents.project (id, name, content) VALUES ('{PROJECT}', 'Source', '{{"id": "{PROJECT}"}}');
           INSERT INTO documents.resource (id, project_id, resource_type, content)
           SELECT md5('o' || i)::uuid, '{PROJECT}', t, jsonb_build_object('id', md5('o' || i)::uuid, 'other', 'Patient/' || md5('o' || i + 1)::uuid, 'contentType', 'text/plain')
           FROM generate_series(1, 9) i, LATERAL (SELECT ('{{Patient,Binary,Observation}}'::text[])[i % 3 + 1]) AS x (t)"#
    ))
    .await;
}

/// Our functions for users.
async fn public_functions(db: &Scratch) -> Vec<String> {
    db.session()
        .await
        .list(
            "SET search_path = pg_catalog;
             SELECT DISTINCT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_clone_ext'
             WHERE n.nspname <> 'clone_internal' AND p.prorettype <> 'trigger'::regtype ORDER BY 1",
        )
        .await
}

async fn dump_and_restore(db: &Scratch, restored: &Scratch) {
    let cluster = cluster().await;
    let file = std::env::temp_dir().join(format!("rights-{}.dump", std::process::id()));
    let file = file.to_str().unwrap();
    let dump = [
        "--format=custom",
        "--extension=pg_clone_ext",
        "--schema=documents",
        "--schema=reg",
        "--file",
        file,
        &db.name,
    ];
    let restore = ["--exit-on-error", "--dbname", &restored.name, file];
    client_program(cluster, "pg_dump", &dump);
    client_program(cluster, "pg_restore", &restore);
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn no_object_of_a_hostile_schema_is_ever_called() {
    let db = hostile().await;
    let role = "everyday_user";
    db.run(&format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; GRANT SET ON PARAMETER pg_clone.actor TO {role}"))
        .await;
    let mut called = Vec::new();
    db.run(PATH).await;
    db.run("CREATE EXTENSION pg_clone_ext SCHEMA public").await;
    assert_nothing_called(&db, "installation").await;
    Caller {
        session: &db,
        called: &mut called,
    }
    .administration(role)
    .await;
    assert_nothing_called(&db, "administration").await;
    fill(&db).await;
    db.run(&format!(
        "GRANT USAGE ON SCHEMA documents TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA documents TO {role};
         GRANT EXECUTE ON FUNCTION clone.set_expiry TO {role}"
    ))
    .await;
    let plain = db.session().await;
    let user = db.session_as(role).await;
    user.run(PATH).await;
    // The default path has public on it.
    let user_plain = db.session_as(role).await;
    for (session, who) in [
        (&*db, "superuser, hostile path"),
        (&plain, "superuser, default path"),
        (&user, "role, hostile path"),
        (&user_plain, "role, default path"),
    ] {
        Caller {
            session,
            called: &mut called,
        }
        .everyday()
        .await;
        assert_nothing_called(&db, who).await;
    }
    for session in [&*db, &plain] {
        Caller {
            session,
            called: &mut called,
        }
        .worker()
        .await;
        assert_nothing_called(&db, "worker").await;
    }
    assert_eq!(
        plain
            .text("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = 'mallory'::pg_catalog.name")
            .await,
        "f"
    );
    // The clones and the stores go to another hostile database.
    let restored = hostile().await;
    dump_and_restore(&db, &restored).await;
    assert_nothing_called(&db, "dump").await;
    assert_nothing_called(&restored, "restore").await;
    restored.run(PATH).await;
    Caller {
        session: &restored,
        called: &mut called,
    }
    .worker()
    .await;
    assert_nothing_called(&restored, "worker of the restored database").await;
    called.sort();
    called.dedup();
    assert_eq!(
        called,
        public_functions(&db).await,
        "a new function for users is to be called above"
    );
}

/// What a deletion reads because another transaction has ended meanwhile is not read under the caller's path.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_ends_beside_a_deletion_lets_it_call_nothing() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text); CREATE TABLE item (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE other (n int); INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000001', 'A'), ('a0000000-0000-4000-8000-000000000002', 'B');
         INSERT INTO item (org_id) SELECT id FROM org; SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}');
         CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN PERFORM pg_advisory_xact_lock(9); RETURN OLD; END $$;
         CREATE TRIGGER waits BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION waits();
         CREATE SCHEMA evil; CREATE SEQUENCE evil.calls; CREATE FUNCTION evil.called(text) RETURNS boolean LANGUAGE sql AS 'SELECT pg_catalog.nextval(''evil.calls'') > 0';
         CREATE DOMAIN evil.uuid AS pg_catalog.text CHECK (evil.called(VALUE)); CREATE FUNCTION evil.equal(pg_catalog.uuid, pg_catalog.text) RETURNS boolean LANGUAGE sql AS 'SELECT $1::pg_catalog.text = $2';
         CREATE OPERATOR public.= (LEFTARG = pg_catalog.uuid, RIGHTARG = pg_catalog.text, FUNCTION = evil.equal)",
    )
    .await;
    let clone = db.clone_project("'a0000000-0000-4000-8000-000000000001'").await;
    for call in [
        format!(
            "SELECT public.project_clone('a0000000-0000-4000-8000-000000000001', options => '{{\"replace\": \"{clone}\"}}')"
        ),
        format!("SELECT public.project_delete('{clone}')"),
    ] {
        let writer = db.session().await;
        writer.run("SELECT pg_advisory_lock(9)").await;
        let caller = db.session().await;
        let pid = caller.pid().await;
        caller
            .run("SET search_path = evil, pg_catalog, public; SET standard_conforming_strings = off; SET escape_string_warning = off")
            .await;
        let running = tokio::spawn(async move { caller.attempt(&call).await });
        db.wait_until(&format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock')"
        ))
        .await;
        writer.run("INSERT INTO other VALUES (1)").await;
        writer.run("SELECT pg_advisory_unlock(9)").await;
        running.await.unwrap().unwrap();
    }
    assert_eq!(db.text("SELECT is_called FROM evil.calls").await, "f");
}
