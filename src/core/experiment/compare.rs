//! Control against treatment: the difference of mean daily returns, paired by day, with a bootstrap
//! over blocks of days, since returns of neighbouring days are not independent.
//!
//! A fixed-sample test: it is honest when looked at once, at the end of a run. It is deliberately not
//! meant for peeking at while a run goes on.

use super::metrics::daily_returns;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Resamples drawn.
const RESAMPLES: usize = 2_000;
/// Mean length of a block in days (Politis and Romano, The Stationary Bootstrap, 1994).
const BLOCK_DAYS: f64 = 5.0;
/// Fewer paired days than this support no verdict.
const MIN_DAYS: usize = 30;
/// Two-sided level of the interval and the verdict.
const LEVEL: f64 = 0.05;

/// What the comparison amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComparisonVerdict {
    /// The treatment's mean daily return is higher, beyond chance.
    Better,
    /// It is lower, beyond chance.
    Worse,
    /// The sample does not tell.
    Undecided,
}

/// The comparison as reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Cohort in place.
    pub control: String,
    /// Cohort that wants its place.
    pub treatment: String,
    /// What is compared.
    pub metric: String,
    /// Treatment less control, as a fraction a day.
    pub difference: Option<f64>,
    /// Lower end of the 95 % interval.
    pub ci_low: Option<f64>,
    /// Upper end of the 95 % interval.
    pub ci_high: Option<f64>,
    /// Two-sided.
    pub p_value: Option<f64>,
    /// What it amounts to.
    pub verdict: ComparisonVerdict,
    /// One sentence for a person.
    pub explanation: String,
}

/// Compares two daily equity curves of the same days.
pub fn compare(control: (&str, &[f64]), treatment: (&str, &[f64])) -> Comparison {
    let (base, other) = (daily_returns(control.1), daily_returns(treatment.1));
    let differences: Vec<f64> = base.iter().zip(&other).map(|(base, other)| other - base).collect();
    let mut comparison = Comparison {
        control: control.0.to_owned(),
        treatment: treatment.0.to_owned(),
        metric: "mean_daily_return".to_owned(),
        difference: mean(&differences),
        ci_low: None,
        ci_high: None,
        p_value: None,
        verdict: ComparisonVerdict::Undecided,
        explanation: String::new(),
    };
    let days = differences.len();
    if days < MIN_DAYS {
        comparison.explanation = format!("{days} paired days; at least {MIN_DAYS} are needed to say anything");
        return comparison;
    }
    if differences.iter().all(|difference| *difference == 0.0) {
        comparison.explanation = format!("both cohorts returned the same on each of {days} days");
        return comparison;
    }
    let mut means = resampled_means(&differences);
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((means.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(LEVEL / 2.0), at(1.0 - LEVEL / 2.0));
    let below = means.iter().filter(|mean| **mean <= 0.0).count() as f64 / means.len() as f64;
    // One resample more than drawn, so that a finite number of them never claims certainty.
    let p_value = (2.0 * below.min(1.0 - below)).max(1.0 / (RESAMPLES + 1) as f64).min(1.0);
    comparison.verdict = match () {
        () if low > 0.0 => ComparisonVerdict::Better,
        () if high < 0.0 => ComparisonVerdict::Worse,
        () => ComparisonVerdict::Undecided,
    };
    let difference = comparison.difference.unwrap_or_default();
    comparison.explanation = format!(
        "over {days} days `{}` returned {:+.4} % a day against `{}`, 95 % interval {:+.4} % to {:+.4} %",
        treatment.0,
        difference * 100.0,
        control.0,
        low * 100.0,
        high * 100.0
    );
    (comparison.ci_low, comparison.ci_high, comparison.p_value) = (Some(low), Some(high), Some(p_value));
    comparison
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Means of stationary-bootstrap resamples; the seed is fixed, so a report can be recomputed.
fn resampled_means(values: &[f64]) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(0x005e_ed0f_c0de);
    let days = values.len();
    (0..RESAMPLES)
        .map(|_| {
            let mut day = random.random_range(0..days);
            let mut sum = 0.0;
            for _ in 0..days {
                sum += values[day];
                let starts_new_block = random.random::<f64>() < 1.0 / BLOCK_DAYS;
                day = if starts_new_block { random.random_range(0..days) } else { (day + 1) % days };
            }
            sum / days as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(returns: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut equity = vec![10_000.0];
        for daily in returns {
            equity.push(equity[equity.len() - 1] * (1.0 + daily));
        }
        equity
    }

    fn check(treatment_edge: f64, days: usize) -> Comparison {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut noise = || random.random_range(-0.01..0.01);
        let control = curve((0..days).map(|_| noise()));
        let treatment = curve((0..days).map(|_| noise() + treatment_edge));
        compare(("control", &control), ("expert", &treatment))
    }

    #[test]
    fn an_edge_is_seen_and_noise_is_not() {
        assert_eq!(check(0.003, 300).verdict, ComparisonVerdict::Better);
        assert_eq!(check(-0.003, 300).verdict, ComparisonVerdict::Worse);
        assert_eq!(check(0.0, 300).verdict, ComparisonVerdict::Undecided);
    }

    #[test]
    fn a_short_sample_gives_no_verdict_and_says_why() {
        let comparison = check(0.05, 20);
        assert_eq!((comparison.verdict, comparison.p_value), (ComparisonVerdict::Undecided, None));
        assert!(comparison.explanation.starts_with("20 paired days"), "{}", comparison.explanation);
    }

    #[test]
    fn the_interval_holds_the_difference_and_is_the_same_twice() {
        let comparison = check(0.001, 200);
        let difference = comparison.difference.unwrap();
        assert!(comparison.ci_low.unwrap() < difference && difference < comparison.ci_high.unwrap());
        assert_eq!(comparison, check(0.001, 200));
    }
}
