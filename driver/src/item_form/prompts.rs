//! Prompts on the terminal.

use std::io::IsTerminal as _;

use anyhow::{Result, anyhow};
use inquire::{Confirm, InquireError, Select, Text};
use rustix::termios::{InputModes, LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::interrupt::Interrupted;
use crate::output::printable::{escape, symbols};

/// A prompt.
#[derive(Debug, Default)]
pub struct Question {
    /// Label of the field.
    pub label: String,
    /// Description of the field.
    pub help: Option<String>,
    /// Error of the present value.
    pub problem: Option<String>,
}

/// Source of the answers: the terminal, or a test.
pub trait Prompts {
    /// Prompts for a text; `given` is the initial value.
    ///
    /// # Errors
    /// The user cancels.
    fn text(&mut self, question: &Question, given: &str) -> Result<String>;

    /// Prompts for one of several options; returns its index from 0.
    ///
    /// # Errors
    /// The user cancels.
    fn choice(&mut self, question: &Question, options: Vec<String>, start: usize) -> Result<usize>;

    /// Prompts for yes or no.
    ///
    /// # Errors
    /// The user cancels.
    fn yes(&mut self, question: &Question, default: bool) -> Result<bool>;

    /// Prints a line.
    fn say(&mut self, line: &str);
}

/// Whether prompting is possible: standard error and standard input are terminals.
pub fn is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The text without control characters of keys, such as Ctrl-U, which the prompt takes for text. Those of the initial value stay.
fn without_control_keys(text: &str, given: &str) -> String {
    let typed = |character: &char| character.is_control() && !given.contains(*character);
    text.chars().filter(|character| !typed(character)).collect()
}

/// The terminal of the process.
#[derive(Debug)]
pub struct Terminal;

impl Terminal {
    fn announce(&mut self, question: &Question) -> (String, Option<String>) {
        if let Some(problem) = &question.problem {
            self.say(&format!("! {}: {problem}", question.label));
        }
        let help = question.help.as_deref().map(|help| escape(help).into_owned());
        (escape(&question.label).into_owned(), help)
    }
}

impl Prompts for Terminal {
    fn text(&mut self, question: &Question, given: &str) -> Result<String> {
        let (label, help) = self.announce(question);
        let mut prompt = Text::new(&label).with_initial_value(given);
        if let Some(help) = &help {
            prompt = prompt.with_help_message(help);
        }
        let answer = prompt.prompt().map_err(stopped)?;
        Ok(without_control_keys(&answer, given))
    }

    fn choice(&mut self, question: &Question, options: Vec<String>, start: usize) -> Result<usize> {
        let (label, help) = self.announce(question);
        let options = options.iter().map(|option| escape(option).into_owned()).collect();
        let mut prompt = Select::new(&label, options)
            .with_starting_cursor(start)
            .without_filtering();
        prompt = prompt.with_help_message(
            help.as_deref()
                .unwrap_or("Up and down to choose, Enter to select"),
        );
        Ok(prompt.raw_prompt().map_err(stopped)?.index)
    }

    fn yes(&mut self, question: &Question, default: bool) -> Result<bool> {
        let (label, help) = self.announce(question);
        let mut prompt = Confirm::new(&label).with_default(default);
        if let Some(help) = &help {
            prompt = prompt.with_help_message(help);
        }
        prompt.prompt().map_err(stopped)
    }

    fn say(&mut self, line: &str) {
        eprintln!("{}", symbols(&escape(line)));
    }
}

fn stopped(error: InquireError) -> anyhow::Error {
    match error {
        InquireError::OperationInterrupted => Interrupted::nothing_changed().into(),
        // The library's error after Ctrl-C.
        InquireError::IO(error) if error.kind() == std::io::ErrorKind::Interrupted => {
            Interrupted::nothing_changed().into()
        }
        InquireError::OperationCanceled => not_cloned(),
        other => anyhow::Error::new(other).context("cannot ask on this terminal"),
    }
}

/// The error if the user cancels the dialogue.
pub fn not_cloned() -> anyhow::Error {
    anyhow!("not confirmed: nothing was changed")
}

/// Terminal settings during the dialogue: no echo and no line buffering, also between two prompts. Dropping it restores the
/// settings, also after a signal that comes while a prompt waits on its thread.
pub struct Conversation(Option<Termios>);

impl Conversation {
    /// Changes the settings.
    pub fn begin() -> Self {
        let Ok(was) = tcgetattr(std::io::stdin()) else {
            return Self(None);
        };
        let mut now = was.clone();
        now.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        now.input_modes.remove(InputModes::ICRNL);
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &now);
        Self(Some(was))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if let Some(was) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, was);
        }
    }
}
