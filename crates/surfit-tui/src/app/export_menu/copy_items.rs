//! What can be copied: figures, paths, a table, a command line.

use super::{ExportMenu, ItemMenu, MenuItem};
use crate::action::{Action, KeyScope};
use crate::app::message::MessageKind;
use crate::app::{App, Effect, Overlay};
use crate::views::models::{self, ModelItem};
use crate::views::tables;

/// Most bytes that are given to a terminal at once: as base64 with what stands around it they are 100 000, where many
/// terminals end.
pub const MAX_COPY_BYTES: usize = 74_994;

/// The key that shows a text in the place of copying it.
const SHOW_COPY_KEY: char = 's';

/// What was copied last.
#[derive(Clone, Debug)]
pub(in crate::app) struct LastCopy {
    /// What it is, in a line.
    summary: String,
    text: String,
}

impl App {
    /// Opens the list of what can be copied.
    pub(in crate::app) fn open_copy_menu(&mut self) -> Vec<Effect> {
        self.export_menu = ItemMenu::of(self.copy_items()).map(ExportMenu::Copy);
        if self.export_menu.is_none() {
            self.show_message(MessageKind::Hint, "copy: nothing is known yet");
        }
        Vec::new()
    }

    fn copy_items(&self) -> Vec<MenuItem<String>> {
        let offers = [
            ('r', "what is read here", self.readout_text()),
            ('p', "the point as u,v", self.point_text()),
            ('t', "the table, for a spreadsheet", self.table_text()),
            ('c', "the command line for it", Some(self.shell_command_line())),
            ('d', "the run's directory", self.run_dir()),
            ('e', "the model's folder", self.model_dir()),
            (SHOW_COPY_KEY, "show what was copied last, to select by hand", self.last_copied_text()),
        ];
        let offer = |(key, label, text): (char, &'static str, Option<String>)| {
            let what = text.filter(|t| !t.is_empty())?;
            Some(MenuItem { key, label, value: what })
        };
        offers.into_iter().filter_map(offer).collect()
    }

    fn last_copied_text(&self) -> Option<String> {
        let last = self.last_copy.as_ref().map(|last| last.text.clone());
        last.or_else(|| self.readout_text())
    }

    pub(super) fn copy_item(&mut self, offer: MenuItem<String>) -> Vec<Effect> {
        if offer.key == SHOW_COPY_KEY {
            self.show_text_overlay(offer.value);
            return Vec::new();
        }
        let (text, bytes) = (offer.value, offer.label);
        if text.len() > MAX_COPY_BYTES {
            let key = self.key_label(Action::WriteFile);
            let size = text.len().div_ceil(1000);
            let most = MAX_COPY_BYTES / 1000;
            self.show_message(
                MessageKind::Hint,
                format!("copy: these are {size} kB, and terminals take {most}; {key} writes a file"),
            );
            return Vec::new();
        }
        let what = match text.lines().count() {
            0 | 1 => text.trim_end().to_owned(),
            n => format!("{bytes}, {n} lines"),
        };
        self.last_copy = Some(LastCopy { summary: what, text: text.clone() });
        if !self.in_tmux {
            self.report_copied(false);
        }
        vec![Effect::Copy(text)]
    }

    /// Tells where the text went that was copied last: into tmux's buffer, or to the terminal, which answers nothing and
    /// may not take it.
    pub(in crate::app) fn report_copied(&mut self, in_tmux: bool) {
        let Some(last) = &self.last_copy else { return };
        let said = match in_tmux {
            true => format!("copied into tmux's buffer: {}", last.summary),
            false => {
                let menu = self.key_label(Action::CopyMenu);
                format!("sent to the terminal ({menu} s shows it to select): {}", last.summary)
            }
        };
        self.show_message(MessageKind::Info, said);
    }

    /// Shows a text so that it can be selected by hand.
    fn show_text_overlay(&mut self, text: String) {
        self.overlay = Some(Overlay::Text { text, scroll: 0 });
    }

    /// The figures under the cursor of what has the keys.
    fn readout_text(&self) -> Option<String> {
        match self.content_scope() {
            KeyScope::Loss => tables::loss_readout(self),
            KeyScope::Surface | KeyScope::Image => tables::surface_readout(self),
            KeyScope::Points => row_text(&tables::points(self), self.points.cursor),
            KeyScope::Models => row_text(&tables::models(self), self.selected_model()?),
            KeyScope::Runs => match self.overlay {
                Some(Overlay::Runs { selected }) => row_text(&tables::runs(self), selected),
                _ => None,
            },
            KeyScope::Machine => {
                let table = tables::machine(self);
                row_text(&table, table.rows.len().checked_sub(1)?)
            }
            KeyScope::Log => {
                let lines = crate::views::log::visible_lines(self);
                let hit = |text: &str| self.log.search.finds(text);
                let found = lines.iter().filter(|l| hit(&l.text));
                let at = self.log.current_match.and_then(|n| found.clone().nth(n));
                at.or(lines.last()).map(|l| l.text.clone())
            }
            _ => None,
        }
    }

    fn point_text(&self) -> Option<String> {
        let (u, v) = match self.content_scope() {
            KeyScope::Surface | KeyScope::Image => self.surface.uv(self.grid()),
            KeyScope::Models => {
                let item = *models::items(self).get(self.selected_model()?)?;
                models::item_parameters(self, item)?
            }
            _ => return None,
        };
        Some(tables::format_point(self, u, v))
    }

    fn table_text(&self) -> Option<String> {
        let table = match self.content_scope() {
            KeyScope::Loss => tables::losses(self),
            KeyScope::Surface | KeyScope::Image => {
                let heatmap = &self.run_state.snapshot.as_ref()?.heatmap;
                let measured = heatmap.cells.iter().any(|c| c.images > 0);
                return measured.then(|| heatmap.to_csv().replace(',', "\t"));
            }
            KeyScope::Points if self.points.show_distances => tables::distances(self)?,
            KeyScope::Points => tables::points(self),
            KeyScope::Models => tables::models(self),
            KeyScope::Runs => tables::runs(self),
            KeyScope::Machine => tables::machine(self),
            KeyScope::Log => tables::log(self),
            _ => return None,
        };
        (!table.rows.is_empty()).then(|| table.to_tsv())
    }

    fn selected_model(&self) -> Option<usize> {
        match self.overlay {
            Some(Overlay::Models { selected }) => Some(selected),
            _ => None,
        }
    }

    /// The chosen model's folder, else that of the latest model.
    fn model_dir(&self) -> Option<String> {
        let exports = &self.run_state.exports;
        let chosen = self.selected_model().and_then(|n| match *models::items(self).get(n)? {
            ModelItem::Export(n) => exports.get(n),
            _ => None,
        });
        let dir = &chosen.or(exports.last())?.dir;
        Some(dir.display().to_string())
    }

    /// The directory of the chosen run, else of the one that is shown; with the machine before it, as `scp` takes it.
    fn run_dir(&self) -> Option<String> {
        let dir = match self.selected_run() {
            Some(run) => &run.path,
            None => &self.run_location.as_ref()?.dir,
        };
        let host = self.remote_line.as_ref().map(|l| format!("{}:", l.host));
        Some(host.unwrap_or_default() + &dir.display().to_string())
    }

    /// What to type into a shell for what is looked at.
    fn shell_command_line(&self) -> String {
        let run = match (self.selected_run(), &self.run_location) {
            (Some(run), _) => run.path.display().to_string(),
            (None, Some(place)) => place.name.clone(),
            (None, None) => self.run.clone(),
        };
        let host = self.remote_line.as_ref().map(|l| l.host.as_str());
        let words = |parts: &[&str]| parts.iter().map(|p| shell_quote(p)).collect::<Vec<_>>().join(" ");
        let there = |parts: &[&str]| match host {
            // The line passes through one more shell.
            Some(host) => format!("ssh {} {}", shell_quote(host), shell_quote(&words(parts))),
            None => words(parts),
        };
        let open = || match host {
            Some(host) => words(&["surfit", "open", &format!("{host}:{run}")]),
            None => words(&["surfit", "open", &run]),
        };
        match self.content_scope() {
            KeyScope::Loss => there(&["surfit", "report", &run]),
            KeyScope::Surface | KeyScope::Image => {
                let metric = self.surface.metric.id();
                let file = format!("{metric}.png");
                there(&["surfit", "heatmap", &run, "--metric", metric, "--out", &file])
            }
            KeyScope::Models => {
                let items = models::items(self);
                let item = self.selected_model().and_then(|n| items.get(n));
                match item {
                    Some(ModelItem::Export(_)) => {
                        let dir = self.model_dir().unwrap_or_default();
                        there(&["surfit", "eval", &dir])
                    }
                    Some(&ModelItem::Point { u, v, .. }) => {
                        let at = tables::format_point(self, u, v);
                        there(&["surfit", "export", &run, "--at", &at, "--out", "model"])
                    }
                    _ => open(),
                }
            }
            _ => open(),
        }
    }
}

/// `name value` of every column that has one.
fn row_text(table: &surfit_core::table::DataTable, row: usize) -> Option<String> {
    table.rows.get(row)?;
    let one = surfit_core::table::DataTable { columns: table.columns.clone(), rows: vec![table.rows[row].clone()] };
    let text = one.to_tsv();
    let mut lines = text.lines().map(|l| l.split('\t'));
    let (names, values) = (lines.next()?, lines.next()?);
    let known = names.zip(values).filter(|(_, value)| !value.is_empty());
    let pairs = known.map(|(name, value)| format!("{} {value}", name.replace('_', " ")));
    Some(pairs.collect::<Vec<_>>().join(", "))
}

/// A word as a shell takes it.
fn shell_quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=,+-@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_shell_as_they_are() {
        assert_eq!(shell_quote("runs/demo-7"), "runs/demo-7");
        assert_eq!(shell_quote("a b"), "'a b'");
        assert_eq!(shell_quote("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell_quote(""), "''");
    }
}
