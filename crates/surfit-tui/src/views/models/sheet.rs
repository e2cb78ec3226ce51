//! The rows of the models view.

use super::items::{ModelItem, items, measured, uncertainty};
use crate::action::Action;
use crate::app::App;
use crate::theme::ThemeRole;
use crate::views::message::{clean, shortened};
use crate::views::plot::text::{self, grouped, loss, percent};
use crate::views::words::{self, padded};
use ratatui::text::{Line, Span};
use surfit_core::event::LossCurve;

/// A row: which item it is of, if any, and what is written.
pub struct ModelRow<'a> {
    pub item: Option<usize>,
    pub line: Line<'a>,
}

/// Every row at this width; `selected` is told by its look.
pub fn rows<'a>(app: &App, width: u16, selected: usize) -> Vec<ModelRow<'a>> {
    let sheet = ModelSheet::new(app, width, selected);
    let items: Vec<(usize, ModelItem)> = items(app).into_iter().enumerate().collect();
    let of = |keep: fn(&ModelItem) -> bool| items.iter().copied().filter(move |(_, i)| keep(i));
    let mut out = Vec::new();
    let sort = format!("models written, by {}", app.models.sort.name());
    out.push(sheet.head(&sort, &["at (u, v)", "validation", "test"], "folder"));
    for (n, item) in of(|i| matches!(i, ModelItem::Export(_))) {
        out.extend(sheet.export(n, item));
    }
    if app.picture.exports.is_empty() {
        out.push(sheet.quiet(sheet.no_models()));
    }
    out.push(sheet.blank());
    out.push(sheet.head("points", &["at (u, v)", "validation", "images"], ""));
    let before = out.len();
    for (n, item) in of(|i| matches!(i, ModelItem::Point { .. })) {
        out.extend(sheet.point(n, item));
    }
    if out.len() == before {
        let [mark, measure] = [Action::Mark, Action::Evaluate].map(|a| app.key(a));
        let text = format!("none yet: {mark} marks a point, {measure} measures it");
        out.push(sheet.quiet(text));
    }
    out.push(sheet.blank());
    out.push(sheet.head("corners", &["recipe", "validation", "test"], "trained"));
    for (n, item) in of(|i| matches!(i, ModelItem::Corner(_))) {
        out.extend(sheet.corner(n, item));
    }
    if app.picture.corners.is_empty() {
        out.push(sheet.quiet("not ready yet: they are trained or loaded first".into()));
    }
    out.extend(sheet.geometry());
    out
}

struct ModelSheet<'b> {
    app: &'b App,
    width: u16,
    /// There is room for intervals.
    wide: bool,
    /// Columns of the place, or of a corner's recipe.
    place: usize,
    /// Columns of what follows the figures; 0 when it would be cut to nothing.
    rest: usize,
    selected: usize,
}

/// Columns of the name, and of the place at least.
const NAME: usize = 12;
const PLACE: usize = 17;
/// Columns that what follows the figures has at least, and those from which on the place gets more.
const REST: (usize, usize) = (12, 24);
/// Columns of a figure.
const FIGURE: usize = 9;
/// Columns of an interval.
const INTERVAL: usize = 7;

impl<'b> ModelSheet<'b> {
    fn new(app: &'b App, width: u16, selected: usize) -> Self {
        let wide = width >= 84;
        let gap = if wide { 2 * INTERVAL } else { 0 };
        let left = usize::from(width).saturating_sub(1 + NAME + 10 + FIGURE + gap);
        let recipes = app.picture.corners.values();
        let wanted = recipes
            .map(|c| Span::raw(c.source.as_str()).width() + 1)
            .max();
        let more = wanted.unwrap_or(0).saturating_sub(PLACE);
        let (place, rest) = match left.saturating_sub(PLACE + 2) {
            rest if rest < REST.0 => (PLACE + more.min(left.saturating_sub(PLACE)), 0),
            rest => {
                let more = more.min(rest.saturating_sub(REST.1));
                (PLACE + more, rest - more)
            }
        };
        Self {
            app,
            width,
            wide,
            place,
            rest,
            selected,
        }
    }

    fn blank<'a>(&self) -> ModelRow<'a> {
        ModelRow {
            item: None,
            line: Line::default(),
        }
    }

    fn quiet<'a>(&self, text: String) -> ModelRow<'a> {
        let text = shortened(&text, self.width.saturating_sub(1), self.app.theme.ascii());
        ModelRow {
            item: None,
            line: Line::styled(format!(" {text}"), self.app.theme.style(ThemeRole::Muted)),
        }
    }

    fn no_models(&self) -> String {
        let keys = [Action::ExportBest, Action::ExportCursor].map(|a| self.app.key(a));
        format!(
            "No model was written yet: {} writes the best, {} the one under the cursor.",
            keys[0], keys[1]
        )
    }

    /// A heading: what the section is, and its columns.
    fn head<'a>(&self, title: &str, columns: &[&str; 3], last: &str) -> ModelRow<'a> {
        let theme = &self.app.theme;
        // A long title takes the place of the second column's name, which its values explain.
        let (place, room) = (self.place, NAME + self.place);
        let named = title.chars().count() < NAME;
        let left = match named {
            true => format!("{title:<NAME$}{:<place$}", columns[0]),
            false => format!("{title:<room$}"),
        };
        let gap = if self.wide { INTERVAL } else { 0 };
        let figures = format!(
            "{:>10}{:gap$}{:>FIGURE$}{:gap$}  ",
            columns[1], "", columns[2], ""
        );
        let last = if last.len() <= self.rest { last } else { "" };
        let title_width = title.len().min(left.len());
        ModelRow {
            item: None,
            line: Line::from(vec![
                Span::styled(
                    format!(" {}", &left[..title_width]),
                    theme.style(ThemeRole::Title),
                ),
                Span::styled(
                    format!(
                        "{}{}",
                        &left[title_width..],
                        format!("{figures}{last}").trim_end()
                    ),
                    theme.style(ThemeRole::Muted),
                ),
            ]),
        }
    }

    /// An accuracy with its interval where there is room for it.
    fn figure<'a>(
        &self,
        accuracy: Option<f64>,
        images: usize,
        width: usize,
        role: ThemeRole,
    ) -> Vec<Span<'a>> {
        let theme = &self.app.theme;
        let text = accuracy.map(|a| percent(a, 2)).unwrap_or_default();
        let mut out = vec![Span::styled(format!("{text:>width$}"), theme.style(role))];
        if self.wide {
            let half = accuracy.and_then(|a| uncertainty(a, images));
            let sign = theme.pick("±", "+-");
            let text = half.map(|h| format!(" {sign}{:.2}", 100.0 * h));
            let text = text.unwrap_or_default();
            out.push(Span::styled(
                format!("{text:<INTERVAL$}"),
                theme.style(ThemeRole::Muted),
            ));
        }
        out
    }

    /// A row that can be chosen.
    fn item<'a>(&self, n: usize, spans: Vec<Span<'a>>) -> ModelRow<'a> {
        let mut spans = spans;
        if n == self.selected {
            let style = self.app.theme.style(ThemeRole::Selection);
            for span in &mut spans {
                *span = Span::styled(span.content.clone(), style);
            }
        }
        ModelRow {
            item: Some(n),
            line: Line::from(spans),
        }
    }

    /// What is left of the row after the columns.
    fn rest<'a>(&self, text: &str) -> Span<'a> {
        let theme = &self.app.theme;
        if self.rest == 0 {
            return Span::default();
        }
        let text = shortened(&clean(text, theme.ascii()), self.rest as u16, theme.ascii());
        Span::styled(format!("  {text}"), theme.style(ThemeRole::Muted))
    }

    /// A folder from its end: what tells one from the other stands there.
    fn tail(&self, dir: &std::path::Path) -> String {
        let ascii = self.app.theme.ascii();
        let whole = clean(&dir.display().to_string(), ascii);
        words::tail(&whole, self.rest as u16, ascii)
    }

    fn lead<'a>(&self, name: &str, role: ThemeRole, place: &str) -> Vec<Span<'a>> {
        let theme = &self.app.theme;
        let place = words::ends(
            &clean(place, theme.ascii()),
            self.place as u16 - 1,
            theme.ascii(),
        );
        let name = shortened(name, NAME as u16 - 1, theme.ascii());
        vec![
            Span::styled(format!(" {}", padded(&name, NAME)), theme.style(role)),
            Span::styled(padded(&place, self.place), theme.style(ThemeRole::Muted)),
        ]
    }

    fn images(&self, split: usize) -> usize {
        self.app
            .picture
            .info
            .as_ref()
            .map_or(0, |i| i.images[split])
    }

    fn export<'a>(&self, n: usize, item: ModelItem) -> Option<ModelRow<'a>> {
        let ModelItem::Export(index) = item else {
            return None;
        };
        let x = self.app.picture.exports.get(index)?;
        let place = match (x.u, x.v) {
            (Some(u), Some(v)) => format!("({u:.3}, {v:.3})"),
            _ => x.members_in_words().unwrap_or("whole surface".into()),
        };
        let mut spans = self.lead(&x.selection, ThemeRole::Text, &place);
        let [validation, test] = [x.validation_accuracy, x.test_accuracy].map(Some);
        spans.extend(self.figure(validation, self.images(1), 10, ThemeRole::Text));
        spans.extend(self.figure(test, self.images(2), FIGURE, ThemeRole::Good));
        spans.push(self.rest(&self.tail(&x.dir)));
        Some(self.item(n, spans))
    }

    fn point<'a>(&self, n: usize, item: ModelItem) -> Option<ModelRow<'a>> {
        let ModelItem::Point { u, v, marked } = item else {
            return None;
        };
        let theme = &self.app.theme;
        let name = match marked {
            true => format!("{} mark", theme.pick("◇", "m")),
            false => "measured".into(),
        };
        let mut spans = self.lead(&name, ThemeRole::Text, &format!("({u:.3}, {v:.3})"));
        let known = measured(self.app, u, v);
        let (accuracy, images) = match known {
            Some((p, _)) => (Some(p.accuracy), p.images),
            None => (None, 0),
        };
        spans.extend(self.figure(accuracy, images as usize, 10, ThemeRole::Text));
        let count = match images {
            0 => "-".into(),
            n => grouped(n.into()),
        };
        spans.push(Span::styled(
            format!("{count:>FIGURE$}"),
            theme.style(ThemeRole::Text),
        ));
        if self.wide {
            spans.push(Span::raw(" ".repeat(INTERVAL)));
        }
        let how = match known {
            Some((_, true)) => "exactly there".into(),
            Some(_) => "the nearest cell".into(),
            None => format!("{} measures it", self.app.key(Action::Evaluate)),
        };
        spans.push(self.rest(&how));
        Some(self.item(n, spans))
    }

    fn corner<'a>(&self, n: usize, item: ModelItem) -> Option<ModelRow<'a>> {
        let ModelItem::Corner(index) = item else {
            return None;
        };
        let picture = &self.app.picture;
        let corner = picture.corners.get(&index)?;
        let name = format!("corner {}", index + 1);
        let mut spans = self.lead(&name, ThemeRole::corner(index), &corner.source);
        spans.extend(self.figure(Some(corner.accuracy), self.images(1), 10, ThemeRole::Text));
        let finished = picture.finished.as_ref();
        let test = finished.and_then(|f| f.corners_test.get(index)).copied();
        spans.extend(self.figure(test, self.images(2), FIGURE, ThemeRole::Text));
        let curve = LossCurve::Corner(index);
        let mut facts = Vec::new();
        if let Some(own) = corner.own_statistics {
            facts.push(format!("own statistics {}", percent(own.accuracy, 2)));
        }
        facts.push(format!("loss {}", loss(corner.loss)));
        if let Some(a) = picture.alignments.get(&index) {
            facts.push(format!("aligned, {:.0} % moved", 100.0 * a.moved));
        }
        if let Some(steps) = picture.curves.get(&curve).map(|s| s.end()) {
            facts.push(format!("{} steps", grouped(steps)));
        }
        if corner.seconds > 0.0 {
            facts.push(format!("{:.1} s", corner.seconds));
        }
        let rates = picture.tracks.get(&curve).into_iter();
        let peak = rates.flat_map(|t| t.marks()).map(|m| m.rate);
        if let Some(rate) = peak.max_by(f64::total_cmp).filter(|r| *r > 0.0) {
            facts.push(format!("rate up to {}", text::rate(rate)));
        }
        spans.push(self.rest(&facts.join(", ")));
        Some(self.item(n, spans))
    }

    /// How far the corners lie from each other, and at which angle, as trained and after alignment.
    fn geometry<'a>(&self) -> Vec<ModelRow<'a>> {
        let theme = &self.app.theme;
        let geometry = &self.app.picture.geometry;
        let Some(first) = geometry.first() else {
            return Vec::new();
        };
        let degrees = theme.pick("°", " deg");
        let head = |g: &surfit_core::event::Geometry| match g.aligned {
            true => "aligned",
            false => "as trained",
        };
        let (far, turn) = if self.width >= 55 { (12, 9) } else { (11, 8) };
        let titles: String = geometry
            .iter()
            .map(|g| format!("{:>far$}{:>turn$}", head(g), "angle"))
            .collect();
        let mut out = vec![
            self.blank(),
            ModelRow {
                item: None,
                line: Line::from(vec![
                    Span::styled(
                        format!(" {:<NAME$}", "distances"),
                        theme.style(ThemeRole::Title),
                    ),
                    Span::styled(titles, theme.style(ThemeRole::Muted)),
                ]),
            },
        ];
        for (n, (a, b)) in first.pairs.iter().enumerate() {
            let pair = format!("{} {} {}", a + 1, theme.pick("–", "-"), b + 1);
            let mut spans = vec![Span::styled(
                format!(" {pair:<NAME$}"),
                theme.style(ThemeRole::Text),
            )];
            for g in geometry {
                let (d, angle) = (g.distances.get(n), g.angles.get(n));
                let d = d.map_or("?".into(), |d| format!("{d:.2}"));
                let angle = angle.map_or("?".into(), |x| format!("{x:.0}{degrees}"));
                spans.push(Span::styled(
                    format!("{d:>far$}"),
                    theme.style(ThemeRole::Text),
                ));
                spans.push(Span::styled(
                    format!("{angle:>turn$}"),
                    theme.style(ThemeRole::Muted),
                ));
            }
            out.push(ModelRow {
                item: None,
                line: Line::from(spans),
            });
        }
        out
    }
}
