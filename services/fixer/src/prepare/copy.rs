//! A writable copy of a checkout, and what was made in it.
use std::path::{Path, PathBuf};

use super::PrepareError;

/// Most files of a checkout that is copied.
const MAX_FILES: usize = 500_000;
/// Most new files and folders that are mounted one by one.
const MAX_MADE: usize = 200;
/// What test runs and interpreters leave behind, and what is not part of the source.
const IGNORED: [&str; 7] = [
    ".git",
    "__pycache__",
    ".pytest_cache",
    ".npm",
    ".cache",
    ".mypy_cache",
    ".ruff_cache",
];

/// Copies files, folders and links. Links are copied as links: none is followed. `.git` stays behind.
pub(super) async fn tree(from: &Path, to: &Path) -> Result<(), PrepareError> {
    let doing = format!("cannot copy the checkout to {}", to.display());
    let (from, to) = (from.to_owned(), to.to_owned());
    let copied = tokio::task::spawn_blocking(move || copy(&from, &to, &mut { MAX_FILES })).await;
    copied
        .unwrap_or_else(|died| Err(std::io::Error::other(died)))
        .map_err(PrepareError::layers(doing))
}

fn copy(from: &Path, to: &Path, left: &mut usize) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        *left = left
            .checked_sub(1)
            .ok_or_else(|| std::io::Error::other("the checkout has too many files"))?;
        if entry.file_name() == ".git" {
            continue;
        }
        if kind.is_dir() {
            copy(&entry.path(), &target, left)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Moves what is in `changed` and not in `original` to `to`, and returns the topmost paths. Links are left out: mounting one would show
/// what it points at on the host. So are files that were changed: tests run on the repository's own.
pub(super) fn take_new(original: &Path, changed: &Path, to: &Path) -> Result<Vec<PathBuf>, PrepareError> {
    let mut made = Vec::new();
    walk(original, changed, Path::new(""), &mut made)
        .map_err(PrepareError::layers("cannot read what the setup command made"))?;
    for path in &made {
        let target = to.join(path);
        let moved = target
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::rename(changed.join(path), &target));
        moved.map_err(PrepareError::layers("cannot keep what the setup command made"))?;
    }
    Ok(made)
}

fn walk(original: &Path, changed: &Path, at: &Path, made: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(changed.join(at))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let path = at.join(&name);
        let kind = entry.file_type()?;
        if kind.is_symlink()
            || IGNORED.iter().any(|ignored| name == *ignored)
            || path.extension().is_some_and(|extension| extension == "pyc")
        {
            continue;
        }
        match original.join(&path).symlink_metadata() {
            Ok(known) if known.is_dir() && kind.is_dir() => walk(original, changed, &path, made)?,
            Ok(_) => {}
            Err(_) if made.len() < MAX_MADE => made.push(path),
            Err(_) => {
                return Err(std::io::Error::other(format!(
                    "it made more than {MAX_MADE} files in folders of the repository"
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn only_new_files_and_folders_are_taken_and_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (original, changed, to) = (
            folder.path().join("a"),
            folder.path().join("b"),
            folder.path().join("c"),
        );
        std::fs::create_dir_all(original.join("src/.git")).unwrap();
        std::fs::write(original.join("src/x.py"), "1").unwrap();
        std::os::unix::fs::symlink("/etc", original.join("link")).unwrap();
        tree(&original, &changed).await.unwrap();
        assert!(changed.join("link").is_symlink() && !changed.join("src/.git").exists());
        std::fs::write(changed.join("src/x.py"), "2").unwrap();
        std::fs::write(changed.join("src/version.py"), "3").unwrap();
        std::fs::create_dir_all(changed.join("node_modules/a")).unwrap();
        std::os::unix::fs::symlink("/etc", changed.join("trap")).unwrap();
        assert_eq!(
            take_new(&original, &changed, &to).unwrap(),
            [PathBuf::from("node_modules"), PathBuf::from("src/version.py")]
        );
        assert!(to.join("node_modules/a").is_dir());
    }
}
