//! `pg_clone copy --engine local`: neither side has the extension.

use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;
use pg_clone_tests::blob_queue::{Running, pg_clone_binary, said};
use pg_clone_tests::scratch_database::{Scratch, cluster};

use super::scene::{ACME, Scene, source_server};

/// What a role of an application may, and no more.
const ROLE: &str = "
    DO $$ BEGIN CREATE ROLE clerk LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
    GRANT USAGE ON SCHEMA shop TO clerk; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA shop TO clerk;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA shop TO clerk;
    CREATE SCHEMA secret; CREATE TABLE secret.salary (amount int);";

struct Bare {
    source: Scratch,
    target: Scratch,
    from: String,
    to: String,
    store: PathBuf,
}

/// The shop on two servers, without the extension.
async fn bare() -> Bare {
    let described = Scratch::with_extension().await;
    described.run(include_str!("../../fixtures/shop.sql")).await;
    described.run("ALTER TABLE shop.tenant ADD UNIQUE (slug)").await;
    described
        .run("SELECT clone.store_create('shop', 'discover', '{\"tenant\": \"shop.tenant\"}')")
        .await;
    let store = cluster()
        .await
        .directory()
        .join(format!("{}.json", described.name));
    std::fs::write(&store, described.text("SELECT clone.store_export('shop')").await).unwrap();

    let source = Scratch::new_on(source_server().await).await;
    let target = Scratch::new_on(cluster().await).await;
    for side in [&source, &target] {
        side.run(include_str!("../../fixtures/shop.sql")).await;
        side.run("ALTER TABLE shop.tenant ADD UNIQUE (slug)").await;
        side.run(ROLE).await;
    }
    // Orders are numbered further in the target, and shop.orders.last_shipment closes a circle that is checked at once.
    target
        .run(
            "ALTER SEQUENCE shop.orders_id_seq RESTART 700;
             ALTER TABLE shop.orders ALTER CONSTRAINT orders_last_shipment_fkey NOT DEFERRABLE",
        )
        .await;
    let as_clerk = |dsn: String| dsn.replace("user=postgres", "user=clerk");
    let from = as_clerk(source_server().await.dsn(&source.name));
    let to = as_clerk(cluster().await.dsn(&target.name));
    Bare {
        source,
        target,
        from,
        to,
        store,
    }
}

/// What belongs to a tenant, by content.
async fn content(database: &Scratch, tenant: &str) -> Vec<String> {
    // Shared rows are none here.
    database
        .run("CREATE TABLE IF NOT EXISTS shop.country (id int, code text); ALTER TABLE shop.customer ADD COLUMN IF NOT EXISTS country_id int")
        .await;
    Scene::content(database, tenant).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_an_application_clones_into_a_server_without_the_extension() {
    let bare = bare().await;
    let before = bare
        .target
        .list("SELECT t::text FROM shop.orders t ORDER BY 1")
        .await;
    let output = Scene::pg_clone(&[
        "copy",
        ACME,
        "--engine",
        "local",
        "--store-file",
        bare.store.to_str().unwrap(),
        "--schema",
        "shop",
        "--from",
        &bare.from,
        "--to",
        &bare.to,
        "--name",
        "Staging",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = result["project"]["id"].as_str().unwrap();
    assert_ne!(id, ACME);
    // A name that must be unique is, beside the target's own rows.
    let row = bare
        .target
        .text(&format!(
            "SELECT name || ' ' || (slug <> 'acme') FROM shop.tenant WHERE id = '{id}'"
        ))
        .await;
    assert_eq!(row, "Staging true");
    assert_eq!(
        bare.target
            .number(&format!(
                "SELECT min(id) FROM shop.orders WHERE tenant_id = '{id}'"
            ))
            .await,
        700
    );
    // Whoever inserts next gets another key.
    bare.target
        .run(&format!(
            "INSERT INTO shop.orders (tenant_id, number, customer_id) SELECT '{id}', 9, id FROM shop.customer WHERE tenant_id = '{id}' LIMIT 1;
             DELETE FROM shop.orders WHERE number = 9"
        ))
        .await;
    let expected = content(&bare.source, ACME).await;
    assert_eq!(expected.len(), 12);
    assert_eq!(content(&bare.target, id).await, expected);
    let after = bare
        .target
        .list(&format!(
            "SELECT t::text FROM shop.orders t WHERE tenant_id <> '{id}' ORDER BY 1"
        ))
        .await;
    assert_eq!(after, before);
    // Nothing of ours is there.
    let ours = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname ~ '^clone') + (SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql')
         + (SELECT count(*) FROM pg_foreign_server) + (SELECT count(*) FROM pg_class WHERE relname ~ '^pg_clone')";
    assert_eq!(bare.target.number(ours).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_of_a_managed_database_is_cloned_within_it() {
    let bare = bare().await;
    let local = |more: &[&str]| {
        Scene::pg_clone(
            &[
                &[
                    "copy",
                    ACME,
                    "--engine",
                    "local",
                    "--tenant",
                    "shop.tenant",
                    "--schema",
                    "shop",
                ][..],
                &["--from", &bare.to, "--to", &bare.to, "--json"][..],
                more,
            ]
            .concat(),
        )
    };
    let tenants = "SELECT count(*) FROM shop.tenant";
    let output = local(&["--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(bare.target.number(tenants).await, 2);
    let output = local(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = result["project"]["id"].as_str().unwrap();
    let expected = content(&bare.target, ACME).await;
    assert_eq!(content(&bare.target, id).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_do_is_refused_and_a_kill_leaves_nothing() {
    let bare = bare().await;
    let copy = |more: &[&str]| -> Vec<String> {
        let mut arguments: Vec<String> = [
            "copy", ACME, "--engine", "local", "--from", &bare.from, "--to", &bare.to,
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend(more.iter().map(|&text| text.to_owned()));
        arguments
    };
    let store = bare.store.to_str().unwrap();
    for (more, said_to_be) in [
        (&["--store-file", store, "--keep-ids"][..], "--keep-ids"),
        (&["--store-file", store, "--blobs-later"], "queue ends"),
        (
            &["--store-file", store, "--blobs-from", "file:/nowhere"],
            "--blobs-to",
        ),
        (&[][..], "--store-file"),
    ] {
        let arguments = copy(more);
        let output = Scene::pg_clone(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(said_to_be), "{}", said(&output));
    }
    // Without --schema pg_dump reads everything, which this role may not.
    let arguments = copy(&["--store-file", store]);
    let output = Scene::pg_clone(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("--schema"), "{}", said(&output));

    bare.target
        .run(
            "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(3); RETURN NEW; END $$;
             CREATE TRIGGER hold BEFORE INSERT ON shop.shipment FOR EACH ROW EXECUTE FUNCTION public.hold()",
        )
        .await;
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let holder = bare.target.session().await;
        holder.run("SELECT pg_advisory_lock(3)").await;
        let mut command = Command::new(pg_clone_binary());
        command.args(copy(&["--store-file", store, "--schema", "shop"]));
        let running = Running::start(&mut command).unwrap();
        bare.target
            .wait_until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')")
            .await;
        running.signal(signal).unwrap();
        let output = running.finish().unwrap();
        assert_ne!(output.status.code(), Some(0), "{}", said(&output));
        drop(holder);
        bare.target
            .wait_until("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'clerk')")
            .await;
        assert_eq!(bare.target.number("SELECT count(*) FROM shop.tenant").await, 2);
        assert_eq!(bare.target.number("SELECT count(*) FROM shop.orders").await, 2);
    }
}
