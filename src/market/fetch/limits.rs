//! When to ask again, and when to leave the venue alone. Plain values: knows no socket and no clock.
//!
//! The venue counts weight by minute and address, 2,400 at most, and says after each answer how much is used. Going on
//! after a 429 leads to a 418, a ban of minutes to days.

use std::time::Duration;

/// Attempts at one request before it is given up.
pub const ATTEMPTS: u32 = 8;
/// Weight of a minute that is used: four fifths of the venue's 2,400, as other programs of this address count too.
pub const USABLE_WEIGHT: u32 = 1_920;
/// A longer wait than this is not waited for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Wait before the second attempt; doubles with each further one.
const BACK_OFF: Duration = Duration::from_millis(500);
/// It does not grow beyond this.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// Wait after a 429 that does not say how long.
const WAIT_AFTER_429: Duration = Duration::from_secs(10);
/// Wait after a 418 that does not say how long.
const WAIT_AFTER_418: Duration = Duration::from_secs(120);

/// What an answer means for the next request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The body is worth reading.
    Read,
    /// Ask again after this.
    Wait(Duration),
    /// It would be refused again.
    Refused,
}

/// Wait after so many failed attempts, from 1.
pub(super) fn back_off(failed: u32) -> Duration {
    BACK_OFF.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(LONGEST_BACK_OFF)
}

/// By status, the seconds of `Retry-After` where there are any, and the attempts that have failed, this one included.
pub(super) fn after(status: u16, retry_after: Option<u64>, failed: u32) -> Next {
    let asked = retry_after.map(Duration::from_secs);
    match status {
        200..=299 => Next::Read,
        429 => Next::Wait(asked.unwrap_or(WAIT_AFTER_429)),
        418 => Next::Wait(asked.unwrap_or(WAIT_AFTER_418)),
        // Some servers say when they are back.
        500..=599 => Next::Wait(asked.unwrap_or_else(|| back_off(failed))),
        _ => Next::Refused,
    }
}

/// Weight used in the venue's current minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    used: u32,
}

impl Weight {
    /// Takes what the venue says, by the header's name: `X-MBX-USED-WEIGHT-1M`, in whatever case and with whatever end.
    /// `X-MBX-USED-WEIGHT` without an interval is another count.
    pub(super) fn hear(&mut self, header: &str, value: &str) {
        let name = header.to_ascii_lowercase();
        if name.strip_prefix("x-mbx-used-weight-").is_some_and(|rest| rest.starts_with("1m"))
            && let Ok(used) = value.trim().parse()
        {
            self.used = used;
        }
    }

    /// How long to wait before a request of this weight, `second` being the venue's second of the minute where known.
    pub(super) fn wait(&self, weight: u32, second: Option<u64>) -> Option<Duration> {
        let fits = self.used.saturating_add(weight) <= USABLE_WEIGHT;
        // A second more, as its clock and ours do not tick together.
        (!fits).then(|| Duration::from_secs(second.map_or(60, |second| 60 - second.min(59)) + 1))
    }

    /// A new minute has begun.
    pub(super) fn forget(&mut self) {
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_and_when_to_ask_again() {
        let seconds = |seconds| Next::Wait(Duration::from_secs(seconds));
        for (status, retry_after, failed, expected) in [
            (200, None, 1, Next::Read),
            (429, None, 1, seconds(10)),
            (429, Some(3), 5, seconds(3)),
            (418, None, 1, seconds(120)),
            (418, Some(600), 1, seconds(600)),
            (500, None, 1, Next::Wait(Duration::from_millis(500))),
            (503, None, 3, seconds(2)),
            (503, Some(7), 3, seconds(7)),
            (504, None, 60, seconds(30)),
            (400, None, 1, Next::Refused),
            (403, Some(1), 1, Next::Refused),
            (301, None, 1, Next::Refused),
        ] {
            assert_eq!(after(status, retry_after, failed), expected, "{status} {retry_after:?} {failed}");
        }
    }

    #[test]
    fn weight_is_used_up_to_a_bound_and_comes_back_with_the_minute() {
        let mut weight = Weight::default();
        assert_eq!(weight.wait(USABLE_WEIGHT, Some(30)), None);
        weight.hear("X-MBX-USED-WEIGHT", "9999");
        assert_eq!(weight.wait(5, Some(30)), None, "another count");
        weight.hear("x-mbx-used-weight-1Minute", &(USABLE_WEIGHT - 5).to_string());
        assert_eq!(weight.wait(5, Some(30)), None);
        assert_eq!(weight.wait(6, Some(30)), Some(Duration::from_secs(31)));
        assert_eq!(weight.wait(6, None), Some(Duration::from_secs(61)));
        weight.hear("X-MBX-USED-WEIGHT-1M", "much");
        assert!(weight.wait(6, Some(0)).is_some(), "what cannot be read changes nothing");
        weight.forget();
        assert_eq!(weight.wait(6, Some(30)), None);
    }
}
