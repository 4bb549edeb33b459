//! Questions that follow from values alone: tables and columns whose names say nothing.

use super::{answer_all, discovered, open};
use crate::assert_verified;

/// Two tenants with numbers, UUIDs and generated texts as keys.
const TENANTS: &str = "CREATE TABLE tenants (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text UNIQUE NOT NULL, name text);
    CREATE TABLE docs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id int NOT NULL REFERENCES tenants);
    CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants);
    CREATE TABLE cars (id text PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants);
    CREATE TABLE ships (id text PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants);
    INSERT INTO tenants (slug, name) VALUES ('acme', 'Acme'), ('beta', 'Beta');
    INSERT INTO docs (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n; INSERT INTO people (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 20) n;
    INSERT INTO cars SELECT 'car_' || left(md5(n::text), 16), 1 + n % 2 FROM generate_series(1, 6) n; INSERT INTO ships SELECT 'shp_' || left(md5((n * 7)::text), 16), 1 + n % 2 FROM generate_series(1, 6) n;";

#[tokio::test]
async fn a_table_that_only_values_tie_to_the_tenant_stops_a_clone_until_it_is_described() {
    // The table, its rows, and how its rows of a tenant are found.
    for (table, rows, of_tenant) in [
        (
            "CREATE TABLE audit (id bigserial PRIMARY KEY, tenant_slug text, m text)",
            "INSERT INTO audit (tenant_slug) SELECT slug FROM tenants",
            "SELECT count(*) FROM audit a JOIN tenants t ON t.slug = a.tenant_slug WHERE t.id = ",
        ),
        (
            "CREATE TABLE audit (id bigserial PRIMARY KEY, whose text, m text)",
            "INSERT INTO audit (whose) SELECT slug FROM tenants",
            "SELECT count(*) FROM audit a JOIN tenants t ON t.slug = a.whose WHERE t.id = ",
        ),
        (
            "CREATE TABLE marks (subject uuid, note text)",
            "INSERT INTO marks SELECT id FROM docs",
            "SELECT count(*) FROM marks m JOIN docs d ON d.id = m.subject WHERE d.tenant_id = ",
        ),
        (
            "CREATE TABLE marks (what text, note text)",
            "INSERT INTO marks SELECT upper(id::text) FROM docs",
            "SELECT count(*) FROM marks m JOIN docs d ON d.id::text = lower(m.what) WHERE d.tenant_id = ",
        ),
        (
            "CREATE TABLE visits (person int, n int)",
            "INSERT INTO visits SELECT id, 1 FROM people",
            "SELECT count(*) FROM visits v JOIN people p ON p.id = v.person WHERE p.tenant_id = ",
        ),
        (
            "CREATE TABLE trips (a varchar(40), n int)",
            "INSERT INTO trips SELECT id, 1 FROM cars",
            "SELECT count(*) FROM trips v JOIN cars c ON c.id = v.a WHERE c.tenant_id = ",
        ),
    ] {
        let db = discovered(&format!("{TENANTS} {table}; {rows}"), "tenants").await;
        let failure = db.fails("SELECT * FROM project_clone_plan('1')").await;
        assert_eq!(failure.code, "55000", "{table}: {failure:?}");
        assert!(failure.hint.contains("clone.store_table("), "{failure:?}");
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        let expected = db.number(&format!("{of_tenant} 1")).await;
        assert!(expected > 0, "{table}");
        assert_eq!(
            db.number(&format!("{of_tenant} {clone}")).await,
            expected,
            "{table}"
        );
        assert_verified(&db, &clone).await;
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number(&format!("{of_tenant} 1")).await, expected, "{table}");
    }
}

#[tokio::test]
async fn a_table_of_documents_that_name_rows_is_asked_about() {
    let db = discovered(
        &format!("{TENANTS} CREATE TABLE events (id bigserial PRIMARY KEY, payload jsonb, seen uuid[]); INSERT INTO events (payload) SELECT jsonb_build_object('x', id) FROM docs"),
        "tenants",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure
            .message
            .contains("no column says to which project they belong"),
        "{failure:?}"
    );
    answer_all(&db, "answer").await;
    assert_verified(&db, &db.clone_project("'1'").await).await;
}

#[tokio::test]
async fn tables_whose_values_only_look_like_keys_are_not_asked_about() {
    let db = discovered(
        &format!(
            "{TENANTS} CREATE TABLE rates (code text PRIMARY KEY, level int, other uuid DEFAULT gen_random_uuid()); INSERT INTO rates SELECT 'r' || n, n FROM generate_series(1, 20) n;
             CREATE TABLE colors (id serial PRIMARY KEY, name text, place int); INSERT INTO colors (name, place) SELECT 'acme color ' || n, n FROM generate_series(1, 20) n"
        ),
        "tenants",
    )
    .await;
    // Only that they stay as they are.
    assert_eq!(open(&db).await, ["note "]);
}

#[tokio::test]
async fn a_name_that_may_mean_a_table_is_decided_by_the_values() {
    let db = discovered(
        &format!(
            "{TENANTS} CREATE TABLE parts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, main_part_id int, spare_part_id int);
             INSERT INTO parts (tenant_id, main_part_id, spare_part_id) VALUES (1, NULL, 900), (1, 1, 901), (1, 2, 902)"
        ),
        "tenants",
    )
    .await;
    // No value of spare_part_id is a key.
    assert_eq!(open(&db).await, ["error public.parts.main_part_id"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM parts p JOIN parts o ON o.id = p.main_part_id AND o.tenant_id = {clone} WHERE p.tenant_id = {clone}"))
            .await,
        2
    );
}

#[tokio::test]
async fn an_array_with_keys_of_several_tables_is_mapped_by_all_of_them() {
    let db = discovered(
        &format!(
            "{TENANTS} CREATE DOMAIN doc_key AS uuid; CREATE DOMAIN person_key AS int CHECK (VALUE > 0);
             CREATE TABLE boxes (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, members text[], doc_ids doc_key[], person_ids person_key[]);
             INSERT INTO boxes (tenant_id, members, doc_ids, person_ids)
             SELECT 1, (SELECT array_agg(id) FROM cars WHERE tenant_id = 1) || (SELECT array_agg(id) FROM ships WHERE tenant_id = 1),
                 (SELECT array_agg(id) FROM docs WHERE tenant_id = 1), (SELECT array_agg(id) FROM people WHERE tenant_id = 1)"
        ),
        "tenants",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    for (table, column, expected) in [
        ("cars", "members", 3),
        ("ships", "members", 3),
        ("docs", "doc_ids", 5),
        ("people", "person_ids", 10),
    ] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM boxes b CROSS JOIN unnest(b.{column}) AS m JOIN {table} k ON k.id = m AND k.tenant_id = {clone} WHERE b.tenant_id = {clone}"))
                .await,
            expected,
            "{table}"
        );
    }
    // The same numbers can be keys of two tables only under conditions.
    let failure = db
        .fails("SELECT clone.store_reference('s', 'boxes', 'person_ids', 'boxes')")
        .await;
    assert_eq!(failure.code, "22023", "{failure:?}");
    assert!(failure.hint.contains("condition"), "{failure:?}");
}

#[tokio::test]
async fn numbers_that_mean_types_are_declared_one_by_one() {
    let pairs = "CREATE TABLE notes (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, subject_type int, subject_id int);
        CREATE TABLE ports (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants); INSERT INTO ports SELECT 1000 + n, 1 + n % 2 FROM generate_series(1, 6) n;
        ALTER TABLE ports ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START 2000);";
    let db = discovered(
        &format!(
            "{TENANTS} {pairs} UPDATE tenants SET name = name; INSERT INTO notes (tenant_id, subject_type, subject_id) SELECT tenant_id, 7, id FROM ports;
             INSERT INTO people (tenant_id) SELECT 1 FROM generate_series(1, 100); INSERT INTO notes (tenant_id, subject_type, subject_id) SELECT tenant_id, 8, id FROM people WHERE id > 100"
        ),
        "tenants",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    for (table, kind) in [("ports", 7), ("people", 8)] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM notes n WHERE n.tenant_id = {clone} AND n.subject_type = {kind} AND NOT EXISTS (SELECT FROM {table} k WHERE k.id = n.subject_id AND k.tenant_id = {clone})"))
                .await,
            0,
            "{table}"
        );
    }
    // Numbers that are keys of every table: a person has to say what they mean.
    let db = discovered(
        &format!("{TENANTS} {pairs} CREATE TABLE pets (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants); INSERT INTO pets (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 20) n;
                  INSERT INTO notes (tenant_id, subject_type, subject_id) VALUES (1, 1, 2), (1, 2, 4)"),
        "tenants",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert!(
        failure.message.contains("The types are 1, 2;") && failure.hint.contains("'keep'"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_reference('s', 'notes', 'subject_id', 'people', type_column => 'subject_type', type_values => '{1}');
            SELECT clone.store_reference('s', 'notes', 'subject_id', 'pets', type_column => 'subject_type', type_values => '{2}')")
        .await;
    assert_verified(&db, &db.clone_project("'1'").await).await;
}

#[tokio::test]
async fn a_way_to_belong_without_a_description_stops_a_clone() {
    let db = discovered(
        &format!("{TENANTS} CREATE TABLE logs (id serial PRIMARY KEY, who text)"),
        "tenants",
    )
    .await;
    db.run("SELECT clone.store_belongs('s', 'logs', '{who}', 'tenants', '{slug}')")
        .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(
        failure.message,
        "public.logs has a declared way to belong to the store and is not described: its rows are not cloned"
    );
    answer_all(&db, "answer").await;
    assert_verified(&db, &db.clone_project("'1'").await).await;
}

#[tokio::test]
async fn a_short_unique_text_gets_a_random_value() {
    let db = discovered(
        &format!("{TENANTS} CREATE TABLE seats (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, code varchar(12) UNIQUE); INSERT INTO seats (tenant_id, code) SELECT 1, 'AB' || lpad(n::text, 10, '0') FROM generate_series(1, 300) n"),
        "tenants",
    )
    .await;
    for _ in 0..2 {
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM seats WHERE tenant_id = {clone} AND length(code) = 12"
            ))
            .await,
            300
        );
    }
}

#[tokio::test]
async fn a_tenant_column_with_slugs_is_not_taken_for_one_with_keys() {
    let audit = "CREATE TABLE audit (id bigserial PRIMARY KEY, tenant text, m text); INSERT INTO audit (tenant) SELECT slug FROM tenants;";
    let count = |clone: &str| {
        format!("SELECT count(*) FROM audit a JOIN tenants t ON t.slug = a.tenant WHERE t.id = {clone}")
    };
    let by_key = "SELECT clone.store_table('s', 'audit', 'resource', project_column => 'tenant')";
    for preset in ["discover", "custom"] {
        let db = discovered(&format!("{TENANTS} {audit}"), "tenants").await;
        if preset == "custom" {
            db.run("SELECT clone.store_drop('s'); SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'tenants', 'project')")
                .await;
        }
        let failure = db.fails(by_key).await;
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            (
                "22023",
                "column \"tenant\" of table public.audit holds values of column \"slug\" of public.tenants, not keys"
            )
        );
        let call = failure.hint.split_once(": ").unwrap().1;
        db.run(call).await;
        let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
        assert_eq!(db.number(&count(&clone)).await, 1, "{preset}");
    }
    // Rows that come later.
    let db = discovered(&format!("{TENANTS} {audit} DELETE FROM audit"), "tenants").await;
    db.run(by_key).await;
    db.run("INSERT INTO audit (tenant) SELECT slug FROM tenants")
        .await;
    assert_eq!(open(&db).await, ["error public.audit.tenant"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(db.number(&count(&clone)).await, 1);
}

#[tokio::test]
async fn texts_outside_of_the_store_that_name_its_rows_stop_a_clone() {
    let users = "CREATE TABLE users (id serial PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, email text UNIQUE); INSERT INTO users (tenant_id, email) SELECT 1 + n % 2, 'u' || n || '@x.org' FROM generate_series(1, 6) n;";
    // The table, its rows, the question, and the severity.
    for (table, rows, question, severity) in [
        (
            "CREATE TABLE subscription (id serial PRIMARY KEY, address text)",
            "INSERT INTO subscription (address) SELECT email FROM users",
            "public.subscription.address looks like email of public.users: 6 of 6 values that were looked at are. Its rows are not cloned",
            "error",
        ),
        (
            "CREATE TABLE audit (id serial PRIMARY KEY, who text)",
            "INSERT INTO audit (who) SELECT upper(slug) FROM tenants",
            "public.audit.who holds slug of public.tenants in other letters: 2 values that were looked at. Its rows are not cloned. Write them as they are there, and check again",
            "error",
        ),
        (
            "CREATE TABLE hits (id serial PRIMARY KEY, url text)",
            "INSERT INTO hits (url) SELECT 'https://x.org/d/' || id || '/edit' FROM docs",
            "public.hits.url holds id of public.docs within longer texts: 10 of 10 values that were looked at. Its rows are not cloned, and no column says to which project they belong",
            "error",
        ),
        // Each names one row, as if that owned it: there is no proposal.
        (
            "CREATE TABLE badges (id serial PRIMARY KEY, subject text)",
            "INSERT INTO badges (subject) SELECT 'urn:uuid:' || id FROM docs",
            "public.badges.subject holds id of public.docs within longer texts: 10 of 10 values that were looked at. Its rows are not cloned, and no column says to which project they belong",
            "error",
        ),
        (
            "CREATE TABLE log (id serial PRIMARY KEY, line text)",
            "INSERT INTO log (line) SELECT 'login of ' || slug FROM tenants",
            "public.log.line holds slug of public.tenants within longer texts: 2 of 2 values that were looked at. Its rows are not cloned, and no column says to which project they belong",
            "warning",
        ),
        (
            "CREATE TABLE words (id serial PRIMARY KEY, line text)",
            "INSERT INTO words (line) VALUES ('the acme of all'), ('a second line'), ('a third one')",
            "",
            "",
        ),
    ] {
        let db = discovered(&format!("{TENANTS} {users} {table}; {rows}"), "tenants").await;
        let found = db
            .list("SELECT severity || ': ' || question FROM clone.store_check('s') WHERE severity <> 'note'")
            .await;
        let expected: Vec<String> = (!question.is_empty())
            .then(|| format!("{severity}: {question}"))
            .into_iter()
            .collect();
        assert_eq!(found, expected, "{table}");
        let without = "SELECT count(*) FROM clone.store_check('s') WHERE question LIKE '%within longer texts%' AND answer IS NULL AND otherwise LIKE '%store_shared%'";
        assert_eq!(
            db.number(without).await,
            i64::from(rows.contains("urn:")),
            "{table}"
        );
        if question.contains("email") {
            answer_all(&db, "answer").await;
            let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
            assert_eq!(
                db.number(&format!("SELECT count(*) FROM subscription s JOIN users u ON u.email = s.address WHERE u.tenant_id = {clone}"))
                    .await,
                3
            );
        }
    }
}

#[tokio::test]
async fn keys_that_people_chose_are_found_in_columns_of_other_names() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE domains (domain text PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO domains VALUES ('desk.acme.test', 1), ('help.tiny.test', 2), ('mail.tiny.test', 2);
         CREATE TABLE mails (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, host text); INSERT INTO mails (org_id, host) SELECT org_id, domain FROM domains, generate_series(1, 4)",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM mails m JOIN domains d ON d.domain = m.host AND d.org_id = m.org_id WHERE m.org_id = {clone}")).await,
        8
    );
}

#[tokio::test]
async fn copies_of_values_that_are_unique_in_small_letters_or_in_some_rows_are_found() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE users (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, email text, nick text, gone boolean); CREATE UNIQUE INDEX ON users (lower(email)); CREATE UNIQUE INDEX ON users (nick) WHERE gone IS NULL;
         INSERT INTO users (org_id, email, nick) SELECT 1 + n % 2, 'User' || n || '@x.org', 'nick' || n FROM generate_series(1, 30) n;
         CREATE TABLE mails (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, sender text, who text, doc jsonb); INSERT INTO mails (org_id, sender, who, doc) SELECT org_id, email, nick, jsonb_build_object('from', email) FROM users",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM mails m JOIN users u ON u.email = m.sender AND u.nick = m.who AND m.doc->>'from' = u.email AND u.org_id = m.org_id WHERE m.org_id = {clone}")).await,
        15
    );
}

#[tokio::test]
async fn numbers_in_unique_texts_have_an_answer_with_which_a_clone_can_be_made() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE posts (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO posts (org_id) SELECT 1 + (n / 3) % 2 FROM generate_series(1, 60) n;
         CREATE TABLE links (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, ref text UNIQUE); SELECT setval('links_id_seq', 900); INSERT INTO links (org_id, ref) SELECT org_id, 'post:' || id || ':v' || (id * 7) % 5 FROM posts ORDER BY md5(id::text)",
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT otherwise FROM clone.store_check('s') WHERE subject = 'public.links.ref'")
            .await,
        ["SELECT clone.store_column('s', 'public.links', 'ref', 'suffix');"]
    );
    answer_all(&db, "COALESCE(answer, otherwise)").await;
    let clone = db.clone_project("'2'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM links WHERE org_id = {clone} AND ref LIKE 'post:%'"
        ))
        .await,
        30
    );
}

#[tokio::test]
async fn copies_of_numbers_of_a_sequence_are_found_whatever_index_they_have() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'); CREATE SEQUENCE nos START 20001;
         CREATE TABLE bill (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, part int NOT NULL DEFAULT nextval('nos'), word int NOT NULL DEFAULT nextval('nos'), alone int GENERATED ALWAYS AS IDENTITY (START 30001), void boolean);
         CREATE UNIQUE INDEX ON bill (part) WHERE void IS NULL; CREATE UNIQUE INDEX ON bill (abs(word)); INSERT INTO bill (org_id) SELECT 1 + n % 2 FROM generate_series(1, 30) n;
         CREATE TABLE payment (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, part int, bill_word int, reason int, doc jsonb, cents int);
         INSERT INTO payment (org_id, part, bill_word, reason, doc, cents) SELECT org_id, part, word, alone, jsonb_build_object('alone', alone), 20000 + 7 * id FROM bill",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for org in ["2", clone.as_str()] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM payment p JOIN bill b ON b.org_id = p.org_id AND b.part = p.part AND b.word = p.bill_word AND b.alone = p.reason AND b.alone = (p.doc->>'alone')::int WHERE p.org_id = {org}")).await,
            15,
            "{org}"
        );
    }
    assert_eq!(db.number(&format!("SELECT count(*) FROM payment p JOIN payment c ON c.org_id = {clone} AND c.cents = p.cents WHERE p.org_id = 2")).await, 15);
}

#[tokio::test]
async fn a_column_that_looks_like_the_key_of_a_table_without_a_unique_index_is_asked_about() {
    // Another column may be unique: (org, code), or a code of its own.
    for (column, value) in [
        ("id int NOT NULL DEFAULT nextval('nos')", "DEFAULT"),
        (
            "id int NOT NULL DEFAULT nextval('nos'), code uuid UNIQUE DEFAULT gen_random_uuid()",
            "DEFAULT",
        ),
        (
            "id int NOT NULL DEFAULT nextval('nos'), code text DEFAULT md5(random()::text), UNIQUE (org_id, code)",
            "DEFAULT",
        ),
        ("customer_no text", "'cus_' || substr(md5(random()::text), 1, 16)"),
        ("number bigint DEFAULT nextval('nos')", "DEFAULT"),
    ] {
        let name = column.split(' ').next().unwrap();
        let insert = if value == "DEFAULT" {
            "INSERT INTO customer (org_id) SELECT 1 + n % 2 FROM generate_series(1, 20) n".to_owned()
        } else {
            format!(
                "INSERT INTO customer (org_id, {name}) SELECT 1 + n % 2, {value} FROM generate_series(1, 20) n"
            )
        };
        let db = discovered(
            &format!(
                "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'); CREATE SEQUENCE nos START 501;
                 CREATE TABLE customer (org_id int NOT NULL REFERENCES org, {column}, note text); CREATE INDEX ON customer ({name}); {insert};
                 CREATE TABLE bill (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, customer_{name} text); INSERT INTO bill (org_id, customer_{name}) SELECT org_id, {name} FROM customer;
                 CREATE TABLE log (org_id int NOT NULL REFERENCES org, id int, what text); INSERT INTO log SELECT 1 + n % 2, n % 7, 'x' FROM generate_series(1, 20) n"
            ),
            "org",
        )
        .await;
        let asked = db
            .list("SELECT question FROM clone.store_check('s') WHERE question ~ 'looks like the key'")
            .await;
        assert_eq!(
            asked,
            [format!(
                "public.customer.{name} has no unique index, but it looks like the key of its rows: all 20 values that were looked at differ. A clone has the source's"
            )],
            "{column}"
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM bill b JOIN customer c ON c.{name}::text = b.customer_{name} AND c.org_id = b.org_id WHERE b.org_id = {clone}")).await,
            10,
            "{column}"
        );
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM customer c JOIN customer o USING ({name}) WHERE c.org_id <> o.org_id"
            ))
            .await,
            0
        );
        // Kept, if the user says so.
        let db = discovered(&format!("CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'); CREATE SEQUENCE nos START 501; CREATE TABLE customer (org_id int NOT NULL REFERENCES org, {column}, note text); {insert}"), "org").await;
        answer_all(&db, "otherwise").await;
        db.clone_project("'2'").await;
    }
}
