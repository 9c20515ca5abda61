//! Where stops and targets go: prices and quantities from an exit plan. Arithmetic only.

use crate::model::{BreakEven, Instrument, Price, Qty, Rate, Round, Side, StopPlan, TargetPlan};

/// The better stop of two for a position opened by `side`: the higher for a long one.
pub(crate) fn better(side: Side, a: Price, b: Price) -> Price {
    match side {
        Side::Buy => a.max(b),
        Side::Sell => a.min(b),
    }
}

/// `price` moved by `distance` in favour (positive) of a position opened by `side`.
fn in_favour(side: Side, price: Price, distance: Price) -> Price {
    match side {
        Side::Buy => price + distance,
        Side::Sell => price - distance,
    }
}

/// The move in favour from `entry` to `price`, negative when against.
fn gain_between(side: Side, entry: Price, price: Price) -> Price {
    match side {
        Side::Buy => price - entry,
        Side::Sell => entry - price,
    }
}

/// Snaps a stop towards the entry: never wider than planned.
fn snap_stop(side: Side, price: Price, tick: Price) -> Price {
    price.snap(tick, if side == Side::Buy { Round::Up } else { Round::Down })
}

/// The first stop: `distance` from the average entry, on the tick, not wider than planned, at least a
/// tick away from the entry.
pub fn stop_price(side: Side, entry: Price, distance: Price, tick: Price) -> Price {
    let planned = snap_stop(side, in_favour(side, entry, -distance), tick);
    let nearest = match side {
        Side::Buy => (entry - tick).snap(tick, Round::Down),
        Side::Sell => (entry + tick).snap(tick, Round::Up),
    };
    match side {
        Side::Buy => planned.min(nearest).max(tick),
        Side::Sell => planned.max(nearest),
    }
}

/// Where break-even would have the stop, on the tick.
pub(super) fn break_even_stop(side: Side, entry: Price, rule: &BreakEven, tick: Price) -> Price {
    snap_stop(side, in_favour(side, entry, entry.times(rule.to, Round::Nearest)), tick)
}

/// Where break-even and trailing would have the stop at this mark; `None` while neither is armed.
/// Both depend on the mark alone and move in favour with it, so the stop at the venue is the memory
/// of the best mark and none other is needed.
pub(crate) fn moved_stop(side: Side, plan: &StopPlan, entry: Price, mark: Price, tick: Price) -> Option<Price> {
    let gain = gain_between(side, entry, mark);
    if gain <= Price::ZERO {
        return None;
    }
    let break_even = plan
        .break_even
        .filter(|rule| gain >= entry.times(rule.from, Round::Up))
        .map(|rule| in_favour(side, entry, entry.times(rule.to, Round::Nearest)));
    let trail = plan.trail.filter(|rule| gain >= entry.times(rule.from, Round::Up)).map(|rule| {
        let distance = rule.distance.min(mark.times(rule.max_distance, Round::Down));
        in_favour(side, mark, -distance)
    });
    let raw = match (break_even, trail) {
        (Some(a), Some(b)) => better(side, a, b),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return None,
    };
    let snapped = snap_stop(side, raw, tick);
    // A stop at or beyond the mark would trigger at once.
    (gain_between(side, snapped, mark) > Price::ZERO && snapped > Price::ZERO).then_some(snapped)
}

/// The trigger of a target, on the tick and not nearer than planned.
pub fn target_price(side: Side, entry: Price, at: Rate, tick: Price) -> Price {
    let price = in_favour(side, entry, entry.times(at, Round::Nearest));
    price.snap(tick, if side == Side::Buy { Round::Up } else { Round::Down }).max(tick)
}

/// How a filled quantity is shared among targets: each its fraction rounded down to the step, the last
/// one takes what rounding left over when the fractions sum to 1, and what is below the smallest order
/// goes to the last one. What the fractions leave out stays under the stop alone.
pub fn target_quantities(filled: Qty, targets: &[TargetPlan], instrument: &Instrument, out: &mut Vec<Qty>) {
    out.clear();
    let Some(last) = targets.len().checked_sub(1) else { return };
    let all: Rate = targets.iter().map(|target| target.fraction).sum();
    let wanted = if all >= Rate::ONE { filled } else { instrument.snap_qty(filled.times(all, Round::Down)) };
    let mut left = wanted;
    for (index, target) in targets.iter().enumerate() {
        let share = if index == last { left } else { instrument.snap_qty(filled.times(target.fraction, Round::Down)) };
        let share = if index != last && share < instrument.min_qty { Qty::ZERO } else { share.min(left) };
        left -= share;
        out.push(share);
    }
    // The last one's own dust goes to the nearest that has something.
    if out[last] > Qty::ZERO
        && out[last] < instrument.min_qty
        && let Some(index) = (0..last).rev().find(|&index| out[index] > Qty::ZERO)
    {
        let dust = out[last];
        out[last] = Qty::ZERO;
        out[index] += dust;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LeverageBracket, Trail, Usd};
    use proptest::prelude::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn instrument() -> Instrument {
        Instrument {
            symbol: "TESTUSDT".into(),
            tick: price("0.1"),
            step: "0.001".parse().unwrap(),
            min_qty: "0.002".parse().unwrap(),
            max_qty: Qty::whole(1_000),
            max_market_qty: Qty::whole(100),
            min_notional: Usd::whole(5),
            price_band: Rate::percent(5),
            market_take_bound: Rate::percent(5),
            liquidation_fee: Rate::bps(100),
            max_open_orders: 200,
            brackets: vec![LeverageBracket {
                notional_cap: Usd::whole(1_000_000),
                max_leverage: 50,
                maintenance_rate: Rate::percent(1),
                maintenance_amount: Usd::ZERO,
            }],
        }
    }

    #[test]
    fn a_first_stop_is_never_wider_than_planned_and_never_at_the_entry() {
        for (side, entry, distance, expected) in [
            (Side::Buy, "100", "5", "95"),
            (Side::Buy, "100", "5.05", "95"),
            (Side::Sell, "100", "5.05", "105"),
            (Side::Buy, "100.05", "5", "95.1"),
            (Side::Buy, "100", "0.01", "99.9"),
            (Side::Sell, "100", "0.01", "100.1"),
            (Side::Buy, "3", "7", "0.1"),
        ] {
            let stop = stop_price(side, price(entry), price(distance), price("0.1"));
            assert_eq!(stop, price(expected), "{side:?} {entry} {distance}");
        }
    }

    #[test]
    fn break_even_and_trailing_arm_at_their_marks_and_take_the_better() {
        let plan = StopPlan {
            distance: Price::whole(5),
            break_even: Some(BreakEven { from: Rate::percent(1), to: Rate::bps(50) }),
            trail: Some(Trail { from: Rate::percent(2), distance: Price::whole(3), max_distance: Rate::bps(150) }),
        };
        for (side, mark, expected) in [
            (Side::Buy, "100.9", None),
            (Side::Buy, "101", Some("100.5")),
            (Side::Buy, "102", Some("100.5")), // 102 - 1.53 = 100.47, break-even is better
            (Side::Buy, "110", Some("108.4")), // 1.5 % of 110 is 1.65, nearer than 3
            (Side::Buy, "90", None),
            (Side::Sell, "99", Some("99.5")),
            (Side::Sell, "90", Some("91.3")), // 90 + 1.35, snapped towards the mark
        ] {
            let moved = moved_stop(side, &plan, Price::whole(100), price(mark), price("0.1"));
            assert_eq!(moved, expected.map(price), "{side:?} at {mark}");
        }
    }

    #[test]
    fn targets_share_a_fill_and_dust_goes_to_the_last() {
        for (filled, fractions, expected) in [
            ("1", &["0.5", "0.5"][..], &["0.5", "0.5"][..]),
            ("0.011", &["0.3333", "0.3333", "0.3334"], &["0.003", "0.003", "0.005"]),
            ("0.003", &["0.5", "0.5"], &["0", "0.003"]),
            ("0.005", &["0.7", "0.3"], &["0.003", "0.002"]),
            ("0.004", &["0.75", "0.25"], &["0.004", "0"]),
            ("1", &["0.5"], &["0.5"]),
            ("1", &["0.25", "0.25"], &["0.25", "0.25"]),
            ("1", &[], &[]),
        ] {
            let plans: Vec<_> = fractions
                .iter()
                .map(|fraction| TargetPlan { at: Rate::percent(1), fraction: fraction.parse().unwrap() })
                .collect();
            let mut shares = Vec::new();
            target_quantities(filled.parse().unwrap(), &plans, &instrument(), &mut shares);
            let expected: Vec<Qty> = expected.iter().map(|share| share.parse().unwrap()).collect();
            assert_eq!(shares, expected, "{filled} by {fractions:?}");
        }
    }

    proptest! {
        #[test]
        fn shares_never_exceed_the_fill_and_are_whole_steps(steps in 1i64..100_000, fractions in prop::collection::vec(1i64..40, 1..5)) {
            let sum: i64 = fractions.iter().sum();
            prop_assume!(sum <= 100);
            let plans: Vec<_> = fractions.iter().map(|&percent| TargetPlan { at: Rate::percent(1), fraction: Rate::percent(percent) }).collect();
            let instrument = instrument();
            let filled = Qty(instrument.step.0 * steps);
            let mut shares = Vec::new();
            target_quantities(filled, &plans, &instrument, &mut shares);
            let total: Qty = shares.iter().copied().sum();
            prop_assert!(total <= filled);
            prop_assert!(shares.iter().all(|share| share.0 >= 0 && share.0 % instrument.step.0 == 0));
            prop_assert!(sum < 100 || total == filled);
        }

        #[test]
        fn a_moved_stop_follows_the_mark_monotonically(low in 100_000i64..200_000, step in 1i64..50_000, sell in any::<bool>()) {
            let plan = StopPlan {
                distance: Price::whole(5),
                break_even: None,
                trail: Some(Trail { from: Rate::ZERO, distance: Price::whole(30), max_distance: Rate::percent(5) }),
            };
            let (side, entry) = if sell { (Side::Sell, Price::whole(10_000)) } else { (Side::Buy, Price::whole(1)) };
            let (near, far) = (Price(low * 1_000_000), Price((low + step) * 1_000_000));
            let (worse, finer) = if sell { (far, near) } else { (near, far) };
            let tick = price("0.01");
            if let (Some(a), Some(b)) = (moved_stop(side, &plan, entry, worse, tick), moved_stop(side, &plan, entry, finer, tick)) {
                prop_assert_eq!(better(side, a, b), b);
            }
        }
    }
}
