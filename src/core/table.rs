//! Rows and columns of plain figures, as text for other programs.

use std::fmt::Write;

/// What stands in a cell of a [`Table`].
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing is known. Figures that are not finite are told like that, since JSON has no word for them.
    #[default]
    Missing,
    /// Text of any kind.
    Text(String),
    /// A floating-point number.
    Number(f64),
    /// A count, as an unsigned integer.
    Whole(u64),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        if x.is_finite() {
            Value::Number(x)
        } else {
            Value::Missing
        }
    }
}

impl From<f32> for Value {
    /// The shortest decimals that mean this figure, not those of the `f64` beside it.
    fn from(x: f32) -> Self {
        x.to_string().parse().map_or(Value::Missing, f64::into)
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Value::Whole(n)
    }
}

impl From<u32> for Value {
    fn from(n: u32) -> Self {
        Value::Whole(n.into())
    }
}

impl From<usize> for Value {
    fn from(n: usize) -> Self {
        Value::Whole(n as u64)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Value::Flag(yes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Missing, T::into)
    }
}

impl Value {
    /// As it stands between separators; nothing for what is missing.
    fn plain(&self) -> String {
        match self {
            Value::Missing => String::new(),
            Value::Text(text) => text.clone(),
            Value::Number(x) => x.to_string(),
            Value::Whole(n) => n.to_string(),
            Value::Flag(yes) => yes.to_string(),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Value::Missing => serde_json::Value::Null,
            Value::Text(text) => text.as_str().into(),
            Value::Number(x) => (*x).into(),
            Value::Whole(n) => (*n).into(),
            Value::Flag(yes) => (*yes).into(),
        }
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names of the columns: lower-case words joined by `_`.
    pub columns: Vec<String>,
    /// Rows, each as long as there are columns.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &[&str]) -> Self {
        Self {
            columns: columns.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        self.rows.push(row.into_iter().collect());
        debug_assert_eq!(self.rows.last().map(Vec::len), Some(self.columns.len()));
    }

    /// Comma-separated values with a line of names, quoted as RFC 4180 says.
    pub fn to_csv(&self) -> String {
        self.separated(',', |text| {
            if text.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text
            }
        })
    }

    /// Values apart by tabs, with a line of names, as spreadsheets take them from the clipboard.
    pub fn to_tsv(&self) -> String {
        self.separated('\t', |text| text.replace(['\t', '\n', '\r'], " "))
    }

    /// An array of objects, one a line.
    pub fn to_json(&self) -> String {
        let mut out = String::from("[");
        for (n, row) in self.rows.iter().enumerate() {
            out += if n == 0 { "\n{" } else { ",\n{" };
            for (k, (name, value)) in self.columns.iter().zip(row).enumerate() {
                let comma = if k == 0 { "" } else { "," };
                let name = serde_json::Value::from(name.as_str());
                let _ = write!(out, "{comma}{name}:{}", value.json());
            }
            out.push('}');
        }
        out + "\n]\n"
    }

    fn separated(&self, between: char, safe: impl Fn(String) -> String) -> String {
        let mut out = String::new();
        let mut line = |cells: &mut dyn Iterator<Item = String>| {
            for (n, cell) in cells.enumerate() {
                if n > 0 {
                    out.push(between);
                }
                out += &safe(cell);
            }
            out.push('\n');
        };
        line(&mut self.columns.iter().cloned());
        for row in &self.rows {
            line(&mut row.iter().map(Value::plain));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", "loss", "images", "best"]);
        table.push(["a, \"b\"".into(), 0.1f32.into(), 7usize.into(), true.into()]);
        table.push(["c\td".into(), f64::NAN.into(), Value::Missing, false.into()]);
        table
    }

    #[test]
    fn the_three_forms_tell_the_same() {
        let it = table();
        assert_eq!(
            it.to_csv(),
            "name,loss,images,best\n\"a, \"\"b\"\"\",0.1,7,true\nc\td,,,false\n"
        );
        assert_eq!(
            it.to_tsv(),
            "name\tloss\timages\tbest\na, \"b\"\t0.1\t7\ttrue\nc d\t\t\tfalse\n"
        );
        let json: serde_json::Value = serde_json::from_str(&it.to_json()).unwrap();
        assert_eq!(json[0]["name"], "a, \"b\"");
        assert_eq!(
            (&json[0]["loss"], &json[0]["images"]),
            (&0.1.into(), &7.into())
        );
        assert!(json[1]["loss"].is_null() && json[1]["best"] == false);
        assert_eq!(Table::new(&["a"]).to_json(), "[\n]\n");
    }

    proptest! {
        #[test]
        fn figures_come_back_as_they_were(x: f64, y: f32) {
            let mut it = Table::new(&["x", "y"]);
            it.push([x.into(), y.into()]);
            let json: serde_json::Value = serde_json::from_str(&it.to_json()).unwrap();
            let back = json[0]["x"].as_f64();
            prop_assert_eq!(back, Some(x).filter(|x| x.is_finite()));
            let single = json[0]["y"].as_f64().map(|y| y as f32);
            prop_assert_eq!(single, Some(y).filter(|y| y.is_finite()));
        }
    }
}
