//! Which table the keys in a column name, where a type beside them, a table that is not described or a former state says it.

use super::super::{answer_all, discovered, open};
use crate::assert_verified;

/// Three tenants.
const TENANTS: &str = "CREATE TABLE org (id serial PRIMARY KEY, name text NOT NULL); INSERT INTO org (name) VALUES ('A'), ('B'), ('C');";

/// A table with this many rows for each tenant.
fn table(name: &str, rows: u32) -> String {
    format!(
        "CREATE TABLE {name} (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, title text);
         INSERT INTO {name} (org_id, title) SELECT a, '{name} ' || n FROM generate_series(1, {rows}) n, generate_series(1, 3) a ORDER BY n, a;"
    )
}

const QUESTIONS: &str =
    "SELECT concat_ws(' ', severity, question, answer) FROM clone.store_check('s') WHERE severity <> 'note'";

#[tokio::test]
async fn a_key_of_a_person_with_a_type_beside_it_is_one_of_a_pair() {
    let db = discovered(
        &format!(
            "{TENANTS} {} {} CREATE TABLE assets (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, tag text, assigned_to int, assigned_type text);
             INSERT INTO assets (org_id, tag, assigned_to, assigned_type) SELECT a, 'A' || n, CASE WHEN n % 2 = 0 THEN (n * 3 % 7) * 3 + a ELSE (n * 5 % 6) * 3 + a END, CASE WHEN n % 2 = 0 THEN 'App\\Models\\User' ELSE 'App\\Models\\Location' END
             FROM generate_series(1, 10) n, generate_series(1, 3) a ORDER BY n, a",
            table("users", 7),
            table("locations", 6)
        ),
        "org",
    )
    .await;
    assert_eq!(
        db.list(QUESTIONS).await,
        [
            "error public.assets.assigned_to with assigned_type looks like a reference to a row of one of several tables SELECT clone.store_polymorphic('s', 'public.assets', 'assigned_to', type_column => 'assigned_type');"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2'").await;
    let named = |org: &str| {
        format!(
            "SELECT concat_ws(' ', a.tag, COALESCE(u.title, l.title)) FROM assets a LEFT JOIN users u ON u.id = a.assigned_to AND u.org_id = a.org_id AND a.assigned_type LIKE '%User'
             LEFT JOIN locations l ON l.id = a.assigned_to AND l.org_id = a.org_id AND a.assigned_type LIKE '%Location' WHERE a.org_id = {org} ORDER BY 1"
        )
    };
    assert_eq!(db.list(&named(&clone)).await, db.list(&named("2")).await);
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn one_type_or_types_of_something_else_make_no_pair() {
    for types in [
        "'user'",
        "CASE n % 3 WHEN 0 THEN 'user' WHEN 1 THEN 'by hand' ELSE 'by rule' END",
    ] {
        let db = discovered(
            &format!(
                "{TENANTS} {} CREATE TABLE assets (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, tag text, assigned_to int, assigned_type text);
                 INSERT INTO assets (org_id, tag, assigned_to, assigned_type) SELECT a, 'A' || n, (n * 3 % 7) * 3 + a, {types} FROM generate_series(1, 10) n, generate_series(1, 3) a ORDER BY n, a",
                table("users", 7)
            ),
            "org",
        )
        .await;
        assert_eq!(
            db.list("SELECT format('%s.%s %s', relation, \"column\", target) FROM clone.store_reference")
                .await,
            ["assets.assigned_to users"],
            "{types}"
        );
    }
}

#[tokio::test]
async fn values_of_fields_are_looked_at_where_rows_belong_through_their_field() {
    let db = discovered(
        &format!(
            "{TENANTS} {} {} CREATE TABLE custom_fields (id serial PRIMARY KEY, org_id int NOT NULL, name text, field_format varchar(30));
             CREATE TABLE custom_values (id serial PRIMARY KEY, customized_type varchar(30), customized_id int, custom_field_id int, value text);
             INSERT INTO custom_fields (org_id, name, field_format) SELECT a, f, f FROM (VALUES (1, 'user'), (2, 'string'), (3, 'int')) v (n, f), generate_series(1, 3) a ORDER BY n, a;
             INSERT INTO custom_values (customized_type, customized_id, custom_field_id, value) SELECT 'Issue', i.id, c.id, CASE field_format WHEN 'user' THEN (31 - i.id - (31 - i.id - i.org_id) % 3)::text WHEN 'int' THEN '7' ELSE 'abc' END
             FROM issues i JOIN custom_fields c ON c.org_id = i.org_id ORDER BY i.id",
            table("users", 10),
            table("issues", 10)
        ),
        "org",
    )
    .await;
    assert_eq!(open(&db).await, ["error public.custom_values.value"]);
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM custom_values v JOIN custom_fields f ON f.id = v.custom_field_id AND f.field_format = 'user' JOIN users u ON u.id::text = v.value AND u.org_id = f.org_id WHERE f.org_id = {clone}"
        ))
        .await,
        10
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_number_that_is_unique_only_with_a_level_beside_it_is_no_plain_key() {
    let db = discovered(
        &format!(
            "{TENANTS} {} {} CREATE TABLE modules (id serial PRIMARY KEY, part int NOT NULL); INSERT INTO modules (part) SELECT id FROM parts, generate_series(1, 2) n ORDER BY n, id;
             CREATE TABLE files (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text); INSERT INTO files (org_id, name) SELECT 1 + n % 3, 'f' FROM generate_series(1, 72) n;
             CREATE TABLE context (id serial PRIMARY KEY, contextlevel int NOT NULL, instanceid int NOT NULL, UNIQUE (contextlevel, instanceid));
             INSERT INTO context (contextlevel, instanceid) SELECT 30, id FROM users UNION ALL SELECT 50, id FROM parts UNION ALL SELECT 70, id FROM modules",
            table("users", 8),
            table("parts", 12)
        ),
        "org",
    )
    .await;
    let question = "SELECT question FROM clone.store_check('s') WHERE severity = 'error' AND subject = 'public.context.instanceid' AND answer IS NULL";
    for asked in [db.text(question).await, {
        db.run("SELECT clone.store_table('s', 'modules', 'derived', id_column => 'id', parent => 'parts', join_column => 'part')")
            .await;
        db.text(question).await
    }] {
        assert!(
            asked.contains("type_column => 'contextlevel', type_values => <type>, belongs => true)"),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn rows_with_the_names_of_tables_are_types() {
    let db = discovered(
        &format!(
            "{TENANTS} {} {} CREATE TABLE object_lookups (id serial PRIMARY KEY, name text UNIQUE); INSERT INTO object_lookups (name) VALUES ('Ticket'), ('User');
             CREATE TABLE activity_streams (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, object_lookup_id int REFERENCES object_lookups, o_id int);
             INSERT INTO activity_streams (org_id, object_lookup_id, o_id) SELECT org_id, 1, id FROM tickets ORDER BY id; INSERT INTO activity_streams (org_id, object_lookup_id, o_id) SELECT org_id, 2, id FROM users ORDER BY id",
            table("users", 4),
            table("tickets", 10)
        ),
        "org",
    )
    .await;
    assert_eq!(
        db.text("SELECT answer FROM clone.store_check('s') WHERE severity = 'error'")
            .await,
        "SELECT clone.store_reference('s', 'public.activity_streams', 'o_id', 'public.users', type_column => 'object_lookup_id', type_values => '{2}'); \
         SELECT clone.store_reference('s', 'public.activity_streams', 'o_id', 'public.tickets', type_column => 'object_lookup_id', type_values => '{1}');"
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2'").await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM activity_streams s LEFT JOIN tickets t ON t.id = s.o_id AND t.org_id = s.org_id LEFT JOIN users u ON u.id = s.o_id AND u.org_id = s.org_id WHERE s.org_id = {clone} AND CASE s.object_lookup_id WHEN 1 THEN t.id ELSE u.id END IS NOT NULL"
        ))
        .await,
        14
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn that_a_table_has_one_row_for_each_of_another_says_nothing_of_a_third() {
    let db = discovered(
        &format!(
            "{TENANTS} {} {} {} CREATE TABLE issueassignee (id serial PRIMARY KEY, issue_id int NOT NULL UNIQUE REFERENCES issue, team_id int REFERENCES team);
             INSERT INTO issueassignee (issue_id, team_id) SELECT i.id, t.id FROM issue i JOIN team t ON t.org_id = i.org_id AND t.title = 'team ' || (1 + i.id % 4) ORDER BY i.id;
             CREATE TABLE auditlogentry (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, event int, target_object int);
             INSERT INTO auditlogentry (org_id, event, target_object) SELECT org_id, 20, id FROM team ORDER BY id; INSERT INTO auditlogentry (org_id, event, target_object) SELECT org_id, 30, id FROM project ORDER BY id",
            table("team", 4),
            table("project", 5),
            table("issue", 10)
        ),
        "org",
    )
    .await;
    let asked = db.list(QUESTIONS).await;
    assert!(
        asked.len() == 1
            && asked[0].starts_with("error public.auditlogentry.target_object looks like a key of ")
            && asked[0].ends_with("<table>, type_column => 'event', type_values => <type>)"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_names_a_table_of_an_open_question_waits_for_it() {
    let db = discovered(
        "CREATE TABLE z_realm (id serial PRIMARY KEY, name text); CREATE TABLE z_userprofile (id serial PRIMARY KEY, realm_id int NOT NULL REFERENCES z_realm, full_name text, recipient_id int);
         CREATE TABLE z_stream (id serial PRIMARY KEY, realm_id int NOT NULL REFERENCES z_realm, name text, recipient_id int); CREATE TABLE z_huddle (id serial PRIMARY KEY, huddle_hash varchar(40) UNIQUE);
         CREATE TABLE z_recipient (id serial PRIMARY KEY, type_id int NOT NULL, type smallint NOT NULL, UNIQUE (type, type_id));
         CREATE TABLE z_message (id serial PRIMARY KEY, realm_id int NOT NULL REFERENCES z_realm, sender_id int REFERENCES z_userprofile, recipient_id int REFERENCES z_recipient);
         INSERT INTO z_realm (name) VALUES ('A'), ('B'), ('C');
         INSERT INTO z_userprofile (realm_id, full_name) SELECT a, 'U' || n FROM generate_series(1, 5) n, generate_series(1, 3) a ORDER BY n, a; INSERT INTO z_recipient (type_id, type) SELECT id, 1 FROM z_userprofile ORDER BY id;
         INSERT INTO z_stream (realm_id, name) SELECT a, 'S' || n FROM generate_series(1, 4) n, generate_series(1, 3) a ORDER BY n, a; INSERT INTO z_recipient (type_id, type) SELECT id, 2 FROM z_stream ORDER BY id;
         INSERT INTO z_huddle (huddle_hash) SELECT md5('h' || n) FROM generate_series(1, 9) n; INSERT INTO z_recipient (type_id, type) SELECT id, 3 FROM z_huddle ORDER BY id;
         UPDATE z_userprofile u SET recipient_id = r.id FROM z_recipient r WHERE type = 1 AND type_id = u.id; UPDATE z_stream u SET recipient_id = r.id FROM z_recipient r WHERE type = 2 AND type_id = u.id;
         INSERT INTO z_message (realm_id, sender_id, recipient_id) SELECT s.realm_id, s.realm_id, s.recipient_id FROM generate_series(1, 4) n, z_stream s ORDER BY n, s.id",
        "z_realm",
    )
    .await;
    let errors = "SELECT subject || COALESCE(' ' || answer, '') FROM clone.store_check('s') WHERE severity = 'error' ORDER BY 1";
    assert_eq!(db.list(errors).await, ["public.z_recipient.type_id"]);
    db.run(
        "SELECT clone.store_reference('s', 'z_recipient', 'type_id', 'z_userprofile', type_column => 'type', type_values => '{1}', belongs => true);
         SELECT clone.store_reference('s', 'z_recipient', 'type_id', 'z_stream', type_column => 'type', type_values => '{2}', belongs => true); SELECT clone.store_table('s', 'z_recipient', 'derived', id_column => 'id')",
    )
    .await;
    assert_eq!(
        db.list(errors).await[1..],
        [
            "public.z_stream.recipient_id SELECT clone.store_reference('s', 'public.z_stream', 'recipient_id', 'public.z_recipient');",
            "public.z_userprofile.recipient_id SELECT clone.store_reference('s', 'public.z_userprofile', 'recipient_id', 'public.z_recipient');"
        ]
    );
}

#[tokio::test]
async fn a_previous_stage_is_a_stage_where_tables_have_a_prefix() {
    let db = discovered(
        "CREATE TABLE crm_org (id serial PRIMARY KEY, name text); CREATE TABLE crm_stage (id serial PRIMARY KEY, crm_org_id int NOT NULL REFERENCES crm_org, name text);
         CREATE TABLE crm_deal (id serial PRIMARY KEY, crm_org_id int NOT NULL REFERENCES crm_org, title text, stage_id int REFERENCES crm_stage, previous_stage_id int, previous_deal_id int, history jsonb);
         INSERT INTO crm_org (name) VALUES ('A'), ('B'), ('C'); INSERT INTO crm_stage (crm_org_id, name) SELECT a, 'S' || n FROM generate_series(1, 6) n, generate_series(1, 3) a ORDER BY n, a;
         INSERT INTO crm_deal (crm_org_id, title, stage_id, previous_stage_id, previous_deal_id) SELECT a, 'D' || n, (n % 6) * 3 + a, CASE WHEN n % 2 = 0 THEN (n % 4) * 3 + a END, CASE WHEN n > 1 THEN (n - 2) * 3 + a END FROM generate_series(1, 10) n, generate_series(1, 3) a ORDER BY n, a;
         UPDATE crm_deal SET history = jsonb_build_array(jsonb_build_object('at', 1700000000, 'prev_stage', previous_stage_id, 'stage', stage_id)) WHERE previous_stage_id IS NOT NULL",
        "crm_org",
    )
    .await;
    answer_all(&db, "answer").await;
    assert_eq!(
        db.list("SELECT concat_ws(' ', \"column\", path, target) FROM clone.store_reference ORDER BY 1")
            .await,
        [
            "history $..['prev_stage'] crm_stage",
            "history $..['stage'] crm_stage",
            "previous_deal_id crm_deal",
            "previous_stage_id crm_stage"
        ]
    );
}

#[tokio::test]
async fn versions_that_name_their_document_have_keys_of_their_own() {
    for key in ["REFERENCES document", ""] {
        let db = discovered(
            &format!(
                "{TENANTS} {} CREATE TABLE document_version (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, document_id int NOT NULL {key}, nr int NOT NULL, body text, UNIQUE (document_id, nr));
                 INSERT INTO document_version (id, document_id, nr, body) SELECT row_number() OVER (ORDER BY n, id), id, n, 'text ' || n FROM document, generate_series(1, 2) n",
                table("document", 5)
            ),
            "org",
        )
        .await;
        assert_eq!(open(&db).await, [""; 0], "{key}");
    }
}

#[tokio::test]
async fn a_type_of_a_shared_table_does_not_hide_the_others() {
    let tables = format!(
        "{TENANTS} CREATE TABLE auth_user (id serial PRIMARY KEY, email text); INSERT INTO auth_user (email) SELECT 'u' || n FROM generate_series(1, 40) n; {} {}
         CREATE TABLE alert_action (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, target_type smallint, target_identifier text);
         INSERT INTO alert_action (org_id, target_type, target_identifier) SELECT org_id, 2, id::text FROM team ORDER BY id;
         INSERT INTO alert_action (org_id, target_type, target_identifier) SELECT a, 1, ((n * 7 + a * 11) % 40 + 1)::text FROM generate_series(1, 5) n, generate_series(1, 3) a",
        table("team", 3),
        table("issue", 10)
    );
    for shared in ["", "SELECT clone.store_shared('s', 'auth_user')"] {
        let db = discovered(&tables, "org").await;
        db.run(shared).await;
        let asked = db.list(QUESTIONS).await;
        // Those of teams are keys of issues, too.
        assert!(
            asked.len() == 1
                && asked[0].starts_with("error public.alert_action.target_identifier with target_type ")
                && asked[0].ends_with("type_column => 'target_type', type_values => <type>)"),
            "{shared}: {asked:?}"
        );
    }
}

#[tokio::test]
async fn a_word_within_the_name_of_a_setting_says_of_which_table_its_list_holds_keys() {
    let db = discovered(
        &format!(
            "{TENANTS} {} {} CREATE TABLE prefs (id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users, key text, value text);
             INSERT INTO prefs (user_id, key, value) SELECT u.id, 'sidebar.groups.order', (SELECT string_agg(g.id::text, ',' ORDER BY md5(u.id || '-' || g.id)) FROM groups g WHERE g.org_id = u.org_id) FROM users u;
             INSERT INTO prefs (user_id, key, value) SELECT id, 'locale', 'en' FROM users",
            table("users", 7),
            table("groups", 6)
        ),
        "org",
    )
    .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s')").await,
        [
            "public.prefs.value holds keys in rows with certain values of key: of public.groups (sidebar.groups.order)"
        ]
    );
}

#[tokio::test]
async fn members_of_values_that_php_has_serialised_have_names() {
    for (member, asked) in [("page", true), ("size", false)] {
        let db = discovered(
            &format!(
                "{TENANTS} {} CREATE TABLE events (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, properties text);
                 INSERT INTO events (org_id, properties) SELECT org_id, 'a:2:{{s:4:\"{member}\";i:' || id || ';s:5:\"limit\";s:2:\"10\";}}' FROM pages WHERE id % 2 = 1 ORDER BY id",
                table("pages", 20)
            ),
            "org",
        )
        .await;
        let subjects = if asked {
            vec!["error public.events.properties"]
        } else {
            vec![]
        };
        assert_eq!(open(&db).await, subjects, "{member}");
    }
}

#[tokio::test]
async fn a_name_means_no_table_whose_rows_are_of_other_tenants_if_another_one_fits() {
    let db = discovered(
        &format!(
            "{TENANTS} {} {}
             CREATE TABLE catalog_category_product (id serial PRIMARY KEY, category_id int NOT NULL, product_id int NOT NULL);
             INSERT INTO catalog_category_product (category_id, product_id) SELECT c.id, p.id FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM catalog_category_entity) c
                 JOIN (SELECT *, row_number() OVER (PARTITION BY org_id ORDER BY -id) AS n FROM catalog_product_entity) p ON p.org_id = c.org_id AND p.n = 1 + c.n / 3 ORDER BY c.id",
            table("catalog_category_entity", 19),
            table("catalog_product_entity", 20),
        ),
        "org",
    )
    .await;
    // The names of all three begin with catalog_.
    assert_eq!(
        db.list("SELECT r.comment || ': ' || d.target FROM clone.store_relation r JOIN clone.store_reference d ON d.relation = r.relation AND d.\"column\" = 'product_id' WHERE r.relation = 'catalog_category_product'::regclass").await,
        ["column category_id by its name: catalog_product_entity"]
    );
    answer_all(&db, "answer").await;
    assert_verified(&db, &db.clone_project("'2'").await).await;
}

#[tokio::test]
async fn a_parent_that_every_row_has_is_none_of_the_own_table() {
    // The parents of addresses are orders, whose numbers addresses have, too.
    let tables = |parent: &str| {
        format!(
            "{TENANTS} {} CREATE TABLE contacts (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); CREATE TABLE order_address (id serial PRIMARY KEY, contact_id int REFERENCES contacts, parent_id int NOT NULL, street text);
             INSERT INTO order_address (parent_id, street) SELECT {parent}, 's' || o.id FROM orders o CROSS JOIN generate_series(0, 1) WITH ORDINALITY AS k (n) ORDER BY o.id, k.n",
            table("orders", 20)
        )
    };
    let db = discovered(&tables("61 - o.id"), "org").await;
    assert_eq!(
        db.text(
            "SELECT question FROM clone.store_check('s') WHERE subject = 'public.order_address.parent_id'"
        )
        .await,
        "public.order_address.parent_id looks like a key of public.orders: all 60 values that were looked at are"
    );
    // A root that names itself, and its tree.
    let db = discovered(&format!("{TENANTS} {} ALTER TABLE folders ADD parent_id int; UPDATE folders SET parent_id = CASE WHEN id < 7 THEN id ELSE id - 6 END", table("folders", 20)), "org").await;
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_reference WHERE \"column\" = 'parent_id'")
            .await,
        1
    );
}

#[tokio::test]
async fn values_of_attributes_are_keys_by_their_type_and_of_the_tenant_too() {
    // The types of attributes are those of all tenants. Numbers that are keys of several tables say nothing.
    let db = discovered(
        "CREATE TABLE org (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE); INSERT INTO org (name) VALUES ('Alpha'), ('Beta'), ('Gamma');
         CREATE TABLE location (location_id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text); INSERT INTO location (org_id, name) SELECT 1 + n % 3, 'l' || n FROM generate_series(1, 24) n;
         CREATE TABLE room (room_id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, name text); INSERT INTO room (org_id, name) SELECT org_id, name FROM location;
         CREATE TABLE person (person_id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, org_id int NOT NULL REFERENCES org, words text); INSERT INTO person (org_id, words) SELECT org_id, name FROM location;
         CREATE TABLE person_attribute_type (person_attribute_type_id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text, format text);
         INSERT INTO person_attribute_type (name, format) VALUES ('Race', 'java.lang.String'), ('Health center', 'org.openmrs.Location'), ('Org', 'java.lang.Integer'), ('Children', 'java.lang.Integer');
         CREATE TABLE person_attribute (person_attribute_id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, person_id int NOT NULL REFERENCES person, value varchar(50) NOT NULL, person_attribute_type_id int NOT NULL);
         INSERT INTO person_attribute (person_id, value, person_attribute_type_id) SELECT p.person_id, v.value, v.type FROM person p JOIN location l ON l.name = p.words CROSS JOIN LATERAL (VALUES ('r' || p.words, 1), (l.location_id::text, 2), (p.org_id::text, 3), ((p.person_id % 4)::text, 4)) v (value, type);
         CREATE TABLE visit_attribute (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, person_id int NOT NULL REFERENCES person, field_no int NOT NULL, value varchar(50));
         INSERT INTO visit_attribute (person_id, field_no, value) SELECT p.person_id, 1, l.location_id::text FROM person p JOIN location l ON l.name = p.words UNION ALL SELECT person_id, 2, 'x' FROM person",
        "org",
    )
    .await;
    let said = db
        .list("SELECT question || ' ' || (answer IS NULL)::text FROM clone.store_check('s') WHERE severity = 'error' ORDER BY subject")
        .await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("public.person_attribute.value holds keys in rows of fields with certain values of public.person_attribute_type.format: of public.location (org.openmrs.Location)") && said[0].ends_with("false"),
        "{said:?}"
    );
    assert!(
        said[1].contains(
            "Those in rows with 1 are keys of several tables, and the data do not say which is meant"
        ) && said[1].ends_with("true"),
        "{said:?}"
    );
    db.run("SELECT clone.store_reference('s', 'public.visit_attribute', 'value', 'public.location', condition => 'field_no = 1')").await;
    answer_all(&db, "answer").await;
    let clone = db
        .clone_project("'2', 'copy', options => '{\"verify\": true}'")
        .await;
    for (condition, rows) in [
        (
            "a.person_attribute_type_id = 2 AND a.value = l.location_id::text",
            8,
        ),
        ("a.person_attribute_type_id = 3 AND a.value = p.org_id::text", 8),
        ("a.person_attribute_type_id = 4 AND a.value::int < 4", 8),
    ] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM person_attribute a JOIN person p USING (person_id) JOIN location l ON l.name = p.words AND l.org_id = p.org_id WHERE p.org_id = {clone} AND {condition}")).await,
            rows,
            "{condition}"
        );
    }
    assert_verified(&db, &clone).await;
}
