//! Values that name rows of several tables, or tenants in several forms.

use super::{answer_all, discovered, open};
use crate::assert_verified;

const TABLES: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B');
    CREATE SEQUENCE ids; CREATE TABLE person (id bigint PRIMARY KEY DEFAULT nextval('ids'), org_id int NOT NULL REFERENCES org, t text);
    CREATE TABLE company (id bigint PRIMARY KEY DEFAULT nextval('ids'), org_id int NOT NULL REFERENCES org, t text);";

#[tokio::test]
async fn keys_of_two_tables_that_draw_from_one_sequence_are_asked_about() {
    // The column, how the rows are ordered, how many tenants have some, and the first number of the rows that name them.
    for (name, of_type, order, tenants, rows, first) in [
        ("object_id", "bigint", "kind, n", 2, 350, 100_000),
        ("object_id", "bigint NOT NULL", "n, kind", 1, 20, 100_000),
        ("a", "int", "n, kind", 2, 20, 1),
        ("whom", "text", "kind, n", 2, 350, 100_000),
        ("person_id", "bigint", "kind, n", 2, 350, 100_000),
    ] {
        let db = discovered(
            &format!(
                "{TABLES} INSERT INTO person (org_id, t) SELECT 1 + n % {tenants}, 'p' || n FROM generate_series(1, {rows}) n; INSERT INTO company (org_id, t) SELECT 1 + n % {tenants}, 'c' || n FROM generate_series(1, {rows}) n;
                 CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY (START {first}) PRIMARY KEY, org_id int NOT NULL REFERENCES org, {name} {of_type});
                 INSERT INTO note (org_id, {name}) SELECT o.org_id, o.id FROM (SELECT *, 1 AS kind, row_number() OVER (ORDER BY id) AS n FROM person UNION ALL SELECT *, 2, row_number() OVER (ORDER BY id) FROM company) o ORDER BY {order}"
            ),
            "org",
        )
        .await;
        let subject = format!("error public.note.{name}");
        assert!(
            open(&db).await.contains(&subject),
            "{name}: {:?}",
            open(&db).await
        );
        assert_eq!(db.fails("SELECT project_clone('1')").await.code, "55000");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let inside = |org: &str| {
            format!(
                "SELECT count(*) FROM note n JOIN (SELECT id, org_id FROM person UNION ALL SELECT id, org_id FROM company) o ON o.id = n.{name}::bigint AND o.org_id = n.org_id WHERE n.org_id = {org}"
            )
        };
        let expected = db.number(&inside("1")).await;
        assert_eq!(expected, i64::from(2 * rows / tenants), "{name} {of_type}");
        assert_eq!(db.number(&inside(&clone)).await, expected, "{name} {of_type}");
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn numbers_that_are_keys_of_several_tables_by_chance_are_not_asked_about() {
    for (column, value) in [
        ("level int", "1 + n % 9"),
        ("amount int", "n * 3"),
        ("owner_age int", "20 + n % 30"),
        ("code text", "'c' || n"),
        ("place int", "n"),
    ] {
        let db = discovered(
            &format!(
                "{TABLES} INSERT INTO person (org_id) SELECT 1 + n % 2 FROM generate_series(1, 60) n; INSERT INTO company (org_id) SELECT 1 + n % 2 FROM generate_series(1, 60) n;
                 CREATE TABLE note (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column}); INSERT INTO note (org_id, {}) SELECT 1 + n / 2 % 2, {value} FROM generate_series(1, 100) n",
                column.split(' ').next().unwrap()
            ),
            "org",
        )
        .await;
        assert_eq!(open(&db).await, Vec::<String>::new(), "{column}");
    }
}

#[tokio::test]
async fn rows_that_name_their_tenant_in_another_form_stop_a_clone() {
    let tenants = "CREATE TABLE org (id uuid PRIMARY KEY, name text); INSERT INTO org VALUES ('a0000000-0000-4000-8000-00000000000a', 'A'), ('b0000000-0000-4000-8000-00000000000b', 'B');";
    // The form of some rows, and of the table's rows by which rows of another one belong.
    for form in [
        "upper(x)",
        "'{' || x || '}'",
        "replace(x, '-', '')",
        "' ' || x",
        "initcap(x)",
    ] {
        let db = discovered(
            &format!(
                "{tenants} CREATE TABLE note (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id text, t text); CREATE TABLE line (id serial PRIMARY KEY, note_id text NOT NULL, t text);
                 INSERT INTO note (org_id, t) SELECT id, 'n' || n FROM org, generate_series(1, 5) n; INSERT INTO line (note_id, t) SELECT id, 'l' FROM note"
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        db.run(&format!(
            "UPDATE note SET org_id = {} WHERE t = 'n1'",
            form.replace('x', "org_id")
        ))
        .await;
        assert_eq!(open(&db).await, ["error public.note.org_id"], "{form}");
        let failure = db
            .fails("SELECT project_clone('a0000000-0000-4000-8000-00000000000a')")
            .await;
        assert!(
            failure.code == "55000"
                && failure
                    .message
                    .starts_with("2 rows of public.note name in org_id a row of public.org in another form"),
            "{form}: {failure:?}"
        );
        db.run("UPDATE note SET org_id = o.id::text FROM org o WHERE o.id = btrim(org_id)::uuid")
            .await;
        assert_eq!(open(&db).await, Vec::<String>::new(), "{form}");
        db.run(&format!(
            "UPDATE note SET org_id = {} WHERE t = 'n1'",
            form.replace('x', "org_id")
        ))
        .await;
        answer_all(&db, "otherwise").await;
        let clone = db.clone_project("'a0000000-0000-4000-8000-00000000000a'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM note WHERE org_id = '{clone}'"))
                .await,
            4,
            "{form}"
        );
    }
}

#[tokio::test]
async fn small_numbers_beside_a_polymorphic_pair_are_not_keys_of_its_types() {
    let tables = "CREATE TABLE account (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO account (name) VALUES ('A'), ('B');
        CREATE TABLE post (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id int NOT NULL REFERENCES account);
        CREATE TABLE page (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id int NOT NULL REFERENCES account);
        INSERT INTO post (account_id) SELECT 1 + n % 2 FROM generate_series(1, 12) n; INSERT INTO page (account_id) SELECT 1 + n % 2 FROM generate_series(1, 12) n;
        CREATE TABLE audit (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id int NOT NULL REFERENCES account, auditable_type text, auditable_id int, revision int);
        INSERT INTO audit (account_id, auditable_type, auditable_id, revision) SELECT account_id, 'Post', id, 1 + id % 4 FROM post UNION ALL SELECT account_id, 'Page', id, 1 + id % 3 FROM page";
    let db = discovered(tables, "account").await;
    assert!(
        !open(&db)
            .await
            .iter()
            .any(|question| question.contains("revision")),
        "{:?}",
        open(&db).await
    );
    // Without the column that the type belongs to by its name, the numbers are asked about.
    let renamed = tables.replace("auditable_id", "auditee");
    let db = discovered(&renamed, "account").await;
    assert!(
        open(&db).await.contains(&"error public.audit.auditee".to_owned()),
        "{:?}",
        open(&db).await
    );
}

#[tokio::test]
async fn many_columns_with_keys_of_one_table_are_one_question() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE task (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO task (org_id) SELECT 1 + n % 2 FROM generate_series(1, 12) n;
         CREATE TABLE run (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, first_one_id bigint, second_one_id bigint, third_one_id bigint, last_one_id bigint);
         INSERT INTO run (org_id, first_one_id, second_one_id, third_one_id, last_one_id) SELECT org_id, id, id, id, id FROM task",
        "org",
    )
    .await;
    assert_eq!(open(&db).await, ["error public.task.id $columns"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    let right = format!(
        "SELECT count(*) FROM run r WHERE r.org_id = {clone} AND (SELECT count(*) FROM task t WHERE t.org_id = {clone} AND t.id = ALL (ARRAY[r.first_one_id, r.second_one_id, r.third_one_id, r.last_one_id])) = 1"
    );
    assert_eq!(db.number(&right).await, 6);
    answer_all(&db, "otherwise").await;
}

#[tokio::test]
async fn rows_that_belong_by_a_pair_or_a_code_are_compared_with_rows_of_their_tenant() {
    for (columns, values) in [
        // A polymorphic pair, the tenant's code, another key of the parent.
        ("record_type text, record_id int", "'Doc', d.id"),
        ("code text REFERENCES tenant (code), spare int", "t.code, 0"),
        ("doc_label text REFERENCES doc (label), spare int", "d.label, 0"),
    ] {
        let db = discovered(
            &format!(
                "CREATE TABLE tenant (id serial PRIMARY KEY, code text UNIQUE); INSERT INTO tenant (code) SELECT 'CO' || g FROM generate_series(1, 3) g;
                 CREATE TABLE doc (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenant, label text UNIQUE); INSERT INTO doc (tenant_id, label) SELECT 1 + (g * g + g / 7) % 3, 'doc' || g FROM generate_series(1, 60) g;
                 CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY (START 9001) PRIMARY KEY, {columns}, bearbeiter int, data jsonb, lbl text);
                 INSERT INTO note SELECT 9000 + d.id, {values}, x.id, jsonb_build_object('who', x.id), x.label FROM doc d JOIN tenant t ON t.id = d.tenant_id CROSS JOIN LATERAL (SELECT x.* FROM doc x WHERE x.tenant_id = d.tenant_id AND x.id % 5 = d.id % 5 ORDER BY x.id DESC LIMIT 1) x; SELECT setval('note_id_seq', 9900)"
            )
            .replace("INSERT INTO note SELECT", "INSERT INTO note OVERRIDING SYSTEM VALUE SELECT"),
            "tenant",
        )
        .await;
        answer_all(&db, "answer").await;
        let source = db.number("SELECT count(*) FROM doc WHERE tenant_id = 2").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM note n JOIN doc x ON x.id = n.bearbeiter AND n.data = jsonb_build_object('who', x.id) AND left(x.label, 4) = left(n.lbl, 4) WHERE x.tenant_id = {clone}"
            ))
            .await,
            source,
            "{columns}"
        );
    }
}

#[tokio::test]
async fn members_of_documents_that_hold_keys_of_the_same_tenant_are_asked_about() {
    const TENANT: &str = "CREATE TABLE org (id serial PRIMARY KEY, code text UNIQUE); INSERT INTO org (code) SELECT 'CO' || g FROM generate_series(1, 3) g;
        CREATE SEQUENCE shared START 400;
        CREATE TABLE usr (id int PRIMARY KEY DEFAULT nextval('shared'), org_id int NOT NULL REFERENCES org, label text); INSERT INTO usr (org_id, label) SELECT 1 + (g * g + g / 7) % 3, 'u' || g FROM generate_series(1, 60) g;
        CREATE TABLE firm (id int PRIMARY KEY DEFAULT nextval('shared'), org_id int NOT NULL REFERENCES org, label text); INSERT INTO firm (org_id, label) SELECT org_id, 'f' || label FROM usr;
        CREATE TABLE sku (code text PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text); INSERT INTO sku SELECT format('sku-%s', id), org_id, label FROM usr;
        CREATE TABLE profile (id serial PRIMARY KEY, usr_id int NOT NULL UNIQUE REFERENCES usr, bio text); INSERT INTO profile (id, usr_id, bio) SELECT id, id, label FROM usr; SELECT setval('profile_id_seq', 9000);
        CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY (START 100000) PRIMARY KEY, org_id int NOT NULL REFERENCES org, data jsonb);";
    for (value, right) in [
        ("jsonb_build_object('org', o.id)", "o.id::text"),
        ("jsonb_build_object('company', o.code)", "o.code"),
        (
            "jsonb_build_object('favourite', 'sku-' || u.id)",
            "(SELECT code FROM sku WHERE sku.label = u.label AND sku.org_id = o.id)",
        ),
        // The key of a profile is that of its user.
        ("jsonb_build_object('by', u.id)", "u.id::text"),
        (
            "jsonb_build_object('subject', CASE WHEN u.id % 2 = 0 THEN u.id ELSE f.id END)",
            "unnest(ARRAY[u.id, f.id])::text",
        ),
    ] {
        let rows =
            "usr u JOIN org o ON o.id = u.org_id JOIN firm f ON f.label = 'f' || u.label AND f.org_id = o.id";
        let db = discovered(
            &format!("{TENANT} INSERT INTO event (org_id, data) SELECT o.id, {value} FROM {rows}; DELETE FROM profile WHERE {}", value.contains("subject")),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let count = db.number("SELECT count(*) FROM event WHERE org_id = 2").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "WITH s AS (SELECT ({right}) AS x FROM {rows} WHERE o.id = {clone}) SELECT count(*) FROM event CROSS JOIN LATERAL jsonb_each_text(data) AS e (k, v) WHERE org_id = {clone} AND v IN (SELECT x FROM s)"
            ))
            .await,
            count,
            "{value}"
        );
    }
}
