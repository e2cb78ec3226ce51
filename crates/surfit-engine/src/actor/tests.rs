//! An actor without a process around it: tick by tick, with commands in between.

mod branched_training;
mod clean_shutdown;
mod clients;
mod durability;
mod given_corner_files;
mod restarts;
mod running_time;
mod stalls;

use super::*;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

/// A job of a few hundred images whose every stage is a few ticks.
const TINY: &str = "
name = 'tiny'
threads = 1
data = { train_images = 200, validation_images = 100, bn_images = 100 }
network = { name = 'mlp', widths = [8] }
corners = { epochs = 1, batch_size = 50, cache = false }
fit = { epochs = 1, boundary_epochs = 0, batch_size = 50, points_per_step = 2, warmup = 0 }
heatmap = { grid = 3, live_images = 50 }
export = { baselines = false }
";

const NO_IDLE_TIMEOUT: ServeOptions = ServeOptions { wait: false, idle_timeout: 0.0 };

/// Opens a run, a new one when there is none, and does something with its actor.
fn with_actor<T>(path: &std::path::Path, then: impl FnOnce(&mut Actor<'_>) -> T) -> T {
    with_actor_of(path, TINY, then)
}

/// As [`with_actor`], for an engine that only waits for commands.
fn with_waiting_actor<T>(path: &Path, then: impl FnOnce(&mut Actor<'_>) -> T) -> T {
    with_actor_as(path, TINY, ServeOptions { wait: true, ..NO_IDLE_TIMEOUT }, then)
}

/// As [`with_actor`], for a run of another configuration.
fn with_actor_of<T>(path: &Path, text: &str, then: impl FnOnce(&mut Actor<'_>) -> T) -> T {
    with_actor_as(path, text, NO_IDLE_TIMEOUT, then)
}

fn with_actor_as<T>(path: &Path, text: &str, options: ServeOptions, then: impl FnOnce(&mut Actor<'_>) -> T) -> T {
    let run = RunDir::open(path).unwrap_or_else(|_| {
        let config = surfit_core::config::parse(text, "the test").unwrap();
        RunDir::create(path, &config).unwrap()
    });
    let mut journal = EventJournal::open(&run).unwrap();
    let (_requests, inbox) = sync_channel(1);
    then(&mut Actor::open(&run, &mut journal, &inbox, options).unwrap())
}

impl Actor<'_> {
    fn tick_until(&mut self, there: impl Fn(&Actor<'_>) -> bool) {
        for _ in 0..1000 {
            if there(self) {
                return;
            }
            self.tick().unwrap();
        }
        panic!("it never comes there");
    }

    fn tick_until_idle(&mut self) {
        self.tick_until(|actor| matches!(actor.activity, ActorActivity::None));
    }
}

/// Goes on with a new run until its work is `there`, then carries `command` out and goes on to the end of the job.
fn result_after_command(there: impl Fn(&Actor<'_>) -> bool, command: EngineCommand) -> surfit_core::event::JobResult {
    let dir = tempfile::tempdir().unwrap();
    let config = surfit_core::config::parse(TINY, "the test").unwrap();
    let run = RunDir::create(&dir.path().join("a"), &config).unwrap();
    let mut journal = EventJournal::open(&run).unwrap();
    let (_requests, inbox) = sync_channel(1);
    let mut actor = Actor::open(&run, &mut journal, &inbox, NO_IDLE_TIMEOUT).unwrap();
    for _ in 0..1000 {
        if there(&actor) {
            break;
        }
        actor.tick().unwrap();
    }
    assert!(there(&actor), "it never comes there");
    actor.execute(command).unwrap();
    for _ in 0..1000 {
        if matches!(actor.activity, ActorActivity::None) {
            break;
        }
        actor.tick().unwrap();
    }
    actor.journal.run_state().finished.clone().expect("an end")
}

/// The best point is chosen, and being measured.
fn is_exporting(actor: &Actor<'_>) -> bool {
    actor.completion.as_ref().is_some_and(|f| f.has_chosen())
}

#[test]
fn a_fit_that_goes_on_from_the_export_ends_with_a_model_of_its_own() {
    let further = EngineCommand::FitFurther { steps: Some(3), epochs: None };
    for command in [further, EngineCommand::StartFit { degrees: None }] {
        let ends = |finished: surfit_core::event::JobResult, step| {
            let folder = finished.export.expect("an export");
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            assert!(name.ends_with(&format!("-step{step}")), "{name}");
            let best = finished.best;
            assert!(name.contains(&format!("u{:.3}-v{:.3}", best.u, best.v)), "{name} {best:?}");
        };
        let steps = if matches!(command, EngineCommand::StartFit { .. }) { 4 } else { 7 };
        ends(result_after_command(is_exporting, command), steps);
    }
}

#[test]
fn a_grid_that_is_set_during_the_export_is_measured_before_the_job_ends() {
    let finished = result_after_command(is_exporting, EngineCommand::SetGrid { grid: 4 });
    assert_eq!(finished.grid, 4);
    let best = finished.best;
    let on_grid = |x: f64| (x * 3.0 - (x * 3.0).round()).abs() < 1e-9;
    assert!(on_grid(best.u) && on_grid(best.v), "{best:?}");
    let name = finished.export.expect("an export");
    let name = name.file_name().unwrap().to_string_lossy();
    assert!(name.contains(&format!("u{:.3}-v{:.3}", best.u, best.v)), "{name}");
    assert_eq!(best.images, 100);
    assert!(finished.heatmap.interior_mean.is_finite());
}

/// Losses events of the fit in a run's record.
fn count_loss_events(run: &RunDir) -> usize {
    let of_fit = |e: &&surfit_core::event::Envelope| {
        matches!(e.event, Event::Losses { curve: surfit_core::event::LossCurve::Surface, .. })
    };
    run.events(0).unwrap().iter().filter(of_fit).count()
}

#[test]
fn a_long_fit_emits_few_loss_events_and_its_snapshots_have_the_latest() {
    use surfit_core::event::LossCurve;
    let dir = tempfile::tempdir().unwrap();
    let long = TINY.replace("fit = { epochs = 1,", "fit = { epochs = 2000,");
    let config = surfit_core::config::parse(&long, "the test").unwrap();
    let run = RunDir::create(&dir.path().join("a"), &config).unwrap();
    let (_requests, inbox) = sync_channel(1);
    {
        let mut journal = EventJournal::open(&run).unwrap();
        let mut actor = Actor::open(&run, &mut journal, &inbox, NO_IDLE_TIMEOUT).unwrap();
        while actor.progress.is_none_or(|p| p.step < 10) {
            actor.tick().unwrap();
        }
        actor.flush_losses();
        actor.tick().unwrap();
        actor.save_checkpoint();
    }
    // The first step at once.
    assert_eq!(count_loss_events(&run), 3);
    // As if those ten steps had taken an hour.
    let mut events = run.events(0).unwrap();
    let of_fit = |e: &surfit_core::event::Envelope| matches!(e.event, Event::Losses { curve: LossCurve::Surface, .. });
    let second = events.iter().rposition(of_fit).unwrap();
    events[second..].iter_mut().for_each(|e| e.time += 3500.0);
    let lines = events.iter().map(|e| serde_json::to_string(e).unwrap() + "\n");
    std::fs::write(run.events_path(), lines.collect::<String>()).unwrap();

    let mut journal = EventJournal::open(&run).unwrap();
    let snapshots = journal.event_bus().snapshots.subscribe();
    let mut shown = journal.run_state().clone();
    let mut actor = Actor::open(&run, &mut journal, &inbox, NO_IDLE_TIMEOUT).unwrap();
    assert!(actor.curve_seconds(LossCurve::Surface) > 3000.0);
    let before = count_loss_events(&run);
    let mut longest = 0;
    let began = Instant::now();
    while began.elapsed().as_secs_f64() < 2.5 {
        actor.tick().unwrap();
        actor.publish(false);
        let latest = snapshots.borrow().clone().unwrap();
        longest = longest.max(latest.fresh.as_ref().map_or(0, |f| f.values.len()));
        std::thread::sleep(Duration::from_millis(10));
    }
    // One at the beginning, of what was never told before; then every five seconds.
    assert!(count_loss_events(&run) - before <= 1, "{} events", count_loss_events(&run) - before);
    assert!(longest > 20, "{longest}");
    // The screen has all but the last moment. An event of this moment comes before the next snapshot.
    while snapshots.borrow().as_ref().unwrap().seq != run.last_event_number().unwrap() {
        actor.tick().unwrap();
        actor.publish(false);
        std::thread::sleep(Duration::from_millis(10));
    }
    let step = actor.progress.unwrap().step;
    let latest = snapshots.borrow().clone().unwrap();
    run.events(0).unwrap().iter().for_each(|e| shown.apply(e));
    shown.apply_snapshot((*latest).clone());
    let end = shown.curves[&LossCurve::Surface].end_step();
    assert!(step - end < 60 && step > 30, "{end} of {step}");
    // A checkpoint tells all, and nothing twice.
    actor.save_checkpoint();
    assert!(actor.unlogged_losses.is_none());
    run.events(0).unwrap().iter().for_each(|e| shown.apply(e));
    assert_eq!(shown.curves[&LossCurve::Surface].end_step(), step);
    assert_eq!(shown.curves, run.load_state().unwrap().curves);
    assert!(run.snapshot().unwrap().fresh.is_none());
}

/// The degrees that a model's card names, and the weights beside it, as one vector.
fn read_exported_model(dir: &std::path::Path, actor: &Actor<'_>) -> (surfit_core::surface::Degrees, Tensor) {
    let card = std::fs::read(dir.join("model.json")).unwrap();
    let card: surfit_core::model_card::ModelCard = serde_json::from_slice(&card).unwrap();
    let path = dir.join("model.safetensors");
    let given = actor.read_weights(&path, &Default::default()).unwrap();
    (card.degrees, given.flat)
}

#[test]
fn a_card_names_the_degree_of_the_surface_that_its_weights_were_taken_from() {
    let dir = tempfile::tempdir().unwrap();
    let config = surfit_core::config::parse(TINY, "the test").unwrap();
    let run = RunDir::create(&dir.path().join("a"), &config).unwrap();
    let mut journal = EventJournal::open(&run).unwrap();
    let (_requests, inbox) = sync_channel(1);
    let mut actor = Actor::open(&run, &mut journal, &inbox, NO_IDLE_TIMEOUT).unwrap();
    while actor.surface.is_none() || !matches!(actor.activity, ActorActivity::None) {
        actor.tick().unwrap();
    }
    for raised_before_the_choice in [true, false] {
        // Sampled cells are measured whole before the best of them is chosen.
        actor.heatmap.cells.iter_mut().for_each(|c| c.images = 50);
        let out = dir.path().join(format!("model-{raised_before_the_choice}"));
        let best = surfit_core::protocol::Selection::Best;
        let target = export_folders::ExportTarget { dir: Some(out.clone()), ..Default::default() };
        let mut export = task::ExportTask::new(&actor, &best, target).unwrap();
        while export.has_chosen() == raised_before_the_choice {
            export.advance(&mut actor).unwrap();
        }
        let before = actor.present_degrees();
        let raised = surfit_core::surface::Degrees::new(before.m() as u8 + 1, before.n() as u8 + 1).unwrap();
        let command = EngineCommand::SetDegree { degrees: raised };
        let s = actor.surface.as_ref().unwrap();
        let old = Surface::restore(s.state(), s.theta().copy(), s.velocity().copy());
        actor.execute(command).unwrap();
        while !export.advance(&mut actor).unwrap() {}
        let exported = export.exported.take().expect("a model");
        let (u, v) = (exported.u.unwrap(), exported.v.unwrap());
        let (degrees, weights) = read_exported_model(&out, &actor);
        let now = actor.surface.as_ref().unwrap();
        let (expected, from) = match raised_before_the_choice {
            true => (raised, now.network_at(u, v)),
            false => (before, old.network_at(u, v)),
        };
        assert_eq!(degrees, expected);
        assert_eq!(weights, from, "the very weights of that surface");
    }
}
