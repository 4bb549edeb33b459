//! New values of unique columns that constraints of other kinds limit.

use crate::assert_verified;
use crate::description::{answer_all, discovered};

#[tokio::test]
async fn new_values_of_unique_texts_are_those_that_checks_allow() {
    let db = discovered(
        r"CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
          CREATE DOMAIN slug AS varchar(40) CHECK (VALUE ~ '^[a-z][a-z0-9]{2,38}$');
          CREATE TABLE site (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, slug slug NOT NULL UNIQUE, host text NOT NULL UNIQUE CHECK (host ~ '^[a-z0-9-]+\.example\.com$'), title text NOT NULL UNIQUE CHECK (length(title) < 200), code text NOT NULL UNIQUE CHECK (code IN ('A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7', 'A8')));
          INSERT INTO site (team_id, slug, host, title, code) SELECT 1 + n % 2, 'house' || chr(96 + n) || 'river', 'house-' || chr(96 + n) || '.example.com', 'House of ' || chr(96 + n), 'A' || n FROM generate_series(1, 8) n",
        "team",
    )
    .await;
    assert_eq!(
        db.list("SELECT format('%s %s %s', name, role, value) FROM clone.store_column WHERE role IN ('suffix', 'template', 'random') ORDER BY 1").await,
        ["host template c{n}-{value}", "slug random ", "title suffix "]
    );
    let asked = db
        .list("SELECT concat_ws(' ', severity, question, answer) FROM clone.store_check('s') WHERE severity <> 'note'")
        .await;
    assert!(
        asked.len() == 1
            && asked[0].starts_with("error public.site.code is unique across all tenants")
            && asked[0].contains("Its CHECK allows neither"),
        "{asked:?}"
    );
    db.run("ALTER TABLE site DROP code; SELECT clone.store_refresh('s')")
        .await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn null_is_no_new_value_where_one_row_can_have_it() {
    let slots = |index: &str| {
        format!(
            "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
             CREATE TABLE slot (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, day date UNIQUE {index}); INSERT INTO slot (team_id, day) SELECT 1 + n % 2, '2026-01-01'::date + n FROM generate_series(1, 8) n"
        )
    };
    let question =
        "SELECT concat_ws(' ', question, answer) FROM clone.store_check('s') WHERE severity = 'error'";
    let db = discovered(&slots("NULLS NOT DISTINCT"), "team").await;
    let asked = db.text(question).await;
    assert!(
        asked.contains("One row of all can have NULL") && asked.ends_with("value => …)"),
        "{asked}"
    );
    let db = discovered(&slots(""), "team").await;
    assert!(db.text(question).await.ends_with("'day', 'null');"));
    answer_all(&db, "answer").await;
    db.clone_project("'2', options => '{\"verify\": true}'").await;
}

#[tokio::test]
async fn random_texts_have_the_form_of_the_sources() {
    let db = discovered(
        r"CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
          CREATE TABLE site (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, plain varchar(36) UNIQUE, fixed char(40) UNIQUE, braces text UNIQUE, urn text UNIQUE, upper text UNIQUE CHECK (upper ~ '^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$'),
              customer text UNIQUE CHECK (customer ~ '^cus_'), number varchar(12) UNIQUE, snowflake text UNIQUE, short text UNIQUE);
          INSERT INTO site (team_id, plain, fixed, braces, urn, upper, customer, number, snowflake, short)
          SELECT 1 + n % 2, gen_random_uuid(), gen_random_uuid(), '{' || gen_random_uuid() || '}', 'urn:uuid:' || gen_random_uuid(), upper(gen_random_uuid()::text),
                 'cus_' || substr(md5(n || 'q'), 1, 18), 'R' || 100000000 + n * 7919, 158719874839871283 + n * 77777, 100 + n FROM generate_series(1, 20) n",
        "team",
    )
    .await;
    assert_eq!(
        db.list("SELECT format('%s %s', name, role) FROM clone.store_column WHERE role IN ('suffix', 'template', 'random') ORDER BY 1").await,
        [
            "braces random",
            "customer random",
            "fixed random",
            "number random",
            "plain random",
            "short suffix",
            "snowflake random",
            "upper random",
            "urn random",
        ],
        "{:?} {:?}",
        db.list("SELECT concat_ws(' ', subject, question, answer) FROM clone.store_check('s')").await,
        db.list("SELECT urn FROM site").await
    );
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM site WHERE team_id = {clone} AND plain ~ '^{uuid}$' AND rtrim(fixed) ~ '^{uuid}$' AND braces ~ '^[{{]{uuid}[}}]$' AND urn ~ '^urn:uuid:{uuid}$' AND lower(upper) ~ '^{uuid}$'
                 AND customer ~ '^cus_[0-9a-f]{{18}}$' AND number ~ '^R[0-9]{{9}}$' AND snowflake ~ '^[1-9][0-9]{{17}}$'"
        ))
        .await,
        10
    );
}

#[tokio::test]
async fn unique_texts_with_the_values_of_another_unique_column_follow_these() {
    let token = "translate(encode(sha256(('{}' || i)::bytea), 'base64'), '+/=', 'xyz')";
    let db = discovered(
        &format!(
            "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B'), ('C');
             CREATE TABLE reply (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, \"routedToBookingUid\" text UNIQUE, note text);
             CREATE TABLE booking (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, uid text NOT NULL UNIQUE);
             CREATE TABLE receipt (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, booking_uid text NOT NULL UNIQUE, own text NOT NULL UNIQUE);
             INSERT INTO booking (team_id, uid) SELECT 1 + i % 3, left({booking}, 22) FROM generate_series(1, 60) i;
             INSERT INTO reply (team_id, \"routedToBookingUid\", note) SELECT 1 + i % 3, CASE WHEN i % 4 > 0 THEN left({booking}, 22) END, 'r' || i FROM generate_series(1, 40) i;
             INSERT INTO receipt (team_id, booking_uid, own) SELECT 1 + i % 3, left({booking}, 22), left({own}, 22) FROM generate_series(1, 60) i",
            booking = token.replace("{}", "b"),
            own = token.replace("{}", "o")
        ),
        "team",
    )
    .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s')").await,
        [
            "public.receipt.booking_uid is unique across all tenants and holds values of uid of public.booking, which are other values in a clone: all that were looked at",
            "public.reply.\"routedToBookingUid\" is unique across all tenants and holds values of uid of public.booking, which are other values in a clone: all that were looked at"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.text(&format!(
            "SELECT (SELECT count(*) FROM reply r JOIN booking b ON b.uid = r.\"routedToBookingUid\" WHERE r.team_id = {clone} AND b.team_id = {clone}) || ' ' || (SELECT count(*) FROM receipt r JOIN booking b ON b.uid = r.booking_uid WHERE b.team_id = {clone})"
        ))
        .await,
        "10 20"
    );
}

#[tokio::test]
async fn short_ids_in_links_follow_those_of_the_rows() {
    // Small letters, capitals and digits, of which few have several digits; beside UUIDs. And codes, with a suffix that has no separator in it.
    let db = discovered(
        "CREATE FUNCTION short(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT translate(left(encode(sha256(t::bytea), 'base64'), 10), '+/', 'xy') $$;
         CREATE TABLE team (id uuid PRIMARY KEY, name text); INSERT INTO team SELECT md5('t' || i)::uuid, 'T' || i FROM generate_series(0, 2) i;
         CREATE TABLE files (id uuid PRIMARY KEY, team_id uuid NOT NULL REFERENCES team); INSERT INTO files SELECT md5('f' || i)::uuid, md5('t' || i % 3)::uuid FROM generate_series(1, 60) i;
         CREATE TABLE docs (id uuid PRIMARY KEY, team_id uuid NOT NULL REFERENCES team, \"urlId\" text NOT NULL UNIQUE, code text NOT NULL UNIQUE, body text, note text, content jsonb);
         INSERT INTO docs SELECT md5('d' || i)::uuid, md5('t' || i % 3)::uuid, short('d' || i), 'PRD' || lpad(i::text, 5, '0'),
            format('See [other](/doc/title-%s) and ![](/file?id=%s)', short('d' || 1 + (i + 2) % 60), md5('f' || i)::uuid), format('/item/PRD%s-blue-shirt', lpad((1 + (i + 2) % 60)::text, 5, '0')),
            jsonb_build_object('href', '/doc/title-' || short('d' || 1 + (i + 2) % 60)) FROM generate_series(1, 60) i",
        "team",
    )
    .await;
    assert_eq!(
        db.list("SELECT name || ' ' || role FROM clone.store_column WHERE relation = 'docs'::regclass AND name IN ('urlId', 'code') ORDER BY 1").await,
        ["code suffix", "urlId random"]
    );
    answer_all(&db, "answer").await;
    let source = db.text("SELECT id FROM team WHERE name = 'T1'").await;
    let clone = db
        .clone_project(&format!("'{source}', options => '{{\"verify\": true}}'"))
        .await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM docs d JOIN docs o ON o.team_id = d.team_id AND d.content->>'href' = '/doc/title-' || o.\"urlId\" AND strpos(d.body, '/title-' || o.\"urlId\" || ')') > 0 AND strpos(d.note, '/item/' || o.code || '-blue') > 0
             JOIN files f ON f.team_id = d.team_id AND strpos(d.body, 'id=' || f.id || ')') > 0 WHERE d.team_id = '{clone}'"
        ))
        .await,
        20
    );
}

#[tokio::test]
async fn numbers_with_a_check_digit_get_valid_ones_or_none() {
    let db = discovered(
        "CREATE FUNCTION ean(p text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p || (10 - sum(substr(p, g, 1)::int * CASE (length(p) - g) % 2 WHEN 0 THEN 3 ELSE 1 END) % 10) % 10 FROM generate_series(1, length(p)) g $$;
         CREATE FUNCTION luhn(p text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p || (10 - sum(CASE WHEN (length(p) - g) % 2 = 1 THEN d WHEN d > 4 THEN 2 * d - 9 ELSE 2 * d END) % 10) % 10 FROM generate_series(1, length(p)) g CROSS JOIN LATERAL (SELECT substr(p, g, 1)::int) o (d) $$;
         CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE item (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, code varchar(13) NOT NULL UNIQUE, short text UNIQUE, upc text UNIQUE, isbn text UNIQUE, iban text UNIQUE, card varchar(16) NOT NULL UNIQUE, plain text UNIQUE);
         INSERT INTO item (team_id, code, short, upc, isbn, iban, card, plain)
            SELECT 1 + n % 2, ean('400638' || lpad((n * 7919)::text, 6, '0')), ean('4' || lpad((n * 7919)::text, 6, '0')), ean('7' || lpad((n * 791910)::text, 10, '0')),
                   regexp_replace(ean('978316' || lpad((n * 7919)::text, 6, '0')), '^(...)(.)(..)(......)', E'\\\\1-\\\\2-\\\\3-\\\\4-'),
                   'DE' || lpad((98 - (('37040044' || lpad(n::text, 10, '0')) || '131400')::numeric % 97)::text, 2, '0') || '37040044' || lpad(n::text, 10, '0'),
                   luhn('4' || lpad((n::bigint * 79190013)::text, 14, '0')), lpad((n * 7919)::text, 12, '4')
            FROM generate_series(1, 20) n",
        "team",
    )
    .await;
    let asked = db
        .list("SELECT substring(question FROM 'public.item.([a-z]+) is unique across all tenants and looks like (.*), such as') || substring(question FROM ': does.*') FROM clone.store_check('s') ORDER BY 1")
        .await;
    assert_eq!(asked.len(), 6, "{asked:?}");
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM item WHERE team_id = {clone} AND code = ean(left(code, 12)) AND code LIKE '2%' AND short = ean(left(short, 7)) AND upc = ean(left(upc, 11)) AND upc LIKE '4%' AND isbn IS NULL AND iban IS NULL AND plain IS NOT NULL"
        ))
        .await,
        10
    );
}
