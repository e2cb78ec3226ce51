//! The lists as tables: models, runs, the machine, the log.

use crate::app::App;
use crate::views::models::{self, ModelItem, measured_point};
use crate::views::{
    self,
    machine::{LoadHistory, LoadSample, MAX_GPUS},
};
use surfit_core::table::{DataTable, TableValue, single_precision};

pub fn models(app: &App) -> DataTable {
    let mut table =
        DataTable::new(&["kind", "what", "u", "v", "validation_accuracy", "test_accuracy", "loss", "images", "from"]);
    for item in models::items(app) {
        let place = models::item_parameters(app, item);
        let (kind, what, validation, test, loss, images, from): (_, TableValue, _, _, _, TableValue, TableValue) =
            match item {
                ModelItem::Export(n) => {
                    let Some(x) = app.run_state.exports.get(n) else {
                        continue;
                    };
                    let what = match x.describe_members() {
                        Some(members) => format!("{} of {members}", x.selection),
                        None => x.selection.clone(),
                    };
                    let (validation, test) = (x.validation_accuracy, x.test_accuracy);
                    let dir = x.dir.display().to_string();
                    let (loss, images) = (None, TableValue::Null);
                    ("model", what.into(), Some(validation), Some(test), loss, images, dir.into())
                }
                ModelItem::Point { u, v, marked } => {
                    let known = measured_point(app, u, v);
                    let (point, exact) = (known.map(|k| k.0), known.is_some_and(|k| k.1));
                    let what = if marked { "marked" } else { "measured" };
                    let from = if exact { "measured here" } else { "nearest cell" };
                    let from = known.map(|_| from);
                    let images = point.map(|p| p.images);
                    let (accuracy, loss) = (point.map(|p| p.accuracy), point.map(|p| p.loss));
                    ("point", what.into(), accuracy, None, loss, images.into(), from.into())
                }
                ModelItem::Corner(n) => {
                    let Some(corner) = app.run_state.corners.get(&n) else {
                        continue;
                    };
                    let finished = app.run_state.finished.as_ref();
                    let test = finished.and_then(|f| f.corners_test.get(n).copied());
                    let (accuracy, loss) = (Some(corner.accuracy), Some(corner.loss));
                    let source = corner.source.as_str().into();
                    ("corner", (n + 1).into(), accuracy, test, loss, TableValue::Null, source)
                }
            };
        table.push_row([
            kind.into(),
            what,
            place.map(|p| p.0).into(),
            place.map(|p| p.1).into(),
            validation.into(),
            test.into(),
            loss.into(),
            images,
            from,
        ]);
    }
    table
}

pub fn runs(app: &App) -> DataTable {
    let mut table = DataTable::new(&[
        "run",
        "state",
        "alive",
        "best_accuracy",
        "best_loss",
        "stage",
        "done",
        "total",
        "degree",
        "network",
        "data",
        "begun",
        "bytes",
        "node",
        "path",
    ]);
    for run in views::runs::visible_runs(app) {
        table.push_row([
            run.id.as_str().into(),
            run.state.as_str().into(),
            run.alive.into(),
            run.best.into(),
            run.loss.into(),
            run.stage.map(|s| s.name()).into(),
            run.done.into(),
            run.total.into(),
            run.degrees.map(|d| d.to_string()).into(),
            run.network.as_deref().into(),
            run.data.as_deref().into(),
            run.begun.into(),
            run.bytes.into(),
            run.node.as_deref().into(),
            run.path.display().to_string().into(),
        ]);
    }
    table
}

/// The load that is remembered, a row a second, with a column for every graphics processor there is.
pub fn machine(app: &App) -> DataTable {
    let gpus = app.run_state.snapshot.as_ref();
    let gpus = gpus.map_or(0, |s| s.machine.gpus.len().min(MAX_GPUS));
    let mut table = DataTable::new(&[
        "seconds_ago",
        "units_per_second",
        "engine_memory_bytes",
        "engine_processors",
        "processors_busy",
        "memory_used_bytes",
    ]);
    table.columns.extend((0..gpus).map(|n| format!("gpu_{n}_busy")));
    let of = |figure: &dyn Fn(&LoadSample) -> f32| app.load_history.resample(figure, LoadHistory::MAX_SECONDS);
    let mut figures = vec![
        of(&|s| s.units_per_second),
        of(&|s| s.engine_memory),
        of(&|s| s.engine_cpus),
        of(&|s| s.cpu_fraction),
        of(&|s| s.used_memory),
    ];
    figures.extend((0..gpus).map(|n| of(&|s| s.gpu_fractions[n])));
    let count = app.load_history.len();
    for n in 0..count {
        let ago = TableValue::from(count - 1 - n);
        let row = figures.iter().map(|f| f.get(n).copied().map_or(TableValue::Null, single_precision));
        table.push_row(std::iter::once(ago).chain(row));
    }
    table
}

/// The lines of the log that are shown: seconds since the Unix epoch and since the run began.
pub fn log(app: &App) -> DataTable {
    let mut table = DataTable::new(&["time", "seconds", "topic", "error", "text"]);
    let began = app.run_state.began;
    for line in views::log::visible_lines(app) {
        table.push_row([
            line.time.into(),
            began.map(|b| (line.time - b).max(0.0)).into(),
            line.topic.name().into(),
            line.error.into(),
            line.text.as_str().into(),
        ]);
    }
    table
}
