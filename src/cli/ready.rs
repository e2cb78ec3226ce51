//! Whether a configuration can be run, as far as that can be known without an engine.

use super::fault::Fault;
use surfit_core::config::Config;

/// Refuses what an engine would refuse once the run is made: files that are not there, networks that the images do not
/// suit, batches that the training images cannot fill. `origin` is the configuration's file, for the sentence.
pub fn ready(config: &Config, origin: &str) -> Result<(), Fault> {
    fault(config).map_or(Ok(()), |what| {
        Err(Fault::Usage(format!("{origin}: {what}")))
    })
}

fn fault(config: &Config) -> Option<String> {
    if let Some(missing) = config.corners.from.iter().find(|p| !p.is_file()) {
        return Some(format!(
            "`corners.from` names {}, which is not there; name existing files",
            missing.display()
        ));
    }
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
    config
        .network
        .refuse_images(set.input_shape)
        .or_else(|| config.refuse_batches(set.train_images))
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
                "/no/a.pt, which is not there",
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
