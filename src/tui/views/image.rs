//! The heatmap as a picture at full resolution, in terminals that can show one.

use super::plot::chrome;
use super::popup;
use super::surface::{Fixed, Part, Quantity, Scene};
use crate::app::{App, Overlay};
use crate::images::{Raster, heatmap};
use crate::layout::Screen;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use surfit_core::heatmap::{Heatmap, Metric};

/// Most contour lines.
pub const LINES: usize = 16;

/// Draws the frame; the picture itself is written past the buffer, over the room inside.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, lines: usize) {
    let scene = Scene::new(&app.theme, &app.picture, &app.surface);
    let shown = scene.map_or_else(|| app.surface.metric.name().into(), |s| s.described());
    let hint = match lines {
        0 => format!("{shown}, no contour lines"),
        n => format!("{shown}, {n} contour lines"),
    };
    let inner = popup::draw(area, buf, &app.theme, "Picture", &hint);
    let sentence = match (app.images, measured(app)) {
        (None, _) => {
            "This terminal is not known to show pictures. SURFIT_IMAGES=kitty, sixel or iterm2 says that it does; \
             F writes the figures as files."
        }
        (_, None) => "The picture appears when the first cells are measured.",
        _ => return,
    };
    let key = app.key(crate::action::Action::Figures);
    let sentence = sentence.replace("F writes", &format!("{key} writes"));
    chrome::empty(inner, buf, &app.theme, &sentence);
}

/// The heatmap, when a cell of it is measured.
fn measured(app: &App) -> Option<&Heatmap> {
    let map = &app.picture.snapshot.as_ref()?.heatmap;
    map.inside().any(|i| map.cells[i].images > 0).then_some(map)
}

/// What the terminal shall show as a picture now, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Characters that it covers.
    pub area: Rect,
    /// What the user chose to see.
    pub choice: Choice,
    /// Pixels.
    pub raster: Raster,
}

/// What of the heatmap the picture shows, by the user's choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    metric: Metric,
    quantity: Quantity,
    range: Option<Fixed>,
    part: Option<Part>,
    theme: String,
    lines: usize,
}

/// See [`Choice`]; `None` while no picture is asked for.
pub fn choice(app: &App) -> Option<Choice> {
    match app.overlay {
        Some(Overlay::Picture { lines }) => Some(Choice {
            metric: app.surface.metric,
            quantity: app.surface.quantity,
            range: app.surface.fixed,
            part: app.surface.part,
            theme: app.theme.name().to_owned(),
            lines,
        }),
        _ => None,
    }
}

/// The characters that the picture covers: about square, in the middle of the room; `None` when there is none.
pub fn place(app: &App, cell: Size) -> Option<Rect> {
    let Some(Overlay::Picture { .. }) = app.overlay else {
        return None;
    };
    // Pictures lie over letters: what has to be read goes before.
    let covered = app.question.is_some() || app.take.is_some();
    if covered || app.images.is_none() {
        return None;
    }
    let screen = Screen::of(app);
    if screen.too_small() {
        return None;
    }
    measured(app)?;
    let room = popup::inner(screen.overlay);
    let (w, h) = (u32::from(cell.width.max(1)), u32::from(cell.height.max(1)));
    let side = (u32::from(room.width) * w).min(u32::from(room.height) * h);
    let (columns, rows) = ((side / w) as u16, (side / h) as u16);
    (columns > 0 && rows > 0).then(|| Rect {
        x: room.x + (room.width - columns) / 2,
        y: room.y + (room.height - rows) / 2,
        width: columns,
        height: rows,
    })
}

/// The picture for terminal cells of `cell` pixels; at most `most` pixels a side.
pub fn wanted(app: &App, cell: Size, most: usize) -> Option<Wanted> {
    let area = place(app, cell)?;
    let choice = choice(app)?;
    let pixels = |cells: u16, size: u16| usize::from(cells) * usize::from(size.max(1));
    let size = (
        pixels(area.width, cell.width),
        pixels(area.height, cell.height),
    );
    let shrink = (size.0.max(size.1) as f64 / most as f64).max(1.0);
    let size = [size.0, size.1].map(|s| ((s as f64 / shrink) as usize).max(1));
    let scene = Scene::new(&app.theme, &app.picture, &app.surface)?;
    let raster = heatmap(&scene, (size[0], size[1]), choice.lines);
    Some(Wanted {
        area,
        choice,
        raster,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::color::Depth;
    use crate::fixture;
    use crate::images::Protocol;
    use crate::rig::Rig;

    const CELL: Size = Size::new(9, 18);

    fn open(width: u16, height: u16) -> Rig {
        let mut rig = Rig::with(width, height, fixture::fitting());
        rig.app.images = Some(Protocol::Kitty);
        rig.app.act(Action::Picture);
        rig
    }

    #[test]
    fn the_picture_is_square_and_inside_the_frame_at_every_size() {
        for (width, height) in [(60, 16), (80, 24), (140, 44), (200, 50)] {
            let rig = open(width, height);
            let wanted = wanted(&rig.app, CELL, 400).unwrap();
            let inner = popup::inner(Screen::of(&rig.app).overlay);
            assert_eq!(wanted.area.intersection(inner), wanted.area);
            let (w, h) = (wanted.area.width * 9, wanted.area.height * 18);
            assert!(w.abs_diff(h) <= 18, "{w}×{h}");
            assert!(wanted.raster.width.max(wanted.raster.height) <= 400);
            // Nothing is written where it lies.
            let buf = rig.draw();
            assert!(wanted.area.positions().all(|p| buf[p].symbol() == " "));
        }
    }

    #[test]
    fn it_changes_with_the_heatmap_and_goes_when_something_lies_over_it() {
        let mut rig = open(140, 44);
        let before = wanted(&rig.app, CELL, 200).unwrap();
        fixture::go_on(&mut rig.app.picture, 8);
        assert_ne!(wanted(&rig.app, CELL, 200).unwrap(), before);
        rig.press("up up");
        assert!(rig.text().contains("8 contour lines"), "{}", rig.text());
        rig.press("q");
        assert_eq!(place(&rig.app, CELL), None);
    }

    #[test]
    fn without_a_way_to_show_it_there_is_a_sentence() {
        for depth in Depth::ALL {
            let mut rig = open(80, 24).depth("dark", depth, false);
            rig.app.images = None;
            assert!(rig.text().contains("SURFIT_IMAGES=kitty"), "{}", rig.text());
            assert_eq!(place(&rig.app, CELL), None);
        }
        let mut early = Rig::with(80, 24, fixture::loading());
        early.app.images = Some(Protocol::Sixel);
        early.app.act(Action::Picture);
        assert!(
            early.text().contains("first cells are measured"),
            "{}",
            early.text()
        );
    }
}
