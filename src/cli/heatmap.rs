//! `surfit heatmap`: the measured surface as a table or a picture.

use super::args::{Format, HeatmapArgs, MapArg, MetricArg};
use super::fault::Fault;
use super::{out, place};
use crate::client::{ClientError, Said, Visit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::io::{IsTerminal, stderr, stdout};
use std::path::Path;
use surfit_core::colormap::Colormap;
use surfit_core::event::{Event, Stage};
use surfit_core::files::write_atomic;
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::protocol::Command;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_report::Figure;

/// Gets a complete heatmap, measuring it when that is needed, and writes it.
pub fn heatmap(args: HeatmapArgs) -> Result<(), Fault> {
    if let Some(why) = args.grid.and_then(Heatmap::refuse_grid) {
        return Err(Fault::Usage(format!("--grid: {why}")));
    }
    let format = form(&args)?;
    let run = place::find(&args.run)?;
    let snapshot = complete(&run, args.grid)?;
    let bytes = render(
        &run,
        &snapshot,
        format,
        args.metric.metric(),
        args.colormap.map(),
    )?;
    match &args.out {
        None => out::bytes(&bytes),
        Some(path) => write_atomic(path, &bytes)
            .map_err(|e| Fault::Failure(format!("{}: {e}; choose another --out", path.display()))),
    }
}

impl MetricArg {
    fn metric(self) -> Metric {
        match self {
            MetricArg::Accuracy => Metric::Accuracy,
            MetricArg::Loss => Metric::Loss,
        }
    }
}

impl MapArg {
    fn map(self) -> Colormap {
        match self {
            MapArg::Viridis => Colormap::Viridis,
            MapArg::Cividis => Colormap::Cividis,
            MapArg::Inferno => Colormap::Inferno,
            MapArg::Magma => Colormap::Magma,
            MapArg::Plasma => Colormap::Plasma,
            MapArg::Greys => Colormap::Greys,
        }
    }
}

/// The form that was asked for, or that the file's name asks for.
fn form(args: &HeatmapArgs) -> Result<Format, Fault> {
    let of_name = |path: &Path| match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "npy" => Some(Format::Npy),
        "png" => Some(Format::Png),
        "svg" => Some(Format::Svg),
        _ => None,
    };
    let format = match (args.format, args.out.as_deref()) {
        (Some(format), _) => format,
        (None, None) => Format::Csv,
        (None, Some(path)) => of_name(path).ok_or_else(|| {
            Fault::Usage(format!(
                "{}: the name does not say a form; use .csv, .json, .npy, .png or .svg, or give --format",
                path.display()
            ))
        })?,
    };
    let binary = matches!(format, Format::Png | Format::Npy);
    if binary && args.out.is_none() && stdout().is_terminal() {
        return Err(Fault::Usage(
            "this format is not for a terminal; name a file with --out, or redirect the output"
                .into(),
        ));
    }
    Ok(format)
}

/// A snapshot with a fresh and complete heatmap: the stored or live one when it is so, else a measured one.
fn complete(run: &RunDir, grid: Option<usize>) -> Result<Snapshot, Fault> {
    let fits = |s: &Snapshot| s.heatmap.complete() && grid.is_none_or(|g| g == s.heatmap.grid);
    if !run.is_alive()
        && let Some(stored) = run.snapshot().filter(fits)
    {
        return Ok(stored);
    }
    let mut measuring = Measuring {
        visit: Visit::begin(run)?,
        bar: bar(),
        complete: false,
    };
    let live = measuring.visit.latest();
    if fits(live) {
        return Ok(live.clone());
    }
    if let Some(grid) = grid.filter(|&g| g != live.heatmap.grid) {
        measuring.command(Command::SetGrid { grid })?;
    }
    measuring.command(Command::Measure)?;
    measuring.until(run, fits)
}

fn bar() -> ProgressBar {
    let target = if stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(4)
    } else {
        ProgressDrawTarget::hidden()
    };
    let style =
        ProgressStyle::with_template("{bar:28.cyan/dim} measuring {pos}/{len} cells, {eta} left");
    let style = style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    ProgressBar::with_draw_target(None, target).with_style(style)
}

/// A visit that waits for a heatmap.
struct Measuring {
    visit: Visit,
    bar: ProgressBar,
    complete: bool,
}

impl Measuring {
    /// Sends a command and waits for its answer.
    fn command(&mut self, command: Command) -> Result<(), Fault> {
        let id = self.visit.send(command)?;
        loop {
            if let Some((of, error)) = self.step()?
                && of == id
            {
                return error.map_or(Ok(()), |e| Err(Fault::Failure(e)));
            }
        }
    }

    /// Waits for a snapshot that is wanted: a live one, or after the measurement the stored one.
    fn until(
        &mut self,
        run: &RunDir,
        wanted: impl Fn(&Snapshot) -> bool,
    ) -> Result<Snapshot, Fault> {
        let found = loop {
            if wanted(self.visit.latest()) {
                break self.visit.latest().clone();
            }
            if self.complete
                && let Some(stored) = run.snapshot().filter(&wanted)
            {
                break stored;
            }
            self.step()?;
        };
        self.bar.finish_and_clear();
        Ok(found)
    }

    /// Takes one message in; gives a reply when it was one.
    fn step(&mut self) -> Result<Option<(u64, Option<String>)>, Fault> {
        match self.visit.next() {
            Ok(Said::Reply(id, error)) => return Ok(Some((id, error))),
            Ok(Said::Snapshot) => {
                let snapshot = self.visit.latest();
                if snapshot.stage == Stage::Heatmap {
                    self.bar.set_length(snapshot.heatmap.cells.len() as u64);
                    self.bar.set_position(snapshot.heatmap.fresh() as u64);
                }
            }
            Ok(Said::Event(Event::Failed { message })) => return Err(Fault::Failure(message)),
            Ok(Said::Event(Event::HeatmapComplete { .. })) => self.complete = true,
            Ok(Said::Event(_) | Said::Nothing) => {}
            Err(ClientError::Closed) => {
                return Err(Fault::Failure(
                    "the engine ended before the heatmap was complete; look at log.txt in the run's \
                     directory, then try again"
                        .into(),
                ));
            }
            Err(other) => return Err(other.into()),
        }
        Ok(None)
    }
}

fn render(
    run: &RunDir,
    snapshot: &Snapshot,
    format: Format,
    metric: Metric,
    map: Colormap,
) -> Result<Vec<u8>, Fault> {
    let heatmap = &snapshot.heatmap;
    let title = || surfit_report::heatmap_title(&run.id(), snapshot.degrees, metric);
    let picture = |bytes: Result<Vec<u8>, surfit_report::ReportError>| {
        bytes.map_err(|e| Fault::Failure(e.to_string()))
    };
    let spec = || surfit_report::HeatmapFigure {
        heatmap,
        metric,
        colormap: map,
        title: title(),
        marks: &snapshot.marks,
    };
    Ok(match format {
        Format::Csv => heatmap.to_csv().into_bytes(),
        Format::Npy => heatmap.to_npy(metric),
        Format::Json => format!("{}\n", to_json(heatmap)).into_bytes(),
        Format::Png => picture(spec().png())?,
        Format::Svg => picture(spec().svg().map(String::into_bytes))?,
    })
}

fn to_json(heatmap: &Heatmap) -> serde_json::Value {
    let cells = (0..heatmap.cells.len()).map(|i| {
        let (u, v) = heatmap.parameters(i);
        let cell = &heatmap.cells[i];
        json!({
            "u": u, "v": v,
            "accuracy": cell.accuracy(),
            "interval": cell.interval(),
            "loss": Metric::Loss.of(cell),
            "images": cell.images,
        })
    });
    json!({
        "grid": heatmap.grid,
        "best": heatmap.best(Metric::Accuracy),
        "summary": heatmap.summary(),
        "cells": cells.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::heatmap::Cell;

    #[test]
    fn json_has_every_cell_and_no_nan() {
        let mut heatmap = Heatmap::new(surfit_core::surface::Patch::Square, 2);
        heatmap.cells[1] = Cell {
            correct: 9,
            images: 10,
            loss: f32::NAN,
            version: 0,
        };
        let json = to_json(&heatmap);
        assert_eq!(json["cells"].as_array().map(Vec::len), Some(4));
        assert_eq!(json["cells"][1]["accuracy"], 0.9);
        assert!(json["cells"][1]["loss"].is_null() && json["cells"][0]["accuracy"].is_null());
        assert_eq!(json["best"]["v"], 1.0);
    }
}
