//! The table of runs.

use surfit_client::runs::{self, RunSummary};
use surfit_core::run_dir::EngineNode;
use surfit_core::surface::Patch;
use surfit_core::text::{MAX_NAME_CHARS, to_printable};

/// A column: its heading, its minimum width, and its place in the order in which columns are dropped when narrowing is not
/// enough (0: never).
struct TableColumn {
    heading: &'static str,
    min_width: usize,
    drop_order: u8,
    cell: fn(&RunSummary) -> String,
}

const COLUMNS: [TableColumn; 10] = [
    column("RUN", 16, 0, |l| l.run.clone()),
    column("STATE", 0, 0, |l| l.state.to_string()),
    column("NODE", 8, 0, |l| text_or_dash(l.node.as_ref())),
    column("PROGRESS", 0, 0, progress_cell),
    column("NETWORK", 8, 4, |l| text_or_dash(l.network.as_ref())),
    column("DATA", 7, 2, |l| text_or_dash(l.data.as_ref())),
    column("DEGREE", 0, 0, |l| l.degrees.map_or_else(dash, |d| d.to_string())),
    column("BEST", 7, 0, best_cell),
    column("AGE", 0, 3, |l| l.began.map_or_else(dash, age_cell)),
    column("SIZE", 0, 1, |l| l.bytes.map_or_else(dash, runs::format_size)),
];

const fn column(head: &'static str, least: usize, leave: u8, cell: fn(&RunSummary) -> String) -> TableColumn {
    TableColumn { heading: head, min_width: least, drop_order: leave, cell }
}

const COLUMN_GAP: usize = 2;

/// Most columns that a cell is padded to where the width is not bounded.
const MAX_PADDED_WIDTH: usize = 40;

fn dash() -> String {
    "–".into()
}

fn text_or_dash(value: Option<&String>) -> String {
    value.cloned().unwrap_or_else(dash)
}

fn progress_cell(line: &RunSummary) -> String {
    match line.stage {
        _ if line.state == "finished" => "done".into(),
        Some(stage) if line.total > 0 => {
            let percent = 100.0 * line.done as f64 / line.total as f64;
            format!("{} {percent:.0} %", stage.name())
        }
        Some(stage) => stage.name().into(),
        None => dash(),
    }
}

fn best_cell(line: &RunSummary) -> String {
    let patch = line.degrees.map_or(Patch::Square, |d| d.patch());
    line.best.map_or_else(dash, |p| {
        let place = match patch {
            Patch::Curve => format!("{:.2}", p.u),
            _ => format!("{:.2},{:.2}", p.u, p.v),
        };
        format!("{:.2} % at {place}", 100.0 * p.accuracy)
    })
}

fn age_cell(began: f64) -> String {
    let ago = runs::format_time_ago(began);
    ago.strip_suffix(" ago").unwrap_or(&ago).to_owned()
}

/// Formats runs as lines of at most `width` characters, or of any length.
pub fn format_table(lines: &[RunSummary], width: Option<usize>) -> String {
    let here = &EngineNode::current().host;
    let on_other_node = |l: &RunSummary| l.elsewhere || l.node.as_ref().is_some_and(|node| node != here);
    // The node is shown only when a run is on another one.
    let nodes = lines.iter().any(on_other_node);
    let mut columns: Vec<(&TableColumn, Vec<String>)> = COLUMNS
        .iter()
        .filter(|c| nodes || c.heading != "NODE")
        .map(|c| {
            let cells = lines.iter().map(|line| to_printable(&(c.cell)(line), MAX_NAME_CHARS).into_owned());
            (c, std::iter::once(c.heading.to_owned()).chain(cells).collect())
        })
        .collect();
    let natural = |cells: &[String]| cells.iter().map(|c| c.chars().count()).max().unwrap_or(0);
    let mut widths: Vec<usize> = columns.iter().map(|(_, cells)| natural(cells)).collect();
    if width.is_none() {
        // A long name is printed in full, without padding every line to its width.
        widths.iter_mut().for_each(|w| *w = (*w).min(MAX_PADDED_WIDTH));
    }
    if let Some(max_width) = width {
        loop {
            let total = widths.iter().sum::<usize>() + COLUMN_GAP * (widths.len() - 1);
            let Some(over) = total.checked_sub(max_width).filter(|o| *o > 0) else {
                break;
            };
            // The column with most spare width shrinks first.
            let spare = |i: &usize| match columns[*i].0.min_width {
                0 => 0,
                least => widths[*i].saturating_sub(least),
            };
            let widest = (0..widths.len()).max_by_key(spare).filter(|i| spare(i) > 0);
            if let Some(i) = widest {
                let all: usize = (0..widths.len()).map(|i| spare(&i)).sum();
                // If that is not enough, a whole column is dropped and the others stay readable.
                if all >= over {
                    widths[i] -= 1;
                    continue;
                }
            }
            let next =
                (0..columns.len()).filter(|&i| columns[i].0.drop_order > 0).min_by_key(|&i| columns[i].0.drop_order);
            match (next, widest) {
                (Some(i), _) => {
                    columns.remove(i);
                    widths.remove(i);
                }
                (None, Some(i)) => widths[i] -= 1,
                (None, None) => break,
            }
        }
    }
    let mut text = String::new();
    for row in 0..=lines.len() {
        let cells = columns.iter().zip(&widths).map(|((_, cells), &w)| match width {
            Some(_) => format!("{:<w$}", truncate_cell(&cells[row], w)),
            None => format!("{:<w$}", cells[row]),
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// Shortens a text to at most `width` characters. A long name keeps its beginning and its end, where runs differ. The place
/// after a value is dropped as a whole.
fn truncate_cell(text: &str, width: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= width {
        return text.to_owned();
    }
    if let Some((figure, _)) = text.split_once(" at ") {
        return figure.to_owned();
    }
    let tail = width.saturating_sub(1) / 2;
    let head = width.saturating_sub(1) - tail;
    all[..head].iter().chain(&['…']).chain(&all[all.len() - tail..]).collect()
}

/// Returns the number of columns of the terminal on standard output.
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::event::JobStage;
    use surfit_core::heatmap::MeasuredPoint;

    fn lines() -> Vec<RunSummary> {
        let line = RunSummary {
            run: "demo-20260101-000000".into(),
            dir: "/x".into(),
            state: "running".into(),
            alive: true,
            stage: Some(JobStage::Fit),
            done: 1,
            total: 4,
            degrees: surfit_core::surface::Degrees::new(2, 3).ok(),
            network: Some("resnet18-cifar".into()),
            data: Some("fashion-mnist-16k".into()),
            bytes: Some(3_400_000),
            best: Some(MeasuredPoint {
                u: 0.5,
                v: 0.25,
                accuracy: 0.8765,
                loss: 0.3,
                images: 100,
                metrics: Default::default(),
            }),
            failed: None,
            pid: Some(7),
            node: Some("gpu7".into()),
            elsewhere: false,
            heartbeat: Some(100.0),
            began: Some(0.0),
        };
        let bare = RunSummary {
            run: "study-a-long-name-of-a-study/degree-3-aligned-seed12".into(),
            stage: None,
            best: None,
            began: None,
            network: None,
            data: None,
            bytes: None,
            ..line.clone()
        };
        let done = RunSummary { state: "finished".into(), stage: Some(JobStage::Heatmap), ..line.clone() };
        vec![line, bare, done]
    }

    #[test]
    fn columns_line_up() {
        let text = format_table(&lines(), None);
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows[1].contains("fit 25 %") && rows[1].contains("87.65 % at 0.50,0.25"), "{text}");
        assert!(rows[1].contains(" d ") && rows[1].ends_with("3.4 MB"), "{text}");
        assert!(rows[3].contains("finished") && rows[3].contains("done"), "{text}");
        assert!(!rows[3].contains("heatmap"), "{text}");
        let column = |l: &str, what: &str| l.find(what).map(|at| l[..at].chars().count());
        assert_eq!(column(rows[0], "BEST"), column(rows[1], "87.65 %"));
        assert_eq!(column(rows[0], "DATA"), column(rows[3], "fashion-mnist-16k"));
    }

    #[test]
    fn the_node_is_told_as_soon_as_a_run_has_another_one() {
        let here = &EngineNode::current().host;
        let mut all = lines();
        for width in [None, Some(80)] {
            let text = format_table(&all, width);
            for part in ["NODE", "gpu7"] {
                assert!(text.contains(part), "{text}");
            }
        }
        for line in &mut all {
            line.node = Some(here.clone());
        }
        assert!(!format_table(&all, None).contains("NODE"));
        // In another container of this machine.
        all[0].elsewhere = true;
        assert!(format_table(&all, None).contains("NODE"));
    }

    #[test]
    fn one_long_name_does_not_make_every_line_as_wide() {
        let mut lines = lines();
        lines[1].run = "n".repeat(150);
        let text = format_table(&lines, None);
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows[2].contains(&lines[1].run), "{text}");
        for row in [rows[0], rows[1], rows[3]] {
            assert!(row.chars().count() < 180, "{row}");
        }
    }

    #[test]
    fn a_narrow_terminal_gets_what_matters() {
        for width in [140, 100, 80, 60] {
            let text = format_table(&lines(), Some(width));
            for row in text.lines() {
                assert!(row.chars().count() <= width, "{width}: {row}");
            }
            let first = text.lines().nth(1).unwrap();
            for part in ["demo-2", "running", "fit 25 %", "2×3", "87.65 %"] {
                assert!(first.contains(part), "{width}: {text}");
            }
        }
        let at_80 = format_table(&lines(), Some(80));
        assert!(at_80.contains("seed12"), "the end of a name tells runs apart: {at_80}");
        assert!(at_80.contains("AGE"), "{at_80}");
    }
}
