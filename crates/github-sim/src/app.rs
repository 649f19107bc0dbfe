//! The GitHub App: its identity, the proof that a JWT is its own, installation tokens and failed deliveries.

use crate::call::{Answer, Call, Caller, Outcome, Refusal, text};
use crate::state::{Grant, InstallationGrant, Shared, node_id, now, stamp, user, user_id};
use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::signature::{self, KeyPair as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A key pair that is good for nothing but simulated Apps.
const SIMULATED_KEY: &str = include_str!("simulated-app.pem");

/// The App that is installed on the simulated GitHub.
#[derive(Debug, Clone)]
pub struct AppIdentity {
    /// App id, the issuer of its JWTs.
    pub id: u64,
    /// Its name in URLs; it acts as `slug[bot]`.
    pub slug: String,
    /// The one installation.
    pub installation_id: u64,
    /// Full names that it is installed on; `None` means all.
    pub repositories: Option<Vec<String>>,
    /// What its installation was granted: permission name to `read` or `write`.
    pub permissions: BTreeMap<String, String>,
    /// RSA public key, PKCS#1 DER.
    public_key: Vec<u8>,
}

impl AppIdentity {
    /// An App whose JWTs are checked against the public half of `private_key_pem` (PKCS#1), with the rights that Fixpoint asks for.
    pub fn new(id: u64, slug: &str, private_key_pem: &str) -> Result<Self> {
        let permissions = [
            ("metadata", "read"),
            ("contents", "write"),
            ("pull_requests", "write"),
            ("issues", "write"),
            ("checks", "write"),
            ("statuses", "write"),
            ("actions", "read"),
        ];
        Ok(Self {
            id,
            slug: slug.to_owned(),
            installation_id: id + 1_000_000,
            repositories: None,
            permissions: permissions
                .iter()
                .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
                .collect(),
            public_key: public_key(private_key_pem)?,
        })
    }

    /// An App with the key of [`AppIdentity::simulated_key`].
    pub fn simulated(id: u64, slug: &str) -> Result<Self> {
        Self::new(id, slug, SIMULATED_KEY)
    }

    /// The private key (PEM, PKCS#1 as GitHub hands it out) of [`AppIdentity::simulated`].
    pub fn simulated_key() -> &'static str {
        SIMULATED_KEY
    }

    /// The login under which the App acts.
    pub fn login(&self) -> String {
        format!("{}[bot]", self.slug)
    }
}

fn public_key(pem: &str) -> Result<Vec<u8>> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body.trim()).context("the private key is not PEM")?;
    let pair = signature::RsaKeyPair::from_der(&der).or_else(|_| signature::RsaKeyPair::from_pkcs8(&der));
    match pair {
        Ok(pair) => Ok(pair.public_key().as_ref().to_vec()),
        Err(error) => bail!("the private key is not an RSA key of at least 2048 bits: {error}"),
    }
}

/// Checks a JWT as GitHub does: signature, issuer, issued in the past, ends within ten minutes.
pub(crate) fn verify(app: Option<&AppIdentity>, jwt: &str, at: DateTime<Utc>) -> Result<(), Refusal> {
    let app = app.ok_or_else(Refusal::bad_credentials)?;
    let (signed, signature) = jwt.rsplit_once('.').ok_or_else(Refusal::bad_credentials)?;
    let (header, claims) = signed.split_once('.').ok_or_else(Refusal::bad_credentials)?;
    let unreadable = || Refusal::new(401, "A JSON web token could not be decoded");
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable());
    let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
    let header: Value = serde_json::from_slice(&header).map_err(|_| unreadable())?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| unreadable())?;
    if text(&header, "alg") != Some("RS256") {
        return Err(unreadable());
    }
    let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &app.public_key);
    key.verify(signed.as_bytes(), &signature).map_err(|_| unreadable())?;
    let issuer = claims
        .get("iss")
        .map(|iss| iss.as_str().map_or_else(|| iss.to_string(), str::to_owned));
    if issuer != Some(app.id.to_string()) {
        return Err(Refusal::new(404, "Integration not found"));
    }
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let (issued, expires) = (seconds("iat"), seconds("exp"));
    match (issued, expires) {
        (None, _) => Err(Refusal::new(401, "Missing 'issued at' claim ('iat') in assertion")),
        (Some(issued), _) if issued > at.timestamp() => Err(Refusal::new(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )),
        (_, Some(expires)) if expires > at.timestamp() + 600 => Err(Refusal::new(
            401,
            "'Expiration time' claim ('exp') is too far in the future",
        )),
        (_, Some(expires)) if expires > at.timestamp() => Ok(()),
        _ => Err(Refusal::new(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        )),
    }
}

impl Shared {
    /// GitHub's `integration`, or null when no App is simulated.
    pub(crate) fn app_json(&self) -> Value {
        let Some(app) = &self.app else { return Value::Null };
        let at = "2026-01-01T00:00:00Z";
        json!({
            "id": app.id, "slug": app.slug, "client_id": format!("Iv1.{:016x}", app.id), "node_id": node_id("A", app.id),
            "name": app.slug, "owner": user("fixpoint", &self.links), "description": "", "external_url": self.links.web,
            "html_url": format!("{}/apps/{}", self.links.web, app.slug), "created_at": at, "updated_at": at,
            "permissions": app.permissions, "events": ["push", "pull_request", "workflow_run"], "installations_count": 1,
        })
    }

    fn installation_json(&self, app: &AppIdentity, owner: &str) -> Value {
        let at = "2026-01-01T00:00:00Z";
        json!({
            "id": app.installation_id, "app_id": app.id, "app_slug": app.slug, "account": user(owner, &self.links),
            "target_id": user_id(owner), "target_type": "User", "permissions": app.permissions,
            "repository_selection": if app.repositories.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{}/app/installations/{}/access_tokens", self.links.api, app.installation_id),
            "repositories_url": format!("{}/installation/repositories", self.links.api),
            "html_url": format!("{}/settings/installations/{}", self.links.web, app.installation_id),
            "events": ["push", "pull_request", "workflow_run"], "created_at": at, "updated_at": at,
            "single_file_name": null, "has_multiple_single_files": false, "single_file_paths": [],
            "suspended_by": null, "suspended_at": null,
        })
    }
}

/// Only a JWT of the App may ask this.
fn only_app(call: &Call) -> Result<&AppIdentity, Refusal> {
    match (&call.caller, &call.shared.app) {
        (Caller::App, Some(app)) => Ok(app),
        _ => Err(Refusal::new(401, "A JSON web token could not be decoded")),
    }
}

/// `GET /app`
pub(crate) async fn show(call: Call) -> Outcome {
    only_app(&call)?;
    Ok(Answer::ok(call.shared.app_json()))
}

/// `GET /app/installations`
pub(crate) async fn installations(call: Call) -> Outcome {
    let app = only_app(&call)?;
    let owner = call
        .shared
        .state()
        .repositories
        .values()
        .next()
        .map_or_else(|| "fixpoint".to_owned(), |one| one.owner.clone());
    Ok(Answer::ok(json!([call.shared.installation_json(app, &owner)])))
}

/// `GET /repos/{owner}/{repo}/installation`
pub(crate) async fn of_repository(call: Call) -> Outcome {
    let app = only_app(&call)?;
    let name = format!("{}/{}", call.param("owner"), call.param("repo"));
    let state = call.shared.state();
    let repository = state.repository(&name).ok_or_else(Refusal::not_found)?;
    if app
        .repositories
        .as_ref()
        .is_some_and(|names| !names.iter().any(|one| one.eq_ignore_ascii_case(&name)))
    {
        return Err(Refusal::not_found());
    }
    Ok(Answer::ok(call.shared.installation_json(app, &repository.owner)))
}

/// `POST /app/installations/{id}/access_tokens`
pub(crate) async fn mint(call: Call) -> Outcome {
    let app = only_app(&call)?;
    if call.number("id")? != app.installation_id {
        return Err(Refusal::not_found());
    }
    let body = call.json()?;
    let mut state = call.shared.state();
    let mut repositories = app
        .repositories
        .clone()
        .map(|names| names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>());
    let mut chosen = Vec::new();
    if let Some(wanted) = body.get("repositories").and_then(Value::as_array) {
        let mut narrowed = Vec::new();
        for wanted in wanted.iter().filter_map(Value::as_str) {
            let found = state.repositories.iter().find(|(full, repository)| {
                repository.name.eq_ignore_ascii_case(wanted)
                    && repositories.as_ref().is_none_or(|names| names.contains(full))
            });
            let Some((full, repository)) = found else {
                return Err(Refusal::new(
                    422,
                    "There is at least one repository that does not exist or is not accessible to the parent installation.",
                ));
            };
            chosen.push(crate::repository::full(repository, &call.shared.links));
            narrowed.push(full.clone());
        }
        repositories = Some(narrowed);
    }
    let mut permissions = app.permissions.clone();
    if let Some(wanted) = body.get("permissions").and_then(Value::as_object) {
        permissions.clear();
        for (name, level) in wanted {
            let level = level.as_str().unwrap_or_default();
            let granted = app.permissions.get(name).map(String::as_str);
            if !matches!(
                (granted, level),
                (Some("write"), "read" | "write") | (Some("read"), "read")
            ) {
                return Err(Refusal::new(
                    422,
                    "The permissions requested are not granted to this installation.",
                ));
            }
            permissions.insert(name.clone(), level.to_owned());
        }
        permissions
            .entry("metadata".to_owned())
            .or_insert_with(|| "read".to_owned());
    }
    let token = format!("ghs_{}", uuid::Uuid::new_v4().simple());
    let expires_at = now() + TimeDelta::hours(1);
    let selection = if repositories.is_some() { "selected" } else { "all" };
    let grant = InstallationGrant {
        login: app.login(),
        repositories,
        permissions: permissions.clone(),
        expires_at,
    };
    state.grants.insert(token.clone(), Grant::Installation(grant));
    let mut value = json!({ "token": token, "expires_at": stamp(expires_at), "permissions": permissions, "repository_selection": selection });
    if !chosen.is_empty() {
        value["repositories"] = Value::Array(chosen);
    }
    Ok(Answer::created(value))
}

/// `GET /app/hook/deliveries`
pub(crate) async fn deliveries(call: Call) -> Outcome {
    only_app(&call)?;
    let failed = call.query("status").as_deref() == Some("failure");
    let mut all = call.shared.outbox.deliveries();
    all.reverse();
    let items = all
        .iter()
        .filter(|one| !failed || !one.succeeded())
        .map(crate::webhook::Delivery::summary);
    Ok(Answer::ok(
        items
            .take(call.query("per_page").and_then(|text| text.parse().ok()).unwrap_or(30))
            .collect(),
    ))
}

/// `GET /app/hook/deliveries/{id}`
pub(crate) async fn delivery(call: Call) -> Outcome {
    only_app(&call)?;
    let id = call.number("id")?;
    let found = call
        .shared
        .outbox
        .deliveries()
        .into_iter()
        .find(|one| one.id == id)
        .ok_or_else(Refusal::not_found)?;
    let mut value = found.summary();
    value["url"] = json!(found.url);
    value["request"] = json!({ "headers": { "X-GitHub-Event": found.event }, "payload": serde_json::from_slice::<Value>(&found.body).ok() });
    value["response"] = json!({ "headers": {}, "payload": found.error });
    Ok(Answer::ok(value))
}

/// `POST /app/hook/deliveries/{id}/attempts`
pub(crate) async fn redeliver(call: Call) -> Outcome {
    only_app(&call)?;
    match call.shared.outbox.redeliver(call.number("id")?) {
        true => Ok(Answer::accepted()),
        false => Err(Refusal::not_found()),
    }
}
