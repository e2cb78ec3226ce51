//! `surfit man`: manual pages.

use super::args::{CommandLine, ManArgs};
use super::error::CliError;
use super::output;
use clap::{Command, CommandFactory};
use std::path::Path;
use surfit_core::files::write_atomic;

/// Prints the page of the program, or writes one for every command.
pub fn man(args: ManArgs) -> Result<(), CliError> {
    let mut command = CommandLine::command();
    command.build();
    let Some(folder) = args.out else {
        return output::print_bytes(&render_page(command)?);
    };
    std::fs::create_dir_all(&folder).map_err(|e| CliError::Failure(format!("{}: {e}", folder.display())))?;
    write_pages(&folder, command)
}

fn render_page(command: Command) -> Result<Vec<u8>, CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(|e| CliError::Failure(format!("the manual page: {e}")))?;
    Ok(page)
}

fn write_pages(folder: &Path, command: Command) -> Result<(), CliError> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let path = folder.join(format!("{name}.1"));
    for sub in command.get_subcommands().filter(|s| !s.is_hide_set()) {
        write_pages(folder, sub.clone())?;
    }
    write_atomic(&path, &render_page(command)?).map_err(|e| CliError::Failure(format!("{}: {e}", path.display())))?;
    output::print_line(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_program_is_as_it_was_looked_at() {
        let mut command = CommandLine::command();
        command.build();
        let page = String::from_utf8(render_page(command).unwrap()).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        insta::assert_snapshot!("man", page.replace(version, "VERSION"));
    }

    #[test]
    fn every_subcommand_that_is_shown_has_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = CommandLine::command();
        command.build();
        let subs: Vec<String> =
            command.get_subcommands().filter(|s| !s.is_hide_set()).map(|s| s.get_name().to_owned()).collect();
        write_pages(dir.path(), command).unwrap();
        for sub in subs {
            let page = std::fs::read_to_string(dir.path().join(format!("surfit-{sub}.1"))).unwrap();
            for heading in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"] {
                assert!(page.contains(heading), "{sub}: {page}");
            }
        }
        assert!(dir.path().join("surfit-data-fetch.1").is_file());
    }
}
