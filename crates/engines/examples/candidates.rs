//! Lists what the search engine would try on one line, cheapest first: `candidates FILE LINE [EXCEPTION MESSAGE]`.
use std::error::Error;

use engines::search::localise::Place;
use engines::search::project::Project;
use engines::search::queue::Queue;
use engines::search::symptom::symptoms;
use engines::{Brief, Failure};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, line, rest @ ..] = arguments.as_slice() else {
        return Err("usage: candidates FILE LINE [EXCEPTION MESSAGE]".into());
    };
    let project = Project::new(&Brief::new(
        [("file.py".to_owned(), std::fs::read_to_string(file)?)].into(),
        vec![],
        vec![],
    ));
    let failure = match rest {
        [exception, message] => vec![Failure {
            exception: exception.clone(),
            message: message.clone(),
            ..Failure::default()
        }],
        _ => Vec::new(),
    };
    let signs = symptoms(&failure);
    let line = line.parse()?;
    let place = Place {
        file: 0,
        function: project.function_at(0, line),
        line,
        suspicion: 1.0,
        crashed: !failure.is_empty(),
    };
    let mut queue = Queue::new(&project, &signs, vec![place]).ok_or("the grammar cannot be loaded")?;
    while let Some(candidate) = queue.take() {
        println!(
            "{:.2} {} {}",
            candidate.priority, candidate.edit.template, candidate.edit.why
        );
    }
    Ok(())
}
