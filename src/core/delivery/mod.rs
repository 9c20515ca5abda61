//! Delivery: each approved order reaches its venue at most once, and what became of it is found out, over
//! lost answers, broken streams, a crash at any instant, and whatever others do to the account.
//!
//! A [`Desk`] is a value, one for each account. Commands of the supervisor, answers and stream events go in
//! with the time; requests, venue events for the supervisor and differences come out. What it stands on:
//!
//! - An order leaves once. A request whose outcome is unknown is never sent again: it is asked for by its
//!   client order id, and the first of query, stream and trades that knows it settles it. It counts as never
//!   arrived only when it cannot arrive any more (its nonce is too old or used up) and query, open orders and
//!   trades all deny it, each asked after that.
//! - An entry may leave with its stop, as one strategy order of the venue's. Each of both is an order of its own,
//!   asked for by its own name; where strategies are not taken the entry leaves by itself, once that is certain.
//! - A cancel never ends an order; the venue's word about the order does.
//! - Fills come from trades with their numbers and nowhere else, so each is booked once, with its fee. When
//!   more is said to be executed than trades are known, the trades are asked for.
//! - After an outage fills are recovered, then orders, then positions and money; entries are gated meanwhile.
//! - Whatever then differs from the books is certain only when seen twice with the trades asked for between.
//!   Each difference is handed out with the policy that meets it.
//!
//! The facts of the journal fold into a desk ([`Desk::apply`]); what they do not tell (numbers of orders,
//! how far a question has come) is asked for again. The desk knows no limits, no agents' wishes, no wire
//! and no clock.

mod booking;
mod desk;
mod hear;
mod lane;
mod names;
mod policy;
mod poll;
mod pump;
mod reconcile;
mod saved;
mod settle;
mod strategy;
mod talk;
#[cfg(test)]
mod tests;
mod tracked;

pub use desk::{Desk, Halt, Out, Pending};
pub use names::{MAX_NAME_LETTERS, MAX_STRATEGY_LETTERS, MAX_TAG_LETTERS, Owner, RunTag, TagError};
pub use policy::{
    CONFIRM_MS, DRIVEN_MS, Differences, FINISHED_KEPT, INCOME_KEPT, LATE_MS, MISSING_LOOKS, OWNERS_KEPT, Policy,
    PolicyError, STRANGERS_KEPT, STRATEGY_SETTLES_MS, TRADES_KEPT,
};
pub use strategy::StrategyUse;
pub use talk::{
    AccountReason, Answer, EntryWithStop, IncomeKind, IncomeRow, LinkState, OrderKey, OrderReport, OrderStatus,
    PositionRow, RefusalClass, Request, RequestId, StrategyState, StreamEvent, TradeRow, TradesFrom,
};
