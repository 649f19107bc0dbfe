//! Summaries of Maven's surefire and of Gradle's test task.
use std::collections::HashSet;

use super::reading::{Counts, FailedTest, Framework, ParsedRun};
use super::{MAX_TESTS, Reader};

#[derive(Default)]
pub(super) struct Surefire {
    failed: Vec<FailedTest>,
    seen: HashSet<String>,
    class: String,
    gradle: Vec<FailedTest>,
    gradle_seen: HashSet<String>,
    gradle_counts: Counts,
    step: usize,
}

impl Reader for Surefire {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        let text = line
            .strip_prefix("[ERROR] ")
            .or_else(|| line.strip_prefix("[INFO] "))
            .or_else(|| line.strip_prefix("[WARNING] "))
            .unwrap_or(line);
        if let Some(rest) = text.strip_prefix("Tests run: ") {
            if let Some((class, _)) = rest
                .split_once(" - in ")
                .map(|(_, class)| (class, ()))
                .or_else(|| rest.split_once(" -- in ").map(|(_, class)| (class, ())))
            {
                self.class = class.trim().to_owned();
            } else if !rest.contains("Time elapsed")
                && let Some(counts) = totals(rest)
            {
                let failed = std::mem::take(&mut self.failed);
                self.seen.clear();
                runs.push(ParsedRun {
                    framework: Framework::Surefire,
                    counts,
                    failed,
                    complete: true,
                    step,
                });
            }
        } else if text.contains("<<< FAILURE!") || text.contains("<<< ERROR!") {
            self.maven(text);
        } else if let Some(name) = line
            .strip_suffix(" FAILED")
            .filter(|name| name.contains(" > ") && !name.starts_with('>'))
        {
            self.step = step;
            self.gradle_test(name);
        } else if let Some((total, rest)) = line
            .split_once(" tests completed, ")
            .or_else(|| line.split_once(" test completed, "))
        {
            let number = |text: &str| text.split(' ').next().and_then(|number| number.parse::<u64>().ok());
            if let (Some(total), Some(failed)) = (number(total), number(rest)) {
                let skipped = rest
                    .split(", ")
                    .find_map(|part| part.strip_suffix(" skipped"))
                    .and_then(number)
                    .unwrap_or(0);
                let run = total.saturating_sub(skipped);
                self.gradle_counts.add(Counts {
                    run,
                    failed,
                    skipped,
                    passed: run.saturating_sub(failed),
                    errors: 0,
                });
                self.step = step;
            }
        }
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        if !self.gradle.is_empty() || self.gradle_counts.run > 0 {
            let failed = std::mem::take(&mut self.gradle);
            let mut counts = self.gradle_counts;
            counts.failed = counts.failed.max(failed.len() as u64);
            counts.run = counts.run.max(counts.failed);
            runs.push(ParsedRun {
                framework: Framework::Gradle,
                counts,
                failed,
                complete: true,
                step: self.step,
            });
        }
        *self = Self::default();
    }
}

impl Surefire {
    /// `Class.method  Time elapsed: 0.1 s  <<< FAILURE!` or `method(package.Class)  Time elapsed…`.
    fn maven(&mut self, text: &str) {
        let name = text
            .split("  ")
            .next()
            .unwrap_or(text)
            .split(" -- Time")
            .next()
            .unwrap_or(text)
            .trim();
        let name = name.split(" Time elapsed").next().unwrap_or(name);
        if name.contains(' ') || name.is_empty() || name.starts_with("Tests") || name == self.class {
            return;
        }
        let (id, short) = match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
            Some((method, class)) if !class.is_empty() => (format!("{class}.{method}"), method),
            _ => (name.to_owned(), name.rsplit('.').next().unwrap_or(name)),
        };
        if self.failed.len() < MAX_TESTS && self.seen.insert(id.clone()) {
            self.failed.push(FailedTest {
                id,
                name: short.to_owned(),
                ..FailedTest::default()
            });
        }
    }

    /// `package.Class > method()`.
    fn gradle_test(&mut self, name: &str) {
        // Nested classes are joined as Gradle selects them; a case of a parametrised test names itself in full.
        let parts: Vec<&str> = name.trim().split(" > ").collect();
        let id = match parts.split_last() {
            Some((last, middle)) if middle.iter().any(|part| part.contains('(')) && last.contains('.') => {
                (*last).to_owned()
            }
            Some((last, classes)) => format!("{}.{last}", classes.join("$")),
            None => return,
        };
        if self.gradle.len() < MAX_TESTS && self.gradle_seen.insert(id.clone()) {
            let short = name.rsplit(" > ").next().unwrap_or(name).to_owned();
            self.gradle.push(FailedTest {
                id,
                name: short,
                ..FailedTest::default()
            });
        }
    }
}

/// `12, Failures: 1, Errors: 0, Skipped: 2`.
fn totals(text: &str) -> Option<Counts> {
    let mut numbers = text
        .split(", ")
        .map(|part| part.rsplit(": ").next().unwrap_or(part).trim().parse::<u64>());
    let (total, failed, errors, skipped) = (
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
    );
    let run = total.saturating_sub(skipped);
    Some(Counts {
        run,
        passed: run.saturating_sub(failed + errors),
        failed,
        errors,
        skipped,
    })
}
