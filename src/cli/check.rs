//! `swarm check`: every fault of a swarm file with its place, and `swarm schema`: what editors read.

use super::console::{self, Failure};
use crate::config;
use clap::Args as ClapArgs;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Check a swarm file and everything it uses.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The file.
    #[arg(default_value = "swarm.yaml")]
    file: PathBuf,
    /// Print the findings as one JSON document.
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs `swarm check`.
pub fn run(args: &Args) -> Result<(), Failure> {
    let report = config::check(&args.file);
    let text = if args.json {
        format!("{:#}\n", report.to_json())
    } else if report.errors.is_empty() && report.warnings.is_empty() {
        format!("{} is fine\n", args.file.display())
    } else {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        config::render(&report, std::io::stdout().is_terminal() && !no_color)
    };
    console::print(&text)?;
    if report.is_ok() { Ok(()) } else { Err(Failure::input("the file is not sound").in_full()) }
}

/// Print a JSON Schema, for editors and other tools.
#[derive(Debug, ClapArgs)]
pub struct SchemaArgs {
    /// Of which file.
    #[arg(value_enum, default_value_t = Which::Swarm)]
    which: Which,
}

/// Which file a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// swarm.yaml.
    Swarm,
    /// An agent file.
    Agent,
}

/// Runs `swarm schema`.
pub fn schema(args: &SchemaArgs) -> Result<(), Failure> {
    let schema = match args.which {
        Which::Swarm => config::schema::swarm(),
        Which::Agent => config::schema::agent(),
    };
    console::print(&config::schema::text(&schema))
}
