//! The operator's hand: what can be asked of a running swarm, and the answers, as plain data.
//!
//! The API, the status page and the command line speak only this; the director answers it. This file
//! knows neither HTTP nor actors.

use serde::{Deserialize, Serialize};
use swarm_core::experiment::Comparison;
use swarm_core::model::{
    Action, BreakerScope, DecisionRecord, Mode, OrderKind, Price, Purpose, Qty, Rate, Side, StopPolicy, Time, Usd,
};
use tokio::sync::{mpsc, oneshot};

/// Where an agent stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Declared, its features not ready yet.
    Warming,
    /// Deciding on every closed candle.
    Running,
    /// Stopped by an operator.
    Stopped,
    /// Its rule panicked; it comes back after a back-off.
    Restarting,
    /// Its rule panicked too often; it stays down until it is started by hand.
    Failed,
}

impl AgentState {
    /// Decides, or will as soon as its features are ready.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Warming | Self::Running)
    }
}

/// One agent as seen from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AgentStatus {
    /// Unique name.
    pub name: String,
    /// Its cohort.
    pub cohort: String,
    /// Its portfolio.
    pub portfolio: String,
    /// What it trades.
    pub symbol: String,
    /// Its rule.
    pub rule: String,
    /// Where it stands.
    pub state: AgentState,
    /// Restarts after panics.
    pub restarts: u32,
    /// Decisions so far, HOLD included.
    pub decisions: u64,
    /// Confidence of the last decision, 0 to 100.
    pub confidence: f64,
    /// Target score of the last decision, -1 to 1.
    pub target_score: f64,
    /// Action of the last decision.
    #[schema(value_type = Option<String>)]
    pub last_action: Option<Action>,
    /// Closed trades with a net profit.
    pub wins: u32,
    /// Closed trades without.
    pub losses: u32,
    /// Net of fees and funding, in USDT.
    #[schema(value_type = String)]
    pub realized_pnl: Usd,
    /// Open profit at the last mark, in USDT.
    #[schema(value_type = String)]
    pub unrealized_pnl: Usd,
    /// Signed notional of its position at the last mark, in USDT.
    #[schema(value_type = String)]
    pub position_notional: Usd,
    /// Message of the last panic, if any.
    pub last_error: Option<String>,
}

/// A portfolio as seen from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PortfolioStatus {
    /// Its name.
    pub name: String,
    /// Marked to market, in USDT.
    #[schema(value_type = String)]
    pub equity: Usd,
    /// Equity at the start, in USDT.
    #[schema(value_type = String)]
    pub start_equity: Usd,
    /// Highest equity seen, in USDT.
    #[schema(value_type = String)]
    pub peak_equity: Usd,
    /// `1 - equity / peak`.
    #[schema(value_type = f64)]
    pub drawdown: Rate,
    /// Gross notional over equity.
    #[schema(value_type = f64)]
    pub leverage: Rate,
    /// Open positions.
    pub open_positions: u32,
    /// Notional held back for working entries, in USDT.
    #[schema(value_type = String)]
    pub reserved_notional: Usd,
    /// Whether its breaker is tripped.
    pub breaker_tripped: bool,
    /// Since when.
    #[schema(value_type = Option<i64>)]
    pub breaker_tripped_at: Option<Time>,
    /// Whether entries are gated.
    pub entries_gated: bool,
    /// Why entries stay gated until an operator resumes the portfolio, if they do.
    #[serde(default)]
    pub halted: Option<String>,
    /// Entries that the venue does not take as strategies with their stop, until the next start: `market`, `limit`. Each
    /// leaves alone, and its stop follows the fill.
    #[serde(default)]
    pub strategies_refused: Vec<String>,
    /// Refusals so far, by reason.
    pub refusals: std::collections::BTreeMap<String, u64>,
}

/// A difference between an account and the books, as it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DifferenceView {
    /// Market time at which it was found.
    #[schema(value_type = i64)]
    pub at: Time,
    /// `unknown_order`, `missing_order`, `position_size`, `unknown_position`, `no_stop`, `balance`, `leverage` or `mode`.
    pub kind: String,
    /// How it was met: `adopt`, `close` or `halt`.
    pub policy: String,
    /// On which contract; none of the account, or of a contract that is not traded here.
    pub symbol: Option<String>,
    /// The order's name, or the contract that is not traded here; empty where there is neither.
    pub subject: String,
    /// At the venue; empty for nothing.
    pub venue: String,
    /// In the books; empty for nothing.
    pub book: String,
}

/// How a portfolio's account has differed from the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PortfolioDifferences {
    /// Its name.
    pub portfolio: String,
    /// Whether entries are gated.
    pub entries_gated: bool,
    /// Why they stay gated until an operator resumes the portfolio, if they do.
    pub halted: Option<String>,
    /// How often each kind was found.
    pub counts: std::collections::BTreeMap<String, u64>,
    /// The last 200, oldest first.
    pub differences: Vec<DifferenceView>,
}

/// A cohort as seen from outside: sums over its agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CohortStatus {
    /// Its name.
    pub name: String,
    /// Its portfolio.
    pub portfolio: String,
    /// Its agents.
    pub agents: u32,
    /// Of which running.
    pub running: u32,
    /// Closed trades with a net profit.
    pub wins: u32,
    /// Closed trades without.
    pub losses: u32,
    /// Net of fees and funding, in USDT.
    #[schema(value_type = String)]
    pub realized_pnl: Usd,
    /// Open profit, in USDT.
    #[schema(value_type = String)]
    pub unrealized_pnl: Usd,
}

/// An open position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PositionStatus {
    /// Whose account.
    pub portfolio: String,
    /// Which contract.
    pub symbol: String,
    /// Which agent holds it.
    pub agent: String,
    /// Signed quantity, long positive.
    #[schema(value_type = String)]
    pub qty: Qty,
    /// Average entry price.
    #[schema(value_type = String)]
    pub entry_price: Price,
    /// Last mark.
    #[schema(value_type = String)]
    pub mark_price: Price,
    /// A newer mark that is too far from it to be believed before others confirm it; nothing is done about it yet.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub unconfirmed_mark_price: Option<Price>,
    /// Open profit, in USDT.
    #[schema(value_type = String)]
    pub unrealized_pnl: Usd,
    /// Trigger of the stop that rests at the venue; absent while it is not confirmed.
    #[schema(value_type = Option<String>)]
    pub stop_price: Option<Price>,
    /// Triggers of its targets.
    #[schema(value_type = Vec<String>)]
    pub target_prices: Vec<Price>,
    /// When it was opened, ms since the epoch.
    #[schema(value_type = i64)]
    pub opened_at: Time,
}

/// A working order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderStatus {
    /// `agent-intent-leg`.
    pub id: String,
    /// Whose account.
    pub portfolio: String,
    /// Which contract.
    pub symbol: String,
    /// Which agent.
    pub agent: String,
    /// Buy or sell.
    #[schema(value_type = String)]
    pub side: Side,
    /// Type with its prices: `"Market"`, or an object such as `{"Limit": {"price", "tif"}}`.
    #[schema(value_type = serde_json::Value)]
    pub kind: OrderKind,
    /// Quantity still open.
    #[schema(value_type = String)]
    pub leaves_qty: Qty,
    /// What it is for.
    #[schema(value_type = String)]
    pub purpose: Purpose,
    /// Confirmed by the venue.
    pub accepted: bool,
}

/// The whole swarm at one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// Backtest, paper or live.
    #[schema(value_type = String)]
    pub mode: Mode,
    /// Version of the software.
    pub version: String,
    /// Where the market comes from.
    pub market: String,
    /// Close time of the last step, ms since the epoch; market time, not wall time.
    #[schema(value_type = i64)]
    pub market_time: Time,
    /// Steps so far.
    pub steps: u64,
    /// Market time over wall time; absent at `max`.
    pub speed: Option<f64>,
    /// `running`, `finished` or `halted`, with the reason of a halt.
    pub phase: String,
    /// In declared order.
    pub agents: Vec<AgentStatus>,
    /// In declared order.
    pub cohorts: Vec<CohortStatus>,
    /// In declared order.
    pub portfolios: Vec<PortfolioStatus>,
    /// By portfolio and symbol.
    pub positions: Vec<PositionStatus>,
    /// By portfolio and id.
    pub orders: Vec<OrderStatus>,
    /// Sequence of the last journal record that is durable.
    pub journal_sequence: u64,
}

/// A decision with its names and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionView {
    /// Counted up over all agents; pages ask for what is `after` one.
    pub sequence: u64,
    /// Agent's name.
    pub agent: String,
    /// Cohort's name.
    pub cohort: String,
    /// Symbol's name.
    pub symbol: String,
    /// The decision and its grounds.
    pub record: DecisionRecord,
    /// What the supervisor said, for decisions that asked for something: `approved`, or a refusal in words.
    pub verdict: Option<String>,
}

/// What to do with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AgentAct {
    /// Start a stopped or failed agent.
    Start,
    /// Stop it; says what its position becomes.
    Stop(StopPolicy),
    /// Stop with `keep`, start again with a fresh rule.
    Restart,
}

/// Something worth telling at once; the source of `/api/v1/events` and of the lines `run` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A decision other than HOLD.
    Signal(Box<DecisionView>),
    /// An order executed, wholly or in part.
    Fill {
        /// Market time.
        at: Time,
        /// Which agent.
        agent: String,
        /// Which contract.
        symbol: String,
        /// Buy or sell.
        side: Side,
        /// Executed quantity.
        qty: Qty,
        /// Executed at.
        price: Price,
        /// Fee in USDT.
        fee: Usd,
        /// What the order was for.
        purpose: Purpose,
    },
    /// A position returned to flat.
    Trade {
        /// Market time.
        at: Time,
        /// Which agent.
        agent: String,
        /// Which contract.
        symbol: String,
        /// Net of fees and funding, in USDT.
        net_pnl: Usd,
        /// Why it ended.
        reason: String,
    },
    /// A breaker moved.
    Breaker {
        /// Market time.
        at: Time,
        /// `swarm`, or the portfolio's or agent's name.
        scope: String,
        /// In words.
        change: String,
    },
    /// An agent's life changed.
    Agent {
        /// Market time.
        at: Time,
        /// Which agent.
        agent: String,
        /// In words.
        change: String,
    },
    /// Anything else an operator should read.
    Notice {
        /// In words.
        message: String,
    },
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No such agent, portfolio or scope.
    #[error("no {kind} named `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// `agent` or `portfolio`.
        kind: &'static str,
        /// As asked for.
        name: String,
        /// The nearest known name.
        nearest: Option<String>,
    },
    /// The thing is not in a state in which this can be done.
    #[error("{0}")]
    Conflict(String),
    /// The swarm is shutting down or did not answer in time.
    #[error("the swarm is not answering: {0}")]
    Unavailable(String),
}

/// A request to the director, with the place its answer goes.
#[derive(Debug)]
pub enum Request {
    /// The state of everything.
    Snapshot(oneshot::Sender<Snapshot>),
    /// Start, stop or restart an agent.
    Agent {
        /// Which.
        name: String,
        /// What.
        act: AgentAct,
        /// Its state afterwards.
        reply: oneshot::Sender<Result<AgentStatus, ControlError>>,
    },
    /// Clear a tripped breaker.
    ResetBreaker {
        /// Of this portfolio; `swarm` is the swarm's own.
        portfolio: String,
        /// Why; must not be empty.
        reason: String,
        /// The scope that was reset.
        reply: oneshot::Sender<Result<BreakerScope, ControlError>>,
    },
    /// Close all positions of a portfolio and cancel its entries.
    Flatten {
        /// Which; all when absent.
        portfolio: Option<String>,
        /// Number of positions being closed.
        reply: oneshot::Sender<Result<u32, ControlError>>,
    },
    /// How a portfolio's account has differed from the books.
    Differences {
        /// Which.
        portfolio: String,
        /// The differences.
        reply: oneshot::Sender<Result<PortfolioDifferences, ControlError>>,
    },
    /// Let a portfolio's entries pass again, once account and books agree.
    Resume {
        /// Which.
        portfolio: String,
        /// Why; must not be empty.
        reason: String,
        /// What had halted it.
        reply: oneshot::Sender<Result<String, ControlError>>,
    },
    /// The last decisions, oldest first.
    Decisions {
        /// Of this agent only.
        agent: Option<String>,
        /// With a sequence above this.
        after: Option<u64>,
        /// At most this many.
        limit: usize,
        /// The decisions.
        reply: oneshot::Sender<Result<Vec<DecisionView>, ControlError>>,
    },
    /// The comparison that the experiment asks for, as of now; none without an experiment.
    Compare(oneshot::Sender<Option<Comparison>>),
    /// Stop cleanly.
    Shutdown {
        /// Why, for the summary.
        reason: String,
    },
}

/// Sends requests to the director; cloned freely.
#[derive(Clone, Debug)]
pub struct Control {
    requests: mpsc::Sender<Request>,
    events: tokio::sync::broadcast::Sender<Event>,
}

/// How long a request waits for its answer.
const ANSWER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

impl Control {
    /// A hand and the end that the director listens on. At most `capacity` requests wait.
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(capacity);
        let (events, _) = tokio::sync::broadcast::channel(1024);
        (Self { requests, events }, receiver)
    }

    /// Events from now on; a slow listener loses the oldest and is told how many.
    pub fn events(&self) -> tokio::sync::broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Tells all listeners; without any, nothing happens.
    pub fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    async fn ask<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(make(reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ControlError::Unavailable("too many requests are waiting".into()),
            mpsc::error::TrySendError::Closed(_) => ControlError::Unavailable("it has stopped".into()),
        })?;
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(ControlError::Unavailable("it stopped before answering".into())),
            Err(_) => Err(ControlError::Unavailable("no answer within 5 s".into())),
        }
    }

    /// The state of everything.
    pub async fn snapshot(&self) -> Result<Snapshot, ControlError> {
        self.ask(Request::Snapshot).await
    }

    /// Start, stop or restart an agent.
    pub async fn agent(&self, name: &str, act: AgentAct) -> Result<AgentStatus, ControlError> {
        self.ask(|reply| Request::Agent { name: name.to_owned(), act, reply }).await?
    }

    /// Clear a tripped breaker.
    pub async fn reset_breaker(&self, portfolio: &str, reason: &str) -> Result<BreakerScope, ControlError> {
        self.ask(|reply| Request::ResetBreaker { portfolio: portfolio.to_owned(), reason: reason.to_owned(), reply })
            .await?
    }

    /// Close all positions of a portfolio, or of all.
    pub async fn flatten(&self, portfolio: Option<&str>) -> Result<u32, ControlError> {
        self.ask(|reply| Request::Flatten { portfolio: portfolio.map(str::to_owned), reply }).await?
    }

    /// How a portfolio's account has differed from the books.
    pub async fn differences(&self, portfolio: &str) -> Result<PortfolioDifferences, ControlError> {
        self.ask(|reply| Request::Differences { portfolio: portfolio.to_owned(), reply }).await?
    }

    /// Let a halted portfolio's entries pass again, once account and books agree; what had halted it.
    pub async fn resume(&self, portfolio: &str, reason: &str) -> Result<String, ControlError> {
        self.ask(|reply| Request::Resume { portfolio: portfolio.to_owned(), reason: reason.to_owned(), reply }).await?
    }

    /// The last decisions, oldest first.
    pub async fn decisions(
        &self,
        agent: Option<&str>,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<DecisionView>, ControlError> {
        self.ask(|reply| Request::Decisions { agent: agent.map(str::to_owned), after, limit, reply }).await?
    }

    /// The comparison that the experiment asks for, as of now; none without an experiment.
    pub async fn compare(&self) -> Result<Option<Comparison>, ControlError> {
        self.ask(Request::Compare).await
    }

    /// Stop cleanly; returns at once.
    pub fn shutdown(&self, reason: &str) {
        // A full queue means that the director is stopping or stuck; the signal handler's second press ends it.
        let _ = self.requests.try_send(Request::Shutdown { reason: reason.to_owned() });
    }
}
