//! How much may be sent to one host, and when: a pure value that is asked before each request and told of each
//! answer. One of these for each host, shared by everything that sends to it, since the venue counts by address.
//!
//! It counts what was sent in a window that slides, so that whatever minute the venue counts by is never above the
//! limit, and adds what the venue's own header shows beyond that, which others behind the same address have used.
//! Urgent calls have headroom that the others may not touch. Knows no clock, no socket and no request.

use super::wire::{RateLimit, RateLimitInterval, RateLimitType, Urgency};
use std::collections::VecDeque;
use swarm_core::model::{DAY_MS, HOUR_MS, MINUTE_MS, Millis, SECOND_MS, Time};

/// Wait after 429 when the venue does not say how long.
const TOO_MANY_MS: Millis = 10 * SECOND_MS;
/// Wait after 418 when the venue does not say how long.
const BANNED_MS: Millis = 120 * SECOND_MS;
/// Longest wait that is believed: the venue's longest ban.
const LONGEST_MS: Millis = 3 * DAY_MS;

/// Share of a limit that a class of calls may use, in percent.
const fn share(urgency: Urgency) -> u64 {
    match urgency {
        Urgency::Background => 50,
        Urgency::Normal => 80,
        Urgency::Urgent => 100,
    }
}

/// Why a call has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its class has used its share of the request weight.
    Weight,
    /// Its class has used its share of the orders.
    Orders,
    /// The venue answered 429; cancels and stops still go.
    TooManyRequests,
    /// The venue answered 418; nothing goes.
    Banned,
    /// It alone costs more than its class may ever use.
    TooLarge,
}

/// Whether a call may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Now; it has been counted.
    Go,
    /// Not now. Asking again before `until` is useless.
    Wait {
        /// The earliest instant at which it may go.
        until: Time,
        /// Why it waits.
        reason: Reason,
    },
}

/// What the venue's answer says about limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// `X-MBX-USED-WEIGHT-1M`: weight used in the venue's current minute, by everything at this address.
    pub weight: Option<u32>,
    /// `X-MBX-ORDER-COUNT-1M`: orders in the venue's current minute, by the account.
    pub orders: Option<u32>,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u32>,
}

impl Usage {
    /// From headers, whatever their case. The interval of a count is spelled `1M` or `1MINUTE`; counts over other
    /// intervals are passed over.
    pub fn read<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut usage = Self::default();
        for (name, value) in headers {
            let (name, value) = (name.to_ascii_lowercase(), value.trim().parse::<u32>().ok());
            let of_a_minute =
                |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest == "1m" || rest == "1minute");
            if of_a_minute("x-mbx-used-weight-") {
                usage.weight = value.or(usage.weight);
            } else if of_a_minute("x-mbx-order-count-") {
                usage.orders = value.or(usage.orders);
            } else if name == "retry-after" {
                usage.retry_after_s = value.or(usage.retry_after_s);
            }
        }
        usage
    }
}

/// A limit over a window that slides.
#[derive(Clone, Debug)]
struct Window {
    length: Millis,
    limit: u64,
    sent: VecDeque<(Time, u64)>,
    sum: u64,
    /// What others have used by the venue's count, and until when that counts.
    others: (u64, Time),
}

impl Window {
    fn new(length: Millis, limit: u64) -> Self {
        Self { length, limit, sent: VecDeque::new(), sum: 0, others: (0, Time(i64::MIN)) }
    }

    fn forget(&mut self, now: Time) {
        while let Some(&(at, cost)) = self.sent.front() {
            if now.since(at) < self.length {
                break;
            }
            self.sent.pop_front();
            self.sum -= cost;
        }
        if self.others.1 <= now {
            self.others.0 = 0;
        }
    }

    /// When `cost` fits into this share of the limit; `None` when never.
    fn fits_at(&mut self, now: Time, cost: u64, percent: u64) -> Option<Time> {
        self.forget(now);
        let most = self.limit * percent / 100;
        if cost > most {
            return None;
        }
        let mut used = self.sum + self.others.0;
        if used + cost <= most {
            return Some(now);
        }
        let mut at = now;
        let mut others = self.others;
        for &(sent, cost_then) in &self.sent {
            let free = sent.plus(self.length);
            if others.0 > 0 && others.1 <= free {
                (used, at) = (used - others.0, others.1.max(at));
                others.0 = 0;
                if used + cost <= most {
                    return Some(at);
                }
            }
            (used, at) = (used - cost_then, free.max(at));
            if used + cost <= most {
                return Some(at);
            }
        }
        Some(at.max(others.1))
    }

    fn charge(&mut self, now: Time, cost: u64) {
        if cost > 0 {
            self.sent.push_back((now, cost));
            self.sum += cost;
        }
    }

    /// The venue has counted this much in its current window.
    fn observe(&mut self, now: Time, counted: u32) {
        self.forget(now);
        let others = u64::from(counted).saturating_sub(self.sum);
        self.others = (others, now.plus(self.length));
    }
}

/// What may be used at most, whatever the venue declares: for an address that others share. `None` is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Request weight a minute.
    pub weight_a_minute: Option<u32>,
    /// Orders a minute.
    pub orders_a_minute: Option<u32>,
    /// Orders in ten seconds.
    pub orders_in_ten_seconds: Option<u32>,
}

/// Limits, each with the length of its window in milliseconds.
pub type WindowLimits = Vec<(Millis, u64)>;

/// The limits of one host.
#[derive(Clone, Debug)]
pub struct Limiter {
    caps: Caps,
    weight: Vec<Window>,
    orders: Vec<Window>,
    slowed_until: Time,
    banned_until: Time,
}

impl Default for Limiter {
    /// The limits of the venue's documents, until exchangeInfo says otherwise: weight 2,400 and 1,200 orders a
    /// minute, and 300 orders in ten seconds, which the protocol's family has.
    fn default() -> Self {
        Self {
            caps: Caps::default(),
            weight: vec![Window::new(MINUTE_MS, 2_400)],
            orders: vec![Window::new(MINUTE_MS, 1_200), Window::new(10 * SECOND_MS, 300)],
            slowed_until: Time(i64::MIN),
            banned_until: Time(i64::MIN),
        }
    }
}

impl Limiter {
    /// With limits as exchangeInfo gives them. Kinds and units that are not known are passed over; a kind that is
    /// not given at all keeps its documented limits.
    pub fn new(limits: &[RateLimit]) -> Self {
        let mut limiter = Self::default();
        limiter.adopt(limits);
        limiter
    }

    /// With the documented limits, none above its cap, and none that is adopted later either.
    pub fn capped(caps: Caps) -> Self {
        let mut limiter = Self { caps, ..Self::default() };
        limiter.apply_caps();
        limiter
    }

    /// Takes other limits over, none above its cap, and keeps what was counted where a window has the same length.
    pub fn adopt(&mut self, limits: &[RateLimit]) {
        let windows = |kind: &RateLimitType, old: &[Window]| -> Vec<Window> {
            let of_kind = limits.iter().filter(|limit| limit.rate_limit_type == *kind && limit.limit > 0);
            of_kind
                .filter_map(|limit| {
                    let length = length_ms(limit)?;
                    let same = old.iter().find(|window| window.length == length).cloned();
                    let window = same.unwrap_or_else(|| Window::new(length, 0));
                    Some(Window { limit: u64::from(limit.limit), ..window })
                })
                .collect()
        };
        let weight = windows(&RateLimitType::RequestWeight, &self.weight);
        let orders = windows(&RateLimitType::Orders, &self.orders);
        if !weight.is_empty() {
            self.weight = weight;
        }
        if !orders.is_empty() {
            self.orders = orders;
        }
        self.apply_caps();
    }

    fn apply_caps(&mut self) {
        let caps = self.caps;
        cap(&mut self.weight, MINUTE_MS, caps.weight_a_minute);
        cap(&mut self.orders, MINUTE_MS, caps.orders_a_minute);
        cap(&mut self.orders, 10 * SECOND_MS, caps.orders_in_ten_seconds);
    }

    /// The limits that hold now: request weight, then orders, each with the length of its window in milliseconds.
    pub fn limits(&self) -> (WindowLimits, WindowLimits) {
        let of = |windows: &[Window]| windows.iter().map(|window| (window.length, window.limit)).collect();
        (of(&self.weight), of(&self.orders))
    }

    /// Whether a call of this cost may go now; if so it is counted at once.
    pub fn ask(&mut self, now: Time, urgency: Urgency, weight: u32, orders: u32) -> Permit {
        if now < self.banned_until {
            return Permit::Wait { until: self.banned_until, reason: Reason::Banned };
        }
        if now < self.slowed_until && urgency != Urgency::Urgent {
            return Permit::Wait { until: self.slowed_until, reason: Reason::TooManyRequests };
        }
        let percent = share(urgency);
        let mut latest = (now, Reason::Weight);
        let costs = [
            (&mut self.weight, u64::from(weight), Reason::Weight),
            (&mut self.orders, u64::from(orders), Reason::Orders),
        ];
        for (windows, cost, reason) in costs {
            if cost == 0 {
                continue;
            }
            for window in windows {
                match window.fits_at(now, cost, percent) {
                    None => return Permit::Wait { until: now.plus(DAY_MS), reason: Reason::TooLarge },
                    Some(at) if at > latest.0 => latest = (at, reason),
                    Some(_) => {}
                }
            }
        }
        if latest.0 > now {
            return Permit::Wait { until: latest.0, reason: latest.1 };
        }
        self.weight.iter_mut().for_each(|window| window.charge(now, u64::from(weight)));
        self.orders.iter_mut().for_each(|window| window.charge(now, u64::from(orders)));
        Permit::Go
    }

    /// Takes note of an answer: its status of HTTP and what its headers say. Answers without such headers, and
    /// requests without an answer, need not be told.
    pub fn answered(&mut self, now: Time, status: u16, usage: Usage) {
        if let Some(weight) = usage.weight {
            self.weight
                .iter_mut()
                .filter(|window| window.length == MINUTE_MS)
                .for_each(|window| window.observe(now, weight));
        }
        if let Some(orders) = usage.orders {
            self.orders
                .iter_mut()
                .filter(|window| window.length == MINUTE_MS)
                .for_each(|window| window.observe(now, orders));
        }
        let wait = |default: Millis| {
            let asked = usage.retry_after_s.map(|seconds| Millis::from(seconds) * SECOND_MS);
            now.plus(asked.unwrap_or(default).clamp(SECOND_MS, LONGEST_MS))
        };
        match status {
            429 => self.slowed_until = self.slowed_until.max(wait(TOO_MANY_MS)),
            418 => self.banned_until = self.banned_until.max(wait(BANNED_MS)),
            _ => {}
        }
    }

    /// Weight that counts against the minute at this instant, others' included.
    pub fn used_weight(&mut self, now: Time) -> u64 {
        self.weight.iter_mut().for_each(|window| window.forget(now));
        self.weight.iter().find(|window| window.length == MINUTE_MS).map_or(0, |window| window.sum + window.others.0)
    }

    /// Until when nothing at all may be sent, if so.
    pub fn banned_until(&self, now: Time) -> Option<Time> {
        (now < self.banned_until).then_some(self.banned_until)
    }
}

/// A cap over a length that the venue has no limit for is a limit of its own.
fn cap(windows: &mut Vec<Window>, length: Millis, cap: Option<u32>) {
    let Some(cap) = cap.map(u64::from) else { return };
    match windows.iter_mut().find(|window| window.length == length) {
        Some(window) => window.limit = window.limit.min(cap),
        None => windows.push(Window::new(length, cap)),
    }
}

fn length_ms(limit: &RateLimit) -> Option<Millis> {
    let unit = match limit.interval {
        RateLimitInterval::Second => SECOND_MS,
        RateLimitInterval::Minute => MINUTE_MS,
        RateLimitInterval::Hour => HOUR_MS,
        RateLimitInterval::Day => DAY_MS,
        RateLimitInterval::Other(_) => return None,
    };
    Some(unit * Millis::from(limit.interval_num.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLASSES: [Urgency; 3] = [Urgency::Background, Urgency::Normal, Urgency::Urgent];

    fn at(second: i64) -> Time {
        Time(1_700_000_000_000 + second * SECOND_MS)
    }

    fn limit(kind: RateLimitType, interval: RateLimitInterval, interval_num: u32, limit: u32) -> RateLimit {
        RateLimit { rate_limit_type: kind, interval, interval_num, limit }
    }

    fn small() -> Limiter {
        Limiter::new(&[
            limit(RateLimitType::RequestWeight, RateLimitInterval::Minute, 1, 100),
            limit(RateLimitType::Orders, RateLimitInterval::Minute, 1, 40),
            limit(RateLimitType::Orders, RateLimitInterval::Second, 10, 10),
        ])
    }

    #[test]
    fn declared_limits_count_but_never_above_a_cap() {
        let declared = |weight, minute, ten| {
            [
                limit(RateLimitType::RequestWeight, RateLimitInterval::Minute, 1, weight),
                limit(RateLimitType::Orders, RateLimitInterval::Minute, 1, minute),
                limit(RateLimitType::Orders, RateLimitInterval::Second, 10, ten),
            ]
        };
        let check = |caps: Caps, declared: &[RateLimit], weight: u64, orders: &[(Millis, u64)]| {
            let mut limiter = Limiter::capped(caps);
            limiter.adopt(declared);
            assert_eq!(limiter.limits(), (vec![(MINUTE_MS, weight)], orders.to_vec()), "{caps:?}");
        };
        let ten = 10 * SECOND_MS;
        let none = Caps::default();
        check(none, &[], 2_400, &[(MINUTE_MS, 1_200), (ten, 300)]);
        check(none, &declared(6_000, 2_000, 500), 6_000, &[(MINUTE_MS, 2_000), (ten, 500)]);
        check(none, &declared(900, 100, 20), 900, &[(MINUTE_MS, 100), (ten, 20)]);
        // Where ten seconds are not declared they are not limited.
        check(none, &declared(900, 100, 20)[..2], 900, &[(MINUTE_MS, 100)]);
        let caps = Caps { weight_a_minute: Some(1_000), orders_a_minute: Some(150), orders_in_ten_seconds: Some(30) };
        check(caps, &[], 1_000, &[(MINUTE_MS, 150), (ten, 30)]);
        check(caps, &declared(6_000, 2_000, 500), 1_000, &[(MINUTE_MS, 150), (ten, 30)]);
        check(caps, &declared(900, 100, 20), 900, &[(MINUTE_MS, 100), (ten, 20)]);
        check(caps, &declared(900, 100, 20)[..2], 900, &[(MINUTE_MS, 100), (ten, 30)]);
    }

    #[test]
    fn what_was_counted_counts_against_other_limits_too() {
        let mut limiter = Limiter::default();
        assert_eq!(limiter.ask(at(0), Urgency::Normal, 100, 0), Permit::Go);
        limiter.adopt(&[limit(RateLimitType::RequestWeight, RateLimitInterval::Minute, 1, 150)]);
        let waits = Permit::Wait { until: at(60), reason: Reason::Weight };
        assert_eq!(limiter.ask(at(1), Urgency::Normal, 50, 0), waits, "80 % of 150 is 120");
        assert_eq!(limiter.ask(at(1), Urgency::Urgent, 50, 0), Permit::Go);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Whatever the venue's windows are aligned to, it never counts more than its limit.
        #[test]
        fn the_venue_never_counts_more_than_its_limit(
            offset in 0i64..MINUTE_MS,
            calls in proptest::collection::vec((0i64..4_000, 0usize..3, 1u32..40, 0u32..6), 1..150),
        ) {
            let mut limiter = small();
            let mut now = at(0);
            let mut weight = std::collections::BTreeMap::<i64, u64>::new();
            let mut orders = [weight.clone(), weight.clone()];
            for (pause, class, cost, count) in calls {
                now = now.plus(pause);
                if limiter.ask(now, CLASSES[class], cost, count) == Permit::Go {
                    *weight.entry((now.0 + offset) / MINUTE_MS).or_default() += u64::from(cost);
                    *orders[0].entry((now.0 + offset) / MINUTE_MS).or_default() += u64::from(count);
                    *orders[1].entry((now.0 + offset) / (10 * SECOND_MS)).or_default() += u64::from(count);
                }
            }
            prop_assert!(weight.values().all(|used| *used <= 100), "{weight:?}");
            prop_assert!(orders[0].values().all(|used| *used <= 40), "{orders:?}");
            prop_assert!(orders[1].values().all(|used| *used <= 10), "{orders:?}");
        }

        /// A call that waits until the instant it was told goes then, if nothing else was sent meanwhile.
        #[test]
        fn a_wait_ends_when_it_was_said_to(
            calls in proptest::collection::vec((0i64..3_000, 0usize..3, 1u32..40, 0u32..6), 1..100),
            others in proptest::option::of(0u32..90),
        ) {
            let mut limiter = small();
            let mut now = at(0);
            limiter.answered(now, 200, Usage { weight: others, ..Usage::default() });
            for (pause, class, cost, count) in calls {
                now = now.plus(pause);
                match limiter.ask(now, CLASSES[class], cost, count) {
                    Permit::Go => {}
                    Permit::Wait { reason: Reason::TooLarge, .. } => {
                        prop_assert!(u64::from(cost) > share(CLASSES[class]) || u64::from(count) * 10 > share(CLASSES[class]));
                    }
                    Permit::Wait { until, .. } => {
                        prop_assert!(until > now && until.since(now) <= MINUTE_MS);
                        now = until;
                        prop_assert_eq!(limiter.ask(now, CLASSES[class], cost, count), Permit::Go);
                    }
                }
            }
        }

        /// However much background calls ask, a cancel goes at once.
        #[test]
        fn a_cancel_never_waits_for_statistics(calls in proptest::collection::vec((0i64..500, 0usize..2), 1..300)) {
            let mut limiter = small();
            let mut now = at(0);
            for (pause, class) in calls {
                now = now.plus(pause);
                let _ = limiter.ask(now, CLASSES[class], 5, 0);
                prop_assert_eq!(limiter.clone().ask(now, Urgency::Urgent, 1, 1), Permit::Go);
            }
        }
    }

    #[test]
    fn each_class_has_its_share() {
        for (class, fits) in [(Urgency::Background, 50), (Urgency::Normal, 80), (Urgency::Urgent, 100)] {
            let mut limiter = small();
            let went = (0..200).filter(|_| limiter.ask(at(0), class, 1, 0) == Permit::Go).count();
            assert_eq!(went, fits, "{class:?}");
            assert_eq!(limiter.ask(at(0), class, 1, 0), Permit::Wait { until: at(60), reason: Reason::Weight });
        }
        assert_eq!(
            small().ask(at(0), Urgency::Normal, 81, 0),
            Permit::Wait { until: at(0).plus(DAY_MS), reason: Reason::TooLarge }
        );
    }

    #[test]
    fn orders_are_counted_over_both_windows() {
        let mut limiter = small();
        let go = |limiter: &mut Limiter, second| limiter.ask(at(second), Urgency::Urgent, 1, 10);
        assert_eq!(go(&mut limiter, 0), Permit::Go);
        assert_eq!(go(&mut limiter, 1), Permit::Wait { until: at(10), reason: Reason::Orders });
        for second in [10, 20, 30] {
            assert_eq!(go(&mut limiter, second), Permit::Go);
        }
        assert_eq!(go(&mut limiter, 40), Permit::Wait { until: at(60), reason: Reason::Orders });
    }

    #[test]
    fn what_others_use_counts_until_the_minute_is_over() {
        let mut limiter = small();
        assert_eq!(limiter.ask(at(0), Urgency::Normal, 10, 0), Permit::Go);
        limiter.answered(at(0), 200, Usage { weight: Some(75), ..Usage::default() });
        assert_eq!(limiter.used_weight(at(0)), 75);
        assert_eq!(limiter.ask(at(1), Urgency::Normal, 10, 0), Permit::Wait { until: at(60), reason: Reason::Weight });
        assert_eq!(limiter.ask(at(1), Urgency::Urgent, 10, 0), Permit::Go);
        limiter.answered(at(2), 200, Usage { weight: Some(22), ..Usage::default() });
        assert_eq!(limiter.ask(at(2), Urgency::Normal, 10, 0), Permit::Go);
    }

    #[test]
    fn after_429_only_what_takes_risk_away_goes_and_after_418_nothing() {
        let waits = |status: u16, retry_after_s: Option<u32>| {
            let mut limiter = small();
            limiter.answered(at(0), status, Usage { retry_after_s, ..Usage::default() });
            CLASSES.map(|class| match limiter.clone().ask(at(0), class, 1, 0) {
                Permit::Go => 0,
                Permit::Wait { until, .. } => until.since(at(0)) / SECOND_MS,
            })
        };
        assert_eq!(waits(429, Some(12)), [12, 12, 0]);
        assert_eq!(waits(429, None), [10, 10, 0]);
        assert_eq!(waits(418, Some(600)), [600, 600, 600]);
        assert_eq!(waits(418, None), [120, 120, 120]);
        assert_eq!(waits(418, Some(u32::MAX)), [259_200; 3]);
        assert_eq!(waits(503, Some(12)), [0, 0, 0]);
    }

    #[test]
    fn a_shorter_wait_does_not_lift_a_longer_one() {
        let mut limiter = small();
        let after = |seconds| Usage { retry_after_s: Some(seconds), ..Usage::default() };
        limiter.answered(at(0), 418, after(600));
        limiter.answered(at(1), 418, after(5));
        assert_eq!(limiter.banned_until(at(1)), Some(at(600)));
        assert_eq!(limiter.banned_until(at(600)), None);
    }

    #[test]
    fn headers_are_read_in_every_spelling() {
        let headers = [
            ("X-MBX-USED-WEIGHT-1M", "17"),
            ("x-mbx-used-weight-1s", "3"),
            ("X-Mbx-Order-Count-1Minute", " 4 "),
            ("Retry-After", "30"),
            ("X-MBX-USED-WEIGHT-1MINUTE", "odd"),
        ];
        let expected = Usage { weight: Some(17), orders: Some(4), retry_after_s: Some(30) };
        assert_eq!(Usage::read(headers.into_iter()), expected);
    }

    #[test]
    fn limits_that_change_keep_what_was_counted() {
        let mut limiter = small();
        assert_eq!(limiter.ask(at(0), Urgency::Urgent, 60, 0), Permit::Go);
        limiter.adopt(&[limit(RateLimitType::RequestWeight, RateLimitInterval::Minute, 1, 70)]);
        assert!(matches!(limiter.ask(at(1), Urgency::Urgent, 11, 0), Permit::Wait { reason: Reason::Weight, .. }));
        limiter.adopt(&[limit(RateLimitType::Other("ODD".into()), RateLimitInterval::Minute, 1, 1)]);
        assert_eq!(limiter.ask(at(1), Urgency::Urgent, 10, 0), Permit::Go);
    }
}
