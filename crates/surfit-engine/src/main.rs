//! The engine: one process per run. Started by `surfit`; people have no need to call it.

use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::RunDir;
use surfit_core::text;
use surfit_engine::{EngineError, MeasuredSplit, Result, ServeOptions, bench, config_from_card, evaluate_model};

#[derive(Parser)]
#[command(name = "surfit-engine", version, about = "The engine behind surfit: one process per run")]
struct EngineArguments {
    #[command(subcommand)]
    task: EngineInvocation,
}

#[derive(Subcommand)]
enum EngineInvocation {
    /// Work on a run and serve its socket.
    Serve {
        /// The run's directory.
        run: PathBuf,
        /// Load the present state and wait for commands.
        #[arg(long)]
        wait: bool,
        /// Seconds without work and without viewers after which the engine ends.
        #[arg(long, default_value_t = 300.0)]
        linger: f64,
    },
    /// Measure a model file.
    Eval {
        /// The model, `.safetensors` or `.pt`.
        model: PathBuf,
        /// Configuration that names network and data; the model's card when absent.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Split to measure on.
        #[arg(long, value_enum, default_value = "test")]
        split: MeasuredSplit,
        /// Folder with the data set's files.
        #[arg(long)]
        data_dir: Option<PathBuf>,
        /// Accepted for symmetry; the output is one JSON line in any case.
        #[arg(long)]
        json: bool,
    },
    /// Measure this machine: step, heatmap and memory as ratios to plain training.
    Bench {
        /// A network to measure, may be given several times; four of different kinds when absent.
        #[arg(long = "network", value_name = "NAME")]
        networks: Vec<String>,
        /// Take few repetitions.
        #[arg(long)]
        quick: bool,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    surfit_engine::configure_malloc();
    let outcome = match EngineArguments::parse().task {
        EngineInvocation::Serve { run, wait, linger } => serve(&run, ServeOptions { wait, idle_timeout: linger }),
        EngineInvocation::Eval { model, config, split, data_dir, json: _ } => {
            print_evaluation(model, config, split, data_dir)
        }
        EngineInvocation::Bench { networks, quick, json } => {
            bench::run_benchmarks(&networks, quick).map(|report| match json {
                true => println!("{}", serde_json::to_string(&report).expect("plain data")),
                false => print!("{}", report.to_table()),
            })
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may be on a full disk; `eprintln!` would panic.
            let sentence = error.to_string();
            let sentence = text::to_printable(&sentence, text::MAX_SENTENCE_CHARS);
            let _ = writeln!(std::io::stderr(), "surfit-engine: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn serve(run: &std::path::Path, options: ServeOptions) -> Result<()> {
    // A session of its own: a terminal that closes sends its hang-up elsewhere. Fails when it leads a group already,
    // that is, when a user started it by hand.
    let _ = rustix::process::setsid();
    let run = RunDir::open(run).map_err(EngineError::from)?;
    surfit_engine::serve_run(&run, options)
}

fn print_evaluation(
    model: PathBuf,
    config_path: Option<PathBuf>,
    split: MeasuredSplit,
    data_dir: Option<PathBuf>,
) -> Result<()> {
    let mut config: Config = match config_path {
        Some(path) => config::load(&path, &[])?,
        None => config_from_card(&model)?,
    };
    if let Some(dir) = data_dir {
        config.data.root = dir;
    }
    let name = match split {
        MeasuredSplit::Validation => "validation",
        MeasuredSplit::Test => "test",
    };
    let found = evaluate_model(&model, &config, split)?;
    let m = found.measurement;
    let mut line = serde_json::json!({
        "accuracy": m.accuracy(),
        "loss": m.loss(),
        "correct": m.correct(),
        "images": m.images,
        "metrics": m.sums.values(m.images),
        "split": name,
        "data": found.data,
        "mean": found.mean,
        "std": found.std,
    });
    if let Some(remark) = found.remark {
        line["remark"] = remark.into();
    }
    println!("{line}");
    Ok(())
}
