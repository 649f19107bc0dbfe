//! Runs git on one repository, with nothing of the machine's configuration, hooks or credentials.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Longest time for a local command.
const LOCAL: Duration = Duration::from_secs(120);
/// Longest time for a command that talks to a server.
const REMOTE: Duration = Duration::from_secs(600);
/// Never executed, never followed: what a repository could bring along.
const SAFE: [&str; 8] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "advice.detachedHead=false",
];

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// git could not be started, or the folder cannot be used.
    #[error("cannot run git {command}")]
    Start {
        /// The subcommand.
        command: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// It took too long and was killed.
    #[error("git {command} took longer than {seconds} s")]
    TimedOut {
        /// The subcommand.
        command: String,
        /// The limit.
        seconds: u64,
    },
    /// git said no.
    #[error("git {command}: {message}")]
    Failed {
        /// The subcommand.
        command: String,
        /// The last lines of what it said, without credentials.
        message: String,
    },
}

impl GitError {
    /// Whether the server refused who we are.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        // Git's own phrases: an address may have any digits in it.
        const PHRASES: [&str; 6] = [
            "Authentication failed",
            "returned error: 401",
            "returned error: 403",
            "could not read Username",
            "Repository not found",
            "remote: Not Found",
        ];
        matches!(self, Self::Failed { message, .. } if PHRASES.iter().any(|phrase| message.contains(phrase))
            || (message.contains("repository '") && message.contains("' not found")))
    }
}

/// Answers git's question for a name and password from its own environment.
const CREDENTIAL_HELPER: &str = r#"!f() { test "$1" = get && printf 'username=%s\npassword=%s\n' "$FIXPOINT_GIT_USER" "$FIXPOINT_GIT_PASSWORD"; }; f"#;

/// A name and password for one server, kept out of arguments and addresses.
#[derive(Clone)]
pub struct Credential {
    /// The server, `https://github.com`: no other one is told.
    pub origin: String,
    /// User name, `x-access-token`.
    pub user: String,
    /// The token.
    pub password: secrecy::SecretString,
}

/// One repository (its git directory).
#[derive(Clone, Debug)]
pub struct Git {
    dir: PathBuf,
}

impl Git {
    /// The repository whose git directory is `dir`.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Its git directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs a local command and returns what it printed.
    ///
    /// # Errors
    /// [`GitError`]; a non-zero exit code is [`GitError::Failed`].
    pub async fn run(&self, args: &[&str]) -> Result<Vec<u8>, GitError> {
        self.call(args, &[], None, LOCAL).await
    }

    /// As [`Git::run`], as text without the last line break.
    ///
    /// # Errors
    /// See [`Git::run`].
    pub async fn text(&self, args: &[&str]) -> Result<String, GitError> {
        Ok(String::from_utf8_lossy(&self.run(args).await?)
            .trim_end_matches('\n')
            .to_owned())
    }

    /// Runs a local command with an index of its own and with input.
    ///
    /// # Errors
    /// See [`Git::run`].
    pub async fn with(&self, args: &[&str], env: &[(&str, &str)], input: Option<&[u8]>) -> Result<String, GitError> {
        let out = self.call(args, env, input, LOCAL).await?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned())
    }

    /// Runs a local command with input and returns its bytes.
    ///
    /// # Errors
    /// See [`Git::run`].
    pub async fn with_bytes(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        self.call(args, &[], Some(input), LOCAL).await
    }

    /// Runs a command that talks to a server.
    ///
    /// # Errors
    /// See [`Git::run`].
    pub async fn remote(&self, args: &[&str], credential: Option<&Credential>) -> Result<String, GitError> {
        use secrecy::ExposeSecret as _;
        // The environment of this git process is the one place where the token stands; nobody else's code runs beside it.
        let helper = credential.map(|c| {
            (
                format!("credential.{}.helper", c.origin),
                &c.user,
                c.password.expose_secret(),
            )
        });
        let env: Vec<(&str, &str)> = match &helper {
            Some((key, user, password)) => vec![
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", key),
                ("GIT_CONFIG_VALUE_0", CREDENTIAL_HELPER),
                ("FIXPOINT_GIT_USER", user),
                ("FIXPOINT_GIT_PASSWORD", password),
            ],
            None => vec![],
        };
        let out = self.call(args, &env, None, REMOTE).await?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned())
    }

    async fn call(
        &self,
        args: &[&str],
        env: &[(&str, &str)],
        input: Option<&[u8]>,
        limit: Duration,
    ) -> Result<Vec<u8>, GitError> {
        let name = args.first().copied().unwrap_or("").to_owned();
        #[allow(
            clippy::disallowed_methods,
            reason = "this module is the one place in the fixer that starts git"
        )]
        let mut command = tokio::process::Command::new("git");
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C.UTF-8");
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0");
        command
            .env("GIT_ALLOW_PROTOCOL", "https:http:file")
            .env("GIT_DIR", &self.dir)
            .envs(env.iter().copied());
        for setting in SAFE {
            command.args(["-c", setting]);
        }
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let start = |source| GitError::Start {
            command: name.clone(),
            source,
        };
        let mut child = command.spawn().map_err(start)?;
        let stdin = child.stdin.take();
        let feed = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A command that ends before it has read everything says why by its exit code.
                let _ = stdin.write_all(input).await;
            }
        };
        let both = async { tokio::join!(feed, child.wait_with_output()).1 };
        let output = tokio::time::timeout(limit, both)
            .await
            .map_err(|_| GitError::TimedOut {
                command: name.clone(),
                seconds: limit.as_secs(),
            })?
            .map_err(|source| GitError::Start {
                command: name.clone(),
                source,
            })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let message = lines[lines.len().saturating_sub(6)..].join("; ");
        Err(GitError::Failed {
            command: name,
            message: github::redact(&message),
        })
    }
}
