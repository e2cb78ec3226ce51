//! How the protocol crosses a line to another machine.
//!
//! The far end begins with one line of text, so that whatever a login prints before it can be skipped. After it come
//! its frames, in one stream of deflate that is flushed after each. Frames of the near end are not compressed: they are
//! small.

use crate::ClientError;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, BufReader, Read};
use surfit_core::protocol::PROTOCOL_VERSION;

/// What the far end's first line begins with; the control character keeps a login's own words from being taken for it.
pub const HANDSHAKE_PREFIX: &str = "\x1esurfit-bridge ";

/// Largest message that comes in parts, such as a long run's history.
const MAX_PARTED_BYTES: usize = 128 << 20;

/// The far end's first line.
pub fn format_greeting() -> String {
    format!("{HANDSHAKE_PREFIX}{PROTOCOL_VERSION} {}\n", env!("CARGO_PKG_VERSION"))
}

/// Decompresses a continuous stream: it gives whatever it holds before it waits for more, which readers that request
/// more first do not.
#[derive(Debug)]
pub struct InflateStream<R> {
    from: BufReader<R>,
    state: Decompress,
}

impl<R: Read> InflateStream<R> {
    /// Decompresses what comes from `from`, whose greeting has been read.
    pub fn new(from: R) -> Self {
        Self { from: BufReader::new(from), state: Decompress::new(false) }
    }
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

/// Puts the parts of a large message together.
#[derive(Debug, Default)]
pub struct PartBuffer(String);

impl PartBuffer {
    /// Takes the next part; gives the message's JSON with the last.
    ///
    /// # Errors
    /// [`ClientError::InvalidMessage`] for a part that does not follow, [`ClientError::FrameTooLarge`] for too long a message.
    pub fn push(&mut self, offset: usize, text: &str, last: bool) -> Result<Option<String>, ClientError> {
        if offset == 0 {
            self.0.clear();
        }
        if offset != self.0.len() {
            return Err(ClientError::InvalidMessage("a part of a message that does not follow the one before".into()));
        }
        if offset + text.len() > MAX_PARTED_BYTES {
            return Err(ClientError::FrameTooLarge(offset + text.len()));
        }
        self.0.push_str(text);
        Ok(last.then(|| std::mem::take(&mut self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use std::io::Write;
    use surfit_core::protocol::{BridgeMessage, ServerMessage};

    fn notice(text: &str) -> ServerMessage {
        BridgeMessage::Notice(text.into()).into()
    }

    fn compress(messages: &[ServerMessage]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        for message in messages {
            frame::write(&mut encoder, message).unwrap();
        }
        encoder.finish().unwrap()
    }

    #[test]
    fn frames_that_are_cut_damaged_or_too_long_are_errors_and_never_hang() {
        let whole = compress(&[BridgeMessage::KeepAlive.into(), notice("hello")]);
        let ends = |bytes: &[u8]| {
            let mut stream = InflateStream::new(bytes);
            (0..100).any(|_| frame::read_server_message(&mut stream).is_err())
        };
        for cut in 0..whole.len() {
            assert!(ends(&whole[..cut]), "cut at {cut}");
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(ends(&bytes), "bit {bit}");
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&[0xff, 0, 0, 0]).unwrap();
        let bytes = encoder.finish().unwrap();
        let read = frame::read_server_message(&mut InflateStream::new(bytes.as_slice()));
        assert!(matches!(read, Err(ClientError::FrameTooLarge(_))));
    }

    #[test]
    fn what_has_come_is_given_before_more_is_waited_for() {
        let (far, near) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let mut encoder = DeflateEncoder::new(far, Compression::default());
        let mut stream = InflateStream::new(near);
        for n in 0..300 {
            // Of every size around those of buffers.
            let text: String = (0..n * n / 4).map(|k| char::from(b'a' + (k * 7 % (n + 1) % 26) as u8)).collect();
            frame::write(&mut encoder, &notice(&text)).unwrap();
            assert_eq!(frame::read_server_message(&mut stream).unwrap(), Some(notice(&text)));
        }
    }

    #[test]
    fn a_large_message_that_is_left_unfinished_does_not_spoil_the_next() {
        let mut parts = PartBuffer::default();
        assert_eq!(parts.push(0, "ab", false).unwrap(), None);
        assert_eq!(parts.push(0, "cd", false).unwrap(), None);
        assert_eq!(parts.push(2, "ef", true).unwrap().as_deref(), Some("cdef"));
        assert_eq!(parts.push(0, "g", true).unwrap().as_deref(), Some("g"));
        assert!(matches!(parts.push(7, "h", true), Err(ClientError::InvalidMessage(_))));
    }
}
