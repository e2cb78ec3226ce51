//! The whole job without a terminal: `surfit run`, and everything one does with a finished run.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{SafetensorsFile, Sandbox, events};

/// The rows of a heatmap's csv: u, v, accuracy, loss, images.
#[track_caller]
fn rows(csv: &str) -> Vec<[f64; 5]> {
    let mut lines = csv.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("u,v,accuracy,loss,images,")), "{csv}");
    let row = |line: &str| {
        let cells = line.split(',').take(5).map(|c| c.parse().unwrap_or_else(|_| panic!("`{c}` in `{line}`")));
        <[f64; 5]>::try_from(cells.collect::<Vec<f64>>()).unwrap_or_else(|_| panic!("five columns: {line}"))
    };
    lines.map(row).collect()
}

/// The values of a NumPy file of 5 × 5 numbers.
#[track_caller]
fn npy_values(npy: &[u8]) -> Vec<f64> {
    assert_eq!(&npy[..8], b"\x93NUMPY\x01\x00", "not a NumPy file");
    let length = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    let header = String::from_utf8_lossy(&npy[10..10 + length]).into_owned();
    assert!(header.contains("'descr': '<f8'") && header.contains("'shape': (5, 5)"), "{header}");
    assert_eq!((10 + length) % 64, 0, "NumPy wants its data aligned");
    npy[10 + length..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn close(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() < 1e-6, "{what}: {a} and {b}");
}

#[test]
fn a_whole_job_ends_with_a_finished_line_and_its_heatmap_can_be_had_in_every_form() {
    let place = Sandbox::new();
    let done = place.surfit("run tiny.toml --run-dir a --json").ok();
    println!("a whole tiny job: {:.1} s", done.seconds);
    let run = place.path("a");
    let lines = done.json_lines();
    for (n, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], n as u64 + 1, "the events on standard output have gaps: {line}");
    }
    assert_eq!(lines, events(&run)[..lines.len()], "standard output and events.jsonl differ");

    let f = done.last_json();
    assert_eq!(f["event"], "finished", "{f}");
    for key in ["corners", "corners_test"] {
        let list: Vec<f64> = f[key].as_array().expect(key).iter().map(number).collect();
        assert_eq!(list.len(), 4, "{key}: {f}");
        // Ten classes: networks that learned anything are right more often than by chance.
        let mean = list.iter().sum::<f64>() / 4.0;
        assert!((0.15..=1.0).contains(&mean), "{key} learned nothing: {list:?}");
    }
    for stage in ["data", "corners", "align", "fit", "heatmap", "export"] {
        assert!(number(&f["seconds"][stage]) >= 0.0, "no seconds of {stage}: {f}");
    }
    assert!(number(&f["seconds"]["corners"]) > 0.0 && number(&f["seconds"]["fit"]) > 0.0, "{f}");
    let best = &f["best"];
    assert_eq!((&f["grid"], &best["images"]), (&5.into(), &2000.into()), "{f}");
    assert!(number(&f["best_test"]) > 0.15, "{f}");

    let before = events(&run).len();
    let csv = place.surfit("heatmap a --grid 5 --format csv").ok().out;
    let cells = rows(&csv);
    assert_eq!(events(&run).len(), before, "the stored grid needs no engine");
    assert_eq!(cells.len(), 25);
    for (k, c) in cells.iter().enumerate() {
        assert_eq!((c[0], c[1]), ((k / 5) as f64 / 4.0, (k % 5) as f64 / 4.0), "row {k}");
        assert!((0.0..=1.0).contains(&c[2]) && c[3] > 0.0 && c[4] == 2000.0, "row {k}: {c:?}");
    }
    let top = cells.iter().map(|c| c[2]).fold(0.0, f64::max);
    close(number(&best["accuracy"]), top, "best of the finished line and of the table");
    let at_best = cells.iter().find(|c| c[0] == number(&best["u"]) && c[1] == number(&best["v"]));
    close(at_best.expect("the best is a grid point")[2], top, "accuracy at the best point");
    let inner: Vec<f64> =
        cells.iter().filter(|c| [c[0], c[1]].iter().all(|x| 0.1 < *x && *x < 0.9)).map(|c| c[2]).collect();
    assert_eq!(inner.len(), 9);
    close(number(&f["interior_mean"]), inner.iter().sum::<f64>() / 9.0, "interior mean");
    for (corner, row) in [0, 20, 4, 24].into_iter().enumerate() {
        close(number(&f["corners"][corner]), cells[row][2], "a corner's accuracy in line and table");
    }

    let values = npy_values(&place.surfit("heatmap a --format npy").ok().out_bytes);
    assert_eq!(values, cells.iter().map(|c| c[2]).collect::<Vec<_>>(), "npy and csv differ");

    let json = place.surfit("heatmap a --format json").ok().last_json();
    assert_eq!(json["cells"].as_array().map(Vec::len), Some(25));
    close(number(&json["best"]["accuracy"]), top, "best in json");
    // Every metric is in every form, and sums up over the run as its cells have it.
    let header = csv.lines().next().unwrap().split(',').collect::<Vec<_>>();
    let metrics = json["metrics"].as_object().expect("metrics by id");
    assert!(metrics.contains_key("accuracy") && metrics.contains_key("loss"), "{json}");
    for (id, facts) in metrics {
        let npy = place.surfit(&format!("heatmap a --metric {id} --format npy")).ok().out_bytes;
        let column = header.iter().position(|name| name == id).unwrap_or_else(|| panic!("{id} in {header:?}"));
        let in_csv = csv.lines().skip(1).map(|line| line.split(',').nth(column).unwrap());
        let in_json = json["cells"].as_array().unwrap().iter().map(|cell| number(&cell["metrics"][id][0]));
        let values = npy_values(&npy);
        for ((value, text), same) in values.iter().zip(in_csv).zip(in_json) {
            assert_eq!((*value, &*format!("{value:.6}")), (same, text), "{id}");
        }
        close(number(&facts["summary"]["mean"]), values.iter().sum::<f64>() / 25.0, id);
        let picture = place.surfit(&format!("heatmap a --metric {id} --out {id}.svg")).ok();
        assert!(picture.out.contains("on 5×5 points, best "), "{}", picture.describe());
    }

    place.surfit("heatmap a --out map.png").ok();
    let png = std::fs::read(place.path("map.png")).expect("map.png");
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert!(side(16) >= 300 && side(20) >= 300, "a picture of {}×{}", side(16), side(20));
    assert!(png.len() > 2000 && png.windows(4).any(|w| w == b"IEND"), "an empty or cut picture");
    place.surfit("heatmap a --metric loss --out loss.svg").ok();
    let svg = std::fs::read_to_string(place.path("loss.svg")).expect("loss.svg");
    assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(svg.matches("<rect").count() >= 25, "a heatmap of 25 cells has as many rectangles");

    let listed = place.surfit("ls --json").ok().json_lines();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0]["run"], &listed[0]["state"]), (&"a".into(), &"finished".into()), "{listed:?}");
    assert_eq!(&listed[0]["best"], best);
    let listing = place.surfit("ls").ok().out;
    assert!(listing.contains("finished") && listing.contains("2×2"), "{listing}");

    // Another grid is measured; the points that both have keep their figures exactly.
    let other = rows(&place.surfit("heatmap a --grid 3 --format csv").ok().out);
    assert_eq!(other.len(), 9);
    for c in &other {
        assert!(cells.contains(c), "{c:?} differs from the first measurement");
    }
    let finer = rows(&place.surfit("heatmap a --grid 4").ok().out);
    assert_eq!(finer.len(), 16);
    assert!(finer.iter().all(|c| c[4] == 2000.0), "every cell is measured on the whole split");
}

#[test]
fn the_same_configuration_gives_the_same_bytes() {
    let place = Sandbox::new();
    let less = "--set export.best=false --set data.validation_images=200";
    let (a, b) = (place.run_tiny_job("a", less), place.run_tiny_job("b", less));
    let files = ["surface/state.safetensors", "corners/corner-1.safetensors", "corners/corner-4.safetensors"];
    for file in files {
        let differences = SafetensorsFile::read(&a.join(file)).differences(&SafetensorsFile::read(&b.join(file)));
        assert_eq!(differences, Vec::<String>::new(), "{file} of two runs of one configuration");
        let bytes = |run: &Path| std::fs::read(run.join(file)).expect(file);
        assert!(bytes(&a) == bytes(&b), "{file}: the same tensors in other bytes");
    }
    let table = |run| place.surfit(&format!("heatmap {run}")).ok().out;
    assert_eq!(table("a"), table("b"), "heatmaps of two runs of one configuration");
    let other = place.run_tiny_job("c", &format!("{less} --set seed=4"));
    let theta = |run: &Path| SafetensorsFile::read(&run.join(files[0])).floats("theta");
    assert!(theta(&a) != theta(&other), "another seed gives another surface");
}
