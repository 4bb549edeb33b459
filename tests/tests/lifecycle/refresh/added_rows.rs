//! Rows that were added to a clone, and which of its rows those are.

use pg_clone_tests::scratch_database::Scratch;

/// A clone (3) of tenant 1, whose users keep their ids.
async fn cloned() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE person (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, name text); INSERT INTO person (team_id, name) SELECT 1 + n % 2, 'p' || n FROM generate_series(1, 20) n;
         CREATE TABLE label (id serial PRIMARY KEY, team_id int NOT NULL, name text); INSERT INTO label (team_id, name) SELECT 1 + n % 2, 'l' || n FROM generate_series(1, 20) n;
         CREATE TABLE labelled (id serial PRIMARY KEY, label_id int NOT NULL REFERENCES label, person_id int REFERENCES person); INSERT INTO labelled (label_id, person_id) SELECT id, id FROM label;
         SELECT clone.store_create('s', 'discover', '{\"tenant\": \"team\"}'), clone.preserve_ids('s', 'person')",
    )
    .await;
    db.run("SELECT clone.store_reference('s', 'label', 'team_id', 'team')")
        .await;
    assert_eq!(db.clone_project("'1', 'c'").await, "3");
    db
}

const REFRESH: &str = "SELECT project_clone('1', 'c', options => '{\"replace\": \"3\", \"verify\": true}')";
const LABELS: &str = "SELECT string_agg(name, ' ' ORDER BY id) FROM label WHERE team_id = 3";

#[tokio::test]
async fn rows_of_a_type_that_is_named_later_are_not_taken_for_added_ones() {
    let db = cloned().await;
    db.run("SELECT clone.preserve_ids('s', 'label', keep_added => true)")
        .await;
    db.run(REFRESH).await;
    assert_eq!(
        db.number("SELECT count(*) FROM label WHERE team_id = 3").await,
        10
    );
    // From then on they are known.
    let before = db
        .list("SELECT id::text FROM label WHERE team_id = 3 ORDER BY id")
        .await;
    db.run("INSERT INTO label (team_id, name) VALUES (3, 'added')")
        .await;
    for _ in 0..2 {
        db.run(REFRESH).await;
        assert_eq!(
            db.list("SELECT id::text FROM label WHERE team_id = 3 AND name <> 'added' ORDER BY id")
                .await,
            before
        );
        assert!(db.text(LABELS).await.ends_with(" added"));
    }
}

#[tokio::test]
async fn a_clone_that_keeps_added_rows_is_verified() {
    let db = cloned().await;
    db.run("SELECT clone.preserve_ids('s', 'label', keep_added => true)")
        .await;
    db.run(REFRESH).await;
    // Its rows name persons that are deleted and inserted again.
    db.run("ALTER TABLE labelled ALTER CONSTRAINT labelled_person_id_fkey DEFERRABLE; INSERT INTO label (team_id, name) VALUES (3, 'added'); INSERT INTO labelled (label_id, person_id) SELECT id, (SELECT min(id) FROM person WHERE team_id = 3) FROM label WHERE name = 'added'")
        .await;
    db.run(REFRESH).await;
    assert_eq!(
        db.number("SELECT count(*) FROM labelled d JOIN label l ON l.id = d.label_id JOIN person p ON p.id = d.person_id AND p.team_id = l.team_id WHERE l.team_id = 3")
            .await,
        11
    );
    let wrong = "SELECT concat_ws(' ', check_name, subject, expected, found) FROM project_clone_verify('3') WHERE NOT ok";
    assert_eq!(db.list(wrong).await, [""; 0]);
    // A row that is missing is still seen.
    db.run("DELETE FROM labelled USING label WHERE label.id = label_id AND team_id = 3 AND name <> 'added'")
        .await;
    assert_ne!(db.list(wrong).await, [""; 0]);
}

#[tokio::test]
async fn an_added_row_is_not_lost_with_the_row_that_it_names() {
    for (action, does) in [
        ("CASCADE", "which deletes them along"),
        ("SET NULL", "which sets it to NULL"),
        ("NO ACTION", "on author)"),
    ] {
        let db = cloned().await;
        db.run(&format!("ALTER TABLE label ADD author int REFERENCES person ON DELETE {action}; SELECT clone.store_refresh('s'), clone.preserve_ids('s', 'label', keep_added => true)"))
            .await;
        db.run(REFRESH).await;
        db.run("INSERT INTO label (team_id, name, author) VALUES (3, 'added', (SELECT min(id) FROM person WHERE team_id = 3))")
            .await;
        let failure = db.fails(REFRESH).await;
        assert_eq!(failure.code, "23503", "{failure:?}");
        assert!(
            failure
                .message
                .contains("1 row of public.label refers to rows of public.person that go"),
            "{failure:?}"
        );
        assert!(
            failure.message.contains(does) && failure.hint.contains("deferrable"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_table_that_was_made_anew_gives_its_rows_their_ids_again() {
    let db = cloned().await;
    let before = db
        .list("SELECT id::text FROM person WHERE team_id = 3 ORDER BY id")
        .await;
    db.run("CREATE TABLE person_2 (LIKE person INCLUDING ALL); INSERT INTO person_2 SELECT * FROM person; ALTER SEQUENCE person_id_seq OWNED BY person_2.id; DROP TABLE person CASCADE; ALTER TABLE person_2 RENAME TO person;
            ALTER TABLE person ADD FOREIGN KEY (team_id) REFERENCES team; ALTER TABLE labelled ADD FOREIGN KEY (person_id) REFERENCES person; SELECT clone.store_refresh('s')")
        .await;
    db.run(REFRESH).await;
    assert_eq!(
        db.list("SELECT id::text FROM person WHERE team_id = 3 ORDER BY id")
            .await,
        before
    );
}
