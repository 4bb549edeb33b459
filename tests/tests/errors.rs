//! What is refused, with its SQLSTATE and a hint that helps; and input that only looks wrong.

use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Failure, Scratch, Session};

/// The call fails with that SQLSTATE, its message and hint hold these words, and no clone is left.
async fn refused(session: &Session, call: &str, code: &str, message: &str, hint: &str) -> Failure {
    let failure = session.fails(call).await;
    assert_eq!(failure.code, code, "{call}: {failure:?}");
    assert!(failure.message.contains(message), "{call}: {failure:?}");
    assert!(failure.hint.contains(hint) && !failure.hint.is_empty(), "{call}: {failure:?}");
    failure
}

/// Projects and runs there are.
async fn clones(db: &Scratch) -> (i64, i64) {
    let session = db.session().await;
    (
        session.number("SELECT count(*) FROM documents.project").await - 1,
        session.number("SELECT count(*) FROM clone.run").await,
    )
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_refused_with_a_hint() {
    let db = with_observations(3).await;
    for (arguments, code, message, hint) in [
        ("'no-uuid'", "22023", "malformed project id", "UUID"),
        ("''", "22023", "source project is missing", "first argument"),
        ("NULL", "22023", "source project is missing", "first argument"),
        ("'00000000-1111-4111-8111-111111111111'", "P0002", "does not exist", "Check the id"),
        ("'11111111-1111-4111-8111-111111111111', resource_types => '{Patent}'", "22023", "Patent", "Patient"),
        ("'11111111-1111-4111-8111-111111111111', resource_types => '{patient}'", "22023", "patient", "Types: Patient"),
        ("'11111111-1111-4111-8111-111111111111', resource_types => '{Patient,\"\"}'", "22023", "\"\"", "Types:"),
        ("'11111111-1111-4111-8111-111111111111', resource_types => '{Patient,NULL}'", "22023", "NULL", "resource_types"),
        ("'11111111-1111-4111-8111-111111111111', include_ids => '{1}'", "22023", "include_ids", "UUID"),
        ("'11111111-1111-4111-8111-111111111111', include_ids => '{Patient/22222222-2222-4222-8222-000000000001}'", "22023", "include_ids", "without a type"),
        ("'11111111-1111-4111-8111-111111111111', exclude_ids => '{22222222-2222-4222-8222-00000000000}'", "22023", "exclude_ids", "UUID"),
        ("'11111111-1111-4111-8111-111111111111', exclude_ids => '{\"\"}'", "22023", "exclude_ids", "UUID"),
        ("'11111111-1111-4111-8111-111111111111', store => 'nowhere'", "22023", "there is no store", "documents"),
        ("'11111111-1111-4111-8111-111111111111', store => ''", "22023", "there is no store", "documents"),
        ("'11111111-1111-4111-8111-111111111111', ''", "22023", "name", "NULL"),
        ("'11111111-1111-4111-8111-111111111111', '  '", "22023", "name", "NULL"),
        ("'11111111-1111-4111-8111-111111111111', '{\"name\": \"x\"}'", "22023", "JSON object", "::jsonb"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"dangle\": \"keep\"}'", "22023", "dangle", "dangling"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"dangling\": \"maybe\"}'", "22023", "maybe", "dangling (keep"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"dangling\": null}'", "22023", "dangling", "dangling (keep"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"history\": true}'", "22023", "history", "history (current"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"id_version\": 5}'", "22023", "id_version", "id_version (7"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"blobs\": \"maybe\"}'", "22023", "blobs", "blobs (copy"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"max_memory\": \"much\"}'", "22023", "max_memory", "max_memory ("),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"max_memory\": -1}'", "22023", "max_memory", "max_memory ("),
        ("'11111111-1111-4111-8111-111111111111', options => '[]'", "22023", "JSON object", "Valid options"),
        ("'11111111-1111-4111-8111-111111111111', options => '{\"expires_in\": \"soon\"}'", "22023", "soon", "interval"),
        ("'11111111-1111-4111-8111-111111111111', '{\"nom\": \"x\"}'::jsonb", "22023", "nom", "resourceTypes"),
        ("'11111111-1111-4111-8111-111111111111', '{\"name\": 5}'::jsonb", "22023", "name", "resourceTypes"),
        ("'11111111-1111-4111-8111-111111111111', '{\"resourceTypes\": \"Patient\"}'::jsonb", "22023", "resourceTypes", "resourceTypes"),
        ("'11111111-1111-4111-8111-111111111111', '{\"resourceTypes\": [1]}'::jsonb", "22023", "resourceTypes", "resourceTypes"),
        ("'11111111-1111-4111-8111-111111111111', '[]'::jsonb", "22023", "JSON object", "resourceTypes"),
        ("'11111111-1111-4111-8111-111111111111', '{\"options\": {\"x\": 1}}'::jsonb", "22023", "\"x\"", "Valid options"),
    ] {
        refused(&db, &format!("SELECT project_clone({arguments})"), code, message, hint).await;
        if !arguments.contains("::jsonb") {
            refused(&db, &format!("SELECT * FROM project_clone_plan({arguments})"), code, message, hint).await;
        }
    }
    assert_eq!(clones(&db).await, (0, 0));
}

#[tokio::test]
async fn stores_that_are_not_there_or_not_meant_are_refused() {
    let db = Scratch::with_extension().await;
    refused(&db, &format!("SELECT project_clone('{PROJECT}')"), "22023", "no store", "store_create").await;
    db.run("SELECT clone.store_create('a', 'documents'); SELECT clone.store_create('b', 'documents')").await;
    refused(&db, &format!("SELECT project_clone('{PROJECT}')"), "P0002", "in no store", "Stores: a, b").await;
    db.run(&format!("INSERT INTO b.project (id, name) VALUES ('{PROJECT}', 'Only in b')")).await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(db.number(&format!("SELECT count(*) FROM b.project WHERE id = '{clone}'")).await, 1, "the one that holds it");
    db.run(&format!("INSERT INTO a.project (id, name) VALUES ('{PROJECT}', 'In both')")).await;
    refused(&db, &format!("SELECT project_clone('{PROJECT}')"), "22023", "several stores: a, b", "store =>").await;
    db.clone_project(&format!("'{PROJECT}', store => 'a'")).await;
    for (call, message, hint) in [
        ("SELECT clone.store_create('a', 'documents')", "exists already", "store_refresh"),
        ("SELECT clone.store_create('c', 'fhir')", "no preset \"fhir\"", "documents"),
        ("SELECT clone.store_create('9 lives', 'documents')", "invalid store name", "letter"),
        ("SELECT clone.store_create(NULL, 'documents')", "invalid store name", "letter"),
        ("SELECT clone.store_drop('c')", "no store \"c\"", "a, b"),
        ("SELECT clone.store_refresh('c')", "no store \"c\"", "a, b"),
        ("SELECT clone.store_table('a', 'pg_class', 'thing')", "unknown table role", "resource"),
        ("SELECT clone.store_column('a', 'a.project', 'name', 'shout')", "unknown column role", "rewrite"),
        ("SELECT clone.store_column('a', 'a.project', 'nom', 'keep')", "nom", "store_table"),
        ("SELECT clone.rule('a', NULL, '$.x', 'hide')", "unknown action", "regenerate"),
    ] {
        refused(&db, call, "22023", message, hint).await;
    }
}

#[tokio::test]
async fn rules_that_cannot_be_read_are_refused_when_they_are_made() {
    let db = with_observations(1).await;
    for rule in [
        "'documents', NULL, 'not a path', 'remove'",
        "'documents', NULL, '$.[', 'remove'",
        "'documents', NULL, '$.a', 'remove', \"when\" => '@.x =='",
        "'documents', NULL, '$.a', 'set'",
        "'documents', NULL, '$.a', 'set', '\"{nobody}\"'",
    ] {
        let failure = db.fails(&format!("SELECT clone.rule({rule}); SELECT project_clone('{PROJECT}')")).await;
        assert_eq!(failure.code, "22023", "{rule}: {failure:?}");
        assert!(!failure.hint.is_empty(), "{rule}: {failure:?}");
    }
    assert_eq!(clones(&db).await, (0, 0));
}

#[tokio::test]
async fn without_privileges_nothing_is_read_or_written() {
    let db = with_observations(3).await;
    db.run("DROP ROLE IF EXISTS err_anyone; CREATE ROLE err_anyone LOGIN; GRANT USAGE ON SCHEMA documents, clone TO err_anyone").await;
    let anyone = db.session_as("err_anyone").await;
    let call = format!("SELECT project_clone('{PROJECT}')");
    let failure = anyone.fails(&call).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    assert!(failure.message.contains("permission denied for function project_clone"), "{failure:?}");

    db.run(
        "GRANT EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb) TO err_anyone;
         GRANT EXECUTE ON FUNCTION project_clone_plan(text, text, text[], text[], text[], text, text, jsonb) TO err_anyone",
    )
    .await;
    refused(&anyone, &call, "42501", "documents.project", "GRANT SELECT, INSERT ON documents.project TO \"err_anyone\"").await;
    db.run("GRANT SELECT ON documents.project, documents.resource TO err_anyone").await;
    refused(&anyone, &call, "42501", "documents.project", "INSERT").await;
    assert!(anyone.number(&format!("SELECT count(*) FROM project_clone_plan('{PROJECT}')")).await > 0, "a plan needs SELECT only");
    db.run("GRANT INSERT ON documents.project TO err_anyone").await;
    refused(&anyone, &call, "42501", "documents.resource", "INSERT").await;
    assert_eq!(clones(&db).await, (0, 0));

    // With these rights alone it works, and the bookkeeping is ours: the caller cannot write it.
    db.run("GRANT INSERT ON documents.resource TO err_anyone").await;
    let clone = anyone.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(db.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'")).await, 6);
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
    refused(&session, &format!("SELECT project_clone('{PROJECT}')"), "42501", "documents.resource", "GRANT").await;
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
    refused(&limited, &call, "0A000", "row security", "BYPASSRLS").await;
    assert_eq!(clones(&db).await, (0, 0));
    db.run("ALTER ROLE err_limited BYPASSRLS").await;
    limited.run(&call).await;
    db.run(&call).await;
    assert_eq!(clones(&db).await, (2, 2));
    db.run("ALTER TABLE documents.resource FORCE ROW LEVEL SECURITY").await;
    db.run(&call).await;
    db.run("ALTER TABLE documents.resource OWNER TO err_limited; ALTER ROLE err_limited NOBYPASSRLS").await;
    refused(&limited, &call, "0A000", "row security", "BYPASSRLS").await;
    db.run("REASSIGN OWNED BY err_limited TO postgres; DROP OWNED BY err_limited").await;
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
             WHERE n.nspname = 'clone' AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)",
        )
        .await;
    assert_eq!(relations, Vec::<String>::new());
    // Every SQL function of ours is safe under any search_path: its own is fixed.
    let open = db
        .list(
            "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
             JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
             JOIN pg_extension e ON e.oid = d.refobjid
             WHERE e.extname = 'pg_clone_ext' AND l.lanname IN ('sql', 'plpgsql')
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
        public.run(&format!("SELECT {types} FROM public.project_clone_plan('{PROJECT}'::pg_catalog.text)")).await;
    }
    public.run("SELECT clone.store_refresh('documents'::pg_catalog.text)").await;
    assert_eq!(db.list("SELECT what FROM hostile.hits").await, Vec::<String>::new());
    assert_eq!(
        db.list("SELECT count(*) FROM documents.resource GROUP BY project_id").await,
        ["23", "23", "23"],
        "the source and two whole clones"
    );
}

#[tokio::test]
async fn a_clone_over_its_memory_budget_is_refused() {
    let db = with_observations(5000).await;
    let call = format!("SELECT project_clone('{PROJECT}', options => '{{\"max_memory\": \"16kB\"}}')");
    refused(&db, &call, "53200", "needs more than 16 kB", "pg_clone.max_memory").await;
    db.run("SET pg_clone.max_memory = '1MB'").await;
    db.run(&format!("SELECT project_clone('{PROJECT}', options => '{{\"max_memory\": \"500MB\"}}')")).await;
    assert_eq!(clones(&db).await, (1, 1));
}

#[tokio::test]
async fn a_deleted_project_cannot_be_cloned() {
    let db = with_observations(1).await;
    db.run("ALTER TABLE documents.project ADD deleted boolean NOT NULL DEFAULT false; SELECT clone.store_refresh('documents');
            UPDATE clone.store_relation SET live = 'NOT deleted' WHERE relation = 'documents.project'::regclass")
        .await;
    db.run(&format!("SELECT project_clone('{PROJECT}')")).await;
    db.run(&format!("UPDATE documents.project SET deleted = true WHERE id = '{PROJECT}'")).await;
    refused(&db, &format!("SELECT project_clone('{PROJECT}')"), "P0002", "does not exist", "deleted").await;
}

#[tokio::test]
async fn odd_but_right_input_works() {
    let db = with_observations(3).await;
    db.run(&format!(
        r#"INSERT INTO documents.resource (project_id, resource_type, content) VALUES
           ('{PROJECT}', 'Odd '' type "\', '{{}}'), ('{PROJECT}', 'Ünïcode', '{{}}'), ('{PROJECT}', '', '{{"empty": "type"}}')"#
    ))
    .await;
    for (arguments, resources) in [
        (format!("' {} '", PROJECT.to_uppercase()), 9),
        (format!("'{PROJECT}', resource_types => '{{}}', include_ids => '{{}}', exclude_ids => '{{}}'"), 9),
        (format!("'{PROJECT}', NULL, NULL, NULL, NULL, NULL, NULL, NULL"), 9),
        (format!(r#"'{PROJECT}', resource_types => ARRAY['Odd '' type "\']"#), 1),
        (format!("'{PROJECT}', resource_types => ARRAY['Ünïcode', 'Ünïcode']"), 1),
        (format!("'{PROJECT}', include_ids => ARRAY['{PATIENT}', '{}', '{PATIENT}']", PATIENT.to_uppercase()), 1),
        (format!("'{PROJECT}', '{{\"name\": \"J\", \"owner\": null, \"includeIds\": []}}'::jsonb"), 9),
        (format!("'{PROJECT}', NULL::jsonb"), 9),
    ] {
        let clone = db.text(&format!("SELECT project_clone({arguments})->>'id'")).await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'")).await,
            resources,
            "{arguments}"
        );
    }
    for name in ["O'Brien", r"back\slash", "$$; DROP TABLE documents.resource; --", "%I %s", "é 😀", "null", "[1]", "{name}"] {
        let row = db.query_one("SELECT project_clone($1, $2)", &[&PROJECT, &name]).await.unwrap();
        let project: serde_json::Value = row.get(0);
        let stored = db.query_one("SELECT name FROM documents.project WHERE id::text = $1", &[&project["id"].as_str().unwrap()]).await;
        assert_eq!(stored.unwrap().get::<_, String>(0), name);
    }
}

#[tokio::test]
async fn what_is_meant_for_the_extension_alone_is_refused() {
    let db = with_observations(1).await;
    let failure = db
        .fails("SELECT * FROM clone.emit(1, 'documents.resource') AS e (id uuid, project_id uuid, resource_type text, content jsonb)")
        .await;
    assert_eq!(failure.code, "22023", "{failure:?}");
    assert!(failure.hint.contains("project_clone"), "{failure:?}");
}

#[tokio::test]
async fn documents_that_are_no_json_are_refused_by_name() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE project (id uuid PRIMARY KEY, name text); CREATE TABLE note (id uuid PRIMARY KEY, project uuid REFERENCES project, body text);
         SELECT clone.store_create('notes', 'custom');
         SELECT clone.store_table('notes', 'project', 'project');
         SELECT clone.store_table('notes', 'note', 'resource', project_column => 'project', document_column => 'body');
         SELECT clone.rule('notes', 'note', '$.secret', 'remove');
         INSERT INTO project VALUES ('11111111-1111-4111-8111-111111111111', 'P');
         INSERT INTO note VALUES ('33333333-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', '{\"broken\": ')",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "22P02", "{failure:?}");
    assert!(format!("{failure:?}").contains("33333333-1111-4111-8111-111111111111"), "{failure:?}");
}
