//! `venue.limits` and `venue.orders`: what of AsterDEX's limits may be used, and how long orders of a live account are
//! waited for. Defaults and their reasons are those of the desk and of the client; nothing is decided here.

use super::super::scalars::Span;
use schemars::JsonSchema;
use serde::Deserialize;

/// How much of AsterDEX's limits may be used. It declares them itself and they are taken over at the start and each hour;
/// these are caps on top, for an address that others share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestLimits {
    /// Request weight a minute, counted by address at the venue. Default: what the venue declares, 2400 where it does not.
    #[schemars(range(min = 100, max = 1000000))]
    pub weight_per_minute: Option<u32>,
    /// Orders a minute. Default: what the venue declares, 1200 where it does not.
    #[schemars(range(min = 10, max = 1000000))]
    pub orders_per_minute: Option<u32>,
    /// Orders in ten seconds. Default: what the venue declares, 300 where it declares no limit of orders.
    #[schemars(range(min = 5, max = 1000000))]
    pub orders_per_10s: Option<u32>,
}

/// How long orders of a live account are waited for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderTimes {
    /// An order without an answer for so long is asked for, from 500ms to 10s. Ours: a venue that works answers within a
    /// second. Default: 3s.
    #[schemars(extend("default" = "3s"))]
    pub ask_after: Option<Span>,
    /// An entry that could not be sent for so long is given up, from 500ms to 60s; stops and closes never are. Ours: prices
    /// that an entry was decided on do not keep. Default: 5s.
    #[schemars(extend("default" = "5s"))]
    pub send_entries_within: Option<Span>,
    /// A request may arrive at the venue for so long after it was signed, from 5s to 5m: no order counts as never arrived
    /// before. AsterDEX's documents name 5, 10 and 60 s; the longest is right under any of them. Default: 60s.
    #[schemars(extend("default" = "60s"))]
    pub valid_for: Option<Span>,
    /// On top of it, for clocks and queues, from 1s to 60s. Ours. Default: 5s.
    #[schemars(extend("default" = "5s"))]
    pub valid_margin: Option<Span>,
    /// Once the nonce of an order of unknown outcome is used up, what arrived before shows within this, from 1s to 60s.
    /// Ours: AsterDEX says that a nonce is used once and not how soon orders show. Default: 5s.
    #[schemars(extend("default" = "5s"))]
    pub nonce_settles: Option<Span>,
    /// A position that wants a stop and is without an accepted one for longer than this is closed at market, from 1s to
    /// 30s. Ours: placing a stop takes two round trips at most, and time without one is risk. Default: 2s.
    #[schemars(extend("default" = "2s"))]
    pub naked_timeout: Option<Span>,
}
