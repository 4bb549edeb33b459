//! Large objects: a clone has its own, and its deletion does not take the source's.

use pg_clone_tests::scratch_database::Scratch;

const LAB: &str = "a1000000-0000-4000-8000-000000000014";

/// A lab with scans: a managed object of 9 MB, one in a plain column, an oid that is no object's.
async fn lab() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE EXTENSION lo;
         CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE scan (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, pic lo, raw oid, kind oid);
         CREATE TRIGGER t_pic BEFORE UPDATE OR DELETE ON scan FOR EACH ROW EXECUTE FUNCTION lo_manage(pic);
         INSERT INTO org VALUES ('{LAB}', 'Lab');
         INSERT INTO scan (org_id, pic, raw, kind) SELECT '{LAB}', lo_from_bytea(0, convert_to(repeat('ab€', 1800000), 'UTF8')), lo_from_bytea(0, '\\x00ff'), 23;
         INSERT INTO scan (org_id) VALUES ('{LAB}');
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project');
         SELECT clone.store_table('s', 'scan', 'resource', project_column => 'org_id')"
    ))
    .await;
    db
}

const OBJECTS: &str = "SELECT count(*) FROM pg_largeobject_metadata";

#[tokio::test]
async fn a_clone_has_large_objects_of_its_own_with_the_same_bytes() {
    for bulk in ["on", "off"] {
        let db = lab().await;
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.clone_project(&format!("'{LAB}', 'Copy'")).await;
        assert_eq!(db.number(OBJECTS).await, 4);
        let shared =
            "SELECT count(*) FROM scan a JOIN scan b ON a.id <> b.id AND (a.pic = b.pic OR a.raw = b.raw)";
        assert_eq!(db.number(shared).await, 0);
        let content = |project: &str| {
            format!(
                "SELECT md5(lo_get(pic)) || length(lo_get(pic)) || lo_get(raw)::text || kind FROM scan WHERE org_id = '{project}' AND pic IS NOT NULL"
            )
        };
        let source = db.text(&content(LAB)).await;
        assert!(source.contains("9000000"), "{source}");
        assert_eq!(db.text(&content(&clone)).await, source);
        let before = source;
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.text(&content(LAB)).await, before);
    }
}

#[tokio::test]
async fn a_plan_makes_no_large_object_and_says_that_they_are_copied() {
    let db = lab().await;
    let why = db
        .text(&format!(
            "SELECT columns->'pic'->>'why' FROM project_clone_plan('{LAB}') WHERE relation = 'public.scan'"
        ))
        .await;
    assert_eq!(why, "large object: copied");
    assert_eq!(db.number(OBJECTS).await, 2);
}

#[tokio::test]
async fn an_object_that_the_caller_may_not_read_is_not_copied() {
    let db = lab().await;
    db.run(
        "DROP ROLE IF EXISTS scanner; CREATE ROLE scanner LOGIN; SELECT clone.allow('scanner');
         GRANT SELECT, INSERT ON org, scan TO scanner",
    )
    .await;
    let session = db.session_as("scanner").await;
    let clone = format!("SELECT project_clone('{LAB}')");
    assert_eq!(session.fails(&clone).await.code, "42501");
    db.run(
        "DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP
                EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO scanner', o); END LOOP; END $$",
    )
    .await;
    session.run(&clone).await;
    assert_eq!(
        db.number("SELECT count(*) FROM pg_largeobject_metadata m JOIN pg_roles r ON r.oid = m.lomowner WHERE r.rolname = 'scanner'")
            .await,
        2
    );
    db.run("DROP OWNED BY scanner").await;
}

#[tokio::test]
async fn a_deletion_that_would_destroy_a_large_object_of_another_project_is_refused() {
    let db = lab().await;
    let clone = db.clone_project(&format!("'{LAB}', 'Copy'")).await;
    // As it was made by other means.
    db.run(&format!(
        "ALTER TABLE scan DISABLE TRIGGER t_pic;
         UPDATE scan SET pic = (SELECT pic FROM scan WHERE org_id = '{LAB}' AND pic IS NOT NULL) WHERE org_id = '{clone}' AND pic IS NOT NULL;
         ALTER TABLE scan ENABLE TRIGGER t_pic"
    ))
    .await;
    let refused = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(refused.code, "23503", "{refused:?}");
    assert!(refused.message.contains("lo_manage"), "{refused:?}");
}

#[tokio::test]
async fn only_a_column_of_large_objects_has_their_role() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text, day date, parts oid[], object oid);
         SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project')",
    )
    .await;
    for column in ["day", "parts"] {
        let failure = db
            .fails(&format!(
                "SELECT clone.store_column('s', 'org', '{column}', 'large_object')"
            ))
            .await;
        assert_eq!(failure.code, "22023", "{failure:?}");
    }
    db.run("SELECT clone.store_column('s', 'org', 'object', 'large_object')")
        .await;
}

/// A column is one of large objects by how it is stored and what a trigger does with it, not by the name of its type.
#[tokio::test]
async fn large_objects_in_columns_of_other_types_are_copied_too() {
    let types = [
        (
            "CREATE DOMAIN kept AS lo; CREATE DOMAIN picture AS kept",
            "picture",
            "",
        ),
        ("", "bigint", ""),
        ("CREATE DOMAIN picture AS text", "picture", ""),
        (
            "",
            "varchar(20)",
            "SELECT clone.store_column('s', 'scan', 'pic', 'large_object')",
        ),
    ];
    for (before, type_name, declaration) in types {
        let db = Scratch::with_extension().await;
        let trigger = if declaration.is_empty() {
            "CREATE TRIGGER t_pic BEFORE UPDATE OR DELETE ON scan FOR EACH ROW EXECUTE FUNCTION lo_manage(pic)"
        } else {
            ""
        };
        db.run(&format!(
            "CREATE EXTENSION lo; {before};
             CREATE TABLE org (id uuid PRIMARY KEY, name text);
             CREATE TABLE scan (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, pic {type_name}); {trigger};
             INSERT INTO org VALUES ('{LAB}', 'Lab');
             INSERT INTO scan (org_id, pic) SELECT '{LAB}', lo_from_bytea(0, '\\x00ff')::text::{type_name}; INSERT INTO scan (org_id) VALUES ('{LAB}');
             SELECT clone.store_create('s', 'custom');
             SELECT clone.store_table('s', 'org', 'project');
             SELECT clone.store_table('s', 'scan', 'resource', project_column => 'org_id'); {declaration}"
        ))
        .await;
        let clone = db.clone_project(&format!("'{LAB}', 'Copy'")).await;
        assert_eq!(db.number(OBJECTS).await, 2, "{type_name}");
        let content = |project: &str| {
            format!(
                "SELECT lo_get(pic::text::oid)::text FROM scan WHERE org_id = '{project}' AND pic IS NOT NULL"
            )
        };
        assert_eq!(db.text(&content(&clone)).await, "\\x00ff", "{type_name}");
        assert_eq!(
            db.number("SELECT count(DISTINCT pic::text) FROM scan").await,
            2,
            "{type_name}"
        );
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.text(&content(LAB)).await, "\\x00ff", "{type_name}");
    }
}

#[tokio::test]
async fn large_objects_in_arrays_are_refused() {
    let db = lab().await;
    db.run("ALTER TABLE scan ADD pages oid[], ADD kinds oid[]; UPDATE scan SET kinds = '{23}', pages = ARRAY[NULL, raw]; SELECT clone.store_table('s', 'scan', 'resource', project_column => 'org_id')")
        .await;
    let failure = db.fails(&format!("SELECT project_clone('{LAB}')")).await;
    assert!(
        failure.code == "0A000"
            && failure.message
                == "column pages of public.scan holds large objects in arrays, which cannot be copied",
        "{failure:?}"
    );
    let (_, call) = failure.hint.split_once("SELECT ").unwrap();
    db.run(&format!("SELECT {}", call.split(';').next().unwrap()))
        .await;
    db.clone_project(&format!("'{LAB}'")).await;
}

#[tokio::test]
async fn columns_that_name_the_same_object_name_the_same_copy() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE blob (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, loid oid NOT NULL UNIQUE, title text);
         INSERT INTO blob (team_id, loid, title) SELECT 1 + n % 2, lo_from_bytea(0, convert_to('bytes ' || n, 'UTF8')), 'bytes ' || n FROM generate_series(1, 8) n;
         CREATE TABLE mail (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, loid oid, key oid REFERENCES blob (loid)); INSERT INTO mail (team_id, loid, key) SELECT team_id, loid, loid FROM blob;
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"team\"}')",
    )
    .await;
    let before = db.number(OBJECTS).await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(db.number(OBJECTS).await, before + 4);
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM mail m JOIN blob b ON b.loid = m.loid AND b.loid = m.key AND convert_from(lo_get(b.loid), 'UTF8') = b.title WHERE m.team_id = {clone} AND b.team_id = {clone}"))
            .await,
        4
    );
}

#[tokio::test]
async fn numbers_of_objects_in_other_types_are_asked_about() {
    let db = Scratch::with_extension().await;
    // Hibernate has the number of a @Lob in a text column.
    db.run(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE article (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, body text, attachment bigint, meta jsonb);
         INSERT INTO article (team_id, body, attachment, meta) SELECT 1 + n % 2, lo_from_bytea(0, 'body')::text, lo_from_bytea(0, 'file'), jsonb_build_object('preview', lo_from_bytea(0, 'look')) FROM generate_series(1, 10) n;
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"team\"}')",
    )
    .await;
    let open = "SELECT concat_ws(' ', severity, subject, answer) FROM clone.store_check('s') WHERE severity <> 'note'";
    assert_eq!(
        db.list(open).await,
        [
            "error public.article.attachment SELECT clone.store_column('s', 'public.article', 'attachment', 'large_object');",
            "error public.article.body SELECT clone.store_column('s', 'public.article', 'body', 'large_object');",
            "error public.article.meta $..['preview']",
        ]
    );
    db.run("SELECT clone.store_column('s', 'article', 'attachment', 'large_object'), clone.store_column('s', 'article', 'body', 'large_object'), clone.store_no_reference('s', 'article', 'meta', '$..[''preview'']')")
        .await;
    assert_eq!(db.list(open).await, [""; 0]);
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    db.run(&format!(
        "SELECT lo_unlink(body::oid), lo_unlink(attachment::oid) FROM article WHERE team_id = {clone}"
    ))
    .await;
    assert_eq!(
        db.number("SELECT count(*) FROM article WHERE team_id = 2 AND lo_get(body::oid) = 'body' AND lo_get(attachment::oid) = 'file'").await,
        5
    );
}
