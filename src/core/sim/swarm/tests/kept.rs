//! Seeds that broke an invariant once, each with the story of its fault. A seed's meaning changes when what
//! is drawn from it does; the fault's own test stands beside the code that was mended where one fits, and
//! these keep the roads to it busy. Those of before there were strategies and parts run with single orders that
//! fill whole.

use super::{run, run_single};

macro_rules! kept {
    ($run:ident: $($(#[$story:meta])* $name:ident: $seed:expr;)+) => {$(
        $(#[$story])*
        #[test]
        fn $name() {
            assert_eq!($run($seed).failure, None);
        }
    )+};
}

kept! { run_single:
    /// Executions by hand on two symbols of one agent's account share an intent. Their closing orders were
    /// numbered apart from each other, so two orders had one name: the desk took the second for a repetition,
    /// and the second position was never closed. Its facts, too, were applied to the first.
    two_strangers_positions_have_orders_of_their_own: 42;
    /// The same after one of the two was closed: its numbers were free again for the other.
    numbers_of_a_closed_strangers_position_are_not_used_again: 56;
    /// A position opened by hand was deleveraged by the venue, and the deleveraging was heard of first. The
    /// desk counted it, the supervisor took only its fee: the two never agreed again, and a position that was
    /// not there was closed once a second.
    a_deleveraging_may_be_heard_of_before_what_it_closes: 865;
    /// The stream told of one trade before another. What each realised differed from the venue's books by the
    /// difference in average cost, and a transfer that never was made up for it.
    trades_out_of_order_realise_what_they_do_in_order: 1_471;
    /// The first part of an execution by hand was below the smallest order; a stop a tick from the market was
    /// to close it. The second part made it a whole order, the price went the other way, and not even a
    /// flatten closed it.
    what_is_dust_no_more_is_closed_at_market: 10_215;
    /// Dust and a stop that the market left behind.
    a_stop_that_closes_dust_follows_the_market: 13_527;
    /// An order was approved while the clock was ahead, and the process died. The next asked for trades from
    /// after the execution on, for ever.
    trades_are_found_although_the_clock_was_ahead: 10_732;
    /// The same on another account, by a maker's fill.
    fills_are_found_although_the_clock_was_ahead: 13_965;
    /// A limit price off the tick was snapped away from the market only when the order was made, so that a
    /// sale was sized by less than it reserved, and gross notional went beyond the swarm's leverage.
    an_entry_is_sized_by_the_price_it_will_have: 112_664;
    /// A position was taken over, and an execution that explains it came late: the same difference a second
    /// time, which counted as met already, so that books and venue never agreed again.
    a_difference_that_comes_back_is_met_again: 1_015_989;
    /// Not a fault of the swarm: what was taken over at a guessed cost was expected to have cost what it had.
    what_is_taken_over_costs_a_guess_until_it_is_flat: 1_090_422;
    /// Not a fault of the swarm: a copy of a request came first, and the venue refused the request itself, whose
    /// nonce was used, as if the order had been bad. AsterDEX's answer says nothing about the order, and the link
    /// says so.
    a_nonce_that_was_used_says_nothing_of_the_order: 2_043_010;
    /// Not a fault of the swarm: the venue executed half of its smallest quantity, which nobody can close.
    executions_are_told_in_whole_lots: 2_087_138;
}

// As the seed has it.
kept! { run:
    /// Not a fault of the swarm: a position was closed at market once a second, in a market that traded nothing for a
    /// minute and a half. No order stood, since each ended at once; it was being closed all the same.
    a_position_is_being_closed_although_no_order_finds_a_buyer: 13_000_536;
}
