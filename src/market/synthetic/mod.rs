//! A market that behaves like one and needs no network: seeded, endless, the same bits on every
//! machine.
//!
//! Contracts share a common factor by their betas and have a part of their own; both have clustered
//! volatility, regimes that last hours to days, and rare jumps. Volatility follows the UTC hour and
//! the week, volume follows volatility, funding leans on the recent trend. Every candle is traded in
//! sub-steps of about a quarter of a minute, so its extremes are those of a path. Each contract draws
//! from streams of its own: adding one changes no other.
//!
//! It deliberately knows nothing of agents and rules: nothing in it is bent towards anybody's profit.

mod contract;
mod process;
mod profile;
mod random;

use contract::Contract;
use process::{REFRESH_MS, Walk};
use profile::{season, season_level};
use random::Stream;
use swarm_core::model::{FundingDue, HOUR_MS, Instrument, Interval, Millis, Step, SymbolId, Tape, Time};

/// Longest sub-step.
const SUB_STEP_MS: Millis = 15_000;
/// Fewest sub-steps of a candle.
const SUB_STEPS_MIN: Millis = 4;
/// Standard deviation of the log return of a day of the common factor.
const FACTOR_VOLATILITY: f64 = 0.03;
/// Time between funding payments, on the grid of the epoch: 00:00, 08:00 and 16:00 UTC.
const FUNDING_MS: Millis = 8 * HOUR_MS;

/// The synthetic market, one step at a time; it never ends.
#[derive(Clone, Debug)]
pub struct SyntheticTape {
    base: Interval,
    /// Of the next candle.
    open_time: Time,
    sub_steps: Millis,
    /// Since the last refresh of volatilities, in ms.
    stale: Millis,
    season_level: f64,
    factor: Walk,
    contracts: Vec<Contract>,
}

impl SyntheticTape {
    /// The market of `seed` from `start` on, rounded down to the grid of `base`. Contracts trade from
    /// well-known price levels by their symbol (BTC at 60,000 USDT), others from one drawn from the
    /// seed; prices are multiples of their tick.
    pub fn new(seed: u64, start: Time, base: Interval, instruments: &[Instrument]) -> Self {
        let mut sub_steps = SUB_STEPS_MIN.max((base.ms() + SUB_STEP_MS - 1) / SUB_STEP_MS);
        while base.ms() % sub_steps != 0 {
            sub_steps += 1;
        }
        Self {
            base,
            open_time: start.floor(base.ms()),
            sub_steps,
            stale: REFRESH_MS,
            season_level: season_level(),
            factor: Walk::new(Stream::new(seed, "factor"), FACTOR_VOLATILITY),
            contracts: instruments
                .iter()
                .map(|instrument| Contract::new(seed, instrument, FACTOR_VOLATILITY))
                .collect(),
        }
    }

    fn refresh(&mut self, at: Time) {
        let season = season(at) / self.season_level;
        self.factor.refresh(season);
        self.contracts.iter_mut().for_each(|contract| contract.refresh(&self.factor, season));
    }

    fn pay_funding(&self, from: Time, to: Time, step: &mut Step) {
        let due = to.plus(-1).floor(FUNDING_MS);
        if due >= from {
            step.funding.extend(self.contracts.iter().enumerate().map(|(index, contract)| FundingDue {
                symbol: SymbolId(index as u16),
                at: due,
                rate: contract.funding_rate(),
            }));
        }
    }
}

impl Tape for SyntheticTape {
    fn next(&mut self, step: &mut Step) -> bool {
        let open_time = self.open_time;
        let ms = self.base.ms() / self.sub_steps;
        step.candles.clear();
        step.funding.clear();
        self.contracts.iter_mut().for_each(Contract::open);
        for index in 0..self.sub_steps {
            let now = open_time.plus(index * ms);
            if self.stale >= REFRESH_MS {
                self.refresh(now);
                self.stale = 0;
            }
            self.pay_funding(now, now.plus(ms), step);
            self.factor.advance(ms as f64);
            self.contracts.iter_mut().for_each(|contract| contract.advance(&self.factor, ms as f64));
            self.stale += ms;
        }
        step.candles.extend(self.contracts.iter_mut().map(|contract| Some(contract.close(open_time))));
        self.open_time = open_time.plus(self.base.ms());
        step.close_time = self.open_time;
        true
    }
}
