//! Small programs in Python with a real mistake each, and the tests that find it. Tests take milliseconds and need nothing.

use crate::random::Random;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How the mistakes come to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// What it is about.
    pub name: &'static str,
    module: &'static str,
    good: &'static str,
    bad: &'static str,
    test: &'static str,
}

/// Those whose tests turn red. `LARGER` and `SMALLER` stand for numbers that differ from incident to incident.
pub const RED: [Template; 6] = [
    Template {
        name: "threshold",
        module: "pricing",
        good: include_str!("template/pricing.py"),
        bad: "    if total > LARGER:",
        test: include_str!("template/test_pricing.py"),
    },
    Template {
        name: "product",
        module: "invoice",
        good: include_str!("template/invoice.py"),
        bad: "    return price + quantity",
        test: include_str!("template/test_invoice.py"),
    },
    Template {
        name: "bounds",
        module: "limits",
        good: include_str!("template/limits.py"),
        bad: "    return min(low, min(value, high))",
        test: include_str!("template/test_limits.py"),
    },
    Template {
        name: "lookup",
        module: "stock",
        good: include_str!("template/stock.py"),
        bad: "    return stock[name]",
        test: include_str!("template/test_stock.py"),
    },
    Template {
        name: "negation",
        module: "access",
        good: include_str!("template/access.py"),
        bad: "    return not age >= LARGER",
        test: include_str!("template/test_access.py"),
    },
    Template {
        name: "order",
        module: "ranking",
        good: include_str!("template/ranking.py"),
        bad: "    return sorted(scores, reverse=False)[:count]",
        test: include_str!("template/test_ranking.py"),
    },
];

/// The one that customers find, since no test knows its mistake.
pub const RAISED: Template = Template {
    name: "average",
    module: "report",
    good: include_str!("template/report.py"),
    bad: "    return sum(prices) / len(prices)",
    test: include_str!("template/test_report.py"),
};

/// The command that runs the tests.
pub const COMMAND: &str = "python3 -m unittest";

const WORKFLOW: &str = "name: Tests\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n      \
     - name: Unit tests\n        run: python3 -m unittest\n";

/// A template with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// What it is about.
    pub template: Template,
    larger: u64,
    smaller: u64,
}

impl Bug {
    /// A bug with numbers by chance.
    pub fn of(template: Template, random: &mut Random) -> Self {
        Self {
            template,
            larger: random.between(40, 90),
            smaller: random.between(3, 19),
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("LARGER", &self.larger.to_string())
            .replace("SMALLER", &self.smaller.to_string())
    }

    /// The file that the mistake is in.
    fn source(&self) -> String {
        format!("{}.py", self.template.module)
    }

    /// Everything as it should be.
    pub fn files(&self) -> BTreeMap<String, String> {
        let (module, test) = (self.template.module, self.template.test);
        [
            ("README.md".to_owned(), format!("Run the tests with `{COMMAND}`.\n")),
            (".github/workflows/ci.yml".to_owned(), WORKFLOW.to_owned()),
            (self.source(), self.fill(self.template.good)),
            ("tests/__init__.py".to_owned(), String::new()),
            (format!("tests/test_{module}.py"), self.fill(test)),
        ]
        .into()
    }

    /// What the mistake makes of its file: the line that is marked in the good one is replaced.
    pub fn mistake(&self) -> BTreeMap<String, String> {
        let replaced = |line: &str| {
            if line.ends_with("# right") {
                self.template.bad.to_owned()
            } else {
                line.to_owned()
            }
        };
        let text: Vec<String> = self.template.good.lines().map(replaced).collect();
        [(self.source(), self.fill(&(text.join("\n") + "\n")))].into()
    }

    /// What an SDK captures when the running program makes the mistake of [`RAISED`].
    pub fn event(&self, id: &str) -> Value {
        let frame = |function: &str, line: u32, text: &str, vars: Value| {
            json!({
                "filename": "report.py", "abs_path": "/srv/app/report.py", "module": "report", "function": function,
                "lineno": line, "context_line": text, "in_app": true, "vars": vars,
            })
        };
        let line_of = |text: &str| {
            let bad = self.mistake().remove("report.py").unwrap_or_default();
            let found = bad.lines().position(|line| line == text).unwrap_or_default();
            u32::try_from(found + 1).unwrap_or(1)
        };
        let summary = "    return {\"orders\": len(orders), \"average\": average(prices)}";
        let frames = [
            frame(
                "daily_summary",
                line_of(summary),
                summary,
                json!({ "orders": [], "prices": [] }),
            ),
            frame("average", line_of(RAISED.bad), RAISED.bad, json!({ "prices": [] })),
        ];
        json!({
            "event_id": id, "platform": "python", "level": "error", "environment": "production", "timestamp": 1_700_000_000,
            "exception": { "values": [{
                "type": "ZeroDivisionError", "value": "division by zero", "module": null, "stacktrace": { "frames": frames },
            }] },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_changes_one_line_of_one_file() {
        for template in RED.into_iter().chain([RAISED]) {
            let bug = Bug::of(template, &mut Random::of(1, "test"));
            let (good, bad) = (bug.files(), bug.mistake());
            assert_eq!(bad.len(), 1, "{}", template.name);
            for (path, bad) in bad {
                let changed = good[&path]
                    .lines()
                    .zip(bad.lines())
                    .filter(|(before, after)| before != after)
                    .count();
                assert_eq!((changed, bad.contains("# right")), (1, false), "{path}");
            }
        }
    }

    #[test]
    fn the_event_points_at_the_line_that_raised() {
        let bug = Bug::of(RAISED, &mut Random::of(1, "test"));
        let event = bug.event("1");
        let bad = bug.mistake().remove("report.py").unwrap_or_default();
        for frame in event["exception"]["values"][0]["stacktrace"]["frames"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let line = frame["lineno"]
                .as_u64()
                .and_then(|line| usize::try_from(line).ok())
                .unwrap_or_default();
            assert_eq!(bad.lines().nth(line - 1), frame["context_line"].as_str());
        }
    }
}
