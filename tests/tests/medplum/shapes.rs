//! The preset knows the shape of a Medplum database and refuses another one, naming what is different.

use pg_clone_tests::medplum_source::{PROJECT, source};

#[tokio::test]
async fn shapes_that_the_preset_does_not_know_are_refused_by_name() {
    let Some(db) = source().await else { return };
    db.run("SELECT clone.store_drop('medplum'); BEGIN").await;
    for (change, named) in [
        (
            r#"ALTER TABLE "Patient" DROP COLUMN "lastUpdated""#,
            r#""Patient" has no column "lastUpdated""#,
        ),
        (
            r#"ALTER TABLE "Observation_History" DROP COLUMN "versionId""#,
            r#""versionId""#,
        ),
        (
            r#"ALTER TABLE "Observation_History" ADD COLUMN author text"#,
            r#""author""#,
        ),
        (
            r#"ALTER TABLE "Task" ADD COLUMN place point"#,
            r#""place" of public."Task" has the unexpected type point"#,
        ),
        (r#"ALTER TABLE "Task" ADD COLUMN focus_id uuid"#, r#""focus_id""#),
        (
            r#"CREATE TABLE "Gadget" (id uuid)"#,
            r#""Gadget" is of no known kind"#,
        ),
        (
            r#"DROP TABLE "Observation_References""#,
            r#""Observation_References" is missing"#,
        ),
        (r#"DROP TABLE "HumanName""#, r#""HumanName" is missing"#),
        (
            r#"ALTER TABLE "Coding" DROP COLUMN "synonymOf""#,
            r#""synonymOf""#,
        ),
        (
            r#"UPDATE "DatabaseMigration" SET version = 101"#,
            "schema version 101",
        ),
        (r#"DELETE FROM "DatabaseMigration""#, "schema version (none)"),
        (r#"DROP TABLE "DatabaseMigration""#, "no Medplum database"),
    ] {
        db.run("SAVEPOINT s").await;
        db.run(change).await;
        let failure = db.fails("SELECT clone.store_create('medplum', 'medplum')").await;
        assert_eq!(failure.code, "55000", "{change}: {failure:?}");
        assert!(
            format!("{} {}", failure.message, failure.detail).contains(named),
            "{change}: {failure:?}"
        );
        assert!(!failure.hint.is_empty(), "{change}: {failure:?}");
        db.run("ROLLBACK TO s").await;
        assert_eq!(db.number("SELECT count(*) FROM clone.store").await, 0);
    }
    db.run(r#"UPDATE "DatabaseMigration" SET version = 101"#).await;
    db.run(r#"SELECT clone.store_create('medplum', 'medplum', '{"schema_version": 101}')"#)
        .await;
    let failure = db
        .fails(r#"SELECT clone.store_create('m', 'medplum', '{"schema": "nowhere"}')"#)
        .await;
    assert_eq!(failure.code, "55000", "{failure:?}");
}

#[tokio::test]
async fn a_table_that_changes_after_the_store_was_described_stops_clones_until_it_is_refreshed() {
    let Some(db) = source().await else { return };
    db.run("BEGIN").await;
    let call = format!("SELECT project_clone('{PROJECT}', resource_types => '{{Basic}}')");
    for (change, named) in [
        (r#"ALTER TABLE "Basic" ADD COLUMN extra text"#, "extra is new"),
        (r#"ALTER TABLE "Basic" DROP COLUMN author"#, "author is gone"),
        (
            r#"ALTER TABLE "Basic" RENAME COLUMN author TO writer"#,
            "writer is new",
        ),
        (
            r#"ALTER TABLE "Basic" ALTER COLUMN created TYPE timestamptz"#,
            "was date and is timestamp with time zone",
        ),
        (
            r#"ALTER TABLE "Observation" ADD COLUMN extra text"#,
            "Observation",
        ),
    ] {
        db.run("SAVEPOINT s").await;
        db.run(change).await;
        db.run("SAVEPOINT t").await;
        let failure = db.fails(&call).await;
        assert_eq!(failure.code, "55000", "{change}: {failure:?}");
        assert!(failure.detail.contains(named), "{change}: {failure:?}");
        assert!(
            failure.hint.contains("store_refresh('medplum')"),
            "{change}: {failure:?}"
        );
        db.run("ROLLBACK TO t").await;
        db.run("SELECT clone.store_refresh('medplum')").await;
        db.run(&call).await;
        db.run("ROLLBACK TO s").await;
    }
    // A new table is not in the store's catalog: its rows would be left out silently.
    db.run(
        r#"CREATE TABLE "Gadget" (LIKE "Basic"); CREATE TABLE "Gadget_History" (LIKE "Basic_History"); CREATE TABLE "Gadget_References" (LIKE "Basic_References")"#,
    )
    .await;
    db.run("SAVEPOINT t").await;
    let failure = db.fails(&call).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure.message.contains("Gadget") && failure.hint.contains("store_refresh('medplum')"),
        "{failure:?}"
    );
    db.run("ROLLBACK TO t").await;
    db.run("SELECT clone.store_refresh('medplum')").await;
    db.run(&call).await;
}

#[tokio::test]
async fn a_schema_migration_after_the_store_was_described_stops_clones() {
    let Some(db) = source().await else { return };
    db.run(r#"UPDATE "DatabaseMigration" SET version = 101"#).await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(failure.message.contains("101"), "{failure:?}");
}

#[tokio::test]
async fn dropped_columns_and_another_order_make_no_difference() {
    let Some(db) = source().await else { return };
    let clone = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{Device,Flag}}'"))
        .await;
    let rows = |project: &str| {
        format!(
            r#"SELECT jsonb_object_agg(x.relation, x.n) FROM (SELECT relation, count(*) AS n FROM test.rows_of('{project}') GROUP BY 1) x"#
        )
    };
    let plain = db.json(&rows(&clone)).await;
    // The same table with its columns the other way round, and dropped ones between them.
    db.run(
        r#"DO $$
           DECLARE columns text; t text;
           BEGIN
               FOREACH t IN ARRAY ARRAY['Device', 'Flag', 'Device_History', 'Flag_References'] LOOP
                   SELECT string_agg(format('%I %s %s, gone_%s int', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NOT NULL' END, attnum), ', ' ORDER BY attnum DESC)
                   INTO columns FROM pg_attribute WHERE attrelid = format('%I', t)::regclass AND attnum > 0 AND NOT attisdropped;
                   EXECUTE format('ALTER TABLE %I RENAME TO %I', t, 'old_' || t);
                   EXECUTE format('CREATE TABLE %I (%s)', t, columns);
                   EXECUTE (SELECT string_agg(format('ALTER TABLE %I DROP COLUMN %I;', t, attname), '') FROM pg_attribute
                            WHERE attrelid = format('%I', t)::regclass AND attname LIKE 'gone\_%');
                   SELECT string_agg(format('%I', attname), ', ') INTO columns FROM pg_attribute WHERE attrelid = format('%I', t)::regclass AND attnum > 0 AND NOT attisdropped;
                   EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM %I', t, columns, columns, 'old_' || t);
                   EXECUTE format('DROP TABLE %I', 'old_' || t);
               END LOOP;
           END $$"#,
    )
    .await;
    db.run("SELECT clone.store_refresh('medplum')").await;
    let again = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{Device,Flag}}'"))
        .await;
    assert_eq!(db.json(&rows(&again)).await, plain);
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Flag" f JOIN "Flag_History" h USING (id) WHERE f."projectId" = '{again}' AND h.content = f.content AND f.subject IS NOT NULL"#
        ))
        .await,
        10
    );
}
