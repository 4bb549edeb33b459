//! Cyclic foreign keys, triggers and storage parameters need nothing from the user.

use super::{assert_verified, described};
use crate::description::{answer_all, discovered};

const LOOP: &str = "a0000000-0000-4000-8000-000000000008";
const CIRCLE: &str = "CREATE TABLE org (id uuid PRIMARY KEY, name text, owner_id bigint);
    CREATE TABLE usr (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, name text, manager_id bigint REFERENCES usr);
    ALTER TABLE org ADD CONSTRAINT own FOREIGN KEY (owner_id) REFERENCES usr;
    CREATE TABLE ordr (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, last_shipment bigint);
    CREATE TABLE shipment (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, ordr_id bigint NOT NULL REFERENCES ordr);
    ALTER TABLE ordr ADD CONSTRAINT last FOREIGN KEY (last_shipment) REFERENCES shipment;
    INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000008', 'Loop'); INSERT INTO usr (org_id, name) SELECT id, unnest('{Una,Bo}'::text[]) FROM org;
    UPDATE usr SET manager_id = 3 - id; UPDATE org SET owner_id = 1;
    INSERT INTO ordr (org_id) SELECT id FROM org; INSERT INTO shipment (org_id, ordr_id) SELECT id, 1 FROM org; UPDATE ordr SET last_shipment = 1";
const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{usr,ordr,shipment}'::text[]) t";
const JOINED: &str = "SELECT concat_ws('|', o.name, u.name, u.org_id = o.id, m.name, m.org_id = o.id, s.org_id = o.id, s.ordr_id = r.id)
    FROM org o JOIN usr u ON u.id = o.owner_id JOIN usr m ON m.id = u.manager_id JOIN ordr r ON r.org_id = o.id JOIN shipment s ON s.id = r.last_shipment ORDER BY 1";

#[tokio::test]
async fn keys_that_are_not_deferrable_may_go_in_a_circle() {
    let db = described(CIRCLE, STORE).await;
    let clone = db.clone_project(&format!("'{LOOP}', 'Copy'")).await;
    assert_eq!(
        db.list(JOINED).await,
        ["Copy|Una|t|Bo|t|t|t", "Loop|Una|t|Bo|t|t|t"]
    );
    assert_verified(&db, &clone).await;
    // By INSERT … SELECT too.
    db.run("SET pg_clone.bulk = off").await;
    db.clone_project(&format!("'{LOOP}', 'By SQL'")).await;
    assert_eq!(db.list(JOINED).await[0], "By SQL|Una|t|Bo|t|t|t");
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.number("SELECT count(*) FROM usr").await, 4);
}

#[tokio::test]
async fn a_held_check_that_fails_takes_the_clone_back() {
    let db = described(CIRCLE, STORE).await;
    db.run("SELECT clone.store_column('s', 'ordr', 'last_shipment', 'value', value => '77')")
        .await;
    let failure = db.fails(&format!("SELECT project_clone('{LOOP}', 'Copy')")).await;
    assert_eq!(failure.code, "23503", "{failure:?}");
    assert_eq!(db.number("SELECT count(*) FROM org").await, 1);
    // The same session goes on: levels of triggers are as before.
    db.run("SELECT clone.store_column('s', 'ordr', 'last_shipment', 'map', 'shipment')")
        .await;
    let clone = db.clone_project(&format!("'{LOOP}', 'Copy'")).await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn triggers_fire_unless_the_call_skips_them() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE a (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, k text);
         CREATE TABLE log (k text); INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000008', 'X'); INSERT INTO a (org_id, k) SELECT id, 'one' FROM org;
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (NEW.k); RETURN NEW; END';
         CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION note()",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'a', 'resource', project_column => 'org_id')",
    )
    .await;
    db.clone_project(&format!("'{LOOP}', 'fires'")).await;
    assert_eq!(db.number("SELECT count(*) FROM log").await, 1);
    db.clone_project(&format!(
        "'{LOOP}', 'skips', options => '{{\"triggers\": \"skip\"}}'"
    ))
    .await;
    assert_eq!(db.number("SELECT count(*) FROM log").await, 1);
    assert_eq!(db.number("SELECT count(*) FROM a").await, 3);
}

#[tokio::test]
async fn triggers_of_a_partitioned_table_are_left_out_and_its_foreign_keys_are_checked() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE place (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
         CREATE TABLE visit (id bigserial, org_id uuid NOT NULL, place_id bigint REFERENCES place, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
         CREATE TABLE visit_26 PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); CREATE TABLE log (k bigint);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000008', 'X'); INSERT INTO place (org_id) SELECT id FROM org; INSERT INTO visit (org_id, place_id, at) SELECT org_id, id, '2026-02-02' FROM place;
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (NEW.id); RETURN NEW; END';
         CREATE TRIGGER t AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION note(); CREATE TRIGGER p BEFORE INSERT ON visit_26 FOR EACH ROW EXECUTE FUNCTION note()",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{place,visit}'::text[]) t",
    )
    .await;
    db.clone_project(&format!("'{LOOP}', 'fires'")).await;
    assert_eq!(db.number("SELECT count(*) FROM log").await, 2);
    let skip = format!("'{LOOP}', 'skips', options => '{{\"triggers\": \"skip\"}}'");
    let clone = db.clone_project(&skip).await;
    assert_eq!(db.number("SELECT count(*) FROM log").await, 2);
    assert_eq!(db.text("SHOW session_replication_role").await, "origin");
    assert_verified(&db, &clone).await;
    // A value that no foreign key would have let pass.
    db.run("SELECT clone.store_column('s', 'visit', 'place_id', 'value', value => '999')")
        .await;
    let failure = db.fails(&format!("SELECT project_clone({skip})")).await;
    assert!(failure.code == "23503" && !failure.hint.is_empty(), "{failure:?}");
    // Only who may disable triggers may leave them out.
    db.run("SELECT clone.store_column('s', 'visit', 'place_id', 'map', 'place');
            CREATE ROLE no_owner; GRANT ALL ON ALL TABLES IN SCHEMA public TO no_owner; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO no_owner; SELECT clone.allow('no_owner'); SET ROLE no_owner").await;
    let failure = db.fails(&format!("SELECT project_clone({skip})")).await;
    assert!(
        failure.code == "42501" && failure.message.contains("public.visit"),
        "{failure:?}"
    );
    db.run(&format!("SELECT project_clone('{LOOP}', 'fires')")).await;
}

#[tokio::test]
async fn a_table_that_others_inherit_from_is_read_alone_and_its_children_must_be_described() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         CREATE TABLE asset (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL, label text, partner uuid);
         CREATE TABLE vehicle (plate text, PRIMARY KEY (id)) INHERITS (asset);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000008', 'Depot'); INSERT INTO asset (org_id, label) SELECT id, 'desk' FROM org;
         INSERT INTO vehicle (org_id, label, plate, partner) SELECT o.id, 'van', 'VN 7', a.id FROM org o, asset a",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'asset', 'resource', project_column => 'org_id')",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{LOOP}')")).await;
    assert_eq!(failure.code, "55000");
    assert!(
        failure
            .message
            .contains("public.vehicle inherits from public.asset")
            && failure.hint.contains("store_table"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_table('s', 'vehicle', 'resource', project_column => 'org_id')")
        .await;
    let clone = db.clone_project(&format!("'{LOOP}'")).await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', a.tableoid::regclass, a.label, (SELECT p.org_id = a.org_id FROM asset p WHERE p.id = a.partner)) FROM asset a WHERE org_id = '{clone}' ORDER BY 1")).await,
        ["asset|desk", "vehicle|van|t"]
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.number("SELECT count(*) FROM asset").await, 2);
}

#[tokio::test]
async fn large_objects_are_copied_and_the_sources_outlive_the_clone() {
    let db = described(
        "CREATE EXTENSION lo; CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE scan (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, pic lo);
         CREATE TRIGGER t BEFORE UPDATE OR DELETE ON scan FOR EACH ROW EXECUTE FUNCTION lo_manage(pic);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000008', 'Lab'); INSERT INTO scan (org_id, pic) SELECT id, lo_from_bytea(0, '\\x89504e47') FROM org; INSERT INTO scan (org_id) SELECT id FROM org",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'scan', 'resource', project_column => 'org_id')",
    )
    .await;
    db.rows(&format!("SELECT * FROM project_clone_plan('{LOOP}')"))
        .await;
    assert_eq!(
        db.number("SELECT count(*) FROM pg_largeobject_metadata").await,
        1,
        "a plan writes nothing"
    );
    let clone = db.clone_project(&format!("'{LOOP}'")).await;
    assert_eq!(
        db.number("SELECT count(DISTINCT pic) FROM scan WHERE lo_get(pic) = '\\x89504e47'")
            .await,
        2
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(
        db.list("SELECT lo_get(pic) FROM scan WHERE pic IS NOT NULL")
            .await,
        ["\\x89504e47"]
    );
    assert_eq!(db.number("SELECT count(*) FROM pg_largeobject_metadata").await, 1);
}

/// Rows lost without a word: a row with the tenant whose key is that of a row without one, which belongs through it (profiles of users), or
/// through another row (articles of nodes).
#[tokio::test]
async fn rows_that_share_their_key_with_rows_that_belong_through_them_are_cloned() {
    for (key, value) in [
        ("serial", "300 + n"),
        ("uuid DEFAULT gen_random_uuid()", "md5(n::text)::uuid"),
        ("text", "'acc_' || substr(md5(n::text), 1, 16)"),
    ] {
        let kind = key.split(' ').next().unwrap().replace("serial", "int");
        let db = discovered(
            &format!(
                "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('a'), ('b');
                 CREATE TABLE account (id {key} PRIMARY KEY, mail text); INSERT INTO account SELECT {value}, 'm' || n FROM generate_series(1, 20) n;
                 CREATE TABLE profile (id {kind} PRIMARY KEY REFERENCES account, org_id int NOT NULL REFERENCES org, n int); INSERT INTO profile SELECT {value}, 1 + n % 2, n FROM generate_series(1, 20) n;
                 CREATE TABLE login (id serial PRIMARY KEY, account_id {kind} NOT NULL REFERENCES account, n int); INSERT INTO login (account_id, n) SELECT id, n FROM profile;
                 CREATE TABLE section (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO section (org_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n;
                 CREATE TABLE node (id {key} PRIMARY KEY, section_id int NOT NULL REFERENCES section); INSERT INTO node SELECT {value}, 1 + n % 10 FROM generate_series(1, 20) n;
                 CREATE TABLE article (node_id {kind} PRIMARY KEY REFERENCES node, org_id int NOT NULL REFERENCES org, n int); INSERT INTO article SELECT k.id, s.org_id, row_number() OVER () FROM node k JOIN section s ON s.id = section_id;
                 CREATE TABLE remark (id serial PRIMARY KEY, article_id {kind} NOT NULL REFERENCES article, n int); INSERT INTO remark (article_id, n) SELECT node_id, n FROM article"
            ),
            "org",
        )
        .await;
        if kind == "int" {
            db.run("SELECT setval('account_id_seq', 1000), setval('node_id_seq', 1000)")
                .await;
        }
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_verified(&db, &clone).await;
        for rows in [
            "SELECT concat_ws(' ', a.mail, p.n, l.n) FROM profile p JOIN account a USING (id) JOIN login l ON l.account_id = a.id WHERE p.org_id = ",
            "SELECT concat_ws(' ', a.n, r.n) FROM article a JOIN node k ON k.id = a.node_id JOIN section s ON s.id = k.section_id AND s.org_id = a.org_id JOIN remark r ON r.article_id = a.node_id WHERE a.org_id = ",
        ] {
            let (source, copy) = (
                db.list(&format!("{rows}2 ORDER BY 1")).await,
                db.list(&format!("{rows}{clone} ORDER BY 1")).await,
            );
            assert!(
                source.len() == 10 && source == copy,
                "{key} {rows}: {source:?} {copy:?}"
            );
        }
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.text("SELECT concat_ws(' ', (SELECT count(*) FROM account), (SELECT count(*) FROM profile), (SELECT count(*) FROM node), (SELECT count(*) FROM article))").await, "20 20 20 20");
        // A row of another tenant has the key.
        db.run("UPDATE section SET org_id = 1").await;
        let refused = db.fails("SELECT project_clone('2')").await;
        let key = refused.message.split('"').nth(1).unwrap_or_default();
        assert_eq!(refused.code, "55000", "{refused:?}");
        assert_eq!(
            refused.message,
            format!(
                "a row of public.article belongs to the project, but the row of public.node with its key \"{key}\" does not"
            )
        );
    }
}
