//! The commands, one file each. Each gets a [`Context`], prints its result and returns its [`Exit`].

mod archive;
mod blobs;
mod cache;
mod clone;
mod delete;
mod demo;
mod export;
mod generate;
mod item;
mod jobs;
mod moving;
mod moving_locally;
mod runs;
mod store;
mod verify;
mod version;
mod worker;

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result};

use crate::args::{Cli, Command};
use crate::blobs::AllowedLocations;
use crate::connect::session::Session;
use crate::connect::{ProcessEnvironment, Target};
use crate::failure::{Exit, Usage, UsageContext};
use crate::interrupt::Interrupt;
use crate::output::printable::escape;
use crate::output::{Format, Output};
use crate::progress::{Progress, Style};

/// The state that every command gets.
pub(crate) struct Context {
    dsn: Option<String>,
    host: Option<String>,
    port: Option<String>,
    user: Option<String>,
    verbose: bool,
    /// Places of files that the database may name.
    pub(crate) allowed: AllowedLocations,
    pub(crate) interrupt: Interrupt,
    pub(crate) output: Output,
    pub(crate) progress: Progress,
}

impl Context {
    /// The database that the flags and the environment name.
    fn target(&self) -> Result<Target> {
        let flags = [("host", &self.host), ("port", &self.port), ("user", &self.user)];
        let flags: Vec<(&str, &str)> = flags
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?)))
            .collect();
        Target::resolve_with(self.dsn.as_deref(), &flags, &ProcessEnvironment).or_usage()
    }

    /// Asks for confirmation before data is deleted. Without a terminal `--yes` is required.
    ///
    /// # Errors
    /// Wrong usage (exit code 2) without a terminal, or if the answer is not yes.
    async fn confirm(&mut self, yes: bool, question: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(Usage(anyhow::anyhow!(
                "{question} There is no terminal to confirm it: specify --yes"
            ))
            .into());
        }
        let question = escape(question).into_owned();
        let (sender, asked) = tokio::sync::oneshot::channel();
        // Not a thread of the runtime: the runtime would wait for the answer after Ctrl-C.
        std::thread::spawn(move || {
            eprint!("{question} [y/N] ");
            let mut answer = String::new();
            let read = std::io::stdin().read_line(&mut answer).map(|_| answer);
            // After Ctrl-C nobody listens.
            let _ = sender.send(read);
        });
        let answer = self.interrupt.or(async { Ok(asked.await??) }).await?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(anyhow::anyhow!("not confirmed: nothing was changed"))
    }

    async fn session(&self, target: &Target) -> Result<Session> {
        Session::open(target, &self.interrupt, self.verbose).await
    }
}

/// Runs the command that `cli` names.
///
/// # Errors
/// The errors of the command; see [`crate::failure::exit_code`].
pub(crate) async fn run(cli: Cli) -> Result<Exit> {
    let mut context = Context {
        output: Output::new(cli.format()),
        progress: Progress::new(Style::choose(cli.format() == Format::Json, cli.quiet)),
        dsn: cli.dsn,
        host: cli.host,
        port: cli.port,
        user: cli.user,
        verbose: cli.verbose,
        allowed: AllowedLocations::parse(&cli.allow_locations)
            .context("--allow-location")
            .or_usage()?,
        interrupt: Interrupt::listen()?,
    };
    let context = &mut context;
    let ended = dispatch(context, cli.command).await;
    match context.output.take_failure() {
        // The command succeeded, but its result could not be written.
        Some(error) if ended.is_ok() => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => ended,
    }
}

async fn dispatch(context: &mut Context, command: Command) -> Result<Exit> {
    match command {
        Command::Clone(args) => clone::run(context, &args).await,
        Command::Copy(args) => moving::copy(context, &args).await,
        Command::Export(args) => export::run(context, &args).await,
        Command::Import(args) => moving::import(context, &args).await,
        Command::Runs(args) => runs::list(context, &args).await,
        Command::Show { run } => match run.parse() {
            Ok(run) => runs::show(context, run).await,
            Err(_) => archive::show(context, &run),
        },
        Command::Verify(args) => verify::run(context, &args).await,
        Command::Delete(args) => delete::run(context, &args).await,
        Command::Item(args) => item::run(context, &args).await,
        Command::Jobs(args) => jobs::run(context, &args).await,
        Command::Worker(args) => worker::run(context, &args).await,
        Command::Store { action } => store::run(context, &action).await,
        Command::Blobs { action } => blobs::run(context, &action).await,
        Command::Version => version::run(context).await,
        Command::Generate { what } => generate::run(context, &what),
        Command::Cache { action } => cache::run(context, &action).await,
        Command::Demo(args) => demo::run(context, &args).await,
    }
}
