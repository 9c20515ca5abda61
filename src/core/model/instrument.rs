//! What a venue says about a symbol: filters, leverage brackets and fees. Data, not behaviour, save
//! for the snapping that filters define.

use super::{Price, Qty, Rate, Round, Usd};
use serde::{Deserialize, Serialize};

/// One step of the leverage table: up to this notional, this leverage and this maintenance margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeverageBracket {
    /// Upper bound of the position's notional in USDT, inclusive.
    #[schemars(with = "f64")]
    pub notional_cap: Usd,
    /// Highest leverage allowed up to there.
    pub max_leverage: u32,
    /// Maintenance margin as a share of notional.
    #[schemars(with = "f64")]
    pub maintenance_rate: Rate,
    /// Subtracted from `notional * maintenance_rate`, so that the table is continuous, in USDT.
    #[schemars(with = "f64")]
    pub maintenance_amount: Usd,
}

/// A perpetual contract and the limits the venue puts on orders for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// `BTCUSDT` and the like.
    pub symbol: String,
    /// Step of a price.
    pub tick: Price,
    /// Step of a quantity.
    pub step: Qty,
    /// Smallest quantity of an order.
    pub min_qty: Qty,
    /// Largest quantity of a limit order.
    pub max_qty: Qty,
    /// Largest quantity of a market order.
    pub max_market_qty: Qty,
    /// Smallest notional of an order that is not reduce-only, in USDT.
    pub min_notional: Usd,
    /// A limit price may be at most this share above (buy) or below (sell) the mark price.
    pub price_band: Rate,
    /// A market order executes at most this far from the mark price.
    pub market_take_bound: Rate,
    /// Fee of a liquidation as a share of its notional.
    pub liquidation_fee: Rate,
    /// Most open orders at a time, stops and targets included.
    pub max_open_orders: u32,
    /// Leverage table, ascending by notional.
    pub brackets: Vec<LeverageBracket>,
}

impl Instrument {
    /// Largest multiple of the step that is not above `qty`: size is rounded down, never up.
    pub fn snap_qty(&self, qty: Qty) -> Qty {
        qty.snap(self.step, Round::Down)
    }

    /// The bracket that holds a notional; the last one beyond the table.
    pub fn bracket(&self, notional: Usd) -> &LeverageBracket {
        self.brackets
            .iter()
            .find(|bracket| notional <= bracket.notional_cap)
            .or(self.brackets.last())
            .expect("invariant: every instrument has a bracket")
    }

    /// Maintenance margin of a position with this notional.
    pub fn maintenance_margin(&self, notional: Usd) -> Usd {
        let bracket = self.bracket(notional);
        notional.times(bracket.maintenance_rate, Round::Up) - bracket.maintenance_amount
    }
}
