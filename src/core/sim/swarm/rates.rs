//! How often what goes wrong. Rates are shares of 10,000 messages, or of steps where they say so.

use super::chance::{Chance, WHOLE};
use crate::model::{Millis, SECOND_MS};
use crate::sim::Fault;

/// A link of the swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Desk to venue.
    Request,
    /// Venue to desk, an answer.
    Answer,
    /// Venue to desk, the user stream.
    Event,
    /// Venue to feed: marks and candles.
    Market,
    /// Agent to supervisor.
    Intent,
    /// Supervisor to desk.
    Command,
}

impl Way {
    pub(super) const ALL: [Self; 6] =
        [Self::Request, Self::Answer, Self::Event, Self::Market, Self::Intent, Self::Command];
}

/// What goes wrong with messages, and how often. Times in faults are the longest; each strike draws its own.
pub type Strikes = [Vec<(u32, Fault)>; 6];

/// Rates of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// By [`Way`].
    pub strikes: Strikes,
    /// Per step.
    pub steps: StepRates,
    /// Per append: the process dies while it writes, and the journal ends wherever it ended.
    pub torn_append: u32,
    /// Per message of the trading links: an operator or somebody else acts right before.
    pub untimely_act: u32,
    /// Per decision: the rule panics.
    pub panic: u32,
    /// Per mark: it is far off.
    pub wrong_mark: u32,
    /// Per mark: an old one comes again behind it.
    pub replayed_mark: u32,
    /// Per flush of the journal's file, where there is one: it fails.
    pub failed_flush: u32,
}

/// Rates per step of the market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepRates {
    /// The process is killed.
    pub kill: u32,
    /// A user stream goes silent while it seems to be up; what it held back comes all at once, or never.
    pub freeze: u32,
    /// The market stream goes silent.
    pub market_freeze: u32,
    /// REST tells of the past for a moment, while the stream tells of the present.
    pub stale_reads: u32,
    /// The venue is down for maintenance.
    pub maintenance: u32,
    /// The process' clock jumps, either way, until it is measured again.
    pub clock_jump: u32,
    /// A position is closed by the venue to deleverage another.
    pub deleverage: u32,
    /// Somebody trades the account by hand.
    pub manual: u32,
    /// Money is moved in or out.
    pub transfer: u32,
    /// The price jumps.
    pub price_jump: u32,
}

fn faults_of(way: Way) -> Vec<(u32, Fault)> {
    let late: Millis = 25 * SECOND_MS;
    match way {
        Way::Request => vec![
            (200, Fault::Lose),
            (400, Fault::Delay(1_500)),
            (100, Fault::Delay(late)),
            (100, Fault::Repeat),
            (200, Fault::Undecided { done: true }),
            (200, Fault::Undecided { done: false }),
            (200, Fault::Held(4 * SECOND_MS)),
            (8, Fault::Crash(30 * SECOND_MS)),
        ],
        Way::Answer => vec![
            (200, Fault::Lose),
            (400, Fault::Delay(1_500)),
            (100, Fault::Delay(late)),
            (8, Fault::Crash(30 * SECOND_MS)),
        ],
        Way::Event => vec![
            (300, Fault::Lose),
            (500, Fault::Delay(1_500)),
            (100, Fault::Delay(late)),
            (300, Fault::Repeat),
            (150, Fault::Outage(20 * SECOND_MS)),
            (8, Fault::Crash(30 * SECOND_MS)),
        ],
        Way::Market => vec![(200, Fault::Lose), (300, Fault::Delay(5 * SECOND_MS)), (200, Fault::Repeat)],
        Way::Intent => vec![
            (300, Fault::Lose),
            (500, Fault::Delay(90 * SECOND_MS)),
            (300, Fault::Repeat),
            (8, Fault::Crash(30 * SECOND_MS)),
        ],
        Way::Command => vec![(300, Fault::Repeat), (8, Fault::Crash(30 * SECOND_MS))],
    }
}

impl Rates {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// A mixture of a seed's own: of each kind of fault it is chosen whether it happens at all, so that some
    /// runs have one kind only and others have all. (Groce et al., Swarm Testing, 2012.)
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let share = chance.pick(&[0, 1_000, 3_000, 5_000, 5_000, 9_000]);
        let mut rate = |usual: u32| {
            let times = chance.pick(&[1, 1, 2, 4]);
            if chance.happens(share) { (usual * times).min(WHOLE / 4) } else { 0 }
        };
        let mut strikes = Strikes::default();
        for way in Way::ALL {
            for (usual, fault) in faults_of(way) {
                let rate = rate(usual);
                if rate > 0 {
                    strikes[way as usize].push((rate, fault));
                }
            }
        }
        let steps = StepRates {
            kill: rate(100),
            freeze: rate(300),
            market_freeze: rate(200),
            stale_reads: rate(500),
            maintenance: rate(100),
            clock_jump: rate(200),
            deleverage: rate(200),
            manual: rate(200),
            transfer: rate(200),
            price_jump: rate(200),
        };
        Self {
            strikes,
            steps,
            torn_append: rate(5),
            untimely_act: rate(50),
            panic: rate(200),
            wrong_mark: rate(50),
            replayed_mark: rate(200),
            failed_flush: rate(3),
        }
    }

    /// What strikes at a message of this link.
    pub(super) fn strike(&self, way: Way, chance: &mut Chance) -> Option<Fault> {
        let faults = &self.strikes[way as usize];
        if faults.is_empty() {
            return None;
        }
        let mut roll = chance.below(u64::from(WHOLE)) as u32;
        for (rate, fault) in faults {
            if roll < *rate {
                return Some(match *fault {
                    Fault::Delay(most) => Fault::Delay(chance.some_of(most)),
                    Fault::Outage(most) => Fault::Outage(chance.some_of(most)),
                    Fault::Crash(most) => Fault::Crash(chance.some_of(most)),
                    Fault::Held(most) => Fault::Held(chance.some_of(most)),
                    same => same,
                });
            }
            roll -= rate;
        }
        None
    }
}
