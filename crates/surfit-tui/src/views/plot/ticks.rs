//! Labels of the axis that steps or seconds are on.

use super::text;
use surfit_core::axis_scale::{self, AxisScale};

/// At most `most` round step numbers with labels, ascending.
pub fn step_ticks(x: &AxisScale, most: usize) -> Vec<(f64, String)> {
    let ticks: Vec<f64> = x
        .ticks(most)
        .into_iter()
        .map(|t| t.0)
        .filter(|t| t.fract().abs() < 1e-6 && *t >= 0.0)
        .map(f64::round)
        .collect();
    let gap = ticks.windows(2).map(|w| w[1] - w[0]).fold(x.hi - x.lo, f64::min);
    // Thousands are written as such where nothing is lost by it.
    let short = gap >= 100.0 || ticks.len() < 2;
    ticks
        .into_iter()
        .map(|t| match short {
            true => (t, axis_scale::steps_label(t)),
            false => (t, text::group_digits(t as u64)),
        })
        .collect()
}

/// Seconds between ticks that people find natural.
const TIME_TICK_INTERVALS: [f64; 22] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0,
    21_600.0, 43_200.0, 86_400.0, 172_800.0,
];

/// At most `most` times with labels, ascending.
pub fn time_ticks(x: &AxisScale, most: usize) -> Vec<(f64, String)> {
    let width = x.hi - x.lo;
    let fits = |s: &f64| width / s + 1.0 <= most.max(1) as f64;
    let days = || axis_scale::nice_number(width / most.max(1) as f64 / 86_400.0) * 86_400.0;
    let gap = TIME_TICK_INTERVALS.into_iter().find(fits).unwrap_or_else(days);
    let first = (x.lo / gap - 1e-6).ceil();
    let count = ((x.hi / gap + 1e-6).floor() - first + 1.0).clamp(0.0, most as f64);
    (0..count as usize).map(|k| (first + k as f64) * gap).map(|t| (t, label(t, gap))).collect()
}

fn label(seconds: f64, gap: f64) -> String {
    if seconds < 60.0 && gap < 60.0 {
        return if gap < 1.0 { format!("{seconds:.1}s") } else { format!("{seconds:.0}s") };
    }
    if seconds == 0.0 {
        return "0".into();
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    let days = gap >= 86_400.0;
    match (hours, minutes, rest) {
        _ if gap < 1.0 => format!("{}:{:04.1}", whole / 60, seconds % 60.0),
        (h, ..) if days => format!("{}d", h / 24),
        (0, m, 0) => format!("{m}min"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, 0, 0) => format!("{h}h"),
        (h, m, 0) => format!("{h}h{m:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// A time as a clock shows it: `42.3 s`, `12:05`, `3:07:09`.
pub fn format_clock(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "?".into();
    }
    let whole = seconds.max(0.0) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{:.1} s", seconds.max(0.0)),
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: Vec<(f64, String)>) -> Vec<String> {
        ticks.into_iter().map(|t| t.1).collect()
    }

    fn scale(lo: f64, hi: f64) -> AxisScale {
        AxisScale { lo, hi, log: false }
    }

    #[test]
    fn steps_are_whole_and_told_apart() {
        assert_eq!(labels(step_ticks(&scale(0.0, 2999.0), 6)), ["0", "500", "1000", "1500", "2000", "2500"]);
        assert_eq!(labels(step_ticks(&scale(0.0, 40_000.0), 5)), ["0", "10k", "20k", "30k", "40k"]);
        assert_eq!(labels(step_ticks(&scale(12_340.0, 12_364.0), 4)), ["12 340", "12 350", "12 360"]);
        assert_eq!(labels(step_ticks(&scale(3.0, 6.0), 8)), ["3", "4", "5", "6"]);
    }

    #[test]
    fn times_are_natural() {
        assert_eq!(labels(time_ticks(&scale(0.0, 40.0), 6)), ["0s", "10s", "20s", "30s", "40s"]);
        assert_eq!(labels(time_ticks(&scale(0.0, 150.0), 6)), ["0s", "30s", "1min", "1:30", "2min", "2:30"]);
        assert_eq!(labels(time_ticks(&scale(3000.0, 9000.0), 5)), ["1h", "1h30", "2h", "2h30"]);
        assert_eq!(labels(time_ticks(&scale(0.0, 1e6), 4)), ["0", "5d", "10d"]);
        for hi in [0.05, 1.0, 7.3, 99.0, 4000.0, 1e5, 1e9] {
            for most in 2..9 {
                let ticks = time_ticks(&scale(0.0, hi), most);
                assert!(!ticks.is_empty() && ticks.len() <= most, "{hi} {most} {ticks:?}");
            }
        }
        assert_eq!([format_clock(42.34), format_clock(725.0), format_clock(11_229.0)], ["42.3 s", "12:05", "3:07:09"]);
    }
}
