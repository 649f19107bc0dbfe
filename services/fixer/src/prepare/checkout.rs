//! Files of a checkout, read without being led out of it.
use std::path::{Component, Path, PathBuf};

/// Largest manifest or lock file that is read, in bytes.
pub(super) const MAX_MANIFEST: u64 = 32 << 20;
/// The place of a file of the checkout, if neither it nor a folder on its way is a link: a link may lead out of the checkout.
fn plain(checkout: &Path, path: &Path) -> Option<(PathBuf, u64)> {
    let mut at = checkout.to_path_buf();
    let mut size = None;
    for part in path.components() {
        let Component::Normal(part) = part else { return None };
        at.push(part);
        let found = at.symlink_metadata().ok().filter(|found| !found.is_symlink())?;
        size = found.is_file().then_some(found.len());
    }
    Some((at, size?))
}

/// Whether it is a file of the checkout, reached through no link.
pub(super) fn is_plain_file(checkout: &Path, path: impl AsRef<Path>) -> bool {
    plain(checkout, path.as_ref()).is_some()
}

/// The content of a file of the checkout that is reached through no link and not too large.
pub(super) fn read_plain(checkout: &Path, path: impl AsRef<Path>) -> Option<Vec<u8>> {
    let (place, size) = plain(checkout, path.as_ref())?;
    (size <= MAX_MANIFEST).then(|| std::fs::read(place).ok())?
}

pub(super) fn read_text(checkout: &Path, path: impl AsRef<Path>) -> Option<String> {
    read_plain(checkout, path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
