//! Settings of the session, publications, rules, errors that the caller catches.

use pg_clone_tests::scratch_database::Scratch;

const ORG: &str = "a0000000-0000-4000-8000-000000000001";

async fn orgs() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE item (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, n float8, at timestamptz DEFAULT now(), during interval DEFAULT '1 day', raw bytea DEFAULT '\\x00ff', doc jsonb);
         CREATE TABLE part (id bigserial PRIMARY KEY, item_id uuid NOT NULL REFERENCES item, n int);
         INSERT INTO org VALUES ('{ORG}', 'One');
         INSERT INTO item (id, org_id, n, doc) SELECT md5(n::text)::uuid, '{ORG}', n / 3.0, jsonb_build_object('see', md5((n % 7 + 1)::text)::uuid) FROM generate_series(1, 20) n;
         INSERT INTO part (item_id, n) SELECT md5(n::text)::uuid, n FROM generate_series(1, 20) n;
         SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id'); SELECT clone.store_table('s', 'part', 'resource', parent => 'item', join_column => 'item_id')"
    ))
    .await;
    db
}

const CONTENT: &str = "SELECT string_agg(concat_ws(' ', i.n, extract(epoch from i.at), extract(epoch from i.during), encode(i.raw, 'hex'), p.n), ',' ORDER BY p.n) FROM item i JOIN part p ON p.item_id = i.id WHERE i.org_id =";

#[tokio::test]
async fn no_setting_of_the_session_changes_a_clone() {
    let db = orgs().await;
    let expected = db.text(&format!("{CONTENT} '{ORG}'")).await;
    for (setting, value) in [
        ("quote_all_identifiers", "on"),
        ("standard_conforming_strings", "off"),
        ("array_nulls", "off"),
        ("transform_null_equals", "on"),
        ("DateStyle", "German, DMY"),
        ("IntervalStyle", "sql_standard"),
        ("TimeZone", "Asia/Kolkata"),
        ("extra_float_digits", "-15"),
        ("bytea_output", "escape"),
        ("xmloption", "document"),
        ("row_security", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("work_mem", "64kB"),
        ("enable_seqscan", "off"),
        ("enable_indexscan", "off"),
        ("enable_nestloop", "off"),
        ("enable_hashjoin", "off"),
        ("jit_above_cost", "0"),
        ("default_transaction_isolation", "serializable"),
        ("search_path", "\"\""),
        ("search_path", "pg_temp, nowhere"),
        ("session_replication_role", "replica"),
        ("synchronous_commit", "off"),
        ("max_stack_depth", "100kB"),
    ] {
        let session = db.session().await;
        session
            .run(&format!(
                "SELECT set_config('{setting}', $${value}$$, false), set_config('pg_clone.bulk', CASE WHEN '{value}' IN ('on', '64kB') THEN 'off' ELSE 'on' END, false)"
            ))
            .await;
        let clone = session
            .text(&format!(
                "SELECT public.project_clone('{ORG}'::pg_catalog.text, options => '{{\"verify\": true}}') ->> 'id'"
            ))
            .await;
        let found = db.text(&format!("{CONTENT} '{clone}'")).await;
        assert_eq!(found, expected, "{setting} = {value}");
        session
            .run(&format!(
                "SELECT clone.store_refresh('s');
                 SELECT public.project_clone('{ORG}'::pg_catalog.text, options => '{{\"replace\": \"{clone}\"}}');
                 SELECT public.project_delete('{clone}'::pg_catalog.text)"
            ))
            .await;
    }
    assert_eq!(db.number("SELECT count(*) FROM org").await, 1);
}

#[tokio::test]
async fn a_publication_of_all_tables_hinders_nothing() {
    let db = orgs().await;
    db.run("CREATE PUBLICATION everything FOR ALL TABLES").await;
    let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    db.clone_project(&format!("'{ORG}', options => '{{\"replace\": \"{clone}\"}}'"))
        .await;
    db.run(&format!(
        "SELECT project_delete('{clone}'); DELETE FROM clone.run"
    ))
    .await;
    let without = db
        .list(
            "SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
             WHERE c.relkind = 'r' AND c.relnamespace = 'clone'::regnamespace AND c.relreplident = 'd'
               AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)",
        )
        .await;
    assert_eq!(without, Vec::<String>::new());
}

#[tokio::test]
async fn a_rule_that_would_read_the_rows_twice_is_refused() {
    let db = orgs().await;
    db.run("CREATE TABLE seen (n int)").await;
    for rule in [
        "ALSO INSERT INTO seen VALUES (NEW.n)",
        "ALSO NOTIFY inserted",
        "INSTEAD NOTHING",
    ] {
        let condition = if rule == "INSTEAD NOTHING" {
            "WHERE NEW.n > 10"
        } else {
            ""
        };
        db.run(&format!(
            "CREATE RULE twice AS ON INSERT TO part {condition} DO {rule}"
        ))
        .await;
        let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
        assert_eq!(failure.code, "0A000", "{failure:?}");
        assert!(
            failure.message.contains("rule \"twice\"") && failure.hint.contains("DISABLE RULE \"twice\""),
            "{failure:?}"
        );
        db.run("ALTER TABLE part DISABLE RULE twice").await;
        db.run(&format!("BEGIN; SELECT project_clone('{ORG}', options => '{{\"verify\": true}}'); ROLLBACK; DROP RULE twice ON part"))
            .await;
    }
}

#[tokio::test]
async fn errors_that_the_caller_catches_leave_nothing_behind() {
    let db = orgs().await;
    db.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.n = 15 THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION refuse();
         CREATE FUNCTION again(times int) RETURNS int LANGUAGE plpgsql AS $$
         DECLARE caught int := 0;
         BEGIN
             FOR i IN 1..times LOOP
                 BEGIN
                     PERFORM project_clone('a0000000-0000-4000-8000-000000000001');
                 EXCEPTION WHEN raise_exception THEN
                     caught := caught + 1;
                 END;
             END LOOP;
             RETURN caught;
         END $$",
    )
    .await;
    let memory = "SELECT sum(total_bytes) FROM pg_backend_memory_contexts";
    let threads = "SELECT count(*) FROM pg_ls_dir('/proc/' || pg_backend_pid() || '/task')";
    assert_eq!(db.number("SELECT again(20)").await, 20);
    let (bytes, running) = (db.number(memory).await, db.number(threads).await);
    assert_eq!(db.number("SELECT again(100)").await, 100);
    assert!(db.number(memory).await < bytes + (1 << 20), "{bytes}");
    assert_eq!(db.number(threads).await, running);
    db.run("BEGIN").await;
    assert_eq!(db.number("SELECT again(3)").await, 3);
    let held = db
        .list("SELECT concat_ws(' ', relation::regclass, mode) FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('org'::regclass, 'item'::regclass, 'part'::regclass)")
        .await;
    assert_eq!(held, Vec::<String>::new());
    assert_eq!(
        db.number("SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()")
            .await,
        0
    );
    db.run("ALTER TABLE part DISABLE TRIGGER refuse").await;
    let clone = db
        .clone_project(&format!("'{ORG}', options => '{{\"verify\": true}}'"))
        .await;
    db.run("COMMIT").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM item WHERE org_id = '{clone}'"))
            .await,
        20
    );
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 1);
}
