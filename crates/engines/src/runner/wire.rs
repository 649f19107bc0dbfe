//! The JSON lines between this side and the worker.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::report::{Lines, RunRequest, TestId, TestResult};

/// A line longer than this is no answer of ours.
const LONGEST: usize = 4 << 20;

#[derive(Serialize)]
pub(super) struct Init<'a> {
    pub root: &'a str,
    pub cwd: &'a str,
    pub pythonpath: &'a [String],
    pub confined: bool,
    pub framework: &'a str,
    pub live: bool,
    pub discover: [&'a str; 3],
}

#[derive(Serialize)]
pub(super) struct Ask<'a> {
    files: &'a BTreeMap<String, Option<String>>,
    tests: Option<&'a [TestId]>,
    stop: bool,
    coverage: bool,
    per_test: f64,
    wall: f64,
    cpu: Option<u64>,
    memory: Option<u64>,
    plugins_off: &'a [String],
    collect_only: bool,
}

impl<'a> Ask<'a> {
    pub(super) fn new(request: &'a RunRequest, collect_only: bool) -> Self {
        Self {
            files: &request.files,
            tests: request.tests.as_deref(),
            stop: request.stop_at_first_failure,
            coverage: request.coverage,
            per_test: request.per_test.as_secs_f64(),
            wall: request.wall.as_secs_f64(),
            cpu: request.cpu.map(|cpu| cpu.as_secs() + u64::from(cpu.subsec_nanos() > 0)),
            memory: request.memory_bytes,
            plugins_off: &request.plugins_off,
            collect_only,
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "e", rename_all = "lowercase")]
pub(super) enum Answer {
    Ready {
        python: String,
        framework: String,
        pytest: Option<String>,
    },
    Item {
        id: TestId,
    },
    Test(TestResult),
    Broken {
        at: String,
        message: String,
    },
    Lines {
        id: Option<TestId>,
        files: Lines,
    },
    Done(Done),
}

#[derive(Deserialize)]
pub(super) struct Done {
    pub crashed: Option<String>,
    pub hung: Option<TestId>,
    pub missing: Vec<TestId>,
    pub wall: f64,
    pub cpu: f64,
    #[serde(default)]
    pub live: bool,
}

/// Reads one answer. The error says, for people, why there is none.
pub(super) async fn read(lines: &mut (impl AsyncBufRead + Unpin)) -> Result<Answer, String> {
    let mut line = Vec::new();
    loop {
        let chunk = lines
            .fill_buf()
            .await
            .map_err(|error| format!("its answers cannot be read: {error}"))?;
        if chunk.is_empty() {
            return Err("it has ended".into());
        }
        let (used, whole) = match chunk.iter().position(|&byte| byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (chunk.len(), false),
        };
        line.extend_from_slice(&chunk[..used]);
        lines.consume(used);
        if line.len() > LONGEST {
            return Err("it wrote a line without end".into());
        }
        if whole {
            return serde_json::from_slice(&line).map_err(|error| format!("it answered nonsense: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn reads_answers_and_refuses_nonsense() {
        let text = b"{\"e\":\"item\",\"id\":\"a\"}\n{\"e\":\"lines\",\"id\":null,\"files\":{\"m.py\":[1,2]}}\nnonsense\n{\"e\":";
        let mut lines = &text[..];
        assert!(matches!(read(&mut lines).await, Ok(Answer::Item { id }) if id == "a"));
        let Ok(Answer::Lines { id: None, files }) = read(&mut lines).await else {
            panic!("lines")
        };
        assert_eq!(files["m.py"], [1, 2]);
        assert!(read(&mut lines).await.err().unwrap().contains("nonsense"));
        assert!(read(&mut lines).await.err().unwrap().contains("ended"));
        let endless = vec![b'x'; LONGEST + 10];
        assert!(read(&mut &endless[..]).await.err().unwrap().contains("without end"));
    }
}
