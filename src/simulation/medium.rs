//! The disk of a simulated process: the journal's files in memory, at which the process may die while it writes or
//! flushes, the power may fail, and a flush may. What a dead process writes reaches nothing.

use super::world::World;
use crate::store::{Medium, MemoryMedium};
use std::io::{self, Read};

/// Longest time until the next process, in milliseconds.
const MOST_DEAD_MS: u64 = 30_000;

/// The disk in one life of the process.
#[derive(Clone)]
pub(super) struct Disk {
    pub(super) world: World,
    pub(super) life: u32,
    pub(super) files: MemoryMedium,
}

/// What happens at a write or flush.
enum Strike {
    Nothing,
    /// The process died.
    Death,
    Failure,
}

impl Disk {
    /// Lets something happen to the files while the process lives; a dead one is told that all is well.
    fn alive(&mut self, act: impl FnOnce(&mut MemoryMedium) -> io::Result<()>) -> io::Result<()> {
        let files = &mut self.files;
        self.world.of_life(self.life, |_| act(files)).unwrap_or(Ok(()))
    }

    /// A write that the process may die of: of `bytes` some reach the file, and what comes behind may be anything.
    fn strike_at_write(&mut self, name: &str, bytes: &[u8]) -> Strike {
        let files = &mut self.files;
        let struck = self.world.of_life(self.life, |host| {
            if !host.happens(host.scenario().rates.torn_append) {
                return Strike::Nothing;
            }
            let written = (bytes.len() as u64 * host.draw(256) / 256) as usize;
            let garbage: &[u8] = if host.draw(10) < 3 { &[0; 7] } else { &[] };
            // Memory takes all of it, and what it is told is of no interest to the dead.
            drop(files.append(name, &[&bytes[..written], garbage].concat()));
            let ms = host.draw(MOST_DEAD_MS) as i64 + 1;
            host.note(|| format!("  dies at {written} of {} bytes written", bytes.len()));
            host.crash(ms);
            Strike::Death
        });
        struck.unwrap_or(Strike::Death)
    }

    fn strike_at_flush(&mut self) -> Strike {
        let files = &self.files;
        let struck = self.world.of_life(self.life, |host| {
            if host.happens(host.scenario().rates.failed_flush) {
                host.note(|| "  a flush of the journal fails".into());
                host.inside.disk_failed = true;
                return Strike::Failure;
            }
            if !host.happens(host.scenario().rates.torn_append) {
                return Strike::Nothing;
            }
            let share = host.draw(256) as usize;
            host.inside.medium = files.after_power_loss(|unsafe_bytes| unsafe_bytes * share / 256);
            let ms = host.draw(MOST_DEAD_MS) as i64 + 1;
            host.note(|| format!("  the power fails, {share}/256 of what was not flushed is there"));
            host.crash(ms);
            Strike::Death
        });
        struck.unwrap_or(Strike::Death)
    }
}

impl Medium for Disk {
    fn names(&self) -> io::Result<Vec<String>> {
        self.files.names()
    }

    fn open(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + Send>> {
        self.files.open(name, from)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.files.size(name)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize> {
        match self.strike_at_write(name, bytes) {
            Strike::Nothing => self.files.append(name, bytes),
            Strike::Death | Strike::Failure => Ok(bytes.len()),
        }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        match self.strike_at_flush() {
            Strike::Nothing => self.files.sync(name),
            Strike::Death => Ok(()),
            Strike::Failure => Err(io::Error::other("input/output error")),
        }
    }

    fn truncate(&mut self, name: &str, size: u64) -> io::Result<()> {
        self.alive(|files| files.truncate(name, size))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.alive(|files| files.rename(from, to))
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.alive(|files| files.replace(name, content))
    }

    fn note(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.alive(|files| files.note(name, content))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.alive(|files| files.remove(name))
    }
}
