//! `surfit study` and `surfit run --seeds`: several variants of an experiment, each over several seeds.

mod jobs;

use super::args::{RunArgs, StudyArgs};
use super::error::CliError;
use super::preflight::check_runnable;
use super::{output, run_lookup};
use jobs::StudyJob;
use std::path::Path;
use surfit_core::config::{self, Config};
use surfit_core::event::JobResult;
use surfit_core::run_dir::RunDir;
use surfit_core::study::{MeanDeviation, Study, Variant, result_figures};
use surfit_report::study::{VariantOutcome, format_cell, write_study};

/// Runs the unfinished part of a study, and writes its report.
pub fn run_command(args: StudyArgs) -> Result<(), CliError> {
    let mut plan = Study::load(&args.plan)?;
    if !args.seeds.is_empty() {
        plan.seeds = args.seeds;
    }
    let typed = |set: &String| config::resolve_set_paths(set, Path::new("."));
    plan.set.extend(args.sets.iter().map(typed));
    if let Some(name) = args.only.iter().find(|n| plan.variants.iter().all(|v| v.name != **n)) {
        let known: Vec<&str> = plan.variants.iter().map(|v| v.name.as_str()).collect();
        return Err(CliError::Usage(format!(
            "--only {name}: no such variant in the study; its variants are {}",
            known.join(", ")
        )));
    }
    let stem = args.plan.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let dir = args.dir.clone().unwrap_or_else(|| RunDir::default_root().join(format!("study-{stem}")));
    let common = config::load(&plan.config, &plan.set)?;
    let all = list_jobs(&plan, &dir)?;
    let wanted = |job: &&StudyJob| args.only.is_empty() || args.only.contains(&job.variant);
    if !args.report_only {
        let todo: Vec<StudyJob> = all.iter().filter(wanted).cloned().collect();
        check_jobs_runnable(&plan, &todo)?;
        run_lookup::link_group(&dir, args.dir.is_some());
        jobs::run_jobs(&todo, args.jobs.into(), &mut print_status)?;
    }
    let outcomes = variant_outcomes(&plan, &all)?;
    // An empty report must not replace a good one.
    if outcomes.iter().all(|o| o.finished.is_empty()) {
        return Err(CliError::Failure(format!(
            "no finished run of this study in {}; run the study first, or name the directory of its runs with --dir",
            dir.display()
        )));
    }
    let folder = args.out.unwrap_or(dir);
    let files = write_study(&plan, &common.to_toml(), &outcomes, &folder)?;
    output::print_line(format!("report {}", files[0].display()))
}

/// Checks the file of a study, its configuration and every variant; returns a sentence for a valid one.
pub fn check_study(file: &Path) -> Result<String, CliError> {
    let plan = Study::load(file)?;
    let jobs = list_jobs(&plan, Path::new(""))?;
    check_jobs_runnable(&plan, &jobs)?;
    Ok(format!(
        "{0}: valid (a study: {1} variants over {2} seeds, {3} runs; start it with `surfit study {0}`)",
        file.display(),
        plan.variants.len(),
        plan.seeds.len(),
        jobs.len()
    ))
}

/// Refuses a study with a variant that cannot run, before hours are spent on the others.
fn check_jobs_runnable(plan: &Study, jobs: &[StudyJob]) -> Result<(), CliError> {
    let origin = |job: &StudyJob| format!("{}: variant {}", plan.config.display(), job.variant);
    jobs.iter().try_for_each(|job| check_runnable(&job.config, &origin(job)).map(drop))
}

/// Runs a configuration over several seeds, and prints mean and deviation of every value.
pub fn run_seeds(args: RunArgs, count: u64) -> Result<(), CliError> {
    if args.follow.detach {
        return Err(CliError::Usage(
            "--seeds cannot be used with --detach: this process starts the runs in turn; omit one of them".into(),
        ));
    }
    let config = config::load(&args.config, &args.sets)?;
    check_runnable(&config, &args.config.display().to_string())?;
    let elsewhere = args.run_dir.is_some();
    let base = args.run_dir.unwrap_or_else(|| {
        let stamp = jiff::ZonedDateTime::now().strftime("%Y%m%d-%H%M%S");
        RunDir::default_root().join(format!("{}-seeds-{stamp}", config.name))
    });
    let jobs: Vec<StudyJob> = (0..count)
        .map(|k| {
            let seed = config.seed.saturating_add(k);
            let dir = base.join(format!("seed-{seed}"));
            StudyJob { variant: config.name.clone(), seed, dir, config: Config { seed, ..config.clone() } }
        })
        .collect();
    let json = args.follow.json;
    if !json {
        print_status(format!(
            "runs in {0}, each in a directory such as {0}/seed-{1}; continue after an interruption with --run-dir {0}",
            base.display(),
            config.seed
        ));
    }
    run_lookup::link_group(&base, elsewhere);
    let worked = jobs::run_jobs(&jobs, 1, &mut |line| {
        if !json {
            print_status(line);
        }
    });
    let finished = jobs
        .iter()
        .map(|job| Ok((job.seed, job_result(job)?)))
        .filter_map(|r: Result<_, CliError>| r.map(|(seed, f)| Some((seed, f?))).transpose())
        .collect::<Result<Vec<(u64, JobResult)>, CliError>>()?;
    let variant = Variant { name: config.name.clone(), title: config.name.clone(), set: Vec::new(), network: false };
    let outcome = VariantOutcome { variant: &variant, finished, heatmap: None };
    // Finished runs are summarized even if another run failed.
    match worked {
        Ok(()) => print_summary(&outcome, json),
        Err(fault) => {
            if !outcome.finished.is_empty() {
                let _ = print_summary(&outcome, json);
            }
            Err(fault)
        }
    }
}

/// Prints a line; a closed pipe does not end the runs.
fn print_status(text: String) {
    let _ = output::print_line(text);
}

/// Prints mean and standard deviation of every value.
fn print_summary(outcome: &VariantOutcome, json: bool) -> Result<(), CliError> {
    let Some((_, first)) = outcome.finished.first() else {
        return Err(CliError::Failure("no run has finished; nothing to summarize".into()));
    };
    let spreads: Vec<(&str, MeanDeviation)> =
        result_figures(first).into_iter().filter_map(|(name, _)| Some((name, outcome.mean_deviation(name)?))).collect();
    if json {
        let seeds: Vec<u64> = outcome.finished.iter().map(|f| f.0).collect();
        let figures: serde_json::Map<String, serde_json::Value> =
            spreads.iter().map(|(name, s)| ((*name).into(), serde_json::json!(s))).collect();
        return output::print_json(&serde_json::json!({ "event": "summary", "seeds": seeds, "figures": figures }));
    }
    output::print_lines(&format!("\nover {} seeds, percent: mean ± standard deviation", outcome.finished.len()))?;
    spreads.iter().try_for_each(|(name, s)| {
        output::print_line(format!("  {name:<32} {:>15}", format_cell(Some(*s), name.contains('−'))))
    })
}

/// Returns every run of a study, seed by seed, so that a report of a running study has results of every variant.
fn list_jobs(plan: &Study, dir: &Path) -> Result<Vec<StudyJob>, CliError> {
    let mut jobs = Vec::new();
    for &seed in &plan.seeds {
        for variant in &plan.variants {
            let mut sets = plan.set.clone();
            sets.extend(variant.set.iter().cloned());
            let config = config::load(&plan.config, &sets)
                .map_err(|e| CliError::Usage(format!("variant {}: {e}", variant.name)))?;
            let name = variant.name.clone();
            let config = Config { seed, name: name.clone(), ..config };
            jobs.push(StudyJob { dir: dir.join(format!("{name}-seed{seed}")), variant: name, seed, config });
        }
    }
    Ok(jobs)
}

fn variant_outcomes<'a>(plan: &'a Study, jobs: &[StudyJob]) -> Result<Vec<VariantOutcome<'a>>, CliError> {
    let of = |variant: &'a Variant| {
        let mut outcome = VariantOutcome { variant, finished: Vec::new(), heatmap: None };
        for job in jobs.iter().filter(|j| j.variant == variant.name) {
            let Some(finished) = job_result(job)? else {
                continue;
            };
            outcome.finished.push((job.seed, finished));
            if outcome.heatmap.is_none() {
                let snapshot = RunDir::open(&job.dir)?.snapshot();
                outcome.heatmap = snapshot.map(|s| s.heatmap);
            }
        }
        Ok(outcome)
    };
    plan.variants.iter().map(of).collect()
}

/// Returns the result of a job's run, if it has finished.
fn job_result(job: &StudyJob) -> Result<Option<JobResult>, CliError> {
    match job.existing_run()? {
        Some(run) => Ok(run.load_state()?.finished),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_studies_that_come_along_are_good() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/study");
        let mut plans = 0;
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            if file.file_name().to_string_lossy().ends_with("-base.toml") {
                continue;
            }
            let plan = Study::load(&file.path()).unwrap();
            let jobs = list_jobs(&plan, Path::new("/nowhere")).unwrap();
            assert_eq!(jobs.len(), plan.seeds.len() * plan.variants.len());
            plans += 1;
        }
        assert_eq!(plans, 3);
    }
}
