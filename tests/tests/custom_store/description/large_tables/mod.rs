//! Tables whose first rows are of one kind, and the others of another: the first rows alone would lead to a wrong description.

mod comparison;
mod times;

use super::{discovered, open};
use crate::assert_verified;
use pg_clone_tests::scratch_database::Scratch;

/// Two tenants with persons and companies, whose numbers come from one sequence, cars and ships, whose keys are generated texts.
const TABLES: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B');
    CREATE SEQUENCE ids START 5000; CREATE TABLE person (id bigint PRIMARY KEY DEFAULT nextval('ids'), org_id int NOT NULL REFERENCES org);
    CREATE TABLE company (id bigint PRIMARY KEY DEFAULT nextval('ids'), org_id int NOT NULL REFERENCES org);
    CREATE TABLE car (id text PRIMARY KEY, org_id int NOT NULL REFERENCES org); CREATE TABLE ship (id text PRIMARY KEY, org_id int NOT NULL REFERENCES org);
    CREATE TABLE doc (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id int NOT NULL REFERENCES org);
    INSERT INTO person (org_id) SELECT 1 + n % 2 FROM generate_series(1, 100) n; INSERT INTO company (org_id) SELECT 1 + n % 2 FROM generate_series(1, 100) n; INSERT INTO doc (org_id) SELECT 1 + n % 2 FROM generate_series(1, 100) n;
    INSERT INTO car SELECT 'car_' || left(md5(n::text), 16), 1 + n % 2 FROM generate_series(1, 100) n; INSERT INTO ship SELECT 'shp_' || left(md5((n * 7)::text), 16), 1 + n % 2 FROM generate_series(1, 100) n;";

/// The id of the `n`th row of a table among those of its tenant, for a row of the tenant 1 + n % 2.
fn nth(table: &str) -> String {
    format!(
        "(SELECT (array_agg(t.id ORDER BY t.id))[1 + n / 2 % 50] FROM {table} t WHERE t.org_id = 1 + n % 2)"
    )
}

/// Notes of both tenants, by the column, its first rows and the rows after them as (number, value).
fn notes(column: &str, first: (i32, &str), last: (i32, &str)) -> String {
    let name = column.split(' ').next().unwrap_or_default();
    format!(
        "{TABLES} CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY (START 1000000) PRIMARY KEY, org_id int NOT NULL REFERENCES org, {column});
         INSERT INTO note (org_id, {name}) SELECT 1 + n % 2, {} FROM generate_series(1, {}) n;
         INSERT INTO note (org_id, {name}) SELECT 1 + n % 2, {} FROM generate_series(1, {}) n;",
        first.1, first.0, last.1, last.0
    )
}

/// The declared references of a column, as targets.
async fn declared(db: &Scratch, column: &str) -> Vec<String> {
    db.list(&format!(
        "SELECT concat_ws(' ', target, path, separators, type_values) FROM clone.store_reference WHERE \"column\" = '{column}' ORDER BY 1"
    ))
    .await
}

/// Whether the last check found a column with keys of persons and companies.
async fn asks_about_several_tables(db: &Scratch) -> bool {
    db.number("SELECT count(*) FROM clone.store_question WHERE question LIKE '%holds keys of several tables%in public.person or public.company'")
        .await
        == 1
}

#[tokio::test]
async fn a_column_with_late_values_that_are_no_keys_is_asked_about() {
    let (person, company, car, ship) = (nth("person"), nth("company"), nth("car"), nth("ship"));
    let both = format!("CASE WHEN n % 4 < 2 THEN {person} ELSE {company} END");
    for (column, first, last) in [
        ("person_id bigint", (1200, person.clone()), (800, company.clone())),
        (
            "person_ids bigint[]",
            (1200, format!("ARRAY[{person}]")),
            (1, format!("ARRAY[{company}]")),
        ),
        ("created_by bigint", (1200, person.clone()), (1, company.clone())),
        ("a text", (20_000, car), (1, ship)),
        ("object_id bigint", (60_000, person), (60_000, company)),
        ("whom bigint", (60_000, "NULL".to_owned()), (1000, both)),
    ] {
        let db = discovered(&notes(column, (first.0, &first.1), (last.0, &last.1)), "org").await;
        let name = column.split(' ').next().unwrap();
        assert_eq!(open(&db).await, [format!("error public.note.{name}")], "{column}");
        assert_eq!(declared(&db, name).await, Vec::<String>::new(), "{column}");
        if first.0 == 60_000 {
            assert!(asks_about_several_tables(&db).await, "{column}");
        }
        assert_eq!(
            db.fails("SELECT project_clone('1')").await.code,
            "55000",
            "{column}"
        );
    }
}

#[tokio::test]
async fn late_values_of_the_same_kind_are_found() {
    let (person, car, ship) = (nth("person"), nth("car"), nth("ship"));
    let document = |member: &str, value: &str| format!("jsonb_build_object('a', n, '{member}', {value})");
    for (column, first, last, references) in [
        // A list whose first rows are empty.
        (
            "path text",
            (1200, "''".to_owned()),
            (300, "'1000001/' || 1000000 + n".to_owned()),
            vec!["note /."],
        ),
        // Documents whose first rows lack a member.
        (
            "data jsonb",
            (3000, "jsonb_build_object('a', n)".to_owned()),
            (3000, document("person_id", &person)),
            vec!["person $..['person_id']"],
        ),
        // Generated keys: few of the second table.
        (
            "data jsonb",
            (3000, document("b", &car)),
            (3, document("b", &ship)),
            vec!["car $..['b']", "ship $..['b']"],
        ),
        (
            "data text",
            (3000, format!("({})::text", document("it''s", &car))),
            (3, format!("({})::text", document("it''s", &ship))),
            vec![r"car $..['it\'s']", r"ship $..['it\'s']"],
        ),
    ] {
        let db = discovered(&notes(column, (first.0, &first.1), (last.0, &last.1)), "org").await;
        assert_eq!(open(&db).await, Vec::<String>::new(), "{column} {references:?}");
        assert_eq!(
            declared(&db, column.split(' ').next().unwrap()).await,
            references,
            "{column}"
        );
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn types_of_a_pair_that_only_late_rows_have_are_declared() {
    let (person, company) = (nth("person"), nth("company"));
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE note (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, record_type text, record_id bigint);
             INSERT INTO note (org_id, record_type, record_id) SELECT 1 + n % 2, 'Person', {person} FROM generate_series(1, 120000) n;
             INSERT INTO note (org_id, record_type, record_id) SELECT 1 + n % 2, 'Company', {company} FROM generate_series(1, 2) n"
        ),
        "org",
    )
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
    assert_eq!(
        declared(&db, "record_id").await,
        ["company {Company}", "person {Person}"]
    );
}

#[tokio::test]
async fn a_document_with_late_values_that_are_no_keys_is_asked_about() {
    let person = nth("person");
    for (member, document, path) in [
        (
            "person_id",
            "jsonb_build_object('a', n, 'person_id', $)",
            "$..['person_id']",
        ),
        (
            "person_ids",
            "jsonb_build_object('person_ids', jsonb_build_array($, $))",
            "$..['person_ids'][*]",
        ),
        (
            "person",
            "jsonb_build_object('person', jsonb_build_object('id', $))",
            "$..['person']['id']",
        ),
        (
            "typed",
            "jsonb_build_object('about', jsonb_build_object('type', 'person', 'id', $))",
            "$..[?@.type == 'person' || @.kind == 'person']['id']",
        ),
        (
            "names",
            "jsonb_build_object('person_ids', jsonb_build_object(($)::text, 1))",
            "$..['person_ids'][*]~",
        ),
    ] {
        for (late, expected) in [
            (person.as_str(), vec![]),
            ("n + 900", vec![format!("error public.note.data {path}")]),
        ] {
            let db = discovered(
                &notes(
                    "data jsonb",
                    (5000, &document.replace('$', &person)),
                    (1, &document.replace('$', late)),
                ),
                "org",
            )
            .await;
            assert_eq!(open(&db).await, expected, "{member}");
            assert_eq!(
                declared(&db, "data").await,
                if expected.is_empty() {
                    vec![format!("person {path}")]
                } else {
                    vec![]
                },
                "{member}"
            );
        }
    }
}

#[tokio::test]
async fn rows_without_an_owner_that_come_late_are_asked_about() {
    let db = discovered(
        &format!(
            "{TABLES} CREATE TABLE note (id int PRIMARY KEY, org_id int REFERENCES org, part_id int REFERENCES note);
             INSERT INTO note SELECT n, 1 + n % 2, NULL FROM generate_series(1, 130000) n;
             INSERT INTO note SELECT 200000 + n, NULL, NULL FROM generate_series(1, 3) n; UPDATE note SET part_id = 200000 + id WHERE id <= 3"
        ),
        "org",
    )
    .await;
    assert!(
        open(&db).await.contains(&"error public.note.part_id".to_owned()),
        "{:?}",
        open(&db).await
    );
}

#[tokio::test]
async fn a_table_outside_of_the_store_whose_first_rows_are_empty_is_found() {
    for (column, values) in [
        ("subject uuid", "SELECT id FROM doc"),
        ("what text", "SELECT id FROM car"),
    ] {
        let name = column.split(' ').next().unwrap();
        let db = discovered(
            &format!("{TABLES} CREATE TABLE audit (n int, {column}); INSERT INTO audit SELECT n FROM generate_series(1, 120000) n; INSERT INTO audit SELECT 0, v.id FROM ({values}) v, generate_series(1, 6)"),
            "org",
        )
        .await;
        assert_eq!(
            open(&db).await,
            [format!("error public.audit.{name}")],
            "{column}"
        );
    }
}

#[tokio::test]
async fn partitions_children_and_hidden_rows_are_sampled() {
    let (person, company) = (nth("person"), nth("company"));
    for tables in [
        "CREATE TABLE note (id bigserial, org_id int NOT NULL REFERENCES org, n int, object_id bigint) PARTITION BY RANGE (n); CREATE TABLE n1 PARTITION OF note FOR VALUES FROM (0) TO (60001); CREATE TABLE n2 PARTITION OF note DEFAULT;",
        "CREATE TABLE note (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, n int, object_id bigint);",
    ] {
        let db = Scratch::with_extension().await;
        db.run(&format!(
            "{TABLES} {tables} INSERT INTO note (org_id, n, object_id) SELECT 1 + n % 2, n, {person} FROM generate_series(1, 60000) n; INSERT INTO note (org_id, n, object_id) SELECT 1 + n % 2, 60000 + n, {company} FROM generate_series(1, 60000) n;
             ALTER TABLE note ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON note USING (true)"
        ))
        .await;
        db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')")
            .await;
        assert!(
            asks_about_several_tables(&db).await,
            "{tables}: {:?}",
            open(&db).await
        );
    }
}

#[tokio::test]
async fn late_rows_that_name_another_tenant_or_none_are_asked_about() {
    for (columns, late, question) in [
        (
            "seller_id int NOT NULL, buyer_id int",
            "1 + n % 2, 2 - n % 2",
            "%name one tenant in%and another%",
        ),
        (
            "org_id int NOT NULL REFERENCES org, buyer_org_id int",
            "1 + n % 2, 2 - n % 2",
            "%name one tenant in%and another%",
        ),
        (
            "org_id int, doc_id int REFERENCES doc",
            "NULL, 1 + n % 2",
            "%belong to no tenant%",
        ),
    ] {
        let (own, other) = columns.split_once(", ").unwrap();
        let (own, other) = (own.split(' ').next().unwrap(), other.split(' ').next().unwrap());
        let reference = if own == "seller_id" {
            "ALTER TABLE note ADD FOREIGN KEY (seller_id) REFERENCES org, ADD FOREIGN KEY (buyer_id) REFERENCES org;"
        } else {
            ""
        };
        let db = discovered(
            &format!(
                "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B');
                 CREATE TABLE doc (id int PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO doc VALUES (1, 1), (2, 2);
                 CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY (START 1000000) PRIMARY KEY, {columns});
                 INSERT INTO note ({own}, {other}) SELECT 1 + n % 2, 1 + n % 2 FROM generate_series(1, 150000) n; INSERT INTO note ({own}, {other}) SELECT {late} FROM generate_series(1, 60000) n; {reference}"
            ),
            "org",
        )
        .await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM clone.store_question WHERE relation = 'note'::regclass AND question LIKE '{question}'")).await,
            1,
            "{columns}"
        );
    }
}
