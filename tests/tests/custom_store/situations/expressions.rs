//! Expressions and conditions: what is not one SQL expression over the row is an error when it is set.

use super::super::{assert_verified, contents, described};

const TABLES: &str =
    "CREATE TABLE t (id serial PRIMARY KEY, name text); CREATE TABLE u (id serial PRIMARY KEY, t_id int NOT NULL REFERENCES t, k int, nm text);
     INSERT INTO t (name) VALUES ('a'), ('b'); INSERT INTO u (t_id, k, nm) VALUES (1, 1, 'x'), (2, 2, 'y')";
const STORE: &str = "SELECT clone.store_table('s', 't', 'project'); SELECT clone.store_table('s', 'u', 'resource', project_column => 't_id')";

#[tokio::test]
async fn a_text_that_is_not_one_expression_gives_no_column_its_values() {
    let db = described(TABLES, STORE).await;
    let before = contents(&db, &["clone.store_column", "u"]).await;
    for expression in [
        "nosuch",
        "1/0",
        "",
        " ",
        "k) -- ",
        "k -- ",
        "k /*",
        "k), (2",
        "k, 2",
        "k) FROM public.u AS t; DELETE FROM public.u; SELECT (1",
        "k END, CASE WHEN true THEN 2",
        "k END FROM public.u AS t; DELETE FROM public.u; SELECT CASE WHEN true THEN 1",
        "count(*)",
        "row_number() OVER ()",
        "generate_series(1, 2)",
        "$1",
        "nosuch.f(k)",
        "t.nosuch",
        "'x'::nosuch",
        "t",
        "ARRAY[1]",
        "'abc'",
        "'",
        "(WITH d AS (DELETE FROM public.u RETURNING k) SELECT k FROM d LIMIT 1)",
    ] {
        let failure = db
            .fails(&format!(
                "SELECT clone.store_column('s', 'u', 'k', 'expression', value => $e${expression}$e$)"
            ))
            .await;
        assert!(
            failure.code == "22023"
                && failure.message.starts_with(&format!(
                    "the expression \"{expression}\" cannot give column k of public.u its values: "
                ))
                && failure.hint.contains("type integer"),
            "{expression}: {failure:?}"
        );
    }
    assert_eq!(contents(&db, &["clone.store_column", "u"]).await, before);
    db.run("SELECT clone.store_column('s', 'u', 'k', 'expression', value => '(SELECT pg_catalog.max(m.k) FROM public.u AS m) + t.k /* above all */');
            SELECT clone.store_column('s', 'u', 'nm', 'expression', value => '''n''')").await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_eq!(
        db.text(&format!("SELECT k || nm FROM u WHERE t_id = {clone}"))
            .await,
        "3n"
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_text_that_is_not_one_condition_selects_no_rows() {
    let db = described(TABLES, STORE).await;
    let before = contents(
        &db,
        &[
            "clone.store_relation",
            "clone.store_reference",
            "clone.store_membership",
            "u",
        ],
    )
    .await;
    for condition in [
        "true) or (t.id is not null",
        "true) -- ",
        "true -- ",
        "",
        "k",
        "1/0 = 1",
        "count(*) > 0",
        "row_number() OVER () = 1",
        "$1",
        "k = $1",
        "nosuch",
        "true) LIMIT 0; DELETE FROM public.u; SELECT (true",
        "true END; DELETE FROM public.u; SELECT CASE WHEN true THEN true",
        "true, true",
        "generate_series(1, 2) = 1",
        "nosuch.f(k)",
        "k = 'x'",
    ] {
        for call in [
            format!(
                "clone.store_table('s', 'u', 'resource', project_column => 't_id', live => $c${condition}$c$)"
            ),
            format!("clone.store_reference('s', 'u', 'k', 'u', condition => $c${condition}$c$)"),
            format!(
                "clone.store_reference('s', 'u', 'k', 'u', type_column => 'nm', condition => $c${condition}$c$)"
            ),
            format!("clone.store_belongs('s', 'u', '{{k}}', 't', condition => $c${condition}$c$)"),
        ] {
            let failure = db.fails(&format!("SELECT {call}")).await;
            assert!(
                failure.code == "22023"
                    && failure.message.starts_with(&format!(
                        "the condition \"{condition}\" cannot be used on public.u: "
                    ))
                    && !failure.hint.is_empty(),
                "{call}: {failure:?}"
            );
        }
    }
    assert_eq!(
        contents(
            &db,
            &[
                "clone.store_relation",
                "clone.store_reference",
                "clone.store_membership",
                "u"
            ]
        )
        .await,
        before
    );
}

#[tokio::test]
async fn rows_belong_by_a_key_that_an_expression_gives() {
    let db = described(
        "CREATE TABLE t (id serial PRIMARY KEY, name text); CREATE TABLE u (id inet PRIMARY KEY, t_id int NOT NULL REFERENCES t, code text, UNIQUE (t_id, code)); CREATE TABLE v (id serial PRIMARY KEY, u_id inet NOT NULL REFERENCES u);
         INSERT INTO t (name) VALUES ('a'), ('b'); INSERT INTO u VALUES ('10.0.0.1', 1, 'x'), ('10.0.0.2', 2, 'y'); INSERT INTO v (u_id) SELECT id FROM u",
        "SELECT clone.store_table('s', 't', 'project'); SELECT clone.store_table('s', 'u', 'resource', project_column => 't_id'); SELECT clone.store_table('s', 'v', 'derived', parent => 'u', join_column => 'u_id');
         SELECT clone.store_column('s', 'u', 'id', 'expression', value => 'id + 100')",
    )
    .await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT u.id || u.code FROM v JOIN u ON u.id = v.u_id WHERE u.t_id = {clone}"
        ))
        .await,
        ["10.0.0.101/32x"]
    );
    assert_verified(&db, &clone).await;
    // The same value is no new key: nothing is written.
    db.run("SELECT clone.store_column('s', 'u', 'id', 'expression', value => 'id')")
        .await;
    let failure = db.fails("SELECT project_clone('1', 'Copy')").await;
    assert!(["23505", "55000"].contains(&failure.code.as_str()), "{failure:?}");
}
