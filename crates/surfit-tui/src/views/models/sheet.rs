//! The rows of the models view.

use super::items::{ModelItem, interval_half_width, items, measured_point};
use crate::app::App;
use crate::theme::ThemeRole;
use crate::views::message::{transliterate, truncate_end};
use crate::views::plot::text::{self, format_loss, format_percent, group_digits};
use crate::views::text_wrap::{self, pad_to_width};
use ratatui::text::{Line, Span};
use surfit_core::event::{Geometry, LossCurve};

pub struct ModelRow<'a> {
    pub item: Option<usize>,
    pub line: Line<'a>,
}

/// Every row at this width; `selected` is shown by its style.
pub fn rows<'a>(app: &App, width: u16, selected: usize) -> Vec<ModelRow<'a>> {
    let sheet = ModelSheet::new(app, width, selected);
    let [mut exports, mut points, mut corners]: [Vec<ModelRow<'a>>; 3] = Default::default();
    for (n, item) in items(app).into_iter().enumerate() {
        match item {
            ModelItem::Export(index) => exports.extend(sheet.export(n, index)),
            ModelItem::Point { u, v, marked } => points.push(sheet.point(n, (u, v), marked)),
            ModelItem::Corner(index) => corners.extend(sheet.corner(n, index)),
        }
    }
    if exports.is_empty() {
        exports.push(sheet.muted_row(sheet.no_models_hint()));
    }
    if points.is_empty() {
        let [mark, measure] = [action!("mark"), action!("evaluate")].map(|a| app.key_label(a));
        points.push(sheet.muted_row(format!("none yet: {mark} bookmarks a point, {measure} measures it")));
    }
    if corners.is_empty() {
        let why = match app.run_state.is_branched() {
            true => "not ready yet: they are measured after the fit",
            false => "not ready yet: they are trained or loaded first",
        };
        corners.push(sheet.muted_row(why.into()));
    }
    let sort = format!("exports, by {}", app.models.sort.name());
    let mut out = vec![sheet.head(&sort, &["at (u, v)", "validation", "test"], "folder")];
    out.extend(exports);
    out.extend([sheet.blank(), sheet.head("points", &["at (u, v)", "validation", "images"], "")]);
    out.extend(points);
    out.extend([sheet.blank(), sheet.head("corners", &["recipe", "validation", "test"], "trained")]);
    out.extend(corners);
    out.extend(sheet.geometry());
    out
}

struct ModelSheet<'b> {
    app: &'b App,
    width: u16,
    wide: bool,
    /// Columns of the place, or of a corner's recipe.
    position_width: usize,
    /// Columns of what follows the figures; 0 when it would be cut to nothing.
    detail_width: usize,
    selected: usize,
}

/// Columns of the name, and of the place at least.
const NAME: usize = 12;
const MIN_POSITION_WIDTH: usize = 17;
/// Columns that what follows the figures has at least, and those from which on the place gets more.
const MIN_DETAIL_WIDTHS: (usize, usize) = (12, 24);
/// Columns of a figure.
const FIGURE: usize = 9;
/// Columns of an interval.
const INTERVAL: usize = 7;

impl<'b> ModelSheet<'b> {
    fn new(app: &'b App, width: u16, selected: usize) -> Self {
        let wide = width >= 84;
        let gap = if wide { 2 * INTERVAL } else { 0 };
        let left = usize::from(width).saturating_sub(1 + NAME + 10 + FIGURE + gap);
        let recipes = app.run_state.corners.values();
        let wanted = recipes.map(|c| Span::raw(c.source.as_str()).width() + 1).max();
        let more = wanted.unwrap_or(0).saturating_sub(MIN_POSITION_WIDTH);
        let (place, rest) = match left.saturating_sub(MIN_POSITION_WIDTH + 2) {
            rest if rest < MIN_DETAIL_WIDTHS.0 => {
                (MIN_POSITION_WIDTH + more.min(left.saturating_sub(MIN_POSITION_WIDTH)), 0)
            }
            rest => {
                let more = more.min(rest.saturating_sub(MIN_DETAIL_WIDTHS.1));
                (MIN_POSITION_WIDTH + more, rest - more)
            }
        };
        Self { app, width, wide, position_width: place, detail_width: rest, selected }
    }

    fn blank<'a>(&self) -> ModelRow<'a> {
        ModelRow { item: None, line: Line::default() }
    }

    fn muted_row<'a>(&self, text: String) -> ModelRow<'a> {
        let text = truncate_end(&text, self.width.saturating_sub(1), self.app.theme.is_ascii());
        ModelRow { item: None, line: Line::styled(format!(" {text}"), self.app.theme.style(ThemeRole::Muted)) }
    }

    fn no_models_hint(&self) -> String {
        let keys = [action!("export-best"), action!("export-cursor")].map(|a| self.app.key_label(a));
        format!("No exports yet: {} exports the best model, {} the one under the cursor.", keys[0], keys[1])
    }

    fn head<'a>(&self, title: &str, columns: &[&str; 3], last: &str) -> ModelRow<'a> {
        let theme = &self.app.theme;
        // A long title takes the place of the second column's name, which its values explain.
        let (place, room) = (self.position_width, NAME + self.position_width);
        let named = title.chars().count() < NAME;
        let left = match named {
            true => format!("{title:<NAME$}{:<place$}", columns[0]),
            false => format!("{title:<room$}"),
        };
        let gap = if self.wide { INTERVAL } else { 0 };
        let figures = format!("{:>10}{:gap$}{:>FIGURE$}{:gap$}  ", columns[1], "", columns[2], "");
        let last = if last.len() <= self.detail_width { last } else { "" };
        let title_width = title.len().min(left.len());
        ModelRow {
            item: None,
            line: Line::from(vec![
                Span::styled(format!(" {}", &left[..title_width]), theme.style(ThemeRole::Title)),
                Span::styled(
                    format!("{}{}", &left[title_width..], format!("{figures}{last}").trim_end()),
                    theme.style(ThemeRole::Muted),
                ),
            ]),
        }
    }

    fn figure<'a>(&self, accuracy: Option<f64>, images: usize, width: usize, role: ThemeRole) -> Vec<Span<'a>> {
        let theme = &self.app.theme;
        let text = accuracy.map(|a| format_percent(a, 2)).unwrap_or_default();
        let mut out = vec![Span::styled(format!("{text:>width$}"), theme.style(role))];
        if self.wide {
            let half = accuracy.and_then(|a| interval_half_width(a, images));
            let sign = theme.pick_glyph("±", "+-");
            let text = half.map(|h| format!(" {sign}{:.2}", 100.0 * h));
            let text = text.unwrap_or_default();
            out.push(Span::styled(format!("{text:<INTERVAL$}"), theme.style(ThemeRole::Muted)));
        }
        out
    }

    fn item<'a>(&self, n: usize, spans: Vec<Span<'a>>) -> ModelRow<'a> {
        let mut spans = spans;
        if n == self.selected {
            let style = self.app.theme.style(ThemeRole::Selection);
            for span in &mut spans {
                *span = Span::styled(span.content.clone(), style);
            }
        }
        ModelRow { item: Some(n), line: Line::from(spans) }
    }

    /// What is left of the row after the columns.
    fn detail_span<'a>(&self, text: &str) -> Span<'a> {
        let theme = &self.app.theme;
        if self.detail_width == 0 {
            return Span::default();
        }
        let text = truncate_end(&transliterate(text, theme.is_ascii()), self.detail_width as u16, theme.is_ascii());
        Span::styled(format!("  {text}"), theme.style(ThemeRole::Muted))
    }

    /// A folder from its end: folders differ there.
    fn tail(&self, dir: &std::path::Path) -> String {
        let ascii = self.app.theme.is_ascii();
        let whole = transliterate(&dir.display().to_string(), ascii);
        text_wrap::truncate_start(&whole, self.detail_width as u16, ascii)
    }

    fn leading_spans<'a>(&self, name: &str, role: ThemeRole, place: &str) -> Vec<Span<'a>> {
        let theme = &self.app.theme;
        let place = text_wrap::truncate_middle(
            &transliterate(place, theme.is_ascii()),
            self.position_width as u16 - 1,
            theme.is_ascii(),
        );
        let name = truncate_end(name, NAME as u16 - 1, theme.is_ascii());
        vec![
            Span::styled(format!(" {}", pad_to_width(&name, NAME)), theme.style(role)),
            Span::styled(pad_to_width(&place, self.position_width), theme.style(ThemeRole::Muted)),
        ]
    }

    fn images(&self, split: usize) -> usize {
        self.app.run_state.info.as_ref().map_or(0, |i| i.images[split])
    }

    fn export<'a>(&self, n: usize, index: usize) -> Option<ModelRow<'a>> {
        let x = self.app.run_state.exports.get(index)?;
        let place = match (x.u, x.v) {
            (Some(u), Some(v)) => format!("({u:.3}, {v:.3})"),
            _ => x.describe_members().unwrap_or("whole surface".into()),
        };
        let mut spans = self.leading_spans(&x.selection, ThemeRole::Text, &place);
        let [validation, test] = [x.validation_accuracy, x.test_accuracy].map(Some);
        spans.extend(self.figure(validation, self.images(1), 10, ThemeRole::Text));
        spans.extend(self.figure(test, self.images(2), FIGURE, ThemeRole::Good));
        spans.push(self.detail_span(&self.tail(&x.dir)));
        Some(self.item(n, spans))
    }

    fn point<'a>(&self, n: usize, (u, v): (f64, f64), marked: bool) -> ModelRow<'a> {
        let theme = &self.app.theme;
        let name = match marked {
            true => format!("{} bookmark", theme.pick_glyph("◇", "m")),
            false => "measured".into(),
        };
        let mut spans = self.leading_spans(&name, ThemeRole::Text, &format!("({u:.3}, {v:.3})"));
        let known = measured_point(self.app, u, v);
        let (accuracy, images) = match known {
            Some((p, _)) => (Some(p.accuracy), p.images),
            None => (None, 0),
        };
        spans.extend(self.figure(accuracy, images as usize, 10, ThemeRole::Text));
        let count = match images {
            0 => "-".into(),
            n => group_digits(n.into()),
        };
        spans.push(Span::styled(format!("{count:>FIGURE$}"), theme.style(ThemeRole::Text)));
        if self.wide {
            spans.push(Span::raw(" ".repeat(INTERVAL)));
        }
        let how = match known {
            Some((_, true)) => "exactly there".into(),
            Some(_) => "the nearest cell".into(),
            None => format!("{} measures it", self.app.key_label(action!("evaluate"))),
        };
        spans.push(self.detail_span(&how));
        self.item(n, spans)
    }

    fn corner<'a>(&self, n: usize, index: usize) -> Option<ModelRow<'a>> {
        let run_state = &self.app.run_state;
        let corner = run_state.corners.get(&index)?;
        let name = format!("corner {}", index + 1);
        let mut spans = self.leading_spans(&name, ThemeRole::corner(index), &corner.source);
        spans.extend(self.figure(Some(corner.accuracy), self.images(1), 10, ThemeRole::Text));
        let finished = run_state.finished.as_ref();
        let test = finished.and_then(|f| f.corners_test.get(index)).copied();
        spans.extend(self.figure(test, self.images(2), FIGURE, ThemeRole::Text));
        let curve = LossCurve::Corner(index);
        let mut facts = Vec::new();
        if let Some(own) = corner.own_statistics {
            facts.push(format!("own statistics {}", format_percent(own.accuracy, 2)));
        }
        facts.push(format!("loss {}", format_loss(corner.loss)));
        if let Some(a) = run_state.alignments.get(&index) {
            facts.push(format!("aligned, {:.0} % moved", 100.0 * a.moved));
        }
        if let Some(steps) = run_state.curves.get(&curve).map(|s| s.end_step()) {
            facts.push(format!("{} steps", group_digits(steps)));
        }
        if corner.seconds > 0.0 {
            facts.push(format!("{:.1} s", corner.seconds));
        }
        let rates = run_state.tracks.get(&curve).into_iter();
        let peak = rates.flat_map(|t| t.marks()).map(|m| m.rate);
        if let Some(rate) = peak.max_by(f64::total_cmp).filter(|r| *r > 0.0) {
            facts.push(format!("rate up to {}", text::format_learning_rate(rate)));
        }
        spans.push(self.detail_span(&facts.join(", ")));
        Some(self.item(n, spans))
    }

    /// How far the corners lie from each other, and at which angle, as trained and after alignment.
    fn geometry<'a>(&self) -> Vec<ModelRow<'a>> {
        let theme = &self.app.theme;
        // The latest two fit side by side.
        let geometry = &self.app.run_state.geometry;
        let geometry = &geometry[geometry.len().saturating_sub(2)..];
        let Some(first) = geometry.first() else {
            return Vec::new();
        };
        let degrees = theme.pick_glyph("°", " deg");
        let head = |g: &Geometry| match g {
            Geometry { fitted: true, .. } => "after fit",
            Geometry { aligned: true, .. } => "aligned",
            _ => "as trained",
        };
        let (far, turn) = if self.width >= 55 { (12, 9) } else { (11, 8) };
        let titles: String = geometry.iter().map(|g| format!("{:>far$}{:>turn$}", head(g), "angle")).collect();
        let mut out = vec![
            self.blank(),
            ModelRow {
                item: None,
                line: Line::from(vec![
                    Span::styled(format!(" {:<NAME$}", "distances"), theme.style(ThemeRole::Title)),
                    Span::styled(titles, theme.style(ThemeRole::Muted)),
                ]),
            },
        ];
        for (n, (a, b)) in first.pairs.iter().enumerate() {
            let pair = format!("{} {} {}", a + 1, theme.pick_glyph("–", "-"), b + 1);
            let mut spans = vec![Span::styled(format!(" {pair:<NAME$}"), theme.style(ThemeRole::Text))];
            for g in geometry {
                let (d, angle) = (g.distances.get(n), g.angles.get(n));
                let d = d.map_or("?".into(), |d| format!("{d:.2}"));
                let angle = angle.map_or("?".into(), |x| format!("{x:.0}{degrees}"));
                spans.push(Span::styled(format!("{d:>far$}"), theme.style(ThemeRole::Text)));
                spans.push(Span::styled(format!("{angle:>turn$}"), theme.style(ThemeRole::Muted)));
            }
            out.push(ModelRow { item: None, line: Line::from(spans) });
        }
        out
    }
}
