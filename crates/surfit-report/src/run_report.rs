//! The written report: figures, tables of what happened, and the configuration.

mod tables;

use self::tables::{format_percent, format_points};
use super::document::{Document, ReportSection};
use super::{ReportError, write_figures};
use std::path::PathBuf;
use surfit_core::config::Config;
use surfit_core::files::{FileLocation, FilePath, read, write_atomic};
use surfit_core::heatmap::Metric;
use surfit_core::run_state::RunState;
use surfit_core::surface::Patch;

const MAX_FIGURE_BYTES: u64 = 256 << 20;

/// Writes the figures, `report.md` and `report.html` into `folder` and returns all files.
///
/// # Errors
/// As [`write_figures`].
pub fn write_report(
    run: &str,
    config: &Config,
    run_state: &RunState,
    folder: &(impl FileLocation + ?Sized),
) -> Result<Vec<PathBuf>, ReportError> {
    let folder = &FilePath::from_location(folder);
    let mut files = write_figures(run, run_state, folder)?;
    let drawn: Vec<FilePath> = files.iter().map(|f| folder.clone().with_path(f)).collect();
    let document = build_document(run, config, run_state, &drawn)?;
    for (name, text) in [("report.md", document.markdown()), ("report.html", document.html())] {
        let path = folder.join(name);
        write_atomic(&path, text.as_bytes()).map_err(|source| ReportError::Io { path: path.to_path_buf(), source })?;
        files.push(path.into_path());
    }
    Ok(files)
}

fn build_document(
    run: &str,
    config: &Config,
    run_state: &RunState,
    files: &[FilePath],
) -> Result<Document, ReportError> {
    let mut parts = vec![ReportSection::Text(summary_text(run_state))];
    let figure = |name: &str, caption: &str| -> Result<Option<ReportSection>, ReportError> {
        let stem = |p: &&FilePath| p.file_stem().is_some_and(|s| s == name);
        let Some(path) = files.iter().filter(|p| p.extension().is_some_and(|e| e == "svg")).find(stem) else {
            return Ok(None);
        };
        let svg = read(path, MAX_FIGURE_BYTES)
            .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other))
            .map_err(|source| ReportError::Io { path: path.to_path_buf(), source })?;
        Ok(Some(ReportSection::Figure { name: name.into(), caption: caption.into(), svg }))
    };
    let headed = |heading: &str, part: Option<ReportSection>| {
        part.map(|p| vec![ReportSection::Heading(heading.into()), p]).unwrap_or_default()
    };
    parts.extend(headed("The surface", tables::surface_table(run_state)));
    parts.extend(headed("Metrics", tables::metric_table(run_state)));
    parts.extend(figure(
        "heatmap-accuracy",
        "Validation accuracy on the surface. Corners are numbered, the star is the best point, and the \
         outline goes round what is better than every corner.",
    )?);
    parts.extend(figure("heatmap-loss", "Validation cross-entropy on the surface.")?);
    parts.extend(figure("slices", "Accuracy along both parameters through the best point.")?);
    parts.extend(headed("Models written", tables::export_table(run_state)));
    parts.extend(headed("Corners", tables::corner_table(run_state)));
    let warnings = run_state.corners.values().flat_map(|c| &c.warnings);
    parts.extend(warnings.map(|warning| ReportSection::Text(format!("Warning: {warning}."))));
    parts.extend(headed("Distances and angles of the corners", tables::geometry_table(run_state)));
    parts.extend(headed("Alignment", tables::alignment_table(run_state)));
    parts
        .extend(headed("Training", figure("loss", "Training and validation loss of the corners and of the surface.")?));
    parts.extend(headed("Changes of degree", tables::degree_table(run_state)));
    parts.extend(headed("Time", tables::stage_table(run_state)));
    parts.extend(headed("Configuration", Some(ReportSection::Verbatim(config.to_toml()))));
    Ok(Document { title: format!("Report of {run}"), sections: parts })
}

fn summary_text(run_state: &RunState) -> String {
    let mut sentences = Vec::new();
    if let Some(i) = &run_state.info {
        sentences.push(format!(
            "{} with {} weights on {} ({} training, {} validation and {} test images), computed in {} on {}{}.",
            i.network,
            i.parameters,
            i.data,
            i.images[0],
            i.images[1],
            i.images[2],
            i.compute,
            i.device,
            match i.node.as_str() {
                "" => String::new(),
                node => format!(" of node {node}"),
            }
        ));
        if !i.mean.is_empty() {
            let list = |all: &[f64]| {
                let all: Vec<String> = all.iter().map(|x| format!("{x:.4}")).collect();
                all.join(", ")
            };
            sentences.push(format!(
                "Images are normalized with mean {} and deviation {}.",
                list(&i.mean),
                list(&i.std)
            ));
        }
    }
    let patch = run_state.snapshot.as_ref().map_or(Patch::Square, |s| s.degrees.patch());
    let best = run_state.snapshot.as_ref().and_then(|s| s.heatmap.best_point(Metric::SELECTION));
    if let (Some(best), Some(corner)) = (best, run_state.best_corner_accuracy()) {
        sentences.push(format!(
            "The best point of the {}, at {}, reaches {} on validation: {} against the best corner's {}.",
            patch.name(),
            patch.format_parameters(best.u, best.v, 3),
            format_percent(best.accuracy),
            format_points(best.accuracy - corner),
            format_percent(corner)
        ));
    }
    sentences.push(match (&run_state.finished, &run_state.failed) {
        (Some(_), _) => "The job is finished.".into(),
        (None, Some(why)) => format!("The job failed: {why}"),
        (None, None) => "The job is not finished; all figures are of the state so far.".into(),
    });
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;
    use surfit_core::event::RunInfo;

    #[test]
    fn a_report_has_its_tables_and_figures() {
        let dir = tempfile::tempdir().unwrap();
        let run_state = test_data::run_state();
        let files = write_report("demo-1", &Config::default(), &run_state, dir.path()).unwrap();
        assert_eq!(files.len(), 2 * 4 + 2);
        assert!(files.iter().all(|f| f.metadata().unwrap().len() > 500));
        let text = std::fs::read_to_string(dir.path().join("report.md")).unwrap();
        for part in [
            "# Report of demo-1",
            "| 1 | seed 0, 8 epochs | 87.01 % |",
            "| 2 | 93 % | 31.20 | 24.90 |",
            "| fit | 24.5 s |",
            "| best | 0.5000 | 0.5000 | 88.62 % | 88.15 % |",
            "![Validation cross-entropy on the surface.](heatmap-loss.png)",
            "[fit]",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let html = std::fs::read_to_string(dir.path().join("report.html")).unwrap();
        assert_eq!(html.matches("<svg ").count(), 4);
    }

    #[test]
    fn a_run_that_branched_is_reported_before_and_after_its_corners_are_known() {
        let mut run_state = test_data::run_state_with_points(3);
        let snapshot = run_state.snapshot.as_mut().unwrap();
        snapshot.cost.trainable = surfit_core::surface::TrainablePoints::All;
        snapshot.control_points.iter_mut().for_each(|point| point.corner = false);
        run_state.alignments.clear();
        run_state.corners.values_mut().for_each(|corner| corner.seconds = 0.0);
        let report = |run_state: &RunState| {
            let dir = tempfile::tempdir().unwrap();
            write_report("demo-1", &Config::default(), run_state, dir.path()).unwrap();
            std::fs::read_to_string(dir.path().join("report.md")).unwrap()
        };
        let text = report(&run_state);
        assert!(text.contains("| 1 | seed 0, 8 epochs | 87.01 % | 0.3600 | – | – |"), "{text}");
        assert!(!text.contains("## Alignment"), "{text}");
        run_state.corners.clear();
        assert!(!report(&run_state).contains("## Corners"));
    }

    #[test]
    fn a_report_names_the_node() {
        let mut run_state = test_data::run_state();
        let mut info = RunInfo {
            run: "demo-1".into(),
            engine: "1".into(),
            device: "cuda:0".into(),
            compute: "bf16".into(),
            threads: 2,
            network: "cnn".into(),
            parameters: 7,
            data: "mnist".into(),
            images: [3, 2, 1],
            classes: Vec::new(),
            mean: Vec::new(),
            std: Vec::new(),
            node: String::new(),
        };
        for (node, said) in [
            ("", "computed in bf16 on cuda:0."),
            ("gpu7 (Slurm job 12)", "computed in bf16 on cuda:0 of node gpu7 (Slurm job 12)."),
        ] {
            info.node = node.into();
            run_state.info = Some(info.clone());
            let text = summary_text(&run_state);
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn a_run_without_anything_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refused = write_report("new", &Config::default(), &RunState::default(), dir.path());
        assert!(refused.unwrap_err().to_string().contains("no losses and no heatmap yet"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = write_report("x", &Config::default(), &test_data::run_state(), &file.join("figures"));
        assert!(refused.unwrap_err().to_string().contains("figures"));
    }
}
