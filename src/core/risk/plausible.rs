//! Whether a mark price is to be believed. One that is further from the last price than a plan allows may be a bad
//! tick or the beginning of a crash; which of them, the next ones tell. It is held meanwhile and nothing is done
//! about it. It knows no symbol, no position and no clock; times only tell marks apart.
//!
//! - A mark within the limit of the last price believed in is believed, and ends the doubt about another.
//! - Any other is held. When [`CONFIRMATIONS`] more in a row, of distinct times, are each within the limit of the one
//!   before, the last of them is believed: a crash goes on, and a bad tick does not agree with what follows it.
//! - A closed candle is believed as it is. A held mark near its close is confirmed by it; one that is not, and is no
//!   newer than the close, is refuted.

use crate::model::{Price, Rate, Round, Time};
use crate::planted::{Bug, is_planted};
use serde::{Deserialize, Serialize};

/// So many further marks confirm one that is held.
pub const CONFIRMATIONS: u8 = 2;

/// A mark that waits for others to confirm it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconfirmed {
    /// When the newest of them came.
    pub at: Time,
    /// The newest of them.
    pub price: Price,
    /// How many have confirmed the first so far.
    pub confirmations: u8,
}

/// Whether `price` is no further from `from` than `limit`, a share of `from`.
fn is_near(from: Price, price: Price, limit: Rate) -> bool {
    (price - from).0.abs() <= from.times(limit, Round::Down).0
}

/// What becomes of the doubt when a mark comes: `None` says that the mark is believed.
pub(super) fn weigh(
    held: Option<&Unconfirmed>,
    known: Option<Price>,
    (at, price): (Time, Price),
    limit: Rate,
) -> Option<Unconfirmed> {
    if is_planted(Bug::TrustWrongMark) || known.is_some_and(|known| is_near(known, price, limit)) {
        return None;
    }
    let agreeing = held.filter(|held| is_near(held.price, price, limit));
    match agreeing {
        Some(held) if held.at == at => Some(*held),
        Some(held) if held.confirmations + 1 >= CONFIRMATIONS => None,
        Some(held) => Some(Unconfirmed { at, price, confirmations: held.confirmations + 1 }),
        None => Some(Unconfirmed { at, price, confirmations: 0 }),
    }
}

/// What a candle says of a held mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The market was there.
    Confirmed,
    /// It was not.
    Refuted,
    /// The candle is of before.
    Nothing,
}

/// A candle closed at `close_time` with this price.
pub(super) fn candle_says(held: &Unconfirmed, close_time: Time, close: Price, limit: Rate) -> Word {
    if is_near(held.price, close, limit) {
        Word::Confirmed
    } else if held.at <= close_time {
        Word::Refuted
    } else {
        Word::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: Rate = Rate::percent(10);
    const KNOWN: Price = Price::whole(100);

    /// Whether each of these marks, a second apart, is believed, the last price known being 100.
    fn believed(marks: &[i64]) -> Vec<bool> {
        let (mut held, mut known) = (None, Some(KNOWN));
        let mut take = |(second, price): (usize, &i64)| {
            let mark = (Time(1_000 * second as i64), Price::whole(*price));
            held = weigh(held.as_ref(), known, mark, LIMIT);
            if held.is_none() {
                known = Some(mark.1);
            }
            held.is_none()
        };
        marks.iter().enumerate().map(&mut take).collect()
    }

    #[test]
    fn a_bad_tick_is_never_believed() {
        for wrong in [50, 200, 1, 111, 89] {
            assert_eq!(
                believed(&[100, wrong, 100, wrong, wrong, 101]),
                [true, false, true, false, false, true],
                "{wrong}"
            );
        }
    }

    #[test]
    fn up_to_the_limit_a_mark_is_believed_at_once() {
        assert_eq!(believed(&[110, 99, 90]), [true; 3]);
    }

    #[test]
    fn a_crash_is_believed_at_its_third_mark_and_then_followed() {
        assert_eq!(believed(&[85, 84, 83, 80, 74]), [false, false, true, true, true]);
        assert_eq!(believed(&[85, 78, 71, 65]), [false, false, true, true], "it need not stand still");
    }

    #[test]
    fn marks_that_do_not_agree_confirm_nothing() {
        assert_eq!(believed(&[50, 200, 50, 200, 1, 300]), [false; 6]);
    }

    #[test]
    fn one_instant_is_one_witness() {
        let first = weigh(None, Some(KNOWN), (Time(5), Price::whole(50)), LIMIT).unwrap();
        let mut held = first;
        for _ in 0..5 {
            held = weigh(Some(&held), Some(KNOWN), (Time(5), Price::whole(50)), LIMIT).unwrap();
        }
        assert_eq!(held, first);
    }

    #[test]
    fn without_a_price_to_compare_with_marks_confirm_each_other() {
        let mark = |second: i64| (Time(1_000 * second), Price::whole(7));
        let first = weigh(None, None, mark(1), LIMIT).unwrap();
        let second = weigh(Some(&first), None, mark(2), LIMIT).unwrap();
        assert_eq!(weigh(Some(&second), None, mark(3), LIMIT), None);
    }

    #[test]
    fn a_close_settles_the_doubt_about_what_was_before_it() {
        let held = Unconfirmed { at: Time(1_000), price: Price::whole(85), confirmations: 0 };
        assert_eq!(candle_says(&held, Time(2_000), Price::whole(86), LIMIT), Word::Confirmed);
        assert_eq!(candle_says(&held, Time(2_000), Price::whole(100), LIMIT), Word::Refuted);
        assert_eq!(candle_says(&held, Time(999), Price::whole(100), LIMIT), Word::Nothing);
    }

    proptest! {
        #[test]
        fn what_is_believed_was_near_the_last_or_agreed_with_two_before_it(
            marks in prop::collection::vec(1i64..400, 1..60),
        ) {
            let believed = believed(&marks);
            let mut known = 100;
            let near = |from: i64, to: i64| is_near(Price::whole(from), Price::whole(to), LIMIT);
            for (index, mark) in marks.iter().enumerate() {
                if believed[index] {
                    let agreed = index >= 2
                        && near(marks[index - 1], *mark)
                        && near(marks[index - 2], marks[index - 1])
                        && !believed[index - 1]
                        && !believed[index - 2];
                    prop_assert!(near(known, *mark) || agreed, "{marks:?} {believed:?}");
                    known = *mark;
                } else {
                    prop_assert!(!near(known, *mark));
                }
            }
        }
    }
}
