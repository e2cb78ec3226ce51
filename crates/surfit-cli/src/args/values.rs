//! Values of options and their parsers.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use surfit_core::metrics::Metric;

/// Colour depth of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// No colours
    None,
    /// The 16 ANSI colours
    #[value(name = "16")]
    Ansi16,
    /// The 256 indexed colours
    #[value(name = "256")]
    Ansi256,
    /// 24-bit colour
    Truecolor,
}

/// Image protocol of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageChoice {
    /// Detect it from the environment; off through ssh and in multiplexers
    Auto,
    /// kitty's graphics protocol
    Kitty,
    /// Sixel graphics
    Sixel,
    /// iTerm2's inline images
    Iterm2,
    /// No images
    Off,
}

/// Reads a metric by its id.
pub fn metric_parser() -> impl TypedValueParser<Value = Metric> {
    let values = Metric::all().map(|metric| PossibleValue::new(metric.id()).help(metric.spec().description));
    PossibleValuesParser::new(values).try_map(|id| id.parse::<Metric>())
}

/// Output format of a heatmap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeatmapFormat {
    /// Table with a header line
    Csv,
    /// One JSON object
    Json,
    /// NumPy array
    Npy,
    /// Bitmap image
    Png,
    /// Vector image
    Svg,
}

/// Colour map.
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

/// Parses `U,V`, or `U` for a curve.
pub fn parse_point(text: &str) -> Result<(f64, Option<f64>), String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let (u, v) = match parts[..] {
        [u] => (u, None),
        [u, v] => (u, Some(v)),
        _ => {
            return Err("give two numbers, such as 0.5,0.25, or one for a curve".into());
        }
    };
    let number = |name: &str, part: &str| match part.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        Ok(x) => Err(format!("{name} = {x} is outside the surface; use 0 to 1")),
        Err(_) => Err(format!("{name} = `{part}` is not a number; use 0 to 1, such as 0.5,0.25")),
    };
    Ok((number("u", u)?, v.map(|v| number("v", v)).transpose()?))
}

/// Parses two parameters `U,V`, each in `[0, 1]`.
pub fn parse_pair(text: &str) -> Result<(f64, f64), String> {
    match parse_point(text)? {
        (u, Some(v)) => Ok((u, v)),
        (u, None) => Err(format!("give two numbers, such as {u},0.25; on a curve {u},0")),
    }
}

/// Held-out split of the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitChoice {
    /// Validation images, which selection uses
    Val,
    /// Test images, which selection never uses
    Test,
}
