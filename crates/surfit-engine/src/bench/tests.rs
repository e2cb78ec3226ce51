use super::*;

#[test]
fn every_kind_of_row_is_measured_and_positive() {
    let _no_grad = tch::no_grad_guard();
    let mut subject = BenchSubject::new("cnn", &[4, 8], ComputePrecision::Bf16).expect("a network");
    subject.data.validation = subject.data.validation.truncated(100);
    subject.calibration_images = 100;
    let steps = steps::step_rows(&subject, 1).expect("steps");
    assert_eq!(steps.len(), 9);
    let types = steps::precision_row(&subject, &subject, 1);
    let cell = heatmap_cell::heatmap_cell_row(&subject, 1).expect("a cell");
    for row in steps.iter().chain([&types, &cell]) {
        assert!(row.ratio > 0.0 && row.value > 0.0 && row.baseline > 0.0, "{row:?}");
        assert_eq!(row.compute, "bf16");
    }
    assert_eq!(cell.target, Some(1.10));
}

#[test]
fn a_fit_holds_no_hidden_copies_of_its_matrix() {
    let _no_grad = tch::no_grad_guard();
    let subject = BenchSubject::new("mlp", &[2048, 2048], ComputePrecision::F32).expect("a network");
    for row in fit_memory::memory_rows(&subject).expect("memory") {
        println!("{:.0} of {:.0} MB, {} draws", row.value / 1e6, row.baseline / 1e6, row.draws);
        assert_eq!(row.met, Some(true), "{row:?}");
    }
}

#[test]
fn images_are_framed_to_the_shape_of_colour_images() {
    let subject = BenchSubject::new("resnet18-cifar", &[], ComputePrecision::F32).expect("a network");
    let (x, labels) = subject.batch(3);
    assert_eq!(x.size(), [128, 3, 32, 32]);
    assert_eq!(labels.size(), [128]);
    let middle = x.narrow(2, 2, 28).narrow(3, 2, 28);
    assert_eq!(middle.select(1, 0), middle.select(1, 2));
    assert!(f64::try_from(middle.std(true)).expect("a number") > 0.1);
}

#[test]
fn an_unknown_network_gets_a_sentence() {
    let sentence = run_benchmarks(&["resnet".into()], true).expect_err("no such network").to_string();
    assert!(sentence.contains("resnet18"), "{sentence}");
}
