//! `swarm agent`: list the agents of a running swarm, start, stop or restart one.

use super::client::{Client, Connection, read};
use super::console::{Cell, Console, Failure, Tone};
use crate::control::{AgentState, AgentStatus};
use serde_json::json;
use swarm_core::model::Mode;

/// List, start, stop or restart agents of a running swarm.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub act: Act,
}

/// What to do with agents.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Act {
    /// Show all agents.
    List {
        /// Which swarm.
        #[command(flatten)]
        connection: Connection,
    },
    /// Start a stopped or failed agent.
    Start(Named),
    /// Stop an agent.
    Stop {
        /// Which.
        #[command(flatten)]
        named: Named,
        /// What its position becomes.
        #[arg(long, value_enum, default_value_t)]
        positions: Positions,
        /// Do not ask before closing a position on live money.
        #[arg(long)]
        yes: bool,
    },
    /// Stop an agent, keep its position, and start it with a fresh rule.
    Restart(Named),
}

/// One agent.
#[derive(Clone, Debug, clap::Args)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Which swarm.
    #[command(flatten)]
    pub connection: Connection,
}

/// What a stopped agent's position becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Positions {
    /// It stays under its stop.
    #[default]
    Keep,
    /// It is closed at market.
    Close,
}

impl Args {
    /// Whether one JSON document is asked for.
    pub(super) fn json(&self) -> bool {
        self.act.connection().json
    }
}

impl Act {
    fn connection(&self) -> &Connection {
        match self {
            Self::List { connection } => connection,
            Self::Start(named) | Self::Restart(named) | Self::Stop { named, .. } => &named.connection,
        }
    }
}

/// Runs the command.
pub(super) async fn execute(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let connection = args.act.connection();
    let client = Client::new(connection)?;
    let answer = match &args.act {
        Act::List { .. } => {
            let agents = client.get(&["api", "v1", "agents"]).await?;
            return if connection.json { console.json(&agents) } else { table(&read::<Vec<_>>(agents)?, console) };
        }
        Act::Start(named) => client.post(&["api", "v1", "agents", &named.name, "start"], &json!({})).await?,
        Act::Restart(named) => client.post(&["api", "v1", "agents", &named.name, "restart"], &json!({})).await?,
        Act::Stop { named, positions, yes } => stop(&client, named, *positions, *yes, console).await?,
    };
    if connection.json {
        return console.json(&answer);
    }
    let agent: AgentStatus = read(answer)?;
    console.line(&format!("{}: {}", agent.name, state_word(agent.state)))
}

async fn stop(
    client: &Client,
    named: &Named,
    positions: Positions,
    yes: bool,
    console: &mut Console,
) -> Result<serde_json::Value, Failure> {
    let name = &named.name;
    let policy = match positions {
        Positions::Keep => "keep",
        Positions::Close => {
            if !yes && client.snapshot().await?.mode == Mode::Live {
                console.confirm(Mode::Live, &format!("Stop `{name}` and close its position at market."), name)?;
            }
            "close"
        }
    };
    client.post(&["api", "v1", "agents", name, "stop"], &json!({"positions": policy})).await
}

fn state_word(state: AgentState) -> &'static str {
    match state {
        AgentState::Warming => "warming",
        AgentState::Running => "running",
        AgentState::Stopped => "stopped",
        AgentState::Restarting => "restarting",
        AgentState::Failed => "failed",
    }
}

fn state_cell(state: AgentState) -> Cell {
    let cell = Cell::text(state_word(state));
    match state {
        AgentState::Running => cell.toned(Tone::Good),
        AgentState::Restarting => cell.toned(Tone::Warn),
        AgentState::Failed => cell.toned(Tone::Bad),
        AgentState::Warming | AgentState::Stopped => cell,
    }
}

/// The agents as a table.
pub(super) fn table(agents: &[AgentStatus], console: &mut Console) -> Result<(), Failure> {
    let row = |agent: &AgentStatus| {
        vec![
            Cell::text(&agent.name),
            state_cell(agent.state),
            Cell::text(&agent.cohort),
            Cell::text(&agent.symbol),
            Cell::text(agent.last_action.map_or("-", |action| action.label())),
            Cell::number(format!("{:.1}", agent.confidence)),
            Cell::number(format!("{:+.2}", agent.target_score)),
            Cell::number(format!("{}/{}", agent.wins, agent.losses)),
            Cell::number(format!("{:.2}", agent.realized_pnl.to_f64())),
            Cell::number(format!("{:.2}", agent.unrealized_pnl.to_f64())),
            Cell::text(agent.last_error.as_deref().unwrap_or("")),
        ]
    };
    let columns = [
        "AGENT",
        "STATE",
        "COHORT",
        "SYMBOL",
        "LAST",
        "CONFIDENCE",
        "SCORE",
        "WON/LOST",
        "PROFIT",
        "OPEN PROFIT",
        "ERROR",
    ];
    console.table(&columns, &agents.iter().map(row).collect::<Vec<_>>())
}
