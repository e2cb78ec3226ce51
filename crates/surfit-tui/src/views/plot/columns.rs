//! Curves thinned out to what a plot resolves: for each column of dots its smallest, largest, first and last value. No
//! peak is lost, however many steps share a column, and drawing costs as much as the plot is wide.

use super::curves::CurveSpan;
use super::dots::DotCanvas;
use surfit_core::axis_scale::AxisScale;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurveColumn {
    /// Index of the dot column, from the left.
    pub column: usize,
    pub low: f64,
    pub high: f64,
    /// Where the line comes in.
    pub first: f64,
    /// Where the line goes out.
    pub last: f64,
    /// A gap precedes it: no line is drawn to it from the left.
    pub after_gap: bool,
}

/// The curve in columns, from left to right; columns without a value are left out. `range` gives smallest, mean and
/// largest value of a sample.
///
/// Of samples beyond the edges only the line to them counts: it is cut at the edge.
pub fn reduce(
    samples: &[CurveSpan],
    x: &AxisScale,
    columns: usize,
    range: impl Fn(&CurveSpan) -> Option<(f64, f64, f64)>,
) -> Vec<CurveColumn> {
    let mut out: Vec<CurveColumn> = Vec::new();
    let (width, last) = (x.hi - x.lo, columns.saturating_sub(1));
    if columns == 0 || width.is_nan() || width <= 0.0 {
        return out;
    }
    let mut apart = true;
    // The last finite sample, as long as no gap came after it.
    let mut before: Option<(f64, f64)> = None;
    for sample in samples {
        let Some((low, mean, high)) = range(sample) else {
            (apart, before) = (true, None);
            continue;
        };
        // Between the means of this sample and the one before, where the line crosses an edge.
        let at = |x0: f64, y0: f64, edge: f64| y0 + (mean - y0) * ((edge - x0) / (sample.x - x0)).clamp(0.0, 1.0);
        let beyond = sample.x < x.lo || sample.x > x.hi;
        if let Some((x0, y0)) = before.filter(|b| b.0 < x.lo && sample.x > x.lo) {
            let y = at(x0, y0, x.lo);
            add(&mut out, 0, (y, y, y), apart);
            apart = false;
        }
        if let Some((x0, y0)) = before.filter(|b| b.0 <= x.hi && sample.x > x.hi) {
            let y = at(x0, y0, x.hi);
            add(&mut out, last, (y, y, y), apart);
        }
        if !beyond {
            let t = (sample.x - x.lo) / width;
            let column = (t * last as f64).round() as usize;
            add(&mut out, column.min(last), (low, mean, high), apart);
            apart = false;
        }
        before = Some((sample.x, mean));
    }
    out
}

fn add(out: &mut Vec<CurveColumn>, column: usize, (low, mean, high): (f64, f64, f64), apart: bool) {
    match out.last_mut().filter(|c| c.column == column) {
        Some(c) => {
            (c.low, c.high) = (c.low.min(low), c.high.max(high));
            c.last = mean;
        }
        None => out.push(CurveColumn { column, low, high, first: mean, last: mean, after_gap: apart }),
    }
}

/// Columns of a dashed line that are drawn, and all of one dash and its gap.
const DASH: (usize, usize) = (6, 9);

#[derive(Clone, Copy, Debug)]
pub struct CurvePen {
    /// Rank of the ink; where inks meet in a character, the highest rank is drawn.
    pub rank: u8,
    /// Number of the ink, which the caller gives a style.
    pub ink: u8,
    pub dashed: bool,
    pub extremes_only: bool,
}

/// Draws a curve: every column shows its whole range, and neighbouring columns are joined unless a gap separates them.
pub fn draw(dots: &mut DotCanvas, columns: &[CurveColumn], y: &AxisScale, pen: CurvePen) {
    let rows = dots.rows();
    let row = |value: f64| {
        let t = y.position_of(value).unwrap_or(0.0);
        ((1.0 - t) * rows.saturating_sub(1) as f64).round() as usize
    };
    let mut before: Option<(usize, usize)> = None;
    for c in columns {
        if pen.extremes_only {
            dots.set(c.column, row(c.low), pen.rank, pen.ink);
            dots.set(c.column, row(c.high), pen.rank, pen.ink);
            continue;
        }
        let here = (c.column, row(c.first));
        let drawn = |column: usize| !pen.dashed || column % DASH.1 < DASH.0;
        if let Some(from) = before.filter(|_| !c.after_gap) {
            // A long line over columns without values is cut into dashes too.
            if pen.dashed && here.0 - from.0 > 1 {
                let at = |k: usize| {
                    let part = (k - from.0) as f64 / (here.0 - from.0) as f64;
                    (from.1 as f64 + part * (here.1 as f64 - from.1 as f64)).round() as usize
                };
                for k in (from.0..here.0).filter(|k| drawn(*k) && drawn(k + 1)) {
                    dots.line((k, at(k)), (k + 1, at(k + 1)), pen.rank, pen.ink);
                }
            } else if drawn(here.0) && drawn(from.0) {
                dots.line(from, here, pen.rank, pen.ink);
            }
        }
        if drawn(c.column) {
            dots.line((c.column, row(c.low)), (c.column, row(c.high)), pen.rank, pen.ink);
        }
        before = Some((c.column, row(c.last)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(step: f64, value: Option<f64>) -> CurveSpan {
        CurveSpan { step, x: step, range: value.map(|v| (v, v, v)), smooth: value, has_nonfinite: value.is_none() }
    }

    fn scale(lo: f64, hi: f64) -> AxisScale {
        AxisScale { lo, hi, log: false }
    }

    #[test]
    fn lines_are_cut_at_the_edges() {
        let samples = [0.0, 10.0, 20.0, 30.0].map(|x| sample(x, Some(x)));
        let columns = reduce(&samples, &scale(5.0, 25.0), 41, |s| s.range);
        let ends: Vec<(usize, f64)> = columns.iter().map(|c| (c.column, c.first)).collect();
        assert_eq!(ends, [(0, 5.0), (10, 10.0), (30, 20.0), (40, 25.0)]);
        // Both ends beyond: the line crosses all of it.
        let columns = reduce(&samples[1..3], &scale(12.0, 18.0), 7, |s| s.range);
        let ends: Vec<(usize, f64)> = columns.iter().map(|c| (c.column, c.first)).collect();
        assert_eq!(ends, [(0, 12.0), (6, 18.0)]);
    }

    #[test]
    fn a_gap_is_not_bridged() {
        let samples = [sample(0.0, Some(1.0)), sample(1.0, None), sample(2.0, Some(1.0))];
        let columns = reduce(&samples, &scale(0.0, 2.0), 21, |s| s.range);
        assert_eq!(columns.iter().map(|c| c.after_gap).collect::<Vec<_>>(), [true, true]);
        let mut dots = DotCanvas::new(11, 1, crate::glyphs::GlyphSet::Braille);
        let pen = CurvePen { rank: 0, ink: 1, dashed: false, extremes_only: false };
        draw(&mut dots, &columns, &scale(0.0, 2.0), pen);
        assert_eq!(dots.columns_with_dots(), [0, 20]);
    }

    #[test]
    fn dashes_have_gaps() {
        let samples: Vec<CurveSpan> = (0..100).map(|x| sample(f64::from(x), Some(1.0))).collect();
        let x = scale(0.0, 99.0);
        for samples in [&samples[..], &[samples[0], samples[99]]] {
            let columns = reduce(samples, &x, 100, |s| s.range);
            let mut dots = DotCanvas::new(50, 1, crate::glyphs::GlyphSet::Braille);
            let pen = CurvePen { rank: 0, ink: 1, dashed: true, extremes_only: false };
            draw(&mut dots, &columns, &scale(0.0, 2.0), pen);
            let set = dots.columns_with_dots().len();
            assert!((55..=75).contains(&set), "{set}");
        }
    }

    proptest! {
        /// Every value is within the range of its own column, and every column's limits are values of it.
        #[test]
        fn no_peak_vanishes(values in prop::collection::vec(prop::option::of(-1e6f64..1e6), 1..3000), columns in 1usize..400) {
            let samples: Vec<CurveSpan> = values.iter().enumerate().map(|(k, v)| sample(k as f64, *v)).collect();
            let x = scale(0.0, (values.len().max(2) - 1) as f64);
            let reduced = reduce(&samples, &x, columns, |s| s.range);
            prop_assert!(reduced.windows(2).all(|w| w[0].column < w[1].column));
            let mut seen = vec![(f64::INFINITY, f64::NEG_INFINITY); columns];
            for s in &samples {
                let Some(value) = s.smooth else { continue };
                let column = ((s.x / x.hi) * (columns - 1) as f64).round() as usize;
                seen[column] = (seen[column].0.min(value), seen[column].1.max(value));
            }
            let kept: Vec<(usize, f64, f64)> = reduced.iter().map(|c| (c.column, c.low, c.high)).collect();
            let want: Vec<(usize, f64, f64)> = seen.iter().enumerate().filter(|(_, s)| s.0 <= s.1).map(|(k, s)| (k, s.0, s.1)).collect();
            prop_assert_eq!(kept, want);
        }
    }
}
