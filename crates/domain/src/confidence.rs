//! Confidence: what past outcomes justify, per engine and failure class. No engine's own number is taken.

use crate::evidence::Oracle;
use serde::{Deserialize, Serialize};

/// What became of earlier pull requests of one engine for one failure class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackRecord {
    /// Merged by a person.
    pub merged: u32,
    /// Closed without a merge.
    pub rejected: u32,
}

/// Estimates the chance that a person merges the fix, between 0 and 1, rounded to two places: the mean of a Beta
/// distribution whose prior is the oracle's strength, divided when several different fixes pass all tests.
#[must_use]
pub fn estimate(record: TrackRecord, oracle: Oracle, distinct_plausible: u32) -> f64 {
    // The weights say how many outcomes it takes to outweigh the prior: about ten.
    let (for_it, against) = match oracle {
        Oracle::FailingTests => (8.0, 2.0),
        Oracle::NoLongerRaises => (5.0, 5.0),
    };
    let mean = (f64::from(record.merged) + for_it)
        / (f64::from(record.merged) + f64::from(record.rejected) + for_it + against);
    // Rival fixes that all pass say that the tests do not pin the right one.
    let doubt = 1.0 + 0.1 * f64::from(distinct_plausible.saturating_sub(1).min(10));
    (mean / doubt * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_move_it_and_rivals_lower_it() {
        let fresh = estimate(TrackRecord::default(), Oracle::FailingTests, 1);
        assert!((fresh - 0.8).abs() < 1e-9);
        assert!(
            estimate(
                TrackRecord {
                    merged: 20,
                    rejected: 0
                },
                Oracle::FailingTests,
                1
            ) > fresh
        );
        assert!(
            estimate(
                TrackRecord {
                    merged: 0,
                    rejected: 20
                },
                Oracle::FailingTests,
                1
            ) < 0.4
        );
        assert!(estimate(TrackRecord::default(), Oracle::FailingTests, 3) < fresh);
        assert!(estimate(TrackRecord::default(), Oracle::NoLongerRaises, 1) < fresh);
    }
}
