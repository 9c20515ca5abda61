//! A conflating slot: the newest value and one wake-up. A slow reader sees the present, not a queue of
//! the past. For marks and pictures only; closed candles, intents and reports never go through here.

use std::sync::{Arc, Mutex, PoisonError};

/// The writer's and the reader's end are clones of each other.
#[derive(Debug)]
pub struct Slot<T> {
    newest: Arc<Mutex<Option<T>>>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self { newest: Arc::clone(&self.newest) }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { newest: Arc::new(Mutex::new(None)) }
    }
}

impl<T> Slot<T> {
    /// Puts the newest value in; `true` when the slot was empty, so that the reader has to be woken,
    /// `false` when an older value that nobody read made way.
    pub fn put(&self, value: T) -> bool {
        // Whoever panicked while holding the lock left a whole value: there is no half a store.
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).replace(value).is_none()
    }
    /// Takes the newest value out.
    pub fn take(&self) -> Option<T> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_gets_the_newest_and_is_woken_once() {
        let (writer, reader) = (Slot::default(), Slot::clone(&Slot::default()));
        assert!(reader.take().map(|value: u32| value).is_none());
        let reader = Slot::clone(&writer);
        assert_eq!([writer.put(1), writer.put(2), writer.put(3)], [true, false, false]);
        assert_eq!((reader.take(), reader.take()), (Some(3), None));
        assert!(writer.put(4), "read, so the next one wakes again");
    }
}
