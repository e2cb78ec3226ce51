//! A line of the log as an event.

use crate::event::{Envelope, Event, LossCurve};
use crate::numbers::nans_as_null;
use serde::Deserialize;

/// Losses, which are nearly all of a long log. A type of their own is read several times as fast as one kind of event among
/// many, for which every number is kept first until the kind is known.
#[derive(Deserialize)]
struct LossesLine {
    seq: u64,
    time: f64,
    curve: LossCurve,
    first_step: u64,
    #[serde(with = "nans_as_null")]
    values: Vec<f32>,
    rate: f64,
}

/// The event of a line; `None` for a line that is none.
pub(super) fn parse_event(line: &[u8]) -> Option<Envelope> {
    if let Some(losses) = parse_losses(line) {
        return Some(losses);
    }
    let mut envelope: Envelope = serde_json::from_slice(line).ok()?;
    // Whatever its source: what is made of it is shown.
    envelope.event.make_printable();
    Some(envelope)
}

/// Losses on a line that begins as [`EventLog::append`](super::EventLog::append) writes it.
fn parse_losses(line: &[u8]) -> Option<Envelope> {
    let (_, rest) = split_number(line)?;
    let time = rest.iter().position(|&b| b == b',')?;
    if !rest[time..].starts_with(b",\"event\":\"losses\",") {
        return None;
    }
    let l: LossesLine = serde_json::from_slice(line).ok()?;
    Some(Envelope {
        seq: l.seq,
        time: l.time,
        event: Event::Losses { curve: l.curve, first_step: l.first_step, values: l.values, rate: l.rate },
    })
}

/// The number of an event whose line begins as [`EventLog::append`](super::EventLog::append) writes it, without looking at
/// the rest.
pub(super) fn parse_event_number(line: &[u8]) -> Option<u64> {
    split_number(line).map(|(number, _)| number)
}

/// The number, and the line from the time's figure on.
fn split_number(line: &[u8]) -> Option<(u64, &[u8])> {
    let digits = line.strip_prefix(b"{\"seq\":")?;
    let end = digits.iter().position(|b| !b.is_ascii_digit())?;
    let rest = digits[end..].strip_prefix(b",\"time\":")?;
    let number = std::str::from_utf8(&digits[..end]).ok()?.parse().ok()?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_from_the_beginning_of_a_line_alone() {
        assert_eq!(parse_event_number(b"{\"seq\":17,\"time\":1.0,\"event\":"), Some(17));
        for odd in [
            "",
            "{\"seq\":",
            "{\"seq\":99999999999999999999999,\"time\":1}",
            "{\"seq\":4}",
            "{\"event\":\"closed\",\"time\":1.0,\"seq\":41}",
        ] {
            assert_eq!(parse_event_number(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn losses_are_the_same_whichever_way_they_are_read() {
        let mut values: Vec<f32> = (0..2000).map(|n| (n as f32 * 0.37).sin() * 3.1).collect();
        values.extend([f32::MIN_POSITIVE, f32::MAX, 1e-45, -0.0, 0.1]);
        for curve in [LossCurve::Surface, LossCurve::Corner(3)] {
            let line = serde_json::to_vec(&Envelope {
                seq: 12,
                time: 1_700_000_000.125,
                event: Event::Losses { curve, first_step: 99, values: values.clone(), rate: 0.012_345_678_9 },
            })
            .unwrap();
            let fast = parse_losses(&line).expect("the fast way");
            assert_eq!(fast, serde_json::from_slice::<Envelope>(&line).unwrap(), "{curve:?}");
            let Event::Losses { values: read, .. } = fast.event else { panic!() };
            assert!(read.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        let gaps =
            br#"{"seq":1,"time":2,"event":"losses","curve":"surface","first_step":0,"values":[null,1],"rate":0}"#;
        let Some(Envelope { event: Event::Losses { values, .. }, .. }) = parse_losses(gaps) else { panic!() };
        assert!(values[0].is_nan() && values[1] == 1.0);
        // Damage is damage, another order and another event are read as a whole.
        assert!(parse_event(&gaps[..gaps.len() - 3]).is_none());
        let other = br#"{"event":"losses","seq":1,"time":2,"curve":"surface","first_step":0,"values":[],"rate":0}"#;
        assert!(parse_losses(other).is_none() && parse_event(other).is_some());
        let notice = br#"{"seq":1,"time":2,"event":"notice","text":"x"}"#;
        assert!(parse_losses(notice).is_none() && parse_event(notice).is_some());
    }
}
