//! What crosses the line between `surfit` here and `surfit bridge` there, and how.
//!
//! The far end begins with one line of text, so that whatever a login prints before it can be told apart. After it come
//! its frames, in one stream of deflate that is flushed after each: a kind, a length, and CBOR, which unlike JSON holds
//! numbers that are not finite and keys that are no text. Frames of the near end are not compressed: they are small.

use super::delta::ValueDelta;
use crate::ClientError;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use surfit_core::surface::Degrees;
use surfit_tui::{Incoming, Outgoing};

/// Version of what crosses the line; the two ends must be of the same.
pub const LINK_VERSION: u32 = 4;

/// What the far end's first line begins with; the control character keeps a login's own words from being taken for it.
pub const HANDSHAKE_PREFIX: &str = "\x1esurfit-bridge ";

/// Largest frame in bytes.
const MAX_FRAME_BYTES: usize = 8 << 20;

/// Largest message that comes in parts, such as a long run's history.
const MAX_BULK_BYTES: usize = 128 << 20;

/// From the near end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToFar {
    /// Opens the conversation; always the first message.
    Open {
        /// Run id and number of the last event that is known of it; events after it are enough then.
        known: Option<(String, u64)>,
    },
    /// From the workbench.
    Say(Outgoing),
    /// So many frames have come in all.
    Taken(u64),
    /// Nothing, so that the far end knows that this one lives.
    Alive,
    /// The workbench leaves.
    End {
        /// The engine shall make a checkpoint and end.
        stop: bool,
        /// How the run is called from here, for the far end's last words.
        name: String,
    },
}

/// The run that the far end shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownRun {
    /// Id of the run.
    pub id: String,
    /// Its directory there.
    pub path: PathBuf,
    /// Points per axis of its heatmap.
    pub grid: usize,
    /// Degrees of its surface.
    pub degrees: Degrees,
}

/// From the far end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToNear {
    /// The run that is shown from now on.
    Shown(ShownRun),
    /// For the workbench. Snapshots come as `Snapshot`.
    Tell(Incoming),
    /// What changed of the snapshot since the one before; the first of a line is whole.
    Snapshot(ValueDelta),
    /// Nothing, so that the near end knows that the line carries.
    Alive,
    /// The last words, after [`ToFar::End`].
    Parted {
        /// How to come back, when there is something to come back to.
        words: Option<String>,
    },
}

/// The far end's first line.
pub fn greeting() -> String {
    format!("{HANDSHAKE_PREFIX}{LINK_VERSION} {}\n", env!("CARGO_PKG_VERSION"))
}

/// Encodes a message.
///
/// # Errors
/// When it has no such form; a fault of the program.
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    ciborium::into_writer(message, &mut bytes).map_err(|e| io::Error::other(e.to_string()))?;
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ClientError> {
    ciborium::from_reader(bytes).map_err(|e| ClientError::InvalidMessage(e.to_string()))
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// A whole message.
    Whole = 0,
    /// A part of a large one; others may come between its parts.
    Part = 1,
    /// The last part.
    Last = 2,
    /// The first part; of one before that was not sent to its end nothing comes any more.
    First = 3,
}

/// The part of a large message that begins at `at`: its kind and where it ends.
pub fn next_part(length: usize, at: usize, most: usize) -> (FrameKind, usize) {
    let end = (at + most).min(length);
    let kind = match (at == 0, end == length) {
        (true, true) => FrameKind::Whole,
        (true, false) => FrameKind::First,
        (false, false) => FrameKind::Part,
        (false, true) => FrameKind::Last,
    };
    (kind, end)
}

/// Counts what goes through it.
#[derive(Debug)]
struct CountingStream<W> {
    inner: W,
    count: u64,
}

impl<W: Write> Write for CountingStream<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.count += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The sending half of the far end.
#[derive(Debug)]
pub struct FrameSender<W: Write> {
    out: DeflateEncoder<CountingStream<W>>,
}

impl<W: Write> FrameSender<W> {
    /// Sends over `out`, which has had the greeting.
    pub fn new(out: W) -> Self {
        let counted = CountingStream { inner: out, count: 0 };
        Self { out: DeflateEncoder::new(counted, Compression::default()) }
    }

    /// Sends a frame; gives the bytes that it took on the line.
    ///
    /// # Errors
    /// What the line says.
    pub fn send(&mut self, kind: FrameKind, body: &[u8]) -> io::Result<u64> {
        let before = self.out.get_ref().count;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.out.write_all(&[kind as u8])?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(body)?;
        self.out.flush()?;
        Ok(self.out.get_ref().count - before)
    }
}

/// Decompresses a stream that goes on: it gives whatever it holds before it waits for more, which readers that ask for
/// more first do not.
#[derive(Debug)]
struct InflateStream<R> {
    from: BufReader<R>,
    state: Decompress,
}

impl<R: Read> Read for InflateStream<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let (had, gave) = (self.state.total_in(), self.state.total_out());
            let input = self.from.buffer();
            let waits = input.is_empty();
            let status = self
                .state
                .decompress(input, out, FlushDecompress::None)
                .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            let took = (self.state.total_in() - had) as usize;
            let made = (self.state.total_out() - gave) as usize;
            self.from.consume(took);
            if made > 0 || out.is_empty() || status == Status::StreamEnd {
                return Ok(made);
            }
            if took == 0 && !waits {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if waits && self.from.fill_buf()?.is_empty() {
                return Ok(0);
            }
        }
    }
}

/// The receiving half of the near end.
#[derive(Debug)]
pub struct FrameReceiver<R: Read> {
    from: InflateStream<R>,
    bulk: Vec<u8>,
}

impl<R: Read> FrameReceiver<R> {
    /// Receives from `from`, whose greeting has been read.
    pub fn new(from: R) -> Self {
        Self { from: InflateStream { from: BufReader::new(from), state: Decompress::new(false) }, bulk: Vec::new() }
    }

    /// The next frame's message; `None` when it was a part of a large one.
    ///
    /// # Errors
    /// [`ClientError::Closed`] at the end of the line, else what is wrong with what came.
    pub fn next(&mut self) -> Result<Option<ToNear>, ClientError> {
        let mut head = [0; 5];
        fill(&mut self.from, &mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if kind == FrameKind::First as u8 {
            self.bulk.clear();
        }
        if length > MAX_FRAME_BYTES || self.bulk.len() + length > MAX_BULK_BYTES {
            return Err(ClientError::FrameTooLarge(length));
        }
        if kind == FrameKind::Whole as u8 {
            let mut body = vec![0; length];
            fill(&mut self.from, &mut body)?;
            return decode(&body).map(Some);
        }
        if kind > FrameKind::First as u8 {
            return Err(ClientError::InvalidMessage(format!("a frame of kind {kind}")));
        }
        let had = self.bulk.len();
        self.bulk.resize(had + length, 0);
        fill(&mut self.from, &mut self.bulk[had..])?;
        if kind != FrameKind::Last as u8 {
            return Ok(None);
        }
        decode(&std::mem::take(&mut self.bulk)).map(Some)
    }
}

fn fill(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), ClientError> {
    from.read_exact(bytes).map_err(|e| match e.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            ClientError::InvalidMessage("its compression is damaged".into())
        }
        // A line that breaks inside a frame ends the stream early.
        _ => ClientError::Closed,
    })
}

/// Writes a message of the near end.
///
/// # Errors
/// What the line says.
pub fn write_frame(line: &mut impl Write, message: &ToFar) -> io::Result<()> {
    let body = encode(message)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    line.write_all(&[&length.to_be_bytes(), body.as_slice()].concat())?;
    line.flush()
}

/// Reads a message of the near end; `None` for one of a newer version.
///
/// # Errors
/// As [`FrameReceiver::next_item`].
pub fn read_frame(line: &mut impl Read) -> Result<ToFar, ClientError> {
    let mut length = [0; 4];
    fill(line, &mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(ClientError::FrameTooLarge(length));
    }
    let mut body = vec![0; length];
    fill(line, &mut body)?;
    decode(&body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::event::LossCurve;
    use surfit_core::run_state::RunState;

    fn line(messages: &[ToNear]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut sender = FrameSender::new(&mut bytes);
        for message in messages {
            sender.send(FrameKind::Whole, &encode(message).unwrap()).unwrap();
        }
        drop(sender);
        bytes
    }

    #[test]
    fn a_picture_with_gaps_in_its_curves_comes_back() {
        let mut picture = RunState::default();
        let curve = picture.curves.entry(LossCurve::Corner(2)).or_default();
        curve.extend(3, &[1.5, f32::NAN, f32::INFINITY]);
        let body = encode(&ToNear::Tell(Incoming::Picture(Box::new(picture)))).unwrap();
        let mut bytes = Vec::new();
        let mut sender = FrameSender::new(&mut bytes);
        let (first, last) = body.split_at(body.len() / 2);
        sender.send(FrameKind::Part, first).unwrap();
        sender.send(FrameKind::Whole, &encode(&ToNear::Alive).unwrap()).unwrap();
        sender.send(FrameKind::Last, last).unwrap();
        drop(sender);
        let mut receiver = FrameReceiver::new(bytes.as_slice());
        assert!(receiver.next().unwrap().is_none());
        assert!(matches!(receiver.next().unwrap(), Some(ToNear::Alive)));
        let Some(ToNear::Tell(Incoming::Picture(back))) = receiver.next().unwrap() else { panic!("no picture") };
        let values: Vec<f32> = back.curves[&LossCurve::Corner(2)].recent_values().map(|v| v.1).collect();
        assert!(values[0] == 1.5 && values[1].is_nan() && values[2] == f32::INFINITY);
    }

    #[test]
    fn a_large_message_that_is_left_unfinished_does_not_spoil_the_next() {
        let (mut bytes, large) =
            (Vec::new(), |c: &str| encode(&ToNear::Tell(Incoming::Notice(c.repeat(999)))).unwrap());
        let mut sender = FrameSender::new(&mut bytes);
        // The first of three is broken off, as when another run is opened meanwhile; the last one is of one part.
        for (text, most, parts) in [("a", 300, 2), ("b", 300, 9), ("c", 5000, 9)] {
            let (body, mut at) = (large(text), 0);
            for _ in 0..parts {
                let (kind, end) = next_part(body.len(), at, most);
                sender.send(kind, &body[at..end]).unwrap();
                at = end;
                if at == body.len() {
                    break;
                }
            }
        }
        drop(sender);
        let mut receiver = FrameReceiver::new(bytes.as_slice());
        let mut came = Vec::new();
        while let Ok(message) = receiver.next() {
            if let Some(ToNear::Tell(Incoming::Notice(text))) = message {
                came.push(text);
            }
        }
        assert_eq!(came, ["b".repeat(999), "c".repeat(999)]);
    }

    #[test]
    fn frames_that_are_cut_damaged_or_too_long_are_errors_and_never_hang() {
        let whole = line(&[ToNear::Alive, ToNear::Tell(Incoming::Notice("hello".into()))]);
        for cut in 0..whole.len() {
            let mut receiver = FrameReceiver::new(&whole[..cut]);
            while let Ok(message) = receiver.next() {
                assert!(message.is_some());
            }
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut receiver = FrameReceiver::new(bytes.as_slice());
            // Whatever it makes of it, it comes to an end.
            assert!((0..100).any(|_| receiver.next().is_err()), "bit {bit}");
        }
        let mut bytes = Vec::new();
        let mut encoder = DeflateEncoder::new(&mut bytes, Compression::fast());
        encoder.write_all(&[0, 0xff, 0, 0, 0]).unwrap();
        encoder.flush().unwrap();
        drop(encoder);
        assert!(matches!(FrameReceiver::new(bytes.as_slice()).next(), Err(ClientError::FrameTooLarge(_))));
    }

    #[test]
    fn what_has_come_is_given_before_more_is_waited_for() {
        let (far, near) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let mut sender = FrameSender::new(far);
        let mut receiver = FrameReceiver::new(near);
        for n in 0..300 {
            // Of every size around those of buffers.
            let text: String = (0..n * n / 4).map(|k| char::from(b'a' + (k * 7 % (n + 1) % 26) as u8)).collect();
            let message = ToNear::Tell(Incoming::Notice(text.clone()));
            sender.send(FrameKind::Whole, &encode(&message).unwrap()).unwrap();
            let came = receiver.next().unwrap();
            assert!(matches!(came, Some(ToNear::Tell(Incoming::Notice(t))) if t == text));
        }
    }

    #[test]
    fn what_the_near_end_says_is_heard() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &ToFar::Say(Outgoing::Refresh)).unwrap();
        write_frame(&mut bytes, &ToFar::Taken(7)).unwrap();
        let mut line = bytes.as_slice();
        assert!(matches!(read_frame(&mut line), Ok(ToFar::Say(Outgoing::Refresh))));
        assert!(matches!(read_frame(&mut line), Ok(ToFar::Taken(7))));
        assert!(matches!(read_frame(&mut line), Err(ClientError::Closed)));
        assert!(matches!(read_frame(&mut [0xffu8; 9].as_slice()), Err(ClientError::FrameTooLarge(_))));
        assert!(matches!(read_frame(&mut [0u8, 0, 0, 1, 0xff].as_slice()), Err(ClientError::InvalidMessage(_))));
    }
}
