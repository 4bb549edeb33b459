//! Types of pairs of columns that no reference declares.

use super::super::{answer_all, discovered, open};

#[tokio::test]
async fn rows_of_a_pair_whose_type_is_not_cloned_are_left_out() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE TABLE msgs (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org, body text);
         CREATE TABLE active_storage_blobs (id bigserial PRIMARY KEY, filename text);
         CREATE TABLE active_storage_attachments (id bigserial PRIMARY KEY, name text NOT NULL, record_type text NOT NULL, record_id bigint NOT NULL, blob_id bigint NOT NULL REFERENCES active_storage_blobs, UNIQUE (record_type, record_id, name, blob_id));
         CREATE TABLE active_storage_variant_records (id bigserial PRIMARY KEY, blob_id bigint NOT NULL REFERENCES active_storage_blobs, variation_digest text NOT NULL, UNIQUE (blob_id, variation_digest));
         INSERT INTO org (name) VALUES ('Other'), ('Ours'); INSERT INTO msgs (org_id) SELECT 1 + n % 2 FROM generate_series(1, 6) n; INSERT INTO active_storage_blobs (filename) SELECT 'f' || n FROM generate_series(1, 12) n;
         INSERT INTO active_storage_attachments (name, record_type, record_id, blob_id) SELECT 'pic', 'Msg', id, id FROM msgs; INSERT INTO active_storage_variant_records (blob_id, variation_digest) SELECT id, 'd' FROM active_storage_blobs WHERE id <= 6;
         INSERT INTO active_storage_attachments (name, record_type, record_id, blob_id) SELECT 'image', 'ActiveStorage::VariantRecord', id, blob_id + 6 FROM active_storage_variant_records",
        "org",
    )
    .await;
    assert_eq!(
        db.text("SELECT question FROM clone.store_check('s') WHERE subject = 'public.active_storage_attachments.record_id'").await,
        "public.active_storage_attachments.record_id names rows of the types ActiveStorage::VariantRecord, which no reference declares: are these rows left out?"
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM active_storage_attachments a JOIN msgs m ON a.record_type = 'Msg' AND m.id = a.record_id WHERE m.org_id = {clone} AND a.blob_id > 12")).await,
        3
    );
    assert_eq!(
        db.number("SELECT count(*) FROM active_storage_attachments").await,
        15
    );
    // A variant without an image breaks the application, which makes it again if there is none. Deletion removes both.
    assert_eq!(
        db.number("SELECT count(*) FROM active_storage_variant_records")
            .await,
        6
    );
    db.run(&format!("INSERT INTO active_storage_variant_records (blob_id, variation_digest) SELECT blob_id, 'd' FROM active_storage_attachments a JOIN msgs m ON m.id = a.record_id AND a.record_type = 'Msg' WHERE m.org_id = {clone}; SELECT project_delete('{clone}')"))
        .await;
    assert_eq!(
        db.number("SELECT count(*) FROM active_storage_variant_records")
            .await,
        6
    );
    // A type of a table of the store that comes later belongs as the others.
    db.run("CREATE TABLE notes (id bigserial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO notes (id, org_id) VALUES (501, 1), (502, 2); INSERT INTO active_storage_attachments (name, record_type, record_id, blob_id) SELECT 'pic', 'Note', id, CASE org_id WHEN 2 THEN 1 ELSE 2 END FROM notes; DELETE FROM clone.store_no_reference")
        .await;
    answer_all(&db, "COALESCE(answer, otherwise)").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM active_storage_attachments a JOIN notes m ON a.record_type = 'Note' AND m.id = a.record_id WHERE m.org_id = {clone}")).await,
        1
    );
}

#[tokio::test]
async fn types_of_single_table_inheritance_name_the_table_that_has_them() {
    let db = discovered(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text); INSERT INTO accounts (name) VALUES ('A'), ('B');
         CREATE TABLE animals (id bigserial PRIMARY KEY, account_id bigint NOT NULL, type text, name text); INSERT INTO animals (account_id, type, name) SELECT 1 + n % 2, CASE n % 3 WHEN 0 THEN 'Dog' ELSE 'Cat' END, 'a' || n FROM generate_series(1, 30) n;
         CREATE TABLE posts (id bigserial PRIMARY KEY, account_id bigint NOT NULL, title text); INSERT INTO posts (account_id, title) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 30) n;
         CREATE TABLE notes (id bigserial PRIMARY KEY, account_id bigint NOT NULL, notable_type text, notable_id bigint, body text);
         INSERT INTO notes (account_id, notable_type, notable_id, body) SELECT account_id, 'Post', id, title FROM posts UNION ALL SELECT account_id, type, id, name FROM animals",
        "accounts",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (kind, table, name) in [
        ("Dog", "animals", "name"),
        ("Cat", "animals", "name"),
        ("Post", "posts", "title"),
    ] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FILTER (WHERE t.id IS NULL) FROM notes n LEFT JOIN {table} t ON t.id = n.notable_id AND t.account_id = n.account_id AND t.{name} = n.body WHERE n.account_id = {clone} AND n.notable_type = '{kind}'")).await,
            0,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_type_that_names_a_shared_table_is_not_one_of_a_log_with_that_word() {
    // Small numbers: each user's key is that of a line of the log, too, which says that a user made it.
    for user_column in ["user_id", "by"] {
        let db = discovered(
            &format!("CREATE TABLE accounts (id bigserial PRIMARY KEY, name text); INSERT INTO accounts (name) VALUES ('A'), ('B');
             CREATE TABLE users (id bigserial PRIMARY KEY, name text); INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, 5) n;
             CREATE TABLE posts (id bigserial PRIMARY KEY, account_id bigint NOT NULL); INSERT INTO posts (account_id) SELECT 1 + n % 2 FROM generate_series(1, 30) n;
             CREATE TABLE log_lines (id bigserial PRIMARY KEY, account_id bigint NOT NULL, user_type text, {user_column} bigint); INSERT INTO log_lines (account_id, user_type, {user_column}) SELECT 1 + n % 2, 'User', 1 + n % 5 FROM generate_series(1, 30) n;
             CREATE TABLE notes (id bigserial PRIMARY KEY, account_id bigint NOT NULL, sender_type text, sender_id bigint);
             INSERT INTO notes (account_id, sender_type, sender_id) SELECT account_id, 'Post', id FROM posts UNION ALL SELECT 1 + id % 2, 'User', id FROM users"),
            "accounts",
        )
        .await;
        let calls = db
            .list("SELECT answer FROM clone.store_check('s') WHERE subject = 'public.notes.sender_id'")
            .await;
        assert_eq!(
            calls,
            ["SELECT clone.store_column('s', 'public.notes', 'sender_id', 'keep');"],
            "{user_column}"
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        for (kind, right) in [
            ("Post", "SELECT id FROM posts WHERE account_id = n.account_id"),
            ("User", "SELECT id FROM users"),
        ] {
            let wrong = format!(
                "SELECT count(*) FROM notes n WHERE account_id = {clone} AND sender_type = '{kind}' AND sender_id NOT IN ({right})"
            );
            assert_eq!(db.number(&wrong).await, 0, "{kind}");
        }
    }
}

#[tokio::test]
async fn replies_belong_by_the_type_of_their_own_table() {
    let db = discovered(
        "CREATE TABLE companies (id bigserial PRIMARY KEY, name text); INSERT INTO companies (name) VALUES ('A'), ('B');
         CREATE TABLE people (id bigserial PRIMARY KEY, company_id bigint NOT NULL, name text); INSERT INTO people (company_id, name) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 10) n;
         CREATE TABLE addresses (id bigserial PRIMARY KEY, owner_type text, owner_id bigint, street text); INSERT INTO addresses (owner_type, owner_id, street) SELECT 'Company', id, 'S' || name FROM companies UNION ALL SELECT 'Person', id, 's' || name FROM people;
         CREATE TABLE remarks (id bigserial PRIMARY KEY, remarkable_type text, remarkable_id bigint, body text); INSERT INTO remarks (remarkable_type, remarkable_id, body) SELECT 'Address', id, street FROM addresses; INSERT INTO remarks (remarkable_type, remarkable_id, body) SELECT 'Remark', id, body FROM remarks",
        "companies",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM remarks r JOIN remarks q ON r.remarkable_type = 'Remark' AND q.id = r.remarkable_id JOIN addresses a ON q.remarkable_type = 'Address' AND a.id = q.remarkable_id AND a.street = r.body
             LEFT JOIN people p ON a.owner_type = 'Person' AND p.id = a.owner_id WHERE COALESCE(p.company_id, a.owner_id) = {clone}"
        ))
        .await,
        6
    );
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.number("SELECT count(*) FROM remarks").await, 24);
}

#[tokio::test]
async fn rows_below_tables_that_inherit_from_each_other_belong_by_each() {
    for column in ["doc", "doc_id"] {
        let db = discovered(
            &format!(
                "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
                 CREATE TABLE doc (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, title text); CREATE TABLE invoice (total int, PRIMARY KEY (id), FOREIGN KEY (org_id) REFERENCES org) INHERITS (doc);
                 INSERT INTO doc (org_id, title) SELECT 1 + n % 2, 'd' || n FROM generate_series(1, 8) n; INSERT INTO invoice (org_id, title) SELECT 1 + n % 2, 'i' || n FROM generate_series(1, 8) n;
                 CREATE TABLE note (id bigserial PRIMARY KEY, {column} bigint NOT NULL, body text); INSERT INTO note ({column}, body) SELECT id, title FROM doc"
            ),
            "org",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM note n JOIN doc d ON d.id = n.{column} AND d.title = n.body WHERE d.org_id = {clone}")).await,
            8,
            "{column}"
        );
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM note").await, 16, "{column}");
    }
}

#[tokio::test]
async fn keys_beside_a_column_that_may_say_their_table_are_of_no_single_table() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE task (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text); INSERT INTO task (org_id, label) SELECT 1 + n % 3, 't' || n FROM generate_series(1, 60) n;
         CREATE TABLE photo (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text); INSERT INTO photo (org_id, label) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 40) n;
         CREATE TABLE remark (id bigint GENERATED ALWAYS AS IDENTITY (START 9000) PRIMARY KEY, subject text NOT NULL, subject_id int NOT NULL, label text);
         INSERT INTO remark (subject, subject_id, label) SELECT 'a task', id, label FROM task UNION ALL SELECT 'a photo', id, label FROM photo",
        "org",
    )
    .await;
    let failure = db.fails("SELECT project_clone('2')").await;
    assert!(
        failure.message.contains(
            "public.remark.subject_id with subject looks like a reference to rows of several tables"
        ),
        "{failure:?}"
    );
    // What the message says to do.
    for table in ["task", "photo"] {
        db.run(&format!("SELECT clone.store_reference('s', 'public.remark', 'subject_id', '{table}', type_column => 'subject', type_values => '{{a {table}}}', belongs => true)")).await;
    }
    db.run("SELECT clone.store_table('s', 'public.remark', 'derived')")
        .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM remark r LEFT JOIN task t ON r.subject = 'a task' AND t.id = r.subject_id AND t.label = r.label LEFT JOIN photo p ON r.subject = 'a photo' AND p.id = r.subject_id AND p.label = r.label WHERE {clone} IN (t.org_id, p.org_id)"
        ))
        .await,
        40
    );
}

#[tokio::test]
async fn a_position_in_a_stream_is_no_tenant() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE orders (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, label text); INSERT INTO orders (org_id, label) SELECT 1 + n % 3, 't' || n FROM generate_series(1, 60) n;
         CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY (START 9000) PRIMARY KEY, pos int, data jsonb); INSERT INTO events (pos, data) SELECT p, jsonb_build_object('orderId', id, 'tenantId', org_id) FROM orders, generate_series(1, 3) p;
         CREATE TABLE steps (id bigint GENERATED ALWAYS AS IDENTITY (START 9000) PRIMARY KEY, pos int); INSERT INTO steps (pos) SELECT p FROM generate_series(1, 3) p",
        "org",
    )
    .await;
    assert!(
        open(&db)
            .await
            .iter()
            .any(|question| question.starts_with("error public.events.data ")),
        "{:?}",
        open(&db).await
    );
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE answer LIKE '%project_column%'")
            .await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn rows_of_an_undeclared_type_that_are_cloned_are_not_said_to_be_left_out() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE articles (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); SELECT setval('articles_id_seq', 90); INSERT INTO articles (org_id) SELECT 1 + n % 2 FROM generate_series(91, 120) n;
         CREATE TABLE files (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO files (org_id) SELECT 1 + n % 2 FROM generate_series(1, 30) n;
         CREATE TABLE components_blocks_heroes (id serial PRIMARY KEY, headline text); INSERT INTO components_blocks_heroes (headline) SELECT 'h' || n FROM generate_series(1, 20) n;
         CREATE TABLE files_related (id serial PRIMARY KEY, file_id int REFERENCES files, related_id int, related_type text);
         INSERT INTO files_related (file_id, related_id, related_type) SELECT id, id + 90, 'api::article.article' FROM files WHERE id <= 20 UNION ALL SELECT id, id, 'blocks.hero' FROM files WHERE id <= 20",
        "org",
    )
    .await;
    let question =
        "SELECT question FROM clone.store_check('s') WHERE subject = 'public.files_related.related_id'";
    assert_eq!(
        db.text(question).await,
        "public.files_related.related_id names rows of the types blocks.hero, which no reference declares: do these values stay? Those of \"blocks.hero\" are keys of \
         public.components_blocks_heroes, which the store does not describe. If rows of one of them are meant, declare it with clone.store_reference('s', \
         'public.files_related', 'related_id', <table>, type_column => 'related_type', type_values => <type>)"
    );
    // What leaves other rows out says nothing about rows that are cloned.
    db.run("SELECT clone.store_no_reference('s', 'files_related', 'related_id', '$types')")
        .await;
    assert_eq!(db.list(question).await.len(), 1);
    answer_all(&db, "COALESCE(answer, otherwise)").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM files_related r JOIN files f ON f.id = r.file_id WHERE f.org_id = {clone} AND r.related_type = 'blocks.hero' AND r.related_id <= 20")).await,
        10
    );
}

#[tokio::test]
async fn rows_of_an_undeclared_type_that_belong_later_are_asked_about_again() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE users (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO users (id, org_id) SELECT n, 1 + n % 2 FROM generate_series(1, 20) n;
         CREATE TABLE huddles (id serial PRIMARY KEY, size int); INSERT INTO huddles (id, size) SELECT n, 3 FROM generate_series(501, 512) n;
         CREATE TABLE recipients (id serial PRIMARY KEY, type smallint NOT NULL, type_id int NOT NULL);
         INSERT INTO recipients (id, type, type_id) SELECT 100 + id, 1, id FROM users UNION ALL SELECT id, 3, id FROM huddles;
         CREATE TABLE messages (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, recipient_id int NOT NULL REFERENCES recipients);
         INSERT INTO messages (org_id, recipient_id) SELECT u.org_id, 100 + u.id FROM users u UNION ALL SELECT 1 + h.id % 2, h.id FROM huddles h, generate_series(1, 3)",
        "org",
    )
    .await;
    db.run("SELECT clone.store_reference('s', 'recipients', 'type_id', 'users', type_column => 'type', type_values => '{1}', belongs => true), clone.store_table('s', 'recipients', 'derived', id_column => 'id')")
        .await;
    let question = "SELECT question FROM clone.store_check('s') WHERE subject = 'public.recipients.type_id'";
    let asked = db.text(question).await;
    assert!(asked.ends_with("are these rows left out?"), "{asked}");
    db.run("SELECT clone.store_no_reference('s', 'recipients', 'type_id', '$types')")
        .await;
    assert_eq!(db.list(question).await, [""; 0]);
    db.run("SELECT clone.store_belongs('s', 'recipients', '{id}', 'messages', '{recipient_id}')")
        .await;
    let asked = db.text(question).await;
    assert!(
        asked.contains("do these values stay? Those of \"3\" are keys of public.huddles, which the store does not describe."),
        "{asked}"
    );
}
