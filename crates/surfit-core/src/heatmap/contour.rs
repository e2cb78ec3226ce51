//! Contour lines of a field: marching squares, and triangles where a square lacks a corner.

use super::CellField;

/// A piece of a contour line between two places, in cells.
pub type ContourSegment = [(f64, f64); 2];

/// A corner of a square of four cells: its place and its figure.
type SquareCorner = ((f64, f64), f64);

impl CellField {
    /// The line along which the field has the value `level`, in pieces of no order. Squares that lack a corner are cut
    /// as the triangle that is left, others give nothing; a saddle goes by the mean of its corners.
    pub fn contour_segments(&self, level: f64) -> Vec<ContourSegment> {
        let mut out = Vec::new();
        if !level.is_finite() || self.grid < 2 {
            return out;
        }
        for (a, b) in (0..self.grid - 1).flat_map(|a| (0..self.grid - 1).map(move |b| (a, b))) {
            // Round the square, so that neighbours in the list are neighbours in the square.
            let around = [(a, b), (a + 1, b), (a + 1, b + 1), (a, b + 1)];
            let corners: Vec<SquareCorner> =
                around.into_iter().filter_map(|(a, b)| Some(((a as f64, b as f64), self.get(a, b)?))).collect();
            if corners.len() >= 3 {
                cut_cell(&corners, level, &mut out);
            }
        }
        out
    }
}

/// The pieces of the line within a triangle or a square.
fn cut_cell(corners: &[SquareCorner], level: f64, out: &mut Vec<ContourSegment>) {
    let n = corners.len();
    let above = |k: usize| corners[k % n].1 >= level;
    let crossings: Vec<(f64, f64)> = (0..n)
        .filter(|&k| above(k) != above(k + 1))
        .map(|k| edge_crossing(corners[k], corners[(k + 1) % n], level))
        .collect();
    match crossings[..] {
        [p, q] => out.push([p, q]),
        // Crossing `k` lies on the edge after corner `k`; a saddle joins them round the corners that stand alone.
        [p, q, r, s] => {
            let mean = corners.iter().map(|c| c.1).sum::<f64>() / n as f64;
            if (mean >= level) == above(0) {
                out.extend([[p, q], [r, s]]);
            } else {
                out.extend([[s, p], [q, r]]);
            }
        }
        _ => {}
    }
}

/// Where the line crosses the edge between two corners on either side of it.
fn edge_crossing((from, low): SquareCorner, (to, high): SquareCorner, level: f64) -> (f64, f64) {
    // Halves keep the difference of huge figures finite.
    let span = high / 2.0 - low / 2.0;
    let t = if span == 0.0 { 0.5 } else { ((level / 2.0 - low / 2.0) / span).clamp(0.0, 1.0) };
    (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::Heatmap;
    use crate::surface::Patch;
    use proptest::prelude::*;

    fn field(patch: Patch, grid: usize, f: impl Fn(f64, f64) -> f64) -> CellField {
        CellField::from_heatmap(&Heatmap::new(patch, grid), |i, _| Some(f((i / grid) as f64, (i % grid) as f64)))
    }

    #[test]
    fn a_circle_comes_out_round_and_closed() {
        let f = field(Patch::Square, 21, |x, y| (x - 10.0).hypot(y - 10.0));
        let line = f.contour_segments(6.0);
        let mut ends = std::collections::BTreeMap::new();
        for p in line.iter().flatten() {
            assert!(((p.0 - 10.0).hypot(p.1 - 10.0) - 6.0).abs() < 0.05, "{p:?}");
            *ends.entry(((1e6 * p.0) as i64, (1e6 * p.1) as i64)).or_insert(0) += 1;
        }
        assert!(ends.values().all(|&n| n == 2), "every end meets another");
        let length: f64 = line.iter().map(|[p, q]| (p.0 - q.0).hypot(p.1 - q.1)).sum();
        assert!((length - 12.0 * std::f64::consts::PI).abs() < 0.5, "{length}");
    }

    #[test]
    fn a_saddle_is_cut_twice_without_a_cross() {
        let f = CellField { grid: 2, patch: Patch::Square, values: vec![Some(1.0), Some(0.0), Some(0.0), Some(1.0)] };
        for level in [0.25, 0.75] {
            let line = f.contour_segments(level);
            assert_eq!(line.len(), 2);
            let side = |p: (f64, f64)| p.0 - p.1;
            let middle = |s: &ContourSegment| (side(s[0]) + side(s[1])) / 2.0;
            // Above the mean the high corners stand alone, below it the low ones.
            let apart = middle(&line[0]) * middle(&line[1]) < 0.0;
            assert_eq!(apart, level < 0.5, "{level} {line:?}");
        }
    }

    #[test]
    fn a_triangular_patch_has_lines_up_to_its_third_edge() {
        let f = field(Patch::Triangle, 6, |x, _| x);
        let highest = |l: Vec<ContourSegment>| l.into_iter().flatten().map(|p| p.1).fold(0.0, f64::max);
        assert!((highest(f.contour_segments(1.5)) - 3.5).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn pieces_lie_within_the_grid_and_on_the_level(
            grid in 2usize..12, level in -2.0f64..2.0,
            values in prop::collection::vec(prop::option::weighted(0.8, prop_oneof![
                4 => -2.0f64..2.0, 1 => Just(f64::MAX), 1 => Just(-f64::MAX), 1 => Just(f64::NAN),
            ]), 144),
        ) {
            let heatmap = Heatmap::new(Patch::Square, grid);
            let f = CellField::from_heatmap(&heatmap, |i, _| values[i]);
            let last = (grid - 1) as f64;
            for (x, y) in f.contour_segments(level).into_iter().flatten() {
                prop_assert!((0.0..=last).contains(&x) && (0.0..=last).contains(&y));
                // Every end lies on an edge of the grid or on a cut corner's diagonal.
                let whole = |t: f64| (t - t.round()).abs() < 1e-9;
                prop_assert!(whole(x) || whole(y) || whole(x + y) || whole(x - y));
            }
        }
    }
}
