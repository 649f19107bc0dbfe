//! The trace context as a plain map of W3C headers, so that it can travel in whatever carries texts.

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use std::collections::{BTreeMap, HashMap};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The current span as `traceparent` (and `tracestate`); empty outside of any span.
#[must_use]
pub fn inject() -> BTreeMap<String, String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut headers);
    headers.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// The context that a map names; an empty one when it names none.
#[must_use]
pub fn extract(headers: &BTreeMap<String, String>) -> Context {
    let headers: HashMap<String, String> = headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.clone()))
        .collect();
    TraceContextPropagator::new().extract_with_context(&Context::new(), &headers)
}

/// Makes a span, that nobody has entered yet, a child of what the map names. Without a valid name it stays as it is.
pub fn set_parent(span: &Span, headers: &BTreeMap<String, String>) {
    let parent = extract(headers);
    if parent.span().span_context().is_valid()
        && let Err(error) = span.set_parent(parent)
    {
        tracing::debug!(%error, "a span keeps its own trace");
    }
}

/// The current trace's identifier, 32 hexadecimal digits, for answers and log lines; `None` outside of any span.
#[must_use]
pub fn trace_id() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let id = span.span_context();
    id.is_valid().then(|| id.trace_id().to_string())
}
