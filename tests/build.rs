//! Determines which programs, servers and data this machine has, so that tests that need others are reported as ignored, not as passed.
//!
//! Each condition below becomes a `cfg`; a test has `#[cfg_attr(not(…), ignore = "needs …")]`. With `CI=true` the programs that the
//! scripts install count as available: their tests run, and fail if the program is missing.
//!
//! Cargo runs this again when the environment or one of the found files changes. `scripts/prepare.sh` and
//! `scripts/test/servers.sh` touch this file after they have installed something.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Real data that is not in the repository.
const DATA: [(&str, &str); 2] = [
    ("medplum_data", "../../shared/data/medplum/medplum.dump"),
    ("provena_data", "../../shared/data/provena"),
];

/// Storage servers that `scripts/test/servers.sh` installs.
const STORAGE_SERVERS: [(&str, &str); 3] = [
    ("seaweedfs", "venv/bin/weed"),
    ("azurite", "azurite/node_modules/azurite/dist/src/blob/main.js"),
    ("fake_gcs_server", "fake-gcs-server"),
];

/// Programs on the PATH; one of each list is needed.
const PROGRAMS: [(&str, &[&str]); 2] = [
    ("redis_server", &["redis-server"]),
    (
        "chromium",
        &[
            "chromium-headless-shell",
            "chromium",
            "chromium-browser",
            "google-chrome",
        ],
    ),
];

fn main() {
    for variable in [
        "CI",
        "PATH",
        "PG_CONFIG",
        "PG_CONFIG_18",
        "PG_CLONE_HEAVY",
        "TEST_SERVERS_DIR",
    ] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let in_ci = env::var("CI").as_deref() == Ok("true");
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));

    for (name, path) in DATA {
        condition(name, is_there(&here.join(path)));
    }
    let servers =
        env::var_os("TEST_SERVERS_DIR").map_or_else(|| here.join("../target/test-servers"), PathBuf::from);
    for (name, path) in STORAGE_SERVERS {
        condition(name, in_ci || is_there(&servers.join(path)));
    }
    for (name, programs) in PROGRAMS {
        condition(name, in_ci || programs.iter().any(|program| on_path(program)));
    }
    condition("mount", in_ci || may_mount());
    condition("heavy", env::var_os("PG_CLONE_HEAVY").is_some());

    let server = pg_config();
    let configured = asked(server.as_deref(), "--configure");
    condition("lz4", configured.contains("--with-lz4"));
    condition("icu", configured.contains("--with-icu"));
    condition("pg_cron", in_ci || has_extension(server.as_deref(), "pg_cron"));
    let newer = env::var_os("PG_CONFIG_18").map_or_else(
        || here.join("../.tools/postgresql/18/bin/pg_config"),
        PathBuf::from,
    );
    let newer = Some(newer).filter(|pg_config| is_there(pg_config));
    // The extension may be installed there later.
    is_there(&Path::new(&asked(newer.as_deref(), "--sharedir")).join("extension"));
    let older = !asked(server.as_deref(), "--version").starts_with("PostgreSQL 18");
    condition("newer_major", older && newer.is_some());
    condition(
        "newer_major_extension",
        older && has_extension(newer.as_deref(), "pg_clone_ext"),
    );
}

/// Declares a `cfg`, and sets it if the condition is true.
fn condition(name: &str, holds: bool) {
    println!("cargo::rustc-check-cfg=cfg({name})");
    if holds {
        println!("cargo::rustc-cfg={name}");
    }
}

/// Whether a file exists. Cargo watches only existing files: it treats a missing file as changed and would rebuild the tests each time.
fn is_there(path: &Path) -> bool {
    let there = path.exists();
    if there {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    there
}

fn on_path(program: &str) -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .any(|directory| directory.join(program).is_file())
}

/// Whether this process has the capability `CAP_SYS_ADMIN`, number 21.
fn may_mount() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|capabilities| u64::from_str_radix(capabilities.trim(), 16).ok())
        .is_some_and(|capabilities| capabilities >> 21 & 1 == 1)
}

/// The `pg_config` of the server under test, as `scripts/environment.sh` finds it.
fn pg_config() -> Option<PathBuf> {
    let given = env::var_os("PG_CONFIG").map(PathBuf::from);
    let on_path = env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join("pg_config"))
        .find(|program| program.is_file());
    given.or(on_path).or_else(|| {
        (15..=18)
            .rev()
            .map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/pg_config")))
            .find(|program| program.is_file())
    })
}

fn asked(pg_config: Option<&Path>, question: &str) -> String {
    pg_config
        .and_then(|program| Command::new(program).arg(question).output().ok())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

fn has_extension(pg_config: Option<&Path>, name: &str) -> bool {
    let share = asked(pg_config, "--sharedir");
    !share.is_empty() && is_there(&Path::new(&share).join(format!("extension/{name}.control")))
}
