//! The commands of `swarm`, one file each. A command has `Args`, made by clap, and `run`. Exit codes: 0
//! done, 1 it failed, 2 the input is wrong.
//!
//! Some act on a running swarm through its API and know nothing else of it; the others read files.

pub mod agent;
pub mod backtest;
pub mod bias;
pub mod breaker;
pub mod card;
pub mod check;
pub mod client;
pub mod compare;
pub mod console;
pub mod data;
pub mod doctor;
pub mod filters;
pub mod flatten;
pub mod init;
pub mod interrupt;
pub mod journal;
pub mod lines;
pub mod live;
pub mod market;
pub mod prepare;
pub mod progress;
pub mod replay;
pub mod resume;
mod resumed;
pub mod run;
pub mod simulate;
pub mod status;
pub mod summary;
pub mod sweep;
pub mod venue;

use clap::{Parser, Subcommand};
use console::{Console, Failure};
use std::process::ExitCode;

#[cfg(test)]
mod tests;

/// Run swarms of trading agents on AsterDEX perpetual futures: in backtests, on paper, live.
#[derive(Debug, Parser)]
#[command(name = "swarm", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// How logs on stderr are written; SWARM_LOG filters them (default: info).
    #[arg(long, global = true, value_enum, default_value_t = crate::telemetry::log::LogFormat::Text, value_name = "FORMAT")]
    log_format: crate::telemetry::log::LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Run(run::Args),
    Check(check::Args),
    Backtest(backtest::Args),
    Sweep(sweep::Args),
    Bias(bias::Args),
    Simulate(simulate::Args),
    Data(data::Args),
    Doctor(doctor::Args),
    Status(status::Args),
    Agent(agent::Args),
    Breaker(breaker::Args),
    Flatten(flatten::Args),
    Resume(resume::Args),
    Differences(resume::DifferencesArgs),
    Decisions(journal::DecisionsArgs),
    Journal(journal::Args),
    Replay(replay::Args),
    Compare(compare::Args),
    Schema(check::SchemaArgs),
    Venue(venue::Args),
}

impl Command {
    /// Whether one JSON document is asked for on stdout.
    fn json(&self) -> bool {
        match self {
            Self::Run(args) => args.json,
            Self::Check(args) => args.json,
            Self::Backtest(args) => args.json,
            Self::Sweep(args) => args.json,
            Self::Bias(args) => args.json,
            Self::Simulate(args) => args.json,
            Self::Data(args) => args.json(),
            Self::Doctor(args) => args.json,
            Self::Decisions(args) => args.json,
            Self::Journal(args) => args.json(),
            Self::Replay(args) => args.json,
            Self::Compare(args) => args.json,
            Self::Status(args) => args.connection.json,
            Self::Agent(args) => args.json(),
            Self::Breaker(args) => args.json(),
            Self::Flatten(args) => args.connection.json,
            Self::Resume(args) => args.connection.json,
            Self::Differences(args) => args.connection.json,
            Self::Init(_) | Self::Schema(_) | Self::Venue(_) => false,
        }
    }
}

/// Reads the command line and runs one command. However it ends, [`Console::finish`] tells it.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
    let json = cli.command.json();
    let mut console = Console::standard();
    let done = match crate::telemetry::log::init(cli.log_format) {
        Ok(()) => carry_out(cli.command, &mut console),
        Err(error) => Err(Failure::input(error.to_string())),
    };
    ExitCode::from(console.finish(json, done))
}

/// A command line that says nothing that can be done, or asks for help. What it was meant to be cannot be known, so
/// the words themselves say whether a document is wanted.
fn misread(error: &clap::Error) -> ExitCode {
    // Where it cannot be written, the exit code still says it.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let json = std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json");
    let text = error.render().to_string();
    let message = text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned();
    ExitCode::from(Console::standard().finish(json, Err(Failure::input(message).in_words())))
}

fn carry_out(command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Bias(args) => bias::run(&args, console),
        Command::Simulate(args) => simulate::run(&args, console),
        Command::Data(args) => data::run(&args, console),
        Command::Doctor(args) => doctor::run(&args, console),
        Command::Decisions(args) => journal::decisions(&args),
        Command::Journal(args) => journal::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Schema(args) => check::schema(&args),
        Command::Venue(args) => venue::run(&args),
        Command::Status(args) => ask(status::execute(&args, console)),
        Command::Agent(args) => ask(agent::execute(&args, console)),
        Command::Breaker(args) => ask(breaker::execute(&args, console)),
        Command::Flatten(args) => ask(flatten::execute(&args, console)),
        Command::Resume(args) => ask(resume::execute(&args, console)),
        Command::Differences(args) => ask(resume::show(&args, console)),
    }
}

/// Runs a command that talks to a running swarm.
fn ask(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("failed", format!("cannot start: {error}")))?;
    runtime.block_on(command)
}
