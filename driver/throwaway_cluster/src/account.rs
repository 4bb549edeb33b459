//! The operating system account of the server: never root.

use std::fs;
use std::os::unix::fs::lchown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

/// The account that runs initdb and the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User name, for messages.
    pub name: String,
    /// Set when this process must switch to the account because it is root itself.
    switch_to: Option<(u32, u32)>,
}

impl Account {
    /// The caller's own account; `postgres`, or else `nobody`, when the caller is root.
    ///
    /// # Errors
    /// The caller is root and the machine has neither account.
    pub fn for_server() -> Result<Self> {
        let uid = Uid::effective();
        if !uid.is_root() {
            let name = User::from_uid(uid)
                .ok()
                .flatten()
                .map_or_else(|| uid.to_string(), |user| user.name);
            return Ok(Self {
                name,
                switch_to: None,
            });
        }
        for name in ["postgres", "nobody"] {
            let user = User::from_name(name).with_context(|| format!("cannot look up the user {name:?}"))?;
            if let Some(user) = user.filter(|user| !user.uid.is_root()) {
                let switch_to = Some((user.uid.as_raw(), user.gid.as_raw()));
                return Ok(Self {
                    name: user.name,
                    switch_to,
                });
            }
        }
        bail!(
            "PostgreSQL does not run as root, and there is neither a user \"postgres\" nor a user \"nobody\""
        )
    }

    /// Whether the account differs from the caller's.
    pub fn is_other_user(&self) -> bool {
        self.switch_to.is_some()
    }

    /// Makes this account the owner of one file or directory.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.switch_to {
            lchown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} to {}", path.display(), self.name))?;
        }
        Ok(())
    }

    /// As [`Self::own`], for a directory and everything below it.
    pub(super) fn own_all(&self, directory: &Path) -> Result<()> {
        self.own(directory)?;
        let failed = || format!("cannot read {}", directory.display());
        for entry in fs::read_dir(directory).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            if entry.file_type().with_context(failed)?.is_dir() {
                self.own_all(&entry.path())?;
            } else {
                self.own(&entry.path())?;
            }
        }
        Ok(())
    }

    /// A shell command that runs `command` as this account; `command` must have no single quote.
    pub(super) fn shell_command(&self, command: &str) -> String {
        match self.switch_to {
            Some(_) => format!("runuser -u {} -- sh -c '{command}'", self.name),
            None => command.to_owned(),
        }
    }

    /// Makes `command` run as this account. For root, the standard library clears the supplementary groups when a uid is
    /// set. The working directory is accessible to every account.
    pub fn apply<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if let Some((uid, gid)) = self.switch_to {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/").env_remove("PGDATA")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_never_runs_as_root() {
        let account = Account::for_server().unwrap();
        assert_ne!(account.name, "root");
        let mut command = Command::new("id");
        let output = account.apply(command.arg("-u")).output().unwrap();
        assert_ne!(String::from_utf8_lossy(&output.stdout).trim(), "0");
    }

    #[test]
    fn an_account_that_is_switched_to_has_no_group_of_root() {
        let account = Account::for_server().unwrap();
        let mut command = Command::new("id");
        let output = account.apply(command.arg("-G")).output().unwrap();
        let groups = String::from_utf8_lossy(&output.stdout).into_owned();
        if account.is_other_user() {
            assert!(
                !groups.split_whitespace().any(|group| group == "0"),
                "groups: {groups}"
            );
        }
    }
}
