//! Casts that a user has made for a type of their own are never called: a column of that type in somebody's table is no reason to
//! run its owner's code.

use pg_clone_tests::scratch_database::Scratch;

/// Types of another role.
const TYPES: &str = "CREATE TABLE public.called (what text); GRANT INSERT ON public.called TO PUBLIC;
    DROP ROLE IF EXISTS cast_owner; CREATE ROLE cast_owner; CREATE SCHEMA theirs AUTHORIZATION cast_owner; GRANT USAGE ON SCHEMA theirs TO PUBLIC; SET ROLE cast_owner;
    CREATE TYPE theirs.kind AS ENUM ('x', 'y', 'z'); CREATE TYPE theirs.pair AS (a theirs.kind, b int); CREATE DOMAIN theirs.dom AS theirs.kind;
RESET ROLE";

/// Casts to every type that generated SQL might ask for.
const CASTS: &str = "SET ROLE cast_owner;
    DO $$ DECLARE source text; target text; name text; BEGIN
        FOREACH source IN ARRAY '{theirs.kind,theirs.kind[],theirs.pair}'::text[] LOOP FOREACH target IN ARRAY '{text,varchar,json,jsonb,uuid,int8,numeric,bytea}'::text[] LOOP
            name := replace(replace(source, '[]', 's'), 'theirs.', '') || '_' || target;
            EXECUTE format('CREATE FUNCTION theirs.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.called VALUES (%L); RETURN NULL; END $f$', name, source, target, name);
            EXECUTE format('CREATE CAST (%s AS %s) WITH FUNCTION theirs.%I(%s) AS %s', source, target, name, source, CASE WHEN target = 'text' AND source <> 'theirs.kind' THEN 'IMPLICIT' ELSE 'ASSIGNMENT' END);
        END LOOP; END LOOP; END $$; RESET ROLE";

#[tokio::test]
async fn no_cast_that_a_user_has_made_is_called() {
    let db = Scratch::with_extension().await;
    db.run(TYPES).await;
    db.run(
        "CREATE TABLE org (id bigserial PRIMARY KEY, name text, level theirs.kind, levels theirs.kind[], pair theirs.pair, dom theirs.dom);
         CREATE TABLE shelf (org_id bigint NOT NULL REFERENCES org, kind theirs.kind NOT NULL, label text UNIQUE, PRIMARY KEY (org_id, kind));
         CREATE TABLE item (id text PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, kind theirs.kind, kinds theirs.kind[], pair theirs.pair, dom theirs.dom,
             doc jsonb, note text, ref_type theirs.kind, ref_id bigint, FOREIGN KEY (org_id, kind) REFERENCES shelf, UNIQUE (org_id, kind, dom), UNIQUE (org_id, pair, kinds));
         CREATE TABLE part (kind theirs.kind, id bigserial, org_id bigint NOT NULL REFERENCES org, item_id text REFERENCES item, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
         CREATE TABLE part_x PARTITION OF part FOR VALUES IN ('x'); CREATE TABLE part_y PARTITION OF part DEFAULT;
         CREATE TABLE outside (kind theirs.kind PRIMARY KEY, name text); INSERT INTO outside VALUES ('x', 'one');
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN COALESCE(NEW, OLD); END $$;
         CREATE TRIGGER touch BEFORE INSERT OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION touch();
         INSERT INTO org (name, level, levels, pair, dom) VALUES ('a', 'x', '{x,y}', '(x,1)', 'y'), ('b', 'y', '{}', NULL, NULL);
         INSERT INTO shelf SELECT id, k::theirs.kind, 'shelf ' || id || k FROM org, unnest('{x,y}'::text[]) k;
         INSERT INTO item SELECT 'cus_Abc123DEF456gh' || o.id || k, o.id, k::theirs.kind, ARRAY[k]::theirs.kind[], ROW(k, 1)::theirs.pair, 'x', '{\"a\": 1}', 'text', k::theirs.kind, 1 FROM org o, unnest('{x,y}'::text[]) k;
         INSERT INTO part (kind, org_id, item_id) SELECT i.kind, i.org_id, i.id FROM item i",
    )
    .await;
    let called = async |after: &str| {
        assert_eq!(
            db.list("SELECT DISTINCT what FROM called").await,
            Vec::<String>::new(),
            "{after}"
        );
    };
    db.run(CASTS).await;
    db.run("SELECT clone.store_discover('org')").await;
    called("store_discover").await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')")
        .await;
    let answers = "SELECT answer FROM clone.store_check('s') WHERE severity = 'error' AND answer <> ''";
    for answer in db.list(answers).await {
        db.run(&answer).await;
    }
    called("store_create and store_check").await;
    db.run("SELECT * FROM project_clone_plan('1')").await;
    called("project_clone_plan").await;
    let clone = db.clone_project("'1'").await;
    called("project_clone").await;
    for arguments in ["", ", sample => 1"] {
        assert_eq!(
            db.list(&format!("SELECT concat_ws(' ', check_name, subject, found) FROM project_clone_verify('{clone}'{arguments}) WHERE NOT ok")).await,
            Vec::<String>::new()
        );
        called(arguments).await;
    }
    db.run(&format!(
        "SELECT project_clone('1', options => '{{\"replace\": \"{clone}\", \"verify\": true}}')"
    ))
    .await;
    called("a refresh").await;
    db.run(&format!("SELECT project_delete('{clone}', options => '{{\"dry_run\": true}}'); SELECT project_delete('{clone}')")).await;
    called("project_delete").await;
    assert_eq!(db.number("SELECT count(*) FROM item").await, 4);
}
