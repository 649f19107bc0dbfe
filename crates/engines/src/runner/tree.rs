//! A private copy of a checkout, so that what tests do to it harms nobody.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Copies files, folders and links; leaves out `.git` at the top, sockets, pipes and devices. Links are copied as links: what they
/// point at is found, or not, inside the sandbox.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut waiting = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((source, target)) = waiting.pop() {
        fs::create_dir_all(&target)?;
        for entry in fs::read_dir(&source)? {
            let entry = entry?;
            let (path, copy) = (entry.path(), target.join(entry.file_name()));
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                symlink(fs::read_link(&path)?, &copy)?;
            } else if kind.is_dir() {
                if path != from.join(".git") {
                    waiting.push((path, copy));
                }
            } else if kind.is_file() {
                fs::copy(&path, &copy)?;
                // Whoever made the checkout may have made it read-only; the copy is there to be changed.
                let mut permissions = entry.metadata()?.permissions();
                permissions.set_mode(permissions.mode() | 0o600);
                fs::set_permissions(&copy, permissions)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn copies_what_a_checkout_holds() {
        let from = tempfile::tempdir().unwrap();
        let to = tempfile::tempdir().unwrap();
        fs::create_dir_all(from.path().join(".git/hooks")).unwrap();
        fs::create_dir_all(from.path().join("src/pkg")).unwrap();
        fs::write(from.path().join("src/pkg/a.py"), "a = 1").unwrap();
        symlink("/etc/shadow", from.path().join("link")).unwrap();
        let target = to.path().join("copy");
        copy(from.path(), &target).unwrap();
        assert_eq!(fs::read_to_string(target.join("src/pkg/a.py")).unwrap(), "a = 1");
        assert_eq!(fs::read_link(target.join("link")).unwrap(), Path::new("/etc/shadow"));
        assert!(!target.join(".git").exists());
    }
}
