//! Membership of rows: by several references, by an owner, through tables that must be described.

use super::{assert_verified, contents, described};
use crate::description::{answer_all, discovered};

const ORG: &str = "a0000000-0000-4000-8000-000000000005";

#[tokio::test]
async fn rows_belong_by_one_of_several_references_or_because_a_row_owns_them() {
    let db = described(
        "CREATE TABLE settings (id bigserial PRIMARY KEY, color text); CREATE TABLE logo (id bigserial PRIMARY KEY, settings_id bigint NOT NULL REFERENCES settings, file text);
         CREATE TABLE org (id uuid PRIMARY KEY, name text, settings_id bigint NOT NULL UNIQUE REFERENCES settings);
         CREATE TABLE post (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, title text); CREATE TABLE photo (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, url text);
         CREATE TABLE comment (id bigserial PRIMARY KEY, post_id bigint REFERENCES post, photo_id bigint REFERENCES photo, body text);
         CREATE TABLE vote (id bigserial PRIMARY KEY, on_type text NOT NULL, on_id bigint NOT NULL, weight int);
         INSERT INTO settings (color) VALUES ('green'), ('red'); INSERT INTO logo (settings_id, file) VALUES (1, 'g.png'), (2, 'r.png');
         INSERT INTO org VALUES ('b0000000-0000-4000-8000-000000000005', 'Other', 1), ('a0000000-0000-4000-8000-000000000005', 'Ours', 2);
         INSERT INTO post (org_id, title) VALUES ('b0000000-0000-4000-8000-000000000005', 'theirs'), ('a0000000-0000-4000-8000-000000000005', 'Hello');
         INSERT INTO photo (org_id, url) VALUES ('a0000000-0000-4000-8000-000000000005', '1.png'), ('b0000000-0000-4000-8000-000000000005', 'theirs.png');
         INSERT INTO comment (post_id, photo_id, body) VALUES (1, NULL, 'their post'), (2, NULL, 'our post'), (NULL, 1, 'our photo'), (NULL, 2, 'their photo');
         INSERT INTO vote (on_type, on_id, weight) VALUES ('Post', 1, 1), ('Post', 2, 2), ('Photo', 1, 3), ('Photo', 2, 4)",
        "SELECT clone.store_belongs('s', 'settings', '{id}', 'org', '{settings_id}'); SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'settings', 'derived'); SELECT clone.store_table('s', 'logo', 'derived', parent => 'settings');
         SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{post,photo}'::text[]) t;
         SELECT clone.store_table('s', 'comment', 'derived', parent => 'post'); SELECT clone.store_belongs('s', 'comment', '{photo_id}', 'photo');
         SELECT clone.store_reference('s', 'vote', 'on_id', t::regclass, type_column => 'on_type', belongs => true) FROM unnest('{post,photo}'::text[]) t; SELECT clone.store_table('s', 'vote', 'derived')",
    )
    .await;
    let tables = ["settings", "logo", "org", "post", "photo", "comment", "vote"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', s.color, l.file) FROM org o JOIN settings s ON s.id = o.settings_id JOIN logo l ON l.settings_id = s.id WHERE o.id = '{clone}'")).await,
        ["red|r.png"]
    );
    assert_eq!(
        db.list(&format!("SELECT c.body FROM comment c LEFT JOIN post p ON p.id = c.post_id LEFT JOIN photo f ON f.id = c.photo_id WHERE COALESCE(p.org_id, f.org_id) = '{clone}' ORDER BY 1")).await,
        ["our photo", "our post"]
    );
    assert_eq!(
        db.list(&format!("SELECT v.weight FROM vote v WHERE v.on_type = 'Post' AND v.on_id IN (SELECT id FROM post WHERE org_id = '{clone}') OR v.on_type = 'Photo' AND v.on_id IN (SELECT id FROM photo WHERE org_id = '{clone}') ORDER BY 1")).await,
        ["2", "3"]
    );
    assert_eq!(db.number("SELECT count(*) FROM comment").await, 6);
    assert_eq!(db.number("SELECT count(*) FROM vote").await, 6);
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);
}

#[tokio::test]
async fn a_tenant_column_may_name_the_tenants_slug() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, slug text NOT NULL UNIQUE, name text); CREATE TABLE page (id serial PRIMARY KEY, org_slug text NOT NULL REFERENCES org (slug), title text);
         INSERT INTO org (slug, name) VALUES ('a', 'A'), ('b', 'B'); INSERT INTO page (org_slug, title) VALUES ('a', 'of a'), ('b', 'of b')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'org_slug')",
    )
    .await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_eq!(
        db.list(&format!(
            "SELECT p.title FROM org o JOIN page p ON p.org_slug = o.slug WHERE o.id = {clone}"
        ))
        .await,
        ["of b"]
    );
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(
        db.list("SELECT title FROM page ORDER BY id").await,
        ["of a", "of b"]
    );
}

#[tokio::test]
async fn references_to_a_tenants_table_that_is_not_described_are_refused() {
    let db = described(
        "CREATE TABLE tenant (id uuid PRIMARY KEY, name text); CREATE TABLE project (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant); CREATE TABLE country (id serial PRIMARY KEY, name text);
         CREATE TABLE task (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenant, project_id bigint NOT NULL REFERENCES project, country_id int REFERENCES country);
         INSERT INTO tenant VALUES ('a0000000-0000-4000-8000-000000000005', 'T'); INSERT INTO project (tenant_id) SELECT id FROM tenant; INSERT INTO country (name) VALUES ('AT'); INSERT INTO task (tenant_id, project_id, country_id) SELECT id, 1, 1 FROM tenant",
        "SELECT clone.store_table('s', 'tenant', 'project'); SELECT clone.store_table('s', 'task', 'resource', project_column => 'tenant_id')",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert!(
        failure.code == "55000"
            && failure
                .message
                .contains("public.task.project_id refers to public.project")
            && failure.hint.contains("store_shared"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_table('s', 'project', 'resource', project_column => 'tenant_id')")
        .await;
    let clone = db.clone_project(&format!("'{ORG}'")).await;
    assert_eq!(db.number(&format!("SELECT count(*) FROM task t JOIN project p ON p.id = t.project_id AND p.tenant_id = t.tenant_id WHERE t.tenant_id = '{clone}' AND country_id = 1")).await, 1);
    assert_verified(&db, &clone).await;
    // A parent that is not described.
    db.run("SELECT clone.store_drop('s'); SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'tenant', 'project'); SELECT clone.store_table('s', 'task', 'derived', parent => 'project')").await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert!(
        failure.code == "55000" && failure.message.contains("belong by public.project"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_trigger_that_gives_rows_to_another_tenant_is_found_by_verification_and_takes_the_clone_back() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE a (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, k text);
         CREATE TABLE c (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, a_id uuid REFERENCES a);
         INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000005', 'X'); INSERT INTO a (org_id, k) SELECT id, 'one' FROM org; INSERT INTO c (org_id, a_id) SELECT org_id, id FROM a;
         CREATE FUNCTION stray() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SELECT a.id INTO NEW.a_id FROM public.a ORDER BY a.org_id DESC LIMIT 1; RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION stray()",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{a,c}'::text[]) t",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{ORG}')")).await;
    assert_eq!(
        failure.message,
        "a trigger of public.c changes column a_id in the rows of the clone"
    );
    let clone = db
        .clone_project(&format!("'{ORG}', options => '{{\"triggers\": \"fire\"}}'"))
        .await;
    assert_eq!(
        db.list(&format!("SELECT check_name || ' ' || subject FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name LIKE 'reference%rows' AND subject LIKE '%c.a_id'")).await,
        ["reference names the source's rows public.c.a_id"]
    );
    let failure = db
        .fails(&format!(
            "SELECT project_clone('{ORG}', options => '{{\"verify\": true, \"triggers\": \"fire\"}}')"
        ))
        .await;
    assert!(
        failure.code == "55000" && failure.message.contains("the clone failed verification"),
        "{failure:?}"
    );
    assert_eq!(db.number("SELECT count(*) FROM org").await, 2);
}

#[tokio::test]
async fn a_row_of_two_projects_is_cloned_and_deleted_only_on_demand() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE TABLE team (id serial PRIMARY KEY, org_id int REFERENCES org, name text);
         CREATE TABLE task (id serial PRIMARY KEY, team_id int REFERENCES team, owner_team int REFERENCES team, title text);
         CREATE TABLE step (id serial PRIMARY KEY, task_id int REFERENCES task, title text);
         INSERT INTO org (name) VALUES ('A'), ('B'); INSERT INTO team (org_id, name) VALUES (1, 'a'), (2, 'b'), (NULL, 'everybody');
         INSERT INTO task (team_id, owner_team, title) VALUES (1, NULL, 'ours'), (1, 3, 'of a shared team'), (2, 2, 'theirs'); INSERT INTO step (task_id, title) VALUES (1, 'ours'), (3, 'theirs')",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'team', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'task', 'resource', parent => 'team', join_column => 'team_id'); SELECT clone.store_belongs('s', 'task', '{owner_team}', 'team');
         SELECT clone.store_table('s', 'step', 'resource', parent => 'task', join_column => 'task_id')",
    )
    .await;
    let tables = ["org", "team", "task", "step"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(
        contents(&db, &tables).await,
        before,
        "rows that name a row of nobody are the project's alone"
    );

    db.run("INSERT INTO task (team_id, owner_team, title) VALUES (1, 2, 'of both')")
        .await;
    for call in [
        "SELECT count(*) FROM project_clone_plan('1', 'Copy')",
        "SELECT project_clone('1', 'Copy')",
    ] {
        let refused = db.fails(call).await;
        assert_eq!(refused.code, "55000", "{call}: {}", refused.message);
        assert_eq!(
            refused.message,
            "1 row of public.task belongs to project \"1\" and to another project too"
        );
    }
    let before = contents(&db, &tables).await;
    let clone = db
        .clone_project("'1', 'Copy', options => '{\"others\": \"include\"}'")
        .await;
    let refused = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(refused.code, "23503");
    assert!(
        refused
            .message
            .contains("1 row of public.task belongs to another project too"),
        "{}",
        refused.message
    );
    db.run(&format!(
        "SELECT project_delete('{clone}', options => '{{\"others\": \"include\"}}')"
    ))
    .await;
    assert_eq!(contents(&db, &tables).await, before);

    db.run("DELETE FROM task WHERE title = 'of both'").await;
    let clone = db.clone_project("'1', 'Copy'").await;
    let team = db
        .number(&format!("SELECT id FROM team WHERE org_id = {clone}"))
        .await;
    db.run(&format!(
        "INSERT INTO task (team_id, owner_team, title) VALUES (2, {team}, 'theirs, with a team of the clone')"
    ))
    .await;
    let before = contents(&db, &tables).await;
    let refused = db.fails(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(refused.code, "23503");
    let refused = db
        .fails(&format!(
            "SELECT project_clone('1', 'Copy', options => '{{\"replace\": \"{clone}\"}}')"
        ))
        .await;
    assert_eq!(refused.code, "23503");
    assert_eq!(
        contents(&db, &tables).await,
        before,
        "a row of another tenant stays"
    );
}

#[tokio::test]
async fn a_text_column_may_name_rows_of_tables_with_keys_of_other_types() {
    for (holds, spelled) in [
        ("text", "lower"),
        ("varchar(40)", "upper"),
        ("char(40)", "lower"),
        ("citext", "upper"),
    ] {
        let db = described(
            &format!(
                "CREATE EXTENSION citext; CREATE SEQUENCE numbers START 10;
                 CREATE TABLE org (id uuid PRIMARY KEY, name text); CREATE TABLE page (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
                 CREATE TABLE task (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org); CREATE TABLE bill (id numeric(20,0) PRIMARY KEY DEFAULT nextval('numbers'), org_id uuid NOT NULL REFERENCES org);
                 CREATE TABLE label (id text PRIMARY KEY, org_id uuid NOT NULL REFERENCES org);
                 CREATE TABLE note (id bigserial PRIMARY KEY, on_type text NOT NULL, on_id {holds} NOT NULL, body text);
                 CREATE TABLE due (id bigserial PRIMARY KEY, bill_no int, bills int[], tasks text[], body text);
                 CREATE TABLE remark (id bigserial PRIMARY KEY, note_key {holds}, body text);
                 INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000005', 'Ours'), ('b0000000-0000-4000-8000-000000000005', 'Theirs');
                 INSERT INTO page VALUES ('aa000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000005'), ('bb000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000005');
                 INSERT INTO task (org_id) VALUES ('a0000000-0000-4000-8000-000000000005'), ('b0000000-0000-4000-8000-000000000005');
                 INSERT INTO bill VALUES (1, 'a0000000-0000-4000-8000-000000000005'), (2, 'b0000000-0000-4000-8000-000000000005');
                 INSERT INTO label VALUES ('1', 'a0000000-0000-4000-8000-000000000005'), ('2', 'b0000000-0000-4000-8000-000000000005');
                 INSERT INTO note (on_type, on_id, body) SELECT 'Page', {spelled}(id::text), org_id::text FROM page UNION ALL SELECT 'Task', id::text, org_id::text FROM task
                     UNION ALL SELECT 'Bill', id::text, org_id::text FROM bill UNION ALL SELECT 'Label', id, org_id::text FROM label;
                 UPDATE note SET body = CASE WHEN body LIKE 'a%' THEN 'ours' ELSE 'theirs' END; INSERT INTO remark (note_key, body) SELECT id::text, body FROM note;
                 INSERT INTO due (bill_no, bills, tasks, body) SELECT id, ARRAY[id], ARRAY[id]::text[], org_id::text FROM bill"
            ),
            "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{page,task,bill,label}'::text[]) t;
             SELECT clone.store_reference('s', 'note', 'on_id', t::regclass, type_column => 'on_type', belongs => true) FROM unnest('{page,task,bill,label}'::text[]) t; SELECT clone.store_table('s', 'note', 'resource');
             SELECT clone.store_reference('s', 'due', 'bill_no', 'bill', belongs => true); SELECT clone.store_reference('s', 'due', 'bills', 'bill'); SELECT clone.store_reference('s', 'due', 'tasks', 'task'); SELECT clone.store_table('s', 'due', 'derived');
             SELECT clone.store_reference('s', 'remark', 'note_key', 'note', belongs => true); SELECT clone.store_table('s', 'remark', 'derived')",
        )
        .await;
        let tables = ["org", "page", "task", "bill", "label", "note", "remark", "due"];
        let before = contents(&db, &tables).await;
        let clone = db
            .clone_project("'a0000000-0000-4000-8000-000000000005', 'Copy'")
            .await;
        let of_clone = |table: &str, kind: &str| {
            format!(
                "SELECT count(*) FROM note n JOIN {table} k ON lower(rtrim(n.on_id::text)) = k.id::text WHERE n.on_type = '{kind}' AND k.org_id = '{clone}'"
            )
        };
        for (table, kind) in [
            ("page", "Page"),
            ("task", "Task"),
            ("bill", "Bill"),
            ("label", "Label"),
        ] {
            assert_eq!(db.number(&of_clone(table, kind)).await, 1, "{holds} {kind}");
        }
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM due d JOIN bill b ON b.id = d.bill_no AND ARRAY[b.id] = d.bills::numeric[] JOIN task k ON k.org_id = b.org_id AND d.tasks = ARRAY[k.id]::text[] WHERE b.org_id = '{clone}'"
            ))
            .await,
            1,
            "{holds}"
        );
        assert_eq!(db.number("SELECT count(*) FROM note").await, 12, "{holds}");
        assert_eq!(
            db.number("SELECT count(*) FROM remark r JOIN note n ON n.id::text = rtrim(r.note_key::text) WHERE r.body = n.body").await,
            12,
            "{holds}"
        );
        assert_verified(&db, &clone).await;
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(contents(&db, &tables).await, before, "{holds}");
    }
}

#[tokio::test]
async fn a_link_between_rows_of_two_projects_belongs_to_both() {
    let db = pg_clone_tests::scratch_database::Scratch::with_extension().await;
    db.run(
        "CREATE TABLE ten (id serial PRIMARY KEY, name text); CREATE TABLE usr (id serial PRIMARY KEY, ten_id int NOT NULL REFERENCES ten, nm text);
         CREATE TABLE grp (id serial PRIMARY KEY, ten_id int NOT NULL REFERENCES ten, nm text);
         CREATE TABLE lnk (usr_id int REFERENCES usr, grp_id int REFERENCES grp, PRIMARY KEY (usr_id, grp_id));
         INSERT INTO ten (name) VALUES ('A'), ('B'); INSERT INTO usr (ten_id) VALUES (1), (2); INSERT INTO grp (ten_id) VALUES (1), (2); INSERT INTO lnk VALUES (1, 1), (2, 2);
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"ten\"}')",
    )
    .await;
    let clone = db
        .clone_project("'1', 'X', options => '{\"verify\": true}'")
        .await;
    assert_verified(&db, &clone).await;
    for link in ["(1, 2)", "(2, 1)"] {
        db.run(&format!("INSERT INTO lnk VALUES {link}")).await;
        for project in [1, 2] {
            let own = db
                .number(&format!(
                    "SELECT count(*) FROM lnk JOIN usr ON usr.id = usr_id WHERE ten_id = {project} AND (usr_id, grp_id) = {link}"
                ))
                .await;
            if own == 0 {
                continue;
            }
            let refused = db.fails(&format!("SELECT project_clone('{project}', 'Y')")).await;
            assert!(
                refused.code == "55000"
                    && refused.message.contains(&format!(
                        "1 row of public.lnk belongs to project \"{project}\" and to another project too"
                    )),
                "{refused:?}"
            );
            let refused = db
                .fails(&format!(
                    "SELECT project_delete('{project}', options => '{{\"force\": true}}')"
                ))
                .await;
            assert!(
                refused.code == "23503" && refused.detail.contains("1 row of public.lnk"),
                "{refused:?}"
            );
        }
        db.run(&format!("DELETE FROM lnk WHERE (usr_id, grp_id) = {link}"))
            .await;
    }
}

#[tokio::test]
async fn a_link_between_two_rows_of_one_table_belongs_to_the_projects_of_both() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE TABLE usr (id serial PRIMARY KEY, org_id int REFERENCES org);
         CREATE TABLE friend (id serial PRIMARY KEY, a int REFERENCES usr, b int REFERENCES usr);
         INSERT INTO org (name) VALUES ('A'), ('B'); INSERT INTO usr (org_id) VALUES (1), (1), (2), (NULL);
         INSERT INTO friend (a, b) VALUES (1, 2), (2, 1), (1, 4), (1, NULL)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'usr', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'friend', 'resource', parent => 'usr', join_column => 'a')",
    )
    .await;
    let tables = ["org", "usr", "friend"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);

    db.run("INSERT INTO friend (a, b) VALUES (1, 3)").await;
    let before = contents(&db, &tables).await;
    let refused = db.fails("SELECT project_clone('1', 'Copy')").await;
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "55000",
            "1 row of public.friend belongs to project \"1\" and to another project too"
        )
    );
    let refused = db
        .fails("SELECT project_delete('1', options => '{\"force\": true}')")
        .await;
    assert_eq!(refused.code, "23503");
    assert!(
        refused
            .detail
            .contains("1 row of public.friend belongs to another project too"),
        "{refused:?}"
    );
    assert_eq!(contents(&db, &tables).await, before);
}

#[tokio::test]
async fn a_row_that_names_a_row_of_its_own_table_in_another_project_belongs_to_both() {
    let db = described(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); CREATE TABLE post (id serial PRIMARY KEY, org_id int REFERENCES org);
         CREATE TABLE remark (id serial PRIMARY KEY, post_id int NOT NULL REFERENCES post, answers int REFERENCES remark);
         INSERT INTO org (name) VALUES ('A'), ('B'); INSERT INTO post (org_id) VALUES (1), (1), (2);
         INSERT INTO remark (post_id, answers) VALUES (1, NULL), (2, 1), (1, 2), (3, NULL), (3, 4)",
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'post', 'resource', project_column => 'org_id');
         SELECT clone.store_table('s', 'remark', 'resource', parent => 'post', join_column => 'post_id')",
    )
    .await;
    let tables = ["org", "post", "remark"];
    let before = contents(&db, &tables).await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_verified(&db, &clone).await;
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);

    db.run("INSERT INTO remark (post_id, answers) VALUES (3, 2)")
        .await;
    let refused = db.fails("SELECT project_clone('2', 'Copy')").await;
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "55000",
            "1 row of public.remark belongs to project \"2\" and to another project too"
        )
    );
    let refused = db
        .fails("SELECT project_delete('2', options => '{\"force\": true}')")
        .await;
    assert!(
        refused
            .detail
            .contains("1 row of public.remark belongs to another project too"),
        "{refused:?}"
    );
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn a_row_that_was_copied_from_another_project_does_not_belong_to_it_if_that_is_said() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE books (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO books (org_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n;
         CREATE TABLE notes (id serial PRIMARY KEY, book_id int NOT NULL REFERENCES books, copied_from_id int REFERENCES notes, t text);
         INSERT INTO notes (book_id, t) SELECT id, 'n' || id FROM books; UPDATE notes SET copied_from_id = 11 - id WHERE id % 3 = 0",
        "org",
    )
    .await;
    let refused = db.fails("SELECT project_clone('2')").await;
    assert_eq!(
        (refused.code.as_str(), refused.hint.as_str()),
        (
            "55000",
            "Correct these rows, or leave them out with clone.store_table(…, live => '…'). If copied_from_id does not say whose the rows are: \
             SELECT clone.store_column('s', 'public.notes', 'copied_from_id', 'map'). Or clone them anyway with options => '{\"others\": \"include\"}'."
        )
    );
    db.run("SELECT clone.store_column('s', 'public.notes', 'copied_from_id', 'map')")
        .await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.list(&format!("SELECT format('%s %s', n.t, n.copied_from_id) FROM notes n JOIN books b ON b.id = n.book_id WHERE b.org_id = {clone} AND n.copied_from_id IS NOT NULL ORDER BY 1")).await,
        ["n3 8", "n9 2"]
    );
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.number("SELECT count(*) FROM notes").await, 10);
}

#[tokio::test]
async fn rows_with_the_primary_key_of_another_row_without_a_foreign_key_are_asked_about() {
    let db = discovered(
        "CREATE TABLE team (id int PRIMARY KEY, name text); INSERT INTO team VALUES (5, 'A'), (9, 'B');
         CREATE TABLE account (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team); INSERT INTO account (team_id) SELECT CASE n % 3 WHEN 0 THEN 5 ELSE 9 END FROM generate_series(1, 30) n;
         CREATE TABLE sale (id int GENERATED BY DEFAULT AS IDENTITY (START 90001) PRIMARY KEY, team_id int NOT NULL REFERENCES team); INSERT INTO sale (team_id) SELECT CASE n % 3 WHEN 0 THEN 5 ELSE 9 END FROM generate_series(1, 30) n;
         CREATE TABLE billing (id int PRIMARY KEY, plan text); INSERT INTO billing VALUES (5, 'gold'), (9, 'free');
         CREATE TABLE avatar (id int PRIMARY KEY, path text); INSERT INTO avatar SELECT id, 'x' FROM account;
         CREATE TABLE note (id int PRIMARY KEY, words text); INSERT INTO note SELECT id, 'x' FROM sale WHERE id % 4 = 0;
         CREATE TABLE colour (id int PRIMARY KEY, title text); INSERT INTO colour SELECT n, 'x' FROM generate_series(1, 12) n",
        "team",
    )
    .await;
    assert_eq!(
        db.list("SELECT subject FROM clone.store_check('s') WHERE severity = 'error' ORDER BY 1")
            .await,
        ["public.avatar.id", "public.billing.id", "public.note.id"]
    );
    answer_all(&db, "answer").await;
    let clone = db
        .clone_project("'5', options => '{\"verify\": true, \"target\": \"105\"}'")
        .await;
    let rows = format!(
        "SELECT concat_ws(' ', (SELECT count(*) FROM billing WHERE id = {clone}), (SELECT count(*) FROM avatar JOIN account USING (id) WHERE team_id = {clone}), (SELECT count(*) FROM note JOIN sale USING (id) WHERE team_id = {clone}), (SELECT count(*) FROM colour))"
    );
    assert_eq!(db.text(&rows).await, "1 10 2 12");
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.text("SELECT concat_ws(' ', (SELECT count(*) FROM billing), (SELECT count(*) FROM avatar), (SELECT count(*) FROM note))").await, "2 30 7");
}
