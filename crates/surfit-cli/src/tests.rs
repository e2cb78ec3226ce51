//! The command line as it is written.

use super::args::{CliCommand, ColorChoice, CommandLine, HeatmapFormat, ModelSelector, parse_point};
use super::error::{CliError, from_clap};
use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Parser};
use std::path::{Path, PathBuf};
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
    let cli = parse("surfit --color 16 --blocks --no-mouse open d --color 256 --theme light --ascii").unwrap();
    let Some(CliCommand::Open(open)) = cli.command else { panic!() };
    let screen = open.screen.with_fallback(cli.screen);
    assert_eq!(screen.color, Some(ColorChoice::Ansi256));
    assert!(screen.ascii && !screen.blocks && screen.no_mouse);
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
    assert!(parse_point("a,0").unwrap_err().to_string().contains("`a` is not a number"));
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
        ("surfit degree a b", ["'b' for '<M>': give a whole number", "see `surfit degree --help`"]),
        ("surfit degree a 9", ["9 is not in 1..=8", "see `surfit degree --help`"]),
        ("surfit search a --at 0,0 --radius x", ["give a number", "see `surfit search --help`"]),
        ("surfit queue rm 99999999999999999999", ["the number is too large", "see `surfit queue rm --help`"]),
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
    let message = usage("surfit config nope");
    assert!(message.contains("surfit config --help") && !message.contains("open"), "{message}");
    assert!(usage("surfit config chekc").contains("'check'"));
    let message = usage("surfit open c.toml --set a=1");
    assert!(message.contains("--set") && !message.contains("-- --set"), "{message}");
}

#[test]
fn a_group_without_a_subcommand_prints_its_help() {
    for group in ["config", "data", "queue", "cache"] {
        let error = CommandLine::try_parse_from(["surfit", group]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
        assert!(super::is_help(error.kind()) && error.exit_code() == 2);
        let page = error.render().to_string();
        assert!(page.contains(&format!("Usage: surfit {group} <COMMAND>")) && page.contains("Commands:"), "{page}");
    }
}

/// Every command with its help, subcommands included.
fn all_commands() -> Vec<Command> {
    fn collect(command: &Command, all: &mut Vec<Command>) {
        all.push(command.clone());
        command.get_subcommands().for_each(|sub| collect(sub, all));
    }
    let (mut root, mut all) = (CommandLine::command(), Vec::new());
    root.build();
    collect(&root, &mut all);
    all
}

#[test]
fn help_pages_are_wrapped_by_clap_alone() {
    let width_of = |line: &str| line.chars().count();
    for command in all_commands() {
        let name = command.get_name().to_owned();
        let source = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for terminal in [80, 100, 140] {
            let width = terminal.min(100); // `max_term_width`
            let page = command.clone().term_width(width).render_long_help().to_string();
            for line in source.lines().filter(|line| line.starts_with(' ')) {
                assert!(
                    page.lines().any(|l| l == line),
                    "{name} at {terminal} columns breaks an example:\n{line}\n{page}"
                );
            }
            let wide = page.lines().find(|line| width_of(line) > width);
            assert!(wide.is_none(), "{name} at {terminal} columns: {wide:?}");
            let first: Vec<&str> = source.split_whitespace().take(3).collect();
            let Some(at) = page.rfind(&first.join(" ")).or_else(|| page.rfind("Examples:")) else { panic!("{page}") };
            let lines: Vec<&str> = page[at..].lines().collect();
            for pair in lines.windows(2) {
                let next = pair[1].split(' ').next().unwrap_or_default();
                let prose = !pair[0].is_empty() && !pair[0].starts_with(' ') && !next.is_empty();
                let early = prose && width_of(pair[0]) + 1 + width_of(next) <= width;
                assert!(!early, "{name} at {terminal} columns breaks a line early:\n{}\n{}", pair[0], pair[1]);
            }
        }
    }
}

#[test]
fn the_screen_options_are_listed_where_they_apply() {
    for command in all_commands() {
        let page = command.clone().render_long_help().to_string();
        assert_eq!(page.contains("--no-mouse"), ["surfit", "open"].contains(&command.get_name()), "{page}");
    }
}

/// README and the pages of the book, each with its path.
fn documentation() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = std::fs::read_dir(root.join("docs")).unwrap().flatten().map(|entry| entry.path());
    let pages = pages.filter(|path| path.extension().is_some_and(|e| e == "md")).chain([root.join("README.md")]);
    pages.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// Panics unless the words are a subcommand and long options that it has.
fn assert_command_exists(words: &str, page: &Path) {
    let mut command = CommandLine::command();
    command.build();
    for word in words.split_whitespace() {
        let option = word.strip_prefix("--").filter(|option| !option.is_empty());
        if let Some(option) = option.map(|option| option.split('=').next().unwrap_or(option)) {
            let known = command.get_arguments().any(|arg| arg.get_long() == Some(option));
            assert!(known, "{}: `surfit {words}`: no option --{option}", page.display());
        } else if let Some(sub) = command.find_subcommand(word).cloned() {
            command = sub;
        } else {
            let placeholder = !command.has_subcommands() || !word.starts_with(|c: char| c.is_ascii_lowercase());
            assert!(placeholder, "{}: `surfit {words}`: no subcommand {word}", page.display());
        }
    }
}

#[test]
fn documented_commands_and_options_exist() {
    let mut found = 0;
    for (page, text) in documentation() {
        let starts =
            |line: &str| ["surfit ", "exec surfit ", "srun surfit "].iter().any(|start| line.starts_with(start));
        let mut in_block = false;
        for line in text.lines() {
            in_block ^= line.starts_with("```");
            let spans: Vec<&str> = if in_block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
            for code in spans.into_iter().filter(|code| starts(code)) {
                let words = code.trim_start_matches("exec ").trim_start_matches("srun ").trim_start_matches("surfit ");
                let end = words.find(['#', '|', ';', '&', '>', '…']).unwrap_or(words.len());
                let end = words.find("  ").unwrap_or(end).min(end);
                assert_command_exists(&words[..end], &page);
                found += 1;
            }
        }
    }
    assert!(found > 100, "{found} commands");
}

#[test]
fn links_of_the_documentation_lead_to_files() {
    for (page, text) in documentation() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.contains("://");
            assert!(outside || page.with_file_name(target).exists(), "{}: {target}", page.display());
        }
    }
}
