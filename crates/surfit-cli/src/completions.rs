//! `surfit completions`: completions for a shell.

use super::args::CompletionsArgs;
use super::error::CliError;
use super::{complete, output};
use clap_complete::env::Shells;

/// Prints the script that makes a shell ask this program for completions.
pub fn run_command(args: &CompletionsArgs) -> Result<(), CliError> {
    output::print_bytes(completion_script(&args.shell.to_string())?.as_slice())
}

fn completion_script(shell: &str) -> Result<Vec<u8>, CliError> {
    let fault = |why: String| CliError::Failure(format!("completions for {shell}: {why}"));
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| fault("there are none; use another shell".into()))?;
    let mut script = Vec::new();
    completer
        .write_registration(complete::COMPLETE_VARIABLE, "surfit", "surfit", "surfit", &mut script)
        .map_err(|e| fault(e.to_string()))?;
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_its_script() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = String::from_utf8(completion_script(shell).unwrap()).unwrap();
            insta::assert_snapshot!(format!("completions_{shell}"), script);
        }
    }
}
