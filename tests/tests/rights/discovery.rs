//! Discovery reads tables that nobody has named. It must not run code of their owners: planning a query calls functions in predicates and
//! expressions of indexes, in statistics, in checks and in keys of partitions, with the rights of whoever reads.

use pg_clone_tests::scratch_database::Scratch;

/// A store of accounts, and tables of a role that may create tables and refer to those of the store.
const TABLES: &str = "CREATE TABLE accounts (id serial PRIMARY KEY, name text); CREATE TABLE users (id serial PRIMARY KEY, account_id int REFERENCES accounts, kind_id int, object_id int);
    INSERT INTO accounts (name) VALUES ('A'), ('B'); INSERT INTO users (account_id, kind_id, object_id) VALUES (1, 1, 1), (2, 1, 2);
    CREATE TABLE seen (who text); GRANT ALL ON seen TO PUBLIC;
    DROP ROLE IF EXISTS stranger; CREATE ROLE stranger; GRANT CREATE ON SCHEMA public TO stranger; GRANT REFERENCES ON accounts, users TO stranger;
    CREATE SCHEMA theirs AUTHORIZATION stranger; GRANT USAGE ON SCHEMA theirs TO PUBLIC;
    SET ROLE stranger;
    CREATE FUNCTION theirs.look() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN IF current_user <> 'stranger' THEN INSERT INTO public.seen VALUES (current_user); END IF; RETURN true; END $$;
    CREATE FUNCTION theirs.flag() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM theirs.look(); RETURN true; END $$;
    CREATE FUNCTION theirs.one() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM theirs.look(); RETURN 1; END $$;
    CREATE TABLE public.gadgets (id int, account_id int); INSERT INTO gadgets VALUES (1, 1), (2, 2); CREATE INDEX ON gadgets (id) WHERE theirs.flag();
    CREATE TABLE public.widgets (id serial PRIMARY KEY, user_id int REFERENCES users, label text); INSERT INTO widgets (user_id, label) VALUES (1, 'w'), (2, 'v'); CREATE INDEX ON widgets ((theirs.one() + id));
    CREATE TABLE public.counted (id int, account_id int); INSERT INTO counted VALUES (1, 1), (2, 2); CREATE STATISTICS s ON (theirs.one() + id), account_id FROM counted; ANALYZE counted;
    CREATE TABLE public.parts (id int, account_id int) PARTITION BY LIST ((theirs.one() + id)); CREATE TABLE public.part PARTITION OF parts DEFAULT; INSERT INTO parts VALUES (1, 1), (2, 2);
    CREATE TABLE public.checked (id int, accounts text, CHECK (theirs.flag() AND id > 0)); INSERT INTO checked VALUES (1, 'A'), (2, 'B');
    CREATE TABLE public.kinds (id int PRIMARY KEY, name text); INSERT INTO kinds VALUES (1, 'k'); CREATE INDEX ON kinds (id) WHERE theirs.flag();
    CREATE TABLE public.object (id int PRIMARY KEY, name text); INSERT INTO object VALUES (1, 'k'), (2, 'l'); CREATE INDEX ON object ((theirs.one() + id));
    CREATE TABLE public.django_content_type (id int, app_label text, model text); INSERT INTO django_content_type VALUES (1, 'public', 'accounts'); CREATE INDEX ON django_content_type (id) WHERE theirs.flag();
    RESET ROLE; DELETE FROM seen";

#[tokio::test]
async fn discovery_runs_no_code_of_owners_of_tables_that_nobody_named() {
    let db = Scratch::with_extension().await;
    db.run(TABLES).await;
    let nothing_ran = async |after: &str| {
        assert_eq!(
            db.list("SELECT DISTINCT who FROM seen").await,
            Vec::<String>::new(),
            "{after}"
        );
    };
    for round in ["first", "second"] {
        db.run("SELECT clone.store_discover('accounts')").await;
        nothing_ran(&format!("{round} store_discover")).await;
    }
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"accounts\"}')")
        .await;
    nothing_ran("store_create").await;
    db.run("SELECT clone.store_create('c', 'custom'); SELECT clone.store_table('c', 'accounts', 'project'); SELECT clone.store_table('c', 'users', 'resource', project_column => 'account_id')")
        .await;
    for store in ["s", "c"] {
        db.run(&format!("SELECT clone.store_check('{store}')")).await;
        db.run(&format!("SELECT clone.store_refresh('{store}')")).await;
        nothing_ran(&format!("store_check and store_refresh of {store}")).await;
    }
    // Tables that may hold rows of tenants stop a clone until somebody who knows them says what they are.
    assert_eq!(
        db.list("SELECT subject FROM clone.store_check('s') WHERE severity = 'error' AND question LIKE '%was not read: it belongs to \"stranger\"%' ORDER BY 1")
            .await,
        ["public.counted", "public.gadgets", "public.parts"]
    );
    assert_eq!(
        db.list("SELECT subject FROM clone.store_check('s') WHERE severity = 'error' AND question LIKE '%refers to public.users and is not described%'")
            .await,
        ["public.widgets"]
    );
    db.run("SELECT clone.store_shared('s', t::regclass) FROM unnest('{counted,gadgets,parts,widgets}'::text[]) AS t")
        .await;
    assert_eq!(
        db.list("SELECT DISTINCT severity FROM clone.store_check('s') WHERE question LIKE '%was not read%'")
            .await,
        ["note"]
    );
    nothing_ran("answers").await;
    db.run("SELECT * FROM project_clone_plan('1', store => 'c')")
        .await;
    nothing_ran("project_clone_plan").await;
}

/// The role that discovers, and the owner of the tenants' table, are trusted.
#[tokio::test]
async fn tables_of_the_tenants_owner_are_discovered_by_any_role() {
    let db = Scratch::with_extension().await;
    db.run(
        "DROP ROLE IF EXISTS app_owner; CREATE ROLE app_owner; GRANT CREATE ON SCHEMA public TO app_owner; SET ROLE app_owner;
         CREATE TABLE accounts (id serial PRIMARY KEY, name text); CREATE TABLE users (id serial PRIMARY KEY, account_id int); INSERT INTO accounts (name) VALUES ('A'), ('B');
         INSERT INTO users (account_id) SELECT 1 + i % 2 FROM generate_series(1, 20) i; RESET ROLE;
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"accounts\"}')",
    )
    .await;
    assert_eq!(
        db.list("SELECT relation::text FROM clone.store_relation ORDER BY 1")
            .await,
        ["accounts", "users"]
    );
}
