//! Events in words.

use crate::draws::FitPhase;
use crate::event::{Event, Geometry};

/// The sentence a log shows for an event, and whether it is an error; `None` for events that only feed curves.
pub fn describe_event(event: &Event) -> Option<(String, bool)> {
    let percent = |x: f64| format!("{:.2} %", 100.0 * x);
    let text = match event {
        Event::Started(i) => {
            let node = match i.node.as_str() {
                "" => String::new(),
                node => format!(" on {node}"),
            };
            format!(
                "{}: {} on {}, {} parameters, {} {} ({} threads){node}",
                i.run, i.network, i.data, i.parameters, i.device, i.compute, i.threads
            )
        }
        Event::Resumed { step } => format!("resumed from the checkpoint at step {step}"),
        Event::StageBegan { stage, .. } => format!("{} began", stage.name()),
        Event::StageEnded { stage, seconds } => format!("{} took {seconds:.1} s", stage.name()),
        Event::CornerReady(c) => {
            let own = c
                .own_statistics
                .map(|own| format!(" with batch norm recalibrated, {} with its own statistics", percent(own.accuracy)));
            format!(
                "corner {} ({}): {} on validation{}",
                c.index + 1,
                c.source,
                percent(c.accuracy),
                own.unwrap_or_default()
            )
        }
        Event::Geometry(g) => {
            let pair = |((a, b), (distance, angle)): (&(usize, usize), (&f64, &f64))| {
                // Weights that are all zero have no direction.
                let angle = match angle.is_finite() {
                    true => format!(" ({angle:.0}°)"),
                    false => String::new(),
                };
                format!("{}–{} {distance:.2}{angle}", a + 1, b + 1)
            };
            let figures = g.distances.iter().zip(&g.angles);
            let all: Vec<String> = g.pairs.iter().zip(figures).map(pair).collect();
            let when = match g {
                Geometry { fitted: true, .. } => "corners after the fit",
                Geometry { aligned: true, .. } => "aligned corners",
                _ => "corners",
            };
            format!("{when}, distances (angles): {}", all.join(", "))
        }
        Event::Aligned(a) => format!(
            "corner {} aligned: {:.0} % of its units moved, distance {:.2} → {:.2}, logits changed by {:.1e}",
            a.index + 1,
            100.0 * a.moved,
            a.distance[0],
            a.distance[1],
            a.logit_change
        ),
        Event::DegreeChanged { step, from, to, deviation } => {
            format!("degree {from} → {to} at step {step}; the surface moved by at most {deviation:.1e}")
        }
        Event::RateChanged { step, from, to } => {
            format!("learning rate {from:.3e} → {to:.3e} (peak) from step {step} on")
        }
        Event::DrawsChanged { step, from, to } => {
            format!("draws per step {from} → {to} from step {step} on")
        }
        Event::Forked { from, step, degrees } => {
            format!("forked from {} at step {step}, degree {degrees}", from.display())
        }
        Event::Searched(s) => format!(
            "best near ({:.3}, {:.3}): ({:.3}, {:.3}) with {}, {:+.2} points, after {} points and {} images",
            s.from.u,
            s.from.v,
            s.to.u,
            s.to.v,
            percent(s.to.accuracy),
            100.0 * (s.to.accuracy - s.from.accuracy),
            s.looked_at,
            s.images
        ),
        Event::EnsembleMeasured(e) => {
            let best = e.members.iter().copied().fold(f64::NAN, f64::max);
            format!(
                "ensemble of {}: {} on {} validation images, its best member {}",
                e.points.len(),
                percent(e.accuracy),
                e.images,
                percent(best)
            )
        }
        Event::Distances(d) => {
            let largest = d.values.iter().copied().fold(0.0, f64::max);
            format!(
                "distances between {} control points at step {}: up to {largest:.2} of that between corners",
                d.points.len(),
                d.step
            )
        }
        Event::Cancelled { what } => format!("cancelled: {what}"),
        Event::GridChanged { grid } => format!("grid of {grid} points per axis"),
        Event::Frozen { i, j, frozen } => {
            format!("control point ({i}, {j}) {}", if *frozen { "frozen" } else { "trains again" })
        }
        Event::HeatmapComplete { grid, summary, best } => format!(
            "heatmap with {grid} points per axis complete: mean {}, interior {}, best {} at ({:.2}, {:.2})",
            percent(summary.mean),
            percent(summary.interior_mean),
            percent(best.accuracy),
            best.u,
            best.v
        ),
        Event::Evaluated(p) => format!(
            "({:.3}, {:.3}): {} on {} validation images, loss {:.4}",
            p.u,
            p.v,
            percent(p.accuracy),
            p.images,
            p.loss
        ),
        Event::Marked { u, v, marked } => {
            format!("({u:.3}, {v:.3}) {}", if *marked { "marked" } else { "unmarked" })
        }
        Event::Exported(x) => format!(
            "exported {} to {}: validation {}, test {}",
            match (x.selection.as_str(), x.u, x.v) {
                ("at", Some(u), Some(v)) => format!("the point ({u:.3}, {v:.3})"),
                ("ensemble", ..) => format!("an ensemble of {}", x.members.len()),
                (selection, ..) => format!("the {selection}"),
            },
            x.dir.display(),
            percent(x.validation_accuracy),
            percent(x.test_accuracy)
        ),
        Event::Checkpoint { step } => format!("checkpoint at step {step}"),
        Event::Paused { step } => format!("paused{}", at_step(*step)),
        Event::Unpaused { step } => format!("unpaused{}", at_step(*step)),
        Event::Stopped { step } => format!("stopped{}", at_step(*step)),
        Event::Notice { text } => text.clone(),
        Event::Failed { message } => return Some((message.clone(), true)),
        Event::Finished(f) => {
            format!("finished: best {} at ({:.2}, {:.2})", percent(f.best.accuracy), f.best.u, f.best.v)
        }
        Event::Reopened => "the job continues after its result".into(),
        Event::Closed => "engine closed".into(),
        Event::PhaseBegan { step, phase } => match phase {
            FitPhase::Trunk => format!("one network is trained from step {step} on, until its control points branch"),
            FitPhase::Edge => format!("edge phase from step {step} on"),
            FitPhase::Interior => format!("interior phase from step {step} on: the whole surface is fitted"),
        },
        Event::Losses { .. } | Event::Validated { .. } | Event::Unknown => return None,
    };
    Some((text, false))
}

/// Where a training is; nothing before its first step, since other stages have no steps.
fn at_step(step: u64) -> String {
    if step == 0 { String::new() } else { format!(" at step {step}") }
}
