//! A question that is asked when it is due, one at a time, and again with back-off until it is answered.
//! Knows neither the question nor the answer.

use super::RequestId;
use super::policy::ASK_AGAIN_MS;
use crate::model::{Millis, SECOND_MS, Time};
use serde::{Deserialize, Serialize};

/// A question without an answer for this long is asked anew.
const OVERDUE_MS: Millis = 15 * SECOND_MS;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Poll {
    due: Option<Time>,
    in_flight: Option<(RequestId, Time)>,
    tries: usize,
    /// When the last question that was answered had been asked.
    known_at: Option<Time>,
}

impl Poll {
    /// It is to be asked at this time, or sooner where that was wanted already.
    pub(super) fn want(&mut self, at: Time) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// It is to be asked unless that is on the way already.
    pub(super) fn want_if_idle(&mut self, at: Time) {
        if self.in_flight.is_none() && self.due.is_none() {
            self.due = Some(at);
        }
    }

    /// It need not be asked.
    pub(super) const fn drop_want(&mut self) {
        self.due = None;
    }

    /// Whether to ask now.
    pub(super) fn is_ready(&self, now: Time) -> bool {
        self.in_flight.is_none() && self.due.is_some_and(|due| due <= now)
    }

    pub(super) const fn is_asked(&self) -> bool {
        self.in_flight.is_some()
    }

    pub(super) const fn asked(&mut self, request: RequestId, now: Time) {
        self.in_flight = Some((request, now));
        self.due = None;
    }

    /// Whether an answer is known that was asked for at `since` or later.
    pub(super) fn is_current(&self, since: Time) -> bool {
        self.known_at.is_some_and(|known| known >= since)
    }

    /// It was answered: when had it been asked? `None` when it was not this request.
    pub(super) fn answered(&mut self, request: RequestId) -> Option<Time> {
        let (_, at) = self.in_flight.filter(|(asked, _)| *asked == request)?;
        self.in_flight = None;
        self.tries = 0;
        self.known_at = Some(at);
        Some(at)
    }

    /// There was no answer: again later, and not before `until`.
    pub(super) fn failed(&mut self, request: RequestId, now: Time, until: Option<Time>) {
        if self.in_flight.is_some_and(|(asked, _)| asked == request) {
            self.in_flight = None;
            let again = now.plus(back_off(self.tries));
            self.due = Some(until.map_or(again, |until| until.max(now)));
            self.tries += 1;
        }
    }

    /// Gives up on a request that was never answered; which one.
    pub(super) fn give_up(&mut self, now: Time) -> Option<RequestId> {
        let (request, at) = self.in_flight?;
        (now.since(at) >= OVERDUE_MS).then(|| self.failed(request, now, None))?;
        Some(request)
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.in_flight.map_or(self.due, |(_, at)| Some(at.plus(OVERDUE_MS)))
    }
}

/// How long to wait after so many fruitless tries.
pub(super) fn back_off(tries: usize) -> Millis {
    ASK_AGAIN_MS[tries.min(ASK_AGAIN_MS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_once_at_a_time_and_backs_off() {
        let mut poll = Poll::default();
        assert!(!poll.is_ready(Time(5)));
        poll.want(Time(10));
        poll.want(Time(20));
        assert!(!poll.is_ready(Time(9)) && poll.is_ready(Time(10)));
        poll.asked(RequestId(1), Time(10));
        poll.want(Time(11));
        assert!(!poll.is_ready(Time(11)), "one is on its way");
        poll.failed(RequestId(7), Time(11), None);
        assert!(poll.is_asked(), "that was another request's failure");
        let mut waits = Vec::new();
        for request in 1..7 {
            let now = Time(100_000 * request as i64);
            poll.asked(RequestId(request), now);
            poll.failed(RequestId(request), now, None);
            waits.push(poll.deadline().unwrap().since(now));
        }
        assert_eq!(waits, [1_000, 2_000, 5_000, 10_000, 15_000, 15_000]);
    }

    #[test]
    fn an_answer_is_as_old_as_its_question() {
        let mut poll = Poll::default();
        poll.want(Time(10));
        poll.asked(RequestId(1), Time(10));
        assert_eq!(poll.answered(RequestId(2)), None);
        assert_eq!(poll.answered(RequestId(1)), Some(Time(10)));
        assert!(poll.is_current(Time(10)) && !poll.is_current(Time(11)) && poll.deadline().is_none());
    }

    #[test]
    fn a_question_that_nobody_answers_is_given_up_and_a_known_limit_is_kept() {
        let mut poll = Poll::default();
        poll.want(Time(0));
        poll.asked(RequestId(1), Time(0));
        assert_eq!(poll.give_up(Time(14_999)), None);
        assert_eq!(poll.give_up(Time(15_000)), Some(RequestId(1)));
        assert!(poll.is_ready(Time(16_000)));
        poll.asked(RequestId(2), Time(16_000));
        poll.failed(RequestId(2), Time(16_100), Some(Time(60_000)));
        assert_eq!(poll.deadline(), Some(Time(60_000)));
    }
}
