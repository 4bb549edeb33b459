//! One run at a time in a session: a run that a trigger, a default or a function of the store's tables begins within another one would write under
//! it, and one that begins itself would never end.

use pg_clone_core::error::{Code, Error, Result};
use std::cell::Cell;

thread_local! {
    static RUNNING: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// As long as this lives, no other run begins in this session.
pub struct Alone(());

impl Alone {
    /// Begins a run of this SQL function; error 0A000 within another run.
    pub fn begin(function: &'static str) -> Result<Self> {
        match RUNNING.get() {
            None => {
                RUNNING.set(Some(function));
                Ok(Alone(()))
            }
            Some(running) => Err(Error::new(
                Code::Unsupported,
                format!("{function} was called within a run of {running}"),
            )
            .hint(
                "A trigger, a default or a function of the tables calls it. Let it queue a clone instead, project_clone_start(…), or disable it for \
                 the call: ALTER TABLE … DISABLE TRIGGER ….",
            )),
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Also while an error unwinds.
        RUNNING.set(None);
    }
}
