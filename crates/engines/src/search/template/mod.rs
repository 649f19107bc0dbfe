//! The templates: each family looks at one node and emits candidates. Costs are those of docs/ENGINES.md.
pub mod call;
pub mod condition;
pub mod control;
pub mod copy;
pub mod crash;
pub mod exception;
pub mod expression;
pub mod guard;
pub mod import;
pub mod literal;
pub mod name;
pub mod operator;
pub mod outcome;
pub mod slice;
pub mod statement;
pub mod swap;
pub mod value;

use std::ops::Range;

use tree_sitter::Node;

use super::edit::{Edit, Splice};
use super::scope::Scope;
use super::symptom::Symptom;
use super::syntax::{line_of, named};

/// Receives candidates.
pub type Emit<'e> = dyn FnMut(Edit) + 'e;

/// One node at which templates are asked for candidates.
pub struct Site<'a> {
    /// What may be used here.
    pub scope: &'a Scope<'a>,
    /// The node.
    pub node: Node<'a>,
    /// How the tests fail.
    pub symptoms: &'a [Symptom],
    /// The exception was raised on this line, or passed through it.
    pub crashed: bool,
}

/// A template family.
pub type Family = fn(&Site<'_>, &mut Emit<'_>);

/// All families. The order does not matter: costs decide.
pub const FAMILIES: [Family; 17] = [
    operator::generate,
    swap::generate,
    call::generate,
    name::generate,
    literal::generate,
    condition::generate,
    guard::generate,
    crash::generate,
    outcome::generate,
    statement::generate,
    expression::generate,
    value::generate,
    slice::generate,
    control::generate,
    copy::generate,
    import::generate,
    exception::generate,
];

impl<'a> Site<'a> {
    /// The same place with another node.
    pub fn at(&self, node: Node<'a>) -> Site<'a> {
        Site {
            scope: self.scope,
            node,
            symptoms: self.symptoms,
            crashed: self.crashed,
        }
    }

    /// Text of a node.
    pub fn text(&self, node: Node<'_>) -> &'a str {
        self.scope.source.text(node)
    }

    /// Text of the site's own node.
    pub fn own(&self) -> &'a str {
        self.text(self.node)
    }

    /// Child by field.
    pub fn field(&self, name: &str) -> Option<Node<'a>> {
        self.node.child_by_field_name(name)
    }

    /// Whether any symptom fulfils `test`.
    pub fn shows(&self, test: impl Fn(&Symptom) -> bool) -> bool {
        self.symptoms.iter().any(test)
    }

    /// A candidate that replaces a byte range.
    pub fn splice(
        &self,
        range: Range<usize>,
        text: impl Into<String>,
        template: &'static str,
        cost: f64,
        why: impl Into<String>,
    ) -> Edit {
        self.edit(
            vec![Splice {
                range,
                text: text.into(),
            }],
            template,
            cost,
            why,
        )
    }

    /// A candidate of several splices.
    pub fn edit(&self, splices: Vec<Splice>, template: &'static str, cost: f64, why: impl Into<String>) -> Edit {
        Edit {
            file: self.scope.file,
            splices,
            template,
            cost,
            why: why.into(),
            line: line_of(self.node),
        }
    }

    /// A candidate that replaces one node.
    pub fn replace(&self, node: Node<'_>, text: impl Into<String>, template: &'static str, cost: f64) -> Edit {
        let text = text.into();
        let why = format!("use `{}` instead of `{}`", brief(&text), brief(self.text(node)));
        self.splice(node.byte_range(), text, template, cost, why)
    }

    /// Splices that put `lines` (relative indentation inside) before a statement. `None` where that is impossible.
    pub fn before(&self, statement: Node<'_>, lines: &[String]) -> Option<Vec<Splice>> {
        let source = self.scope.source;
        let target = statement
            .parent()
            .filter(|parent| parent.kind() == "decorated_definition")
            .unwrap_or(statement);
        if source.starts_line(target) {
            let indent = source.indent(target);
            let mut text = String::new();
            for line in lines {
                text.push_str(line);
                text.push_str(source.newline);
                text.push_str(indent);
            }
            return Some(vec![Splice {
                range: target.start_byte()..target.start_byte(),
                text,
            }]);
        }
        // `if x: y` on one line: open the block.
        let block = target.parent().filter(|parent| parent.kind() == "block")?;
        let header = block.parent()?;
        if block.start_byte() != target.start_byte() || !source.starts_line(header) {
            return None;
        }
        let inner = format!("{}{}{}", source.newline, source.indent(header), source.unit);
        let before = source.text.get(..target.start_byte())?;
        let start = before.trim_end_matches([' ', '\t']).len();
        let text = lines
            .iter()
            .map(String::as_str)
            .map(|line| format!("{inner}{line}"))
            .collect::<String>()
            + &inner;
        Some(vec![Splice {
            range: start..target.start_byte(),
            text,
        }])
    }

    /// Splices that put `lines` after a statement, at its indentation.
    pub fn after(&self, statement: Node<'_>, lines: &[String]) -> Option<Vec<Splice>> {
        let source = self.scope.source;
        let target = statement
            .parent()
            .filter(|parent| parent.kind() == "decorated_definition")
            .unwrap_or(statement);
        if !source.starts_line(target) || !source.ends_line(target) {
            return None;
        }
        let indent = source.indent(target);
        let end = source.line_end(target.end_byte());
        let text = lines
            .iter()
            .map(|line| format!("{}{indent}{line}", source.newline))
            .collect::<String>();
        Some(vec![Splice { range: end..end, text }])
    }

    /// Splices that remove a statement; a block that would be empty gets `pass`.
    pub fn without(&self, statement: Node<'_>) -> Option<Vec<Splice>> {
        let source = self.scope.source;
        let block = statement.parent()?;
        if block.kind() == "block" && named(block).len() == 1 {
            return Some(vec![Splice {
                range: statement.byte_range(),
                text: "pass".to_owned(),
            }]);
        }
        if !source.starts_line(statement) || !source.ends_line(statement) {
            return None;
        }
        let start = source.line_start(statement.start_byte());
        let mut end = source.line_end(statement.end_byte());
        end += source.text.get(end..)?.len() - source.text.get(end..)?.trim_start_matches(['\r']).len();
        if source.text.as_bytes().get(end) == Some(&b'\n') {
            end += 1;
        }
        Some(vec![Splice {
            range: start..end,
            text: String::new(),
        }])
    }

    /// Text of a statement, every line but the first shifted by one level; `None` when a string spans lines.
    pub fn shifted(&self, statement: Node<'_>, deeper: bool) -> Option<String> {
        let source = self.scope.source;
        let text = self.text(statement);
        if text.contains('\n') {
            let mut spans = false;
            super::syntax::visit(statement, &mut |node| {
                spans |= matches!(node.kind(), "string" | "concatenated_string")
                    && line_of(node) != super::syntax::last_line_of(node)
            });
            if spans {
                return None;
            }
        }
        let mut lines = text.split('\n');
        let mut out = lines.next()?.to_owned();
        for line in lines {
            out.push('\n');
            if line.trim().is_empty() {
                out.push_str(line);
            } else if deeper {
                out.push_str(&source.unit);
                out.push_str(line);
            } else {
                out.push_str(line.strip_prefix(source.unit.as_str())?);
            }
        }
        Some(out)
    }
}

/// At most 60 characters of one line.
pub fn brief(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 60 {
        line
    } else {
        line.chars().take(57).collect::<String>() + "..."
    }
}

/// Number of single-character changes between two words, at most `limit` + 1.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut last = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, y) in b.iter().enumerate() {
            let up = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let left = row.get(j).copied().unwrap_or(usize::MAX - 1);
            let cost = (last + usize::from(x != y)).min(up + 1).min(left + 1);
            last = up;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = cost;
            }
        }
    }
    row.last().copied().unwrap_or(0)
}

/// How alike two names are, 0 to 1: spelling, or a shared word such as `total` in `sub_total`.
pub fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let longest = a.chars().count().max(b.chars().count()).max(1);
    #[expect(clippy::cast_precision_loss, reason = "lengths of names are small")]
    let spelling = 1.0 - distance(&a, &b) as f64 / longest as f64;
    let shared = a
        .split('_')
        .filter(|word| word.len() > 2)
        .any(|word| b.split('_').any(|other| other == word));
    if shared { spelling.max(0.5) } else { spelling }
}

#[cfg(test)]
pub mod probe {
    //! Runs templates on a snippet: what unit tests of the families share.
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::{FAMILIES, Family, Site};
    use crate::brief::{Brief, Failure};
    use crate::search::edit::Edit;
    use crate::search::project::Project;
    use crate::search::scope::Scope;
    use crate::search::symptom::{Symptom, symptoms};
    use crate::search::syntax::{line_of, parser, visit};

    /// Every checked candidate of the families at all nodes of `text`: the new text and the edit.
    pub fn candidates(text: &str, families: &[Family], failure: Option<(&str, &str)>) -> Vec<(String, Edit)> {
        let brief = Brief::new([("src/pkg/mod.py".to_owned(), text.to_owned())].into(), vec![], vec![]);
        let project = Project::new(&brief);
        let found: Vec<Symptom> = failure
            .map(|(exception, message)| {
                symptoms(&[Failure {
                    exception: exception.to_owned(),
                    message: message.to_owned(),
                    ..Failure::default()
                }])
            })
            .unwrap_or_default();
        let source = &project.sources[0];
        let mut out = Vec::new();
        let mut parser = parser().unwrap();
        visit(source.tree.root_node(), &mut |node| {
            let function = project
                .function_at(0, line_of(node))
                .map(|index| project.functions[index].range.clone());
            let function = function.and_then(|range| {
                source
                    .tree
                    .root_node()
                    .named_descendant_for_byte_range(range.start, range.end)
            });
            let scope = Scope::new(&project, 0, function).unwrap();
            let site = Site {
                scope: &scope,
                node,
                symptoms: &found,
                crashed: failure.is_some(),
            };
            for family in families {
                family(&site, &mut |edit| {
                    if let Some(applied) = edit.apply(source, &mut parser) {
                        out.push((applied.text, edit));
                    }
                });
            }
        });
        out
    }

    /// Asserts that each of `expected` is among the candidates for `text`.
    pub fn reaches(text: &str, failure: Option<(&str, &str)>, expected: &[&str]) {
        let found = candidates(text, &FAMILIES, failure);
        for wanted in expected {
            if !found.iter().any(|(text, _)| text == wanted) {
                let list = found
                    .iter()
                    .map(|(_, edit)| format!("{} {}", edit.template, edit.why))
                    .collect::<Vec<_>>()
                    .join("\n");
                panic!("not reached:\n{wanted}\nof {} candidates:\n{list}", found.len());
            }
        }
    }

    /// Asserts that replacing `from` (once in `text`) by each of `to` is among the candidates.
    pub fn turns(text: &str, failure: Option<(&str, &str)>, from: &str, to: &[&str]) {
        assert_eq!(text.matches(from).count(), 1, "`{from}` has to be unique");
        let wanted: Vec<String> = to.iter().map(|to| text.replace(from, to)).collect();
        reaches(text, failure, &wanted.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_knows_typos_and_shared_words() {
        assert!(likeness("quantity", "quantiy") > 0.8);
        assert!(likeness("unit_price", "price") >= 0.5);
        assert!(likeness("a", "z") < 0.1);
    }
}
