//! Unique texts whose form a suffix breaks: addresses, dates, documents.

use crate::assert_verified;
use crate::description::{answer_all, discovered};

const TEXTS: &str = r#"CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
    CREATE TABLE item (id int PRIMARY KEY DEFAULT 1, team_id int NOT NULL REFERENCES team, pair text UNIQUE NOT NULL, mac text UNIQUE NOT NULL, short_mac varchar(17) UNIQUE NOT NULL, dotted text UNIQUE NOT NULL, document text UNIQUE, day text UNIQUE, short_day varchar(10) UNIQUE,
        ip text UNIQUE, ip6 text UNIQUE, net text UNIQUE, login text UNIQUE NOT NULL, whom text UNIQUE NOT NULL, call text UNIQUE, site text UNIQUE NOT NULL, page text UNIQUE NOT NULL, plain_page text UNIQUE NOT NULL, release text UNIQUE NOT NULL, encoded text UNIQUE, noise text UNIQUE NOT NULL,
        host text UNIQUE NOT NULL, file text UNIQUE NOT NULL, path text UNIQUE NOT NULL, title text UNIQUE NOT NULL);
    CREATE SEQUENCE item_ids START 70001; ALTER TABLE item ALTER id SET DEFAULT nextval('item_ids');
    INSERT INTO item (team_id, pair, mac, short_mac, dotted, document, day, short_day, ip, ip6, net, login, whom, call, site, page, plain_page, release, encoded, noise, host, file, path, title)
    SELECT 1 + n % 2, gen_random_uuid() || '/' || gen_random_uuid(), '00:1b:44:11:3a:' || lpad(to_hex(n), 2, '0'), '00-1B-44-11-3A-' || lpad(upper(to_hex(n)), 2, '0'), '001b.4411.3a' || lpad(to_hex(n), 2, '0'), '{"a": ' || n || '}', '2024-01-' || lpad(n::text, 2, '0'), lpad(n::text, 2, '0') || '.03.2024',
        '10.0.0.' || n, 'fe80::1:' || to_hex(n), '10.' || n || '.0.0/16', 'user' || n || '@example.com', 'User <u' || n || '@example.com>', '+49 30 10000' || lpad(n::text, 2, '0'), 'https://blog' || n || '.example.com', 'https://example.com/page-' || n || '.html?x=1', 'https://example.com/p/item-' || n, '1.2.' || n,
        replace(encode(('hello world ' || n)::bytea, 'base64'), E'\n', ''), encode(substr(sha256(n::text::bytea), 1, 16), 'base64'), 'shop' || n || '.example.com', 'report-' || n || '.pdf', 'uploads/a' || n || '/photo.jpg', 'The title ' || n
    FROM generate_series(1, 24) n"#;

#[tokio::test]
async fn unique_texts_keep_their_form_or_are_asked_about() {
    let db = discovered(TEXTS, "team").await;
    let asked = "SELECT \"column\" || ' ' || substring(question FROM 'looks like ([a-z ]+)') FROM clone.store_question WHERE path = '$unique' ORDER BY \"column\" COLLATE \"C\"";
    db.run("SELECT FROM clone.store_check('s')").await;
    assert_eq!(
        db.list(asked).await,
        [
            "call telephone numbers",
            "day dates or times",
            "document documents",
            "dotted hardware addresses",
            "encoded texts in base",
            "ip network addresses",
            "ip6 network addresses",
            "mac hardware addresses",
            "net network addresses",
            "page addresses",
            "path names of files",
            "release versions",
            "short_day dates or times",
            "short_mac hardware addresses",
            "site addresses",
            "whom addresses of messages or persons",
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_verified(&db, &clone).await;
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM item WHERE team_id = {clone} AND pair ~ '^{uuid}/{uuid}$' AND mac ~ '^02(:[0-9a-f]{{2}}){{5}}$' AND short_mac ~ '^02(-[0-9A-F]{{2}}){{5}}$' AND dotted ~ '^02[0-9a-f]{{2}}([.][0-9a-f]{{4}}){{2}}$' AND num_nonnulls(document, day, short_day, ip, ip6, net, call, encoded) = 0
                 AND login ~ '^clone1[.]user[0-9]+@example[.]com$' AND whom ~ '^User <c[0-9]+[.]u[0-9]+@example[.]com>$' AND site ~ '^https://blog[0-9]+[.]example[.]com/c[0-9]+/$' AND page ~ '^https://example[.]com/c[0-9]+/page-[0-9]+[.]html[?]x=1$'
                 AND plain_page ~ '^https://example[.]com/p/item-[0-9]+-1$' AND release ~ '^1[.]2[.][0-9]+[+]c[0-9]+$' AND octet_length(decode(noise, 'base64')) = 16 AND host ~ '^c1-shop[0-9]+[.]example[.]com$' AND file ~ '^c1-report-[0-9]+[.]pdf$' AND path ~ '^uploads/a[0-9]+/photo-c[0-9]+[.]jpg$'"
        ))
        .await,
        12
    );
}

#[tokio::test]
async fn without_null_and_without_room_nothing_is_proposed() {
    let db = discovered(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE item (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, day text UNIQUE NOT NULL, release varchar(8) UNIQUE NOT NULL, host varchar(20) UNIQUE NOT NULL);
         INSERT INTO item (team_id, day, release, host) SELECT 1 + n % 2, '2024-01-' || lpad(n::text, 2, '0'), 'v1.2.' || n, 'shop' || n || '.example.com' FROM generate_series(1, 9) n",
        "team",
    )
    .await;
    assert_eq!(
        db.list("SELECT concat_ws(' ', subject, answer) FROM clone.store_check('s') ORDER BY subject COLLATE \"C\"").await,
        ["public.item.day", "public.item.host", "public.item.release"]
    );
    let refused = db.fails("SELECT project_clone('2')").await;
    assert!(
        refused.code == "55000" && refused.message.contains("give it an SQL expression over the row"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn keys_in_another_base_and_in_hstore_are_not_kept_in_silence() {
    let db = discovered(
        "CREATE EXTENSION hstore; CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B'), ('C');
         CREATE FUNCTION to36(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT string_agg(substr('0123456789abcdefghijklmnopqrstuvwxyz', 1 + n / (36 ^ g)::int % 36, 1), '' ORDER BY g DESC) FROM generate_series(0, 3) g $$;
         CREATE TABLE person (id int GENERATED BY DEFAULT AS IDENTITY (START 100001) PRIMARY KEY, team_id int NOT NULL REFERENCES team); INSERT INTO person (team_id) SELECT 1 + n % 3 FROM generate_series(1, 30) n;
         CREATE TABLE doc (id int GENERATED BY DEFAULT AS IDENTITY (START 301) PRIMARY KEY, team_id int NOT NULL REFERENCES team); INSERT INTO doc (team_id) SELECT 1 + n % 3 FROM generate_series(1, 30) n;
         CREATE TABLE link (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, short text, digits text, pairs hstore, code text);
         INSERT INTO link (team_id, short, digits, pairs, code) SELECT p.team_id, to36(p.id), to_hex(p.id), hstore('person_id', p.id::text) || hstore('doc', (p.id - 99700)::text), 'k' || p.id % 7 FROM person p ORDER BY hashint4(id)",
        "team",
    )
    .await;
    let asked = db
        .list("SELECT concat_ws(' ', severity, substring(question FROM '^(.*?), such as'), answer) FROM clone.store_check('s') ORDER BY subject")
        .await;
    assert_eq!(
        asked,
        [
            "error public.link.digits holds keys of public.person in base 16",
            "error public.link.pairs holds names of tables with keys of public.doc, public.person within longer texts",
            "error public.link.short holds keys of public.person in base 36",
        ]
    );
    answer_all(&db, "otherwise").await;
    db.clone_project("'2'").await;
}
