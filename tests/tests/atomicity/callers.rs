//! Calls of a clone from functions, cursors, prepared statements and the like.

use super::whole_or_nothing::{assert_no_trace, assert_whole, call, resources};
use pg_clone_tests::sample_documents::{PROJECT, with_observations};

#[tokio::test]
async fn a_clone_can_be_called_from_everywhere() {
    let db = with_observations(50).await;
    let count = async |expected: i64| {
        let clones = db.list("SELECT target_project FROM clone.run ORDER BY id").await;
        assert_eq!(clones.len(), usize::try_from(expected).unwrap());
        assert_whole(&db, clones.last().unwrap(), resources(50)).await;
    };
    db.run(&format!("DO $$ BEGIN PERFORM project_clone('{PROJECT}'); END $$"))
        .await;
    count(1).await;
    db.run(&format!(
        "CREATE FUNCTION public.stage(p text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE j jsonb; BEGIN j := project_clone(p); RETURN j->>'id'; END $$;
         SELECT public.stage('{PROJECT}')"
    ))
    .await;
    count(2).await;
    db.run(&format!(
        "PREPARE c(text) AS SELECT project_clone($1); EXECUTE c('{PROJECT}')"
    ))
    .await;
    count(3).await;
    for _ in 0..6 {
        db.run(&format!("EXECUTE c('{PROJECT}')")).await;
    }
    count(9).await;
    db.run(&format!("BEGIN; DECLARE cur CURSOR FOR SELECT project_clone('{PROJECT}') FROM generate_series(1, 2); FETCH 1 FROM cur; FETCH 1 FROM cur; CLOSE cur; COMMIT"))
        .await;
    count(11).await;
    db.run(&format!(
        "CREATE PROCEDURE public.stage_twice() LANGUAGE plpgsql AS $$ BEGIN PERFORM project_clone('{PROJECT}'); COMMIT; PERFORM project_clone('{PROJECT}'); ROLLBACK; END $$"
    ))
    .await;
    db.run("CALL public.stage_twice()").await;
    count(12).await;
    db.run(&format!(
        "CREATE TABLE public.made AS SELECT project_clone('{PROJECT}') AS project"
    ))
    .await;
    count(13).await;
    db.run(&format!("WITH c AS (SELECT project_clone('{PROJECT}') AS project) INSERT INTO public.made SELECT project FROM c")).await;
    count(14).await;
    // Twice in one statement: both read what was there when the statement began.
    db.run(&format!(
        "SELECT project_clone('{PROJECT}'), project_clone('{PROJECT}')"
    ))
    .await;
    count(16).await;
    let row = db
        .query_one("SELECT project_clone($1)", &[&PROJECT])
        .await
        .unwrap();
    assert!(row.get::<_, serde_json::Value>(0)["id"].is_string());
    count(17).await;
}

#[tokio::test]
async fn a_definers_rights_are_those_of_the_clone() {
    let db = with_observations(10).await;
    db.run(&format!(
        "CREATE ROLE at_definer; CREATE ROLE at_caller LOGIN; GRANT USAGE ON SCHEMA documents TO at_definer;
         GRANT SELECT, INSERT ON documents.project, documents.resource TO at_definer;
         GRANT EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb) TO at_definer;
         CREATE FUNCTION public.stage() RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
             AS $$ SELECT public.project_clone('{PROJECT}') $$;
         ALTER FUNCTION public.stage() OWNER TO at_definer; GRANT EXECUTE ON FUNCTION public.stage() TO at_caller"
    ))
    .await;
    let caller = db.session_as("at_caller").await;
    caller.run("SELECT public.stage()").await;
    assert_eq!(
        db.rows("SELECT run_by, session_by FROM clone.run").await,
        [["at_definer", "at_caller"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(caller.fails(&call()).await.code, "42501");
    assert_eq!(caller.text("SELECT current_user").await, "at_caller");
    db.run("DROP FUNCTION public.stage(); DROP OWNED BY at_definer, at_caller")
        .await;
}

#[tokio::test]
async fn a_trigger_that_clones_inside_a_clone_is_refused_or_right() {
    let db = with_observations(10).await;
    db.run(&format!(
        "CREATE FUNCTION public.again() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.name = 'Outer' THEN PERFORM project_clone('{PROJECT}', 'Inner'); END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER again BEFORE INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION public.again();
         CREATE FUNCTION public.again_resource() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.resource_type = 'Patient' AND NOT EXISTS (SELECT FROM documents.project WHERE name = 'Innermost') THEN
                 PERFORM project_clone('{PROJECT}', 'Innermost');
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER again_resource BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.again_resource()"
    ))
    .await;
    match db
        .attempt(&format!("SELECT project_clone('{PROJECT}', 'Outer')"))
        .await
    {
        Ok(()) => {
            for clone in db.list("SELECT target_project FROM clone.run").await {
                assert_whole(&db, &clone, resources(10)).await;
            }
            assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 3);
        }
        Err(failure) => {
            assert_ne!(failure.code, "XX000", "{failure:?}");
            assert_no_trace(&db, resources(10)).await;
        }
    }
}
