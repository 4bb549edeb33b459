//! Servers and commands that end during the work: the target is unchanged or complete.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pg_clone_tests::blob_queue::{Running, pg_clone_binary, said};
use pg_clone_tests::scratch_database::{Scratch, Session};
use throwaway_cluster::{Cluster, ClusterConfig, Shutdown};

use super::scene::{ACME, Scene};

/// Where the command is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Some tables are in the target's temporary tables, the next cannot be read.
    Reading,
    /// Some rows are in the target's tables.
    Cloning,
    /// COMMIT was sent.
    Committing,
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    SourceKilled,
    TargetKilled,
    SourceSessionEnded,
    TargetSessionEnded,
    CommandKilled,
    CommandTerminated,
}

const HOLDS: &str = "
    CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(TG_ARGV[0]::int); RETURN NEW; END $$;
    CREATE TRIGGER hold_rows BEFORE INSERT ON shop.shipment FOR EACH ROW EXECUTE FUNCTION public.hold(1);
    -- Deferred triggers of the tables that a clone writes run before its checks.
    CREATE CONSTRAINT TRIGGER hold_commit AFTER INSERT ON clone.run DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION public.hold(2);";

/// Orders can only be read when nobody holds them up.
const HOLDS_READING: &str = "
    CREATE FUNCTION shop.readable() RETURNS boolean LANGUAGE plpgsql VOLATILE AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(3); RETURN true; END $$;
    ALTER TABLE shop.orders RENAME TO all_orders;
    CREATE VIEW shop.orders AS SELECT * FROM shop.all_orders WHERE shop.readable(); GRANT SELECT ON shop.orders TO reader";

/// Sessions of the command on a server.
const OF_COMMAND: &str = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query !~ '^SELECT pg_advisory_lock'";

/// Holds a stage up; ends it when dropped.
async fn hold(scene: &Scene, stage: Stage) -> Session {
    let (side, statement) = match stage {
        Stage::Reading => (&scene.source, "SELECT pg_advisory_lock(3)"),
        Stage::Cloning => (&scene.target, "SELECT pg_advisory_lock(1)"),
        Stage::Committing => (&scene.target, "SELECT pg_advisory_lock(2)"),
    };
    let holder = side.session().await;
    holder.run(statement).await;
    holder
}

/// Waits until the command waits for what is held.
async fn wait_until_held(scene: &Scene, stage: Stage) {
    let side = if stage == Stage::Reading {
        &scene.source
    } else {
        &scene.target
    };
    side.wait_until(&format!(
        "SELECT EXISTS (SELECT {OF_COMMAND} AND wait_event_type = 'Lock')"
    ))
    .await;
}

async fn one(
    sources: &mut Cluster,
    targets: &mut Cluster,
    scene: Scene,
    stage: Stage,
    event: Event,
) -> Scene {
    let what = format!("{event:?} while {stage:?}");
    let before = scene.everything().await;
    let runs = scene.target.number("SELECT count(*) FROM clone.run").await;
    let holder = hold(&scene, stage).await;
    let mut command = Command::new(pg_clone_binary());
    command.args([
        "copy",
        ACME,
        "--from",
        &scene.from(),
        "--to",
        &scene.to(),
        "--quiet",
    ]);
    let running = Running::start(&mut command).unwrap();
    wait_until_held(&scene, stage).await;

    let mut killed = None;
    match event {
        Event::SourceKilled => sources.stop(Shutdown::Kill).unwrap(),
        Event::TargetKilled => targets.stop(Shutdown::Kill).unwrap(),
        Event::SourceSessionEnded => {
            scene
                .source
                .run(&format!("SELECT pg_terminate_backend(pid) {OF_COMMAND}"))
                .await;
        }
        Event::TargetSessionEnded => {
            scene
                .target
                .run(&format!("SELECT pg_terminate_backend(pid) {OF_COMMAND}"))
                .await;
        }
        Event::CommandKilled => killed = Some(Signal::SIGKILL),
        Event::CommandTerminated => killed = Some(Signal::SIGTERM),
    }
    if let Some(signal) = killed {
        running.signal(signal).unwrap();
        if stage == Stage::Committing {
            // It waits for the outcome of COMMIT.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    // What is held by a server that is gone is not held any more.
    let started = Instant::now();
    let output =
        if stage == Stage::Committing || event == Event::SourceKilled || event == Event::SourceSessionEnded {
            drop(holder);
            running.finish().unwrap()
        } else {
            let output = running.finish().unwrap();
            // Nobody waits for the lock any more: a command that ended leaves no statement behind.
            if !matches!(event, Event::TargetKilled) {
                let side = if stage == Stage::Reading {
                    &scene.source
                } else {
                    &scene.target
                };
                side.wait_until(&format!("SELECT NOT EXISTS (SELECT {OF_COMMAND})"))
                    .await;
            }
            drop(holder);
            output
        };
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{what}: {:?}",
        started.elapsed()
    );

    let scene = match event {
        Event::SourceKilled => {
            sources.start_again().unwrap();
            let source = Scratch::of_cluster(sources, &scene.source.name).await;
            scene.on_source(source)
        }
        Event::TargetKilled => {
            targets.start_again().unwrap();
            let target = Scratch::of_cluster(targets, &scene.target.name).await;
            scene.on_target(target)
        }
        _ => scene,
    };
    scene
        .target
        .wait_until(&format!("SELECT NOT EXISTS (SELECT {OF_COMMAND})"))
        .await;
    let done = output.status.code() == Some(0);
    let new_runs = scene.target.number("SELECT count(*) FROM clone.run").await - runs;
    if new_runs == 0 {
        assert!(!done, "{what}: {}", said(&output));
        assert_eq!(scene.everything().await, before, "{what}");
    } else {
        let clone = scene
            .target
            .text("SELECT target_project FROM clone.run ORDER BY id DESC LIMIT 1")
            .await;
        let expected = Scene::content(&scene.source, ACME).await;
        assert_eq!(Scene::content(&scene.target, &clone).await, expected, "{what}");
    }
    // What the command says is what is true.
    let text = said(&output);
    match (event, stage) {
        (Event::CommandKilled, _) => {}
        (Event::SourceKilled | Event::SourceSessionEnded, Stage::Cloning | Stage::Committing) => {
            assert!(done && new_runs == 1, "{what}: {text}");
        }
        (Event::CommandTerminated, Stage::Committing) => {
            assert_eq!(output.status.code(), Some(3), "{what}: {text}");
            assert!(
                text.contains("the clone is committed") && new_runs == 1,
                "{what}: {text}"
            );
        }
        (Event::CommandTerminated, _) => {
            assert_eq!(output.status.code(), Some(130), "{what}: {text}");
            assert!(
                text.contains("nothing was changed") && new_runs == 0,
                "{what}: {text}"
            );
        }
        (Event::TargetKilled | Event::TargetSessionEnded, Stage::Committing) => {
            assert!(
                !done && text.contains("its outcome is unknown") || text.contains("nothing was changed"),
                "{what}: {text}"
            );
        }
        _ => assert!(output.status.code() == Some(1) && new_runs == 0, "{what}: {text}"),
    }
    let left = "SELECT count(*) FROM pg_class c WHERE c.relname ~ '^pg_clone_rows' AND NOT pg_is_other_temp_schema(c.relnamespace)
         OR c.relkind = 'f'";
    assert_eq!(scene.target.number(left).await, 0, "{what}");
    assert_eq!(
        scene
            .target
            .number(
                "SELECT (SELECT count(*) FROM pg_foreign_server) + (SELECT count(*) FROM pg_user_mappings)"
            )
            .await,
        0,
        "{what}"
    );
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_at_whatever_stage_the_target_is_as_before_or_complete() {
    let start = || {
        Cluster::start(ClusterConfig {
            durable: true,
            ..ClusterConfig::default()
        })
        .unwrap()
    };
    let (mut sources, mut targets) = (start(), start());
    let mut scene = Scene::between(&sources, &targets).await;
    scene.source.run(HOLDS_READING).await;
    scene.target.run(HOLDS).await;
    for stage in [Stage::Reading, Stage::Cloning, Stage::Committing] {
        for event in [
            Event::CommandTerminated,
            Event::CommandKilled,
            Event::SourceSessionEnded,
            Event::TargetSessionEnded,
            Event::SourceKilled,
            Event::TargetKilled,
        ] {
            scene = one(&mut sources, &mut targets, scene, stage, event).await;
        }
    }
    // After all that it works.
    let output = Scene::pg_clone(&["copy", ACME, "--from", &scene.from(), "--to", &scene.to()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
