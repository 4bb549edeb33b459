//! Partitioned tables without a partition for the rows of a clone: found before anything is written.

use crate::{assert_verified, contents, described};

const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'event', 'resource', project_column => 'org_id', id_column => 'id')";

#[tokio::test]
async fn a_missing_list_partition_is_an_error_with_the_statement_that_makes_it() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE event (id bigserial, org_id int NOT NULL REFERENCES org, at date NOT NULL, t text, PRIMARY KEY (org_id, id)) PARTITION BY LIST (org_id);
         CREATE TABLE event_1 PARTITION OF event FOR VALUES IN (1); CREATE TABLE event_2 PARTITION OF event FOR VALUES IN (2);
         INSERT INTO org (name) VALUES ('Other'), ('Ours'); INSERT INTO event (org_id, at, t) VALUES (1, '2026-01-01', 'o'), (2, '2026-01-02', 'a')",
        STORE,
    )
    .await;
    let before = contents(&db, &["org", "event_1", "event_2"]).await;
    for call in ["project_clone_plan", "project_clone"] {
        let failure = db.fails(&format!("SELECT * FROM {call}('2')")).await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        assert_eq!(
            failure.message,
            "public.event has no partition for (\"org_id\") = (3)"
        );
    }
    assert_eq!(contents(&db, &["org", "event_1", "event_2"]).await, before);
    // What the hint says, word by word.
    let failure = db
        .fails("SELECT project_clone('2', options => '{\"target\": \"7\"}')")
        .await;
    let (statement, rest) = failure
        .hint
        .strip_prefix("Make it: ")
        .and_then(|hint| hint.split_once(", with partitions"))
        .unwrap_or_else(|| panic!("{failure:?}"));
    assert!(rest.contains("options => '{\"target\": \"7\"}'"), "{failure:?}");
    db.run(statement).await;
    let clone = db.clone_project("'2', options => '{\"target\": \"7\"}'").await;
    assert_eq!(clone, "7");
    assert_verified(&db, &clone).await;
    assert_eq!(db.list("SELECT t FROM event_7").await, ["a"]);
}

#[tokio::test]
async fn what_partitions_below_others_take_is_asked_for() {
    let tables = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE event (id bigserial, org_id int NOT NULL REFERENCES org, at date NOT NULL, t text, PRIMARY KEY (org_id, at, id)) PARTITION BY HASH (org_id);
         CREATE TABLE event_even PARTITION OF event FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (at);
         CREATE TABLE event_odd PARTITION OF event FOR VALUES WITH (MODULUS 2, REMAINDER 1) PARTITION BY RANGE (at);
         CREATE TABLE even_26 PARTITION OF event_even FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         CREATE TABLE odd_26 PARTITION OF event_odd FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         INSERT INTO org (name) VALUES ('Other'), ('Ours'); INSERT INTO event (org_id, at, t) VALUES (1, '2026-01-01', 'o'), (2, '2026-01-02', 'a')";
    // Every tenant is in one of two partitions; one of them takes the days of another year too.
    let db = described(tables, STORE).await;
    let clone = db.clone_project("'2'").await;
    assert_verified(&db, &clone).await;
    let of_two = db
        .text("SELECT tableoid::regclass::text FROM event WHERE org_id = 2")
        .await;
    let with = if of_two == "even_26" {
        "event_even"
    } else {
        "event_odd"
    };
    db.run(&format!(
        "CREATE TABLE more PARTITION OF {with} FOR VALUES FROM ('2030-01-01') TO ('2031-01-01'); INSERT INTO event (org_id, at, t) VALUES (2, '2030-05-05', 'later')"
    ))
    .await;
    // Chosen ids are before those of the sequence.
    db.run("SELECT setval('org_id_seq', 100)").await;
    let mut outcomes = std::collections::BTreeSet::new();
    for target in 10..22 {
        let call = format!("SELECT project_clone('2', options => '{{\"target\": \"{target}\"}}')");
        match db.attempt(&call).await {
            Ok(()) => {
                outcomes.insert("cloned");
            }
            Err(failure) => {
                assert_eq!(failure.code, "55000", "{failure:?}");
                assert!(
                    failure.message.contains("2030-05-05") && !failure.hint.is_empty(),
                    "{failure:?}"
                );
                outcomes.insert("refused");
            }
        }
    }
    assert_eq!(outcomes.len(), 2, "tenants of both partitions: {outcomes:?}");
}

#[tokio::test]
async fn rows_of_a_partition_are_no_rows_that_triggers_have_added() {
    let db = described(
        "CREATE TABLE ten (id serial PRIMARY KEY, name text); CREATE TABLE parted (id bigserial, ten_id int REFERENCES ten, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2030-01-01') PARTITION BY RANGE (at); CREATE TABLE parted2 PARTITION OF parted1 DEFAULT;
         CREATE TABLE trg (id serial PRIMARY KEY, ten_id int REFERENCES ten); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER t BEFORE INSERT ON trg FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO ten (name) VALUES ('A'); INSERT INTO parted (ten_id, at) VALUES (1, '2024-12-31'); INSERT INTO trg (ten_id) VALUES (1)",
        "SELECT clone.store_table('s', 'ten', 'project'); SELECT clone.store_table('s', 'parted', 'resource', id_column => 'id', project_column => 'ten_id'); SELECT clone.store_table('s', 'trg', 'resource', project_column => 'ten_id')",
    )
    .await;
    db.clone_project("'1', 'Z'").await;
    assert_eq!(db.text("SELECT todo FROM clone.run").await, "[]");
}
