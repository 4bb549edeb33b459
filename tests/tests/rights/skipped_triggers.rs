//! `options.triggers = skip` leaves out the triggers of the store's tables, and nothing else: it is no way around the setting
//! session_replication_role, which only some roles may change.

use pg_clone_tests::described_store::described;
use pg_clone_tests::scratch_database::Scratch;

const SKIP: &str = "options => '{\"triggers\": \"skip\"}'";

/// `tables` beside tenants, items and a guarded table; all of the store's tables belong to `role`.
async fn tables(role: &str, tables: &str) -> Scratch {
    let db = described(
        &format!(
            "CREATE TABLE org (id bigserial PRIMARY KEY, name text); CREATE TABLE cust (id bigint PRIMARY KEY); CREATE TABLE prot (id bigserial, cust bigint NOT NULL REFERENCES cust);
             CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'guarded'; END $$; CREATE TRIGGER g BEFORE INSERT ON prot FOR EACH ROW EXECUTE FUNCTION guard();
             CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; INSERT INTO org (name) VALUES ('a'), ('b'); {tables}"
        ),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id')",
    )
    .await;
    db.run(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; SELECT clone.allow('{role}'); ALTER TABLE org OWNER TO {role}; ALTER TABLE item OWNER TO {role};
         GRANT SELECT, INSERT ON prot TO {role}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}; GRANT CREATE ON SCHEMA public TO {role}; GRANT SELECT ON cust TO {role}"
    ))
    .await;
    db
}

#[tokio::test]
async fn functions_of_constraints_cannot_get_past_triggers_and_foreign_keys_of_other_tables() {
    let db = tables(
        "skips_past",
        "CREATE TABLE item (id bigserial, org_id bigint NOT NULL REFERENCES org, PRIMARY KEY (id, org_id)) PARTITION BY RANGE (id); CREATE TABLE item_1 PARTITION OF item DEFAULT; INSERT INTO item (org_id) VALUES (1);
         CREATE TRIGGER n AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION noop()",
    )
    .await;
    db.run("ALTER TABLE item_1 OWNER TO skips_past").await;
    let role = db.session_as("skips_past").await;
    role.run(
        "CREATE FUNCTION put(i bigint) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.prot (cust) VALUES (4711); RETURN true; END $$;
         ALTER TABLE item ADD CONSTRAINT c CHECK (put(id)) NOT VALID",
    )
    .await;
    let failure = role.fails(&format!("SELECT project_clone('1', {SKIP})")).await;
    assert!(
        failure.code == "42501"
            && failure
                .hint
                .contains("GRANT SET ON PARAMETER session_replication_role TO skips_past"),
        "{failure:?}"
    );
    // Also where the caller has chosen the statement.
    role.run("ALTER TABLE org ADD CONSTRAINT c CHECK (put(id)) NOT VALID; CREATE TRIGGER n AFTER INSERT ON org FOR EACH ROW EXECUTE FUNCTION noop(); SET pg_clone.bulk = off").await;
    let failure = role.fails(&format!("SELECT project_clone('1', {SKIP})")).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    // On the bulk path the owner may, and other tables keep their triggers.
    role.run("SET pg_clone.bulk = on; DROP TABLE item; CREATE TABLE item (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org); CREATE TRIGGER n AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION noop()").await;
    db.run("SELECT clone.store_refresh('s')").await;
    let failure = role.fails(&format!("SELECT project_clone('1', {SKIP})")).await;
    assert!(failure.message.contains("guarded"), "{failure:?}");
    assert_eq!(db.number("SELECT count(*) FROM prot").await, 0);
    role.run("ALTER TABLE org DROP CONSTRAINT c").await;
    role.clone_project(&format!("'1', {SKIP}")).await;
    // Who may set it may skip.
    db.run("GRANT SET ON PARAMETER session_replication_role TO skips_past")
        .await;
    role.run("SET pg_clone.bulk = off").await;
    role.clone_project(&format!("'1', {SKIP}")).await;
    db.run("REVOKE SET ON PARAMETER session_replication_role FROM skips_past; DROP OWNED BY skips_past CASCADE; DROP ROLE skips_past").await;
}

#[tokio::test]
async fn what_the_setting_would_leave_unchecked_is_refused() {
    let db = tables(
        "skips_checks",
        "CREATE TABLE item (id bigserial, org_id bigint NOT NULL REFERENCES org, code text, cust_id bigint, PRIMARY KEY (id, org_id)) PARTITION BY RANGE (id); CREATE TABLE item_1 PARTITION OF item DEFAULT; INSERT INTO item (org_id) VALUES (1);
         CREATE TRIGGER n AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION noop()",
    )
    .await;
    db.clone_project(&format!("'1', {SKIP}")).await;
    for (change, says, undo) in [
        (
            "ALTER TABLE item_1 ADD CONSTRAINT to_cust FOREIGN KEY (cust_id) REFERENCES cust",
            "constraint to_cust of public.item_1 would not be checked",
            "ALTER TABLE item_1 DROP CONSTRAINT to_cust",
        ),
        (
            "ALTER TABLE item_1 ADD CONSTRAINT one_code UNIQUE (code) DEFERRABLE INITIALLY DEFERRED",
            "constraint one_code of public.item_1 would not be checked",
            "ALTER TABLE item_1 DROP CONSTRAINT one_code",
        ),
        (
            "ALTER TABLE item ENABLE ALWAYS TRIGGER n",
            "enabled for replicas",
            "ALTER TABLE item ENABLE TRIGGER n",
        ),
        (
            "CREATE TRIGGER r BEFORE INSERT ON item_1 FOR EACH ROW EXECUTE FUNCTION noop(); ALTER TABLE item_1 ENABLE REPLICA TRIGGER r",
            "enabled for replicas",
            "DROP TRIGGER r ON item_1",
        ),
    ] {
        db.run(change).await;
        let failure = db.fails(&format!("SELECT project_clone('1', {SKIP})")).await;
        assert!(
            failure.code == "0A000" && failure.message.contains(says) && !failure.hint.is_empty(),
            "{failure:?}"
        );
        db.run(undo).await;
        db.clone_project(&format!("'1', {SKIP}")).await;
    }
    // Rows of a view get into a table whose foreign keys would not be checked, and whose owner may be another.
    db.run("CREATE TABLE base (id bigserial PRIMARY KEY, org_id bigint NOT NULL, cust_id bigint REFERENCES cust); INSERT INTO base (org_id) VALUES (1); CREATE VIEW v AS SELECT * FROM base;
            ALTER VIEW v ALTER id SET DEFAULT nextval('base_id_seq'); CREATE TRIGGER n BEFORE INSERT ON base FOR EACH ROW EXECUTE FUNCTION noop();
            SELECT clone.store_table('s', 'v', 'resource', id_column => 'id', project_column => 'org_id')").await;
    let failure = db.fails(&format!("SELECT project_clone('1', {SKIP})")).await;
    assert!(
        failure.code == "0A000"
            && failure
                .message
                .contains("trigger n of public.base cannot be skipped"),
        "{failure:?}"
    );
    db.run("DROP TRIGGER n ON base").await;
    db.clone_project(&format!("'1', {SKIP}")).await;
    db.run("DROP OWNED BY skips_checks CASCADE; DROP ROLE skips_checks")
        .await;
}

/// Tenants, and a table that statements fill, with a trigger and foreign keys to `sh`.
async fn filled_by_statement(columns: &str, rows: &str) -> Scratch {
    described(
        &format!(
            "CREATE TABLE org (id bigserial PRIMARY KEY, name text); CREATE TABLE sh (id int PRIMARY KEY, b int, UNIQUE (id, b)); CREATE TABLE kid (PRIMARY KEY (id)) INHERITS (sh);
             INSERT INTO sh VALUES (1, 1), (2, 2); INSERT INTO kid VALUES (3, 3); CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
             CREATE TABLE item (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, x int GENERATED ALWAYS AS (1) STORED, {columns});
             CREATE TRIGGER n BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION noop(); INSERT INTO org (name) VALUES ('a'); INSERT INTO item (org_id, sh, b) {rows}"
        ),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id'); SELECT clone.store_shared('s', 'sh'), clone.store_shared('s', 'kid')",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_row_that_another_session_deletes_meanwhile_is_missed() {
    for action in ["NO ACTION", "CASCADE", "SET NULL"] {
        let db = filled_by_statement(
            &format!("sh int REFERENCES sh ON DELETE {action}, b int"),
            "VALUES (1, 2, 2)",
        )
        .await;
        // A deletion waits for the clone.
        let cloning = db.session().await;
        cloning.run("BEGIN").await;
        cloning.clone_project(&format!("'1', {SKIP}")).await;
        let other = db.session().await;
        let failure = other
            .fails("SET lock_timeout = '200ms'; DELETE FROM sh WHERE id = 2")
            .await;
        assert_eq!(failure.code, "55P03", "{action}");
        cloning.run("ROLLBACK").await;
        // The clone waits for a deletion.
        other
            .run("SET lock_timeout = 0; BEGIN; DELETE FROM item; DELETE FROM sh WHERE id = 2")
            .await;
        let pid = cloning.pid().await;
        let running =
            tokio::spawn(async move { cloning.fails(&format!("SELECT project_clone('1', {SKIP})")).await });
        db.wait_until(&format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock')"
        ))
        .await;
        other.run("COMMIT").await;
        let failure = running.await.unwrap();
        assert!(
            failure.code == "23503" && failure.message.contains("refers to no row of public.sh"),
            "{action}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn keys_are_checked_as_the_server_checks_them() {
    let db = filled_by_statement(
        "sh int, b int, FOREIGN KEY (sh, b) REFERENCES sh (id, b) MATCH FULL, CONSTRAINT one FOREIGN KEY (sh) REFERENCES sh",
        "VALUES (1, 1, 1), (1, NULL, NULL)",
    )
    .await;
    db.clone_project(&format!("'1', {SKIP}")).await;
    db.run("SELECT clone.store_column('s', 'item', 'b', 'null')")
        .await;
    let failure = db.fails(&format!("SELECT project_clone('1', {SKIP})")).await;
    assert!(
        failure.code == "23503"
            && failure.message
                == "a cloned row of public.item has NULL in some columns of foreign key item_sh_b_fkey, which it forbids (MATCH FULL)",
        "{failure:?}"
    );
    for call in failure
        .hint
        .trim_start_matches("Let all of its columns be NULL in clones, or none: ")
        .split("; ")
    {
        db.run(call).await;
    }
    db.clone_project(&format!("'1', {SKIP}")).await;
    // A key of a table that inherits is none of the table that the foreign key names.
    db.run("SELECT clone.store_column('s', 'item', 'sh', 'expression', value => 'sh + 2'), clone.store_column('s', 'item', 'b', 'expression', value => 'b + 2')").await;
    let failure = db.fails(&format!("SELECT project_clone('1', {SKIP})")).await;
    assert!(
        failure.code == "23503" && failure.message.contains("refers to no row of public.sh"),
        "{failure:?}"
    );
    // The caller needs no privilege on it.
    db.run("SELECT clone.store_column('s', 'item', 'sh', 'keep'), clone.store_column('s', 'item', 'b', 'keep'); DROP ROLE IF EXISTS skips_blind; CREATE ROLE skips_blind LOGIN; SELECT clone.allow('skips_blind');
            GRANT SELECT, INSERT ON org, item TO skips_blind; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO skips_blind; GRANT SET ON PARAMETER session_replication_role TO skips_blind")
        .await;
    let role = db.session_as("skips_blind").await;
    role.clone_project(&format!("'1', {SKIP}")).await;
    db.run("REVOKE SET ON PARAMETER session_replication_role FROM skips_blind; DROP OWNED BY skips_blind CASCADE; DROP ROLE skips_blind").await;
}
