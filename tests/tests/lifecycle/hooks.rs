//! Functions that a store or a preset names: how they are stored, and what they may be.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};

#[tokio::test]
async fn a_check_hook_may_be_written_in_sql() {
    let db = with_observations(1).await;
    db.run(
        "CREATE TABLE called (arguments jsonb);
         CREATE FUNCTION my_check(store text, arguments jsonb) RETURNS void LANGUAGE sql AS 'INSERT INTO public.called VALUES (arguments)';
         CREATE FUNCTION my_finish(store text, run bigint, arguments jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
         INSERT INTO clone.store_hook VALUES
             ('documents', 'check', 'my_check(text, jsonb)'), ('documents', 'finish', 'my_finish(text,bigint,jsonb)')",
    )
    .await;
    db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(db.number("SELECT count(*) FROM called").await, 1);
}

#[tokio::test]
async fn a_hook_is_named_with_its_schema_whatever_the_path_was() {
    let db = with_observations(1).await;
    db.run(
        "CREATE SCHEMA mine;
         CREATE FUNCTION mine.look(store text, arguments jsonb) RETURNS void LANGUAGE sql AS 'SELECT 1 / 0';
         SET search_path = mine;
         INSERT INTO clone.store_hook VALUES ('documents', 'check', 'look(text,jsonb)'::regprocedure);
         RESET search_path",
    )
    .await;
    assert_eq!(
        db.text("SELECT function FROM clone.store_hook").await,
        "mine.look(text,jsonb)"
    );
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "22012", "{failure:?}");
}

#[tokio::test]
async fn a_hook_that_is_gone_stops_the_clone() {
    let db = with_observations(1).await;
    db.run(
        "CREATE FUNCTION look(store text, arguments jsonb) RETURNS void LANGUAGE sql AS 'SELECT';
         INSERT INTO clone.store_hook VALUES ('documents', 'check', 'look(text,jsonb)');
         DROP FUNCTION look",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(failure.message.contains("public.look(text,jsonb)"), "{failure:?}");
    assert!(failure.hint.contains("clone.store_hook"), "{failure:?}");
}

#[tokio::test]
async fn functions_with_other_arguments_are_refused() {
    let db = with_observations(1).await;
    db.run(
        "CREATE FUNCTION three(store text, run bigint, arguments jsonb) RETURNS text LANGUAGE sql AS 'SELECT store';
         CREATE FUNCTION swapped(arguments jsonb, store text) RETURNS void LANGUAGE sql AS 'SELECT';
         CREATE FUNCTION many(store text, arguments jsonb) RETURNS SETOF text LANGUAGE sql AS 'SELECT store'",
    )
    .await;
    for (table, event, function, code) in [
        ("clone.store_hook", "'check'", "three(text,bigint,jsonb)", "22023"),
        (
            "clone.store_hook",
            "'finish'",
            "three(text,bigint,jsonb)",
            "22023",
        ),
        ("clone.store_hook", "'check'", "swapped(jsonb,text)", "22023"),
        ("clone.store_hook", "'check'", "many(text,jsonb)", "22023"),
        ("clone.store_hook", "'check'", "nowhere(text,jsonb)", "42883"),
        ("clone.store_hook", "'check'", "three", "42883"),
    ] {
        let failure = db
            .fails(&format!(
                "INSERT INTO {table} VALUES ('documents', {event}, '{function}')"
            ))
            .await;
        assert_eq!(failure.code, code, "{event} {function}: {failure:?}");
        assert!(!failure.hint.is_empty(), "{failure:?}");
    }
    let failure = db
        .fails("INSERT INTO clone.preset VALUES ('mine', 'swapped(jsonb,text)', '')")
        .await;
    assert_eq!(failure.code, "22023", "{failure:?}");
}

#[tokio::test]
async fn no_column_of_ours_has_a_type_that_pg_upgrade_refuses() {
    let db = with_observations(1).await;
    // Those whose oids pg_upgrade keeps are regclass, regrole and regtype.
    let refused = db
        .list(
            "SELECT format('%s.%I %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, NULL))
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
             WHERE c.relkind IN ('r', 'm', 'i') AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
               AND (CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem ELSE t.oid END) IN ('regprocedure'::regtype,
                   'regproc'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regconfig'::regtype,
                   'regdictionary'::regtype, 'regcollation'::regtype, 'regnamespace'::regtype)",
        )
        .await;
    assert!(refused.is_empty(), "{refused:?}");
}
