//! The World: every service over one bus in one process, each of which can be killed and started again with what it keeps on disk,
//! and the servers outside that they speak to.

use crate::SHOP;
use crate::github::GitHub;
use crate::shop;
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use bus::{Bus, Envelope, MemoryBus, RabbitBus};
use domain::attempt::Stage;
use domain::message::{AttemptProgressed, Kind};
use github_sim::{AppIdentity, Pull, Sim, SimOptions, Token, WebhookTarget};
use ingest::Ingest;
use planner::Planner;
use serde_json::{Value, json};
use settings::{Settings, Source};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use testkit::{FreshDatabase, SentryStandIn, SlackStandIn, TappedBus, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// No story takes longer than this, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// A retry that is further away than this counts as settled.
const SOON: chrono::Duration = chrono::Duration::seconds(20);
const TOKEN: &str = "ghp_OneTokenForTheWholeWorld1234567890";
const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const SENTRY_SECRET: &str = "sentry-client-secret";

/// How a World begins.
pub struct Builder {
    app: bool,
    github_secret: String,
    settings: Vec<(String, String)>,
}

impl Builder {
    /// With a setting, by any name that works in the environment.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a GitHub App instead of a token.
    pub fn app(mut self) -> Self {
        self.app = true;
        self
    }

    /// GitHub signs with this; what is accepted is a setting.
    pub fn github_signs_with(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.github_secret);
        self
    }

    /// Starts everything.
    pub async fn start(self) -> World {
        traced();
        let home = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sim = Sim::start(SimOptions {
            webhook_targets: vec![WebhookTarget {
                url: format!("http://{address}/webhooks/github"),
                secret: self.github_secret,
            }],
            app: self.app.then(|| AppIdentity::simulated(4711, "fixpoint").unwrap()),
            tokens: vec![Token::write(TOKEN, "fixpoint-bot")],
            ..SimOptions::default()
        });
        let github = GitHub {
            sim: sim.await.unwrap(),
            token: TOKEN.to_owned(),
        };
        github.repository(SHOP).files(shop::FILES).create().unwrap();
        let slack = SlackStandIn::start().await.unwrap();

        let mut pairs: Vec<(String, String)> = [
            ("FIXPOINT__DATA__DIR", home.path().join("data").to_str().unwrap()),
            ("GITHUB_API_URL", github.url()),
            ("GITHUB_REPO_OWNER", "acme"),
            ("GITHUB_REPO_NAME", "shop"),
            ("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET),
            ("SENTRY_WEBHOOK_SECRET", SENTRY_SECRET),
            ("SENTRY_FIXER_ENABLED", "true"),
            ("SENTRY_FIXER_MAX_RETRIES", "2"),
            ("SLACK_BOT_TOKEN", testkit::slack::BOT_TOKEN),
            ("SLACK_CHANNEL_ID", testkit::slack::CHANNEL),
            ("FIXPOINT__SLACK__API_URL", &slack.api_url()),
            ("FIXPOINT__GITHUB__RETRY__LADDER_MS", "50,100"),
            ("FIXPOINT__GITHUB__RETRY__PATIENCE_SECS", "5"),
            ("FIXPOINT__PLANNER__BACKOFF_SECONDS", "1"),
            ("FIXPOINT__PLANNER__BACKOFF_MAX_SECONDS", "1"),
            ("FIXPOINT__PROJECT__BUDGET_SECONDS", "60"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let own: &[(&str, &str)] = if self.app {
            &[
                ("FIXPOINT__GITHUB__AUTH__APP__ID", "4711"),
                ("FIXPOINT__GITHUB__AUTH__APP__PRIVATE_KEY", AppIdentity::simulated_key()),
                ("FIXPOINT__PLANNER__BOT_LOGIN", "fixpoint[bot]"),
            ]
        } else {
            &[
                ("GITHUB_TOKEN", TOKEN),
                ("FIXPOINT__PLANNER__BOT_LOGIN", "fixpoint-bot"),
            ]
        };
        pairs.extend(
            own.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        // What a story sets comes last, and wins.
        pairs.retain(|(name, _)| !self.settings.iter().any(|(set, _)| set == name));
        pairs.extend(self.settings);

        let ground = Ground::new().await;
        pairs.extend(
            ground
                .database
                .iter()
                .map(|database| ("DATABASE_URL".to_owned(), database.url().to_owned())),
        );
        let tap = TappedBus::new(ground.bus());
        let sentry = SentryStandIn::new(format!("http://{address}/webhooks/sentry"), SENTRY_SECRET).unwrap();
        let mut world = World {
            github,
            slack,
            sentry,
            tap,
            ground,
            source: Source::default().environment(pairs),
            listener,
            url: format!("http://{address}"),
            client: client(),
            ingest: None,
            planner: None,
            fixer: None,
            notifier: None,
            server: None,
            holds: Mutex::default(),
            done: false,
            _home: home,
        };
        std::fs::create_dir_all(world._home.path().join("data")).unwrap();
        world.start_ingest();
        world.start_planner().await;
        world.start_fixer();
        world.start_notifier();
        world
    }
}

/// What the services stand on: memory and SQLite, or a broker and Postgres where the environment says so.
struct Ground {
    memory: MemoryBus,
    broker: Option<RabbitBus>,
    database: Option<FreshDatabase>,
}

/// `distributed`: every story is told over RabbitMQ and Postgres.
const PROFILE: &str = "FIXPOINT_TEST_PROFILE";

impl Ground {
    #[allow(
        clippy::disallowed_methods,
        reason = "what a machine offers to tests is no setting of the product"
    )]
    async fn new() -> Self {
        let mut ground = Self {
            memory: MemoryBus::default(),
            broker: None,
            database: None,
        };
        if std::env::var(PROFILE).is_ok_and(|profile| profile == "distributed") {
            let url = testkit::broker_url()
                .unwrap()
                .expect("the distributed profile needs a broker");
            let options = bus::rabbit::Options {
                prefix: format!("w{}.", Uuid::new_v4().simple()),
                forget_after: Some(Duration::from_secs(600)),
                ..bus::rabbit::Options::default()
            };
            let broker = RabbitBus::open(&url, &options).unwrap();
            assert!(broker.connected(PATIENCE).await, "the broker does not answer");
            ground.broker = Some(broker);
            ground.database = FreshDatabase::postgres().unwrap();
        }
        ground
    }

    fn bus(&self) -> Arc<dyn Bus> {
        match &self.broker {
            Some(broker) => Arc::new(broker.clone()),
            None => Arc::new(self.memory.clone()),
        }
    }

    async fn is_empty(&self) -> bool {
        let depths = self.bus().depth().await;
        !depths.is_empty()
            && depths
                .iter()
                .all(|depth| depth.ready + depth.delayed + depth.unacknowledged == 0)
    }
}

/// Spans get identifiers, as in a real process; nothing is logged.
fn traced() {
    static STARTED: OnceLock<telemetry::Telemetry> = OnceLock::new();
    STARTED.get_or_init(|| {
        let source = Source::default().set("telemetry.level", "fixpoint=off");
        let settings = Settings::load(&source).unwrap().section("telemetry").unwrap();
        telemetry::start(&settings, "world").unwrap()
    });
}

/// A service that runs.
struct Part<T> {
    task: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
    of: T,
}

impl<T> Part<T> {
    /// Ends at once, like a process that gets a SIGKILL.
    async fn kill(self) -> T {
        self.task.abort();
        let _ = self.task.await;
        self.of
    }

    /// Ends as it does at a SIGTERM.
    async fn stop(self, name: &str) {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(40), self.task).await;
        ended
            .unwrap_or_else(|_| panic!("the {name} does not stop"))
            .unwrap()
            .unwrap_or_else(|error| panic!("the {name} ended with {error:#}"));
    }
}

/// Everything, running.
pub struct World {
    pub github: GitHub,
    pub slack: SlackStandIn,
    pub sentry: SentryStandIn,
    pub tap: TappedBus,
    ground: Ground,
    source: Source,
    listener: TcpListener,
    url: String,
    client: reqwest::Client,
    ingest: Option<Part<Arc<Ingest>>>,
    planner: Option<Part<Planner>>,
    fixer: Option<Part<()>>,
    notifier: Option<Part<()>>,
    server: Option<(ServerHandle, JoinHandle<std::io::Result<()>>)>,
    holds: Mutex<Vec<(String, Arc<AtomicBool>)>>,
    done: bool,
    _home: TempDir,
}

/// A hold on the bus, which its story must see met.
pub struct Hold {
    held: testkit::tap::Held,
    what: String,
    met: Arc<AtomicBool>,
}

impl Hold {
    /// Waits until something is held.
    pub async fn caught(&self) -> Envelope {
        let caught = tokio::time::timeout(PATIENCE, self.held.caught()).await;
        self.met.store(true, Ordering::SeqCst);
        caught.unwrap_or_else(|_| panic!("nothing was held: {}", self.what))
    }

    /// Lets everything go.
    pub fn release(self) {
        self.held.release();
    }
}

/// Starting, killing, restarting.
impl World {
    /// A World with the shop, a token, and back-offs of a second.
    pub async fn new() -> Self {
        Self::with().start().await
    }

    /// A World that differs in something.
    pub fn with() -> Builder {
        Builder {
            app: false,
            github_secret: GITHUB_SECRET.to_owned(),
            settings: Vec::new(),
        }
    }

    fn bus(&self) -> Arc<dyn Bus> {
        Arc::new(self.tap.clone())
    }

    fn all(&self) -> Settings {
        Settings::load(&self.source).unwrap()
    }

    fn start_ingest(&mut self) {
        let ingest = Arc::new(Ingest::open(ingest::Settings::read(&self.all()).unwrap(), self.bus()).unwrap());
        let (stop, of) = (CancellationToken::new(), Arc::clone(&ingest));
        let task = tokio::spawn({
            let stop = stop.clone();
            async move { ingest.run(stop).await }
        });
        self.ingest = Some(Part { task, stop, of });
    }

    pub async fn start_planner(&mut self) {
        let planner = Planner::open(&settings::load(&self.source).unwrap(), self.bus())
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(planner.clone().run(stop.clone()));
        self.planner = Some(Part {
            task,
            stop,
            of: planner,
        });
        self.serve().await;
    }

    pub fn start_fixer(&mut self) {
        let stop = CancellationToken::new();
        let settings = fixer::Settings::read(&self.all()).unwrap();
        let task = tokio::spawn(fixer::run(settings, self.bus(), stop.clone()));
        self.fixer = Some(Part { task, stop, of: () });
    }

    pub fn start_notifier(&mut self) {
        let stop = CancellationToken::new();
        let (settings, bus) = (self.all().section::<notifier::Settings>("slack").unwrap(), self.bus());
        let task = tokio::spawn({
            let stop = stop.clone();
            async move { notifier::run(&settings, bus, stop).await }
        });
        self.notifier = Some(Part { task, stop, of: () });
    }

    /// Serves the routes of what runs, always on the same socket: whoever calls meanwhile waits in its queue.
    async fn serve(&mut self) {
        self.stop_serving().await;
        let ingest = self.ingest.as_ref().map(|part| part.of.routes());
        let planner = self.planner.as_ref().map(|part| part.of.routes());
        let app = move || {
            let (ingest, planner) = (ingest.clone(), planner.clone());
            App::new().configure(move |config| {
                if let Some(routes) = ingest {
                    routes(config);
                }
                if let Some(routes) = planner {
                    routes(config);
                }
            })
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .keep_alive(ingest::KEEP_ALIVE)
            .shutdown_timeout(5);
        let server = server.listen(self.listener.try_clone().unwrap()).unwrap().run();
        self.server = Some((server.handle(), tokio::spawn(server)));
    }

    async fn stop_serving(&mut self) {
        if let Some((handle, task)) = self.server.take() {
            handle.stop(true).await;
            let _ = task.await;
        }
    }

    /// kill -9 of the fixer.
    pub async fn kill_fixer(&mut self) {
        self.fixer.take().expect("the fixer runs").kill().await;
    }

    /// SIGTERM to the fixer: it may end what it has begun.
    pub async fn stop_fixer(&mut self) {
        self.fixer.take().expect("the fixer runs").stop("fixer").await;
    }

    /// kill -9 of the notifier.
    pub async fn kill_notifier(&mut self) {
        self.notifier.take().expect("the notifier runs").kill().await;
    }

    /// kill -9 of the planner; its routes are gone too.
    pub async fn kill_planner(&mut self) {
        drop(self.planner.take().expect("the planner runs").kill().await);
        self.serve().await;
    }

    /// kill -9 of the planner, and a new one on the same database.
    pub async fn restart_planner(&mut self) {
        self.kill_planner().await;
        self.start_planner().await;
    }

    /// kill -9 of the doors, and new ones on the same spool.
    pub async fn restart_ingest(&mut self) {
        self.stop_serving().await;
        drop(self.ingest.take().expect("the doors are open").kill().await);
        self.start_ingest();
        self.serve().await;
    }
}

/// What happens outside.
impl World {
    /// The running application raised: Sentry tells, and forgets whether it was answered in its second.
    pub async fn alert(&self, issue: &str, event: &Value) -> Option<testkit::sentry::Answer> {
        self.sentry.raise(issue, event).await.ok()
    }

    /// A person pushes the shop's mistake to a branch; its tests print this.
    pub fn pushed_by_mistake(&self, branch: &str) -> (String, String) {
        let sha = self.github.push(branch, &[shop::BROKEN_CART], "Simplify shipping");
        let (green, log) = self.github.run_tests(&sha);
        assert!(!green);
        (sha, log)
    }

    /// Holds back messages that fit.
    pub fn hold_when(&self, what: &str, predicate: impl Fn(&Envelope) -> bool + Send + Sync + 'static) -> Hold {
        let met = Arc::new(AtomicBool::new(false));
        self.holds.lock().unwrap().push((what.to_owned(), Arc::clone(&met)));
        Hold {
            held: self.tap.hold_when(predicate),
            what: what.to_owned(),
            met,
        }
    }

    /// Holds back messages of a kind.
    pub fn hold(&self, kind: Kind) -> Hold {
        self.hold_when(kind.as_str(), move |envelope| envelope.kind == kind)
    }

    /// Holds back what a fixer says of a stage.
    pub fn hold_stage(&self, stage: Stage) -> Hold {
        self.hold_when(stage.as_str(), move |envelope| {
            envelope
                .read::<AttemptProgressed>()
                .is_ok_and(|said| said.stage == stage)
        })
    }
}

/// What people see.
impl World {
    /// Asks the API.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }

    /// All jobs with everything that is known of them, oldest first.
    pub async fn jobs(&self) -> Vec<Value> {
        let list = self.get("/api/v1/jobs?limit=100").await;
        let mut jobs = Vec::new();
        for job in list["jobs"].as_array().unwrap().iter().rev() {
            jobs.push(self.get(&format!("/api/v1/jobs/{}", job["id"].as_str().unwrap())).await);
        }
        jobs
    }

    /// The only job.
    pub async fn job(&self) -> Value {
        let mut jobs = self.jobs().await;
        assert_eq!(jobs.len(), 1, "there is one job: {jobs:#?}");
        jobs.remove(0)
    }

    /// Every reason for doing nothing, oldest first: code, what was seen, what would have changed it.
    pub async fn decisions(&self) -> Vec<String> {
        let list = self.get("/api/v1/decisions?limit=100").await;
        let line = |row: &Value| {
            format!(
                "{}: {}; it would take {}",
                row["code"].as_str().unwrap(),
                row["observed"].as_str().unwrap(),
                row["would_change"].as_str().unwrap()
            )
        };
        let mut lines: Vec<String> = list["decisions"].as_array().unwrap().iter().map(line).collect();
        lines.reverse();
        // Webhooks that nobody acts on, such as those about our own branches, are no story.
        lines.retain(|line| !line.starts_with("nothing_to_do"));
        lines
    }

    /// The pull requests of the shop, as GitHub has them.
    pub fn pulls(&self) -> Vec<Pull> {
        self.github.pulls(SHOP)
    }

    /// The only pull request.
    pub fn pull(&self) -> Pull {
        let mut pulls = self.pulls();
        assert_eq!(pulls.len(), 1, "there is one pull request: {pulls:#?}");
        pulls.remove(0)
    }

    /// The branches that Fixpoint made.
    pub fn own_branches(&self) -> Vec<String> {
        self.github
            .branches(SHOP)
            .unwrap()
            .into_keys()
            .filter(|name| name.starts_with("fixpoint/"))
            .collect()
    }

    /// The traces that messages of these kinds belong to.
    pub fn traces(&self, kinds: &[Kind]) -> BTreeSet<String> {
        let of = |envelope: Envelope| {
            envelope
                .trace
                .get("traceparent")
                .map_or("none", |header| &header[3..35])
                .to_owned()
        };
        self.tap
            .envelopes()
            .into_iter()
            .filter(|envelope| kinds.contains(&envelope.kind))
            .map(of)
            .collect()
    }

    /// What Slack shows, message by message.
    pub fn said(&self) -> Vec<String> {
        self.slack
            .messages()
            .iter()
            .map(|message| crate::mask::mask(&message.as_read()))
            .collect()
    }
}

/// Waiting.
impl World {
    /// Waits until something is true of a job; there is no hope once all jobs are over and it is not.
    pub async fn job_until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let jobs = self.jobs().await;
            if let Some(job) = jobs.iter().find(|job| holds(job)) {
                return job.clone();
            }
            let hopeless = !jobs.is_empty() && jobs.iter().all(is_over);
            if hopeless || Instant::now() > end {
                panic!("this did not come true: {what}\n{}", self.state().await);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for something of the outside.
    pub async fn within<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(done) => done,
            Err(_) => panic!("this did not happen: {what}\n{}", self.state().await),
        }
    }

    /// Waits until nothing more will happen by itself: webhooks delivered, spool and bus empty, jobs over or waiting for a later
    /// retry, and people told.
    pub async fn settle(&self) {
        let end = Instant::now() + PATIENCE;
        let mut quiet = 0;
        while quiet < 2 {
            assert!(
                Instant::now() < end,
                "the World does not settle\n{}",
                self.state().await
            );
            self.github.webhooks_settled().await;
            quiet = if self.is_quiet().await { quiet + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn is_quiet(&self) -> bool {
        let spooled = self.ingest.as_ref().is_some_and(|part| part.of.depth().entries > 0);
        !spooled
            && self.ground.is_empty().await
            && self.jobs().await.iter().all(is_over)
            && self.ground.is_empty().await
    }

    /// Everything that can be seen from outside, for whoever has to find out what went wrong.
    pub async fn state(&self) -> String {
        let mut out = String::from("jobs:\n");
        if self.planner.is_some() {
            for job in self.jobs().await {
                let short = |attempt: &Value| json!({"state": attempt["state"], "stage": attempt["stage"], "outcome": attempt["outcome"], "message": attempt["message"], "lines": attempt["lines"]});
                let attempts: Vec<Value> = job["attempts"].as_array().unwrap().iter().map(short).collect();
                out += &format!(
                    "  {} {} {} retry {}: {}\n{}\n",
                    job["repo"],
                    job["state"],
                    job["outcome"],
                    job["retry_count"],
                    job["message"],
                    serde_json::to_string_pretty(&attempts).unwrap()
                );
            }
            out += &format!("decisions: {:#?}\n", self.decisions().await);
        }
        for queue in self.tap.depth().await {
            if queue.ready + queue.delayed + queue.unacknowledged + queue.dead > 0 {
                out += &format!("queue {queue:?}\n");
            }
        }
        for request in self.github.requests() {
            out += &format!("github {} {} {:?}\n", request.method, request.path, request.status);
        }
        for delivery in self.github.deliveries() {
            out += &format!(
                "webhook {} {:?} {:?} {:?}\n",
                delivery.event, delivery.action, delivery.status, delivery.error
            );
        }
        out + &format!("slack: {:#?}\n", self.said())
    }

    /// No secret has left its place: not in a message, not for the world to read.
    async fn keeps_its_secrets(&self) {
        let mut told: Vec<(String, String)> = Vec::new();
        for envelope in self.tap.envelopes() {
            told.push((envelope.kind.as_str().to_owned(), envelope.body.to_string()));
        }
        for pull in self.pulls() {
            let text = format!("{}\n{}", pull.title, pull.body.unwrap_or_default());
            told.push((format!("pull request #{}", pull.number), text));
        }
        for message in self.slack.messages() {
            let text = format!("{}\n{}\n{}", message.text, message.blocks, message.as_read());
            told.push(("a message in Slack".to_owned(), text));
        }
        for job in self.jobs().await {
            told.push((format!("job {}", job["id"]), job.to_string()));
        }
        for decision in self.decisions().await {
            told.push(("a decision".to_owned(), decision));
        }
        let secrets = [
            TOKEN,
            GITHUB_SECRET,
            SENTRY_SECRET,
            testkit::slack::BOT_TOKEN,
            "ghs_",
            "PRIVATE KEY",
        ];
        for (what, text) in told {
            for secret in secrets {
                assert!(!text.contains(secret), "{what} carries a secret");
            }
        }
    }

    /// The end of every story: nothing is left anywhere, nothing was merged by a machine, no secret has left its place, and every
    /// service stops when it is asked to.
    pub async fn done(mut self) {
        self.settle().await;
        for queue in self.tap.depth().await {
            assert_eq!(
                queue.dead,
                0,
                "messages of {} are dead\n{}",
                queue.queue,
                self.state().await
            );
        }
        for (what, met) in self.holds.lock().unwrap().iter() {
            assert!(met.load(Ordering::SeqCst), "nobody waited for the hold on {what}");
        }
        assert_eq!(self.github.merge_calls(), 0, "a machine asked for a merge");
        self.keeps_its_secrets().await;
        let attempts = self._home.path().join("data/fixer/attempts");
        assert_eq!(
            std::fs::read_dir(attempts).map_or(0, Iterator::count),
            0,
            "folders of attempts are left behind"
        );
        self.done = true;
        if let Some(part) = self.ingest.take() {
            part.stop("ingest").await;
        }
        if let Some(part) = self.fixer.take() {
            part.stop("fixer").await;
        }
        if let Some(part) = self.notifier.take() {
            part.stop("notifier").await;
        }
        if let Some(part) = self.planner.take() {
            part.stop("planner").await;
        }
        self.stop_serving().await;
        self.slack.take_down().await;
        if let Some(broker) = &self.ground.broker {
            broker.remove().await.unwrap();
        }
        let folder = self._home.path().to_str().unwrap().to_owned();
        let none = || async { Some(()).filter(|()| processes_of(&folder).is_empty()) };
        let gone = eventually("no sandbox is left", Duration::from_secs(10), none).await;
        assert!(gone.is_ok(), "these still run: {:#?}", processes_of(&folder));
    }
}

/// The command lines of processes that work below a folder.
fn processes_of(folder: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap();
    let line = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read(entry.ok()?.path().join("cmdline")).ok();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
    all.filter_map(line)
        .map(text)
        .filter(|line| line.contains(folder))
        .collect()
}

/// A connection per question: the servers are killed and started again, and take their connections with them.
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy();
    client.pool_max_idle_per_host(0).build().unwrap()
}

fn is_over(job: &Value) -> bool {
    let told = job["notices"]
        .as_array()
        .unwrap()
        .iter()
        .all(|notice| !notice["delivered_at"].is_null());
    let waits = || {
        let not_before = job["not_before"]
            .as_str()
            .and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
        let updated = job["updated_at"]
            .as_str()
            .and_then(|at| at.parse::<chrono::DateTime<chrono::Utc>>().ok());
        job["state"] == "queued" && not_before.zip(updated).is_some_and(|(then, now)| then - now > SOON)
    };
    told && (matches!(
        job["state"].as_str(),
        Some("succeeded" | "failed" | "cancelled" | "skipped")
    ) || waits())
}

impl Drop for World {
    fn drop(&mut self) {
        assert!(self.done || std::thread::panicking(), "a story ends with world.done()");
    }
}
