//! Names of members of documents that are keys of rows.

use crate::description::{answer_all, discovered, open};

#[tokio::test]
async fn text_keys_that_people_chose_are_followed_as_names_of_members() {
    for (key, document) in [
        ("text", "jsonb_build_object(n.id::text, 1)"),
        (
            "char(20)",
            "jsonb_build_object('votes', jsonb_build_object(n.id::text, 1))",
        ),
    ] {
        let db = discovered(
            &format!(
                "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
                 CREATE TABLE node (id {key} PRIMARY KEY, team_id int NOT NULL REFERENCES team, title text);
                 INSERT INTO node SELECT c || '-' || d, 1 + row_number() OVER () % 2, 't ' || c || d FROM unnest('{{red,green,blue,black}}'::text[]) c, unnest('{{house,river,tree,tower,bridge}}'::text[]) d;
                 CREATE TABLE board (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, title text, tally jsonb); INSERT INTO board (team_id, title, tally) SELECT n.team_id, n.title, {document} FROM node n"
            ),
            "team",
        )
        .await;
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM board b JOIN node n ON n.team_id = b.team_id AND n.title = b.title AND COALESCE(b.tally -> 'votes', b.tally) ? rtrim(n.id::text) WHERE b.team_id = {clone}"))
                .await,
            10,
            "{key}"
        );
    }
}

#[tokio::test]
async fn names_that_some_keys_share_are_names() {
    let db = discovered(
        "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
         CREATE TABLE topic (id text PRIMARY KEY, team_id int NOT NULL REFERENCES team); INSERT INTO topic SELECT t, 1 + n % 2 FROM unnest('{color,size,width,height,label,state,order,price,stock,brand}'::text[]) WITH ORDINALITY AS t (t, n);
         CREATE TABLE page (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, style jsonb);
         INSERT INTO page (team_id, style) SELECT 1 + n % 2, jsonb_build_object('color', 1, 'size', 2, 'width', 3, 'margin', 4, 'padding', 5, 'font', 6, 'shadow', 7, 'border', 8, 'radius', 9) FROM generate_series(1, 20) n",
        "team",
    )
    .await;
    assert_eq!(open(&db).await, [""; 0]);
}
