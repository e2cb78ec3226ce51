//! `surfit ls`: lists runs.

mod table;

use super::args::LsArgs;
use super::error::CliError;
use super::output;
use std::io::{IsTerminal, stderr, stdout};
use surfit_client::remote::{self, RemoteAddress};
use surfit_client::remove;
use surfit_client::runs::{self, RunSummary};
use surfit_core::config::nearest_name;
use surfit_core::filter::{Filter, filter_keys};
use surfit_core::run_dir::RunDir;

/// Lists runs, most recently started first.
pub fn run_command(args: LsArgs) -> Result<(), CliError> {
    // A key of a filter has a value behind its colon, a host has not.
    let (hosts, terms): (Vec<&String>, Vec<&String>) = args.filter.iter().partition(|word| is_host(word));
    let terms: Vec<&str> = terms.into_iter().map(String::as_str).collect();
    if let Some(fault) = terms.iter().find_map(|term| unknown_term_error(term)) {
        return Err(fault);
    }
    let filter: Filter = terms.join(" ").parse()?;
    let all = match hosts[..] {
        [] => {
            remove::remove_stale_runs();
            runs::list_with_sizes()
        }
        [host] => list_remote_runs(host)?,
        [..] => return Err(CliError::Usage("name one host at a time".into())),
    };
    let count = all.len();
    let lines: Vec<RunSummary> = all.into_iter().filter(|l| filter.matches(&l.attributes())).collect();
    if args.json {
        return lines.iter().try_for_each(output::print_json);
    }
    if count == 0 {
        return output::print_line(match hosts.first() {
            Some(host) => format!("no runs on {}", host.trim_end_matches(':')),
            None => format!("no runs in {}; start one with `surfit`", RunDir::default_root().display()),
        });
    }
    if lines.is_empty() {
        return output::print_line(no_match_message(count, &filter));
    }
    // A file, or another program, gets every name in full.
    let width = stdout().is_terminal().then(table::terminal_width).flatten();
    output::print_bytes(table::format_table(&lines, width).as_bytes())
}

/// True for `HOST:`. A filter key without a value is another error.
fn is_host(word: &str) -> bool {
    word.strip_suffix(':')
        .is_some_and(|host| !host.is_empty() && !filter_keys().contains(&host.trim_start_matches('!')))
}

/// Returns an error for a word that is no filter and no host, but looks like a run on one.
fn unknown_term_error(word: &str) -> Option<CliError> {
    let (key, _) = word.trim_start_matches('!').split_once(':')?;
    let keys = filter_keys();
    let unlike = !keys.contains(&key) && !key.is_empty() && nearest_name(key, &keys).is_none();
    unlike.then(|| {
        CliError::Usage(format!(
            "`{word}` is neither a host nor a filter; `{key}:` lists the runs of a host; filter keys are {}",
            keys.join(", ")
        ))
    })
}

/// Returns the runs of another machine, `HOST:`.
fn list_remote_runs(host: &str) -> Result<Vec<RunSummary>, CliError> {
    let address = RemoteAddress::parse(host).filter(|a| a.run.is_empty()).ok_or_else(|| {
        CliError::Usage(format!("`{host}` is not a host; write it as for ssh, such as gpu1: or me@gpu1:"))
    })?;
    let host_config = remote::load_host_config(&address.host)?;
    let seen = stderr().is_terminal();
    let _reaching = seen.then(|| output::Reaching::new(&address.host));
    Ok(remote::list_remote_runs(&host_config, &address.host)?)
}

fn no_match_message(count: usize, filter: &Filter) -> String {
    match count {
        1 => format!("your only run does not match `{filter}`"),
        _ => format!("none of the {count} runs matches `{filter}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_is_one() {
        let filter: Filter = "loss<0".parse().unwrap();
        let one = "your only run does not match `loss<0`";
        assert_eq!(no_match_message(1, &filter), one);
        assert_eq!(no_match_message(2, &filter), "none of the 2 runs matches `loss<0`");
    }
}
