//! Trees of a repository: written out for a sandbox, changed by a fix, compared, committed. Only git's own objects are
//! read, never files that a repository could have replaced by links to this machine.

use super::git::{Git, GitError};
use domain::fix::{FileDiff, FileRewrite};
use domain::guardrail::{EntryKind, TreeChange};
use domain::path::RepoPath;
use domain::repo::{BranchName, CommitSha};
use std::collections::BTreeMap;
use std::path::Path;

/// Largest file that is read into memory, in bytes.
const MAX_FILE: usize = 2 << 20;

/// The tags that may mark a release: `shop@1.2` is tagged `shop@1.2`, `1.2` or `v1.2`.
pub(super) fn tags_of(release: &str) -> Vec<String> {
    let version = release.rsplit('@').next().unwrap_or(release);
    let mut tags: Vec<String> = vec![release.to_owned(), version.to_owned(), format!("v{version}")];
    tags.dedup();
    tags.retain(|tag| BranchName::parse(tag).is_ok());
    tags.into_iter().map(|tag| format!("refs/tags/{tag}")).collect()
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Six octal digits.
    pub mode: String,
    /// Git's hash of the content.
    pub object: String,
    /// Size in bytes.
    pub size: usize,
}

fn is_readable(entry: &Entry) -> bool {
    entry.mode.starts_with("100") && entry.size <= MAX_FILE
}

/// Who commits, when.
#[derive(Clone, Debug)]
pub struct Committer {
    /// Name, also used as author.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Seconds since 1970.
    pub at: i64,
}

impl Git {
    /// The tree of a commit.
    ///
    /// # Errors
    /// When the commit is not there.
    pub async fn tree_of(&self, commit: &str) -> Result<String, GitError> {
        self.text(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &format!("{commit}^{{tree}}"),
        ])
        .await
    }

    /// The commit that a release names, where there is one: by the hash behind its last `@`, or by a tag of that name.
    pub async fn release(&self, release: &str) -> Option<CommitSha> {
        let version = release.rsplit('@').next().unwrap_or(release);
        let is_hash = version.len() >= 7 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hash = is_hash.then(|| version.to_owned());
        for name in hash.into_iter().chain(tags_of(release)) {
            let name = format!("{name}^{{commit}}");
            let found = self
                .text(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])
                .await;
            if let Some(sha) = found.ok().and_then(|sha| CommitSha::parse(&sha).ok()) {
                return Some(sha);
            }
        }
        None
    }

    /// Every file of a tree by its path. Submodules are left out.
    ///
    /// # Errors
    /// When the tree is not there.
    pub async fn entries(&self, tree: &str) -> Result<BTreeMap<String, Entry>, GitError> {
        let out = self
            .run(&["ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", tree])
            .await?;
        let mut entries = BTreeMap::new();
        for record in out.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
            let record = String::from_utf8_lossy(record);
            let Some((head, path)) = record.split_once('\t') else {
                continue;
            };
            let fields: Vec<&str> = head.split_whitespace().collect();
            let [mode, "blob", object, size] = fields.as_slice() else {
                continue;
            };
            entries.insert(
                path.to_owned(),
                Entry {
                    mode: (*mode).to_owned(),
                    object: (*object).to_owned(),
                    size: size.parse().unwrap_or(usize::MAX),
                },
            );
        }
        Ok(entries)
    }

    /// The texts of the plain files whose path `wanted` accepts. Files that are not UTF-8 or too large are left out.
    ///
    /// # Errors
    /// When the objects are not there.
    pub async fn texts(&self, tree: &str, wanted: fn(&str) -> bool) -> Result<BTreeMap<String, String>, GitError> {
        let entries: Vec<_> = self
            .entries(tree)
            .await?
            .into_iter()
            .filter(|(path, entry)| is_readable(entry) && wanted(path))
            .collect();
        let asked: String = entries.iter().map(|(_, entry)| format!("{}\n", entry.object)).collect();
        let out = self.batch(&asked).await?;
        let mut texts = BTreeMap::new();
        let mut rest = out.as_slice();
        for (path, _) in entries {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                break;
            };
            let size = String::from_utf8_lossy(&rest[..end])
                .rsplit(' ')
                .next()
                .and_then(|size| size.parse::<usize>().ok())
                .unwrap_or(0);
            let Some(content) = rest.get(end + 1..end + 1 + size) else {
                break;
            };
            if let Ok(text) = std::str::from_utf8(content) {
                texts.insert(path, text.to_owned());
            }
            rest = rest.get(end + 2 + size..).unwrap_or_default();
        }
        Ok(texts)
    }

    /// The symbolic links of a tree, and what each of them says. A link whose path or text cannot be one is left out.
    ///
    /// # Errors
    /// When the tree is not there.
    pub async fn links(&self, tree: &str) -> Result<Vec<(RepoPath, String)>, GitError> {
        let mut links = Vec::new();
        for (path, entry) in self.entries(tree).await? {
            if entry.mode == "120000"
                && let Ok(path) = RepoPath::parse(&path)
            {
                let target = self.text(&["cat-file", "blob", &entry.object]).await?;
                links.push((path, target));
            }
        }
        Ok(links)
    }

    /// The text of one plain file, `None` where there is none.
    ///
    /// # Errors
    /// When the tree is not there.
    pub async fn file(&self, tree: &str, path: &str) -> Result<Option<String>, GitError> {
        let Some(entry) = self.entries(tree).await?.remove(path).filter(is_readable) else {
            return Ok(None);
        };
        Ok(String::from_utf8(self.run(&["cat-file", "blob", &entry.object]).await?).ok())
    }

    async fn batch(&self, asked: &str) -> Result<Vec<u8>, GitError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        self.with_bytes(&["cat-file", "--batch"], asked.as_bytes()).await
    }

    /// Writes a tree out into an empty folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn write_out(&self, tree: &str, folder: &Path) -> Result<(), GitError> {
        let start = |source| GitError::Start {
            command: "checkout-index".into(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(start)?;
        let index = folder.with_extension("index");
        let index_text = index.to_string_lossy().into_owned();
        let work_tree = folder.to_string_lossy().into_owned();
        let env = [
            ("GIT_INDEX_FILE", index_text.as_str()),
            ("GIT_WORK_TREE", work_tree.as_str()),
        ];
        let done = async {
            self.with(&["read-tree", "--end-of-options", tree], &env, None).await?;
            self.with(&["checkout-index", "--all", "--quiet", "--force"], &env, None)
                .await
        };
        let done = done.await;
        let _ = std::fs::remove_file(&index);
        done.map(|_| ())
    }

    /// The tree that results when `files` replace theirs in `tree`. Existing files keep their mode.
    ///
    /// # Errors
    /// When git cannot write.
    pub async fn apply(&self, tree: &str, files: &[FileRewrite]) -> Result<String, GitError> {
        let scratch = tempfile::tempdir().map_err(|source| GitError::Start {
            command: "apply".into(),
            source,
        })?;
        let index = scratch.path().join("index").to_string_lossy().into_owned();
        let env = [("GIT_INDEX_FILE", index.as_str())];
        self.with(&["read-tree", "--end-of-options", tree], &env, None).await?;
        let entries = self.entries(tree).await?;
        let mut lines = String::new();
        for file in files {
            let path = file.path.as_str();
            match &file.content {
                Some(content) => {
                    let object = self
                        .with(&["hash-object", "-w", "--stdin"], &[], Some(content.as_bytes()))
                        .await?;
                    let mode = entries.get(path).map_or("100644", |entry| entry.mode.as_str());
                    lines.push_str(&format!("{mode} {object}\t{path}\0"));
                }
                None => lines.push_str(&format!("0 {}\t{path}\0", "0".repeat(tree.len()))),
            }
        }
        self.with(&["update-index", "-z", "--index-info"], &env, Some(lines.as_bytes()))
            .await?;
        self.with(&["write-tree"], &env, None).await
    }

    /// What differs between two trees, for the guardrails. A rename is a removal and an addition.
    ///
    /// # Errors
    /// When a tree is not there.
    pub async fn changes(&self, before: &str, after: &str) -> Result<Vec<TreeChange>, GitError> {
        let raw = self
            .run(&[
                "diff-tree",
                "-r",
                "-z",
                "--raw",
                "--no-renames",
                "--end-of-options",
                before,
                after,
            ])
            .await?;
        let counts = self
            .run(&[
                "diff-tree",
                "-r",
                "-z",
                "--numstat",
                "--no-renames",
                "--end-of-options",
                before,
                after,
            ])
            .await?;
        let mut lines = BTreeMap::new();
        for record in counts.split(|byte| *byte == 0) {
            let record = String::from_utf8_lossy(record);
            let mut fields = record.splitn(3, '\t');
            if let (Some(added), Some(removed), Some(path)) = (fields.next(), fields.next(), fields.next()) {
                // A binary file has dashes; it counts as larger than any limit on lines.
                lines.insert(
                    path.to_owned(),
                    (added.parse().unwrap_or(u32::MAX), removed.parse().unwrap_or(u32::MAX)),
                );
            }
        }
        let mut changes = Vec::new();
        let mut fields = raw
            .split(|byte| *byte == 0)
            .map(|field| String::from_utf8_lossy(field).into_owned());
        while let (Some(head), Some(path)) = (fields.next(), fields.next()) {
            let parts: Vec<&str> = head.trim_start_matches(':').split_whitespace().collect();
            let [mode_before, mode_after, object_before, object_after, ..] = parts.as_slice() else {
                continue;
            };
            let (added, removed) = lines.get(&path).copied().unwrap_or((0, 0));
            let (before, after) = (
                self.kind(mode_before, object_before).await?,
                self.kind(mode_after, object_after).await?,
            );
            let bytes = match after {
                Some(EntryKind::File | EntryKind::Executable) => self
                    .text(&["cat-file", "-s", object_after])
                    .await?
                    .parse()
                    .unwrap_or(u64::MAX),
                _ => 0,
            };
            changes.push(TreeChange {
                path,
                before,
                after,
                added,
                removed,
                bytes,
            });
        }
        Ok(changes)
    }

    async fn kind(&self, mode: &str, object: &str) -> Result<Option<EntryKind>, GitError> {
        Ok(match mode {
            "100644" | "100664" => Some(EntryKind::File),
            "100755" => Some(EntryKind::Executable),
            "120000" => Some(EntryKind::Link(self.text(&["cat-file", "blob", object]).await?)),
            "000000" => None,
            _ => Some(EntryKind::Submodule),
        })
    }

    /// The unified diff of each changed file.
    ///
    /// # Errors
    /// When a tree is not there.
    pub async fn diffs(&self, before: &str, after: &str) -> Result<Vec<FileDiff>, GitError> {
        let mut diffs = Vec::new();
        for change in self.changes(before, after).await? {
            let diff = self
                .text(&[
                    "diff-tree",
                    "-p",
                    "--no-renames",
                    "--no-color",
                    "--no-ext-diff",
                    "--no-textconv",
                    before,
                    after,
                    "--",
                    &change.path,
                ])
                .await?;
            diffs.push(FileDiff {
                path: change.path,
                diff: diff + "\n",
            });
        }
        Ok(diffs)
    }

    /// Commits a tree on top of `parent`.
    ///
    /// # Errors
    /// When git cannot write.
    pub async fn commit(
        &self,
        tree: &str,
        parent: &CommitSha,
        message: &str,
        who: &Committer,
    ) -> Result<CommitSha, GitError> {
        let date = format!("{} +0000", who.at);
        let env = [
            ("GIT_AUTHOR_NAME", who.name.as_str()),
            ("GIT_AUTHOR_EMAIL", &who.email),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_NAME", &who.name),
            ("GIT_COMMITTER_EMAIL", &who.email),
            ("GIT_COMMITTER_DATE", &date),
        ];
        let sha = self
            .with(
                &["commit-tree", tree, "-p", parent.as_str(), "-F", "-"],
                &env,
                Some(message.as_bytes()),
            )
            .await?;
        CommitSha::parse(&sha).map_err(|e| GitError::Failed {
            command: "commit-tree".into(),
            message: e.to_string(),
        })
    }
}
