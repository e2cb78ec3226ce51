//! Values of options.

use clap::ValueEnum;

/// Colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
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

/// A metric by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetricArg {
    /// Fraction of validation images classified correctly
    Accuracy,
    /// Mean validation cross-entropy
    Loss,
}

/// Forms of a heatmap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
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

/// Reads `U,V`.
pub fn point(text: &str) -> Result<(f64, f64), String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let [u, v] = parts[..] else {
        return Err("give two numbers with a comma between, such as 0.5,0.25".into());
    };
    let number = |name: &str, part: &str| match part.parse::<f64>() {
        Ok(x) if (0.0..=1.0).contains(&x) => Ok(x),
        Ok(x) => Err(format!("{name} = {x} is outside the surface; use 0 to 1")),
        Err(_) => Err(format!(
            "{name} = `{part}` is no number; use 0 to 1, such as 0.5,0.25"
        )),
    };
    Ok((number("u", u)?, number("v", v)?))
}

/// A held-out split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Split {
    /// Validation: what selection went by
    Val,
    /// Test: what selection never saw
    Test,
}
