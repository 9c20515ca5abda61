//! What must hold of a world once everything in it has come to rest. Looks on, and changes nothing.

use super::World;
use crate::delivery::{Owner, Pending, RunTag};
use crate::invariants;
use crate::model::{Fact, OrderId};
use std::collections::BTreeSet;

impl World {
    /// Checks what must hold once everything has come to rest: each order at the venue is one that was
    /// approved, and the only one of its name, or was reported; positions, orders and wallet agree; nothing
    /// is pending.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check_at_rest(&self) -> Result<(), String> {
        if let Some(fault) = &self.faulty {
            return Err(fault.clone());
        }
        let Some(process) = &self.process else { return Err("the process is dead".into()) };
        self.check_orders()?;
        invariants::agrees(&process.supervisor, self.portfolio, self.venue.holdings())
            .map_err(|violation| violation.to_string())?;
        let booked = process.supervisor.portfolio(self.portfolio).wallet;
        if booked != self.venue.wallet() || process.desk.wallet() != booked {
            let (desk, venue) = (process.desk.wallet(), self.venue.wallet());
            return Err(format!("the wallet is {booked} here, {desk} at the desk and {venue} at the venue"));
        }
        let here: BTreeSet<_> =
            process.supervisor.open_orders(self.portfolio).map(|order| format!("sim-{}", order.id)).collect();
        let open = self.venue.records().iter().filter(|record| !record.report.status.is_final());
        let open = open.map(|record| record.report.name.as_str());
        let there: BTreeSet<_> = open.chain(self.venue.promised()).map(str::to_owned).collect();
        if here != there {
            return Err(format!("open here are {here:?}, there {there:?}"));
        }
        let pending = process.desk.pending();
        if pending != Pending::default() || process.desk.is_gated() {
            return Err(format!("not at rest: {pending:?}, gated {}", process.desk.is_gated()));
        }
        Ok(())
    }

    fn check_orders(&self) -> Result<(), String> {
        let tag: RunTag = "sim".parse().expect("invariant: a plain tag");
        let approved: BTreeSet<OrderId> = self
            .journal
            .iter()
            .filter_map(|fact| match fact {
                Fact::Order { order, .. } => Some(order.id),
                _ => None,
            })
            .collect();
        let mut seen = BTreeSet::new();
        for record in self.venue.records() {
            match tag.owner(&record.report.name) {
                Owner::Ours(id) => {
                    if !approved.contains(&id) {
                        return Err(format!("{id} was never approved"));
                    }
                    if !seen.insert(id) {
                        return Err(format!("{id} is at the venue twice"));
                    }
                }
                Owner::Venue => {}
                Owner::Foreign => {
                    let is_forgotten = record.report.name.starts_with("forgotten-");
                    if !is_forgotten && self.differences().count() == 0 {
                        return Err(format!("{} was not reported", record.report.name));
                    }
                }
            }
        }
        Ok(())
    }
}
