//! What becomes of an agent's orders and position when its life changes, and what it sees.

use super::*;

fn busy() -> World {
    let mut world = World::with(|_| {});
    let mut exits = stop("5");
    exits.stop.as_mut().unwrap().trail =
        Some(Trail { from: rate("0.02"), distance: price("3"), max_distance: rate("0.5") });
    world.open(0, Entry { exits, ..limit(buy("2"), "100") });
    world.fill("0-1-0", Side::Buy, "1", "100", "1");
    world.accept("0-1-1");
    world.sent();
    world
}

#[test]
fn kept_positions_stay_protected_and_trailed() {
    let failure = AgentChange::Panicked { message: "index out of bounds".into() };
    for change in [AgentChange::Stopped(StopPolicy::Keep), failure, AgentChange::Failed] {
        let mut world = busy();
        world.agent(0, change);
        assert_eq!(world.sent(), ["cancel 0-1-0"]);
        assert!(!world.supervisor.agent_runs(AgentId(0)));
        world.report("0-1-0", ReportKind::Canceled(CancelReason::Requested));
        world.mark(P0, BTC, "110");
        assert_eq!(world.sent(), ["0-1-2 Stop sell 1 stop 107 reduce"]);
        assert_refused(&world.open(3, buy("1")), RefusalReason::SymbolHeld, super::super::Level::Portfolio);
        world.step("110");
    }
}

#[test]
fn closed_positions_are_closed_at_market() {
    let mut world = busy();
    world.agent(0, AgentChange::Stopped(StopPolicy::Close));
    assert_eq!(world.sent(), ["cancel 0-1-0", "0-1-2 Flatten sell 1 market reduce"]);
    world.fill("0-1-0", Side::Buy, "1", "100", "0");
    world.fill("0-1-2", Side::Sell, "1", "100", "0");
    assert_eq!(world.sent(), ["0-1-3 Flatten sell 1 market reduce"], "what filled meanwhile goes too");
    world.fill("0-1-3", Side::Sell, "1", "100", "0");
    assert_eq!(world.trades[0].exit, ExitReason::AgentStop);
    world.agent(0, AgentChange::Started);
    assert_eq!(world.open(0, buy("1")), Verdict::Approved);
    world.step("100");
}

#[test]
fn a_restart_changes_nothing_of_the_position() {
    let mut world = busy();
    world.agent(0, AgentChange::Started);
    assert!(world.sent().is_empty());
}

#[test]
fn an_agent_sees_its_position_its_entry_and_its_record() {
    let mut world = World::with(|plan| {
        plan.limits.max_positions = Some(6);
        plan.portfolios[0].limits.max_positions = Some(3);
        plan.portfolios[0].limits.max_leverage = Some(rate("5"));
    });
    let agent = AgentId(0);
    assert_eq!(world.supervisor.position_view(agent), None);
    world.open(0, limit(sell("2"), "100"));
    assert!(world.supervisor.entry_pending(agent) && !world.supervisor.entry_pending(AgentId(3)));
    world.fill("0-1-0", Side::Sell, "2", "100", "0");
    assert!(!world.supervisor.entry_pending(agent));
    world.mark(P0, BTC, "90");
    let view = world.supervisor.position_view(agent).unwrap();
    assert_eq!((view.qty, view.entry_price, view.unrealized_pnl), (qty("-2"), price("100"), usd("20")));
    assert_eq!(world.supervisor.position_view(AgentId(3)), None, "it is not that agent's");
    let account = world.supervisor.account_view(P0);
    assert_eq!((account.equity, account.max_positions, account.max_leverage), (usd("10019.8"), 3, rate("5")));
    let snapshot = world.supervisor.agent(agent);
    assert_eq!((snapshot.notional, snapshot.unrealized, snapshot.fees), (usd("-180"), usd("20"), usd("0.2")));
    world.close(0);
    world.fill("0-1-1", Side::Buy, "2", "90", "0");
    let stats = world.supervisor.stats(agent);
    assert_eq!((stats.wins, stats.losses, stats.gross_profit), (1, 0, usd("19.62")));
    assert_eq!(world.supervisor.agent(agent).realized_net, usd("19.62"));
    world.step("90");
}

#[test]
fn a_trade_carries_the_confidence_of_its_decision() {
    let mut world = World::with(|_| {});
    let record = DecisionRecord {
        at: world.now,
        candle: world.now,
        agent: AgentId(0),
        symbol: BTC,
        decision: Decision { action: Action::Long, confidence: 72.5, target_score: 0.6, proposal: None },
        explanation: Explanation::default(),
    };
    world.supervisor.on_signal(&record);
    world.journal.push(Fact::Signal(Box::new(record)));
    world.long("1", stop("5"));
    world.fill("0-1-1", Side::Sell, "1", "95", "0");
    assert_eq!(world.trades[0].confidence, Some(72.5));
    world.step("95");
}
