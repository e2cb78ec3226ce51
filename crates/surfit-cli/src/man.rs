//! `surfit man`: manual pages, and the reference of commands in Markdown.

use super::args::{CommandLine, ManArgs};
use super::error::CliError;
use super::output;
use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use std::path::Path;
use surfit_core::files::write_atomic;

/// Prints the page of the program or the reference, or writes a page for every command.
pub fn run_command(args: ManArgs) -> Result<(), CliError> {
    let mut command = CommandLine::command();
    command.build();
    if args.markdown {
        return output::print_bytes(markdown_reference(&command).as_bytes());
    }
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

/// Returns the visible commands with their subcommands, in the order of the help.
fn visible_commands(command: &Command) -> Vec<&Command> {
    let subcommands = command.get_subcommands().filter(|s| !s.is_hide_set()).flat_map(visible_commands);
    std::iter::once(command).chain(subcommands).collect()
}

/// Returns the reference of a built command and its subcommands.
fn markdown_reference(command: &Command) -> String {
    let commands = visible_commands(command);
    let mut text = "# Commands\n\nThis page is the output of `surfit man --markdown`. \
                    `surfit COMMAND --help` prints each part.\n\n| command | what it does |\n| --- | --- |\n"
        .to_owned();
    for sub in commands.iter().skip(1) {
        let name = full_name(sub);
        text += &format!("| [`{name}`](#{}) | {} |\n", name.replace(' ', "-"), styled(sub.get_about()));
    }
    text + &commands.into_iter().map(markdown_section).collect::<String>()
}

fn full_name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

fn styled(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// Returns the section of one command: what it does, usage, arguments, and the text after the help.
fn markdown_section(command: &Command) -> String {
    let about = styled(command.get_long_about().or(command.get_about()));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut text = format!("\n## `{}`\n\n{about}{}\n\n```sh\n{usage}\n```\n", full_name(command), full_stop(&about));
    let listed = |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    let rows: String = command.get_arguments().filter(listed).map(markdown_row).collect();
    if !rows.is_empty() {
        text += &format!("\n| argument | meaning |\n| --- | --- |\n{rows}");
    }
    let mut code = false;
    for line in styled(command.get_after_help()).lines() {
        if line.starts_with("  ") != code {
            text += if code { "```\n" } else { "\n```text\n" };
            code = !code;
        }
        match line.strip_prefix("  ") {
            Some(line) => text += &format!("{line}\n"),
            None if line.is_empty() => {}
            None => text += &format!("\n{line}\n"),
        }
    }
    if code { text + "```\n" } else { text }
}

fn full_stop(sentence: &str) -> &'static str {
    if sentence.ends_with('.') { "" } else { "." }
}

/// Returns the row of an argument: its form, help, values and default.
fn markdown_row(arg: &Arg) -> String {
    let mut forms: Vec<String> = arg.get_short().map(|short| format!("`-{short}`")).into_iter().collect();
    forms.push(format!("`{}`", arg.to_string().replace("...", "…")));
    let mut help = styled(arg.get_help());
    let values: Vec<String> = arg.get_possible_values().iter().map(|v| format!("`{}`", v.get_name())).collect();
    if arg.get_action().takes_values() && !values.is_empty() {
        help += &format!("; one of {}", values.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        help += &format!("; default: `{}`", defaults.join(" "));
    }
    format!("| {} | {} |\n", forms.join(", ").replace('|', "\\|"), help.replace('|', "\\|"))
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
    fn the_page_of_commands_is_todays_help() {
        let mut command = CommandLine::command();
        command.build();
        let reference = markdown_reference(&command);
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page == reference, "docs/commands.md: put the output of `surfit man --markdown` there");
        for sub in visible_commands(&command) {
            assert!(reference.contains(&format!("\n## `{}`\n", full_name(sub))), "{}", full_name(sub));
        }
        // Pipes end a cell, and a fence opened is closed.
        for row in reference.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(row.replace("\\|", "").matches('|').count(), 3, "{row}");
        }
        assert_eq!(reference.lines().filter(|line| line.starts_with("```")).count() % 2, 0);
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
