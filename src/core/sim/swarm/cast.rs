//! The rules that agents of a simulated swarm follow: a rule of the simulation's own, which is a function of
//! the candle it sees and does everything an agent may do, sense and nonsense, and the rules of the registry,
//! which the host above the core hands in. Any of them may panic.

use crate::features::{Feature, Slot, Wants};
use crate::model::{
    Action, AgentId, BreakEven, Decision, Entry, EntryOrder, ExitPlan, ExitReason, Explanation, IntentKind, Interval,
    MINUTE_MS, Plan, Price, Qty, Rate, Round, Side, Size, StopPlan, TargetPlan, Trail, Usd,
};
use crate::rule::{Rule, View};
use std::sync::Arc;

use super::chance::Chance;

/// Name of the simulation's own rule.
pub const FICKLE: &str = "fickle";

/// A rule with its parameters, that agents may be cast with.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name.
    pub rule: String,
    /// Its parameters, complete.
    pub params: Arc<serde_json::Value>,
}

/// Rules of others. The core knows none.
pub trait Cast {
    /// What agents may be cast with besides [`FICKLE`].
    fn parts(&self) -> &[Part];
    /// Makes the rule of an agent that was cast with one of the parts.
    ///
    /// # Errors
    /// What is wrong with its parameters.
    fn make(&self, plan: &Plan, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String>;
}

/// Nobody but the simulation's own rule.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnCast;

impl Cast for OwnCast {
    fn parts(&self) -> &[Part] {
        &[]
    }
    fn make(&self, plan: &Plan, agent: AgentId, _: &mut Wants) -> Result<Box<dyn Rule>, String> {
        Err(format!("{} has no rule here", plan.agents[agent.index()].rule))
    }
}

/// Decides by a hash of the candle, so that it decides the same after a restart.
struct Fickle {
    seed: u64,
    base: Interval,
    close: Slot,
}

impl Fickle {
    fn chance(&self, view: &View<'_>) -> Chance {
        Chance::new(self.seed, view.frame.candle.open_time.0.unsigned_abs())
    }

    fn entry(&self, side: Side, view: &View<'_>, chance: &mut Chance) -> Entry {
        let close = view.frame.candle.close;
        let distance = close.times(Rate::bps(chance.between(15, 400)), Round::Up).max(view.instrument.tick);
        let stop = StopPlan {
            distance,
            break_even: chance
                .happens(4_000)
                .then(|| BreakEven { from: Rate::bps(chance.between(20, 200)), to: Rate::bps(chance.between(1, 15)) }),
            trail: chance.happens(5_000).then(|| Trail {
                from: Rate::bps(chance.between(5, 150)),
                distance: distance.times(Rate::percent(chance.between(20, 90)), Round::Up).max(view.instrument.tick),
                max_distance: Rate::percent(3),
            }),
        };
        let targets = match chance.below(4) {
            0 => vec![TargetPlan { at: Rate::bps(chance.between(20, 300)), fraction: Rate::percent(50) }],
            1 => vec![
                TargetPlan { at: Rate::bps(chance.between(10, 100)), fraction: Rate::percent(40) },
                TargetPlan { at: Rate::bps(chance.between(100, 300)), fraction: Rate::percent(60) },
            ],
            _ => Vec::new(),
        };
        let equity = view.account.equity.max(Usd::whole(1));
        let notional = equity.times(Rate::percent(chance.between(2, 180)), Round::Down);
        let nonsense = chance.happens(200);
        Entry {
            side,
            size: if nonsense { Size::Qty(Qty(-1)) } else { Size::Notional(notional) },
            leverage: Rate::whole(chance.between(1, 12)),
            order: Self::order(side, close, chance),
            exits: ExitPlan {
                stop: Some(stop),
                targets,
                max_holding_ms: chance.happens(3_000).then(|| chance.between(1, 90) * MINUTE_MS),
            },
        }
    }

    fn order(side: Side, close: Price, chance: &mut Chance) -> EntryOrder {
        let away = close.times(Rate::bps(chance.between(-5, 60)), Round::Nearest);
        let price = if side == Side::Buy { close - away } else { close + away };
        let expire_after_ms = chance.between(5, 900) * 1_000;
        let post_only = chance.happens(5_000);
        match chance.below(5) {
            0 => EntryOrder::Limit { price, post_only, expire_after_ms },
            1 => EntryOrder::LimitThenMarket { price, post_only, expire_after_ms },
            _ => EntryOrder::Market,
        }
    }
}

impl Rule for Fickle {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        if view.frame.get(self.close).is_none() {
            return Decision::hold(0.0, 0.0);
        }
        let mut chance = self.chance(view);
        let side = if chance.happens(5_000) { Side::Buy } else { Side::Sell };
        let busy = if self.base.ms() > MINUTE_MS { 4_000 } else { 1_500 };
        let decide =
            |action, kind| Decision { action, confidence: 50.0, target_score: 0.0, proposal: Some(Box::new(kind)) };
        let towards = |side| if side == Side::Buy { Action::Long } else { Action::Short };
        match view.position {
            // Now and then it asks for a second position, or to close what it does not have.
            None if chance.happens(busy) => {
                decide(towards(side), IntentKind::Open(self.entry(side, view, &mut chance)))
            }
            None if chance.happens(50) => decide(Action::Exit, IntentKind::Close { reason: ExitReason::Signal }),
            Some(held) if chance.happens(busy / 4) => {
                let other = Side::of(held.qty).opposite();
                decide(towards(other), IntentKind::Reverse(self.entry(other, view, &mut chance)))
            }
            Some(_) if chance.happens(busy / 4) => {
                decide(Action::Exit, IntentKind::Close { reason: ExitReason::Signal })
            }
            Some(_) if chance.happens(100) => {
                decide(towards(side), IntentKind::Open(self.entry(side, view, &mut chance)))
            }
            _ => Decision::hold(0.0, 0.0),
        }
    }

    fn explain(&self, _: &View<'_>, _: &Decision) -> Explanation {
        Explanation { reason: "by the hash of the candle".into(), ..Explanation::default() }
    }
}

/// A rule that panics at some candles.
struct Fragile {
    inner: Box<dyn Rule>,
    seed: u64,
    rate: u32,
}

impl Rule for Fragile {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let mut chance = Chance::new(!self.seed, view.frame.candle.open_time.0.unsigned_abs());
        if chance.happens(self.rate) {
            // Unwinds as a panic does, without the message on stderr.
            std::panic::resume_unwind(Box::new("a simulated fault of the rule"));
        }
        self.inner.decide(view)
    }
    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        self.inner.explain(view, decision)
    }
}

/// Makes an agent's rule; it panics in `panics` of 10,000 decisions.
///
/// # Errors
/// What is wrong with its parameters.
pub fn make_rule(
    cast: &dyn Cast,
    plan: &Plan,
    agent: AgentId,
    wants: &mut Wants,
    (seed, panics): (u64, u32),
) -> Result<Box<dyn Rule>, String> {
    let seed = seed ^ (u64::from(agent.0) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let inner: Box<dyn Rule> = if plan.agents[agent.index()].rule == FICKLE {
        Box::new(Fickle { seed, base: plan.base, close: wants.want(plan.base, Feature::Close) })
    } else {
        cast.make(plan, agent, wants)?
    };
    Ok(Box::new(Fragile { inner, seed, rate: panics }))
}
