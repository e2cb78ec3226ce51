//! `surfit man`: manual pages.

use super::args::{Cli, ManArgs};
use super::fault::Fault;
use super::out;
use clap::{Command, CommandFactory};
use std::path::Path;
use surfit_core::files::write_atomic;

/// Prints the page of the program, or writes one for every command.
pub fn man(args: ManArgs) -> Result<(), Fault> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = args.out else {
        return out::bytes(&page(command)?);
    };
    std::fs::create_dir_all(&folder)
        .map_err(|e| Fault::Failure(format!("{}: {e}", folder.display())))?;
    write(&folder, command)
}

fn page(command: Command) -> Result<Vec<u8>, Fault> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|e| Fault::Failure(format!("the manual page: {e}")))?;
    Ok(page)
}

fn write(folder: &Path, command: Command) -> Result<(), Fault> {
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let path = folder.join(format!("{name}.1"));
    for sub in command.get_subcommands() {
        write(folder, sub.clone())?;
    }
    write_atomic(&path, &page(command)?)
        .map_err(|e| Fault::Failure(format!("{}: {e}", path.display())))?;
    out::line(path.display().to_string())
}
