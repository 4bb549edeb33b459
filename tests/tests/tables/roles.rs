//! Every column role on every type, on both insert paths: a correct value, or an error that lists possible roles; never a crash.

use pg_clone_tests::scratch_database::Scratch;

const ROLES: &str = "{keep,map,rewrite,project,version,key,name,owner,now,new_uuid,null,value,default}";

async fn matrix() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(include_str!("../../fixtures/role_matrix.sql")).await;
    db.run("SET TimeZone = 'Asia/Tokyo'; SET client_min_messages = warning")
        .await;
    db
}

#[tokio::test]
async fn every_role_on_every_type_is_refused_or_right() {
    let db = matrix().await;
    let types = db.list("SELECT * FROM public.all_types()").await;
    assert!(types.len() > 120, "{types:?}");
    let mut wrong = Vec::new();
    for name in &types {
        // Arrays take one of the paths, by turns.
        let paths = match name.ends_with("[]") {
            true if name.len() % 2 == 0 => "{on}",
            true => "{off}",
            false => "{on,off}",
        };
        wrong.extend(
            db.list(&format!(
                "SELECT * FROM public.try_roles($t${name}$t$, '{ROLES}', '{paths}')"
            ))
            .await,
        );
    }
    assert!(
        wrong.is_empty(),
        "{} of {} types: {wrong:#?}",
        wrong.len(),
        types.len()
    );
}

#[tokio::test]
async fn two_thousand_random_roles_types_and_paths_crash_nothing() {
    let db = matrix().await;
    db.run("SELECT setseed(0.42); SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'public.org', 'project');
            CREATE TABLE tried (roles int, refused int, cloned boolean)")
        .await;
    // Ten columns of any type with any role in each of 200 tables.
    for _ in 0..200 {
        db.run(&format!(
            "DO $$
             DECLARE
                 types text[] := ARRAY(SELECT t FROM public.all_types() t ORDER BY random() LIMIT 10);
                 role text;
                 refused int := 0;
                 ok boolean := true;
             BEGIN
                 EXECUTE 'DROP TABLE IF EXISTS public.r; CREATE TABLE public.r (id pg_catalog.uuid PRIMARY KEY DEFAULT gen_random_uuid(), org pg_catalog.uuid, '
                     || (SELECT string_agg(format('c%s %s', n, t), ', ') FROM unnest(types) WITH ORDINALITY AS u (t, n)) || ')';
                 BEGIN
                     EXECUTE 'INSERT INTO public.r SELECT gen_random_uuid(), ''11111111-1111-4111-8111-111111111111'', '
                         || (SELECT string_agg(format('%L::%s', public.sample(t), t), ', ' ORDER BY n) FROM unnest(types) WITH ORDINALITY AS u (t, n)) || ' FROM generate_series(1, 3)';
                 EXCEPTION WHEN not_null_violation THEN
                 END;
                 PERFORM clone.store_table('s', 'public.r', 'resource', project_column => 'org', id_column => 'id', document_column => '');
                 FOR n IN 1..10 LOOP
                     role := ('{ROLES}'::text[])[1 + floor(random() * 13)::int];
                     BEGIN
                         PERFORM clone.store_column('s', 'public.r', ('c' || n)::name, role, value => public.sample(types[n]));
                     EXCEPTION WHEN invalid_parameter_value THEN
                         refused := refused + 1;
                     END;
                 END LOOP;
                 PERFORM set_config('pg_clone.bulk', CASE WHEN random() < 0.5 THEN 'on' ELSE 'off' END, true);
                 BEGIN
                     -- A name or an owner that no column takes is an error.
                     PERFORM project_clone('11111111-1111-4111-8111-111111111111',
                         name => (SELECT 'N' FROM clone.store_column c WHERE c.store = 's' AND c.role = 'name' LIMIT 1),
                         owner => (SELECT '22222222-2222-4222-8222-222222222222' FROM clone.store_column c WHERE c.store = 's' AND c.role = 'owner' LIMIT 1));
                 EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
                     ok := false;
                 END;
                 INSERT INTO tried VALUES (10, refused, ok);
                 PERFORM clone.store_remove_table('s', 'public.r');
             END $$"
        ))
        .await;
    }
    assert_eq!(db.number("SELECT sum(roles) FROM tried").await, 2000);
    assert!(db.number("SELECT count(*) FROM tried WHERE cloned").await > 50);
    assert!(db.number("SELECT sum(refused) FROM tried").await > 500);
}

#[tokio::test]
async fn now_is_local_time_in_the_types_precision() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id uuid PRIMARY KEY, a timestamp, b timestamp(0), c date, d time(0), e timestamptz(3), f timetz);
         INSERT INTO org (id) VALUES ('11111111-1111-4111-8111-111111111111');
         SELECT clone.store_create('s', 'custom');
         SELECT clone.store_table('s', 'org', 'project', columns => '{\"a\": \"now\", \"b\": \"now\", \"c\": \"now\", \"d\": \"now\", \"e\": \"now\", \"f\": \"now\"}');
         SET TimeZone = 'Asia/Tokyo'",
    )
    .await;
    for bulk in ["on", "off"] {
        assert_eq!(
            db.text(&format!(
                "SET pg_clone.bulk = {bulk}; BEGIN; CREATE TEMP TABLE made ON COMMIT DROP AS SELECT (project_clone('11111111-1111-4111-8111-111111111111')->>'id')::uuid AS id;
                 SELECT (a, b, c, d, e, f) = (now()::timestamp, now()::timestamp(0), now()::date, now()::time(0), now()::timestamptz(3), now()::timetz) FROM org JOIN made USING (id)"
            ))
            .await,
            "t",
            "{bulk}"
        );
        db.run("ROLLBACK").await;
    }
}
