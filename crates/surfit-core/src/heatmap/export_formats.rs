//! A heatmap as files for other programs.

use super::{Heatmap, Metric};
use crate::surface::Patch;
use serde_json::json;

const FIRST_COLUMNS: [Metric; 2] = [Metric::ACCURACY, Metric::LOSS];

impl Heatmap {
    /// The table `u,v,accuracy,loss,images` with a header line, of every cell on the surface; unmeasured cells have empty
    /// figures and 0 images. A curve has no column `v`. Behind these are columns of the metrics that were measured, by id:
    /// `ID_low` and `ID_high` where it has an interval, and before them `ID`, except of those that have a column already.
    pub fn to_csv(&self) -> String {
        self.csv_lines().map(|line| line + "\n").collect()
    }

    /// The lines of [`Heatmap::to_csv`], made as they are asked for.
    pub fn csv_lines(&self) -> impl Iterator<Item = String> + '_ {
        let curve = self.patch == Patch::Curve;
        let measured = self.measured_metrics();
        let mut header = String::from(if curve { "u" } else { "u,v" }) + ",accuracy,loss,images";
        for metric in &measured {
            let id = metric.id();
            header += &if FIRST_COLUMNS.contains(metric) { String::new() } else { format!(",{id}") };
            header += &if metric.spec().interval.is_some() { format!(",{id}_low,{id}_high") } else { String::new() };
        }
        // What is not known has no word.
        let number = |value: Option<f64>| value.map(|v| format!("{v:.6}")).unwrap_or_default();
        let lines = self.surface_cells().map(move |i| {
            let cell = &self.cells[i];
            let (u, v) = self.parameters(i);
            let mut line = match curve {
                true => format!("{u:.6},"),
                false => format!("{u:.6},{v:.6},"),
            };
            line += &format!("{},{},{}", number(cell.accuracy()), number(cell.loss()), cell.images);
            for &metric in &measured {
                if !FIRST_COLUMNS.contains(&metric) {
                    line += &format!(",{}", number(cell.value(metric)));
                }
                if metric.spec().interval.is_some() {
                    let interval = cell.interval(metric);
                    line += &format!(",{},{}", number(interval.map(|i| i.0)), number(interval.map(|i| i.1)));
                }
            }
            line
        });
        std::iter::once(header).chain(lines)
    }

    /// The metric as a NumPy array file (`.npy` version 1.0) of shape `[grid, grid]`, or `[grid]` of a curve, `float64`, NaN
    /// where unmeasured or outside the surface.
    pub fn to_npy(&self, metric: Metric) -> Vec<u8> {
        let curve = self.patch == Patch::Curve;
        let shape = match curve {
            true => format!("{},", self.grid),
            false => format!("{0}, {0}", self.grid),
        };
        let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
        // The format wants magic, lengths and header together to be a multiple of 64, ending in a newline.
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.as_bytes());
        let all = (0..self.cells.len()).filter(|&i| !curve || self.contains_cell(i));
        for cell in all.map(|i| &self.cells[i]) {
            out.extend(cell.value(metric).unwrap_or(f64::NAN).to_le_bytes());
        }
        out
    }

    /// Every cell with its figures, the best point and the summary by accuracy, and those of every complete metric by id;
    /// `null` for what is not known or not finite.
    pub fn to_json(&self) -> serde_json::Value {
        let cells = self.surface_cells().map(|i| {
            let (u, v) = self.parameters(i);
            let cell = &self.cells[i];
            let v = (self.patch != Patch::Curve).then_some(v);
            json!({
                "u": u, "v": v,
                "accuracy": cell.accuracy(),
                "interval": cell.interval(Metric::ACCURACY),
                "loss": cell.loss(),
                "images": cell.images,
                "metrics": cell.values,
            })
        });
        let metrics = self.complete_metrics().into_iter().map(|metric| {
            let facts = json!({"best": self.best_point(metric), "summary": self.summary(metric)});
            (metric.id().to_owned(), facts)
        });
        json!({
            "grid": self.grid,
            "patch": self.patch,
            "best": self.best_point(Metric::ACCURACY),
            "summary": self.summary(Metric::ACCURACY),
            "metrics": metrics.collect::<serde_json::Map<_, _>>(),
            "cells": cells.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::Cell;

    #[test]
    fn a_table_has_no_word_for_what_is_not_finite() {
        let mut heatmap = Heatmap::new(Patch::Curve, 2);
        heatmap.cells[0] = Cell::from_counts(9, 10, f32::NAN, 0);
        let csv = heatmap.to_csv();
        assert!(csv.contains("\n0.000000,0.900000,,10,"), "{csv}");
    }

    #[test]
    fn json_has_every_cell_and_no_nan() {
        let mut heatmap = Heatmap::new(Patch::Square, 2);
        heatmap.cells[1] = Cell::from_counts(9, 10, f32::NAN, 0);
        let json = heatmap.to_json();
        assert_eq!(json["cells"].as_array().map(Vec::len), Some(4));
        assert_eq!(json["cells"][1]["accuracy"], 0.9);
        assert!(json["cells"][1]["loss"].is_null() && json["cells"][0]["accuracy"].is_null());
        assert_eq!(json["best"]["v"], 1.0);
    }
}
