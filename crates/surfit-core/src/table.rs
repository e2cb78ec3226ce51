//! Rows and columns of plain figures, as text for other programs.

use std::fmt::Write;

/// The content of a cell; `Null` where nothing is known, as for figures that are not finite.
pub type TableValue = serde_json::Value;

/// The shortest decimals that mean this figure, not those of the `f64` beside it.
pub fn shorten_decimals(x: f32) -> TableValue {
    x.to_string().parse::<f64>().ok().into()
}

/// The text between separators; nothing for what is missing.
fn to_plain_text(value: &TableValue) -> String {
    match value {
        TableValue::Null => String::new(),
        TableValue::String(text) => text.clone(),
        TableValue::Number(x) if x.is_f64() => x.as_f64().map(|x| x.to_string()).unwrap_or_default(),
        other => other.to_string(),
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
                let _ = write!(out, "{comma}{name}:{}", value);
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
            line(&mut row.iter().map(to_plain_text));
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
        table.push_row(["a, \"b\"".into(), shorten_decimals(0.1), 7usize.into(), true.into()]);
        table.push_row(["c\td".into(), f64::NAN.into(), TableValue::Null, false.into()]);
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
            it.push_row([x.into(), shorten_decimals(y)]);
            let json: serde_json::Value = serde_json::from_str(&it.to_json()).unwrap();
            let back = json[0]["x"].as_f64();
            prop_assert_eq!(back, Some(x).filter(|x| x.is_finite()));
            let single = json[0]["y"].as_f64().map(|y| y as f32);
            prop_assert_eq!(single, Some(y).filter(|y| y.is_finite()));
        }
    }
}
