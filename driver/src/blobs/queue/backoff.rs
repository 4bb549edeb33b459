//! Attempts at a file, and the waits between them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use crate::blobs::file::failure::Scope;

/// Waits that double from `first` to `longest`. Each is shortened by up to half, by another part for each file, so that files that failed
/// together are not retried together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Wait after the first attempt.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
    /// Maximum number of attempts.
    pub attempts: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(120),
            attempts: 8,
        }
    }
}

impl Backoff {
    /// How long to wait after attempt number `attempt` (from 1) at the file with this number: what is announced is what is recorded.
    pub fn wait(&self, attempt: u32, file: i64) -> Duration {
        let mut hasher = DefaultHasher::new();
        (file, attempt).hash(&mut hasher);
        let part = f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        self.full(attempt).mul_f64(1.0 - part / 2.0)
    }

    /// Whether no attempt follows after attempt number `attempt` (from 1), which ended with a failure of this scope.
    pub fn is_last(&self, attempt: u32, scope: Scope) -> bool {
        match scope {
            Scope::File => true,
            Scope::Passing => attempt >= self.attempts,
            Scope::Storage => false,
        }
    }

    fn full(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_vary() {
        let backoff = Backoff::default();
        for (attempt, seconds) in [(1, 1), (2, 2), (4, 8), (8, 120), (60, 120)] {
            let full = Duration::from_secs(seconds);
            assert_eq!(backoff.full(attempt), full);
            let waits: Vec<_> = (0..50).map(|file| backoff.wait(attempt, file)).collect();
            assert!(waits.iter().all(|wait| *wait <= full && *wait >= full / 2));
            assert!(waits.iter().any(|wait| *wait != waits[0]));
            assert_eq!(waits[7], backoff.wait(attempt, 7));
        }
    }
}
