//! What holds where swarm.yaml says nothing. Limits default in portfolios only: the swarm and the
//! agents are limited by what is written.

use swarm_core::model::{Interval, Millis, Rate, SECOND_MS, Time};

/// Seed of the synthetic market.
pub const SEED: u64 = 1;
/// First candle of the synthetic market: 2025-01-01.
pub const START: Time = Time(1_735_689_600_000);
/// Directory of journals and snapshots.
pub const STATE: &str = "state";
/// Where the HTTP interface listens: this machine only.
pub const LISTEN: &str = "127.0.0.1:8080";
/// Threads that host agents: on one, messages take the shortest way.
pub const ARBITERS: u32 = 1;
/// Messages waiting in front of an actor.
pub const MAILBOX_CAPACITY: u32 = 1024;

/// Records in one file of the journal.
pub const FILE_RECORDS: u32 = 250_000;
/// Full files of the journal that are not compressed.
pub const UNPACKED_FILES: u32 = 4;

/// Restarts of a panicking agent within [`RESTART_WITHIN_MS`].
pub const MAX_RESTARTS: u32 = 5;
/// The time in which restarts are counted.
pub const RESTART_WITHIN_MS: Millis = 600 * SECOND_MS;
/// Wait before the first restart.
pub const BACK_OFF_MS: Millis = SECOND_MS;
/// Longest wait before a restart.
pub const BACK_OFF_MAX_MS: Millis = 60 * SECOND_MS;

/// Open positions of a portfolio.
pub const MAX_POSITIONS: u32 = 3;
/// Leverage of a portfolio.
pub const MAX_LEVERAGE: Rate = Rate::whole(5);
/// Drawdown that trips a portfolio's breaker.
pub const MAX_DRAWDOWN: Rate = Rate::percent(15);
/// Entries of a portfolio within 60 seconds: far above what its positions allow, it stops a rule that runs wild.
pub const ENTRIES_PER_MINUTE: u32 = 60;
/// Distance of an entry's price from the mark price in a portfolio: the venue's own band.
pub const PRICE_COLLAR: Rate = Rate::percent(5);
/// Consecutive marks that trip a breaker.
pub const BREAKER_SAMPLES: u32 = 3;
/// Share of the last price beyond which a live mark is not believed at once: within a second even thin contracts move
/// less, save in a crash, which the next two marks confirm.
pub const MAX_MARK_JUMP: Rate = Rate::percent(10);
/// Whether entries need a stop.
pub const REQUIRE_STOP: bool = true;

/// Oldest market data an entry of a portfolio may rest on.
pub const fn max_age_ms(base: Interval) -> Millis {
    2 * base.ms()
}
