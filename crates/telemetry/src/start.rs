//! The start and the end of logs and traces in a process.

use crate::error::{Cause, StartError};
use crate::settings::Settings;
use crate::{crypto, log};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

/// How long one export may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Running logs and traces; [`Telemetry::stop`] sends what is still waiting.
#[derive(Debug)]
#[must_use = "traces that are still waiting are sent by `stop`"]
pub struct Telemetry {
    traces: SdkTracerProvider,
}

/// Starts logs and traces for the whole process, and makes ring the provider of TLS. Once per process; `service` is the name
/// that traces carry.
///
/// # Errors
/// [`StartError`].
pub fn start(settings: &Settings, service: &'static str) -> Result<Telemetry, StartError> {
    crypto();
    let mut traces = SdkTracerProvider::builder().with_resource(Resource::builder().with_service_name(service).build());
    if let Some(endpoint) = &settings.otlp_endpoint {
        traces = traces.with_batch_exporter(exporter(endpoint)?);
    }
    // Without an exporter spans still have identifiers, which the bus carries on: another process may be the one that exports.
    let traces = traces.build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer(service))
        .with_filter(LevelFilter::INFO);
    let logs = log::layer(settings)?;
    registry()
        .with(logs)
        .with(spans)
        .try_init()
        .map_err(|error| StartError::AlreadyStarted(error.into()))?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    global::set_tracer_provider(traces.clone());
    Ok(Telemetry { traces })
}

impl Telemetry {
    /// Sends what is still waiting; waits for it a few seconds at most.
    pub async fn stop(self) {
        let ended = tokio::task::spawn_blocking(move || self.traces.shutdown_with_timeout(EXPORT_TIMEOUT)).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(error) => tracing::warn!(%error, "the last traces were not sent"),
        }
    }
}

fn exporter(endpoint: &str) -> Result<SpanExporter, StartError> {
    let failed = |source: Cause| StartError::Endpoint {
        endpoint: endpoint.into(),
        source,
    };
    // A blocking client must not be built on a thread that drives a runtime, and we may be on one.
    let built = std::thread::spawn(|| reqwest::blocking::Client::builder().timeout(EXPORT_TIMEOUT).build()).join();
    let client = built
        .map_err(|_| failed("the HTTP client's thread panicked".into()))?
        .map_err(|error| failed(error.into()))?;
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| failed(error.into()))
}
