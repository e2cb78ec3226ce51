//! `surfit ls`: the runs there are.

use super::args::LsArgs;
use super::fault::Fault;
use super::out;
use crate::client::runs::{self, Line};
use surfit_core::run_dir::RunDir;

/// Lists runs, the most recently begun first.
pub fn ls(args: LsArgs) -> Result<(), Fault> {
    let lines = runs::list();
    if args.json {
        return lines.iter().try_for_each(out::json);
    }
    if lines.is_empty() {
        return out::line(format!(
            "no runs in {}; `surfit` begins one",
            RunDir::default_root().display()
        ));
    }
    out::bytes(table(&lines).as_bytes())
}

fn table(lines: &[Line]) -> String {
    let head = [
        "RUN", "STATE", "STAGE", "DEGREE", "NETWORK", "BEST", "BEGAN",
    ]
    .map(String::from);
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(lines.iter().map(row)).collect();
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &w)| format!("{cell:<w$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

fn row(line: &Line) -> [String; 7] {
    let dash = || "–".to_owned();
    let stage = match line.stage {
        Some(stage) if line.total > 0 && line.state != "finished" => {
            let percent = 100.0 * line.done as f64 / line.total as f64;
            format!("{} {percent:.0} %", stage.name())
        }
        Some(stage) => stage.name().to_owned(),
        None => dash(),
    };
    let best = line
        .best
        .map(|p| format!("{:.2} % at {:.2},{:.2}", 100.0 * p.accuracy, p.u, p.v));
    [
        line.run.clone(),
        line.state.to_owned(),
        stage,
        line.degrees.map_or_else(dash, |d| d.to_string()),
        line.network.clone().unwrap_or_else(dash),
        best.unwrap_or_else(dash),
        line.began.map_or_else(dash, runs::ago),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::event::Stage;
    use surfit_core::heatmap::Point;

    #[test]
    fn columns_line_up() {
        let line = Line {
            run: "demo-20260101-000000".into(),
            dir: "/x".into(),
            state: "running",
            alive: true,
            stage: Some(Stage::Fit),
            done: 1,
            total: 4,
            degrees: surfit_core::surface::Degrees::new(2, 3).ok(),
            network: Some("cnn".into()),
            best: Some(Point {
                u: 0.5,
                v: 0.25,
                accuracy: 0.8765,
                loss: 0.3,
                images: 100,
            }),
            failed: None,
            pid: Some(7),
            heartbeat: Some(100.0),
            began: Some(0.0),
        };
        let bare = Line {
            stage: None,
            best: None,
            began: None,
            network: None,
            ..line.clone()
        };
        let text = table(&[line, bare]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].contains("fit 25 %") && lines[1].contains("87.65 % at 0.50,0.25"),
            "{text}"
        );
        assert!(lines[1].ends_with(" d ago"), "{text}");
        let column = |l: &str, what: &str| l.find(what).map(|at| l[..at].chars().count());
        assert_eq!(column(lines[0], "BEST"), column(lines[1], "87.65 %"));
    }
}
