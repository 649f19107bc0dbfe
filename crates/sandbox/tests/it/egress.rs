//! The proxy: what gets out and what does not.

use std::time::Duration;

use sandbox::egress::EgressLimits;
use sandbox::{Command, Egress, HostPattern, Network};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{bubblewrap, python, run};

/// A server that answers every request with its own request line.
async fn echo_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 4096];
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                let line = String::from_utf8_lossy(&buffer[..read])
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{line}",
                    line.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    port
}

fn patterns(list: &[String]) -> Vec<HostPattern> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

/// Fetches URLs the way package clients do: through the proxy that the environment names.
fn fetching(egress: &Egress, urls: &[String]) -> Command {
    let program = format!(
        "import os, urllib.request, urllib.error\n\
         os.environ['no_proxy'] = os.environ['NO_PROXY'] = ''\n\
         opener = urllib.request.build_opener(urllib.request.ProxyHandler({{'http': os.environ['http_proxy']}}))\n\
         for url in {urls:?}:\n    \
             try: print(opener.open(url, timeout=10).read().decode())\n    \
             except urllib.error.HTTPError as error: print(error.code, error.read().decode().strip())"
    );
    python(&program).network(Network::Proxy {
        socket: egress.socket_path.clone(),
    })
}

#[tokio::test]
async fn lets_listed_hosts_through_and_no_others() {
    let Some(sandbox) = bubblewrap() else { return };
    let (listed, other) = (echo_server().await, echo_server().await);
    let folder = tempfile::tempdir().unwrap();
    let egress = Egress::start(
        patterns(&[
            format!("127.0.0.1:{listed}"),
            "localhost".into(),
            format!(".suffix.example:{other}"),
        ]),
        folder.path(),
    )
    .unwrap();
    let urls = [
        format!("http://127.0.0.1:{listed}/one"),
        format!("http://127.0.0.1:{other}/two"),
        // Listed by name only, and it resolves to a private address.
        "http://localhost/three".into(),
        "http://example.com/four".into(),
    ];
    let finished = run(&sandbox, fetching(&egress, &urls)).await;
    let lines: Vec<&str> = finished.stdout.text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], "GET /one HTTP/1.1");
    assert!(
        lines[1].starts_with("403") && lines[1].contains("not on the allow-list"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].starts_with("403") && lines[2].contains("private"),
        "{}",
        lines[2]
    );
    assert!(lines[3].starts_with("403"), "{}", lines[3]);
    let log = egress.log();
    assert_eq!(
        log.iter()
            .map(|decision| decision.refused.is_none())
            .collect::<Vec<_>>(),
        [true, false, false, false]
    );
    assert!(log[0].received > 0);
}

#[tokio::test]
async fn tunnels_with_connect() {
    let Some(sandbox) = bubblewrap() else { return };
    let port = echo_server().await;
    let folder = tempfile::tempdir().unwrap();
    let egress = Egress::start(patterns(&[format!("localhost:{port}")]), folder.path()).unwrap();
    let program = format!(
        "import http.client, os, urllib.parse\n\
         for host in ['localhost', '127.0.0.1', '127.1']:\n    \
             proxy = urllib.parse.urlsplit(os.environ['https_proxy'])\n    \
             c = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=10)\n    \
             c.set_tunnel(host, {port})\n    \
             try:\n        c.request('GET', '/x'); print(c.getresponse().read().decode())\n    \
             except OSError as error: print(error)"
    );
    let finished = run(
        &sandbox,
        python(&program).network(Network::Proxy {
            socket: egress.socket_path.clone(),
        }),
    )
    .await;
    let lines: Vec<&str> = finished.stdout.text.lines().collect();
    assert_eq!(lines[0], "GET /x HTTP/1.1");
    assert!(lines[1].contains("403") && lines[2].contains("403"), "{lines:?}");
}

#[tokio::test]
async fn is_the_only_way_out() {
    let Some(sandbox) = bubblewrap() else { return };
    let port = echo_server().await;
    let folder = tempfile::tempdir().unwrap();
    let egress = Egress::start(patterns(&[format!("127.0.0.1:{port}")]), folder.path()).unwrap();
    let program = format!(
        "import socket\ntry: socket.create_connection(('127.0.0.1', {port}), 3); print('REACHED')\nexcept OSError: print('refused')"
    );
    let finished = run(
        &sandbox,
        python(&program).network(Network::Proxy {
            socket: egress.socket_path.clone(),
        }),
    )
    .await;
    assert_eq!(finished.stdout.text, "refused\n");
}

#[tokio::test]
async fn stops_at_the_byte_limit() {
    let Some(sandbox) = bubblewrap() else { return };
    let port = echo_server().await;
    let folder = tempfile::tempdir().unwrap();
    let limits = EgressLimits {
        bytes: 100,
        connection: Duration::from_secs(5),
        ..EgressLimits::default()
    };
    let egress = Egress::start_with(patterns(&[format!("127.0.0.1:{port}")]), folder.path(), limits).unwrap();
    let url = format!("http://127.0.0.1:{port}/{}", "x".repeat(60));
    let finished = run(&sandbox, fetching(&egress, &[url.clone(), url])).await;
    assert!(
        finished.stdout.text.matches("xxx").count() < 40,
        "{}",
        finished.stdout.text
    );
    assert!(egress.carried() > 100);
}

#[tokio::test]
async fn goes_through_an_upstream_proxy() {
    let Some(sandbox) = bubblewrap() else { return };
    let port = echo_server().await;
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = upstream.local_addr().unwrap().to_string();
    let seen = tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        let mut buffer = vec![0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 fine\r\n\r\n").await.unwrap();
        let mut far = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut far).await;
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    });
    let folder = tempfile::tempdir().unwrap();
    let limits = EgressLimits {
        upstream: Some(address),
        upstream_authorization: Some("Basic eDp5".into()),
        ..EgressLimits::default()
    };
    let egress = Egress::start_with(patterns(&["index.example".into()]), folder.path(), limits).unwrap();
    let finished = run(&sandbox, fetching(&egress, &["http://index.example/a".into()])).await;
    assert_eq!(finished.stdout.text, "GET /a HTTP/1.1\n");
    assert_eq!(
        seen.await.unwrap(),
        "CONNECT index.example:80 HTTP/1.1\r\nHost: index.example:80\r\nProxy-Authorization: Basic eDp5\r\n\r\n"
    );
}
