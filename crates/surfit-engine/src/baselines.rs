//! What else can be made of the same corners, to compare the surface with: their ensemble, their average, the surface's own
//! mean, and an ensemble of points of the surface.

use crate::Result;
use crate::data::{DataSet, DataSplit};
use crate::evaluate::{Evaluator, measure_probability_sum};
use crate::export::class_probabilities;
use crate::model::Model;
use crate::surface::Surface;
use surfit_core::event::Baseline;
use surfit_core::heatmap::Heatmap;
use tch::{Kind, Tensor};

/// Points along each axis of the grid that the greedy ensemble chooses from.
const CANDIDATE_GRID: usize = 5;
/// Members of the greedy ensemble: as many as a square has corners.
const ENSEMBLE_MEMBERS: usize = 4;

/// Measures every baseline on the validation and the test split. Members of ensembles are chosen on validation alone.
pub fn measure_baselines(
    model: &Model,
    evaluator: &Evaluator,
    data: &DataSet,
    surface: &Surface,
) -> Result<Vec<Baseline>> {
    let corners: Vec<Tensor> = (0..surface.degrees().corner_count()).map(|row| surface.control_point(row)).collect();
    let network = |w: &Tensor| MemberProbabilities::measure(model, evaluator, data, w);
    let members = corners.iter().map(network).collect::<Result<Vec<_>>>()?;
    let all: Vec<&MemberProbabilities> = members.iter().collect();
    // The mean of the corners is the middle of the linear surface: a uniform soup (Wortsman et al. 2022).
    let share = vec![1.0 / corners.len() as f64; corners.len()];
    let others = surface.degrees().point_count() - corners.len();
    let soup = surface.combine(&[share, vec![0.0; others]].concat());
    Ok(vec![
        ensemble_baseline("corner ensemble", &all, data)?,
        ensemble_baseline("uniform soup", &[&network(&soup)?], data)?,
        ensemble_baseline("centroid", &[&network(&surface.centroid())?], data)?,
        greedy_ensemble_baseline(model, evaluator, data, surface)?,
    ])
}

/// The probabilities that one network gives the classes of every validation and test image, `[N, classes]`.
struct MemberProbabilities {
    validation: Tensor,
    test: Tensor,
}

impl MemberProbabilities {
    fn measure(model: &Model, evaluator: &Evaluator, data: &DataSet, w: &Tensor) -> Result<Self> {
        let stats = evaluator.recalibrate(model, w, i64::MAX);
        Ok(Self {
            validation: class_probabilities(model, w, &stats, &data.validation)?,
            test: class_probabilities(model, w, &stats, &data.test)?,
        })
    }
}

/// Accuracy of the mean of the members' probabilities.
fn ensemble_baseline(name: &str, members: &[&MemberProbabilities], data: &DataSet) -> Result<Baseline> {
    let of = |probabilities: fn(&MemberProbabilities) -> &Tensor, split: &DataSplit| -> Result<f64> {
        let all: Vec<Tensor> = members.iter().map(|m| probabilities(m).shallow_clone()).collect();
        let sum = Tensor::f_stack(&all, 0)?.f_sum_dim_intlist([0i64].as_slice(), false, Kind::Float)?;
        Ok(measure_probability_sum(&sum, all.len(), split)?.accuracy())
    };
    Ok(Baseline {
        name: name.into(),
        validation_accuracy: of(|m| &m.validation, &data.validation)?,
        test_accuracy: of(|m| &m.test, &data.test)?,
    })
}

/// Points of a coarse grid, chosen one after the other so that each makes the ensemble best on validation (Caruana et al. 2004).
fn greedy_ensemble_baseline(
    model: &Model,
    evaluator: &Evaluator,
    data: &DataSet,
    surface: &Surface,
) -> Result<Baseline> {
    let grid = Heatmap::new(surface.degrees().patch(), CANDIDATE_GRID);
    let candidates = grid
        .surface_cells()
        .map(|index| {
            let (u, v) = grid.parameters(index);
            MemberProbabilities::measure(model, evaluator, data, &surface.network_at(u, v))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut chosen: Vec<&MemberProbabilities> = Vec::new();
    let mut sum = candidates[0].validation.zeros_like();
    for _ in 0..ENSEMBLE_MEMBERS {
        let mut best: Option<(f64, usize)> = None;
        for (index, candidate) in candidates.iter().enumerate() {
            let with = &sum + &candidate.validation;
            let accuracy = measure_probability_sum(&with, chosen.len() + 1, &data.validation)?.accuracy();
            if best.is_none_or(|(a, _)| accuracy > a) {
                best = Some((accuracy, index));
            }
        }
        let Some((_, index)) = best else { break };
        sum += &candidates[index].validation;
        chosen.push(&candidates[index]);
    }
    ensemble_baseline("surface ensemble", &chosen, data)
}
