//! The synthetic market: the same bits from the same seed, candles without fault, and the facts
//! that make returns look like those of a traded asset, within stated bounds.

use asterswarm::market::{Source, SyntheticTape};
use sha2::{Digest, Sha256};
use swarm_core::model::{Candle, FundingDue, HOUR_MS, Instrument, Interval, Qty, Rate, Step, Tape, Time, Usd};

/// 2024-01-01T00:00:00Z, a Monday.
const START: Time = Time(1_704_067_200_000);
/// Of the first 1,000 candles of three symbols of seed 42; a change of it is a change of every
/// synthetic run ever recorded.
const PINNED: &str = "1cd9fca530fa8c91bc9ce0ca9b7095a7743f9d7365447f41307dce109a66a2ea";

fn instrument(symbol: &str, tick: &str, step: &str) -> Instrument {
    Instrument {
        symbol: symbol.to_owned(),
        tick: tick.parse().unwrap(),
        step: step.parse().unwrap(),
        min_qty: step.parse().unwrap(),
        max_qty: Qty::whole(1_000_000),
        max_market_qty: Qty::whole(100_000),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::percent(1),
        max_open_orders: 200,
        brackets: Vec::new(),
    }
}

fn majors() -> Vec<Instrument> {
    vec![
        instrument("BTCUSDT", "0.1", "0.001"),
        instrument("ETHUSDT", "0.01", "0.001"),
        instrument("SOLUSDT", "0.001", "0.01"),
    ]
}

/// By symbol, and all funding.
fn play(seed: u64, base: Interval, instruments: &[Instrument], steps: usize) -> (Vec<Vec<Candle>>, Vec<FundingDue>) {
    let mut tape = SyntheticTape::new(seed, START, base, instruments);
    let mut step = Step::default();
    let (mut series, mut funding) = (vec![Vec::new(); instruments.len()], Vec::new());
    for _ in 0..steps {
        assert!(tape.next(&mut step));
        for (series, candle) in series.iter_mut().zip(&step.candles) {
            let candle = candle.expect("the synthetic market has no holes");
            assert_eq!(candle.close_time(base), step.close_time);
            series.push(candle);
        }
        for due in &step.funding {
            assert!(due.at < step.close_time && due.at >= step.close_time.plus(-base.ms()));
        }
        funding.extend(step.funding.iter().copied());
    }
    (series, funding)
}

fn hash(series: &[Vec<Candle>]) -> String {
    let mut hash = Sha256::new();
    for candle in series.iter().flatten() {
        for price in [candle.open, candle.high, candle.low, candle.close] {
            hash.update(price.0.to_le_bytes());
        }
        hash.update(candle.open_time.0.to_le_bytes());
        hash.update(candle.volume.to_bits().to_le_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_same_seed_gives_the_same_bits_on_every_machine() {
    let (series, _) = play(42, Interval::M5, &majors(), 1_000);
    assert_eq!(hash(&series), PINNED);
    assert_ne!(hash(&play(43, Interval::M5, &majors(), 1_000).0), PINNED);
}

#[test]
fn a_source_plays_from_the_start_each_time() {
    let source = Source::Synthetic { seed: 42, start: START, base: Interval::M5, instruments: majors() };
    let (mut one, mut other) = (Step::default(), Step::default());
    assert!(source.tape().next(&mut one) && source.tape().next(&mut other));
    assert_eq!(one, other);
}

#[test]
fn adding_a_symbol_changes_no_other() {
    let alone = play(7, Interval::M5, &majors()[..1], 500);
    let mut all = majors();
    all.insert(0, instrument("NEWUSDT", "0.0001", "1"));
    all.push(instrument("DOGEUSDT", "0.00001", "1"));
    let together = play(7, Interval::M5, &all, 500);
    assert_eq!(alone.0[0], together.0[1]);
    let bitcoin: Vec<Rate> = together.1.iter().filter(|due| due.symbol.0 == 1).map(|due| due.rate).collect();
    assert_eq!(alone.1.iter().map(|due| due.rate).collect::<Vec<_>>(), bitcoin);
}

#[test]
fn the_base_interval_is_a_way_of_looking_not_another_market() {
    let minutes = play(7, Interval::M1, &majors(), 600).0;
    let fives = play(7, Interval::M5, &majors(), 120).0;
    for (minutes, fives) in minutes.iter().zip(&fives) {
        let closes: Vec<_> = minutes.chunks(5).map(|group| group[4].close).collect();
        assert_eq!(closes, fives.iter().map(|candle| candle.close).collect::<Vec<_>>());
    }
}

#[test]
fn candles_have_no_fault_and_follow_each_other_on_the_tick() {
    let mut instruments = majors();
    instruments.push(instrument("STRANGEUSDT", "0.0001", "1"));
    instruments.push(instrument("COARSEUSDT", "10", "5"));
    for (seed, base) in [(1, "5m"), (2, "1m"), (3, "1h"), (4, "1d"), (5, "7s"), (u64::MAX, "17s")] {
        let base: Interval = base.parse().unwrap();
        let steps = if base == Interval::D1 { 60 } else { 400 };
        for (series, instrument) in play(seed, base, &instruments, steps).0.iter().zip(&instruments) {
            let mut previous: Option<&Candle> = None;
            for candle in series {
                assert_eq!(candle.fault(), None, "{candle:?}");
                for price in [candle.open, candle.high, candle.low, candle.close] {
                    assert_eq!(price.0 % instrument.tick.0, 0, "{candle:?}");
                }
                assert!(candle.volume > 0.0);
                if let Some(previous) = previous {
                    assert_eq!(previous.close_time(base), candle.open_time);
                    assert!((candle.open - previous.close).abs() <= instrument.tick);
                }
                previous = Some(candle);
            }
        }
    }
}

#[test]
fn funding_falls_due_every_eight_hours_and_leans_on_the_trend() {
    let (series, funding) = play(11, Interval::H1, &majors(), 24 * 120);
    assert_eq!(funding.len(), 3 * 3 * 120);
    assert!(funding.iter().all(|due| due.at.0 % (8 * HOUR_MS) == 0 && due.rate.abs() <= Rate::bps(30)));
    let of_first: Vec<&FundingDue> = funding.iter().filter(|due| due.symbol.0 == 0).collect();
    assert!(of_first.iter().filter(|due| due.rate == Rate::bps(1)).count() > 60, "mostly the interest rate alone");
    let (rates, trends): (Vec<f64>, Vec<f64>) = of_first
        .iter()
        .skip(3)
        .map(|due| {
            let now = (due.at.since(START) / HOUR_MS) as usize;
            (due.rate.to_f64(), (series[0][now].open.to_f64() / series[0][now - 24].open.to_f64()).ln())
        })
        .unzip();
    assert!(correlation(&rates, &trends) > 0.2, "{}", correlation(&rates, &trends));
}

#[test]
fn an_endless_market_stays_within_reach() {
    let (series, _) = play(3, Interval::D1, &[instrument("DOGEUSDT", "0.00001", "1")], 1_500);
    let closes: Vec<f64> = series[0].iter().map(|candle| candle.close.to_f64()).collect();
    assert!(closes.iter().all(|close| (0.005..5.0).contains(close)));
}

fn returns(series: &[Candle]) -> Vec<f64> {
    series.windows(2).map(|pair| (pair[1].close.to_f64() / pair[0].close.to_f64()).ln()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let (a, b) = (mean(one), mean(other));
    let product: f64 = one.iter().zip(other).map(|(x, y)| (x - a) * (y - b)).sum();
    let squares = |values: &[f64], mean: f64| values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    product / (squares(one, a) * squares(other, b)).sqrt()
}

fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    correlation(&values[..values.len() - lag], &values[lag..])
}

/// The bounds hold for the mean over three seeds of 90 days each of 5m candles. The recorded figures
/// of BTC, ETH and SOL from 2023-11 to 2025-06: standard deviation 0.16 %, 0.21 %, 0.31 %; kurtosis
/// 40 to 67; autocorrelation of absolute returns 0.33 at lag 1, 0.13 at lag 50; correlations 0.71
/// to 0.80; of log volume with log range 0.82.
#[test]
fn returns_look_like_those_of_a_traded_asset() {
    let worlds: Vec<Vec<Vec<Candle>>> =
        [1, 2, 3].iter().map(|&seed| play(seed, Interval::M5, &majors(), 288 * 90).0).collect();
    let average = |figure: &dyn Fn(&[Vec<Candle>]) -> f64| mean(&worlds.iter().map(|w| figure(w)).collect::<Vec<_>>());
    let check = |name: &str, value: f64, bounds: std::ops::Range<f64>| {
        assert!(bounds.contains(&value), "{name} is {value}, expected within {bounds:?}");
    };
    for (symbol, deviation) in [0.0012..0.0020, 0.0016..0.0026, 0.0022..0.0038].into_iter().enumerate() {
        let of = |figure: &dyn Fn(&[f64]) -> f64| average(&|world| figure(&returns(&world[symbol])));
        let moment = |values: &[f64], power: i32| mean(&values.iter().map(|x| x.powi(power)).collect::<Vec<_>>());
        check("standard deviation", of(&|r| moment(r, 2).sqrt()), deviation);
        check("kurtosis", of(&|r| moment(r, 4) / moment(r, 2).powi(2)), 6.0..60.0);
        for lag in [1, 2, 12] {
            check("autocorrelation of returns", of(&|r| autocorrelation(r, lag)), -0.03..0.03);
        }
        let absolute = |r: &[f64], lag| autocorrelation(&r.iter().map(|x| x.abs()).collect::<Vec<_>>(), lag);
        check("autocorrelation of absolute returns at 1", of(&|r| absolute(r, 1)), 0.15..0.45);
        for lag in [10, 50, 60, 100] {
            check("autocorrelation of absolute returns", of(&|r| absolute(r, lag)), 0.03..0.3);
        }
        let volume_and_range = average(&|world| {
            let log = |value: &dyn Fn(&Candle) -> f64| world[symbol].iter().map(|c| value(c).ln()).collect::<Vec<_>>();
            correlation(&log(&|c| c.volume), &log(&|c| (c.high - c.low).to_f64() / c.open.to_f64() + 1e-5))
        });
        check("correlation of volume and range", volume_and_range, 0.55..0.95);
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let together = average(&|world| correlation(&returns(&world[one]), &returns(&world[other])));
        check("correlation of symbols", together, 0.6..0.85);
    }
}

#[test]
fn the_american_morning_is_busier_than_the_asian_one() {
    let series = play(5, Interval::H1, &majors(), 24 * 120).0;
    let volume_at = |hour: i64| {
        let hours = series[0].iter().filter(|candle| candle.open_time.0 / HOUR_MS % 24 == hour);
        mean(&hours.map(|candle| candle.volume).collect::<Vec<_>>())
    };
    assert!(volume_at(14) > 1.4 * volume_at(5), "{} against {}", volume_at(14), volume_at(5));
}
