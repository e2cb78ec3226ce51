//! A figure over time as bars: a sparkline in one row of characters, or more rows.

use crate::glyphs::GlyphSet;

const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Heights that every font with blocks has.
const HALVES: [char; 2] = ['▄', '█'];
/// Growing height on the line, for terminals that want ASCII only.
const ASCII: [char; 4] = ['_', '.', ':', '#'];

/// Rows, the uppermost first, of bars between 0 and `most`. Values that are not finite leave a space.
pub fn bars(values: &[f32], most: f64, rows: usize, glyphs: GlyphSet) -> Vec<String> {
    let glyphs: &[char] = match glyphs {
        GlyphSet::Braille => &EIGHTHS,
        GlyphSet::Blocks => &HALVES,
        GlyphSet::Ascii => &ASCII,
    };
    let steps = glyphs.len();
    let height = |v: f32| -> Option<usize> {
        let share = f64::from(v) / most.max(1e-300);
        // Something is always seen of a value that is there.
        let height = (share.clamp(0.0, 1.0) * (rows * steps) as f64).round() as usize;
        v.is_finite().then(|| height.max(1))
    };
    (0..rows)
        .rev()
        .map(|row| {
            let glyph = |v: &f32| match height(*v).map(|h| h.saturating_sub(row * steps)) {
                None | Some(0) => ' ',
                Some(h) => glyphs[h.min(steps) - 1],
            };
            values.iter().map(glyph).collect()
        })
        .collect()
}

/// The last `width` of `values` as bars between zero (or the smallest, when that is above half of the largest) and the
/// largest. Values that are not finite leave a space.
pub fn sparkline(values: &[f32], width: usize, glyphs: GlyphSet) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let finite = shown.iter().copied().filter(|v| v.is_finite()).map(f64::from);
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let floor = if low > 0.5 * high { low - 0.25 * (high - low) } else { low.min(0.0) };
    let above: Vec<f32> = shown.iter().map(|&v| (f64::from(v) - floor) as f32).collect();
    bars(&above, high - floor, 1, glyphs).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_over_rows_and_gaps() {
        let values = [0.0, 0.5, 1.0, f32::NAN, 9.0];
        assert_eq!(bars(&values, 1.0, 1, GlyphSet::Braille), ["▁▄█ █"]);
        assert_eq!(bars(&values, 1.0, 2, GlyphSet::Braille), ["  █ █", "▁██ █"]);
        assert_eq!(bars(&values, 1.0, 1, GlyphSet::Ascii), ["_.# #"]);
        assert_eq!(bars(&values, 1.0, 1, GlyphSet::Blocks), ["▄▄█ █"]);
        assert_eq!(bars(&[f32::INFINITY], 0.0, 1, GlyphSet::Ascii), [" "]);
        assert!(bars(&values, 1.0, 0, GlyphSet::Braille).is_empty());
    }

    #[test]
    fn heights_gaps_and_width() {
        assert_eq!(sparkline(&[9.0, 0.0, 1.0, 2.0], 3, GlyphSet::Braille), "▁▄█");
        assert_eq!(sparkline(&[0.0, f32::NAN, 1.0], 8, GlyphSet::Ascii), "_ #");
        assert_eq!(sparkline(&[9.0, 0.0, 1.0, 2.0], 3, GlyphSet::Blocks), "▄▄█");
        assert_eq!(sparkline(&[0.0, 0.0], 8, GlyphSet::Braille), "▁▁");
        assert_eq!(sparkline(&[], 8, GlyphSet::Braille), "");
        assert_eq!(sparkline(&[f32::INFINITY], 8, GlyphSet::Braille), " ");
    }
}
