//! Candidates, cheapest first. Lines are expanded only when their turn comes, so that a large project costs nothing to start.
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};

use tree_sitter::Parser;

use super::edit::{Applied, Edit};
use super::localise::Place;
use super::project::Project;
use super::scope::Scope;
use super::symptom::{Symptom, bias};
use super::template::{FAMILIES, Site};

/// No edit gets cheaper than this, whatever the symptoms say.
const FLOOR: f64 = 0.2;
/// What a line that is not suspicious at all costs more than one that surely is wrong.
const DISTANCE: f64 = 1.5;
/// Cheapest candidates of one line that are kept.
const PER_LINE: usize = 900;

struct Entry {
    priority: f64,
    /// Order of insertion breaks ties, so that a search can be repeated.
    serial: u64,
    item: Item,
}

enum Item {
    Line(usize),
    Edit(Box<Edit>, f64),
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .priority
            .total_cmp(&self.priority)
            .then(other.serial.cmp(&self.serial))
    }
}

/// One candidate, ready to run.
pub struct Candidate {
    /// The edit.
    pub edit: Edit,
    /// New text of the file, its fingerprint and the size of the change.
    pub applied: Applied,
    /// Cost with priors and suspiciousness: the order of the search.
    pub priority: f64,
    /// Suspiciousness of its line.
    pub suspicion: f64,
}

/// The lazy generator.
pub struct Queue<'p> {
    project: &'p Project,
    symptoms: &'p [Symptom],
    places: Vec<Place>,
    heap: BinaryHeap<Entry>,
    seen: HashSet<u64>,
    parser: Parser,
    serial: u64,
}

impl<'p> Queue<'p> {
    /// A queue over these lines. `None` when the grammar cannot be loaded.
    pub fn new(project: &'p Project, symptoms: &'p [Symptom], places: Vec<Place>) -> Option<Self> {
        let mut queue = Self {
            project,
            symptoms,
            heap: BinaryHeap::new(),
            seen: HashSet::new(),
            parser: super::syntax::parser()?,
            serial: 0,
            places: Vec::new(),
        };
        for (index, place) in places.iter().enumerate() {
            queue.push(FLOOR + DISTANCE * (1.0 - place.suspicion), Item::Line(index));
        }
        queue.places = places;
        Some(queue)
    }

    fn push(&mut self, priority: f64, item: Item) {
        self.serial += 1;
        self.heap.push(Entry {
            priority,
            serial: self.serial,
            item,
        });
    }

    /// The next candidate that parses and was not seen before.
    pub fn take(&mut self) -> Option<Candidate> {
        while let Some(entry) = self.heap.pop() {
            match entry.item {
                Item::Line(index) => self.expand(index),
                Item::Edit(edit, suspicion) => {
                    let Some(source) = self.project.sources.get(edit.file) else {
                        continue;
                    };
                    let Some(applied) = edit.apply(source, &mut self.parser) else {
                        continue;
                    };
                    if self.seen.insert(applied.fingerprint) {
                        return Some(Candidate {
                            edit: *edit,
                            applied,
                            priority: entry.priority,
                            suspicion,
                        });
                    }
                }
            }
        }
        None
    }

    /// Priority of what comes next; candidates may turn out to be later, never earlier.
    pub fn peek(&self) -> Option<f64> {
        self.heap.peek().map(|entry| entry.priority)
    }

    fn expand(&mut self, index: usize) {
        let Some(place) = self.places.get(index).cloned() else {
            return;
        };
        let mut edits = edits_on(self.project, self.symptoms, &place);
        edits.sort_by(|a, b| a.0.total_cmp(&b.0));
        edits.truncate(PER_LINE);
        for (priority, edit) in edits {
            self.push(priority, Item::Edit(Box::new(edit), place.suspicion));
        }
    }
}

/// Every edit of one line with its priority.
pub fn edits_on(project: &Project, symptoms: &[Symptom], place: &Place) -> Vec<(f64, Edit)> {
    let Some(source) = project.sources.get(place.file) else {
        return Vec::new();
    };
    let function = place
        .function
        .and_then(|index| project.functions.get(index))
        .and_then(|function| {
            source
                .tree
                .root_node()
                .named_descendant_for_byte_range(function.range.start, function.range.end)
        });
    let Some(scope) = Scope::new(project, place.file, function) else {
        return Vec::new();
    };
    let ignored = scope.ignored();
    let mut edits = Vec::new();
    for node in source.nodes_on(place.line) {
        let site = Site {
            scope: &scope,
            node,
            symptoms,
            crashed: place.crashed,
        };
        for family in FAMILIES {
            family(&site, &mut |edit| {
                let gain = bias(symptoms, edit.template);
                // A crash says little about lines that no frame points to.
                let weight = if place.crashed
                    || gain > 0.0
                    || edit.template.starts_with("T10")
                    || !(edit.template.starts_with("T09") || edit.template.starts_with("T18"))
                {
                    1.0
                } else {
                    0.4
                };
                // A parameter that is never read was probably meant to be.
                let uses = !ignored.is_empty()
                    && edit
                        .splices
                        .iter()
                        .any(|splice| words(&splice.text).any(|word| ignored.contains(&word)));
                let gain = gain - if uses { 0.5 } else { 0.0 };
                let priority = (edit.cost + weight * gain).max(FLOOR) + DISTANCE * (1.0 - place.suspicion);
                edits.push((priority, edit));
            });
        }
    }
    edits
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::brief::Brief;

    fn project(text: &str) -> Project {
        Project::new(&Brief::new(
            [("m.py".to_owned(), text.to_owned())].into(),
            vec![],
            vec![],
        ))
    }

    fn place(line: u32, suspicion: f64) -> Place {
        Place {
            file: 0,
            function: Some(0),
            line,
            suspicion,
            crashed: false,
        }
    }

    #[test]
    fn candidates_come_in_order_and_once() {
        let project = project("def f(a, b):\n    if a < b:\n        return a\n    return b\n");
        let mut queue = Queue::new(&project, &[], vec![place(2, 1.0), place(3, 0.5), place(4, 0.2)]).unwrap();
        let (mut last, mut texts) = (0.0, HashSet::new());
        while let Some(candidate) = queue.take() {
            assert!(candidate.priority >= last, "cheapest first");
            last = candidate.priority;
            assert!(texts.insert(candidate.applied.text), "no repetition");
        }
        assert!(texts.len() > 100, "{}", texts.len());
    }

    #[test]
    fn lines_wait_until_their_turn() {
        let project = project("def f(a, b):\n    if a < b:\n        return a\n    return b\n");
        let mut queue = Queue::new(&project, &[], vec![place(2, 1.0), place(3, 0.0)]).unwrap();
        let first = queue.take().unwrap();
        assert_eq!(first.edit.line, 2);
        assert!(
            queue.heap.iter().any(|entry| matches!(entry.item, Item::Line(1))),
            "line 3 is not expanded yet"
        );
    }

    /// Functions from pieces that are awkward for byte splices.
    fn awkward() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "x = a if b else c",
            "if a: x = b",
            "for i, v in enumerate(a): x += v",
            "x = [v for v in a if v > 1]  # ünï",
            "return a[1:b].strip()",
            "x = f\"{a!r:>10} {b['k']}\"",
            "x = g(a,\n        b=b,\n    )",
            "while x < 3:\n        x += 1\n        if x == 2: break",
            "try:\n        x = int(a)\n    except ValueError as e:\n        raise KeyError(a) from e",
            "with open(a) as fh:\n        x = fh.read()",
            "x = {'a': 1, **b}; y = (a, b)",
            "def inner(q=[], *, r: int = 2):\n        return q + [r]",
            "if a is not None and not b:\n        return {k: v for k, v in b.items()}\n    elif a:\n        pass\n    else:\n        x = '''t\n  w'''",
            "x = a / len(b) + c * -1",
            "yield a.b.c(1)[0]",
            "del a[b]",
            "x = lambda q: q.size - a",
            "assert a, 'é'",
            "return 'a' + \\\n        b",
        ]);
        (prop::collection::vec(piece, 1..6), prop::bool::ANY, prop::bool::ANY).prop_map(|(pieces, windows, tabs)| {
            let body: String = pieces.iter().map(|piece| format!("    {piece}\n")).collect();
            let text = format!("import os\nLIMIT = 3\n\n@wrap\ndef f(a, b=None, *c):\n    \"\"\"Doc.\"\"\"\n{body}\nclass A:\n    n = []\n    def m(self): return self.n\n");
            let text = if tabs { text.replace("    ", "\t") } else { text };
            if windows { text.replace('\n', "\r\n") } else { text }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn every_candidate_parses_and_changes_nothing_outside_its_splices(text in awkward()) {
            let project = project(&text);
            let source = &project.sources[0];
            prop_assert_eq!(source.errors, 0);
            let symptoms = [Symptom::NoneValue, Symptom::DidNotRaise("ValueError".into()), Symptom::Raised("KeyError".into()), Symptom::Expected("42".into()), Symptom::UnknownName("x".into())];
            let lines = u32::try_from(text.lines().count()).unwrap();
            let places = (1..=lines).map(|line| Place { file: 0, function: project.function_at(0, line), line, suspicion: 1.0, crashed: true }).collect::<Vec<_>>();
            for place in &places {
                for (_, edit) in edits_on(&project, &symptoms, place) {
                    let after = edit.splice(&text);
                    prop_assert!(after.is_some(), "splices of {} leave the text or overlap: {:?}", edit.template, edit.splices);
                    let start = edit.splices.iter().map(|splice| splice.range.start).min().unwrap();
                    let end = text.len() - edit.splices.iter().map(|splice| splice.range.end).max().unwrap();
                    let after = after.unwrap();
                    prop_assert_eq!(&after[..start], &text[..start]);
                    prop_assert_eq!(&after[after.len() - end..], &text[text.len() - end..]);
                }
            }
            let mut queue = Queue::new(&project, &symptoms, places).unwrap();
            for _ in 0..400 {
                let Some(candidate) = queue.take() else { break };
                let after = super::super::syntax::Source::parse("m.py", &candidate.applied.text).unwrap();
                prop_assert_eq!(after.errors, 0, "{}: {}", candidate.edit.template, candidate.applied.text);
            }
        }
    }
}
