//! pytest: the short summary, the failure blocks and the verbose lines, whichever of them a log has.
use std::collections::{HashMap, HashSet, VecDeque};

use super::reading::{Counts, FailedTest, Frame, Framework, ParsedRun, repository_path};
use super::{MAX_FRAMES, MAX_TESTS, Reader, python};

/// How many " - " of one line are tried as the end of its id.
const MAX_SEPARATORS: usize = 8;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Progress,
    Blocks,
    Summary,
    Other,
}

/// One `____ name ____` block.
#[derive(Default)]
struct Block {
    name: String,
    /// A collection error is named by its path.
    collecting: bool,
    captured: bool,
    native: bool,
    message: Vec<String>,
    frames: Vec<Frame>,
    ends_with: Option<String>,
}

#[derive(Default)]
pub(super) struct Pytest {
    section: Section,
    open: bool,
    step: usize,
    listed: Vec<(String, Option<String>)>,
    live: Vec<String>,
    blocks: Vec<Block>,
    /// Blocks by the selector of their test, in order; a name may come more than once.
    index: HashMap<String, VecDeque<usize>>,
}

impl Reader for Pytest {
    fn line(&mut self, line: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        if let Some(title) = banner(line) {
            self.banner(title, step, runs);
        } else if let Some(counts) = totals(line) {
            self.step = step;
            self.close(Some(counts), runs);
        } else {
            match self.section {
                Section::Progress => self.progress(line),
                Section::Blocks => self.block(line),
                Section::Summary => self.summary(line),
                Section::Other => {}
            }
        }
    }

    fn finish(&mut self, runs: &mut Vec<ParsedRun>) {
        if self.open || !self.blocks.is_empty() {
            self.close(None, runs);
        }
    }
}

impl Pytest {
    fn banner(&mut self, title: &str, step: usize, runs: &mut Vec<ParsedRun>) {
        match title {
            "test session starts" => {
                if self.open {
                    self.close(None, runs);
                }
                self.open = true;
                self.step = step;
                self.section = Section::Progress;
            }
            "FAILURES" | "ERRORS" => self.section = Section::Blocks,
            "short test summary info" => self.section = Section::Summary,
            _ => match totals(title) {
                Some(counts) => {
                    self.step = step;
                    self.close(Some(counts), runs);
                }
                None if self.section != Section::Progress || title == "warnings summary" || title == "PASSES" => {
                    self.section = Section::Other
                }
                None => {}
            },
        }
    }

    /// `path::test FAILED [ 10%]`, and with several processes `[gw1] [ 98%] FAILED path::test`.
    fn progress(&mut self, line: &str) {
        if !line.contains("FAILED") && !line.contains("ERROR") {
            return;
        }
        let id = if line.starts_with("[gw") {
            line.split_once("] FAILED ")
                .or_else(|| line.split_once("] ERROR "))
                .map(|(_, id)| id)
        } else {
            line.split_once(" FAILED")
                .or_else(|| line.split_once(" ERROR"))
                .and_then(|(id, rest)| {
                    let rest = rest.trim_start();
                    (rest.is_empty() || rest.starts_with('[') || rest.starts_with('(')).then_some(id)
                })
        };
        if let Some(id) = id.map(str::trim)
            && id.contains(".py::")
            && !id.starts_with(' ')
            && self.live.len() < MAX_TESTS
        {
            self.live.push(id.to_owned());
        }
    }

    fn summary(&mut self, line: &str) {
        let rest = line
            .strip_prefix("FAILED ")
            .or_else(|| line.strip_prefix("ERROR "))
            .or_else(|| line.strip_prefix("SUBFAIL "));
        let Some(rest) = rest.filter(|_| self.listed.len() < MAX_TESTS) else {
            return;
        };
        // A test's parameters may hold anything, also " - ". The blocks know the whole name.
        let guess = id_end(rest);
        let known = |end: &usize| self.index.contains_key(key(&rest[..*end]).as_str());
        let end = if known(&guess) {
            guess
        } else {
            let ends = rest
                .match_indices(" - ")
                .map(|(at, _)| at)
                .take(MAX_SEPARATORS)
                .chain([rest.len()]);
            ends.filter(|_| rest.contains('[')).find(known).unwrap_or(guess)
        };
        let message = rest[end..].strip_prefix(" - ").map(str::to_owned);
        self.listed.push((rest[..end].to_owned(), message));
    }

    fn block(&mut self, line: &str) {
        if let Some(name) = header(line) {
            if self.blocks.len() < MAX_TESTS {
                let collecting = name.strip_prefix("ERROR collecting ");
                let plain = name
                    .strip_prefix("ERROR at setup of ")
                    .or_else(|| name.strip_prefix("ERROR at teardown of "));
                let named = collecting.or(plain).unwrap_or(name);
                let key = if collecting.is_some() {
                    named.to_owned()
                } else {
                    selector(named)
                };
                self.index.entry(key).or_default().push_back(self.blocks.len());
                self.blocks.push(Block {
                    name: collecting.or(plain).unwrap_or(name).to_owned(),
                    collecting: collecting.is_some(),
                    ..Block::default()
                });
            }
            return;
        }
        let Some(block) = self.blocks.last_mut() else { return };
        if line.starts_with("---") && line.contains(" Captured ") {
            block.captured = true;
        }
        if block.captured {
            return;
        }
        if line.starts_with("During handling of the above exception")
            || line.starts_with("The above exception was the direct cause")
        {
            // Of chained exceptions the last is the one that failed the test.
            block.message.clear();
            block.frames.clear();
        } else if let Some(text) = line
            .strip_prefix('E')
            .filter(|text| text.is_empty() || text.starts_with("  "))
        {
            if block.message.len() < 60 {
                block.message.push(text.trim_start().to_owned());
            }
        } else if let Some(frame) = python::frame(line) {
            block.native = true;
            block.push(frame);
        } else if let Some((file, number, rest)) = location(line) {
            block.push(Frame::new(file, number, rest.strip_prefix("in ")));
            block.ends_with = Some(rest.to_owned());
        } else if block.native
            && !line.starts_with(' ')
            && python::exception(line).is_some()
            && block.message.is_empty()
        {
            block.message.push(line.to_owned());
        }
    }

    fn close(&mut self, counts: Option<Counts>, runs: &mut Vec<ParsedRun>) {
        let mut blocks: Vec<Option<Block>> = std::mem::take(&mut self.blocks).into_iter().map(Some).collect();
        let mut index = std::mem::take(&mut self.index);
        let mut ids = std::mem::take(&mut self.listed);
        let live = std::mem::take(&mut self.live);
        if ids.is_empty() {
            ids = live.into_iter().map(|id| (id, None)).collect();
        }
        let mut seen = HashSet::new();
        let mut failed: Vec<FailedTest> = ids
            .into_iter()
            .filter(|(id, _)| seen.insert(id.clone()))
            .map(|(id, message)| {
                let at = index.get_mut(key(&id).as_str()).and_then(VecDeque::pop_front);
                let own = at.and_then(|at| blocks.get_mut(at)).and_then(Option::take);
                test(id, own, message)
            })
            .collect();
        // Blocks that no line named: there was no summary, or it listed only some.
        let expected = counts.map_or(usize::MAX, |counts| usize::try_from(counts.bad()).unwrap_or(usize::MAX));
        for block in blocks.into_iter().flatten() {
            if failed.len() < expected {
                let id = block.guess_id();
                if seen.insert(id.clone()) {
                    failed.push(test(id, Some(block), None));
                }
            }
        }
        runs.push(ParsedRun {
            framework: Framework::Pytest,
            counts: counts.unwrap_or_default(),
            failed,
            complete: counts.is_some(),
            step: self.step,
        });
        *self = Self {
            step: self.step,
            ..Self::default()
        };
    }
}

impl Block {
    fn push(&mut self, frame: Frame) {
        if self.frames.len() < MAX_FRAMES * 4 {
            self.frames.push(frame);
        }
    }

    /// The node id from the name and the first frame in a file that looks like a test's; the bare name if there is none.
    fn guess_id(&self) -> String {
        if self.collecting {
            return self.name.clone();
        }
        let file = self.frames.iter().map(|frame| frame.file.as_str()).find(|file| {
            let base = file.rsplit('/').next().unwrap_or(file);
            base.starts_with("test_") || base.ends_with("_test.py") || base == "tests.py"
        });
        file.map_or_else(|| self.name.clone(), |file| format!("{file}::{}", selector(&self.name)))
    }
}

fn test(id: String, block: Option<Block>, message: Option<String>) -> FailedTest {
    let file = id.split_once("::").map_or(id.as_str(), |(file, _)| file);
    let file = (file.ends_with(".py") || id.contains("::") || file.contains('/')).then(|| repository_path(file));
    let name_start = id.find('[').unwrap_or(id.len());
    let name = id[..name_start]
        .rfind("::")
        .map_or(id.as_str(), |at| &id[at + 2..])
        .to_owned();
    let mut test = FailedTest {
        id,
        file,
        name,
        ..FailedTest::default()
    };
    if let Some(block) = block {
        test.frames = block.frames;
        python::describe(&mut test, &block.message, block.ends_with.as_deref());
    }
    if let Some(message) = message {
        let (kind, _) = python::exception(&message).unzip();
        test.error_type = test.error_type.or_else(|| kind.map(str::to_owned));
        test.message = test.message.or(Some(message));
    }
    test.locate();
    test
}

/// What a node id and the name of its block have in common: the selector of the test, or the path of a file that was not collected.
fn key(id: &str) -> String {
    id.split_once("::")
        .map_or_else(|| id.to_owned(), |(_, test)| selector(test))
}

/// `TestA.test_b[x.y]` as a selector: `TestA::test_b[x.y]`.
fn selector(name: &str) -> String {
    let params = name.find('[').unwrap_or(name.len());
    format!("{}{}", name[..params].replace('.', "::"), &name[params..])
}

/// The end of the node id in `id - message`; a " - " within brackets belongs to the id.
fn id_end(rest: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in rest.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && rest[at..].starts_with(" - ") => return at,
            _ => {}
        }
    }
    if depth == 0 {
        rest.len()
    } else {
        rest.find(" - ").unwrap_or(rest.len())
    }
}

/// The text of `===== text =====`.
fn banner(line: &str) -> Option<&str> {
    if !line.starts_with('=') || !line.ends_with('=') {
        return None;
    }
    let title = line.trim_matches('=');
    (title.len() > 2 && title.starts_with(' ') && title.ends_with(' ')).then(|| title.trim())
}

/// The text of `_____ text _____`.
fn header(line: &str) -> Option<&str> {
    if !line.starts_with('_') || !line.ends_with('_') {
        return None;
    }
    let name = line.trim_matches('_');
    let framed = name.starts_with(' ') && name.ends_with(' ');
    (framed && !name.bytes().all(|byte| byte == b' ' || byte == b'_')).then(|| name.trim())
}

/// `path:12: rest` at the beginning of a line.
fn location(line: &str) -> Option<(&str, u32, &str)> {
    if line.starts_with([' ', '>', '\t']) || line.len() > 1_000 {
        return None;
    }
    let mut from = 0;
    while let Some(colon) = line[from..].find(':').map(|at| at + from) {
        let rest = &line[colon + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && rest[digits..].starts_with(':') && colon > 0 {
            return Some((&line[..colon], rest[..digits].parse().ok()?, rest[digits + 1..].trim()));
        }
        from = colon + 1;
    }
    None
}

/// `1 failed, 2 passed, 3 warnings in 1.81s (0:00:01)`.
fn totals(line: &str) -> Option<Counts> {
    let at = line.rfind(" in ")?;
    let seconds = line[at + 4..].split_whitespace().next()?.strip_suffix('s')?;
    if seconds.parse::<f64>().is_err() {
        return None;
    }
    let mut counts = Counts::default();
    let words = line[..at].trim();
    if words == "no tests ran" {
        return Some(counts);
    }
    for part in words.split(", ") {
        let (number, word) = part.split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match word {
            "passed" => {
                counts.passed += number;
                counts.run += number;
            }
            "failed" => {
                counts.failed += number;
                counts.run += number;
            }
            "error" | "errors" => {
                counts.errors += number;
                counts.run += number;
            }
            "xfailed" | "xpassed" => counts.run += number,
            "skipped" => counts.skipped += number,
            "deselected" | "warning" | "warnings" | "rerun" | "reruns" | "subtests passed" | "subtests failed"
            | "snapshots passed" => {}
            _ => return None,
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_may_hold_the_separator() {
        assert_eq!(
            &"a.py::t[x - y] - Boom"[..id_end("a.py::t[x - y] - Boom")],
            "a.py::t[x - y]"
        );
        assert_eq!(id_end("a.py::t[x[ - Boom"), "a.py::t[x[".len());
    }

    #[test]
    fn only_real_totals_are_totals() {
        assert_eq!(
            totals("2 failed, 1 passed in 0.10s").map(|counts| counts.bad()),
            Some(2)
        );
        assert!(totals("no tests ran in 0.01s").is_some());
        assert!(totals("compiled 3 files in 0.10s").is_none());
        assert!(totals("1 failed in the end").is_none());
    }

    #[test]
    fn a_line_of_source_is_not_a_location() {
        assert_eq!(
            location("tests/test_a.py:12: ValueError"),
            Some(("tests/test_a.py", 12, "ValueError"))
        );
        assert_eq!(location("    x = {1:2:3}"), None);
    }
}
