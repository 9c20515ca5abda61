//! The metrics page as a scraper reads it, held to the contract and to `docs/metrics.md`.

use super::*;
use crate::api::testing::plan;
use crate::telemetry::strict::{Page, parse};
use crate::telemetry::{Account, EntryWay, Restored};
use swarm_core::model::{Rate, Usd, Verdict};
use swarm_core::risk::{Figure, Level, Refusal};

fn read(metrics: &Metrics) -> Page {
    let text = metrics.render();
    parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refusal() -> Refusal {
    Refusal { reason: RefusalReason::DailyLoss, level: Level::Portfolio, limit: Figure::Nothing, seen: Figure::Nothing }
}

const AGENT: [(&str, &str); 3] = [("agent", "expert-btcusdt"), ("cohort", "expert"), ("mode", "paper")];

#[test]
fn every_metric_of_the_contract_is_on_the_page_with_its_type_labels_and_mode() {
    let page = read(&Metrics::new(&plan(), "1.2.3"));
    let contract = [
        ("swarm_agent_running", "gauge", "agent cohort"),
        ("swarm_agent_restarts_total", "counter", "agent cohort"),
        ("swarm_decisions_total", "counter", "agent cohort"),
        ("swarm_decision_confidence", "gauge", "agent cohort"),
        ("swarm_target_score", "gauge", "agent cohort"),
        ("swarm_intents_total", "counter", "agent cohort verdict"),
        ("swarm_trades_total", "counter", "agent cohort result"),
        ("swarm_realized_pnl_usdt", "gauge", "agent cohort"),
        ("swarm_unrealized_pnl_usdt", "gauge", "agent cohort"),
        ("swarm_position_notional_usdt", "gauge", "agent cohort"),
        ("swarm_decision_seconds", "summary", "agent cohort"),
        ("swarm_decisions_by_action_total", "counter", "action cohort"),
        ("swarm_refusals_total", "counter", "cohort reason"),
        ("swarm_decision_latency_seconds", "histogram", "cohort"),
        ("swarm_equity_usdt", "gauge", "portfolio"),
        ("swarm_drawdown_ratio", "gauge", "portfolio"),
        ("swarm_leverage_ratio", "gauge", "portfolio"),
        ("swarm_open_positions", "gauge", "portfolio"),
        ("swarm_reserved_notional_usdt", "gauge", "portfolio"),
        ("swarm_breaker_tripped", "gauge", "portfolio"),
        ("swarm_entries_gated", "gauge", "portfolio"),
        ("swarm_orders_total", "counter", "portfolio status"),
        ("swarm_reconcile_differences_total", "counter", "kind portfolio"),
        ("swarm_strategy_entries_total", "counter", "portfolio way"),
        ("swarm_strategies_refused", "gauge", "portfolio"),
        ("swarm_order_roundtrip_seconds", "histogram", "venue"),
        ("swarm_feed_lag_seconds", "gauge", "symbol"),
        ("swarm_feed_candles_total", "counter", "fate"),
        ("swarm_feed_reconnects_total", "counter", ""),
        ("swarm_contract_changed", "gauge", "symbol"),
        ("swarm_marks_unconfirmed_total", "counter", "symbol"),
        ("swarm_mailbox_depth", "gauge", "actor"),
        ("swarm_dropped_total", "counter", "actor reason"),
        ("swarm_journal_flush_seconds", "histogram", ""),
        ("swarm_build_info", "gauge", "version"),
        ("swarm_market_time_seconds", "gauge", ""),
    ];
    for (name, kind, labels) in contract {
        let family = page.0.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(family.kind, kind, "{name}");
        for sample in &family.samples {
            let seen: Vec<&str> =
                sample.labels.keys().map(String::as_str).filter(|key| !["mode", "le"].contains(key)).collect();
            assert_eq!(seen.join(" "), labels, "{name}");
            assert_eq!(sample.labels.get("mode").map(String::as_str), Some("paper"), "{name}");
        }
    }
    assert_eq!(page.0.len(), contract.len(), "a metric that the contract does not name");
    assert_eq!(page.value("swarm_build_info", &[("version", "1.2.3"), ("mode", "paper")]), 1.0);
}

#[test]
fn an_agent_has_fewer_than_15_series_until_an_intent_of_its_is_resized() {
    let metrics = Metrics::new(&plan(), "1");
    let count = || {
        let page = read(&metrics);
        let series = page.0.values().flat_map(|family| &family.samples);
        series.filter(|s| s.labels.get("agent").is_some_and(|name| name == "expert-btcusdt")).count()
    };
    assert_eq!(count(), 14);
    metrics.agent(AgentId(2)).intent(&Verdict::Resized(refusal()));
    assert_eq!(count(), 15);
}

#[test]
fn what_an_agent_does_shows_in_its_series_and_its_cohort_s() {
    let metrics = Metrics::new(&plan(), "1");
    let cells = metrics.agent(AgentId(2));
    cells.set_running(true);
    cells.restarted();
    cells.decided(Action::Long, 72.5, 0.5, Duration::from_micros(3));
    cells.decided(Action::Hold, 40.0, -0.25, Duration::from_micros(5));
    cells.intent(&Verdict::Approved);
    cells.intent(&Verdict::Resized(refusal()));
    cells.intent(&Verdict::Refused(refusal()));
    cells.intent(&Verdict::Refused(refusal()));
    cells.trade(true);
    cells.trade(false);
    cells.trade(false);
    cells.set_pnl("12.5".parse().unwrap(), "-3.25".parse().unwrap());
    cells.set_notional(Usd::whole(-1_500));

    let page = read(&metrics);
    for (name, value) in [
        ("swarm_agent_running", 1.0),
        ("swarm_agent_restarts_total", 1.0),
        ("swarm_decisions_total", 2.0),
        ("swarm_decision_confidence", 40.0),
        ("swarm_target_score", -0.25),
        ("swarm_realized_pnl_usdt", 12.5),
        ("swarm_unrealized_pnl_usdt", -3.25),
        ("swarm_position_notional_usdt", -1_500.0),
        ("swarm_decision_seconds_count", 2.0),
    ] {
        assert_eq!(page.value(name, &AGENT), value, "{name}");
    }
    assert!((page.value("swarm_decision_seconds_sum", &AGENT) - 8e-6).abs() < 1e-12);
    for (name, label, value) in [
        ("swarm_intents_total", ("verdict", "approved"), 1.0),
        ("swarm_intents_total", ("verdict", "resized"), 1.0),
        ("swarm_intents_total", ("verdict", "refused"), 2.0),
        ("swarm_trades_total", ("result", "win"), 1.0),
        ("swarm_trades_total", ("result", "loss"), 2.0),
    ] {
        assert_eq!(page.value(name, &[AGENT[0], AGENT[1], label]), value, "{name} {label:?}");
    }
    for (name, labels, value) in [
        ("swarm_decisions_by_action_total", ("action", "long"), 1.0),
        ("swarm_decisions_by_action_total", ("action", "hold"), 1.0),
        ("swarm_decisions_by_action_total", ("action", "exit"), 0.0),
        ("swarm_refusals_total", ("reason", "daily_loss"), 2.0),
        ("swarm_refusals_total", ("reason", "overload"), 0.0),
        ("swarm_decision_latency_seconds_bucket", ("le", "0.0000025"), 0.0),
        ("swarm_decision_latency_seconds_bucket", ("le", "0.000005"), 2.0),
    ] {
        assert_eq!(page.value(name, &[("cohort", "expert"), labels]), value, "{name} {labels:?}");
        assert!(page.matching(name, &[("cohort", "control"), labels]).all(|sample| sample.value == 0.0));
    }
}

#[test]
fn the_rest_shows_where_it_was_said() {
    let metrics = Metrics::new(&plan(), "1");
    let portfolio = metrics.portfolio(PortfolioId(1));
    portfolio.set_account(&Account {
        equity: Usd::whole(9_500),
        drawdown: Rate::percent(5),
        leverage: Rate::percent(150),
        open_positions: 2,
        reserved_notional: Usd::whole(700),
    });
    portfolio.set_breaker_tripped(true);
    portfolio.set_entries_gated(true);
    portfolio.order(OrderOutcome::Rejected);
    portfolio.difference(DifferenceKind::UnknownOrder);
    portfolio.entries_left(EntryWay::Alone, 3);
    portfolio.set_strategies_refused(true);
    metrics.cohort(CohortId(0)).refused(RefusalReason::Overload);
    metrics.journal_flush(Duration::from_millis(2));
    metrics.order_roundtrip(VenueLabel::Aster, Duration::from_secs(60));
    metrics.feed_lag(SymbolId(1), 1.5);
    metrics.mark_unconfirmed(SymbolId(1));
    metrics.mailbox_depth(Actor::Agent, 9);
    metrics.dropped(Actor::Execution, DropReason::Full);
    metrics.dropped_many(Actor::Api, DropReason::Lagged, 4);
    metrics.market_time(Time(1_700_000_000_500));

    let page = read(&metrics);
    for (name, labels, value) in [
        ("swarm_equity_usdt", &[("portfolio", "expert")][..], 9_500.0),
        ("swarm_equity_usdt", &[("portfolio", "control")], 0.0),
        ("swarm_drawdown_ratio", &[("portfolio", "expert")], 0.05),
        ("swarm_leverage_ratio", &[("portfolio", "expert")], 1.5),
        ("swarm_open_positions", &[("portfolio", "expert")], 2.0),
        ("swarm_reserved_notional_usdt", &[("portfolio", "expert")], 700.0),
        ("swarm_breaker_tripped", &[("portfolio", "expert")], 1.0),
        ("swarm_entries_gated", &[("portfolio", "expert")], 1.0),
        ("swarm_orders_total", &[("portfolio", "expert"), ("status", "rejected")], 1.0),
        ("swarm_orders_total", &[("portfolio", "expert"), ("status", "sent")], 0.0),
        ("swarm_reconcile_differences_total", &[("portfolio", "expert"), ("kind", "unknown_order")], 1.0),
        ("swarm_strategy_entries_total", &[("portfolio", "expert"), ("way", "alone")], 3.0),
        ("swarm_strategies_refused", &[("portfolio", "expert")], 1.0),
        ("swarm_refusals_total", &[("cohort", "control"), ("reason", "overload")], 1.0),
        ("swarm_journal_flush_seconds_bucket", &[("le", "0.001")], 0.0),
        ("swarm_journal_flush_seconds_bucket", &[("le", "0.0025")], 1.0),
        ("swarm_order_roundtrip_seconds_bucket", &[("venue", "aster"), ("le", "30")], 0.0),
        ("swarm_order_roundtrip_seconds_count", &[("venue", "aster")], 1.0),
        ("swarm_feed_lag_seconds", &[("symbol", "ETHUSDT")], 1.5),
        ("swarm_marks_unconfirmed_total", &[("symbol", "ETHUSDT")], 1.0),
        ("swarm_mailbox_depth", &[("actor", "agent")], 9.0),
        ("swarm_dropped_total", &[("actor", "execution"), ("reason", "full")], 1.0),
        ("swarm_dropped_total", &[("actor", "api"), ("reason", "lagged")], 4.0),
        ("swarm_market_time_seconds", &[], 1_700_000_000.5),
    ] {
        assert_eq!(page.value(name, labels), value, "{name} {labels:?}");
    }
}

#[test]
fn a_removed_agent_is_gone_and_its_late_reports_go_nowhere() {
    let metrics = Metrics::new(&plan(), "1");
    let held = metrics.agent(AgentId(2));
    metrics.remove_agent(AgentId(2));
    held.decided(Action::Hold, 1.0, 0.0, Duration::ZERO);
    metrics.agent(AgentId(2)).decided(Action::Hold, 1.0, 0.0, Duration::ZERO);
    let page = read(&metrics);
    assert!(page.matching("swarm_decisions_total", &AGENT[..1]).next().is_none());
    assert!(page.matching("swarm_decisions_total", &[("agent", "control-btcusdt")]).next().is_some());

    metrics.add_agent(AgentId(2), "expert-btcusdt", CohortId(1));
    assert_eq!(read(&metrics).value("swarm_decisions_total", &AGENT), 0.0);

    for id in 0..8 {
        metrics.remove_agent(AgentId(id));
    }
    assert!(!read(&metrics).0.contains_key("swarm_decisions_total"), "a family without series is not announced");
}

#[test]
fn a_restarted_actor_goes_on_counting_and_a_restarted_process_where_the_journal_ends() {
    let metrics = Metrics::new(&plan(), "1");
    let restored = Restored { approved: 5, refused: 2, wins: 3, losses: 1, decisions: 900, ..Restored::default() };
    metrics.agent(AgentId(2)).restore(&restored);
    metrics.agent(AgentId(2)).trade(true);
    metrics.agent(AgentId(2)).decided(Action::Hold, 0.0, 0.0, Duration::from_micros(1));
    let page = read(&metrics);
    assert_eq!(page.value("swarm_trades_total", &[AGENT[0], ("result", "win")]), 4.0);
    assert_eq!(page.value("swarm_intents_total", &[AGENT[0], ("verdict", "approved")]), 5.0);
    assert_eq!(page.value("swarm_decisions_total", &AGENT), 901.0);
    assert_eq!(page.value("swarm_decision_seconds_count", &AGENT), 1.0, "only what was timed is averaged");
}

#[test]
fn names_with_quotes_and_line_ends_and_numbers_that_are_none_leave_the_page_readable() {
    let mut plan = plan();
    plan.agents[2].name = "a\"b\\c\nd".into();
    plan.cohorts[1].name = "x\"\n".into();
    plan.portfolios[1].name = "p\\\"".into();
    let metrics = Metrics::new(&plan, "\"1\"");
    metrics.agent(AgentId(2)).decided(Action::Hold, f64::NAN, f64::INFINITY, Duration::ZERO);
    let page = read(&metrics);
    assert!(page.value("swarm_decision_confidence", &[("agent", "a\"b\\c\nd"), ("cohort", "x\"\n")]).is_nan());
    assert_eq!(page.value("swarm_target_score", &[("agent", "a\"b\\c\nd")]), f64::INFINITY);
    assert_eq!(page.value("swarm_equity_usdt", &[("portfolio", "p\\\"")]), 0.0);
}

#[test]
fn figures_of_an_agent_fit_their_budget() {
    let cells = size_of::<AgentCells>();
    assert!(cells <= 168, "{cells} bytes");
    let mut plan = plan();
    let agent = plan.agents[0].clone();
    plan.agents = (0..1_000)
        .map(|n| swarm_core::model::AgentPlan { name: format!("control-btcusdt-{n}"), ..agent.clone() })
        .collect();
    let page = Metrics::new(&plan, "1").render();
    assert!(page.len() / 1_000 < 1_500, "{} bytes of page an agent", page.len() / 1_000);
    assert!(parse(&page).is_ok());
}

#[test]
fn labels_of_fixed_sets_stand_at_their_index() {
    // Handles are looked up by the variant's number.
    assert!(Actor::ALL.iter().enumerate().all(|(index, actor)| *actor as usize == index));
    assert!(Action::ALL.iter().enumerate().all(|(index, action)| *action as usize == index));
    assert!(RefusalReason::ALL.iter().enumerate().all(|(index, reason)| *reason as usize == index));
}
