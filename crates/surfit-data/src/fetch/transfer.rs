//! One file over HTTP: attempts, resuming, checks.

use super::partial_file::{PartialFile, PartialFileNote};
use super::{FetchEvent, FetchTimeouts};
use crate::digest;
use crate::{DataError, Result};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use surfit_core::data_sets::PublishedFile;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// Attempts at one URL in all, however much each of them brought.
const MAX_URL_ATTEMPTS: u32 = 200;
const MAX_BACKOFF: Duration = Duration::from_secs(30);
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

enum TransferError {
    /// It may pass: another attempt continues from there.
    Transient(String),
    /// This URL will not give the file.
    Permanent(String),
    /// Something failed on this machine, such as its disk; other URLs are not tried.
    Local(DataError),
}

impl From<DataError> for TransferError {
    fn from(error: DataError) -> Self {
        Self::Local(error)
    }
}

/// Fetches a file from the first of its URLs that gives it.
pub(super) fn fetch_file(
    file: &PublishedFile,
    urls: &[String],
    path: &Path,
    timeouts: FetchTimeouts,
    on_event: &mut dyn FnMut(FetchEvent),
) -> Result<()> {
    // Proxies come from the environment, as everywhere.
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(timeouts.idle_timeout))
        .timeout_recv_response(Some(timeouts.idle_timeout))
        .timeout_per_read(Some(timeouts.idle_timeout))
        .user_agent(concat!("surfit/", env!("CARGO_PKG_VERSION")))
        // The checksum is of the bytes in the file.
        .accept_encoding("identity")
        .build()
        .into();
    let part = PartialFile::for_target(path);
    let mut said = Vec::new();
    for url in urls {
        let one = FileTransfer { agent: &agent, file, url, partial: &part };
        match one.run_attempts(timeouts, on_event) {
            Ok(()) => return part.rename_to_target(),
            Err(TransferError::Local(error)) => return Err(error),
            Err(TransferError::Transient(why) | TransferError::Permanent(why)) => said.push(format!("{url}: {why}")),
        }
    }
    let kept = match part.len() {
        0 => String::new(),
        n => format!(" ({n} of {} bytes are kept; the same command resumes)", file.size),
    };
    Err(DataError::input(format!(
        "{} was not downloaded{kept}: {}; try again later, or give another source with --mirror",
        file.name,
        said.join("; ")
    )))
}

struct FileTransfer<'a> {
    agent: &'a Agent,
    file: &'a PublishedFile,
    url: &'a str,
    partial: &'a PartialFile,
}

impl FileTransfer<'_> {
    /// Attempts until the part is whole and checked.
    fn run_attempts(
        &self,
        timeouts: FetchTimeouts,
        on_event: &mut dyn FnMut(FetchEvent),
    ) -> std::result::Result<(), TransferError> {
        let (mut fruitless, mut restarted) = (0u32, false);
        for _ in 0..MAX_URL_ATTEMPTS {
            let before = self.partial.len();
            let why = match self.attempt_transfer(on_event) {
                Ok(from) => match self.verify_checksum() {
                    // Bytes of another version may be at the beginning: fetch again from there.
                    Err(TransferError::Permanent(_)) if from > 0 && !restarted => {
                        restarted = true;
                        continue;
                    }
                    checked => return checked,
                },
                Err(TransferError::Transient(why)) => why,
                Err(other) => return Err(other),
            };
            fruitless = match self.partial.len() > before {
                true => 0,
                false => fruitless + 1,
            };
            if fruitless >= timeouts.max_attempts {
                return Err(TransferError::Transient(format!("{why}, {fruitless} times without progress")));
            }
            let doublings = fruitless.saturating_sub(1).min(16);
            let wait = (timeouts.initial_backoff * 2u32.pow(doublings)).min(MAX_BACKOFF);
            on_event(FetchEvent::Retry { file: self.file.name, why, wait: wait.as_secs_f64() });
            std::thread::sleep(wait);
        }
        Err(TransferError::Transient(format!("the connection broke {MAX_URL_ATTEMPTS} times")))
    }

    /// Fetches what is missing of the part; gives the byte at which the last answer began.
    fn attempt_transfer(&self, on_event: &mut dyn FnMut(FetchEvent)) -> std::result::Result<u64, TransferError> {
        let size = self.file.size;
        let mut there = self.partial.len();
        if there > size {
            self.partial.remove()?;
            there = 0;
        }
        if there == size {
            return Ok(there);
        }
        let mut request = self.agent.get(self.url);
        if there > 0 {
            request = request.header(RANGE, format!("bytes={there}-"));
            if let Some(note) = self.partial.read_note().filter(|n| n.url == self.url) {
                request = request.header(IF_RANGE, note.version);
            }
        }
        let response = request.call().map_err(|e| self.request_error(&e))?;
        let status = response.status();
        let mut out = match status {
            StatusCode::PARTIAL_CONTENT if there > 0 => {
                self.check_range(&response, there)?;
                self.partial.open_append()?
            }
            StatusCode::OK => {
                // The whole file, requested or not: a server may ignore ranges, or have another version now.
                there = 0;
                if let Some(length) = content_length(&response)
                    && length != size
                {
                    return Err(TransferError::Permanent(format!(
                        "the server reports a file of {length} bytes, expected {size}"
                    )));
                }
                self.partial.create(version_note(self.url, &response).as_ref())?
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                self.partial.remove()?;
                return Err(TransferError::Transient(format!("the server has no bytes after the first {there}")));
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                return Err(TransferError::Transient(format!("the server answers {status}")));
            }
            _ if status.is_server_error() => {
                return Err(TransferError::Transient(format!("the server answers {status}")));
            }
            _ => {
                return Err(TransferError::Permanent(format!("the server answers {status}")));
            }
        };
        on_event(FetchEvent::Begun { file: self.file.name, url: self.url.to_owned(), from: there, bytes: size });
        self.copy_response(response, &mut out, there, on_event)?;
        Ok(there)
    }

    /// Copies the body behind the bytes that are there.
    fn copy_response(
        &self,
        response: Response<Body>,
        out: &mut std::fs::File,
        mut there: u64,
        on_event: &mut dyn FnMut(FetchEvent),
    ) -> std::result::Result<(), TransferError> {
        let size = self.file.size;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut last_report = Instant::now();
        while there < size {
            // Never more than what is missing: a server that continues sending fills no disk.
            let room = buffer.len().min((size - there) as usize);
            match body.read(&mut buffer[..room]) {
                Ok(0) => {
                    return Err(TransferError::Transient(format!(
                        "the connection broke after {there} of {size} bytes"
                    )));
                }
                Ok(n) => {
                    out.write_all(&buffer[..n]).map_err(DataError::io(self.partial.path()))?;
                    there += n as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    return Err(TransferError::Transient(format!(
                        "the connection broke after {there} of {size} bytes ({e})"
                    )));
                }
            }
            if last_report.elapsed() >= PROGRESS_INTERVAL || there == size {
                last_report = Instant::now();
                on_event(FetchEvent::Progress { file: self.file.name, done: there, bytes: size });
            }
        }
        // A body without a length may continue.
        if matches!(body.read(&mut buffer[..1]), Ok(1)) {
            self.partial.remove()?;
            return Err(TransferError::Permanent(format!("the server sends more than the expected {size} bytes")));
        }
        Ok(())
    }

    /// Refuses an answer that is not for the range that was requested.
    fn check_range(&self, response: &Response<Body>, there: u64) -> std::result::Result<(), TransferError> {
        let said = response.headers().get(CONTENT_RANGE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let parts = said
            .strip_prefix("bytes ")
            .and_then(|range| range.split_once('/'))
            .and_then(|(range, all)| Some((range.split_once('-')?.0.parse::<u64>().ok()?, all)));
        match parts {
            Some((first, all)) if first == there => match all.parse::<u64>() {
                Ok(all) if all != self.file.size => {
                    self.partial.remove()?;
                    Err(TransferError::Permanent(format!(
                        "the server reports a file of {all} bytes, expected {}",
                        self.file.size
                    )))
                }
                _ => Ok(()),
            },
            _ => {
                self.partial.remove()?;
                Err(TransferError::Transient(format!(
                    "the server returned the range `{said}`, not from byte {there} on"
                )))
            }
        }
    }

    /// Compares the whole part's checksum; after a wrong one the file is removed.
    fn verify_checksum(&self) -> std::result::Result<(), TransferError> {
        let found = digest::sha256_hex_of_file(self.partial.path())?;
        if found == self.file.sha256 {
            return Ok(());
        }
        self.partial.remove()?;
        Err(TransferError::Permanent(format!(
            "the file's SHA-256 is {found}, expected {}; it was deleted",
            self.file.sha256
        )))
    }

    fn request_error(&self, error: &ureq::Error) -> TransferError {
        match error {
            ureq::Error::BadUri(_)
            | ureq::Error::TooManyRedirects
            | ureq::Error::RedirectFailed
            | ureq::Error::InvalidProxyUrl => TransferError::Permanent(error.to_string()),
            _ => TransferError::Transient(format!("no answer ({error})")),
        }
    }
}

fn content_length(response: &Response<Body>) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The server's version information, when it can be used in a request.
fn version_note(url: &str, response: &Response<Body>) -> Option<PartialFileNote> {
    let text = |name| response.headers().get(name)?.to_str().ok();
    let tag = text(ETAG).filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| text(LAST_MODIFIED))
        .map(|version| PartialFileNote { url: url.to_owned(), version: version.to_owned() })
}
