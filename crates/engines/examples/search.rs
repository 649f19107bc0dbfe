//! Runs the search engine on a local project, for whoever works on templates: `search DIR VENV [SECONDS [LANES [FILE:LINE …]]]`.
//!
//! All tests of DIR are run first; those that fail have to turn green. With FILE:LINE the failing tests count as a weak oracle and
//! the places as the frames of an alert, outermost first. The tests run without a sandbox: only for code that you trust.
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engines::runner::{Outcome, RunRequest, RunnerSpec};
use engines::{Bench, Brief, Engine, Frame, Progress, Search};
use sandbox::Unconfined;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, venv, rest @ ..] = arguments.as_slice() else {
        return Err("usage: search DIR VENV [SECONDS [LANES [FILE:LINE …]]]".into());
    };
    let number = |index: usize, default: u64| rest.get(index).and_then(|text| text.parse().ok()).unwrap_or(default);
    let folder = PathBuf::from(folder);
    let spec = RunnerSpec::new(&folder, Path::new(venv).join("bin/python"));
    let lanes = usize::try_from(number(1, 1))?;
    let mut bench = Bench::start(Arc::new(Unconfined::accept_the_risk()), &spec, lanes).await?;
    let first = bench.lanes().first_mut().ok_or("no runner")?;
    let report = first
        .run(&RunRequest {
            per_test: Duration::from_secs(5),
            ..RunRequest::default()
        })
        .await?;
    let mut failing: Vec<String> = report.failed().cloned().collect();
    failing.extend(report.collection_errors.iter().map(|error| error.at.clone()));
    let passing = report
        .tests
        .iter()
        .filter(|test| test.outcome == Outcome::Passed)
        .map(|test| test.id.clone())
        .collect();
    let mut sources = BTreeMap::new();
    read(&folder, &folder, &mut sources)?;
    let mut brief = Brief::new(sources, failing, passing);
    brief.budget.wall = Duration::from_secs(number(0, 120));
    for place in rest.iter().skip(2) {
        let (file, line) = place.split_once(':').ok_or("FILE:LINE")?;
        brief.suspects.push(Frame {
            file: file.to_owned(),
            line: line.parse()?,
            function: String::new(),
        });
        brief.weak_oracle = true;
    }
    let started = Instant::now();
    if let Some(error) = report.collection_errors.first() {
        println!("not collected: {} {}", error.at, error.message);
    }
    let answer = Search.propose(&brief, &mut bench, &Progress::silent()).await?;
    println!(
        "{} failing, {} passing; tried {} in {:.1} s, found {}, exhausted {}",
        brief.failing.len(),
        brief.passing.len(),
        answer.candidates_tried,
        started.elapsed().as_secs_f64(),
        answer.found.len(),
        answer.exhausted
    );
    for (path, line, suspicion) in answer.suspicious.iter().take(5) {
        println!("  suspicious {path}:{line} {suspicion:.2}");
    }
    for found in &answer.found {
        println!(
            "  {:.2} {} {}:{} {} {:?}",
            found.cost, found.template, found.place.0, found.place.1, found.why, found.doubts
        );
    }
    if let Some(best) = answer.found.first() {
        for (path, text) in &best.files {
            let before = brief.sources.get(path).map_or("", String::as_str);
            print!(
                "{}",
                similar::TextDiff::from_lines(before, text.as_str())
                    .unified_diff()
                    .context_radius(2)
                    .header(path, path)
            );
        }
    }
    bench.stop().await;
    Ok(())
}

fn read(root: &Path, folder: &Path, sources: &mut BTreeMap<String, String>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && name != "__pycache__" {
            read(root, &path, sources)?;
        } else if path.extension().is_some_and(|kind| kind == "py") {
            let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            sources.insert(relative, std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
