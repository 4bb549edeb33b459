//! Triggers and rules that add rows to a clone, or keep its rows back.

use crate::{assert_verified, contents, described, description::discovered};

const TABLES: &str = "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
    CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, t text);
    CREATE TABLE entry (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item_id int NOT NULL REFERENCES item, what text);
    INSERT INTO org (name) VALUES ('Ours'); INSERT INTO item (org_id, t) VALUES (1, 'a'), (1, 'b'); INSERT INTO entry (item_id, what) SELECT id, 'made' FROM item;";
const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id'); SELECT clone.store_table('s', 'entry', 'derived', parent => 'item')";

#[tokio::test]
async fn rows_that_a_trigger_adds_to_the_clone_are_refused_unless_they_are_wanted() {
    let db = described(
        &format!(
            "{TABLES} CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.entry (item_id, what) VALUES (NEW.id, ''logged''); RETURN NEW; END';
             CREATE TRIGGER log AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION log()"
        ),
        STORE,
    )
    .await;
    let before = contents(&db, &["org", "item", "entry"]).await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(failure.code, "0A000", "{failure:?}");
    assert_eq!(
        failure.message,
        "more rows of public.entry belong to the clone than were made for it: 4 instead of 2"
    );
    assert!(failure.hint.contains("{\"triggers\": \"skip\"}"), "{failure:?}");
    assert_eq!(contents(&db, &["org", "item", "entry"]).await, before);
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"skip\"}'")
        .await;
    assert_verified(&db, &clone).await;
    let count = |clone: &str| {
        format!("SELECT count(*) FROM entry e JOIN item i ON i.id = e.item_id WHERE i.org_id = {clone}")
    };
    assert_eq!(db.number(&count(&clone)).await, 2);
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"fire\"}'")
        .await;
    assert_eq!(db.number(&count(&clone)).await, 4);
}

#[tokio::test]
async fn a_table_with_a_rule_for_insert_is_refused_before_anything_is_written() {
    for rule in [
        "CREATE RULE other AS ON INSERT TO item DO ALSO INSERT INTO entry (item_id, what) VALUES (NEW.id, 'ruled')",
        "CREATE RULE other AS ON INSERT TO item WHERE NEW.t = 'a' DO INSTEAD NOTHING",
        "CREATE RULE other AS ON INSERT TO item DO INSTEAD INSERT INTO entry (item_id, what) VALUES (1, NEW.t)",
    ] {
        let db = described(&format!("{TABLES} {rule}"), STORE).await;
        for call in ["project_clone", "project_clone_plan"] {
            let failure = db.fails(&format!("SELECT * FROM {call}('1')")).await;
            assert_eq!(failure.code, "0A000", "{rule}: {failure:?}");
            assert!(
                failure
                    .hint
                    .contains("ALTER TABLE public.item DISABLE RULE \"other\""),
                "{failure:?}"
            );
        }
        db.run("ALTER TABLE item DISABLE RULE other").await;
        let clone = db.clone_project("'1'").await;
        assert_verified(&db, &clone).await;
    }
}

/// Chatwoot numbers the conversations of each account by a sequence that a trigger of the accounts makes.
#[tokio::test]
async fn the_tenants_row_is_there_before_rows_whose_triggers_need_it() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE talk (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL, number int, UNIQUE (org_id, number));
         CREATE FUNCTION make() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE format(''CREATE SEQUENCE public.talks_of_%s'', NEW.id); RETURN NEW; END';
         CREATE FUNCTION count_on() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.number := nextval(format(''public.talks_of_%s'', NEW.org_id)); RETURN NEW; END';
         CREATE TRIGGER make AFTER INSERT ON org FOR EACH ROW EXECUTE FUNCTION make();
         CREATE TRIGGER count_on BEFORE INSERT ON talk FOR EACH ROW EXECUTE FUNCTION count_on();
         INSERT INTO org (name) VALUES ('Ours'), ('Theirs'); INSERT INTO talk (org_id) VALUES (1), (1), (2), (1)",
        "SELECT clone.store_table('s', 'talk', 'resource', project_column => 'org_id'); SELECT clone.store_table('s', 'org', 'project')",
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT number FROM talk WHERE org_id = {clone} ORDER BY id"
        ))
        .await,
        ["1", "2", "3"]
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("INSERT INTO talk (org_id) VALUES ({clone})"))
        .await;
}

#[tokio::test]
async fn a_trigger_beside_a_computed_column_is_noticed_too() {
    let db = described(
        &format!(
            "{TABLES} ALTER TABLE item ADD shown text GENERATED ALWAYS AS (t || '!') STORED;
             CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.entry (item_id, what) VALUES (NEW.id, ''logged''); RETURN NEW; END';
             CREATE TRIGGER log AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION log()"
        ),
        STORE,
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(failure.code, "0A000", "{failure:?}");
    // Rows that are wanted are no fault.
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"fire\", \"verify\": true}'")
        .await;
    let rows = db
        .list(&format!(
            "SELECT expected || '|' || found || '|' || ok FROM project_clone_verify('{clone}') WHERE check_name = 'rows' AND subject = 'public.entry'"
        ))
        .await;
    assert_eq!(rows, ["at least 2|4|true"]);
}

#[tokio::test]
async fn a_trigger_that_keeps_rows_from_deletion_is_an_error() {
    let db = described(
        &format!(
            "{TABLES} ALTER TABLE entry ADD hidden boolean;
             CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.entry SET hidden = true WHERE id = OLD.id; RETURN NULL; END'"
        ),
        STORE,
    )
    .await;
    let clone = db.clone_project("'1'").await;
    db.run("CREATE TRIGGER hide BEFORE DELETE ON entry FOR EACH ROW EXECUTE FUNCTION hide(); ALTER TABLE entry DROP CONSTRAINT entry_item_id_fkey")
        .await;
    db.run("SELECT clone.store_refresh('s'); SELECT clone.store_reference('s', 'entry', 'item_id', 'item')")
        .await;
    let before = contents(&db, &["org", "item", "entry"]).await;
    for call in [
        format!("SELECT project_delete('{clone}')"),
        format!("SELECT project_clone('1', options => '{{\"replace\": \"{clone}\"}}')"),
    ] {
        let failure = db.fails(&call).await;
        assert_eq!(failure.code, "0A000", "{failure:?}");
        assert_eq!(
            failure.message,
            "2 rows of public.entry were not deleted: a trigger of the table keeps them"
        );
        assert_eq!(contents(&db, &["org", "item", "entry"]).await, before);
    }
    db.run("ALTER TABLE entry DISABLE TRIGGER hide").await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
}

#[tokio::test]
async fn values_that_a_trigger_changes_are_refused_unless_they_are_wanted() {
    // What the trigger does with a row, and the columns that the error names.
    for (change, columns) in [
        ("NEW.t := 'new';", Some("column t")),
        (
            "NEW.number := (SELECT COALESCE(max(number), 0) + 1 FROM public.item);",
            Some("column number"),
        ),
        (
            "NEW.data := NEW.data || '{\"by\": \"trigger\"}'; NEW.t := NEW.t || '';",
            Some("column data"),
        ),
        // The same numbers, in other rows.
        ("NEW.number := 10 - NEW.number;", Some("columns")),
        ("NEW.number := NEW.number; NEW.t := trim(NEW.t);", None),
        // A new row has the time at which it is written.
        ("NEW.changed_at := clock_timestamp();", None),
    ] {
        let db = described(
            &format!(
                "{TABLES} ALTER TABLE item ADD number int, ADD data jsonb DEFAULT '{{}}', ADD changed_at timestamptz DEFAULT '2020-01-01'; UPDATE item SET number = 4 + 2 * (id - 1);
                 CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN {change} RETURN NEW; END $f$;
                 CREATE TRIGGER put BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION put()"
            ),
            STORE,
        )
        .await;
        let before = contents(&db, &["org", "item", "entry"]).await;
        let Some(columns) = columns else {
            assert_verified(&db, &db.clone_project("'1'").await).await;
            continue;
        };
        let failure = db.fails("SELECT project_clone('1')").await;
        assert_eq!(failure.code, "0A000", "{change}: {failure:?}");
        assert_eq!(
            failure.message,
            format!("a trigger of public.item changes {columns} in the rows of the clone")
        );
        assert!(failure.hint.contains("{\"triggers\": \"skip\"}"), "{failure:?}");
        assert_eq!(contents(&db, &["org", "item", "entry"]).await, before, "{change}");
        for options in [
            "{\"triggers\": \"skip\", \"verify\": true}",
            "{\"triggers\": \"fire\"}",
        ] {
            db.clone_project(&format!("'1', options => '{options}'")).await;
        }
        if columns == "column t" {
            db.run("SELECT clone.store_column('s', 'item', 't', 'default')")
                .await;
            db.clone_project("'1'").await;
        }
    }
}

#[tokio::test]
async fn a_trigger_of_a_partition_that_changes_values_is_noticed() {
    let db = described(
        "CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
         CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY, org_id int NOT NULL REFERENCES org, t text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
         CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (1) TO (1000000);
         INSERT INTO org (name) VALUES ('Ours'); INSERT INTO item (org_id, t) VALUES (1, 'a'), (1, 'b');
         CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.t := ''x''; RETURN NEW; END';
         CREATE TRIGGER put BEFORE INSERT ON item_1 FOR EACH ROW EXECUTE FUNCTION put()",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id')",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(
        failure.message,
        "a trigger of public.item changes column t in the rows of the clone"
    );
    db.run("ALTER TABLE item_1 DISABLE TRIGGER put").await;
    assert_verified(&db, &db.clone_project("'1'").await).await;
}

#[tokio::test]
async fn rows_that_triggers_change_are_refused_and_rows_that_they_log_are_told() {
    for trigger in [
        "CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.item SET t = ''touched''; RETURN NULL; END'; CREATE TRIGGER put AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION put()",
        "CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.item SET t = ''new'' WHERE id = NEW.id; RETURN NULL; END'; CREATE TRIGGER put AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION put()",
        "CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.org SET name = name || ''+'' WHERE id = NEW.org_id; RETURN NEW; END'; CREATE TRIGGER put BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION put()",
        "CREATE TABLE total (n int); INSERT INTO total VALUES (0); CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.total; RETURN NULL; END'; CREATE TRIGGER put AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION put()",
        "CREATE TABLE total (n int); INSERT INTO total VALUES (0); CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE public.total; RETURN NULL; END'; CREATE TRIGGER put AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION put()",
    ] {
        let db = described(&format!("{TABLES} {trigger}"), STORE).await;
        let before = contents(&db, &["org", "item", "entry"]).await;
        let failure = db.fails("SELECT project_clone('1')").await;
        assert_eq!(failure.code, "0A000", "{trigger}: {failure:?}");
        let emptied = "a trigger of the store's tables has removed all rows of public.total with TRUNCATE, or has rewritten it";
        let changed = failure
            .message
            .starts_with("a trigger of the store's tables has changed or deleted");
        assert!(changed || failure.message == emptied, "{failure:?}");
        assert_eq!(contents(&db, &["org", "item", "entry"]).await, before);
        for options in ["skip", "fire"] {
            db.clone_project(&format!("'1', options => '{{\"triggers\": \"{options}\"}}'"))
                .await;
        }
    }
    let db = described(
        &format!("{TABLES} CREATE TABLE log (at timestamptz DEFAULT now(), what text); CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log (what) VALUES (NEW.t); RETURN NULL; END'; CREATE TRIGGER put AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION put()"),
        STORE,
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.list(&format!(
            "SELECT jsonb_array_elements_text(todo) FROM clone.run WHERE target_project = '{clone}'"
        ))
        .await,
        [
            "triggers have added 2 rows to public.log, which the store does not describe: a deletion of the clone leaves them"
        ]
    );
}

#[tokio::test]
async fn deferred_triggers_act_before_the_checks_and_foreign_keys_stay_deferred() {
    let deferred = "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()";
    let function = |body: &str| {
        format!(
            "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN {body} RETURN NULL; END $f$; {deferred}"
        )
    };
    for (setup, message) in [
        (
            function("UPDATE public.item SET t = 'late' WHERE id = NEW.id;"),
            "a trigger of the store's tables has changed or deleted 2 rows of public.item",
        ),
        (
            function("INSERT INTO public.entry (item_id, what) VALUES (NEW.id, 'late');"),
            "more rows of public.entry belong to the clone than were made for it: 4 instead of 2",
        ),
        // A deferred trigger of a table that the store does not describe, into which a deferred trigger of the store writes.
        (
            format!(
                "CREATE TABLE log (item_id int); CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.item SET t = ''later'' WHERE id = NEW.item_id; RETURN NULL; END';
                 CREATE CONSTRAINT TRIGGER late AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later(); {}",
                function("INSERT INTO public.log VALUES (NEW.id);")
            ),
            "a trigger of the store's tables has changed or deleted 2 rows of public.item",
        ),
        // Of a partition.
        (
            format!(
                "CREATE TABLE part (id int GENERATED ALWAYS AS IDENTITY, org_id int NOT NULL, t text) PARTITION BY RANGE (org_id); CREATE TABLE part_1 PARTITION OF part DEFAULT; INSERT INTO part (org_id, t) VALUES (1, 'a');
                 SELECT clone.store_table('s', 'part', 'derived', project_column => 'org_id');
                 CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.part SET t = ''late'' WHERE id = NEW.id; RETURN NULL; END'; {}",
                deferred.replace("item", "part_1")
            ),
            "a trigger of the store's tables has changed or deleted 1 rows of public.part_1",
        ),
    ] {
        let db = described(TABLES, STORE).await;
        db.run(&setup).await;
        db.run("SELECT clone.store_refresh('s')").await;
        let before = contents(&db, &["org", "item", "entry"]).await;
        let failure = db.fails("SELECT project_clone('1')").await;
        assert_eq!(failure.code, "0A000", "{setup}: {failure:?}");
        assert_eq!(failure.message, message, "{setup}");
        assert!(failure.hint.contains("{\"triggers\": \"skip\"}"), "{failure:?}");
        assert_eq!(contents(&db, &["org", "item", "entry"]).await, before);
        for options in ["skip", "fire"] {
            db.clone_project(&format!("'1', options => '{{\"triggers\": \"{options}\"}}'"))
                .await;
        }
    }
    // A check of the application needs all rows of the clone; afterwards it and a foreign key are deferred as before.
    let db = described(
        &format!(
            "{TABLES} ALTER TABLE entry ALTER CONSTRAINT entry_item_id_fkey DEFERRABLE INITIALLY DEFERRED; {}",
            function("IF NOT EXISTS (SELECT FROM entry e WHERE e.item_id = NEW.id) THEN RAISE EXCEPTION 'item without entry'; END IF;")
        ),
        STORE,
    )
    .await;
    let clone = db.clone_project("'1'").await;
    assert_verified(&db, &clone).await;
    db.run("BEGIN; SELECT project_clone('1'); INSERT INTO entry (item_id, what) VALUES (100, 'first'); INSERT INTO item (id, org_id) OVERRIDING SYSTEM VALUE VALUES (100, 1); COMMIT")
        .await;
    db.run("BEGIN; SELECT project_clone('1'); INSERT INTO item (id, org_id) OVERRIDING SYSTEM VALUE VALUES (101, 1); INSERT INTO entry (item_id, what) VALUES (101, 'second'); COMMIT")
        .await;
    let failure = db
        .fails("BEGIN; SELECT project_clone('1'); INSERT INTO item (org_id) VALUES (1); COMMIT")
        .await;
    assert_eq!(failure.message, "item without entry");
}

#[tokio::test]
async fn what_triggers_do_is_seen_without_the_servers_counters_too() {
    let db = described(
        &format!("{TABLES} CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE public.item SET t = ''new'' WHERE id = NEW.id; RETURN NULL; END'; CREATE TRIGGER put AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION put(); SET track_counts = off"),
        STORE,
    )
    .await;
    let failure = db
        .fails("SET track_counts = off; SELECT project_clone('1')")
        .await;
    assert_eq!(
        failure.message,
        "a trigger of the store's tables has changed or deleted 2 rows of public.item"
    );
    db.run("SET track_counts = off").await;
    db.clone_project("'1', options => '{\"triggers\": \"fire\"}'")
        .await;
    assert_eq!(db.list("SHOW track_counts").await, ["off"]);
}

#[tokio::test]
async fn rows_that_a_trigger_adds_to_a_table_of_the_store_for_another_project_are_refused_unless_they_are_wanted()
 {
    let parts = "CREATE TABLE event (id int GENERATED ALWAYS AS IDENTITY, org_id int NOT NULL REFERENCES org, t text) PARTITION BY LIST (org_id);
         CREATE TABLE event_rest PARTITION OF event DEFAULT; INSERT INTO event (org_id, t) VALUES (1, 'own');";
    let plain = "CREATE TABLE event (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, t text); INSERT INTO event (org_id, t) VALUES (1, 'own');";
    for event in [plain, parts] {
        let db = described(
            &format!(
                "{TABLES} INSERT INTO org (name) VALUES ('Theirs'); {event}
                 CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.event (org_id, t) VALUES (2, NEW.t); RETURN NEW; END';
                 CREATE TRIGGER tell AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION tell()"
            ),
            &format!("{STORE}; SELECT clone.store_table('s', 'event', 'derived', project_column => 'org_id')"),
        )
        .await;
        let tables = ["org", "item", "entry", "event"];
        let before = contents(&db, &tables).await;
        let failure = db.fails("SELECT project_clone('1')").await;
        assert_eq!(failure.code, "0A000", "{failure:?}");
        assert_eq!(
            failure.message,
            "a trigger of the store's tables has added 2 rows to public.event beside those of the clone"
        );
        assert!(failure.hint.contains("{\"triggers\": \"fire\"}"), "{failure:?}");
        assert_eq!(contents(&db, &tables).await, before);
        let clone = db
            .clone_project("'1', options => '{\"triggers\": \"fire\"}'")
            .await;
        assert_verified(&db, &clone).await;
        db.run("DROP TRIGGER tell ON item").await;
        let clone = db.clone_project("'1'").await;
        assert_verified(&db, &clone).await;
    }
}

#[tokio::test]
async fn an_error_of_a_trigger_names_its_function() {
    let db = discovered(
        "CREATE TABLE tenants (id bigserial PRIMARY KEY, name text NOT NULL); CREATE TABLE slots (id bigserial PRIMARY KEY, tenant_id bigint NOT NULL, k text);
         INSERT INTO tenants (name) VALUES ('A'), ('B'); INSERT INTO slots (tenant_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n;
         CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO outbox.messages VALUES ('x'); RETURN NULL; END $$;
         CREATE TRIGGER told AFTER INSERT OR DELETE ON slots FOR EACH STATEMENT EXECUTE FUNCTION told()",
        "tenants",
    )
    .await;
    let failure = db.fails("SELECT project_clone('1')").await;
    assert_eq!(
        (failure.code.as_str(), failure.detail.as_str()),
        (
            "42P01",
            "Raised in PL/pgSQL function told() line 1 at SQL statement."
        )
    );
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"skip\"}'")
        .await;
    let failure = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert!(failure.detail.contains("told()"), "{failure:?}");
}

#[tokio::test]
async fn a_trigger_that_changes_a_key_is_refused_also_if_triggers_are_to_fire() {
    let trigger = "CREATE FUNCTION renumber() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id = nextval(''public.item_id_seq''); NEW.t = upper(NEW.t); RETURN NEW; END';
         CREATE TRIGGER renumber BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION renumber();";
    let db = described(&format!("{TABLES} {trigger}"), STORE).await;
    let before = contents(&db, &["org", "item", "entry"]).await;
    let failure = db
        .fails("SELECT project_clone('1', options => '{\"triggers\": \"fire\"}')")
        .await;
    assert_eq!(failure.code, "0A000", "{failure:?}");
    assert_eq!(
        (
            failure.message.as_str(),
            failure.detail.as_str(),
            failure.hint.as_str()
        ),
        (
            "a trigger of public.item changes column id in the rows of the clone",
            "Other rows refer to the keys that these rows were given.",
            "Leave the triggers out: options => '{\"triggers\": \"skip\"}'."
        )
    );
    assert_eq!(contents(&db, &["org", "item", "entry"]).await, before);
    // To a key that nothing names, and to other columns, triggers may do what they like.
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"skip\"}'")
        .await;
    assert_verified(&db, &clone).await;
    let alone = described(
        &format!("{TABLES} DROP TABLE entry; {trigger}"),
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'item', 'resource', project_column => 'org_id')",
    )
    .await;
    let clone = alone
        .clone_project("'1', options => '{\"triggers\": \"fire\"}'")
        .await;
    assert_eq!(
        alone
            .number(&format!(
                "SELECT count(*) FROM item WHERE org_id = {clone} AND t = upper(t)"
            ))
            .await,
        2
    );
}

#[tokio::test]
async fn a_sequence_of_each_project_that_a_skipped_trigger_makes_is_a_task() {
    let db = described(
        &format!(
            "{TABLES} INSERT INTO org (name) VALUES ('Theirs'); CREATE SEQUENCE other_1;
             CREATE FUNCTION number() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE format(''CREATE SEQUENCE public.numbers_%s'', NEW.id); RETURN NULL; END';
             CREATE TRIGGER number AFTER INSERT ON org FOR EACH ROW EXECUTE FUNCTION number(); CREATE SEQUENCE numbers_1; CREATE SEQUENCE numbers_2"
        ),
        STORE,
    )
    .await;
    let todo = "SELECT todo->>0 FROM clone.run ORDER BY id DESC LIMIT 1";
    let clone = db
        .clone_project("'1', options => '{\"triggers\": \"skip\"}'")
        .await;
    assert_eq!(
        db.text(todo).await,
        format!(
            "the source has the sequence public.numbers_1, the clone has none: triggers were skipped. Make public.numbers_{clone}, if the application needs it"
        )
    );
    db.clone_project("'1'").await;
    assert_eq!(
        db.number("SELECT jsonb_array_length(todo) FROM clone.run ORDER BY id DESC LIMIT 1")
            .await,
        0
    );
}
