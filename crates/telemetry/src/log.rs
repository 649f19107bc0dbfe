//! What is logged, and how it looks. Logs go to the error stream, so that a program's output stays its own.

use crate::error::StartError;
use crate::settings::{Format, Settings};
use std::io::IsTerminal;
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

/// Crates whose details nobody wants, and which may write headers when they are verbose.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,octocrab=warn,slack_morphism=warn,tower=warn,\
                     actix_server=warn,actix_http=warn,mio=warn,opentelemetry=warn,opentelemetry_sdk=warn,opentelemetry-otlp=warn";

pub(crate) fn layer<S>(settings: &Settings) -> Result<Box<dyn Layer<S> + Send + Sync>, StartError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = filter(&settings.level)?;
    let terminal = std::io::stderr().is_terminal();
    let human = match settings.format {
        Format::Human => true,
        Format::Json => false,
        Format::Auto => terminal || settings.level == "debug",
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    Ok(if human {
        lines.with_ansi(terminal).compact().with_filter(filter).boxed()
    } else {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed()
    })
}

/// A bare level is ours alone; whoever writes directives means them as they stand.
fn filter(level: &str) -> Result<EnvFilter, StartError> {
    let bad = |why: String| StartError::Level {
        level: level.into(),
        why,
    };
    let directives = if level.contains('=') {
        level.to_string()
    } else {
        let level: tracing::Level = level
            .parse()
            .map_err(|_| bad("it is none of error, warn, info, debug, trace".into()))?;
        format!("{level},{QUIET}")
    };
    EnvFilter::try_new(directives).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_ours_alone_and_directives_stand_as_written() {
        let debug = filter("debug").unwrap().to_string();
        assert!(debug.contains("hyper=warn") && debug.contains("debug"), "{debug}");
        let directives = filter("info,planner=debug").unwrap().to_string();
        assert!(
            directives.contains("planner=debug") && !directives.contains("hyper"),
            "{directives}"
        );
    }

    #[test]
    fn a_wrong_level_is_one_sentence() {
        let error = filter("loud").unwrap_err().to_string();
        assert_eq!(
            error,
            "telemetry.level is \"loud\": it is none of error, warn, info, debug, trace"
        );
        assert!(filter("planner=loud").is_err());
    }
}
