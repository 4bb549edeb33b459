//! Since 17: builtin collations, MAINTAIN, transaction_timeout, identity columns and exclusion constraints of partitioned tables.

use pg_clone_tests::described_store::{assert_verified, contents, described};
use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Scratch, cluster};

pub async fn a_database_of_the_builtin_provider_is_cloned_in() {
    let postgres = Scratch::with_extension().await;
    postgres
        .run("CREATE DATABASE v17_builtin TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'")
        .await;
    let db = Scratch::of("v17_builtin").await;
    db.run(
        "CREATE EXTENSION pg_clone_ext;
         CREATE TABLE tenant (id text PRIMARY KEY, name text NOT NULL UNIQUE);
         CREATE TABLE place (id text COLLATE pg_c_utf8 PRIMARY KEY, tenant_id text NOT NULL REFERENCES tenant, name text COLLATE ucs_basic);
         CREATE TABLE visit (id bigserial PRIMARY KEY, place_id text COLLATE pg_c_utf8 NOT NULL REFERENCES place, day date NOT NULL);
         INSERT INTO tenant VALUES ('Äpfel', 'Äpfel'), ('äpfel', 'other');
         INSERT INTO place VALUES ('Straße', 'Äpfel', 'ẞ'), ('straße', 'äpfel', 'ss'), ('ÉCOLE', 'Äpfel', 'É');
         INSERT INTO visit (place_id, day) VALUES ('Straße', '2026-01-01'), ('ÉCOLE', '2026-01-02'), ('straße', '2026-01-03');
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"tenant\"}')",
    )
    .await;
    let tables = ["tenant", "place", "visit"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project("'Äpfel', 'Birnen'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT p.name || v.day FROM visit v JOIN place p ON p.id = v.place_id WHERE p.tenant_id = '{clone}' ORDER BY v.day"
        ))
        .await,
        ["ẞ2026-01-01", "É2026-01-02"]
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);
}

pub async fn the_maintain_privilege_is_no_privilege_to_clone() {
    let db = with_observations(3).await;
    db.run(
        "CREATE ROLE v17_keeper LOGIN; SELECT clone.allow('v17_keeper'); GRANT USAGE ON SCHEMA documents TO v17_keeper;
         GRANT MAINTAIN ON ALL TABLES IN SCHEMA documents TO v17_keeper",
    )
    .await;
    let keeper = db.session_as("v17_keeper").await;
    let failure = keeper.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    // MAINTAIN includes LOCK TABLE: still no data.
    db.run("GRANT INSERT ON ALL TABLES IN SCHEMA documents TO v17_keeper")
        .await;
    let failure = keeper.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    db.run(
        "GRANT SELECT ON ALL TABLES IN SCHEMA documents TO v17_keeper;
         REVOKE MAINTAIN ON ALL TABLES IN SCHEMA documents FROM v17_keeper",
    )
    .await;
    keeper.clone_project(&format!("'{PROJECT}'")).await;
}

pub async fn a_transaction_timeout_leaves_nothing_behind() {
    let db = with_observations(300).await;
    let tables = [
        "documents.project",
        "documents.resource",
        "clone.run",
        "clone.run_table",
    ];
    let before = contents(&db, &tables).await;
    for timeout in ["1ms", "20ms", "100ms", "300ms"] {
        // Each row takes a moment, so that the time is always over in the midst of it.
        db.run(
            "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END';
             CREATE TRIGGER slow BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.slow()",
        )
        .await;
        let session = db.session().await;
        session
            .run(&format!("SET transaction_timeout = '{timeout}'"))
            .await;
        let failure = session.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
        assert_eq!(failure.code, "25P04", "{timeout}: {failure:?}");
        db.run("DROP TRIGGER slow ON documents.resource; DROP FUNCTION public.slow()")
            .await;
        assert_eq!(contents(&db, &tables).await, before, "{timeout}");
    }
    // One that is long enough is in nobody's way.
    let session = db.session().await;
    session.run("SET transaction_timeout = '60s'").await;
    let clone = session.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
        ))
        .await,
        303
    );
}

pub async fn identity_columns_of_partitioned_tables_give_the_keys() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
         CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY, org_id int NOT NULL REFERENCES org, day date NOT NULL, after bigint,
             PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
         CREATE TABLE event_old PARTITION OF event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
         CREATE TABLE event_new PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
         INSERT INTO org (name) VALUES ('Other'), ('Ours');
         INSERT INTO event (org_id, day) VALUES (1, '2025-02-01'), (2, '2025-03-01'), (2, '2026-03-01');
         UPDATE event SET after = 2 WHERE id = 3",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'event', 'resource', project_column => 'org_id');
         SELECT clone.store_reference('s', 'event', 'after', 'event')",
    )
    .await;
    let clone = db.clone_project("'2'").await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', id, tableoid::regclass, after) FROM event WHERE org_id = {clone} ORDER BY id"))
            .await,
        ["4|event_old", "5|event_new|4"]
    );
    assert_verified(&db, &clone).await;
    // The sequence is ahead: the next row of the application gets the next number.
    assert_eq!(
        db.text("INSERT INTO event (org_id, day) VALUES (1, '2026-04-01') RETURNING id")
            .await,
        "6"
    );
}

pub async fn an_exclusion_constraint_of_a_partitioned_table_is_seen_before_anything_is_written() {
    let tables = "CREATE EXTENSION btree_gist;
         CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
         CREATE TABLE booking (id bigserial, org_id int NOT NULL REFERENCES org, room int NOT NULL, during tsrange NOT NULL, PRIMARY KEY (id, room),
             EXCLUDE USING gist (room WITH =, OWN during WITH &&)) PARTITION BY LIST (room);
         CREATE TABLE booking_1 PARTITION OF booking FOR VALUES IN (1); CREATE TABLE booking_2 PARTITION OF booking FOR VALUES IN (2);
         INSERT INTO org (name) VALUES ('Ours');
         INSERT INTO booking (org_id, room, during) VALUES (1, 1, '[2026-01-01, 2026-01-02)'), (1, 2, '[2026-01-01, 2026-01-02)')";
    let store = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'booking', 'resource', project_column => 'org_id')";
    // Every clone would meet its source.
    let db = described(&tables.replace("OWN ", ""), store).await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure.message.contains("booking_room_during_excl"),
        "{failure:?}"
    );
    assert_eq!(db.number("SELECT count(*) FROM booking").await, 2);
    assert_eq!(db.number("SELECT count(*) FROM org").await, 1);
    // Where the constraint holds within a tenant, the clone is of another one.
    let db = described(&tables.replace("OWN ", "org_id WITH =, "), store).await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM booking WHERE org_id = {clone}"))
            .await,
        2
    );
    assert_verified(&db, &clone).await;
    assert!(cluster().await.postmaster_pid().is_some());
}
