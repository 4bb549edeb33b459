//! References that were exchanged between rows with the same content: the order of the keys, or the rows that reference them, tell them apart.

use super::mutations::assert_found;
use crate::described;
use pg_clone_tests::scratch_database::Scratch;

/// A store in which slots have no content at all, and bookings and lines have the same; and the project that is cloned.
async fn slots(key: &str, primary_key: &str) -> (Scratch, String) {
    let tables = "CREATE SEQUENCE keys; CREATE TABLE org (id $own, name text);
        CREATE TABLE slots (id $own, org_id $key NOT NULL REFERENCES org);
        CREATE TABLE bookings (id $own, org_id $key NOT NULL REFERENCES org, slot_id $key REFERENCES slots, who text);
        CREATE TABLE lines (id $own, booking_id $key NOT NULL REFERENCES bookings, pos int);
        CREATE TABLE fees (id $own, org_id $key NOT NULL REFERENCES org, slot_id $key REFERENCES slots, slot_ids $key[], amount int, note text);
        INSERT INTO org (name) VALUES ('Other'), ('Ours');
        INSERT INTO slots (org_id) SELECT o.id FROM org o, generate_series(1, 6);
        INSERT INTO bookings (org_id, slot_id, who) SELECT org_id, id, 'who ' || row_number() OVER (PARTITION BY org_id ORDER BY id) % 2 FROM slots;
        INSERT INTO fees (org_id, slot_id, slot_ids, amount, note) SELECT org_id, id, ARRAY[id], row_number() OVER (PARTITION BY org_id ORDER BY id), 'fee' FROM slots;
        INSERT INTO lines (booking_id, pos) SELECT id, p FROM bookings, generate_series(1, 2) p";
    let db = described(
        &tables.replace("$own", primary_key).replace("$key", key),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id', document_column => '') FROM unnest('{slots,bookings,fees}'::text[]) t;
         SELECT clone.store_table('s', 'lines', 'derived', parent => 'bookings', join_column => 'booking_id'); SELECT clone.store_reference('s', 'fees', 'slot_ids', 'slots')",
    )
    .await;
    let source = db.text("SELECT id FROM org WHERE name = 'Ours'").await;
    (db, source)
}

/// Every row gets the value of the next one, in the order of the keys.
fn rotated(table: &str, column: &str) -> String {
    format!(
        "UPDATE {table} AS r SET {column} = x.value FROM (SELECT id, COALESCE(lead({column}) OVER w, first_value({column}) OVER w) AS value FROM {table} WHERE org_id = '$clone' WINDOW w AS (ORDER BY id)) x WHERE x.id = r.id"
    )
}

/// The last row gets the value of the first one.
fn doubled(table: &str, column: &str) -> String {
    format!(
        "UPDATE {table} SET {column} = (SELECT {column} FROM {table} WHERE org_id = '$clone' ORDER BY id LIMIT 1) WHERE id = (SELECT id FROM {table} WHERE org_id = '$clone' ORDER BY id DESC LIMIT 1)"
    )
}

#[tokio::test]
async fn keys_in_the_order_of_the_sources_tell_rows_apart() {
    let version_7 = "uuid PRIMARY KEY DEFAULT (lpad(to_hex(1700000000000 + nextval('keys') * 1000), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || 'a' || substr(md5(random()::text), 1, 15))::uuid";
    let moved = "UPDATE lines SET booking_id = (SELECT id FROM bookings WHERE org_id = '$clone' ORDER BY id OFFSET 2 LIMIT 1) WHERE booking_id = (SELECT id FROM bookings WHERE org_id = '$clone' ORDER BY id LIMIT 1) AND pos = 1";
    for (key, own, options) in [
        ("bigint", "bigserial PRIMARY KEY", "{}"),
        (
            "integer",
            "integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY",
            "{}",
        ),
        ("uuid", version_7, "{}"),
        ("uuid", version_7, r#"{"id_version": 4}"#),
    ] {
        let (db, source) = slots(key, own).await;
        // The order of the rows in the table is not that of the keys.
        db.run("UPDATE slots SET org_id = org_id WHERE id IN (SELECT id FROM slots ORDER BY id OFFSET 2 LIMIT 3)")
            .await;
        let clone = db
            .clone_project(&format!("'{source}', 'Copy', options => '{options}'"))
            .await;
        let changes = [
            (rotated("bookings", "slot_id"), "bookings.slot_id"),
            (doubled("bookings", "slot_id"), "bookings.slot_id"),
            (rotated("fees", "slot_id"), "fees.slot_id"),
            (rotated("fees", "slot_ids"), "fees.slot_ids"),
            (moved.to_owned(), "lines.booking_id"),
        ];
        assert_found(&db, &clone, &changes).await;
        // Rows of the source that are newer than the clone have no place in it.
        db.run(&format!("INSERT INTO slots (org_id) VALUES ('{source}')"))
            .await;
        assert_found(&db, &clone, &changes).await;
        let exchanged = format!(
            "SELECT subject || ' ' || found || ' ' || ok FROM project_clone_verify('{clone}') WHERE check_name = 'values of the source'"
        );
        assert_eq!(db.list(&exchanged).await, [""; 0]);
        db.run(&rotated("bookings", "who").replace("$clone", &clone))
            .await;
        assert_eq!(
            db.list(&exchanged).await,
            ["public.bookings those of other rows, in 6 rows true"]
        );
    }
}

#[tokio::test]
async fn rows_that_reference_them_tell_rows_apart() {
    let (db, source) = slots("uuid", "uuid PRIMARY KEY DEFAULT gen_random_uuid()").await;
    // What is not declared, too.
    db.run("ALTER TABLE fees ADD loose uuid, ADD data jsonb; UPDATE fees SET loose = slot_id, data = jsonb_build_object('slot', slot_id); SELECT clone.store_refresh('s')").await;
    let clone = db.clone_project(&format!("'{source}', 'Copy'")).await;
    assert_found(
        &db,
        &clone,
        &[
            (rotated("fees", "slot_id"), "public.slots all 6 by others"),
            (rotated("fees", "loose"), "public.slots all 6 by others"),
            (rotated("fees", "data"), "public.slots all 6 by others"),
            (doubled("fees", "slot_id"), "public.slots all 2 by others"),
            (doubled("bookings", "slot_id"), "public.slots all 2 by others"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_refresh_and_keys_of_a_default_have_no_order() {
    let own = "bigint PRIMARY KEY DEFAULT nextval('keys') * 1000003 % 1000033";
    let (db, source) = slots("bigint", own).await;
    let clone = db
        .clone_project(&format!("'{source}', 'Copy', options => '{{\"verify\": true}}'"))
        .await;
    crate::assert_verified(&db, &clone).await;
    // A row of the source that comes later, and has a lower key than the others.
    let (db, source) = slots("bigint", "bigserial PRIMARY KEY").await;
    let clone = db.clone_project(&format!("'{source}', 'Copy'")).await;
    for key in [-1, -2] {
        db.run(&format!("INSERT INTO slots VALUES ({key}, {source}); INSERT INTO fees (org_id, slot_id, slot_ids, note) VALUES ({source}, {key}, ARRAY[{key}], 'new')"))
            .await;
        let refreshed = db
            .clone_project(&format!(
                "'{source}', options => '{{\"replace\": \"{clone}\", \"verify\": true}}'"
            ))
            .await;
        assert_eq!(refreshed, clone);
        crate::assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn a_role_that_may_not_use_the_schema_of_a_sequence_verifies() {
    let db = described(
        "CREATE SCHEMA own; CREATE SEQUENCE own.slots_id; CREATE TABLE org (id bigserial PRIMARY KEY, name text);
         CREATE TABLE slots (id bigint PRIMARY KEY DEFAULT nextval('own.slots_id'), org_id bigint NOT NULL REFERENCES org);
         INSERT INTO org (name) VALUES ('Other'), ('Ours'); INSERT INTO slots (org_id) SELECT 2 FROM generate_series(1, 3)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'slots', 'resource', project_column => 'org_id')",
    )
    .await;
    let clone = db.clone_project("'2', 'Copy'").await;
    db.run("DROP ROLE IF EXISTS checks_order; CREATE ROLE checks_order; SELECT clone.allow('checks_order'); GRANT SELECT ON org, slots TO checks_order; SET ROLE checks_order")
        .await;
    crate::assert_verified(&db, &clone).await;
}
