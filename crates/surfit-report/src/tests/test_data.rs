//! A made-up run for tests.

use std::f64::consts::PI;
use surfit_core::event::{Alignment, CornerReady, Envelope, Event, ExportedModel, JobStage, LossCurve};
use surfit_core::heatmap::{Cell, Heatmap};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::{ControlPoint, EngineState, Snapshot};
use surfit_core::surface::Degrees;

/// A surface that is best inside, measured on 4000 images.
pub fn heatmap(grid: usize) -> Heatmap {
    let mut heatmap = Heatmap::new(surfit_core::surface::Patch::Square, grid);
    for index in 0..heatmap.cells.len() {
        let (u, v) = heatmap.parameters(index);
        let dome = (PI * u).sin() * (PI * v).sin();
        let accuracy = 0.872 + 0.014 * dome + 0.003 * (7.0 * u + 3.0 * v).sin();
        let correct = (4000.0 * accuracy).round() as u32;
        heatmap.cells[index] = Cell::from_counts(correct, 4000, (0.40 - 0.07 * dome) as f32, 5);
    }
    heatmap.version = 5;
    heatmap
}

/// A finished run with curves, corners, alignment and an export.
pub fn run_state() -> RunState {
    let mut events = Vec::new();
    for corner in 0..4 {
        let noise = |s: u64| ((s * 7919 + corner as u64 * 104_729) % 101) as f64 / 101.0 - 0.5;
        let curve = LossCurve::Corner(corner);
        let loss = |s: u64| 0.25 + 2.05 * (-(s as f64) / 150.0).exp() + 0.08 * noise(s);
        let values = (0..1000).map(|s| loss(s) as f32).collect();
        events.push(Event::Losses { curve, first_step: 0, values, rate: 0.01 });
        for epoch in 1..=8 {
            let step = epoch * 125;
            let loss = 0.36 + 2.0 * (-(step as f64) / 140.0).exp() + 0.01 * corner as f64;
            events.push(Event::Validated { curve, step, loss, accuracy: 0.87 });
        }
        events.push(Event::CornerReady(CornerReady {
            index: corner,
            source: format!("seed {corner}, 8 epochs"),
            accuracy: 0.8701 + 0.001 * corner as f64,
            loss: 0.36,
            seconds: 7.5,
            own_statistics: None,
            warnings: Vec::new(),
            metrics: Default::default(),
        }));
    }
    for index in 1..4 {
        let distance = [31.2, 24.9];
        events.push(Event::Aligned(Alignment { index, moved: 0.93, logit_change: 2e-7, distance }));
    }
    let noise = |s: u64| ((s * 48_271) % 997) as f64 / 997.0 - 0.5;
    let loss = |s: u64| 0.27 + 0.5 * (-(s as f64) / 400.0).exp() + 0.14 * noise(s);
    let values = (0..2500).map(|s| loss(s) as f32).collect();
    events.push(Event::Losses { curve: LossCurve::Surface, first_step: 0, values, rate: 0.01 });
    for step in (125..=2500).step_by(125) {
        let loss = 0.335 + 0.4 * (-(step as f64) / 420.0).exp();
        events.push(Event::Validated { curve: LossCurve::Surface, step, loss, accuracy: 0.88 });
    }
    let degree = |m| Degrees::new(m, m).unwrap();
    events.push(Event::DegreeChanged { step: 1400, from: degree(2), to: degree(3), deviation: 1e-7 });
    for (stage, seconds) in [(JobStage::Corners, 31.0), (JobStage::Fit, 24.5), (JobStage::Heatmap, 9.0)] {
        events.push(Event::StageEnded { stage, seconds });
    }
    events.push(Event::Exported(ExportedModel {
        dir: "exports/best".into(),
        selection: "best".into(),
        u: Some(0.5),
        v: Some(0.5),
        validation_accuracy: 0.8862,
        test_accuracy: 0.8815,
        members: Vec::new(),
        chosen: None,
    }));
    let mut run_state = RunState::default();
    for (i, event) in events.into_iter().enumerate() {
        run_state.apply(&Envelope { seq: i as u64 + 1, time: 1.7e9 + i as f64, event });
    }
    let mut snapshot = Snapshot::empty(degree(3), 2);
    (snapshot.state, snapshot.heatmap) = (EngineState::Finished, heatmap(11));
    run_state.snapshot = Some(snapshot);
    run_state
}

/// The run with the control points of a surface of equal degrees.
pub fn run_state_with_points(degree: u8) -> RunState {
    let mut run_state = run_state();
    let degrees = Degrees::new(degree, degree).unwrap();
    let snapshot = run_state.snapshot.as_mut().unwrap();
    snapshot.degrees = degrees;
    let point = |(row, (i, j)): (usize, (usize, usize))| {
        let (corner, wave) = (row < 4, (i as f64 * 1.3 + j as f64 * 0.7).sin().abs());
        let history = (0..32).map(|k| (0.02 * wave + 0.03) as f32 * (1.0 + 3.0 / (k as f32 + 1.0)));
        ControlPoint {
            i,
            j,
            corner,
            frozen: (i, j) == (1, 2),
            travelled: if corner { 0.0 } else { 0.21 + 0.3 * wave },
            gradient: if corner { 0.0 } else { 0.02 * wave + 0.03 },
            gradients: if corner { Vec::new() } else { history.collect() },
            accuracy: Some(0.871 + 0.01 * wave).filter(|_| row % 3 > 0),
        }
    };
    snapshot.control_points = degrees.row_indices().into_iter().enumerate().map(point).collect();
    snapshot.fit_step = 2500;
    run_state
}

/// Decodes a PNG, checks its size and that it is no blank page; gives its pixels.
pub fn check_png(file: &[u8], size: (u32, u32)) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), size);
    let ink = pixels.iter().filter(|&&p| p < 0x80).count();
    assert!(ink > pixels.len() / 1000, "{ink} dark values of {}", pixels.len());
    pixels
}
