//! Checks whether a configuration can run, as far as that is possible without an engine.

use super::error::CliError;
use surfit_core::config::{BrokenRule, Config};
use surfit_data::DataError;
use surfit_weights::names::ExpectedNetwork;
use surfit_weights::{NetworkError, check_corner_files};

/// Refuses what an engine would refuse after the run was created: missing files, networks that do not suit the images, too
/// large batches. `origin` is the file of the configuration, for the error. Returns notices about data set and given corners.
pub fn check_runnable(config: &Config, origin: &str) -> Result<Vec<String>, CliError> {
    check_config(config).map_err(|fault| CliError::Usage(format!("{origin}: {fault}")))
}

#[derive(Debug, thiserror::Error)]
enum ConfigFault {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A batch does not suit the number of images.
    #[error(transparent)]
    Batch(#[from] BrokenRule),
}

fn check_config(config: &Config) -> Result<Vec<String>, ConfigFault> {
    let set = surfit_data::describe_set(&config.data)?;
    let channels = set.input_shape[0];
    // The set's own constants always match its channels.
    let own = (vec![0.0; channels], vec![1.0; channels]);
    surfit_data::normalization(&config.data, channels, &own)?;
    let network = ExpectedNetwork::new(&config.network, set.input_shape, set.classes.len())?;
    let mut notices = set.notices;
    notices.extend(check_corner_files(&config.corners.checkpoints, &config.corners, &network)?);
    config.check_batch_size(set.train_images)?;
    Ok(notices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::{apply_set, parse};

    fn refusal_of(sets: &[&str]) -> Option<String> {
        let first = parse("", "x").unwrap();
        let config = sets.iter().fold(first, |c, set| apply_set(&c, set).unwrap());
        check_config(&config).err().map(|fault| fault.to_string())
    }

    #[test]
    fn what_an_engine_would_refuse_is_known_before() {
        assert_eq!(refusal_of(&[]), None);
        for (sets, part) in [
            (&["corners.checkpoints=['/no/a.pt', '/no/b.pt']"][..], "/no/a.pt: no such file"),
            (&["data.name=mnist", "data.root=/no/mnist"], "/no/mnist"),
            (&["data.name=folder"], "needs data.root"),
            (&["network.name=vgg16"], "use vgg16-cifar"),
            (&["network.name=vit-tiny", "network.patch=5"], "divisor of both"),
            (&["network.widths=[2,2,2,2,2,2]"], "leaves nothing after 5 widths"),
            (
                &["data.mean=imagenet"],
                "data.mean = \"imagenet\": \"imagenet\" is 3 constants for images of one channel",
            ),
            (&["data.std=[0.5, 0.5]"], "data.std = [0.5, 0.5]: there are 2 constants"),
            (&["data.train_images=100"], "larger than the 100 training images"),
        ] {
            let why = refusal_of(sets).unwrap_or_default();
            assert!(why.contains(part), "{sets:?}: {why}");
        }
    }
}
