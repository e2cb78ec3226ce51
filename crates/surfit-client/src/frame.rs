//! Frames: JSON after its length as four bytes, most significant first.

use super::ClientError;
use serde::Serialize;
use std::io::{self, Read, Write};
use surfit_core::protocol::{MAX_FRAME_BYTES, ServerMessage};

/// Writes one message as one frame, in a single call so that it is never interleaved or sent in two packets.
///
/// # Errors
/// Errors of the stream.
pub fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&frame)
}

/// Reads one message. Returns `None` for a kind of message that this version does not know.
///
/// # Errors
/// [`ClientError::Closed`] at the end of the stream, [`ClientError::FrameTooLarge`] before a byte of too long a frame is
/// stored, [`ClientError::InvalidMessage`] for an invalid message, [`ClientError::Io`] else.
pub fn read(stream: &mut impl Read) -> Result<Option<ServerMessage>, ClientError> {
    let mut length = [0; 4];
    fill(stream, &mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(ClientError::FrameTooLarge(length));
    }
    let mut body = vec![0; length];
    fill(stream, &mut body)?;
    parse(&body)
}

fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> Result<(), ClientError> {
    stream.read_exact(buffer).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            ClientError::Closed
        }
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            ClientError::Timeout(super::connection::HANDSHAKE_TIMEOUT.as_secs())
        }
        _ => ClientError::Io { what: "reading from the engine".into(), source: e },
    })
}

/// Kinds of messages that this version knows; unknown kinds are ignored, a broken known one is an error.
const KNOWN_MESSAGE_TYPES: [&str; 6] = ["welcome", "rejected", "event", "snapshot", "changed", "reply"];

fn parse(body: &[u8]) -> Result<Option<ServerMessage>, ClientError> {
    serde_json::from_slice(body).map(Some).or_else(|error| {
        #[derive(serde::Deserialize)]
        struct MessageTag {
            r#type: String,
        }
        match serde_json::from_slice::<MessageTag>(body) {
            Ok(kind) if !KNOWN_MESSAGE_TYPES.contains(&kind.r#type.as_str()) => Ok(None),
            _ => Err(ClientError::InvalidMessage(error.to_string())),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_are_passed_over_and_broken_ones_are_not() {
        assert!(parse(br#"{"type":"weather","sunny":true}"#).unwrap().is_none());
        assert!(matches!(parse(br#"{"type":"reply","id":"x"}"#), Err(ClientError::InvalidMessage(_))));
        assert!(matches!(parse(b"GET / HTTP/1.1"), Err(ClientError::InvalidMessage(_))));
        assert!(parse(br#"{"type":"reply","id":3,"error":null,"new":1}"#).unwrap().is_some());
    }

    #[test]
    fn a_frame_that_ends_early_is_a_closed_connection() {
        let mut frame = Vec::new();
        write(&mut frame, &ServerMessage::Reply { id: 1, error: None, events: None }).unwrap();
        assert!(read(&mut frame.as_slice()).unwrap().is_some());
        assert!(matches!(read(&mut &frame[..frame.len() - 1]), Err(ClientError::Closed)));
        assert!(matches!(read(&mut &frame[..2]), Err(ClientError::Closed)));
    }

    #[test]
    fn an_oversize_frame_is_refused_by_its_length_alone() {
        let length = u32::MAX.to_be_bytes();
        assert!(matches!(read(&mut length.as_slice()), Err(ClientError::FrameTooLarge(_))));
    }

    #[test]
    fn frames_however_damaged_come_to_an_end_and_ask_for_no_room() {
        let degrees = surfit_core::config::Config::default().degrees();
        let snapshot = surfit_core::snapshot::Snapshot::empty(degrees, 5);
        let mut whole = Vec::new();
        write(&mut whole, &ServerMessage::Reply { id: 1, error: None, events: None }).unwrap();
        write(&mut whole, &ServerMessage::Snapshot(Box::new(snapshot))).unwrap();
        let ends = |bytes: &[u8]| {
            let mut from = bytes;
            (0..=bytes.len()).any(|_| read(&mut from).is_err())
        };
        for cut in 0..=whole.len() {
            assert!(ends(&whole[..cut]), "cut at {cut}");
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(ends(&bytes), "bit {bit}");
        }
    }
}
