//! Waits between the attempts at a file.

use std::time::Duration;

/// Waits that double from `first` to `longest`. Each is shortened at random by up to half, so that files that failed
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
    /// How long to wait after attempt number `attempt` (from 1).
    pub fn wait(&self, attempt: u32) -> Duration {
        self.full(attempt).mul_f64(1.0 - rand::random::<f64>() / 2.0)
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
            let waits: Vec<_> = (0..50).map(|_| backoff.wait(attempt)).collect();
            assert!(waits.iter().all(|wait| *wait <= full && *wait >= full / 2));
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }
}
