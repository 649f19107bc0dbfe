//! A server for a process that has nothing else to serve. It reads no body, keeps no connection, and bounds everything.

use super::{Answer, Health};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// More than these wait until one has ended.
const CONNECTIONS: usize = 32;
/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);
/// How long a connection may take in all.
const CONNECTION: Duration = Duration::from_secs(10);
/// When no connection can be accepted, the machine has run out of something.
const PAUSE: Duration = Duration::from_millis(200);

/// Section `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port.
    pub listen: String,
    /// Where others reach it.
    pub public_url: Option<String>,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("server.listen `{address}` cannot be used: choose another address or PORT")]
pub struct ListenError {
    /// Which.
    pub address: String,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

/// An address that is listened on.
pub struct Listener {
    listener: TcpListener,
    health: Health,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Listens on an address; nobody is answered yet.
///
/// # Errors
/// [`ListenError`].
pub async fn listen(address: &str, health: Health) -> Result<Listener, ListenError> {
    let failed = |source| ListenError {
        address: address.into(),
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Listener {
        listener,
        health,
        address,
    })
}

impl Listener {
    /// Answers until `work` has ended.
    pub async fn during<T>(self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            never = self.answer() => match never {},
            done = work => done,
        }
    }

    async fn answer(self) -> Infallible {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let place = Arc::clone(&places).acquire_owned().await;
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let health = self.health.clone();
                    tokio::spawn(async move {
                        // Whoever is too slow, or has gone away, is not waited for.
                        let _ = timeout(CONNECTION, connection(stream, health)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn connection(stream: TcpStream, health: Health) {
    let service = service_fn(|request| {
        let health = health.clone();
        async move { Ok::<_, Infallible>(respond(&health, &request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection has ended early");
    }
}

async fn respond<B>(health: &Health, request: &Request<B>) -> Response<String> {
    let mut response = Response::new(String::new());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(answer) = health.answer(request.uri().path()).await else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let Answer {
        good,
        content_type,
        body,
    } = answer;
    if !good {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    *response.body_mut() = body;
    response
}
