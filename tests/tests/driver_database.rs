//! The databases that the other tests run on.

use pg_clone_tests::database::{Template, extension_database, fresh_database};

#[tokio::test]
async fn databases_of_one_template_do_not_share_rows() {
    let one = extension_database().await.unwrap();
    one.client.batch_execute("CREATE TABLE t (n int)").await.unwrap();
    let other = extension_database().await.unwrap();
    let row = other
        .client
        .query_one("SELECT to_regclass('t') IS NULL", &[])
        .await
        .unwrap();
    assert!(row.get::<_, bool>(0));
}

#[tokio::test]
async fn the_medplum_dump_is_there_with_its_resources() {
    let Some(database) = fresh_database(Template::Medplum).await.unwrap() else {
        return;
    };
    let row = database
        .client
        .query_one(r#"SELECT count(*) FROM "Observation""#, &[])
        .await
        .unwrap();
    assert!(row.get::<_, i64>(0) >= 1502);
}
