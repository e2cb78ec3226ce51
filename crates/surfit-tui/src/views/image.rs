//! The heatmap, its slices and the loss curves as pictures at full resolution, in terminals that can show one.

use super::footer::{self, FooterItem};
use super::plot::pane_frame;
use super::surface::{CellQuantity, FixedRange, SurfaceScene, SurfaceViewport};
use super::view::{ShellCommand, View};
use super::{loss, popup, slices, surface};
use crate::action::{Action, KeyScope};
use crate::app::{App, ExportItem, Pane};
use crate::images::{Raster, render_heatmap};
use crate::layout::ScreenLayout;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use surfit_core::heatmap::{Heatmap, Metric};

/// Most contour lines.
pub const MAX_CONTOUR_LINES: usize = 16;
/// Most pixels a side of a heatmap, which is the same at a few pixels more, and of a plot, whose lines are not.
const MAX_HEATMAP_PIXELS: usize = 720;
const MAX_PLOT_PIXELS: usize = 1600;

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureSubject {
    /// Heatmap of the surface.
    Heatmap,
    /// Its slices through the cursor.
    Slices,
    /// The loss curves.
    Curves,
}

impl PictureSubject {
    /// The next one, round about.
    pub fn next(self) -> Self {
        match self {
            PictureSubject::Heatmap => PictureSubject::Slices,
            PictureSubject::Slices => PictureSubject::Curves,
            PictureSubject::Curves => PictureSubject::Heatmap,
        }
    }
}

/// Overlay that shows heatmap, slices or curves as an image.
#[derive(Debug)]
pub struct ImageOverlay {
    /// What is shown.
    pub subject: PictureSubject,
    /// Number of contour lines.
    pub contour_lines: usize,
}

impl ImageOverlay {
    /// The picture of what a pane shows.
    pub fn of_pane(pane: Pane) -> Self {
        let subject = match pane {
            Pane::Loss => PictureSubject::Curves,
            _ => PictureSubject::Heatmap,
        };
        Self { subject, contour_lines: 6 }
    }

    /// Shows the next thing there is a picture of.
    pub fn next_subject(&mut self, _app: &mut App) {
        self.subject = self.subject.next();
    }

    /// The pane whose content is shown.
    fn pane(&self) -> &'static dyn View {
        match self.subject {
            PictureSubject::Curves => Pane::Loss.view(),
            _ => Pane::Surface.view(),
        }
    }
}

impl View for ImageOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("image")
    }

    fn title(&self, _app: &App) -> String {
        match self.subject {
            PictureSubject::Heatmap => "Image of the heatmap",
            PictureSubject::Slices => "Image of the slices",
            PictureSubject::Curves => "Image of the losses",
        }
        .into()
    }

    fn remark(&self, app: &App) -> String {
        match (self.subject, self.contour_lines) {
            (PictureSubject::Heatmap, 0) => "no contour lines".into(),
            (PictureSubject::Heatmap, n) => format!("{n} contour lines"),
            (PictureSubject::Slices, _) => match SurfaceScene::new(&app.theme, &app.run_state, &app.surface) {
                Some(scene) => scene.description(),
                None => app.surface.metric.name().into(),
            },
            (PictureSubject::Curves, _) => curves_hint(app),
        }
    }

    /// Draws what is read beside the picture; this itself is written past the buffer, over the area kept free for it.
    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let subject = self.subject;
        let scene = SurfaceScene::new(&app.theme, &app.run_state, &app.surface);
        let sentence = match (app.image_protocol, has_content(app, subject)) {
            (None, _) => {
                "This terminal is not known to show images. Set SURFIT_IMAGES=kitty, sixel or iterm2 if it does; \
                 F saves the plots as files."
            }
            (_, false) if subject == PictureSubject::Curves => "The image appears with the first training step.",
            (_, false) => "The image appears when the first cells are measured.",
            _ => "",
        };
        if !sentence.is_empty() {
            let key = app.key_label(action!("figures"));
            let sentence = sentence.replace("F saves", &format!("{key} saves"));
            return pane_frame::draw_placeholder(inner, buf, &app.theme, &sentence);
        }
        match (subject, scene) {
            (PictureSubject::Curves, _) => {
                loss::image_view::draw_around(inner, buf, &app.theme, &app.run_state, &app.loss);
            }
            (PictureSubject::Slices, Some(scene)) => slices::image_view::draw_around(buf, &scene, inner),
            (PictureSubject::Heatmap, Some(scene)) => surface::image_frame::draw_around(buf, &scene, inner),
            _ => {}
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let arrows = |label| footer::text_hint(footer::arrows(app), label);
        let (before, own) = match self.subject {
            PictureSubject::Heatmap => (
                Some(arrows("contour lines")),
                vec![(action!("next-picture"), "slices"), (action!("metric"), "metric")],
            ),
            PictureSubject::Slices => (None, vec![(action!("next-picture"), "curves"), (action!("metric"), "metric")]),
            PictureSubject::Curves => (
                Some(arrows("smoothing")),
                vec![
                    (action!("next-picture"), "heatmap"),
                    (action!("log-axis"), "log axis"),
                    (action!("smooth"), "raw"),
                ],
            ),
        };
        footer::hints(app, before, &own, [footer::close_hint(app)])
    }

    fn allows(&self, action: &Action) -> bool {
        let curves = [action!("log-axis"), action!("recent"), action!("smooth"), action!("corner-curves")];
        action.in_overlays || action.scope == self.scope() || curves.contains(&action)
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.contour_lines)
    }

    fn last_position(&self, _app: &App) -> usize {
        MAX_CONTOUR_LINES
    }

    /// Up for more: of contour lines, or of smoothing. Slices have nothing to choose.
    fn scroll(&mut self, app: &mut App, by: i64) {
        match self.subject {
            PictureSubject::Heatmap => {
                let lines = self.contour_lines.saturating_add_signed(-by as isize);
                self.contour_lines = lines.min(MAX_CONTOUR_LINES);
            }
            PictureSubject::Slices => {}
            PictureSubject::Curves => app.loss.adjust_smoothing(-by.signum() as i32),
        }
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        match self.subject {
            PictureSubject::Heatmap => surface::exports(app, false),
            _ => self.pane().exports(app),
        }
    }

    fn shell_command(&self, app: &App, run: &str) -> ShellCommand {
        self.pane().shell_command(app, run)
    }
}

/// How the curves are shown, in words.
fn curves_hint(app: &App) -> String {
    let view = &app.loss;
    let axis = if view.log { "log axis" } else { "linear axis" };
    match view.smooth {
        true => format!("smoothed {}, {axis}", view.smoothing()),
        false => format!("not smoothed, {axis}"),
    }
}

/// The requested picture, and its contour lines.
fn requested_subject(app: &App) -> Option<(PictureSubject, usize)> {
    app.view::<ImageOverlay>().map(|image| (image.subject, image.contour_lines))
}

/// The heatmap, when a cell of it is measured.
fn measured_heatmap(app: &App) -> Option<&Heatmap> {
    let map = &app.run_state.snapshot.as_ref()?.heatmap;
    map.surface_cells().any(|i| map.cells[i].images > 0).then_some(map)
}

/// True when there is something to show.
fn has_content(app: &App, subject: PictureSubject) -> bool {
    match subject {
        PictureSubject::Curves => app.loss.window(&app.run_state).is_some(),
        _ => measured_heatmap(app).is_some(),
    }
}

/// What the terminal shall show as a picture now, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedPicture {
    /// Characters that it covers.
    pub area: Rect,
    /// Pixels of the picture.
    pub raster: Raster,
}

/// What the picture shows by the user's choice, or shall show at once for another reason.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureChoice {
    subject: PictureSubject,
    theme: String,
    map: Option<MapChoice>,
    curves: Option<CurvesChoice>,
}

/// What of the heatmap.
#[derive(Clone, Debug, PartialEq)]
struct MapChoice {
    metric: Metric,
    quantity: CellQuantity,
    range: Option<FixedRange>,
    viewport: Option<SurfaceViewport>,
    lines: usize,
    cursor: Option<(usize, usize)>,
    slices: slices::Slices,
}

/// What of the curves. The limits of their axes are text beside the picture: it always has the same limits.
#[derive(Clone, Debug, PartialEq)]
struct CurvesChoice {
    limits: Option<[(f64, f64); 2]>,
    smoothing: Option<f64>,
    axes: [bool; 3],
    overlay_count: usize,
    cursor: Option<f64>,
}

/// See [`PictureChoice`]; `None` while no picture is requested.
pub fn current_choice(app: &App) -> Option<PictureChoice> {
    let (subject, lines) = requested_subject(app)?;
    let (surface, loss) = (&app.surface, &app.loss);
    let map = (subject != PictureSubject::Curves).then(|| MapChoice {
        metric: surface.metric,
        quantity: surface.quantity,
        range: surface.fixed_range,
        viewport: surface.viewport,
        lines,
        cursor: (subject == PictureSubject::Slices).then_some(surface.cursor),
        slices: surface.slices,
    });
    let curves = (subject == PictureSubject::Curves).then(|| CurvesChoice {
        limits: loss::image_view::axis_limits(overlay_interior(app), &app.run_state, loss),
        smoothing: loss.smooth.then(|| loss.smoothing()),
        axes: [loss.log, loss.time, loss.show_corners],
        overlay_count: loss.overlays.len(),
        cursor: loss.cursor,
    });
    Some(PictureChoice { subject, theme: app.theme.name().to_owned(), map, curves })
}

fn overlay_interior(app: &App) -> Rect {
    popup::inner(app.overlay_area())
}

/// The characters that the pictures cover; none when there is none.
pub fn image_areas(app: &App) -> Vec<Rect> {
    let Some((subject, _)) = requested_subject(app) else {
        return Vec::new();
    };
    // Pictures cover letters: text that must be readable takes precedence.
    let covered = app.layers.last().is_some_and(|v| v.is_modal());
    if covered || app.image_protocol.is_none() || ScreenLayout::of(app).is_too_small() || !has_content(app, subject) {
        return Vec::new();
    }
    let room = overlay_interior(app);
    match subject {
        PictureSubject::Heatmap => {
            let map = measured_heatmap(app).and_then(|map| surface::image_frame::map_area(room, map.patch));
            map.into_iter().collect()
        }
        PictureSubject::Curves => loss::image_view::image_area(room, &app.run_state, &app.loss).into_iter().collect(),
        PictureSubject::Slices => {
            let scene = SurfaceScene::new(&app.theme, &app.run_state, &app.surface);
            scene.map_or_else(Vec::new, |s| slices::image_view::image_areas(&s, room))
        }
    }
}

/// Pixels of a character, so many that the longer side of `area` has at most `most`.
fn character_pixels(area: Rect, cell: Size, most: usize) -> (f64, f64) {
    let (w, h) = (f64::from(cell.width.max(1)), f64::from(cell.height.max(1)));
    let long = (w * f64::from(area.width)).max(h * f64::from(area.height));
    let shrink = (most as f64 / long).min(1.0);
    (w * shrink, h * shrink)
}

/// The pictures for terminal cells of `cell` pixels.
pub fn requested_images(app: &App, cell: Size) -> Vec<WantedPicture> {
    let areas = image_areas(app);
    let (Some((subject, lines)), Some(&area)) = (requested_subject(app), areas.first()) else {
        return Vec::new();
    };
    let scene = SurfaceScene::new(&app.theme, &app.run_state, &app.surface);
    let rasters = match (subject, scene) {
        (PictureSubject::Curves, _) => {
            let unit = character_pixels(area, cell, MAX_PLOT_PIXELS);
            let sketch = loss::image_view::sketch(overlay_interior(app), &app.theme, &app.run_state, &app.loss, unit);
            sketch.into_iter().collect()
        }
        (PictureSubject::Slices, Some(scene)) => {
            slices::image_view::sketches(&scene, overlay_interior(app), character_pixels(area, cell, MAX_PLOT_PIXELS))
        }
        (PictureSubject::Heatmap, Some(scene)) => {
            let (w, h) = character_pixels(area, cell, MAX_HEATMAP_PIXELS);
            let size = (f64::from(area.width) * w, f64::from(area.height) * h);
            vec![render_heatmap(&scene, (size.0 as usize, size.1 as usize), lines)]
        }
        (_, None) => Vec::new(),
    };
    let pairs = areas.into_iter().zip(rasters);
    pairs.map(|(area, raster)| WantedPicture { area, raster }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorDepth;
    use crate::fixture;
    use crate::images::ImageProtocol;
    use crate::test_app::TestApp;

    const CELL: Size = Size::new(9, 18);

    fn open(width: u16, height: u16) -> TestApp {
        let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
        rig.app.image_protocol = Some(ImageProtocol::Kitty);
        rig.app.perform_action(action!("picture"));
        rig
    }

    #[test]
    fn the_map_fills_its_room_and_has_axes_bar_and_best_point_round_it() {
        for (width, height) in [(60, 16), (80, 24), (140, 44), (200, 50)] {
            let rig = open(width, height);
            let wanted = &requested_images(&rig.app, CELL)[0];
            let inner = overlay_interior(&rig.app);
            assert_eq!(wanted.area.intersection(inner), wanted.area);
            // The area without axes, names and bar.
            assert!(wanted.area.width + 18 >= inner.width, "{width}");
            assert!(wanted.area.height + 3 >= inner.height, "{height}");
            assert!(wanted.raster.width.max(wanted.raster.height) <= MAX_HEATMAP_PIXELS);
            let (buf, text) = (rig.draw(), rig.screen_text());
            assert!(wanted.area.positions().all(|p| buf[p].symbol() == " "));
            for part in ["u", "v", "accuracy", "ring: best, ", "0.5"] {
                assert!(text.contains(part), "{width}×{height}: {part}\n{text}");
            }
            assert_eq!(text.contains("corners 1 "), width >= 140, "{text}");
            // The bar's colours beside the picture, from the good end to the bad one.
            let bar =
                (wanted.area.y..wanted.area.bottom()).map(|y| buf[(wanted.area.right() + 2, y)].fg).collect::<Vec<_>>();
            assert!(bar.windows(2).all(|w| w[0] != w[1]), "{bar:?}");
        }
    }

    #[test]
    fn it_changes_with_the_heatmap_and_goes_when_something_lies_over_it() {
        let mut rig = open(140, 44);
        let before = requested_images(&rig.app, CELL);
        fixture::advance_fit(&mut rig.app.run_state, 8);
        assert_ne!(requested_images(&rig.app, CELL), before);
        rig.press("up up");
        assert!(rig.screen_text().contains("8 contour lines"), "{}", rig.screen_text());
        rig.press("q");
        assert!(image_areas(&rig.app).is_empty());
    }

    #[test]
    fn without_a_way_to_show_it_there_is_a_sentence() {
        for depth in ColorDepth::ALL {
            let mut rig = open(80, 24).with_theme("dark", depth, false);
            rig.app.image_protocol = None;
            assert!(rig.screen_text().contains("SURFIT_IMAGES=kitty"), "{}", rig.screen_text());
            assert!(image_areas(&rig.app).is_empty());
        }
        let mut early = TestApp::with_run_state(80, 24, fixture::loading_run());
        early.app.image_protocol = Some(ImageProtocol::Sixel);
        early.app.perform_action(action!("picture"));
        assert!(early.screen_text().contains("first cells are measured"), "{}", early.screen_text());
    }

    #[test]
    fn curves_and_slices_leave_their_room_empty_and_have_their_figures_round_it() {
        for (width, height) in [(60, 16), (80, 24), (140, 44), (220, 60)] {
            let mut rig = open(width, height);
            for (words, count) in [("along", 2), ("smoothed 0.97", 1)] {
                rig.press("tab");
                let text = rig.screen_text();
                assert!(text.contains(words), "{width}×{height}: {words}\n{text}");
                let (wanted, inner) = (requested_images(&rig.app, CELL), overlay_interior(&rig.app));
                assert_eq!(wanted.len(), count, "{width}×{height}\n{text}");
                let buf = rig.draw();
                for w in &wanted {
                    assert_eq!(w.area.intersection(inner), w.area);
                    assert!(w.area.positions().all(|p| buf[p].symbol() == " "), "{text}");
                    let colors: std::collections::BTreeSet<_> = w.raster.pixels.iter().collect();
                    assert!(colors.len() >= 6, "{}", colors.len());
                    assert!(colors.len() <= 256, "{} colours", colors.len());
                }
            }
        }
    }

    #[test]
    fn the_picture_is_that_of_the_pane_and_its_keys_work_over_it() {
        let mut rig = open(140, 44);
        rig.press("esc 1 g f");
        assert!(rig.screen_text().contains("Image of the losses"), "{}", rig.screen_text());
        let before = requested_images(&rig.app, CELL);
        rig.press("L");
        assert!(rig.screen_text().contains("log axis"), "{}", rig.screen_text());
        assert_ne!(requested_images(&rig.app, CELL), before);
        let (smooth, was) = (requested_images(&rig.app, CELL), rig.app.loss.strength);
        rig.press("up");
        assert!(rig.app.loss.strength > was);
        assert_ne!(requested_images(&rig.app, CELL), smooth);
        // What is written is what is looked at.
        rig.press("W");
        assert!(rig.screen_text().contains("plot of the losses"), "{}", rig.screen_text());
        assert!(image_areas(&rig.app).is_empty(), "the list is read before");
    }

    #[test]
    fn every_run_has_its_pictures_or_a_sentence_at_every_size_and_in_ascii() {
        use surfit_core::surface::Patch;
        let runs = [
            fixture::loading_run(),
            fixture::corner_training_run(),
            fixture::fitting_run(),
            fixture::finished_run(),
            crate::views::plot::fixture::fitting_run_on(Patch::Triangle, 2, 5),
            crate::views::plot::fixture::fitting_run_on(Patch::Curve, 2, 5),
        ];
        for picture in runs {
            for (width, height) in [(60, 16), (80, 24), (200, 60)] {
                let mut rig = TestApp::with_run_state(width, height, picture.clone());
                rig.app.image_protocol = Some(ImageProtocol::Sixel);
                rig.app.perform_action(action!("picture"));
                for ascii in [false, true] {
                    rig = rig.with_theme("dark", ColorDepth::Truecolor, ascii);
                    for _ in 0..3 {
                        rig.press("tab");
                        let (inner, text) = (overlay_interior(&rig.app), rig.screen_text());
                        let some = requested_images(&rig.app, CELL);
                        let told = text.contains("appears");
                        assert_eq!(some.is_empty(), told, "{width}×{height}\n{text}");
                        for w in some {
                            assert_eq!(w.area.intersection(inner), w.area);
                        }
                        let lies: Vec<char> = rig.screen_text().chars().filter(|c| !c.is_ascii()).collect();
                        assert!(!ascii || lies.is_empty(), "{lies:?}\n{text}");
                    }
                }
            }
        }
    }
}
