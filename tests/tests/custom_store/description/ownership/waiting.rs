//! Questions that wait for the description of a table which they mean, and types that columns of other tables explain.

use super::super::{answer_all, discovered, open};
use crate::assert_verified;

/// Repositories whose notes are about issues and about merge requests, which name their repositories under other names.
const FORGE: &str = "CREATE TABLE orgs (id serial PRIMARY KEY, name text NOT NULL); INSERT INTO orgs (name) VALUES ('A'), ('B'), ('C');
    CREATE TABLE users (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text);
    INSERT INTO users (id, org_id, name) SELECT 10 + i, 1 + i % 3, 'u' || i FROM generate_series(1, 60) i;
    CREATE TABLE repos (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text);
    INSERT INTO repos (org_id, name) SELECT 1 + i % 3, 'r' || i FROM generate_series(1, 60) i;
    CREATE TABLE issues (id serial PRIMARY KEY, repo_id int NOT NULL REFERENCES repos, title text);
    INSERT INTO issues (repo_id, title) SELECT i, 'i' || i FROM generate_series(1, 60) i;
    CREATE TABLE merge_requests (id serial PRIMARY KEY, author_id int NOT NULL, merge_user_id int NOT NULL, number int, title text, latest_diff_id int);
    INSERT INTO merge_requests (id, author_id, merge_user_id, number, title, latest_diff_id) SELECT 20 + i, 10 + i, 10 + 1 + (i + 2) % 60, i / 3, 'm' || i, 7 + i FROM generate_series(1, 60) i;
    CREATE TABLE diffs (id serial PRIMARY KEY, merge_request_id int NOT NULL, sha text);
    INSERT INTO diffs (id, merge_request_id, sha) SELECT 7 + i, 20 + i, md5(i::text) FROM generate_series(1, 60) i;
    CREATE TABLE notes (id serial PRIMARY KEY, repo_id int NOT NULL REFERENCES repos, noteable_type text, noteable_id int, body text);
    INSERT INTO notes (repo_id, noteable_type, noteable_id, body) SELECT i, 'Issue', i, 'i' || i FROM generate_series(1, 60) i UNION ALL SELECT i, 'MergeRequest', 20 + i, 'm' || i FROM generate_series(1, 60) i;
    CREATE TABLE labels (id serial PRIMARY KEY, labeled_type text, labeled_id int, title text);
    INSERT INTO labels (labeled_type, labeled_id, title) SELECT 'Issue', i, 'i' || i FROM generate_series(1, 60) i UNION ALL SELECT 'MergeRequest', 20 + i, 'm' || i FROM generate_series(1, 60) i;
    SELECT setval(pg_get_serial_sequence(t, 'id'), 200) FROM unnest('{users,repos,issues,merge_requests,diffs,notes,labels}'::text[]) t;";

#[tokio::test]
async fn types_and_keys_wait_for_the_tables_that_they_name() {
    let db = discovered(FORGE, "orgs").await;
    let questions = open(&db).await;
    assert!(
        questions.contains(&"error public.merge_requests.author_id".to_string()),
        "{questions:?}"
    );
    // That these rows are left out, and that the values stay, would be proposed: merge requests are not described yet.
    for early in ["error public.notes.noteable_id", "error public.labels.labeled_id"] {
        assert!(!questions.contains(&early.to_string()), "{questions:?}");
    }
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (rows, number) in [
        (
            "notes n JOIN repos r ON r.id = n.repo_id JOIN merge_requests m ON n.noteable_type = 'MergeRequest' AND m.id = n.noteable_id AND m.title = n.body JOIN users u ON u.id = m.author_id WHERE r.org_id",
            20,
        ),
        (
            "labels l JOIN merge_requests m ON l.labeled_type = 'MergeRequest' AND m.id = l.labeled_id AND m.title = l.title JOIN users u ON u.id = m.author_id WHERE u.org_id",
            20,
        ),
        (
            "diffs d JOIN merge_requests m ON m.latest_diff_id = d.id AND d.merge_request_id = m.id JOIN users u ON u.id = m.merge_user_id WHERE u.org_id",
            20,
        ),
    ] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM {rows} = {clone}")).await,
            number,
            "{rows}"
        );
    }
}

/// Pinned things of a dashboard, whose types are the application's words.
fn pins(columns: &str) -> String {
    format!(
        "CREATE TABLE orgs (id serial PRIMARY KEY, name text NOT NULL); INSERT INTO orgs (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE boards (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text);
         INSERT INTO boards (org_id, name) SELECT 1 + i % 3, 'b' || i FROM generate_series(1, 60) i;
         CREATE TABLE slices (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text);
         INSERT INTO slices (org_id, name) SELECT 1 + i % 3, 's' || i FROM generate_series(1, 60) i;
         CREATE TABLE alerts (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text, {columns});
         INSERT INTO alerts (org_id, name, shown_id) SELECT 1 + i % 3, 'a' || i, i FROM generate_series(1, 60) i;
         CREATE TABLE pins (id serial PRIMARY KEY, object_type text, object_id int, name text);
         INSERT INTO pins (object_type, object_id, name) SELECT 'board', i, 'b' || i FROM generate_series(1, 60) i UNION ALL SELECT 'chart', i, 's' || i FROM generate_series(1, 60) i;"
    )
}

#[tokio::test]
async fn a_foreign_key_that_is_named_like_a_type_says_its_table() {
    let db = discovered(
        &pins("shown_id int REFERENCES boards, chart_id int REFERENCES slices"),
        "orgs",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    for (table, kind) in [("slices", "chart"), ("boards", "board")] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM pins p JOIN {table} s ON s.id = p.object_id AND s.name = p.name WHERE p.object_type = '{kind}' AND s.org_id = {clone}")).await,
            20
        );
    }
}

#[tokio::test]
async fn rows_whose_type_may_be_of_several_tables_are_not_proposed_to_be_left_out() {
    let db = discovered(&pins("shown_id int REFERENCES boards"), "orgs").await;
    assert_eq!(
        db.rows("SELECT answer, question LIKE '% Those of \"chart\" are keys of public.boards or of public.slices or of public.alerts. If rows of one of them are meant, %' FROM clone.store_check('s') WHERE subject = 'public.pins.object_id'").await,
        [[None, Some("t".to_string())]]
    );
}

#[tokio::test]
async fn rows_without_an_owner_wait_for_the_key_that_may_say_it() {
    let db = discovered(
        "CREATE TABLE orgs (id serial PRIMARY KEY, name text NOT NULL); INSERT INTO orgs (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE namespaces (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text); INSERT INTO namespaces (id, org_id, name) SELECT 3 * i + a, a, 'n' || i FROM generate_series(1, 20) i, generate_series(1, 3) a; SELECT setval('namespaces_id_seq', 100);
         CREATE TABLE issues (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES orgs, name text); INSERT INTO issues (org_id, name) SELECT a, 'i' || i FROM generate_series(1, 20) i, generate_series(1, 3) a ORDER BY i, a;
         CREATE TABLE labels (id serial PRIMARY KEY, issue_id int, group_id int, title text);
         INSERT INTO labels (issue_id, group_id, title) SELECT CASE WHEN i % 2 = 0 THEN 3 * i + a - 3 END, CASE WHEN i % 2 = 1 THEN 3 * i + a END, 'l' || i FROM generate_series(1, 20) i, generate_series(1, 3) a ORDER BY i, a;
         CREATE TABLE label_links (id serial PRIMARY KEY, label_id int, target_type text, target_id int, note text);
         INSERT INTO label_links (label_id, target_type, target_id, note) SELECT 3 * i + a - 3, CASE j WHEN 1 THEN 'Issue' END, CASE WHEN j = 1 THEN 3 * i + a - 3 END, 'l' || i FROM generate_series(1, 20) i, generate_series(1, 3) a, generate_series(1, 2) j;
         CREATE TABLE lists (id serial PRIMARY KEY, label_id int, issue_id int);
         INSERT INTO lists (label_id, issue_id) SELECT 3 * i + a - 3, 3 * i + a - 3 FROM generate_series(1, 20) i, generate_series(1, 3) a;",
        "orgs",
    )
    .await;
    // That labels belong through links, which belong through labels, is not asked beside these.
    assert_eq!(
        open(&db).await,
        [
            "error public.label_links.label_id",
            "error public.labels.group_id"
        ]
    );
    db.run("SELECT clone.store_reference('s', 'labels', 'group_id', 'namespaces')")
        .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM label_links l JOIN labels b ON b.id = l.label_id AND b.title = l.note LEFT JOIN namespaces n ON n.id = b.group_id LEFT JOIN issues i ON i.id = b.issue_id WHERE {clone} IN (n.org_id, i.org_id)")).await,
        40
    );
}

#[tokio::test]
async fn rows_of_a_type_that_one_tenant_only_names_are_not_proposed_to_stay() {
    // Blocks of pages, which no other column names; languages are those of all tenants.
    let db = discovered(
        "CREATE TABLE spaces (id serial PRIMARY KEY, name text); INSERT INTO spaces (name) VALUES ('A'), ('B'), ('C');
         CREATE TABLE pages (id serial PRIMARY KEY, space_id int NOT NULL REFERENCES spaces, title text); INSERT INTO pages (space_id, title) SELECT 1 + i % 3, 'p' || i FROM generate_series(1, 60) i;
         CREATE TABLE heroes (id serial PRIMARY KEY, page_id int NOT NULL REFERENCES pages, title text); INSERT INTO heroes (page_id, title) SELECT i, 'h' || i FROM generate_series(1, 60) i;
         CREATE TABLE quotes (id serial PRIMARY KEY, title text); INSERT INTO quotes (id, title) SELECT 10 + i, 'q' || i FROM generate_series(1, 60) i;
         CREATE TABLE languages (id serial PRIMARY KEY, title text); INSERT INTO languages (title) SELECT 'l' || i FROM generate_series(1, 10) i;
         CREATE TABLE pages_blocks (id serial PRIMARY KEY, page_id int NOT NULL REFERENCES pages, item int, collection text);
         INSERT INTO pages_blocks (page_id, item, collection) SELECT i, i, 'heroes' FROM generate_series(1, 60) i UNION ALL SELECT i, 10 + i, 'quotes' FROM generate_series(1, 60) i;
         CREATE TABLE pages_parts (id serial PRIMARY KEY, page_id int NOT NULL REFERENCES pages, item int, collection text);
         INSERT INTO pages_parts (page_id, item, collection) SELECT i, i, 'heroes' FROM generate_series(1, 60) i UNION ALL SELECT i, 1 + i % 10, 'languages' FROM generate_series(1, 60) i",
        "spaces",
    )
    .await;
    for table in ["pages_blocks", "pages_parts"] {
        db.run(&format!(
            "SELECT clone.store_polymorphic('s', '{table}', 'item', type_column => 'collection')"
        ))
        .await;
    }
    assert_eq!(
        db.list("SELECT COALESCE(answer, substring(question FROM 'do these values stay. (.*tenant only)')) FROM clone.store_check('s') WHERE subject LIKE '%.item' ORDER BY subject").await,
        [
            "Those of \"quotes\" are rows of public.quotes, which the store does not describe, and each is named by rows of one tenant only",
            "SELECT clone.store_column('s', 'public.pages_parts', 'item', 'keep');"
        ]
    );
}

#[tokio::test]
async fn parts_wait_for_the_table_that_the_beginning_of_their_column_names() {
    // repo_id: repository, whose owner is a question. Issues belong to these, not to who wrote them.
    let db = discovered(
        "CREATE TABLE \"user\" (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE);
         CREATE TABLE repository (id bigserial PRIMARY KEY, owner_id bigint, name text NOT NULL, UNIQUE (owner_id, name));
         CREATE TABLE watch (id bigserial PRIMARY KEY, user_id bigint, repo_id bigint);
         CREATE TABLE issue (id bigserial PRIMARY KEY, repo_id bigint, poster_id bigint, name text);
         CREATE TABLE comment (id bigserial PRIMARY KEY, issue_id bigint, poster_id bigint, words text);
         CREATE TABLE label (id bigserial PRIMARY KEY, repo_id bigint, name text);
         CREATE TABLE pull_request (id bigserial PRIMARY KEY, issue_id bigint, head_repo_id bigint, base_repo_id bigint, merger_id bigint);
         INSERT INTO \"user\" (name) SELECT unnest('{ann,bob,cid}'::text[]); INSERT INTO repository (owner_id, name) SELECT u.id, u.name || k FROM generate_series(1, 4) k, \"user\" u;
         INSERT INTO watch (user_id, repo_id) SELECT owner_id, id FROM repository; INSERT INTO issue (repo_id, poster_id, name) SELECT r.id, CASE k WHEN 3 THEN 1 + r.owner_id % 3 ELSE r.owner_id END, r.name FROM generate_series(1, 3) k, repository r;
         INSERT INTO comment (issue_id, poster_id, words) SELECT i.id, i.poster_id, i.name FROM issue i, generate_series(1, 2); INSERT INTO label (repo_id, name) SELECT id, l FROM repository, unnest('{bug,wish}'::text[]) l;
         INSERT INTO pull_request (issue_id, head_repo_id, base_repo_id, merger_id) SELECT min(id), repo_id, repo_id, min(poster_id) FROM issue GROUP BY repo_id",
        "\"user\"",
    )
    .await;
    let said = open(&db).await;
    assert!(
        said.contains(&"error public.repository.owner_id".to_owned())
            && said
                .iter()
                .all(|one| ["poster_id", "merger_id", "label.", "base_repo_id"]
                    .iter()
                    .all(|name| !one.contains(name))),
        "{said:?}"
    );
    answer_all(&db, "answer").await;
    let clone = db
        .clone_project("'2', 'copy', options => '{\"verify\": true}'")
        .await;
    assert_eq!(
        db.list(&format!(
            "SELECT concat_ws(' ', (SELECT count(*) FROM issue i JOIN repository r ON r.id = i.repo_id AND r.name = i.name WHERE r.owner_id = {clone}),
                (SELECT count(*) FROM comment c JOIN issue i ON i.id = c.issue_id AND i.name = c.words JOIN repository r ON r.id = i.repo_id WHERE r.owner_id = {clone}),
                (SELECT count(*) FROM label l JOIN repository r ON r.id = l.repo_id WHERE r.owner_id = {clone}),
                (SELECT count(*) FROM pull_request p JOIN issue i ON i.id = p.issue_id AND i.repo_id = p.base_repo_id AND p.head_repo_id = p.base_repo_id JOIN repository r ON r.id = i.repo_id WHERE r.owner_id = {clone}))"
        ))
        .await,
        ["12 24 8 4"]
    );
    assert_verified(&db, &clone).await;
}

#[tokio::test]
async fn members_of_documents_wait_for_the_table_that_they_name() {
    // The numbers are those of uploads, notes and tasks of the same tenant, too.
    let db = discovered(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE media_file (id serial PRIMARY KEY, name text); INSERT INTO media_file (name) SELECT 'f' || n FROM generate_series(1, 40) n;
         CREATE TABLE upload (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, media_file_id int NOT NULL REFERENCES media_file); INSERT INTO upload (team_id, media_file_id) SELECT 1 + n / 21, n FROM generate_series(1, 40) n;
         CREATE TABLE note (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team); INSERT INTO note (team_id) SELECT 1 + n / 21 FROM generate_series(1, 40) n;
         CREATE TABLE page (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, config jsonb); INSERT INTO page (team_id, config) SELECT 1 + n / 21, jsonb_build_object('media_file_ids', ARRAY[n]) FROM generate_series(1, 40) n",
        "team",
    )
    .await;
    assert_eq!(
        db.list("SELECT subject FROM clone.store_check('s') WHERE severity = 'error'")
            .await,
        ["public.media_file.id"]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'1', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM page p JOIN upload u ON u.team_id = p.team_id AND p.config = jsonb_build_object('media_file_ids', ARRAY[u.media_file_id]) WHERE p.team_id = {clone} AND u.media_file_id > 40"))
            .await,
        20
    );
}
