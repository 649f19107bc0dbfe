//! Conditions that could be asked at one place, and their opposites.
use std::collections::BTreeSet;

use tree_sitter::Node;

use super::Scope;
use super::kind::Guess;
use crate::search::syntax::operand;

impl Scope<'_> {
    /// The atom pool for conditions: nearest names first, at most 56, no repetition.
    pub fn atoms(&self, node: Node<'_>) -> Vec<String> {
        let mut operands: Vec<String> = self.names_at(node).into_iter().take(6).collect();
        operands.extend(
            self.attributes
                .iter()
                .filter(|text| self.root_is_bound(text))
                .take(5)
                .cloned(),
        );
        operands.extend(self.elements.iter().take(4).cloned());
        let mut pool: Vec<String> = Vec::new();
        for condition in &self.conditions {
            pool.push(condition.clone());
            pool.push(negate(condition));
        }
        for v in &operands {
            pool.push(v.clone());
            pool.push(format!("not {v}"));
        }
        for v in operands.iter().take(6) {
            for method in self.predicates(v) {
                pool.push(format!("{v}.{method}()"));
                pool.push(format!("not {v}.{method}()"));
            }
        }
        for v in &operands {
            match self.guess(v) {
                Guess::Number => pool.extend([
                    format!("{v} > 0"),
                    format!("{v} < 0"),
                    format!("{v} == 0"),
                    format!("{v} <= 0"),
                ]),
                Guess::Text | Guess::Sequence | Guess::Mapping | Guess::Truth => {}
                Guess::Object => pool.extend([format!("{v} is not None"), format!("{v} is None")]),
                Guess::Unknown => pool.extend([
                    format!("{v} is not None"),
                    format!("{v} is None"),
                    format!("{v} > 0"),
                    format!("{v} == 0"),
                ]),
            }
        }
        for (index, v) in operands.iter().enumerate() {
            for w in operands.iter().skip(index + 1) {
                if self.compatible(v, w) && !matches!(self.guess(v), Guess::Mapping | Guess::Truth | Guess::Object) {
                    pool.extend(["!=", "==", "<", ">", "<=", ">="].map(|op| format!("{v} {op} {w}")));
                }
                if matches!(self.guess(w), Guess::Mapping | Guess::Sequence) {
                    pool.extend([format!("{v} in {w}"), format!("{v} not in {w}")]);
                }
                if matches!(self.guess(v), Guess::Mapping | Guess::Sequence) {
                    pool.extend([format!("{w} in {v}"), format!("{w} not in {v}")]);
                }
            }
        }
        let mut seen = BTreeSet::new();
        pool.retain(|atom| seen.insert(atom.clone()));
        pool.truncate(56);
        pool
    }
}

/// The opposite of a condition.
pub fn negate(condition: &str) -> String {
    let plain = !condition.contains(" and ")
        && !condition.contains(" or ")
        && !condition.contains(" for ")
        && !condition.starts_with("not ");
    // The longer operators first: `is` is part of `is not`.
    const OPPOSITE: [(&str, &str); 10] = [
        (" is not ", " is "),
        (" is ", " is not "),
        (" not in ", " in "),
        (" in ", " not in "),
        (" == ", " != "),
        (" != ", " == "),
        (" <= ", " > "),
        (" >= ", " < "),
        (" > ", " <= "),
        (" < ", " >= "),
    ];
    if plain
        && let Some((from, to)) = OPPOSITE.iter().find(|(from, _)| condition.contains(from))
        && condition.matches(from).count() == 1
        && OPPOSITE.iter().filter(|(other, _)| condition.contains(other)).count()
            <= 1 + usize::from(from.contains("not"))
    {
        return condition.replacen(from, to, 1);
    }
    condition
        .strip_prefix("not ")
        .filter(|rest| !rest.contains(" and ") && !rest.contains(" or "))
        .map_or_else(|| format!("not {}", operand(condition)), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::negate;

    #[test]
    fn negation_reads_naturally() {
        for (a, b) in [
            ("a is None", "a is not None"),
            ("not a", "a"),
            ("a in b", "a not in b"),
            ("a < b", "a >= b"),
            ("a and b", "not (a and b)"),
            ("a", "not a"),
        ] {
            assert_eq!(negate(a), b, "{a}");
        }
    }
}
