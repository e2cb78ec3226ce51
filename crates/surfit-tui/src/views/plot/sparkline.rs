//! Sparklines: a short history in one row of characters.

use crate::glyphs::GlyphSet;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Heights that every font with blocks has.
const HALVES: [char; 3] = ['_', '▄', '█'];
/// Growing height on the line, for terminals that want ASCII only.
const ASCII: [char; 5] = ['_', '.', '-', '=', '^'];

/// The last `width` of `values` as bars between zero (or the smallest, when that is above half of the largest) and the
/// largest. Values that are not finite leave a space.
pub fn sparkline(values: &[f32], width: usize, glyphs: GlyphSet) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let finite = || shown.iter().copied().filter(|v| v.is_finite()).map(f64::from);
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let floor = if low > 0.5 * high { low - 0.25 * (high - low) } else { low.min(0.0) };
    let glyphs: &[char] = match glyphs {
        GlyphSet::Braille => &BARS,
        GlyphSet::Blocks => &HALVES,
        GlyphSet::Ascii => &ASCII,
    };
    shown
        .iter()
        .map(|&v| {
            if !v.is_finite() {
                return ' ';
            }
            let t = (f64::from(v) - floor) / (high - floor).max(1e-300);
            glyphs[((t.clamp(0.0, 1.0)) * (glyphs.len() - 1) as f64).round() as usize]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_gaps_and_width() {
        assert_eq!(sparkline(&[9.0, 0.0, 1.0, 2.0], 3, GlyphSet::Braille), "▁▅█");
        assert_eq!(sparkline(&[0.0, f32::NAN, 1.0], 8, GlyphSet::Ascii), "_ ^");
        assert_eq!(sparkline(&[9.0, 0.0, 1.0, 2.0], 3, GlyphSet::Blocks), "_▄█");
        assert_eq!(sparkline(&[0.0, 0.0], 8, GlyphSet::Braille), "▁▁");
        assert_eq!(sparkline(&[], 8, GlyphSet::Braille), "");
        assert_eq!(sparkline(&[f32::INFINITY], 8, GlyphSet::Braille), " ");
    }
}
