//! One source of movement: a log price with clustered volatility, regimes and jumps. The market's
//! common factor is one, each contract's own part another. Knows no contract, tick or candle.
//!
//! Log volatility is the sum of three mean-reverting (AR(1)) terms of a quarter of an hour, some
//! hours and some days, which together give the slow decay of the correlation of absolute returns;
//! such sums are a common stand-in for long memory (Corsi, 2009). Drift is small against volatility,
//! so that returns themselves stay all but uncorrelated.

use super::random::Stream;
use swarm_core::model::{DAY_MS, HOUR_MS, MINUTE_MS, Millis};

/// Memory in ms and standard deviation of the terms of log volatility.
const VOLATILITY_TERMS: [(Millis, f64); 3] = [(12 * MINUTE_MS, 0.37), (5 * HOUR_MS, 0.37), (4 * DAY_MS, 0.38)];
/// Log volatility stays within this distance of its mean.
const LOG_VOLATILITY_MAX: f64 = 1.9;
/// Time between updates of the volatility.
pub(super) const REFRESH_MS: Millis = MINUTE_MS;

/// Mean time between jumps.
const JUMP_MEAN_MS: f64 = 2.5 * DAY_MS as f64;
/// Smallest jump, and the factor the largest is above it; in daily volatilities.
const JUMP: (f64, f64) = (0.2, 7.0);
/// What a jump adds to the fast term of log volatility.
const JUMP_EXCITEMENT: f64 = 0.7;

/// Shortest regime, and the mean of what comes on top.
const REGIME_MS: (f64, f64) = (3.0 * HOUR_MS as f64, 19.0 * HOUR_MS as f64);
/// Drift of a trend, in daily volatilities a day: drawn evenly between these.
const TREND_DRIFT: (f64, f64) = (0.4, 1.2);
/// Time in which a range pulls the price half of a volatility-free way back: the memory of the pull.
const RANGE_MEMORY_MS: f64 = 9.0 * HOUR_MS as f64;
/// Beyond this distance from the start the log price is pulled back, with this memory: prices of an
/// endless market must not run off.
const LEASH: (f64, f64) = (1.0, 20.0 * DAY_MS as f64);

/// What the market is in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Regime {
    /// Drift in log price per ms.
    Trend(f64),
    /// The log price it comes back to.
    Range(f64),
}

/// A log price that moves.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    random: Stream,
    daily_volatility: f64,
    terms: [f64; 3],
    /// Decay and innovation of each term over one refresh.
    steps: [(f64, f64); 3],
    /// Volatility now against its mean, season included.
    activity: f64,
    regime: Regime,
    regime_left: f64,
    jump_left: f64,
    level: f64,
}

impl Walk {
    /// At level 0, its volatility drawn from the stationary distribution.
    pub fn new(mut random: Stream, daily_volatility: f64) -> Self {
        let terms = VOLATILITY_TERMS.map(|(_, deviation)| deviation * random.normal());
        let steps = VOLATILITY_TERMS.map(|(memory, deviation)| {
            let decay = libm::exp(-(REFRESH_MS as f64) / memory as f64);
            (decay, deviation * (1.0 - decay * decay).sqrt())
        });
        let jump_left = random.exponential(JUMP_MEAN_MS);
        let regime = Regime::Range(0.0);
        let mut walk = Self {
            random,
            daily_volatility,
            terms,
            steps,
            activity: 1.0,
            regime,
            regime_left: 0.0,
            jump_left,
            level: 0.0,
        };
        walk.change_regime();
        walk
    }

    /// Log price against the start.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Volatility now against its mean over all times.
    pub fn activity(&self) -> f64 {
        self.activity
    }

    /// Standard deviation of the log return of a day, on average.
    pub fn daily_volatility(&self) -> f64 {
        self.daily_volatility
    }

    /// Draws the volatility of the next [`REFRESH_MS`]; `season` is its factor at this time of the week.
    pub fn refresh(&mut self, season: f64) {
        let mut sum = 0.0;
        for (term, (decay, innovation)) in self.terms.iter_mut().zip(self.steps) {
            *term = *term * decay + innovation * self.random.normal();
            sum += *term;
        }
        // The mean of exp(2x) of a normal x is exp(2 var): taken out, the mean variance is as named.
        let variance: f64 = VOLATILITY_TERMS.iter().map(|(_, deviation)| deviation * deviation).sum();
        self.activity = season * libm::exp(sum.clamp(-LOG_VOLATILITY_MAX, LOG_VOLATILITY_MAX) - variance);
    }

    /// Moves on by `ms`, at most a refresh.
    pub fn advance(&mut self, ms: f64) {
        let days = ms / DAY_MS as f64;
        self.level += self.drift() * ms + self.daily_volatility * self.activity * days.sqrt() * self.random.normal();
        self.jump_left -= ms;
        if self.jump_left <= 0.0 {
            let size = JUMP.0 * self.random.cubic_tail(JUMP.1);
            self.level += self.random.sign() * size * self.daily_volatility;
            self.terms[0] += JUMP_EXCITEMENT;
            self.jump_left = self.random.exponential(JUMP_MEAN_MS);
        }
        self.regime_left -= ms;
        if self.regime_left <= 0.0 {
            self.change_regime();
        }
    }

    /// In log price per ms.
    fn drift(&self) -> f64 {
        let drift = match self.regime {
            Regime::Trend(drift) => drift,
            Regime::Range(anchor) => (anchor - self.level) / RANGE_MEMORY_MS,
        };
        let beyond = self.level - self.level.clamp(-LEASH.0, LEASH.0);
        drift - beyond / LEASH.1
    }

    fn change_regime(&mut self) {
        let choice = self.random.uniform();
        let drift = self.random.between(TREND_DRIFT.0, TREND_DRIFT.1) * self.daily_volatility / DAY_MS as f64;
        // A trend mostly ends in a range, seldom goes on, and turns now and then.
        self.regime = match self.regime {
            Regime::Range(_) if choice < 0.45 => Regime::Trend(drift),
            Regime::Range(_) if choice < 0.90 => Regime::Trend(-drift),
            Regime::Trend(before) if choice < 0.10 => Regime::Trend(drift * before.signum()),
            Regime::Trend(before) if choice < 0.40 => Regime::Trend(-drift * before.signum()),
            _ => Regime::Range(self.level),
        };
        self.regime_left = REGIME_MS.0 + self.random.exponential(REGIME_MS.1);
    }
}
