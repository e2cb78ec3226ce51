//! Colour maps for heatmaps, as data.

use serde::{Deserialize, Serialize};

/// A perceptually uniform colour map (or, for differences, a diverging one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Blue over white to red, for differences from a middle.
    Diverging,
}

impl Colormap {
    /// Every colour map.
    pub const ALL: [Colormap; 7] = [
        Colormap::Viridis,
        Colormap::Cividis,
        Colormap::Inferno,
        Colormap::Magma,
        Colormap::Plasma,
        Colormap::Greys,
        Colormap::Diverging,
    ];

    /// The colour at `t ∈ [0, 1]` (clamped; NaN counts as 0) as red, green, blue.
    pub fn at(self, t: f64) -> (u8, u8, u8) {
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
            Colormap::Diverging => return colorous::RED_BLUE.eval_continuous(1.0 - t).into_tuple(),
        };
        gradient.eval_continuous(t).into_tuple()
    }
}

/// Relative luminance of a colour (WCAG 2): 0 for black, 1 for white.
pub fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// Contrast ratio of two colours (WCAG 2), from 1 to 21.
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (x, y) = (luminance(a), luminance(b));
    (x.max(y) + 0.05) / (x.min(y) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequential_maps_grow_lighter() {
        for map in Colormap::ALL
            .into_iter()
            .filter(|&m| m != Colormap::Diverging)
        {
            let light: Vec<f64> = (0..=32)
                .map(|i| luminance(map.at(f64::from(i) / 32.0)))
                .collect();
            // Interpolation of the published tables wobbles by a hair.
            assert!(
                light.windows(2).all(|w| w[1] >= w[0] - 0.01),
                "{map:?} {light:?}"
            );
        }
        assert_eq!(Colormap::Viridis.at(f64::NAN), Colormap::Viridis.at(0.0));
        assert_eq!(Colormap::Viridis.at(7.0), Colormap::Viridis.at(1.0));
    }

    #[test]
    fn contrast_of_black_and_white() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
    }
}
