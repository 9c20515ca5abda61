//! The lock of a state directory: one process writes. It lasts as long as the file is open, so a killed
//! process leaves none behind. Readers do not ask for it.

use super::{StoreError, files};
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

/// Name of the lock in a state directory.
pub(super) const LOCK: &str = "lock";

/// Takes the lock, or says who has it.
pub(super) fn acquire(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join(LOCK);
    loop {
        let mut file = files::private()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(StoreError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { path: directory.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::io("lock", &path)(source)),
        }
        // The directory may have been renamed away between opening and locking.
        if is_still(&file, &path) {
            let note = |file: &mut File| {
                file.set_len(0)?;
                writeln!(file, "{}", std::process::id())
            };
            note(&mut file).map_err(StoreError::io("write", &path))?;
            return Ok(file);
        }
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> bool {
    path.exists()
}
