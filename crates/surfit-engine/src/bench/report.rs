//! What a benchmark found, as a table and as JSON.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A step of a corner's training against a step of libtorch's own training of the same network on the same batch.
    Training,
    /// A step of a fit against a step of libtorch's own training.
    FitStep,
    /// A step of a fit against a step of a corner's training: what the surface alone costs.
    FitTraining,
    /// A corner's training in `f32` against the same in `bf16`: how many times as fast the latter is.
    Bf16,
    /// A heatmap cell against one batch-norm refresh and one validation pass at their best batch size.
    HeatmapCell,
    /// Bytes of a fit above plain training against the bound `(K + trainable + 3)·P·4`.
    Memory,
}

#[derive(Clone, Debug, Serialize)]
pub struct BenchRow {
    pub what: RowKind,
    pub network: String,
    pub parameters: i64,
    /// `f32` or `bf16`.
    pub compute: &'static str,
    /// Control points along both axes, such as `3×3`; empty where there is no surface.
    pub control_points: String,
    /// Draws that a minibatch is split over; 0 where there are none.
    pub draws: usize,
    /// Images in a batch; 0 where there is no batch.
    pub batch: i64,
    /// The thing itself: milliseconds, median, of compute types the fastest; bytes for memory.
    pub value: f64,
    /// What it is compared with: milliseconds as for `value`, of the same repetitions; bytes for memory.
    pub baseline: f64,
    /// Median of the ratios, repetition by repetition; of compute types the ratio of the fastest steps.
    pub ratio: f64,
    /// What the ratio must not exceed, or for `bf16` must reach; `None` where there is no limit.
    pub target: Option<f64>,
    /// Whether it does; `None` without a target.
    pub met: Option<bool>,
}

impl BenchRow {
    /// The row with a target, and whether it was met.
    pub fn with_target(self, target: Option<f64>) -> Self {
        let met = target.map(|t| match self.what {
            RowKind::Bf16 => self.ratio >= t,
            _ => self.ratio <= t,
        });
        Self { target, met, ..self }
    }

    fn row_name(&self) -> String {
        let draws = match self.draws {
            1 => "1 draw".to_owned(),
            n => format!("{n} draws"),
        };
        match self.what {
            RowKind::FitStep => format!("fit step {}, {draws} / plain step", self.control_points),
            RowKind::FitTraining => {
                format!("fit step {}, {draws} / training step", self.control_points)
            }
            RowKind::Training => "training step / plain step".into(),
            RowKind::Bf16 => "training step f32 / bf16".into(),
            RowKind::HeatmapCell => "heatmap cell / (refresh + pass)".into(),
            RowKind::Memory => format!("memory of a fit {}, {draws}, above plain / bound", self.control_points),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// Processor, device, threads.
    pub machine: String,
    /// Whether the processor has matrix units for `bf16` (AMX); `None` on other devices.
    pub amx: Option<bool>,
    pub rows: Vec<BenchRow>,
    /// Resident memory of this process at the end.
    pub resident_bytes: u64,
}

impl BenchReport {
    pub fn to_table(&self) -> String {
        let mut out = format!("{}\n", self.machine);
        let mut network = ("", "");
        for row in &self.rows {
            if network != (&row.network, row.compute) {
                network = (&row.network, row.compute);
                let title = format!("{}, {} weights, {}", row.network, row.parameters, row.compute);
                out += &format!("\n{title:<52}{:>10}{:>12}{:>8}{:>9}\n", "", "baseline", "ratio", "target");
            }
            let target = match (row.target, row.met) {
                (Some(t), Some(met)) => format!(
                    "{}{t:.2} {}",
                    if row.what == RowKind::Bf16 { "≥" } else { "≤" },
                    if met { "met" } else { "MISSED" }
                ),
                _ => "–".into(),
            };
            let figure = |x: f64| match row.what {
                RowKind::Memory => format!("{:.0} MB", x / 1e6),
                _ => format!("{x:.2} ms"),
            };
            out += &format!(
                "{:<52}{:>10}{:>12}{:>8.3}  {target}\n",
                row.row_name(),
                figure(row.value),
                figure(row.baseline),
                row.ratio
            );
        }
        out + &format!("\nresident memory of this process: {:.0} MB\n", self.resident_bytes as f64 / 1e6)
    }
}

/// The median of some values; NaN without any.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(what: RowKind, ratio: f64) -> BenchRow {
        BenchRow {
            what,
            network: "cnn".into(),
            parameters: 24_000,
            compute: "f32",
            control_points: "3×3".into(),
            draws: 4,
            batch: 128,
            value: 11.5,
            baseline: 10.0,
            ratio,
            target: None,
            met: None,
        }
    }

    #[test]
    fn targets_are_upper_bounds_but_for_the_speed_of_bf16() {
        let met = |what, ratio, target| row(what, ratio).with_target(target).met;
        assert_eq!(met(RowKind::FitStep, 1.1, Some(1.15)), Some(true));
        assert_eq!(met(RowKind::FitStep, 1.2, Some(1.15)), Some(false));
        assert_eq!(met(RowKind::Bf16, 2.6, Some(2.5)), Some(true));
        assert_eq!(met(RowKind::Bf16, 1.9, Some(2.5)), Some(false));
        assert_eq!(met(RowKind::HeatmapCell, 9.0, None), None);
    }

    #[test]
    fn the_table_and_the_object_hold_every_row() {
        let report = BenchReport {
            machine: "a processor".into(),
            amx: Some(false),
            rows: vec![
                row(RowKind::FitStep, 1.2).with_target(Some(1.15)),
                row(RowKind::Memory, 0.9).with_target(Some(1.0)),
            ],
            resident_bytes: 0,
        };
        let table = report.to_table();
        assert!(table.contains("fit step 3×3, 4 draws / plain step"), "{table}");
        assert!(table.contains("≤1.15 MISSED") && table.contains("≤1.00 met"), "{table}");
        let json = serde_json::to_value(&report).expect("plain data");
        assert_eq!(json["rows"][0]["what"], "fit_step");
        assert_eq!(json["rows"][1]["met"], true);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
