use super::*;
use crate::random::derive_seed;

/// Logits of images of `classes` classes, some of them alike, and labels.
fn outputs(images: usize, classes: usize, seed: u64) -> (Vec<f32>, Vec<i64>) {
    let number = |n: usize| derive_seed(seed, n as u64);
    let logits = (0..images * classes).map(|n| (number(n) % 64) as f32 / 8.0 - 4.0).collect();
    let labels = (0..images).map(|n| (number(images * classes + n) % classes as u64) as i64).collect();
    (logits, labels)
}

#[test]
fn ids_are_distinct_words_and_every_metric_is_described() {
    for metric in Metric::all() {
        let spec = metric.spec();
        assert!(spec.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{}", spec.id);
        assert_eq!(spec.id.parse(), Ok(metric), "an id that is there twice");
        assert!(spec.description.starts_with(|c: char| c.is_ascii_uppercase()) && !spec.description.ends_with('.'));
        assert!(spec.bounds.0 < spec.bounds.1 && spec.sums > 0);
        let json = serde_json::to_string(&metric).unwrap();
        assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
    }
    assert_eq!(Metric::default(), Metric::ACCURACY);
    let error = "top-9".parse::<Metric>().unwrap_err().to_string();
    assert!(error.starts_with("there is no metric `top-9`; did you mean `top5`? Others: loss, "), "{error}");
}

#[test]
fn sums_over_batches_are_those_of_one_pass() {
    for (seed, classes) in [(1, 2), (2, 5), (3, 10), (4, 100)] {
        let images = 300;
        let (logits, labels) = outputs(images, classes, seed);
        let mut whole = MetricSums::default();
        whole.add_batch(&ClassifiedBatch::new(&logits, &labels, 300.0));
        let mut parts = [MetricSums::default(); 2];
        let mut from = 0;
        for (n, size) in [1, 99, 70, 130].into_iter().enumerate() {
            let rows = from * classes..(from + size) * classes;
            parts[n % 2].add_batch(&ClassifiedBatch::new(&logits[rows], &labels[from..from + size], size as f64));
            from += size;
        }
        let [mut merged, other] = parts;
        merged += other;
        for metric in Metric::all() {
            let values = [&whole, &merged].map(|sums| sums.estimate(metric, images as u32));
            match values {
                [Some(one), Some(two)] => assert!((one.value - two.value).abs() < 1e-12, "{metric}: {one:?} {two:?}"),
                [one, two] => assert_eq!(one, two, "{metric}"),
            }
        }
    }
}

#[test]
fn values_lie_in_their_bounds_and_in_their_interval() {
    for seed in 0..50 {
        let classes = 2 + seed as usize % 12;
        let (logits, labels) = outputs(40, classes, seed);
        let mut sums = MetricSums::default();
        sums.add_batch(&ClassifiedBatch::new(&logits, &labels, 40.0));
        for (metric, estimate) in sums.values(40).iter() {
            let spec = metric.spec();
            assert!((spec.bounds.0..=spec.bounds.1).contains(&estimate.value), "{metric}: {estimate:?}");
            assert_eq!(estimate.interval.is_some(), spec.interval.is_some(), "{metric}");
            if let Some((low, high)) = estimate.interval {
                assert!((low..=high).contains(&estimate.value) || (estimate.value - low).abs() < 1e-12, "{metric}");
            }
        }
    }
    assert!(MetricSums::default().values(0).is_empty());
}

#[test]
fn logits_that_are_not_finite_make_no_value_that_is_not() {
    let nan = [f32::NAN; 12];
    let infinite = [f32::INFINITY, 0.0, 0.0, 0.0, 0.0, f32::NEG_INFINITY];
    for (logits, labels) in [(&nan[..], &[0, 1][..]), (&infinite, &[5])] {
        let mut sums = MetricSums::default();
        sums.add_batch(&ClassifiedBatch::new(logits, labels, f64::NAN));
        for (metric, estimate) in sums.values(labels.len() as u32).iter() {
            assert!(estimate.value.is_finite(), "{metric}: {estimate:?}");
        }
    }
}

#[test]
fn values_are_stored_by_id_and_unknown_ones_are_passed_over() {
    let mut sums = MetricSums::default();
    let (logits, labels) = outputs(40, 10, 7);
    sums.add_batch(&ClassifiedBatch::new(&logits, &labels, 12.3));
    let values = sums.values(40);
    let json = serde_json::to_value(values).unwrap();
    assert_eq!(json["loss"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["accuracy"].as_array().map(Vec::len), Some(3));
    assert_eq!(serde_json::from_value::<MetricValues>(json).unwrap(), values);
    let newer = r#"{"of-tomorrow":{"x":1},"loss":[0.5],"accuracy":[null]}"#;
    let read: MetricValues = serde_json::from_str(newer).unwrap();
    assert_eq!(read.get(Metric::LOSS), Some(MetricEstimate { value: 0.5, interval: None }));
    assert_eq!(read.get(Metric::ACCURACY), None);
    for damaged in [r#"{"loss":0.5}"#, r#"{"loss":["0.5"]}"#, r#"{"accuracy":{"value":0.5}}"#] {
        assert!(serde_json::from_str::<MetricValues>(damaged).is_err(), "{damaged}");
    }
}

#[test]
fn the_best_corner_is_the_better_one_of_each_metric() {
    let corner = |accuracy, loss| CornerReady {
        index: 0,
        source: String::new(),
        accuracy,
        loss,
        seconds: 0.0,
        own_statistics: None,
        warnings: Vec::new(),
        metrics: MetricValues::default(),
    };
    let corners = [corner(0.8, 0.3), corner(0.9, f64::NAN), corner(0.7, 0.5)];
    assert_eq!(Metric::ACCURACY.best_corner_value(&corners), Some(0.9));
    assert_eq!(Metric::LOSS.best_corner_value(&corners), Some(0.3));
    assert_eq!(Metric::LOSS.best_corner_value(&corners[1..2]), None);
}

#[test]
fn the_page_of_metrics_has_a_row_for_each() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let wanted = Metric::all().map(|metric| {
        let (spec, unit) = (metric.spec(), metric.unit_name());
        let better = if spec.higher_is_better { "higher" } else { "lower" };
        let interval = spec.interval.unwrap_or("none");
        format!("| `{metric}` | {} | {} | {unit} | {better} | {interval} |", spec.name, spec.description)
    });
    assert_eq!(rows, wanted.collect::<Vec<_>>(), "docs/metrics.md");
}
