//! A reel shows what a hub shows, step by step; and what it finds out about many steps at a time is what a look at each
//! finds.

use super::*;
use crate::features::{Derived, Feature, Slot, Wants};
use crate::model::{FundingDue, GapPolicy, Interval, Rate, Time};
use proptest::prelude::*;

const BASE: Interval = Interval::M5;

/// By symbol and step a close around 100, or a hole; funding in some steps.
fn steps(closes: &[[Option<i64>; 2]], paid: &[bool]) -> Vec<Step> {
    let candle = |at: usize, close: i64| Candle {
        open_time: Time(at as i64 * BASE.ms()),
        open: Price::whole(100),
        high: Price::whole(close.max(100) + 1),
        low: Price::whole(close.min(100) - 1),
        close: Price::whole(close),
        volume: 1.0,
    };
    let due = |at: usize| FundingDue { symbol: SymbolId(0), at: Time(at as i64 * BASE.ms()), rate: Rate::bps(1) };
    let step = |(at, closes): (usize, &[Option<i64>; 2])| Step {
        close_time: Time((at as i64 + 1) * BASE.ms()),
        candles: closes.iter().map(|close| close.map(|close| candle(at, close))).collect(),
        funding: paid.get(at).filter(|paid| **paid).map(|_| due(at)).into_iter().collect(),
    };
    closes.iter().enumerate().map(step).collect()
}

fn hub(gaps: GapPolicy) -> Hub {
    let mut wants = vec![Wants::default(); 2];
    wants[0].want(BASE, Feature::Sma { period: 3 });
    wants[0].want(Interval::M15, Feature::EmaFromFirst { period: 2 });
    wants[1].want(BASE, Feature::Lag { of: Box::new(Feature::Rsi { period: 2 }), candles: 1 });
    Hub::new(BASE, gaps, &wants).unwrap()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn closes() -> impl Strategy<Value = Vec<[Option<i64>; 2]>> {
    let close = || prop::option::weighted(0.97, 90i64..110);
    prop::collection::vec([close(), close()], 1..90)
}

proptest! {
    #[test]
    fn it_shows_the_steps_and_what_the_hub_shows_of_each(
        closes in closes(), paid in prop::collection::vec(prop::bool::weighted(0.1), 90), most in 1usize..40, carry in any::<bool>(),
    ) {
        let gaps = if carry { GapPolicy::Carry } else { GapPolicy::Reset };
        let (mut shown, mut recorded) = (hub(gaps), hub(gaps));
        let steps = steps(&closes, &paid);
        let (mut reel, mut tape) = (Reel::new(&recorded), steps.clone().into_iter());
        let (mut seen, mut read) = (0, Step::default());
        while reel.record(&mut recorded, &mut tape, most) {
            prop_assert_eq!(reel.steps().close_times().len(), reel.len());
            for at in 0..reel.len() {
                let step = &steps[seen];
                reel.steps().read(at, &mut read);
                prop_assert_eq!(&read, step);
                prop_assert_eq!(reel.steps().pays_funding(at), !step.funding.is_empty());
                for (index, candle) in step.candles.iter().enumerate() {
                    let symbol = SymbolId::at(index);
                    let frame = reel.frame(symbol, at);
                    prop_assert_eq!(frame.map(|frame| frame.candle), candle.as_ref());
                    let Some(candle) = candle else { continue };
                    shown.close(symbol, candle);
                    let (one, other) = (shown.frame(symbol).unwrap(), frame.unwrap());
                    prop_assert_eq!(one.now, other.now);
                    prop_assert_eq!(bits(one.values()), bits(&other.values()[..one.values().len()]));
                }
                seen += 1;
            }
            for index in 0..2 {
                let symbol = SymbolId::at(index);
                prop_assert_eq!(shown.gaps(symbol), recorded.gaps(symbol));
                prop_assert_eq!(shown.last_close(symbol), recorded.last_close(symbol));
                let of = |hub: &Hub| hub.frame(symbol).map(|frame| bits(frame.values()));
                prop_assert_eq!(of(&shown), of(&recorded));
            }
        }
        prop_assert_eq!(seen, steps.len());
    }

    #[test]
    fn many_steps_at_a_time_are_what_each_of_them_is(
        closes in closes(), paid in prop::collection::vec(prop::bool::weighted(0.1), 90), half_width in 1i64..14,
        is_shared in any::<bool>(), places in (0usize..90, 0usize..90),
    ) {
        let steps = steps(&closes, &paid);
        let mut hub = hub(GapPolicy::Reset);
        let mut reel = Reel::new(&hub);
        reel.record(&mut hub, &mut steps.clone().into_iter(), 90);
        if is_shared {
            reel.share();
        }
        prop_assert_eq!(reel.steps().candles(), steps.iter().flat_map(|step| &step.candles).flatten().count());
        let (one, other) = (places.0 % steps.len(), places.1 % steps.len());
        let from = one.min(other);
        let pattern = |step: &Step| step.candles.iter().map(Option::is_some).collect::<Vec<_>>();
        let alike = |at: &usize| pattern(&steps[*at]) == pattern(&steps[from]) && steps[*at].funding.is_empty();
        let alike_until = (from + 1..steps.len()).find(|at| !alike(at)).unwrap_or(steps.len());
        prop_assert_eq!(reel.steps().alike_until(from), alike_until);

        let to = alike_until.min(one.max(other) + 1);
        let symbol = SymbolId(0);
        prop_assert_eq!(reel.steps().candle(symbol, from).is_some(), closes[from][0].is_some());
        if reel.steps().candle(symbol, from).is_none() {
            return Ok(());
        }
        let candles: Vec<Candle> = reel.steps().whole(symbol, from, to).to_vec();
        let range = PriceRange { low: Price::whole(100 - half_width), high: Price::whole(100 + half_width) };
        let left = candles.iter().position(|candle| !range.holds(PriceRange::of(candle)));
        prop_assert_eq!(reel.keeps_to(symbol, range, from, to), left.map_or(to, |steps| from + steps));
        let prices = || candles.iter().map(|candle| candle.close);
        let expected = Closes {
            low: prices().min().unwrap(),
            high: prices().max().unwrap(),
            before: prices().rev().nth(1),
            last: prices().next_back().unwrap(),
        };
        prop_assert_eq!(reel.closes(symbol, from, to), expected);
        let film: Vec<Time> = reel.film(symbol, from, to).map(|frame| frame.now).collect();
        prop_assert_eq!(film, reel.steps().close_times()[from..to].to_vec());
    }
}

/// Twice a feature and some more, asked for by at least three.
#[derive(Debug, PartialEq, Eq)]
struct Twice {
    of: Slot,
    more: i32,
}

impl Derived for Twice {
    const LEAST_USERS: usize = 3;
    fn value(&self, frame: &Frame<'_>) -> f64 {
        2.0 * frame.raw(self.of) + f64::from(self.more)
    }
}

/// The same numbers by another type.
#[derive(Debug, PartialEq, Eq)]
struct Other {
    of: Slot,
    more: i32,
}

impl Derived for Other {
    const LEAST_USERS: usize = 3;
    fn value(&self, frame: &Frame<'_>) -> f64 {
        frame.raw(self.of) - f64::from(self.more)
    }
}

#[test]
fn what_is_equal_shares_a_column_and_nothing_else_does() {
    let mut wants = Wants::default();
    let [one, other] = [2, 3].map(|period| wants.want(BASE, Feature::Sma { period }));
    let first = wants.share(Twice { of: one, more: 1 });
    assert_eq!(wants.share(Twice { of: one, more: 1 }), first);
    let others = [
        wants.share(Twice { of: one, more: 2 }),
        wants.share(Twice { of: other, more: 1 }),
        wants.share(Other { of: one, more: 1 }),
        wants.share(one),
        wants.share(other),
    ];
    for (place, column) in others.iter().enumerate() {
        assert!(*column != first && !others[..place].contains(column), "{others:?}");
    }
    assert_eq!(wants.share(other), others[4]);
    assert_eq!(wants.specs().len(), 2, "nothing more is asked of the feed");
}

proptest! {
    #[test]
    fn a_shared_reel_has_in_columns_what_is_derived_from_its_frames(
        closes in closes(), most in 1usize..90, users in 1usize..6, places in (0usize..90, 0usize..90),
        is_shared in any::<bool>(),
    ) {
        let mut wants = vec![Wants::default(); 2];
        wants[0].want(BASE, Feature::Close);
        let of = wants[1].want(BASE, Feature::Sma { period: 3 });
        let (mut twice, mut other) = (wants[1].share(Twice { of, more: 1 }), None);
        for more in 1..users as i32 {
            twice = wants[1].share(Twice { of, more: 1 });
            other = Some(wants[1].share(Other { of, more }));
        }
        let plain = wants[1].share(of);
        let mut hub = Hub::new(BASE, GapPolicy::Reset, &wants).unwrap();
        let (mut reel, mut tape) = (Reel::new(&hub), steps(&closes, &[]).into_iter());
        let (none, symbol) = (SymbolId(0), SymbolId(1));
        while reel.record(&mut hub, &mut tape, most) {
            let (one, other_end) = (places.0 % reel.len(), places.1 % reel.len());
            let (from, to) = (one.min(other_end), one.max(other_end) + 1);
            // A film is of steps that have a candle each.
            let has_none = |at: &usize| reel.steps().candle(symbol, *at).is_none();
            let to = (from..to).find(has_none).unwrap_or(to);
            if from == to {
                continue;
            }
            let is_there = reel.film(symbol, from, to).column(plain).is_some();
            prop_assert_eq!(is_there, users >= 3, "before swarms share it, where many rules share something dear");
            if !is_there || is_shared {
                reel.share();
            }
            let film = reel.film(symbol, from, to);
            prop_assert_eq!(film.close_times(), &reel.steps().close_times()[from..to]);
            let derived = |derive: &dyn Fn(Frame<'_>) -> f64| -> Vec<u64> {
                (from..to).map(|at| reel.frame(symbol, at).map_or(f64::NAN, derive).to_bits()).collect()
            };
            prop_assert_eq!(film.column(plain).map(bits), Some(derived(&|frame| frame.raw(of))));
            let expected = (users >= 3).then(|| derived(&|frame| 2.0 * frame.raw(of) + 1.0));
            prop_assert_eq!(film.column(twice).map(bits), expected);
            prop_assert!(other.is_none_or(|other| film.column(other).is_none()), "each is wanted by one rule");
            let nothing = reel.film(none, from, from).column(plain);
            prop_assert!(nothing.is_none(), "a symbol of which nothing is derived");

            for before in 0..to - from {
                let at = film.frame(before).map(|frame| frame.now);
                prop_assert_eq!(at, closes_at(&reel, symbol, from + before));
            }
            prop_assert!(film.frame(to - from).is_none());
            let half = film.first((to - from) / 2);
            prop_assert_eq!(half.close_times(), &film.close_times()[..(to - from) / 2]);
            prop_assert_eq!(film.first(usize::MAX).close_times(), film.close_times());
        }
    }
}

fn closes_at(reel: &Reel, symbol: SymbolId, at: usize) -> Option<Time> {
    reel.frame(symbol, at).map(|frame| frame.now)
}
