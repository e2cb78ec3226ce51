//! Whether a configuration can be run, as far as that can be known without an engine.

use super::fault::Fault;
use surfit_core::config::Config;
use surfit_data::{catalogue::Family, find};
use surfit_weights::{WeightFile, WeightFileError};

/// Refuses what an engine would refuse once the run is made: files that are not there, networks that the images do not
/// suit, batches that the training images cannot fill. `origin` is the configuration's file, for the sentence.
pub fn ready(config: &Config, origin: &str) -> Result<(), Fault> {
    fault(config).map_or(Ok(()), |what| {
        Err(Fault::Usage(format!("{origin}: {what}")))
    })
}

/// Opens all files that corners are given in, by their lists of tensors alone. What `surfit run` refuses of them is refused
/// here in the same words.
pub fn open_corners(config: &Config) -> Result<Vec<WeightFile>, WeightFileError> {
    let files = config.corners.from.iter();
    files
        .map(|path| {
            let file = WeightFile::open(path, config.corners.weights)?;
            file.require_floats()?;
            Ok(file)
        })
        .collect()
}

fn fault(config: &Config) -> Option<String> {
    if let Err(error) = open_corners(config) {
        return Some(error.to_string());
    }
    let data = &config.data;
    let entry = match surfit_data::entry(&data.set) {
        Ok(entry) => entry,
        Err(error) => return Some(error.to_string()),
    };
    if let Err(error) = find::find(entry, &data.dir) {
        return Some(error.to_string());
    }
    let sized =
        matches!(entry.family, Family::Folder | Family::TinyImageNet) && data.image_size > 0;
    let shape = if sized {
        Some([3, data.image_size, data.image_size])
    } else {
        entry.shape
    };
    if let Some(why) = shape.and_then(|s| config.network.refuse_images(s)) {
        return Some(why);
    }
    // Later than this only the images themselves can tell.
    let fewer = |batch: usize| data.train_images > 0 && batch > data.train_images;
    [("corners", config.corners.batch), ("fit", config.fit.batch)]
        .into_iter()
        .find(|(table, batch)| fewer(*batch) && (*table == "fit" || config.corners.from.is_empty()))
        .map(|(table, batch)| {
            format!(
                "`{table}.batch` = {batch} is larger than the {} training images; use a smaller batch",
                data.train_images
            )
        })
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
                &["data.train_images=100"],
                "larger than the 100 training images",
            ),
        ] {
            let why = told(sets).unwrap_or_default();
            assert!(why.contains(part), "{sets:?}: {why}");
        }
    }
}
