//! The connection: made in the background, and made again whenever it is lost. Whoever needs it waits for it, as long as he likes.

use super::BadAddress;
use super::ask::Replies;
use super::layout::Layout;
use crate::error::Cause;
use lapin::options::ConfirmSelectOptions;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long connecting and declaring may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often it is looked whether the connection still stands.
const LOOK: Duration = Duration::from_millis(100);
/// A peer that has been silent for twice this is gone, in seconds.
const HEARTBEAT: u16 = 5;

/// A connection that stands, with the channels that everybody shares.
pub(super) struct Up {
    pub(super) connection: Connection,
    /// For what is confirmed.
    pub(super) publisher: Channel,
    /// For what is not.
    pub(super) chatter: Channel,
    /// For questions; their replies come back on it.
    pub(super) asker: Channel,
    pub(super) replies: Arc<Replies>,
    lost: CancellationToken,
}

impl Up {
    /// Whoever finds a shared channel broken says so; everything is then opened anew.
    pub(super) fn is_lost(&self) {
        self.lost.cancel();
    }

    fn stands(&self) -> bool {
        let channels = [&self.publisher, &self.chatter, &self.asker];
        !self.lost.is_cancelled()
            && self.connection.status().connected()
            && channels.iter().all(|channel| channel.status().connected())
    }
}

/// The connection, now and later.
pub(super) struct Link {
    current: watch::Receiver<Option<Arc<Up>>>,
    trouble: Arc<Mutex<Option<String>>>,
    keeper: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Link {
    pub(super) fn open(address: &str, layout: Arc<Layout>) -> Result<Self, BadAddress> {
        let mut uri: AMQPUri = address
            .parse()
            .map_err(|why| BadAddress(format!("it is no address of a broker ({why})")))?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let (tell, current) = watch::channel(None);
        let trouble = Arc::new(Mutex::new(None));
        let keeper = tokio::spawn(keep(uri, layout, tell, Arc::clone(&trouble)));
        Ok(Self {
            current,
            trouble,
            keeper,
        })
    }

    /// Waits for a connection. Bound it with a timeout.
    pub(super) async fn up(&self) -> Arc<Up> {
        let mut current = self.current.clone();
        loop {
            if let Some(up) = &*current.borrow_and_update() {
                return Arc::clone(up);
            }
            if current.changed().await.is_err() {
                // The keeper has ended, which it does only when this link is dropped.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Why there is no connection.
    pub(super) fn trouble(&self) -> Cause {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        trouble
            .unwrap_or_else(|| "the broker did not answer in time".to_owned())
            .into()
    }
}

/// Connects, watches, connects again.
async fn keep(
    uri: AMQPUri,
    layout: Arc<Layout>,
    tell: watch::Sender<Option<Arc<Up>>>,
    trouble: Arc<Mutex<Option<String>>>,
) {
    let note = |what: Option<String>| *trouble.lock().unwrap_or_else(PoisonError::into_inner) = what;
    let mut pause = FIRST_PAUSE;
    loop {
        let connecting = timeout(CONNECT_TIMEOUT, connect(&uri, &layout)).await;
        match connecting.unwrap_or_else(|_| Err("the broker did not answer in time".into())) {
            Ok(up) => {
                let up = Arc::new(up);
                note(None);
                tracing::info!("connected to the broker");
                tell.send_replace(Some(Arc::clone(&up)));
                while up.stands() {
                    tokio::select! {
                        () = up.lost.cancelled() => {}
                        () = sleep(LOOK) => {}
                    }
                }
                tell.send_replace(None);
                up.lost.cancel();
                up.replies.end();
                tracing::warn!("the connection to the broker is lost");
                note(Some("the connection to the broker is lost".into()));
                // It may hang at a broker that does not answer, and nobody waits for it.
                tokio::spawn(async move { timeout(CONNECT_TIMEOUT, up.connection.close(200, "lost".into())).await });
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                let why = format!("{error:#}");
                tracing::warn!(error = why, "the broker cannot be reached; trying again");
                note(Some(why));
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn connect(uri: &AMQPUri, layout: &Layout) -> Result<Up, Cause> {
    let properties = ConnectionProperties::default().with_connection_name("fixpoint".into());
    let connection = Connection::connect_uri(uri.clone(), properties).await?;
    let publisher = connection.create_channel().await?;
    layout.declare(&publisher).await?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await?;
    let chatter = connection.create_channel().await?;
    let asker = connection.create_channel().await?;
    asker.confirm_select(ConfirmSelectOptions::default()).await?;
    let replies = Replies::listen(&asker).await?;
    Ok(Up {
        connection,
        publisher,
        chatter,
        asker,
        replies,
        lost: CancellationToken::new(),
    })
}
