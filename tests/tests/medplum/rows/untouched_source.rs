//! With every filter the source's rows stay equal, and nothing is updated or deleted.

use pg_clone_tests::medplum_source::{PROJECT, shared};

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_source_is_never_touched() {
    let db = shared().await;
    let before = db.text(&format!("SELECT test.checksum('{PROJECT}')")).await;
    for arguments in [
        "'Copy'",
        "resource_types => '{Bot,StructureDefinition,ValueSet,Questionnaire}'",
        "include_ids => '{e7752962-19f0-40d6-aa5b-afef3d655610,d086db4f-05da-4dba-862b-8d4e0fafa33f}', name => 'Included'",
        "exclude_ids => '{35f1dbf7-3a18-485a-8785-1890ae507703}', name => 'Excluded', resource_types => '{Device}'",
        "include_ids => '{e7752962-19f0-40d6-aa5b-afef3d655610}', exclude_ids => '{e7752962-19f0-40d6-aa5b-afef3d655610}'",
        "resource_types => '{Encounter,Patient}', options => '{\"dangling\": \"null\"}'",
        "resource_types => '{Patient,Binary}', options => '{\"history\": \"full\", \"id_version\": 4}'",
        "resource_types => '{CodeSystem}', owner => 'User/71f582f3-b3d7-4ac9-9036-7760d845189c'",
    ] {
        db.run("SAVEPOINT s").await;
        let clone = db.clone_project(&format!("'{PROJECT}', {arguments}")).await;
        assert_ne!(clone, PROJECT);
        assert_eq!(
            db.text(&format!("SELECT test.checksum('{PROJECT}')")).await,
            before,
            "{arguments}"
        );
        // The owner's reference row is replaced in the clone; no other row is ever updated or deleted.
        let touched = db
            .rows("SELECT relname, updated FROM test.touched WHERE relname <> 'Project_References'")
            .await;
        assert_eq!(touched, Vec::<Vec<Option<String>>>::new(), "{arguments}");
        db.run("ROLLBACK TO s").await;
    }
    assert_eq!(
        db.text(&format!("SELECT test.checksum('{PROJECT}')")).await,
        before
    );
}
