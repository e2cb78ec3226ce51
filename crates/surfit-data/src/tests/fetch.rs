//! Fetching from a server that breaks off, lies about lengths, and serves wrong bytes.

#[path = "../../../../tests/support/http.rs"]
mod http;

use crate::Result;
use crate::digest;
use crate::fetch::{FetchEvent, FetchOptions, FetchTimeouts, fetch, fetch_files};
use http::{HttpReply, HttpRequest, HttpServer, content_response, response, truncated_response};
use std::path::Path;
use std::time::{Duration, Instant};
use surfit_core::data_sets::{DataSetSpec, PublishedFile};

const ENTITY_TAG: &str = "\"one\"";
const SHORT_TIMEOUTS: FetchTimeouts = FetchTimeouts {
    max_attempts: 3,
    initial_backoff: Duration::from_millis(1),
    idle_timeout: Duration::from_millis(500),
};

fn content() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn published(content: &[u8]) -> PublishedFile {
    PublishedFile {
        name: "set.tar.gz",
        size: content.len() as u64,
        sha256: Box::leak(digest::sha256_hex(content).into_boxed_str()),
        unpacked: "",
        urls: &[],
    }
}

/// Fetches the content from these servers into `dir`; gives what was told but progress.
fn fetch_from(dir: &Path, servers: &[&HttpServer]) -> (Result<()>, Vec<FetchEvent>) {
    let urls = servers.iter().map(|s| format!("{}/x/set.tar.gz", s.url)).collect();
    let mut events = Vec::new();
    let files = [(published(&content()), urls)];
    let result = fetch_files(&files, dir, SHORT_TIMEOUTS, &mut |event| {
        if !matches!(event, FetchEvent::Progress { .. }) {
            events.push(event);
        }
    });
    (result, events)
}

/// The content is there under its name, with nothing beside it.
#[track_caller]
fn assert_whole(dir: &Path) {
    assert_eq!(std::fs::read(dir.join("set.tar.gz")).unwrap(), content());
    assert!(!dir.join("set.tar.gz.part").exists());
    assert!(!dir.join("set.tar.gz.part.json").exists());
}

/// The failure says these, and no file got its name.
#[track_caller]
fn assert_refused(dir: &Path, result: Result<()>, parts: &[&str]) {
    let error = result.expect_err("a failure").to_string();
    for part in parts.iter().chain(&["set.tar.gz", "--mirror"]) {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    assert!(!dir.join("set.tar.gz").exists(), "{error}");
}

fn range_starts(server: &HttpServer) -> Vec<Option<usize>> {
    server.requests().iter().map(|r| r.range_start).collect()
}

#[test]
fn a_file_is_fetched_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = HttpServer::new(|r, _| HttpReply::Send(content_response(r, &content(), ENTITY_TAG)));
    let (result, events) = fetch_from(dir.path(), &[&server]);
    result.unwrap();
    assert_whole(dir.path());
    assert!(matches!(events[..], [FetchEvent::Begun { from: 0, .. }, FetchEvent::Fetched { .. }]), "{events:?}");
    let (result, events) = fetch_from(dir.path(), &[&server]);
    result.unwrap();
    assert!(matches!(events[..], [FetchEvent::Present { .. }]), "{events:?}");
    assert_eq!(server.requests().len(), 1);
    // A damaged file of that name is fetched anew.
    std::fs::write(dir.path().join("set.tar.gz"), "damaged").unwrap();
    fetch_from(dir.path(), &[&server]).0.unwrap();
    assert_whole(dir.path());
}

#[test]
fn a_broken_connection_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    // Every connection brings 30,000 bytes.
    let server = HttpServer::new(|r, _| {
        HttpReply::Send(truncated_response(&content_response(r, &content(), ENTITY_TAG), 30_000))
    });
    let (result, events) = fetch_from(dir.path(), &[&server]);
    result.unwrap();
    assert_whole(dir.path());
    let asked = range_starts(&server);
    assert_eq!(asked.len(), 7);
    assert_eq!((asked[0], asked[6]), (None, Some(180_000)));
    assert!(server.requests()[1..].iter().all(|r| r.if_range.as_deref() == Some(ENTITY_TAG)));
    assert_eq!(events.iter().filter(|e| matches!(e, FetchEvent::Retry { .. })).count(), 6);
}

#[test]
fn another_call_goes_on_where_the_last_one_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let server = HttpServer::new(|r, n| match n {
        0 => HttpReply::Send(truncated_response(&content_response(r, &content(), ENTITY_TAG), 70_000)),
        1..=3 => HttpReply::Send(response("503 Service Unavailable", &[], b"busy")),
        _ => HttpReply::Send(content_response(r, &content(), ENTITY_TAG)),
    });
    let (result, _) = fetch_from(dir.path(), &[&server]);
    assert_refused(dir.path(), result, &["70000 of 200000 bytes are kept", "503", "3 times without progress"]);
    let (result, events) = fetch_from(dir.path(), &[&server]);
    result.unwrap();
    assert_whole(dir.path());
    assert!(matches!(events[0], FetchEvent::Begun { from: 70_000, .. }), "{events:?}");
}

#[test]
fn a_server_without_ranges_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    let server = HttpServer::new(|_, n| {
        let whole = content_response(&HttpRequest::default(), &content(), ENTITY_TAG);
        HttpReply::Send(if n == 0 { truncated_response(&whole, 50_000) } else { whole })
    });
    fetch_from(dir.path(), &[&server]).0.unwrap();
    assert_whole(dir.path());
    assert_eq!(range_starts(&server), [None, Some(50_000)]);
}

#[test]
fn a_file_that_changed_meanwhile_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    // With a tag the server sees it; without one the checksum does.
    for tagged in [true, false] {
        let server = HttpServer::new(move |r, n| {
            let old: Vec<u8> = content().iter().map(|b| !b).collect();
            let tag = if tagged { ["\"old\"", ENTITY_TAG][n.min(1)] } else { "W/\"weak\"" };
            HttpReply::Send(if n == 0 {
                truncated_response(&content_response(r, &old, tag), 90_000)
            } else {
                content_response(r, &content(), tag)
            })
        });
        fetch_from(dir.path(), &[&server]).0.unwrap();
        assert_whole(dir.path());
        let expected = if tagged { vec![None, Some(90_000)] } else { vec![None, Some(90_000), None] };
        assert_eq!(range_starts(&server), expected);
        std::fs::remove_file(dir.path().join("set.tar.gz")).unwrap();
    }
}

#[test]
fn a_file_with_wrong_bytes_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = content();
    wrong[123] ^= 1;
    let digest = digest::sha256_hex(&wrong);
    let server = HttpServer::new(move |r, _| HttpReply::Send(content_response(r, &wrong, ENTITY_TAG)));
    let (result, _) = fetch_from(dir.path(), &[&server]);
    assert_refused(dir.path(), result, &["SHA-256", &digest, &digest::sha256_hex(&content()), "deleted"]);
    assert!(!dir.path().join("set.tar.gz.part").exists());
    assert_eq!(server.requests().len(), 1, "wrong bytes are not asked for again");
    // The next home is asked, and has them right.
    let right = HttpServer::new(|r, _| HttpReply::Send(content_response(r, &content(), ENTITY_TAG)));
    fetch_from(dir.path(), &[&server, &right]).0.unwrap();
    assert_whole(dir.path());
}

#[test]
fn a_wrong_length_from_the_server_is_detected() {
    let head = |status: &str, headers: &[(&str, &str)], body: &[u8]| response(status, headers, body);
    let longer = [content(), b"more".to_vec()].concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        // Another length than the published one.
        (
            head("200 OK", &[("Content-Length", "199999")], &content()[..199_999]),
            "a file of 199999 bytes, expected 200000",
        ),
        (head("200 OK", &[("Content-Length", "200004")], &longer), "a file of 200004 bytes, expected 200000"),
        // No length, and more than that.
        (head("200 OK", &[], &longer), "sends more than the expected 200000 bytes"),
        // The right length, and less.
        (
            head("200 OK", &[("Content-Length", "200000")], &content()[..10]),
            "the connection broke after 10 of 200000 bytes",
        ),
        // No length, and less.
        (head("200 OK", &[], &content()[..10]), "the connection broke after 10 of 200000 bytes"),
    ];
    for (bytes, part) in cases {
        let dir = tempfile::tempdir().unwrap();
        let server = HttpServer::new(move |_, _| HttpReply::Send(bytes.clone()));
        let (result, _) = fetch_from(dir.path(), &[&server]);
        assert_refused(dir.path(), result, &[part]);
    }
    // Ranges that are not the one asked for, or of a file of another length.
    for (range, part) in [
        ("bytes 0-199999/200000", "not from byte 60000 on"),
        ("bytes 60000-199998/199999", "a file of 199999 bytes, expected 200000"),
        ("nonsense", "not from byte 60000 on"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let server = HttpServer::new(move |r, _| match r.range_start {
            None => HttpReply::Send(truncated_response(&content_response(r, &content(), ENTITY_TAG), 60_000)),
            Some(_) => HttpReply::Send(response("206 Partial Content", &[("Content-Range", range)], &content())),
        });
        let (result, events) = fetch_from(dir.path(), &[&server]);
        let retried = format!("{events:?}");
        match result {
            Err(error) => assert!(format!("{error}{retried}").contains(part), "{error} {retried}"),
            Ok(()) => panic!("{range} was believed"),
        }
        assert!(!dir.path().join("set.tar.gz").exists());
    }
}

#[test]
fn permanent_errors_are_not_retried() {
    for (status, times) in [("404 Not Found", 1), ("403 Forbidden", 1), ("500 Oops", 3), ("429 Slowly", 3)] {
        let dir = tempfile::tempdir().unwrap();
        let server = HttpServer::new(move |_, _| HttpReply::Send(response(status, &[], b"no")));
        let (result, _) = fetch_from(dir.path(), &[&server]);
        assert_refused(dir.path(), result, &[&status[..3], &server.url]);
        assert_eq!(server.requests().len(), times, "{status}");
    }
    // Nobody listens there.
    let dir = tempfile::tempdir().unwrap();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let files = [(published(&content()), vec![format!("{gone}/x")])];
    let result = fetch_files(&files, dir.path(), SHORT_TIMEOUTS, &mut |_| ());
    assert_refused(dir.path(), result, &["no answer"]);
}

#[test]
fn redirections_and_silence() {
    let dir = tempfile::tempdir().unwrap();
    let end = HttpServer::new(|r, n| match n {
        0 => HttpReply::Stall(truncated_response(&content_response(r, &content(), ENTITY_TAG), 40_000)),
        _ => HttpReply::Send(content_response(r, &content(), ENTITY_TAG)),
    });
    let url = end.url.clone();
    let server = HttpServer::new(move |r, _| {
        let to = format!("{url}/elsewhere{}", r.path);
        HttpReply::Send(response("302 Found", &[("Location", &to), ("Content-Length", "0")], b""))
    });
    let began = Instant::now();
    fetch_from(dir.path(), &[&server]).0.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "silence was waited out");
    assert_whole(dir.path());
    assert_eq!(end.requests()[0].path, "/elsewhere/x/set.tar.gz");
    assert_eq!(range_starts(&end), [None, Some(40_000)]);
}

#[test]
fn two_fetches_into_one_folder_do_not_collide() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let (sender, stopped) = std::sync::mpsc::channel::<()>();
    let stopped = std::sync::Mutex::new(stopped);
    let server = HttpServer::new(move |r, _| {
        let _ = stopped.lock().unwrap().recv();
        HttpReply::Send(content_response(r, &content(), ENTITY_TAG))
    });
    std::thread::scope(|scope| {
        let first = scope.spawn(|| fetch_from(&path, &[&server]).0);
        while server.requests().is_empty() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let other = HttpServer::new(|r, _| HttpReply::Send(content_response(r, &content(), ENTITY_TAG)));
        let error = fetch_from(&path, &[&other]).0.unwrap_err().to_string();
        assert!(error.contains("another download is running"), "{error}");
        sender.send(()).unwrap();
        first.join().unwrap().unwrap();
    });
    assert_whole(&path);
}

#[test]
fn a_mirror_has_a_folder_for_each_set() {
    let dir = tempfile::tempdir().unwrap();
    let server = HttpServer::new(|_, _| HttpReply::Send(response("404 Not Found", &[], b"")));
    let options = |form: Option<&str>, mirror: &str| FetchOptions {
        dir: dir.path().into(),
        mirror: Some(mirror.into()),
        form: form.map(str::to_owned),
        timeouts: SHORT_TIMEOUTS,
    };
    let url = format!("{}/base/", server.url);
    for (set, form, path) in [
        ("mnist", None, "/base/mnist/train-images-idx3-ubyte.gz"),
        ("cifar10", None, "/base/cifar10/cifar-10-binary.tar.gz"),
        ("cifar10", Some("python"), "/base/cifar10/cifar-10-python.tar.gz"),
    ] {
        fetch(DataSetSpec::find(set).unwrap(), &options(form, &url), &mut |_| ()).unwrap_err();
        assert_eq!(server.requests().last().unwrap().path, path);
    }
    for (set, form, mirror, part) in [
        ("cifar10", Some("pyton"), url.as_str(), "did you mean `python`?"),
        ("folder", None, &url, "folder cannot be downloaded: it is your own images"),
        ("fashion-mnist-16k", None, &url, "built in"),
        ("mnist", None, "ftp://x", "start with http:// or https://"),
    ] {
        let error = fetch(DataSetSpec::find(set).unwrap(), &options(form, mirror), &mut |_| ());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
