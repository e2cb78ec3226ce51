//! `surfit heatmap`: writes the heatmap as a table, an array or an image.

mod complete_heatmap;

use super::args::{HeatmapArgs, HeatmapFormat};
use super::error::CliError;
use super::{output, run_lookup};
use clap::ValueEnum;
use complete_heatmap::{HeatmapAfter, fetch_complete_heatmap};
use std::io::{IsTerminal, stdout};
use std::path::Path;
use surfit_core::colormap::Colormap;
use surfit_core::files::write_atomic;
use surfit_core::heatmap::{CellQuantity, Heatmap, Metric};
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_report::DrawableFigure;

/// Writes a complete heatmap, which is measured first if needed.
pub fn run_command(args: HeatmapArgs) -> Result<(), CliError> {
    if let Some(why) = args.grid.and_then(Heatmap::check_grid) {
        return Err(CliError::Usage(format!("--grid: {why}")));
    }
    let format = output_format(&args)?;
    let run = run_lookup::find_run(&args.run)?;
    let had = run.snapshot().map(|s| s.heatmap);
    let (snapshot, kept) = fetch_complete_heatmap(&run, args.grid, args.keep)?;
    let bytes = render(&run, &snapshot, format, args.metric, args.colormap)?;
    match &args.out {
        None => output::print_bytes(&bytes)?,
        Some(path) => {
            // Inside the run no link is followed.
            let place = std::path::absolute(path).map_or(path.clone().into(), |p| run.confine(&p));
            write_atomic(&place, &bytes)
                .map_err(|e| CliError::Failure(format!("{}: {e}; choose another --out", path.display())))?;
            output::print_line(format!("{}: {}", path.display(), summarize_heatmap(&snapshot.heatmap, args.metric)))?;
        }
    }
    if let Some(sentence) = describe_missing_metric(&snapshot.heatmap, args.metric) {
        output::print_warning(sentence);
    }
    if let Some(sentence) = describe_change(had.as_ref(), &snapshot.heatmap, kept) {
        // Standard output may be the table itself.
        output::print_warning(sentence);
    }
    Ok(())
}

fn summarize_heatmap(heatmap: &Heatmap, metric: Metric) -> String {
    // The best of some cells is not that of the surface.
    let best = heatmap.best_point(metric).filter(|_| heatmap.has_complete_metric(metric)).map(|p| {
        let value = p.metric_value(metric).map_or_else(|| "?".into(), |v| metric.format_value(v));
        format!(", best {value} at {}", heatmap.patch.format_parameters(p.u, p.v, 2))
    });
    format!("{} on {}{}", metric.name(), heatmap.patch.describe_grid(heatmap.grid), best.unwrap_or_default())
}

/// Returns a sentence for a metric that no cell has, with those that the cells have.
fn describe_missing_metric(heatmap: &Heatmap, metric: Metric) -> Option<String> {
    let measured = heatmap.measured_metrics();
    (!measured.contains(&metric)).then(|| {
        let ids: Vec<_> = measured.into_iter().map(Metric::id).collect();
        format!("no cell has a {} ({metric}); cells have {}", metric.name(), ids.join(", "))
    })
}

/// Describes how a measurement on another grid than the run's changed the run.
fn describe_change(had: Option<&Heatmap>, shown: &Heatmap, kept: HeatmapAfter) -> Option<String> {
    let had = had.filter(|h| h.is_complete() && h.grid != shown.grid)?;
    let points = |h: &Heatmap| h.patch.describe_grid(h.grid);
    let best = |h: &Heatmap| {
        let best = h.best_point(Metric::SELECTION);
        best.map_or_else(String::new, |p| {
            format!("{:.2} % at {}", 100.0 * p.accuracy, h.patch.format_parameters(p.u, p.v, 2))
        })
    };
    Some(match kept {
        HeatmapAfter::Previous => format!(
            "the run keeps its heatmap of {} and its best point, {}; use --keep to replace them",
            points(had),
            best(had)
        ),
        HeatmapAfter::Shown => format!(
            "the run's heatmap now has {} instead of {}; its best point changed from {} to {}",
            points(shown),
            points(had),
            best(had),
            best(shown)
        ),
    })
}

/// Returns the format of the option or of the file's name.
fn output_format(args: &HeatmapArgs) -> Result<HeatmapFormat, CliError> {
    let of_name = |path: &Path| HeatmapFormat::from_str(path.extension()?.to_str()?, true).ok();
    let format = match (args.format, args.out.as_deref()) {
        (Some(format), _) => format,
        (None, None) => HeatmapFormat::Csv,
        (None, Some(path)) => of_name(path).ok_or_else(|| {
            CliError::Usage(format!(
                "{}: the name has no known format; use .csv, .json, .npy, .png or .svg, or give --format",
                path.display()
            ))
        })?,
    };
    let binary = matches!(format, HeatmapFormat::Png | HeatmapFormat::Npy);
    if binary && args.out.is_none() && stdout().is_terminal() {
        return Err(CliError::Usage(
            "this format cannot be printed on a terminal; name a file with --out, or redirect the output".into(),
        ));
    }
    Ok(format)
}

fn render(
    run: &RunDir,
    snapshot: &Snapshot,
    format: HeatmapFormat,
    metric: Metric,
    map: Colormap,
) -> Result<Vec<u8>, CliError> {
    let heatmap = &snapshot.heatmap;
    let title = || surfit_report::quantity_title(&run.id(), snapshot.degrees, metric, CellQuantity::Value);
    let image = |bytes: Result<Vec<u8>, surfit_report::ReportError>| bytes.map_err(CliError::from);
    let spec = || surfit_report::HeatmapFigure {
        heatmap,
        metric,
        colormap: map,
        style: surfit_core::heatmap::HeatmapStyle::default(),
        title: title(),
        marks: &snapshot.marks,
    };
    Ok(match format {
        HeatmapFormat::Csv => heatmap.to_csv().into_bytes(),
        HeatmapFormat::Npy => heatmap.to_npy(metric),
        HeatmapFormat::Json => format!("{}\n", heatmap.to_json()).into_bytes(),
        HeatmapFormat::Png => image(spec().png())?,
        HeatmapFormat::Svg => image(spec().svg().map(String::into_bytes))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::heatmap::Cell;
    use surfit_core::surface::Patch;

    fn measured_heatmap(grid: usize) -> Heatmap {
        let mut heatmap = Heatmap::new(Patch::Square, grid);
        for (index, cell) in heatmap.cells.iter_mut().enumerate() {
            *cell = Cell::from_counts(index as u32, 200, 0.5, 0);
        }
        heatmap
    }

    #[test]
    fn a_metric_that_no_cell_has_is_told() {
        let mut heatmap = Heatmap::new(Patch::Square, 2);
        heatmap.cells.fill(Cell::from_counts(9, 10, f32::NAN, 0));
        assert_eq!(describe_missing_metric(&heatmap, Metric::ACCURACY), None);
        let sentence = describe_missing_metric(&heatmap, Metric::LOSS).unwrap();
        assert_eq!(sentence, "no cell has a loss (loss); cells have accuracy");
    }

    #[test]
    fn a_change_of_the_runs_best_point_is_said() {
        let (coarse, fine) = (measured_heatmap(3), measured_heatmap(5));
        assert_eq!(
            summarize_heatmap(&fine, Metric::ACCURACY),
            "accuracy on 5×5 points, best 12.00 % at u 1.00, v 1.00"
        );
        let kept = describe_change(Some(&fine), &coarse, HeatmapAfter::Previous).unwrap();
        assert!(kept.contains("keeps its heatmap of 5×5 points") && kept.contains("12.00 %"), "{kept}");
        let shown = describe_change(Some(&coarse), &fine, HeatmapAfter::Shown).unwrap();
        assert!(shown.contains("now has 5×5 points instead of 3×3 points"), "{shown}");
        assert!(shown.contains("from 4.00 % at") && shown.contains("to 12.00 %"));
        assert_eq!(describe_change(Some(&fine), &fine, HeatmapAfter::Shown), None);
        assert_eq!(describe_change(None, &fine, HeatmapAfter::Shown), None);
    }
}
