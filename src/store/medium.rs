//! Where a journal's files are: a directory on a disk, or memory. Everything that is written to a journal
//! goes through this seam, so that tests and the simulator can let a disk be full, slow, torn or dead
//! without one. It moves bytes under names and knows nothing of records.

use super::files;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of one journal, by name. Names have no folders in them.
pub trait Medium: Send + 'static {
    /// The names there are, in any order.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Opens a file for reading from a byte on. What is appended later may be read or not; renaming or
    /// removing the file does not disturb who has it open.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none, others as the medium has them.
    fn open(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + Send>>;
    /// Bytes in a file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn size(&self, name: &str) -> io::Result<u64>;
    /// Writes at the end, creating the file if need be, and returns how many of the bytes were written,
    /// as `Write::write` does.
    ///
    /// # Errors
    /// When nothing could be written.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize>;
    /// Returns when everything appended to the file survives a loss of power, its name included.
    ///
    /// # Errors
    /// When that is not known.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Drops everything behind `size` bytes.
    ///
    /// # Errors
    /// When that was not possible.
    fn truncate(&mut self, name: &str, size: u64) -> io::Result<()>;
    /// Gives a file another name, which no file has yet; the name survives a loss of power.
    ///
    /// # Errors
    /// When that was not possible, or is not known.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Puts a file in the place of another or of none: after a loss of power there is the old or the new one.
    ///
    /// # Errors
    /// When that was not possible; then there is the old one.
    fn replace(&mut self, name: &str, content: &[u8]) -> io::Result<()>;
    /// Overwrites the beginning of a small file, for whoever reads it next. A loss of power may undo it.
    ///
    /// # Errors
    /// When that was not possible.
    fn note(&mut self, name: &str, content: &[u8]) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// When that was not possible.
    fn remove(&mut self, name: &str) -> io::Result<()>;
}

/// Reads a whole file.
pub(super) fn read_all(medium: &dyn Medium, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    medium.open(name, 0)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Clone for DirectoryMedium {
    /// The same directory; files are opened anew.
    fn clone(&self) -> Self {
        Self { _lock: self._lock.clone(), ..Self::new(&self.directory) }
    }
}

/// The files of a state directory.
#[derive(Debug)]
pub struct DirectoryMedium {
    directory: PathBuf,
    /// Open for appending.
    appending: Option<(String, File)>,
    /// The file open for appending has been created and its name not been made durable yet.
    is_new: bool,
    /// Open for notes.
    noting: Option<(String, File)>,
    /// The directory stays locked while something can still write to its journal.
    _lock: Option<Arc<File>>,
}

impl DirectoryMedium {
    /// For reading.
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), appending: None, is_new: false, noting: None, _lock: None }
    }

    /// For writing, under the directory's lock.
    pub(super) fn locked(directory: &Path, lock: Arc<File>) -> Self {
        Self { _lock: Some(lock), ..Self::new(directory) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn appending(&mut self, name: &str) -> io::Result<&mut File> {
        if self.appending.as_ref().is_none_or(|(open, _)| open != name) {
            let path = self.path(name);
            self.is_new = !path.exists();
            let file = files::private().append(true).create(true).open(path)?;
            self.appending = Some((name.to_owned(), file));
        }
        Ok(&mut self.appending.as_mut().expect("invariant: it was opened above").1)
    }
}

impl Medium for DirectoryMedium {
    fn names(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.directory)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn open(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut file = File::open(self.path(name))?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Box::new(file))
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        fs::metadata(self.path(name)).map(|metadata| metadata.len())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize> {
        self.appending(name)?.write(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.appending(name)?.sync_data()?;
        if self.is_new {
            files::sync_directory(&self.directory)?;
            self.is_new = false;
        }
        Ok(())
    }

    fn truncate(&mut self, name: &str, size: u64) -> io::Result<()> {
        let file = self.appending(name)?;
        file.set_len(size)?;
        file.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.appending = None;
        if self.path(to).exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.path(from), self.path(to))?;
        files::sync_directory(&self.directory)
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.noting = None;
        files::replace_durably(&self.path(name), content)
    }

    fn note(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        if self.noting.as_ref().is_none_or(|(open, _)| open != name) {
            let file = files::private().write(true).create(true).truncate(false).open(self.path(name))?;
            self.noting = Some((name.to_owned(), file));
        }
        let file = &mut self.noting.as_mut().expect("invariant: it was opened above").1;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(content)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        // Another file may get the name.
        self.appending.take_if(|(open, _)| open == name);
        fs::remove_file(self.path(name))?;
        files::sync_directory(&self.directory)
    }
}
