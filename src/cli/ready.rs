//! Whether a configuration can be run, as far as that can be known without an engine.

use super::fault::Fault;
use surfit_core::config::Config;
use surfit_weights::names::{ExpectedNetwork, Renames};
use surfit_weights::{MatchedFile, WeightFile};

/// Refuses what an engine would refuse once the run is made: files that are not there, networks that the images do not
/// suit, batches that the training images cannot fill. `origin` is the configuration's file, for the sentence.
pub fn ready(config: &Config, origin: &str) -> Result<(), Fault> {
    fault(config).map_or(Ok(()), |what| {
        Err(Fault::Usage(format!("{origin}: {what}")))
    })
}

/// Opens all files that corners are given in, by their lists of tensors alone, and gives what there is to be known of them.
/// What `surfit run` refuses of them is refused here in the same words.
pub fn check_corners(config: &Config) -> Result<Vec<String>, String> {
    let corners = &config.corners;
    let renames = Renames::new(&corners.rename).map_err(|e| e.to_string())?;
    let expected = match known_images(config) {
        Some((shape, classes)) if !corners.from.is_empty() => {
            let network = ExpectedNetwork::new(&config.network, shape, classes);
            Some(network.map_err(|e| e.to_string())?)
        }
        _ => None,
    };
    let mut notices = Vec::new();
    for path in &corners.from {
        let told = match &expected {
            Some(network) => {
                let file = MatchedFile::open(path, corners.weights, network, &renames);
                file.map_err(|e| e.to_string())?.notices()
            }
            None => {
                let file = WeightFile::open(path, corners.weights);
                file.map_err(|e| e.to_string())?.notes().to_vec()
            }
        };
        let told = told.into_iter();
        notices.extend(told.map(|notice| format!("{}: {notice}", path.display())));
    }
    Ok(notices)
}

/// `[C, H, W]` of the images that networks see, and the number of classes, where that is known before images are read.
fn known_images(config: &Config) -> Option<([usize; 3], usize)> {
    let set = surfit_data::describe_set(&config.data).ok()?;
    Some((set.input_shape, set.classes.len()))
}

fn fault(config: &Config) -> Option<String> {
    let set = match surfit_data::describe_set(&config.data) {
        Ok(set) => set,
        Err(error) => return Some(error.to_string()),
    };
    let channels = set.input_shape[0];
    // Of the set's own there are always as many as channels.
    let own = (vec![0.0; channels], vec![1.0; channels]);
    if let Err(error) = surfit_data::normalization(&config.data, channels, &own) {
        return Some(error.to_string());
    }
    if let Some(why) = config.network.refuse_images(set.input_shape) {
        return Some(why);
    }
    if let Err(why) = check_corners(config) {
        return Some(why);
    }
    config.refuse_batches(set.train_images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::{apply_set, parse};

    fn told(sets: &[&str]) -> Option<String> {
        let first = parse("", "x").unwrap();
        let config = sets
            .iter()
            .fold(first, |c, set| apply_set(&c, set).unwrap());
        fault(&config)
    }

    #[test]
    fn what_an_engine_would_refuse_is_known_before() {
        assert_eq!(told(&[]), None);
        for (sets, part) in [
            (
                &["corners.from=['/no/a.pt', '/no/b.pt']"][..],
                "/no/a.pt: the file is not there",
            ),
            (&["data.set=mnist", "data.dir=/no/mnist"], "/no/mnist"),
            (&["data.set=folder"], "needs data.dir"),
            (&["network.name=vgg16"], "use vgg16-cifar"),
            (
                &["network.name=vit-tiny", "network.patch=5"],
                "divisor of both",
            ),
            (
                &["network.widths=[2,2,2,2,2,2]"],
                "leaves nothing after 5 widths",
            ),
            (
                &["data.mean=imagenet"],
                "data.mean = \"imagenet\": \"imagenet\" is 3 constants for images of one channel",
            ),
            (
                &["data.std=[0.5, 0.5]"],
                "data.std = [0.5, 0.5]: there are 2 constants",
            ),
            (
                &["data.train_images=100"],
                "larger than the 100 training images",
            ),
        ] {
            let why = told(sets).unwrap_or_default();
            assert!(why.contains(part), "{sets:?}: {why}");
        }
    }
}
