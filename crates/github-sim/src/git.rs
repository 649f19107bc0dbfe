//! The only module that starts git: here plumbing on one bare repository, in `backend` git's own HTTP backend for clients.
#![allow(clippy::disallowed_methods, reason = "this is the module that runs git")]

pub(crate) mod backend;

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file as it is to be in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Content, or `None` to delete the file.
    pub content: Option<Vec<u8>>,
    /// Whether the executable bit is set.
    pub executable: bool,
}

impl File {
    /// A plain file.
    pub fn plain(content: impl Into<Vec<u8>>) -> Self {
        Self {
            content: Some(content.into()),
            executable: false,
        }
    }

    /// A file with the executable bit.
    pub fn executable(content: impl Into<Vec<u8>>) -> Self {
        Self {
            content: Some(content.into()),
            executable: true,
        }
    }

    /// The file is to go.
    pub fn deleted() -> Self {
        Self {
            content: None,
            executable: false,
        }
    }
}

impl From<&str> for File {
    fn from(content: &str) -> Self {
        Self::plain(content)
    }
}

impl From<String> for File {
    fn from(content: String) -> Self {
        Self::plain(content)
    }
}

impl From<Vec<u8>> for File {
    fn from(content: Vec<u8>) -> Self {
        Self::plain(content)
    }
}

/// Who wrote a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Name; the login when the author is a simulated user.
    pub name: String,
    /// Address.
    pub email: String,
}

impl From<&str> for Author {
    fn from(login: &str) -> Self {
        Self {
            name: login.to_owned(),
            email: format!("{login}@users.noreply.example"),
        }
    }
}

/// A commit as git knows it.
#[derive(Debug, Clone)]
pub(crate) struct CommitInfo {
    pub(crate) sha: String,
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: Author,
    /// ISO 8601, UTC.
    pub(crate) authored_at: String,
    pub(crate) committer: Author,
    pub(crate) committed_at: String,
    pub(crate) message: String,
}

/// One changed file between two commits.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) path: String,
    /// `added`, `removed` or `modified`.
    pub(crate) status: &'static str,
    /// Blob after the change; the old one for a removed file.
    pub(crate) sha: String,
    pub(crate) additions: u64,
    pub(crate) deletions: u64,
    pub(crate) patch: String,
}

/// One entry of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) path: String,
    /// `blob`, `tree` or `commit`.
    pub(crate) kind: String,
    pub(crate) sha: String,
    pub(crate) size: u64,
}

/// A bare repository on disk.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    dir: PathBuf,
    home: PathBuf,
}

impl Git {
    /// Makes an empty bare repository `root/owner/name.git`.
    pub(crate) fn init(root: &Path, full_name: &str, default_branch: &str) -> Result<Self> {
        let git = Self {
            dir: root.join(format!("{full_name}.git")),
            home: root.to_owned(),
        };
        std::fs::create_dir_all(&git.dir).context("make the repository's folder")?;
        git.run(&["init", "--quiet", "--bare", "--initial-branch", default_branch, "."])?;
        // As GitHub does: partial clones, and fetching any commit that is reachable or was once.
        git.run(&["config", "uploadpack.allowFilter", "true"])?;
        git.run(&["config", "uploadpack.allowAnySHA1InWant", "true"])?;
        git.run(&["config", "http.receivepack", "true"])?;
        Ok(git)
    }

    fn environment(home: &Path) -> [(&'static str, std::ffi::OsString); 6] {
        [
            ("PATH", std::ffi::OsString::from("/usr/local/bin:/usr/bin:/bin")),
            ("HOME", home.as_os_str().to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("LC_ALL", "C.UTF-8".into()),
        ]
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .envs(Self::environment(&self.home))
            .current_dir(&self.dir)
            .args(args);
        command
    }

    fn raw(&self, args: &[&str], input: Option<&[u8]>) -> Result<(i32, Vec<u8>, String)> {
        let mut command = self.command(args);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start git: is it installed?")?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(input).context("write to git")?;
        }
        let output = child.wait_with_output().context("wait for git")?;
        let code = output.status.code().unwrap_or(-1);
        Ok((
            code,
            output.stdout,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }

    fn run(&self, args: &[&str]) -> Result<String> {
        let (code, stdout, stderr) = self.raw(args, None)?;
        ensure!(code == 0, "git {} failed ({code}): {}", args.join(" "), stderr.trim());
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }

    /// Commits `files` on top of `branch`, which is made if it does not exist, and returns the sha.
    pub(crate) fn commit(
        &self,
        branch: &str,
        files: &BTreeMap<String, File>,
        author: &Author,
        message: &str,
        at: i64,
    ) -> Result<String> {
        let reference = format!("refs/heads/{branch}");
        let who = format!("{} <{}> {at} +0000", author.name, author.email);
        let mut stream = format!(
            "commit {reference}\nauthor {who}\ncommitter {who}\ndata {}\n{message}\n",
            message.len()
        )
        .into_bytes();
        if self.resolve(&reference)?.is_some() {
            stream.extend(format!("from {reference}^0\n").bytes());
        }
        for (path, file) in files {
            let path = quoted(path);
            match &file.content {
                None => stream.extend(format!("D {path}\n").bytes()),
                Some(content) => {
                    let mode = if file.executable { "100755" } else { "100644" };
                    stream.extend(format!("M {mode} inline {path}\ndata {}\n", content.len()).bytes());
                    stream.extend(content);
                    stream.push(b'\n');
                }
            }
        }
        stream.extend(b"done\n");
        let (code, _, stderr) = self.raw(&["fast-import", "--quiet", "--done"], Some(&stream))?;
        ensure!(code == 0, "git fast-import failed ({code}): {}", stderr.trim());
        self.resolve(&reference)?
            .with_context(|| format!("{branch} is not there after the commit"))
    }

    /// The commit that `revision` names, if any.
    pub(crate) fn resolve(&self, revision: &str) -> Result<Option<String>> {
        let spec = format!("{revision}^{{commit}}");
        let (code, stdout, _) = self.raw(&["rev-parse", "--verify", "--quiet", "--end-of-options", &spec], None)?;
        Ok((code == 0).then(|| String::from_utf8_lossy(&stdout).trim().to_owned()))
    }

    /// Head of a branch, if it exists.
    pub(crate) fn head(&self, branch: &str) -> Result<Option<String>> {
        self.resolve(&format!("refs/heads/{branch}"))
    }

    /// Sets a full reference name to a commit.
    pub(crate) fn set_ref(&self, reference: &str, sha: &str) -> Result<()> {
        self.run(&["update-ref", reference, sha]).map(drop)
    }

    /// Removes a full reference name.
    pub(crate) fn delete_ref(&self, reference: &str) -> Result<()> {
        self.run(&["update-ref", "-d", reference]).map(drop)
    }

    /// All branches with their heads.
    pub(crate) fn branches(&self) -> Result<BTreeMap<String, String>> {
        let text = self.run(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/"])?;
        Ok(text
            .lines()
            .filter_map(|line| line.split_once(" refs/heads/"))
            .map(|(sha, name)| (name.to_owned(), sha.to_owned()))
            .collect())
    }

    /// Content of a file at a revision, if it is there.
    pub(crate) fn file(&self, revision: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let (code, stdout, _) = self.raw(&["cat-file", "blob", &format!("{revision}:{path}")], None)?;
        Ok((code == 0).then_some(stdout))
    }

    /// The entry at `path`, or with a slash at its end (or empty) the entries inside that folder.
    pub(crate) fn entries(&self, revision: &str, path: &str) -> Result<Vec<Entry>> {
        let mut args = vec!["ls-tree", "-z", "--long", "--full-tree", revision];
        if !path.is_empty() {
            args.extend(["--", path]);
        }
        let text = self.run(&args)?;
        Ok(text
            .split('\0')
            .filter_map(|line| {
                let (meta, path) = line.split_once('\t')?;
                let mut words = meta.split_whitespace().skip(1);
                let (kind, sha, size) = (words.next()?, words.next()?, words.next()?);
                Some(Entry {
                    path: path.into(),
                    kind: kind.into(),
                    sha: sha.into(),
                    size: size.parse().unwrap_or(0),
                })
            })
            .collect())
    }

    /// The unified diff between two revisions.
    pub(crate) fn diff(&self, before: &str, after: &str) -> Result<String> {
        self.run(&["diff", "--no-color", "--no-ext-diff", before, after])
    }

    /// The changed files between two revisions; a rename shows as removal and addition.
    pub(crate) fn changes(&self, before: &str, after: &str) -> Result<Vec<Change>> {
        let raw = self.run(&["diff", "--no-renames", "--raw", "--abbrev=40", "-z", before, after])?;
        let text = self.run(&["diff", "--no-renames", "--no-color", "--no-ext-diff", before, after])?;
        // Both list the files in the same order, and no line of a hunk begins like a header.
        let mut patches = format!("\n{text}")
            .split("\ndiff --git ")
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into_iter();
        let mut fields = raw.split('\0');
        let mut changes = Vec::new();
        while let (Some(meta), Some(path)) = (fields.next().filter(|meta| !meta.is_empty()), fields.next()) {
            let words: Vec<&str> = meta.split_whitespace().collect();
            let [_, _, old, new, letter] = words.as_slice() else {
                bail!("unexpected line of git diff --raw: {meta}")
            };
            let status = match *letter {
                "A" => "added",
                "D" => "removed",
                _ => "modified",
            };
            let text = patches.next().unwrap_or_default();
            let patch = text
                .find("\n@@ ")
                .map(|at| text[at + 1..].trim_end_matches('\n').to_owned())
                .unwrap_or_default();
            let count = |sign: char| patch.lines().filter(|line| line.starts_with(sign)).count() as u64;
            let (additions, deletions) = (count('+'), count('-'));
            let sha = if status == "removed" { old } else { new };
            changes.push(Change {
                path: path.to_owned(),
                status,
                sha: (*sha).to_owned(),
                additions,
                deletions,
                patch,
            });
        }
        Ok(changes)
    }

    /// Commits of a revision range, oldest first, at most `limit`.
    pub(crate) fn log(&self, range: &str, limit: usize) -> Result<Vec<CommitInfo>> {
        let limit = format!("--max-count={limit}");
        let format = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x01";
        let text = self.run(&["log", "--reverse", &limit, format, "--end-of-options", range])?;
        text.split('\u{1}')
            .map(str::trim_start)
            .filter(|record| !record.is_empty())
            .map(parse_commit)
            .collect()
    }

    /// One commit.
    pub(crate) fn info(&self, sha: &str) -> Result<CommitInfo> {
        self.log(&format!("{sha}^!"), 1)?
            .pop()
            .with_context(|| format!("no commit {sha}"))
    }

    /// Best common ancestor, if there is one.
    pub(crate) fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>> {
        let (code, stdout, _) = self.raw(&["merge-base", one, other], None)?;
        Ok((code == 0).then(|| String::from_utf8_lossy(&stdout).trim().to_owned()))
    }

    /// How many commits are only in `base` and only in `head`.
    pub(crate) fn ahead_behind(&self, base: &str, head: &str) -> Result<(u64, u64)> {
        let text = self.run(&["rev-list", "--left-right", "--count", &format!("{base}...{head}")])?;
        let mut words = text.split_whitespace().map(|word| word.parse().unwrap_or(0));
        let behind = words.next().unwrap_or(0);
        Ok((words.next().unwrap_or(0), behind))
    }

    /// Whether `old` is an ancestor of `new`.
    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> Result<bool> {
        Ok(self.raw(&["merge-base", "--is-ancestor", old, new], None)?.0 == 0)
    }

    /// The tree that merging would give, or `None` on a conflict.
    pub(crate) fn merge_tree(&self, base: &str, head: &str) -> Result<Option<String>> {
        let (code, stdout, stderr) = self.raw(&["merge-tree", "--write-tree", base, head], None)?;
        match code {
            0 => Ok(String::from_utf8_lossy(&stdout).lines().next().map(str::to_owned)),
            1 => Ok(None),
            _ => bail!("git merge-tree failed ({code}): {}", stderr.trim()),
        }
    }

    /// Writes a commit object and returns its sha; no reference moves.
    pub(crate) fn commit_tree(
        &self,
        tree: &str,
        parents: &[&str],
        author: &Author,
        message: &str,
        at: i64,
    ) -> Result<String> {
        let mut args = vec!["commit-tree", tree, "-m", message];
        for parent in parents {
            args.extend(["-p", parent]);
        }
        let date = format!("{at} +0000");
        let mut command = self.command(&args);
        for (role, value) in [("NAME", &author.name), ("EMAIL", &author.email), ("DATE", &date)] {
            command
                .env(format!("GIT_AUTHOR_{role}"), value)
                .env(format!("GIT_COMMITTER_{role}"), value);
        }
        let output = command.stdin(Stdio::null()).output().context("start git commit-tree")?;
        ensure!(
            output.status.success(),
            "git commit-tree failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn parse_commit(record: &str) -> Result<CommitInfo> {
    let fields: Vec<&str> = record.splitn(10, '\0').collect();
    let [
        sha,
        tree,
        parents,
        author,
        email,
        authored,
        committer,
        committer_email,
        committed,
        message,
    ] = fields.as_slice()
    else {
        bail!("unexpected record of git log");
    };
    Ok(CommitInfo {
        sha: (*sha).to_owned(),
        tree: (*tree).to_owned(),
        parents: parents.split_whitespace().map(str::to_owned).collect(),
        author: Author {
            name: (*author).to_owned(),
            email: (*email).to_owned(),
        },
        authored_at: iso(authored),
        committer: Author {
            name: (*committer).to_owned(),
            email: (*committer_email).to_owned(),
        },
        committed_at: iso(committed),
        message: message.trim_end().to_owned(),
    })
}

fn iso(seconds: &str) -> String {
    let at = seconds
        .parse()
        .ok()
        .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        .unwrap_or_default();
    crate::state::stamp(at)
}

/// A path in the quotes of git's fast-import, which always accepts them.
fn quoted(path: &str) -> String {
    format!(
        "\"{}\"",
        path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}
