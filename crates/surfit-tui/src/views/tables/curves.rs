//! Loss curves as a table, and what is known at one place of them.

use crate::app::App;
use crate::views::loss::LossView;
use crate::views::plot::curves::{CurveOwner, CurveRequest, PlotTrace, curves_to_show};
use crate::views::plot::text;
use std::collections::BTreeMap;
use surfit_core::event::LossCurve;
use surfit_core::run_state::{RunState, ValidationPoint};
use surfit_core::table::{DataTable, TableValue, single_precision};

const COLUMNS: [&str; 12] = [
    "run",
    "curve",
    "step",
    "steps",
    "loss",
    "lowest",
    "highest",
    "smoothed",
    "learning_rate",
    "seconds",
    "validation_loss",
    "validation_accuracy",
];

/// Every curve as finely as it is known: a row a step, or a stretch of `steps` where a long curve is kept in parts, with
/// the measurements on validation at their steps. Runs that are laid over this one are there with their fits.
pub fn losses(app: &App) -> DataTable {
    let mut table = DataTable::new(&COLUMNS);
    let own = app.run_state.curves.keys();
    for &curve in own.filter(|c| **c != LossCurve::Surface) {
        add(&mut table, &app.run, &app.run_state, curve, &app.loss);
    }
    let fit = LossCurve::Surface;
    add(&mut table, &app.run, &app.run_state, fit, &app.loss);
    for other in &app.loss.overlays {
        add(&mut table, &other.name, &other.run_state, fit, &app.loss);
    }
    table
}

/// The curve's name: `surface`, `corner 1`.
fn name(curve: LossCurve) -> String {
    match curve {
        LossCurve::Surface => "surface".into(),
        LossCurve::Corner(n) => format!("corner {}", n + 1),
    }
}

fn full_trace(run_state: &RunState, curve: LossCurve, view: &LossView, time: bool) -> Option<PlotTrace> {
    let wanted = CurveRequest { window: (f64::NEG_INFINITY, f64::INFINITY), time, smoothing: view.smoothing() };
    PlotTrace::of(run_state, curve, CurveOwner::Own(curve), &wanted)
}

fn add(table: &mut DataTable, run: &str, run_state: &RunState, curve: LossCurve, view: &LossView) {
    let Some(trace) = full_trace(run_state, curve, view, false) else {
        return;
    };
    let mut measured: BTreeMap<u64, ValidationPoint> = trace.validations.iter().map(|(_, v)| (v.step, *v)).collect();
    let track = run_state.tracks.get(&curve);
    let mut row = |step: u64, steps: TableValue, figures: [TableValue; 4], validation: Option<ValidationPoint>| {
        // The mark of a step is set when it is done.
        let mark = track.and_then(|t| t.mark_at(step as f64 + 1.0));
        let [loss, lowest, highest, smoothed] = figures;
        table.push_row([
            run.into(),
            name(curve).into(),
            step.into(),
            steps,
            loss,
            lowest,
            highest,
            smoothed,
            mark.map(|m| m.rate).into(),
            mark.map(|m| m.seconds).into(),
            validation.map(|v| v.loss).into(),
            validation.map(|v| v.accuracy).into(),
        ]);
    };
    let ends = trace.samples.iter().skip(1).map(|s| s.step);
    let ends = ends.chain(std::iter::once(trace.end));
    for (sample, end) in trace.samples.iter().zip(ends) {
        let step = sample.step as u64;
        // Measured within the stretch before.
        let later = measured.split_off(&step);
        for (at, validation) in std::mem::replace(&mut measured, later) {
            row(at, TableValue::Null, Default::default(), Some(validation));
        }
        let range = sample.range;
        let figures = [range.map(|r| r.1), range.map(|r| r.0), range.map(|r| r.2), sample.smooth]
            .map(|x| x.map_or(TableValue::Null, |x| single_precision(x as f32)));
        let steps = (end - sample.step).max(0.0) as u64;
        row(step, steps.into(), figures, measured.remove(&step));
    }
    for (at, validation) in measured {
        row(at, TableValue::Null, Default::default(), Some(validation));
    }
}

/// What is known under the cursor of the curves, else at their end, in a line.
pub fn readout(app: &App) -> Option<String> {
    let (run_state, view) = (&app.run_state, &app.loss);
    let of = |curve: LossCurve| {
        let trace = full_trace(run_state, curve, view, view.time)?;
        let x = view.cursor.unwrap_or(trace.end);
        let sample = trace.sample_at(x)?;
        let mut text = format!("{} at step {}: ", name(curve), sample.step);
        text += &match sample.range {
            Some((_, mean, _)) => format!("loss {}", text::format_loss(mean)),
            None => "loss not finite".into(),
        };
        if let Some(smooth) = sample.smooth {
            text += &format!(", smoothed {}", text::format_loss(smooth));
        }
        if let Some(v) = trace.validation_at(x) {
            let accuracy = text::format_percent(v.accuracy, 2);
            text += &format!(", validation {} ({accuracy})", text::format_loss(v.loss));
        }
        Some(text)
    };
    let lines: Vec<String> = curves_to_show(run_state, view.show_corners).into_iter().filter_map(of).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
