//! The verdict as people read it.

use crate::check::{Class, Verdict};
use std::fmt;
use std::path::Path;

/// Findings of one class that are shown; the ledger has them all.
const SHOWN: usize = 20;

/// A verdict to be read.
pub struct Report<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// Where the ledger is.
    pub ledger: &'a Path,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.verdict;
        let width = verdict
            .measures
            .iter()
            .map(|measure| measure.name.chars().count())
            .max()
            .unwrap_or(0);
        writeln!(out)?;
        for measure in &verdict.measures {
            let bound = measure
                .bound
                .as_ref()
                .map(|bound| format!("   ({bound})"))
                .unwrap_or_default();
            let mark = match (&measure.bound, measure.holds) {
                (None, _) => " ",
                (Some(_), true) => "✓",
                (Some(_), false) => "✗",
            };
            writeln!(out, "{mark} {:width$}  {}{bound}", measure.name, measure.value)?;
        }
        for class in Class::ALL {
            let count = verdict.of(class).count();
            let mark = if count == 0 { "✓" } else { "✗" };
            writeln!(out, "{mark} {:width$}  {count}   (0)", class.as_str())?;
            for finding in verdict.of(class).take(SHOWN) {
                writeln!(out, "    {finding}")?;
            }
            if count > SHOWN {
                writeln!(out, "    … and {} more", count - SHOWN)?;
            }
        }
        let end = if verdict.is_good() {
            "every bound holds"
        } else {
            "NOT every bound holds"
        };
        write!(out, "\n{end}; the ledger is {}", self.ledger.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Measure;

    #[test]
    fn what_does_not_hold_is_marked() {
        let verdict = Verdict {
            findings: vec![(Class::Lost, "a delivery".into())],
            measures: vec![
                Measure::told("incidents", "3"),
                Measure::bound("answers in time", "99 %", ">= 99.9 %", false),
            ],
        };
        let text = Report {
            verdict: &verdict,
            ledger: Path::new("/l"),
        }
        .to_string();
        assert!(text.contains("✗ answers in time  99 %   (>= 99.9 %)"), "{text}");
        assert!(
            text.contains("✗ lost             1   (0)\n    a delivery\n✓ duplicated"),
            "{text}"
        );
        assert!(text.ends_with("NOT every bound holds; the ledger is /l"), "{text}");
    }
}
