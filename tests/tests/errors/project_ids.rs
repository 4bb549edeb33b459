//! Ids of projects that the type of their column does not accept.

use super::refusal::refused;
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn an_id_that_does_not_fit_the_type_of_the_projects_id_is_refused_with_the_type() {
    let db = Scratch::with_extension().await;
    db.run("CREATE DOMAIN code AS text CHECK (VALUE ~ '^a')").await;
    for (store, column, source, wrong) in [
        (
            "i",
            "integer",
            "1",
            &["99999999999", "99999999999999999999999", "x", "1.5"][..],
        ),
        ("s", "smallint", "1", &["40000", "-40000"]),
        ("n", "numeric(5,2)", "1.50", &["99999", "1.555", "1e400"]),
        ("v", "varchar(5)", "a", &["longer than five"]),
        ("d", "code", "a", &["b"]),
        ("t", "date", "2020-01-01", &["no date", "2020-13-01"]),
        ("u", "uuid", "a0000000-0000-4000-8000-000000000001", &["x"]),
    ] {
        db.run(&format!(
            "CREATE TABLE {store}_org (id {column} PRIMARY KEY, name text); INSERT INTO {store}_org VALUES ('{source}');
             SELECT clone.store_create('{store}', 'custom'); SELECT clone.store_table('{store}', '{store}_org', 'project', id_column => 'id')"
        ))
        .await;
        for id in wrong {
            let target = format!(
                "SELECT project_clone('{source}', store => '{store}', options => '{{\"target\": \"{id}\"}}')"
            );
            refused(&db, &target, "22023", id, "").await;
            if matches!(column, "varchar(5)" | "code") {
                continue;
            }
            for call in [
                "SELECT project_clone('{}', store => '{s}')",
                "SELECT * FROM project_clone_plan('{}', store => '{s}')",
                "SELECT * FROM project_clone_verify('{}', store => '{s}')",
                "SELECT project_delete('{}', store => '{s}')",
                "SELECT project_clone_start('{}', store => '{s}')",
                "SELECT clone.set_expiry('{}', store => '{s}')",
                "SELECT * FROM clone.source_queries('{}', store => '{s}')",
                "SELECT project_clone('{1}', store => '{s}', options => '{\"replace\": \"{}\"}')",
            ] {
                let call = call
                    .replace("{}", id)
                    .replace("{s}", store)
                    .replace("{1}", source);
                let failure = db.fails(&call).await;
                assert_eq!(failure.code, "22023", "{call}: {failure:?}");
                assert!(!failure.hint.is_empty(), "{call}: {failure:?}");
            }
        }
    }
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 0);
}

#[tokio::test]
async fn an_id_is_recorded_as_its_type_writes_it_and_found_in_any_form() {
    let db = Scratch::with_extension().await;
    for (store, column, source, target, other) in [
        ("c", "char(6)", "A", "B  ", "B"),
        (
            "m",
            "macaddr",
            "08:00:2b:01:02:03",
            "08-00-2B-01-02-04",
            "08002b:010204",
        ),
    ] {
        db.run(&format!(
            "CREATE TABLE {store}_org (id {column} PRIMARY KEY, name text); INSERT INTO {store}_org VALUES ('{source}');
             CREATE TABLE {store}_item (id serial PRIMARY KEY, org_id text); INSERT INTO {store}_item (org_id) SELECT format('%s', rtrim('{source}')) FROM {store}_org;
             SELECT clone.store_create('{store}', 'custom'); SELECT clone.store_table('{store}', '{store}_org', 'project', id_column => 'id');
             SELECT clone.store_table('{store}', '{store}_item', 'resource', project_column => 'org_id');
             SELECT project_clone('{source}', store => '{store}', options => '{{\"target\": \"{target}\"}}')"
        ))
        .await;
        let same = format!(
            "SELECT count(*) FROM {store}_item JOIN {store}_org ON {store}_org.id = org_id::{column}"
        );
        assert_eq!(db.number(&same).await, 2, "{column}");
        db.run(&format!("SELECT project_delete('{other}', store => '{store}')"))
            .await;
        assert_eq!(db.number(&same).await, 1, "{column}");
    }
}
