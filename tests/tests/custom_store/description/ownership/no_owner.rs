//! Rows that name no tenant where their table expects it, and name rows of a tenant in other columns.

use super::super::{answer_all, discovered, open};
use crate::{assert_verified, described};
use pg_clone_tests::scratch_database::Scratch;

const TEAMS: &str = "CREATE TABLE teams (id bigserial PRIMARY KEY, name text); INSERT INTO teams (name) VALUES ('Other'), ('Ours');
    CREATE TABLE users (id bigserial PRIMARY KEY, team_id bigint NOT NULL REFERENCES teams); CREATE TABLE posts (id bigserial PRIMARY KEY, team_id bigint NOT NULL REFERENCES teams, title text);
    CREATE TABLE videos (id bigserial PRIMARY KEY, team_id bigint NOT NULL REFERENCES teams, title text);
    INSERT INTO users (team_id) SELECT 1 + n % 2 FROM generate_series(1, 8) n; INSERT INTO posts (team_id, title) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 8) n; INSERT INTO videos (team_id, title) SELECT 1 + n % 2, 'v' || n FROM generate_series(1, 6) n;";

/// Rows of the table whose row of `parent` belongs to each of the two tenants.
async fn of_both(db: &Scratch, rows: &str, clone: &str) -> Vec<String> {
    db.list(&format!(
        "SELECT (SELECT count(*) FROM ({rows}) r WHERE team_id = t)::text FROM unnest('{{2,{clone}}}'::bigint[]) t"
    ))
    .await
}

#[tokio::test]
async fn rows_of_a_pair_without_the_optional_person_belong_by_the_pair() {
    for (person, id, kinds) in [
        ("user_id bigint", "bigint", ["post", "video"]),
        ("user_id bigint REFERENCES users", "bigint", ["Post", "Video"]),
        (
            "\"userId\" bigint",
            "text",
            ["App\\Models\\Post", "App\\Models\\Video"],
        ),
    ] {
        let name = person.split(' ').next().unwrap();
        let db = discovered(
            &format!(
                "{TEAMS} CREATE TABLE comments (id bigserial PRIMARY KEY, commentable_type text NOT NULL, commentable_id {id} NOT NULL, {person});
                 INSERT INTO comments (commentable_type, commentable_id, {name}) SELECT '{}', id, id FROM posts UNION ALL SELECT '{0}', id, NULL FROM posts UNION ALL SELECT '{}', id, NULL FROM videos",
                kinds[0], kinds[1]
            ),
            "teams",
        )
        .await;
        assert_eq!(open(&db).await, Vec::<String>::new(), "{person}");
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let rows = format!(
            "SELECT team_id FROM comments c JOIN posts p ON commentable_type = '{}' AND p.id::text = commentable_id::text UNION ALL SELECT team_id FROM comments c JOIN videos p ON commentable_type = '{}' AND p.id::text = commentable_id::text",
            kinds[0], kinds[1]
        );
        assert_eq!(of_both(&db, &rows, &clone).await, ["11", "11"], "{person}");
        // A row that the application adds to the clone goes with it.
        db.run(&format!(
            "INSERT INTO comments (commentable_type, commentable_id) SELECT '{}', max(id)::{id} FROM posts WHERE team_id = {clone}",
            kinds[0]
        ))
        .await;
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM comments").await, 22, "{person}");
    }
}

#[tokio::test]
async fn rows_without_a_tenant_that_name_rows_of_one_are_asked_about() {
    for (tenant, column, rows) in [
        (
            "team_id bigint REFERENCES teams",
            "post_id bigint NOT NULL REFERENCES posts",
            "NULL, id",
        ),
        (
            "team_id bigint REFERENCES teams",
            "post_id bigint REFERENCES posts",
            "NULL, id",
        ),
        ("team_id bigint", "post_id bigint", "NULL, id"),
    ] {
        let db = discovered(
            &format!(
                "{TEAMS} CREATE TABLE notes (id bigserial PRIMARY KEY, {tenant}, {column}, t text); CREATE TABLE lines (id bigserial PRIMARY KEY, note_id bigint NOT NULL REFERENCES notes);
                 INSERT INTO notes (team_id, post_id) SELECT team_id, id FROM posts UNION ALL SELECT {rows} FROM posts; INSERT INTO lines (note_id) SELECT id FROM notes"
            ),
            "teams",
        )
        .await;
        assert_eq!(open(&db).await, ["error public.notes.post_id"], "{tenant}");
        let failure = db.fails("SELECT project_clone('2')").await;
        assert_eq!(
            failure.message,
            "8 rows of public.notes belong to no tenant, as team_id names none, and name rows of tenants by post_id: they are not cloned"
        );
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        let rows =
            "SELECT p.team_id FROM lines l JOIN notes n ON n.id = l.note_id JOIN posts p ON p.id = n.post_id";
        assert_eq!(of_both(&db, rows, &clone).await, ["8", "8"], "{tenant}");
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM lines").await, 16);
    }
}

#[tokio::test]
async fn rows_with_a_value_in_place_of_the_tenant_get_their_tenant() {
    let db = discovered(
        &format!(
            "{TEAMS} CREATE TABLE notes (id bigserial PRIMARY KEY, team_id bigint NOT NULL, post_id bigint NOT NULL); INSERT INTO notes (team_id, post_id) SELECT team_id, id FROM posts UNION ALL SELECT 0, id FROM posts"
        ),
        "teams",
    )
    .await;
    let question = "8 rows of public.notes belong to no tenant, as team_id names none, and name rows of tenants by post_id: they are not cloned. Set team_id in them";
    assert_eq!(db.fails("SELECT project_clone('2')").await.message, question);
    db.run("UPDATE notes SET team_id = p.team_id FROM posts p WHERE p.id = post_id")
        .await;
    assert_eq!(open(&db).await, Vec::<String>::new());
    db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(db.number("SELECT count(*) FROM notes").await, 24);
}

#[tokio::test]
async fn rows_that_no_column_reaches_keep_their_question_closed() {
    // Of all teams: they name nothing, or only who wrote them.
    let db = discovered(
        &format!(
            "{TEAMS} CREATE TABLE roles (id bigserial PRIMARY KEY, team_id bigint REFERENCES teams, name text); INSERT INTO roles (team_id, name) VALUES (NULL, 'admin'), (2, 'own');
             CREATE TABLE plans (id bigserial PRIMARY KEY, team_id bigint REFERENCES teams, created_by bigint NOT NULL REFERENCES users); INSERT INTO plans (team_id, created_by) VALUES (NULL, 1), (2, 1);
             CREATE TABLE grants (id bigserial PRIMARY KEY, role_id bigint NOT NULL REFERENCES roles, user_id bigint NOT NULL REFERENCES users); INSERT INTO grants (role_id, user_id) VALUES (1, 1), (2, 1)"
        ),
        "teams",
    )
    .await;
    // A shared role that a tenant's user has is granted by a row of the tenant.
    assert_eq!(
        open(&db).await,
        ["error public.grants.user_id", "warning public.plans.created_by"],
        "{:?}",
        db.list("SELECT question FROM clone.store_check('s')").await
    );
}

#[tokio::test]
async fn the_other_answer_leaves_rows_to_all_tenants() {
    let db = discovered(
        &format!(
            "{TEAMS} CREATE TABLE notes (id bigserial PRIMARY KEY, team_id bigint REFERENCES teams, post_id bigint NOT NULL REFERENCES posts); INSERT INTO notes (team_id, post_id) VALUES (2, 1), (NULL, 3)"
        ),
        "teams",
    )
    .await;
    answer_all(&db, "otherwise").await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(db.number("SELECT count(*) FROM notes").await, 3);
}

#[tokio::test]
async fn rows_are_reached_through_several_tables_and_never_in_a_circle() {
    let tables = format!(
        "{TEAMS} CREATE TABLE albums (id bigserial PRIMARY KEY, team_id bigint REFERENCES teams, cover_id bigint); CREATE TABLE photos (id bigserial PRIMARY KEY, team_id bigint REFERENCES teams, album_id bigint REFERENCES albums, video_id bigint REFERENCES videos);
         ALTER TABLE albums ADD FOREIGN KEY (cover_id) REFERENCES photos;
         INSERT INTO albums (team_id) VALUES (1), (2); INSERT INTO photos (team_id, album_id) VALUES (1, 1), (2, 2), (NULL, 1), (NULL, 2); INSERT INTO photos (video_id) SELECT id FROM videos;
         INSERT INTO albums (cover_id) VALUES (1), (2)"
    );
    let discovered = discovered(&tables, "teams").await;
    let by_hand = described(
        &tables,
        "SELECT clone.store_table('s', 'teams', 'project'); SELECT clone.store_table('s', t, 'resource', project_column => 'team_id') FROM unnest('{users,posts,videos,albums,photos}'::regclass[]) t",
    )
    .await;
    for db in [discovered, by_hand] {
        let answers = db
            .list("SELECT answer FROM clone.store_check('s') WHERE question LIKE '%belong to no tenant%' AND answer IS NOT NULL")
            .await;
        assert_eq!(answers.len(), 1, "{answers:?}");
        let without = db
            .list("SELECT question FROM clone.store_check('s') WHERE question LIKE '%belong to no tenant%' AND answer IS NULL")
            .await;
        assert_eq!(without.len(), 1, "{without:?}");
        assert!(without[0].ends_with(". Set team_id in them"), "{without:?}");
        for answer in answers {
            db.run(&answer).await;
        }
        // As that question says.
        db.run("UPDATE photos SET team_id = a.team_id FROM albums a WHERE a.id = album_id AND photos.team_id IS NULL; UPDATE albums SET team_id = p.team_id FROM photos p WHERE p.id = cover_id AND albums.team_id IS NULL")
            .await;
        db.run("UPDATE photos SET team_id = v.team_id FROM videos v WHERE v.id = video_id AND photos.team_id IS NULL")
            .await;
        assert_eq!(
            db.number("SELECT count(*) FROM clone.store_check('s') WHERE severity = 'error'")
                .await,
            0
        );
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM photos WHERE team_id = {clone}"))
                .await,
            5
        );
    }
}

#[tokio::test]
async fn rows_belong_by_a_nullable_foreign_key_of_several_columns() {
    // The last column of a key says little: a day, a language, a number in a list.
    for (part, value) in [
        ("day date", "'2020-01-01'"),
        ("lang text", "'en'"),
        ("no int", "1"),
        ("at timestamptz", "'2020-01-01'"),
    ] {
        let name = part.split(' ').next().unwrap();
        let db = discovered(
            &format!(
                "CREATE TABLE orgs (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text); INSERT INTO orgs (name) VALUES ('A'), ('B');
                 CREATE TABLE rides (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, org_id int REFERENCES orgs);
                 CREATE TABLE legs (ride_id int REFERENCES rides, n int, {part}, PRIMARY KEY (ride_id, n, {name}));
                 CREATE TABLE stops (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, ride_id int, n int, {part}, label text, FOREIGN KEY (ride_id, n, {name}) REFERENCES legs);
                 INSERT INTO rides (org_id) VALUES (1), (1), (2); INSERT INTO legs SELECT id, 1, {value} FROM rides; INSERT INTO stops (ride_id, n, {name}) SELECT * FROM legs;
                 INSERT INTO stops (ride_id, {name}) VALUES (1, {value})"
            ),
            "orgs",
        )
        .await;
        let questions = db
            .list("SELECT question FROM clone.store_check('s') WHERE severity = 'error'")
            .await;
        assert_eq!(questions, [""; 0], "{part}");
        let clone = db.clone_project("'1', 'C'").await;
        let rows = format!(
            "SELECT count(*) FROM stops s JOIN legs l USING (ride_id, n, {name}) JOIN rides r ON r.id = l.ride_id WHERE r.org_id = {clone}"
        );
        assert_eq!(db.number(&rows).await, 2, "{part}");
        crate::assert_verified(&db, &clone).await;
    }
}
