use super::idx::Source;
use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use tch::{Kind, Tensor};

const CPU: Device = Device::Cpu;

fn config(set: &str) -> DataConfig {
    DataConfig {
        set: set.into(),
        ..DataConfig::default()
    }
}

/// Images of each class.
fn counts(split: &Split) -> Vec<i64> {
    Vec::try_from(split.labels().bincount(None::<Tensor>, 10)).unwrap()
}

/// Every image as bytes.
fn pictures(split: &Split) -> Vec<Vec<u32>> {
    let (x, _) = split.range(0, split.len());
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
    assert_eq!(
        [&set.train, &set.validation, &set.test].map(Split::len),
        [12000, 2000, 2000]
    );
    assert_eq!(counts(&set.train), [1200; 10]);
    assert_eq!(counts(&set.validation), [200; 10]);
    assert_eq!(counts(&set.test), [200; 10]);
    let (x, y) = set.train.range(0, 12000);
    assert_eq!(
        (x.kind(), x.size(), y.kind()),
        (Kind::Float, vec![12000, 1, 28, 28], Kind::Int64)
    );
    let close = |value: Tensor, to: f64| (value.double_value(&[]) - to).abs() < 0.03;
    assert!(close(x.mean(None), 0.0) && close(x.std(true), 1.0));
    // Fashion-MNIST has a few images twice, so that splits are nearly, not wholly, without common images.
    let train: HashSet<_> = pictures(&set.train).into_iter().collect();
    let common = pictures(&set.validation)
        .into_iter()
        .filter(|p| train.contains(p))
        .count();
    assert!(
        train.len() > 11_900 && common < 10,
        "{} {common}",
        train.len()
    );
}

#[test]
fn batches_are_what_their_indices_say() {
    let set = load(&config("fashion-mnist-16k"), 1, CPU).unwrap();
    let split = &set.validation;
    let (all, labels) = split.range(0, split.len());
    let indices = Tensor::from_slice(&[5i64, 0, 1999, 5]);
    let (x, y) = split.batch(&indices);
    assert_eq!(x, all.index_select(0, &indices));
    assert_eq!(y, labels.index_select(0, &indices));
    let part = split.take(&[7, 3]);
    assert_eq!(part.len(), 2);
    assert_eq!(part.range(1, 1).0, all.narrow(0, 3, 1));
    assert_eq!(split.truncated(9).range(0, 100).0, all.narrow(0, 0, 9));
    assert_eq!(split.truncated(1 << 40).len(), split.len());
    assert_eq!(split.range(1990, 100).0.size()[0], 10);
    assert_eq!(split.range(5000, 100).0.size()[0], 0);
    assert!(split.truncated(0).is_empty());
}

#[test]
fn limits_are_balanced_functions_of_the_seed() {
    let limited = DataConfig {
        train_images: 105,
        validation_images: 20,
        ..config("fashion-mnist-16k")
    };
    let [a, b, c] = [1, 1, 2].map(|seed| load(&limited, seed, CPU).unwrap());
    assert_eq!(
        [&a.train, &a.validation, &a.test].map(Split::len),
        [105, 20, 2000]
    );
    assert!(counts(&a.train).iter().all(|n| (10..=11).contains(n)));
    assert_eq!(counts(&a.validation), [2; 10]);
    assert_eq!(pictures(&a.train), pictures(&b.train));
    assert_ne!(pictures(&a.train), pictures(&c.train));
    let all = DataConfig {
        train_images: 999_999,
        ..config("fashion-mnist-16k")
    };
    assert_eq!(load(&all, 1, CPU).unwrap().train.len(), 12000);

    for few in [
        DataConfig {
            train_images: 19,
            ..config("fashion-mnist-16k")
        },
        DataConfig {
            validation_images: 1,
            ..config("fashion-mnist-16k")
        },
    ] {
        let error = load(&few, 1, CPU).unwrap_err().to_string();
        assert!(
            error.contains("_images") && error.contains("at least 20"),
            "{error}"
        );
    }
    let error = load(&config("fashion-mnits"), 1, CPU)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("data.set") && error.contains("did you mean `fashion-mnist`?"),
        "{error}"
    );
}

#[test]
fn a_choice_takes_from_every_class_alike() {
    // Class 0 is scarce: the others give what it lacks.
    let labels: Vec<u8> = (0..100)
        .map(|i| if i < 4 { 0 } else { 1 + (i % 3) as u8 })
        .collect();
    let (chosen, others) = balance::choose(&labels, 40, 3, 0);
    let of = |class: u8| chosen.iter().filter(|&&i| labels[i] == class).count();
    assert_eq!((0..4).map(of).collect::<Vec<_>>(), [4, 12, 12, 12]);
    let mut all = [chosen.clone(), others].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert_ne!(chosen, balance::choose(&labels, 40, 3, 1).0);
}

/// IDX bytes of `n` images of `size`×`size` pixels, image `i` all of value `i`.
fn images(n: u32, size: u32) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    [n, size, size]
        .iter()
        .for_each(|x| bytes.extend(x.to_be_bytes()));
    (0..n).for_each(|i| bytes.extend(vec![i as u8; (size * size) as usize]));
    bytes
}

fn labels(values: &[u8]) -> Vec<u8> {
    [
        &[0, 0, 8, 1],
        (values.len() as u32).to_be_bytes().as_slice(),
        values,
    ]
    .concat()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// A small set in Fashion-MNIST's files.
fn small_files(dir: &Path) {
    let values: Vec<u8> = (0..200).map(|i| i % 10).collect();
    std::fs::write(
        dir.join("train-images-idx3-ubyte.gz"),
        gzipped(&images(200, 28)),
    )
    .unwrap();
    std::fs::write(dir.join("train-labels-idx1-ubyte"), labels(&values)).unwrap();
    std::fs::write(dir.join("t10k-images-idx3-ubyte"), images(20, 28)).unwrap();
    std::fs::write(
        dir.join("t10k-labels-idx1-ubyte.gz"),
        gzipped(&labels(&values[..20])),
    )
    .unwrap();
}

#[test]
fn the_full_set_is_read_plain_or_gzipped_and_divided_by_the_seed() {
    let dir = tempfile::tempdir().unwrap();
    small_files(dir.path());
    let here = DataConfig {
        dir: dir.path().into(),
        validation_images: 50,
        ..config("fashion-mnist")
    };
    let [a, b, c] = [1, 1, 2].map(|seed| load(&here, seed, CPU).unwrap());
    assert_eq!(a.name, "fashion-mnist");
    assert!(a.description.contains(dir.path().to_str().unwrap()));
    assert_eq!(
        [&a.train, &a.validation, &a.test].map(Split::len),
        [150, 50, 20]
    );
    assert_eq!(counts(&a.validation), [5; 10]);
    assert_eq!(pictures(&a.validation), pictures(&b.validation));
    assert_ne!(pictures(&a.validation), pictures(&c.validation));
    let both: HashSet<_> = pictures(&a.train)
        .into_iter()
        .chain(pictures(&a.validation))
        .collect();
    assert_eq!(both.len(), 200);

    // 5,000, the default, is more than there are.
    let error = load(
        &DataConfig {
            validation_images: 0,
            ..here
        },
        1,
        CPU,
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("data.validation_images") && error.contains("200"),
        "{error}"
    );
}

#[test]
fn without_the_full_set_the_embedded_one_is_used_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let places = [dir.path().join("nothing"), dir.path().into()];
    let set = fashion_mnist::full_from(Path::new(""), &places).unwrap();
    assert_eq!(
        (set.name, set.train.labels.len()),
        ("fashion-mnist-16k", 12000)
    );
    assert!(
        set.description.contains("embedded; no full set in"),
        "{}",
        set.description
    );
    small_files(dir.path());
    let set = fashion_mnist::full_from(Path::new(""), &places).unwrap();
    assert_eq!((set.name, set.train.labels.len()), ("fashion-mnist", 200));
    // Half a set is a mistake that nobody should have to guess at.
    std::fs::remove_file(dir.path().join("t10k-images-idx3-ubyte")).unwrap();
    let error = fashion_mnist::full_from(Path::new(""), &places)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("t10k-images-idx3-ubyte: no such file"),
        "{error}"
    );
}

#[test]
fn damaged_files_get_a_sentence_with_their_name() {
    let good = images(30, 28);
    let good_labels = labels(&[1; 30]);
    let mut flipped = gzipped(&good);
    let middle = flipped.len() - 6; // in the checksum
    flipped[middle] ^= 1;
    let mut magic = good.clone();
    magic[3] = 1;
    let mut counted = good.clone();
    counted[4..8].fill(0xff);
    let bad_images: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "cut",
            good[..good.len() - 5].to_vec(),
            "promises 23520 bytes, 23515 are there",
        ),
        ("cut gzip", gzipped(&good)[..60].to_vec(), "cut short"),
        ("cut in the header", good[..7].to_vec(), "cut short"),
        ("empty", Vec::new(), "cut short"),
        (
            "long",
            [good.clone(), vec![0]].concat(),
            "more bytes follow the 23520",
        ),
        ("checksum", flipped, "gzip data are damaged"),
        ("magic", magic, "begins with 00000801, expected 00000803"),
        (
            "a page of text",
            b"<html>not found</html>".to_vec(),
            "not an IDX file",
        ),
        ("too many", counted, "4294967295 images"),
        ("none", images(0, 28), "0 images"),
        ("size", images(30, 32), "32×32, expected 28×28"),
        (
            "bomb",
            gzipped(&[images(3, 28), vec![0; 10_000_000]].concat()),
            "more bytes follow the 2352",
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = (dir.path().join("x"), dir.path().join("y"));
    let read = || idx::read(&Source::File(&x), &Source::File(&y), [28, 28], 10);
    std::fs::write(&y, &good_labels).unwrap();
    for (case, bytes, expected) in bad_images {
        std::fs::write(&x, bytes).unwrap();
        let error = read().unwrap_err().to_string();
        assert!(
            error.starts_with(x.to_str().unwrap()) && error.contains(expected),
            "{case}: {error}"
        );
    }
    std::fs::write(&x, &good).unwrap();
    read().unwrap();
    for (case, bytes, expected) in [
        ("count", labels(&[1; 29]), "29 labels, expected 30"),
        (
            "class",
            labels(&[10; 30]),
            "label 10 of image 0 is no class: expected 0 to 9",
        ),
        ("images", good, "expected 00000801"),
    ] {
        std::fs::write(&y, bytes).unwrap();
        let error = read().unwrap_err().to_string();
        assert!(
            error.starts_with(y.to_str().unwrap()) && error.contains(expected),
            "{case}: {error}"
        );
    }
    let gone = dir.path().join("gone");
    let missing = DataConfig {
        dir: gone.clone(),
        ..config("fashion-mnist")
    };
    let error = load(&missing, 1, CPU).unwrap_err().to_string();
    assert!(
        error.contains(gone.to_str().unwrap()) && error.contains("no such file"),
        "{error}"
    );
}

#[test]
fn augmentation_shifts_and_mirrors_and_repeats_itself() {
    tch::manual_seed(1);
    let x = Tensor::rand([40, 2, 6, 5], (Kind::Float, CPU)) + 1.0;
    assert_eq!(augment(&x, 0, false, 1, 1), x);
    let y = augment(&x, 2, true, 1, 9);
    assert_eq!(y, augment(&x, 2, true, 1, 9));
    assert_ne!(y, augment(&x, 2, true, 1, 10));
    assert_ne!(y, augment(&x, 2, true, 2, 9));

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
    let flipped = augment(&x, 0, true, 1, 9);
    let same = (0..40).filter(|&i| flipped.get(i) == x.get(i)).count();
    let mirrored = (0..40)
        .filter(|&i| flipped.get(i) == x.get(i).flip([2]))
        .count();
    assert!(same > 5 && mirrored > 5 && same + mirrored == 40);
}
