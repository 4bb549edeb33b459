//! Who may clone what; and a caller's surroundings that must not matter.

use super::refusal::{clones, refused};
use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn without_privileges_nothing_is_read_or_written() {
    let db = with_observations(3).await;
    db.run("DROP ROLE IF EXISTS err_anyone; CREATE ROLE err_anyone LOGIN; GRANT USAGE ON SCHEMA documents, clone TO err_anyone").await;
    let anyone = db.session_as("err_anyone").await;
    let call = format!("SELECT project_clone('{PROJECT}')");
    let failure = anyone.fails(&call).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    assert!(
        failure
            .message
            .contains("permission denied for function project_clone"),
        "{failure:?}"
    );

    db.run(
        "GRANT EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb) TO err_anyone;
         GRANT EXECUTE ON FUNCTION project_clone_plan(text, text, text[], text[], text[], text, text, jsonb) TO err_anyone",
    )
    .await;
    refused(
        &anyone,
        &call,
        "42501",
        "documents.project",
        "GRANT SELECT, INSERT ON documents.project TO \"err_anyone\"",
    )
    .await;
    db.run("GRANT SELECT ON documents.project, documents.resource TO err_anyone")
        .await;
    refused(&anyone, &call, "42501", "documents.project", "INSERT").await;
    assert!(
        anyone
            .number(&format!("SELECT count(*) FROM project_clone_plan('{PROJECT}')"))
            .await
            > 0,
        "a plan needs SELECT only"
    );
    db.run("GRANT INSERT ON documents.project TO err_anyone").await;
    refused(&anyone, &call, "42501", "documents.resource", "INSERT").await;
    assert_eq!(clones(&db).await, (0, 0));

    // With these rights alone it works, and the bookkeeping is ours: the caller cannot write it.
    db.run("GRANT INSERT ON documents.resource TO err_anyone").await;
    let clone = anyone.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
        ))
        .await,
        6
    );
    assert_eq!(
        db.rows("SELECT run_by, session_by FROM clone.run").await,
        [["err_anyone", "err_anyone"].map(|text| Some(text.to_owned()))]
    );
    for statement in [
        "DELETE FROM clone.run",
        "UPDATE clone.store SET name = 'mine'",
        "INSERT INTO clone.blob_copy (run_id, store, source_key, target_key) VALUES (1, 'documents', 'a', 'b')",
        "SELECT clone.store_drop('documents')",
        "SELECT clone.store_create('mine', 'documents')",
    ] {
        assert_eq!(anyone.fails(statement).await.code, "42501", "{statement}");
    }
    db.run("DROP OWNED BY err_anyone").await;
}

#[tokio::test]
async fn a_table_that_lost_its_privilege_half_way_down_the_plan_is_found_before_anything_is_written() {
    let db = with_observations(3).await;
    db.run(
        "DROP ROLE IF EXISTS err_columns; CREATE ROLE err_columns LOGIN; GRANT USAGE ON SCHEMA documents TO err_columns;
         GRANT EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb) TO err_columns;
         GRANT ALL ON documents.project TO err_columns; GRANT SELECT (id), INSERT (id) ON documents.resource TO err_columns",
    )
    .await;
    let session = db.session_as("err_columns").await;
    refused(
        &session,
        &format!("SELECT project_clone('{PROJECT}')"),
        "42501",
        "documents.resource",
        "GRANT",
    )
    .await;
    db.run("DROP OWNED BY err_columns").await;
}

#[tokio::test]
async fn row_security_in_the_callers_way_is_refused() {
    let db = with_observations(3).await;
    db.run(
        "DROP ROLE IF EXISTS err_limited; CREATE ROLE err_limited LOGIN; GRANT USAGE ON SCHEMA documents TO err_limited;
         GRANT EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb) TO err_limited;
         GRANT ALL ON documents.project, documents.resource TO err_limited;
         ALTER TABLE documents.resource ENABLE ROW LEVEL SECURITY;
         CREATE POLICY all_of_it ON documents.resource USING (true)",
    )
    .await;
    let limited = db.session_as("err_limited").await;
    let call = format!("SELECT project_clone('{PROJECT}')");
    refused(&limited, &call, "0A000", "row-level security", "BYPASSRLS").await;
    assert_eq!(clones(&db).await, (0, 0));
    db.run("ALTER ROLE err_limited BYPASSRLS").await;
    limited.run(&call).await;
    db.run(&call).await;
    assert_eq!(clones(&db).await, (2, 2));
    db.run("ALTER TABLE documents.resource FORCE ROW LEVEL SECURITY")
        .await;
    db.run(&call).await;
    db.run("ALTER TABLE documents.resource OWNER TO err_limited; ALTER ROLE err_limited NOBYPASSRLS")
        .await;
    refused(&limited, &call, "0A000", "row-level security", "BYPASSRLS").await;
    db.run("REASSIGN OWNED BY err_limited TO postgres; DROP OWNED BY err_limited")
        .await;
}

#[tokio::test]
async fn public_can_execute_nothing_and_read_nothing() {
    let db = Scratch::with_extension().await;
    let functions = db
        .list(
            "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'pg_clone_ext'
               AND EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)",
        )
        .await;
    assert_eq!(functions, Vec::<String>::new());
    let relations = db
        .list(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN ('clone', 'clone_internal') AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)",
        )
        .await;
    assert_eq!(relations, Vec::<String>::new());
    // Every SQL function of ours is safe under any search_path: its own is fixed. But for a trigger that resolves a name as whoever
    // writes it means it: it qualifies every name and operator.
    let open = db
        .list(
            "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
             JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid
             WHERE e.extname = 'pg_clone_ext' AND l.lanname IN ('sql', 'plpgsql')
               -- Looks names up for whoever writes them; all of its own are qualified.
               AND p.oid <> 'clone_internal.qualify_function()'::regprocedure
               AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c ~ '^search_path=(\"?pg_catalog\"?, *)\"?pg_temp\"?$')",
        )
        .await;
    assert_eq!(open, Vec::<String>::new());
}

#[tokio::test]
async fn a_hostile_search_path_changes_nothing() {
    let db = with_observations(20).await;
    db.run(
        r#"CREATE SCHEMA hostile;
           CREATE TABLE hostile.hits (what text);
           CREATE FUNCTION hostile.hit(what text) RETURNS void LANGUAGE sql AS $$ INSERT INTO hostile.hits VALUES (what) $$;
           CREATE FUNCTION hostile.uuid_eq(a uuid, b uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('='); RETURN true; END $$;
           CREATE OPERATOR hostile.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = hostile.uuid_eq);
           CREATE FUNCTION hostile.text_eq(a text, b text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('text ='); RETURN false; END $$;
           CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.text_eq);
           CREATE FUNCTION hostile.name_eq(a name, b name) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('name ='); RETURN false; END $$;
           CREATE OPERATOR hostile.= (LEFTARG = name, RIGHTARG = name, FUNCTION = hostile.name_eq);
           CREATE FUNCTION hostile.concat_text(a text, b text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('||'); RETURN 'x'; END $$;
           CREATE OPERATOR hostile.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.concat_text);
           CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('now'); RETURN 'epoch'; END $$;
           CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('gen_random_uuid'); RETURN '00000000-0000-0000-0000-000000000000'; END $$;
           CREATE FUNCTION hostile.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('format'); RETURN ''; END $$;
           CREATE FUNCTION hostile.to_jsonb(anyelement) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('to_jsonb'); RETURN '{}'; END $$;
           CREATE FUNCTION hostile.count(anyelement) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('count'); RETURN 0; END $$;
           CREATE FUNCTION hostile.nextval(regclass) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('nextval'); RETURN 1; END $$;
           CREATE FUNCTION hostile.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.hit('pg_notify'); END $$;
           CREATE DOMAIN hostile.uuid AS text; CREATE DOMAIN hostile.text AS pg_catalog.text CHECK (false); CREATE DOMAIN hostile.jsonb AS pg_catalog.text;
           CREATE TABLE hostile.project (id pg_catalog.uuid, name pg_catalog.text); CREATE TABLE hostile.resource (id pg_catalog.uuid);
           CREATE TABLE hostile.run (id int); CREATE TABLE hostile.store (name pg_catalog.text);
           CREATE TABLE hostile.pg_class (oid oid); CREATE TABLE hostile.pg_attribute (attrelid oid)"#,
    )
    .await;
    let types = "pg_catalog.array_to_string(ARRAY(SELECT resource_type::pg_catalog.text), ',')";
    let public = db.session().await;
    public.run("SET search_path = hostile, pg_catalog, public").await;
    for bulk in ["on", "off"] {
        public.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        public.run(&format!("SELECT public.project_clone('{PROJECT}'::pg_catalog.text, 'H'::pg_catalog.text, resource_types => NULL::pg_catalog.text[])")).await;
        public
            .run(&format!(
                "SELECT {types} FROM public.project_clone_plan('{PROJECT}'::pg_catalog.text)"
            ))
            .await;
    }
    public
        .run("SELECT clone.store_refresh('documents'::pg_catalog.text)")
        .await;
    assert_eq!(
        db.list("SELECT what FROM hostile.hits").await,
        Vec::<String>::new()
    );
    assert_eq!(
        db.list("SELECT count(*) FROM documents.resource GROUP BY project_id")
            .await,
        ["23", "23", "23"],
        "the source and two whole clones"
    );
}

#[tokio::test]
async fn a_project_that_may_be_in_a_store_which_the_role_may_not_read_is_a_missing_privilege() {
    let db = with_observations(1).await;
    db.run(
        "DROP ROLE IF EXISTS err_blind; CREATE ROLE err_blind LOGIN; SELECT clone.allow('err_blind');
         CREATE TABLE tenant (id uuid PRIMARY KEY); SELECT clone.store_create('own', 'custom');
         SELECT clone.store_table('own', 'tenant', 'project'); GRANT SELECT ON tenant TO err_blind",
    )
    .await;
    let blind = db.session_as("err_blind").await;
    let failure = blind.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    assert_eq!(
        failure.message,
        format!("project \"{PROJECT}\" is in no store that the role may read")
    );
    assert!(
        failure
            .hint
            .ends_with("Project tables that the role cannot read: documents."),
        "{failure:?}"
    );
    // One that is in none, for who may read all.
    let failure = db
        .fails("SELECT project_clone('99999999-0000-4000-8000-000000000009')")
        .await;
    assert_eq!(failure.code, "P0002", "{failure:?}");
}

#[tokio::test]
async fn a_missing_right_on_a_sequence_is_named_with_the_grant() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE item (id serial PRIMARY KEY, org_id bigint REFERENCES org, number bigserial UNIQUE);
         INSERT INTO org (name) VALUES ('O'); INSERT INTO item (org_id) VALUES (1);
         SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id');
         SELECT clone.store_column('s', 'item', 'number', 'default');
         DROP ROLE IF EXISTS err_sequence; CREATE ROLE err_sequence LOGIN; SELECT clone.allow('err_sequence');
         GRANT SELECT, INSERT ON org, item TO err_sequence; GRANT USAGE ON SEQUENCE org_id_seq TO err_sequence",
    )
    .await;
    let session = db.session_as("err_sequence").await;
    for sequence in ["item_id_seq", "item_number_seq"] {
        let failure = refused(
            &session,
            "SELECT project_clone('1')",
            "42501",
            &format!("permission denied for sequence public.{sequence}"),
            &format!("GRANT USAGE ON SEQUENCE public.{sequence} TO \"err_sequence\""),
        )
        .await;
        let _ = failure;
        assert_eq!(
            db.number(&format!("SELECT last_value FROM {sequence}")).await,
            1,
            "no number was taken"
        );
        db.run(&format!("GRANT USAGE ON SEQUENCE {sequence} TO err_sequence"))
            .await;
    }
    session.clone_project("'1'").await;
    db.run("DROP OWNED BY err_sequence").await;
}

#[tokio::test]
async fn default_privileges_of_the_installer_give_nobody_anything_of_the_extension() {
    let db = Scratch::with_extension().await;
    db.run("DROP EXTENSION pg_clone_ext; DROP ROLE IF EXISTS err_default; CREATE ROLE err_default")
        .await;
    for role in ["PUBLIC", "err_default"] {
        for kind in ["TABLES", "SEQUENCES", "FUNCTIONS", "SCHEMAS", "TYPES"] {
            db.run(&format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {role}"))
                .await;
        }
    }
    db.run("CREATE EXTENSION pg_clone_ext").await;
    let given = db
        .list(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
             WHERE n.nspname IN ('clone', 'clone_internal') AND c.relkind IN ('r', 'v', 'S') AND a.grantee <> c.relowner
             UNION SELECT nspname FROM pg_namespace n, aclexplode(nspacl) a WHERE nspname IN ('clone', 'clone_internal') AND a.grantee <> nspowner
             UNION SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
             WHERE e.extname = 'pg_clone_ext' AND a.grantee <> p.proowner",
        )
        .await;
    assert_eq!(given, Vec::<String>::new());
    db.run("DROP OWNED BY err_default").await;
}

#[tokio::test]
async fn the_hint_of_a_missing_privilege_has_exactly_the_statements_that_are_missing() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE SCHEMA \"Shop 1\"; CREATE TABLE \"Shop 1\".org (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE \"Shop 1\".item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id bigint REFERENCES \"Shop 1\".org);
         CREATE VIEW \"Shop 1\".shown AS SELECT * FROM \"Shop 1\".item WHERE false;
         INSERT INTO \"Shop 1\".org (name) VALUES ('O'); INSERT INTO \"Shop 1\".item (org_id) VALUES (1);
         SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', '\"Shop 1\".org', 'project');
         SELECT clone.store_table('s', '\"Shop 1\".item', 'resource', project_column => 'org_id'); SELECT project_clone('1');
         DROP ROLE IF EXISTS \"err Role\"; CREATE ROLE \"err Role\" LOGIN; SELECT clone.allow('\"err Role\"')",
    )
    .await;
    let role = db.session_as("err Role").await;
    // Each call gets what its hint says, and nothing else, until it works.
    for (call, grants) in [
        (
            "SELECT count(*) FROM project_clone_plan('1', store => 's')",
            &[
                "GRANT USAGE ON SCHEMA \"Shop 1\" TO \"err Role\"; GRANT SELECT ON \"Shop 1\".org TO \"err Role\";",
                "GRANT SELECT ON \"Shop 1\".item TO \"err Role\";",
            ][..],
        ),
        (
            "SELECT count(*) FROM project_clone_verify('2', store => 's')",
            &["GRANT USAGE ON SCHEMA \"Shop 1\" TO \"err Role\";"],
        ),
        (
            "SELECT project_clone('1', store => 's')",
            &[
                "GRANT INSERT ON \"Shop 1\".org TO \"err Role\";",
                "GRANT USAGE ON SEQUENCE \"Shop 1\".org_id_seq TO \"err Role\";",
                "GRANT INSERT ON \"Shop 1\".item TO \"err Role\";",
                "GRANT USAGE ON SEQUENCE \"Shop 1\".item_id_seq TO \"err Role\";",
            ],
        ),
        (
            "SELECT clone.set_expiry('2', interval '1 day', store => 's')",
            &[
                "GRANT DELETE ON \"Shop 1\".org TO \"err Role\";",
                "GRANT DELETE ON \"Shop 1\".item TO \"err Role\";",
            ],
        ),
        ("SELECT project_delete('2', store => 's')", &[]),
    ] {
        if call.contains("verify") {
            db.run("REVOKE USAGE ON SCHEMA \"Shop 1\" FROM \"err Role\"")
                .await;
        }
        for grant in grants {
            let failure = role.fails(call).await;
            assert_eq!(
                (failure.code.as_str(), failure.hint.as_str()),
                ("42501", *grant),
                "{call}: {failure:?}"
            );
            db.run(grant).await;
        }
        role.run(call).await;
    }
    db.run("DROP OWNED BY \"err Role\"; DROP ROLE \"err Role\"").await;
}
