//! Run states for tests: the demo at its stages, with figures as a real run has them.

use surfit_core::draws::FitPhase;
use surfit_core::event::{
    Alignment, CornerReady, Envelope, Event, ExportedModel, JobResult, JobStage, LossCurve, RunInfo,
};
use surfit_core::heatmap::{Cell, Heatmap, MeasuredPoint, Metric};
use surfit_core::protocol::{BridgeMessage, OpenedRun, PROTOCOL_VERSION, ServerMessage};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::{ControlPoint, EngineState, Snapshot};
use surfit_core::surface::{Degrees, TrainablePoints};

pub(crate) const RUN_ID: &str = "demo-7";
const START_TIME: f64 = 1_750_000_000.0;
const CORNER_ACCURACIES: [f64; 4] = [0.8715, 0.8690, 0.8742, 0.8668];

pub(crate) fn loading_run() -> RunState {
    let mut p = RunState::default();
    let info = RunInfo {
        run: RUN_ID.into(),
        engine: "0.1.0".into(),
        device: "cpu".into(),
        compute: "bf16".into(),
        threads: 2,
        network: "cnn".into(),
        parameters: 76_458,
        data: "fashion-mnist-16k (embedded)".into(),
        images: [13_000, 1_500, 1_500],
        classes: ["T-shirt", "Trouser", "Pullover", "Dress", "Coat"].map(String::from).to_vec(),
        mean: vec![0.286],
        std: vec![0.353],
        node: String::new(),
    };
    apply_events(&mut p, vec![Event::Started(Box::new(info)), Event::StageBegan { stage: JobStage::Data, total: 0 }]);
    let mut s = Snapshot::empty(degrees(2, 2), 21);
    (s.state, s.seq, s.viewers, s.memory) = (EngineState::Running, p.seq, 1, 180 << 20);
    p.snapshot = Some(s);
    p
}

/// Corners 1 and 2 are ready, corner 3 trains.
pub(crate) fn corner_training_run() -> RunState {
    let mut p = loading_run();
    let mut events = vec![
        Event::StageEnded { stage: JobStage::Data, seconds: 0.4 },
        Event::StageBegan { stage: JobStage::Corners, total: 1632 },
    ];
    for index in 0..2 {
        events.extend(corner_training_events(index, 408));
        events.push(Event::CornerReady(corner_ready(index)));
    }
    events.extend(corner_training_events(2, 150));
    apply_events(&mut p, events);
    let s = p.snapshot.as_mut().unwrap();
    (s.seq, s.stage, s.done, s.total, s.rate) = (p.seq, JobStage::Corners, 966, 1632, 61.3);
    s.seconds_left = Some(68.0);
    p
}

/// The fit is in its interior phase, at step 1240 of 3000, degree 3×3, the heatmap half measured.
pub(crate) fn fitting_run() -> RunState {
    let mut p = corner_training_run();
    let mut events = corner_training_events(2, 408);
    events.push(Event::CornerReady(corner_ready(2)));
    events.extend(corner_training_events(3, 408));
    events.push(Event::CornerReady(corner_ready(3)));
    events.push(Event::StageEnded { stage: JobStage::Corners, seconds: 27.2 });
    events.push(Event::StageBegan { stage: JobStage::Align, total: 3 });
    for index in 1..4 {
        events.push(Event::Aligned(Alignment {
            index,
            moved: 0.94,
            logit_change: 2.4e-6,
            distance: [1.0, 0.71 + 0.01 * index as f64],
        }));
    }
    events.push(Event::StageEnded { stage: JobStage::Align, seconds: 0.6 });
    events.push(Event::StageBegan { stage: JobStage::Fit, total: 3000 });
    for block in 0..124u64 {
        let first_step = 10 * block;
        let values = (first_step..first_step + 10).map(|s| loss(9, s, 0.95, 0.31, 300.0)).collect();
        events.push(Event::Losses { curve: LossCurve::Surface, first_step, values, rate: 0.04 });
        if (first_step + 10) % 200 == 0 {
            let t = (first_step as f64 / 500.0).min(2.5);
            events.push(Event::Validated {
                curve: LossCurve::Surface,
                step: first_step + 10,
                loss: 0.36 + 0.3 * (-t).exp(),
                accuracy: 0.884 - 0.06 * (-t).exp(),
            });
        }
        if first_step == 600 {
            let (from, to) = (degrees(2, 2), degrees(3, 3));
            events.push(Event::DegreeChanged { step: 600, from, to, deviation: 3.1e-7 });
        }
    }
    events.push(Event::Checkpoint { step: 1200 });
    apply_events(&mut p, events);
    let s = p.snapshot.as_mut().unwrap();
    (s.seq, s.stage, s.done, s.total, s.rate) = (p.seq, JobStage::Fit, 1240, 3000, 82.4);
    (s.phase, s.fit_step, s.fit_total, s.learning_rate) = (Some(FitPhase::Interior), 1240, 3000, 0.0402);
    (s.seconds_left, s.degrees, s.memory) = (Some(131.0), degrees(3, 3), 412 << 20);
    s.marks = vec![(0.25, 0.4)];
    s.heatmap = heatmap(21, 210, 512);
    s.control_points = control_points(s.degrees);
    for point in &mut s.control_points {
        let (u, v) = s.degrees.row_parameters((point.i, point.j));
        point.accuracy = Some(accuracy(u, v));
    }
    p
}

/// A run whose control points branch from one network, before the branch at step 800.
pub(crate) fn trunk_run() -> RunState {
    let mut p = loading_run();
    let values = (0..400).map(|s| loss(9, s, 2.3, 0.31, 300.0)).collect();
    apply_events(
        &mut p,
        vec![
            Event::StageEnded { stage: JobStage::Data, seconds: 0.4 },
            Event::StageBegan { stage: JobStage::Fit, total: 1000 },
            Event::PhaseBegan { step: 0, phase: FitPhase::Trunk },
            Event::Losses { curve: LossCurve::Surface, first_step: 0, values, rate: 0.04 },
        ],
    );
    let s = p.snapshot.as_mut().unwrap();
    (s.seq, s.stage, s.done, s.total, s.rate) = (p.seq, JobStage::Fit, 400, 1000, 82.4);
    (s.phase, s.fit_step, s.fit_total) = (Some(FitPhase::Trunk), 400, 1000);
    s.cost.trainable = TrainablePoints::All;
    p
}

/// A run as one whose control points branched from one network: all of them train, and corners are not known before the
/// end.
pub(crate) fn branch_run(mut p: RunState) -> RunState {
    let phases = [(0, FitPhase::Trunk), (400, FitPhase::Interior)];
    apply_events(&mut p, phases.map(|(step, phase)| Event::PhaseBegan { step, phase }).into());
    train_corners(&mut p);
    p
}

/// Makes the corners of a run's surface trainable.
pub(crate) fn train_corners(run_state: &mut RunState) {
    let s = run_state.snapshot.as_mut().unwrap();
    (s.seq, s.cost.trainable) = (run_state.seq, TrainablePoints::All);
    s.control_points.iter_mut().for_each(|point| point.corner = false);
}

/// The job is done: the heatmap complete, the best point exported.
pub(crate) fn finished_run() -> RunState {
    let mut p = fitting_run();
    let complete = heatmap(21, 441, 1500);
    let best = complete.best_point(Metric::ACCURACY).unwrap();
    let summary = complete.summary(Metric::ACCURACY).unwrap();
    let dir = std::path::PathBuf::from("runs/demo-7/exports/best-1");
    apply_events(
        &mut p,
        vec![
            Event::StageEnded { stage: JobStage::Fit, seconds: 36.9 },
            Event::StageBegan { stage: JobStage::Heatmap, total: 441 },
            Event::HeatmapComplete { grid: 21, summary, best },
            Event::StageEnded { stage: JobStage::Heatmap, seconds: 9.8 },
            Event::StageBegan { stage: JobStage::Export, total: 1 },
            Event::Exported(ExportedModel {
                dir: dir.clone(),
                selection: "best".into(),
                u: Some(best.u),
                v: Some(best.v),
                validation_accuracy: best.accuracy,
                test_accuracy: 0.8853,
                members: Vec::new(),
                chosen: None,
            }),
            Event::StageEnded { stage: JobStage::Export, seconds: 0.5 },
            Event::Finished(Box::new(JobResult {
                corners: CORNER_ACCURACIES.to_vec(),
                corners_test: vec![0.868, 0.866, 0.872, 0.8647],
                degrees: degrees(3, 3),
                best,
                best_test: Some(0.8853),
                interior_mean: summary.interior_mean,
                heatmap: summary,
                grid: 21,
                seconds: [("corners", 27.2), ("fit", 36.9)].map(|(k, v)| (k.to_string(), v)).into(),
                export: Some(dir),
                baselines: Vec::new(),
                steps: [408, 3000],
            })),
        ],
    );
    let s = p.snapshot.as_mut().unwrap();
    (s.seq, s.state, s.stage, s.done, s.total) = (p.seq, EngineState::Finished, JobStage::Export, 1, 1);
    (s.rate, s.seconds_left, s.fit_step, s.heatmap) = (0.0, None, 3000, complete);
    p
}

/// A point of the fixture's surface that was measured on the whole validation split.
pub(crate) fn evaluated_event(u: f64, v: f64) -> Event {
    let accuracy = accuracy(u, v);
    Event::Evaluated(MeasuredPoint {
        u,
        v,
        accuracy,
        loss: 0.9 * (1.0 - accuracy) + 0.25,
        images: 1500,
        metrics: Default::default(),
    })
}

/// The fit advances by `steps`: losses, gradients and a few cells change, as between two frames of a real fit.
pub(crate) fn advance_fit(run_state: &mut RunState, steps: u64) {
    let first_step = run_state.curves[&LossCurve::Surface].end_step();
    let values = (first_step..first_step + steps).map(|s| loss(9, s, 0.95, 0.31, 300.0)).collect();
    apply_events(run_state, vec![Event::Losses { curve: LossCurve::Surface, first_step, values, rate: 0.0397 }]);
    let s = run_state.snapshot.as_mut().unwrap();
    let step = first_step + steps;
    (s.seq, s.done, s.fit_step, s.heatmap.version) = (run_state.seq, step, step, step);
    (s.rate, s.memory) = (82.0 + noise(3, step), s.memory + 4096);
    s.seconds_left = Some((3000.0 - step as f64) / 13.4);
    s.learning_rate *= 0.999;
    for (row, point) in s.control_points.iter_mut().enumerate().filter(|(_, p)| !p.corner && !p.frozen) {
        point.travelled += 1e-5 * steps as f64;
        point.gradient = 0.15 + 0.05 * noise(row as u64, step);
        if step % 40 < steps {
            point.gradients.remove(0);
            point.gradients.push(point.gradient as f32);
        }
    }
    let order = s.heatmap.coarse_to_fine_order();
    for n in 0..2 {
        let index = order[(step / steps * 2 + n) as usize % order.len()];
        let (u, v) = s.heatmap.parameters(index);
        let a = accuracy(u, v) + 0.002 * noise(index as u64, step);
        s.heatmap.cells[index] =
            Cell::from_counts((a * 512.0).round() as u32, 512, (0.25 + 0.9 * (1.0 - a)) as f32, step);
    }
}

pub(crate) fn degrees(m: u8, n: u8) -> Degrees {
    Degrees::new(m, n).unwrap()
}

/// Applies events with numbers and times that continue the run state's.
pub(crate) fn apply_events(run_state: &mut RunState, events: Vec<Event>) {
    for event in events {
        let seq = run_state.seq + 1;
        run_state.apply(&Envelope { seq, time: START_TIME + 0.1 * seq as f64, event });
    }
}

fn corner_ready(index: usize) -> CornerReady {
    CornerReady {
        index,
        source: format!("seed {}, 4 epochs", index + 1),
        accuracy: CORNER_ACCURACIES[index],
        loss: 0.37 + 0.004 * index as f64,
        seconds: 6.8,
        own_statistics: None,
        warnings: Vec::new(),
        metrics: Default::default(),
    }
}

fn corner_training_events(index: usize, steps: u64) -> Vec<Event> {
    let values = (0..steps).map(|s| loss(index as u64, s, 2.3, 0.33, 70.0)).collect();
    let curve = LossCurve::Corner(index);
    let mut events = vec![Event::Losses { curve, first_step: 0, values, rate: 0.05 }];
    for step in (102..=steps).step_by(102) {
        let left = (-(step as f64) / 130.0).exp();
        events.push(Event::Validated {
            curve,
            step,
            loss: 0.37 + 0.5 * left,
            accuracy: CORNER_ACCURACIES[index] - 0.14 * left,
        });
    }
    events
}

fn noise(purpose: u64, step: u64) -> f64 {
    let mut x = (purpose + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ step.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

fn loss(purpose: u64, step: u64, from: f64, to: f64, scale: f64) -> f32 {
    let clean = to + (from - to) * (-(step as f64) / scale).exp();
    (clean * (1.0 + 0.35 * noise(purpose, step))) as f32
}

fn accuracy(u: f64, v: f64) -> f64 {
    let w = [(1.0 - u) * (1.0 - v), u * (1.0 - v), (1.0 - u) * v, u * v];
    let linear: f64 = w.iter().zip(CORNER_ACCURACIES).map(|(a, b)| a * b).sum();
    let dome = 16.0 * u * (1.0 - u) * v * (1.0 - v);
    let ripple = (7.0 * u + 2.0 * v).sin() * (5.0 * v - u).cos();
    linear + 0.016 * dome.sqrt() + 0.003 * ripple
}

/// The first `measured` cells of the coarse-to-fine order, the earlier third of them stale.
fn heatmap(grid: usize, measured: usize, images: u32) -> Heatmap {
    let mut map = Heatmap::new(surfit_core::surface::Patch::Square, grid);
    map.version = 1240;
    for (n, index) in map.coarse_to_fine_order().into_iter().take(measured).enumerate() {
        let (u, v) = map.parameters(index);
        let a = accuracy(u, v);
        let fresh = measured == grid * grid || n >= measured / 3;
        let (correct, loss) = ((a * f64::from(images)).round() as u32, (0.25 + 0.9 * (1.0 - a)) as f32);
        map.cells[index] = Cell::from_counts(correct, images, loss, if fresh { 1240 } else { 1000 });
    }
    map
}

fn control_points(degrees: Degrees) -> Vec<ControlPoint> {
    let point = |(row, (i, j)): (usize, (usize, usize))| {
        let (corner, key) = (row < 4, row as u64 * 64);
        let gradient = |t: u64| (0.2 + 0.1 * noise(key, t)) * (1.0 - 0.012 * t as f64);
        ControlPoint {
            i,
            j,
            corner,
            frozen: row == 6,
            travelled: if corner { 0.0 } else { 0.18 + 0.1 * noise(key, 99) },
            gradient: if corner || row == 6 { 0.0 } else { gradient(31) },
            gradients: if corner || row == 6 { Vec::new() } else { (0..32).map(|t| gradient(t) as f32).collect() },
            accuracy: None,
        }
    };
    degrees.row_indices().into_iter().enumerate().map(point).collect()
}

pub(crate) fn welcome(pid: u32) -> ServerMessage {
    let (protocol, engine, run) = (PROTOCOL_VERSION, "1".into(), RUN_ID.into());
    ServerMessage::Welcome { protocol, engine, run, pid, dir: None }
}

pub(crate) fn opened_run(dir: std::path::PathBuf, name: String) -> ServerMessage {
    BridgeMessage::RunOpened(OpenedRun { id: RUN_ID.into(), dir, name, grid: 21, degrees: degrees(2, 2) }).into()
}
