//! Runs within runs. A clone that a trigger, a default or a function of the store's tables begins within another one is a clone like any other,
//! unless it goes on without end. A deletion or a refresh within a run would write under it.

use pg_clone_core::error::{Code, Error, Result};
use std::cell::Cell;

/// Maximum number of clones of which each was begun within the one before.
const MOST: u32 = 4;

/// The run that this session is in.
#[derive(Clone, Copy)]
struct Running {
    function: &'static str,
    depth: u32,
    /// Whether clones may begin within it.
    clones_within: bool,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

/// As long as this lives, the session is in this run. On drop it is in the one around it.
pub struct OpenRun(Option<Running>);

impl OpenRun {
    /// Begins a run of this SQL function within which none may begin; error 0A000 within another run.
    pub fn begin(function: &'static str) -> Result<Self> {
        match RUNNING.get() {
            None => Ok(Self::enter(function, 1, false)),
            Some(running) => Err(refused(function, running)),
        }
    }

    /// Begins a clone that deletes nothing; error 0A000 within a run of another kind, and within too many clones.
    pub fn begin_clone(function: &'static str) -> Result<Self> {
        match RUNNING.get() {
            None => Ok(Self::enter(function, 1, true)),
            Some(running) if running.clones_within && running.depth < MOST => {
                Ok(Self::enter(function, running.depth + 1, true))
            }
            Some(running) => Err(refused(function, running)),
        }
    }

    fn enter(function: &'static str, depth: u32, clones_within: bool) -> Self {
        OpenRun(RUNNING.replace(Some(Running {
            function,
            depth,
            clones_within,
        })))
    }
}

fn refused(function: &str, running: Running) -> Error {
    Error::new(
        Code::Unsupported,
        format!("{function} was called within a run of {}", running.function),
    )
    .hint(
        "A trigger, a default or a function of the tables calls it. Let it queue a clone instead, project_clone_start(…), or disable it for \
         the call: ALTER TABLE … DISABLE TRIGGER ….",
    )
}

impl Drop for OpenRun {
    fn drop(&mut self) {
        // Also while an error unwinds.
        RUNNING.set(self.0);
    }
}
