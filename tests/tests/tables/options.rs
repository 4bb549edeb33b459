//! A misspelt key of any options object is an error that names the one that was meant.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};

#[tokio::test]
async fn unknown_keys_are_refused_with_the_nearest_known_one() {
    let db = with_observations(1).await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    for (call, meant) in [
        (
            format!("project_clone('{PROJECT}', options => '{{\"histroy\": \"full\"}}')"),
            "history",
        ),
        (
            format!("project_clone('{PROJECT}', '{{\"resourceType\": []}}'::jsonb)"),
            "resourceTypes",
        ),
        (
            format!("project_clone('{PROJECT}', '{{\"options\": {{\"blob\": \"none\"}}}}'::jsonb)"),
            "blobs",
        ),
        (
            format!("project_clone_start('{PROJECT}', options => '{{\"danglin\": \"keep\"}}')"),
            "dangling",
        ),
        (
            format!("project_delete('{clone}', options => '{{\"forced\": true}}')"),
            "force",
        ),
        (
            "clone.store_create('x', 'documents', '{\"blob\": \"file:/x\"}')".to_owned(),
            "blobs",
        ),
        (
            "clone.store_create('x', 'custom', '{\"id_genarator\": \"f()\"}')".to_owned(),
            "id_generator",
        ),
    ] {
        let failure = db.fails(&format!("SELECT {call}")).await;
        assert_eq!(failure.code, "22023", "{call}: {failure:?}");
        assert!(
            failure.hint.contains(&format!("Did you mean \"{meant}\"?")),
            "{call}: {failure:?}"
        );
    }
    let failure = db
        .fails("SELECT clone.store_create('x', 'custom', '{\"colour\": 1}')")
        .await;
    assert!(
        failure.code == "22023" && failure.hint.contains("blobs"),
        "{failure:?}"
    );
}
