//! What panes and lists show, as tables of plain figures: for the clipboard and for files. Accuracies are fractions, times
//! seconds, and what is not known is left out.

use crate::app::{App, ExportItem, ExportSource};
use surfit_core::figure::Figure;
use surfit_core::table::{DataTable, TableValue};

mod curves;
mod lists;
mod surface;

pub use curves::{losses, readout as loss_readout};
pub use lists::{log, machine, models, runs};
pub use surface::{cells, distances, format_point, points, readout as surface_readout, slices};

/// A table whose rows are made as they are asked for.
pub struct TableRows<'a> {
    pub columns: Vec<String>,
    pub rows: Box<dyn Iterator<Item = Vec<TableValue>> + 'a>,
    /// How many rows there are, or a few more.
    pub count: usize,
    /// What it is as JSON, when that is no list of the rows.
    pub json: Option<Box<dyn FnOnce() -> String + 'a>>,
}

impl<'a> TableRows<'a> {
    fn new(columns: &[&str], count: usize, rows: impl Iterator<Item = Vec<TableValue>> + 'a) -> Self {
        let columns = columns.iter().map(ToString::to_string).collect();
        Self { columns, rows: Box::new(rows), count, json: None }
    }

    /// Makes the first rows, at most so many.
    pub fn take_rows(self, max_rows: usize) -> DataTable {
        DataTable { columns: self.columns, rows: self.rows.take(max_rows).collect() }
    }
}

impl ExportItem {
    pub(super) fn table(
        key: char,
        label: &'static str,
        file_stem: &'static str,
        about: &'static str,
        table: fn(&App) -> TableRows<'_>,
    ) -> Self {
        Self::new(key, label, file_stem, about, ExportSource::Table(table))
    }

    pub(super) fn plot(
        key: char,
        label: &'static str,
        file_stem: &'static str,
        about: &'static str,
        figure: fn(&App) -> Figure,
    ) -> Self {
        Self::new(key, label, file_stem, about, ExportSource::Figure(figure))
    }
}

/// `name value` of every column that has one.
pub fn row_text(table: TableRows, row: usize) -> Option<String> {
    let one = DataTable { columns: table.columns, rows: table.rows.skip(row).take(1).collect() };
    let text = one.to_tsv();
    let mut lines = text.lines().map(|l| l.split('\t'));
    let (names, values) = (lines.next()?, lines.next()?);
    let known = names.zip(values).filter(|(_, value)| !value.is_empty());
    let pairs = known.map(|(name, value)| format!("{} {value}", name.replace('_', " ")));
    Some(pairs.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
