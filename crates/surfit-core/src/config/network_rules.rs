//! Which widths a network can have, as far as its name and the images' size determine them.

use super::{Config, CornersConfig, NetworkConfig};

/// Most hidden layers of a classifier.
const MAX_HIDDEN_LAYERS: usize = 16;

/// Number of widths that a network takes, and what they are; `None` where any number will do.
fn expected_widths(name: &str) -> Option<(usize, &'static str)> {
    match name {
        "resnet18" | "resnet18-cifar" => Some((4, "the channels of each stage")),
        _ if name.starts_with("vgg16") => Some((5, "the channels of each stage")),
        _ if name.starts_with("vit-") => Some((3, "features, blocks and heads")),
        _ => None,
    }
}

impl NetworkConfig {
    /// Why the network cannot have its widths; `None` when it can, or when there is no such network.
    pub(super) fn check_widths(&self) -> Option<String> {
        let given = &self.widths;
        if given.is_empty() {
            return None;
        }
        if !given.iter().all(|width| (1..=65536).contains(width)) {
            return Some("use widths of 1 to 65536".into());
        }
        if given.len() > 64 {
            return Some("use at most 64 layers".into());
        }
        if let Some((count, what)) = expected_widths(&self.name)
            && count != given.len()
        {
            let (name, given) = (&self.name, given.len());
            return Some(format!("{name} takes {count} widths ({what}), not {given}; leave them out for its own"));
        }
        if self.name.starts_with("vit-") && !given[0].is_multiple_of(given[2]) {
            return Some(format!("{} features do not divide into {} heads; use a multiple", given[0], given[2]));
        }
        None
    }

    /// Why the network cannot have hidden layers of its classifier; `None` when it can, or when none are given.
    pub fn check_hidden(&self) -> Option<String> {
        if self.hidden.is_empty() {
            return None;
        }
        if !self.name.starts_with("vgg16") {
            let name = &self.name;
            return Some(format!("only a vgg16 has a classifier with hidden layers, {name} has none; leave it empty"));
        }
        let sizes_ok = self.hidden.iter().all(|units| (1..=65536).contains(units));
        (!sizes_ok || self.hidden.len() > MAX_HIDDEN_LAYERS)
            .then(|| format!("use at most {MAX_HIDDEN_LAYERS} layers of 1 to 65536 units, such as [512, 512]"))
    }

    /// Why the network cannot be built for images of `[channels, height, width]`; `None` when it can.
    pub fn check_image_size(&self, [_, height, width]: [usize; 3]) -> Option<String> {
        let name = self.name.as_str();
        if name == "cnn" {
            // Its own widths are three.
            let widths = match self.widths.len() {
                0 => 3,
                given => given,
            };
            let halvings = height.min(width).max(1).ilog2() as usize;
            return (widths > halvings + 1).then(|| {
                format!(
                    "network.widths: a cnn halves its {height}×{width} images once per width but the last, which \
                     leaves nothing after {} widths; it was given {widths}",
                    halvings + 1
                )
            });
        }
        if ["vgg16", "vgg16-bn"].contains(&name) && height.min(width) < 32 {
            return Some(format!(
                "network.name: {name} halves its images five times, which leaves nothing of {height}×{width} pixels; \
                 use {name}-cifar, which rounds up"
            ));
        }
        if name.starts_with("vit-") {
            let patch = self.patch_size(height);
            return (patch == 0 || height % patch > 0 || width % patch > 0).then(|| {
                format!(
                    "network.patch: images of {height}×{width} pixels do not divide into patches of {patch}×{patch}; \
                     use a divisor of both"
                )
            });
        }
        None
    }

    /// Pixels along a side of a ViT's patches for images of this height.
    pub fn patch_size(&self, height: usize) -> usize {
        match self.patch {
            0 => height.div_ceil(8),
            patch => patch,
        }
    }
}

impl CornersConfig {
    /// Why the names of tensors cannot be replaced so; `None` when they can.
    pub(super) fn check_rename(&self) -> Option<String> {
        self.rename.iter().find_map(|(pattern, _)| {
            let error = regex::Regex::new(pattern).err()?.to_string();
            // The lines before point at the place with a caret.
            let why = error.lines().last().unwrap_or_default();
            let why = why.strip_prefix("error: ").unwrap_or(why);
            Some(format!("{pattern:?} is no regular expression ({why}); mend it, or escape its special characters"))
        })
    }
}

impl Config {
    /// Why so many training images cannot fill a batch; `None` when they can. Corners that are given are not trained.
    pub fn check_batch_size(&self, train_images: usize) -> Option<String> {
        let trained = self.corners.checkpoints.is_empty();
        [
            ("corners.batch_size", self.corners.training.batch_size, trained),
            ("fit.batch_size", self.fit.training.batch_size, true),
        ]
        .into_iter()
        .find(|(_, batch, is_used)| *is_used && *batch > train_images)
        .map(|(key, batch, _)| {
            format!("{key} = {batch} is larger than the {train_images} training images; use a smaller batch")
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    fn error(text: &str) -> String {
        parse(text, "x.toml").unwrap_err().to_string()
    }

    #[test]
    fn widths_suit_the_network() {
        assert_eq!(
            error("[network]\nname = 'resnet18'\nwidths = [8, 16]\n"),
            "x.toml:3: `network.widths = [8, 16]` cannot be used; resnet18 takes 4 widths (the channels of each stage), \
             not 2; leave them out for its own"
        );
        assert!(error("[network]\nname = 'vgg16-cifar'\nwidths = [8]\n").contains("takes 5 widths"));
        assert!(error("[network]\nname = 'vit-tiny'\nwidths = [9, 1, 2]\n").contains("9 features"));
        assert!(error("[network]\nname = 'mlp'\npatch = 4\n").contains("network.patch"));
        assert!(parse("[network]\nname = 'vit-tiny'\nwidths = [8, 1, 2]\npatch = 4\n", "x").is_ok());
        assert!(parse("[network]\nname = 'cnn'\nwidths = [1, 2, 3, 4]\n", "x").is_ok());
    }

    #[test]
    fn only_a_vgg_has_a_classifier_with_hidden_layers() {
        let vgg = "[network]\nname = 'vgg16-bn-cifar'\nhidden = ";
        assert!(parse(&format!("{vgg}[512, 512]\n"), "x").is_ok());
        assert!(parse(&format!("{vgg}[4096]\n"), "x").is_ok());
        assert_eq!(
            error(&format!("{vgg}[512, 0]\n")),
            "x.toml:3: `network.hidden = [512, 0]` cannot be used; use at most 16 layers of 1 to 65536 units, such as \
             [512, 512]"
        );
        assert!(error(&format!("{vgg}{:?}\n", [8; 17])).contains("at most 16 layers"));
        assert!(
            error("[network]\nname = 'resnet18'\nhidden = [512]\n")
                .contains("only a vgg16 has a classifier with hidden layers, resnet18 has none")
        );
    }

    #[test]
    fn names_are_replaced_by_regular_expressions() {
        assert!(parse("[corners]\nrename = [['^body\\.', ''], ['a', '$0b']]\n", "x").is_ok());
        assert_eq!(
            error("[corners]\nrename = [[\"^(body\", \"\"]]\n"),
            "x.toml:2: `corners.rename = [[\"^(body\", \"\"]]` cannot be used; \"^(body\" is no regular expression (unclosed \
             group); mend it, or escape its special characters"
        );
        assert!(error("[corners]\nrename = ['a']\n").contains("x.toml:2"));
    }

    #[test]
    fn images_suit_the_network() {
        let refuse = |text: &str, side| {
            let network = parse(&format!("[network]\n{text}\n"), "x").unwrap().network;
            network.check_image_size([1, side, side])
        };
        assert!(refuse("widths = [1, 2, 3, 4, 5, 6]", 28).unwrap().contains("after 5 widths"));
        assert_eq!(refuse("widths = [1, 2, 3, 4, 5]", 28), None);
        assert!(refuse("name = 'vgg16'", 28).unwrap().contains("use vgg16-cifar"));
        assert_eq!(refuse("name = 'vgg16-cifar'", 28), None);
        assert!(refuse("name = 'vit-tiny'\npatch = 5", 28).unwrap().contains("divisor of both"));
        assert_eq!(refuse("name = 'vit-tiny'", 28), None);
    }

    #[test]
    fn the_number_of_corners_is_said_once_or_twice_the_same() {
        let from = "checkpoints = ['a.pt', 'b.pt']\n";
        assert_eq!(parse(&format!("[corners]\n{from}"), "x").unwrap().corners.count, 2);
        assert!(parse(&format!("[corners]\ncount = 2\n{from}"), "x").is_ok());
        assert_eq!(
            error(&format!("[corners]\ncount = 4\n{from}")),
            "x.toml:2: `corners.count = 4` cannot be used; `corners.checkpoints` names 2 files; leave the number out"
        );
        assert!(error("[corners]\ncount = 3\nepochs = [4, 5]\n").contains("`corners.epochs` lists 2 checkpoints"));
        assert!(error(&format!("[corners]\nepochs = [4, 5]\n{from}")).contains("leave one of the two out"));
    }
}
