//! Judges a run by its ledger: what was lost, what came twice, what nobody can explain, what should never be, and how long
//! things took.

mod doors;
mod duplicated;
mod history;
mod illegal;
mod lost;
#[cfg(test)]
mod planted;
mod timing;
mod unexpected;

use crate::ledger::Entry;
use history::History;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Something that was accepted is gone.
    Lost,
    /// Something came twice.
    Duplicated,
    /// Something that nothing explains.
    Unexpected,
    /// A state that should never be.
    Illegal,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lost, Self::Duplicated, Self::Unexpected, Self::Illegal];

    /// As it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Unexpected => "unexpected",
            Self::Illegal => "illegal",
        }
    }
}

/// A number with its bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What it is.
    pub name: String,
    /// How it came out.
    pub value: String,
    /// What it has to be; nothing for one that is only told.
    pub bound: Option<String>,
    /// Whether it is.
    pub holds: bool,
}

impl Measure {
    /// One that is only told.
    pub fn told(name: &str, value: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            value: value.into(),
            bound: None,
            holds: true,
        }
    }

    /// One that has to hold.
    pub fn bound(name: &str, value: impl Into<String>, bound: impl Into<String>, holds: bool) -> Self {
        Self {
            name: name.to_owned(),
            value: value.into(),
            bound: Some(bound.into()),
            holds,
        }
    }
}

/// What is to be said of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What is wrong, one sentence each.
    pub findings: Vec<(Class, String)>,
    /// The numbers.
    pub measures: Vec<Measure>,
}

impl Verdict {
    /// Whether every bound holds.
    pub fn is_good(&self) -> bool {
        self.findings.is_empty() && self.measures.iter().all(|measure| measure.holds)
    }

    /// The findings of a class.
    pub fn of(&self, class: Class) -> impl Iterator<Item = &str> {
        self.findings
            .iter()
            .filter(move |(of, _)| *of == class)
            .map(|(_, what)| what.as_str())
    }
}

/// Judges a ledger.
pub fn check(entries: &[Entry]) -> Verdict {
    let history = History::of(entries);
    let messages = duplicated::messages(&history);
    let all = [
        (Class::Lost, lost::all(&history)),
        (Class::Duplicated, duplicated::all(&history, &messages)),
        (Class::Unexpected, unexpected::all(&history, &messages)),
        (Class::Illegal, illegal::all(&history)),
    ];
    let findings = all
        .into_iter()
        .flat_map(|(class, all)| all.into_iter().map(move |what| (class, what)));
    Verdict {
        findings: findings.collect(),
        measures: timing::all(&history, &messages),
    }
}
