//! What is cut, by how much, and what is left when nothing is.

use super::super::{Figure, Level};
use super::*;

/// Opens with this plan; expects the quantity and leverage sent, and the cut named, if any.
fn check(
    change: impl FnOnce(&mut Plan),
    before: impl FnOnce(&mut World),
    entry: Entry,
    sent: (&str, u32),
    cut: Option<(RefusalReason, Level)>,
) {
    let mut world = World::with(change);
    before(&mut world);
    world.commands();
    let verdict = world.open(0, entry);
    match cut {
        None => assert_eq!(verdict, Verdict::Approved),
        Some(cut) => {
            let refusal = resized(&verdict);
            assert_eq!((refusal.reason, refusal.level), cut, "{refusal}");
        }
    }
    let commands = world.commands();
    let [Command::Place(order)] = &commands[..] else { panic!("one order: {commands:?}") };
    assert_eq!((order.get().qty, order.get().leverage), (qty(sent.0), sent.1));
    world.step("100");
}

fn nothing(_: &mut World) {}

#[test]
fn what_fits_is_sent_as_asked_and_snapped_down() {
    check(|_| {}, nothing, buy("1.2345678"), ("1.234", 2), None);
    check(|_| {}, nothing, Entry { size: Size::Notional(usd("123.456")), ..buy("1") }, ("1.234", 2), None);
}

#[test]
fn the_venue_is_told_the_next_whole_leverage() {
    check(|_| {}, nothing, Entry { leverage: rate("2.5"), ..buy("1") }, ("1", 3), None);
}

#[test]
fn notional_is_cut_to_its_cap_at_each_level() {
    let cut = |level| Some((RefusalReason::MaxNotional, level));
    check(|plan| plan.limits.max_notional = Some(usd("1000")), nothing, buy("20"), ("10", 2), cut(Level::Swarm));
    check(
        |plan| plan.portfolios[0].limits.max_notional = Some(usd("1000.05")),
        nothing,
        buy("20"),
        ("10", 2),
        cut(Level::Portfolio),
    );
    check(
        |plan| plan.agents[0].limits.max_notional = Some(usd("50")),
        nothing,
        buy("20"),
        ("0.5", 2),
        cut(Level::Agent),
    );
}

#[test]
fn leverage_is_cut_to_its_cap_at_each_level() {
    let cut = |level| Some((RefusalReason::MaxLeverage, level));
    let asked = || Entry { leverage: rate("10"), ..buy("1") };
    check(|plan| plan.limits.max_leverage = Some(rate("5")), nothing, asked(), ("1", 5), cut(Level::Swarm));
    check(
        |plan| plan.portfolios[0].limits.max_leverage = Some(rate("3")),
        nothing,
        asked(),
        ("1", 3),
        cut(Level::Portfolio),
    );
    check(|plan| plan.agents[0].limits.max_leverage = Some(rate("2")), nothing, asked(), ("1", 2), cut(Level::Agent));
}

#[test]
fn the_venues_bracket_caps_leverage_too() {
    // 150,000 is in the bracket of 4x; 10,000 of margin then carries 10,000 * 4 / 1.004.
    let large = Entry { leverage: rate("10"), ..buy("1500") };
    check(
        |plan| plan.instruments[0].max_market_qty = Qty::whole(5_000),
        nothing,
        large,
        ("398.406", 4),
        Some((RefusalReason::InsufficientMargin, Level::Portfolio)),
    );
    let fits = Entry { leverage: rate("10"), ..buy("100") };
    check(
        |plan| plan.instruments[0].brackets.remove(0).max_leverage = 0,
        nothing,
        fits,
        ("100", 4),
        Some((RefusalReason::MaxLeverage, Level::Venue)),
    );
}

#[test]
fn gross_notional_is_cut_to_the_cap_times_equity() {
    let cut = |level| Some((RefusalReason::MaxLeverage, level));
    let asked = || Entry { leverage: rate("5"), ..buy("400") };
    // 30,000 of 50,000 taken by a reservation of another agent.
    let taken = |world: &mut World| {
        assert_eq!(world.open(1, Entry { leverage: rate("5"), ..buy("300") }), Verdict::Approved);
    };
    check(
        |plan| plan.portfolios[0].limits.max_leverage = Some(rate("5")),
        taken,
        asked(),
        // Margin is what binds in the end: 10,000 less 6,000 and a fee of 30.
        ("197.512", 5),
        Some((RefusalReason::InsufficientMargin, Level::Portfolio)),
    );
    // 36,000 for the swarm of 20,000, less 19,900 in the other portfolio.
    check(
        |plan| plan.limits.max_leverage = Some(rate("1.8")),
        |world| {
            world.open(4, Entry { leverage: rate("1.8"), ..buy("199") });
        },
        Entry { leverage: rate("1.8"), ..buy("165") },
        ("161", 2),
        cut(Level::Swarm),
    );
    check(
        |plan| plan.agents[0].limits.max_leverage = Some(rate("1")),
        nothing,
        Entry { leverage: rate("1"), ..buy("101") },
        ("99.9", 1),
        Some((RefusalReason::InsufficientMargin, Level::Portfolio)),
    );
    check(
        |plan| plan.portfolios[0].limits.max_leverage = Some(rate("2.5")),
        |world| {
            world.open(1, Entry { leverage: rate("2.5"), ..buy("200") });
        },
        Entry { leverage: rate("2.5"), ..buy("51") },
        ("50", 3),
        cut(Level::Portfolio),
    );
}

#[test]
fn nothing_is_left_when_the_cap_is_reached() {
    let mut world = World::with(|plan| plan.portfolios[0].limits.max_leverage = Some(rate("2.5")));
    world.open(1, Entry { leverage: rate("2.5"), ..buy("250") });
    let refusal = refused(&world.open(0, buy("1")));
    assert_eq!((refusal.reason, refusal.level), (RefusalReason::MaxLeverage, Level::Portfolio));
    assert_eq!((refusal.limit, refusal.seen), (Figure::Rate(rate("2.5")), Figure::Rate(rate("2.51"))));
}

#[test]
fn margin_that_does_not_cover_the_entry_cuts_it_and_none_refuses_it() {
    // 5,000 each of margin at leverage 2, and the fee of 0.1 %: 10,000 * 2 / 1.002.
    let cut = Some((RefusalReason::InsufficientMargin, Level::Portfolio));
    check(|_| {}, nothing, buy("300"), ("199.6", 2), cut);
    let mut world = World::with(|_| {});
    world.open(1, buy("300"));
    world.venue(P0, VenueEvent::Transfer { at: world.now, amount: usd("-100") });
    assert_refused(&world.open(0, buy("1")), RefusalReason::InsufficientMargin, Level::Portfolio);
}

#[test]
fn the_venues_largest_quantity_cuts() {
    let cut = Some((RefusalReason::AboveMaximum, Level::Venue));
    let small = |plan: &mut Plan| {
        plan.instruments[0].max_market_qty = qty("2");
        plan.instruments[0].max_qty = qty("3");
    };
    check(small, nothing, buy("5"), ("2", 2), cut);
    check(small, nothing, limit(buy("5"), "100"), ("3", 2), cut);
}

#[test]
fn below_the_venues_smallest_quantity_or_notional_is_refused() {
    let mut world = World::with(|plan| plan.instruments[1].min_qty = qty("0.5"));
    let small = refused(&world.open(0, buy("0.049")));
    assert_eq!((small.reason, small.level), (RefusalReason::BelowMinimum, Level::Venue));
    assert_eq!((small.limit, small.seen), (Figure::Usd(usd("5")), Figure::Usd(usd("4.9"))));
    assert_eq!(refused(&world.open(1, buy("0.4"))).limit, Figure::Qty(qty("0.5")));
    assert_eq!(refused(&world.open(0, buy("0.0001"))).reason, RefusalReason::BelowMinimum);
    assert_eq!(world.open(0, buy("0.05")), Verdict::Approved);
}

#[test]
fn a_reverse_is_sized_as_if_the_close_had_happened() {
    let mut world = World::with(|plan| {
        let limits = &mut plan.portfolios[0].limits;
        (limits.max_leverage, limits.max_positions) = (Some(rate("2")), Some(1));
    });
    world.long("190", stop("5"));
    world.accept("0-1-1");
    world.sent();
    let verdict = world.wish(0, IntentKind::Reverse(sell("190")));
    assert_eq!(verdict, Verdict::Approved);
    assert_eq!(world.sent(), ["0-1-2 Exit sell 190 market reduce", "0-2-0 Entry sell 190 market"]);
}

#[test]
fn limit_prices_are_snapped_away_from_the_market() {
    let mut world = World::with(|_| {});
    world.open(0, limit(buy("1"), "99.19"));
    world.open(1, limit(sell("1"), "101.11"));
    assert_eq!(world.sent(), ["0-1-0 Entry buy 1 limit 99.1", "1-1-0 Entry sell 1 limit 101.2"]);
}
