//! `pg_clone demo`: that it shows what it promises, and that nothing is left however it ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pg_clone_tests::blob_queue::{Running, pg_clone_binary, said};

/// A directory in which a demo makes its cluster and nobody else does.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = PathBuf::from(format!("/tmp/pg_clone-demo-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        // The server's account makes its directory in it.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(&place, open).unwrap();
        Self(place)
    }

    fn demo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(pg_clone_binary());
        command
            .env("TMPDIR", &self.0)
            .arg("demo")
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.0).unwrap().next().is_none()
    }

    /// Processes that stand in it.
    fn processes(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok())
            .filter(|cwd| cwd.starts_with(&self.0))
            .collect()
    }

    fn wait_until(&self, what: &str, condition: impl Fn(&Path) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !condition(&self.0) {
            assert!(Instant::now() < deadline, "never: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_demo_clones_copies_and_verifies() {
    let place = Place::new("whole");
    let output = place.demo(&["--resources", "2000"]).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for wanted in [
        "2,000 resources of 10 types",
        "references rewritten",
        "Observation",
        "before (-) and after (+)",
        " verified: ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing in:\n{text}");
    }
    assert!(place.is_empty() && place.processes().is_empty());
}

#[test]
fn a_signal_at_any_moment_leaves_nothing() {
    // Moments: before there is a directory, while initdb runs, while the server starts, while rows are made or cloned.
    type Moment = fn(&Path) -> bool;
    let moments: [(&str, Moment); 4] = [
        ("start", |_| true),
        ("initdb", |place| find(place, "data/PG_VERSION")),
        ("server", |place| find(place, "data/postmaster.pid")),
        ("files", |place| find(place, "files")),
    ];
    for (name, moment) in moments {
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
            // Ignored by whoever started us (a shell's background job), it would be ignored until the demo listens.
            if name == "start" && signal == Signal::SIGINT && ignores_interrupts() {
                continue;
            }
            let place = Place::new(&format!("{name}-{signal}"));
            let demo = Running::start(&mut place.demo(&["--resources", "200000"])).unwrap();
            place.wait_until(name, moment);
            demo.signal(signal).unwrap();
            let output = demo.finish().unwrap();
            if signal == Signal::SIGKILL {
                // Nobody waits for the guard then; it needs a moment.
                place.wait_until("nothing is left", |_| {
                    place.is_empty() && place.processes().is_empty()
                });
            } else {
                // At the very start the signal may come before anybody listens for it.
                assert!(
                    output.status.code().is_none_or(|code| code == 130),
                    "{name} {signal}: {}",
                    said(&output)
                );
                assert!(place.is_empty(), "{name} {signal} left a directory");
                assert!(place.processes().is_empty(), "{name} {signal} left a process");
            }
        }
    }
}

#[test]
fn a_kept_cluster_stays_until_it_is_stopped_as_printed() {
    let place = Place::new("keep");
    let output = place.demo(&["--resources", "100", "--keep"]).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let after = |label: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(label))
            .unwrap()
            .trim()
            .to_owned()
    };
    let dsn = after("pg_clone runs --dbname");
    let runs = Command::new("sh")
        .arg("-c")
        .arg(format!("{} runs --dbname {dsn}", pg_clone_binary().display()))
        .output();
    let runs = runs.unwrap();
    let stopped = Command::new("sh").arg("-c").arg(after("stop:")).output().unwrap();
    assert!(runs.status.success(), "{}", said(&runs));
    assert!(stopped.status.success(), "{}", said(&stopped));
    assert!(place.is_empty() && place.processes().is_empty());
}

/// Whether SIGINT is ignored here, and therefore by the programs started here.
fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << (Signal::SIGINT as u64 - 1)) != 0
}

/// Whether the one cluster in `place` has `path`.
fn find(place: &Path, path: &str) -> bool {
    std::fs::read_dir(place)
        .unwrap()
        .flatten()
        .any(|entry| entry.path().join(path).exists())
}
