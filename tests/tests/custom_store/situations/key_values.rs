//! New values of keys from expressions, from sequences in any state, and of generated columns.

use crate::{assert_verified, described};
use pg_clone_tests::scratch_database::Scratch;

const TABLES: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Ours'), ('Theirs');";
const ORG: &str = "SELECT clone.store_table('s', 'org', 'project');";

#[tokio::test]
async fn references_follow_an_expression_on_the_key_that_they_hold() {
    for (key, values, expression) in [
        ("text", "'A', 'B'", "code || 'x'"),
        (
            "uuid",
            "gen_random_uuid(), gen_random_uuid()",
            "gen_random_uuid()",
        ),
        ("bigint", "10, 20", "code + 1000"),
        ("numeric(12,2)", "1.50, 2.50", "code + 1000"),
    ] {
        let db = described(
            &format!(
                "{TABLES} CREATE TABLE unit (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, code {key} UNIQUE NOT NULL);
                 CREATE TABLE uses (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, unit_code {key} REFERENCES unit (code), unit_id int REFERENCES unit);
                 INSERT INTO unit (org_id, code) SELECT 1, unnest(ARRAY[{values}]::{key}[]); INSERT INTO uses (org_id, unit_code, unit_id) SELECT 1, code, id FROM unit"
            ),
            &format!("{ORG} SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{{unit,uses}}'::text[]) t; SELECT clone.store_column('s', 'unit', 'code', 'expression', value => $e${expression}$e$)"),
        )
        .await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let pairs = format!(
            "SELECT count(*) FROM uses s JOIN unit u ON u.code = s.unit_code AND u.id = s.unit_id AND u.org_id = s.org_id WHERE s.org_id = {clone}"
        );
        assert_eq!(db.number(&pairs).await, 2, "{key}");
        assert_verified(&db, &clone).await;
        if key == "text" {
            assert_eq!(
                db.list(&format!(
                    "SELECT code FROM unit WHERE org_id = {clone} ORDER BY code"
                ))
                .await,
                ["Ax", "Bx"]
            );
            db.run("SELECT clone.store_column('s', 'unit', 'code', 'expression', value => 'NULLIF(code, ''A'')')")
                .await;
            let failure = db.fails("SELECT project_clone('1')").await;
            assert_eq!(failure.code, "55000", "{failure:?}");
        }
    }
}

#[tokio::test]
async fn an_expression_on_a_primary_key_gives_the_clones_keys() {
    let db = described(
        &format!("{TABLES} CREATE TABLE unit (id int PRIMARY KEY, org_id int NOT NULL REFERENCES org, up int REFERENCES unit); INSERT INTO unit VALUES (1, 1, NULL), (2, 1, 1)"),
        &format!("{ORG} SELECT clone.store_table('s', 'unit', 'resource', project_column => 'org_id'); SELECT clone.store_column('s', 'unit', 'id', 'expression', value => 'id + 100')"),
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT concat_ws(' ', id, up) FROM unit WHERE org_id = {clone} ORDER BY id"
        ))
        .await,
        ["101", "102 101"]
    );
    for (table, column) in [("org", "id"), ("keyed", "id")] {
        db.run("CREATE TABLE IF NOT EXISTS keyed (id uuid PRIMARY KEY, org_id int NOT NULL REFERENCES org); SELECT clone.store_table('s', 'keyed', 'resource', project_column => 'org_id')")
            .await;
        let failure = db
            .fails(&format!(
                "SELECT clone.store_column('s', '{table}', '{column}', 'expression', value => 'id'), project_clone('1')"
            ))
            .await;
        assert_eq!(failure.code, "22023", "{failure:?}");
    }
}

#[tokio::test]
async fn a_sequence_that_was_set_and_not_called_gives_its_next_value() {
    let db = described(
        &format!("{TABLES} CREATE TABLE unit (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO unit SELECT n, 1 FROM generate_series(1, 5) n"),
        &format!("{ORG} SELECT clone.store_table('s', 'unit', 'resource', project_column => 'org_id')"),
    )
    .await;
    for statement in [
        "SELECT setval('unit_id_seq', 3, false)",
        "ALTER SEQUENCE unit_id_seq RESTART 5",
    ] {
        db.run(statement).await;
        for call in [
            "SELECT * FROM project_clone_plan('1')",
            "SELECT project_clone('1')",
        ] {
            let failure = db.fails(call).await;
            assert_eq!(failure.code, "55000", "{failure:?}");
            assert!(failure.message.contains("is behind the keys"), "{failure:?}");
        }
    }
    for statement in [
        "SELECT setval('unit_id_seq', 6, false)",
        "ALTER SEQUENCE unit_id_seq RESTART 100",
    ] {
        db.run(statement).await;
        db.run("SELECT count(*) FROM project_clone_plan('1')").await;
        let clone = db.clone_project("'1'").await;
        assert_verified(&db, &clone).await;
    }
    assert_eq!(
        db.list("SELECT min(id) || ' ' || max(id) FROM unit GROUP BY org_id ORDER BY 1")
            .await,
        ["1 5", "100 104", "6 10"]
    );
}

#[tokio::test]
async fn a_sequence_without_enough_values_is_refused_first() {
    let db = described(
        &format!("{TABLES} CREATE TABLE unit (id smallserial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO unit SELECT n, 1 FROM generate_series(1, 5) n; SELECT setval('unit_id_seq', 32763)"),
        &format!("{ORG} SELECT clone.store_table('s', 'unit', 'resource', project_column => 'org_id')"),
    )
    .await;
    for call in [
        "SELECT * FROM project_clone_plan('1')",
        "SELECT project_clone('1')",
    ] {
        let failure = db.fails(call).await;
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            (
                "55000",
                "sequence public.unit_id_seq has fewer than 5 values left for public.unit.id"
            )
        );
    }
    // Exactly as many as are needed.
    db.run("SELECT setval('unit_id_seq', 32762)").await;
    db.clone_project("'1'").await;
    assert_eq!(db.number("SELECT max(id) FROM unit").await, 32767);
    db.run("ALTER TABLE public.unit ALTER COLUMN \"id\" TYPE bigint; ALTER SEQUENCE public.unit_id_seq AS bigint NO MAXVALUE; SELECT clone.store_refresh('s')")
        .await;
    db.clone_project("'1'").await;
}

#[tokio::test]
async fn a_reference_to_a_generated_column_is_kept_or_refused_by_name() {
    let tables = |unique: &str, holds: &str| {
        format!(
            "{TABLES} CREATE TABLE unit (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, a text, code text GENERATED ALWAYS AS (a || '!') STORED, UNIQUE ({unique}));
             CREATE TABLE uses (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, unit_code text, FOREIGN KEY ({holds}) REFERENCES unit ({unique}));
             INSERT INTO unit (org_id, a) VALUES (1, 'x'), (1, 'y'); INSERT INTO uses (org_id, unit_code) VALUES (1, 'x!'), (1, 'y!')"
        )
    };
    let store = format!(
        "{ORG} SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{{unit,uses}}'::text[]) t"
    );
    let db = described(&tables("org_id, code", "org_id, unit_code"), &store).await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT unit_code FROM uses WHERE org_id = {clone} ORDER BY id"
        ))
        .await,
        ["x!", "y!"]
    );
    let db = described(&tables("code", "unit_code"), &store).await;
    for call in [
        "SELECT * FROM project_clone_plan('1')",
        "SELECT project_clone('1')",
    ] {
        let failure = db.fails(call).await;
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            (
                "0A000",
                "generated column public.unit.code is unique across all projects, and public.uses refers to it"
            )
        );
    }
}

#[tokio::test]
async fn uuid_keys_as_bytes_are_asked_about() {
    for (what, type_name, value) in [
        ("16 bytes", "bytea", "uuid_send(p.id)"),
        ("a text", "bytea", "convert_to('person:' || p.id, 'UTF8')"),
        (
            "a text in capitals",
            "bytea",
            "convert_to(upper(p.id::text), 'UTF8')",
        ),
        (
            "a text without dashes",
            "bytea",
            "convert_to(replace(p.id::text, '-', ''), 'UTF8')",
        ),
        ("a list", "bytea[]", "ARRAY[uuid_send(p.id)]"),
    ] {
        let db = Scratch::with_extension().await;
        db.run(&format!(
            "CREATE TABLE org (id bigserial PRIMARY KEY, name text); CREATE TABLE person (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id bigint NOT NULL REFERENCES org);
             CREATE TABLE event (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, who {type_name}, digest bytea);
             INSERT INTO org (name) VALUES ('A'), ('B'); INSERT INTO person (org_id) SELECT 1 + i % 2 FROM generate_series(1, 20) i;
             INSERT INTO event (org_id, who, digest) SELECT p.org_id, {value}, decode(md5(p.id::text), 'hex') FROM person p;
             SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"org\"}}')"
        ))
        .await;
        let questions = db
            .list("SELECT concat_ws(' ', severity, subject, question) FROM clone.store_check('s')")
            .await;
        assert_eq!(questions.len(), 1, "{what}: {questions:?}");
        assert!(
            questions[0].starts_with("error")
                && questions[0].contains("public.event.who holds keys of public.person as bytes"),
            "{what}: {questions:?}"
        );
        db.fails("SELECT project_clone('1')").await;
        db.run("SELECT clone.store_no_reference('s', 'event', 'who', '$forms')")
            .await;
        db.clone_project("'1'").await;
    }
}

#[tokio::test]
async fn texts_that_name_keys_of_bytes_are_asked_about() {
    for (what, value) in [
        ("hex", "jsonb_build_object('author', encode(p.id, 'hex'))"),
        (
            "base64",
            "to_jsonb('person/' || translate(encode(p.id, 'base64'), '+/=', '-_'))",
        ),
        ("a UUID", "jsonb_build_array(encode(p.id, 'hex')::uuid)"),
        ("a literal", "jsonb_build_object('author', p.id)"),
    ] {
        let db = Scratch::with_extension().await;
        db.run(&format!(
            "CREATE TABLE org (id bytea PRIMARY KEY, name text);
             CREATE TABLE person (id bytea PRIMARY KEY DEFAULT uuid_send(gen_random_uuid()), org_id bytea NOT NULL REFERENCES org);
             CREATE TABLE event (id bigserial PRIMARY KEY, org_id bytea NOT NULL REFERENCES org, person_id bytea REFERENCES person, doc jsonb, digest text);
             INSERT INTO org (id, name) VALUES ('\\x0a', 'A'), ('\\x0b', 'B'); INSERT INTO person (org_id) SELECT CASE i % 2 WHEN 0 THEN '\\x0a'::bytea ELSE '\\x0b' END FROM generate_series(1, 20) i;
             INSERT INTO event (org_id, person_id, doc, digest) SELECT p.org_id, p.id, {value}, md5(p.id::text) FROM person p;
             SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"org\"}}')"
        ))
        .await;
        let questions = db
            .list("SELECT concat_ws(' ', severity, subject, question) FROM clone.store_check('s')")
            .await;
        assert_eq!(questions.len(), 1, "{what}: {questions:?}");
        assert!(
            questions[0].starts_with("error")
                && questions[0].contains("public.event.doc holds keys of public.person, which are bytes"),
            "{what}: {questions:?}"
        );
        db.run("SELECT clone.store_no_reference('s', 'event', 'doc', '$forms')")
            .await;
        // The tenant's key is not computed by an expression, so that no hint says so.
        let failure = db.fails("SELECT project_clone('\\x0a')").await;
        assert!(
            !failure.hint.contains("expression") && failure.hint.contains("target"),
            "{what}: {failure:?}"
        );
        let clone = db
            .clone_project("'\\x0a', options => '{\"target\": \"\\\\x0c\"}'")
            .await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM event e JOIN person p ON p.id = e.person_id AND p.org_id = e.org_id WHERE e.org_id = '{clone}'")).await,
            10
        );
    }
}
