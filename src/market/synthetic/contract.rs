//! One contract of the synthetic market: its own walk beside the common factor, its trades, its
//! volume and its funding. Knows nothing of other contracts.

use super::process::{REFRESH_MS, Walk};
use super::profile::{Profile, profile};
use super::random::Stream;
use swarm_core::model::{Candle, DAY_MS, HOUR_MS, Instrument, MINUTE_MS, Millis, Price, Qty, Rate, Round, Time};

/// Memory and standard deviation of the log of the traded volume that volatility does not explain.
const FLOW: (Millis, f64) = (40 * MINUTE_MS, 0.35);
/// Standard deviation of the log of what is without memory in it.
const FLOW_NOISE: f64 = 0.6;
/// Volume goes with this power of volatility.
const VOLUME_POWER: f64 = 1.4;
/// Volume of a sub-step without movement, what the square of a standard deviation of movement adds,
/// and the most deviations counted.
const VOLUME_BY_MOVE: (f64, f64, f64) = (0.3, 0.7, 8.0);

/// Memory of the price that the premium is measured from: the premium leans on the recent trend.
const TREND_MEMORY_MS: Millis = 16 * HOUR_MS;
/// Premium for each unit of log price above the trend's mean.
const PREMIUM_BY_TREND: f64 = 0.02;
/// Memory and standard deviation of the rest of the premium.
const PREMIUM_NOISE: (Millis, f64) = (5 * HOUR_MS, 0.000_35);
/// Memory of the average premium that funding is set from.
const PREMIUM_MEMORY_MS: Millis = 4 * HOUR_MS;
/// Funding without a premium, how far it stays from the premium at most, and its bound.
const FUNDING: (f64, f64, f64) = (0.000_1, 0.000_5, 0.003);

/// Chance that a candle opens a tick above the close before it, and the same for below.
const TICK_GAP_CHANCE: f64 = 0.1;
/// Price stays within e to this power of its start, whatever happens.
const LOG_PRICE_MAX: f64 = 6.0;

/// A mean-reverting term, stepped once a refresh.
#[derive(Clone, Copy, Debug)]
struct Reverting {
    value: f64,
    decay: f64,
    innovation: f64,
}

impl Reverting {
    fn new((memory, deviation): (Millis, f64)) -> Self {
        let decay = decay_of(memory);
        Self { value: 0.0, decay, innovation: deviation * (1.0 - decay * decay).sqrt() }
    }
    fn refresh(&mut self, normal: f64) {
        self.value = self.value * self.decay + self.innovation * normal;
    }
}

fn decay_of(memory: Millis) -> f64 {
    libm::exp(-(REFRESH_MS as f64) / memory as f64)
}

/// The candle being traded; the prices after its open as logs, which saves an exponential a sub-step.
#[derive(Clone, Copy, Debug)]
struct Forming {
    open: Price,
    log_high: f64,
    log_low: f64,
    volume_usdt: f64,
}

/// A contract and its state.
#[derive(Clone, Debug)]
pub(super) struct Contract {
    tick: Price,
    step: Qty,
    profile: Profile,
    /// Log price moves by this for each unit of the common factor.
    beta: f64,
    own: Walk,
    /// Volume and premium: the same number of draws each refresh.
    flow_random: Stream,
    /// Where candles open: one draw a candle, so that prices do not depend on the base interval.
    print_random: Stream,
    flow: Reverting,
    premium_noise: Reverting,
    premium_mean: f64,
    trend_mean: f64,
    /// Volatility now against its mean.
    activity: f64,
    volume_factor: f64,
    log_price: f64,
    close: Price,
    forming: Forming,
}

impl Contract {
    /// At its first price.
    pub fn new(seed: u64, instrument: &Instrument, factor_volatility: f64) -> Self {
        let profile = profile(seed, instrument);
        let stream = |purpose: &str| Stream::new(seed, &format!("{}/{purpose}", instrument.symbol));
        let own_volatility = profile.daily_volatility * (1.0 - profile.common_share).sqrt();
        let close = snap(profile.price, instrument.tick);
        Self {
            tick: instrument.tick,
            step: instrument.step,
            beta: profile.daily_volatility * profile.common_share.sqrt() / factor_volatility,
            own: Walk::new(stream("walk"), own_volatility),
            flow_random: stream("flow"),
            print_random: stream("print"),
            flow: Reverting::new(FLOW),
            premium_noise: Reverting::new(PREMIUM_NOISE),
            premium_mean: FUNDING.0,
            trend_mean: 0.0,
            activity: 1.0,
            volume_factor: 1.0,
            log_price: 0.0,
            close,
            forming: Forming { open: close, log_high: 0.0, log_low: 0.0, volume_usdt: 0.0 },
            profile,
        }
    }

    /// Begins a candle: at the last close, now and then a tick beside it.
    pub fn open(&mut self) {
        let draw = self.print_random.uniform();
        let open = match draw {
            draw if draw < TICK_GAP_CHANCE => self.close + self.tick,
            draw if draw < 2.0 * TICK_GAP_CHANCE && self.close > self.tick => self.close - self.tick,
            _ => self.close,
        };
        self.forming = Forming { open, log_high: self.log_price, log_low: self.log_price, volume_usdt: 0.0 };
    }

    /// Draws volatility, volume and premium of the next refresh.
    pub fn refresh(&mut self, factor: &Walk, season: f64) {
        self.own.refresh(season);
        let common = self.beta * factor.daily_volatility() * factor.activity();
        let own = self.own.daily_volatility() * self.own.activity();
        self.activity = (common * common + own * own).sqrt() / self.profile.daily_volatility;
        self.flow.refresh(self.flow_random.normal());
        // Half of the variance taken out leaves the mean of the noise's exponential at one.
        let noise = FLOW_NOISE * self.flow_random.normal() - 0.5 * FLOW_NOISE * FLOW_NOISE;
        self.volume_factor = libm::exp(VOLUME_POWER * libm::log(self.activity) + self.flow.value + noise);
        self.premium_noise.refresh(self.flow_random.normal());
        self.trend_mean += (self.log_price - self.trend_mean) * (1.0 - decay_of(TREND_MEMORY_MS));
        let premium = FUNDING.0 + PREMIUM_BY_TREND * (self.log_price - self.trend_mean) + self.premium_noise.value;
        self.premium_mean += (premium - self.premium_mean) * (1.0 - decay_of(PREMIUM_MEMORY_MS));
    }

    /// Trades for `ms`, after the factor has moved.
    pub fn advance(&mut self, factor: &Walk, ms: f64) {
        self.own.advance(ms);
        let log_price = (self.beta * factor.level() + self.own.level()).clamp(-LOG_PRICE_MAX, LOG_PRICE_MAX);
        let moved = log_price - self.log_price;
        self.log_price = log_price;
        let days = ms / DAY_MS as f64;
        let deviation = self.profile.daily_volatility * self.activity * days.sqrt();
        let deviations = (moved.abs() / deviation).min(VOLUME_BY_MOVE.2);
        let by_move = VOLUME_BY_MOVE.0 + VOLUME_BY_MOVE.1 * deviations * deviations;
        let forming = &mut self.forming;
        forming.log_high = forming.log_high.max(log_price);
        forming.log_low = forming.log_low.min(log_price);
        forming.volume_usdt += self.profile.daily_volume_usdt * days * self.volume_factor * by_move;
    }

    /// Ends the candle.
    pub fn close(&mut self, open_time: Time) -> Candle {
        let Forming { open, log_high, log_low, volume_usdt } = self.forming;
        let price = |log: f64| self.profile.price * libm::exp(log);
        let (high, low, last) = (price(log_high), price(log_low), price(self.log_price));
        let volume = Qty::from_f64(volume_usdt / last).unwrap_or(self.step).snap(self.step, Round::Nearest);
        self.close = snap(last, self.tick);
        let (high, low) = (snap(high, self.tick), snap(low, self.tick));
        Candle {
            open_time,
            open,
            high: high.max(open).max(self.close),
            low: low.min(open).min(self.close),
            close: self.close,
            volume: volume.max(self.step).to_f64(),
        }
    }

    /// The rate of the payment due now: the recent premium, held within a band around the interest
    /// rate as perpetual venues do it, `P + clamp(I - P, ±0.05 %)`, and bounded.
    pub fn funding_rate(&self) -> Rate {
        let (interest, band, bound) = FUNDING;
        let premium = self.premium_mean;
        let rate = premium + (interest - premium).clamp(-band, band);
        Rate::from_f64(rate.clamp(-bound, bound)).unwrap_or(Rate::ZERO)
    }
}

/// The nearest tick, never below one.
fn snap(price: f64, tick: Price) -> Price {
    let one = if tick > Price::ZERO { tick } else { Price(1) };
    Price::from_f64(price).unwrap_or(one).snap(tick, Round::Nearest).max(one)
}
