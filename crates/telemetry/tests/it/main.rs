//! Traces that leave the process, metrics that are read, health that is asked for, signals that stop it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod health;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use telemetry::metric::{self, KeyValue};
use telemetry::{Format, Settings, StartError, trace};

/// A collector that accepts everything: (path, content type, body) of each request.
fn collector() -> (String, Receiver<(String, String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_string());
            }
            let header = |name: &str| {
                head.iter()
                    .filter_map(|line| line.split_once(": "))
                    .find(|(found, _)| found.eq_ignore_ascii_case(name))
                    .map_or("", |(_, value)| value)
                    .to_string()
            };
            let mut body = vec![0; header("content-length").parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            stream
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
            sender.send((head[0].clone(), header("content-type"), body)).unwrap();
        }
    });
    (address, receiver)
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const PARENT: u64 = 0x00f0_67aa_0ba9_02b7;

/// One test, since telemetry is started once per process.
#[tokio::test]
async fn a_span_is_exported_as_a_child_of_what_the_map_names() {
    let (address, received) = collector();
    let settings = Settings {
        format: Format::Json,
        level: "warn".into(),
        otlp_endpoint: Some(address),
    };
    let telemetry = telemetry::start(&settings, "tested").unwrap();
    assert!(matches!(
        telemetry::start(&Settings::default(), "again"),
        Err(StartError::AlreadyStarted(_))
    ));

    let headers = BTreeMap::from([("Traceparent".to_string(), format!("00-{TRACE:032x}-{PARENT:016x}-01"))]);
    let span = tracing::info_span!("handled_by_the_test");
    trace::set_parent(&span, &headers);
    let carried = span.in_scope(|| {
        assert_eq!(trace::trace_id(), Some(format!("{TRACE:032x}")));
        trace::inject()
    });
    drop(span);
    let parts: Vec<_> = carried["traceparent"].split('-').collect();
    assert_eq!(parts[1], format!("{TRACE:032x}"));
    assert_ne!(
        parts[2],
        format!("{PARENT:016x}"),
        "a child has an identifier of its own"
    );
    let child = u64::from_str_radix(parts[2], 16).unwrap();

    assert!(
        trace::inject().is_empty(),
        "outside of any span there is nothing to carry"
    );
    let unnamed = tracing::info_span!("begins_a_trace");
    trace::set_parent(
        &unnamed,
        &BTreeMap::from([("traceparent".to_string(), "nonsense".to_string())]),
    );
    assert_ne!(unnamed.in_scope(trace::trace_id), Some(format!("{TRACE:032x}")));
    assert!(unnamed.in_scope(trace::trace_id).is_some());
    drop(unnamed);

    telemetry.stop().await;
    let (request, content_type, body) = received
        .recv_timeout(Duration::from_secs(5))
        .expect("nothing was exported");
    assert_eq!(
        (request.as_str(), content_type.as_str()),
        ("POST /v1/traces HTTP/1.1", "application/x-protobuf")
    );
    for (what, bytes) in [
        ("trace id", TRACE.to_be_bytes().as_slice()),
        ("parent's id", PARENT.to_be_bytes().as_slice()),
        ("its own id", child.to_be_bytes().as_slice()),
        ("name", b"handled_by_the_test"),
        ("service", b"tested"),
    ] {
        assert!(contains(&body, bytes), "the export lacks the {what}");
    }
}

#[test]
fn metrics_are_shown_as_prometheus_wants_them() {
    let deliveries = metric::counter("test.deliveries", "Deliveries of the test.");
    deliveries.add(2, &[KeyValue::new("provider", "sentry")]);
    deliveries.add(1, &[KeyValue::new("provider", "sentry")]);
    metric::duration("test.answer", "Time of the test.", &metric::SHORT).record(0.003, &[]);
    metric::gauge("test.depth", "Depth of the test.").record(7.0, &[]);
    metric::seconds("test.spent", "Seconds of the test.").add(0.5, &[]);
    let level = metric::level("test.running", "What runs.");
    let _one = level.count(&[]);
    drop(level.count(&[]));
    level.none_yet(&[KeyValue::new("kind", "other")]);
    for number in [1.0, 2.0] {
        let table = metric::table("test_ready", "Messages of the test.", &["queue"]);
        table.replace([(["planner.signals"], number)]);
    }
    let text = telemetry::metrics_text();
    for line in [
        "# TYPE test_spent_seconds_total counter",
        "test_spent_seconds_total 0.5",
        "# TYPE test_running gauge",
        "test_running 1",
        "test_running{kind=\"other\"} 0",
        "# HELP test_ready Messages of the test.",
        "# TYPE test_ready gauge",
        "test_ready{queue=\"planner.signals\"} 2",
        "# HELP test_deliveries_total Deliveries of the test.",
        "# TYPE test_deliveries_total counter",
        "test_deliveries_total{provider=\"sentry\"} 3",
        "test_answer_seconds_bucket{le=\"0.0025\"} 0",
        "test_answer_seconds_bucket{le=\"0.005\"} 1",
        "test_depth 7",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_signal_cancels_the_token() {
    let stop = telemetry::on_signal().unwrap();
    assert!(!stop.is_cancelled());
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM).unwrap();
    tokio::time::timeout(Duration::from_secs(5), stop.cancelled())
        .await
        .expect("SIGTERM did not cancel it");
}

#[test]
fn the_default_file_has_every_setting() {
    let default: toml::Table = toml::from_str(include_str!("../../../../config/default.toml")).unwrap();
    let settings: Settings = default["telemetry"].clone().try_into().unwrap();
    assert_eq!((settings.format, settings.level.as_str()), (Format::Auto, "info"));
}

#[test]
fn the_provider_of_tls_is_installed_as_often_as_one_likes() {
    telemetry::crypto();
    telemetry::crypto();
    assert!(reqwest::Client::builder().build().is_ok());
}
