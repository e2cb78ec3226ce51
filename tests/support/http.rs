//! A web server in a thread with configurable faults.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A client's request.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    pub path: String,
    /// First byte of the range.
    pub range_start: Option<usize>,
    pub if_range: Option<String>,
}

/// What is sent back, before the connection is closed.
pub enum HttpReply {
    /// These bytes.
    Send(Vec<u8>),
    /// These bytes, and then silence until the client disconnects.
    Stall(Vec<u8>),
}

/// See the module.
pub struct HttpServer {
    pub url: String,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpServer {
    /// Answers every request with what `answer` makes of it and its number, from 0.
    pub fn new(answer: impl Fn(&HttpRequest, usize) -> HttpReply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<HttpRequest>>> = Arc::default();
        let log = seen.clone();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { url, requests: seen }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.requests.lock().expect("the log").clone()
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<HttpRequest>>, answer: &dyn Fn(&HttpRequest, usize) -> HttpReply) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    let mut request =
        HttpRequest { path: line.split(' ').nth(1).unwrap_or_default().to_owned(), ..HttpRequest::default() };
    loop {
        line.clear();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match name.to_lowercase().as_str() {
            "range" => {
                request.range_start = value.strip_prefix("bytes=").and_then(|v| v.trim_end_matches('-').parse().ok());
            }
            "if-range" => request.if_range = Some(value.to_owned()),
            _ => {}
        }
    }
    let number = {
        let mut log = log.lock().expect("the log");
        log.push(request.clone());
        log.len() - 1
    };
    let mut stream = stream;
    match answer(&request, number) {
        HttpReply::Send(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.flush();
        }
        HttpReply::Stall(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
            let _ = reader.read(&mut [0]);
        }
    }
}

/// An answer with this status line, headers and body.
pub fn response(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        out += &format!("{name}: {value}\r\n");
    }
    out += "\r\n";
    [out.as_bytes(), body].concat()
}

/// What a good server sends: the whole content, or the requested range.
pub fn content_response(request: &HttpRequest, content: &[u8], tag: &str) -> Vec<u8> {
    let asked = request.range_start.filter(|_| request.if_range.as_ref().is_none_or(|t| t == tag));
    match asked {
        Some(from) if from < content.len() => response(
            "206 Partial Content",
            &[
                ("Content-Length", &(content.len() - from).to_string()),
                ("Content-Range", &format!("bytes {from}-{}/{}", content.len() - 1, content.len())),
                ("ETag", tag),
            ],
            &content[from..],
        ),
        Some(_) => response("416 Range Not Satisfiable", &[("Content-Length", "0")], b""),
        None => response("200 OK", &[("Content-Length", &content.len().to_string()), ("ETag", tag)], content),
    }
}

/// The first `bytes` of an answer's body: the connection breaks off there.
pub fn truncated_response(answer: &[u8], bytes: usize) -> Vec<u8> {
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    answer[..(body + bytes).min(answer.len())].to_vec()
}
