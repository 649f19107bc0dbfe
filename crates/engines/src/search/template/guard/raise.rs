//! `if P: raise E(…)` where a test expects E.
use crate::search::scope::{Guess, Scope};
use crate::search::symptom::Symptom;
use crate::search::template::{Emit, Site};

/// `if P: raise E(…)` when a test expects E.
pub(super) fn raises(site: &Site<'_>, scope: &Scope<'_>, emit: &mut Emit<'_>) {
    let unit = &scope.source.unit;
    for symptom in site.symptoms {
        let Symptom::DidNotRaise(class) = symptom else { continue };
        let name = scope
            .callables
            .iter()
            .find(|name| *name == class)
            .cloned()
            .or_else(|| (!scope.project.classes.iter().any(|known| known.name == *class)).then(|| class.clone()));
        let Some(name) = name else { continue };
        let mut tests: Vec<String> = Vec::new();
        for param in scope.params.iter().filter(|param| *param != "self") {
            match scope.guess(param) {
                Guess::Number => tests.extend([format!("{param} < 0"), format!("{param} <= 0")]),
                Guess::Unknown => tests.extend([
                    format!("not {param}"),
                    format!("{param} is None"),
                    format!("{param} < 0"),
                    format!("{param} <= 0"),
                ]),
                _ => tests.push(format!("not {param}")),
            }
        }
        tests.extend(scope.atoms(site.node));
        for (rank, test) in tests.into_iter().take(40).enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "at most forty")]
            let cost = 2.5 + 0.015 * rank as f64;
            if let Some(splices) = site.before(
                site.node,
                &[
                    format!("if {test}:"),
                    format!("{unit}raise {name}({})", message_of(&test)),
                ],
            ) {
                emit(site.edit(splices, "T09.raise", cost, format!("raise `{name}` if `{test}`")));
            }
        }
    }
}

fn message_of(test: &str) -> String {
    let subject = test
        .split(' ')
        .find(|word| !matches!(*word, "not" | "("))
        .unwrap_or("value")
        .trim_matches(['(', ')']);
    format!("\"invalid {}\"", subject.rsplit('.').next().unwrap_or(subject))
}

#[cfg(test)]
mod tests {
    use crate::search::template::probe::reaches;

    #[test]
    fn expected_errors_are_raised() {
        reaches(
            "def f(n: int):\n    return n + 1\n",
            Some(("Failed", "DID NOT RAISE <class 'ValueError'>")),
            &["def f(n: int):\n    if n < 0:\n        raise ValueError(\"invalid n\")\n    return n + 1\n"],
        );
    }
}
