//! Options of stores: every function that sets them checks names and values.

use super::refusal::refused;
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn every_function_that_sets_options_of_a_store_checks_their_names_and_values() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE item (id uuid PRIMARY KEY, org_id uuid REFERENCES org);
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"public.org\"}'); SELECT clone.store_create('c', 'custom')",
    )
    .await;
    let before = db
        .rows("SELECT name, options FROM clone.store ORDER BY name")
        .await;
    for (options, message, hint) in [
        (
            r#"{"unknown": 1}"#,
            "unknown store option \"unknown\"",
            // No known word is similar.
            "Options: ",
        ),
        (
            r#"{"tennant": "org"}"#,
            "unknown store option \"tennant\"",
            "Did you mean",
        ),
        (
            r#"{"cachekey": "{id}"}"#,
            "unknown store option \"cachekey\"",
            "Did you mean \"cache_key\"?",
        ),
        (
            r#"{"tenant": 7}"#,
            "invalid value 7 for option \"tenant\"",
            "text",
        ),
        (
            r#"{"schemas": "public"}"#,
            "invalid value \"public\" for option \"schemas\"",
            "list of names",
        ),
        (
            r#"{"schemas": ["public", 1]}"#,
            "option \"schemas\"",
            "list of names",
        ),
        (r#"{"shared": {}}"#, "option \"shared\"", "list of names"),
        (r#"{"schema": []}"#, "option \"schema\"", "text"),
        (
            r#"{"cache": "localhost:6379"}"#,
            "\"localhost:6379\" is no address of a cache",
            "redis://",
        ),
        (
            r#"{"cache_key": "{type}/{nope}"}"#,
            "unknown placeholder \"{nope}\"",
            "{type}, {id}, {project}",
        ),
        (
            r#"{"cache_key": "{type"}"#,
            "unknown placeholder \"{type\"",
            "{type}, {id}, {project}",
        ),
        (
            r#"{"blobs": "file:relative/path"}"#,
            "\"file:relative/path\" is no location of files",
            "absolute path",
        ),
        (r#"{"blobs": "/srv/files"}"#, "no location of files", "file:/"),
        (r#"{"blobs": "ftp://x"}"#, "no location of files", "s3://"),
        (r#"{"text_keys": "all"}"#, "text_keys", "everywhere"),
        (r#"{"id_paths": 1}"#, "id_paths", "object"),
    ] {
        let discover_only = ["tenant\": 7", "tennant", "schemas", "shared"]
            .iter()
            .any(|word| options.contains(word));
        for (store, preset) in [("s", "discover"), ("c", "custom")] {
            if discover_only && preset == "custom" {
                continue;
            }
            let with_tenant = if preset == "discover" && !options.contains("\"tenant") {
                options.replacen('{', r#"{"tenant": "public.org", "#, 1)
            } else {
                options.to_owned()
            };
            for call in [
                format!("SELECT clone.store_alter('{store}', '{options}')"),
                format!("SELECT clone.store_create('other', '{preset}', '{with_tenant}')"),
                format!(
                    "SELECT clone.store_import(clone.store_export('{store}') || '{{\"options\": {with_tenant}}}')"
                ),
                format!(
                    "SELECT clone.store_import(clone.store_export('{store}') || '{{\"options\": {with_tenant}}}', 'other')"
                ),
            ] {
                let failure = refused(&db, &call, "22023", message, hint).await;
                assert!(!failure.hint.contains("\"\""), "{failure:?}");
            }
        }
    }
    for options in [
        r#"{"tenant": "public.item"}"#,
        r#"{"tenant": null}"#,
        r#"{"schemas": ["public"]}"#,
        r#"{"shared": ["public.item"]}"#,
    ] {
        refused(
            &db,
            &format!("SELECT clone.store_alter('s', '{options}')"),
            "22023",
            "cannot be changed",
            "clone.store_create",
        )
        .await;
    }
    assert_eq!(
        db.rows("SELECT name, options FROM clone.store ORDER BY name")
            .await,
        before
    );
    db.run(r#"SELECT clone.store_alter('s', '{"blobs": "file:/srv/files", "cache": "redis://cache:6379", "cache_key": "{project}:{type}:{id}", "tenant": "public.org"}')"#).await;
}

#[tokio::test]
async fn source_tables_that_are_no_names_are_missing_relations() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id text PRIMARY KEY, name text); INSERT INTO org VALUES ('a', 'A'); CREATE TABLE \"o.d d\" (LIKE org); INSERT INTO \"o.d d\" SELECT * FROM org;
         SELECT clone.store_create('one', 'custom'), clone.store_table('one', 'org', 'project'); SELECT clone.store_create('two', 'discover', '{\"tenant\": \"org\", \"shared\": null}')",
    )
    .await;
    for relation in ["a b", "a.b.c.d", "", "\"a", ".a"] {
        let options = serde_json::json!({ "source_tables": { "org": relation } });
        refused(
            &db,
            &format!("SELECT project_clone('a', store => 'one', options => '{options}')"),
            "22023",
            "does not exist",
            "qualified name",
        )
        .await;
    }
    db.run(r#"SELECT project_clone('a', store => 'one', options => '{"source_tables": {"public.org": " public . \"o.d d\" "}, "target": "b"}')"#)
        .await;
}

#[tokio::test]
async fn a_given_value_of_a_megabyte_is_cut_in_every_message() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id text PRIMARY KEY, name text); INSERT INTO org VALUES ('a', 'A');
         SELECT clone.store_create(s, 'custom'), clone.store_table(s, 'org', 'project') FROM unnest('{one,two}'::text[]) s",
    )
    .await;
    let long = "pg_catalog.repeat('x', 1000000)";
    for call in [
        format!("project_clone({long})"),
        format!("project_clone('a', store => {long})"),
        format!("project_clone({long}, store => 'one')"),
        format!("project_clone('a', owner => {long}, store => 'one')"),
        format!("project_clone('a', store => 'one', options => jsonb_build_object({long}, 1))"),
        format!("project_clone('a', store => 'one', options => jsonb_build_object('dangling', {long}))"),
        format!(
            "project_clone('a', store => 'one', options => jsonb_build_object('values', jsonb_build_object({long}, 1)))"
        ),
        format!(
            "project_clone('a', store => 'one', options => jsonb_build_object('source_tables', jsonb_build_object('org', {long})))"
        ),
        format!("project_clone('a', store => 'one', options => jsonb_build_object('replace', {long}))"),
        format!("project_clone('a', store => 'one', resource_types => ARRAY[{long}])"),
        format!("project_delete({long}, store => 'one')"),
        format!("project_clone_verify({long}, store => 'one')"),
        format!("clone.rule({long}, NULL, '$.a', 'remove')"),
        format!("clone.store_column('one', 'org', 'name', 'expression', value => {long})"),
        format!("clone.store_table('one', 'org', 'project', live => {long})"),
    ] {
        let failure = db.fails(&format!("SELECT {call}")).await;
        let length = failure.message.len() + failure.detail.len() + failure.hint.len();
        assert!(
            length < 3000 && !failure.hint.is_empty(),
            "{call}: {length} bytes: {:.300}",
            failure.message
        );
    }
}
