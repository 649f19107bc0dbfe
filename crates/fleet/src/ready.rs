//! Whether a process answers that it is ready.

use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The path that says whether a process is ready.
pub const READY: &str = "/health/ready";
const PATIENCE: Duration = Duration::from_secs(2);

/// The status and the body of a process's answer.
pub async fn ask(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    timeout(PATIENCE, get(address, path))
        .await
        .context("no answer came in time")?
}

async fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status.context("this is no HTTP")?, body.trim().to_owned()))
}
