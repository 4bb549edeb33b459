//! The commands, one file each. Every one gets a [`Context`], prints its result and says how it ended.

mod blobs;
mod clone;
mod delete;
mod demo;
mod item;
mod jobs;
mod plan;
mod runs;
mod store;
mod verify;
mod worker;

use anyhow::{Context as _, Result};

use crate::args::{Cli, Command};
use crate::blobs::AllowedLocations;
use crate::connect::{ProcessEnvironment, Target};
use crate::failure::{Outcome, UsageContext};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::{Progress, Style};
use crate::session::Session;

/// What every command works with.
pub(crate) struct Context {
    dsn: Option<String>,
    /// Places of files that the database may name.
    pub(crate) allowed: AllowedLocations,
    pub(crate) interrupt: Interrupt,
    pub(crate) output: Output,
    pub(crate) progress: Progress,
}

impl Context {
    /// The database that the flags and the environment name.
    fn target(&self) -> Result<Target> {
        Target::resolve(self.dsn.as_deref(), &ProcessEnvironment).or_usage()
    }

    async fn session(&self, target: &Target) -> Result<Session> {
        Session::open(target, &self.interrupt).await
    }
}

/// Runs the command that `cli` names.
///
/// # Errors
/// Whatever keeps the command from doing its job; see [`crate::failure::exit_code`].
pub(crate) async fn run(cli: Cli) -> Result<Outcome> {
    let mut context = Context {
        dsn: cli.dsn,
        allowed: AllowedLocations::parse(&cli.allow_locations)
            .context("--allow-location")
            .or_usage()?,
        interrupt: Interrupt::listen()?,
        output: Output::new(cli.json),
        progress: Progress::new(Style::choose(cli.json, cli.quiet)),
    };
    let context = &mut context;
    match cli.command {
        Command::Clone(args) => clone::run(context, &args).await,
        Command::Runs(args) => runs::list(context, &args).await,
        Command::Show { run } => runs::show(context, run).await,
        Command::Verify(args) => verify::run(context, &args).await,
        Command::Delete(args) => delete::run(context, &args).await,
        Command::Item(args) => item::run(context, &args).await,
        Command::Jobs(args) => jobs::run(context, &args).await,
        Command::Worker(args) => worker::run(context, &args).await,
        Command::Store { action } => store::run(context, &action).await,
        Command::Blobs { action } => blobs::run(context, &action).await,
        Command::Demo(args) => demo::run(context, &args).await,
    }
}
