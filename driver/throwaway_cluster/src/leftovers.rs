//! Processes that outlive a killed postmaster.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Kills every process whose working directory is `data` and returns when none is left. Backends survive a SIGKILL of the
/// postmaster, and a server cannot start while one of them is attached to the shared memory.
pub(super) fn kill_all(data: &Path, patience: Duration) -> Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        let left = processes_in(data);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("processes {left:?} of the killed server did not end");
        }
        for pid in left {
            // It may have ended meanwhile.
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn processes_in(directory: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.file_name().to_str()?.parse().ok()?)))
        .filter(|(path, _)| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == directory))
        .map(|(_, pid)| Pid::from_raw(pid))
        .collect()
}
