//! Loss curves as a table, and what is known at one place of them.

use crate::app::App;
use crate::views::loss::LossView;
use crate::views::plot::curves::{CurveOwner, CurveRequest, PlotTrace, curves_to_show};
use crate::views::plot::text;
use crate::views::tables::TableRows;
use std::collections::BTreeMap;
use surfit_core::event::LossCurve;
use surfit_core::run_state::{RunState, ValidationPoint};
use surfit_core::table::{TableValue, shorten_decimals};

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
pub fn losses(app: &App) -> TableRows<'_> {
    let corners = app.run_state.curves.keys().copied().filter(|c| *c != LossCurve::Surface);
    let own = corners.chain([LossCurve::Surface]).map(|curve| (app.run.as_str(), &app.run_state, curve));
    let others = app.loss.overlays.iter().map(|other| (other.name.as_str(), &other.run_state, LossCurve::Surface));
    let curves: Vec<(&str, &RunState, LossCurve)> = own.chain(others).collect();
    let count = |(_, state, curve): &(_, &RunState, _)| {
        let steps = state.curves.get(curve).map_or(0, |series| series.finest_buckets().count());
        steps + state.validations.get(curve).map_or(0, Vec::len)
    };
    let count = curves.iter().map(count).sum();
    let rows = curves.into_iter().flat_map(move |(run, run_state, curve)| curve_rows(run, run_state, curve, &app.loss));
    TableRows::new(&COLUMNS, count, rows)
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

fn curve_rows<'a>(
    run: &'a str,
    run_state: &'a RunState,
    curve: LossCurve,
    view: &LossView,
) -> impl Iterator<Item = Vec<TableValue>> + 'a {
    let track = run_state.tracks.get(&curve);
    let row = move |step: u64, steps: TableValue, figures: [TableValue; 4], validation: Option<ValidationPoint>| {
        // The mark of a step is set when it is done.
        let mark = track.and_then(|t| t.mark_at(step as f64 + 1.0));
        let [loss, lowest, highest, smoothed] = figures;
        vec![
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
        ]
    };
    full_trace(run_state, curve, view, false).into_iter().flat_map(move |trace| {
        let mut measured: BTreeMap<u64, ValidationPoint> =
            trace.validations.iter().map(|(_, v)| (v.step, *v)).collect();
        (0..=trace.samples.len()).flat_map(move |n| {
            let sample = trace.samples.get(n);
            // Measured within the stretch before, or after the last one.
            let later = sample.map_or_else(BTreeMap::new, |s| measured.split_off(&(s.step as u64)));
            let before = std::mem::replace(&mut measured, later).into_iter();
            let mut rows: Vec<Vec<TableValue>> =
                before.map(|(at, v)| row(at, TableValue::Null, Default::default(), Some(v))).collect();
            if let Some(sample) = sample {
                let (step, range) = (sample.step as u64, sample.range);
                let end = trace.samples.get(n + 1).map_or(trace.end, |next| next.step);
                let steps = (end - sample.step).max(0.0) as u64;
                let figures = [range.map(|r| r.1), range.map(|r| r.0), range.map(|r| r.2), sample.smooth]
                    .map(|x| x.map_or(TableValue::Null, |x| shorten_decimals(x as f32)));
                rows.push(row(step, steps.into(), figures, measured.remove(&step)));
            }
            rows
        })
    })
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
