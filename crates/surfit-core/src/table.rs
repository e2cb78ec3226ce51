//! Rows and columns of plain figures, as text for other programs.

use std::fmt::Write;

/// The content of a cell of a [`DataTable`].
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TableValue {
    /// Nothing is known. Figures that are not finite are written like that, since JSON cannot represent them.
    #[default]
    Missing,
    /// Text of any kind.
    Text(String),
    /// A floating-point number.
    Number(f64),
    /// A count, as an unsigned integer.
    Integer(u64),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for TableValue {
    fn from(text: &str) -> Self {
        TableValue::Text(text.into())
    }
}

impl From<String> for TableValue {
    fn from(text: String) -> Self {
        TableValue::Text(text)
    }
}

impl From<f64> for TableValue {
    fn from(x: f64) -> Self {
        if x.is_finite() { TableValue::Number(x) } else { TableValue::Missing }
    }
}

impl From<f32> for TableValue {
    /// The shortest decimals that mean this figure, not those of the `f64` beside it.
    fn from(x: f32) -> Self {
        x.to_string().parse().map_or(TableValue::Missing, f64::into)
    }
}

impl From<u64> for TableValue {
    fn from(n: u64) -> Self {
        TableValue::Integer(n)
    }
}

impl From<u32> for TableValue {
    fn from(n: u32) -> Self {
        TableValue::Integer(n.into())
    }
}

impl From<usize> for TableValue {
    fn from(n: usize) -> Self {
        TableValue::Integer(n as u64)
    }
}

impl From<bool> for TableValue {
    fn from(yes: bool) -> Self {
        TableValue::Flag(yes)
    }
}

impl<T: Into<TableValue>> From<Option<T>> for TableValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(TableValue::Missing, T::into)
    }
}

impl TableValue {
    /// The text between separators; nothing for what is missing.
    fn to_plain_text(&self) -> String {
        match self {
            TableValue::Missing => String::new(),
            TableValue::Text(text) => text.clone(),
            TableValue::Number(x) => x.to_string(),
            TableValue::Integer(n) => n.to_string(),
            TableValue::Flag(yes) => yes.to_string(),
        }
    }

    fn to_json_value(&self) -> serde_json::Value {
        match self {
            TableValue::Missing => serde_json::Value::Null,
            TableValue::Text(text) => text.as_str().into(),
            TableValue::Number(x) => (*x).into(),
            TableValue::Integer(n) => (*n).into(),
            TableValue::Flag(yes) => (*yes).into(),
        }
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataTable {
    /// Names of the columns: lower-case words joined by `_`.
    pub columns: Vec<String>,
    /// Rows, each as long as there are columns.
    pub rows: Vec<Vec<TableValue>>,
}

impl DataTable {
    /// A table without rows.
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push_row(&mut self, row: impl IntoIterator<Item = TableValue>) {
        self.rows.push(row.into_iter().collect());
        debug_assert_eq!(self.rows.last().map(Vec::len), Some(self.columns.len()));
    }

    /// Comma-separated values with a line of names, quoted as in RFC 4180.
    pub fn to_csv(&self) -> String {
        self.to_separated_text(',', |text| {
            if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
        })
    }

    /// Values apart by tabs, with a line of names, as spreadsheets take them from the clipboard.
    pub fn to_tsv(&self) -> String {
        self.to_separated_text('\t', |text| text.replace(['\t', '\n', '\r'], " "))
    }

    /// An array of objects, one a line.
    pub fn to_json(&self) -> String {
        let mut out = String::from("[");
        for (n, row) in self.rows.iter().enumerate() {
            out += if n == 0 { "\n{" } else { ",\n{" };
            for (k, (name, value)) in self.columns.iter().zip(row).enumerate() {
                let comma = if k == 0 { "" } else { "," };
                let name = serde_json::Value::from(name.as_str());
                let _ = write!(out, "{comma}{name}:{}", value.to_json_value());
            }
            out.push('}');
        }
        out + "\n]\n"
    }

    fn to_separated_text(&self, between: char, safe: impl Fn(String) -> String) -> String {
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
            line(&mut row.iter().map(TableValue::to_plain_text));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table() -> DataTable {
        let mut table = DataTable::new(&["name", "loss", "images", "best"]);
        table.push_row(["a, \"b\"".into(), 0.1f32.into(), 7usize.into(), true.into()]);
        table.push_row(["c\td".into(), f64::NAN.into(), TableValue::Missing, false.into()]);
        table
    }

    #[test]
    fn the_three_forms_tell_the_same() {
        let it = table();
        assert_eq!(it.to_csv(), "name,loss,images,best\n\"a, \"\"b\"\"\",0.1,7,true\nc\td,,,false\n");
        assert_eq!(it.to_tsv(), "name\tloss\timages\tbest\na, \"b\"\t0.1\t7\ttrue\nc d\t\t\tfalse\n");
        let json: serde_json::Value = serde_json::from_str(&it.to_json()).unwrap();
        assert_eq!(json[0]["name"], "a, \"b\"");
        assert_eq!((&json[0]["loss"], &json[0]["images"]), (&0.1.into(), &7.into()));
        assert!(json[1]["loss"].is_null() && json[1]["best"] == false);
        assert_eq!(DataTable::new(&["a"]).to_json(), "[\n]\n");
    }

    proptest! {
        #[test]
        fn figures_come_back_as_they_were(x: f64, y: f32) {
            let mut it = DataTable::new(&["x", "y"]);
            it.push_row([x.into(), y.into()]);
            let json: serde_json::Value = serde_json::from_str(&it.to_json()).unwrap();
            let back = json[0]["x"].as_f64();
            prop_assert_eq!(back, Some(x).filter(|x| x.is_finite()));
            let single = json[0]["y"].as_f64().map(|y| y as f32);
            prop_assert_eq!(single, Some(y).filter(|y| y.is_finite()));
        }
    }
}
