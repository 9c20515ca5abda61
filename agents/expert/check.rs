//! Parameters of the expert that are each in range but make no sense together.

use super::params::{Confirmation, Params, RegimeRule};
use crate::params::{Fault, stop_beyond_liquidation};

/// Every contradiction, with the path of the parameter and what to do.
pub fn contradictions(params: &Params) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    signals(params, &mut faults);
    timeframes(params, &mut faults);
    size(params, &mut faults);
    exits(params, &mut faults);
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn unless(&mut self, holds: bool, path: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.0.push((path.to_owned(), message()));
        }
    }
    fn unless_below(&mut self, low: (&str, f64), high: (&str, f64)) {
        self.unless(low.1 < high.1, low.0, || {
            format!("{} is not below `{}`, {}; lower it or raise `{}`", low.1, high.0, high.1, high.0)
        });
    }
}

fn signals(params: &Params, faults: &mut Faults) {
    let periods = &params.indicators;
    for (low, low_value, high, high_value) in [
        ("indicators.rsi_fast", periods.rsi_fast, "indicators.rsi_slow", periods.rsi_slow),
        ("indicators.macd_fast", periods.macd_fast, "indicators.macd_slow", periods.macd_slow),
        ("indicators.sma_fast", periods.sma_fast, "indicators.sma_slow", periods.sma_slow),
    ] {
        faults.unless_below((low, f64::from(low_value)), (high, f64::from(high_value)));
    }
    let mut weights = [1.0, params.trend_boost].map(|boost| params.weights.scaled(boost)).into_iter().flatten();
    faults.unless(weights.all(f64::is_finite), "weights", || {
        "nothing is left to scale to a sum of 1; raise at least one weight (or `trend_boost`)".into()
    });
    faults.unless_below(("entry_rsi_long", params.entry_rsi_long), ("exit_rsi_long", params.exit_rsi_long));
    faults.unless_below(("exit_rsi_short", params.exit_rsi_short), ("entry_rsi_short", params.entry_rsi_short));
    for (place, confirmation) in params.confirm.iter().enumerate() {
        faults.unless(!params.confirm[..place].contains(confirmation), &format!("confirm[{place}]"), || {
            "stands there twice; remove one".into()
        });
    }
}

fn timeframes(params: &Params, faults: &mut Faults) {
    let asked = params.confirm.contains(&Confirmation::Timeframes);
    faults.unless(!asked || !params.confirm_timeframes.is_empty(), "confirm_timeframes", || {
        "is empty while `confirm` names `timeframes`; name an interval or remove it from `confirm`".into()
    });
    let used = if asked { params.confirm_timeframes.as_slice() } else { &[] };
    let used = used.iter().enumerate().map(|(place, &interval)| (format!("confirm_timeframes[{place}]"), interval));
    for (path, interval) in std::iter::once(("regime_timeframe".to_owned(), params.regime_timeframe)).chain(used) {
        if let Some(own) = params.timeframe.0 {
            faults.unless(own.divides(interval), &path, || {
                format!("{interval} is not a multiple of `timeframe`, {own}; choose a multiple of {own}")
            });
        }
        faults.unless(params.regime == RegimeRule::Sma || interval.divides(params.regime_change), &path, || {
            format!(
                "{} is not a multiple of {interval}; choose a part of `regime_change`, or `regime: sma`",
                params.regime_change
            )
        });
    }
}

fn size(params: &Params, faults: &mut Faults) {
    let ladder = &params.leverage;
    faults.unless(ladder.min <= params.max_leverage, "leverage.min", || {
        format!("{} is above `max_leverage`, {}; lower it or raise `max_leverage`", ladder.min, params.max_leverage)
    });
    faults.unless(ladder.wild_below <= ladder.calm_above, "leverage.wild_below", || {
        format!("{} is above `leverage.calm_above`, {}; lower it", ladder.wild_below, ladder.calm_above)
    });
    faults.unless(ladder.unsure_below <= ladder.sure_above, "leverage.unsure_below", || {
        format!("{} is above `leverage.sure_above`, {}; lower it", ladder.unsure_below, ladder.sure_above)
    });
    for (place, cut) in params.volatility_cuts.iter().enumerate() {
        let twice = params.volatility_cuts[..place].iter().any(|other| other.above == cut.above);
        faults.unless(!twice, &format!("volatility_cuts[{place}].above"), || {
            format!("{} stands there twice; remove one", cut.above)
        });
    }
}

fn exits(params: &Params, faults: &mut Faults) {
    faults.0.extend(stop_beyond_liquidation("stop", params.stop, params.max_leverage));
    faults.0.extend(params.exits().contradictions());
    faults.0.extend(params.entry.contradictions());
}
