//! Integer and text keys, counted as the rewriter counts UUIDs.

use pg_clone_core::rewrite::Counts;
use std::collections::BTreeMap;

/// Maximum number of distinct targets that are stored, as in the rewriter.
const DISTINCT: usize = 1000;

/// Counts of keys that are not UUIDs.
#[derive(Debug, Default)]
pub struct KeyStatistics {
    counts: Counts,
    targets: BTreeMap<String, u64>,
}

impl KeyStatistics {
    /// Counts a replaced key.
    pub fn rewritten(&mut self) {
        self.counts.rewritten += 1;
    }

    /// Counts a dangling key; `target` is its entry in the list.
    pub fn dangling(&mut self, target: &str) {
        self.counts.dangling += 1;
        if let Some(count) = self.targets.get_mut(target) {
            *count += 1;
        } else if self.targets.len() < DISTINCT {
            self.targets.insert(target.to_owned(), 1);
        }
    }

    /// The counts since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The targets of dangling keys.
    pub fn into_targets(self) -> BTreeMap<String, u64> {
        self.targets
    }
}
