//! The command line as it is written.

use super::args::{CliCommand, ColorChoice, CommandLine, HeatmapFormat, ModelSelector, parse_point};
use super::error::{CliError, from_clap};
use clap::{CommandFactory, Parser};
use surfit_core::protocol::Selection;
use surfit_core::surface::Patch;

fn parse(line: &str) -> Result<CommandLine, CliError> {
    let words = line.split_whitespace();
    CommandLine::try_parse_from(words.clone()).map_err(|e| from_clap(&e, words.map(Into::into)))
}

fn usage(line: &str) -> String {
    match parse(line).unwrap_err() {
        CliError::Usage(sentence) => sentence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn the_documented_commands_are_understood() {
    assert!(parse("surfit").unwrap().command.is_none());
    let Some(CliCommand::Run(run)) =
        parse("surfit run c.toml --run-dir d --set a.b=1 --set c=[1,2] --json").unwrap().command
    else {
        panic!()
    };
    assert_eq!(run.sets, ["a.b=1", "c=[1,2]"]);
    assert!(run.follow.json && !run.follow.detach);
    let Some(CliCommand::Heatmap(heatmap)) = parse("surfit heatmap d --grid 11 --format csv").unwrap().command else {
        panic!()
    };
    assert_eq!((heatmap.grid, heatmap.format), (Some(11), Some(HeatmapFormat::Csv)));
    let cli = parse("surfit open d --color 256 --theme light --ascii").unwrap();
    assert_eq!(cli.screen.color, Some(ColorChoice::Ansi256));
    for line in [
        "surfit open",
        "surfit resume r --detach",
        "surfit stop r",
        "surfit ls --json",
        "surfit ls demo acc>0.9 !state:failed",
        "surfit rm a b --yes --stop",
        "surfit rm --failed",
        "surfit fit r --epochs 2.5",
        "surfit fit r --steps 100 --detach",
        "surfit heatmap r --grid 3 --keep",
        "surfit report r",
        "surfit eval m.safetensors --config c --split val --json",
        "surfit bench --json",
        "surfit data ls --json",
        "surfit data fetch cifar10 --form python --mirror http://m --dir d --json",
        "surfit data fetch --config c",
        "surfit data verify",
        "surfit data verify mnist --dir d --json",
        "surfit bench --network resnet18-cifar --network cnn --quick",
        "surfit themes",
        "surfit config check a b",
        "surfit config default",
        "surfit keys",
        "surfit completions fish",
        "surfit man",
        "surfit export r --best --out x",
    ] {
        parse(line).unwrap_or_else(|e| panic!("{line}: {e:?}"));
    }
}

#[test]
fn what_is_exported() {
    let selection = |line: &str| match parse(line).unwrap().command {
        Some(CliCommand::Export(export)) => export.which.selection(Patch::Square).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(selection("surfit export r --out x"), Selection::Best);
    assert_eq!(selection("surfit export r --centroid --out x"), Selection::Centroid);
    assert_eq!(selection("surfit export r --at 0.5,0.25 --out x"), Selection::At { u: 0.5, v: 0.25 });
    assert!(usage("surfit export r --best --centroid --out x").contains("cannot be used with"));
}

#[test]
fn points_are_two_numbers_on_the_surface() {
    assert_eq!(parse_point("0.5, 0.25"), Ok((0.5, Some(0.25))));
    assert_eq!(parse_point("1,0"), Ok((1.0, Some(0.0))));
    assert_eq!(parse_point("0.5"), Ok((0.5, None)));
    let members = parse("surfit export r --member 0.2,0.3 --member 0.7,0.6 --out x").unwrap();
    assert!(matches!(members.command, Some(CliCommand::Export(e)) if e.which.clone().selection(Patch::Square)
            == Ok(Selection::Ensemble { points: vec![(0.2, 0.3), (0.7, 0.6)] })));
    assert!(usage("surfit search r --at 0.5").contains("such as 0.5,0.25"));
    parse("surfit search r --at 0.5,0.25").unwrap();
    let at = |patch| {
        let which = ModelSelector { at: Some((0.5, None)), ..ModelSelector::default() };
        which.selection(patch)
    };
    assert_eq!(at(Patch::Curve), Ok(Selection::At { u: 0.5, v: 0.0 }));
    assert!(at(Patch::Triangle).unwrap_err().to_string().contains("a triangular patch needs two numbers"));
    assert!(parse_point("0.5,0.5,0.5").unwrap_err().to_string().contains("two numbers"));
    assert!(parse_point("1.5,0").unwrap_err().to_string().contains("u = 1.5 is outside"));
    assert!(parse_point("0,-0.1").unwrap_err().to_string().contains("v = -0.1 is outside"));
    assert!(parse_point("0,nan").unwrap_err().to_string().contains("outside"));
    assert!(parse_point("a,0").unwrap_err().to_string().contains("`a` is no number"));
}

#[test]
fn wrong_use_is_one_sentence_with_the_way_to_the_help() {
    for (line, parts) in [
        ("surfit rum", ["unrecognized subcommand 'rum'", "'run'"]),
        ("surfit rnu c.toml", ["unrecognized subcommand 'rnu'", "did you mean 'run'?"]),
        ("surfit run", ["<CONFIG>", "see `surfit run --help`"]),
        ("surfit ls --jsn", ["'--jsn'", "'--json'"]),
        ("surfit export r --at 2,0 --out x", ["u = 2 is outside the surface", "see `surfit export --help`"]),
        ("surfit heatmap r --grid x", ["--grid", "surfit heatmap --help"]),
        ("surfit heatmap r --format gif", ["csv, json, npy, png, svg", "surfit heatmap --help"]),
        ("surfit config", ["subcommand", "surfit config --help"]),
    ] {
        let sentence = usage(line);
        assert!(!sentence.contains('\n'), "{sentence}");
        for part in parts {
            assert!(sentence.contains(part), "{line}: {sentence}");
        }
    }
}

#[test]
fn what_is_suggested_is_what_was_asked_for() {
    let told = usage("surfit config nope");
    assert!(told.contains("surfit config --help") && !told.contains("open"), "{told}");
    assert!(usage("surfit config chekc").contains("'check'"));
    let told = usage("surfit open c.toml --set a=1");
    assert!(told.contains("--set") && !told.contains("-- --set"), "{told}");
}
