//! Handles SIGINT, SIGTERM and SIGHUP.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::output::messages;

/// Time after the signal at which the process ends even if it waits, e.g. for a directory on an unreachable file server or a
/// statement that cannot be cancelled. Service managers (systemd, Kubernetes) wait 10 s or more before they kill it.
const LAST_WORD: Duration = Duration::from_millis(9_500);

/// Time limit for a command that has to clean up.
const CLEANING: Duration = Duration::from_secs(60);

/// Whether this command has to clean up.
static CLEANS_UP: AtomicBool = AtomicBool::new(false);

/// Declares that the process has to clean up at its end, e.g. remove a cluster: it gets more time after a signal.
pub fn begin_clean_up() {
    CLEANS_UP.store(true, Ordering::Relaxed);
}

/// Time limit for threads after the end of the command.
pub fn patience() -> Duration {
    if CLEANS_UP.load(Ordering::Relaxed) {
        CLEANING
    } else {
        LAST_WORD
    }
}

/// Whether a signal requested the end of the command. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(CancellationToken);

impl Interrupt {
    /// Installs handlers for SIGINT, SIGTERM and SIGHUP; from then on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub fn listen() -> Result<Self> {
        let mut signals = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .into_iter()
        .map(signal)
        .collect::<std::io::Result<Vec<_>>>()
        .context("cannot listen for signals")?;
        let interrupt = Self::default();
        let token = interrupt.0.clone();
        tokio::spawn(async move {
            std::future::poll_fn(|cx| {
                let any = signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
                if any {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            // The handlers stay until the process ends: a second Ctrl-C must not interrupt the clean-up.
            token.cancel();
            std::thread::spawn(end_anyway);
            std::future::pending::<()>().await;
            drop(signals);
        });
        Ok(interrupt)
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Resolves when a signal comes.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }

    /// Cancelled when a signal comes.
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }

    /// Runs `work` until a signal comes; then `work` is dropped and the error is [`Interrupted`].
    ///
    /// # Errors
    /// Those of `work`, and [`Interrupted`].
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            () = self.wait() => Err(Interrupted::nothing_changed().into()),
        }
    }
}

/// Ends the process after the time limit. Uses a thread of its own: those of the runtime may be blocked.
fn end_anyway() {
    std::thread::sleep(patience());
    const LEFT: &str =
        "interrupted: what was under way did not end in time and was left; what was not committed is undone";
    if messages::are_json() {
        let _ = writeln!(
            std::io::stderr(),
            "{}",
            serde_json::json!({"event": "error", "error": {"message": LEFT}})
        );
    } else {
        let _ = writeln!(std::io::stderr(), "pg_clone: error: {LEFT}");
    }
    std::process::exit(130);
}

/// The error of a command that a signal stopped.
#[derive(Debug)]
pub struct Interrupted {
    state: &'static str,
}

impl Interrupted {
    /// Stopped before a commit.
    pub const fn nothing_changed() -> Self {
        Self {
            state: "nothing was changed",
        }
    }

    /// Stopped; `state` describes the state of the data.
    pub const fn with_state(state: &'static str) -> Self {
        Self { state }
    }
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "interrupted: {}", self.state)
    }
}

impl std::error::Error for Interrupted {}
