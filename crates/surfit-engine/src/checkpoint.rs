//! The durable state of a fit: `surface/state.safetensors`.

use crate::actor::{GradientHistory, LiveMap};
use crate::model_file::{read_tensors, write_checksummed};
use crate::surface::{Surface, SurfaceState};
use crate::{EngineError, Result};
use serde::{Deserialize, Serialize};
use surfit_core::config::{Config, FitConfig};
use surfit_core::draws::FitPhase;
use surfit_core::files::{self, FileLocation, FilePath};
use surfit_core::numbers::nans_as_null;
use surfit_core::run_dir::RunDir;
use tch::{Device, Kind, Tensor};

/// How far a fit has come, in optimizer steps over all its rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FitProgress {
    /// Optimizer steps done so far.
    pub step: u64,
    /// Steps when the present round is done.
    pub total: u64,
    /// Step at which the present round began; its schedule counts from there.
    pub round_start: u64,
    /// Steps of the present round that train the trunk; they come first.
    #[serde(default)]
    pub trunk_steps: u64,
    /// Steps of the present round that draw on the boundary.
    pub edge_steps: u64,
}

impl FitProgress {
    pub fn start(config: &Config, steps_per_epoch: u64) -> Self {
        let steps = |epochs: f64| (epochs * steps_per_epoch as f64).round() as u64;
        let edge_steps = steps(config.fit.boundary_epochs);
        let total = edge_steps + steps(config.fit.epochs);
        let trunk_steps = match config.corners.precede_fit() {
            true => 0,
            // One at least: it is what the control points branch from.
            false => ((config.corners.branch_at * total as f64).round() as u64).clamp(1, total.max(1)),
        };
        let total = total.max(trunk_steps);
        let edge_steps = edge_steps.min(total - trunk_steps);
        Self { step: 0, total, round_start: 0, trunk_steps, edge_steps }
    }

    /// A further round of so many steps on the whole surface, from where this one ends.
    pub fn extended_by(self, steps: u64) -> Self {
        Self { step: self.step, total: self.step + steps, round_start: self.step, trunk_steps: 0, edge_steps: 0 }
    }

    pub fn is_complete(self) -> bool {
        self.step >= self.total
    }

    /// The phase of the next step, and that step's number within the phase.
    pub fn phase(self) -> (FitPhase, u64) {
        let in_round = self.step - self.round_start;
        if in_round < self.trunk_steps {
            (FitPhase::Trunk, in_round)
        } else if in_round < self.trunk_steps + self.edge_steps {
            (FitPhase::Edge, in_round - self.trunk_steps)
        } else {
            // Steps of later rounds continue in the sequence of draws instead of repeating it.
            (FitPhase::Interior, self.step - self.trunk_steps - self.edge_steps)
        }
    }

    /// True when the next step is the first one of a phase in this round.
    pub fn is_phase_start(self) -> bool {
        let in_round = self.step - self.round_start;
        [0, self.trunk_steps, self.trunk_steps + self.edge_steps].contains(&in_round)
    }

    /// The learning rate of the next step.
    pub fn learning_rate(self, config: &FitConfig) -> f64 {
        let (step, total) = (self.step - self.round_start, self.total - self.round_start);
        config.training.learning_rate * config.training.lr_schedule().factor(step, total)
    }
}

/// What of a fit's configuration was changed on request during the fit. Each value stands beside the one of the
/// configuration that it took the place of: when that is another now, somebody edited the file, which is meant then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SteeredSettings {
    /// Peak of the learning rate: of the configuration, and instead of it.
    pub rate: Option<(f64, f64)>,
    /// Draws a step: of the configuration, and instead of it.
    pub draws: Option<(usize, usize)>,
}

impl SteeredSettings {
    /// Puts the changes over a configuration that was just read.
    pub fn apply(&self, config: &mut FitConfig) {
        if let Some((_, instead)) = self.rate.filter(|r| r.0 == config.training.learning_rate) {
            config.training.learning_rate = instead;
        }
        if let Some((_, instead)) = self.draws.filter(|d| d.0 == config.points_per_step) {
            config.points_per_step = instead;
        }
    }
}

/// What of a fit is stored beside its tensors.
#[derive(Debug, Serialize, Deserialize)]
pub struct FitRecord {
    pub surface: SurfaceState,
    pub progress: FitProgress,
    /// Losses over a coarse grid that draws follow; empty for uniform draws.
    #[serde(rename = "focus", default, with = "nans_as_null")]
    pub focus_losses: Vec<f64>,
    #[serde(rename = "steering", default)]
    pub steered_settings: SteeredSettings,
    /// Gradient norms of its control points.
    #[serde(default)]
    pub gradients: GradientHistory,
    /// The live heatmap at its step; `None` where an earlier version wrote it.
    #[serde(rename = "live", default, skip_serializing_if = "Option::is_none")]
    pub live_map: Option<LiveMap>,
}

pub fn path(run: &RunDir) -> FilePath {
    run.join("surface").join("state.safetensors")
}

/// Writes the tensors of a surface with its record as one file that replaces the last.
///
/// # Errors
/// When the file cannot be written; the last checkpoint then stays.
pub fn save(run: &RunDir, surface: &Surface, record: &FitRecord) -> Result<()> {
    let json = serde_json::to_string(record).map_err(|e| EngineError::io(path(run).into_path())(e.into()))?;
    let tensors = [("theta", surface.theta()), ("velocity", surface.velocity())];
    write_checksummed(&path(run), &tensors, &[("surfit".into(), json)])
}

/// Reads the last checkpoint; `None` when there is none yet.
///
/// # Errors
/// [`EngineError::DamagedCheckpoint`] when it is damaged or belongs to a network of another size.
pub fn load(run: &RunDir, parameters: i64, device: Device) -> Result<Option<(Surface, FitRecord)>> {
    let path = path(run);
    if !files::exists(&path) {
        return Ok(None);
    }
    let damaged = |fault: String| EngineError::DamagedCheckpoint { path: path.to_path_buf(), fault };
    let mut stored: Option<serde_json::Result<FitRecord>> = None;
    let (mut tensors, _) = read_tensors(&path, |metadata| {
        stored = metadata.get("surfit").map(|json| serde_json::from_str(json));
        let points = stored
            .as_ref()
            .and_then(|parsed| parsed.as_ref().ok())
            .map_or(0, |stored| stored.surface.rows().iter().sum::<usize>());
        (points as u64).saturating_mul(parameters as u64 * size_of::<f32>() as u64)
    })
    .map_err(|error| match (error, &stored) {
        (EngineError::DamagedFile { .. }, Some(Err(why))) => damaged(why.to_string()),
        // What to do about another file that is damaged is not what to do about this one.
        (EngineError::DamagedFile { fault, .. }, _) => damaged(fault),
        (other, _) => other,
    })?;
    let Some(Ok(stored)) = stored else {
        return Err(damaged("it has no surfit metadata".into()));
    };
    let mut take = |name: &str, rows: usize| -> Result<Tensor> {
        let found = tensors.iter().position(|(n, _)| n == name);
        let tensor = tensors.swap_remove(found.ok_or_else(|| damaged(format!("no {name}")))?).1;
        let want = [rows as i64, parameters];
        if tensor.size() != want || tensor.kind() != Kind::Float {
            return Err(damaged(format!("{name} is {:?}, not {want:?}", tensor.size())));
        }
        Ok(tensor.to_device(device))
    };
    let [points, trainable] = stored.surface.rows();
    let theta = take("theta", points)?;
    let velocity = take("velocity", trainable)?;
    if stored.surface.frozen.len() != stored.surface.degrees.point_count() {
        return Err(damaged("its list of frozen points has another length".into()));
    }
    Ok(Some((Surface::restore(stored.surface.clone(), theta, velocity), stored)))
}

/// Removes the checkpoint, when a fit begins anew from other corners.
pub fn remove(run: &RunDir) -> Result<()> {
    remove_file(&path(run))
}

/// Removes a file that may not exist, so that no power cut brings it back.
pub fn remove_file(path: &(impl FileLocation + ?Sized)) -> Result<()> {
    if !files::exists(path) {
        return Ok(());
    }
    files::remove(path).and_then(|()| files::sync_folder(path)).map_err(EngineError::io(path.full_path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::surface::{Degrees, TrainablePoints};

    fn record(surface: &Surface) -> FitRecord {
        FitRecord {
            surface: surface.state(),
            progress: FitProgress::start(&Config::default(), 10),
            focus_losses: Vec::new(),
            steered_settings: SteeredSettings::default(),
            gradients: GradientHistory::default(),
            live_map: None,
        }
    }

    #[test]
    fn a_change_holds_until_the_configuration_is_edited() {
        let mut config = Config::default().fit;
        let (rate, draws) = (config.training.learning_rate, config.points_per_step);
        let steering = SteeredSettings { rate: Some((rate, 0.5 * rate)), draws: Some((draws, draws + 1)) };
        steering.apply(&mut config);
        assert_eq!((config.training.learning_rate, config.points_per_step), (0.5 * rate, draws + 1));
        config.training.learning_rate = 0.125;
        config.points_per_step = draws;
        steering.apply(&mut config);
        assert_eq!((config.training.learning_rate, config.points_per_step), (0.125, draws + 1));
    }

    #[test]
    fn a_course_that_branches_has_a_trunk_then_the_boundary_then_the_whole_surface() {
        let mut config = Config::default();
        (config.fit.boundary_epochs, config.fit.epochs) = (1.0, 3.0);
        let phases = |share: f64| -> Vec<(FitPhase, u64)> {
            let mut config = config.clone();
            config.corners.branch_at = share;
            let start = FitProgress::start(&config, 2);
            (0..start.total).map(|step| FitProgress { step, ..start }.phase()).collect()
        };
        use FitPhase::{Edge, Interior, Trunk};
        let rest = [(Interior, 0), (Interior, 1)];
        assert_eq!(phases(0.5)[..6], [(Trunk, 0), (Trunk, 1), (Trunk, 2), (Trunk, 3), (Edge, 0), (Edge, 1)]);
        assert_eq!(phases(0.5)[6..], rest);
        assert_eq!(phases(0.0)[..3], [(Trunk, 0), (Edge, 0), (Edge, 1)]);
        assert_eq!(phases(1.0)[..3], [(Edge, 0), (Edge, 1), (Interior, 0)], "corners are made before");
        assert_eq!(phases(0.99), (0..8).map(|step| (Trunk, step)).collect::<Vec<_>>());
        config.corners.branch_at = 0.5;
        let end = FitProgress { step: 8, ..FitProgress::start(&config, 2) };
        let further = end.extended_by(3);
        assert_eq!((further.phase().0, further.total, further.is_phase_start()), (Interior, 11, true));
    }

    #[test]
    fn a_trunk_comes_back_from_its_checkpoint() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run"), &Config::default()).unwrap();
        let surface = Surface::trunk(Degrees::new(3, 2).unwrap(), &Tensor::from_slice(&[1_f32, 2.0, 3.0]));
        let progress = FitProgress { trunk_steps: 7, ..FitProgress::start(&Config::default(), 10) };
        save(&run, &surface, &FitRecord { progress, ..record(&surface) }).unwrap();
        let (mut back, stored) = load(&run, 3, Device::Cpu).unwrap().unwrap();
        assert_eq!((back.state(), stored.progress), (surface.state(), progress));
        assert_eq!(back.theta(), surface.theta());
        back.branch();
        assert_eq!(back.state().rows(), [12, 12]);
    }

    #[test]
    fn a_checkpoint_that_is_not_what_was_written_is_refused_and_one_without_a_checksum_opens() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run; x"), &Config::default()).unwrap();
        let corners = (0..4).map(|c| Tensor::from_slice(&[c as f32, 1.0, -0.5]));
        let surface = Surface::linear(Degrees::new(2, 2).unwrap(), TrainablePoints::AllButCorners, corners.collect());
        save(&run, &surface, &record(&surface)).unwrap();
        let whole = std::fs::read(path(&run)).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(path(&run), bytes).unwrap();
            load(&run, 3, Device::Cpu).unwrap_err().to_string()
        };
        // In the weights, in the sum itself, and in the header's figures.
        let digit = whole.windows(8).position(|w| w == b"\"step\\\":").map(|at| at + 8);
        for at in [whole.len() - 20, whole.len() - 1, digit.expect("a step")] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            let why = refused(&bytes);
            assert!(why.contains("state.safetensors is no usable checkpoint (the file is damaged"), "{why}");
            assert!(why.ends_with("or remove it to fit anew"), "{why}");
        }
        let why = refused(&whole[..whole.len() / 2]);
        assert!(why.contains("is no usable checkpoint (") && why.contains("cut short"), "{why}");
        // One that promises more than such a surface has is not read at all.
        let size = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
        let mut header: serde_json::Value = serde_json::from_slice(&whole[8..8 + size]).unwrap();
        let (rows, end) = (1_u64 << 40, 12 << 40);
        header["theta"]["shape"][0] = rows.into();
        header["theta"]["data_offsets"] = vec![0, end].into();
        for name in ["velocity", "surfit.crc32"] {
            header[name]["shape"] = vec![0].into();
            header[name]["data_offsets"] = vec![end, end].into();
        }
        let mut text = header.to_string().into_bytes();
        text.resize(text.len().next_multiple_of(8), b' ');
        let why = refused(&[&(text.len() as u64).to_le_bytes()[..], &text].concat());
        assert!(why.contains("cut short"), "{why}");
        let sparse = std::fs::File::options().write(true).open(path(&run)).unwrap();
        sparse.set_len(8 + text.len() as u64 + end).unwrap();
        let why = load(&run, 3, Device::Cpu).unwrap_err().to_string();
        assert!(why.contains("(its header promises 13194139533312 bytes of tensors"), "{why}");
        // As they were written before there was a checksum.
        std::fs::write(path(&run), &whole).unwrap();
        let (tensors, metadata) = read_tensors(&path(&run), |_| 1 << 20).unwrap();
        assert_eq!(tensors.len(), 2, "the sum is no tensor of the checkpoint");
        let named: Vec<_> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
        let strings: Vec<_> = metadata.into_iter().collect();
        crate::model_file::write_tensors(&path(&run), &named, &strings).unwrap();
        let (old, _) = load(&run, 3, Device::Cpu).unwrap().unwrap();
        assert_eq!(old.theta(), surface.theta());
    }

    #[test]
    fn a_checkpoint_with_a_loss_that_is_not_finite_can_be_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run"), &Config::default()).unwrap();
        let corners = (0..4).map(|c| Tensor::from_slice(&[c as f32, 1.0, -0.5]));
        let degrees = Degrees::new(2, 2).unwrap();
        let surface = Surface::linear(degrees, TrainablePoints::AllButCorners, corners.collect());
        let focus_losses = vec![0.1, f64::NAN, f64::INFINITY, 1.0 / 3.0];
        let steered_settings = SteeredSettings { rate: Some((0.1, 0.1 / 3.0)), draws: None };
        let mut live =
            LiveMap { heatmap: surfit_core::heatmap::Heatmap::new(degrees.patch(), 3), progress: Default::default() };
        live.heatmap.cells[4] = surfit_core::heatmap::Cell::from_counts(1, 3, 0.1, 7);
        let live_map = Some(live.clone());
        let stored = FitRecord { focus_losses, steered_settings, live_map, ..record(&surface) };
        save(&run, &surface, &stored).unwrap();
        let (restored, back) = load(&run, 3, Device::Cpu).unwrap().unwrap();
        assert_eq!(restored.theta(), surface.theta());
        assert_eq!(back.progress, stored.progress);
        assert_eq!(back.steered_settings, stored.steered_settings);
        assert_eq!(back.live_map, Some(live));
        assert_eq!((back.focus_losses[0], back.focus_losses[3]), (0.1, 1.0 / 3.0));
        assert!(!back.focus_losses[1].is_finite() && !back.focus_losses[2].is_finite());
    }
}
