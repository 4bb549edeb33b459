//! The store `documents`: every form of reference, the two insert paths against each other, and tables that are more
//! than plain tables.

use std::collections::{BTreeSet, HashMap};

use pg_clone_tests::id_oracle::Ids;
use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Scratch, Session};
use serde_json::Value;

/// An id of the source in lower and upper case, one that is not cloned, and one of nobody.
const OLD: &str = PATIENT;
const LEFT: &str = "22222222-2222-4222-8222-0000000000ff";
const OTHER: &str = "99999999-2222-4222-8222-000000000001";

/// Adds a document to the project.
async fn add(session: &Session, id: &str, resource_type: &str, document: &str) {
    session
        .execute(
            "INSERT INTO documents.resource (id, project_id, resource_type, content) VALUES ($1::text::uuid, $2::text::uuid, $3, $4)",
            &[&id, &PROJECT, &resource_type, &serde_json::from_str::<Value>(document).unwrap()],
        )
        .await
        .unwrap_or_else(|error| panic!("{document}: {error:?}"));
}

/// Ids of the source's resources and their clones', found by a mark in the documents.
async fn ids(session: &Session, clone: &str) -> Ids {
    let mut new = HashMap::from([(PROJECT.to_owned(), clone.to_owned())]);
    for row in session
        .rows(&format!(
            "SELECT s.id, c.id, s.content #>> '{{meta,versionId}}', c.content #>> '{{meta,versionId}}' FROM documents.resource s JOIN documents.resource c
               ON (s.content->>'mark' = c.content->>'mark' OR s.content->>'value' = c.content->>'value'
                   OR (s.resource_type = c.resource_type AND s.resource_type IN ('Patient', 'Binary', 'DocumentReference')))
             WHERE s.project_id = '{PROJECT}' AND c.project_id = '{clone}'"
        ))
        .await
    {
        let [old, clone, old_version, new_version] = row.try_into().unwrap();
        new.insert(old.unwrap(), clone.unwrap());
        if let (Some(old), Some(clone)) = (old_version, new_version) {
            new.insert(old, clone);
        }
    }
    Ids { new }
}

#[tokio::test]
async fn every_form_of_reference_follows_the_clone_on_both_paths() {
    let db = with_observations(1).await;
    let version = db.text(&format!("SELECT content #>> '{{meta,versionId}}' FROM documents.resource WHERE id = '{OLD}'")).await;
    add(&db, LEFT, "Left", "{}").await;
    // Form of a string, and what must become of it; N is the new id, V the new version.
    let upper = OLD.to_uppercase();
    let forms = [
        (format!("Patient/{OLD}"), "Patient/N"),
        (format!("Patient/{OLD}/_history/{version}"), "Patient/N/_history/V"),
        (format!("Patient/{OLD}/_history/{OTHER}"), "Patient/N"),
        (format!("Patient/{OLD}/_history/1"), "Patient/N"),
        (format!("https://fhir.example/r4/Patient/{OLD}"), "https://fhir.example/r4/Patient/N"),
        (format!("https://fhir.example/r4/Patient/{OLD}/_history/{OTHER}?x=1#y"), "https://fhir.example/r4/Patient/N?x=1#y"),
        (format!("urn:uuid:{OLD}"), "urn:uuid:N"),
        (format!("URN:UUID:{upper}"), "URN:UUID:^N"),
        (format!("Binary/{OLD}"), "Binary/N"),
        (format!("Patient/{OLD}#part"), "Patient/N#part"),
        (format!("Observation?subject=Patient/{OLD}&code=x"), "Observation?subject=Patient/N&code=x"),
        (format!("Observation?subject=Patient%2F{OLD}"), "Observation?subject=Patient%2FN"),
        (format!("Observation?subject={OLD},{OLD}"), "Observation?subject=N,N"),
        (format!("<a href=\"Patient/{OLD}\">a</a><img src='Binary/{OLD}'/>"), "<a href=\"Patient/N\">a</a><img src='Binary/N'/>"),
        (OLD.to_owned(), "N"),
        (upper.clone(), "^N"),
        (format!("{{{OLD}}}"), "{N}"),
        (format!("({OLD})[{OLD}]"), "(N)[N]"),
        (format!("{OLD}-{OLD}"), "N-N"),
        (format!("{OLD}_{OLD}"), "N_N"),
        (format!("\"{OLD}\"\n\t\\{OLD}\\"), "\"N\"\n\t\\N\\"),
        (format!("😀{OLD}😀"), "😀N😀"),
        (format!("“{OLD}”"), "“N”"),
        (format!("owner.reference = 'Practitioner/{OLD}'"), "owner.reference = 'Practitioner/N'"),
        (format!("Questionnaire/{OLD}|1.0"), "Questionnaire/N|1.0"),
        (format!("Project/{PROJECT}"), "Project/P"),
        // Not an id, or not ours.
        (format!("x{OLD}"), "x="),
        (format!("{OLD}9"), "=9"),
        (format!("é{OLD}"), "é="),
        (format!("{OLD}é"), "=é"),
        (format!("日{OLD}本"), "日=本"),
        (OLD.replace('-', ""), "-"),
        (format!("Patient/{OTHER}"), "-"),
        (format!("Left/{LEFT}"), "-"),
        (OLD[..35].to_owned(), "-"),
        (format!("{}g", &OLD[..35]), "-"),
        (String::new(), "-"),
        ("-".repeat(200), "-"),
    ];
    let strings: serde_json::Map<String, Value> =
        forms.iter().enumerate().map(|(n, (form, _))| (format!("f{n:02}"), Value::String(form.clone()))).collect();
    let document = serde_json::json!({"mark": "forms", "nested": [{"deep": [strings]}], "number": 12345678901234567890.5, "null": null});
    add(&db, "33333333-3333-4333-8333-333333333333", "Forms", &document.to_string()).await;
    // Ids as keys of objects, several that swap their order, keys of equal length.
    let keyed = serde_json::json!({"mark": "keys", OLD: 1, format!("Patient/{OLD}"): {"a": OLD}, OTHER: 2, LEFT: 3, upper.clone(): 4, "22222222-2222-4222-8222-000000000000": 5});
    add(&db, "33333333-3333-4333-8333-333333333334", "Keys", &keyed.to_string()).await;
    // A scalar of every kind, big and small containers around ids.
    let long = serde_json::json!({"mark": "long", "many": (0..500).map(|n| serde_json::json!({"n": n, "ref": format!("Patient/{OLD}"), "pad": "x".repeat(n)})).collect::<Vec<_>>()});
    add(&db, "33333333-3333-4333-8333-333333333335", "Long", &long.to_string()).await;

    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.clone_project(&format!("'{PROJECT}', exclude_ids => '{{{LEFT}}}'")).await;
        let ids = ids(&db, &clone).await;
        let new = &ids.new[OLD];
        let of = async |mark: &str| {
            db.json(&format!("SELECT content FROM documents.resource WHERE project_id = '{clone}' AND content->>'mark' = '{mark}'")).await
        };
        let found = of("forms").await;
        for (n, (form, expected)) in forms.iter().enumerate() {
            let expected = match *expected {
                "-" => form.clone(),
                other => other
                    .replace("^N", &new.to_uppercase())
                    .replace('N', new)
                    .replace("/V", &format!("/{}", ids.new[&version]))
                    .replace("Project/P", &format!("Project/{clone}"))
                    .replace('=', if form.contains('?') || form.contains("href") || form.contains("owner") { "=" } else { OLD }),
            };
            let expected = if form.starts_with("URN") { format!("URN:UUID:{}", new.to_uppercase()) } else { expected };
            assert_eq!(found["nested"][0]["deep"][0][format!("f{n:02}")], expected, "{form} (bulk {bulk})");
        }
        for (mark, source) in [("forms", &document), ("keys", &keyed), ("long", &long)] {
            let found = of(mark).await;
            if mark != "forms" {
                assert_eq!(found, ids.rewrite_document(source), "{mark} (bulk {bulk})");
            }
            // The server can work with it: it is the jsonb that it would have made itself.
            assert_eq!(
                db.text(&format!(
                    "SELECT bool_and(content = content::text::jsonb AND md5(content::text) = md5(content::text::jsonb::text) AND pg_column_size(content || '{{}}') = pg_column_size(content::text::jsonb || '{{}}'))
                     FROM documents.resource WHERE project_id = '{clone}' AND content->>'mark' = '{mark}'"
                ))
                .await,
                "t",
                "{mark}"
            );
        }
        let keys = of("keys").await;
        assert_eq!(keys[new.as_str()], 1, "found by its key");
        assert_eq!(
            db.text(&format!("SELECT content ? '{new}' AND content @> '{{\"{OTHER}\": 2}}' FROM documents.resource WHERE project_id = '{clone}' AND content->>'mark' = 'keys'")).await,
            "t"
        );
        assert_eq!(db.number("SELECT dangling FROM clone.run ORDER BY id DESC LIMIT 1").await, 2, "one string, one key");
    }
}

/// Rows of two clones under each one's ids, without times, in an order of their own.
async fn normalized(session: &Session, clone: &str) -> BTreeSet<String> {
    let ids = ids(session, clone).await;
    let back = Ids { new: ids.new.iter().map(|(old, new)| (new.clone(), old.clone())).collect() };
    session
        .list(&format!(
            "SELECT to_jsonb(r) - '{{created_at,updated_at}}'::text[] FROM documents.resource r WHERE project_id = '{clone}'
             UNION ALL SELECT to_jsonb(p) - '{{created_at,updated_at}}'::text[] FROM documents.project p WHERE id = '{clone}'"
        ))
        .await
        .into_iter()
        .map(|row| back.rewrite(&row))
        .collect()
}

#[tokio::test]
async fn both_paths_make_the_same_rows() {
    let db = with_observations(500).await;
    db.run("SELECT clone.rule('documents', 'Patient', '$.secret', 'remove'); SELECT clone.rule('documents', 'Observation', '$.flag', 'set', 'true', \"when\" => '@.value > 250')").await;
    db.run(&format!(r#"UPDATE documents.resource SET content = content || '{{"secret": "s", "big": "{}"}}' WHERE resource_type = 'Patient'"#, "pad ".repeat(5000))).await;
    let source = normalized_source(&db).await;
    let mut results = Vec::new();
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        assert_eq!(db.list("SELECT DISTINCT path FROM clone.run_table WHERE run_id = (SELECT max(id) FROM clone.run)").await, [if bulk == "on" { "bulk" } else { "sql" }]);
        results.push(normalized(&db, &clone).await);
    }
    assert_eq!(results[0].len(), 504);
    assert_eq!(results[0], results[1]);
    assert_eq!(source.len(), 504);
    assert_eq!(results[0].iter().filter(|row| row.contains("\"flag\": true")).count(), 250);
    assert!(results[0].iter().all(|row| !row.contains("\"secret\"")));
    assert_eq!(results[0].intersection(&source).count(), 504 - 250 - 1, "all but those that rules edit are the source's");
    let counts = |column: &str| format!("SELECT count(DISTINCT ({column})) FROM clone.run");
    assert_eq!(db.number(&counts("resources, rows, rewritten, kept, dangling, blobs")).await, 1);
}

async fn normalized_source(session: &Session) -> BTreeSet<String> {
    session
        .list(&format!(
            "SELECT to_jsonb(r) - '{{created_at,updated_at}}'::text[] FROM documents.resource r WHERE project_id = '{PROJECT}'
             UNION ALL SELECT to_jsonb(p) - '{{created_at,updated_at}}'::text[] FROM documents.project p WHERE id = '{PROJECT}'"
        ))
        .await
        .into_iter()
        .collect()
}

#[tokio::test]
async fn names_owners_and_files_of_the_store() {
    let db = with_observations(1).await;
    let clone = db.clone_project(&format!("'{PROJECT}', 'Staging', owner => 'User/7'")).await;
    assert_eq!(
        db.rows(&format!("SELECT name, owner, created_at > now() - interval '1 minute' FROM documents.project WHERE id = '{clone}'")).await,
        [["Staging", "User/7", "t"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(
        db.rows(&format!(
            "SELECT b.source_key, b.target_key = '{clone}/' || r.id, b.content_type FROM clone.blob_copy b JOIN documents.resource r ON r.id::text = b.target_id"
        ))
        .await,
        [[format!("{PROJECT}/22222222-2222-4222-8222-000000000002"), "t".to_owned(), "text/plain".to_owned()].map(Some)]
    );
    let binary = db.text(&format!("SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Binary'")).await;
    assert_eq!(
        db.text(&format!("SELECT content #>> '{{content,url}}' FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'DocumentReference'")).await,
        format!("Binary/{binary}")
    );
    // An attachment brings its file's Binary along, whatever the filter.
    let clone = db.clone_project(&format!("'{PROJECT}', resource_types => '{{DocumentReference}}'")).await;
    assert_eq!(
        db.list(&format!("SELECT resource_type FROM documents.resource WHERE project_id = '{clone}' ORDER BY 1")).await,
        ["Binary", "DocumentReference"]
    );
}

#[tokio::test]
async fn triggers_of_the_users_table_take_the_sql_path_and_fire() {
    let db = with_observations(20).await;
    db.run(
        "CREATE TABLE public.audit (id uuid, what text);
         CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO public.audit VALUES (NEW.id, TG_WHEN);
             IF TG_WHEN = 'BEFORE' THEN NEW.content := NEW.content || '{\"noted\": true}'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER before_row BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.note();
         CREATE TRIGGER after_row AFTER INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.note()",
    )
    .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.rows("SELECT relation, resource_type, path FROM clone.run_table WHERE resource_type IN ('', 'Patient') ORDER BY 1").await,
        [["documents.project", "", "bulk"], ["documents.resource", "Patient", "sql"]].map(|row| row.map(|text| Some(text.to_owned())).to_vec())
    );
    assert_eq!(db.number("SELECT count(*) FROM public.audit").await, 46);
    assert_eq!(db.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{clone}' AND content ? 'noted'")).await, 23);
    assert_eq!(
        db.text(&format!("SELECT string_agg(DISTINCT path || ': ' || why, ',') FROM project_clone_plan('{PROJECT}') WHERE relation = 'documents.resource'")).await,
        "sql: trigger after_row, before_row"
    );
    // Statement triggers and triggers on a disabled table count too, or not.
    db.run("ALTER TABLE documents.resource DISABLE TRIGGER USER; TRUNCATE public.audit").await;
    db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(db.number("SELECT count(*) FROM public.audit").await, 0);
    assert_eq!(db.text("SELECT path FROM clone.run_table WHERE relation = 'documents.resource' ORDER BY run_id DESC LIMIT 1").await, "bulk");
}

#[tokio::test]
async fn a_row_that_a_trigger_swallows_is_not_counted_as_cloned() {
    let db = with_observations(5).await;
    db.run(
        "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.resource_type = 'Observation' THEN RETURN NULL; END IF; RETURN NEW; END $$;
         CREATE TRIGGER swallow BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.swallow()",
    )
    .await;
    let outcome = db.attempt(&format!("SELECT project_clone('{PROJECT}')")).await;
    // Either refused, or the run says what is really there: never a report of rows that do not exist.
    if outcome.is_ok() {
        assert_eq!(db.number("SELECT sum(rows) FROM clone.run_table WHERE relation = 'documents.resource'").await, 3);
    }
}

#[tokio::test]
async fn foreign_keys_hold_and_deferred_ones_are_checked_at_commit() {
    let db = with_observations(10).await;
    db.run(
        "ALTER TABLE documents.resource ADD COLUMN patient uuid REFERENCES documents.resource DEFERRABLE INITIALLY DEFERRED;
         UPDATE documents.resource SET patient = 'abcdef22-2222-4222-8222-000000000001' WHERE resource_type = 'Observation';
         SELECT clone.store_refresh('documents')",
    )
    .await;
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}; BEGIN")).await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        db.run("SET CONSTRAINTS ALL IMMEDIATE; COMMIT").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM documents.resource o JOIN documents.resource p ON p.id = o.patient WHERE o.project_id = '{clone}' AND p.project_id = '{clone}'"
            ))
            .await,
            10
        );
    }
    // Left out: the clone's observations would name the source's patient.
    let excluded = format!("'{PROJECT}', exclude_ids => '{{{PATIENT}}}'");
    let kept = db.clone_project(&excluded).await;
    assert_eq!(db.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{kept}' AND patient = '{PATIENT}'")).await, 10);
    let null = db.clone_project(&format!("{excluded}, options => '{{\"dangling\": \"null\"}}'")).await;
    assert_eq!(db.number(&format!("SELECT count(patient) FROM documents.resource WHERE project_id = '{null}'")).await, 0);
    assert_eq!(db.fails(&format!("SELECT project_clone({excluded}, options => '{{\"dangling\": \"error\"}}')")).await.code, "23503");
}

#[tokio::test]
async fn generated_identity_and_default_columns_are_the_servers() {
    let db = with_observations(10).await;
    db.run(
        "ALTER TABLE documents.resource ADD COLUMN kind text GENERATED ALWAYS AS (upper(resource_type)) STORED,
             ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN serial bigserial, ADD COLUMN state text DEFAULT 'new';
         UPDATE documents.resource SET state = 'old';
         SELECT clone.store_refresh('documents')",
    )
    .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.text(&format!(
            "SELECT bool_and(kind = upper(resource_type)) AND count(DISTINCT number) = count(*) AND min(number) > 13 AND bool_and(state = 'old')
             FROM documents.resource WHERE project_id = '{clone}'"
        ))
        .await,
        "t"
    );
    assert_eq!(db.number("SELECT count(*) - count(DISTINCT number) FROM documents.resource").await, 0);
    let path = db.text("SELECT DISTINCT path FROM clone.run_table WHERE relation = 'documents.resource'").await;
    assert_eq!(path, "sql", "the server computes them");
}

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
    assert!(db.number("SELECT count(DISTINCT tableoid) FROM documents.resource").await > 1, "more than one partition is filled");
    assert!(db.text(&format!("SELECT DISTINCT why FROM project_clone_plan('{PROJECT}') WHERE path = 'sql'")).await.contains("partitioned"));
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
    let directory = pg_clone_tests::scratch_database::cluster().await.directory().display().to_string();
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
    db.run("BEGIN").await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    db.run("COMMIT").await;
    let patient = db.text(&format!("SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient'")).await;
    assert_eq!(
        other.number(&format!("SELECT count(*) FROM public.note WHERE project = '{clone}' AND body = 'see Patient/{patient} and ' || id")).await,
        50
    );
    db.run("BEGIN").await;
    db.clone_project(&format!("'{PROJECT}'")).await;
    db.run("ROLLBACK").await;
    assert_eq!(other.number("SELECT count(*) FROM public.note").await, 100);
}

#[tokio::test]
async fn big_documents_are_stored_out_of_line_and_compressed_as_the_server_does_it() {
    let db = with_observations(1).await;
    db.run(&format!(
        r#"INSERT INTO documents.resource (project_id, resource_type, content)
           SELECT '{PROJECT}', 'Big', jsonb_build_object('mark', n, 'ref', 'Patient/{PATIENT}', 'text', (SELECT string_agg(md5(i::text || n), ' ') FROM generate_series(1, 20000) i))
           FROM generate_series(1, 3) n"#
    ))
    .await;
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        let patient = db.text(&format!("SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient'")).await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM documents.resource c JOIN documents.resource s ON s.content->>'mark' = c.content->>'mark' AND s.content->'text' = c.content->'text'
                 WHERE s.project_id = '{PROJECT}' AND c.project_id = '{clone}' AND c.content->>'ref' = 'Patient/{patient}'"
            ))
            .await,
            3
        );
    }
    db.run(&format!("DELETE FROM documents.resource WHERE project_id = '{PROJECT}'")).await;
    db.run("VACUUM documents.resource").await;
    assert_eq!(
        db.number("SELECT count(*) FROM documents.resource WHERE resource_type = 'Big' AND length(content->>'text') = 659999").await,
        6,
        "the clones do not share the source's storage"
    );
}
