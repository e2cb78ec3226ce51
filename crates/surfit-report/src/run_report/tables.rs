//! The tables of the written report: data of events and snapshot, row by row; `None` without data.

use crate::document::ReportSection;
use surfit_core::event::{Geometry, JobResult, JobStage};
use surfit_core::heatmap::Metric;
use surfit_core::run_state::RunState;

/// A fraction as a percentage.
pub(super) fn format_percent(x: f64) -> String {
    format!("{:.2} %", 100.0 * x)
}

/// A difference of two fractions in points, with its sign.
pub(super) fn format_points(x: f64) -> String {
    format!("{:+.2} points", 100.0 * x)
}

pub(super) fn surface_table(run_state: &RunState) -> Option<ReportSection> {
    let snapshot = run_state.snapshot.as_ref()?;
    let (heatmap, summary) = (&snapshot.heatmap, snapshot.heatmap.summary(Metric::SELECTION)?);
    let cells = heatmap.surface_cell_count();
    let mut rows = vec![
        ["kind".into(), snapshot.degrees.patch().name().into()],
        ["degree".into(), snapshot.degrees.to_string()],
        [
            "grid".into(),
            format!(
                "{}, {} of {cells} measured on the present surface",
                heatmap.patch.describe_grid(heatmap.grid),
                heatmap.fresh_cell_count()
            ),
        ],
        ["mean accuracy".into(), format_percent(summary.mean)],
        ["mean of the interior".into(), format_percent(summary.interior_mean)],
        ["mean of the corners".into(), format_percent(summary.corners_mean)],
        ["interior against corners".into(), format_points(summary.interior_mean - summary.corners_mean)],
        ["lowest and highest".into(), format!("{} and {}", format_percent(summary.min), format_percent(summary.max))],
    ];
    // The test figure belongs to the point that was chosen then, not to whatever another grid has found since.
    let chosen = |f: &&JobResult| heatmap.best_point(Metric::SELECTION) == Some(f.best);
    if let Some(f) = run_state.finished.as_ref().filter(chosen) {
        let best = f.corners_test.iter().copied().max_by(f64::total_cmp);
        if let (Some(test), Some(corner)) = (f.best_test, best) {
            rows.push([
                "best point on test".into(),
                format!(
                    "{}, {} against the best corner's {}",
                    format_percent(test),
                    format_points(test - corner),
                    format_percent(corner)
                ),
            ]);
        }
    }
    Some(ReportSection::Table(vec!["figure", "value"], rows.into_iter().map(Vec::from).collect()))
}

/// Every metric over the surface: its best cell, its mean and that of the corners.
pub(super) fn metric_table(run_state: &RunState) -> Option<ReportSection> {
    let heatmap = &run_state.snapshot.as_ref()?.heatmap;
    let row = |metric: Metric| -> Option<Vec<String>> {
        let (summary, best) = (heatmap.summary(metric)?, heatmap.best_point(metric)?);
        let value = |x: f64| metric.format_value(x);
        Some(vec![
            metric.name().into(),
            value(best.metric_value(metric)?),
            heatmap.patch.format_parameters(best.u, best.v, 2),
            value(summary.mean),
            value(summary.corners_mean),
            if metric.higher_is_better() { "higher" } else { "lower" }.into(),
        ])
    };
    let rows: Vec<_> = heatmap.complete_metrics().into_iter().filter_map(row).collect();
    let head = vec!["metric", "best cell", "at", "mean", "mean of the corners", "better when"];
    (!rows.is_empty()).then_some(ReportSection::Table(head, rows))
}

pub(super) fn corner_table(run_state: &RunState) -> Option<ReportSection> {
    let tests = run_state.finished.as_ref().map(|f| f.corners_test.clone()).unwrap_or_default();
    let mut rows: Vec<Vec<String>> = run_state
        .corners
        .values()
        .map(|c| {
            vec![
                (c.index + 1).to_string(),
                c.source.clone(),
                format_percent(c.accuracy),
                c.own_statistics.map_or_else(|| "–".into(), |own| format_percent(own.accuracy)),
                format!("{:.4}", c.loss),
                tests.get(c.index).map_or_else(|| "–".into(), |t| format_percent(*t)),
                // A corner that was given, or trained in the fit, has no time of its own.
                if c.seconds > 0.0 { format!("{:.1} s", c.seconds) } else { "–".into() },
            ]
        })
        .collect();
    let mut head = vec!["corner", "source", "validation", "with own statistics", "loss", "test", "time"];
    if run_state.corners.values().all(|c| c.own_statistics.is_none()) {
        let column = 3;
        head.remove(column);
        rows.iter_mut().for_each(|row| drop(row.remove(column)));
    }
    (!rows.is_empty()).then_some(ReportSection::Table(head, rows))
}

pub(super) fn geometry_table(run_state: &RunState) -> Option<ReportSection> {
    let rows = run_state.geometry.iter().flat_map(|g| {
        let seen = |pair: &(usize, usize)| {
            let others = g.pairs.iter().filter(|p| p.0 > 0);
            others.zip(&g.angles_at_first).find(|(p, _)| *p == pair)
        };
        g.pairs.iter().enumerate().map(move |(k, pair)| {
            // Equal corners have no angle.
            let figure = |x: Option<&f64>, decimals: usize| {
                x.filter(|x| x.is_finite()).map_or_else(|| "–".into(), |x| format!("{x:.decimals$}"))
            };
            vec![
                match g {
                    Geometry { fitted: true, .. } => "after the fit",
                    Geometry { aligned: true, .. } => "aligned",
                    _ => "as given",
                }
                .to_owned(),
                format!("{}–{}", pair.0 + 1, pair.1 + 1),
                figure(g.distances.get(k), 3),
                figure(g.angles.get(k), 1),
                figure(seen(pair).map(|(_, angle)| angle), 1),
            ]
        })
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let head = vec!["corners", "pair", "distance", "angle between the weights, °", "angle seen from corner 1, °"];
    (!rows.is_empty()).then_some(ReportSection::Table(head, rows))
}

pub(super) fn alignment_table(run_state: &RunState) -> Option<ReportSection> {
    let rows: Vec<Vec<String>> = run_state
        .alignments
        .values()
        .map(|a| {
            vec![
                (a.index + 1).to_string(),
                format!("{:.0} %", 100.0 * a.moved),
                format!("{:.2}", a.distance[0]),
                format!("{:.2}", a.distance[1]),
                format!("{:.1e}", a.logit_change),
            ]
        })
        .collect();
    let head = vec!["corner", "units moved", "distance before", "distance after", "change of logits"];
    (!rows.is_empty()).then_some(ReportSection::Table(head, rows))
}

pub(super) fn export_table(run_state: &RunState) -> Option<ReportSection> {
    let place = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:.4}"));
    let rows: Vec<Vec<String>> = run_state
        .exports
        .iter()
        .map(|x| {
            vec![
                x.selection.clone(),
                place(x.u),
                place(x.v),
                format_percent(x.validation_accuracy),
                format_percent(x.test_accuracy),
                x.dir.display().to_string(),
            ]
        })
        .collect();
    let head = vec!["chosen by", "u", "v", "validation", "test", "folder"];
    (!rows.is_empty()).then_some(ReportSection::Table(head, rows))
}

pub(super) fn degree_table(run_state: &RunState) -> Option<ReportSection> {
    let rows: Vec<Vec<String>> = run_state
        .degree_changes
        .iter()
        .map(|(step, from, to)| vec![step.to_string(), from.to_string(), to.to_string()])
        .collect();
    (!rows.is_empty()).then_some(ReportSection::Table(vec!["step", "from", "to"], rows))
}

pub(super) fn stage_table(run_state: &RunState) -> Option<ReportSection> {
    let rows: Vec<Vec<String>> = JobStage::ALL
        .iter()
        .filter_map(|s| Some(vec![s.name().to_owned(), format!("{:.1} s", run_state.seconds.get(s)?)]))
        .collect();
    (!rows.is_empty()).then_some(ReportSection::Table(vec!["stage", "time"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    #[test]
    fn a_given_corner_has_its_figure_with_its_own_statistics_and_no_time() {
        let mut run_state = test_data::run_state();
        let table = |run_state: &RunState| match corner_table(run_state) {
            Some(ReportSection::Table(head, rows)) => (head, rows),
            _ => panic!("no table"),
        };
        assert_eq!(table(&run_state).0.len(), 6);
        let corner = run_state.corners.get_mut(&1).unwrap();
        corner.own_statistics = Some(surfit_core::event::OwnStatistics { accuracy: 0.9912, loss: 0.1 });
        let (head, rows) = table(&run_state);
        assert_eq!(head[3], "with own statistics");
        assert_eq!(rows[0][3], "–");
        assert_eq!(rows[1][3], format_percent(0.9912));
        assert_eq!(rows[1].last().unwrap(), "7.5 s");
        run_state.corners.get_mut(&1).unwrap().seconds = 0.0;
        assert_eq!(table(&run_state).1[1].last().unwrap(), "–");
    }

    #[test]
    fn a_test_figure_is_shown_only_for_the_point_it_was_measured_at() {
        let mut run_state = test_data::run_state();
        let heatmap = run_state.snapshot.as_ref().unwrap().heatmap.clone();
        let best = heatmap.best_point(Metric::ACCURACY).unwrap();
        let finished = |best| JobResult {
            corners: vec![0.87; 4],
            corners_test: vec![0.86; 4],
            degrees: surfit_core::surface::Degrees::LINEAR,
            best,
            best_test: Some(0.8815),
            interior_mean: 0.87,
            heatmap: heatmap.summary(Metric::SELECTION).unwrap(),
            grid: heatmap.grid,
            seconds: Default::default(),
            export: None,
            baselines: Vec::new(),
            steps: [0, 0],
        };
        let told = |run_state: &RunState| {
            let Some(ReportSection::Table(_, rows)) = surface_table(run_state) else { panic!("no table") };
            rows.iter().any(|r| r[0] == "best point on test")
        };
        run_state.finished = Some(finished(best));
        assert!(told(&run_state));
        // Another grid was measured since, and its best is another point.
        run_state.finished = Some(finished(surfit_core::heatmap::MeasuredPoint { u: best.u + 0.01, ..best }));
        assert!(!told(&run_state));
    }
}
