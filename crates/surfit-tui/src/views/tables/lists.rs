//! The lists as tables: models, runs, the machine, the log.

use crate::app::App;
use crate::views::models::{self, ModelItem, measured_point};
use crate::views::tables::TableRows;
use crate::views::{
    self,
    machine::{LoadHistory, LoadSample, MAX_GPUS},
};
use surfit_core::table::{TableValue, shorten_decimals};

pub fn models(app: &App) -> TableRows<'_> {
    let items = models::items(app);
    let count = items.len();
    let rows = items.into_iter().filter_map(move |item| {
        let place = models::item_parameters(app, item);
        let (kind, what, validation, test, loss, images, from): (_, TableValue, _, _, _, TableValue, TableValue) =
            match item {
                ModelItem::Export(n) => {
                    let x = app.run_state.exports.get(n)?;
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
                    let corner = app.run_state.corners.get(&n)?;
                    let finished = app.run_state.finished.as_ref();
                    let test = finished.and_then(|f| f.corners_test.get(n).copied());
                    let (accuracy, loss) = (Some(corner.accuracy), Some(corner.loss));
                    let source = corner.source.as_str().into();
                    ("corner", (n + 1).into(), accuracy, test, loss, TableValue::Null, source)
                }
            };
        Some(vec![
            kind.into(),
            what,
            place.map(|p| p.0).into(),
            place.map(|p| p.1).into(),
            validation.into(),
            test.into(),
            loss.into(),
            images,
            from,
        ])
    });
    let columns = ["kind", "what", "u", "v", "validation_accuracy", "test_accuracy", "loss", "images", "from"];
    TableRows::new(&columns, count, rows)
}

pub fn runs(app: &App) -> TableRows<'_> {
    let columns = [
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
    ];
    let runs = views::runs::visible_runs(app);
    let count = runs.len();
    let rows = runs.into_iter().map(|run| {
        vec![
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
        ]
    });
    TableRows::new(&columns, count, rows)
}

/// The load that is remembered, a row a second, with a column for every graphics processor there is.
pub fn machine(app: &App) -> TableRows<'_> {
    let gpus = app.run_state.snapshot.as_ref();
    let gpus = gpus.map_or(0, |s| s.machine.gpus.len().min(MAX_GPUS));
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
    let rows = (0..count).map(move |n| {
        let row = figures.iter().map(|f| f.get(n).copied().map_or(TableValue::Null, shorten_decimals));
        std::iter::once((count - 1 - n).into()).chain(row).collect::<Vec<TableValue>>()
    });
    let columns = [
        "seconds_ago",
        "units_per_second",
        "engine_memory_bytes",
        "engine_processors",
        "processors_busy",
        "memory_used_bytes",
    ];
    let mut table = TableRows::new(&columns, count, rows);
    table.columns.extend((0..gpus).map(|n| format!("gpu_{n}_busy")));
    table
}

/// The lines of the log that are shown: seconds since the Unix epoch and since the run began.
pub fn log(app: &App) -> TableRows<'_> {
    let began = app.run_state.began;
    let lines = views::log::visible_lines(app);
    let count = lines.len();
    let rows = lines.into_iter().map(move |line| {
        vec![
            line.time.into(),
            began.map(|b| (line.time - b).max(0.0)).into(),
            line.topic.name().into(),
            line.error.into(),
            line.text.as_str().into(),
        ]
    });
    TableRows::new(&["time", "seconds", "topic", "error", "text"], count, rows)
}
