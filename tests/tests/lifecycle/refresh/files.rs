//! Files of a refreshed or deleted clone of the real Medplum project.

use pg_clone_tests::medplum_source::{self, PROJECT};

/// Ids and versions of the binaries that bots of a project run.
fn code_of_bots(project: &str) -> String {
    format!(
        "SELECT b.id || '/' || (b.content::json #>> '{{meta,versionId}}') FROM \"Binary\" b WHERE b.\"projectId\" = '{project}'
         AND EXISTS (SELECT FROM \"Bot\" t WHERE t.\"projectId\" = '{project}' AND t.content LIKE '%Binary/' || b.id || '%') ORDER BY 1"
    )
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_unchanged_file_of_a_bot_stays_where_it_is_and_a_changed_one_is_copied() {
    let db = medplum_source::source().await;
    let staging = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    let before = db.list(&code_of_bots(&staging)).await;
    assert!(before.len() >= 2, "{before:?}");
    // One bot's code is deployed anew in the source.
    let changed = db.list(&code_of_bots(PROJECT)).await[0]
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    db.run(&format!(
        "UPDATE \"Binary\" SET content = jsonb_set(content::jsonb, '{{meta,versionId}}', to_jsonb(gen_random_uuid()::text))::text WHERE id = '{changed}'"
    ))
    .await;
    for options in [
        format!("{{\"replace\": \"{staging}\"}}"),
        format!("{{\"replace\": \"{staging}\", \"blobs\": \"none\"}}"),
    ] {
        db.run(&format!(
            "SELECT project_clone('{PROJECT}', 'Staging', options => '{options}')"
        ))
        .await;
        let after = db.list(&code_of_bots(&staging)).await;
        let same: Vec<_> = after.iter().filter(|file| before.contains(file)).collect();
        assert_eq!(same.len(), before.len() - 1, "{before:?} {after:?}");
        for file in same {
            let deleted = format!(
                "SELECT count(*) FROM clone.blob_copy WHERE operation = 'delete' AND target_key = 'binary/{file}'"
            );
            assert_eq!(db.number(&deleted).await, 0, "{file}");
            let version = file.split('/').nth(1).unwrap();
            assert_eq!(
                db.number(&format!(
                    "SELECT count(*) FROM \"Binary_History\" WHERE \"versionId\" = '{version}'"
                ))
                .await,
                1
            );
        }
        let gone = before.iter().find(|file| !after.contains(file)).unwrap();
        let deleted = format!(
            "SELECT count(*) FROM clone.blob_copy WHERE operation = 'delete' AND target_key = 'binary/{gone}'"
        );
        assert_eq!(db.number(&deleted).await, 1, "{gone}");
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn all_files_of_a_clone_that_the_server_expunged_are_deleted() {
    let db = medplum_source::source().await;
    let staging = db.clone_project(&format!("'{PROJECT}', 'Staging'")).await;
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    let copied = db
        .list("SELECT target_key FROM clone.blob_copy WHERE operation = 'copy' ORDER BY 1")
        .await;
    assert!(copied.len() > 2);
    // As `$expunge` does it: rows and their history, of all types.
    db.run(&format!(
        "DO $$ DECLARE t regclass; h regclass; BEGIN
             FOR t IN SELECT a.attrelid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attname = 'projectId' AND c.relkind = 'r' LOOP
                 h := to_regclass(format('%I', (SELECT relname FROM pg_class WHERE oid = t) || '_History'));
                 EXECUTE format('DELETE FROM %s WHERE id IN (SELECT id FROM %s WHERE \"projectId\" = $1)', h, t) USING '{staging}'::uuid;
                 EXECUTE format('DELETE FROM %s WHERE \"projectId\" = $1', t) USING '{staging}'::uuid;
             END LOOP; END $$"
    ))
    .await;
    // References and names are left behind by it, but by nothing that says whose they are.
    let refused = db.fails(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(refused.code, "55000", "{refused:?}");
    let report = db
        .json(&format!(
            "SELECT project_delete('{staging}', options => '{{\"force\": true}}')"
        ))
        .await;
    let queued = db
        .list("SELECT target_key FROM clone.blob_copy WHERE operation = 'delete' ORDER BY 1")
        .await;
    assert_eq!(queued, copied);
    assert_eq!(
        report["files"].as_i64().unwrap(),
        i64::try_from(copied.len()).unwrap()
    );
    // Once is enough.
    assert_eq!(
        db.fails(&format!("SELECT project_delete('{staging}')"))
            .await
            .code,
        "P0002"
    );
}
