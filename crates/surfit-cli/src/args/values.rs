//! Values of options.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use surfit_core::metrics::Metric;

/// Colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// No colours at all.
    None,
    /// The 16 ANSI colours.
    #[value(name = "16")]
    Ansi16,
    /// The 256 indexed colours.
    #[value(name = "256")]
    Ansi256,
    /// 24-bit colour.
    Truecolor,
}

/// A way to show pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageChoice {
    /// What the environment tells; never through ssh or a multiplexer.
    Auto,
    /// The graphics protocol of kitty.
    Kitty,
    /// Sixels.
    Sixel,
    /// Inline images of iTerm2.
    Iterm2,
    /// No pictures.
    Off,
}

/// Reads a metric by its id.
pub fn metric_parser() -> impl TypedValueParser<Value = Metric> {
    let values = Metric::all().map(|metric| PossibleValue::new(metric.id()).help(metric.spec().description));
    PossibleValuesParser::new(values).try_map(|id| id.parse::<Metric>())
}

/// Forms of a heatmap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeatmapFormat {
    /// Table with a header line
    Csv,
    /// One JSON object
    Json,
    /// NumPy array
    Npy,
    /// Picture in pixels
    Png,
    /// Picture in vectors
    Svg,
}

/// A colour map by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum MapArg {
    Viridis,
    Cividis,
    Inferno,
    Magma,
    Plasma,
    Greys,
}

/// Reads `U,V`, or `U` for a curve.
pub fn parse_point(text: &str) -> Result<(f64, Option<f64>), String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let (u, v) = match parts[..] {
        [u] => (u, None),
        [u, v] => (u, Some(v)),
        _ => {
            return Err("give two numbers with a comma between, such as 0.5,0.25, or one for a curve".into());
        }
    };
    let number = |name: &str, part: &str| match part.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        Ok(x) => Err(format!("{name} = {x} is outside the surface; use 0 to 1")),
        Err(_) => Err(format!("{name} = `{part}` is no number; use 0 to 1, such as 0.5,0.25")),
    };
    Ok((number("u", u)?, v.map(|v| number("v", v)).transpose()?))
}

/// Parses two parameters `U,V`, each in `[0, 1]`.
pub fn parse_pair(text: &str) -> Result<(f64, f64), String> {
    match parse_point(text)? {
        (u, Some(v)) => Ok((u, v)),
        (u, None) => Err(format!("give two numbers with a comma between, such as {u},0.25; on a curve {u},0")),
    }
}

/// A held-out split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitChoice {
    /// Validation: what selection went by
    Val,
    /// Test: what selection never saw
    Test,
}
