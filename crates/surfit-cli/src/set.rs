//! `surfit set`: changes settings of a run while it trains.

use super::args::SetArgs;
use super::engine_request::send_request;
use super::error::CliError;
use super::{output, run_lookup};
use surfit_client::EngineSession;
use surfit_core::config::present_key;
use surfit_core::event::Event;
use surfit_core::heatmap::Heatmap;
use surfit_core::protocol::{EngineCommand, RateChange};
use surfit_core::run_state::describe_event;
use surfit_core::surface::{Degrees, Patch};

/// Makes the changes through the run's engine, one after the other, and prints their results.
pub fn run_command(args: SetArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    // All of them are parsed before the first is made.
    let read_patch = || Ok(run.config()?.patch());
    let changes = args.changes.iter().map(|text| parse_change(text, read_patch)).collect::<Result<Vec<_>, _>>()?;
    let mut session = EngineSession::open(&run)?;
    for change in changes {
        let mut said = send_request(&mut session, change, is_setting_event)?;
        said.retain(|event| is_setting_event(event) || matches!(event, Event::Notice { .. }));
        if said.is_empty() && args.json {
            output::print_json(&serde_json::json!({ "event": "unchanged" }))?;
        } else if said.is_empty() {
            output::print_line("the run already has this value")?;
        }
        for event in said {
            if args.json {
                output::print_json(&event)?;
            } else if let Some((text, _)) = describe_event(&event) {
                output::print_line(text)?;
            }
        }
    }
    Ok(())
}

fn is_setting_event(event: &Event) -> bool {
    matches!(
        event,
        Event::RateChanged { .. }
            | Event::DrawsChanged { .. }
            | Event::DegreeChanged { .. }
            | Event::GridChanged { .. }
    )
}

/// What can be changed while a run goes on: the keys' present names, and short ones that are also understood.
const SETTINGS: [(&str, &[&str]); 4] = [
    ("fit.learning_rate", &["learning_rate", "lr", "rate", "fit.rate"]),
    ("fit.points_per_step", &["points_per_step", "draws"]),
    ("fit.degree", &["degree"]),
    ("heatmap.grid", &["grid"]),
];

/// Parses a change written as `KEY=VALUE`. Only a degree needs the kind of surface: all else can be changed while the file
/// that has it is damaged.
fn parse_change(text: &str, read_patch: impl Fn() -> Result<Patch, CliError>) -> Result<EngineCommand, CliError> {
    let (key, value) = text.split_once('=').ok_or_else(|| {
        CliError::Usage(format!("`{text}` is not KEY=VALUE; write it such as fit.learning_rate=0.01"))
    })?;
    let (key, value) = (key.trim(), value.trim());
    let refuse = |what: &str| CliError::Usage(format!("`{key}={value}`: {what}"));
    let meant = present_key(key);
    let setting = SETTINGS.iter().find(|(name, short)| *name == meant || short.contains(&key)).map(|(name, _)| *name);
    match setting {
        Some("fit.learning_rate") => {
            let (factor, number) = match value.strip_prefix(['x', '*', '×']) {
                Some(rest) => (true, rest),
                None => (false, value),
            };
            match number.parse::<f64>() {
                Ok(x) if x > f64::from(f32::MAX) => Err(refuse("the number is too large")),
                Ok(x) if x > 0.0 && x.is_finite() && factor => {
                    Ok(EngineCommand::SetRate { rate: RateChange::Factor(x) })
                }
                Ok(x) if x > 0.0 && x.is_finite() => Ok(EngineCommand::SetRate { rate: RateChange::Peak(x) }),
                _ => Err(refuse("use a number above 0, or x0.5 to halve it")),
            }
        }
        Some("fit.points_per_step") => match value.parse() {
            Ok(draws) if draws > 0 => Ok(EngineCommand::SetDraws { draws }),
            _ => Err(refuse("use a whole number of 1 or more")),
        },
        Some("fit.degree") => {
            let numbers: Result<Vec<u8>, _> =
                value.trim_matches(['[', ']']).split(',').map(|n| n.trim().parse()).collect();
            let [m, n] = match numbers.as_deref() {
                Ok(&[m]) => [m, m],
                Ok(&[m, n]) => [m, n],
                _ => return Err(refuse("use one or two degrees, such as [3,2]")),
            };
            Ok(EngineCommand::SetDegree { degrees: Degrees::for_patch(read_patch()?, m, n)? })
        }
        Some(_) => match value.parse() {
            Ok(grid) => match Heatmap::check_grid(grid) {
                Some(why) => Err(CliError::Usage(why)),
                None => Ok(EngineCommand::SetGrid { grid }),
            },
            Err(_) => Err(refuse("use the number of points along each axis")),
        },
        None => Err(CliError::Usage(format!(
            "`{key}` cannot be changed in an existing run; fit.learning_rate, fit.points_per_step, fit.degree and \
             heatmap.grid can"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_and_refused_in_words() {
        let parse = |text: &str| parse_change(text, || Ok(Patch::Square));
        let rate = |rate| Ok(EngineCommand::SetRate { rate });
        let degrees = |m, n| Ok(EngineCommand::SetDegree { degrees: Degrees::new(m, n).unwrap() });
        assert_eq!(parse("fit.rate=0.01"), rate(RateChange::Peak(0.01)));
        assert_eq!(parse("fit.learning_rate=x0.5"), rate(RateChange::Factor(0.5)));
        for key in ["learning_rate", "lr", "rate", "fit.lr", "fit.rate", "fit.learning_rate"] {
            assert_eq!(parse(&format!("{key}=0.25")), rate(RateChange::Peak(0.25)), "{key}");
        }
        for key in ["draws", "fit.draws", "points_per_step", "fit.points_per_step "] {
            assert_eq!(parse(&format!("{key}= 4")), Ok(EngineCommand::SetDraws { draws: 4 }), "{key}");
        }
        assert_eq!(parse("grid=5"), Ok(EngineCommand::SetGrid { grid: 5 }));
        assert_eq!(parse("degree=[3,2]"), degrees(3, 2));
        assert_eq!(parse("fit.degree=[3,2]"), degrees(3, 2));
        assert_eq!(parse("fit.degree=3"), degrees(3, 3));
        for (text, part) in [
            ("fit.rate", "KEY=VALUE"),
            ("fit.rate=-1", "above 0"),
            ("fit.rate=NaN", "above 0"),
            ("fit.rate=1e300", "too large"),
            ("fit.points_per_step=0", "1 or more"),
            ("fit.momentum=0.5", "fit.learning_rate, fit.points_per_step, fit.degree and heatmap.grid can"),
            ("heatmap.grid=1", "cannot be measured"),
        ] {
            let Err(CliError::Usage(why)) = parse(text) else { panic!("{text}") };
            assert!(why.contains(part), "{text}: {why}");
        }
    }

    #[test]
    fn only_a_degree_needs_the_run_s_configuration() {
        let parse = |text: &str| parse_change(text, || Err(CliError::Failure("damaged".into())));
        for text in ["fit.learning_rate=0.5", "fit.points_per_step=2", "heatmap.grid=5"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        assert_eq!(parse("fit.degree=3"), Err(CliError::Failure("damaged".into())));
    }
}
