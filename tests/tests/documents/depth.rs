//! Deeply nested documents: every depth that a type allows is cloned, on every path; more is an error.

use pg_clone_tests::scratch_database::Scratch;

const PROJECT: &str = "a0000000-0000-4000-8000-000000000001";
const TARGET: &str = "b0000000-0000-4000-8000-000000000002";
/// Levels that the server's parser still reads with its default max_stack_depth.
const DEEPEST: u32 = 11_000;

/// A store with a document in every form, each nested so deeply with a reference at its end, one of the project among them.
async fn nested(levels: u32) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        r#"CREATE TABLE org (id uuid PRIMARY KEY, name text, doc jsonb);
           CREATE TABLE node (id uuid PRIMARY KEY, org_id uuid REFERENCES org, doc jsonb);
           CREATE TABLE leaf (id uuid PRIMARY KEY, org_id uuid REFERENCES org, plain json);
           CREATE TABLE page (id uuid PRIMARY KEY, org_id uuid REFERENCES org, words text);
           CREATE FUNCTION deep(first text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
               SELECT '{{"secret": "s3cret", "x":' || repeat('{{"a":', {levels} - 1) || '"{TARGET}"' || repeat('}}', {levels} - 1) || first || '}}' $$;
           INSERT INTO org VALUES ('{PROJECT}', 'P', deep('')::jsonb);
           INSERT INTO node VALUES (md5('n')::uuid, '{PROJECT}', deep('')::jsonb), ('{TARGET}', '{PROJECT}', '{{}}');
           INSERT INTO leaf VALUES (md5('l')::uuid, '{PROJECT}', deep('')::json);
           INSERT INTO page VALUES (md5('p')::uuid, '{PROJECT}', deep(''));
           SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'org', 'project');
           SELECT clone.store_table('s', 'node', 'resource', project_column => 'org_id');
           SELECT clone.store_table('s', 'leaf', 'resource', project_column => 'org_id', document_column => 'plain');
           SELECT clone.store_table('s', 'page', 'resource', project_column => 'org_id', document_column => 'words')"#
    ))
    .await;
    db
}

/// Of the documents of a clone, how many have as many levels as the source's, end in `end`, and still have the secret.
async fn documents(db: &Scratch, clone: &str, end: &str, secret: bool) -> i64 {
    db.number(&format!(
        "SELECT count(*) FROM (SELECT doc::text AS t FROM org WHERE id = '{clone}' UNION ALL SELECT doc::text FROM node WHERE org_id = '{clone}' AND doc <> '{{}}'
         UNION ALL SELECT plain::text FROM leaf WHERE org_id = '{clone}' UNION ALL SELECT words FROM page WHERE org_id = '{clone}') d
         WHERE length(t) - length(replace(t, '{{', '')) = (SELECT length(deep('')) - length(replace(deep(''), '{{', '')))
           AND strpos(t, {end}) > 0 AND (strpos(t, 's3cret') > 0) = {secret}"
    ))
    .await
}

#[tokio::test]
async fn what_the_type_can_hold_is_cloned_with_and_without_rules_on_both_paths() {
    for levels in [127, 1_500, DEEPEST] {
        let db = nested(levels).await;
        for (rules, bulk) in [(false, "on"), (false, "off"), (true, "on"), (true, "off")] {
            if rules && bulk == "on" {
                db.run("SELECT clone.rule('s', NULL, '$.secret', 'remove')").await;
            }
            db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
            let answer = db
                .text(&format!("SELECT project_clone('{PROJECT}')->>'id'"))
                .await;
            let new =
                format!("(SELECT n.id::text FROM node n WHERE n.org_id = '{answer}' AND n.doc = '{{}}')");
            assert_eq!(
                documents(&db, &answer, &new, !rules).await,
                4,
                "{levels} levels, rules {rules}, bulk {bulk}"
            );
            let failed = db
                .list(&format!(
                    "SELECT concat_ws(' | ', check_name, subject, expected, found) FROM project_clone_verify('{answer}') WHERE NOT ok"
                ))
                .await;
            assert_eq!(failed, Vec::<String>::new());
        }
        // A plan reads the same documents.
        assert!(
            db.number(&format!("SELECT sum(rows) FROM project_clone_plan('{PROJECT}')"))
                .await
                == 5,
            "{levels}"
        );
    }
}

#[tokio::test]
async fn dangling_references_and_declared_ones_are_found_at_any_depth() {
    for levels in [127, 1_500, DEEPEST] {
        let db = nested(levels).await;
        let clone = db
            .clone_project(&format!(
                "'{PROJECT}', exclude_ids => '{{{TARGET}}}', options => '{{\"dangling\": \"null\"}}'"
            ))
            .await;
        assert_eq!(documents(&db, &clone, "'null'", true).await, 4, "{levels}");
        db.run(&format!("UPDATE node SET doc = jsonb_set(doc, '{{key}}', to_jsonb('{TARGET}'::text)) WHERE id = md5('n')::uuid"))
            .await;
        db.run("SELECT clone.store_reference('s', 'node', 'doc', 'node', path => '$.key')")
            .await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM node n JOIN node t ON t.id = (n.doc->>'key')::uuid WHERE n.org_id = '{clone}' AND t.org_id = '{clone}'"
            ))
            .await,
            1,
            "{levels}"
        );
    }
}

#[tokio::test]
async fn a_refresh_keeps_secrets_of_a_deep_document() {
    let db = nested(DEEPEST).await;
    db.run("SELECT clone.rule('s', NULL, '$.secret', 'remove')").await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    db.run(&format!(
        "UPDATE org SET doc = jsonb_set(doc, '{{secret}}', '\"of the clone\"') WHERE id = '{clone}'"
    ))
    .await;
    db.run(&format!(
        "SELECT project_clone('{PROJECT}', options => '{{\"replace\": \"{clone}\"}}')"
    ))
    .await;
    assert_eq!(
        db.text(&format!("SELECT doc->>'secret' FROM org WHERE id = '{clone}'"))
            .await,
        "of the clone"
    );
}

#[tokio::test]
async fn a_text_over_the_limit_is_one_error_with_and_without_rules_and_nothing_is_written() {
    let db = nested(10).await;
    db.run("UPDATE page SET words = repeat('[', 50001) || repeat(']', 50001)")
        .await;
    for _ in 0..2 {
        for bulk in ["on", "off"] {
            db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
            let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
            assert_eq!(failure.code, "54001", "{failure:?}");
            assert_eq!(failure.message, "a document is nested deeper than 50000 levels");
            assert!(failure.hint.contains("exclude_ids"), "{failure:?}");
            assert!(
                failure.detail.contains("page") && failure.detail.contains("words"),
                "{failure:?}"
            );
            assert_eq!(db.number("SELECT count(*) FROM org").await, 1);
        }
        db.run("SELECT clone.rule('s', NULL, '$.secret', 'remove')").await;
    }
    db.run("UPDATE page SET words = repeat('[', 50000) || repeat(']', 50000)")
        .await;
    db.clone_project(&format!("'{PROJECT}'")).await;
}

#[tokio::test]
async fn a_path_with_wildcards_is_refused_before_its_places_take_gigabytes() {
    let db = nested(DEEPEST).await;
    db.run("SELECT clone.rule('s', NULL, '$..phone', 'remove')").await;
    db.clone_project(&format!("'{PROJECT}'")).await;
    db.run("SELECT clone.rule('s', NULL, '$..*', 'remove')").await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "54001", "{failure:?}");
    assert!(
        failure.hint.contains("selects less") && failure.detail.contains("org"),
        "{failure:?}"
    );
    let db = nested(1_500).await;
    db.run("SELECT clone.rule('s', NULL, '$..secret', 'remove')")
        .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM org WHERE id = '{clone}' AND doc ? 'secret'"
        ))
        .await,
        0
    );
}

#[tokio::test]
async fn an_argument_that_is_nested_deeply_is_refused_in_our_own_words() {
    let db = nested(10).await;
    let deep = "(repeat('{\"a\":', 3000) || '1' || repeat('}', 3000))::jsonb";
    for call in [
        format!("project_clone('{PROJECT}', options => {deep})"),
        format!("project_clone('{PROJECT}', {deep})"),
        format!("project_clone_plan('{PROJECT}', options => {deep})"),
        format!("project_clone_start('{PROJECT}', options => {deep})"),
        format!("project_delete('{PROJECT}', options => {deep})"),
        format!("clone.source_queries('{PROJECT}', options => {deep})"),
    ] {
        let failure = db.fails(&format!("SELECT * FROM {call}")).await;
        assert_eq!(failure.code, "22023", "{call}: {failure:?}");
        assert!(
            failure.message.contains("options") || failure.message.contains("params"),
            "{failure:?}"
        );
        assert!(failure.hint.contains("levels"), "{failure:?}");
    }
}
