//! What a view shows as an image at full resolution, in terminals that can show one. It is the figure that a file would have.

use super::footer::{self, FooterItem};
use super::plot::pane_frame;
use super::popup;
use super::surface::SurfaceScene;
use super::view::{InputOutcome, KeyPress, ShellCommand, View, take_overlay_key};
use crate::action::{Action, ActionGroup, KeyScope};
use crate::app::{App, ExportItem, FigureKind, FigureSubject};
use crate::images::{FigureImage, MAX_IMAGE_ROWS};
use crate::key::Key;
use crate::keymap::KeyLookup;
use crate::layout::ScreenLayout;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Overlay that shows a figure as an image. The keys of the figure's pane count over it.
#[derive(Debug)]
pub(crate) struct ImageOverlay {
    /// What is shown.
    pub subject: FigureSubject,
}

impl ImageOverlay {
    /// The image of what the focused pane shows.
    pub fn of_focus(app: &App) -> Self {
        Self { subject: FigureSubject::of_pane(app, app.focus) }
    }

    /// Shows the next thing there is a figure of.
    pub fn next_subject(&mut self, app: &mut App) {
        let from = FigureSubject::ALL.iter().position(|s| *s == self.subject).unwrap_or(0);
        let mut others = FigureSubject::ALL.iter().cycle().skip(from + 1).take(FigureSubject::ALL.len() - 1);
        if let Some(next) = others.find(|s| app.figure_kind(**s).is_some()) {
            self.subject = *next;
            // Neither the last image nor the reason why there is none is of this one.
            app.figure_image = None;
        }
    }

    fn pane(&self) -> &'static dyn View {
        self.subject.pane().view()
    }

    /// True for what changes how the pane is seen. What changes the run needs the sight of what is selected there.
    fn is_of_pane(&self, action: &Action) -> bool {
        action.scope == self.pane().scope() && action.group == ActionGroup::Show
    }
}

impl View for ImageOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("image")
    }

    fn title(&self, app: &App) -> String {
        let name = match (self.subject, app.figure_kind(self.subject)) {
            (FigureSubject::Losses, _) => "losses",
            (_, Some(FigureKind::Relief)) => "3-D view",
            (_, Some(FigureKind::Comparison)) => "comparison",
            (FigureSubject::Surface, _) => "heatmap",
            (FigureSubject::Slices, _) => "slices",
            (FigureSubject::Points, _) => "control points",
            (FigureSubject::Distances, _) => "distances",
        };
        format!("Image of the {name}")
    }

    fn remark(&self, app: &App) -> String {
        match self.subject {
            FigureSubject::Losses => describe_curves(app),
            FigureSubject::Points | FigureSubject::Distances => String::new(),
            FigureSubject::Surface | FigureSubject::Slices => {
                match SurfaceScene::new(&app.theme, &app.run_state, &app.surface) {
                    Some(scene) => scene.description(),
                    None => app.surface.metric.name().into(),
                }
            }
        }
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        screen.centered_overlay(u16::MAX, usize::MAX)
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let sentence = match (app.image_protocol, app.figure_kind(self.subject), self.subject) {
            (None, ..) if app.in_tmux => {
                "Images in tmux have to be chosen: set SURFIT_IMAGES=kitty or sixel if your terminal shows them; \
                 F saves the plots as files."
            }
            (None, ..) => {
                "This terminal is not known to show images. Set SURFIT_IMAGES=kitty, sixel or iterm2 if it does; \
                 F saves the plots as files."
            }
            (_, None, FigureSubject::Losses) => "The image appears with the first training step.",
            (_, None, FigureSubject::Points | FigureSubject::Distances) => {
                "The image appears when the corners are ready."
            }
            (_, None, _) => "The image appears when the first cells are measured.",
            (_, Some(_), _) => match &app.figure_image {
                Some(Err(error)) => &error.to_string(),
                _ => return,
            },
        };
        let key = app.key_label(action!("figures"));
        let sentence = sentence.replace("F saves", &format!("{key} saves"));
        pane_frame::draw_placeholder(inner, buf, &app.theme, &sentence);
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let arrows = |label| footer::text_hint(footer::arrows(app), label);
        let next = (action!("next-image"), "next image");
        let (before, own) = match self.subject {
            FigureSubject::Losses => {
                (Some(arrows("smoothing")), vec![next, (action!("log-axis"), "log axis"), (action!("smooth"), "raw")])
            }
            FigureSubject::Surface => (
                None,
                vec![
                    next,
                    (action!("metric"), "metric"),
                    (action!("contours"), "contours"),
                    (action!("relief"), "3-D view"),
                ],
            ),
            FigureSubject::Slices => (Some(arrows("move")), vec![next, (action!("metric"), "metric")]),
            FigureSubject::Points | FigureSubject::Distances => (None, vec![next]),
        };
        footer::hints(app, before, &own, [footer::close_hint(app)])
    }

    fn allows(&self, action: &Action) -> bool {
        let curves = [action!("log-axis"), action!("recent"), action!("smooth"), action!("corner-curves")];
        let moves = [action!("left"), action!("right")];
        action.in_overlays
            || action.scope == self.scope()
            || self.is_of_pane(action)
            || curves.contains(&action)
            || moves.contains(&action)
    }

    /// Keys of the pane count after those of the image.
    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        let (own, pane) = (self.scope(), self.pane().scope());
        let is_own = matches!(press.lookup, KeyLookup::Action(action) if action.scope == own);
        match app.keymap.lookup(pane, press.prefix, Key::from(press.event)) {
            KeyLookup::Action(action) if !is_own && self.is_of_pane(action) => InputOutcome::Perform(action),
            _ => take_overlay_key(self, app, press),
        }
    }

    /// Up for more smoothing of curves; elsewhere it moves the cursor of the pane.
    fn scroll(&mut self, app: &mut App, by: i64) {
        match self.subject {
            FigureSubject::Losses => app.loss.adjust_smoothing(-by.signum() as i32),
            _ => self.move_by(app, 0, -by as i32),
        }
    }

    fn move_by(&mut self, app: &mut App, columns: i32, rows: i32) {
        self.subject.pane().boxed_view().move_by(app, columns, rows);
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        self.pane().exports(app)
    }

    fn shell_command(&self, app: &App, run: &str) -> ShellCommand {
        self.pane().shell_command(app, run)
    }
}

/// How the curves are shown, in words.
fn describe_curves(app: &App) -> String {
    let view = &app.loss;
    let axis = if view.log { "log axis" } else { "linear axis" };
    match view.smooth {
        true => format!("smoothed {}, {axis}", view.smoothing()),
        false => format!("not smoothed, {axis}"),
    }
}

/// Puts the image into its place in its overlay, when all else is drawn: its cells steer the terminal.
pub(super) fn render_image(buf: &mut Buffer, app: &App) {
    if let Some((image, area)) = shown_image(app) {
        image.encoded.render(area, buf);
    }
}

/// The image that is shown, and its cells. Before it is drawn for its size there is none, and under a dialog, too: an image would
/// cover its text.
pub(crate) fn shown_image(app: &App) -> Option<(&FigureImage, Rect)> {
    app.image_protocol.filter(|_| !is_covered(app))?;
    let (subject, area) = image_place(app)?;
    let image = app.figure_image.as_ref()?.as_ref().ok()?;
    let is_of = |kind| image.shows(&app.run, subject, kind, area.as_size());
    app.figure_kind(subject).is_some_and(is_of).then_some((image, area))
}

/// True while a dialog lies over the image.
pub(crate) fn is_covered(app: &App) -> bool {
    app.layers.last().is_some_and(|v| v.is_modal())
}

/// What is shown as an image, and where; `None` when there is no room.
pub(crate) fn image_place(app: &App) -> Option<(FigureSubject, Rect)> {
    let subject = app.view::<ImageOverlay>()?.subject;
    let area = popup::inner(app.overlay_area());
    let area = Rect { height: area.height.min(MAX_IMAGE_ROWS), ..area };
    (!ScreenLayout::of(app).is_too_small() && !area.is_empty()).then_some((subject, area))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::ColorDepth;
    use crate::fixture;
    use crate::images::{ImageContent, ImageProtocol};
    use crate::test_app::TestApp;
    use surfit_core::figure::Figure;

    fn open(width: u16, height: u16) -> TestApp {
        let mut rig = TestApp::with_run_state(width, height, fixture::fitting_run());
        rig.app.image_protocol = Some(ImageProtocol::Kitty);
        rig.app.perform_action(action!("image"));
        rig
    }

    fn figure(rig: &TestApp) -> Figure {
        ImageContent::with_figure(&rig.app).expect("a figure").1
    }

    #[test]
    fn without_a_way_to_show_it_there_is_a_sentence() {
        for depth in ColorDepth::ALL {
            let mut rig = open(80, 24).with_theme("dark", depth, false);
            rig.app.image_protocol = None;
            assert!(rig.screen_text().contains("SURFIT_IMAGES=kitty"), "{}", rig.screen_text());
        }
        let mut early = TestApp::with_run_state(80, 24, fixture::loading_run());
        early.app.image_protocol = Some(ImageProtocol::Sixel);
        early.app.perform_action(action!("image"));
        assert!(early.screen_text().contains("first cells are measured"), "{}", early.screen_text());
        assert_eq!(ImageContent::of(&early.app), None);
    }

    #[test]
    fn everything_that_there_is_a_figure_of_comes_in_turn() {
        let mut rig = open(140, 44);
        let mut titles = Vec::new();
        for _ in 0..FigureSubject::ALL.len() {
            let text = rig.screen_text();
            let title = text.split("Image of the ").nth(1).expect("its title");
            titles.push(title.split(" ─").next().unwrap_or_default().to_owned());
            rig.press("tab");
        }
        assert_eq!(titles[..3], ["heatmap", "slices", "control points"]);
        assert!(titles.contains(&"losses".to_owned()), "{titles:?}");
        // What a pane shows is what its image shows first.
        for (keys, title) in [("esc 1 g f", "losses"), ("esc 3 g f", "control points"), ("esc 2 T g f", "3-D view")] {
            rig.press(keys);
            assert!(rig.screen_text().contains(&format!("Image of the {title}")), "{keys}: {}", rig.screen_text());
        }
    }

    #[test]
    fn keys_of_the_pane_change_the_image() {
        let mut rig = open(140, 44);
        for keys in ["M", "O", "D", "T", ">", "K", "^"] {
            let before = figure(&rig);
            rig.press(keys);
            assert_ne!(figure(&rig), before, "{keys}");
        }
        assert!(matches!(figure(&rig), Figure::Relief { .. }));
        rig.press("T tab");
        for keys in ["right", "up"] {
            let before = figure(&rig);
            rig.press(keys);
            assert_ne!(figure(&rig), before, "the slices go through the cursor: {keys}");
        }
        rig.press("esc 1 g f");
        for keys in ["L", "up", "E"] {
            let before = figure(&rig);
            rig.press(keys);
            assert_ne!(figure(&rig), before, "{keys}");
        }
        // The cursor is in the image too.
        let before = figure(&rig);
        rig.press("left left");
        assert_ne!(figure(&rig), before);
        rig.press("W");
        assert!(rig.screen_text().contains("plot of the losses"), "{}", rig.screen_text());
    }

    #[test]
    fn no_key_over_an_image_commands_the_engine_unseen() {
        let mut rig = open(140, 44);
        rig.press("esc 3 right f");
        assert_eq!(rig.take_sent_commands().len(), 1, "over the pane it freezes the point");
        rig.accept_pending_commands().press("g f");
        assert!(rig.screen_text().contains("Image of the control points"), "{}", rig.screen_text());
        rig.press("f");
        assert_eq!(rig.take_sent_commands(), []);
        let before = figure(&rig);
        rig.press("T");
        assert_ne!(figure(&rig), before, "the colours change");
    }

    #[test]
    fn every_run_has_its_figures_or_a_sentence_at_every_size_and_in_ascii() {
        use surfit_core::surface::Patch;
        let runs = [
            fixture::loading_run(),
            fixture::corner_training_run(),
            fixture::fitting_run(),
            fixture::finished_run(),
            crate::views::plot::fixture::fitting_run_on(Patch::Triangle, 2, 5),
            crate::views::plot::fixture::fitting_run_on(Patch::Curve, 2, 5),
        ];
        for state in runs {
            for (width, height) in [(60, 16), (80, 24), (200, 60)] {
                let mut rig = TestApp::with_run_state(width, height, state.clone());
                rig.app.image_protocol = Some(ImageProtocol::Sixel);
                rig.app.perform_action(action!("image"));
                for (subject, ascii) in FigureSubject::ALL.into_iter().flat_map(|s| [(s, false), (s, true)]) {
                    rig = rig.with_theme("dark", ColorDepth::Truecolor, ascii);
                    rig.app.edit_view(|image: &mut ImageOverlay, _| image.subject = subject);
                    let text = rig.screen_text();
                    assert_eq!(
                        ImageContent::of(&rig.app).is_none(),
                        text.contains("appears"),
                        "{width}×{height}\n{text}"
                    );
                    assert!(!ascii || text.is_ascii(), "{text}");
                }
            }
        }
    }
}
