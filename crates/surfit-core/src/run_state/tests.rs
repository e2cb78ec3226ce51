//! What events come to, in their order.

use super::*;
use crate::event::{Envelope, Event};

fn feed(run_state: &mut RunState, events: Vec<Event>) {
    for event in events {
        let seq = run_state.seq + 1;
        run_state.apply(&Envelope { seq, time: seq as f64, event });
    }
}

fn losses(first_step: u64, values: Vec<f32>) -> Event {
    Event::Losses { curve: LossCurve::Surface, first_step, values, rate: 0.1 }
}

#[test]
fn resuming_takes_back_what_the_checkpoint_does_not_hold() {
    let mut p = RunState::default();
    feed(&mut p, vec![losses(0, vec![1.0; 30]), Event::Resumed { step: 20 }]);
    assert_eq!(p.curves[&LossCurve::Surface].end_step(), 20);
    feed(&mut p, vec![losses(20, vec![2.0; 15])]);
    assert_eq!(p.curves[&LossCurve::Surface].end_step(), 35);
}

#[test]
fn time_counts_work_and_not_what_lies_between() {
    let mut p = RunState::default();
    let mut at = |time: f64, event: Event| {
        let seq = p.seq + 1;
        p.apply(&Envelope { seq, time, event });
        p.tracks.get(&LossCurve::Surface).map_or(0.0, StepTrack::seconds)
    };
    let stage = JobStage::Fit;
    at(10.0, Event::StageBegan { stage, total: 90 });
    assert_eq!(at(12.0, losses(0, vec![1.0; 20])), 2.0);
    at(13.0, Event::Paused { step: 20 });
    at(500.0, Event::Unpaused { step: 20 });
    assert_eq!(at(501.0, losses(20, vec![1.0; 10])), 3.0);
    at(900.0, Event::Resumed { step: 20 });
    assert_eq!(at(900.5, losses(20, vec![1.0; 10])), 2.5);
    // The fit waits while a request is under way.
    at(950.0, Event::Cancelled { what: "a search".into() });
    assert_eq!(at(950.5, losses(30, vec![1.0; 10])), 3.0);
    at(960.0, Event::Resumed { step: 20 });
    assert_eq!(at(960.5, losses(20, vec![1.0; 10])), 2.5);
    // A clock that was set back takes nothing away, one that was set forth a day adds nothing.
    assert_eq!(at(100.0, losses(30, vec![1.0; 10])), 2.5);
    assert_eq!(at(101.0, losses(40, vec![1.0; 10])), 3.5);
    assert_eq!(at(101.0 + 86_400.0, losses(50, vec![1.0; 10])), 3.5);
    assert_eq!(at(103.0 + 86_400.0, losses(60, vec![1.0; 10])), 5.5);
    // A new fit begins at zero.
    assert_eq!(at(107.0 + 86_400.0, losses(0, vec![1.0; 10])), 4.0);
}

#[test]
fn degree_and_phase_of_any_step() {
    let degrees = |d| Degrees::new(d, d).unwrap();
    let mut p = RunState::default();
    let change = |step, from, to| Event::DegreeChanged { step, from: degrees(from), to: degrees(to), deviation: 0.0 };
    let begins = |step, phase| Event::PhaseBegan { step, phase };
    let events = vec![
        begins(0, FitPhase::Edge),
        begins(40, FitPhase::Interior),
        losses(0, vec![1.0; 100]),
        change(50, 2, 3),
        change(80, 3, 4),
    ];
    feed(&mut p, events);
    assert_eq!([0, 49, 50, 80, 99].map(|s| p.degrees_at(s).unwrap()), [2, 2, 3, 4, 4].map(degrees));
    assert_eq!([0, 39, 40].map(|s| p.phase_at(s).unwrap()), [FitPhase::Edge, FitPhase::Edge, FitPhase::Interior]);
    // The next fit begins anew.
    feed(&mut p, vec![begins(0, FitPhase::Interior)]);
    assert_eq!(p.phases, [(0, FitPhase::Interior)]);
}

fn corner_ready(index: usize, accuracy: f64) -> CornerReady {
    CornerReady {
        index,
        source: "seed 1".into(),
        accuracy,
        loss: 0.3,
        seconds: 1.0,
        own_statistics: None,
        warnings: Vec::new(),
        metrics: Default::default(),
    }
}

#[test]
fn a_course_that_branches_begins_without_corners() {
    let corner = || Event::CornerReady(corner_ready(0, 0.9));
    let aligned = Event::Aligned(Alignment { index: 0, moved: 0.5, logit_change: 0.0, distance: [1.0, 0.5] });
    let geometry = Event::Geometry(Geometry {
        fitted: false,
        aligned: true,
        pairs: vec![(0, 1)],
        distances: vec![1.0],
        angles: vec![90.0],
        angles_at_first: Vec::new(),
    });
    let begins = |step, phase| Event::PhaseBegan { step, phase };
    let mut p = RunState::default();
    feed(&mut p, vec![begins(0, FitPhase::Interior), corner(), aligned, geometry]);
    assert!(!p.is_branched());
    feed(&mut p, vec![begins(0, FitPhase::Trunk)]);
    assert!(p.is_branched() && p.corners.is_empty() && p.alignments.is_empty() && p.geometry.is_empty());
    // They are known at its end, and stay when the fit goes on.
    feed(&mut p, vec![begins(40, FitPhase::Interior), corner(), begins(90, FitPhase::Interior)]);
    assert!(p.is_branched() && p.corners.len() == 1);
    let began = "one network is trained from step 0 on, until its control points branch";
    assert!(p.log.iter().any(|line| line.text == began), "{:?}", p.log);
}

#[test]
fn a_corner_that_trains_has_the_accuracy_of_the_surface() {
    let mut p = RunState::default();
    let (degrees, mut snapshot) = (Degrees::LINEAR, Snapshot::empty(Degrees::LINEAR, 3));
    let point = |(i, j)| crate::snapshot::ControlPoint {
        i,
        j,
        corner: true,
        frozen: false,
        travelled: 0.0,
        gradient: 0.0,
        gradients: Vec::new(),
        accuracy: Some(0.7),
    };
    snapshot.control_points = degrees.row_indices().into_iter().map(point).collect();
    p.corners.insert(1, corner_ready(1, 0.9));
    assert_eq!(p.accuracy_at(&snapshot, 1), Some((0.9, false)));
    snapshot.control_points[1].corner = false;
    assert_eq!(p.accuracy_at(&snapshot, 1), Some((0.7, false)));
}

#[test]
fn an_event_seen_twice_counts_once() {
    let mut p = RunState::default();
    let e = Envelope { seq: 1, time: 0.0, event: Event::Failed { message: "disk full".into() } };
    p.apply(&e);
    p.apply(&e);
    assert_eq!(p.log.len(), 1);
    assert_eq!(p.engine_state(), EngineState::Failed);
    assert!(p.log[0].error);
}

#[test]
fn the_log_is_bounded() {
    let mut p = RunState::default();
    feed(&mut p, (0..2000).map(|n| Event::Notice { text: n.to_string() }).collect());
    assert_eq!(p.log.len(), RunState::MAX_LOG_LINES);
    assert_eq!(p.log.back().unwrap().text, "1999");
}

/// A snapshot after the picture's last event, with losses that no event has told.
fn ahead(p: &RunState, first_step: u64, values: &[f32], time: f64) -> Snapshot {
    let degrees = Degrees::new(2, 2).unwrap();
    Snapshot {
        seq: p.seq,
        fresh: Some(crate::snapshot::UnloggedLosses {
            curve: LossCurve::Surface,
            first_step,
            values: values.to_vec(),
            rate: 0.3,
            time,
        }),
        ..Snapshot::empty(degrees, 3)
    }
}

#[test]
fn what_only_snapshots_tell_is_seen_at_once_and_counted_once() {
    let (mut live, mut file) = (RunState::default(), RunState::default());
    let values: Vec<f32> = (0..9000).map(|n| (n as f32 * 0.7).sin()).collect();
    let mut done = 0;
    for stretch in [10usize, 300, 4000, 1, 500] {
        for part in [stretch / 3, stretch / 2, stretch] {
            let time = live.seq as f64 + part as f64 / stretch as f64;
            live.apply_snapshot(ahead(&live, done as u64, &values[done..done + part], time));
            assert_eq!(live.curves[&LossCurve::Surface].end_step(), (done + part) as u64);
            let track = &live.tracks[&LossCurve::Surface];
            if done > 0 && part > 0 {
                assert_eq!(track.marks().last().unwrap().step, (done + part) as u64);
                assert!(track.seconds() > file.tracks[&LossCurve::Surface].seconds());
            }
        }
        // An event in between that is about something else takes nothing away.
        let notice = || Event::Notice { text: "x".into() };
        feed(&mut live, vec![notice()]);
        feed(&mut file, vec![notice()]);
        assert_eq!(live.curves[&LossCurve::Surface].end_step(), (done + stretch) as u64);
        let event = || losses(done as u64, values[done..done + stretch].to_vec());
        feed(&mut live, vec![event()]);
        feed(&mut file, vec![event()]);
        assert_eq!(live.curves, file.curves);
        assert_eq!(live.tracks, file.tracks);
        done += stretch;
    }
    // The engine died: what only a snapshot told goes with it, and another one begins before.
    live.apply_snapshot(ahead(&live, done as u64, &values[..50], 90.0));
    for p in [&mut live, &mut file] {
        feed(p, vec![Event::Resumed { step: 4000 }, losses(4000, vec![1.0; 9])]);
    }
    assert_eq!(live.curves, file.curves);
    assert_eq!(live.tracks, file.tracks);
}

#[test]
fn losses_of_a_snapshot_that_belongs_to_other_events_are_not_shown() {
    let mut p = RunState::default();
    feed(&mut p, vec![losses(0, vec![1.0; 30])]);
    let late = ahead(&p, 30, &[2.0; 5], 1.0);
    feed(&mut p, vec![losses(30, vec![2.0; 9])]);
    p.apply_snapshot(late.clone());
    assert_eq!(p.curves[&LossCurve::Surface].end_step(), 39);
    p.apply_snapshot(Snapshot { seq: p.seq + 1, ..late.clone() });
    assert_eq!(p.curves[&LossCurve::Surface].end_step(), 39);
    // Of the right event, but with steps missing before.
    p.apply_snapshot(ahead(&p, 50, &[2.0; 5], 1.0));
    assert_eq!(p.curves[&LossCurve::Surface].end_step(), 39);
    assert_eq!(p.snapshot.as_ref().map(|s| s.seq), Some(p.seq));
    // Out of JSON and back, with a gap.
    let mut one = ahead(&p, 39, &[f32::NAN, 0.5], 1.0);
    let json = serde_json::to_string(&one).unwrap();
    one = serde_json::from_str(&json).unwrap();
    p.apply_snapshot(one);
    let series = &p.curves[&LossCurve::Surface];
    assert_eq!((series.end_step(), series.last_value()), (41, Some(0.5)));
}

#[test]
fn a_pair_without_an_angle_is_told_by_its_distance_alone() {
    let geometry = crate::event::Geometry {
        fitted: false,
        aligned: false,
        pairs: vec![(0, 1), (0, 2)],
        distances: vec![2.61, 3.0],
        angles: vec![f64::NAN, 90.0],
        angles_at_first: vec![45.0],
    };
    let (text, _) = crate::run_state::describe_event(&Event::Geometry(geometry)).unwrap();
    assert_eq!(text, "corners, distances (angles): 1–2 2.61, 1–3 3.00 (90°)");
}

#[test]
fn a_pause_outside_of_training_names_no_step() {
    let describe = |event| crate::run_state::describe_event(&event).unwrap().0;
    assert_eq!(describe(Event::Paused { step: 0 }), "paused");
    assert_eq!(describe(Event::Unpaused { step: 0 }), "unpaused");
    assert_eq!(describe(Event::Stopped { step: 0 }), "stopped");
    assert_eq!(describe(Event::Paused { step: 408 }), "paused at step 408");
}
