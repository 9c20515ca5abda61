//! A preview is what closing the candle would give, and leaves no trace.

// A helper that cannot go on fails its test.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::hub::*;
use swarm_core::features::{Hub, Slot};
use swarm_core::model::{Candle, GapPolicy, Price};

fn previewed(hub: &Hub, slots: &[Slot], candle: &Candle) -> Vec<u64> {
    let preview = hub.preview(BTC, candle).unwrap();
    let frame = preview.frame();
    assert_eq!((frame.now, *frame.candle), (candle.close_time(M5), *candle));
    slots.iter().map(|slot| frame.raw(*slot).to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_equals_the_close_and_changes_nothing(
        seed in 0u64..1_000, late in 0i64..12, hole in 40usize..250, width in 0usize..40, carry in any::<bool>(), every in 1usize..4,
    ) {
        let specs = everything();
        let slots = slots(&specs);
        let gaps = if carry { GapPolicy::Carry } else { GapPolicy::Reset };
        let candles = without(&walk(seed, 300, TEN.plus(late * M5_MS)), &[(hole, hole + width)]);
        // One hub is looked ahead of all the time, the other never.
        let (mut looked, mut plain) = (hub_of(&specs, gaps), hub_of(&specs, gaps));
        for (place, candle) in candles.iter().enumerate() {
            if place % every == 0 {
                // A candle in the making, far from what it will be, leaves no trace either.
                let so_far = Candle { close: candle.low, high: candle.high + Price::whole(500), volume: 3.5, ..*candle };
                previewed(&looked, &slots, &so_far);
                let preview = previewed(&looked, &slots, candle);
                looked.close(BTC, candle);
                prop_assert_eq!(preview, bits(&looked, &slots), "candle {}", place);
            } else {
                looked.close(BTC, candle);
            }
            plain.close(BTC, candle);
            prop_assert_eq!(bits(&looked, &slots), bits(&plain, &slots), "candle {}", place);
            prop_assert_eq!((looked.gaps(BTC), looked.last_close(BTC)), (plain.gaps(BTC), plain.last_close(BTC)));
        }
    }
}

#[test]
fn a_candle_that_would_not_be_taken_has_no_preview() {
    let candles = walk(3, 3, TEN);
    let mut hub = hub_of(&everything(), GapPolicy::Reset);
    assert!(hub.preview(BTC, &candles[0]).is_some(), "the first candle of a series");
    assert!(hub.close(BTC, &candles[0]) && hub.close(BTC, &candles[1]));
    assert!(hub.preview(BTC, &candles[1]).is_none(), "closed already");
    assert!(hub.preview(BTC, &Candle { open_time: TEN.plus(2 * M5_MS + 1), ..candles[2] }).is_none(), "off the grid");
    assert!(hub.preview(BTC, &candles[2]).is_some());
}
