//! References without foreign keys: an error while they are open questions, followed after they are declared.

use super::{assert_verified, described};
use pg_clone_tests::scratch_database::Scratch;

const ORG: &str = "a0000000-0000-4000-8000-000000000002";

#[tokio::test]
async fn a_column_named_like_a_reference_is_a_question_that_stops_plan_and_clone() {
    let db = described(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text); CREATE TABLE customers (id bigserial PRIMARY KEY, account_id bigint NOT NULL, name text);
         CREATE TABLE invoices (id bigserial PRIMARY KEY, account_id bigint NOT NULL, customer_id bigint NOT NULL, total numeric);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours'); INSERT INTO customers (account_id, name) VALUES (1, 'theirs'), (2, 'Ada'), (2, 'Bob');
         INSERT INTO invoices (account_id, customer_id, total) VALUES (2, 3, 10), (2, 2, 20), (1, 1, 5)",
        "SELECT clone.store_table('s', 'accounts', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'account_id') FROM unnest('{customers,invoices}'::text[]) t",
    )
    .await;
    for call in ["project_clone('2')", "project_clone_plan('2')"] {
        let failure = db.fails(&format!("SELECT * FROM {call}")).await;
        assert_eq!(failure.code, "55000");
        assert!(
            failure
                .message
                .contains("public.invoices.customer_id looks like a reference to public.customers"),
            "{failure:?}"
        );
        assert!(
            failure
                .hint
                .contains("clone.store_reference('s', 'public.invoices', 'customer_id', 'public.customers')"),
            "{failure:?}"
        );
    }
    assert_eq!(
        db.list("SELECT severity || ' ' || subject FROM clone.store_check('s')")
            .await,
        ["error public.invoices.customer_id"]
    );
    db.run("SELECT clone.store_reference('s', 'invoices', 'customer_id', 'customers')")
        .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s')").await,
        Vec::<String>::new()
    );
    let clone = db.clone_project("'2'").await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', i.total, c.name, c.account_id = i.account_id) FROM invoices i JOIN customers c ON c.id = i.customer_id WHERE i.account_id = {clone} ORDER BY 1")).await,
        ["10|Bob|t", "20|Ada|t"]
    );
    assert_verified(&db, &clone).await;
    // What is kept on purpose is no question; verification says what it means.
    db.run("DELETE FROM clone.store_reference; SELECT clone.store_column('s', 'invoices', 'customer_id', 'keep')").await;
    let clone = db.clone_project("'2'").await;
    assert_eq!(db.number(&format!("SELECT count(*) FROM invoices i JOIN customers c ON c.id = i.customer_id WHERE i.account_id = {clone} AND c.account_id = 2")).await, 2);
}

#[tokio::test]
async fn polymorphic_pairs_are_followed_by_the_names_of_rails_and_of_django() {
    let db = described(
        "CREATE TABLE account (id uuid PRIMARY KEY, name text);
         CREATE TABLE blog_posts (id bigserial PRIMARY KEY, account_id uuid NOT NULL REFERENCES account, title text);
         CREATE TABLE photo (id bigserial PRIMARY KEY, account_id uuid NOT NULL REFERENCES account, url text);
         CREATE TABLE remark (id bigserial PRIMARY KEY, account_id uuid NOT NULL REFERENCES account, subject_type text NOT NULL, subject_id bigint NOT NULL, body text);
         CREATE TABLE django_content_type (id int PRIMARY KEY, app_label text, model text); INSERT INTO django_content_type VALUES (4, 'x', 'photo'), (5, 'x', 'blogpost');
         CREATE TABLE tagged (id bigserial PRIMARY KEY, account_id uuid NOT NULL REFERENCES account, content_type_id int NOT NULL REFERENCES django_content_type, object_id text NOT NULL);
         INSERT INTO account VALUES ('a0000000-0000-4000-8000-000000000002', 'Ours'), ('b0000000-0000-4000-8000-000000000002', 'Other');
         INSERT INTO blog_posts (account_id, title) VALUES ('b0000000-0000-4000-8000-000000000002', 'theirs'), ('a0000000-0000-4000-8000-000000000002', 'Hello');
         INSERT INTO photo (account_id, url) VALUES ('b0000000-0000-4000-8000-000000000002', 'x'), ('a0000000-0000-4000-8000-000000000002', '1.png'), ('a0000000-0000-4000-8000-000000000002', '2.png');
         INSERT INTO remark (account_id, subject_type, subject_id, body) VALUES ('a0000000-0000-4000-8000-000000000002', 'BlogPost', 2, 'nice'), ('a0000000-0000-4000-8000-000000000002', 'Photo', 2, 'blurred');
         INSERT INTO tagged (account_id, content_type_id, object_id) VALUES ('a0000000-0000-4000-8000-000000000002', 4, '3'), ('a0000000-0000-4000-8000-000000000002', 5, '2')",
        "SELECT clone.store_table('s', 'account', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'account_id') FROM unnest('{blog_posts,photo,remark,tagged}'::text[]) t",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert!(
        failure.code == "55000"
            && failure.message.contains("one of several tables")
            && failure.hint.contains("type_column =>"),
        "{failure:?}"
    );
    db.run(
        "SELECT clone.store_reference('s', 'remark', 'subject_id', 'blog_posts', type_column => 'subject_type'); SELECT clone.store_reference('s', 'tagged', 'object_id', t::regclass, type_column => 'content_type_id') FROM unnest('{photo,blog_posts}'::text[]) t",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert!(
        failure.code == "55000" && failure.message.contains("of types Photo"),
        "{failure:?}"
    );
    db.run(
        "SELECT clone.store_reference('s', 'remark', 'subject_id', 'photo', type_column => 'subject_type')",
    )
    .await;
    let clone = db.clone_project(&format!("'{ORG}'")).await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', r.body, p.title, f.url) FROM remark r LEFT JOIN blog_posts p ON r.subject_type = 'BlogPost' AND p.id = r.subject_id AND p.account_id = r.account_id
             LEFT JOIN photo f ON r.subject_type = 'Photo' AND f.id = r.subject_id AND f.account_id = r.account_id WHERE r.account_id = '{clone}' ORDER BY 1")).await,
        ["blurred|1.png", "nice|Hello"]
    );
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', p.title, f.url) FROM tagged r LEFT JOIN blog_posts p ON r.content_type_id = 5 AND p.id::text = r.object_id AND p.account_id = r.account_id
             LEFT JOIN photo f ON r.content_type_id = 4 AND f.id::text = r.object_id AND f.account_id = r.account_id WHERE r.account_id = '{clone}' ORDER BY 1")).await,
        ["2.png", "Hello"]
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn keys_in_documents_arrays_and_paths_are_mapped_where_they_are_declared_and_nowhere_else() {
    let db = described(
        "CREATE EXTENSION ltree; CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE field (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, label text, path text, tree ltree);
         CREATE TABLE sku (code text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE layout (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, doc jsonb, text text, plain json, field_ids bigint[], small int[], skus text[]);
         INSERT INTO org VALUES ('b0000000-0000-4000-8000-000000000002', 'Other'), ('a0000000-0000-4000-8000-000000000002', 'Weir');
         INSERT INTO field (org_id, label, path, tree) SELECT id, 'Root', '', '1' FROM org WHERE name = 'Other';
         INSERT INTO field (org_id, label, path, tree) VALUES ('a0000000-0000-4000-8000-000000000002', 'Height', '2', '2'), ('a0000000-0000-4000-8000-000000000002', 'Flow', '/2/3/', '2.3');
         INSERT INTO sku VALUES ('red', 'a0000000-0000-4000-8000-000000000002');
         INSERT INTO layout (org_id, doc, text, plain, field_ids, small, skus) VALUES ('a0000000-0000-4000-8000-000000000002',
             '{\"field_id\": 2, \"order\": [3, 2, 99], \"by\": {\"2\": \"left\", \"x\": 2}, \"sref\": \"3\", \"count\": 2, \"big\": 12345678901234567890.12, \"items\": [{\"sku\": \"red\", \"text\": \"red\"}]}',
             '{\"field_id\" : 3 , \"n\":2}', '{\"field_id\": 2, \"field_id2\": 2}', '{2,3,NULL,99}', '{3}', '{red,blue}')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{field,sku,layout}'::text[]) t",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert!(
        failure.code == "55000" && failure.message.contains("public.layout.field_ids"),
        "an array by its name: {failure:?}"
    );
    db.run(
        "SELECT clone.store_reference('s', 'layout', 'doc', 'field', path => p) FROM unnest('{$.field_id,$.order[*],$.by.*~,$.sref}'::text[]) p;
         SELECT clone.store_reference('s', 'layout', 'doc', 'sku', path => '$.items[*].sku'); SELECT clone.store_reference('s', 'layout', 'text', 'field', path => '$.field_id');
         SELECT clone.store_reference('s', 'layout', 'plain', 'field', path => '$.field_id'); SELECT clone.store_reference('s', 'layout', c::name, 'field') FROM unnest('{field_ids,small}'::text[]) c;
         SELECT clone.store_reference('s', 'layout', 'skus', 'sku'); SELECT clone.store_reference('s', 'field', 'path', 'field', separators => '/'); SELECT clone.store_reference('s', 'field', 'tree', 'field', separators => '.')",
    )
    .await;
    let clone = db.clone_project(&format!("'{ORG}'")).await;
    let (height, flow) = (
        db.text(&format!(
            "SELECT id FROM field WHERE org_id = '{clone}' AND label = 'Height'"
        ))
        .await,
        db.text(&format!(
            "SELECT id FROM field WHERE org_id = '{clone}' AND label = 'Flow'"
        ))
        .await,
    );
    let red = db
        .text(&format!("SELECT code FROM sku WHERE org_id = '{clone}'"))
        .await;
    assert!(red.starts_with("red-"), "{red}");
    let expected = format!(
        "{{\"by\": {{\"{height}\": \"left\", \"x\": 2}}, \"big\": 12345678901234567890.12, \"sref\": \"{flow}\", \"count\": 2, \"items\": [{{\"sku\": \"{red}\", \"text\": \"red\"}}], \"order\": [{flow}, {height}, 99], \"field_id\": {height}}}"
    );
    assert_eq!(
        db.text(&format!(
            "SELECT doc = '{expected}'::jsonb FROM layout WHERE org_id = '{clone}'"
        ))
        .await,
        "t",
        "{}",
        db.text(&format!("SELECT doc FROM layout WHERE org_id = '{clone}'"))
            .await
    );
    assert_eq!(
        db.rows(&format!(
            "SELECT text, plain, field_ids, small, skus FROM layout WHERE org_id = '{clone}'"
        ))
        .await[0],
        [
            format!("{{\"field_id\" : {flow} , \"n\":2}}"),
            format!("{{\"field_id\": {height}, \"field_id2\": 2}}"),
            format!("{{{height},{flow},NULL,99}}"),
            format!("{{{flow}}}"),
            format!("{{{red},blue}}")
        ]
        .map(Some)
    );
    assert_eq!(
        db.list(&format!(
            "SELECT concat(path, ' ', tree) FROM field WHERE org_id = '{clone}' ORDER BY label DESC"
        ))
        .await,
        [
            format!("{height} {height}"),
            format!("/{height}/{flow}/ {height}.{flow}")
        ]
    );
    assert_verified(&db, &clone).await;
}

/// A declared key is never followed less than one that nothing declares: every form that type uuid reads is one.
#[tokio::test]
async fn keys_of_type_uuid_are_followed_in_texts_of_every_form() {
    const KEY: &str = "c0000000-0000-4000-8000-00000000000a";
    let plain = KEY.replace('-', "");
    let forms = [
        KEY.to_owned(),
        KEY.to_uppercase(),
        plain.clone(),
        plain.to_uppercase(),
        format!("{{{KEY}}}"),
        format!("{}-{}", &plain[..16], &plain[16..]),
    ];
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE person (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, name text);
         CREATE TABLE mention (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, alone text, fixed varchar(40), list text[], path text, doc jsonb, text text);
         CREATE TABLE badge (id bigserial PRIMARY KEY, person_ref text);
         INSERT INTO org VALUES ('b0000000-0000-4000-8000-000000000002', 'Other'), ('a0000000-0000-4000-8000-000000000002', 'Weir');
         INSERT INTO person VALUES ('c0000000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000002', 'Ada'), ('c0000000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000002', 'Eve')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{person,mention}'::text[]) t;
         SELECT clone.store_reference('s', 'mention', c::name, 'person') FROM unnest('{alone,fixed,list}'::text[]) c; SELECT clone.store_reference('s', 'mention', 'path', 'person', separators => '/');
         SELECT clone.store_reference('s', 'mention', c::name, 'person', path => '$.of') FROM unnest('{doc,text}'::text[]) c;
         SELECT clone.store_belongs('s', 'badge', '{person_ref}', 'person'); SELECT clone.store_table('s', 'badge', 'resource')",
    )
    .await;
    for form in &forms {
        db.run(&format!(
            "INSERT INTO mention (org_id, alone, fixed, list, path, doc, text) VALUES ('{ORG}', '{form}', '{form}', ARRAY['{form}', 'x'], '/{form}/', jsonb_build_object('of', '{form}'), '{{\"of\":\"{form}\"}}'); INSERT INTO badge (person_ref) VALUES ('{form}')"
        ))
        .await;
    }
    let clone = db.clone_project(&format!("'{ORG}'")).await;
    let ada = db
        .text(&format!("SELECT id FROM person WHERE org_id = '{clone}'"))
        .await;
    for column in [
        "alone",
        "fixed",
        "list[1]",
        "trim(path, '/')",
        "doc->>'of'",
        "text::jsonb->>'of'",
    ] {
        assert_eq!(
            db.list(&format!(
                "SELECT DISTINCT ({column})::uuid FROM mention WHERE org_id = '{clone}'"
            ))
            .await,
            [ada.as_str()],
            "{column}"
        );
        assert_eq!(
            db.list(&format!("SELECT regexp_replace({column}, '[0-9a-fA-F]', 'x', 'g') FROM mention WHERE org_id = '{clone}' ORDER BY id")).await,
            forms.iter().map(|form| form.replace(|c: char| c.is_ascii_hexdigit(), "x")).collect::<Vec<_>>(),
            "the form of {column} stays"
        );
    }
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM badge WHERE person_ref::uuid = '{ada}'"
        ))
        .await,
        i64::try_from(forms.len()).unwrap()
    );
    assert_verified(&db, &clone).await;
    // Verification sees one that still names the source's row, in any form.
    for (form, column) in forms.iter().zip(
        ["alone", "fixed", "list[2]", "path", "doc", "text"]
            .iter()
            .cycle(),
    ) {
        let wrong = match *column {
            "doc" | "text" => format!("{{\"of\": \"{form}\"}}"),
            _ => form.clone(),
        };
        db.run(&format!(
            "BEGIN; UPDATE mention SET {column} = '{wrong}' WHERE id = (SELECT max(id) FROM mention)"
        ))
        .await;
        let failed = db
            .list(&format!(
                "SELECT check_name || ' ' || subject FROM project_clone_verify('{clone}') WHERE NOT ok"
            ))
            .await;
        db.run("ROLLBACK").await;
        assert!(
            failed.iter().any(|failed| failed.starts_with("reference names")),
            "{column} {form}: {failed:?}"
        );
    }
}

/// A text of a declared column that is no key is not followed less than one of a column that nobody declared.
#[tokio::test]
async fn keys_beside_other_text_are_followed_in_declared_columns() {
    const KEY: &str = "c0000000-0000-4000-8000-00000000000a";
    let forms = [
        format!("urn:uuid:{KEY}"),
        format!("Person/{KEY}"),
        format!(" {KEY} "),
        format!("mailto:{}", KEY.to_uppercase()),
    ];
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE person (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, name text);
         CREATE TABLE place (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org); CREATE TABLE plan (code text PRIMARY KEY);
         CREATE TABLE mention (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, alone text, fixed varchar(60), list text[], kind text, subject text, plan text REFERENCES plan);
         INSERT INTO org VALUES ('b0000000-0000-4000-8000-000000000002', 'Other'), ('a0000000-0000-4000-8000-000000000002', 'Weir');
         INSERT INTO person VALUES ('c0000000-0000-4000-8000-00000000000a', 'a0000000-0000-4000-8000-000000000002', 'Ada'), ('c0000000-0000-4000-8000-00000000000b', 'b0000000-0000-4000-8000-000000000002', 'Eve');
         INSERT INTO plan VALUES ('plan of c0000000-0000-4000-8000-00000000000a')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{person,place,mention}'::text[]) t;
         SELECT clone.store_shared('s', 'plan', 'of all');
         SELECT clone.store_reference('s', 'mention', c::name, 'person') FROM unnest('{alone,fixed,list}'::text[]) c;
         SELECT clone.store_reference('s', 'mention', 'subject', t::regclass, type_column => 'kind', type_values => ARRAY[t]) FROM unnest('{person,place}'::text[]) t",
    )
    .await;
    for (form, kind) in forms.iter().zip(["'person'", "'place'", "NULL", "'person'"]) {
        db.run(&format!(
            "INSERT INTO mention (org_id, alone, fixed, list, kind, subject, plan) VALUES ('{ORG}', '{form}', '{form}', ARRAY['{form}', 'x'], {kind}, '{form}', 'plan of {KEY}')"
        ))
        .await;
    }
    let clone = db.clone_project(&format!("'{ORG}'")).await;
    let ada = db
        .text(&format!("SELECT id FROM person WHERE org_id = '{clone}'"))
        .await;
    for column in ["alone", "fixed", "list[1]", "subject"] {
        assert_eq!(
            db.list(&format!(
                "SELECT replace({column}, upper('{ada}'), '{ada}') FROM mention WHERE org_id = '{clone}' ORDER BY id"
            ))
            .await,
            forms
                .iter()
                .map(|form| form.replace(&KEY.to_uppercase(), KEY).replace(KEY, &ada))
                .collect::<Vec<_>>(),
            "{column}"
        );
    }
    // A text of a foreign key that is no key of the project is the key of a shared row.
    assert_eq!(
        db.list(&format!(
            "SELECT DISTINCT plan FROM mention WHERE org_id = '{clone}'"
        ))
        .await,
        [format!("plan of {KEY}")]
    );
    let failed = db
        .list(&format!(
            "SELECT check_name || ' ' || subject FROM project_clone_verify('{clone}') WHERE NOT ok"
        ))
        .await;
    assert_eq!(
        failed,
        ["references to the source all tables"],
        "that of the shared row alone"
    );
    db.run(&format!(
        "UPDATE mention SET plan = NULL WHERE org_id = '{clone}'; UPDATE mention SET fixed = 'Person/{KEY}' WHERE id = (SELECT max(id) FROM mention)"
    ))
    .await;
    let failed = db
        .list(&format!(
            "SELECT subject FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name = 'references to the source'"
        ))
        .await;
    assert_eq!(failed.len(), 1, "{failed:?}");
}

#[tokio::test]
async fn a_declaration_that_cannot_be_meant_is_refused() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE a (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, n int, doc jsonb, d date[])",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'a', 'resource', project_column => 'org_id')",
    )
    .await;
    for (call, says) in [
        ("'s', 'a', 'nn', 'a'", "has no column"),
        ("'s', 'a', 'n', 'a', path => '$.x'", "cannot be used on column n"),
        ("'s', 'a', 'doc', 'a', path => 'x'", "is not a JSONPath"),
        ("'s', 'a', 'd', 'a'", "whose elements cannot be keys"),
        (
            "'s', 'a', 'n', 'a', condition => 'nonsense ='",
            "cannot be used on a",
        ),
        ("'t', 'a', 'n', 'a'", "there is no store"),
    ] {
        let failure = db.fails(&format!("SELECT clone.store_reference({call})")).await;
        assert_eq!(failure.code, "22023", "{call}: {failure:?}");
        assert!(
            failure.message.contains(says) || failure.message.contains(&says.replace("on a", "on public.a")),
            "{call}: {failure:?}"
        );
        assert!(!failure.hint.is_empty(), "{call}");
    }
}

#[tokio::test]
async fn a_map_to_one_table_does_not_answer_a_polymorphic_pair() {
    for (id_type, kind) in [("bigint", "bigserial"), ("text", "text")] {
        let db = described(
            &format!(
                "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE post (id {kind} PRIMARY KEY, org_id uuid NOT NULL REFERENCES org); CREATE TABLE photo (id {kind} PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
                 CREATE TABLE remark (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, \"subjectType\" text, \"subjectId\" {id_type});
                 INSERT INTO org VALUES ('{ORG}', 'X'); INSERT INTO post VALUES ('1', '{ORG}'); INSERT INTO photo VALUES ('1', '{ORG}');
                 INSERT INTO remark (org_id, \"subjectType\", \"subjectId\") VALUES ('{ORG}', 'Post', '1'), ('{ORG}', 'Photo', '1')"
            ),
            "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{post,photo,remark}'::text[]) t;
             SELECT clone.store_column('s', 'remark', 'subjectId', 'map', 'post')",
        )
        .await;
        let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
        assert!(
            failure.code == "55000" && failure.hint.contains("type_column => 'subjectType'"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_a_key_of_other_tables_under_conditions_follows_them() {
    for description in [
        "SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')",
        "SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project', columns => '{\"name\": \"name\"}');
         SELECT clone.store_table('s', t::regclass, 'resource', id_column => 'id', project_column => 'org_id') FROM unnest('{dag,task,run}'::text[]) t",
    ] {
        let db = Scratch::with_extension().await;
        db.run(&format!(
            "CREATE TABLE org (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
             CREATE TABLE dag (id bigint GENERATED BY DEFAULT AS IDENTITY (START 1000) PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
             CREATE TABLE task (id bigint GENERATED BY DEFAULT AS IDENTITY (START 5000) PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
             CREATE TABLE run (id bigint NOT NULL, kind text NOT NULL, org_id uuid NOT NULL REFERENCES org, status text, PRIMARY KEY (id, kind));
             INSERT INTO org (name) VALUES ('a'), ('b');
             INSERT INTO dag (org_id) SELECT id FROM org, generate_series(1, 4);
             INSERT INTO task (org_id) SELECT id FROM org, generate_series(1, 6);
             INSERT INTO run SELECT id, 'DAG', org_id FROM dag UNION ALL SELECT id, 'TASK', org_id FROM task;
             {description};
             SELECT clone.store_reference('s', 'run', 'id', 'dag', condition => 'kind = ''DAG''');
             SELECT clone.store_reference('s', 'run', 'id', 'task', condition => 'kind = ''TASK''')"
        ))
        .await;
        let clone = db
            .clone_project("(SELECT id FROM org WHERE name = 'a')::text, 'c'")
            .await;
        let found = |kind: &str, table: &str| {
            format!("SELECT count(*) FROM run JOIN {table} AS k USING (id, org_id) WHERE kind = '{kind}' AND org_id = '{clone}'")
        };
        assert_eq!(db.number(&found("DAG", "dag")).await, 4, "{description}");
        assert_eq!(db.number(&found("TASK", "task")).await, 6, "{description}");
        let failed = db
            .list(&format!("SELECT check_name FROM project_clone_verify('{clone}') WHERE NOT ok"))
            .await;
        assert!(failed.is_empty(), "{failed:?}");
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM run").await, 20);
    }
}

#[tokio::test]
async fn a_part_of_a_key_is_kept_beside_a_key_with_its_type() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE orgs (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL);
         CREATE TABLE docs (id bigint GENERATED BY DEFAULT AS IDENTITY (START 7001) PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs, title text);
         CREATE TABLE tuples (object_type text, object_id text, relation text, _user text, PRIMARY KEY (object_type, object_id, relation, _user));
         INSERT INTO orgs (name) VALUES ('A'), ('B'), ('C');
         INSERT INTO docs (org_id, title) SELECT 1 + i % 3, 'd' || i FROM generate_series(1, 45) AS i;
         INSERT INTO tuples SELECT 'doc', id, 'viewer', 'user:' || 1 + id % 5 FROM docs;
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"orgs\"}')",
    )
    .await;
    let clone = db.clone_project("'1', 'copy'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM tuples AS t JOIN docs AS d ON d.id::text = t.object_id WHERE d.org_id = {clone} AND t._user ~ '^user:[1-5]$'"
        ))
        .await,
        15
    );
}
