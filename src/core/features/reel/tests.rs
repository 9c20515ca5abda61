//! A reel shows what a hub shows, step by step; and what it finds out about many steps at a time is what a look at each
//! finds.

use super::*;
use crate::features::{Feature, Wants};
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
        if !reel.steps().candle(symbol, from).is_some() {
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
