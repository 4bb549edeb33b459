//! Writing and reading an archive of any size takes at most 64 MB of memory. (A row is one message of the protocol: a row of 20 MB takes more.)

use std::io::Read as _;
use std::process::{Command, Stdio};

use pg_clone_tests::blob_queue::{pg_clone_binary, said};

use super::scene::{ACME, Scene, source_server};

const LIMIT_KB: u64 = 64 * 1024;

/// Runs the command; the most memory that it had, in kB, and what it said on standard error. Standard output is thrown away.
fn peak_kb(arguments: &[&str]) -> (u64, String) {
    let mut child = Command::new(pg_clone_binary())
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        // The highest so far: nothing is missed between two looks but the last moment.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kb) = line.and_then(|line| line.split_whitespace().next()) {
            peak = peak.max(kb.parse().unwrap());
        }
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(ended.success(), "{text}");
    (peak, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_any_size_takes_bounded_memory() {
    let scene = Scene::new().await;
    scene.source.run("CREATE EXTENSION pg_clone_ext").await;
    scene
        .source
        .run(include_str!("../../fixtures/shop_store.sql"))
        .await;
    // 200 MB, among them rows of 2 MB.
    scene
        .source
        .run(&format!(
            "INSERT INTO shop.customer (tenant_id, email, profile)
             SELECT '{ACME}', n || '@example.org', jsonb_build_object('text', repeat(md5(n::text), 3000)) FROM generate_series(1, 1500) n;
             INSERT INTO shop.customer (tenant_id, email, profile)
             SELECT '{ACME}', n || '@example.com', jsonb_build_object('text', repeat(md5(n::text), 65000)) FROM generate_series(1, 30) n"
        ))
        .await;
    let file = source_server().await.directory().join("large.clone");
    let file = file.to_str().unwrap();
    let dsn = source_server().await.dsn(&scene.source.name);
    for arguments in [
        &["--dbname", &dsn, "export", ACME, "-o", file][..],
        &["show", file],
        &["--dbname", &scene.to(), "import", file],
    ] {
        let (peak, _) = peak_kb(arguments);
        println!("{arguments:?}: {peak} kB");
        assert!(peak > 1000 && peak <= LIMIT_KB, "{arguments:?}: {peak} kB");
    }

    // How far it is: JSON lines for machines, a bar on a terminal.
    let arguments = ["--dbname", &dsn, "export", ACME, "-o", file, "--json"];
    let (_, text) = peak_kb(&arguments);
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["phase"], "exporting");
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event"], &last["unit"]),
        (&"progress".into(), &"rows".into()),
        "{text}"
    );
    for number in ["done", "total", "bytes", "seconds"] {
        assert!(last[number].as_f64().unwrap() > 0.0, "{number}: {text}");
    }
    let command = format!(
        "{} export {ACME} --dbname '{dsn}' -o {file}",
        pg_clone_binary().display()
    );
    let output = Command::new("script")
        .args([
            "--quiet",
            "--flush",
            "--return",
            "--command",
            &command,
            "/dev/null",
        ])
        .env("TERM", "xterm")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    // The table at the end of the line is cut to its width.
    for part in ["exporting", " rows", "MB", "/s", "shop."] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    // Nobody looks: a line says what is done.
    let (_, text) = peak_kb(&["--dbname", &dsn, "export", ACME, "-o", file]);
    assert_eq!(text.lines().next(), Some("pg_clone: exporting ..."), "{text}");
}
