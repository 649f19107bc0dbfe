//! A network that lets what we send through and nothing of what comes back: the connection stands, and is of no use.

use crate::suite::numbered;
use bus::rabbit::Options;
use bus::{Bus, RabbitBus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// A way to the broker.
struct Way {
    /// The address of the broker over it.
    url: String,
    /// Connections up to this one hear nothing any more.
    deaf: Arc<AtomicUsize>,
    opened: Arc<AtomicUsize>,
}

impl Way {
    async fn to(broker: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = broker.rsplit_once('@').unwrap().1.split('/').next().unwrap().to_owned();
        let way = Self {
            url: broker.replace(&host, &listener.local_addr().unwrap().to_string()),
            deaf: Arc::default(),
            opened: Arc::default(),
        };
        let (deaf, opened) = (Arc::clone(&way.deaf), Arc::clone(&way.opened));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = opened.fetch_add(1, SeqCst) + 1;
                let broker = TcpStream::connect(&host).await.unwrap();
                tokio::spawn(carry(client, broker, number, Arc::clone(&deaf)));
            }
        });
        way
    }

    /// From now on nothing comes back over what stands.
    fn cut(&self) {
        self.deaf.store(self.opened.load(SeqCst), SeqCst);
    }
}

async fn carry(client: TcpStream, broker: TcpStream, number: usize, deaf: Arc<AtomicUsize>) {
    let (mut hears, mut says) = client.into_split();
    let (mut answers, mut asked) = broker.into_split();
    let there = async { copy(&mut hears, &mut asked).await.map(drop) };
    let back = async {
        let mut bytes = [0; 4096];
        loop {
            let length = answers.read(&mut bytes).await?;
            if length == 0 {
                return Ok(());
            }
            if deaf.load(SeqCst) < number {
                says.write_all(&bytes[..length]).await?;
            }
        }
    };
    let _: (std::io::Result<()>, std::io::Result<()>) = tokio::join!(there, back);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_over_which_nothing_comes_back_is_left_within_two_heartbeats() {
    let Some(broker) = testkit::broker_url().unwrap() else {
        return;
    };
    let way = Way::to(&broker).await;
    let options = Options {
        prefix: format!("o{}.", Uuid::new_v4().simple()),
        forget_after: Some(Duration::from_secs(60)),
        publish_timeout: Duration::from_millis(500),
        ..Options::default()
    };
    let bus = RabbitBus::open(&way.url, &options).unwrap();
    assert!(
        bus.connected(Duration::from_secs(60)).await,
        "the broker does not answer"
    );
    drop(bus.publish(numbered(1)).await.unwrap());
    way.cut();
    let began = Instant::now();
    assert!(bus.publish(numbered(2)).await.is_err(), "nobody has confirmed it");
    while bus.publish(numbered(3)).await.map(drop).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it stays with a dead connection"
        );
    }
}
