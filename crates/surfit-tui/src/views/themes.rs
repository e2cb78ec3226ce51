//! The themes there are, each with a sample of its colours.

use super::footer::{self, FooterItem};
use super::message::truncate_end;
use super::popup;
use super::view::{InputOutcome, KeyPress, View, take_overlay_key};
use crate::action::KeyScope;
use crate::app::{App, MessageKind};
use crate::color::ColorDepth;
use crate::key::Key;
use crate::keymap::KeyLookup;
use crate::layout::ScreenLayout;
use crate::theme::{Theme, ThemeChoice, ThemeRole, list_themes};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

const NAME_WIDTH: u16 = 15;
const COLORMAP_WIDTH: u16 = 8;
/// What the sample shows beside the colour map.
const SAMPLE_ROLES: [ThemeRole; 6] = [
    ThemeRole::Accent,
    ThemeRole::CurveValidation,
    ThemeRole::Corner1,
    ThemeRole::Corner2,
    ThemeRole::Corner3,
    ThemeRole::Corner4,
];

/// The list has all rows but the last two: a gap, and a line about the chosen theme.
fn list(inner: Rect) -> Rect {
    Rect { height: inner.height.saturating_sub(2), ..inner }
}

/// Overlay that lists the themes and previews the selected one.
#[derive(Debug)]
pub struct ThemesOverlay {
    pub choices: Vec<ThemeChoice>,
    pub selected: usize,
}

impl View for ThemesOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("themes")
    }

    fn title(&self, _app: &App) -> String {
        "Themes".into()
    }

    fn remark(&self, _app: &App) -> String {
        "enter applies it".into()
    }

    /// It is at the lower left, where it covers least of what the themes are judged by.
    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        let main = screen.main;
        let width = main.width.saturating_sub(4).min(52);
        let height = main.height.min((self.choices.len() + 4).try_into().unwrap_or(u16::MAX));
        Rect { x: main.x + 2.min(main.width - width), y: main.bottom() - height, width, height }
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let theme = &app.theme;
        let list = list(inner);
        let first = popup::first_visible_row(self.selected, list.height);
        for ((n, choice), row) in self.choices.iter().enumerate().skip(first).zip(list.rows()) {
            let chosen = n == self.selected;
            if chosen {
                buf.set_style(row, theme.style(ThemeRole::Selection));
            }
            let role = |usual| theme.style(if chosen { ThemeRole::Selection } else { usual });
            let kept = choice.name == app.confirmed_theme().name();
            let sign = if kept { theme.pick_glyph("●", "*") } else { " " };
            let name = truncate_end(&choice.name, NAME_WIDTH, theme.is_ascii());
            Line::from(vec![
                Span::styled(format!(" {sign} "), role(ThemeRole::Accent)),
                Span::styled(format!("{name:<15} "), role(ThemeRole::Text)),
            ])
            .render(row, buf);
            let rest = Rect { x: row.x + NAME_WIDTH + 4, width: row.width.saturating_sub(NAME_WIDTH + 4), ..row };
            match &choice.theme {
                Ok(sampled) if theme.depth() > ColorDepth::None => {
                    sample(rest, buf, &sampled.clone().with_terminal_of(theme));
                }
                Ok(_) => {}
                Err(_) => {
                    Line::styled("cannot be read", role(ThemeRole::Warning)).render(rest, buf);
                }
            }
        }
        let Some(choice) = self.choices.get(self.selected) else {
            return;
        };
        let about = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        let (role, own) = match (&choice.theme, choice.is_user_theme) {
            (Err(_), _) => (ThemeRole::Error, ""),
            (Ok(_), true) => (ThemeRole::Muted, "your own. "),
            (Ok(_), false) => (ThemeRole::Muted, ""),
        };
        let text = format!("{own}{}", choice.description());
        let text = truncate_end(&text, about.width, theme.is_ascii());
        Line::styled(text, theme.style(role)).render(about, buf);
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let preview = footer::text_hint(footer::arrows(app), "preview");
        vec![preview, footer::key_hint(app, Key::ENTER, "apply it"), footer::key_hint(app, Key::ESC, "restore")]
    }

    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        // The next one is the line below.
        if press.lookup == KeyLookup::Action(action!("theme")) {
            self.scroll(app, 1);
            return InputOutcome::DONE;
        }
        take_overlay_key(self, app, press)
    }

    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        if let Some(choice) = self.choices.get(self.selected) {
            app.confirm_theme(&choice.name);
        }
        InputOutcome::CLOSE
    }

    fn row_at(&self, _app: &App, inner: Rect, at: Position) -> Option<usize> {
        popup::row_at(list(inner), self.choices.len(), self.selected, at)
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.selected)
    }

    fn last_position(&self, _app: &App) -> usize {
        self.choices.len().saturating_sub(1)
    }
}

/// Choosing a theme: the screen takes each on as the cursor comes to it, enter keeps it, everything else takes it back.
impl App {
    /// Opens the list of themes at the present one, or closes it.
    pub(crate) fn toggle_themes(&mut self) {
        if self.view::<ThemesOverlay>().is_some() {
            return self.close_overlays();
        }
        let choices = list_themes(self.theme.depth());
        let selected = choices.iter().position(|c| c.name == self.theme.name()).unwrap_or(0);
        self.open_overlay(ThemesOverlay { choices, selected });
        self.theme_before_preview = Some(self.theme.clone());
    }

    /// The screen takes on the theme that is chosen in the list, and is unchanged when none is open. A file that cannot
    /// be read changes nothing.
    pub(crate) fn preview_theme(&mut self) {
        let Some(ThemesOverlay { choices, selected }) = self.view() else {
            if let Some(before) = self.theme_before_preview.take() {
                self.theme = before;
            }
            return;
        };
        if let Some(Ok(theme)) = choices.get(*selected).map(|c| &c.theme)
            && theme.name() != self.theme.name()
        {
            self.theme = theme.clone().with_terminal_of(&self.theme);
        }
    }

    pub(crate) fn confirm_theme(&mut self, name: &str) {
        self.theme_before_preview = None;
        self.use_theme(name);
    }

    /// The theme that stays when the list of themes is closed without a choice.
    pub fn confirmed_theme(&self) -> &Theme {
        self.theme_before_preview.as_ref().unwrap_or(&self.theme)
    }

    pub(crate) fn cycle_theme(&mut self) {
        // A file that cannot be read is skipped: the list of themes shows its error.
        let usable: Vec<String> =
            list_themes(self.theme.depth()).into_iter().filter(|c| c.theme.is_ok()).map(|c| c.name).collect();
        let next = usable.iter().position(|n| n == self.theme.name()).map_or(0, |i| i + 1);
        if let Some(name) = usable.get(next % usable.len().max(1)) {
            self.use_theme(name);
        }
    }

    /// Takes the usual theme for the terminal's background, which was reported late, unless one was chosen meanwhile.
    pub(crate) fn apply_background_theme(&mut self, name: &str) {
        if !self.theme_chosen
            && self.theme_before_preview.is_none()
            && let Some(theme) = Theme::built_in(name, self.theme.depth())
        {
            self.theme = theme.with_terminal_of(&self.theme);
            self.dirty = true;
        }
    }

    pub(crate) fn use_theme(&mut self, name: &str) {
        match Theme::load(name, self.theme.depth()) {
            Ok(theme) => {
                self.show_message(MessageKind::Info, format!("theme {name}: {}", theme.description()));
                self.theme_chosen = true;
                self.theme = theme.with_glyphs(self.theme.glyphs());
            }
            Err(why) => self.show_message(MessageKind::Error, why.to_string()),
        }
    }
}

/// Colours of another theme on its own ground.
fn sample(area: Rect, buf: &mut Buffer, sampled: &Theme) {
    let ground = sampled.style(ThemeRole::Background);
    let ascii = sampled.is_ascii();
    let mut spans = vec![Span::styled(" Aa ", sampled.style(ThemeRole::Text))];
    for role in SAMPLE_ROLES {
        let mark = if ascii { "#" } else { "■" };
        spans.push(Span::styled(format!("{mark} "), sampled.style(role)));
    }
    let width = (SAMPLE_ROLES.len() * 2 + 4) as u16;
    let place = Rect { width, ..area }.intersection(area);
    buf.set_style(place, ground);
    Line::from(spans).render(place, buf);
    if sampled.depth() < ColorDepth::Ansi256 {
        return;
    }
    for n in 0..COLORMAP_WIDTH {
        let x = area.x + width + n;
        let colour = sampled.rgb(sampled.colormap().color_at(f64::from(n) / f64::from(COLORMAP_WIDTH - 1)));
        if x < area.right()
            && let Some(cell) = buf.cell_mut((x, area.y))
        {
            cell.set_symbol(" ").set_bg(colour);
        }
    }
}

#[cfg(test)]
mod tests;
