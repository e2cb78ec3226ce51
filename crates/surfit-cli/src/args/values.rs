//! Values of options and their parsers.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use surfit_core::colormap::Colormap;
use surfit_core::metrics::Metric;
use surfit_core::protocol::MAX_MEMBERS;

/// Colour depth of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// No colours at all
    None,
    /// The 16 ANSI colours
    #[value(name = "16")]
    Ansi16,
    /// The 256 indexed colours
    #[value(name = "256")]
    Ansi256,
    /// 24-bit colour per cell
    Truecolor,
}

/// Image protocol of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageChoice {
    /// Detect it from the environment; off through ssh and in multiplexers
    Auto,
    /// kitty's graphics protocol
    Kitty,
    /// Graphics as sixels
    Sixel,
    /// iTerm2's inline images
    Iterm2,
    /// No images at all
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
    /// Array for NumPy
    Npy,
    /// Bitmap image
    Png,
    /// Image of vectors
    Svg,
}

/// Reads a colour map for values by its name.
pub fn colormap_parser() -> impl TypedValueParser<Value = Colormap> {
    let names = Colormap::ALL.iter().filter(|&&map| map != Colormap::Diverging).map(<&'static str>::from);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Colormap>())
}

/// A value of an option that cannot be used.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum OptionValueError {
    /// Neither one number nor two.
    #[error("give two numbers, such as 0.5,0.25, or one for a curve")]
    NoPoint,
    /// One number where two are needed.
    #[error("give two numbers, such as {0},0.25; on a curve {0},0")]
    OneNumber(f64),
    /// A parameter outside the surface.
    #[error("{name} = {value} is outside the surface; use 0 to 1")]
    Outside {
        /// Name of the parameter.
        name: &'static str,
        /// The number that was given.
        value: f64,
    },
    /// A parameter that is not a number.
    #[error("{name} = `{text}` is not a number; use 0 to 1, such as 0.5,0.25")]
    NoNumber {
        /// Name of the parameter.
        name: &'static str,
        /// What was given.
        text: String,
    },
    /// A number of members that no ensemble has.
    #[error("choose 1 to {MAX_MEMBERS} members")]
    MemberCount,
    /// One parameter for a surface that needs two.
    #[error("--at {u}: a {patch} needs two numbers, such as 0.5,0.25")]
    TwoParameters {
        /// The parameter that was given.
        u: f64,
        /// Name of the kind of surface.
        patch: &'static str,
    },
}

/// Parses `U,V`, or `U` for a curve.
pub fn parse_point(text: &str) -> Result<(f64, Option<f64>), OptionValueError> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let (u, v) = match parts[..] {
        [u] => (u, None),
        [u, v] => (u, Some(v)),
        _ => return Err(OptionValueError::NoPoint),
    };
    let number = |name: &'static str, part: &str| match part.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        Ok(value) => Err(OptionValueError::Outside { name, value }),
        Err(_) => Err(OptionValueError::NoNumber { name, text: part.into() }),
    };
    Ok((number("u", u)?, v.map(|v| number("v", v)).transpose()?))
}

/// Parses two parameters `U,V`, each in `[0, 1]`.
pub fn parse_pair(text: &str) -> Result<(f64, f64), OptionValueError> {
    match parse_point(text)? {
        (u, Some(v)) => Ok((u, v)),
        (u, None) => Err(OptionValueError::OneNumber(u)),
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
