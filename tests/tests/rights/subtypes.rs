//! The trigger on a registry's table of subtypes runs as the extension's owner: it must not run the code of whoever owns that table.

use pg_clone_tests::scratch_database::Scratch;

const TABLES: &str = "CREATE TABLE rdm.subtype (LIKE clone.registry_subtype INCLUDING ALL); CREATE TABLE rdm.collection (id text PRIMARY KEY, name text, description text, owner_username text, created_timestamp bigint, updated_timestamp bigint);
    CREATE TABLE rdm.item (id text PRIMARY KEY, collection_id text REFERENCES rdm.collection, owner_username text, created_timestamp bigint, updated_timestamp bigint, item_category text, item_subtype text, record_type text,
        workflow_links jsonb, versioning_info jsonb, display_name text, user_metadata jsonb, domain_info jsonb);
    CREATE TABLE rdm.item_auth (id text PRIMARY KEY, owner text, general text[], groups jsonb); CREATE TABLE rdm.item_lock (id text PRIMARY KEY, locked bool DEFAULT false, history jsonb DEFAULT '[]');
    CREATE TABLE rdm.item_history (item_id text, id int, \"timestamp\" bigint, reason text, username text, item jsonb);
    CREATE TABLE rdm.user_role (username text, role text); CREATE TABLE rdm.group_user (group_id text, username text); CREATE TABLE rdm.username_person_link (username text, person_id text);
    CREATE SEQUENCE rdm.pids; CREATE FUNCTION rdm.next_pid() RETURNS text LANGUAGE sql AS $$ SELECT 'r' || nextval('rdm.pids') $$";

/// What climbs if it is executed as somebody else.
const CLIMB: &str = "IF current_user <> 'subtype_owner' THEN ALTER ROLE subtype_owner SUPERUSER; END IF;";

#[tokio::test]
async fn the_owner_of_the_subtypes_gets_no_rights_of_the_extensions_owner() {
    let db = Scratch::with_extension().await;
    db.run(
        "DROP ROLE IF EXISTS subtype_owner; CREATE ROLE subtype_owner LOGIN; CREATE SCHEMA rdm AUTHORIZATION subtype_owner;
         GRANT USAGE ON SCHEMA clone TO subtype_owner; GRANT SELECT ON clone.registry_subtype TO subtype_owner",
    )
    .await;
    let owner = db.session_as("subtype_owner").await;
    owner.run(TABLES).await;
    db.run("SELECT clone.store_create('rdm', 'registry', '{\"id_generator\": \"rdm.next_pid()\"}')")
        .await;
    owner
        .run("INSERT INTO rdm.subtype SELECT * FROM clone.registry_subtype WHERE name IN ('STUDY', 'MODEL')")
        .await;
    let preserved = "SELECT resource_type FROM clone.store_preserved WHERE store = 'rdm' ORDER BY 1";
    assert_eq!(db.list(preserved).await, ["MODEL", "STUDY"]);
    let is_super = "SELECT rolsuper FROM pg_roles WHERE rolname = 'subtype_owner'";
    // A view takes the name of the table that has the trigger.
    owner
        .run(&format!(
            "CREATE FUNCTION rdm.climb() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN {CLIMB} RETURN true; END $$;
             ALTER TABLE rdm.subtype RENAME TO subtype_old; CREATE VIEW rdm.subtype AS SELECT (s).* FROM (SELECT s FROM rdm.subtype_old AS s WHERE rdm.climb()) AS q (s); GRANT SELECT ON rdm.subtype TO PUBLIC"
        ))
        .await;
    owner
        .run("DELETE FROM rdm.subtype_old WHERE name = 'MODEL'")
        .await;
    assert_eq!(db.text(is_super).await, "f");
    assert_eq!(db.list(preserved).await, ["STUDY"]);
    db.run("SELECT clone.store_alter('rdm', '{\"id_generator\": \"rdm.next_pid()\"}')")
        .await;
    assert_eq!(db.text(is_super).await, "f");
    // A type with a cast of its own.
    owner
        .run(&format!(
            "DROP VIEW rdm.subtype; ALTER TABLE rdm.subtype_old RENAME TO subtype; CREATE TYPE rdm.odd AS ENUM ('x');
             CREATE FUNCTION rdm.odd_json(rdm.odd) RETURNS json LANGUAGE plpgsql AS $$ BEGIN {CLIMB} RETURN '1'; END $$; CREATE CAST (rdm.odd AS json) WITH FUNCTION rdm.odd_json(rdm.odd) AS ASSIGNMENT;
             ALTER TABLE rdm.subtype ADD odd rdm.odd DEFAULT 'x'; UPDATE rdm.subtype SET title = title"
        ))
        .await;
    assert_eq!(db.text(is_super).await, "f");
    db.run("SELECT clone.store_drop('rdm'); DROP OWNED BY subtype_owner CASCADE; DROP ROLE subtype_owner")
        .await;
}
