//! How an entry goes to the venue: at the market, or resting as a maker. One group of parameters that
//! all rules share, so that it reads the same in every agent file. It knows no signal and no size.

use crate::params::{Fault, interval_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swarm_core::model::{EntryOrder, Interval, Price, Side};

/// Market or maker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryType {
    /// At the market, as a taker.
    #[default]
    Market,
    /// Resting and post-only, as a maker: buys at or under the candle's close, sells at or above it.
    Limit,
}

/// What becomes of a resting entry whose time is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// What did not fill is taken at the market, once the resting order is final.
    #[default]
    Market,
    /// What did not fill is dropped.
    Cancel,
}

/// How an entry goes to the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Entering {
    /// Market or maker.
    #[serde(rename = "type")]
    #[schemars(extend("x-source" = "chosen: a taker's fill is certain, a maker's is cheaper and is not"))]
    pub kind: EntryType,
    /// With `type: limit`, how far from the candle's close it rests, away from the market.
    #[schemars(
        range(min = 0, max = 100000),
        extend("x-unit" = "ticks", "x-source" = "chosen: at the close, where it is next in line")
    )]
    pub offset_ticks: u32,
    /// With `type: limit`, how long it rests at most, looked at whenever a price comes (four times a candle in a
    /// replay); a refusal since it would take counts as expired at once.
    #[schemars(
        schema_with = "interval_schema",
        extend("x-source" = "chosen: one candle of the shipped swarm")
    )]
    pub expire_after: Interval,
    /// With `type: limit`, what becomes of what did not fill by then.
    #[schemars(extend("x-source" = "chosen: the position that the rule asked for comes about either way"))]
    pub then: Then,
}

impl Default for Entering {
    fn default() -> Self {
        Self { kind: EntryType::Market, offset_ticks: 0, expire_after: Interval::M5, then: Then::Market }
    }
}

impl Entering {
    /// Terms of a resting entry without `type: limit`: they would mean nothing.
    pub fn contradictions(&self) -> Vec<Fault> {
        let plain = Self::default();
        if self.kind == EntryType::Limit {
            return Vec::new();
        }
        let written = [
            ("offset_ticks", self.offset_ticks != plain.offset_ticks),
            ("expire_after", self.expire_after != plain.expire_after),
            ("then", self.then != plain.then),
        ];
        let fault = |(key, _): (&str, bool)| {
            (
                format!("entry.{key}"),
                "means nothing with `type: market`; write `type: limit`, or leave it out".to_owned(),
            )
        };
        written.into_iter().filter(|(_, differs)| *differs).map(fault).collect()
    }

    /// The order of an entry on `side`, decided at `close`: resting at the close or so many ticks behind it, never
    /// below a tick.
    pub fn order(&self, side: Side, close: Price, tick: Price) -> EntryOrder {
        if self.kind == EntryType::Market {
            return EntryOrder::Market;
        }
        let offset = Price(tick.0.saturating_mul(i64::from(self.offset_ticks)));
        let price = match side {
            Side::Buy => Price(close.0.saturating_sub(offset.0)).max(tick),
            Side::Sell => Price(close.0.saturating_add(offset.0)),
        };
        let expire_after_ms = self.expire_after.ms();
        match self.then {
            Then::Market => EntryOrder::LimitThenMarket { price, post_only: true, expire_after_ms },
            Then::Cancel => EntryOrder::Limit { price, post_only: true, expire_after_ms },
        }
    }

    /// What a sentence about an entry ends with; nothing for a market order.
    pub fn words(&self, side: Side, close: Price, tick: Price) -> String {
        let Some(terms) = self.order(side, close, tick).limit() else { return String::new() };
        let then = if terms.then_market { "then at the market" } else { "then dropped" };
        format!("; rests at {} for {}, {then}", terms.price, self.expire_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(offset_ticks: u32, then: Then) -> Entering {
        Entering { kind: EntryType::Limit, offset_ticks, then, ..Entering::default() }
    }

    #[test]
    fn a_maker_rests_at_the_close_or_behind_it() {
        let (close, tick) = (Price::whole(100), Price::from_f64(0.5).unwrap());
        let at =
            |entering: Entering, side| entering.order(side, close, tick).limit().map(|terms| terms.price.to_string());
        assert_eq!(at(Entering::default(), Side::Buy), None);
        assert_eq!(at(maker(0, Then::Market), Side::Buy).as_deref(), Some("100"));
        assert_eq!(at(maker(3, Then::Market), Side::Buy).as_deref(), Some("98.5"));
        assert_eq!(at(maker(3, Then::Market), Side::Sell).as_deref(), Some("101.5"));
        assert_eq!(at(maker(100_000, Then::Market), Side::Buy).as_deref(), Some("0.5"), "never below a tick");
        let terms = maker(0, Then::Cancel).order(Side::Buy, close, tick);
        assert_eq!(terms, EntryOrder::Limit { price: close, post_only: true, expire_after_ms: 300_000 });
        let terms = maker(0, Then::Market).order(Side::Sell, close, tick);
        assert_eq!(terms, EntryOrder::LimitThenMarket { price: close, post_only: true, expire_after_ms: 300_000 });
    }

    #[test]
    fn what_a_market_order_has_no_use_for_is_refused() {
        let faults = Entering { then: Then::Cancel, offset_ticks: 1, ..Entering::default() }.contradictions();
        assert_eq!(
            faults.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
            ["entry.offset_ticks", "entry.then"]
        );
        assert_eq!(maker(1, Then::Cancel).contradictions(), []);
        assert_eq!(Entering::default().contradictions(), []);
    }

    #[test]
    fn the_sentence_says_where_and_how_long() {
        let (close, tick) = (Price::whole(100), Price::ONE);
        assert_eq!(maker(2, Then::Market).words(Side::Buy, close, tick), "; rests at 98 for 5m, then at the market");
        assert_eq!(maker(2, Then::Cancel).words(Side::Sell, close, tick), "; rests at 102 for 5m, then dropped");
        assert_eq!(Entering::default().words(Side::Buy, close, tick), "");
    }
}
