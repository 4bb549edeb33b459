//! Settings of a session, a role or a database that change what SQL means do not change a clone.

use crate::assert_verified;
use pg_clone_tests::scratch_database::Scratch;

/// A legacy application's `ALTER DATABASE … SET standard_conforming_strings = off`.
#[tokio::test]
async fn backslashes_in_strings_are_characters_for_the_extension_and_escapes_for_the_application() {
    let db = Scratch::with_extension().await;
    db.run(
        r#"SET standard_conforming_strings = off; SET escape_string_warning = off;
          CREATE TABLE tenant (id serial PRIMARY KEY, name text); CREATE TABLE customer_entity (id serial PRIMARY KEY, tenant_id int REFERENCES tenant, name text);
          CREATE TABLE visit (id serial PRIMARY KEY, tenant_id int REFERENCES tenant, customer_id int, path text);
          INSERT INTO tenant (name) VALUES ('A'), ('B'); INSERT INTO customer_entity (tenant_id, name) VALUES (1, 'c1'), (1, 'c2'), (2, 'c3'); INSERT INTO visit (tenant_id, customer_id) VALUES (1, 2), (1, 1), (2, 3);
          CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.path := 'a\\b'; RETURN NEW; END $$; CREATE TRIGGER mark BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION mark();
          SELECT clone.store_create('s', 'discover', '{"tenant": "tenant"}')"#,
    )
    .await;
    for answer in db
        .list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error'")
        .await
    {
        db.run(&answer).await;
    }
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"fire\"}'")
        .await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws(' ', c.name, v.path) FROM visit v JOIN customer_entity c ON c.id = v.customer_id AND c.tenant_id = v.tenant_id WHERE v.tenant_id = {clone} ORDER BY 1"))
            .await,
        [r"c1 a\b", r"c2 a\b"],
        "the trigger reads its strings as it always has"
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn keys_that_differ_in_their_last_digit_are_two_keys() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE SEQUENCE numbers START 100; CREATE TABLE ten (id serial PRIMARY KEY, name text);
         CREATE TABLE k (id float8 PRIMARY KEY DEFAULT nextval('numbers')::float8 / 3, ten_id int REFERENCES ten, v int); CREATE TABLE r (id serial PRIMARY KEY, ten_id int REFERENCES ten, k_id float8 REFERENCES k, want int);
         INSERT INTO ten (name) VALUES ('A'); INSERT INTO k VALUES (0.3, 1, 1), (0.30000000000000004, 1, 2); INSERT INTO r (ten_id, k_id, want) SELECT 1, id, v FROM k;
         SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'ten', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'ten_id') FROM unnest('{k,r}'::text[]) t;
         SET extra_float_digits = 0",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT concat_ws(' ', want, v) FROM r JOIN k ON k.id = k_id WHERE r.ten_id = {clone} ORDER BY 1"
        ))
        .await,
        ["1 1", "2 2"]
    );
    assert_verified(&db, &clone).await;
    assert_eq!(db.text("SHOW extra_float_digits").await, "0");
}

/// Columns of one schema may have collations of their own, which the server does not compare.
#[tokio::test]
async fn texts_of_columns_with_different_collations_are_compared() {
    let db = Scratch::with_extension().await;
    db.run(
        r#"CREATE TABLE tenant (id text PRIMARY KEY, name text NOT NULL UNIQUE, slug text COLLATE "POSIX" UNIQUE);
           CREATE TABLE place (id text COLLATE "POSIX" PRIMARY KEY, tenant_id text NOT NULL REFERENCES tenant, name text COLLATE "C", reply_to text COLLATE "C", tenant_slug text COLLATE "C", type text COLLATE "C", at text COLLATE "ucs_basic");
           CREATE TABLE visit (id bigserial PRIMARY KEY, place_id text COLLATE "POSIX" NOT NULL REFERENCES place, other_place_id text COLLATE "C", day date NOT NULL, notes text COLLATE "C");
           CREATE TABLE place_place (a text COLLATE "C", b text COLLATE "ucs_basic"); CREATE TABLE extra (tenant_id text COLLATE "C", owner text COLLATE "ucs_basic", x int);
           INSERT INTO tenant VALUES ('one', 'One', 'slug-one'), ('two', 'Two', 'slug-two');
           INSERT INTO place SELECT t.id || '-place-' || n, t.id, 'Name ' || n, CASE WHEN n > 1 THEN t.id || '-place-' || (n - 1) END, t.slug, 'Place', t.id || '-place-1' FROM tenant t, generate_series(1, 5) n;
           INSERT INTO visit (place_id, other_place_id, day, notes) SELECT id, reply_to, '2026-01-01', id || ' and ' || at FROM place; INSERT INTO place_place SELECT id, at FROM place; INSERT INTO extra SELECT tenant_id, id, 1 FROM place;
           SELECT clone.store_create('s', 'discover', '{"tenant": "tenant"}')"#,
    )
    .await;
    assert_eq!(
        db.list("SELECT relation::text FROM clone.store_relation ORDER BY 1")
            .await,
        ["extra", "place", "tenant", "visit"]
    );
    let asked = db.list("SELECT subject FROM clone.store_check('s')").await;
    for subject in ["public.place.reply_to", "public.place_place.a"] {
        assert!(
            asked.iter().any(|other| other.starts_with(subject)),
            "{subject}: {asked:?}"
        );
    }
}
