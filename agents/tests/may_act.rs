//! A rule that says it may not act holds: for every rule of the registry, over made-up candles, whatever it holds and
//! whatever its account looks like. And the first of many candles on which it may act is the first of which it says so.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use swarm_agents::registry::rules;
use swarm_core::features::{Hub, Reel, Wants};
use swarm_core::model::{
    Action, Candle, GapPolicy, Instrument, Interval, LeverageBracket, Price, Qty, Rate, Side, Step, SymbolId, Time, Usd,
};
use swarm_core::rule::{AccountView, Build, PositionView, Rule, TradeStats, View};

const M5: Interval = Interval::M5;

fn instrument() -> Instrument {
    Instrument {
        symbol: "BTCUSDT".into(),
        tick: Price(1_000_000),
        step: Qty(100_000),
        min_qty: Qty(100_000),
        max_qty: Qty::whole(10_000),
        max_market_qty: Qty::whole(10_000),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::percent(1),
        max_open_orders: 100,
        brackets: vec![LeverageBracket {
            notional_cap: Usd::whole(10_000_000),
            max_leverage: 50,
            maintenance_rate: Rate(400_000),
            maintenance_amount: Usd::ZERO,
        }],
    }
}

/// Restless candles: every gate of every rule is passed now and then.
fn candles(seed: u64, count: usize) -> Vec<Candle> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut price = 100.0f64;
    let exact = |value: f64| Price::from_f64(value).unwrap().snap(Price(1_000_000), swarm_core::model::Round::Nearest);
    (0..count)
        .map(|index| {
            let open = price;
            let drift = if (index / 300) % 2 == 0 { 0.000_6 } else { -0.000_6 };
            price = (price * (1.0 + drift + 0.006 * (random.random::<f64>() - 0.5))).max(1.0);
            let reach = |base: f64, by: f64| base * (1.0 + by);
            let high = reach(open.max(price), 0.002 * random.random::<f64>());
            let low = reach(open.min(price), -0.002 * random.random::<f64>());
            Candle {
                open_time: Time(1_698_796_800_000 + index as i64 * M5.ms()),
                open: exact(open),
                high: exact(high),
                low: exact(low),
                close: exact(price),
                volume: 1_000.0 * (0.5 + 2.0 * random.random::<f64>()),
            }
        })
        .collect()
}

/// What the agent is told of itself, beside the features.
#[derive(Clone, Copy, Debug)]
struct Self_ {
    held: Option<Side>,
    profit: i64,
    pending: bool,
    stats: TradeStats,
    funding_rate: Option<Rate>,
}

fn build(rule: &str, params: &Value, wants: &mut Wants) -> Box<dyn Rule> {
    let spec = swarm_agents::registry::find(rule).unwrap();
    let intervals = [M5, Interval::M15, Interval::H1, Interval::H4];
    (spec.build)(&(spec.complete)(params), &mut Build { wants, base: M5, intervals: &intervals }).unwrap()
}

/// Counts the candles on which the rule acted.
fn check(rule: &str, params: &Value, candles: &[Candle], own: Self_) -> usize {
    let mut wants = Wants::default();
    let mut made = build(rule, params, &mut wants);
    let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
    let (instrument, symbol) = (instrument(), SymbolId(0));
    let position = own.held.map(|side| PositionView {
        qty: side.signed(Qty::ONE),
        entry_price: Price::whole(100),
        opened_at: candles[0].open_time,
        unrealized_pnl: Usd::whole(own.profit),
    });
    let mut acted = 0;
    for candle in candles {
        hub.close(symbol, candle);
        let frame = hub.frame(symbol).unwrap();
        let view = View {
            frame,
            symbol,
            instrument: &instrument,
            position,
            entry_pending: own.pending,
            account: AccountView { equity: Usd::whole(10_000), max_positions: 3, max_leverage: Rate::whole(5) },
            stats: own.stats,
            funding_rate: own.funding_rate,
        };
        let decision = made.decide(&view);
        let acts = decision.action != Action::Hold;
        acted += usize::from(acts);
        assert!(!acts || made.may_act(&frame, own.held), "{rule} at {}: {decision:?} with {own:?}", frame.now);
        let may_enter = own.held.is_some() || made.may_enter(&own.stats);
        assert!(!acts || may_enter, "{rule} at {}: {decision:?} with {own:?}", frame.now);
    }
    acted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn who_may_not_act_holds(
        seed in any::<u64>(), held in prop::sample::select(vec![None, Some(Side::Buy), Some(Side::Sell)]),
        profit in -50i64..50, pending in any::<bool>(), losses in 0u32..90,
        funding in prop::option::of(-20i64..20),
    ) {
        let stats = TradeStats { wins: 20, losses, gross_profit: Usd::whole(400), gross_loss: Usd::whole(300) };
        let own = Self_ { held, profit, pending: pending && held.is_none(), stats, funding_rate: funding.map(Rate::bps) };
        let candles = candles(seed, 9_000);
        for spec in rules() {
            check(spec.name, &json!({}), &candles, own);
        }
    }
}

#[test]
fn every_rule_acts_now_and_then_on_these_candles() {
    let own = Self_ { held: None, profit: 0, pending: false, stats: TradeStats::default(), funding_rate: None };
    let candles = candles(3, 9_000);
    for spec in rules() {
        assert!(check(spec.name, &json!({}), &candles, own) > 0, "{} never acts", spec.name);
    }
}

#[test]
fn the_first_of_many_candles_is_the_first_of_which_it_says_so() {
    let symbol = SymbolId(0);
    let candles = candles(5, 2_000);
    for spec in rules() {
        // So many that whatever they derive from features is worth sharing.
        let mut wants = Wants::default();
        let made: Vec<_> = (0..16).map(|_| build(spec.name, &json!({}), &mut wants)).collect();
        let mut hub = Hub::new(M5, GapPolicy::Reset, &[wants]).unwrap();
        let step = |candle: &Candle| Step {
            close_time: candle.close_time(M5),
            candles: vec![Some(*candle)],
            ..Step::default()
        };
        let mut tape = candles.iter().map(step).collect::<Vec<_>>().into_iter();
        let mut own = Reel::new(&hub);
        let mut found = 0;
        while own.record(&mut hub, &mut tape, 700) {
            let mut shared = own.clone();
            shared.share();
            for held in [None, Some(Side::Buy), Some(Side::Sell)] {
                let mut from = 0;
                while from < own.len() {
                    let expected = own.film(symbol, from, own.len()).position(|frame| made[0].may_act(&frame, held));
                    for reel in [&own, &shared] {
                        let film = reel.film(symbol, from, own.len());
                        assert_eq!(made[0].first_act(film, held), expected, "{} from {from}, {held:?}", spec.name);
                    }
                    found += usize::from(expected.is_some());
                    from += expected.map_or(own.len(), |steps| steps + 1);
                }
            }
        }
        assert!(found > 0, "{} may act somewhere", spec.name);
    }
}
