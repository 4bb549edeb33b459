//! The guard of a cluster: a shell process that removes the cluster's directory when this process ends.
//!
//! Drop and signal handlers do not run when a process is killed by SIGKILL or aborts. The kernel closes its pipes in every
//! case: the guard reads from a pipe whose other end only this process has.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{Account, Installation, ProcessGroup};

const SCRIPT: &str = include_str!("guard.sh");

/// A unix socket's path holds 107 bytes on Linux and 103 on macOS; `/.s.PGSQL.65535` is appended to the directory.
const LONGEST_DIRECTORY: usize = 80;

/// Keeps the directory of one cluster, and removes it at the end of this process.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    lifeline: Option<ChildStdin>,
    directory: PathBuf,
}

impl Guard {
    /// Creates a directory that the server's account owns and starts its guard.
    pub(super) fn start(installation: &Installation, account: &Account) -> Result<Self> {
        let mut failure = None;
        for place in places() {
            match Self::start_in(&place, installation, account) {
                Ok(guard) => return Ok(guard),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| anyhow::anyhow!("no directory for temporary files")))
    }

    fn start_in(place: &Path, installation: &Installation, account: &Account) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT, "pg_clone-guard"])
            .arg(place)
            .arg(installation.program(""));
        let mut process = account
            .apply(&mut command)
            .process_group_of_its_own()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the guard of the private cluster")?;
        let lifeline = process.stdin.take();
        let mut answer = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut answer)
                .context("the guard of the private cluster is silent")?;
        }
        let directory = PathBuf::from(answer.trim_end());
        if answer.trim_end().is_empty() {
            let _ = process.wait();
            bail!(
                "the user {:?} cannot make a directory in {}",
                account.name,
                place.display()
            );
        }
        Ok(Self {
            process,
            lifeline,
            directory,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Ends the guard; directory and server stay.
    pub(super) fn release(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            let _ = lifeline.write_all(b"keep\n");
        }
        let _ = self.process.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Closing the pipe tells the guard to clean up; wait until it has done so.
        self.lifeline = None;
        let _ = self.process.wait();
    }
}

/// Possible parent directories of a cluster, in order of preference.
fn places() -> Vec<PathBuf> {
    let mut places = vec![std::env::temp_dir(), PathBuf::from("/tmp")];
    places.dedup();
    places.retain(|place| place.as_os_str().len() + "/pg_clone.XXXXXX".len() <= LONGEST_DIRECTORY);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_stays_short_whatever_tmpdir_says() {
        for place in places() {
            let socket = place.join("pg_clone.XXXXXX/.s.PGSQL.65535");
            assert!(socket.as_os_str().len() < 100, "{}", socket.display());
        }
    }
}
