//! Facts for tests: one of each kind, fixed, and arbitrary ones of some kinds.

use proptest::prelude::*;
use swarm_core::model::*;
use swarm_core::risk::{Figure, Level, Refusal, RefusalReason};

const AT: Time = Time(1_698_796_800_000);

const fn intent_id(agent: u32, number: u32) -> IntentId {
    IntentId { agent: AgentId(agent), number }
}

const fn order_id(agent: u32, number: u32, leg: u16) -> OrderId {
    OrderId { intent: intent_id(agent, number), leg }
}

fn fill(trade: u64) -> Fill {
    Fill {
        trade,
        side: Side::Buy,
        price: Price::whole(34_500),
        qty: Qty(1_200_000),
        fee: Usd(16_560_000),
        maker: false,
        slippage: Usd(2_070_000),
    }
}

fn entry() -> Entry {
    Entry {
        side: Side::Buy,
        size: Size::Notional(Usd::whole(414)),
        leverage: Rate::whole(3),
        order: EntryOrder::Limit { price: Price::whole(34_490), post_only: true, expire_after_ms: 60_000 },
        exits: ExitPlan {
            stop: Some(StopPlan {
                distance: Price::whole(350),
                break_even: Some(BreakEven { from: Rate::percent(1), to: Rate::bps(10) }),
                trail: Some(Trail {
                    from: Rate::percent(2),
                    distance: Price::whole(300),
                    max_distance: Rate::percent(3),
                }),
            }),
            targets: vec![TargetPlan { at: Rate::percent(2), fraction: Rate::percent(50) }],
            max_holding_ms: Some(86_400_000),
        },
    }
}

fn decision(action: Action, proposal: Option<Box<IntentKind>>) -> Box<DecisionRecord> {
    Box::new(DecisionRecord {
        at: AT,
        candle: AT.plus(-300_000),
        agent: AgentId(1),
        symbol: SymbolId(2),
        decision: Decision { action, confidence: 71.5, target_score: 0.375, proposal },
        explanation: Explanation {
            features: vec![FeatureLine {
                name: "rsi".into(),
                value: Some(28.25),
                normalized: None,
                weight: 0.25,
                contribution: 0.125,
            }],
            score: Some(0.375),
            regime: Some(-1),
            stability: Some(0.5),
            target_prices: vec![35_190.0],
            branch: Some("trend".into()),
            reason: "rsi is low".into(),
            ..Explanation::default()
        },
    })
}

fn order(purpose: Purpose, kind: OrderKind) -> Order {
    Order {
        id: order_id(1, 7, 2),
        portfolio: PortfolioId(1),
        symbol: SymbolId(2),
        side: Side::Sell,
        kind,
        qty: Qty(1_200_000),
        reduce_only: true,
        close_position: false,
        leverage: 3,
        purpose,
    }
}

/// At least one fact of every kind.
pub fn one_of_each() -> Vec<Fact> {
    let candle = Candle {
        open_time: AT.plus(-300_000),
        open: Price::whole(34_480),
        high: Price::whole(34_510),
        low: Price::whole(34_400),
        close: Price::whole(34_500),
        volume: 12.75,
    };
    let refusal = Refusal {
        reason: RefusalReason::MaxNotional,
        level: Level::Portfolio,
        limit: Figure::Usd(Usd::whole(400)),
        seen: Figure::Usd(Usd::whole(414)),
    };
    let portfolio = PortfolioId(1);
    let report = |kind| Fact::Venue {
        portfolio,
        event: VenueEvent::Order { id: order_id(1, 7, 0), symbol: SymbolId(2), at: AT.plus(50), kind },
    };
    vec![
        Fact::Candle { symbol: SymbolId(2), candle },
        Fact::Hold(decision(Action::Hold, None)),
        Fact::Signal(decision(Action::Long, Some(Box::new(IntentKind::Open(entry()))))),
        Fact::Intent {
            id: intent_id(1, 7),
            intent: Box::new(Intent {
                agent: AgentId(1),
                portfolio,
                symbol: SymbolId(2),
                decided_at: AT,
                reference: Price::whole(34_500),
                kind: IntentKind::Reverse(entry()),
            }),
        },
        Fact::Verdict { id: intent_id(1, 7), portfolio, verdict: Verdict::Resized(refusal) },
        Fact::Order { at: AT, order: order(Purpose::Stop, OrderKind::StopMarket { trigger: Price::whole(34_150) }) },
        Fact::Cancel { at: AT, portfolio, id: order_id(1, 7, 2), symbol: SymbolId(3) },
        Fact::Closing {
            at: AT,
            portfolio,
            symbol: SymbolId(3),
            intent: order_id(1, 7, 2).intent,
            reason: ExitReason::Naked,
        },
        report(ReportKind::Accepted),
        report(ReportKind::Filled { fill: fill(99), leaves: Qty::ZERO }),
        report(ReportKind::Rejected(VenueReject::PriceBand)),
        report(ReportKind::Canceled(CancelReason::Immediate)),
        Fact::Venue {
            portfolio,
            event: VenueEvent::Funding {
                symbol: SymbolId(2),
                at: AT,
                rate: Rate::bps(1),
                mark: Price::whole(34_500),
                amount: Usd(-4_140_000),
            },
        },
        Fact::Venue { portfolio, event: VenueEvent::Liquidation { symbol: SymbolId(2), at: AT, fill: fill(100) } },
        Fact::Venue { portfolio, event: VenueEvent::Transfer { at: AT, amount: Usd::whole(250) } },
        Fact::Mark { at: AT, symbol: SymbolId(2), price: Price::whole(34_501) },
        Fact::Breaker {
            at: AT,
            scope: BreakerScope::Portfolio(portfolio),
            change: BreakerChange::Tripped {
                equity: Usd::whole(8_500),
                peak: Usd::whole(10_000),
                drawdown: Rate::percent(15),
            },
        },
        Fact::Breaker { at: AT, scope: BreakerScope::Agent(AgentId(1)), change: BreakerChange::Flat },
        Fact::Agent { at: AT, agent: AgentId(1), change: AgentChange::Panicked { message: "index".into() } },
        Fact::Gate { at: AT, portfolio, gated: true },
        Fact::Watermark {
            scope: BreakerScope::Swarm,
            mark: Watermark {
                peak: Usd::whole(10_000),
                breach_samples: 1,
                day: 19_662,
                day_start_equity: Usd::whole(9_900),
            },
        },
        Fact::StepEnd { at: AT },
        Fact::End { at: AT, complete: true },
        Fact::RemainderDropped {
            at: AT,
            portfolio,
            symbol: SymbolId(2),
            intent: intent_id(1, 7),
            qty: Qty(1_200_000),
            refusal,
        },
        Fact::Difference {
            at: AT,
            portfolio,
            difference: Box::new(Difference {
                kind: DifferenceKind::UnknownPosition,
                policy: DifferencePolicy::Close,
                symbol: Some(SymbolId(2)),
                subject: "web_8a31".into(),
                venue: Figure::Qty(Qty(1_200_000)),
                book: Figure::Nothing,
            }),
        },
        Fact::Start { at: AT },
        Fact::Judged { at: AT, seen: 17 },
    ]
}

/// A fact of some kind: numbers over their whole range, texts of any length up to some hundred bytes.
pub fn any_fact() -> impl Strategy<Value = Fact> {
    let at = any::<i64>().prop_map(Time);
    let text = "[ -~äß€]{0,80}";
    prop_oneof![
        (any::<u16>(), any::<[i64; 5]>(), prop::num::f64::NORMAL | prop::num::f64::ZERO).prop_map(
            |(symbol, n, volume)| {
                let [open_time, open, high, low, close] = n;
                let candle = Candle {
                    open_time: Time(open_time),
                    open: Price(open),
                    high: Price(high),
                    low: Price(low),
                    close: Price(close),
                    volume,
                };
                Fact::Candle { symbol: SymbolId(symbol), candle }
            }
        ),
        (any::<u32>(), text, prop::option::of(prop::num::f64::NORMAL), any::<bool>()).prop_map(
            |(agent, reason, score, hold)| {
                let mut record = decision(if hold { Action::Hold } else { Action::Short }, None);
                record.agent = AgentId(agent);
                record.explanation.reason = reason.into();
                record.explanation.score = score;
                if hold { Fact::Hold(record) } else { Fact::Signal(record) }
            }
        ),
        (at.clone(), any::<u32>(), any::<u32>(), any::<u16>(), any::<i64>(), any::<i64>()).prop_map(
            |(at, agent, number, leg, trigger, qty)| {
                let mut order = order(Purpose::Exit, OrderKind::TakeProfitMarket { trigger: Price(trigger) });
                order.id = order_id(agent, number, leg);
                order.qty = Qty(qty);
                Fact::Order { at, order }
            }
        ),
        (at.clone(), any::<u16>(), any::<i64>()).prop_map(|(at, portfolio, amount)| Fact::Venue {
            portfolio: PortfolioId(portfolio),
            event: VenueEvent::Transfer { at, amount: Usd(amount) },
        }),
        (at.clone(), any::<u32>(), text).prop_map(|(at, agent, message)| Fact::Agent {
            at,
            agent: AgentId(agent),
            change: AgentChange::Panicked { message },
        }),
        at.clone().prop_map(|at| Fact::StepEnd { at }),
        (at, any::<bool>()).prop_map(|(at, complete)| Fact::End { at, complete }),
    ]
}
