//! `risk`: the limits of the swarm, of a portfolio and of an agent.

use super::super::defaults;
use super::super::scalars::{Decimal, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use swarm_core::model::{OnTrip, Rate, Usd};

/// So many losses in a row end entries for a while.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossRun {
    /// Closed trades with a loss in a row.
    #[schemars(required, range(min = 1, max = 1000))]
    pub losses: Option<u32>,
    /// How long entries are refused after the last of them, at most 30d.
    #[schemars(required)]
    pub cool_down: Option<Span>,
}

/// Limits of one level, with the further keys of that level.
macro_rules! risk {
    ($(#[$doc:meta])* $name:ident { $($further:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Most open positions, reserved ones included. Default: 3 in a portfolio, else not limited.
            #[schemars(range(min = 1, max = 10000))]
            pub max_positions: Option<u32>,
            /// Highest leverage of an order, and of gross notional over equity. Default: 5 in a portfolio, else not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.1, max = 125))]
            pub max_leverage: Option<Rate>,
            /// Drawdown from peak equity, as a share, at which the breaker trips. Default: 0.15 in a portfolio, else
            /// not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.001, max = 1))]
            pub max_drawdown: Option<Rate>,
            /// Loss since 00:00 UTC, as a share of the equity then, that ends entries for the day. Default: not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.001, max = 1))]
            pub daily_loss: Option<Rate>,
            /// So many losses in a row end entries for a while. Default: not limited.
            pub loss_run: Option<LossRun>,
            /// Largest notional of one position, in USDT; larger entries are cut. Default: not limited.
            #[schemars(with = "Option<Decimal>", range(min = 1, max = 10000000000_i64))]
            pub max_notional: Option<Usd>,
            /// Most entries approved within any 60 seconds. Default: 60 in a portfolio, else not limited.
            #[schemars(range(min = 1, max = 100000))]
            pub entries_per_minute: Option<u32>,
            /// Largest distance of an entry's price from the mark price, as a share of it. Default: 0.05 in a portfolio,
            /// else not limited.
            #[schemars(with = "Option<Decimal>", range(min = 0.0001, max = 1))]
            pub price_collar: Option<Rate>,
            /// Oldest market data an entry may rest on, at most 30d. Default: two base intervals in a portfolio, else not
            /// limited.
            pub max_age: Option<Span>,
            $($further)*
        }
    };
}

risk!(
    /// Limits of the swarm or of one agent. What is not written does not limit here.
    Risk {}
);

risk!(
    /// Limits of a portfolio.
    PortfolioRisk {
        /// Consecutive marks with the drawdown reached that trip the breaker: one wild mark does not. Default: 3.
        #[schemars(range(min = 1, max = 1000), extend("default" = defaults::BREAKER_SAMPLES))]
        pub breaker_samples: Option<u32>,
        /// What a trip does besides refusing entries: `halt` leaves positions under their stops, `flatten` closes them.
        /// Default: halt.
        #[schemars(extend("default" = "halt"))]
        pub on_trip: Option<OnTrip>,
        /// Refuse entries without a stop. Default: true.
        #[schemars(extend("default" = defaults::REQUIRE_STOP))]
        pub require_stop: Option<bool>,
    }
);

impl PortfolioRisk {
    /// The limits every level has.
    pub fn common(&self) -> Risk {
        Risk {
            max_positions: self.max_positions,
            max_leverage: self.max_leverage,
            max_drawdown: self.max_drawdown,
            daily_loss: self.daily_loss,
            loss_run: self.loss_run,
            max_notional: self.max_notional,
            entries_per_minute: self.entries_per_minute,
            price_collar: self.price_collar,
            max_age: self.max_age,
        }
    }
}

impl Risk {
    /// These limits, and where one is absent that of `under`.
    pub fn over(&self, under: &Self) -> Self {
        Self {
            max_positions: self.max_positions.or(under.max_positions),
            max_leverage: self.max_leverage.or(under.max_leverage),
            max_drawdown: self.max_drawdown.or(under.max_drawdown),
            daily_loss: self.daily_loss.or(under.daily_loss),
            loss_run: self.loss_run.or(under.loss_run),
            max_notional: self.max_notional.or(under.max_notional),
            entries_per_minute: self.entries_per_minute.or(under.entries_per_minute),
            price_collar: self.price_collar.or(under.price_collar),
            max_age: self.max_age.or(under.max_age),
        }
    }
}
