//! What a person sees on the terminal.

use domain::attempt::{Outcome, Stage};
use domain::text::is_hidden;
use fixer::local::Done;
use std::io::{self, IsTerminal as _, Write};
use std::sync::Mutex;
use std::time::Instant;

/// A line per stage on standard error, with its time, and the number of candidates while they are tried.
pub struct Live {
    started: Instant,
    terminal: bool,
    counting: Mutex<bool>,
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// Starts the clock.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            terminal: io::stderr().is_terminal(),
            counting: Mutex::new(false),
        }
    }

    /// A stage begins.
    pub fn stage(&self, stage: Stage) {
        self.print(&format!(
            "{:>6.1}s  {}",
            self.started.elapsed().as_secs_f32(),
            stage.as_str().replace('_', " ")
        ));
    }

    /// Something worth a line.
    pub fn line(&self, line: &str) {
        self.print(&format!("         {line}"));
    }

    /// So many candidates. On a terminal the line is written over; elsewhere only every thousandth is.
    pub fn tried(&self, candidates: u64) {
        if self.terminal {
            *self.counting() = true;
            let mut out = io::stderr().lock();
            let _ = write!(out, "\r         {candidates} candidates tried").and_then(|()| out.flush());
        } else if candidates.is_multiple_of(1000) && candidates > 0 {
            self.print(&format!("         {candidates} candidates tried"));
        }
    }

    /// Nobody may be there to read it, which is no reason to stop.
    fn print(&self, line: &str) {
        let mut out = io::stderr().lock();
        if std::mem::take(&mut *self.counting()) {
            let _ = writeln!(out);
        }
        let _ = writeln!(out, "{}", printable(line));
    }

    fn counting(&self) -> std::sync::MutexGuard<'_, bool> {
        self.counting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Text without what a terminal would act on.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !is_hidden(*c) || *c == '\n' || *c == '\t')
        .collect()
}

/// The outcome of `fixpoint fix`.
///
/// # Errors
/// When it cannot be written.
pub fn done(out: &mut impl Write, done: &Done, cpu_ms: u64) -> io::Result<()> {
    let report = &done.report;
    writeln!(out, "\n{}: {}", report.outcome.as_str(), printable(&report.message))?;
    if let Some(diagnosis) = &report.diagnosis {
        writeln!(out, "failure:    {}", printable(&diagnosis.headline))?;
        if let Some(error) = &diagnosis.error_type {
            writeln!(
                out,
                "            {}: {}",
                printable(error),
                printable(&diagnosis.message.clone().unwrap_or_default().replace('\n', " "))
            )?;
        }
    }
    if let Some(why) = &report.why {
        writeln!(
            out,
            "change:     {} ({})",
            printable(why),
            report.template.as_deref().unwrap_or("-")
        )?;
    }
    for file in &report.files {
        writeln!(out, "\n{}", printable(&file.diff))?;
    }
    if let Some(evidence) = &report.evidence {
        writeln!(
            out,
            "command:    {} ({})",
            printable(&evidence.command),
            fixer::report::source_words(evidence.command_source)
        )?;
        writeln!(
            out,
            "before:     exit {}, {} failing",
            evidence.reproduction.exit_code,
            evidence.reproduction.failed.len()
        )?;
        if let Some(after) = evidence.after {
            writeln!(
                out,
                "after:      exit {}, {} passed, {} failed, {} skipped; {} reruns",
                after.exit_code, after.passed, after.failed, after.skipped, evidence.reruns
            )?;
        }
    }
    for objection in &report.objections {
        writeln!(
            out,
            "objection:  {}: {}",
            printable(&objection.path),
            printable(&objection.detail)
        )?;
    }
    for reason in &done.draft_reasons {
        writeln!(out, "draft:      {}", printable(reason))?;
    }
    if let Some(confidence) = report.confidence {
        writeln!(out, "confidence: {:.0} %", confidence * 100.0)?;
    }
    writeln!(
        out,
        "tried:      {} candidates, {:.1} s by the clock, {:.1} s of processor",
        report.candidates_tried,
        ms(report.wall_ms),
        ms(cpu_ms)
    )?;
    if let Some(branch) = &done.branch {
        writeln!(
            out,
            "\nThe fix is on branch {branch}. Look at it with `git show {branch}`."
        )?;
    } else if report.outcome == Outcome::Proved {
        writeln!(out, "\nNothing was committed, as asked.")?;
    }
    Ok(())
}

fn ms(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

/// Processor time of this process alone, in milliseconds, from /proc.
#[must_use]
pub fn cpu_ms_of_this_process() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        return 0;
    };
    // The second field is a name in parentheses that may contain spaces; the times are the 14th and 15th.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    // Linux counts these in hundredths of a second.
    fields
        .iter()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum::<u64>()
        * 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_steered() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c\n"), "a[31mbc\n");
    }

    #[test]
    fn a_busy_process_has_used_time() {
        let start = std::time::Instant::now();
        let mut n = 0u64;
        while start.elapsed().as_millis() < 60 {
            n = n.wrapping_add(1);
        }
        assert!(n > 0 && cpu_ms_of_this_process() > 0);
    }
}
