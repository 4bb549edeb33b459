//! Keys are compared with texts in a way that can use an index, and are equal exactly if their text form is.

use super::super::discovered;
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn a_key_equals_its_text_form_and_no_other_text() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE DOMAIN number AS bigint; CREATE DOMAIN code AS text;
         CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )
    .await;
    let numbers: &[&str] = &[
        "0",
        "7",
        "-7",
        "999999999999999999",
        "1000000000000000000",
        "-1000000000000000000",
        "9223372036854775807",
        "-9223372036854775808",
    ];
    let texts: &[&str] = &["a", "A", "007", "", "%", "it's"];
    let uuids: &[&str] = &["0f0f0f0f-0000-4000-8000-00000000000a"];
    for (column, values) in [
        ("bigint", numbers),
        ("number", numbers),
        ("integer", &["0", "-7", "2147483647"]),
        ("smallint", &["0", "32767"]),
        (
            "numeric",
            &["0", "7", "-7", "0.5", "12.25", "1000000000000000000000"],
        ),
        ("uuid", uuids),
        ("text", texts),
        ("text COLLATE \"C\"", texts),
        ("text COLLATE no_case", texts),
        ("varchar(10)", texts),
        ("code", texts),
    ] {
        db.run(&format!(
            "CREATE TABLE t (\"the %s key\" {column} NOT NULL); CREATE INDEX ON t (\"the %s key\");"
        ))
        .await;
        for value in values {
            db.run(&format!("INSERT INTO t VALUES ('{}')", value.replace('\'', "''")))
                .await;
        }
        // Every text with the keys that equal it.
        let condition = db
            .text("SELECT clone_internal.equals_text('k', 't'::regclass, 'the %s key', 'v.x')")
            .await;
        let texts_of_keys: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let mut expected = texts_of_keys.clone();
        expected.sort();
        let mut found = db
            .list(&format!(
                "SELECT k.\"the %s key\"::text || CASE WHEN k.\"the %s key\"::text COLLATE \"C\" = v.x COLLATE \"C\" THEN '' ELSE ' and ' || v.x END
                 FROM unnest(ARRAY['0', '7', '-7', '-0', '+7', '0.5', '.5', '0.50', '12.25', '12.250', '-0.0', '07', '007', ' 7', '7.0', 'a', 'A', '', '%', 'it''s', '2147483647', '32767', '999999999999999999', '1000000000000000000', '-1000000000000000000',
                     '9223372036854775807', '-9223372036854775808', '9223372036854775808', '-9223372036854775809', '99999999999999999999', '1000000000000000000000', '0f0f0f0f-0000-4000-8000-00000000000a',
                     '0F0F0F0F-0000-4000-8000-00000000000A', '{{0f0f0f0f-0000-4000-8000-00000000000a}}', '0f0f0f0f0000400080000000000000 0a', NULL]) AS v (x)
                 JOIN t AS k ON {condition}"
            ))
            .await;
        found.sort();
        assert_eq!(found, expected, "{column}: {condition}");
        db.run("DROP TABLE t").await;
    }
}

#[tokio::test]
async fn keys_of_19_digits_are_keys() {
    let db = discovered(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours');
         CREATE TABLE scripts (hash bigint PRIMARY KEY, org_id int NOT NULL REFERENCES org);
         CREATE TABLE jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, job_kind text NOT NULL, script_hash bigint);
         INSERT INTO scripts SELECT 3000000000000000000 - n * 104729000000007919, 1 + n % 2 FROM generate_series(1, 24) n;
         INSERT INTO jobs (org_id, job_kind, script_hash) SELECT 1 + n % 2, CASE WHEN m = 1 THEN 'script' ELSE 'preview' END, CASE WHEN m = 1 THEN 3000000000000000000 - n * 104729000000007919 END FROM generate_series(1, 24) n, generate_series(1, 2) m",
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT concat_ws(' ', relation, \"column\", target) FROM clone.store_reference")
            .await,
        ["jobs script_hash scripts"]
    );
}
