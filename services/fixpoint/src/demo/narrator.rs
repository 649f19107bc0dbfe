//! What the demo says on the terminal.

use crate::show::printable;
use anyhow::ensure;
use domain::attempt::Stage;
use domain::job::SkipReason;
use github_sim::Pull;
use serde_json::Value;
use std::fmt::Arguments;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const WIDTH: usize = 100;

/// Tells the story.
pub struct Narrator {
    started: Instant,
    colour: bool,
    unheard: AtomicBool,
}

impl Narrator {
    /// Starts the clock.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            colour: io::stdout().is_terminal(),
            unheard: AtomicBool::new(false),
        }
    }

    /// Whether somebody still listens.
    ///
    /// # Errors
    /// When something that was said could not be written.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.unheard.load(Ordering::Relaxed),
            "what the demo tells could not be written to standard output"
        );
        Ok(())
    }

    fn print(&self, line: Arguments<'_>) {
        self.write(format_args!("{line}\n"));
    }

    fn write(&self, text: Arguments<'_>) {
        let mut out = io::stdout().lock();
        if out.write_fmt(text).and_then(|()| out.flush()).is_err() {
            self.unheard.store(true, Ordering::Relaxed);
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A new act.
    pub fn title(&self, text: &str) {
        self.print(format_args!(
            "\n{}\n{}",
            self.paint("1", text),
            "─".repeat(text.chars().count().min(WIDTH))
        ));
    }

    /// A sentence.
    pub fn say(&self, text: &str) {
        self.print(format_args!(
            "{:>6.1}s  {}",
            self.started.elapsed().as_secs_f32(),
            printable(text)
        ));
    }

    /// The exception as Sentry shows it.
    pub fn exception(&self, event: &Value) {
        let Some(exception) = event["exception"]["values"].as_array().and_then(|values| values.last()) else {
            return;
        };
        let text = |value: &Value| printable(value.as_str().unwrap_or(""));
        self.print(format_args!(
            "         {}",
            self.paint(
                "31",
                &format!("{}: {}", text(&exception["type"]), text(&exception["value"]))
            )
        ));
        let frames = exception["stacktrace"]["frames"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for frame in &frames[frames.len().saturating_sub(3)..] {
            self.print(format_args!(
                "           {}:{} in {}: {}",
                text(&frame["filename"]),
                frame["lineno"],
                text(&frame["function"]),
                text(&frame["context_line"]).trim()
            ));
        }
        if let Some(vars) = frames.last().and_then(|frame| frame["vars"].as_object()) {
            let vars: Vec<String> = vars
                .iter()
                .map(|(name, value)| {
                    format!(
                        "{name} = {}",
                        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                    )
                })
                .collect();
            self.print(format_args!(
                "           locals: {}",
                cut(&printable(&vars.join(", ")), WIDTH)
            ));
        }
    }

    /// Starts to show a job.
    pub fn watching(&self) -> Watching<'_> {
        Watching {
            narrator: self,
            stages: 0,
            lines: 0,
            tried: 0,
            counting: false,
        }
    }

    /// A signal that led to nothing, and why.
    pub fn skipped(&self, answer: &Value, decision: &Value) {
        self.say(&format!("POST /webhooks/sentry answered 200 {answer}"));
        if let Ok(reason) = serde_json::from_value::<SkipReason>(decision["reason"].clone()) {
            self.say(&format!("rule:              {}", reason.code()));
            self.say(&format!("observed:          {}", reason.observed()));
            self.say(&format!("would change it:   {}", reason.would_change()));
        } else {
            self.say(&decision.to_string());
        }
    }

    /// A fix that the guardrails refused.
    pub fn refused(&self, job: &Value) {
        let attempts = job["attempts"].as_array().map_or(&[][..], Vec::as_slice);
        for objection in attempts
            .iter()
            .filter_map(|attempt| attempt["objections"].as_array())
            .flatten()
        {
            self.say(&format!(
                "{} {}",
                self.paint("31", "refused:"),
                printable(&format!(
                    "{}: {}",
                    objection["path"].as_str().unwrap_or(""),
                    objection["detail"].as_str().unwrap_or("")
                ))
            ));
        }
        self.say("Nothing was pushed. A person is told in Slack.");
    }

    /// A pull request as GitHub would show it, with the changed files of its job.
    pub fn pull_request(&self, pull: &Pull, job: Option<&Value>) {
        let attempts = job
            .and_then(|job| job["attempts"].as_array())
            .map_or(&[][..], Vec::as_slice);
        let files = attempts
            .iter()
            .filter_map(|attempt| attempt["files"].as_array())
            .flatten();
        let diff: String = files.filter_map(|file| file["diff"].as_str()).collect();
        let draft = if pull.draft { "draft" } else { "ready for review" };
        let head = format!(
            "#{} {} ({draft})\n{} → {}\n",
            pull.number, pull.title, pull.head, pull.base
        );
        self.boxed(&format!("{head}\n{}\n\n{diff}", pull.body.as_deref().unwrap_or("")));
    }

    /// Where the time of a job went.
    pub fn times(&self, job: &Value) {
        let Some(attempt) = job["attempts"].as_array().and_then(|attempts| attempts.last()) else {
            return;
        };
        let mut stages: Vec<&Value> = attempt["stages"].as_array().into_iter().flatten().collect();
        stages.sort_by_key(|stage| Stage::ALL.iter().position(|known| stage["stage"] == known.as_str()));
        let stages: Vec<String> = stages
            .into_iter()
            .map(|stage| {
                format!(
                    "{} {:.1} s",
                    stage["stage"].as_str().unwrap_or("?").replace('_', " "),
                    stage["wall_ms"].as_f64().unwrap_or(0.0) / 1000.0
                )
            })
            .collect();
        let wall = attempt["wall_ms"].as_f64().unwrap_or(0.0) / 1000.0;
        let sandbox = attempt["sandbox_ms"].as_f64().unwrap_or(0.0) / 1000.0;
        self.say(&format!(
            "{}: {wall:.1} s, {sandbox:.1} s of it in sandboxes ({})",
            printable(job["issue_title"].as_str().unwrap_or("")),
            stages.join(", ")
        ));
    }

    /// Text in a frame.
    pub fn boxed(&self, text: &str) {
        self.print(format_args!("┌{}", "─".repeat(WIDTH)));
        for line in printable(text).lines() {
            self.print(format_args!("│ {line}"));
        }
        self.print(format_args!("└{}", "─".repeat(WIDTH)));
    }
}

/// Shows a job while it runs: each stage with its time, candidates, and lines worth reading.
pub struct Watching<'a> {
    narrator: &'a Narrator,
    stages: usize,
    lines: usize,
    tried: u64,
    counting: bool,
}

impl Watching<'_> {
    /// Shows what is new.
    pub fn update(&mut self, job: &Value) {
        let Some(attempt) = job["attempts"].as_array().and_then(|attempts| attempts.last()) else {
            return;
        };
        let known: Vec<&str> = attempt["stages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|stage| stage["stage"].as_str())
            .collect();
        // Stages that took less than a look are told with the next one that is seen.
        let last = Stage::ALL
            .iter()
            .rposition(|stage| known.contains(&stage.as_str()))
            .map_or(0, |at| at + 1);
        for stage in Stage::ALL.iter().take(last).skip(self.stages) {
            self.break_line();
            self.narrator.say(&format!("▸ {}", stage.as_str().replace('_', " ")));
        }
        self.stages = self.stages.max(last);
        let lines = attempt["lines"].as_array().map_or(&[][..], Vec::as_slice);
        for line in lines.iter().skip(self.lines).filter_map(Value::as_str) {
            self.break_line();
            self.narrator.say(&format!("    {line}"));
        }
        self.lines = self.lines.max(lines.len());
        let tried = attempt["candidates_tried"].as_u64().unwrap_or(0);
        if tried > self.tried {
            self.tried = tried;
            if self.narrator.colour {
                self.counting = true;
                self.narrator
                    .write(format_args!("\r             {tried} candidates tried"));
            }
        }
    }

    /// Shows how it ended.
    pub fn end(&mut self, job: &Value) {
        self.break_line();
        let outcome = job["outcome"].as_str().or_else(|| job["state"].as_str()).unwrap_or("?");
        let colour = if outcome == "proved" { "32" } else { "33" };
        let text = format!(
            "{} {}",
            self.narrator.paint(colour, outcome),
            printable(job["message"].as_str().unwrap_or(""))
        );
        self.narrator.print(format_args!(
            "{:>6.1}s  {text} ({} candidates tried)",
            self.narrator.started.elapsed().as_secs_f32(),
            self.tried
        ));
        if let Some(url) = job["pr_url"].as_str() {
            self.narrator.say(&format!("pull request: {url}"));
        }
    }

    fn break_line(&mut self) {
        if std::mem::take(&mut self.counting) {
            self.narrator.write(format_args!("\n"));
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.to_owned()
    } else {
        text.chars().take(most - 1).chain(['…']).collect()
    }
}
