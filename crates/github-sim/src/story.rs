//! What people and machines do on this GitHub, as one-line sentences for demos and tests, and what can be asked afterwards.

use crate::Sim;
use crate::check::{CheckRun, Status};
use crate::comment::{self, Comment};
use crate::git::{Author, File, Git};
use crate::pull::{self, Pull};
use crate::push;
use crate::run::{self, RunSpec, Step};
use crate::state::{Grant, Repository, Request, State, Token, now};
use crate::webhook::{Delivery, WebhookTarget};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn of<'a>(state: &'a State, name: &str) -> Result<&'a Repository> {
    state
        .repository(name)
        .with_context(|| format!("there is no repository {name}"))
}

fn of_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Repository> {
    state
        .repository_mut(name)
        .with_context(|| format!("there is no repository {name}"))
}

/// A repository that is being set up.
pub struct RepositoryBuilder<'a> {
    sim: &'a Sim,
    name: String,
    files: BTreeMap<String, File>,
    private: bool,
    drafts: bool,
    default_branch: String,
    collaborators: BTreeMap<String, String>,
    author: Author,
    message: String,
}

impl RepositoryBuilder<'_> {
    /// With a file in the first commit.
    pub fn file(mut self, path: &str, content: impl Into<File>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    /// With files in the first commit.
    pub fn files<P: Into<String>, F: Into<File>>(mut self, files: impl IntoIterator<Item = (P, F)>) -> Self {
        self.files
            .extend(files.into_iter().map(|(path, file)| (path.into(), file.into())));
        self
    }

    /// Readable without a token.
    pub fn public(mut self) -> Self {
        self.private = false;
        self
    }

    /// On a plan without draft pull requests.
    pub fn without_drafts(mut self) -> Self {
        self.drafts = false;
        self
    }

    /// With another default branch than `main`.
    pub fn default_branch(mut self, name: &str) -> Self {
        self.default_branch = name.to_owned();
        self
    }

    /// With a collaborator: `admin`, `maintain`, `write`, `triage` or `read`.
    pub fn collaborator(mut self, login: &str, role: &str) -> Self {
        self.collaborators.insert(login.to_owned(), role.to_owned());
        self
    }

    /// Author and message of the first commit.
    pub fn first_commit(mut self, author: impl Into<Author>, message: &str) -> Self {
        self.author = author.into();
        message.clone_into(&mut self.message);
        self
    }

    /// Makes it, and returns the sha of the first commit. No webhook is sent.
    pub fn create(self) -> Result<String> {
        let (owner, name) = self
            .name
            .split_once('/')
            .with_context(|| format!("{} is not owner/name", self.name))?;
        let shared = &self.sim.shared;
        let mut state = shared.state();
        anyhow::ensure!(
            state.repository(&self.name).is_none(),
            "there is a repository {} already",
            self.name
        );
        let git = Git::init(shared.home.path(), &self.name, &self.default_branch)?;
        let sha = git.commit(
            &self.default_branch,
            &self.files,
            &self.author,
            &self.message,
            now().timestamp(),
        )?;
        let repository = Repository {
            id: state.id(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            private: self.private,
            drafts: self.drafts,
            default_branch: self.default_branch,
            announced: git.branches()?,
            git,
            pulls: BTreeMap::new(),
            comments: BTreeMap::new(),
            runs: BTreeMap::new(),
            jobs: BTreeMap::new(),
            checks: BTreeMap::new(),
            statuses: Vec::new(),
            collaborators: self.collaborators,
            next_number: 0,
            merge_calls: 0,
            created_at: now(),
        };
        state.repositories.insert(self.name.to_lowercase(), repository);
        Ok(sha)
    }
}

/// Setting the scene.
impl Sim {
    /// Begins a private repository `owner/name`; [`RepositoryBuilder::create`] makes it.
    pub fn repository(&self, name: &str) -> RepositoryBuilder<'_> {
        RepositoryBuilder {
            sim: self,
            name: name.to_owned(),
            files: BTreeMap::new(),
            private: true,
            drafts: true,
            default_branch: "main".to_owned(),
            collaborators: BTreeMap::new(),
            author: Author::from("octocat"),
            message: "First commit".to_owned(),
        }
    }

    /// Accepts one more personal access token.
    pub fn add_token(&self, token: Token) {
        self.shared
            .state()
            .grants
            .insert(token.secret.clone(), Grant::User(token));
    }

    /// From now on this token, or installation token, is unknown.
    pub fn revoke(&self, secret: &str) {
        self.shared.state().grants.remove(secret);
    }

    /// Sends webhooks to one more address.
    pub fn add_webhook(&self, url: &str, secret: &str) {
        self.shared.outbox.add_target(WebhookTarget {
            url: url.to_owned(),
            secret: secret.to_owned(),
        });
    }
}

/// What people do.
impl Sim {
    /// Commits on a branch, which is made if needed, announces the push, and returns the sha.
    pub fn commit<P: Into<String>, F: Into<File>>(
        &self,
        name: &str,
        branch: &str,
        files: impl IntoIterator<Item = (P, F)>,
        author: impl Into<Author>,
        message: &str,
    ) -> Result<String> {
        let author = author.into();
        let files = files
            .into_iter()
            .map(|(path, file)| (path.into(), file.into()))
            .collect();
        let mut state = self.shared.state();
        let repository = of(&state, name)?;
        if repository.git.head(branch)?.is_none()
            && let Some(start) = repository.git.head(&repository.default_branch)?
        {
            repository.git.set_ref(&format!("refs/heads/{branch}"), &start)?;
        }
        let sha = repository
            .git
            .commit(branch, &files, &author, message, now().timestamp())?;
        push::announce(&self.shared, &mut state, name, &author.name)?;
        Ok(sha)
    }

    /// A person pushes a commit to a branch.
    pub fn push_human_commit<P: Into<String>, F: Into<File>>(
        &self,
        name: &str,
        branch: &str,
        files: impl IntoIterator<Item = (P, F)>,
        user: &str,
    ) -> Result<String> {
        self.commit(name, branch, files, user, "A change by hand")
    }

    /// Makes a branch at a branch or sha, announces it, and returns its head.
    pub fn branch(&self, name: &str, branch: &str, from: &str) -> Result<String> {
        let mut state = self.shared.state();
        let repository = of(&state, name)?;
        let sha = crate::repository::resolve(repository, from)?;
        repository.git.set_ref(&format!("refs/heads/{branch}"), &sha)?;
        let owner = repository.owner.clone();
        push::announce(&self.shared, &mut state, name, &owner)?;
        Ok(sha)
    }

    /// Removes a branch; its open pull requests are closed.
    pub fn delete_branch(&self, name: &str, branch: &str) -> Result<()> {
        let mut state = self.shared.state();
        let repository = of(&state, name)?;
        repository.git.delete_ref(&format!("refs/heads/{branch}"))?;
        let owner = repository.owner.clone();
        push::announce(&self.shared, &mut state, name, &owner)
    }

    /// A person merges a pull request; returns the merge commit.
    pub fn merge_pull(&self, name: &str, number: u64, user: &str) -> Result<String> {
        Ok(pull::merge_as(
            &self.shared,
            &mut self.shared.state(),
            name,
            number,
            user,
        )?)
    }

    /// A person closes a pull request without merging it.
    pub fn close_pull(&self, name: &str, number: u64, user: &str) -> Result<()> {
        self.change_pull(name, number, user, "closed", |pull| pull.closed_at = Some(now()))
    }

    /// A person opens a closed pull request again.
    pub fn reopen_pull(&self, name: &str, number: u64, user: &str) -> Result<()> {
        self.change_pull(name, number, user, "reopened", |pull| pull.closed_at = None)
    }

    /// A person says that a draft is ready.
    pub fn ready_for_review(&self, name: &str, number: u64, user: &str) -> Result<()> {
        self.change_pull(name, number, user, "ready_for_review", |pull| pull.draft = false)
    }

    fn change_pull(
        &self,
        name: &str,
        number: u64,
        user: &str,
        action: &'static str,
        change: impl FnOnce(&mut Pull),
    ) -> Result<()> {
        let mut state = self.shared.state();
        let pull = of_mut(&mut state, name)?
            .pulls
            .get_mut(&number)
            .with_context(|| format!("there is no pull request {number}"))?;
        change(pull);
        pull.updated_at = now();
        pull::emit(&self.shared, &state, name, number, action, user, json!({})).map(drop)
    }

    /// A person comments on a pull request; returns the comment's id.
    pub fn comment(&self, name: &str, number: u64, user: &str, body: &str) -> Result<u64> {
        let value = comment::write(
            &self.shared,
            &mut self.shared.state(),
            name,
            number,
            user,
            body.to_owned(),
        )?;
        value["id"].as_u64().context("the comment has no id")
    }
}

/// What Actions does.
impl Sim {
    /// A run of one job in which a step fails: makes run, job and log, sends `workflow_run`, and returns the run's id.
    pub fn fail_workflow(
        &self,
        name: &str,
        branch: &str,
        sha: &str,
        workflow: &str,
        job: &str,
        steps: Vec<Step>,
    ) -> Result<u64> {
        anyhow::ensure!(steps.iter().any(|step| !step.ok), "a failed run needs a failed step");
        self.run_workflow(name, RunSpec::new(workflow, branch, sha).job(job, steps))
    }

    /// A green run of one job.
    pub fn pass_workflow(
        &self,
        name: &str,
        branch: &str,
        sha: &str,
        workflow: &str,
        job: &str,
        steps: Vec<Step>,
    ) -> Result<u64> {
        anyhow::ensure!(steps.iter().all(|step| step.ok), "a green run has no failed step");
        self.run_workflow(name, RunSpec::new(workflow, branch, sha).job(job, steps))
    }

    /// Any completed run; it failed if a step of it did.
    pub fn run_workflow(&self, name: &str, spec: RunSpec) -> Result<u64> {
        self.ran(name, spec, None)
    }

    /// One more attempt of a run, with these jobs.
    pub fn rerun_workflow(&self, name: &str, id: u64, spec: RunSpec) -> Result<u64> {
        anyhow::ensure!(
            of(&self.shared.state(), name)?.runs.contains_key(&id),
            "there is no run {id}"
        );
        self.ran(name, spec, Some(id))
    }

    fn ran(&self, name: &str, spec: RunSpec, again: Option<u64>) -> Result<u64> {
        let actor = spec.actor.clone();
        let mut state = self.shared.state();
        let id = run::add(&mut state, name, spec, again)?;
        let repository = of(&state, name)?;
        let run = repository.runs.get(&id).context("the run is gone")?;
        let payload = json!({
            "action": "completed", "workflow_run": run::shape(run, repository, &self.shared.links)?,
            "workflow": run::workflow(run, repository, &self.shared.links),
        });
        self.shared
            .emit(repository, "workflow_run", Some("completed"), &actor, payload);
        Ok(id)
    }

    /// The logs of a run are no longer kept.
    pub fn expire_logs(&self, name: &str, id: u64) -> Result<()> {
        let mut state = self.shared.state();
        of_mut(&mut state, name)?
            .runs
            .get_mut(&id)
            .with_context(|| format!("there is no run {id}"))?
            .logs_gone = true;
        Ok(())
    }
}

/// Webhooks under control.
impl Sim {
    /// Sends any webhook, signed like the others. What it says need not be true.
    pub fn deliver(&self, event: &str, payload: &Value) {
        let action = payload.get("action").and_then(Value::as_str);
        let repository = payload.pointer("/repository/id").and_then(Value::as_u64);
        self.shared.post(event, action, payload, repository);
    }

    /// Every delivery so far, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.outbox.deliveries()
    }

    /// Sends a delivery again with the same `X-GitHub-Delivery`, as a person can ask GitHub to.
    pub fn redeliver(&self, id: u64) -> Result<()> {
        anyhow::ensure!(self.shared.outbox.redeliver(id), "there is no delivery {id}");
        Ok(())
    }

    /// From now on webhooks wait to be released.
    pub fn hold_webhooks(&self) {
        self.shared.outbox.hold();
    }

    /// Sends what waits, in order.
    pub fn release_webhooks(&self) {
        self.shared.outbox.release(|count| (0..count).collect());
    }

    /// Sends what waits in an order of the caller's choice: it gets the number of waiting webhooks and returns indices, which may repeat
    /// (a duplicate) or be left out (a loss).
    pub fn release_webhooks_as(&self, arrange: impl FnOnce(usize) -> Vec<usize>) {
        self.shared.outbox.release(arrange);
    }

    /// Waits until every webhook that is not held has been sent and answered, or has failed.
    pub async fn webhooks_settled(&self) {
        self.shared.outbox.settled().await;
    }
}

/// What can be asked afterwards.
impl Sim {
    /// Head of a branch, if it exists.
    pub fn head(&self, name: &str, branch: &str) -> Result<Option<String>> {
        of(&self.shared.state(), name)?.git.head(branch)
    }

    /// All branches with their heads.
    pub fn branches(&self, name: &str) -> Result<BTreeMap<String, String>> {
        of(&self.shared.state(), name)?.git.branches()
    }

    /// Content of a file at a branch or sha, if it is there.
    pub fn file(&self, name: &str, revision: &str, path: &str) -> Result<Option<Vec<u8>>> {
        of(&self.shared.state(), name)?.git.file(revision, path)
    }

    /// Unified diff between two branches or shas.
    pub fn diff(&self, name: &str, before: &str, after: &str) -> Result<String> {
        of(&self.shared.state(), name)?.git.diff(before, after)
    }

    /// All pull requests, oldest first.
    pub fn pulls(&self, name: &str) -> Vec<Pull> {
        self.shared
            .state()
            .repository(name)
            .map(|one| one.pulls.values().cloned().collect())
            .unwrap_or_default()
    }

    /// All comments on a pull request, oldest first.
    pub fn comments(&self, name: &str, number: u64) -> Vec<Comment> {
        let state = self.shared.state();
        let comments = state.repository(name).into_iter().flat_map(|one| one.comments.values());
        comments.filter(|comment| comment.issue == number).cloned().collect()
    }

    /// All check runs made through the API.
    pub fn check_runs(&self, name: &str) -> Vec<CheckRun> {
        self.shared
            .state()
            .repository(name)
            .map(|one| one.checks.values().cloned().collect())
            .unwrap_or_default()
    }

    /// All commit statuses, oldest first.
    pub fn statuses(&self, name: &str) -> Vec<Status> {
        self.shared
            .state()
            .repository(name)
            .map(|one| one.statuses.clone())
            .unwrap_or_default()
    }

    /// How often the merge endpoint of the API was called.
    pub fn merge_calls(&self) -> usize {
        self.shared
            .state()
            .repositories
            .values()
            .map(|one| one.merge_calls)
            .sum()
    }

    /// Every request that came in, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// Those requests that GitHub counts as creating or changing content.
    pub fn content_requests(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_content).collect()
    }
}
