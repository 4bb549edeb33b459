//! Ctrl-C and SIGTERM: heard once, by whoever asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long after the signal the process ends whatever it waits for: a directory on a server that is gone, a statement
/// that cannot be cancelled. Whoever sends signals (systemd, Kubernetes) waits for 10 s or more.
const LAST_WORD: Duration = Duration::from_millis(9_500);

/// How long a command may take that must take away what it made.
const CLEANING: Duration = Duration::from_secs(60);

/// Whether this command has something of its own to take away.
static CLEANS_UP: AtomicBool = AtomicBool::new(false);

/// From now on the process has made something, e.g. a cluster, that must be gone when it ends: it gets the time for that.
pub fn begin_clean_up() {
    CLEANS_UP.store(true, Ordering::Relaxed);
}

/// How long threads may take to end after the command did.
pub fn patience() -> Duration {
    if CLEANS_UP.load(Ordering::Relaxed) {
        CLEANING
    } else {
        LAST_WORD
    }
}

/// Tells whether the user asked to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(CancellationToken);

impl Interrupt {
    /// Starts to listen for SIGINT, SIGTERM and SIGHUP; from then on they do not end the process by themselves.
    ///
    /// # Errors
    /// When the signal handlers cannot be set up.
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
            // The signals stay ours until the process ends: a second Ctrl-C must not cut the clean-up short.
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

    /// Runs `work` unless a signal comes first; then `work` is dropped and the error is [`Interrupted`].
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

/// On a thread of its own: the runtime's may all be stuck.
fn end_anyway() {
    std::thread::sleep(patience());
    eprintln!(
        "pg_clone: error: interrupted: what was under way did not end in time and was left; what was not committed is undone"
    );
    std::process::exit(130);
}

/// The error of a command that was stopped by a signal before it changed anything.
#[derive(Debug)]
pub struct Interrupted {
    state: &'static str,
}

impl Interrupted {
    /// Stopped while nothing was committed.
    pub const fn nothing_changed() -> Self {
        Self {
            state: "nothing was changed",
        }
    }

    /// Stopped, with what is true about the data now.
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
