//! `swarm init`: writes the example swarm, the shipped agent files and the schemas into a folder. All of
//! it is compiled in, so it works without a checkout. It overwrites nothing.

use super::console::Failure;
use crate::config::schema;
use clap::Args as ClapArgs;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use swarm_agents::registry;

/// The swarm file of the repository's root.
const SWARM: &str = include_str!("../../swarm.yaml");

/// Write an example swarm into a folder: swarm.yaml, agents/ and schema/.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The folder; it is created if it is not there.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let files = files();
    let taken: Vec<String> = files
        .iter()
        .map(|(name, _)| args.folder.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| path.display().to_string())
        .collect();
    if !taken.is_empty() {
        return Err(Failure::input(format!(
            "nothing was written, since these are there already: {}; name another folder, such as `swarm init my-swarm`",
            taken.join(", ")
        )));
    }
    let mut told = String::new();
    for (name, text) in &files {
        let path = args.folder.join(name);
        write_new(&path, text)?;
        told.push_str(&format!("wrote {}\n", path.display()));
    }
    let swarm = args.folder.join("swarm.yaml");
    told.push_str(&format!("next: swarm run {}\n", swarm.display()));
    super::console::print(&told)
}

/// Every file by its path in the folder.
fn files() -> Vec<(String, String)> {
    let mut files = vec![("swarm.yaml".to_owned(), SWARM.to_owned())];
    files.extend(
        registry::rules().iter().map(|rule| (format!("agents/{}.yaml", rule.name), rule.shipped_yaml.to_owned())),
    );
    files.push(("schema/swarm.json".to_owned(), schema::text(&schema::swarm())));
    files.push(("schema/agent.json".to_owned(), schema::text(&schema::agent())));
    files
}

/// Creates a file that must not be there yet: whoever came in between keeps theirs.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::input(format!("{} is there already and was left as it is", path.display()))
        }
        _ => Failure::failed("failed", format!("cannot write {}: {error}", path.display())),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
