//! What panes and lists show, as tables of plain figures: for the clipboard and for files. Accuracies are fractions, times
//! seconds, and what is not known is left out.

use crate::app::{App, ExportItem, ExportSource};
use surfit_core::figure::Figure;
use surfit_core::table::DataTable;

mod curves;
mod lists;
mod surface;

pub use curves::{losses, readout as loss_readout};
pub use lists::{log, machine, models, runs};
pub use surface::{distances, format_point, points, readout as surface_readout, slices};

impl ExportItem {
    pub(super) fn table(
        key: char,
        label: &'static str,
        file_stem: &'static str,
        about: &'static str,
        table: fn(&App) -> DataTable,
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
pub fn row_text(table: &DataTable, row: usize) -> Option<String> {
    table.rows.get(row)?;
    let one = DataTable { columns: table.columns.clone(), rows: vec![table.rows[row].clone()] };
    let text = one.to_tsv();
    let mut lines = text.lines().map(|l| l.split('\t'));
    let (names, values) = (lines.next()?, lines.next()?);
    let known = names.zip(values).filter(|(_, value)| !value.is_empty());
    let pairs = known.map(|(name, value)| format!("{} {value}", name.replace('_', " ")));
    Some(pairs.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
