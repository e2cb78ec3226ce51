//! The written report: figures, tables of what happened, and the configuration.

use super::document::{Document, Part};
use super::{ReportError, write_figures};
use std::path::{Path, PathBuf};
use surfit_core::config::Config;
use surfit_core::event::{Finished, Stage};
use surfit_core::files::write_atomic;
use surfit_core::heatmap::Metric;
use surfit_core::picture::Picture;

/// Writes the figures, `report.md` and `report.html` into `folder` and returns all files.
///
/// # Errors
/// As [`write_figures`].
pub fn write_report(
    run: &str,
    config: &Config,
    picture: &Picture,
    folder: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = write_figures(run, picture, folder)?;
    let document = document(run, config, picture, &files)?;
    for (name, text) in [
        ("report.md", document.markdown()),
        ("report.html", document.html()),
    ] {
        let path = folder.join(name);
        write_atomic(&path, text.as_bytes()).map_err(|source| ReportError::Io {
            path: path.clone(),
            source,
        })?;
        files.push(path);
    }
    Ok(files)
}

fn document(
    run: &str,
    config: &Config,
    picture: &Picture,
    files: &[PathBuf],
) -> Result<Document, ReportError> {
    let mut parts = vec![Part::Text(opening(picture))];
    let figure = |name: &str, caption: &str| -> Result<Option<Part>, ReportError> {
        let stem = |p: &&PathBuf| p.file_stem().is_some_and(|s| s == name);
        let Some(path) = files
            .iter()
            .filter(|p| p.extension().is_some_and(|e| e == "svg"))
            .find(stem)
        else {
            return Ok(None);
        };
        let svg = std::fs::read_to_string(path).map_err(|source| ReportError::Io {
            path: path.clone(),
            source,
        })?;
        Ok(Some(Part::Figure {
            name: name.into(),
            caption: caption.into(),
            svg,
        }))
    };
    let headed = |heading: &str, part: Option<Part>| {
        part.map(|p| vec![Part::Heading(heading.into()), p])
            .unwrap_or_default()
    };
    parts.extend(headed("The surface", surface(picture)));
    parts.extend(figure(
        "heatmap-accuracy",
        "Validation accuracy on the surface. Corners are numbered, the star is the best point, and the \
         outline goes round what is better than every corner.",
    )?);
    parts.extend(figure(
        "heatmap-loss",
        "Validation cross-entropy on the surface.",
    )?);
    parts.extend(figure(
        "slices",
        "Accuracy along both parameters through the best point.",
    )?);
    parts.extend(headed("Models written", exports(picture)));
    parts.extend(headed("Corners", corners(picture)));
    parts.extend(headed(
        "Distances and angles of the corners",
        geometry(picture),
    ));
    parts.extend(headed("Alignment", alignment(picture)));
    parts.extend(headed(
        "Training",
        figure(
            "loss",
            "Training and validation loss of the corners and of the surface.",
        )?,
    ));
    parts.extend(headed("Changes of degree", degrees(picture)));
    parts.extend(headed("Time", times(picture)));
    parts.extend(headed(
        "Configuration",
        Some(Part::Verbatim(config.to_toml())),
    ));
    Ok(Document {
        title: format!("Report of {run}"),
        parts,
    })
}

fn percent(x: f64) -> String {
    format!("{:.2} %", 100.0 * x)
}

/// A difference of two fractions in points, with its sign.
fn points(x: f64) -> String {
    format!("{:+.2} points", 100.0 * x)
}

fn opening(picture: &Picture) -> String {
    let mut sentences = Vec::new();
    if let Some(i) = &picture.info {
        sentences.push(format!(
            "{} with {} weights on {} ({} training, {} validation and {} test images), computed in {} on {}.",
            i.network, i.parameters, i.data, i.images[0], i.images[1], i.images[2], i.compute, i.device
        ));
    }
    let best = picture
        .snapshot
        .as_ref()
        .and_then(|s| s.heatmap.best(Metric::Accuracy));
    if let (Some(best), Some(corner)) = (best, picture.best_corner()) {
        sentences.push(format!(
            "The best point of the surface, u {:.3} and v {:.3}, reaches {} on validation: {} against the \
             best corner's {}.",
            best.u,
            best.v,
            percent(best.accuracy),
            points(best.accuracy - corner),
            percent(corner)
        ));
    }
    sentences.push(match (&picture.finished, &picture.failed) {
        (Some(_), _) => "The job is finished.".into(),
        (None, Some(why)) => format!("The job failed: {why}"),
        (None, None) => "The job is not finished; all figures are of the state so far.".into(),
    });
    sentences.join(" ")
}

fn surface(picture: &Picture) -> Option<Part> {
    let snapshot = picture.snapshot.as_ref()?;
    let (heatmap, summary) = (&snapshot.heatmap, snapshot.heatmap.summary()?);
    let cells = heatmap.count();
    let mut rows = vec![
        ["kind".into(), snapshot.degrees.patch().name().into()],
        ["degree".into(), snapshot.degrees.to_string()],
        [
            "grid".into(),
            format!(
                "{0} × {0}, {1} of {cells} cells fresh",
                heatmap.grid,
                heatmap.fresh()
            ),
        ],
        ["mean accuracy".into(), percent(summary.mean)],
        [
            "mean of the interior".into(),
            percent(summary.interior_mean),
        ],
        ["mean of the corners".into(), percent(summary.corners_mean)],
        [
            "interior against corners".into(),
            points(summary.interior_mean - summary.corners_mean),
        ],
        [
            "lowest and highest".into(),
            format!("{} and {}", percent(summary.min), percent(summary.max)),
        ],
    ];
    // The test figure belongs to the point that was chosen then, not to whatever another grid has found since.
    let chosen = |f: &&Finished| heatmap.best(Metric::Accuracy) == Some(f.best);
    if let Some(f) = picture.finished.as_ref().filter(chosen) {
        let best = f.corners_test.iter().copied().max_by(f64::total_cmp);
        if let (Some(test), Some(corner)) = (f.best_test, best) {
            rows.push([
                "best point on test".into(),
                format!(
                    "{}, {} against the best corner's {}",
                    percent(test),
                    points(test - corner),
                    percent(corner)
                ),
            ]);
        }
    }
    Some(Part::Table(
        vec!["figure", "value"],
        rows.into_iter().map(Vec::from).collect(),
    ))
}

fn corners(picture: &Picture) -> Option<Part> {
    let tests = picture
        .finished
        .as_ref()
        .map(|f| f.corners_test.clone())
        .unwrap_or_default();
    let rows: Vec<Vec<String>> = picture
        .corners
        .values()
        .map(|c| {
            vec![
                (c.index + 1).to_string(),
                c.source.clone(),
                percent(c.accuracy),
                format!("{:.4}", c.loss),
                tests
                    .get(c.index)
                    .map_or_else(|| "–".into(), |t| percent(*t)),
                format!("{:.1} s", c.seconds),
            ]
        })
        .collect();
    let head = vec!["corner", "source", "validation", "loss", "test", "time"];
    (!rows.is_empty()).then_some(Part::Table(head, rows))
}

fn geometry(picture: &Picture) -> Option<Part> {
    let rows = picture.geometry.iter().flat_map(|g| {
        let seen = |pair: &(usize, usize)| {
            let others = g.pairs.iter().filter(|p| p.0 > 0);
            others.zip(&g.angles_at_first).find(|(p, _)| *p == pair)
        };
        g.pairs.iter().enumerate().map(move |(k, pair)| {
            let figure = |x: Option<&f64>, decimals: usize| {
                x.map_or_else(|| "–".into(), |x| format!("{x:.decimals$}"))
            };
            vec![
                if g.aligned { "aligned" } else { "as given" }.to_owned(),
                format!("{}–{}", pair.0 + 1, pair.1 + 1),
                figure(g.distances.get(k), 3),
                figure(g.angles.get(k), 1),
                figure(seen(pair).map(|(_, angle)| angle), 1),
            ]
        })
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let head = vec![
        "corners",
        "pair",
        "distance",
        "angle between the weights, °",
        "angle seen from corner 1, °",
    ];
    (!rows.is_empty()).then_some(Part::Table(head, rows))
}

fn alignment(picture: &Picture) -> Option<Part> {
    let rows: Vec<Vec<String>> = picture
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
    let head = vec![
        "corner",
        "units moved",
        "distance before",
        "distance after",
        "change of logits",
    ];
    (!rows.is_empty()).then_some(Part::Table(head, rows))
}

fn exports(picture: &Picture) -> Option<Part> {
    let place = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:.4}"));
    let rows: Vec<Vec<String>> = picture
        .exports
        .iter()
        .map(|x| {
            vec![
                x.selection.clone(),
                place(x.u),
                place(x.v),
                percent(x.validation_accuracy),
                percent(x.test_accuracy),
                x.dir.display().to_string(),
            ]
        })
        .collect();
    let head = vec!["chosen by", "u", "v", "validation", "test", "folder"];
    (!rows.is_empty()).then_some(Part::Table(head, rows))
}

fn degrees(picture: &Picture) -> Option<Part> {
    let rows: Vec<Vec<String>> = picture
        .degree_changes
        .iter()
        .map(|(step, from, to)| vec![step.to_string(), from.to_string(), to.to_string()])
        .collect();
    (!rows.is_empty()).then_some(Part::Table(vec!["step", "from", "to"], rows))
}

fn times(picture: &Picture) -> Option<Part> {
    let rows: Vec<Vec<String>> = Stage::ALL
        .iter()
        .filter_map(|s| {
            Some(vec![
                s.name().to_owned(),
                format!("{:.1} s", picture.seconds.get(s)?),
            ])
        })
        .collect();
    (!rows.is_empty()).then_some(Part::Table(vec!["stage", "time"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_test_figure_is_shown_only_for_the_point_it_was_measured_at() {
        let mut picture = sample::picture();
        let heatmap = picture.snapshot.as_ref().unwrap().heatmap.clone();
        let best = heatmap.best(Metric::Accuracy).unwrap();
        let finished = |best| Finished {
            corners: vec![0.87; 4],
            corners_test: vec![0.86; 4],
            degrees: surfit_core::surface::Degrees::LINEAR,
            best,
            best_test: Some(0.8815),
            interior_mean: 0.87,
            heatmap: heatmap.summary().unwrap(),
            grid: heatmap.grid,
            seconds: Default::default(),
            export: None,
            baselines: Vec::new(),
            steps: [0, 0],
        };
        let told = |picture: &Picture| {
            let Some(Part::Table(_, rows)) = surface(picture) else {
                panic!("no table")
            };
            rows.iter().any(|r| r[0] == "best point on test")
        };
        picture.finished = Some(finished(best));
        assert!(told(&picture));
        // Another grid was measured since, and its best is another point.
        picture.finished = Some(finished(surfit_core::heatmap::Point {
            u: best.u + 0.01,
            ..best
        }));
        assert!(!told(&picture));
    }

    #[test]
    fn a_report_has_its_tables_and_figures() {
        let dir = tempfile::tempdir().unwrap();
        let picture = sample::picture();
        let files = write_report("demo-1", &Config::default(), &picture, dir.path()).unwrap();
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
    fn a_run_without_anything_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refused = write_report("new", &Config::default(), &Picture::default(), dir.path());
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("no losses and no heatmap yet")
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = write_report(
            "x",
            &Config::default(),
            &sample::picture(),
            &file.join("figures"),
        );
        assert!(refused.unwrap_err().to_string().contains("figures"));
    }
}
