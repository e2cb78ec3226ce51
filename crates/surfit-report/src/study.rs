//! The report of a study: tables of means and standard deviations, and a figure of all variants.

mod variants_figure;

use super::canvas::DrawableFigure;
use super::document::{Document, ReportSection};
use super::{HeatmapFigure, ReportError};
use std::path::{Path, PathBuf};
use surfit_core::colormap::Colormap;
use surfit_core::event::JobResult;
use surfit_core::heatmap::{Heatmap, HeatmapStyle, Metric};
use surfit_core::study::{MeanDeviation, Study, Variant, result_figures};
use variants_figure::VariantsFigure;

pub struct VariantOutcome<'a> {
    pub variant: &'a Variant,
    /// Results of the runs that are finished, by seed.
    pub finished: Vec<(u64, JobResult)>,
    /// The heatmap of the first seed's run.
    pub heatmap: Option<Heatmap>,
}

impl VariantOutcome<'_> {
    /// The spread of a figure over the finished runs.
    pub fn mean_deviation(&self, name: &str) -> Option<MeanDeviation> {
        let values: Vec<f64> =
            self.finished.iter().filter_map(|(_, f)| result_figures(f).into_iter().find(|x| x.0 == name)?.1).collect();
        MeanDeviation::from_values(&values)
    }
}

/// The columns of the table of surfaces: a heading, and a figure's name.
const SURFACE_COLUMNS: [(&str, &str); 7] = [
    ("corners", "corners, validation"),
    ("interior", "interior"),
    ("interior − corners", "interior − corners"),
    ("worst point", "worst point"),
    ("best point", "best point, validation"),
    ("best point on test", "best point, test"),
    ("− best corner on test", "best point − best corner, test"),
];

/// The columns of the table of what else can be made of the same corners, all on test.
const BASELINE_COLUMNS: [(&str, &str); 7] = [
    ("corners", "corners, test"),
    ("best corner", "best corner, test"),
    ("best point", "best point, test"),
    ("centroid", "centroid, test"),
    ("uniform soup", "uniform soup, test"),
    ("corner ensemble", "corner ensemble, test"),
    ("surface ensemble", "surface ensemble, test"),
];

/// A figure as a table has it: percent, and the deviation where there are several runs.
pub fn format_cell(spread: Option<MeanDeviation>, difference: bool) -> String {
    let Some(s) = spread else { return "–".into() };
    let mean = if difference { format!("{:+.2}", 100.0 * s.mean) } else { format!("{:.2}", 100.0 * s.mean) };
    if s.runs > 1 { format!("{mean} ± {:.2}", 100.0 * s.deviation) } else { mean }
}

fn outcome_table(outcomes: &[&VariantOutcome], columns: &[(&'static str, &'static str)]) -> ReportSection {
    let mut head = vec!["variant"];
    head.extend(columns.iter().map(|c| c.0));
    let row = |o: &&VariantOutcome| {
        let figure = |&(_, name): &(&str, &str)| format_cell(o.mean_deviation(name), name.contains('−'));
        let mut cells = vec![o.variant.title.clone()];
        cells.extend(columns.iter().map(figure));
        cells
    };
    ReportSection::Table(head, outcomes.iter().map(row).collect())
}

fn steps_table(outcomes: &[VariantOutcome]) -> ReportSection {
    let row = |o: &VariantOutcome| {
        let first = o.finished.first().map(|f| &f.1);
        let number = |n: Option<u64>| n.map_or("–".into(), |n| n.to_string());
        vec![
            o.variant.title.clone(),
            number(first.map(|f| f.corners.len() as u64)),
            number(first.map(|f| f.steps[0])),
            number(first.map(|f| f.steps[1])),
            o.finished.len().to_string(),
            o.variant.set.join(" "),
        ]
    };
    let head = vec!["variant", "corners", "steps a corner", "steps of the fit", "seeds", "settings"];
    ReportSection::Table(head, outcomes.iter().map(row).collect())
}

/// Writes `README.md` and its figures into `folder`, for as many runs as are finished. `settings` is the common
/// configuration as TOML. Gives the files in order.
///
/// # Errors
/// [`ReportError::Draw`], [`ReportError::Io`].
pub fn write_study(
    study: &Study,
    settings: &str,
    outcomes: &[VariantOutcome],
    folder: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Io { path, source }
    };
    surfit_core::files::create_folder(folder).map_err(io(folder))?;
    let mut files = Vec::new();
    let mut write_figure = |figure: &dyn Fn() -> Result<Vec<u8>, ReportError>, name: &str| {
        let path = folder.join(format!("{name}.png"));
        surfit_core::files::write_atomic(&path, &figure()?).map_err(io(&path))?;
        files.push(path);
        Ok::<(), ReportError>(())
    };
    let mut parts = Vec::new();
    if !study.text.trim().is_empty() {
        parts.push(ReportSection::Text(study.text.trim().into()));
    }
    let seeds: Vec<String> = study.seeds.iter().map(u64::to_string).collect();
    parts.push(ReportSection::Text(format!(
        "Accuracies in percent{}. Figures without a word on test are on validation images, which chose the points; no \
         point was chosen by test images. The best corner on test is the best of them there, which favours the corners.",
        match seeds.as_slice() {
            [one] => format!(", seed {one}"),
            all => format!(
                "; mean ± standard deviation over those of the seeds {} that are finished",
                all.join(", ")
            ),
        }
    )));
    let surfaces: Vec<&VariantOutcome> = outcomes.iter().filter(|o| !o.variant.network).collect();
    let networks: Vec<&VariantOutcome> = outcomes.iter().filter(|o| o.variant.network).collect();
    let shown: Vec<&VariantOutcome> = surfaces.iter().copied().filter(|o| !o.finished.is_empty()).collect();
    if !shown.is_empty() {
        let figure = VariantsFigure { outcomes: &shown, title: &study.title };
        write_figure(&|| figure.png(), "variants")?;
        parts.push(ReportSection::Heading("Surfaces".into()));
        parts.push(outcome_table(&surfaces, &SURFACE_COLUMNS));
        parts.push(ReportSection::Figure {
            name: "variants".into(),
            caption: "Worst point, interior mean and best point of every variant, against its corners".into(),
            svg: String::new(),
        });
    }
    let with: Vec<&VariantOutcome> =
        surfaces.iter().copied().filter(|o| o.finished.iter().any(|f| !f.1.baselines.is_empty())).collect();
    if !with.is_empty() {
        parts.push(ReportSection::Heading("What else the same corners give, on test".into()));
        parts.push(outcome_table(&with, &BASELINE_COLUMNS));
    }
    if !networks.is_empty() {
        parts.push(ReportSection::Heading("One network trained as long".into()));
        parts.push(outcome_table(&networks, &[("accuracy on test", "last corner, test")]));
    }
    parts.push(ReportSection::Heading("Heatmaps of the first seed".into()));
    for o in &surfaces {
        let Some(heatmap) = &o.heatmap else { continue };
        let name = format!("heatmap-{}", o.variant.name);
        let figure = HeatmapFigure {
            heatmap,
            metric: Metric::SELECTION,
            colormap: Colormap::default(),
            style: HeatmapStyle::default(),
            title: o.variant.title.clone(),
            marks: &[],
        };
        write_figure(&|| figure.png(), &name)?;
        parts.push(ReportSection::Figure { name, caption: o.variant.title.clone(), svg: String::new() });
    }
    parts.push(ReportSection::Heading("Steps and settings".into()));
    parts.push(steps_table(outcomes));
    parts.push(ReportSection::Verbatim(settings.into()));
    let document = Document { title: study.title.clone(), sections: parts };
    let path = folder.join("README.md");
    surfit_core::files::write_atomic(&path, document.markdown().as_bytes()).map_err(io(&path))?;
    files.insert(0, path);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_its_deviation_only_over_several_runs() {
        let s = |mean, deviation, runs| Some(MeanDeviation { mean, deviation, runs });
        assert_eq!(format_cell(s(0.8712, 0.004, 3), false), "87.12 ± 0.40");
        assert_eq!(format_cell(s(0.01, 0.0, 1), true), "+1.00");
        assert_eq!(format_cell(None, false), "–");
    }

    #[test]
    fn a_study_under_way_has_a_report_with_what_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        let variant = |name: &str| Variant {
            name: name.into(),
            title: format!("the {name} one"),
            set: vec!["fit.degree=2".into()],
            network: false,
        };
        let (a, b) = (variant("a"), variant("b"));
        let study = Study {
            title: "A study".into(),
            config: "x.toml".into(),
            seeds: vec![1, 2],
            text: "What it is about.".into(),
            set: Vec::new(),
            variants: vec![a.clone(), b.clone()],
        };
        let heatmap = crate::test_data::heatmap(5);
        let finished = |best: f64| JobResult {
            corners: vec![0.86, 0.85],
            corners_test: vec![0.85, 0.84],
            degrees: surfit_core::surface::Degrees::LINEAR,
            best: surfit_core::heatmap::MeasuredPoint {
                u: 0.5,
                v: 0.5,
                accuracy: best,
                loss: 0.4,
                images: 100,
                metrics: Default::default(),
            },
            best_test: Some(best - 0.01),
            interior_mean: 0.865,
            heatmap: heatmap.summary(Metric::SELECTION).unwrap(),
            grid: 5,
            seconds: Default::default(),
            export: None,
            baselines: Vec::new(),
            steps: [100, 200],
        };
        let outcomes = [
            VariantOutcome {
                variant: &a,
                finished: vec![(1, finished(0.88)), (2, finished(0.87))],
                heatmap: Some(heatmap.clone()),
            },
            VariantOutcome { variant: &b, finished: Vec::new(), heatmap: None },
        ];
        let files = write_study(&study, "seed = 1", &outcomes, dir.path()).unwrap();
        let text = std::fs::read_to_string(&files[0]).unwrap();
        assert!(text.contains("87.50 ± 0.71") && text.contains("| the b one | – |"), "{text}");
        assert!(text.contains("What it is about.") && text.contains("| 100 | 200 | 2 |"), "{text}");
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|f| f.exists()));
    }
}
