//! Integer and text keys, counted as the rewriter counts UUIDs.

use pg_clone_core::rewrite::Counts;
use std::collections::BTreeMap;

/// Distinct targets that are remembered, as many as the rewriter remembers.
const DISTINCT: usize = 1000;

/// What became of keys that are no UUIDs.
#[derive(Debug, Default)]
pub struct KeyStatistics {
    counts: Counts,
    targets: BTreeMap<String, u64>,
}

impl KeyStatistics {
    /// A key was replaced.
    pub fn rewritten(&mut self) {
        self.counts.rewritten += 1;
    }

    /// A key names a row that is not cloned; `target` is how it is listed.
    pub fn dangling(&mut self, target: &str) {
        self.counts.dangling += 1;
        if let Some(count) = self.targets.get_mut(target) {
            *count += 1;
        } else if self.targets.len() < DISTINCT {
            self.targets.insert(target.to_owned(), 1);
        }
    }

    /// What was counted since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The targets of dangling keys.
    pub fn into_targets(self) -> BTreeMap<String, u64> {
        self.targets
    }
}
