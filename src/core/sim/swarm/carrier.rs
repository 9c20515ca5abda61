//! The trading links of each account: requests, answers and the user stream between desk and venue, and all
//! that goes wrong there.

use super::host::{CONNECT_MS, Delivery, Host};
use super::inside::Inside;
use super::rates::Way;
use super::scenario::draw_act;
use crate::delivery::{Answer, LinkState, RefusalClass, Request, RequestId, StreamEvent};
use crate::model::{Millis, PortfolioId, SECOND_MS, SymbolId, Time, VenueReject};
use crate::sim::{Fault, NONCE_WINDOW_MS};

/// One way over the link.
pub(super) const LATENCY_MS: Millis = 40;
/// The carrier gives up on an answer after this long.
const TIME_OUT_MS: Millis = 10 * SECOND_MS;

impl<I: Inside> Host<I> {
    /// A request leaves.
    pub fn request(&mut self, account: usize, id: RequestId, request: Request) {
        let life = self.life;
        if self.happens(self.scenario.rates.untimely_act) {
            let act = draw_act(&mut self.faults, &self.plan);
            self.send(0, Delivery::Act(act));
        }
        let leaving = match &request {
            Request::Place { order, .. } => vec![order.id],
            Request::PlaceStrategy(both) => vec![both.entry.id, both.stop.id],
            _ => Vec::new(),
        };
        for id in leaving {
            if !self.audit.is_approved(PortfolioId::at(account), id) {
                self.audit.blame(12, || format!("{id} leaves without an approval"));
            }
        }
        self.nonces += 1;
        let fresh = (self.nonces, self.clock());
        let of = &mut self.accounts[account];
        let nonce = match &request {
            Request::Noop { of: earlier } => of.signed.get(earlier).copied().unwrap_or(fresh),
            _ => fresh,
        };
        of.signed.insert(id, nonce);
        of.open.insert(id);
        let fault = self.strike(Way::Request);
        if fault.is_some() {
            self.disturb(account);
        }
        let mut extra = 0;
        match fault {
            Some(Fault::Held(ms)) => {
                let until = (ms % 2 == 0).then(|| self.clock().plus(ms));
                return self.send(0, Delivery::ToDesk(account, life, id, Answer::NotSent { until }));
            }
            Some(Fault::Crash(ms)) => return self.crash(ms),
            Some(Fault::Undecided { done }) => {
                if done && self.now >= self.down_until {
                    let _: Answer = self.accounts[account].venue.serve(self.now, &request, nonce.0, nonce.1);
                    self.flush_told(account);
                }
                return self.send(2 * LATENCY_MS, Delivery::ToDesk(account, life, id, Answer::Unknown));
            }
            Some(Fault::Delay(ms)) => extra = ms,
            Some(Fault::Repeat) => {
                let after = self.faults.some_of(NONCE_WINDOW_MS);
                let copy = request.clone();
                self.send(after, Delivery::ToVenue { account, life, id, request: copy, nonce, is_copy: true });
            }
            _ => {}
        }
        self.send(TIME_OUT_MS, Delivery::TimeOut(account, life, id));
        if fault != Some(Fault::Lose) {
            self.send(LATENCY_MS + extra, Delivery::ToVenue { account, life, id, request, nonce, is_copy: false });
        }
    }

    /// A request arrives, whatever became of the process that sent it.
    pub(super) fn arrive(
        &mut self,
        account: usize,
        (life, id): (u32, RequestId),
        request: &Request,
        (nonce, signed_at): (u64, Time),
        is_copy: bool,
    ) {
        let now = self.now;
        let answer = if now < self.down_until {
            // Maintenance: nothing is carried out, and how that is said differs.
            if nonce.is_multiple_of(2) { Answer::Unknown } else { refused(RefusalClass::Retry) }
        } else if now.since(signed_at).abs() > NONCE_WINDOW_MS {
            refused(RefusalClass::Retry)
        } else if let Some(replica) = self.replica_for(account, request) {
            replica.serve(now, request, nonce, signed_at)
        } else {
            self.accounts[account].venue.serve(now, request, nonce, signed_at)
        };
        self.note(|| format!("  answer {answer:?}"));
        // The stream and the answer race; which is first is the link's matter.
        self.flush_told(account);
        if is_copy {
            // Nobody waits for the answer to a copy.
            return;
        }
        let fault = self.strike(Way::Answer);
        if fault.is_some() {
            self.disturb(account);
        }
        match fault {
            Some(Fault::Lose) => {}
            Some(Fault::Crash(ms)) => self.crash(ms),
            Some(Fault::Delay(ms)) => self.send(LATENCY_MS + ms, Delivery::ToDesk(account, life, id, answer)),
            _ => self.send(LATENCY_MS, Delivery::ToDesk(account, life, id, answer)),
        }
    }

    /// What REST tells from, while it lags behind: only questions.
    fn replica_for(&mut self, account: usize, request: &Request) -> Option<&mut crate::sim::Venue> {
        let of = &mut self.accounts[account];
        if of.replica.as_ref().is_some_and(|(until, _)| *until <= self.now) {
            of.replica = None;
        }
        let asks = matches!(
            request,
            Request::QueryOrder { .. }
                | Request::OpenOrders
                | Request::Trades { .. }
                | Request::Positions
                | Request::Balance
                | Request::Income { .. }
        );
        of.replica.as_mut().filter(|_| asks).map(|(_, venue)| &mut **venue)
    }

    /// What a venue tells by itself goes over its user stream.
    pub(super) fn flush_told(&mut self, account: usize) {
        self.watch_positions(account);
        for event in self.accounts[account].venue.drain_told() {
            if self.accounts[account].connection.is_multiple_of(2) {
                continue;
            }
            if let Some(held) = &mut self.accounts[account].frozen {
                held.push(event);
                continue;
            }
            self.tell(account, event);
        }
    }

    fn tell(&mut self, account: usize, event: StreamEvent) {
        let connection = self.accounts[account].connection;
        let fault = self.strike(Way::Event);
        if fault.is_some() {
            self.disturb(account);
        }
        match fault {
            Some(Fault::Lose) => {}
            Some(Fault::Crash(ms)) => self.crash(ms),
            Some(Fault::Delay(ms)) => self.send(LATENCY_MS + ms, Delivery::Event(account, connection, event)),
            Some(Fault::Repeat) => {
                let again = self.faults.some_of(60 * SECOND_MS);
                self.send(LATENCY_MS, Delivery::Event(account, connection, event.clone()));
                self.send(LATENCY_MS + again, Delivery::Event(account, connection, event));
            }
            Some(Fault::Outage(ms)) => self.cut(account, ms),
            _ => self.send(LATENCY_MS, Delivery::Event(account, connection, event)),
        }
    }

    pub(super) fn hear(&mut self, account: usize, connection: u32, event: StreamEvent) {
        if connection == self.accounts[account].connection {
            I::streamed(self, account, event);
        }
    }

    /// The user stream breaks, and is back after a while.
    pub(super) fn cut(&mut self, account: usize, ms: Millis) {
        let of = &mut self.accounts[account];
        if of.connection.is_multiple_of(2) {
            return;
        }
        of.connection += 1;
        of.frozen = None;
        self.disturb(account);
        self.send(ms.max(CONNECT_MS), Delivery::Link(account, self.life, LinkState::Up));
        I::linked(self, account, LinkState::Down);
    }

    /// The user stream is connected.
    pub(super) fn link(&mut self, account: usize, state: LinkState) {
        if self.now < self.down_until {
            let wait = self.down_until.since(self.now) + CONNECT_MS;
            return self.send(wait, Delivery::Link(account, self.life, state));
        }
        let of = &mut self.accounts[account];
        if of.connection.is_multiple_of(2) && self.inside.is_alive() {
            of.connection += 1;
            I::linked(self, account, state);
        }
    }

    /// The user stream falls silent without breaking.
    pub(super) fn freeze(&mut self, account: usize, ms: Millis) {
        let of = &mut self.accounts[account];
        if of.connection % 2 == 1 && of.frozen.is_none() {
            of.frozen = Some(Vec::new());
            let connection = of.connection;
            self.disturb(account);
            self.send(ms, Delivery::Thaw(account, connection));
        }
    }

    /// A silent stream speaks again and tells all at once, or it is given up and connected anew.
    pub(super) fn thaw(&mut self, account: usize, connection: u32) {
        let of = &mut self.accounts[account];
        if of.connection != connection {
            return;
        }
        let Some(held) = of.frozen.take() else { return };
        self.disturb(account);
        if !self.is_over && self.faults.happens(5_000) {
            return self.cut(account, CONNECT_MS);
        }
        held.into_iter().for_each(|event| self.tell(account, event));
    }

    /// Looks at the positions of an account at its venue.
    pub(super) fn watch_positions(&mut self, account: usize) {
        let now = self.now;
        for index in 0..self.plan.instruments.len() {
            let symbol = SymbolId::at(index);
            // The window of one that goes without a stop begins when it is to be closed.
            let goes_without = self.goes_without(account, symbol);
            let of = &mut self.accounts[account];
            let since = of.nakedness.note(
                symbol,
                goes_without || of.venue.is_protected(symbol) || of.venue.is_being_closed(now, symbol),
                now,
            );
            let fair = since.map_or(0, |since| now.since(since.max(of.disturbed_at)));
            if fair > super::audit::NAKED_WINDOW_MS {
                self.audit.blame(18, || format!("symbol {index} of account {account}, for {fair} ms"));
            }
        }
    }

    /// Whether a position has no stop since none was asked for.
    fn goes_without(&self, account: usize, symbol: SymbolId) -> bool {
        let Some(books) = self.inside.books() else { return true };
        let mut held = books.positions(PortfolioId::at(account)).filter(|one| one.symbol == symbol);
        held.any(|one| !one.wants_stop && one.closing.is_none())
    }
}

const fn refused(class: RefusalClass) -> Answer {
    Answer::Refused { class, why: VenueReject::Other }
}
