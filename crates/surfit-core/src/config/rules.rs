//! What values a configuration may have, beyond their types.

use super::{ChannelStatistic, Config, DATA_SETS, NETWORKS, unknown_name_message};
use crate::surface::Patch;
use std::collections::BTreeSet;

impl Config {
    /// The first rule that the values break, as the key's path and a sentence; `None` when all hold.
    pub(super) fn broken_rule(&self) -> Option<(&'static [&'static str], String)> {
        let milestones =
            |list: &[f64]| list.iter().all(|m| *m > 0.0 && *m < 1.0) && list.windows(2).all(|w| w[0] < w[1]);
        // Two corners at one place would span no surface.
        let different = |list: &[u64]| {
            let mut sorted = list.to_vec();
            sorted.sort_unstable();
            sorted.windows(2).all(|w| w[0] != w[1])
        };
        let all_different = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let fraction = |x: f64| (0.0..1.0).contains(&x);
        let name_ok = !self.name.is_empty()
            && self.name.len() <= 64
            && !self.name.starts_with(['.', '-'])
            && self.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let device_ok = ["auto", "cpu", "cuda", "mps"].contains(&self.device.as_str())
            || self.device.strip_prefix("cuda:").is_some_and(|n| n.parse::<u8>().is_ok());
        let (c, f, h, d) = (&self.corners, &self.fit, &self.heatmap, &self.data);
        if !DATA_SETS.contains(&d.set.as_str()) {
            return Some((&["data", "set"], unknown_name_message("data set", &d.set, DATA_SETS)));
        }
        let network = &self.network.name;
        if !NETWORKS.contains(&network.as_str()) {
            let remedy = unknown_name_message("network", network, NETWORKS);
            return Some((&["network", "name"], remedy));
        }
        if let Some(remedy) = self.network.check_widths() {
            return Some((&["network", "widths"], remedy));
        }
        if let Some(remedy) = self.network.check_hidden() {
            return Some((&["network", "hidden"], remedy));
        }
        if let Some(remedy) = self.check_corner_sources() {
            return Some((&["corners", "epochs"], remedy));
        }
        if let Some(remedy) = d.mean.check_constants(ChannelStatistic::Mean) {
            return Some((&["data", "mean"], remedy));
        }
        if let Some(remedy) = d.std.check_constants(ChannelStatistic::Std) {
            return Some((&["data", "std"], remedy));
        }
        if let Some(remedy) = self.corners.check_rename() {
            return Some((&["corners", "rename"], remedy));
        }
        let web = ["http://", "https://"];
        let rules: &[(bool, &'static [&'static str], &str)] = &[
            (
                d.mirror.is_empty() || web.iter().any(|w| d.mirror.starts_with(w)),
                &["data", "mirror"],
                "use a URL that begins with http:// or https://, or leave it empty",
            ),
            (
                d.image_size == 0 || (4..=1024).contains(&d.image_size),
                &["data", "image_size"],
                "use 4 to 1024 pixels, or 0 for images as they are",
            ),
            (
                [0, 1, 3].contains(&d.channels),
                &["data", "channels"],
                "use 1 (grey) or 3 (colour), or 0 for images as they are",
            ),
            (d.classes.len() != 1 && all_different(&d.classes), &["data", "classes"], "name every class once, or none"),
            (name_ok, &["name"], "use 1 to 64 letters, digits, `-`, `_` or `.`, the first no `-` or `.`"),
            (device_ok, &["device"], "use auto, cpu, cuda, cuda:N or mps"),
            (self.threads <= 1024, &["threads"], "use 0 (one per core) to 1024"),
            (d.calibration_images >= 2, &["data", "calibration_images"], "use at least 2 images"),
            (
                self.network.widths.iter().all(|w| (1..=65536).contains(w)),
                &["network", "widths"],
                "use widths of 1 to 65536",
            ),
            (self.network.widths.len() <= 64, &["network", "widths"], "use at most 64 layers"),
            (
                self.network.patch <= 4096,
                &["network", "patch"],
                "use at most 4096 pixels, or 0 for an eighth of the image's height",
            ),
            (
                self.network.patch == 0 || network.starts_with("vit-"),
                &["network", "patch"],
                "only a vit divides its images into patches; leave it at 0",
            ),
            (
                Patch::from_corner_count(c.count).is_some(),
                &["corners", "count"],
                "use 2 corners for a curve, 3 for a triangular patch, 4 for a surface",
            ),
            (
                c.from.is_empty() || Patch::from_corner_count(c.from.len()).is_some(),
                &["corners", "from"],
                "name two, three or four files, or none",
            ),
            (
                c.seeds.is_empty() || c.seeds.len() == c.len() || c.epochs.is_single_training(),
                &["corners", "seeds"],
                "give one seed for each corner, or none",
            ),
            (
                self.checked_degrees().is_ok(),
                &["fit", "degree"],
                "a triangular patch has one degree: write it as one number",
            ),
            (
                c.epochs.all_epochs().iter().all(|e| (1..=1_000_000).contains(e)),
                &["corners", "epochs"],
                "use 1 to 1000000 epochs",
            ),
            (
                Patch::from_corner_count(c.len()).is_some(),
                &["corners", "epochs"],
                "list two, three or four checkpoints, or give one number",
            ),
            (
                different(&c.seeds),
                &["corners", "seeds"],
                "give different seeds: two corners at one place span no surface",
            ),
            (different(c.epochs.all_epochs()), &["corners", "epochs"], "list different checkpoints"),
            (
                !c.epochs.is_single_training() || c.seeds.len() <= 1,
                &["corners", "seeds"],
                "checkpoints of one training have one seed",
            ),
            (
                milestones(&c.milestones) && milestones(&f.milestones),
                if milestones(&c.milestones) { &["fit", "milestones"] } else { &["corners", "milestones"] },
                "use rising fractions of the training, between 0 and 1",
            ),
            (c.gamma > 0.0 && c.gamma <= 1.0, &["corners", "gamma"], "use a factor above 0, at most 1"),
            (f.gamma > 0.0 && f.gamma <= 1.0, &["fit", "gamma"], "use a factor above 0, at most 1"),
            (c.batch >= 2, &["corners", "batch"], "use at least 2 images"),
            (
                c.learning_rate > 0.0 && c.learning_rate <= f64::from(f32::MAX),
                &["corners", "learning_rate"],
                "use a rate above 0",
            ),
            (fraction(c.momentum), &["corners", "momentum"], "use 0 up to, not including, 1"),
            (c.weight_decay >= 0.0 && c.weight_decay.is_finite(), &["corners", "weight_decay"], "use 0 or more"),
            (fraction(c.warmup), &["corners", "warmup"], "use a fraction from 0 up to 1"),
            (fraction(c.label_smoothing), &["corners", "label_smoothing"], "use a fraction from 0 up to 1"),
            ((0.0..=1.0).contains(&c.erase), &["corners", "erase"], "use a probability from 0 to 1"),
            ((0.0..=1.0).contains(&f.erase), &["fit", "erase"], "use a probability from 0 to 1"),
            (c.shift <= 16, &["corners", "shift"], "use 0 to 16 pixels"),
            (self.align.images >= 2, &["align", "images"], "use at least 2 images"),
            ((0.0..=1e6).contains(&f.edge_epochs), &["fit", "edge_epochs"], "use 0 to 1000000 epochs"),
            ((0.0..=1e6).contains(&f.epochs), &["fit", "epochs"], "use 0 to 1000000 epochs"),
            (f.draws >= 1, &["fit", "draws"], "use at least 1 draw"),
            (f.batch >= 2 * f.draws, &["fit", "draws"], "use at most half as many draws as images in a batch"),
            ((0.0..=4.0).contains(&f.focus), &["fit", "focus"], "use 0 (uniform) to 4"),
            (
                f.learning_rate > 0.0 && f.learning_rate <= f64::from(f32::MAX),
                &["fit", "learning_rate"],
                "use a rate above 0",
            ),
            (fraction(f.momentum), &["fit", "momentum"], "use 0 up to, not including, 1"),
            (f.weight_decay >= 0.0 && f.weight_decay.is_finite(), &["fit", "weight_decay"], "use 0 or more"),
            (fraction(f.warmup), &["fit", "warmup"], "use a fraction from 0 up to 1"),
            (fraction(f.label_smoothing), &["fit", "label_smoothing"], "use a fraction from 0 up to 1"),
            (f.shift <= 16, &["fit", "shift"], "use 0 to 16 pixels"),
            (
                (2..=crate::heatmap::Heatmap::MAX_GRID).contains(&h.grid),
                &["heatmap", "grid"],
                "use 2 to 101 points an axis",
            ),
            ((0.0..=0.9).contains(&h.budget), &["heatmap", "budget"], "use a share from 0 to 0.9"),
            (
                self.checkpoint.every_seconds > 0.0 && self.checkpoint.every_seconds.is_finite(),
                &["checkpoint", "every_seconds"],
                "use a time above 0",
            ),
            (h.live_images >= 1, &["heatmap", "live_images"], "use at least 1 image"),
        ];
        let broken = rules.iter().find(|r| !r.0).map(|(_, path, remedy)| (*path, remedy.to_string()));
        let count = || Some((["corners", "count"].as_slice(), self.check_corner_count()?));
        broken.or_else(count)
    }
}
