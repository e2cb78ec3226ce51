use super::*;
use std::collections::HashSet;
use tch::{Kind, Tensor};

const CPU: Device = Device::Cpu;

fn config(set: &str) -> DataConfig {
    DataConfig { name: set.into(), ..DataConfig::default() }
}

/// Images of each class.
fn counts(split: &DataSplit) -> Vec<i64> {
    Vec::try_from(split.labels().bincount(None::<Tensor>, 10)).unwrap()
}

fn image_bits(split: &DataSplit) -> Vec<Vec<u32>> {
    let (x, _) = split.batch_range(0, split.len());
    Vec::<f32>::try_from(x.flatten(0, -1))
        .unwrap()
        .chunks(784)
        .map(|image| image.iter().map(|p| p.to_bits()).collect())
        .collect()
}

#[test]
fn the_embedded_set_is_balanced_and_normalized() {
    let set = load(&config("fashion-mnist-16k"), 1, CPU).unwrap();
    assert_eq!(set.description, "fashion-mnist-16k (embedded)");
    assert_eq!((set.input_shape, set.classes.len()), ([1, 28, 28], 10));
    assert_eq!([&set.train, &set.validation, &set.test].map(DataSplit::len), [12000, 2000, 2000]);
    assert_eq!(counts(&set.train), [1200; 10]);
    assert_eq!(counts(&set.validation), [200; 10]);
    assert_eq!(counts(&set.test), [200; 10]);
    let (x, y) = set.train.batch_range(0, 12000);
    assert_eq!((x.kind(), x.size(), y.kind()), (Kind::Float, vec![12000, 1, 28, 28], Kind::Int64));
    let close = |value: Tensor, to: f64| (value.double_value(&[]) - to).abs() < 0.03;
    assert!(close(x.mean(None), 0.0) && close(x.std(true), 1.0));
    // Fashion-MNIST has a few images twice, so that splits are nearly, not wholly, without common images.
    let train: HashSet<_> = image_bits(&set.train).into_iter().collect();
    let common = image_bits(&set.validation).into_iter().filter(|p| train.contains(p)).count();
    assert!(train.len() > 11_900 && common < 10, "{} {common}", train.len());
}

#[test]
fn batches_are_what_their_indices_say() {
    let set = load(&config("fashion-mnist-16k"), 1, CPU).unwrap();
    let split = &set.validation;
    let (all, labels) = split.batch_range(0, split.len());
    let indices = Tensor::from_slice(&[5i64, 0, 1999, 5]);
    let (x, y) = split.batch(&indices);
    assert_eq!(x, all.index_select(0, &indices));
    assert_eq!(y, labels.index_select(0, &indices));
    let part = split.select(&[7, 3]);
    assert_eq!(part.len(), 2);
    assert_eq!(part.batch_range(1, 1).0, all.narrow(0, 3, 1));
    assert_eq!(split.truncated(9).batch_range(0, 100).0, all.narrow(0, 0, 9));
    assert_eq!(split.truncated(1 << 40).len(), split.len());
    assert_eq!(split.batch_range(1990, 100).0.size()[0], 10);
    assert_eq!(split.batch_range(5000, 100).0.size()[0], 0);
    assert!(split.truncated(0).len() == 0);
}

#[test]
fn limits_are_balanced_functions_of_the_seed() {
    let limited = DataConfig { train_images: 105, validation_images: 20, ..config("fashion-mnist-16k") };
    let [a, b, c] = [1, 1, 2].map(|seed| load(&limited, seed, CPU).unwrap());
    assert_eq!([&a.train, &a.validation, &a.test].map(DataSplit::len), [105, 20, 2000]);
    assert!(counts(&a.train).iter().all(|n| (10..=11).contains(n)));
    assert_eq!(counts(&a.validation), [2; 10]);
    assert_eq!(image_bits(&a.train), image_bits(&b.train));
    assert_ne!(image_bits(&a.train), image_bits(&c.train));
    let all = DataConfig { train_images: 999_999, ..config("fashion-mnist-16k") };
    assert_eq!(load(&all, 1, CPU).unwrap().train.len(), 12000);

    for few in [
        DataConfig { train_images: 19, ..config("fashion-mnist-16k") },
        DataConfig { validation_images: 1, ..config("fashion-mnist-16k") },
    ] {
        let error = load(&few, 1, CPU).unwrap_err().to_string();
        assert!(error.contains("_images") && error.contains("at least 20"), "{error}");
    }
    let error = load(&config("fashion-mnits"), 1, CPU).unwrap_err().to_string();
    assert!(error.contains("data.name") && error.contains("did you mean `fashion-mnist`?"), "{error}");
}

#[test]
fn augmentation_shifts_and_mirrors_and_repeats_itself() {
    tch::manual_seed(1);
    let x = Tensor::rand([40, 2, 6, 5], (Kind::Float, CPU)) + 1.0;
    assert_eq!(changes(0, false, 0.0).apply(&x, 1, 1), x);
    let y = changes(2, true, 0.0).apply(&x, 1, 9);
    assert_eq!(y, changes(2, true, 0.0).apply(&x, 1, 9));
    assert_ne!(y, changes(2, true, 0.0).apply(&x, 1, 10));
    assert_ne!(y, changes(2, true, 0.0).apply(&x, 2, 9));

    // Every result is one of the fifty possible ones, made another way.
    let padded = x.constant_pad_nd([2, 2, 2, 2]);
    let mut seen = HashSet::new();
    for i in 0..40 {
        let found = (0..50).find(|case| {
            let (top, left, mirror) = (case / 10, case / 2 % 5, case % 2 == 1);
            let cut = padded.get(i).narrow(1, top, 6).narrow(2, left, 5);
            y.get(i) == if mirror { cut.flip([2]) } else { cut }
        });
        seen.insert(found.expect("a shifted, perhaps mirrored image"));
    }
    assert!(seen.len() > 15, "{seen:?}");
    assert!(seen.iter().any(|case| case % 2 == 0) && seen.iter().any(|case| case % 2 == 1));
    // Flips alone move nothing else.
    let flipped = changes(0, true, 0.0).apply(&x, 1, 9);
    let same = (0..40).filter(|&i| flipped.get(i) == x.get(i)).count();
    let mirrored = (0..40).filter(|&i| flipped.get(i) == x.get(i).flip([2])).count();
    assert!(same > 5 && mirrored > 5 && same + mirrored == 40);
}

fn changes(shift: usize, flip: bool, erase: f64) -> Augmentation {
    Augmentation { random_crop_padding: shift, horizontal_flip: flip, random_erasing: erase }
}

#[test]
fn erased_rectangles_are_zero_as_large_as_they_should_be_and_the_rest_stays() {
    let x = Tensor::ones([400, 3, 32, 32], (tch::Kind::Float, CPU));
    let y = changes(0, false, 0.5).apply(&x, 1, 7);
    assert_eq!(y, changes(0, false, 0.5).apply(&x, 1, 7));
    assert_ne!(y, changes(0, false, 0.5).apply(&x, 1, 8));
    let (mut touched, mut areas) = (0, 0.0);
    for image in 0..400 {
        let planes = y.get(image);
        assert_eq!(planes.get(0), planes.get(2), "all channels alike");
        let plane = planes.get(0);
        let gone = 1024.0 - plane.sum(tch::Kind::Float).double_value(&[]);
        if gone > 0.0 {
            touched += 1;
            areas += gone / 1024.0;
            // A rectangle: as many zeros as rows and columns with one say.
            let zero = plane.eq(0.0);
            let along = |dim: i64| zero.any_dim(dim, false).sum(tch::Kind::Int64).double_value(&[]);
            assert_eq!(along(0) * along(1), gone);
        }
    }
    assert!((160..240).contains(&touched), "{touched} of 400");
    let mean = areas / f64::from(touched);
    assert!((0.12..0.23).contains(&mean), "mean area {mean}");
}

#[test]
fn batches_are_resized_as_torchvision_does_it() {
    // torchvision 0.29.2: Resize(3, antialias=True) of a 4×4 tensor.
    let expected = [25.2, 54.45, 34.21, 66.45, 50.25, 34.05, 58.21, 46.05, 33.89f32];
    let images = surfit_data::LabeledImages {
        shape: [1, 4, 4],
        pixels: (0..16u32).map(|i| (i * 37 % 101) as u8).collect(),
        labels: vec![0],
    };
    // Constants that leave the pixels' values as they are.
    let split = DataSplit::new(images, &[0.0], &[1.0 / 255.0], Device::Cpu).resized_to(Some(3));
    let (x, _) = split.batch_range(0, 1);
    assert_eq!(x.size(), [1, 1, 3, 3]);
    let values = Vec::<f32>::try_from(x.reshape([-1])).unwrap();
    for (got, want) in values.iter().zip(expected) {
        assert!((got - want).abs() < 0.02, "{values:?}");
    }
}
