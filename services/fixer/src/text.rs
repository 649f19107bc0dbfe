//! Every sentence that a reviewer reads: the pull request's title and body, and the commit message.

use domain::attempt::Report;
use domain::evidence::{CommandSource, Evidence, Oracle, TestId};
use domain::incident::Trigger;
use domain::text::is_hidden;
use std::fmt::Write as _;

/// Longest list of tests that is shown.
const MAX_TESTS: usize = 20;

/// What a pull request says.
pub struct Words {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// The commit message.
    pub commit: String,
}

/// Puts a report into words. `draft_reasons` is empty for a pull request that is ready for review.
#[must_use]
pub fn pull_request(trigger: Option<&Trigger>, report: &Report, draft_reasons: &[String], unverified: bool) -> Words {
    let headline = report.diagnosis.as_ref().map_or("a failure", |d| d.headline.as_str());
    let title = cut(
        &one_line(&format!(
            "{}Fix {headline}",
            if unverified { "[unverified] " } else { "" }
        )),
        120,
    );
    let mut body = String::new();
    let _ = writeln!(body, "{}\n", summary(report, unverified));
    if let Some(trigger) = trigger {
        let _ = writeln!(body, "### What happened\n\n{}\n", what_happened(trigger, report));
    }
    if let Some(why) = &report.why {
        let files: Vec<String> = report.files.iter().map(|f| code(&f.path)).collect();
        let _ = writeln!(
            body,
            "### The change\n\n{} in {}.\n",
            prose(&capitalised(why.trim_end_matches('.'))),
            files.join(", ")
        );
    }
    if let Some(evidence) = &report.evidence {
        body.push_str(&proof(evidence));
    }
    if !draft_reasons.is_empty() {
        let _ = writeln!(body, "### Why this is a draft\n");
        for reason in draft_reasons {
            let _ = writeln!(body, "- {}", plain(reason));
        }
        body.push('\n');
    }
    let confidence = report
        .confidence
        .map(|c| format!(" · confidence {:.0} %", c * 100.0))
        .unwrap_or_default();
    let engine = report.engine.as_deref().unwrap_or("-");
    let template = report.template.as_deref().unwrap_or("-");
    let _ = writeln!(
        body,
        "---\n<sub>Opened by Fixpoint · engine {} ({}) · {} candidates tried{confidence} · Fixpoint never merges it: a person decides.</sub>",
        code(engine),
        code(template),
        report.candidates_tried
    );
    let why = report.why.as_deref().map_or_else(String::new, |why| {
        format!("{}.\n\n", one_line(&capitalised(why.trim_end_matches('.'))))
    });
    let commit = format!("{title}\n\n{why}Proposed by Fixpoint ({engine}, {template}).\n");
    Words { title, body, commit }
}

fn summary(report: &Report, unverified: bool) -> String {
    match (&report.evidence, unverified) {
        (_, true) => {
            "> **Unverified.** The whole test suite was not run, so nothing shows that nothing else broke.".into()
        }
        (Some(evidence), _) => {
            let after = evidence.after.unwrap_or_default();
            format!(
                "> **Proved by execution.** {} {} tests pass with the change.",
                proof_line(evidence),
                after.passed
            )
        }
        (None, _) => "> **Unverified.** Nothing was run.".into(),
    }
}

/// The proof in one line, also for chat.
#[must_use]
pub fn proof_line(evidence: &Evidence) -> String {
    let runs = evidence.reproduction.failed.len();
    match evidence.oracle {
        Oracle::NoLongerRaises => "The call recorded by the alert raised before and no longer raises.".into(),
        Oracle::FailingTests if runs == 1 => format!(
            "{} failed before and passes now.",
            code(evidence.reproduction.failed[0].as_str())
        ),
        Oracle::FailingTests if runs == 0 => "The failing command failed before and passes now.".into(),
        Oracle::FailingTests => format!("{runs} tests failed before and pass now."),
    }
}

fn what_happened(trigger: &Trigger, report: &Report) -> String {
    let link = |text: &str, url: Option<&str>| {
        url.filter(|u| u.starts_with("https://") || u.starts_with("http://"))
            .map_or_else(
                || plain(text),
                |u| format!("[{}]({})", plain(text), u.replace([' ', ')', '(', '<', '>'], "")),
            )
    };
    let error = report.diagnosis.as_ref().and_then(|d| {
        Some(format!(
            "\n\n{}",
            fence(&format!(
                "{}: {}",
                d.error_type.as_deref()?,
                d.message.as_deref().unwrap_or("")
            ))
        ))
    });
    let place = report
        .diagnosis
        .as_ref()
        .and_then(|d| d.frames.last())
        .map(|f| format!(", raised at {}", code(&format!("{}:{}", f.file, f.line))));
    match trigger {
        Trigger::ErrorAlert(alert) => {
            let environment = alert
                .environment
                .as_deref()
                .map(|e| format!(" in {}", code(e)))
                .unwrap_or_default();
            let release = alert
                .release
                .as_deref()
                .map(|r| format!(", release {}", code(r)))
                .unwrap_or_default();
            format!(
                "Sentry issue {}{environment}{release}{}.{}",
                link(&alert.title, alert.issue_url.as_deref()),
                place.unwrap_or_default(),
                error.unwrap_or_default()
            )
        }
        Trigger::WorkflowRun(run) => {
            let name = format!("{} #{}", run.workflow, run.run_id);
            format!(
                "{} failed on {} at {}{}.{}",
                link(&name, run.url.as_deref()),
                code(run.head_branch.as_str()),
                code(run.head_sha.short()),
                place.unwrap_or_default(),
                error.unwrap_or_default()
            )
        }
    }
}

fn proof(evidence: &Evidence) -> String {
    let mut out = String::from("### Proof\n\n");
    let source = match evidence.command_source {
        CommandSource::Setting => "from the operator's settings",
        CommandSource::RepositoryFile => "from `.fixpoint.toml`",
        CommandSource::WorkflowStep => "the failing step's own command",
        CommandSource::Detected => "suggested by the repository's files",
    };
    let _ = writeln!(
        out,
        "Command ({source}), in a sandbox without network:\n\n{}\n",
        fence(&evidence.command)
    );
    let before = evidence.runs.first();
    let after = evidence.after.unwrap_or_default();
    let _ = writeln!(out, "| | before | with this change |\n|---|---|---|");
    let _ = writeln!(
        out,
        "| exit code | {} | {} |",
        evidence.reproduction.exit_code, after.exit_code
    );
    if let Some(before) = before {
        let _ = writeln!(
            out,
            "| passed | {} | {} |\n| failed | {} | {} |\n| skipped | {} | {} |",
            before.passed, after.passed, before.failed, after.failed, before.skipped, after.skipped
        );
    }
    let _ = writeln!(
        out,
        "| tree | {} | {} |\n",
        code(&evidence.tree_before),
        code(evidence.tree_after.as_deref().unwrap_or("-"))
    );
    let _ = writeln!(
        out,
        "The failing tests were run {} more times, before and after, always with the same answers: a flake of any rate fools this in less than 1 % of cases.\n",
        evidence.reruns
    );
    out.push_str(&list("Failed before, pass now", &evidence.reproduction.failed));
    out.push_str(&list(
        "Failed before and still do, for other reasons",
        &evidence.known_failures,
    ));
    if !evidence.flaky.is_empty() {
        let tests: Vec<TestId> = evidence
            .flaky
            .iter()
            .map(|f| {
                TestId::new(format!(
                    "{} (failed {} of {} times without the change)",
                    f.test, f.failed, f.runs
                ))
            })
            .collect();
        out.push_str(&list("Give both answers on their own, and were not counted", &tests));
    }
    if let Some(test) = &evidence.reproduction.written_test {
        let missing = if test.not_rebuilt.is_empty() {
            String::new()
        } else {
            format!(" Not rebuilt: {}.", plain(&test.not_rebuilt.join("; ")))
        };
        let rebuilt = if test.rebuilt.is_empty() {
            "nothing: the call takes no values".to_owned()
        } else {
            test.rebuilt.join(", ")
        };
        let _ = writeln!(
            out,
            "<details><summary>The test that was written from the alert</summary>\n\nRebuilt from the event: {}.{missing} It is not part of this change, and its recorded values are left out here, since they can be private; the API has them.\n\n{}\n</details>\n",
            plain(&rebuilt),
            fence(&without_values(&test.content))
        );
    }
    let _ = writeln!(
        out,
        "<details><summary>Every run</summary>\n\n| purpose | tree | exit | passed | failed | skipped | ms |\n|---|---|---|---|---|---|---|"
    );
    for run in &evidence.runs {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            plain(&run.purpose),
            code(run.tree.get(..12).unwrap_or(&run.tree)),
            run.exit_code,
            run.passed,
            run.failed,
            run.skipped,
            run.wall_ms
        );
    }
    out.push_str("\n</details>\n\n");
    out
}

/// A written test with every recorded value replaced: the lines in front of the call are all assignments of such values.
fn without_values(test: &str) -> String {
    let hide = |line: &str| match line.split_once(" = ") {
        Some((target, _)) if line.starts_with(' ') => format!("{target} = …"),
        _ => line.to_owned(),
    };
    test.lines().map(hide).collect::<Vec<_>>().join("\n")
}

fn list(title: &str, tests: &[TestId]) -> String {
    if tests.is_empty() {
        return String::new();
    }
    let mut out = format!("**{title}**\n\n");
    for test in tests.iter().take(MAX_TESTS) {
        let _ = writeln!(out, "- {}", code(test.as_str()));
    }
    if tests.len() > MAX_TESTS {
        let _ = writeln!(out, "- and {} more", tests.len() - MAX_TESTS);
    }
    out.push('\n');
    out
}

/// Text from outside as plain Markdown: nothing in it can become a link, a mention, a tag or a heading.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' | '#' => {
                out.push(c);
                // A zero-width space keeps it from naming anybody.
                out.push('\u{200b}');
            }
            '*' | '_' | '`' | '[' | ']' | '|' | '\\' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Inline code that its content cannot leave.
fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let longest = longest_run(&text);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A sentence of ours that quotes code in backticks: the code stays code, all else stays text.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let shown = |(at, part): (usize, &&str)| match at % 2 {
        1 if !part.trim().is_empty() => code(part),
        1 => String::new(),
        _ => spaced(part),
    };
    parts.iter().enumerate().map(shown).collect()
}

/// [`plain`], with the spaces around it.
fn spaced(text: &str) -> String {
    let space = |there: bool| if there { " " } else { "" };
    let middle = plain(text);
    if middle.is_empty() {
        return space(!text.is_empty()).to_owned();
    }
    format!(
        "{}{middle}{}",
        space(text.starts_with(char::is_whitespace)),
        space(text.ends_with(char::is_whitespace))
    )
}

/// A block that its content cannot leave.
fn fence(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|c| !is_hidden(*c) || *c == '\n' || *c == '\t')
        .collect();
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}", cut(text.trim_end(), 8_000))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn one_line(text: &str) -> String {
    let spaced = text.replace(['\n', '\r', '\t'], " ");
    spaced
        .chars()
        .filter(|c| !is_hidden(*c))
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept + "…"
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + chars.as_str()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_values_are_not_published() {
        let shown = without_values(
            "from a import f\n\ndef test_f():\n    environ[\"X\"] = \"secret\"\n    note = 'secret = 1'\n    f(note)\n",
        );
        assert!(
            !shown.contains("secret") && shown.contains("note = …") && shown.contains("f(note)"),
            "{shown}"
        );
    }

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(
            plain("<img src=x> @team #1 [a](b)\n# x"),
            "&lt;img src=x&gt; @\u{200b}team #\u{200b}1 \\[a\\](b) #\u{200b} x"
        );
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(
            prose("use `a < b` instead of `a > b` for @team"),
            "use `a < b` instead of `a > b` for @\u{200b}team"
        );
        assert_eq!(prose("an odd ` is text <b>"), "an odd \\` is text &lt;b&gt;");
        assert!(fence("```\nout").starts_with("````text"));
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(one_line("a\u{202e}b\u{7}c"), "abc");
    }
}
