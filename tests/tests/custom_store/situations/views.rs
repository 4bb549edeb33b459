//! Views as tables of a store: what the database says of the table below a view holds for the view.

use pg_clone_tests::described_store::{assert_verified, described};

const TABLES: &str = "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('a'), ('b');
    CREATE TABLE base (id bigserial PRIMARY KEY, org_id bigint NOT NULL, kind int, x text, up bigint REFERENCES base);
    CREATE TABLE note (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, about bigint REFERENCES base);
    INSERT INTO base (org_id, kind, x, up) VALUES (1, 1, 'p', NULL), (1, 2, 'q', 1), (2, 1, 'z', NULL); INSERT INTO note (org_id, about) VALUES (1, 2), (1, NULL);
    CREATE VIEW inner_v AS SELECT up AS above, id, kind, x, org_id FROM base; CREATE VIEW v AS SELECT id, org_id, x, above AS folder, kind FROM inner_v; ALTER VIEW v ALTER id SET DEFAULT nextval('base_id_seq')";

const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', id_column => 'id', project_column => 'org_id') FROM unnest('{v,note}'::text[]) t;
    SELECT clone.store_shared('s', 'base')";

#[tokio::test]
async fn foreign_keys_below_a_view_are_references() {
    let db = described(TABLES, STORE).await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert!(
        failure.code == "55000"
            && failure
                .message
                .contains("public.note.about holds keys of public.v by foreign key note_about_fkey"),
        "{failure:?}"
    );
    let errors = "SELECT subject FROM clone.store_check('s') WHERE severity = 'error'";
    assert_eq!(db.list(errors).await, ["public.note.about", "public.v.folder"]);
    for answer in db
        .list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error'")
        .await
    {
        db.run(&answer).await;
    }
    assert_eq!(db.list(errors).await, Vec::<String>::new());
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws(' ', t.x, u.x, u.org_id) FROM base t LEFT JOIN base u ON u.id = t.up WHERE t.org_id = {clone} ORDER BY t.x")).await,
        ["p".to_owned(), format!("q p {clone}")]
    );
    assert_eq!(
        db.list(&format!("SELECT concat_ws(' ', b.x, b.org_id) FROM note n LEFT JOIN base b ON b.id = n.about WHERE n.org_id = {clone} ORDER BY n.id")).await,
        [format!("q {clone}"), String::new()]
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn triggers_rules_and_other_views_of_the_table_below_a_view_are_seen() {
    let db = described(TABLES, STORE).await;
    for answer in db
        .list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error'")
        .await
    {
        db.run(&answer).await;
    }
    db.run("CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.x := 'CHANGED'; RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT ON base FOR EACH ROW EXECUTE FUNCTION change()").await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert!(
        failure.code == "0A000" && failure.message.contains("a trigger of public.v changes column x"),
        "{failure:?}"
    );
    // Where it is wanted, verification knows that such rows differ in content from the source's.
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"fire\"}'")
        .await;
    assert_eq!(
        db.list(&format!("SELECT DISTINCT x FROM base WHERE org_id = {clone}"))
            .await,
        ["CHANGED"]
    );
    assert_verified(&db, &clone).await;
    // Rows of the table below the view that refer to each other go together; one of another project does not.
    let all = "SELECT array_agg(t::text ORDER BY t::text) FROM base t WHERE org_id <= 2";
    let before = db.text(all).await;
    db.run(&format!(
        "INSERT INTO base (org_id, kind, up) SELECT 2, 3, min(id) FROM base WHERE org_id = {clone}"
    ))
    .await;
    let failure = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert!(
        failure.code == "23503"
            && failure
                .message
                .contains("1 row of public.base refers to rows of public.v that go"),
        "{failure:?}"
    );
    db.run("DELETE FROM base WHERE kind = 3").await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.text(all).await, before);
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM base WHERE org_id = {clone}"))
            .await,
        0
    );
    db.run("DROP TRIGGER t ON base; CREATE TABLE log (x text); CREATE RULE also AS ON INSERT TO base DO ALSO INSERT INTO log VALUES (NEW.x)").await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert!(
        failure.code == "0A000"
            && failure
                .message
                .contains("public.base has the rule \"also\" for INSERT")
            && failure
                .hint
                .contains("ALTER TABLE public.base DISABLE RULE \"also\""),
        "{failure:?}"
    );
    db.run("DROP RULE also ON base").await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.list("SELECT jsonb_array_elements_text(todo) FROM clone.run")
            .await,
        Vec::<String>::new()
    );
    db.run("CREATE RULE also AS ON DELETE TO base DO ALSO INSERT INTO log VALUES (OLD.x)")
        .await;
    let failure = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert!(
        failure.code == "0A000"
            && failure
                .message
                .contains("public.base has the rule \"also\" for DELETE"),
        "{failure:?}"
    );
    db.run("DROP RULE also ON base; CREATE VIEW w AS SELECT id, org_id, kind FROM base WHERE kind <= 2; ALTER VIEW w ALTER id SET DEFAULT nextval('base_id_seq')").await;
    let failure = db.fails("SELECT clone.store_table('s', 'w', 'resource', id_column => 'id', project_column => 'org_id'); SELECT project_clone('1')").await;
    assert!(
        failure.code == "0A000"
            && failure.message.contains("rows of view public.")
            && failure.hint.contains("clone.store_remove_table"),
        "{failure:?}"
    );
}
