//! Files and directories that only their owner may read, written so that a crash leaves the old or the
//! new one. Knows nothing of what is in them.

use super::StoreError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[cfg(unix)]
const DIRECTORY_MODE: u32 = 0o700;
#[cfg(unix)]
const FILE_MODE: u32 = 0o600;

/// Creates a directory, and those above it, that only the owner may enter.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, DIRECTORY_MODE);
    builder.create(path)
}

/// Takes a directory's rights from everyone but its owner.
pub(super) fn restrict_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(DIRECTORY_MODE))?;
    Ok(())
}

/// Options for files that only the owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    options
}

/// Makes names created or removed in a directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces a file as a whole.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    replace_durably(path, content).map_err(StoreError::io("write", path))
}

/// Likewise, with the system's own error.
pub(super) fn replace_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = private().write(true).create(true).truncate(true).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Renames a file or directory to its name with the first free number behind it.
pub(super) fn rename_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let aside = numbered(path).find(|path| !path.exists()).expect("invariant: numbers do not end");
    fs::rename(path, &aside).map_err(StoreError::io("rename", path))?;
    if let Some(parent) = path.parent() {
        sync_directory(parent).map_err(StoreError::io("write", parent))?;
    }
    Ok(aside)
}

fn numbered(path: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let path = path.as_os_str().to_owned();
    (1u64..).map(move |number| {
        let mut path = path.clone();
        path.push(format!(".{number}"));
        PathBuf::from(path)
    })
}
