//! A rule written by someone who has read nothing but the documentation of the trait: it asks for its
//! features in the constructor, reads them in `decide`, says why in `explain`.

use swarm_core::features::{Feature, Frame, Slot, Wants};
use swarm_core::model::{
    Action, Candle, Decision, Entry, EntryOrder, ExitPlan, ExitReason, Explanation, Instrument, IntentKind, Interval,
    LeverageBracket, Price, Qty, Rate, Side, Size, StopPlan, SymbolId, Time, Usd,
};
use swarm_core::rule::{AccountView, PositionView, Rule, TradeStats, View};

/// Buys when the last candle rose more than the one before, leaves when it fell.
struct Acceleration {
    now: Slot,
    before: Slot,
}

impl Acceleration {
    fn new(wants: &mut Wants) -> Self {
        let rate = Feature::Roc { period: 1 };
        Self {
            now: wants.want(Interval::M5, rate.clone()),
            before: wants.want(Interval::M5, Feature::Lag { of: Box::new(rate), candles: 1 }),
        }
    }
}

impl Rule for Acceleration {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let (Some(now), Some(before)) = (view.frame.get(self.now), view.frame.get(self.before)) else {
            return Decision::hold(0.0, 0.0);
        };
        let (action, wish) = match view.position {
            Some(_) if now < 0.0 => (Action::Exit, IntentKind::Close { reason: ExitReason::Signal }),
            None if now > before && now > 0.0 && !view.entry_pending => {
                let distance = view.frame.candle.close.times(Rate::percent(2), swarm_core::model::Round::Up);
                let entry = Entry {
                    side: Side::Buy,
                    size: Size::Notional(view.account.equity.times(Rate::percent(10), swarm_core::model::Round::Down)),
                    leverage: Rate::ONE,
                    order: EntryOrder::Market,
                    exits: ExitPlan {
                        stop: Some(StopPlan { distance, break_even: None, trail: None }),
                        ..ExitPlan::default()
                    },
                };
                (Action::Long, IntentKind::Open(entry))
            }
            _ => return Decision::hold(50.0, 0.0),
        };
        Decision { action, confidence: 75.0, target_score: now.clamp(-1.0, 1.0), proposal: Some(Box::new(wish)) }
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        let reason = match (view.frame.get(self.now), decision.action) {
            (None, _) => "not ready".into(),
            (Some(now), action) => format!("{}: the candle moved {now:.2} %", action.label()),
        };
        Explanation { reason: reason.into(), ..Explanation::default() }
    }
}

#[test]
fn a_rule_written_from_the_documentation_runs() {
    let mut wants = Wants::default();
    let mut rule: Box<dyn Rule> = Box::new(Acceleration::new(&mut wants));
    assert_eq!(wants.specs().len(), 2);
    let price = Price::whole(100);
    let candle = Candle { open_time: Time(0), open: price, high: price, low: price, close: price, volume: 1.0 };
    let instrument = instrument();
    let held = PositionView { qty: Qty::ONE, entry_price: price, opened_at: Time(0), unrealized_pnl: Usd::ZERO };
    let flat = None;
    for (values, position, action, reason) in [
        ([f64::NAN, 0.1], flat, Action::Hold, "not ready"),
        ([0.3, 0.1], flat, Action::Long, "long: the candle moved 0.30 %"),
        ([0.1, 0.3], flat, Action::Hold, "hold: the candle moved 0.10 %"),
        ([-0.2, 0.3], Some(held), Action::Exit, "exit: the candle moved -0.20 %"),
        ([0.3, 0.1], Some(held), Action::Hold, "hold: the candle moved 0.30 %"),
    ] {
        let view = View {
            frame: Frame::new(candle.close_time(Interval::M5), &candle, &values),
            symbol: SymbolId(0),
            instrument: &instrument,
            position,
            entry_pending: false,
            account: AccountView { equity: Usd::whole(1_000), max_positions: 1, max_leverage: Rate::ONE },
            stats: TradeStats::default(),
            funding_rate: None,
        };
        let decision = rule.decide(&view);
        assert_eq!(decision.action, action);
        assert_eq!(rule.explain(&view, &decision).reason, reason);
        if let Some(IntentKind::Open(entry)) = decision.proposal.as_deref() {
            assert_eq!(entry.size, Size::Notional(Usd::whole(100)));
            assert_eq!(entry.exits.stop.map(|stop| stop.distance), Some(Price::whole(2)));
        }
    }
}

fn instrument() -> Instrument {
    Instrument {
        symbol: "TESTUSDT".into(),
        tick: Price(1_000_000),
        step: Qty(100_000),
        min_qty: Qty(100_000),
        max_qty: Qty::whole(1_000),
        max_market_qty: Qty::whole(1_000),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(10),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::percent(1),
        max_open_orders: 100,
        brackets: vec![LeverageBracket {
            notional_cap: Usd::whole(1_000_000),
            max_leverage: 20,
            maintenance_rate: Rate::percent(1),
            maintenance_amount: Usd::ZERO,
        }],
    }
}
