//! The error of a constraint that rejects a row of a clone names table and constraint and has a hint.

use super::{assert_verified, described};
use pg_clone_tests::scratch_database::Failure;

const ORG: &str = "a0000000-0000-4000-8000-000000000009";

/// The error of the last of `clones` clones on the SQL path; it fails on the bulk path too.
async fn refused(tables: &str, store: &str, clones: u32) -> Failure {
    refused_on("on", tables, store, clones).await;
    refused_on("off", tables, store, clones).await
}

async fn refused_on(bulk: &str, tables: &str, store: &str, clones: u32) -> Failure {
    let db = described(
        &format!(
            "CREATE TABLE org (id uuid PRIMARY KEY, name text); INSERT INTO org VALUES ('{ORG}', 'O');
             CREATE TABLE item (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, slug text, n int, during tstzrange);
             INSERT INTO item VALUES (md5('i')::uuid, '{ORG}', 'slug', 1, '[2026-01-01,2026-02-01)'); {tables}"
        ),
        &format!(
            "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id'); {store}"
        ),
    )
    .await;
    db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
    for number in 1..clones {
        db.clone_project(&format!("'{ORG}', 'c{number}'")).await;
    }
    let before = db.number("SELECT count(*) FROM item").await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}', 'last')")).await;
    assert_eq!(db.number("SELECT count(*) FROM item").await, before);
    assert!(
        failure.hint.ends_with('.') && (failure.hint.contains("clone.") || failure.hint.contains("triggers")),
        "{bulk}: {failure:?}"
    );
    failure
}

#[tokio::test]
async fn a_constant_that_a_second_clone_meets() {
    let failure = refused(
        "CREATE UNIQUE INDEX item_slug ON item (slug)",
        "SELECT clone.store_column('s', 'item', 'slug', 'value', value => 'staging')",
        2,
    )
    .await;
    assert_eq!(failure.code, "55000");
    assert!(
        failure.message.contains("item_slug")
            && failure.hint.contains("public.item")
            && failure.hint.contains("'slug', 'template'"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn rows_of_one_clone_that_meet_each_other() {
    let failure = refused(
        "INSERT INTO item VALUES (md5('j')::uuid, 'a0000000-0000-4000-8000-000000000009', 'other', 2); CREATE UNIQUE INDEX item_slug ON item (org_id, slug)",
        "SELECT clone.store_column('s', 'item', 'slug', 'value', value => 'masked')",
        1,
    )
    .await;
    assert_eq!(failure.code, "55000");
    assert!(failure.hint.contains("'slug', 'template'"), "{failure:?}");
}

#[tokio::test]
async fn an_exclusion_constraint_that_the_plan_cannot_foresee() {
    // The expression reads no column of the source that stays.
    let failure = refused(
        "CREATE EXTENSION btree_gist; INSERT INTO item VALUES (md5('j')::uuid, 'a0000000-0000-4000-8000-000000000009', 'b', 2, '[2027-01-01,2027-02-01)');
         ALTER TABLE item ADD CONSTRAINT item_once EXCLUDE USING gist (org_id WITH =, during WITH &&)",
        "SELECT clone.store_column('s', 'item', 'during', 'value', value => '[2026-01-01,2026-02-01)')",
        1,
    )
    .await;
    assert_eq!(failure.code, "23P01");
    assert!(
        failure.message.contains("item_once") && failure.hint.contains("'during'"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_null_that_a_trigger_puts_into_a_column_that_has_none() {
    let failure = refused(
        "ALTER TABLE item ALTER n SET NOT NULL;
         CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := NULL; RETURN NEW; END';
         CREATE TRIGGER forget BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION forget()",
        "",
        1,
    )
    .await;
    assert_eq!(failure.code, "23502");
    assert!(
        failure.hint.contains("'n', 'value'") && failure.hint.contains("'public.item'"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn checks_and_columns_that_refuse_null_and_foreign_keys() {
    let failure = refused(
        "ALTER TABLE item ADD CONSTRAINT item_n CHECK (n < 5)",
        "SELECT clone.store_column('s', 'item', 'n', 'value', value => '7')",
        1,
    )
    .await;
    assert_eq!(failure.code, "23514");
    assert!(
        failure.hint.contains("item_n") && failure.hint.contains("public.item"),
        "{failure:?}"
    );
    let failure = refused(
        "CREATE DOMAIN small AS int CHECK (VALUE < 5); ALTER TABLE item ALTER n TYPE small",
        "SELECT clone.store_column('s', 'item', 'n', 'expression', value => '7::int')",
        1,
    )
    .await;
    assert_eq!(failure.code, "23514");
    assert!(
        failure.hint.contains("type \"public\".\"small\"") && failure.hint.contains("'expression'"),
        "{failure:?}"
    );
    let failure = refused(
        "CREATE TABLE kind (n int PRIMARY KEY); INSERT INTO kind VALUES (1); ALTER TABLE item ADD CONSTRAINT item_kind FOREIGN KEY (n) REFERENCES kind",
        "SELECT clone.store_column('s', 'item', 'n', 'value', value => '7')",
        1,
    )
    .await;
    assert_eq!(failure.code, "23503");
    assert!(failure.hint.contains("item_kind"), "{failure:?}");
}

#[tokio::test]
async fn a_row_of_a_trigger_is_said_to_be_one() {
    let failure = refused(
        "CREATE TABLE audit (slug text PRIMARY KEY); CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.slug); RETURN NEW; END $$;
         INSERT INTO audit VALUES ('slug'); CREATE TRIGGER audited AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION audited()",
        "SELECT clone.store_column('s', 'item', 'n', 'keep')",
        1,
    )
    .await;
    assert_eq!(failure.code, "23505");
    assert!(
        failure.hint.contains("public.audit") && failure.hint.contains("trigger"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_row_that_a_trigger_has_made_before_and_the_same_clone_without_triggers() {
    let db = described(
        &format!(
            "CREATE TABLE org (id uuid PRIMARY KEY, name text); INSERT INTO org VALUES ('{ORG}', 'O');
             CREATE TABLE item (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, n bigint GENERATED ALWAYS AS IDENTITY, name text);
             CREATE TABLE slot (item_id bigint PRIMARY KEY REFERENCES item, place bigint GENERATED ALWAYS AS IDENTITY);
             CREATE FUNCTION make_slot() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.slot (item_id) VALUES (NEW.id); RETURN NULL; END $f$;
             CREATE TRIGGER make_slot AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION make_slot();
             INSERT INTO item (org_id, name) VALUES ('{ORG}', 'a'), ('{ORG}', 'b')"
        ),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'slot', 'derived', parent => 'item', join_column => 'item_id')",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}', 'c')")).await;
    assert!(
        failure.code == "23505" && failure.hint.contains("\"triggers\": \"skip\""),
        "{failure:?}"
    );
    let clone = db
        .clone_project(&format!("'{ORG}', 'c', options => '{{\"triggers\": \"skip\"}}'"))
        .await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.list(&format!(
            "SELECT concat_ws('|', i.name, i.n > 2, s.place IS NOT NULL) FROM item i JOIN slot s ON s.item_id = i.id WHERE i.org_id = '{clone}' ORDER BY 1"
        ))
        .await,
        ["a|t|t", "b|t|t"]
    );
}

#[tokio::test]
async fn an_id_that_another_session_has_taken_meanwhile() {
    let db = described(
        &format!("CREATE TABLE org (id uuid PRIMARY KEY, name text); INSERT INTO org VALUES ('{ORG}', 'O')"),
        "SELECT clone.store_table('s', 'org', 'project')",
    )
    .await;
    let clone = format!(
        "SELECT project_clone('{ORG}', 'c', options => '{{\"target\": \"a0000000-0000-4000-8000-00000000000a\"}}')"
    );
    let other = db.session().await;
    other.run("BEGIN").await;
    other.run(&clone).await;
    let waiting = db.session().await;
    let (failure, ()) = tokio::join!(waiting.fails(&clone), async {
        db.wait_until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
            .await;
        other.run("COMMIT").await;
    });
    assert!(
        failure.code == "23505" && failure.hint.contains("Another session has made a row"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn values_that_are_made_of_other_rows_differ_in_two_clones_at_a_time() {
    for expression in [
        "",
        "public.next_tree(tree_id)",
        "(TABLE public.highest) + tree_id",
        "public.\"next \"\"tree\"(tree_id)",
        "tree_id OPERATOR(public.#+#) 0",
    ] {
        let tables = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A');
            CREATE TABLE page (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, tree_id int NOT NULL, lft int, rgt int); INSERT INTO page (org_id, tree_id, lft, rgt) VALUES (1, 1, 1, 4), (1, 1, 2, 3), (1, 2, 1, 2);
            CREATE FUNCTION next_tree(tree int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT max(tree_id) + tree FROM public.page';
            CREATE FUNCTION public.\"next \"\"tree\"(tree int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT max(tree_id) + tree FROM public.page'; CREATE VIEW highest AS SELECT max(tree_id) FROM public.page;
            CREATE FUNCTION above(tree int, n int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT max(tree_id) + tree FROM public.page'; CREATE OPERATOR public.#+# (LEFTARG = int, RIGHTARG = int, FUNCTION = above);";
        let db = described(tables, "").await;
        // Discovery finds the tree's number by itself.
        db.run(&if expression.is_empty() {
            "SELECT clone.store_drop('s'); SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')".to_owned()
        } else {
            format!(
                "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'org_id');
                 SELECT clone.store_column('s', 'page', 'tree_id', 'expression', value => '{expression}')"
            )
        })
        .await;
        let other = db.session().await;
        let fixed = db.session().await;
        fixed
            .run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM page")
            .await;
        other.run("BEGIN").await;
        other.run("SELECT project_clone('1', 'c')").await;
        let waiting = db.session().await;
        tokio::join!(waiting.run("SELECT project_clone('1', 'd')"), async {
            db.wait_until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
                .await;
            other.run("COMMIT").await;
        });
        assert_eq!(
            db.number(
                "SELECT count(*) FROM (SELECT FROM page GROUP BY tree_id HAVING count(DISTINCT org_id) > 1) t"
            )
            .await,
            0
        );
        assert_eq!(db.number("SELECT count(DISTINCT tree_id) FROM page").await, 6);
        // Its snapshot does not have the rows of the two clones.
        let failure = fixed.fails("SELECT project_clone('1', 'e')").await;
        assert!(
            failure.code == "55000" && failure.detail.contains("Another clone ended"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn rows_that_a_foreign_key_has_not_checked_are_refused_before_anything_is_written() {
    for (key, value, missing) in [
        ("int GENERATED BY DEFAULT AS IDENTITY (START 5)", "1", "99"),
        ("text", "'usr_9fj3kd02mdk1'", "'gone'"),
        (
            "uuid",
            "'a1000000-0000-4000-8000-0000000000f1'",
            "'b1000000-0000-4000-8000-0000000000f2'",
        ),
    ] {
        let kind = key.split(' ').next().unwrap();
        let db = crate::description::discovered(
            &format!(
                "CREATE TABLE orgs (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text); INSERT INTO orgs (name) VALUES ('A'), ('B');
                 CREATE TABLE parts (id {key} PRIMARY KEY, org_id int NOT NULL REFERENCES orgs); INSERT INTO parts VALUES ({value}, 1);
                 CREATE TABLE uses (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, part_id {kind});
                 INSERT INTO uses (org_id, part_id) VALUES (1, {value}), (1, {missing}), (2, NULL);
                 ALTER TABLE uses ADD FOREIGN KEY (part_id) REFERENCES parts NOT VALID"
            ),
            "orgs",
        )
        .await;
        let refused = db.fails("SELECT project_clone('1', 'C')").await;
        assert_eq!(refused.code, "23503", "{kind}");
        assert!(
            refused
                .message
                .contains("the row with key 2 of public.uses refers to no row of public.parts, which the foreign key uses_part_id_fkey forbids"),
            "{}",
            refused.message
        );
        assert!(
            refused.hint.contains("\"dangling\": \"null\"") && refused.hint.contains("exclude_ids"),
            "{}",
            refused.hint
        );
        let clone = db
            .clone_project("'1', 'C', options => '{\"dangling\": \"null\"}'")
            .await;
        assert_eq!(
            db.list(&format!(
                "SELECT (part_id IS NULL)::text FROM uses WHERE org_id = {clone} ORDER BY id"
            ))
            .await,
            ["false", "true"],
            "{kind}"
        );
        db.clone_project("'1', 'D', exclude_ids => '{uses/2}'").await;
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_null_or_that_a_key_of_several_columns_names_is_left_out_by_hand() {
    let db = crate::description::discovered(
        "CREATE TABLE orgs (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text); INSERT INTO orgs (name) VALUES ('A'), ('B');
         CREATE TABLE parts (id int GENERATED BY DEFAULT AS IDENTITY, no int, org_id int NOT NULL REFERENCES orgs, PRIMARY KEY (id, no)); INSERT INTO parts (no, org_id) VALUES (1, 1);
         CREATE TABLE uses (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, part_id int, no int);
         INSERT INTO uses (org_id, part_id, no) VALUES (1, 1, 1), (1, 99, 1);
         ALTER TABLE uses ADD FOREIGN KEY (part_id, no) REFERENCES parts NOT VALID",
        "orgs",
    )
    .await;
    let refused = db
        .fails("SELECT project_clone('1', 'C', options => '{\"dangling\": \"null\"}')")
        .await;
    assert_eq!(refused.code, "23503");
    assert!(
        refused.hint.starts_with("Leave the row out with exclude_ids"),
        "{}",
        refused.hint
    );
    let clone = db.clone_project("'1', 'C', exclude_ids => '{uses/2}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM uses WHERE org_id = {clone}"))
            .await,
        1
    );
}
