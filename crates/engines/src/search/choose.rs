//! Which of several plausible fixes to put forward: general signs of overfitting cost, small changes win.
use std::collections::BTreeMap;

use tree_sitter::Node;

use super::project::Project;
use super::queue::Candidate;
use super::symptom::Symptom;
use super::syntax::{Source, is_expression, visit};

/// One plausible fix with what speaks against it.
pub struct Judged {
    /// Lower is better.
    pub cost: f64,
    /// English phrases.
    pub doubts: Vec<String>,
    /// Must not be proposed alone.
    pub refused: bool,
}

/// Weighs one plausible candidate.
pub fn weigh(project: &Project, candidate: &Candidate, symptoms: &[Symptom], failing: usize, weak: bool) -> Judged {
    #[expect(clippy::cast_precision_loss, reason = "sizes are small")]
    let mut judged = Judged {
        cost: candidate.priority + 0.012 * candidate.applied.size as f64,
        doubts: Vec::new(),
        refused: false,
    };
    let template = candidate.edit.template;
    let mut doubt = |cost: f64, text: &str| {
        judged.cost += cost;
        judged.doubts.push(text.to_owned());
    };
    if template.starts_with("T12") {
        doubt(0.7, "it only removes code");
    }
    if template.starts_with("T18.try") {
        doubt(1.2, "it catches the exception instead of avoiding it");
    }
    let leaves = template.starts_with("T09") && template.ends_with("-exit") || template == "T09.atom";
    if leaves && !weak {
        doubt(0.3, "it leaves the function early");
    }
    if let Some(source) = project.sources.get(candidate.edit.file)
        && let Some(after) = Source::parse(&source.path, &candidate.applied.text)
    {
        let (lost, gained) = names_changed(source, &after, candidate);
        if lost {
            doubt(0.45, "a parameter or variable is no longer used");
        }
        if gained {
            // Using what was ignored before is a sign of the intended code.
            doubt(-0.35, "");
        }
        if mixed_returns(project, candidate, source, &after) {
            doubt(0.4, "it returns another kind of value than the rest of the function");
        }
    }
    if template == "T09.get"
        && candidate
            .edit
            .splices
            .iter()
            .any(|splice| splice.text.contains(".get(") && !splice.text.contains(", "))
        && annotated(project, candidate)
    {
        doubt(0.5, "a missing key gives None where another kind of value is promised");
    }
    if weak && !fits_crash(template, symptoms) {
        doubt(1.6, "it avoids the exception without treating its cause");
    }
    judged.doubts.retain(|text| !text.is_empty());
    if literal_of_assertion(candidate, symptoms) {
        judged.cost += 1.0;
        judged
            .doubts
            .push("it repeats the value that the test expects".to_owned());
        judged.refused = failing < 2;
    }
    judged
}

/// Templates that answer an exception rather than side-step it.
fn fits_crash(template: &str, symptoms: &[Symptom]) -> bool {
    if template.starts_with("T15.wrap") || template.starts_with("T15u") {
        return symptoms
            .iter()
            .any(|symptom| matches!(symptom, Symptom::Operands | Symptom::Unhashable | Symptom::WrongType));
    }
    if template.starts_with("T15.strip") || template.starts_with("T15.case") {
        return symptoms
            .iter()
            .any(|symptom| matches!(symptom, Symptom::MissingKey(_) | Symptom::Conversion));
    }
    [
        "T09",
        "T10.missing",
        "T10.default",
        "T05.import",
        "T05.self",
        "T05.attribute",
        "T05.keyword",
        "T05.item",
        "T06.key",
        "T11.default",
        "T11.init",
        "T11.super",
        "T03",
        "T04.method",
        "T04.partition",
        "T17.bound",
        "T08.used",
        "T08.none",
        "T15.call",
        "T15.uncall",
        "T18",
        "T19.assign",
        "T19.await",
        "T19.return",
        "T19.decorator",
        "T21",
    ]
    .iter()
    .any(|prefix| template.starts_with(prefix))
}

/// Whether names of the function fell out of use, or came into use, beyond where they are bound.
fn names_changed(before: &Source, after: &Source, candidate: &Candidate) -> (bool, bool) {
    let (old, new) = (
        reads(before, candidate.edit.line, 0),
        reads(after, candidate.edit.line, shift(before, after, candidate)),
    );
    let lost = old
        .iter()
        .any(|(name, count)| *count > 0 && new.get(name).is_some_and(|now| *now == 0));
    let gained = old
        .iter()
        .any(|(name, count)| *count == 0 && new.get(name).is_some_and(|now| *now > 0));
    (lost, gained)
}

/// Lines that were put in front of the site.
fn shift(before: &Source, after: &Source, candidate: &Candidate) -> u32 {
    let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    let start = candidate
        .edit
        .splices
        .iter()
        .map(|splice| splice.range.start)
        .min()
        .unwrap_or(0);
    let import = before.line_start(start) == start
        && super::syntax::function_of(
            before
                .tree
                .root_node()
                .descendant_for_byte_range(start, start)
                .unwrap_or_else(|| before.tree.root_node()),
        )
        .is_none();
    if import {
        u32::try_from(lines(&after.text).saturating_sub(lines(&before.text))).unwrap_or(0)
    } else {
        0
    }
}

/// How often each parameter and local of the function at `line` is read.
fn reads(source: &Source, line: u32, shift: u32) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let at = line + shift;
    let mut inner: Option<Node<'_>> = None;
    visit(source.tree.root_node(), &mut |node| {
        if node.kind() == "function_definition"
            && super::syntax::line_of(node) <= at
            && at <= super::syntax::last_line_of(node)
        {
            inner = Some(node);
        }
    });
    let Some(function) = inner else { return counts };
    if let Some(list) = function.child_by_field_name("parameters") {
        for param in super::project::params_of(source, list) {
            if !matches!(param.name.as_str(), "self" | "cls" | "args" | "kwargs") && !param.name.starts_with('_') {
                counts.insert(param.name, 0);
            }
        }
    }
    visit(function, &mut |node| {
        if matches!(node.kind(), "assignment") {
            let left = source.field(node, "left");
            if !left.is_empty() && left.chars().all(|c| c.is_alphanumeric() || c == '_') {
                counts.entry(left.to_owned()).or_insert(0);
            }
        }
    });
    visit(function, &mut |node| {
        if node.kind() == "identifier"
            && (is_expression(node)
                || node
                    .parent()
                    .is_some_and(|parent| parent.kind() == "augmented_assignment"))
            && let Some(count) = counts.get_mut(source.text(node))
        {
            *count += 1;
        }
    });
    counts
}

/// Whether the function promises something that is not `None`.
fn annotated(project: &Project, candidate: &Candidate) -> bool {
    project
        .function_at(candidate.edit.file, candidate.edit.line)
        .and_then(|index| project.functions.get(index))
        .and_then(|function| function.returns.as_deref())
        .is_some_and(|kind| !kind.contains("None") && !kind.contains("Optional") && !kind.contains("Any"))
}

/// `None` beside other values where the annotation does not allow it.
fn mixed_returns(project: &Project, candidate: &Candidate, before: &Source, after: &Source) -> bool {
    let Some(function) = project
        .function_at(candidate.edit.file, candidate.edit.line)
        .and_then(|index| project.functions.get(index))
    else {
        return false;
    };
    let count = |source: &Source, range: std::ops::Range<usize>| {
        let node = source
            .tree
            .root_node()
            .named_descendant_for_byte_range(range.start, range.end)
            .filter(|node| node.kind() == "function_definition")?;
        let (mut none, mut other) = (0, 0);
        super::syntax::visit_own(node, &mut |inner| {
            if inner.kind() == "return_statement" {
                let text = source.text(inner).trim_start_matches("return").trim();
                if text.is_empty() || text == "None" || text.ends_with("else None") {
                    none += 1
                } else {
                    other += 1
                }
            }
        });
        Some((none, other))
    };
    let end = (function.range.end + after.text.len()).saturating_sub(before.text.len());
    match (
        count(before, function.range.clone()),
        count(after, function.range.start..end),
    ) {
        (Some((0, others)), Some((none, _))) => {
            others > 0
                && none > 0
                && function
                    .returns
                    .as_deref()
                    .is_none_or(|kind| !kind.contains("None") && !kind.contains("Optional") && !kind.contains("Any"))
        }
        _ => false,
    }
}

/// Whether the change puts in a literal that a failing assertion expects.
fn literal_of_assertion(candidate: &Candidate, symptoms: &[Symptom]) -> bool {
    candidate.edit.splices.iter().any(|splice| {
        let text = splice.text.trim().trim_start_matches("return ").trim();
        let plain = |text: &str| text.trim_matches(['"', '\'']).to_owned();
        let telling = text.len() > 1 && !matches!(text, "-1" | "0.0" | "1.0" | "10" | "\"\"" | "''" | "[]" | "{}" | "None" | "True" | "False" | "100");
        telling && symptoms.iter().any(|symptom| matches!(symptom, Symptom::Expected(expected) if plain(expected) == plain(text) && !plain(text).is_empty()))
    }) && (candidate.edit.template.starts_with("T06") || candidate.edit.template.starts_with("T10"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::localise::Place;
    use super::super::queue::Queue;
    use super::*;
    use crate::brief::Brief;

    /// Weighs the candidate that turns `text` into `wanted`.
    fn weighed(text: &str, line: u32, wanted: &str, symptoms: &[Symptom], weak: bool) -> Judged {
        let project = Project::new(&Brief::new(
            [("m.py".to_owned(), text.to_owned())].into(),
            vec![],
            vec![],
        ));
        let mut queue = Queue::new(
            &project,
            symptoms,
            vec![Place {
                file: 0,
                function: Some(0),
                line,
                suspicion: 1.0,
                crashed: true,
            }],
        )
        .unwrap();
        while let Some(candidate) = queue.take() {
            if candidate.applied.text == wanted {
                return weigh(&project, &candidate, symptoms, 1, weak);
            }
        }
        unreachable!("no such candidate: {wanted}")
    }

    #[test]
    fn a_literal_copied_from_the_only_test_is_refused() {
        let symptoms = [Symptom::Expected("42".to_owned())];
        let judged = weighed(
            "def f(a):\n    return 7\n",
            2,
            "def f(a):\n    return 42\n",
            &symptoms,
            false,
        );
        assert!(judged.refused);
        let judged = weighed(
            "def f(a):\n    return 7\n",
            2,
            "def f(a):\n    return 8\n",
            &symptoms,
            false,
        );
        assert!(!judged.refused);
    }

    #[test]
    fn losing_a_name_costs_and_using_an_ignored_one_pays() {
        let text = "def f(a, b):\n    return a + a\n";
        let better = weighed(text, 2, "def f(a, b):\n    return a + b\n", &[], false);
        let other = weighed(text, 2, "def f(a, b):\n    return a - a\n", &[], false);
        assert!(better.cost < other.cost);
        let lost = weighed(
            "def f(a, b):\n    return a + b\n",
            2,
            "def f(a, b):\n    return a + a\n",
            &[],
            false,
        );
        assert!(
            lost.doubts.iter().any(|text| text.contains("no longer used")),
            "{:?}",
            lost.doubts
        );
    }

    #[test]
    fn returning_none_among_values_is_a_doubt() {
        let text = "def f(a) -> int:\n    return a.b\n";
        let judged = weighed(
            text,
            2,
            "def f(a) -> int:\n    return a.b if a is not None else None\n",
            &[Symptom::NoneValue],
            true,
        );
        assert!(
            judged.doubts.iter().any(|text| text.contains("another kind")),
            "{:?}",
            judged.doubts
        );
    }
}
