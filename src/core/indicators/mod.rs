//! Streaming indicators: one struct each, a candle's numbers in, the indicator's value out.
//!
//! Names, first values and values are those of TA-Lib with unstable periods of 0, which the test
//! `tests/indicators_oracle.rs` holds them to. Each is fed once per closed candle, in order, and is absent
//! (`None`) until it has seen as many candles as its definition needs. Nothing allocates after the
//! constructor. A value depends on how long a series has run by no more than rounding: sums are taken from
//! a reference inside the window and rebuilt once per window.
//!
//! This room deliberately knows no time, no interval, no hole in a series and no exact money: it is
//! arithmetic on `f64`, with operations that are exact by IEEE 754 only, so the same bits on every machine.
//!
//! Stochastic %K and %D have no struct of their own: they are an [`Sma`] over [`StochasticRawK`] and an
//! [`Sma`] over that. [`ZScores`] alone takes several series at once, and takes an absent value as NaN.

mod adx;
mod atr;
mod average;
mod bollinger;
mod cci;
mod change;
mod macd;
mod obv;
mod rolling;
mod rsi;
mod stochastic;
mod volume_ratio;
mod z_score;

pub use adx::Adx;
pub use atr::{Atr, true_range};
pub use average::{Ema, EmaFromFirst, Sma};
pub use bollinger::{Bands, Bollinger};
pub use cci::Cci;
pub use change::{Lagged, Momentum, RateOfChange};
pub use macd::{Macd, MacdLines};
pub use obv::Obv;
pub use rsi::Rsi;
pub use stochastic::StochasticRawK;
pub use volume_ratio::VolumeRatio;
pub use z_score::{LANES, ZScores};
