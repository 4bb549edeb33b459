//! `pg_clone generate`: the manual page and shell completions, from the definition of the command line.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Context;
use crate::args::Cli;
use crate::failure::{Exit, UsageContext};

pub(super) fn run(_: &mut Context, what: &str) -> Result<Exit> {
    let mut command = Cli::command();
    let mut text = Vec::new();
    if what == "man" {
        // One page for all commands.
        command.build();
        clap_mangen::Man::new(command.clone()).render(&mut text)?;
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let man = clap_mangen::Man::new(sub.clone().display_name(format!("pg_clone {}", sub.get_name())));
            writeln!(text, ".SH \"PG_CLONE {}\"", sub.get_name().to_uppercase())?;
            man.render_synopsis_section(&mut text)?;
            man.render_description_section(&mut text)?;
            man.render_options_section(&mut text)?;
        }
    } else {
        let shell: Shell = what
            .parse()
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("{what:?} is none of man, bash, zsh, fish, elvish, powershell"))
            .or_usage()?;
        clap_complete::generate(shell, &mut command, "pg_clone", &mut text);
    }
    let written = std::io::stdout().write_all(&text);
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(Exit::Done),
    }
}
