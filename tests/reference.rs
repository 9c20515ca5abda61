//! `swarm backtest` against a plain loop that knows no engine: the same trades, and the same equity to the
//! last unit. The loop's averages are `f64`, as a rule's are; its money is counted in 10^-8 USDT.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use support::{HEADER, Place, START};

/// The swarm that the peers are compared with.
const SWARM: &str = include_str!("../benches/peers/ema_cross.yaml");
const MINUTE: i64 = 60_000;
/// Units of an amount in one.
const ONE: i64 = 100_000_000;
/// Units of a price in a tenth, the contract's tick.
const TENTH: i64 = ONE / 10;
const START_EQUITY: i64 = 1_000_000 * ONE;
/// The closes after which both averages are known.
const KNOWN_FROM: usize = 20;

/// Prices of one minute, in tenths.
#[derive(Clone, Copy)]
struct Bar {
    open: i64,
    high: i64,
    low: i64,
    close: i64,
}

/// What is held and paid; amounts in units.
#[derive(Clone, Copy)]
struct Terms {
    qty: i64,
    fee: i64,
}

/// What `trades.csv` says of a closed trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Closed {
    long: bool,
    entered_with: usize,
    left_with: usize,
    entry: i64,
    exit: i64,
    fees: i64,
    net: i64,
}

/// What a run comes to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    signals: u64,
    closed: Vec<Closed>,
    fees: i64,
    equity: i64,
}

/// A number from -1 to 1, by a linear congruential generator (Knuth's MMIX constants).
fn roll(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A random walk that now and then opens elsewhere than it closed.
fn walk(seed: u64, count: usize) -> Vec<Bar> {
    let mut state = seed;
    let mut close = 300_000;
    let mut bars = Vec::new();
    for _ in 0..count {
        let jumps = roll(&mut state) > 0.8;
        let open = if jumps { close + (roll(&mut state) * 900.0) as i64 } else { close };
        let drift = (300_000 - open) as f64 * 0.001;
        close = open + (roll(&mut state) * 450.0 + drift) as i64;
        let wick = |state: &mut u64| (roll(state).abs() * 200.0) as i64;
        let (high, low) = (open.max(close) + wick(&mut state), open.min(close) - wick(&mut state));
        bars.push(Bar { open, high, low, close });
    }
    bars
}

fn candle_file(bars: &[Bar]) -> String {
    let mut text = HEADER.to_owned();
    for (index, Bar { open, high, low, close }) in bars.iter().enumerate() {
        write!(text, "{}", START + index as i64 * MINUTE).unwrap();
        for tenths in [open, high, low, close] {
            write!(text, ",{}.{}", tenths / 10, tenths % 10).unwrap();
        }
        text.push_str(",20.5\n");
    }
    text
}

/// What the rules come to: the only arithmetic besides the two averages is that of the account.
fn plain_loop(bars: &[Bar], terms: Terms) -> Outcome {
    let fee = |tenths: i64| {
        let exact = i128::from(tenths * TENTH) * i128::from(terms.qty) * i128::from(terms.fee);
        // Against the account, as every rounding.
        i64::try_from((exact + i128::from(ONE) * i128::from(ONE) - 1) / i128::from(ONE) / i128::from(ONE)).unwrap()
    };
    // A tenth times a thousandth of the asset has no remainder.
    let profit = |long: bool, from: i64, to: i64| {
        let value = (to - from) * (TENTH / 10_000) * (terms.qty / 10_000);
        if long { value } else { -value }
    };
    let mut outcome = Outcome { signals: 0, closed: Vec::new(), fees: 0, equity: START_EQUITY };
    let (mut fast, mut slow) = (bars[0].close as f64 / 10.0, bars[0].close as f64 / 10.0);
    let mut above_before = None;
    let mut held: Option<(bool, usize, i64)> = None;
    let mut wanted = None;
    for (index, bar) in bars.iter().enumerate() {
        if let Some(long) = wanted.take() {
            if let Some((was_long, entered_with, entry)) = held {
                let (fees, gross) = (fee(entry) + fee(bar.open), profit(was_long, entry, bar.open));
                outcome.closed.push(Closed {
                    long: was_long,
                    entered_with,
                    left_with: index,
                    entry: entry * TENTH,
                    exit: bar.open * TENTH,
                    fees,
                    net: gross - fees,
                });
                outcome.fees += fee(bar.open);
                outcome.equity += gross;
            }
            outcome.fees += fee(bar.open);
            held = Some((long, index, bar.open));
        }
        let close = bar.close as f64 / 10.0;
        fast += (close - fast) * (2.0 / 11.0);
        slow += (close - slow) * (2.0 / 21.0);
        if index + 1 >= KNOWN_FROM {
            let above = fast > slow;
            if above_before.is_some_and(|before| before != above) {
                wanted = Some(above);
                outcome.signals += 1;
            }
            above_before = Some(above);
        }
    }
    if let Some((long, _, entry)) = held {
        outcome.equity += profit(long, entry, bars[bars.len() - 1].close);
    }
    outcome.equity -= outcome.fees;
    outcome
}

/// A decimal text in units.
fn units(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    sign * (whole.parse::<i64>().unwrap() * ONE + format!("{fraction:0<8}").parse::<i64>().unwrap())
}

fn units_of(value: &Value) -> i64 {
    units(value.as_str().unwrap_or_else(|| panic!("{value} is not an amount")))
}

/// The number of the bar with which something filled: an order sent at a close meets the open that follows it.
fn bar_at(ms: &str) -> usize {
    let since = ms.parse::<i64>().unwrap() - START;
    usize::try_from((since + 1) / MINUTE).unwrap()
}

fn closed_trades(text: &str) -> Vec<Closed> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let trade = |line: &str| {
        let row: BTreeMap<&str, &str> = names.iter().copied().zip(line.split(',')).collect();
        Closed {
            long: row["side"] == "buy",
            entered_with: bar_at(row["opened_at"]),
            left_with: bar_at(row["closed_at"]),
            entry: units(row["entry_price"]),
            exit: units(row["exit_price"]),
            fees: units(row["fees"]),
            net: units(row["net_pnl"]),
        }
    };
    lines.map(trade).collect()
}

/// What `swarm backtest` comes to.
fn backtest(bars: &[Bar], qty: &str, fee: &str) -> Outcome {
    let set = |text: String, from: &str, to: String| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, &to)
    };
    let swarm = set(SWARM.to_owned(), "taker_fee: 0.0004", format!("taker_fee: {fee}"));
    let place = Place::with(&set(swarm, "qty: 0.1", format!("qty: {qty}")));
    place.put("data/1m/BTCUSDT.csv", candle_file(bars));
    let report = place.json(&["backtest", "--data", "data", "--out", "out", "--json"]);
    let (cohort, portfolio) = (&report["cohorts"]["crossing"], &report["portfolios"]["crossing"]);
    assert_eq!(report["market"]["candles"], bars.len());
    assert_eq!(portfolio["breaker"]["tripped"], false, "the walk is too long for its breaker");
    let closed = closed_trades(&std::fs::read_to_string(place.path("out/trades.csv")).unwrap());
    assert_eq!(cohort["trades"], closed.len());
    Outcome {
        signals: cohort["intents"].as_u64().unwrap(),
        closed,
        fees: units_of(&cohort["fees"]),
        equity: units_of(&portfolio["end_equity"]),
    }
}

fn check(bars: &[Bar], qty: &str, fee: &str) -> Outcome {
    let expected = plain_loop(bars, Terms { qty: units(qty), fee: units(fee) });
    let found = backtest(bars, qty, fee);
    for (number, (found, expected)) in found.closed.iter().zip(&expected.closed).enumerate() {
        assert_eq!(found, expected, "closed trade {number} of {} bars, {qty} at {fee}", bars.len());
    }
    assert_eq!(found, expected, "{} bars, {qty} at {fee}", bars.len());
    found
}

#[test]
fn a_backtest_comes_to_what_a_plain_loop_comes_to() {
    for seed in 10..14 {
        let closed = check(&walk(seed, 10_000), "0.1", "0.0004").closed;
        assert!(closed.len() > 250, "only {} closed trades", closed.len());
        let (wins, losses) = (closed.iter().filter(|trade| trade.net > 0), closed.iter().filter(|trade| trade.net < 0));
        assert!(wins.count() > 25 && losses.count() > 25);
    }
}

#[test]
fn fees_with_more_than_eight_decimals_are_rounded_against_the_account_fill_by_fill() {
    let bars = walk(2, 5_000);
    let odd = check(&bars, "0.123", "0.00035");
    let exact: i128 = odd.closed.iter().map(|trade| i128::from(trade.entry) + i128::from(trade.exit)).sum();
    let exact = exact * i128::from(units("0.123")) * i128::from(units("0.00035"));
    let closed_fees: i64 = odd.closed.iter().map(|trade| trade.fees).sum();
    let rounded = i128::from(closed_fees) * i128::from(ONE) * i128::from(ONE) - exact;
    assert!(rounded > 0, "nothing was rounded, so nothing is shown");
}

#[test]
fn before_the_averages_are_known_nothing_is_traded() {
    for count in [2, KNOWN_FROM, KNOWN_FROM + 1] {
        let outcome = check(&walk(3, count), "0.1", "0.0004");
        assert_eq!((outcome.closed.len(), outcome.fees, outcome.equity), (0, 0, START_EQUITY));
    }
}

#[test]
fn a_signal_on_the_last_candle_is_counted_and_never_filled() {
    let bars = walk(4, 2_000);
    let signals = |count: usize| plain_loop(&bars[..count], Terms { qty: ONE / 10, fee: 0 }).signals;
    let count = (1_000..2_000).find(|count| signals(*count) > signals(count - 1)).unwrap();
    let (before, at, after) = (
        check(&bars[..count - 1], "0.1", "0.0004"),
        check(&bars[..count], "0.1", "0.0004"),
        check(&bars[..=count], "0.1", "0.0004"),
    );
    assert_eq!((at.signals, at.closed.len(), at.fees), (before.signals + 1, before.closed.len(), before.fees));
    assert_eq!(after.closed.len(), at.closed.len() + 1);
}
