//! Every unit is booked once, to the right agent, whatever the order of things.

use super::*;

#[test]
fn the_wallet_changes_by_exactly_what_fills_fees_and_funding_say() {
    let mut world = World::with(|_| {});
    world.open(0, limit(buy("3"), "100"));
    world.fill("0-1-0", Side::Buy, "1.001", "99.9", "1.999");
    world.fill("0-1-0", Side::Buy, "1.999", "100", "0");
    let funding = VenueEvent::Funding {
        symbol: BTC,
        at: world.now,
        rate: rate("0.0001"),
        mark: price("100"),
        amount: usd("-0.03"),
    };
    world.venue(P0, funding);
    world.close(0);
    world.fill("0-1-1", Side::Sell, "3", "101.3", "0");
    let account = world.supervisor.account(P0);
    assert!(account.is_balanced());
    // 303.9 received, 99.9999 + 199.9 paid; fees 0.0999999 + 0.1999 + 0.3039.
    assert_eq!(account.realized, usd("4.0001"));
    assert_eq!(account.fees, usd("0.6037999"));
    assert_eq!(account.wallet, usd("10003.3663001"));
    let trade = &world.trades[0];
    assert_eq!(
        (trade.gross, trade.fees, trade.funding, trade.net),
        (usd("4.0001"), usd("0.6037999"), usd("-0.03"), usd("3.3663001"))
    );
    assert_eq!(world.supervisor.agent_book(AgentId(0)).net(), trade.net);
    world.step("101");
}

#[test]
fn what_belongs_to_nobody_is_kept_apart() {
    let mut world = World::with(|_| {});
    let funding =
        VenueEvent::Funding { symbol: BTC, at: world.now, rate: rate("0.0001"), mark: price("100"), amount: usd("2") };
    world.venue(P0, funding);
    let fill = Fill {
        trade: 1,
        side: Side::Sell,
        price: price("100"),
        qty: qty("1"),
        fee: usd("3"),
        maker: false,
        slippage: Usd::ZERO,
    };
    world.venue(P0, VenueEvent::Liquidation { symbol: BTC, at: world.now, fill });
    assert_eq!(world.supervisor.account(P0).unattributed, usd("-1"));
    assert_eq!(world.supervisor.portfolio(P0).equity, usd("9999"));
    assert_eq!(world.supervisor.portfolio(P0).open_positions, 0);
    world.step("100");
}

#[test]
fn peaks_are_remembered() {
    let mut world = World::with(|_| {});
    world.long("100", stop("30"));
    world.accept("0-1-1");
    world.open(1, buy("1"));
    world.fill("1-1-0", Side::Buy, "1", "100", "0");
    world.step("90");
    world.fill("0-1-1", Side::Sell, "100", "90", "0");
    world.step("90");
    let snapshot = world.supervisor.portfolio(P0);
    assert_eq!((snapshot.open_positions, snapshot.peak_open_positions), (1, 2));
    assert_eq!(snapshot.max_drawdown, rate("0.10291"), "1,010 lost and 19.1 of fees, of 10,000");
    assert!(snapshot.peak_leverage > rate("1.01") && snapshot.peak_leverage < rate("1.02"));
}
