//! The notifier between a real bus and a Slack that listens, limits and fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod health;
mod unclear;

use bus::{Answer, Bus, Consume, Envelope, MemoryBus, Queue, handler};
use domain::id::{JobId, NoticeId};
use domain::message::{NoticeDelivered, NoticeRaised};
use domain::notice::{Notice, NoticeContent, Origin};
use domain::repo::RepoName;
use notifier::Settings;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::slack::{BOT_TOKEN, CHANNEL, Fault};
use testkit::{SlackStandIn, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PATIENT: Duration = Duration::from_secs(20);

struct Office {
    bus: MemoryBus,
    slack: SlackStandIn,
    delivered: Arc<Mutex<Vec<NoticeDelivered>>>,
    stop: CancellationToken,
    run: JoinHandle<anyhow::Result<()>>,
}

impl Office {
    async fn with_webhook() -> Self {
        let slack = SlackStandIn::start().await.unwrap();
        let settings = Settings {
            webhook_url: Some(slack.webhook_url().into()),
            ..Settings::default()
        };
        Self::open(slack, settings)
    }

    async fn with_bot(token: &str, channel: &str) -> Self {
        let slack = SlackStandIn::start().await.unwrap();
        let settings = Settings {
            bot_token: Some(token.into()),
            channel_id: Some(channel.into()),
            api_url: slack.api_url(),
            ..Settings::default()
        };
        Self::open(slack, settings)
    }

    fn open(slack: SlackStandIn, settings: Settings) -> Self {
        let bus = MemoryBus::default();
        let delivered = Arc::<Mutex<Vec<NoticeDelivered>>>::default();
        let (planner, heard) = (bus.clone(), Arc::clone(&delivered));
        let hear = handler(move |incoming| {
            heard.lock().unwrap().push(incoming.envelope.read().unwrap());
            std::future::ready(Answer::Done)
        });
        tokio::spawn(async move {
            planner
                .consume(
                    Consume::from(Queue::PlannerDelivered, 1),
                    hear,
                    CancellationToken::new(),
                )
                .await
        });
        let stop = CancellationToken::new();
        let (office_bus, until): (Arc<dyn Bus>, _) = (Arc::new(bus.clone()), stop.clone());
        let run = tokio::spawn(async move { notifier::run(&settings, office_bus, until).await });
        Self {
            bus,
            slack,
            delivered,
            stop,
            run,
        }
    }

    async fn raise(&self, number: u64) -> NoticeId {
        let id = NoticeId::from_uuid(Uuid::now_v7());
        self.raise_as(id, number).await;
        id
    }

    async fn raise_as(&self, id: NoticeId, number: u64) {
        let origin = Origin {
            what: "sentry".into(),
            title: format!("KeyError {number}"),
            url: None,
            environment: None,
        };
        let content = NoticeContent::PullRequestOpened {
            origin,
            number,
            url: format!("https://github.com/acme/shop/pull/{number}"),
            title: "Fix".into(),
            branch: "fixpoint/x-g1".into(),
            draft: false,
            draft_reasons: vec![],
            proof: "one test failed before and passes after".into(),
        };
        let notice = Notice {
            id,
            job: JobId::from_uuid(Uuid::now_v7()),
            repo: RepoName::parse("acme/shop").unwrap(),
            content,
        };
        let raised = NoticeRaised {
            notice,
            channel: "slack".into(),
        };
        drop(self.bus.publish(Envelope::of(&raised).unwrap()).await.unwrap());
    }

    async fn all_told(&self, count: usize) -> Vec<NoticeDelivered> {
        let told = async || Some(self.delivered.lock().unwrap().clone()).filter(|delivered| delivered.len() >= count);
        eventually("everybody was told", PATIENT, told).await.unwrap()
    }

    fn titles(&self) -> Vec<String> {
        self.slack
            .messages()
            .iter()
            .map(|message| message.text.clone())
            .collect()
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.run.abort();
    }
}

#[tokio::test]
async fn a_webhook_is_told() {
    let office = Office::with_webhook().await;
    let id = office.raise(7).await;
    let delivered = office.all_told(1).await;
    assert_eq!(
        (
            delivered[0].notice,
            delivered[0].channel.as_str(),
            &delivered[0].external_id
        ),
        (id, "slack", &None)
    );
    insta::assert_snapshot!(office.slack.messages()[0].as_read(), @r#"
    🤖 Sentry Auto-Fix PR Created

    KeyError 7

    Pull Request: #7
    Branch: `fixpoint/x-g1`

    Title: Fix

    Proof: one test failed before and passes after

    ⚠️ Please review carefully before merging. This PR should never be auto-merged.

    [ Review pull request ]
    "#);
}

#[tokio::test]
async fn a_bot_is_told_and_its_message_can_be_found_again() {
    let office = Office::with_bot(BOT_TOKEN, CHANNEL).await;
    office.raise(7).await;
    let delivered = office.all_told(1).await;
    assert_eq!(delivered[0].external_id.as_deref(), Some("1700000000.000001"));
    assert_eq!(office.slack.messages()[0].channel.as_deref(), Some(CHANNEL));
}

#[tokio::test]
async fn slack_is_given_the_time_it_asks_for_and_one_message_a_second() {
    let office = Office::with_webhook().await;
    office.slack.fail_next(Fault::RateLimited(2));
    let begin = std::time::Instant::now();
    office.raise(1).await;
    office.raise(2).await;
    office.all_told(2).await;
    let messages = office.slack.messages();
    assert_eq!(messages.len(), 2);
    assert!(
        messages[0].at - begin >= Duration::from_secs(2),
        "{:?}",
        messages[0].at - begin
    );
    assert!(
        messages[1].at - messages[0].at >= Duration::from_millis(950),
        "{:?}",
        messages[1].at - messages[0].at
    );
}

#[tokio::test]
async fn nothing_is_lost_while_slack_is_down_and_order_is_kept() {
    let office = Office::with_bot(BOT_TOKEN, CHANNEL).await;
    office.slack.take_down().await;
    for number in 1..=3 {
        office.raise(number).await;
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(office.delivered.lock().unwrap().is_empty());
    office.slack.bring_up().await.unwrap();
    office.slack.fail_next(Fault::ServerError);
    office.all_told(3).await;
    let titles = office.titles();
    assert_eq!(titles.len(), 3);
    assert!(
        titles
            .iter()
            .zip(1..)
            .all(|(title, number)| title.ends_with(&format!("KeyError {number}"))),
        "{titles:?}"
    );
}

#[tokio::test]
async fn what_can_never_work_is_put_aside_with_advice() {
    for (token, channel, advice) in [
        ("xoxb-wrong", CHANNEL, "SLACK_BOT_TOKEN"),
        (BOT_TOKEN, "C0NOWHERE", "SLACK_CHANNEL_ID"),
    ] {
        let office = Office::with_bot(token, channel).await;
        office.raise(1).await;
        let queue = Queue::NotifierNotices("slack".into());
        let dead = eventually("it is dead", PATIENT, async || {
            Some(office.bus.dead(&queue)).filter(|dead| !dead.is_empty())
        })
        .await
        .unwrap();
        assert!(dead[0].1.contains(advice), "{}", dead[0].1);
        assert!(office.delivered.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_webhook_that_was_removed_is_put_aside_too() {
    let office = Office::with_webhook().await;
    office.slack.fail_next(Fault::Refused("no_service".into()));
    office.raise(1).await;
    office.raise(2).await;
    office.all_told(1).await;
    assert_eq!(office.bus.dead(&Queue::NotifierNotices("slack".into())).len(), 1);
    assert_eq!(office.slack.messages().len(), 1);
}

#[tokio::test]
async fn layout_that_slack_refuses_is_left_out() {
    let office = Office::with_bot(BOT_TOKEN, CHANNEL).await;
    office.slack.fail_next(Fault::Refused("invalid_blocks".into()));
    office.raise(4).await;
    office.all_told(1).await;
    let messages = office.slack.messages();
    assert_eq!((messages.len(), &messages[0].blocks), (1, &serde_json::Value::Null));
    assert!(messages[0].text.contains("KeyError 4"));
}

#[tokio::test]
async fn a_notice_that_comes_again_is_said_once() {
    let office = Office::with_webhook().await;
    let id = office.raise(5).await;
    office.all_told(1).await;
    office.raise_as(id, 5).await;
    office.all_told(2).await;
    assert_eq!(office.slack.messages().len(), 1);
}

#[tokio::test]
async fn a_stop_gives_back_what_waits() {
    let mut office = Office::with_webhook().await;
    office.slack.take_down().await;
    office.raise(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    office.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), &mut office.run)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let depth = office
        .bus
        .depth()
        .await
        .into_iter()
        .find(|depth| depth.queue == "notifier.slack")
        .unwrap();
    assert_eq!((depth.ready + depth.delayed, depth.dead), (1, 0));
}

#[tokio::test]
async fn without_slack_the_log_is_told() {
    let slack = SlackStandIn::start().await.unwrap();
    let office = Office::open(slack, Settings::default());
    office.raise(1).await;
    assert_eq!(office.all_told(1).await[0].channel, "slack");
    assert_eq!(office.slack.requests(), 0);
}
