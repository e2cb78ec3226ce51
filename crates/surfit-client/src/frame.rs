//! Frames: JSON after its length as four bytes, most significant first.

use super::ClientError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};
use strum::VariantNames;
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage, MAX_FRAME_BYTES, ServerMessage};

/// Writes one message as one frame.
///
/// # Errors
/// Errors of the stream.
pub fn write(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    write_json(stream, &serde_json::to_string(message)?)
}

/// Writes a message that is JSON already as one frame, in a single call so that it is never interleaved or sent in two
/// packets.
///
/// # Errors
/// Any read error of the stream.
pub fn write_json(stream: &mut impl Write, json: &str) -> io::Result<()> {
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), json.as_bytes()].concat())?;
    stream.flush()
}

/// Reads one message of an engine or a bridge. Messages of a kind that this version does not know come back as `None`.
///
/// # Errors
/// [`ClientError::Closed`] at the end of the stream, [`ClientError::FrameTooLarge`] before a byte of too long a frame is
/// stored, [`ClientError::InvalidMessage`] for what is no message, [`ClientError::Io`] else.
pub fn read_server_message(stream: &mut impl Read) -> Result<Option<ServerMessage>, ClientError> {
    parse(&read(stream)?, ServerMessage::VARIANTS)
}

/// Reads one message of a client likewise.
///
/// # Errors
/// As [`read_server_message`].
pub fn read_client_message(stream: &mut impl Read) -> Result<Option<ClientMessage>, ClientError> {
    parse(&read(stream)?, ClientMessage::VARIANTS)
}

/// Parses a message whose JSON came in parts.
///
/// # Errors
/// [`ClientError::InvalidMessage`] for what is no message.
pub fn parse_server_message(json: &str) -> Result<Option<ServerMessage>, ClientError> {
    parse(json.as_bytes(), ServerMessage::VARIANTS)
}

fn read(stream: &mut impl Read) -> Result<Vec<u8>, ClientError> {
    let mut length = [0; 4];
    fill(stream, &mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(ClientError::FrameTooLarge(length));
    }
    let mut body = vec![0; length];
    fill(stream, &mut body)?;
    Ok(body)
}

fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> Result<(), ClientError> {
    stream.read_exact(buffer).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            ClientError::Closed
        }
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            ClientError::Timeout(super::connection::HANDSHAKE_TIMEOUT.as_secs())
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            ClientError::InvalidMessage("its compression is damaged".into())
        }
        _ => ClientError::Io { what: "reading from the engine".into(), source: e },
    })
}

/// Parses a message. Only one of an unknown kind is passed over, a broken one of a known kind is not.
fn parse<T: DeserializeOwned>(body: &[u8], known: &[&str]) -> Result<Option<T>, ClientError> {
    serde_json::from_slice(body).map(Some).or_else(|error| {
        #[derive(serde::Deserialize)]
        struct MessageTag {
            r#type: String,
            // Of any form in kinds that are not known.
            message: Option<serde_json::Value>,
            request: Option<serde_json::Value>,
        }
        let is_unknown = |name: Option<&str>, known: &[&str]| name.is_some_and(|n| !known.contains(&n));
        match serde_json::from_slice::<MessageTag>(body) {
            Ok(tag) if is_unknown(Some(tag.r#type.as_str()), known) => Ok(None),
            Ok(tag)
                if tag.r#type == "bridge"
                    && (is_unknown(tag.message.as_ref().and_then(|m| m.as_str()), BridgeMessage::VARIANTS)
                        || is_unknown(tag.request.as_ref().and_then(|r| r.as_str()), BridgeRequest::VARIANTS)) =>
            {
                Ok(None)
            }
            _ => Err(ClientError::InvalidMessage(error.to_string())),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_server(body: &[u8]) -> Result<Option<ServerMessage>, ClientError> {
        parse(body, ServerMessage::VARIANTS)
    }

    #[test]
    fn unknown_kinds_are_passed_over_and_broken_ones_are_not() {
        assert!(parse_server(br#"{"type":"weather","sunny":true,"message":1}"#).unwrap().is_none());
        assert!(matches!(parse_server(br#"{"type":"reply","id":"x"}"#), Err(ClientError::InvalidMessage(_))));
        assert!(matches!(parse_server(b"GET / HTTP/1.1"), Err(ClientError::InvalidMessage(_))));
        assert!(parse_server(br#"{"type":"reply","id":3,"error":null,"new":1}"#).unwrap().is_some());
    }

    #[test]
    fn unknown_kinds_of_a_bridge_are_passed_over_and_broken_ones_are_not() {
        let parse_client = |body: &[u8]| parse::<ClientMessage>(body, ClientMessage::VARIANTS);
        assert_eq!(parse_server(br#"{"type":"bridge","message":"weather","body":{"sunny":true}}"#).unwrap(), None);
        assert_eq!(parse_client(br#"{"type":"bridge","request":"weather"}"#).unwrap(), None);
        for broken in [&br#"{"type":"bridge","message":"notice","body":7}"#[..], br#"{"type":"bridge"}"#] {
            assert!(matches!(parse_server(broken), Err(ClientError::InvalidMessage(_))));
        }
        assert!(parse_client(br#"{"type":"bridge","request":"load","body":7}"#).is_err());
    }

    #[test]
    fn the_known_kinds_of_a_bridge_are_those_of_the_protocol() {
        // The error of an unknown kind lists those that there are.
        let names = |error: String| -> Vec<String> {
            let (_, list) = error.split_once("expected one of ").unwrap();
            list.split('`').skip(1).step_by(2).map(Into::into).collect()
        };
        let messages = serde_json::from_str::<BridgeMessage>(r#"{"message":"?"}"#).unwrap_err().to_string();
        assert_eq!(names(messages), BridgeMessage::VARIANTS);
        let requests = serde_json::from_str::<BridgeRequest>(r#"{"request":"?"}"#).unwrap_err().to_string();
        assert_eq!(names(requests), BridgeRequest::VARIANTS);
    }

    #[test]
    fn a_frame_that_ends_early_is_a_closed_connection() {
        let mut frame = Vec::new();
        write(&mut frame, &ServerMessage::Reply { id: 1, error: None, events: None }).unwrap();
        assert!(read_server_message(&mut frame.as_slice()).unwrap().is_some());
        assert!(matches!(read_server_message(&mut &frame[..frame.len() - 1]), Err(ClientError::Closed)));
        assert!(matches!(read_server_message(&mut &frame[..2]), Err(ClientError::Closed)));
    }

    #[test]
    fn an_oversize_frame_is_refused_by_its_length_alone() {
        let length = u32::MAX.to_be_bytes();
        assert!(matches!(read_server_message(&mut length.as_slice()), Err(ClientError::FrameTooLarge(_))));
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
            (0..=bytes.len()).any(|_| read_server_message(&mut from).is_err())
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
