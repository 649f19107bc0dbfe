//! Where it hurts: Ochiai over per-test line coverage, stack frames, changed lines; by function first, then by line.
use std::collections::{BTreeMap, BTreeSet};

use super::project::Project;
use super::syntax::{is_statement, last_line_of, line_of, named, visit};
use crate::brief::{Brief, Frame, TestId};
use crate::runner::Lines;

/// One line worth changing.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Index of the file.
    pub file: usize,
    /// Index of the innermost function, `None` for the top level.
    pub function: Option<usize>,
    /// Line, from 1.
    pub line: u32,
    /// 0 to 1.
    pub suspicion: f64,
    /// A stack frame points here.
    pub crashed: bool,
}

/// Ranks the lines of all editable files, most suspicious first. Lines that cannot matter are left out.
pub fn localise(
    brief: &Brief,
    project: &Project,
    coverage: &BTreeMap<TestId, Lines>,
    failing: &[TestId],
) -> Vec<Place> {
    let failing: BTreeSet<&str> = failing.iter().map(String::as_str).collect();
    let mut score = ochiai(project, coverage, &failing);
    let measured = score.values().any(|value| *value > 0.0);
    let framed = frames(brief, project, &failing);
    let alert = !brief.suspects.is_empty();
    if alert {
        for value in score.values_mut() {
            *value *= 0.6;
        }
    }
    for (at, value) in &framed {
        let entry = score.entry(*at).or_default();
        *entry = entry.max(*value);
    }
    changed(brief, project, &mut score);
    if !measured {
        unmeasured(project, &framed, &mut score);
    }
    spread(project, &mut score);
    let mut functions: BTreeMap<usize, f64> = BTreeMap::new();
    for ((file, line), value) in &score {
        if let Some(function) = project.function_at(*file, *line) {
            let best = functions.entry(function).or_default();
            *best = best.max(*value);
        }
    }
    rest_of_functions(project, &functions, measured, &mut score);
    top_level(project, &functions, &mut score);
    let mut places: Vec<Place> = score
        .into_iter()
        .filter(|((file, _), value)| *value > 0.0 && project.is_editable(*file))
        .map(|((file, line), value)| {
            let function = project.function_at(file, line);
            // A line's function says more than the line itself.
            let whole = function
                .and_then(|index| functions.get(&index))
                .copied()
                .unwrap_or(value);
            Place {
                file,
                function,
                line,
                suspicion: (0.65 * value + 0.35 * whole).min(1.0),
                crashed: framed.contains_key(&(file, line)),
            }
        })
        .collect();
    // What counts is how lines compare: a fault that many passing tests run too is no less a fault.
    let worst = places.iter().map(|place| place.suspicion).fold(0.0, f64::max);
    if worst > 0.0 {
        for place in &mut places {
            place.suspicion /= worst;
        }
    }
    places.sort_by(|a, b| {
        b.suspicion
            .total_cmp(&a.suspicion)
            .then((a.file, a.line).cmp(&(b.file, b.line)))
    });
    places
}

type Scores = BTreeMap<(usize, u32), f64>;

fn ochiai(project: &Project, coverage: &BTreeMap<TestId, Lines>, failing: &BTreeSet<&str>) -> Scores {
    let mut hits: BTreeMap<(usize, u32), (f64, f64)> = BTreeMap::new();
    let mut total = 0.0;
    for (test, files) in coverage {
        let fails = failing.contains(test.as_str());
        total += f64::from(u8::from(fails));
        for (path, lines) in files {
            let Some(file) = project.sources.iter().position(|source| source.path == *path) else {
                continue;
            };
            for line in lines {
                let hit = hits.entry((file, *line)).or_default();
                if fails { hit.0 += 1.0 } else { hit.1 += 1.0 }
            }
        }
    }
    hits.into_iter()
        .filter(|(_, (failed, _))| *failed > 0.0)
        .map(|(at, (failed, passed))| (at, failed / (total * (failed + passed)).sqrt().max(1.0)))
        .collect()
}

/// `1 − 0.08·k` for the k-th project frame from where the exception was raised.
fn frames(brief: &Brief, project: &Project, failing: &BTreeSet<&str>) -> Scores {
    let mut found = Scores::new();
    let mut add = |frames: &[Frame], weight: f64| {
        let inside = frames.iter().rev().filter_map(|frame| {
            project
                .find(&frame.file)
                .filter(|file| project.is_editable(*file))
                .map(|file| (file, frame.line))
        });
        let mut rank = 0.0;
        for at in inside.take(12) {
            let entry = found.entry(at).or_default();
            *entry = f64::max(*entry, weight * f64::max(1.0 - 0.08 * rank, 0.2));
            rank += 1.0;
        }
    };
    add(&brief.suspects, 1.0);
    for failure in brief
        .failures
        .iter()
        .filter(|failure| failure.test.is_empty() || failing.contains(failure.test.as_str()))
    {
        add(&failure.frames, if brief.suspects.is_empty() { 1.0 } else { 0.9 });
    }
    found
}

fn changed(brief: &Brief, project: &Project, score: &mut Scores) {
    for (path, lines) in &brief.changed {
        let Some(file) = project.find(path) else { continue };
        for line in lines {
            let entry = score.entry((file, *line)).or_default();
            *entry = (*entry * 1.25).clamp(0.3, 1.0);
        }
    }
}

/// Without coverage: the functions of the frames, their files, then everything.
fn unmeasured(project: &Project, framed: &Scores, score: &mut Scores) {
    let files: BTreeSet<usize> = framed.keys().map(|(file, _)| *file).collect();
    for function in &project.functions {
        let value = if files.contains(&function.file) { 0.35 } else { 0.2 };
        for line in function.lines.0..=function.lines.1 {
            score.entry((function.file, line)).or_insert(value);
        }
    }
}

/// All lines of a statement's head are as suspicious as the worst of them.
fn spread(project: &Project, score: &mut Scores) {
    for (file, source) in project.editable_sources() {
        visit(source.tree.root_node(), &mut |node| {
            if !is_statement(node) && !matches!(node.kind(), "elif_clause" | "except_clause")
                || matches!(
                    node.kind(),
                    "function_definition" | "class_definition" | "decorated_definition"
                )
            {
                return;
            }
            let body = named(node).into_iter().find(|child| child.kind() == "block");
            let last = body.map_or_else(
                || last_line_of(node),
                |body| line_of(body).saturating_sub(1).max(line_of(node)),
            );
            let first = line_of(node);
            if last > first {
                let worst = (first..=last)
                    .filter_map(|line| score.get(&(file, line)).copied())
                    .fold(0.0, f64::max);
                if worst > 0.0 {
                    for line in first..=last {
                        score.insert((file, line), worst);
                    }
                }
            }
        });
    }
}

/// Heads of suspicious functions, and their lines that no failing test reached.
fn rest_of_functions(project: &Project, functions: &BTreeMap<usize, f64>, measured: bool, score: &mut Scores) {
    for (index, whole) in functions {
        let Some(function) = project.functions.get(*index) else {
            continue;
        };
        for line in function.lines.0..=function.lines.1 {
            if project.function_at(function.file, line) != Some(*index) {
                continue;
            }
            let head = line == function.lines.0;
            let value = if head {
                0.8 * whole
            } else if measured {
                0.25 * whole
            } else {
                0.5 * whole
            };
            let entry = score.entry((function.file, line)).or_default();
            // The `def` line itself runs at import only: what the function scored counts.
            if head || *entry == 0.0 {
                *entry = entry.max(value);
            }
        }
    }
}

/// Constants, class attributes and imports that suspicious functions use.
fn top_level(project: &Project, functions: &BTreeMap<usize, f64>, score: &mut Scores) {
    let mut used: BTreeMap<String, f64> = BTreeMap::new();
    let mut files: BTreeMap<usize, f64> = BTreeMap::new();
    for (index, whole) in functions {
        let Some(function) = project.functions.get(*index) else {
            continue;
        };
        let Some(source) = project.sources.get(function.file) else {
            continue;
        };
        let best = files.entry(function.file).or_default();
        *best = best.max(*whole);
        if let Some(node) = source
            .tree
            .root_node()
            .named_descendant_for_byte_range(function.range.start, function.range.end)
        {
            visit(node, &mut |inner| {
                if inner.kind() == "identifier" {
                    let value = score.get(&(function.file, line_of(inner))).copied().unwrap_or(0.0);
                    let best = used.entry(source.text(inner).to_owned()).or_default();
                    *best = best.max(value);
                }
            });
        }
    }
    for (file, source) in project.editable_sources() {
        visit(source.tree.root_node(), &mut |node| {
            let outside = is_statement(node) && project.function_at(file, line_of(node)).is_none();
            if !outside {
                return;
            }
            let value = match node.kind() {
                "expression_statement" => named(node)
                    .first()
                    .filter(|child| child.kind() == "assignment")
                    .and_then(|child| used.get(source.field(*child, "left").split(':').next().unwrap_or("").trim()))
                    .map(|value| 0.7 * value),
                "import_statement" | "import_from_statement" => files.get(&file).map(|value| 0.3 * value),
                _ => None,
            };
            if let Some(value) = value {
                for line in line_of(node)..=last_line_of(node) {
                    score.insert((file, line), value);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::brief::Failure;

    const CODE: &str = "RATE = 2\n\ndef a(x):\n    if x:\n        return RATE\n    return 0\n\ndef b(\n    x,\n):\n    return (x +\n        1)\n";

    fn brief() -> Brief {
        Brief::new(
            [
                ("src/m.py".to_owned(), CODE.to_owned()),
                ("tests/test_m.py".to_owned(), "assert a(1)\n".to_owned()),
            ]
            .into(),
            vec!["bad".into()],
            vec!["good".into()],
        )
    }

    fn covered(test: &str, lines: &[u32]) -> (TestId, Lines) {
        (test.to_owned(), [("src/m.py".to_owned(), lines.to_vec())].into())
    }

    #[test]
    fn lines_that_only_failing_tests_run_come_first() {
        let brief = brief();
        let project = Project::new(&brief);
        let coverage = [covered("bad", &[4, 5]), covered("good", &[4, 6])].into();
        let places = localise(&brief, &project, &coverage, &brief.failing);
        assert_eq!(places[0].line, 5);
        let suspicion = |line| {
            places
                .iter()
                .find(|place| place.line == line)
                .map(|place| place.suspicion)
        };
        assert!(suspicion(5) > suspicion(4) && suspicion(4) > suspicion(6));
        assert!(suspicion(1).unwrap() > 0.5, "the constant that line 5 uses");
        assert!(
            places
                .iter()
                .all(|place| place.file == project.find("src/m.py").unwrap()),
            "never in tests"
        );
    }

    #[test]
    fn frames_dominate_with_an_alert_and_work_without_coverage() {
        let mut brief = brief();
        brief.suspects = vec![
            Frame {
                file: "/app/src/m.py".into(),
                line: 4,
                function: "a".into(),
            },
            Frame {
                file: "/app/src/m.py".into(),
                line: 12,
                function: "b".into(),
            },
        ];
        let project = Project::new(&brief);
        let places = localise(&brief, &project, &BTreeMap::new(), &brief.failing);
        assert!(
            places[0].line >= 11 && places[0].crashed || places[1].crashed,
            "{places:?}"
        );
        assert!(
            places.iter().any(|place| place.line == 11 && place.suspicion > 0.9),
            "the statement's first line shares the frame of its second"
        );
        brief.suspects.clear();
        brief.failures = vec![Failure {
            test: "other".into(),
            frames: vec![Frame {
                file: "src/m.py".into(),
                line: 4,
                function: "a".into(),
            }],
            ..Failure::default()
        }];
        let places = localise(&brief, &project, &BTreeMap::new(), &brief.failing);
        assert!(
            places.iter().all(|place| !place.crashed),
            "frames of tests that are not asked for do not count"
        );
    }
}
