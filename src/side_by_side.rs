//! The same work on each of many things, on several threads. It knows neither the things nor the work.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

/// As many threads as the machine runs at a time.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// What comes of each thing, in their order. Threads take one after the other, so that long and short work mixes; no more
/// than `threads` of them, one of which is the caller's.
///
/// # Panics
/// When the work does.
pub fn map<T: Sync, R: Send>(things: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(place) else { return done };
            done.push((place, work(thing)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(things.len())).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_worked_on_once_and_results_keep_their_order() {
        let things: Vec<usize> = (0..1_000).collect();
        for threads in [0, 1, 2, 7, 2_000] {
            let calls = AtomicUsize::new(0);
            let doubled = map(&things, threads, |thing| {
                calls.fetch_add(1, Ordering::Relaxed);
                2 * thing
            });
            assert_eq!(doubled, things.iter().map(|thing| 2 * thing).collect::<Vec<_>>());
            assert_eq!(calls.into_inner(), things.len());
        }
        assert!(map(&[], 3, |_: &u8| ()).is_empty());
    }

    #[test]
    #[should_panic(expected = "at 5")]
    fn a_panic_reaches_the_caller() {
        map(&[1, 5, 9], 2, |thing| assert!(*thing != 5, "at {thing}"));
    }
}
