//! Which funding was paid when: payments as REST lists them, and where it does not answer in time the rate that the
//! mark price stream announced last. Pure; knows no account.

use std::collections::BTreeMap;
use swarm_core::model::{FundingDue, HOUR_MS, MINUTE_MS, Rate, SymbolId, Time};

/// Payments are on whole hours, and listed some time later.
const LISTED_AFTER_MS: i64 = 20_000;

/// Payments to come and those that fell due.
#[derive(Clone, Debug)]
pub struct Funding {
    /// As listed, by time rounded down to the minute.
    paid: BTreeMap<(Time, SymbolId), Rate>,
    /// As announced, by the time at which it is due.
    announced: BTreeMap<(Time, SymbolId), Rate>,
    /// Hours up to here have been asked about and answered.
    known_until: Time,
    /// Hours up to here are not waited for any more.
    waived_until: Time,
    asked: bool,
    ask_at: i64,
}

impl Funding {
    /// Nothing before `from` matters.
    pub fn new(from: Time) -> Self {
        let known_until = from.floor(HOUR_MS);
        // A payment on the very hour belongs to the candle that begins then.
        let known_until = if known_until == from { known_until.plus(-1) } else { known_until };
        let (paid, announced) = (BTreeMap::new(), BTreeMap::new());
        Self { paid, announced, known_until, waived_until: known_until, asked: false, ask_at: i64::MIN }
    }

    /// The mark price stream announced a rate.
    pub fn announced(&mut self, symbol: SymbolId, due: Time, rate: Rate) {
        self.announced.insert((due.floor(MINUTE_MS), symbol), rate);
    }

    /// The window of payments to be asked for now, if any; it must be answered or given back.
    pub fn question(&mut self, market: Time, steady: i64) -> Option<(Time, Time)> {
        let hour = market.plus(-LISTED_AFTER_MS).floor(HOUR_MS);
        if self.asked || steady < self.ask_at || hour <= self.known_until {
            return None;
        }
        self.asked = true;
        Some((self.known_until.plus(1), hour.plus(MINUTE_MS - 1)))
    }

    /// These were paid in the window that ends at `until`.
    pub fn answered(&mut self, until: Time, rows: impl IntoIterator<Item = (Time, SymbolId, Rate)>) {
        self.asked = false;
        self.known_until = self.known_until.max(until.floor(HOUR_MS));
        self.paid.extend(rows.into_iter().map(|(at, symbol, rate)| ((at.floor(MINUTE_MS), symbol), rate)));
    }

    /// The question was not answered; not again before `ask_at` of the steady clock.
    pub fn unanswered(&mut self, ask_at: i64) {
        (self.asked, self.ask_at) = (false, ask_at);
    }

    /// Whether every payment before `end` is known, or is not to be waited for.
    pub fn is_settled(&self, end: Time) -> bool {
        end.plus(-1).floor(HOUR_MS) <= self.known_until.max(self.waived_until)
    }

    /// Payments before `end` have been waited for long enough: announcements stand in for them.
    pub fn waive(&mut self, end: Time) {
        self.waived_until = self.waived_until.max(end.plus(-1).floor(HOUR_MS));
    }

    /// Payments due in `[from, to)`, in order of time and symbol; what is older is forgotten.
    pub fn due(&mut self, from: Time, to: Time) -> Vec<FundingDue> {
        let later = (to, SymbolId(0));
        let keep = self.paid.split_off(&later);
        let paid = std::mem::replace(&mut self.paid, keep);
        let keep = self.announced.split_off(&later);
        let announced = std::mem::replace(&mut self.announced, keep);
        let mut due: BTreeMap<(Time, SymbolId), Rate> = BTreeMap::new();
        // Only where the list is not there: an announcement is an estimate until it is paid.
        due.extend(announced.into_iter().filter(|((at, _), _)| *at > self.known_until));
        due.extend(paid);
        due.into_iter()
            .filter(|((at, _), _)| *at >= from)
            .map(|((at, symbol), rate)| FundingDue { symbol, at, rate })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: SymbolId = SymbolId(0);

    fn due(at: i64, rate: i64) -> FundingDue {
        FundingDue { symbol: S, at: Time(at), rate: Rate(rate) }
    }

    #[test]
    fn payments_are_asked_for_after_the_hour_and_handed_out_once() {
        let mut funding = Funding::new(Time(HOUR_MS - 300_000));
        assert_eq!(funding.question(Time(HOUR_MS), 0), None, "not listed yet");
        let window = funding.question(Time(HOUR_MS + LISTED_AFTER_MS), 0).unwrap();
        assert_eq!(window, (Time(1), Time(HOUR_MS + MINUTE_MS - 1)));
        assert_eq!(funding.question(Time(HOUR_MS + LISTED_AFTER_MS), 0), None, "one question at a time");
        assert!(!funding.is_settled(Time(HOUR_MS + 300_000)));
        assert!(funding.is_settled(Time(HOUR_MS)), "a payment on the hour belongs to the candle that begins then");
        funding.answered(window.1, [(Time(HOUR_MS + 7), S, Rate(5))]);
        assert!(funding.is_settled(Time(HOUR_MS + 300_000)));
        assert_eq!(funding.due(Time(HOUR_MS - 300_000), Time(HOUR_MS)), []);
        assert_eq!(funding.due(Time(HOUR_MS), Time(HOUR_MS + 300_000)), [due(HOUR_MS, 5)]);
        assert_eq!(funding.due(Time(HOUR_MS), Time(HOUR_MS + 300_000)), []);
    }

    #[test]
    fn an_announcement_counts_only_where_there_is_no_list() {
        let mut funding = Funding::new(Time(HOUR_MS - 1));
        for rate in [3, 4] {
            funding.announced(S, Time(HOUR_MS), Rate(rate));
        }
        let listed = funding.clone().due(Time(HOUR_MS), Time(HOUR_MS + MINUTE_MS));
        assert_eq!(listed, [due(HOUR_MS, 4)], "the last word before it is paid");
        funding.answered(Time(HOUR_MS + MINUTE_MS - 1), []);
        assert_eq!(funding.due(Time(HOUR_MS), Time(HOUR_MS + MINUTE_MS)), [], "listed as not paid");
    }

    #[test]
    fn an_hour_that_was_waited_for_is_not_waited_for_again() {
        let mut funding = Funding::new(Time(HOUR_MS - 1));
        let ends = [Time(HOUR_MS + 60_000), Time(HOUR_MS + 120_000), Time(2 * HOUR_MS)];
        assert!(ends.iter().all(|end| !funding.is_settled(*end)));
        funding.waive(ends[0]);
        assert!(ends.iter().all(|end| funding.is_settled(*end)));
        assert!(!funding.is_settled(Time(2 * HOUR_MS + 1)), "the next hour is");
        assert!(funding.question(Time(HOUR_MS + LISTED_AFTER_MS), 0).is_some(), "it is asked about all the same");
    }

    #[test]
    fn a_market_that_begins_on_the_hour_asks_for_that_hour() {
        let mut funding = Funding::new(Time(HOUR_MS));
        assert_eq!(funding.question(Time(HOUR_MS + LISTED_AFTER_MS), 0).map(|window| window.0), Some(Time(HOUR_MS)));
        funding.unanswered(50);
        assert_eq!(funding.question(Time(HOUR_MS + LISTED_AFTER_MS), 49), None);
        assert!(funding.question(Time(HOUR_MS + LISTED_AFTER_MS), 50).is_some());
    }
}
