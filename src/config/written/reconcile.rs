//! `venue.reconcile`: how live accounts are compared with the books, and how each kind of difference is met. What
//! may be written for a kind is what [`Differences::allowed`] says; nothing is decided here.

use super::super::scalars::{Decimal, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;
use swarm_core::delivery::Differences;
use swarm_core::model::{DifferenceKind, DifferencePolicy, Usd};

/// Schema of how a kind of difference is met, by the kind's number.
pub struct MetBy<const KIND: usize>;

impl<const KIND: usize> JsonSchema for MetBy<KIND> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("MetBy_{}", DifferenceKind::ALL[KIND].label()).into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kind = DifferenceKind::ALL[KIND];
        let word = |policy: &DifferencePolicy| json_schema!({ "type": "string", "const": policy.label() });
        let words: Vec<Schema> = Differences::allowed(kind).iter().map(word).collect();
        json_schema!({ "oneOf": words, "default": Differences::default().of(kind).label() })
    }
}

/// How live accounts are compared with the books, and how each kind of difference is met. `adopt`: the books take
/// the venue's word. `close`: it is taken off the venue, an order cancelled, a position closed at market. `halt`: it
/// is left as it is, and entries of the portfolio stay gated until a person has looked and resumed it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// Time between comparisons, from 5s to 1h. Default: 60s.
    #[schemars(extend("default" = "60s"))]
    pub period: Option<Span>,
    /// Time between looks at an account whose user stream is down, from 1s to 60s. Ours: two dozen of them use a tenth of
    /// a minute's request weight. Default: 5s.
    #[schemars(extend("default" = "5s"))]
    pub period_while_down: Option<Span>,
    /// An order that somebody else placed. Orders that an older run of a swarm left are cancelled in any case.
    #[schemars(with = "Option<MetBy<{ DifferenceKind::UnknownOrder as usize }>>")]
    pub unknown_order: Option<DifferencePolicy>,
    /// An order that rested and is not there any more.
    #[schemars(with = "Option<MetBy<{ DifferenceKind::MissingOrder as usize }>>")]
    pub missing_order: Option<DifferencePolicy>,
    /// A position that is smaller than the books have it.
    #[schemars(with = "Option<MetBy<{ DifferenceKind::PositionSize as usize }>>")]
    pub position_size: Option<DifferencePolicy>,
    /// A position, or a part of one, that nobody here opened. On a contract that is not traded here it is never closed.
    #[schemars(with = "Option<MetBy<{ DifferenceKind::UnknownPosition as usize }>>")]
    pub unknown_position: Option<DifferencePolicy>,
    /// A position without the stop that `require_stop` demands.
    #[schemars(with = "Option<MetBy<{ DifferenceKind::NoStop as usize }>>")]
    pub no_stop: Option<DifferencePolicy>,
    /// A wallet that fills, fees, funding and transfers do not explain.
    #[schemars(with = "Option<MetBy<{ DifferenceKind::Balance as usize }>>")]
    pub balance: Option<DifferencePolicy>,
    /// Leverage that somebody else set.
    #[schemars(with = "Option<MetBy<{ DifferenceKind::Leverage as usize }>>")]
    pub leverage: Option<DifferencePolicy>,
    /// How far a wallet may be off before that is a difference, in USDT. Default: 0.01.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1000000), extend("default" = 0.01))]
    pub balance_tolerance: Option<Usd>,
}

impl Reconcile {
    /// What is written for each kind; nothing can be for the account's mode.
    pub fn met_by(&self) -> impl Iterator<Item = (DifferenceKind, DifferencePolicy)> {
        let written = |kind| match kind {
            DifferenceKind::UnknownOrder => self.unknown_order,
            DifferenceKind::MissingOrder => self.missing_order,
            DifferenceKind::PositionSize => self.position_size,
            DifferenceKind::UnknownPosition => self.unknown_position,
            DifferenceKind::NoStop => self.no_stop,
            DifferenceKind::Balance => self.balance,
            DifferenceKind::Leverage => self.leverage,
            DifferenceKind::Mode => None,
        };
        DifferenceKind::ALL.into_iter().filter_map(move |kind| Some((kind, written(kind)?)))
    }
}
