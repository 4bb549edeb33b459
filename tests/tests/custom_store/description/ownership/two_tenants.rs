//! Rows that name two tenants, in two columns of their own or through other rows.

use super::super::{answer_all, discovered, open};
use crate::{assert_verified, described};

const ORGS: &str = "CREATE TABLE org (id bigserial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('Other'), ('Ours'), ('Third');";

#[tokio::test]
async fn two_columns_that_name_different_tenants_are_asked_about() {
    for (first, second, key) in [
        ("seller_org_id", "buyer_org_id", "REFERENCES org"),
        ("org_id", "created_for_org_id", "REFERENCES org"),
        ("org_id", "partner_org_id", ""),
    ] {
        let tables = format!(
            "{ORGS} CREATE TABLE deal (id bigserial PRIMARY KEY, {first} bigint NOT NULL {key}, {second} bigint {key}, what text); CREATE TABLE line (id bigserial PRIMARY KEY, deal_id bigint NOT NULL REFERENCES deal);
             INSERT INTO deal ({first}, {second}, what) VALUES (1, 2, 'we buy'), (2, 3, 'we sell'), (1, 3, 'not ours'), (2, 2, 'internal'), (2, NULL, 'open'); INSERT INTO line (deal_id) SELECT id FROM deal"
        );
        let of_the_clone = |clone: &str, column: &str| {
            format!(
                "SELECT string_agg(what, ', ' ORDER BY d.id) || ' ' || (SELECT count(*) FROM line) FROM deal d WHERE {column} = {clone}"
            )
        };
        let db = discovered(&tables, "org").await;
        assert_eq!(
            db.list("SELECT severity || ' ' || subject FROM clone.store_check('s') WHERE question LIKE '%whose are they%'")
                .await,
            [format!("error public.deal.{second}")]
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.text(&of_the_clone(&clone, first)).await,
            "we sell, internal, open 8",
            "{first}"
        );
        // The other column decides; rows in which it is empty are asked about again.
        let db = discovered(&tables, "org").await;
        let other = db
            .text("SELECT otherwise FROM clone.store_check('s') WHERE question LIKE '%whose are they%'")
            .await;
        db.run(&other).await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.text(&of_the_clone(&clone, second)).await,
            "we buy, internal 8",
            "{first}"
        );
        // Both: the call in the question.
        let db = discovered(&tables, "org").await;
        let both = db
            .text("SELECT 'SELECT clone' || split_part(question, ': SELECT clone', 2) FROM clone.store_check('s') WHERE question LIKE '%whose are they%'")
            .await;
        db.run(&both).await;
        answer_all(&db, "answer").await;
        let failure = db.fails("SELECT project_clone('2')").await;
        assert_eq!(
            failure.message,
            "2 rows of public.deal belong to project \"2\" and to another project too"
        );
    }
}

#[tokio::test]
async fn columns_that_name_the_same_tenant_in_all_rows_are_no_question() {
    let db = discovered(
        &format!(
            "{ORGS} CREATE TABLE deal (id bigserial PRIMARY KEY, org_id bigint NOT NULL REFERENCES org, owner_org_id bigint REFERENCES org); INSERT INTO deal (org_id, owner_org_id) VALUES (1, 1), (2, 2), (2, NULL)"
        ),
        "org",
    )
    .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
}

#[tokio::test]
async fn parts_of_rows_of_another_tenant_are_asked_about() {
    let tables = "CREATE TABLE users (id bigserial PRIMARY KEY, name text); CREATE TABLE albums (id bigserial PRIMARY KEY, owner_id bigint NOT NULL REFERENCES users, name text);
        CREATE TABLE photos (id bigserial PRIMARY KEY, album_id bigint NOT NULL REFERENCES albums, uploader_id bigint NOT NULL REFERENCES users); CREATE TABLE likes (id bigserial PRIMARY KEY, photo_id bigint NOT NULL REFERENCES photos, user_id bigint NOT NULL REFERENCES users);
        INSERT INTO users (name) VALUES ('Other'), ('Ours'), ('Third'); INSERT INTO albums (owner_id, name) VALUES (1, 'theirs'), (2, 'ours');
        INSERT INTO photos (album_id, uploader_id) VALUES (1, 1), (1, 2), (2, 2), (2, 3); INSERT INTO likes (photo_id, user_id) VALUES (1, 2), (2, 1), (3, 3)";
    for (column, theirs, ours) in [("answer", 2, 2), ("otherwise", 3, 1)] {
        let db = discovered(tables, "users").await;
        assert_eq!(open(&db).await, ["error public.photos.album_id"]);
        answer_all(&db, column).await;
        // A row that names rows of two tenants is cloned only if the caller says so.
        if column == "answer" {
            let failure = db.fails("SELECT project_clone('2')").await;
            assert!(
                failure.code == "55000" && failure.hint.contains("{\"others\": \"include\"}"),
                "{failure:?}"
            );
        }
        let clone = db
            .clone_project("'2', options => '{\"verify\": true, \"others\": \"include\"}'")
            .await;
        assert_eq!(
            db.number("SELECT count(*) FROM photos WHERE album_id = 1").await,
            theirs,
            "{column}"
        );
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM photos p JOIN albums a ON a.id = p.album_id WHERE a.owner_id = {clone}"
            ))
            .await,
            ours,
            "{column}"
        );
    }
}

const PEOPLE: &str = "CREATE TABLE teams (id bigserial PRIMARY KEY, name text); INSERT INTO teams (name) VALUES ('Other'), ('Ours');
    CREATE TABLE tasks (id bigserial PRIMARY KEY, team_id bigint NOT NULL REFERENCES teams, user_id bigint, mentions bigint[]);";

#[tokio::test]
async fn users_of_several_tenants_do_not_belong_to_the_one_in_use() {
    for (column, link, key) in [
        (
            "current_team_id bigint REFERENCES teams",
            "team_user",
            "REFERENCES users",
        ),
        (
            "default_team_id bigint NOT NULL REFERENCES teams",
            "memberships",
            "REFERENCES users",
        ),
        ("team_id bigint", "team_members", ""),
        // As Laravel's Jetstream has it.
        ("current_team_id bigint", "team_user", ""),
    ] {
        let name = column.split(' ').next().unwrap();
        let db = discovered(
            &format!(
                "{PEOPLE} CREATE TABLE users (id bigserial PRIMARY KEY, email text, {column}); CREATE TABLE {link} (id bigserial PRIMARY KEY, team_id bigint NOT NULL REFERENCES teams, user_id bigint NOT NULL {key}, UNIQUE (team_id, user_id));
                 CREATE TABLE devices (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
                 INSERT INTO users (email, {name}) SELECT 'u' || n, 1 + n % 2 FROM generate_series(1, 10) n; INSERT INTO {link} (team_id, user_id) SELECT t.id, u.id FROM teams t, users u WHERE u.id % 3 < 2;
                 INSERT INTO tasks (team_id, user_id, mentions) SELECT team_id, user_id, ARRAY[user_id] FROM {link}; INSERT INTO devices (user_id) SELECT id FROM users"
            ),
            "teams",
        )
        .await;
        assert_eq!(open(&db).await[0], format!("error public.users.{name}"));
        let described = format!(
            "public.{link} names another tenant than public.users.{name} for 7 of its rows, as if these had several tenants: are they shared by all tenants, and not cloned?"
        );
        let open_yet = format!(
            "public.users.{name} looks like the tenant that a row uses now: public.{link} names another one for 7 of the rows. Do all projects share them? Otherwise those of the tenant in the column are cloned"
        );
        assert_eq!(
            db.fails("SELECT project_clone('2')").await.message,
            if column == "current_team_id bigint" {
                open_yet
            } else {
                described
            }
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(db.number("SELECT count(*) FROM users").await, 10);
        let same = format!(
            "SELECT count(*) FROM {link} a JOIN {link} b ON b.user_id = a.user_id JOIN tasks t ON t.team_id = b.team_id AND t.user_id = b.user_id AND t.mentions = ARRAY[b.user_id] WHERE a.team_id = 2 AND b.team_id = {clone}"
        );
        assert_eq!(db.number(&same).await, 7);
    }
}

#[tokio::test]
async fn users_can_belong_to_the_tenant_in_their_column_all_the_same() {
    let tables = |column: &str| {
        format!(
            "{PEOPLE} CREATE TABLE users (id bigserial PRIMARY KEY, {column}); CREATE TABLE team_user (team_id bigint NOT NULL REFERENCES teams, user_id bigint NOT NULL REFERENCES users, PRIMARY KEY (team_id, user_id)); CREATE TABLE devices (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users);
             INSERT INTO users (team_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n; INSERT INTO team_user (team_id, user_id) SELECT t.id, u.id FROM teams t, users u WHERE u.id % 3 < 2; INSERT INTO devices (user_id) SELECT id FROM users"
        )
    };
    for (column, answer, users) in [
        ("team_id bigint REFERENCES teams", "otherwise", 15),
        ("team_id bigint NOT NULL REFERENCES teams", "answer", 15),
        ("team_id bigint NOT NULL REFERENCES teams", "otherwise", 10),
    ] {
        let db = discovered(&tables(column), "teams").await;
        let call = db
            .text(&format!(
                "SELECT {answer} FROM clone.store_check('s') WHERE subject = 'public.users.team_id'"
            ))
            .await;
        db.run(&call).await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2'").await;
        assert_verified(&db, &clone).await;
        for table in ["users", "devices"] {
            assert_eq!(
                db.number(&format!("SELECT count(*) FROM {table}")).await,
                users,
                "{column} {answer}"
            );
        }
    }
}

#[tokio::test]
async fn links_that_agree_with_the_column_are_no_question() {
    let tables = format!(
        "{PEOPLE} CREATE TABLE users (id bigserial PRIMARY KEY, team_id bigint REFERENCES teams); CREATE TABLE team_user (team_id bigint NOT NULL REFERENCES teams, user_id bigint NOT NULL REFERENCES users, PRIMARY KEY (team_id, user_id)); INSERT INTO users (team_id) VALUES (1), (2), (NULL); INSERT INTO team_user VALUES (1, 1), (2, 2);
         CREATE TABLE documents (id bigserial PRIMARY KEY, team_id bigint NOT NULL REFERENCES teams); CREATE TABLE team_document (team_id bigint NOT NULL REFERENCES teams, document_id bigint NOT NULL REFERENCES documents, PRIMARY KEY (team_id, document_id)); INSERT INTO documents (team_id) VALUES (1), (2); INSERT INTO team_document VALUES (1, 1), (2, 2), (1, 2)"
    );
    let db = discovered(&tables, "teams").await;
    assert_eq!(open(&db).await, Vec::<String>::new());
    // Described by hand, a question does not stop a clone.
    let db = described(
        &tables,
        "SELECT clone.store_table('s', 'teams', 'project'); SELECT clone.store_table('s', 'users', 'resource', project_column => 'team_id')",
    )
    .await;
    db.run("INSERT INTO team_user VALUES (1, 2)").await;
    assert_eq!(
        db.list("SELECT severity || ' ' || subject FROM clone.store_check('s') WHERE question LIKE '%several tenants%'")
            .await,
        ["warning public.users.team_id"]
    );
}

/// Rows that belong by a part of a key which a clone keeps would belong to the source and to the clone: a second clone would have them
/// twice, and a deletion of the clone would delete the source's.
#[tokio::test]
async fn rows_that_belong_by_a_key_that_a_clone_keeps_stop_a_clone() {
    let db = discovered(
        "CREATE TABLE projects (id text PRIMARY KEY, name text); INSERT INTO projects VALUES ('cl0prjaaaaaaaaaaaaaaaaaa1', 'A'), ('cl0prjaaaaaaaaaaaaaaaaaa2', 'B');
         CREATE TABLE datasets (id text NOT NULL, project_id text NOT NULL REFERENCES projects, name text, PRIMARY KEY (id, project_id));
         INSERT INTO datasets SELECT 'cl0' || translate(left(md5(n::text || p.id), 22), '-', '0'), p.id, 'd' || n FROM projects p, generate_series(1, 12) n;
         CREATE TABLE runs (id bigserial PRIMARY KEY, dataset_id text NOT NULL, action text); INSERT INTO runs (dataset_id, action) SELECT id, 'x' FROM datasets, generate_series(1, 2)",
        "projects",
    )
    .await;
    answer_all(&db, "answer").await;
    let failure = db
        .fails("SELECT project_clone('cl0prjaaaaaaaaaaaaaaaaaa1')")
        .await;
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        (
            "55000",
            "rows of public.runs belong by dataset_id to rows of public.datasets whose id a clone keeps, so that they would belong to both projects"
        )
    );
    let call = failure
        .hint
        .split_once(": ")
        .unwrap()
        .1
        .split_once(';')
        .unwrap()
        .0;
    db.run(call).await;
    let first = db
        .clone_project("'cl0prjaaaaaaaaaaaaaaaaaa1', options => '{\"verify\": true}'")
        .await;
    let second = db.clone_project("'cl0prjaaaaaaaaaaaaaaaaaa1'").await;
    let rows = |project: &str| {
        format!(
            "SELECT count(*) FROM runs r JOIN datasets d ON d.id = r.dataset_id WHERE d.project_id = '{project}'"
        )
    };
    for project in ["cl0prjaaaaaaaaaaaaaaaaaa1", &first, &second] {
        assert_eq!(db.number(&rows(project)).await, 24, "{project}");
    }
    db.run(&format!("SELECT project_delete('{first}')")).await;
    assert_eq!(db.number(&rows("cl0prjaaaaaaaaaaaaaaaaaa1")).await, 24);
    assert_eq!(db.number("SELECT count(*) FROM runs").await, 72);
}
