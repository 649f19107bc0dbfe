//! One connection of the proxy: read what is wanted, decide, carry.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

use super::host::{Listed, is_address_like, is_public, judge, normal, split_port};
use super::{Decision, Shared};

const HEAD_BYTES: usize = 16 << 10;
const HEAD_WITHIN: Duration = Duration::from_secs(20);
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    host: String,
    port: u16,
    /// The request to send on, for plain HTTP; `None` for CONNECT.
    plain: Option<Plain>,
}

#[derive(Debug, PartialEq, Eq)]
struct Plain {
    method: String,
    path: String,
    headers: Vec<String>,
}

/// Serves one client to the end.
pub(super) async fn serve(mut client: UnixStream, shared: &Shared) -> io::Result<()> {
    let head = match timeout(HEAD_WITHIN, read_head(&mut client)).await {
        Ok(Ok(Some(head))) => head,
        _ => return Ok(()),
    };
    let wanted = match parse(&head.text) {
        Ok(wanted) => wanted,
        Err(reason) => {
            shared.record(Decision {
                host: String::new(),
                port: 0,
                refused: Some(reason.into()),
                received: 0,
            });
            return answer(&mut client, "400 Bad Request", reason).await;
        }
    };
    let refuse = |reason: &str| {
        shared.record(Decision {
            host: wanted.host.clone(),
            port: wanted.port,
            refused: Some(reason.into()),
            received: 0,
        })
    };
    let far = match open(&wanted, shared).await {
        Ok(far) => far,
        Err(Refusal::Forbidden(reason)) => {
            refuse(&reason);
            return answer(&mut client, "403 Forbidden", &reason).await;
        }
        Err(Refusal::Failed(reason)) => {
            refuse(&reason);
            return answer(&mut client, "502 Bad Gateway", &reason).await;
        }
    };
    // Recorded on the way out however the connection ends, also when its time is up.
    let mut record = Record {
        shared,
        host: wanted.host.clone(),
        port: wanted.port,
        received: 0,
    };
    match &wanted.plain {
        None => {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            tunnel(client, far, head.rest, &mut record).await
        }
        Some(plain) => fetch(client, far, plain, &wanted, &mut record).await,
    }
}

struct Record<'a> {
    shared: &'a Shared,
    host: String,
    port: u16,
    received: u64,
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.shared.record(Decision {
            host: std::mem::take(&mut self.host),
            port: self.port,
            refused: None,
            received: self.received,
        });
    }
}

enum Refusal {
    Forbidden(String),
    Failed(String),
}

/// Decides, and connects when the answer is yes.
async fn open(wanted: &Wanted, shared: &Shared) -> Result<TcpStream, Refusal> {
    let (host, port) = (wanted.host.as_str(), wanted.port);
    let listed = judge(&shared.allow, host, port);
    if listed == Listed::No {
        return Err(Refusal::Forbidden(format!("{host}:{port} is not on the allow-list")));
    }
    if is_address_like(host) && listed != Listed::Exactly {
        return Err(Refusal::Forbidden(format!("{host} is an address, not a name")));
    }
    if !shared.carry(0) {
        return Err(Refusal::Forbidden("the byte limit of this sandbox is used up".into()));
    }
    if let Some(upstream) = &shared.limits.upstream {
        return through_upstream(upstream, wanted, shared).await;
    }
    let found = timeout(CONNECT_WITHIN, lookup_host((host, port))).await;
    let addresses: Vec<SocketAddr> = match found {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(Refusal::Failed(format!("{host} cannot be resolved: {error}"))),
        Err(_) => return Err(Refusal::Failed(format!("{host} was not resolved in time"))),
    };
    let open: Vec<SocketAddr> = addresses
        .iter()
        .copied()
        .filter(|a| listed == Listed::Exactly || is_public(a.ip()))
        .collect();
    if open.is_empty() {
        let hidden: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
        return Err(Refusal::Forbidden(format!(
            "{host} resolves only to private addresses {hidden:?}"
        )));
    }
    connect(&open, host).await
}

async fn connect(addresses: &[SocketAddr], host: &str) -> Result<TcpStream, Refusal> {
    match timeout(CONNECT_WITHIN, TcpStream::connect(addresses)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Refusal::Failed(format!("{host} cannot be reached: {error}"))),
        Err(_) => Err(Refusal::Failed(format!("{host} did not answer in time"))),
    }
}

/// Asks the upstream proxy for a tunnel. Plain HTTP goes through a tunnel too, so that one way of asking is enough.
async fn through_upstream(upstream: &str, wanted: &Wanted, shared: &Shared) -> Result<TcpStream, Refusal> {
    let failed = |what: &str| Refusal::Failed(format!("the upstream proxy {what}"));
    let addresses: Vec<SocketAddr> = timeout(CONNECT_WITHIN, lookup_host(upstream))
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| failed("cannot be resolved"))?
        .collect();
    let mut stream = connect(&addresses, upstream).await?;
    let authority = authority(&wanted.host, wanted.port);
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some(value) = &shared.limits.upstream_authorization {
        request.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|_| failed("closed the connection"))?;
    match timeout(CONNECT_WITHIN, read_head(&mut stream)).await {
        Ok(Ok(Some(head))) if head.text.split(' ').nth(1) == Some("200") && head.rest.is_empty() => Ok(stream),
        Ok(Ok(Some(head))) => Err(failed(&format!(
            "answered {:?}",
            head.text.lines().next().unwrap_or_default()
        ))),
        _ => Err(failed("did not answer")),
    }
}

async fn tunnel(client: UnixStream, far: TcpStream, early: Vec<u8>, record: &mut Record<'_>) -> io::Result<()> {
    let shared = record.shared;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_far, mut to_far) = far.into_split();
    let up = async {
        to_far.write_all(&early).await?;
        carry(&mut from_client, &mut to_far, shared, &mut 0).await
    };
    let down = carry(&mut from_far, &mut to_client, shared, &mut record.received);
    tokio::try_join!(up, down).map(|_| ())
}

/// Sends one request and carries its answer back. Nothing more is read from the client: whatever it would send next could be
/// meant for another host behind the same address.
async fn fetch(
    mut client: UnixStream,
    mut far: TcpStream,
    plain: &Plain,
    wanted: &Wanted,
    record: &mut Record<'_>,
) -> io::Result<()> {
    let mut request = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
        plain.method,
        plain.path,
        host_header(wanted)
    );
    for header in &plain.headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    far.write_all(request.as_bytes()).await?;
    carry(&mut far, &mut client, record.shared, &mut record.received).await
}

/// Copies until the end, or until the byte budget is used up.
async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
    count: &mut u64,
) -> io::Result<()> {
    let mut buffer = vec![0; 32 << 10];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        *count += read as u64;
        if !shared.carry(read) {
            return Err(io::Error::other("the byte limit is used up"));
        }
        to.write_all(&buffer[..read]).await?;
    }
}

struct Head {
    text: String,
    /// What came after the empty line.
    rest: Vec<u8>,
}

/// Reads up to the empty line; `None` when the stream ends or the head is too long or no text.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Head>> {
    let mut bytes = Vec::with_capacity(1024);
    let mut chunk = [0; 2048];
    loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok(String::from_utf8(bytes).ok().map(|text| Head { text, rest }));
        }
        if bytes.len() > HEAD_BYTES {
            return Ok(None);
        }
    }
}

fn parse(head: &str) -> Result<Wanted, &'static str> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) = (first.next(), first.next(), first.next(), first.next())
    else {
        return Err("the request line is malformed");
    };
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Err("only HTTP/1.0 and HTTP/1.1 are spoken here");
    }
    let (authority, path) = match method {
        "CONNECT" => (target, None),
        "GET" | "HEAD" => {
            let rest = target
                .strip_prefix("http://")
                .ok_or("only http:// URLs can be asked for with GET and HEAD")?;
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let path = path.split('#').next().unwrap_or_default();
            (
                authority,
                Some(if path.starts_with('/') {
                    path.to_owned()
                } else {
                    format!("/{path}")
                }),
            )
        }
        _ => return Err("only CONNECT, GET and HEAD are allowed"),
    };
    let (host, port) = split_port(authority).ok_or("the host is malformed")?;
    let host = normal(host).ok_or("the host is malformed")?;
    let port = port.or(path.as_ref().map(|_| 80)).ok_or("CONNECT needs a port")?;
    let plain = path.map(|path| Plain {
        method: method.to_owned(),
        path,
        headers: lines.filter(|line| may_pass(line)).map(str::to_owned).collect(),
    });
    Ok(Wanted { host, port, plain })
}

/// Drops headers that concern the hop, that name a host, or that announce a body, and whatever is no header.
fn may_pass(line: &str) -> bool {
    const DROPPED: [&str; 11] = [
        "host",
        "connection",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "expect",
    ];
    line.split_once(':').is_some_and(|(name, value)| {
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        is_name && !DROPPED.contains(&name.to_ascii_lowercase().as_str()) && !value.contains(['\r', '\n'])
    })
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn host_header(wanted: &Wanted) -> String {
    let whole = authority(&wanted.host, wanted.port);
    if wanted.port == 80 {
        whole.trim_end_matches(":80").to_owned()
    } else {
        whole
    }
}

async fn answer(client: &mut UnixStream, status: &str, reason: &str) -> io::Result<()> {
    let body = format!("egress proxy: {reason}\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(format!("{head}{body}").as_bytes()).await?;
    client.shutdown().await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_both_kinds_of_request() {
        let connect = parse("CONNECT Index.Example.:443 HTTP/1.1\r\nHost: other\r\n\r\n").unwrap();
        assert_eq!(
            connect,
            Wanted {
                host: "index.example".into(),
                port: 443,
                plain: None
            }
        );
        let get = parse(
            "GET http://index.example/a?b=c HTTP/1.1\r\nHost: evil\r\nAccept: */*\r\nProxy-Authorization: x\r\n\r\n",
        )
        .unwrap();
        let plain = get.plain.unwrap();
        assert_eq!(
            (get.host.as_str(), get.port, plain.path.as_str()),
            ("index.example", 80, "/a?b=c")
        );
        assert_eq!(plain.headers, ["Accept: */*"]);
    }

    #[test]
    fn refuses_everything_else() {
        for line in [
            "POST http://index.example/ HTTP/1.1",
            "GET /etc/passwd HTTP/1.1",
            "GET https://index.example/ HTTP/1.1",
            "GET ftp://index.example/ HTTP/1.1",
            "CONNECT index.example HTTP/1.1",
            "CONNECT index.example:443",
            "CONNECT user@index.example:443 HTTP/1.1",
            "GET http://user:word@index.example/ HTTP/1.1",
            "CONNECT a b:443 HTTP/1.1",
            "GET http://index.example\t/ HTTP/1.1",
            "",
        ] {
            assert!(parse(&format!("{line}\r\n\r\n")).is_err(), "{line}");
        }
    }
}
