//! Text keys of the source that stay in a clone because no reference names their place: the verification finds them.

use super::{assert_verified, described};

const TABLES: &str = "CREATE EXTENSION hstore;
    CREATE TABLE workspace (id text PRIMARY KEY, name text);
    CREATE TABLE page (id text PRIMARY KEY, workspace_id text NOT NULL REFERENCES workspace, body text, settings jsonb, raw json, tags text[], attributes hstore, doc xml, old_id text);
    INSERT INTO workspace VALUES ('clh3am8hi0000356tdfk5hsgu', 'Ours'), ('clh3am8hi0001356tdfk5hsgu', 'Theirs');
    INSERT INTO page (id, workspace_id) VALUES ('clp3am8hi0000356tdfk5hsgu', 'clh3am8hi0000356tdfk5hsgu'), ('clp3am8hi0001356tdfk5hsgu', 'clh3am8hi0001356tdfk5hsgu');";

const STORE: &str = "SELECT clone.store_table('s', 'workspace', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'workspace_id')";

#[tokio::test]
async fn a_text_key_of_the_source_is_found_in_columns_of_every_type() {
    for (column, value) in [
        ("body", "see /pages/clp3am8hi0000356tdfk5hsgu/edit"),
        ("body", "前clh3am8hi0000356tdfk5hsgu后"),
        ("settings", r#"{"lead": ["CLP3AM8HI0000356TDFK5HSGU"]}"#),
        ("settings", r#"{"clp3am8hi0000356tdfk5hsgu": 1}"#),
        ("raw", r#"{"text": "line\nclp3am8hi0000356tdfk5hsgu", "k":   1}"#),
        ("raw", r#"{"text": "\u0063lp3am8hi0000356tdfk5hsgu"}"#),
        ("tags", "{x,clp3am8hi0000356tdfk5hsgu}"),
        ("attributes", "k=>clp3am8hi0000356tdfk5hsgu"),
        ("doc", "<a>clp3am8hi0000356tdfk5hsgu</a>"),
    ] {
        let db = described(TABLES, STORE).await;
        db.run(&format!(
            "UPDATE page SET {column} = '{value}' WHERE id LIKE 'clp3am8hi0000%'"
        ))
        .await;
        let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
        let failed = db
            .list(&format!(
                "SELECT concat_ws(' | ', check_name, subject, expected) FROM project_clone_verify('{clone}') WHERE NOT ok"
            ))
            .await;
        assert_eq!(
            failed,
            [format!("text keys of the source | public.page.{column} | 0")],
            "{value}"
        );
        let refused = db
            .fails(
                "SELECT project_clone('clh3am8hi0000356tdfk5hsgu', 'Copy', options => '{\"verify\": true}')",
            )
            .await;
        assert_eq!(refused.code, "55000");
        assert!(
            refused.message.contains(&format!("public.page.{column}")),
            "{}",
            refused.message
        );
    }
}

#[tokio::test]
async fn keys_of_others_words_and_columns_that_somebody_keeps_are_no_findings() {
    let db = described(
        TABLES,
        &format!("{STORE}; SELECT clone.store_column('s', 'page', 'old_id', 'keep')"),
    )
    .await;
    db.run("UPDATE page SET old_id = id, body = 'aclp3am8hi0000356tdfk5hsgu, clp3am8hi0001356tdfk5hsgu, clp3am8hi0000356tdfk5hsgu1'")
        .await;
    let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_declared_place_is_rewritten_and_right() {
    let db = described(
        TABLES,
        &format!(
            "{STORE}; SELECT clone.store_reference('s', 'page', 'settings', 'page', path => '$.lead[*]')"
        ),
    )
    .await;
    db.run("UPDATE page SET settings = '{\"lead\": [\"clp3am8hi0000356tdfk5hsgu\"]}'")
        .await;
    let clone = db.clone_project("'clh3am8hi0000356tdfk5hsgu', 'Copy'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM page WHERE workspace_id = '{clone}' AND settings->'lead'->>0 = id"
        ))
        .await,
        1
    );
    assert_verified(&db, &clone).await;
}
