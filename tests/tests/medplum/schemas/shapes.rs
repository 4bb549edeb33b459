//! The preset checks the tables of a Medplum database and reports differences.

use pg_clone_tests::medplum_source::{PROJECT, source};

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn shapes_that_the_preset_does_not_know_are_refused_by_name() {
    let db = source().await;
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
            r#"ALTER TABLE "Patient" DROP COLUMN "projectId""#,
            r#""Patient" has no column "projectId""#,
        ),
        (
            r#"ALTER TABLE "HumanName" ADD COLUMN owner uuid"#,
            r#""owner" of public."HumanName""#,
        ),
        (
            r#"UPDATE "DatabaseMigration" SET version = 97"#,
            "schema version 97, which is older than 98",
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
    // A table that is not the server's can be left out by name.
    db.run(r#"CREATE TABLE "Gadget" (id uuid)"#).await;
    db.run(r#"SELECT clone.store_create('medplum', 'medplum', '{"ignore_tables": ["Gadget"]}')"#)
        .await;
    db.run(&format!(
        "SELECT project_clone('{PROJECT}', resource_types => '{{Basic}}')"
    ))
    .await;
    let failure = db
        .fails(r#"SELECT clone.store_create('m', 'medplum', '{"schema": "nowhere"}')"#)
        .await;
    assert_eq!(failure.code, "55000", "{failure:?}");
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_table_that_changes_after_the_store_was_described_stops_clones_until_it_is_refreshed() {
    let db = source().await;
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
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_version_that_nobody_has_tried_is_accepted_when_its_shape_is_understood() {
    let db = source().await;
    db.run(
        r#"UPDATE "DatabaseMigration" SET version = 400;
           ALTER TABLE "Task" ADD COLUMN "__effort" nummultirange, ADD COLUMN "__effortSort" numeric, ADD COLUMN weights double precision[];
           CREATE TABLE "Gadget" (LIKE "Basic" INCLUDING ALL); CREATE TABLE "Gadget_History" (LIKE "Basic_History"); CREATE TABLE "Gadget_References" (LIKE "Basic_References");
           CREATE TABLE "Nickname" ("resourceId" uuid NOT NULL, "projectId" uuid, nickname text);
           CREATE TABLE "Deleted_Task" (id uuid, "projectId" uuid, "lastUpdated" timestamptz, compartments uuid[]);
           CREATE TABLE shard_sync_outbox (id bigint GENERATED ALWAYS AS IDENTITY, "resourceType" text, "resourceId" uuid)"#,
    )
    .await;
    // What the server was upgraded to is described again, and then works: no hint leads in a circle.
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure.hint.contains("SELECT clone.store_refresh('medplum')"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_refresh('medplum')").await;
    db.run(&format!(
        r#"INSERT INTO "Nickname" SELECT id, NULL, 'x' FROM "Patient" WHERE "projectId" = '{PROJECT}' AND NOT deleted;
           INSERT INTO "Deleted_Task" SELECT gen_random_uuid(), '{PROJECT}', now(), '{{}}';
           UPDATE "Task" SET "__effort" = '{{[1,2)}}', "__effortSort" = 1 WHERE "projectId" = '{PROJECT}'"#
    ))
    .await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{Task,Patient}}'"))
        .await;
    let count = async |sql: &str| db.number(&sql.replace("CLONE", &clone)).await;
    assert_eq!(
        count(r#"SELECT count(*) FROM "Nickname" WHERE "projectId" = 'CLONE'"#).await,
        302
    );
    assert_eq!(
        count(r#"SELECT count(*) FROM "Deleted_Task" WHERE "projectId" = 'CLONE'"#).await,
        0
    );
    assert_eq!(
        count(r#"SELECT count(*) FROM "Task" WHERE "projectId" = 'CLONE' AND "__effort" = '{[1,2)}' AND "__effortSort" = 1"#).await,
        50
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn dropped_columns_and_another_order_make_no_difference() {
    let db = source().await;
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
