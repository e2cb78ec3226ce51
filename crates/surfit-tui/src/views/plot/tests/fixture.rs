//! Run states to test the panes with.

use crate::theme::{ColorDepth, GlyphSet, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use surfit_core::event::{Alignment, CornerReady, Envelope, Event, LossCurve};
use surfit_core::heatmap::Cell;
use surfit_core::random;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::{ControlPoint, EngineState, Snapshot};
use surfit_core::surface::{Degrees, Patch};

pub const COLOR_DEPTHS: [ColorDepth; 4] =
    [ColorDepth::None, ColorDepth::Ansi16, ColorDepth::Ansi256, ColorDepth::Truecolor];

pub fn theme(depth: ColorDepth, ascii: bool) -> Theme {
    let glyphs = if ascii { GlyphSet::Ascii } else { GlyphSet::Braille };
    Theme::built_in("dark", depth).expect("the dark theme is built in").with_glyphs(glyphs)
}

pub fn screen(width: u16, height: u16) -> (Rect, Buffer) {
    let area = Rect::new(0, 0, width, height);
    (area, Buffer::empty(area))
}

pub fn rows(buf: &Buffer) -> Vec<String> {
    let area = buf.area;
    let row = |y| (area.left()..area.right()).map(|x| buf[(x, y)].symbol()).collect();
    (area.top()..area.bottom()).map(row).collect()
}

pub fn text(buf: &Buffer) -> String {
    rows(buf).join("\n")
}

/// Feeds events as the engine numbers them.
pub fn apply_events(run_state: &mut RunState, events: impl IntoIterator<Item = Event>) {
    for event in events {
        let seq = run_state.seq + 1;
        run_state.apply(&Envelope { seq, time: seq as f64, event });
    }
}

/// Losses of a curve from step 0.
pub fn losses(curve: LossCurve, values: Vec<f32>) -> Event {
    Event::Losses { curve, first_step: 0, values, rate: 0.05 }
}

pub fn corner(index: usize, accuracy: f64) -> Event {
    let source = format!("seed {}, 8 epochs", index + 1);
    Event::CornerReady(CornerReady {
        index,
        source,
        accuracy,
        loss: 0.39,
        seconds: 12.3,
        own_statistics: None,
        warnings: Vec::new(),
        metrics: Default::default(),
    })
}

/// Control points of a surface; the more to the right, the farther they have travelled.
pub fn points(degrees: Degrees) -> Vec<ControlPoint> {
    let corners = degrees.corner_count();
    let point = |(k, (i, j)): (usize, (usize, usize))| ControlPoint {
        i,
        j,
        corner: k < corners,
        frozen: k == 5,
        travelled: if k < corners { 0.0 } else { 0.1 * i as f64 },
        gradient: if k < corners { 0.0 } else { 0.02 },
        gradients: if k < corners { Vec::new() } else { (0..32).map(|g| g as f32).collect() },
        accuracy: None,
    };
    degrees.row_indices().into_iter().enumerate().map(point).collect()
}

/// A run in the middle of a fit, four corners ready, every cell measured: accuracy grows along `u` and `v`.
pub fn fitting_run(degree: u8, grid: usize) -> RunState {
    fitting_run_on(Patch::Square, degree, grid)
}

pub fn fitting_run_on(patch: Patch, degree: u8, grid: usize) -> RunState {
    let mut run_state = RunState::default();
    apply_events(&mut run_state, (0..patch.corner_count()).map(|c| corner(c, 0.86 + 0.001 * c as f64)));
    let values = (0..400).map(|k| 0.3 + 2.0 * (-(k as f32) / 60.0).exp()).collect();
    apply_events(&mut run_state, [losses(LossCurve::Surface, values)]);
    let degrees = Degrees::for_patch(patch, degree, degree).expect("a degree within 1..=8");
    let mut snapshot = Snapshot::empty(degrees, grid);
    snapshot.state = EngineState::Running;
    snapshot.fit_total = 1000;
    snapshot.heatmap.version = 400;
    let inside: Vec<usize> = snapshot.heatmap.surface_cells().collect();
    for index in inside {
        let (u, v) = snapshot.heatmap.parameters(index);
        let correct = (10_000.0 * (0.80 + 0.05 * u + 0.04 * v)).round() as u32;
        snapshot.heatmap.cells[index] = Cell::from_counts(correct, 10_000, (0.6 - 0.1 * u - 0.2 * v) as f32, 400);
    }
    snapshot.control_points = points(degrees);
    for point in &mut snapshot.control_points {
        let (u, v) = degrees.row_parameters((point.i, point.j));
        let nearest = snapshot.heatmap.nearest_cell(u, v);
        point.accuracy = snapshot.heatmap.cells[nearest].accuracy();
    }
    run_state.snapshot = Some(snapshot);
    run_state
}

struct NumberSource {
    seed: u64,
    drawn: u64,
}

impl NumberSource {
    fn below(&mut self, n: u64) -> u64 {
        self.drawn += 1;
        random::derive_seed(self.seed, self.drawn) % n.max(1)
    }

    /// Mostly ordinary, sometimes a number that breaks careless arithmetic.
    fn unusual_number(&mut self) -> f64 {
        const ODD: [f64; 10] =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, f64::MAX, f64::MIN_POSITIVE, 1e30, -1e300, 1e-40];
        match self.below(20) {
            n @ 0..10 => ODD[n as usize],
            _ => self.below(1_000_000) as f64 / 1_000_000.0,
        }
    }
}

/// A run state that no engine would send: everything possible and much that is not, drawn from `seed`.
pub fn random_run_state(seed: u64, degrees: (u8, u8), grid: usize) -> RunState {
    let mut run_state = RunState::default();
    let mut rng = NumberSource { seed, drawn: 0 };
    for curve in (0..4).map(LossCurve::Corner).chain([LossCurve::Surface]) {
        let values: Vec<f32> = (0..rng.below(3000)).map(|_| rng.unusual_number() as f32).collect();
        if rng.below(3) > 0 {
            apply_events(&mut run_state, [losses(curve, values)]);
        }
        let valid = |rng: &mut NumberSource| Event::Validated {
            curve,
            step: rng.below(3000),
            loss: rng.unusual_number(),
            accuracy: rng.unusual_number(),
        };
        let events: Vec<Event> = (0..rng.below(5)).map(|_| valid(&mut rng)).collect();
        apply_events(&mut run_state, events);
    }
    let patch = Patch::ALL[rng.below(3) as usize];
    let second = if patch == Patch::Square { degrees.1 } else { degrees.0 };
    let to = Degrees::for_patch(patch, degrees.0, second).expect("degrees within 1..=8");
    for index in 0..4 {
        let change = Event::DegreeChanged { step: rng.below(4000), from: to, to, deviation: rng.unusual_number() };
        let moved = Alignment {
            index,
            moved: rng.unusual_number(),
            logit_change: 0.0,
            distance: [rng.unusual_number(), rng.unusual_number()],
        };
        let events = [corner(index, rng.unusual_number()), Event::Aligned(moved), change];
        let kept = rng.below(4) as usize;
        apply_events(&mut run_state, events.into_iter().take(kept));
    }
    if rng.below(5) == 0 {
        return run_state;
    }
    let mut snapshot = Snapshot::empty(to, grid);
    snapshot.state = if rng.below(2) == 0 { EngineState::Running } else { EngineState::Idle };
    snapshot.fit_total = rng.below(5000);
    snapshot.heatmap.version = rng.below(3000);
    let gaps = rng.below(4);
    for cell in &mut snapshot.heatmap.cells {
        let images = if rng.below(4) < gaps { 0 } else { rng.below(5000) as u32 };
        let correct = rng.below(u64::from(images) + 1) as u32;
        let version = rng.below(snapshot.heatmap.version + 1);
        *cell = Cell::from_counts(correct, images, rng.unusual_number() as f32, version);
    }
    if rng.below(4) > 0 {
        snapshot.control_points = points(to);
        for point in &mut snapshot.control_points {
            (point.travelled, point.gradient) = (rng.unusual_number(), rng.unusual_number());
            point.gradients = (0..rng.below(33)).map(|_| rng.unusual_number() as f32).collect();
        }
    }
    snapshot.marks = (0..rng.below(3)).map(|_| (rng.unusual_number(), rng.unusual_number())).collect();
    run_state.snapshot = Some(snapshot);
    run_state
}
