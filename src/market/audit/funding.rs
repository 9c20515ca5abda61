//! One funding file, payment by payment. Knows no candles.

use super::find::{FundingFile, unreadable};
use super::finding::as_text;
use super::{Audit, Finding, Kind};
use crate::market::recorded::read::scan_funding;
use serde::Serialize;
use std::path::PathBuf;
use swarm_core::model::{HOUR_MS, MINUTE_MS, Millis, Rate, Time};

/// A rate beyond this, either way, is told.
const RATE_USUAL: Rate = Rate::percent(1);
/// Payments that must keep a new spacing before it counts as the spacing, and not as holes.
const RUN: usize = 3;

/// What a funding file holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FundingSummary {
    /// Where it is.
    pub file: PathBuf,
    /// Of which symbol.
    pub symbol: String,
    /// Rows, good and bad.
    pub rows: u64,
    /// First payment.
    #[serde(serialize_with = "as_text")]
    pub from: Option<Time>,
    /// Last payment.
    #[serde(serialize_with = "as_text")]
    pub to: Option<Time>,
    /// Hours between payments, in the order in which the file has them.
    pub hours: Vec<f64>,
    /// Rows that a backtest refuses.
    pub errors: u64,
    /// Payments missing.
    pub missing: u64,
}

/// Reads a file and tells what is wrong with it.
pub(super) fn look_at(file: &FundingFile, audit: &mut Audit) {
    let mut rows = 0;
    let mut payments: Vec<(u64, Time, Rate)> = Vec::new();
    let mut findings = Vec::new();
    let at_line = |line: u64, at: Option<Time>, finding: Finding| Finding {
        file: Some(file.path.clone()),
        line: Some(line),
        from: at,
        ..finding
    };
    let read = scan_funding(&file.path, |line, row| {
        rows += 1;
        let (at, rate) = match row {
            Ok(payment) => payment,
            Err(error) => {
                findings.push(at_line(line, None, Finding::error(Kind::BadRow, &file.symbol, error.what)));
                return;
            }
        };
        // Stamps are some milliseconds late: as the backtest, by the minute.
        let minute = at.floor(MINUTE_MS);
        match payments.last() {
            Some((_, last, _)) if *last == minute => {
                let what = format!("funding_time {minute} is there before");
                findings.push(at_line(line, Some(minute), Finding::error(Kind::Duplicate, &file.symbol, what)));
            }
            Some((_, last, _)) if *last > minute => {
                let what = format!("funding_time {minute} is before that of the row before, {last}");
                findings.push(at_line(line, Some(minute), Finding::error(Kind::OutOfOrder, &file.symbol, what)));
            }
            _ => {
                if minute.floor(HOUR_MS) != minute {
                    let what = format!("paid at {at}, not on the hour");
                    findings.push(at_line(
                        line,
                        Some(minute),
                        Finding::warning(Kind::FundingTimes, &file.symbol, what),
                    ));
                }
                if rate.abs() > RATE_USUAL {
                    let what = format!("rate {:+.3} %", rate.to_f64() * 100.0);
                    findings.push(at_line(line, Some(minute), Finding::warning(Kind::FundingRate, &file.symbol, what)));
                }
                payments.push((line, minute, rate));
            }
        }
    });
    if let Err(error) = read {
        findings.push(unreadable(&file.path, &file.symbol, &error));
    } else if rows == 0 {
        let what = Finding::error(Kind::Unreadable, &file.symbol, "has a header but no rows");
        findings.push(Finding { file: Some(file.path.clone()), ..what });
    }
    let (hours, missing) = spacings(&payments, |line, from, to, count, what| {
        let finding = Finding { to: Some(to), count, ..Finding::warning(Kind::FundingTimes, &file.symbol, what) };
        findings.push(at_line(line, Some(from), finding));
    });
    audit.funding.push(FundingSummary {
        file: file.path.clone(),
        symbol: file.symbol.clone(),
        rows,
        from: payments.first().map(|payment| payment.1),
        to: payments.last().map(|payment| payment.1),
        hours,
        errors: findings.iter().filter(|finding| finding.severity == super::Severity::Error).count() as u64,
        missing,
    });
    audit.findings.extend(findings);
}

/// Files of one folder and symbol that tell of the same time, which a backtest refuses.
pub(super) fn overlaps(audit: &mut Audit) {
    let mut files: Vec<&FundingSummary> = audit.funding.iter().filter(|file| file.from.is_some()).collect();
    files.sort_by_key(|file| (&file.symbol, file.file.parent(), file.from));
    let mut found = Vec::new();
    for pair in files.windows(2) {
        let [one, other] = pair else { continue };
        let same = one.symbol == other.symbol && one.file.parent() == other.file.parent();
        if same && other.from <= one.to {
            let what = format!("tells of the same time as {}", one.file.display());
            let finding = Finding::error(Kind::Overlap, &other.symbol, what);
            found.push(Finding { file: Some(other.file.clone()), from: other.from, to: one.to, ..finding });
        }
    }
    audit.findings.extend(found);
}

/// Changes of the time between payments, and holes: a spacing that is kept is a change, another one is a hole or a
/// payment out of turn. Gives the spacings kept, in hours, and how many payments are missing.
fn spacings(payments: &[(u64, Time, Rate)], mut tell: impl FnMut(u64, Time, Time, u64, String)) -> (Vec<f64>, u64) {
    let hours = |ms: Millis| (ms as f64 / HOUR_MS as f64 * 100.0).round() / 100.0;
    let steps: Vec<Millis> = payments.windows(2).map(|pair| pair[1].1.since(pair[0].1)).collect();
    let mut kept: Vec<f64> = Vec::new();
    let mut usual: Option<Millis> = None;
    let mut missing = 0;
    for (place, &step) in steps.iter().enumerate() {
        if usual == Some(step) {
            continue;
        }
        let run = steps[place..].iter().take_while(|other| **other == step).count();
        let (_, from, _) = payments[place];
        let (line, to, _) = payments[place + 1];
        match usual {
            // The file's first spacing, or one that lasts.
            _ if run >= RUN || usual.is_none() => {
                if let Some(usual) = usual {
                    let what = format!("paid every {} h from here, before every {} h", hours(step), hours(usual));
                    tell(line, from, to, run as u64, what);
                }
                usual = Some(step);
                if !kept.contains(&hours(step)) {
                    kept.push(hours(step));
                }
            }
            Some(usual) if step > usual && step % usual == 0 => {
                let count = (step / usual - 1).unsigned_abs();
                missing += count;
                tell(line, from, to, count, format!("{count} payment(s) missing before this row"));
            }
            Some(usual) => {
                let what = format!("{} h after the payment before, where {} h are usual", hours(step), hours(usual));
                tell(line, from, to, 1, what);
            }
            None => {}
        }
    }
    (kept, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(hours: &[i64]) -> (Vec<f64>, u64, Vec<String>) {
        let payment = |(place, hour): (usize, &i64)| (place as u64 + 2, Time(hour * HOUR_MS), Rate::ZERO);
        let payments: Vec<_> = hours.iter().enumerate().map(payment).collect();
        let mut told = Vec::new();
        let (kept, missing) = spacings(&payments, |line, _, _, _, what| told.push(format!("{line}: {what}")));
        (kept, missing, told)
    }

    #[test]
    fn a_spacing_that_lasts_is_a_change_and_another_a_hole() {
        assert_eq!(told(&[0, 8, 16, 24, 32]), (vec![8.0], 0, vec![]));
        assert_eq!(
            told(&[0, 8, 16, 40, 48, 56]),
            (vec![8.0], 2, vec!["5: 2 payment(s) missing before this row".into()])
        );
        let changed = vec!["5: paid every 1 h from here, before every 8 h".to_owned()];
        assert_eq!(told(&[0, 8, 16, 17, 18, 19, 20]), (vec![8.0, 1.0], 0, changed));
        let odd = vec![
            "4: 5 h after the payment before, where 8 h are usual".to_owned(),
            "5: 3 h after the payment before, where 8 h are usual".to_owned(),
        ];
        assert_eq!(told(&[0, 8, 13, 16, 24]), (vec![8.0], 0, odd));
        assert_eq!(told(&[0]), (vec![], 0, vec![]));
    }
}
