//! Frames that come twice, while two sockets overlap, are passed on once.
//!
//! Market events carry a number or time that rises within a stream: what is not above the last is old. Events of an
//! account do not, so the last few are remembered by their bytes. Whole depth and changes of depth of one symbol
//! look the same and must not be mixed on one unwrapped connection. Knows no socket.

use crate::aster::wire::{Body, Event, Frame, KlineInterval};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Events of an account that are remembered.
const REMEMBERED: usize = 4_096;

/// Place of an event in its stream.
type Place = (i64, i64, i64);

/// What was passed on already.
#[derive(Clone, Debug, Default)]
pub struct Dedupe {
    places: BTreeMap<(String, &'static str, String), Place>,
    seen: BTreeSet<u64>,
    order: VecDeque<u64>,
}

impl Dedupe {
    /// Whether a frame is new, in whole or in part; then it counts as passed on.
    pub fn is_new(&mut self, frame: &Frame, bytes: &[u8]) -> bool {
        let stream = frame.stream.as_deref().unwrap_or_default();
        match &frame.body {
            Body::Event(event) => self.is_new_event(stream, event, bytes),
            // Lists hold all that changed; one new entry makes the list new.
            Body::Events(events) => events.iter().filter(|event| self.is_new_event(stream, event, bytes)).count() > 0,
            Body::Done { .. } | Body::Refused { .. } => true,
        }
    }

    fn is_new_event(&mut self, stream: &str, event: &Event, bytes: &[u8]) -> bool {
        let Some((kind, symbol, place)) = place(event) else { return self.is_unseen(bytes) };
        match self.places.get_mut(&(stream.to_owned(), kind, symbol.to_owned())) {
            Some(last) if place <= *last => false,
            Some(last) => {
                *last = place;
                true
            }
            None => {
                self.places.insert((stream.to_owned(), kind, symbol.to_owned()), place);
                true
            }
        }
    }

    fn is_unseen(&mut self, bytes: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let hash = hasher.finish();
        if !self.seen.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// Where an event stands in its stream; `None` for those that must be known by their bytes.
fn place(event: &Event) -> Option<(&'static str, &str, Place)> {
    Some(match event {
        Event::AggTrade(event) => ("aggTrade", &event.symbol, (number(event.id), 0, 0)),
        Event::Trade(event) => ("tradepro", &event.symbol, (number(event.id), 0, 0)),
        Event::BookTicker(event) => ("bookTicker", &event.symbol, (number(event.update_id), 0, 0)),
        Event::Depth(event) => ("depthUpdate", &event.symbol, (number(event.last_id), 0, 0)),
        Event::MarkPrice(event) => ("markPriceUpdate", &event.symbol, (event.sent.0, 0, 0)),
        Event::MiniTicker(event) => ("24hrMiniTicker", &event.symbol, (event.sent.0, 0, 0)),
        Event::Ticker(event) => ("24hrTicker", &event.symbol, (event.sent.0, 0, 0)),
        Event::Kline(event) => {
            // Intervals are streams of their own; nothing comes after a closed candle but the next one.
            let interval = KlineInterval::KNOWN.iter().find(|known| **known == event.kline.interval)?;
            let place = (event.kline.open_time.0, i64::from(event.kline.closed), event.sent.0);
            (interval.as_str(), &event.symbol, place)
        }
        Event::ForceOrder(_)
        | Event::Order(_)
        | Event::Account(_)
        | Event::MarginCall(_)
        | Event::Config(_)
        | Event::ListenKeyExpired(_)
        | Event::Other { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Frame {
        Frame::read(text.as_bytes()).unwrap()
    }

    fn trade(symbol: &str, id: u64) -> String {
        format!(r#"{{"e":"aggTrade","E":1,"s":"{symbol}","a":{id},"p":"1","q":"1","f":1,"l":1,"T":1,"m":true}}"#)
    }

    fn kline(open: i64, interval: &str, closed: bool, sent: i64) -> String {
        format!(
            r#"{{"e":"kline","E":{sent},"s":"X","k":{{"t":{open},"T":{open},"s":"X","i":"{interval}","f":1,"L":1,"o":"1","c":"1","h":"1","l":"1","v":"1","n":1,"x":{closed},"q":"1","V":"1","Q":"1"}}}}"#
        )
    }

    proptest! {
        /// Two sockets deliver the same trades, each in order, however their frames interleave.
        #[test]
        fn every_event_of_two_sockets_is_passed_on_once_and_in_order(turns in proptest::collection::vec(any::<bool>(), 1..200)) {
            let (mut dedupe, mut next, mut passed) = (Dedupe::default(), [0u64, 0], Vec::new());
            for turn in turns {
                let id = &mut next[usize::from(turn)];
                let text = trade("X", *id);
                if dedupe.is_new(&read(&text), text.as_bytes()) {
                    passed.push(*id);
                }
                *id += 1;
            }
            let expected: Vec<u64> = (0..next[0].max(next[1])).collect();
            prop_assert_eq!(passed, expected);
        }
    }

    fn is_new(dedupe: &mut Dedupe, text: &str) -> bool {
        dedupe.is_new(&read(text), text.as_bytes())
    }

    #[test]
    fn symbols_and_intervals_are_streams_of_their_own() {
        let mut dedupe = Dedupe::default();
        assert!(is_new(&mut dedupe, &trade("X", 5)) && is_new(&mut dedupe, &trade("Y", 5)));
        assert!(!is_new(&mut dedupe, &trade("X", 4)));
        assert!(is_new(&mut dedupe, &kline(60, "1m", false, 61)) && is_new(&mut dedupe, &kline(0, "5m", false, 61)));
    }

    #[test]
    fn a_closed_candle_is_passed_on_once_and_nothing_of_it_after() {
        let mut dedupe = Dedupe::default();
        assert!(is_new(&mut dedupe, &kline(60, "1m", false, 100)));
        assert!(is_new(&mut dedupe, &kline(60, "1m", true, 120)));
        assert!(!is_new(&mut dedupe, &kline(60, "1m", true, 120)));
        assert!(!is_new(&mut dedupe, &kline(60, "1m", false, 119)));
        assert!(is_new(&mut dedupe, &kline(120, "1m", false, 121)));
    }

    #[test]
    fn events_of_an_account_are_known_by_their_bytes() {
        let mut dedupe = Dedupe::default();
        let expired = |at: i64| format!(r#"{{"e":"listenKeyExpired","E":{at}}}"#);
        for at in 0..10_000 {
            assert!(is_new(&mut dedupe, &expired(at)));
            assert!(!is_new(&mut dedupe, &expired(at)));
        }
        assert_eq!(dedupe.seen.len(), REMEMBERED);
    }
}
