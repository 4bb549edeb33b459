//! Identifiers that several rows of one tenant share and that are keys of no table.

use super::super::{answer_all, discovered};
use pg_clone_tests::scratch_database::Scratch;

/// Tenants with pages in two languages, which have the same `key`, and votes that name it. `key` is the expression over the number `n`
/// of a page.
async fn pages(key_type: &str, key: &str) -> Scratch {
    discovered(
        &format!(
            "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
             CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, key {key_type}, lang text);
             INSERT INTO page (org_id, key, lang) SELECT 1 + n % 2, {key}, lang FROM generate_series(1, 20) n, unnest('{{en,fr}}'::text[]) lang;
             CREATE TABLE vote (id serial PRIMARY KEY, page_id int NOT NULL REFERENCES page, about {key_type}, several text[], doc jsonb);
             INSERT INTO vote (page_id, about, several, doc) SELECT id, key, ARRAY[key::text, key::text], jsonb_build_object('on', jsonb_build_array(key)) FROM page"
        ),
        "org",
    )
    .await
}

const ASKED: &str = "SELECT relation || '.' || \"column\" FROM clone.store_question WHERE question ~ 'identifiers that rows of one tenant share'";

#[tokio::test]
async fn they_get_new_values_the_same_for_rows_that_share_them() {
    for (key_type, key) in [
        ("uuid", "md5(n::text)::uuid"),
        ("varchar(40)", "md5(n::text)::uuid::text"),
        ("text", "md5(n::text)"),
        (
            "text",
            "'grp_' || substr(translate(encode(sha256(n::text::bytea), 'base64'), '+/=', 'xy'), 1, 16)",
        ),
        (
            "text",
            "substr(translate(encode(sha256(n::text::bytea), 'base64'), '+/=', '-_'), 1, 21)",
        ),
    ] {
        let db = pages(key_type, key).await;
        // In the table with the most rows, or in the first one.
        let asked = db.list(ASKED).await;
        assert_eq!(asked.len(), 1, "{key}: {asked:?}");
        let refused = db.fails("SELECT project_clone('2')").await;
        assert!(format!("{refused:?}").contains(&asked[0]), "{refused:?}");
        answer_all(&db, "answer").await;
        assert_eq!(
            db.list("SELECT question FROM clone.store_check('s') WHERE severity <> 'note'")
                .await,
            [""; 0],
            "{key}"
        );
        let first = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let clone = db
            .clone_project(&format!(
                "'2', options => '{{\"verify\": true, \"replace\": \"{first}\"}}'"
            ))
            .await;
        let groups = format!(
            "SELECT count(*) FROM (SELECT FROM page WHERE org_id = {clone} GROUP BY key HAVING count(*) = 2 AND array_agg(lang ORDER BY lang) = '{{en,fr}}') g"
        );
        assert_eq!(db.number(&groups).await, 10, "{key}");
        assert_eq!(
            db.number("SELECT count(*) FROM page p JOIN page o USING (key) WHERE p.org_id <> o.org_id")
                .await,
            0,
            "{key}"
        );
        for org in ["2", clone.as_str()] {
            let right = format!(
                "SELECT count(*) FROM vote v JOIN page p ON p.id = v.page_id AND p.org_id = {org} WHERE v.about = p.key AND v.several = ARRAY[p.key::text, p.key::text] AND v.doc->'on'->>0 = p.key::text"
            );
            assert_eq!(db.number(&right).await, 20, "{key} {org}");
        }
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM page WHERE org_id = {clone} AND length(key::text) <> (SELECT max(length(key::text)) FROM page WHERE org_id = 1)")).await,
            0,
            "{key}"
        );
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM page").await, 40);
        // Or they stay.
        let db = pages(key_type, key).await;
        answer_all(&db, "otherwise").await;
        db.clone_project("'2'").await;
        assert_eq!(
            db.number("SELECT count(DISTINCT key) FROM page").await,
            20,
            "{key}"
        );
    }
}

#[tokio::test]
async fn keys_of_tables_values_of_several_tenants_and_foreign_identifiers_are_not_asked_about() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE plan (id uuid PRIMARY KEY, title text); INSERT INTO plan SELECT md5(n::text)::uuid, 'p' FROM generate_series(1, 8) n;
         CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, plan uuid, kind uuid, stripe_customer_id text, file_sha256 text, own uuid DEFAULT gen_random_uuid(), words text);
         INSERT INTO page (org_id, plan, kind, stripe_customer_id, file_sha256, words)
         SELECT 1 + n % 2, md5((1 + n % 4)::text)::uuid, md5('k' || n / 4)::uuid, 'cus_' || substr(md5('c' || n % 6), 1, 14), encode(sha256((n % 6)::text::bytea), 'hex'), 'ein Wort ' || n % 6 FROM generate_series(0, 39) n",
        "org",
    )
    .await;
    assert_eq!(db.list(ASKED).await, [""; 0]);
}

#[tokio::test]
async fn values_in_place_of_null_are_no_identifiers() {
    for (key_type, key, none) in [
        (
            "uuid NOT NULL",
            "md5(n::text)::uuid",
            "00000000-0000-0000-0000-000000000000",
        ),
        ("text NOT NULL", "md5(n::text)", ""),
    ] {
        let db = pages(key_type, key).await;
        db.run(&format!(
            "UPDATE page SET key = '{none}' WHERE id % 9 = 0; UPDATE vote SET about = '{none}', several = '{{}}', doc = NULL WHERE page_id % 9 = 0"
        ))
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let empty = |org: &str| {
            format!(
                "SELECT count(*) FROM page p JOIN vote v ON v.page_id = p.id AND v.about = p.key WHERE p.org_id = {org} AND p.key = '{none}'"
            )
        };
        assert_eq!(db.number(&empty(&clone)).await, db.number(&empty("2")).await);
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM page p JOIN page o USING (key) WHERE p.org_id <> o.org_id AND key <> '{none}'")).await,
            0
        );
    }
}

#[tokio::test]
async fn those_that_documents_keep_are_proposed_to_stay() {
    // The ends of a survey are elements of an array of documents, whose contents no declaration reaches.
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE survey (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, endings jsonb[]);
         INSERT INTO survey (org_id, endings) SELECT 1 + n % 2, ARRAY[jsonb_build_object('id', md5(n::text), 'type', 'end')] FROM generate_series(1, 20) n;
         CREATE TABLE response (id serial PRIMARY KEY, survey_id int NOT NULL REFERENCES survey, ending_id text);
         INSERT INTO response (survey_id, ending_id) SELECT n, md5(n::text) FROM generate_series(1, 20) n, generate_series(1, 3)",
        "org",
    )
    .await;
    assert_eq!(
        db.text("SELECT answer || ' ' || (question LIKE '%. They are in public.survey.endings too, which would keep them') FROM clone.store_check('s') WHERE subject = 'public.response.ending_id'").await,
        "SELECT clone.store_column('s', 'public.response', 'ending_id', 'keep'); true"
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM response r JOIN survey s ON s.id = r.survey_id AND s.endings[1]->>'id' = r.ending_id WHERE s.org_id = {clone}")).await,
        30
    );
}
