//! What the models view lists, in which order.

use crate::app::App;
use surfit_core::event::ExportedModel;
use surfit_core::heatmap::MeasuredPoint;
use surfit_core::metrics::wilson_interval;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ModelItem {
    /// A model that was written, by its index in the run state.
    Export(usize),
    /// A point of the surface that was marked, or measured exactly.
    Point { u: f64, v: f64, marked: bool },
    /// Corner by its index from 0.
    Corner(usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelSort {
    #[default]
    Latest,
    Validation,
    Test,
    /// Their coordinates: `u`, then `v`.
    Position,
}

impl ModelSort {
    const ALL: [ModelSort; 4] = [ModelSort::Latest, ModelSort::Validation, ModelSort::Test, ModelSort::Position];

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    pub fn name(self) -> &'static str {
        ["latest", "validation", "test", "place"][self as usize]
    }
}

/// Points that were measured exactly but not marked are shown up to this many, the latest first.
const MAX_UNMARKED_POINTS: usize = 6;

pub fn items(app: &App) -> Vec<ModelItem> {
    let mut out = exports(app);
    out.extend(points(app));
    out.extend(app.run_state.corners.keys().map(|&n| ModelItem::Corner(n)));
    out
}

fn exports(app: &App) -> Vec<ModelItem> {
    let exports = &app.run_state.exports;
    let mut order: Vec<usize> = (0..exports.len()).rev().collect();
    let best_first =
        |of: fn(&ExportedModel) -> f64| move |a: &usize, b: &usize| of(&exports[*b]).total_cmp(&of(&exports[*a]));
    match app.models.sort {
        ModelSort::Latest => {}
        ModelSort::Validation => order.sort_by(best_first(|x| x.validation_accuracy)),
        ModelSort::Test => order.sort_by(best_first(|x| x.test_accuracy)),
        ModelSort::Position => {
            let place = |n: &usize| (exports[*n].u, exports[*n].v);
            order.sort_by(|a, b| {
                let ((ua, va), (ub, vb)) = (place(a), place(b));
                let key = |x: Option<f64>| x.unwrap_or(f64::INFINITY);
                (key(ua).total_cmp(&key(ub))).then(key(va).total_cmp(&key(vb)))
            });
        }
    }
    order.into_iter().map(ModelItem::Export).collect()
}

/// Marked points, then those measured exactly.
fn points(app: &App) -> impl Iterator<Item = ModelItem> {
    let marks = app.run_state.snapshot.iter().flat_map(|s| s.marks.iter().copied());
    let mut all: Vec<(f64, f64)> = marks.filter(|(u, v)| u.is_finite() && v.is_finite()).collect();
    match app.models.sort {
        ModelSort::Latest => all.reverse(),
        ModelSort::Position => all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))),
        ModelSort::Validation | ModelSort::Test => {
            let value = |&(u, v): &(f64, f64)| measured_point(app, u, v).map_or(-1.0, |m| m.0.accuracy);
            all.sort_by(|a, b| value(b).total_cmp(&value(a)));
        }
    }
    let marked = all.len();
    for p in app.run_state.evaluated.iter().rev() {
        if all.len() < marked + MAX_UNMARKED_POINTS && !all.iter().any(|&at| is_same_point(at, (p.u, p.v))) {
            all.push((p.u, p.v));
        }
    }
    all.into_iter().enumerate().map(move |(n, (u, v))| ModelItem::Point { u, v, marked: n < marked })
}

fn is_same_point(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() < 1e-9 && (a.1 - b.1).abs() < 1e-9
}

/// What is known of a point: the latest measurement exactly there, else the nearest cell of the heatmap; true for the
/// former.
pub fn measured_point(app: &App, u: f64, v: f64) -> Option<(MeasuredPoint, bool)> {
    let exact = app.run_state.evaluated.iter().rev();
    if let Some(p) = exact.into_iter().find(|p| is_same_point((p.u, p.v), (u, v))) {
        return Some((*p, true));
    }
    let map = &app.run_state.snapshot.as_ref()?.heatmap;
    map.measured_point(map.nearest_cell(u, v)).map(|p| (p, false))
}

/// Half the width of the 95 % confidence interval of an accuracy over so many images.
pub fn interval_half_width(accuracy: f64, images: usize) -> Option<f64> {
    let images = u32::try_from(images).ok().filter(|n| *n > 0)?;
    if !(0.0..=1.0).contains(&accuracy) {
        return None;
    }
    let (low, high) = wilson_interval((accuracy * f64::from(images)).round() / f64::from(images), images);
    Some((high - low) / 2.0)
}

/// Position of an item on the surface; `None` for the centroid, which is no point of it.
pub fn item_parameters(app: &App, item: ModelItem) -> Option<(f64, f64)> {
    match item {
        ModelItem::Export(n) => app.run_state.exports.get(n).and_then(|x| x.u.zip(x.v)),
        ModelItem::Point { u, v, .. } => Some((u, v)),
        ModelItem::Corner(n) => {
            let map = &app.run_state.snapshot.as_ref()?.heatmap;
            map.corner_cells().get(n).map(|&cell| map.parameters(cell))
        }
    }
}
