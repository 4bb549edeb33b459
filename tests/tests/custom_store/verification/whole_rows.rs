//! What is not seen by counting references: values that roles give, the form of arrays, and what documents say beside declared keys.

use super::mutations::assert_found;
use crate::{assert_verified, described};
use pg_clone_tests::scratch_database::Scratch;

/// Executes each change in a transaction of its own and asserts that a check, which fails or not, says it.
async fn assert_said(db: &Scratch, clone: &str, changes: &[(&str, &str)]) {
    assert_verified(db, clone).await;
    let said = format!(
        "SELECT concat_ws(' ', check_name, subject, expected, found) FROM project_clone_verify('{clone}')"
    );
    let before = db.list(&said).await;
    let mut missed = Vec::new();
    for (change, expected) in changes {
        db.run("BEGIN").await;
        db.run(&change.replace("$clone", clone)).await;
        let after = db.list(&said).await;
        db.run("ROLLBACK").await;
        let new: Vec<&String> = after.iter().filter(|check| !before.contains(check)).collect();
        if !new.iter().any(|check| check.contains(expected)) {
            missed.push(format!("{change}: {new:?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// People, tickets that refer to them in every form, and what is equal in all of them.
const TICKETS: &str = "CREATE TABLE org (id $own, name text); CREATE TABLE statuses (id int PRIMARY KEY); INSERT INTO statuses SELECT generate_series(1, 4);
    CREATE TABLE people (id $own, org_id $key NOT NULL REFERENCES org, email text UNIQUE, nick varchar(10) UNIQUE, code text UNIQUE, pin text, kind text, level int DEFAULT 3, small char(3), ip inet, tags text[]);
    CREATE TABLE tickets (id $own, org_id $key NOT NULL REFERENCES org, label text GENERATED ALWAYS AS ('T-' || id::text) STORED, watcher_ids $key[], status_ids int[], fields jsonb, note json);
    CREATE TABLE orders (org_id $key NOT NULL REFERENCES org, no int, memo text, before int, PRIMARY KEY (org_id, no), FOREIGN KEY (org_id, before) REFERENCES orders (org_id, no));
    INSERT INTO org VALUES ($other, 'Other'), ($ours, 'Ours');
    INSERT INTO people (org_id, email, nick, code, pin, kind, level, small, ip, tags) SELECT o.id, 'p' || n || '@' || o.name, 'nick' || n || o.name, 'c' || n || o.name, '1234', 'guest', 1, 'ab', '10.0.0.1', '{a,b}' FROM org o, generate_series(1, 4) n;
    INSERT INTO tickets (org_id, watcher_ids, status_ids, fields, note) SELECT o.id, w.ids, ARRAY[1, n],
        jsonb_build_object('by', w.ids[1], 'count', n, 'text', 'call 12 back', 'deep', jsonb_build_object('x', jsonb_build_array(1, 2)), 'votes', jsonb_build_object(w.ids[1]::text, 3, w.ids[2]::text, 5)), json_build_object('by', w.ids[2], 'words', 'some', 'n', 7)
        FROM org o, LATERAL (SELECT array_agg(p.id ORDER BY p.email) AS ids FROM people p WHERE p.org_id = o.id) w, generate_series(1, 3) n;
    INSERT INTO orders SELECT id, n, 'memo' FROM org, generate_series(1, 5) n; UPDATE orders SET before = no - 1 WHERE no > 2";

const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id', document_column => '') FROM unnest('{people,tickets}'::text[]) t;
    SELECT clone.store_table('s', 'orders', 'resource', project_column => 'org_id');
    SELECT clone.store_column('s', 'people', 'email', 'suffix'); SELECT clone.store_column('s', 'people', 'nick', 'template', value => '{value}.{n}'); SELECT clone.store_column('s', 'people', 'code', 'template', value => '{new_id}/{value}');
    SELECT clone.store_column('s', 'people', 'pin', 'null'); SELECT clone.store_column('s', 'people', 'kind', 'value', value => 'member'); SELECT clone.store_column('s', 'people', 'level', 'default');
    SELECT clone.store_reference('s', 'tickets', 'watcher_ids', 'people'); SELECT clone.store_reference('s', 'tickets', 'fields', 'people', path => p) FROM unnest('{$.by,$.votes.*~}'::text[]) p; SELECT clone.store_reference('s', 'tickets', 'note', 'people', path => '$.by')";

#[tokio::test]
async fn values_arrays_and_documents_say_what_the_sources_say() {
    for (key, own, ours, other) in [
        ("bigint", "bigserial PRIMARY KEY", "1002", "1001"),
        (
            "uuid",
            "uuid PRIMARY KEY DEFAULT gen_random_uuid()",
            "'a0000000-0000-4000-8000-000000000002'",
            "'a0000000-0000-4000-8000-000000000001'",
        ),
    ] {
        let tables = TICKETS.replace("$own", own).replace("$key", key);
        let tables = tables.replace("$ours", ours).replace("$other", other);
        let db = described(&tables, STORE).await;
        let source = ours.trim_matches('\'');
        let clone = db
            .clone_project(&format!("'{source}', 'Copy', options => '{{\"verify\": true}}'"))
            .await;
        let first = "id = (SELECT id FROM people WHERE org_id = '$clone' ORDER BY id LIMIT 1)";
        let by_role = "values by the roles of columns public.people.";
        assert_said(
            &db,
            &clone,
            &[
                (&format!("UPDATE people SET email = email || 'x.org' WHERE {first}"), &format!("{by_role}email {{value}}-{{n}} of the source's others in 1 rows")),
                (&format!("UPDATE people SET email = NULL WHERE {first}"), &format!("{by_role}email")),
                (&format!("UPDATE people SET nick = 'x' || substr(nick, 2) WHERE {first}"), &format!("{by_role}nick")),
                (&format!("UPDATE people SET code = 'x' || code WHERE {first}"), &format!("{by_role}code")),
                (&format!("UPDATE people SET pin = '1234' WHERE {first}"), &format!("{by_role}pin NULL others in 1 rows")),
                (&format!("UPDATE people SET kind = 'guest' WHERE {first}"), &format!("{by_role}kind member others in 1 rows")),
                (&format!("UPDATE people SET level = 1 WHERE {first}"), &format!("{by_role}level 3 others in 1 rows")),
                (&format!("UPDATE people SET ip = '10.0.0.2' WHERE {first}"), "values of the source public.people.ip"),
                (&format!("UPDATE people SET tags = '{{b,a}}' WHERE {first}"), "values of the source public.people.tags"),
                ("UPDATE tickets SET status_ids = '[0:1]={1,2}' WHERE org_id = '$clone'", "values of the source public.tickets.status_ids"),
                ("UPDATE tickets SET status_ids = ARRAY[status_ids[2], status_ids[1]] WHERE org_id = '$clone'", "values of the source public.tickets.status_ids"),
                ("UPDATE tickets SET fields = jsonb_set(fields, '{count}', '8') WHERE org_id = '$clone'", "values of the source public.tickets.fields"),
                ("UPDATE tickets SET fields = jsonb_set(fields, '{deep,x}', '[2, 1]') WHERE org_id = '$clone'", "values of the source public.tickets.fields"),
                ("UPDATE tickets SET fields = fields - 'text' WHERE org_id = '$clone'", "values of the source public.tickets.fields"),
                ("UPDATE tickets SET fields = jsonb_set(fields, '{text}', '\"call 13 back\"') WHERE org_id = '$clone'", "values of the source public.tickets.fields"),
                ("UPDATE tickets SET note = (note::jsonb - 'n')::json WHERE org_id = '$clone'", "values of the source public.tickets.note"),
            ],
        )
        .await;
        let arrays =
            "arrays have the same length and the same NULLs as in the source public.tickets.watcher_ids";
        let exchanged = "UPDATE orders SET before = CASE no WHEN 4 THEN 4 ELSE 3 END WHERE org_id = '$clone' AND no IN (4, 5)";
        let array = |value: &str| format!("UPDATE tickets SET watcher_ids = {value} WHERE org_id = '$clone'");
        assert_found(
            &db,
            &clone,
            &[
                (array("array_append(watcher_ids, NULL)"), arrays),
                (array("ARRAY[watcher_ids]"), arrays),
                (
                    array(&format!("('[5:8]=' || watcher_ids::text)::{key}[]")),
                    arrays,
                ),
                (
                    array("watcher_ids || watcher_ids[1]"),
                    "public.tickets.watcher_ids",
                ),
                (exchanged.to_owned(), "public.orders"),
            ],
        )
        .await;
        // A source that was edited is no fault of the clone, and hides none in other tables.
        db.run(&format!("UPDATE tickets SET watcher_ids = ARRAY[watcher_ids[2], watcher_ids[1]], fields = jsonb_set(fields, '{{by}}', to_jsonb(watcher_ids[3])), note = json_build_object('by', watcher_ids[4])
            WHERE id = (SELECT id FROM tickets WHERE org_id = '{source}' ORDER BY id LIMIT 1)"))
            .await;
        assert_found(&db, &clone, &[(exchanged, "public.orders")]).await;
        let edited = format!(
            "SELECT count(*) FROM project_clone_verify('{clone}') WHERE ok AND found LIKE '%; 1 rows of the source were written since'"
        );
        assert!(db.number(&edited).await >= 2);
    }
}

#[tokio::test]
async fn values_that_roles_give_are_proved_within_the_clone() {
    let db = described(
        "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours');
         CREATE TABLE people (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, email text UNIQUE);
         CREATE TABLE cards (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, person_id bigint REFERENCES people);
         INSERT INTO people (org_id, email) SELECT 2, 'p' || n FROM generate_series(1, 3) n; INSERT INTO cards (org_id, person_id) SELECT org_id, id FROM people",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{people,cards}'::text[]) t;
         SELECT clone.store_column('s', 'people', 'email', 'suffix')",
    )
    .await;
    let options = "options => '{\"verify\": true}'";
    db.clone_project(&format!("'2', 'First', {options}")).await;
    // Rows that a constraint changes.
    db.run("CREATE FUNCTION change(bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN UPDATE people SET email = email || ''!'' WHERE id = $1; RETURN true; END';
            ALTER TABLE cards ADD CHECK (change(person_id)) NOT VALID")
        .await;
    let failure = db
        .fails(&format!("SELECT project_clone('2', 'Second', {options})"))
        .await;
    assert!(
        failure.code == "55000" && failure.message.ends_with("values by the roles of columns, public.people.email: expected {value}-{n} of the source's, found others in 3 rows"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn texts_with_ids_in_any_form_get_no_ending() {
    // With the option, whole text keys are ids too.
    for (option, texts) in [
        (
            "{}",
            "'see ' || id, replace(id::text, '-', ''), '{' || upper(id::text) || '}', 'doc%2F' || id, replace(id::text, '-', '%2D')",
        ),
        (
            r#"{"text_keys": "everywhere"}"#,
            "code, 'of ' || code, code || '.', '', id::text",
        ),
    ] {
        let db = described(
            &format!(
                "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours'); CREATE TABLE codes (code text PRIMARY KEY, org_id bigint NOT NULL REFERENCES org); INSERT INTO codes SELECT md5(n::text), 1 + n % 2 FROM generate_series(1, 6) n;
                 CREATE TABLE docs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id bigint NOT NULL REFERENCES org, code text REFERENCES codes); INSERT INTO docs (org_id, code) SELECT org_id, code FROM codes;
                 CREATE TABLE links (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, a text, b text, c text, d text, e text); INSERT INTO links (org_id, a, b, c, d, e) SELECT org_id, {texts} FROM docs"
            ),
            &format!(
                "UPDATE clone.store SET options = options || '{option}' WHERE name = 's'; SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{{codes,docs,links}}'::text[]) t;
                 SELECT clone.store_column('s', 'links', c, 'suffix') FROM unnest('{{a,b,c,d,e}}'::name[]) c"
            ),
        )
        .await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_verified(&db, &clone).await;
        let said = format!(
            "SELECT subject FROM project_clone_verify('{clone}') WHERE check_name = 'values by the roles of columns'"
        );
        assert_eq!(db.list(&said).await, [""; 0], "{option}");
    }
}
