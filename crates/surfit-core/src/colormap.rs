//! Colour maps for heatmaps, as data.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A perceptually uniform colour map (or, for differences, a diverging one).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Colormap {
    /// Blue over green to yellow; the default, readable with colour-vision deficiencies.
    #[default]
    Viridis,
    /// Blue to yellow, made for colour-vision deficiencies.
    Cividis,
    /// Black over red to pale yellow.
    Inferno,
    /// Black over purple to pale yellow.
    Magma,
    /// Blue over purple to yellow.
    Plasma,
    /// Black to white.
    Greys,
    /// Orange over white to blue, for differences from a middle: worse, equal, better. The two sides are told apart with any
    /// colour-vision deficiency, and are equally light at equal distance from the middle.
    Diverging,
}

impl Colormap {
    /// Every colour map.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The colour at `t ∈ [0, 1]` (clamped; NaN counts as 0) as red, green, blue.
    pub fn color_at(self, t: f64) -> (u8, u8, u8) {
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        let gradient = match self {
            Colormap::Viridis => colorous::VIRIDIS,
            Colormap::Cividis => colorous::CIVIDIS,
            Colormap::Inferno => colorous::INFERNO,
            Colormap::Magma => colorous::MAGMA,
            Colormap::Plasma => colorous::PLASMA,
            Colormap::Greys => {
                let level = (255.0 * t).round() as u8;
                return (level, level, level);
            }
            Colormap::Diverging => return diverging_color(2.0 * t - 1.0),
        };
        gradient.eval_continuous(t).into_tuple()
    }
}

/// The diverging map at `-1..=1`: one hue to a side, lightness falling evenly from the middle in OKLab, a space in which
/// equal steps look equal (Ottosson 2020).
fn diverging_color(side: f64) -> (u8, u8, u8) {
    let far = side.abs();
    let hue: f64 = if side < 0.0 { 52.0 } else { 252.0 };
    let (lightness, chroma) = (0.95 - 0.47 * far, 0.135 * far.powf(0.85));
    let (a, b) = (chroma * hue.to_radians().cos(), chroma * hue.to_radians().sin());
    let cube = |x: f64| x * x * x;
    let l = cube(lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b);
    let m = cube(lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b);
    let s = cube(lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b);
    let channel = |x: f64| {
        let x = x.clamp(0.0, 1.0);
        let x = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (255.0 * x).round() as u8
    };
    (
        channel(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
        channel(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
        channel(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s),
    )
}

/// Relative luminance of a colour (WCAG 2): 0 for black, 1 for white.
pub fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// Contrast ratio of two colours (WCAG 2), from 1 to 21.
pub fn contrast_ratio(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (x, y) = (luminance(a), luminance(b));
    (x.max(y) + 0.05) / (x.min(y) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequential_maps_grow_lighter() {
        for map in Colormap::ALL.iter().filter(|&&m| m != Colormap::Diverging) {
            let light: Vec<f64> = (0..=32).map(|i| luminance(map.color_at(f64::from(i) / 32.0))).collect();
            // Interpolation of the published tables wobbles by a hair.
            assert!(light.windows(2).all(|w| w[1] >= w[0] - 0.01), "{map:?} {light:?}");
        }
        assert_eq!(Colormap::Viridis.color_at(f64::NAN), Colormap::Viridis.color_at(0.0));
        assert_eq!(Colormap::Viridis.color_at(7.0), Colormap::Viridis.color_at(1.0));
    }

    #[test]
    fn the_diverging_map_is_even_on_both_sides_and_safe_for_all_eyes() {
        let at = |t| Colormap::Diverging.color_at(t);
        for k in 1..=10 {
            let (worse, better) = (at(0.5 - 0.05 * f64::from(k)), at(0.5 + 0.05 * f64::from(k)));
            let (x, y) = (luminance(worse), luminance(better));
            assert!((x - y).abs() < 0.06, "{k}: {x} {y}");
            // Who sees no difference between red and green has blue against the mean of the two left.
            let yellow = |(r, g, b): (u8, u8, u8)| (f64::from(r) + f64::from(g)) / 2.0 - f64::from(b);
            assert!(
                yellow(worse) > 6.0 * f64::from(k).min(8.0) && yellow(better) < -4.0 * f64::from(k).min(8.0),
                "{k}"
            );
        }
        let light: Vec<f64> = (0..=10).map(|k| luminance(at(0.5 + 0.05 * f64::from(k)))).collect();
        assert!(light.windows(2).all(|w| w[1] < w[0]), "{light:?}");
    }

    #[test]
    fn contrast_of_black_and_white() {
        assert!((contrast_ratio((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
    }
}
