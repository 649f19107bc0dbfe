//! The Postgres of a fleet.

use crate::script::{Scripts, program, run};
use anyhow::{Context as _, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SCRIPT: &str = "postgres.sh";
const PATIENCE: Duration = Duration::from_secs(60);
/// Between the columns of a row: no text of ours holds it.
const COLUMN: char = '\u{1f}';

/// The Postgres of a fleet: a private one, or a database of its own in one that was there already.
pub struct Postgres {
    scripts: Scripts,
    url: String,
    keep: Keep,
}

/// What is to be cleaned up.
enum Keep {
    /// The private one lives in this folder.
    Server(PathBuf),
    /// The database of this name, at this server.
    Database { server: String, name: String },
}

impl Postgres {
    pub(crate) async fn start(scripts: Scripts, given: Option<String>) -> Result<Self> {
        let start = move |scripts: &Scripts| match given {
            Some(server) => Self::beside(scripts, server),
            None => Self::private(scripts),
        };
        scripts.aside(start).await
    }

    fn private(scripts: &Scripts) -> Result<Self> {
        let (folder, url) = scripts.start(SCRIPT, None)?;
        let made = Self {
            scripts: scripts.clone(),
            url,
            keep: Keep::Server(folder),
        };
        // What is committed has to outlive a crash of the server, as it does in earnest.
        psql(&made.url, "alter role current_user set synchronous_commit = on")?;
        Ok(made)
    }

    fn beside(scripts: &Scripts, server: String) -> Result<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(1);
        let name = format!("fleet_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        psql(&server, &format!("create database {name}"))?;
        Ok(Self {
            scripts: scripts.clone(),
            url: of_database(&server, &name),
            keep: Keep::Database { server, name },
        })
    }

    /// Its address, with the password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks it something; the rows, each with its columns as texts.
    ///
    /// # Errors
    /// What `psql` says.
    pub async fn query(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let (url, sql) = (self.url.clone(), sql.to_owned());
        let printed = self.scripts.aside(move |_| psql(&url, &sql)).await?;
        let row = |line: &str| line.split(COLUMN).map(str::to_owned).collect();
        Ok(printed.lines().map(row).collect())
    }

    fn own(&self) -> Result<&Path> {
        match &self.keep {
            Keep::Server(folder) => Some(folder.as_path()),
            Keep::Database { .. } => None,
        }
        .context("this Postgres was not started here, so it is not stopped here")
    }

    async fn script(&self, what: &'static str) -> Result<()> {
        let folder = self.own()?.to_owned();
        let run = move |scripts: &Scripts| scripts.run(SCRIPT, &[OsStr::new(what), folder.as_os_str()]);
        self.scripts.aside(run).await.map(drop)
    }

    /// Stops it, throwing everybody out, and keeps what it has on disk.
    ///
    /// # Errors
    /// When it is not ours.
    pub async fn halt(&self) -> Result<()> {
        self.script("halt").await
    }

    /// Starts it again after [`Self::halt`], at the same address; returns when it answers.
    ///
    /// # Errors
    /// When it is not ours, or does not answer in time.
    pub async fn start_again(&self) -> Result<()> {
        let (folder, url) = (self.own()?.to_owned(), self.url.clone());
        let again = move |scripts: &Scripts| scripts.start_again(SCRIPT, &folder, &url);
        self.scripts.aside(again).await
    }

    /// Ends every connection to the database, as an administrator can; returns how many.
    ///
    /// # Errors
    /// What `psql` says.
    pub async fn terminate_backends(&self) -> Result<usize> {
        let others = "select pg_terminate_backend(pid) from pg_stat_activity \
                      where datname = current_database() and pid <> pg_backend_pid()";
        self.query(others).await.map(|rows| rows.len())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let done = match &self.keep {
            Keep::Server(folder) => self.scripts.run(SCRIPT, &[OsStr::new("stop"), folder.as_os_str()]),
            Keep::Database { server, name } => psql(server, &format!("drop database {name} with (force)")),
        };
        if let Err(error) = done {
            eprintln!("a database is left behind: {error:#}");
        }
    }
}

/// The same server, another database.
fn of_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_at(server.find('?').unwrap_or(server.len()));
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find('/').map_or(address.len(), |slash| host + slash);
    format!("{}/{name}{options}", &address[..end])
}

/// Diesel and its like are for the planner alone; whoever looks from outside uses what an administrator has.
fn psql(url: &str, sql: &str) -> Result<String> {
    let mut command = program("psql");
    let column = COLUMN.to_string();
    command.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-F",
        &column,
        "-d",
        url,
        "-c",
        sql,
    ]);
    run(command, PATIENCE).context("psql")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_in_the_address() {
        for (server, expected) in [
            ("postgres://me:pw@h:5/postgres", "postgres://me:pw@h:5/f"),
            ("postgres://me:pw@h:5", "postgres://me:pw@h:5/f"),
            ("postgres://h/a?sslmode=disable", "postgres://h/f?sslmode=disable"),
        ] {
            assert_eq!(of_database(server, "f"), expected);
        }
    }
}
