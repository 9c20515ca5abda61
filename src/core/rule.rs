//! The trait an agent's rule implements, and what it sees.
//!
//! A rule is a function of what it is shown: features, its position, its account. It sends nothing,
//! reads no clock and keeps no memory that it could not rebuild from features ([`Feature::Lag`] gives
//! it the past), so it is warm whenever the feed is warm and decides the same after a restart.
//!
//! [`Feature::Lag`]: crate::features::Feature::Lag

use crate::features::{Film, Frame, Wants};
use crate::model::{Decision, Explanation, Instrument, Interval, Price, Qty, Rate, Side, SymbolId, Time, Usd};
use serde::{Deserialize, Serialize};

/// The position the agent holds on its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionView {
    /// Signed quantity, long positive.
    pub qty: Qty,
    /// Average entry price.
    pub entry_price: Price,
    /// When it was opened.
    pub opened_at: Time,
    /// Open profit at the last mark, without fees, in USDT.
    pub unrealized_pnl: Usd,
}

impl PositionView {
    /// Held long?
    pub const fn is_long(&self) -> bool {
        self.qty.0 > 0
    }
}

/// The account as the agent may size by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Equity of the portfolio, marked to market, in USDT.
    pub equity: Usd,
    /// Positions the portfolio may hold.
    pub max_positions: u32,
    /// Leverage cap of the portfolio.
    pub max_leverage: Rate,
}

/// The agent's closed trades so far, for sizing by one's own record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeStats {
    /// Trades with a net profit.
    pub wins: u32,
    /// Trades without.
    pub losses: u32,
    /// Sum of net profits of the winners, in USDT.
    pub gross_profit: Usd,
    /// Sum of net losses of the losers, in USDT, positive.
    pub gross_loss: Usd,
}

/// All a rule sees at one closed candle.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Features of its symbol.
    pub frame: Frame<'a>,
    /// Its symbol.
    pub symbol: SymbolId,
    /// Its contract's filters.
    pub instrument: &'a Instrument,
    /// Its position, if any.
    pub position: Option<PositionView>,
    /// An entry of its own is working.
    pub entry_pending: bool,
    /// Its portfolio.
    pub account: AccountView,
    /// Its record.
    pub stats: TradeStats,
    /// Funding rate expected at the next payment, where known.
    pub funding_rate: Option<Rate>,
}

/// A trading rule: one file in `agents/`, one line in its registry.
///
/// 1. In the constructor, ask `Wants` for the features and keep the slots.
/// 2. In [`decide`](Rule::decide), read them from `view.frame`; return [`Decision::hold`] while any is
///    absent. Do not allocate on the way to HOLD: this is called for every agent and candle.
/// 3. In [`explain`](Rule::explain), say why: same inputs, same decision, now with words.
///
/// ```
/// use swarm_core::features::{Feature, Slot, Wants};
/// use swarm_core::model::{Decision, Explanation, Interval};
/// use swarm_core::rule::{Rule, View};
///
/// struct Quiet { rsi: Slot }
///
/// impl Quiet {
///     fn new(wants: &mut Wants) -> Self {
///         Self { rsi: wants.want(Interval::M5, Feature::Rsi { period: 14 }) }
///     }
/// }
///
/// impl Rule for Quiet {
///     fn decide(&mut self, view: &View<'_>) -> Decision {
///         let Some(rsi) = view.frame.get(self.rsi) else { return Decision::hold(0.0, 0.0) };
///         Decision::hold(0.0, (50.0 - rsi) / 50.0)
///     }
///     fn explain(&self, _: &View<'_>, _: &Decision) -> Explanation {
///         Explanation { reason: "I never trade".into(), ..Explanation::default() }
///     }
/// }
/// ```
pub trait Rule: Send {
    /// Decides on the candle that just closed.
    fn decide(&mut self, view: &View<'_>) -> Decision;
    /// Why `decision` was taken on this very view.
    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation;

    /// Whether [`decide`](Rule::decide) may say anything but HOLD on this frame, to an agent that holds
    /// `held`, whatever else its view shows. A host that keeps no HOLDs asks this first and spares itself the
    /// rest, so it is worth a few comparisons here; `true` is always right, and what a rule need not override.
    fn may_act(&self, _frame: &Frame<'_>, _held: Option<Side>) -> bool {
        true
    }

    /// Whether [`decide`](Rule::decide) may say anything but HOLD to an agent of this record that holds nothing, whatever
    /// its frames show. The record changes with trades only, so a host asks once and spares itself all candles up to the next;
    /// `true` is always right, and what a rule need not override.
    fn may_enter(&self, _stats: &TradeStats) -> bool {
        true
    }

    /// How many of these frames come before the first at which it [may act](Rule::may_act); `None` when it may at none.
    /// A rule need not override it: this is here so that many candles are asked about in one call.
    #[inline]
    fn first_act(&self, mut film: Film<'_>, held: Option<Side>) -> Option<usize> {
        film.position(|frame| self.may_act(&frame, held))
    }
}

/// What a rule is built with besides its parameters.
pub struct Build<'a> {
    /// The features wanted on its symbol.
    pub wants: &'a mut Wants,
    /// Base interval of the swarm.
    pub base: Interval,
    /// All intervals of the swarm; a rule may ask for others, as long as they are multiples of the base.
    pub intervals: &'a [Interval],
}
