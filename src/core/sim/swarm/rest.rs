//! A run from its first turn to the rest after its last: what must hold once nothing goes wrong any more.

use super::cast::Cast;
use super::host::{Counts, Delivery, Host};
use super::inside::Inside;
use super::process::{Values, tag};
use super::scenario::Scenario;
use crate::delivery::{Desk, Owner, Pending};
use crate::invariants::{self, Violation};
use crate::journal::Link;
use crate::model::{PortfolioId, Round, SECOND_MS, Time, Usd};
use crate::risk::{OpenPosition, Supervisor};
use std::collections::BTreeSet;
use std::sync::Arc;

/// By then everything has come to rest after the last fault: the longest that an entry rests, and what a
/// desk may need to settle what is unknown.
const REST_MS: i64 = 30 * 60 * SECOND_MS;
/// The latest that a wish arrives.
const LATE_MS: i64 = 100 * SECOND_MS;
/// Between looks.
const LOOK_MS: i64 = 7 * SECOND_MS;

/// What does not hold, and at which turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The number of the turn.
    pub event: u64,
    /// The instant.
    pub at: Time,
    /// The invariant.
    pub violation: Violation,
}

/// How a run went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What happened, in numbers.
    pub counts: Counts,
    /// The journal's last record, whose chain depends on all before it.
    pub journal: Link,
    /// What does not hold, if anything.
    pub failure: Option<Failure>,
    /// Everything that happened, a line a turn; empty unless it was asked for.
    pub trace: Vec<String>,
}

/// Runs a scenario to its rest.
pub fn simulate(scenario: &Scenario, cast: &dyn Cast, traces: bool) -> Outcome {
    let inside = Values::new(cast, scenario.plan.portfolios.len());
    let mut host = Host::new(Arc::new(scenario.clone()), inside, traces);
    host.run_until(scenario.end().plus(SECOND_MS));
    host.be_calm();
    // Wishes may be late.
    host.run_until(scenario.end().plus(LATE_MS));
    host.come_to_rest(Host::check_rest);
    for portfolio in host.portfolios() {
        host.act(super::Act::Flatten(portfolio));
    }
    host.come_to_rest(Host::check_flat);
    host.end_step();
    host.check_fold();
    let journal = host.inside.disk.fingerprint();
    host.outcome(journal)
}

impl<I: Inside> Host<I> {
    /// Lets nothing go wrong any more.
    pub fn be_calm(&mut self) {
        self.is_over = true;
        self.send(0, Delivery::Clock);
        self.down_until = self.down_until.min(self.now);
        self.market_frozen_until = self.now;
        // Whatever is to be closed can be, in the time that there is for it.
        self.accounts.iter_mut().for_each(|account| account.venue.fill_whole());
        self.disturb_all();
    }

    /// Lets time pass until a check holds.
    fn come_to_rest(&mut self, check: impl Fn(&Self) -> Result<(), Violation>) {
        let last = self.now.plus(REST_MS);
        while self.audit.violation().is_none() {
            self.run_until(self.now.plus(LOOK_MS));
            match check(self) {
                Ok(()) => return,
                Err(violation) if self.now > last => self.audit.blame(violation.number, || violation.what),
                Err(_) => {}
            }
        }
    }

    /// Whether all has come to rest: invariants 10, 12, 16 and 20.
    ///
    /// # Errors
    /// What has not, so far.
    pub fn check_rest(&self) -> Result<(), Violation> {
        let Some(books) = self.inside.books() else {
            return Err(Violation { number: 16, what: "the process is dead".into() });
        };
        for portfolio in self.portfolios() {
            self.check_records(portfolio)?;
            invariants::agrees(books, portfolio, self.accounts[portfolio.index()].venue.holdings())?;
            self.check_account(books, portfolio)?;
        }
        Ok(())
    }

    fn check_account(&self, books: &Supervisor, portfolio: PortfolioId) -> Result<(), Violation> {
        let fault = |what: String| Violation { number: 16, what };
        let (venue, account) = (&self.accounts[portfolio.index()].venue, portfolio.index());
        let desk = self.inside.desk(account);
        let booked = books.portfolio(portfolio).wallet;
        // Where several hold one contract, which of them realises what is a matter of counting until all is
        // flat; what was paid and received is not.
        let cost = |one: OpenPosition| Usd::notional(one.mark, one.qty, Round::Down) - one.unrealized;
        let cash = booked - books.positions(portfolio).map(cost).sum();
        let is_flat = books.positions(portfolio).next().is_none();
        let is_guess = self.audit.has_adopted(portfolio);
        let differs = cash != venue.cash() && !is_guess || is_flat && booked != venue.wallet();
        let at_desk = desk.map_or(venue.wallet(), Desk::wallet);
        if differs || at_desk != venue.wallet() {
            let venue = venue.wallet();
            let what = format!("account {account}: wallet {booked} in the books, {at_desk} at the desk, {venue} there");
            return Err(fault(what));
        }
        let here: BTreeSet<_> = books.open_orders(portfolio).map(|order| tag().name(order.id)).collect();
        let open = venue.records().iter().filter(|record| !record.report.status.is_final());
        let open = open.map(|record| record.report.name.as_str());
        let there: BTreeSet<_> = open.chain(venue.promised()).map(str::to_owned).collect();
        if here != there {
            return Err(fault(format!("account {account}: open here {here:?}, there {there:?}")));
        }
        let pending = desk.map(Desk::pending).unwrap_or_default();
        let is_halted = desk.is_some_and(|desk| desk.halted().is_some());
        let gated = desk.map_or(books.portfolio(portfolio).gated, Desk::is_gated);
        if pending != Pending::default() || (gated && !is_halted) {
            return Err(Violation { number: 20, what: format!("account {account}: {pending:?}, gated {gated}") });
        }
        Ok(())
    }

    /// Each order at a venue is one that was approved, and the only one of its name, or nobody calls it ours.
    fn check_records(&self, portfolio: PortfolioId) -> Result<(), Violation> {
        let fault = |what: String| Violation { number: 12, what };
        let mut seen = BTreeSet::new();
        for record in self.accounts[portfolio.index()].venue.records() {
            if let Owner::Ours(id) = tag().owner(&record.report.name) {
                if !self.audit.is_approved(portfolio, id) {
                    return Err(fault(format!("{id} was never approved")));
                }
                if !seen.insert(id) {
                    return Err(fault(format!("{id} is at the venue twice")));
                }
            }
        }
        Ok(())
    }

    /// Whether all has come to rest and nothing is held or open any more.
    ///
    /// # Errors
    /// What is not so.
    pub fn check_flat(&self) -> Result<(), Violation> {
        self.check_rest()?;
        let Some(books) = self.inside.books() else { return Ok(()) };
        for portfolio in self.portfolios() {
            let account = portfolio.index();
            let held = self.accounts[account].venue.holdings().find(|(_, qty)| !qty.is_zero());
            let orders = books.open_orders(portfolio).count();
            if held.is_some() || orders > 0 {
                let what = format!("account {account} after a flatten: {held:?}, {orders} orders");
                return Err(Violation { number: 20, what });
            }
        }
        Ok(())
    }

    /// How the run went; the trace is handed over.
    pub fn outcome(&mut self, journal: Link) -> Outcome {
        self.counts.facts = self.audit.facts();
        let orders = self.accounts.iter().map(|account| account.venue.records().len() as u64);
        self.counts.orders = orders.sum();
        let failure = self.audit.violation().map(|violation| Failure {
            event: self.counts.events,
            at: self.now,
            violation: violation.clone(),
        });
        Outcome {
            seed: self.scenario.seed,
            counts: self.counts,
            journal,
            failure,
            trace: self.trace.take().unwrap_or_default(),
        }
    }
}
