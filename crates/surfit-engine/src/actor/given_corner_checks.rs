//! Checks of a network that was given as a corner: whether it is measured here as its owner measures it.

use super::Actor;
use crate::data::DataSplit;
use crate::evaluate::calibration::{class_counts, sample_classes_equally, sample_proportionally};
use crate::evaluate::{measure_split, recalibrate};
use crate::layout::RunningStats;
use crate::model::Measurement;
use crate::model_file;
use std::collections::BTreeSet;
use surfit_core::config::{ChannelConstants, DataConfig};
use surfit_core::event::{CornerReady, OwnStatistics};
use surfit_core::files::{FileLocation, FilePath, encode_json, write_atomic};
use surfit_core::metrics::Metric;
use surfit_core::model_card::ModelCard;
use tch::{Device, Tensor};

/// The key of a stored corner's record in its file's metadata.
const RECORD_KEY: &str = "surfit-corner";

/// Validation images that other normalizations are tried on.
const MAX_TRIAL_IMAGES: i64 = 500;

/// Calibration images that are enough for any network that was seen.
const SUFFICIENT_CALIBRATION_IMAGES: usize = 4096;

/// Constants that many networks are trained with, besides those that have names: kuangliu's of CIFAR-10, and MNIST's, which
/// stand in many scripts for other grey images.
const COMMON_CONSTANTS: [(&[f64], &[f64]); 2] =
    [(&[0.4914, 0.4822, 0.4465], &[0.2023, 0.1994, 0.2010]), (&[0.1307], &[0.3081])];

#[derive(Debug)]
pub(super) enum WeightOrigin {
    Trained,
    /// They are a file's, with batch norm's statistics where it has them.
    Given(Option<RunningStats>),
    /// They were a file's and are kept in the run, with what was reported of them then.
    Stored(Box<CornerReady>),
}

#[derive(Debug, Default)]
pub(super) struct GivenFindings {
    pub own_statistics: Option<OwnStatistics>,
    pub warnings: Vec<String>,
}

/// Constants to try: how they are written in a configuration, and their values.
struct NormalizationTrial {
    keys: [ChannelConstants; 2],
    mean: Vec<f64>,
    std: Vec<f64>,
    from_card: bool,
}

impl NormalizationTrial {
    fn describe_keys(&self) -> String {
        let [mean, std] = &self.keys;
        format!("data.mean = {mean}, data.std = {std}")
    }
}

impl Actor<'_> {
    /// Measures a given network otherwise than the surface's points are measured, and compares. `own` are the statistics in
    /// its file, `recalibrated` its figures with re-estimated ones, which are `stats`.
    pub(super) fn examine_given_corner(
        &self,
        index: usize,
        w: &Tensor,
        own: Option<&RunningStats>,
        (recalibrated, stats): (&Measurement, &RunningStats),
    ) -> GivenFindings {
        let mut findings = GivenFindings::default();
        let layout = self.model.network().layout();
        let own = own.map(|stats| stats.to_device(w.device()));
        let measured_own = own.as_ref().map(|stats| measure_split(&self.model, w, stats, self.evaluator.validation()));
        findings.own_statistics = measured_own.map(|m| OwnStatistics { accuracy: m.accuracy(), loss: m.loss() });
        let corner = format!("corner {}", index + 1);
        // Re-estimated statistics would hide most of the difference.
        let fixed = own.as_ref().or(layout.norms.is_empty().then_some(stats));
        let otherwise = fixed.and_then(|fixed| self.try_normalizations(index, w, fixed));
        let is_normalized_otherwise = otherwise.is_some();
        findings.warnings.extend(otherwise.map(|text| format!("{corner}{text}")));
        if let Some(own) = measured_own
            && is_outside_interval(&own, recalibrated)
            && is_outside_interval(recalibrated, &own)
        {
            let cause = match recalibrated.correct() < own.correct() {
                true => self.explain_accuracy_loss(w, &own),
                false if is_normalized_otherwise => "its images were normalized otherwise".into(),
                false => {
                    "usual causes are a learning rate that was high to the last step, weights that were averaged, \
                          or images that were normalized otherwise (data.mean, data.std); the surface is measured with \
                          recalibrated statistics"
                        .into()
                }
            };
            findings.warnings.push(format!(
                "{corner} has {} with the batch-norm statistics in its file and {} with recalibrated ones; {cause}",
                format_accuracy(&own),
                format_accuracy(recalibrated)
            ));
        }
        let (best, stats) = match (measured_own, &own) {
            (Some(m), Some(own)) if m.correct() > recalibrated.correct() => (m, own),
            _ => (*recalibrated, stats),
        };
        let classes = self.data.classes.len();
        if let Some((order, found)) = self.find_class_order(w, stats, &best) {
            findings.warnings.push(format!(
                "{corner} has {}, and {found:.2} % with its classes in {}",
                format_accuracy(&best),
                self.describe_class_order(index, &order)
            ));
        } else if accuracy_interval(&best).0 <= 1.0 / classes as f64 {
            findings.warnings.push(format!(
                "{corner} is at chance level with {} for {classes} classes; check the order of its classes \
                 (data.classes), its normalization (data.mean, data.std), and that it is the right file",
                format_accuracy(&best)
            ));
        }
        findings
    }

    /// The order of a corner's classes in words that end a sentence: one that is too long for it is in a file of the run.
    pub(super) fn describe_class_order(&self, index: usize, order: &[&str]) -> String {
        /// Bytes of an order that a sentence has room for.
        const MAX_ORDER_BYTES: usize = 300;
        let here = format!("the order data.classes = {order:?}");
        if here.len() <= MAX_ORDER_BYTES {
            return here;
        }
        let path = self.class_order_path(index);
        // An array of strings is the same in both.
        let written = encode_json(&order).and_then(|order| {
            let text = [b"[data]\nclasses = ", &order[..], b"\n"].concat();
            write_atomic(&path, &text)
        });
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match written {
            Ok(()) => format!("another order; set data.classes as corners/{name} in the run's directory has it"),
            Err(_) => here,
        }
    }

    /// Where the order of a corner's classes is reported when that is long.
    pub(super) fn class_order_path(&self, index: usize) -> FilePath {
        let name = format!("corner-{}-classes.toml", index + 1);
        self.run.join("corners").join(name)
    }

    /// The order of the classes with which the network does far better than the `measured`, and its accuracy in percent
    /// then: the classes of its logits.
    fn find_class_order(&self, w: &Tensor, stats: &RunningStats, measured: &Measurement) -> Option<(Vec<&str>, f64)> {
        // A network that is right more often than not has its classes in order, but for a few.
        if measured.accuracy() > 0.6 {
            return None;
        }
        let images = self.evaluator.validation();
        let found = crate::export::class_probabilities(&self.model, w, stats, images).ok()?;
        let classes = self.data.classes.len();
        // How often each logit is the largest, by the class that the image is of.
        let pairs = found.argmax(-1, false) * classes as i64 + images.labels();
        let counts = pairs.bincount(None::<Tensor>, (classes * classes) as i64);
        let counts = Vec::<i64>::try_from(counts.to_device(Device::Cpu)).ok()?;
        let most: Vec<(i64, usize)> = counts
            .chunks(classes)
            .filter_map(|of_logit| (0..classes).map(|class| (of_logit[class], class)).max())
            .collect();
        let different: BTreeSet<usize> = most.iter().map(|m| m.1).collect();
        let correct = most.iter().map(|m| m.0).sum::<i64>() as u32;
        let reordered = Measurement::from_counts(correct, measured.images, measured.loss_sum());
        let is_far_better =
            accuracy_interval(&reordered).0 > accuracy_interval(measured).1 && reordered.accuracy() > 0.5;
        (different.len() == classes && is_far_better).then(|| {
            let names = most.iter().map(|m| self.data.classes[m.1].as_str());
            (names.collect(), 100.0 * reordered.accuracy())
        })
    }

    /// Names other constants that suit the network far better than the configured ones; or what its card has, where that
    /// is something else.
    fn try_normalizations(&self, index: usize, w: &Tensor, stats: &RunningStats) -> Option<String> {
        let images = self.evaluator.validation().truncated(MAX_TRIAL_IMAGES);
        let measure = |images: &DataSplit| measure_split(&self.model, w, stats, images);
        let configured = measure(&images);
        let tried: Vec<(NormalizationTrial, Measurement)> = self
            .normalization_trials(index)
            .into_iter()
            .map(|trial| {
                let found = measure(&images.normalized_with(&trial.mean, &trial.std));
                (trial, found)
            })
            .collect();
        let on = format!("on {} validation images", images.len());
        if let Some((trial, found)) = tried.iter().find(|t| t.0.from_card) {
            return Some(format!(
                " has {} as configured and {} with what the model.json beside it says, {on}; set {}",
                format_accuracy(&configured),
                format_accuracy(found),
                trial.describe_keys()
            ));
        }
        let better = |a: &Measurement, b: &Measurement| {
            let by_loss = b.loss_sum().total_cmp(&a.loss_sum());
            a.correct().cmp(&b.correct()).then(by_loss)
        };
        // The first of several equals.
        let (trial, best) = tried.iter().rev().max_by(|a, b| better(&a.1, &b.1))?;
        (accuracy_interval(&configured).1 < accuracy_interval(best).0).then(|| {
            format!(
                " has {} as configured and {} with {}, {on}; set these keys if it was trained so",
                format_accuracy(&configured),
                format_accuracy(best),
                trial.describe_keys()
            )
        })
    }

    /// Constants that are worth trying: those of the network's card, and common ones. All differ from each other and from
    /// the configured ones.
    fn normalization_trials(&self, index: usize) -> Vec<NormalizationTrial> {
        let data = &self.data;
        let file = self.config.corners.checkpoints.get(index);
        let card = file.and_then(|file| ModelCard::find_beside_model(file));
        let card = card.map(|card| (ChannelConstants::Each(card.mean), ChannelConstants::Each(card.std)));
        let from_card = card.is_some();
        let named = ChannelConstants::NAMES.iter().map(|&name| {
            let named = ChannelConstants::Named(name.to_owned());
            (named.clone(), named)
        });
        let others = COMMON_CONSTANTS.iter().map(|(mean, std)| {
            let each = |all: &[f64]| ChannelConstants::Each(all.to_vec());
            (each(mean), each(std))
        });
        let mut trials: Vec<NormalizationTrial> = Vec::new();
        let known = named.chain(others).map(|keys| (keys, false));
        for ((mean, std), from_card) in card.into_iter().map(|keys| (keys, from_card)).chain(known) {
            let keys = DataConfig { mean: mean.clone(), std: std.clone(), ..DataConfig::default() };
            let Ok((mean_values, std_values)) =
                surfit_data::normalization(&keys, data.input_shape[0], &data.own_constants)
            else {
                continue;
            };
            let same = |a: &[f64], b: &[f64]| (a, b) == (&mean_values[..], &std_values[..]);
            if same(&data.mean, &data.std) {
                continue;
            }
            match trials.iter_mut().find(|t| same(&t.mean, &t.std)) {
                // A name states more than the numbers of a card.
                Some(trial) => trial.keys = [mean, std],
                None => {
                    trials.push(NormalizationTrial { keys: [mean, std], mean: mean_values, std: std_values, from_card })
                }
            }
        }
        trials
    }

    /// Why recalibration costs the network accuracy, as far as trials show; `own` are its figures without.
    pub(super) fn explain_accuracy_loss(&self, w: &Tensor, own: &Measurement) -> String {
        let (config, train) = (&self.config, &self.data.train);
        let images = config.data.bn_images;
        let heals = |calibration: &DataSplit| {
            let stats = recalibrate(&self.model, w, calibration, i64::MAX);
            let m = measure_split(&self.model, w, &stats, self.evaluator.validation());
            m.accuracy() >= accuracy_interval(own).0
        };
        let enough = (train.len() as usize).min(SUFFICIENT_CALIBRATION_IMAGES);
        if images < enough && heals(&sample_proportionally(train, enough, config.seed)) {
            return format!("data.bn_images = {images} are too few, with {enough} it keeps its accuracy");
        }
        let (smallest, largest) = class_size_range(&class_counts(train));
        if smallest < largest && heals(&sample_classes_equally(train, images, config.seed)) {
            return format!(
                "it was trained on equal parts of the classes, which here have {smallest} to {largest} training images: \
                 data.train_images = {} takes equal parts",
                smallest * self.data.classes.len()
            );
        }
        let of_all = class_size_range(&self.data.class_sizes);
        if smallest == largest && of_all.0 < of_all.1 {
            return format!(
                "it was probably trained on other shares of the classes than data.train_images = {} leaves, which takes \
                 equal parts; leave it at 0",
                config.data.train_images
            );
        }
        "it was trained on other images than these, or on other shares of the classes; check data.name, data.mean and \
         data.std"
            .into()
    }
}

/// Images of the smallest class that has any, and of the largest.
fn class_size_range(class_sizes: &[usize]) -> (usize, usize) {
    let some = || class_sizes.iter().copied().filter(|&n| n > 0);
    (some().min().unwrap_or(0), some().max().unwrap_or(0))
}

/// The record of a given corner that is kept in its file; `None` for one that was trained here.
pub(super) fn read_stored_record(path: &(impl FileLocation + ?Sized)) -> Option<CornerReady> {
    let metadata = model_file::read_metadata(path).ok()?;
    serde_json::from_str(metadata.get(RECORD_KEY)?).ok()
}

/// Metadata by which [`read_stored_record`] finds a corner's record again.
pub(super) fn record_metadata(corner: &CornerReady) -> Vec<(String, String)> {
    let record = serde_json::to_string(corner).expect("plain data");
    vec![(RECORD_KEY.into(), record)]
}

fn accuracy_interval(m: &Measurement) -> (f64, f64) {
    m.interval(Metric::ACCURACY).unwrap_or((0.0, 1.0))
}

/// Whether the accuracy of `one` lies outside the 95 % interval of `other`.
fn is_outside_interval(one: &Measurement, other: &Measurement) -> bool {
    // The interval of an accuracy of 1 ends there but for rounding.
    let (low, high) = accuracy_interval(other);
    !(low - 1e-9..=high + 1e-9).contains(&one.accuracy())
}

fn format_accuracy(m: &Measurement) -> String {
    format!("{:.2} %", 100.0 * m.accuracy())
}
