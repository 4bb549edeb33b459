//! Values from a description or a call: an error before rows are written if an index, a type or a trigger would reject
//! them.

use super::{assert_verified, described};
use crate::description::{answer_all, discovered};

const ORG: &str = "a0000000-0000-4000-8000-000000000022";
const CLINIC: &str = "CREATE TABLE clinic (id uuid PRIMARY KEY, name varchar(12), slug text UNIQUE);
    CREATE TABLE patient (id bigserial PRIMARY KEY, clinic_id uuid NOT NULL REFERENCES clinic, email text NOT NULL, code text, born date, UNIQUE (clinic_id, email));
    CREATE UNIQUE INDEX patient_code ON patient (code) WHERE code <> '';
    INSERT INTO clinic VALUES ('a0000000-0000-4000-8000-000000000022', 'Ward', 'ward');
    INSERT INTO patient (clinic_id, email, code, born) SELECT id, n || '@x.example', n, '1980-01-02' FROM clinic, unnest('{ines,olaf}'::text[]) n";
const STORE: &str = "SELECT clone.store_table('s', 'clinic', 'project'); SELECT clone.store_table('s', 'patient', 'resource', project_column => 'clinic_id');
    SELECT clone.store_column('s', 'clinic', 'slug', 'suffix'); SELECT clone.store_column('s', 'patient', 'code', 'suffix')";

#[tokio::test]
async fn one_value_for_several_rows_is_refused_where_an_index_wants_another_in_each() {
    let db = described(CLINIC, STORE).await;
    for (column, role, value) in [
        ("email", "value", "'masked@x.example'"),
        ("email", "template", "'{n}@x.example'"),
        (
            "email",
            "expression",
            "$$'m@' || pg_catalog.date_part('year', born)$$",
        ),
        ("code", "value", "'c'"),
    ] {
        db.run(&format!(
            "SELECT clone.store_column('s', 'patient', '{column}', '{role}', value => {value})"
        ))
        .await;
        if role == "expression" {
            db.run("UPDATE patient SET born = '1980-05-05'").await;
        }
        for call in ["project_clone", "project_clone_plan"] {
            let failure = db.fails(&format!("SELECT * FROM {call}('{ORG}', 'Copy')")).await;
            assert!(
                failure.code == "55000"
                    && failure.message.contains(&format!("\"{column}\""))
                    && failure.hint.contains("{new_id}"),
                "{role}: {failure:?}"
            );
        }
        db.run("SELECT clone.store_column('s', 'patient', 'email', 'keep'); SELECT clone.store_column('s', 'patient', 'code', 'suffix')")
            .await;
    }
    // The answer of the hint.
    db.run("SELECT clone.store_column('s', 'patient', 'email', 'template', value => '{new_id}@x.example')")
        .await;
    let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM patient WHERE clinic_id = '{clone}' AND email = id || '@x.example'"
        ))
        .await,
        2
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_value_that_an_earlier_clone_has_is_refused() {
    let db = described(CLINIC, STORE).await;
    db.run("SELECT clone.store_column('s', 'clinic', 'slug', 'value', value => 'staging')")
        .await;
    db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}', 'Copy')")).await;
    assert!(
        failure.code == "55000"
            && failure.message.contains("\"slug\"")
            && failure.hint.contains("'template'"),
        "{failure:?}"
    );
    let failure = db
        .fails(&format!(
            "SELECT project_clone('{ORG}', 'Copy', options => '{{\"values\": {{\"clinic.slug\": \"ward\"}}}}')"
        ))
        .await;
    assert!(
        failure.code == "55000" && failure.hint.contains("options.values"),
        "{failure:?}"
    );
    db.run(
        "CREATE UNIQUE INDEX ON clinic (name); SELECT clone.store_column('s', 'clinic', 'slug', 'suffix')",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}', 'Copy')")).await;
    assert!(
        failure.code == "55000" && failure.hint.contains("another name"),
        "{failure:?}"
    );
    db.clone_project(&format!("'{ORG}', 'Copy 2'")).await;
}

#[tokio::test]
async fn an_error_of_the_server_while_rows_are_written_says_what_to_do() {
    let db = described(
        "CREATE EXTENSION btree_gist; CREATE DOMAIN short AS text CHECK (length(VALUE) < 8);
         CREATE TABLE inn (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(8), nick short);
         CREATE TABLE room (id serial PRIMARY KEY, inn_id int NOT NULL REFERENCES inn, gone timestamptz, beds int CHECK (beds < 9));
         CREATE TABLE stay (id serial PRIMARY KEY, inn_id int NOT NULL REFERENCES inn, room_id int NOT NULL REFERENCES room, during daterange, EXCLUDE USING gist (room_id WITH =, during WITH &&));
         INSERT INTO inn (name) VALUES ('Swan'); INSERT INTO room (inn_id, gone, beds) VALUES (1, NULL, 2), (1, '2025-01-01', 3);
         INSERT INTO stay (inn_id, room_id, during) VALUES (1, 1, '[2026-03-01,2026-03-04)'), (1, 2, '[2026-03-01,2026-03-04)')",
        "SELECT clone.store_table('s', 'inn', 'project'); SELECT clone.store_table('s', 'room', 'resource', project_column => 'inn_id', live => 'gone IS NULL');
         SELECT clone.store_table('s', 'stay', 'resource', project_column => 'inn_id')",
    )
    .await;
    // The reference to the room that is left out stays, and with it the whole key of the exclusion constraint.
    for call in ["project_clone", "project_clone_plan"] {
        let failure = db.fails(&format!("SELECT * FROM {call}('1', 'Copy')")).await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        assert!(
            failure.detail.contains("(2, [2026-03-01,2026-03-04))"),
            "{failure:?}"
        );
        assert!(
            failure.hint.starts_with("What \"room_id\" names is not cloned"),
            "{failure:?}"
        );
    }
    db.run("SELECT clone.store_table('s', 'room', 'resource', project_column => 'inn_id')")
        .await;
    let failure = db.fails("SELECT project_clone('1', 'too long a name')").await;
    assert!(
        failure.code == "22001" && failure.hint.contains("\"name\" of public.inn"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_column('s', 'inn', 'nick', 'name')")
        .await;
    let failure = db.fails("SELECT project_clone('1', 'eight ch')").await;
    assert!(
        failure.code == "23514" && failure.hint.contains("\"nick\" of public.inn"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_column('s', 'room', 'beds', 'value', value => '99')")
        .await;
    let failure = db.fails("SELECT project_clone('1', 'Copy')").await;
    assert!(failure.code == "23514" && !failure.hint.is_empty(), "{failure:?}");
    // What a trigger says itself stays.
    db.run("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '23514', HINT = 'Ask Ada.'; END $$;
            CREATE TRIGGER no BEFORE INSERT ON room FOR EACH ROW EXECUTE FUNCTION no()").await;
    let failure = db.fails("SELECT project_clone('1', 'Copy')").await;
    assert_eq!(failure.hint, "Ask Ada.");
    assert_eq!(db.number("SELECT count(*) FROM inn").await, 1);
}

#[tokio::test]
async fn a_trigger_that_gives_rows_to_another_project_is_refused() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE item (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, k text);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000022', 'X'); INSERT INTO item (org_id, k) SELECT id, k FROM org, unnest('{one,two}'::text[]) k;
         CREATE FUNCTION session_tenant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.org_id := current_setting('app.org')::uuid; RETURN NEW; END $$;
         CREATE TRIGGER force BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION session_tenant()",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id')",
    )
    .await;
    db.run(&format!("SET app.org = '{ORG}'")).await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}', 'Copy')")).await;
    assert!(
        failure.code == "0A000"
            && failure
                .message
                .contains("public.item, but only 0 belong to the new project"),
        "{failure:?}"
    );
    assert_eq!(db.number("SELECT count(*) FROM item").await, 2);
    let clone = db
        .clone_project(&format!(
            "'{ORG}', 'Copy', options => '{{\"triggers\": \"skip\"}}'"
        ))
        .await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_project_that_is_a_schema_is_refused() {
    let db = described(
        "CREATE TABLE tenant (id serial PRIMARY KEY, schema_name text UNIQUE, name text); CREATE SCHEMA t_acme; CREATE TABLE t_acme.invoice (id serial PRIMARY KEY, total numeric);
         INSERT INTO tenant (schema_name, name) VALUES ('t_acme', 'Acme')",
        "SELECT clone.store_table('s', 'tenant', 'project'); SELECT clone.store_column('s', 'tenant', 'schema_name', 'suffix')",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1', 'Copy')").await;
    assert!(
        failure.code == "0A000" && failure.message.contains("\"t_acme\"") && failure.hint.contains("pg_dump"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_column('s', 'tenant', 'schema_name', 'null')")
        .await;
    db.clone_project("'1', 'Copy'").await;
}

#[tokio::test]
async fn a_target_in_columns_needs_no_schema() {
    let db = described(
        "CREATE SCHEMA app; CREATE TABLE app.org (id uuid PRIMARY KEY, name text); CREATE TABLE app.item (id uuid PRIMARY KEY, org_id uuid REFERENCES app.org, other uuid)",
        "SELECT clone.store_table('s', 'app.org', 'project')",
    )
    .await;
    db.run("SELECT clone.store_table('s', 'app.item', 'resource', project_column => 'org_id', columns => '{\"other\": {\"role\": \"map\", \"target\": \"org\"}}')").await;
    let failure = db
        .fails("SELECT clone.store_table('s', 'app.item', 'resource', project_column => 'org_id', columns => '{\"other\": {\"role\": \"map\", \"target\": \"nowhere\"}}')")
        .await;
    assert!(
        failure.code == "22023" && failure.message.contains("\"nowhere\"") && !failure.hint.is_empty(),
        "{failure:?}"
    );
}

#[tokio::test]
async fn keys_with_quotes_and_backslashes_under_any_setting_of_string_constants() {
    let db = described(
        r#"CREATE TABLE space (id text PRIMARY KEY, name text); CREATE TABLE page (id text PRIMARY KEY, space_id text NOT NULL REFERENCES space, up text REFERENCES page);
           INSERT INTO space VALUES (E'x\\\'; DROP TABLE page; --', 'evil'), (E'back\\slash''"q', 'odd'), (E'😀\n\t', 'emoji');
           INSERT INTO page SELECT 'k' || id, id, NULL FROM space; INSERT INTO page SELECT E'a\\b''c' || id, id, 'k' || id FROM space"#,
        "SELECT clone.store_table('s', 'space', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'space_id')",
    )
    .await;
    db.run(
        "SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = on",
    )
    .await;
    db.run("SELECT project_clone(id, 'copy of ' || name) FROM space WHERE name IN ('evil', 'odd', 'emoji')")
        .await;
    assert_eq!(
        db.list("SELECT concat_ws('|', s.name, count(*), count(p.up), bool_and(u.space_id = p.space_id)) FROM space s JOIN page p ON p.space_id = s.id LEFT JOIN page u ON u.id = p.up GROUP BY s.name ORDER BY 1").await,
        ["copy of emoji|2|1|t", "copy of evil|2|1|t", "copy of odd|2|1|t", "emoji|2|1|t", "evil|2|1|t", "odd|2|1|t"]
    );
    for clone in db.list("SELECT id FROM space WHERE name LIKE 'copy%'").await {
        let failed = db
            .list(&format!(
                "SELECT subject FROM project_clone_verify(E'{}') WHERE NOT ok",
                clone.replace('\\', "\\\\").replace('\'', "''")
            ))
            .await;
        assert_eq!(failed, Vec::<String>::new());
    }
    db.run("SELECT clone.store_discover('space', 'd')").await;
}

#[tokio::test]
async fn keys_and_columns_by_which_rows_belong_take_no_value_from_a_call_or_a_role() {
    let db = described(
        "CREATE TABLE t (id serial PRIMARY KEY, name text); CREATE TABLE u (id serial PRIMARY KEY, t_id int NOT NULL REFERENCES t, note text);
         CREATE TABLE part (u_id int NOT NULL REFERENCES u, note text);
         INSERT INTO t (name) VALUES ('a'), ('b'); INSERT INTO u (t_id) VALUES (1), (1), (2); INSERT INTO part (u_id) VALUES (1), (3)",
        "SELECT clone.store_table('s', 't', 'project'); SELECT clone.store_table('s', 'u', 'resource', project_column => 't_id');
         SELECT clone.store_table('s', 'part', 'derived', parent => 'u')",
    )
    .await;
    let before = super::contents(&db, &["t", "u", "part", "clone.store_column"]).await;
    for (options, named, hint) in [
        (
            r#"{"values": {"t.id": "56"}, "target": "57"}"#,
            "the key of the projects",
            "options.target",
        ),
        (
            r#"{"values": {"t.id": "56"}}"#,
            "column id of public.t",
            "options.target",
        ),
        (
            r#"{"values": {"id": "56"}}"#,
            "column id of public.t",
            "options.target",
        ),
        (
            r#"{"values": {"u.t_id": "2"}}"#,
            "column t_id of public.u",
            "new project",
        ),
        (
            r#"{"values": {"part.u_id": "3"}}"#,
            "column u_id of public.part",
            "new project",
        ),
        (r#"{"values": {"u.id": "9"}}"#, "column id of public.u", "new key"),
    ] {
        for call in ["project_clone", "project_clone_plan"] {
            let failure = db
                .fails(&format!("SELECT * FROM {call}('1', options => '{options}')"))
                .await;
            assert!(
                failure.code == "22023" && failure.message.contains(named) && failure.hint.contains(hint),
                "{options}: {failure:?}"
            );
        }
    }
    for (table, column) in [("u", "t_id"), ("part", "u_id")] {
        for role in ["keep", "value", "expression", "default", "now", "null", "random"] {
            let failure = db
                .fails(&format!(
                    "SELECT clone.store_column('s', '{table}', '{column}', '{role}', value => '2')"
                ))
                .await;
            assert!(
                failure.code == "22023" && !failure.hint.is_empty(),
                "{role}: {failure:?}"
            );
            if role == "keep" {
                assert!(
                    failure.message.contains(&format!(
                        "rows of public.{table} belong to their project by column {column}"
                    )),
                    "{failure:?}"
                );
            }
        }
    }
    assert_eq!(
        super::contents(&db, &["t", "u", "part", "clone.store_column"]).await,
        before
    );
    // Set before the table was described so.
    db.run(
        "CREATE TABLE v (id serial PRIMARY KEY, a int NOT NULL REFERENCES t, b int NOT NULL REFERENCES t); INSERT INTO v (a, b) VALUES (1, 1);
         SELECT clone.store_table('s', 'v', 'resource', project_column => 'a'); SELECT clone.store_column('s', 'v', 'b', 'keep')",
    )
    .await;
    let failure = db
        .attempt("SELECT clone.store_table('s', 'v', 'resource', project_column => 'b'); SELECT project_clone('1')")
        .await
        .unwrap_err();
    assert_eq!(failure.code, "22023", "{failure:?}");
    db.run(
        "SELECT clone.store_remove_table('s', 'v'); SELECT clone.store_column('s', 'u', 't_id', 'map', 't')",
    )
    .await;
    let clone = db
        .clone_project("'1', 'Copy', options => '{\"target\": \"57\", \"values\": {\"u.note\": \"x\"}}'")
        .await;
    assert_eq!(clone, "57");
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_trigger_that_gives_the_new_project_another_key_is_an_error_that_says_so() {
    let db = described(
        "CREATE TABLE t (id serial PRIMARY KEY, name text); INSERT INTO t (name) VALUES ('a');
         CREATE FUNCTION other_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 900; RETURN NEW; END $$;
         CREATE TRIGGER other_key BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION other_key()",
        "SELECT clone.store_table('s', 't', 'project')",
    )
    .await;
    let failure = db
        .fails("SELECT project_clone('1', options => '{\"triggers\": \"fire\"}')")
        .await;
    assert!(
        failure.code == "55000"
            && failure.message.contains("is not in public.t")
            && failure.hint.contains("trigger"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_value_is_given_to_the_one_column_that_its_name_means() {
    let db = described(
        "CREATE SCHEMA va; CREATE SCHEMA \"v.b\"; CREATE TABLE org (id uuid PRIMARY KEY, name text); INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000022', 'Ward');
         CREATE TABLE va.item (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, label text, upper text GENERATED ALWAYS AS (upper(label)) STORED);
         CREATE TABLE \"v.b\".item (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, label text); CREATE TABLE va.\"x.y\" (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, \"a.b\" text);
         INSERT INTO va.item (org_id, label) SELECT id, 'one' FROM org; INSERT INTO \"v.b\".item (org_id, label) SELECT id, 'two' FROM org; INSERT INTO va.\"x.y\" (org_id, \"a.b\") SELECT id, 'three' FROM org",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest(ARRAY['va.item', '\"v.b\".item', 'va.\"x.y\"']) t",
    )
    .await;
    for (name, says) in [
        (
            r"item.label",
            r#"options.values names "item.label", which is a column of va.item and of "v.b".item"#,
        ),
        (
            r#"y\".a.b"#,
            r#"options.values names "y".a.b", which is not a column of the store"#,
        ),
        (
            "va.item.upper",
            "options.values gives a value to column upper of va.item, which is generated",
        ),
    ] {
        let failure = db
            .fails(&format!(
                "SELECT project_clone('{ORG}', options => '{{\"values\": {{\"{name}\": \"X\"}}}}')"
            ))
            .await;
        assert!(
            failure.code == "22023" && failure.message == says && !failure.hint.is_empty(),
            "{failure:?}"
        );
    }
    for name in [
        r#"va.item.label"#,
        r#"\"v.b\".item.label"#,
        r#"va.\"x.y\".a.b"#,
        r#"\"x.y\".\"a.b\""#,
    ] {
        let clone = db
            .clone_project(&format!(
                "'{ORG}', options => '{{\"values\": {{\"{name}\": \"X\"}}}}'"
            ))
            .await;
        let labels = db
            .list(&format!("SELECT label FROM va.item WHERE org_id = '{clone}' UNION ALL SELECT label FROM \"v.b\".item WHERE org_id = '{clone}' UNION ALL SELECT \"a.b\" FROM va.\"x.y\" WHERE org_id = '{clone}'"))
            .await;
        let place = usize::from(name.contains("v.b")) + 2 * usize::from(name.contains("x.y"));
        let mut expected = ["one", "two", "three"];
        expected[place] = "X";
        assert_eq!(labels, expected, "{name}");
    }
}

#[tokio::test]
async fn rows_left_from_a_project_that_is_gone_do_not_become_the_clone_s() {
    let db = described(
        "CREATE TABLE acc (id text PRIMARY KEY, name text); CREATE TABLE item (id bigserial PRIMARY KEY, acc_id text, body text); CREATE TABLE tag (id bigserial PRIMARY KEY, acc text, body text);
         INSERT INTO acc VALUES ('a', 'A'); INSERT INTO item (acc_id) VALUES ('a'); INSERT INTO tag (acc) VALUES ('a')",
        "SELECT clone.store_table('s', 'acc', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'acc_id');
         SELECT clone.store_table('s', 'tag', 'derived', parent => 'acc', join_column => 'acc')",
    )
    .await;
    for (table, column) in [("item", "acc_id"), ("tag", "acc")] {
        db.run(&format!("INSERT INTO {table} ({column}) VALUES ('gone')"))
            .await;
        for call in ["project_clone", "project_clone_plan"] {
            let failure = db
                .fails(&format!(
                    "SELECT * FROM {call}('a', options => '{{\"target\": \"gone\"}}')"
                ))
                .await;
            assert!(
                failure.code == "22023"
                    && failure.message
                        == format!(
                            "1 row of public.{table} already has the key of the new project, \"gone\""
                        ),
                "{failure:?}"
            );
            if call == "project_clone_plan" {
                let (_, statement) = failure.hint.split_once("delete them first: ").unwrap();
                db.run(statement).await;
            }
        }
    }
    let clone = db
        .clone_project("'a', options => '{\"target\": \"gone\", \"verify\": true}'")
        .await;
    assert_verified(&db, &clone).await;
    // A clone that is replaced has rows.
    db.run("SELECT project_clone('a', options => '{\"target\": \"gone\", \"replace\": \"gone\"}')")
        .await;
}

#[tokio::test]
async fn a_value_is_no_row_of_another_project() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'); CREATE TABLE role (id serial PRIMARY KEY, title text); INSERT INTO role (title) VALUES ('admin'), ('guest');
         CREATE TABLE usr (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, code text UNIQUE); INSERT INTO usr (org_id, code) SELECT 1 + n % 2, 'c' || n FROM generate_series(1, 6) n;
         CREATE TABLE item (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, usr_id int REFERENCES usr, usr_code text REFERENCES usr (code), role_id int REFERENCES role, about jsonb);
         INSERT INTO item (org_id, usr_id, usr_code, role_id, about) SELECT org_id, id, code, 1, jsonb_build_object('user_id', id) FROM usr",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    for column in ["usr_id", "usr_code"] {
        let failure = db
            .fails(&format!(
                "SELECT project_clone('2', options => '{{\"values\": {{\"item.{column}\": \"3\"}}}}')"
            ))
            .await;
        assert!(
            failure.code == "22023"
                && failure.message
                    == format!(
                        "options.values gives a value to column {column} of public.item, which names rows of public.usr: these are cloned, too"
                    )
                && failure.hint.contains("Leave it out"),
            "{failure:?}"
        );
    }
    let clone = db
        .clone_project("'2', options => '{\"verify\": true, \"values\": {\"item.role_id\": \"2\"}}'")
        .await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM item WHERE org_id = {clone} AND role_id = 2"
        ))
        .await,
        3
    );
}
