//! A local book, kept by the venue's rules of sequence numbers, as a pure state machine.
//!
//! Changes are buffered until a snapshot is there. Changes older than it are dropped, the first one applied must
//! span it (or follow it directly), and every other must follow the one before. What does not fit makes the book
//! unusable until the next snapshot: a book that is wrong is worse than none. Fetches nothing itself.
//! Source: the venue's documents, "local book".

use crate::aster::wire::{Depth, DepthEvent, Level};
use std::collections::{BTreeMap, VecDeque};
use swarm_core::model::{Price, Qty};

/// Changes that are kept while there is no snapshot; with more the oldest go, and a newer snapshot is needed.
const BUFFERED: usize = 5_000;

/// What became of a change or a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Kept until there is a snapshot.
    Buffered,
    /// Older than what is in the book already.
    Dropped,
    /// In the book now.
    Applied,
    /// The book is not usable: fetch a snapshot.
    Snapshot(Why),
}

/// Why a snapshot is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A change is missing between two that came.
    Gap,
    /// The snapshot is older than the first change that was kept.
    TooOld,
    /// Best bid and best ask have crossed, which no true book does.
    Crossed,
}

#[derive(Clone, Debug)]
enum State {
    /// No snapshot yet.
    Waiting(VecDeque<DepthEvent>),
    /// A snapshot, and no change on top of it yet.
    Fresh,
    /// Kept by changes.
    Following,
}

/// The book of one symbol.
#[derive(Clone, Debug)]
pub struct Book {
    bids: BTreeMap<Price, Qty>,
    asks: BTreeMap<Price, Qty>,
    last_id: u64,
    state: State,
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// Empty, waiting for a snapshot. Subscribe to changes first, fetch the snapshot then.
    pub const fn new() -> Self {
        Self { bids: BTreeMap::new(), asks: BTreeMap::new(), last_id: 0, state: State::Waiting(VecDeque::new()) }
    }

    /// Whether the book may be used.
    pub const fn is_usable(&self) -> bool {
        !matches!(self.state, State::Waiting(_))
    }

    /// Number of the last update in it; 0 while it is not usable.
    pub const fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Best bid, if the book is usable and has one.
    pub fn best_bid(&self) -> Option<Level> {
        self.bids.last_key_value().map(|(&price, &qty)| Level { price, qty })
    }

    /// Best ask, if the book is usable and has one.
    pub fn best_ask(&self) -> Option<Level> {
        self.asks.first_key_value().map(|(&price, &qty)| Level { price, qty })
    }

    /// Bids, best first.
    pub fn bids(&self) -> impl Iterator<Item = Level> {
        self.bids.iter().rev().map(|(&price, &qty)| Level { price, qty })
    }

    /// Asks, best first.
    pub fn asks(&self) -> impl Iterator<Item = Level> {
        self.asks.iter().map(|(&price, &qty)| Level { price, qty })
    }

    /// The connection was lost: everything is forgotten.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Takes a change.
    pub fn change(&mut self, event: DepthEvent) -> Step {
        match &mut self.state {
            State::Waiting(buffer) => {
                if buffer.len() == BUFFERED {
                    buffer.pop_front();
                }
                buffer.push_back(event);
                Step::Buffered
            }
            State::Fresh | State::Following => self.follow(event),
        }
    }

    /// Takes a snapshot and what was buffered on top of it.
    pub fn snapshot(&mut self, depth: &Depth) -> Step {
        let buffer = match std::mem::replace(&mut self.state, State::Fresh) {
            State::Waiting(buffer) => buffer,
            // Not asked for; the book is ahead of it or as good.
            state if depth.last_update_id <= self.last_id => {
                self.state = state;
                return Step::Dropped;
            }
            _ => VecDeque::new(),
        };
        self.bids = side(&depth.bids);
        self.asks = side(&depth.asks);
        self.last_id = depth.last_update_id;
        let mut events = buffer.into_iter();
        while let Some(event) = events.next() {
            let kept = event.clone();
            if let Step::Snapshot(why) = self.follow(event) {
                // The rest may fit the next snapshot; so may this one, unless the gap lies before it.
                let rest: VecDeque<_> = std::iter::once(kept).chain(events).collect();
                self.state = State::Waiting(rest);
                return Step::Snapshot(why);
            }
        }
        if self.is_crossed() { self.fail(Why::Crossed, None) } else { Step::Applied }
    }

    fn follow(&mut self, event: DepthEvent) -> Step {
        let spans = event.first_id <= self.last_id && self.last_id <= event.last_id;
        let follows = event.previous_id == self.last_id;
        match self.state {
            State::Fresh if event.last_id < self.last_id => return Step::Dropped,
            State::Fresh if !spans && !follows => return self.fail(Why::TooOld, Some(event)),
            // The same change again, as from two sockets.
            State::Following if event.last_id <= self.last_id => return Step::Dropped,
            State::Following if !follows => return self.fail(Why::Gap, Some(event)),
            _ => {}
        }
        apply(&mut self.bids, &event.bids);
        apply(&mut self.asks, &event.asks);
        self.last_id = event.last_id;
        self.state = State::Following;
        if self.is_crossed() { self.fail(Why::Crossed, None) } else { Step::Applied }
    }

    fn fail(&mut self, why: Why, event: Option<DepthEvent>) -> Step {
        self.bids.clear();
        self.asks.clear();
        self.last_id = 0;
        self.state = State::Waiting(event.into_iter().collect());
        Step::Snapshot(why)
    }

    fn is_crossed(&self) -> bool {
        matches!((self.best_bid(), self.best_ask()), (Some(bid), Some(ask)) if bid.price >= ask.price)
    }
}

fn side(levels: &[Level]) -> BTreeMap<Price, Qty> {
    levels.iter().filter(|level| level.qty.0 > 0).map(|level| (level.price, level.qty)).collect()
}

/// Quantities are absolute; 0 removes, also what was not there, which is normal.
fn apply(side: &mut BTreeMap<Price, Qty>, levels: &[Level]) {
    for level in levels {
        if level.qty.0 > 0 {
            side.insert(level.price, level.qty);
        } else {
            side.remove(&level.price);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use swarm_core::model::Time;

    type Truth = (u64, BTreeMap<Price, Qty>, BTreeMap<Price, Qty>);

    /// A venue whose book changes by known updates, seen as events of several updates each.
    #[derive(Clone, Debug)]
    struct Venue {
        events: Vec<DepthEvent>,
        /// The true book after each event, and after no event.
        books: Vec<Truth>,
    }

    /// Bids stand at 1 to 49, asks at 51 to 99, so that the true book never crosses.
    fn venue() -> impl Strategy<Value = Venue> {
        let change = (any::<bool>(), 1i64..50, 0i64..4);
        let event = (1u64..4, proptest::collection::vec(change, 0..5));
        proptest::collection::vec(event, 5..40).prop_map(|events| {
            let (mut last, mut bids, mut asks) = (100u64, BTreeMap::new(), BTreeMap::new());
            let mut venue = Venue { events: Vec::new(), books: vec![(last, bids.clone(), asks.clone())] };
            for (updates, changes) in events {
                let level = |&(_, price, qty): &(bool, i64, i64)| Level { price: Price(price), qty: Qty(qty) };
                let of = |bid: bool| changes.iter().filter(|change| change.0 == bid).map(level).collect::<Vec<_>>();
                let mut event = DepthEvent {
                    sent: Time(0),
                    time: None,
                    symbol: "X".to_owned(),
                    first_id: last + 1,
                    last_id: last + updates,
                    previous_id: last,
                    bids: of(true),
                    asks: of(false),
                };
                event.asks.iter_mut().for_each(|level| level.price.0 += 50);
                apply(&mut bids, &event.bids);
                apply(&mut asks, &event.asks);
                last = event.last_id;
                venue.books.push((last, bids.clone(), asks.clone()));
                venue.events.push(event);
            }
            venue
        })
    }

    impl Venue {
        fn snapshot(&self, at: usize) -> Depth {
            let (last, bids, asks) = &self.books[at];
            let levels = |side: &BTreeMap<Price, Qty>| side.iter().map(|(&price, &qty)| Level { price, qty }).collect();
            Depth { last_update_id: *last, sent: None, time: None, bids: levels(bids), asks: levels(asks) }
        }

        /// A usable book is the true one as of its number.
        fn check(&self, book: &Book) {
            if book.is_usable() {
                let (_, bids, asks) =
                    self.books.iter().find(|(last, ..)| *last == book.last_id).expect("a true number");
                assert_eq!((&book.bids, &book.asks), (bids, asks));
            } else {
                assert_eq!((book.best_bid(), book.best_ask(), book.last_id()), (None, None, 0));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_usable_book_is_the_true_one_whatever_is_lost_repeated_or_late(
            venue in venue(),
            acts in proptest::collection::vec((0u8..10, any::<prop::sample::Index>()), 1..120),
        ) {
            let (mut book, mut next) = (Book::new(), 0);
            for (act, index) in acts {
                match act {
                    0 => next += 1,
                    1 => { book.snapshot(&venue.snapshot(index.index(venue.books.len()))); }
                    2 => { book.change(venue.events[index.index(venue.events.len())].clone()); }
                    3 => { book.snapshot(&venue.snapshot(next.min(venue.events.len()))); }
                    _ => {
                        let Some(event) = venue.events.get(next) else { break };
                        book.change(event.clone());
                        next += 1;
                    }
                }
                venue.check(&book);
            }
        }

        #[test]
        fn without_losses_one_snapshot_suffices(venue in venue(), from in 0usize..3, at in 2usize..5, until in 3usize..5) {
            prop_assume!(from <= at && at <= until);
            let mut book = Book::new();
            for event in &venue.events[from..until] {
                prop_assert_eq!(book.change(event.clone()), Step::Buffered);
            }
            prop_assert_eq!(book.snapshot(&venue.snapshot(at)), Step::Applied);
            for event in &venue.events[until..] {
                prop_assert!(matches!(book.change(event.clone()), Step::Applied | Step::Dropped));
                venue.check(&book);
            }
            prop_assert_eq!(book.last_id(), venue.books[venue.books.len() - 1].0);
        }

        #[test]
        fn a_lost_change_is_noticed_at_the_next(venue in venue(), lost in 1usize..4) {
            let mut book = Book::new();
            book.snapshot(&venue.snapshot(0));
            for event in &venue.events[..lost] {
                prop_assert_eq!(book.change(event.clone()), Step::Applied);
            }
            prop_assert_eq!(book.change(venue.events[lost + 1].clone()), Step::Snapshot(Why::Gap));
            prop_assert!(!book.is_usable());
            prop_assert_eq!(book.snapshot(&venue.snapshot(lost + 1)), Step::Applied);
            prop_assert_eq!(book.last_id(), venue.books[lost + 2].0);
            venue.check(&book);
        }
    }

    fn level(price: i64) -> Level {
        Level { price: Price(price), qty: Qty(1) }
    }

    #[test]
    fn a_snapshot_older_than_what_was_kept_is_not_used() {
        let mut book = Book::new();
        let event = DepthEvent {
            sent: Time(0),
            time: None,
            symbol: "X".to_owned(),
            first_id: 20,
            last_id: 25,
            previous_id: 19,
            bids: vec![level(1)],
            asks: vec![],
        };
        book.change(event);
        let depth =
            |last_update_id| Depth { last_update_id, sent: None, time: None, bids: vec![], asks: vec![level(3)] };
        assert_eq!(book.snapshot(&depth(10)), Step::Snapshot(Why::TooOld));
        assert!(!book.is_usable());
        assert_eq!(book.snapshot(&depth(22)), Step::Applied);
        assert_eq!((book.last_id(), book.best_bid()), (25, Some(level(1))));
    }

    #[test]
    fn a_crossed_book_is_not_used() {
        let mut book = Book::new();
        let crossed = Depth { last_update_id: 1, sent: None, time: None, bids: vec![level(3)], asks: vec![level(3)] };
        assert_eq!(book.snapshot(&crossed), Step::Snapshot(Why::Crossed));
        assert!(!book.is_usable());
    }
}
