//! A figure over time as bars, in one row of characters or more.

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
}
