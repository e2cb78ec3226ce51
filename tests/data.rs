//! `surfit data` against a web server that misbehaves, and runs on sets in their published forms.

mod support;

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::http::{HttpReply, HttpServer, content_response, response, truncated_response};
use support::{ChildGuard, CommandResult, Sandbox, events_of, wait_for};

/// `surfit data …` with no proxy between it and the server.
#[track_caller]
fn data(place: &Sandbox, arguments: &str) -> CommandResult {
    let mut command = place.command(&format!("data {arguments}"));
    no_proxy(&mut command);
    place.run_to_end(command)
}

fn no_proxy(command: &mut Command) -> &mut Command {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SURFIT_MIRROR"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

fn of<'a>(lines: &'a [Value], set: &str) -> &'a Value {
    lines.iter().find(|l| l["set"] == set).expect("the set's line")
}

/// A small CIFAR-10 in the binary form: 40 images in each of five files, 40 to test.
fn cifar10(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    for (i, name) in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
        .iter()
        .enumerate()
    {
        let mut bytes = Vec::new();
        for k in 0..40usize {
            bytes.push((k % 10) as u8);
            bytes.extend((0..3072usize).map(|p| ((p * 7 + k * 13 + i * 31) % 251) as u8));
        }
        std::fs::write(folder.join(format!("{name}.bin")), bytes).expect("a batch");
    }
}

#[test]
fn sets_are_listed_with_what_is_here() {
    let place = Sandbox::new();
    let lines = data(&place, "ls --json").ok().json_lines();
    assert_eq!(of(&lines, "fashion-mnist-16k")["state"], "embedded");
    let cifar = of(&lines, "cifar10");
    assert_eq!((&cifar["state"], &cifar["bytes"]), (&"absent".into(), &0.into()));
    assert_eq!(cifar["mean"].as_array().map(Vec::len), Some(3));
    assert_eq!(cifar["files"][0]["file"], "cifar-10-binary.tar.gz");

    let folder = place.path("data/cifar10/cifar-10-batches-bin");
    cifar10(&folder);
    let lines = data(&place, "ls --json").ok().json_lines();
    let cifar = of(&lines, "cifar10");
    assert_eq!(cifar["state"], "complete");
    assert_eq!(cifar["bytes"], 6 * 40 * 3073);
    data(&place, "verify cifar10").ok();
    std::fs::remove_file(folder.join("data_batch_4.bin")).expect("a file");
    let lines = data(&place, "ls --json").ok().json_lines();
    assert_eq!(of(&lines, "cifar10")["state"], "partial");
    data(&place, "verify cifar10").fails(1, &["1 file is damaged or missing"]);
    let text = data(&place, "ls").ok().out;
    assert!(text.contains("is missing") && text.contains("data_batch_4.bin"), "{text}");
}

#[test]
fn a_run_learns_cifar_10_and_names_a_file_that_was_cut() {
    let place = Sandbox::new();
    let folder = place.path("data/cifar10/cifar-10-batches-bin");
    cifar10(&folder);
    let less = "--set data.set=cifar10 --set data.train_images=0 --set data.validation_images=50 --set corners.epochs=1 \
                --set fit.epochs=0 --set fit.edge_epochs=0 --set heatmap.grid=2 --set export.best=false";
    let run = place.run_tiny_job("colour", less);
    let facts = &events_of(&run, "started")[0];
    assert_eq!(facts["images"], serde_json::json!([150, 50, 40]), "{facts}");
    let path = folder.join("data_batch_2.bin");
    let bytes = std::fs::read(&path).expect("the file");
    std::fs::write(&path, &bytes[..bytes.len() - 100]).expect("the file");
    place
        .surfit(&format!("run tiny.toml --run-dir cut {less}"))
        .fails(2, &["data_batch_2.bin", "not whole records of 3073 bytes"]);
    place
        .surfit("run tiny.toml --run-dir none --set data.set=cifar100")
        .fails(2, &["cifar-100-binary.tar.gz", "surfit data fetch cifar100"]);
    let checked = data(&place, "verify cifar10 --json");
    let lines = checked.json_lines();
    let damaged: Vec<_> = lines.iter().filter(|l| l["verdict"] == "damaged").collect();
    assert_eq!(damaged.len(), 1, "{lines:?}");
    assert!(damaged[0]["file"].as_str().is_some_and(|f| f.ends_with("data_batch_2.bin")));
}

#[test]
fn a_fetch_goes_on_after_breaks_and_refuses_wrong_bytes() {
    let place = Sandbox::new();
    // As long as the published file, and another.
    let wrong = vec![7u8; 9_912_422];
    let server = HttpServer::new(move |r, n| {
        let whole = content_response(r, &wrong, "\"v\"");
        HttpReply::Send(if n < 3 { truncated_response(&whole, 2_000_000) } else { whole })
    });
    let done = data(&place, &format!("fetch mnist --mirror {} --json", server.url));
    let told = done.json_lines();
    done.fails(1, &["train-images-idx3-ubyte.gz", "SHA-256", "expected 440fcabf73cc546f", "deleted", "--mirror"]);
    let froms: Vec<_> = server.requests().iter().map(|r| r.range_start).collect();
    assert_eq!(froms[..4], [None, Some(2_000_000), Some(4_000_000), Some(6_000_000)]);
    assert_eq!(server.requests()[0].path, "/mnist/train-images-idx3-ubyte.gz");
    assert!(
        told.iter()
            .any(|e| e["event"] == "retry" && e["why"].as_str().is_some_and(|w| w.contains("the connection broke")))
    );
    let left: Vec<_> = std::fs::read_dir(place.path("data/mnist"))
        .expect("the folder")
        .flatten()
        .map(|e| e.file_name())
        .filter(|n| n != ".fetch.lock")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_fetch_that_was_killed_goes_on_where_it_stopped() {
    let place = Sandbox::new();
    let server = HttpServer::new(|r, n| {
        // Another file of the published length: how far it comes is what counts here.
        let whole = content_response(r, &vec![7u8; 170_052_171], "\"v\"");
        match n {
            0 => HttpReply::Stall(truncated_response(&whole, 3_000_000)),
            _ => HttpReply::Send(truncated_response(&whole, 1_000_000)),
        }
    });
    let fetch = format!("data fetch cifar10 --mirror {}", server.url);
    let mut command = place.command(&fetch);
    no_proxy(&mut command).stdout(std::process::Stdio::null());
    let mut child = ChildGuard(command.spawn().expect("surfit starts"));
    let part = place.path("data/cifar10/cifar-10-binary.tar.gz.part");
    let length = || part.metadata().map_or(0, |m| m.len());
    wait_for("three megabytes", || (length() == 3_000_000).then_some(()));
    data(&place, &format!("fetch cifar10 --mirror {}", server.url)).fails(1, &["another download is running"]);
    child.0.kill().expect("the signal");
    child.0.wait().expect("its end");
    let mut command = place.command(&fetch);
    let mut child =
        ChildGuard(no_proxy(&mut command).stdout(std::process::Stdio::null()).spawn().expect("surfit starts"));
    wait_for("another megabyte", || (length() >= 4_000_000).then_some(()));
    child.0.kill().expect("the signal");
    child.0.wait().expect("its end");
    let asked = server.requests();
    assert_eq!((asked[0].range_start, asked[1].range_start), (None, Some(3_000_000)));
    assert_eq!(asked[1].if_range.as_deref(), Some("\"v\""));
}

#[test]
fn what_cannot_be_fetched_is_said() {
    let place = Sandbox::new();
    let server = HttpServer::new(|r, _| {
        HttpReply::Send(match r.path.starts_with("/short/") {
            true => response("200 OK", &[("Content-Length", "5")], b"hello"),
            false => response("404 Not Found", &[("Content-Length", "0")], b""),
        })
    });
    data(&place, &format!("fetch cifar10 --mirror {}", server.url))
        .fails(1, &["cifar-10-binary.tar.gz", "404", &server.url]);
    data(&place, &format!("fetch cifar10 --mirror {}/short", server.url))
        .fails(1, &["a file of 5 bytes, expected 170052171"]);
    data(&place, "fetch cifar-10").fails(2, &["cifar-10", "did you mean `cifar10`?"]);
    data(&place, "fetch folder").fails(2, &["folder cannot be downloaded"]);
    data(&place, "fetch").fails(2, &["SET"]);
    data(&place, "verify mnist").fails(1, &["mnist not found in", "surfit data fetch mnist"]);
    // The configuration says what and from where.
    let text = format!("[data]\nset = 'cifar100'\nmirror = '{}/configured'\ndir = 'there'\n", server.url);
    place.write("mine.toml", text);
    data(&place, "fetch --config mine.toml").fails(1, &["cifar-100-binary.tar.gz", "404"]);
    let last = server.requests().last().expect("a request").path.clone();
    assert_eq!(last, "/configured/cifar100/cifar-100-binary.tar.gz");
    assert!(place.path("there").is_dir());
    place.write("bad.toml", "[data]\nmirror = 'ftp://x'\n");
    place.surfit("config check bad.toml").fails(2, &["data.mirror", "http://"]);
    place.write("bad.toml", "[data]\nset = 'minst'\n");
    place.surfit("config check bad.toml").fails(2, &["bad.toml:2", "did you mean `mnist`?"]);
}
