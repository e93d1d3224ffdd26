//! One message of AWS's binary event stream: lengths, headers, payload, and two checksums (BED-19).
//!
//! `[total length][headers length][CRC of these eight bytes] [headers] [payload] [CRC of all before]`, numbers in
//! network order.

use crate::error::{Error, Kind, Result};

const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;

/// The length of the message that begins here, once its prelude is there.
pub fn length(bytes: &[u8], limit: usize) -> Result<Option<usize>> {
    let Some((prelude, _)) = bytes.split_at_checked(PRELUDE) else { return Ok(None) };
    let (head, sum) = prelude.split_at(8);
    if crc32fast::hash(head) != number(sum) {
        return Err(corrupt("the checksum of a message's head is wrong"));
    }
    let (total, headers) = head.split_at(4);
    let (total, headers) = (number(total) as usize, number(headers) as usize);
    if total > limit {
        return Err(corrupt(&format!("a message is larger than {limit} bytes")));
    }
    if total < PRELUDE + CHECKSUM || headers > total - PRELUDE - CHECKSUM {
        return Err(corrupt("the lengths of a message do not fit each other"));
    }
    Ok(Some(total))
}

/// The name and the payload of a whole message. What is no event has its type in front of its name.
pub fn parse(message: &[u8]) -> Result<(String, &[u8])> {
    let end = message.len().saturating_sub(CHECKSUM);
    let (Some((body, sum)), Some(headers)) = (message.split_at_checked(end), message.get(4..8)) else {
        return Err(corrupt("a message is too short"));
    };
    if crc32fast::hash(body) != number(sum) {
        return Err(corrupt("the checksum of a message is wrong"));
    }
    let rest = body.get(PRELUDE..).and_then(|rest| rest.split_at_checked(number(headers) as usize));
    let Some((headers, payload)) = rest else { return Err(corrupt("a message is too short")) };
    let headers = Headers::read(headers)?;
    Ok(match headers.kind {
        Some("exception") => (format!(":exception/{}", headers.exception.unwrap_or_default()), payload),
        Some("error") => {
            // The words are in a header then.
            let words =
                if payload.is_empty() { headers.error_words.unwrap_or_default().as_bytes() } else { payload };
            (format!(":error/{}", headers.error.unwrap_or_default()), words)
        }
        _ => (headers.event.unwrap_or_default().to_owned(), payload),
    })
}

/// A message that its stream ended in.
pub fn cut_short() -> Error {
    Error::new(Kind::Connection, "the stream ended in the middle of a message")
}

/// The headers that say what a message is.
#[derive(Default)]
struct Headers<'a> {
    kind: Option<&'a str>,
    event: Option<&'a str>,
    exception: Option<&'a str>,
    error: Option<&'a str>,
    error_words: Option<&'a str>,
}

impl<'a> Headers<'a> {
    fn read(mut bytes: &'a [u8]) -> Result<Self> {
        let mut headers = Self::default();
        while !bytes.is_empty() {
            let Some((name, value, rest)) = header(bytes) else {
                return Err(corrupt("the headers of a message cannot be read"));
            };
            bytes = rest;
            let slot = match name {
                b":message-type" => &mut headers.kind,
                b":event-type" => &mut headers.event,
                b":exception-type" => &mut headers.exception,
                b":error-code" => &mut headers.error,
                b":error-message" => &mut headers.error_words,
                _ => continue,
            };
            *slot = value.and_then(|value| std::str::from_utf8(value).ok());
        }
        Ok(headers)
    }
}

/// A header's name, its value when that is a text, and what follows.
type Header<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

fn header(bytes: &[u8]) -> Option<Header<'_>> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    let size = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | 7 => {
            let (length, rest) = rest.split_at_checked(2)?;
            let (value, rest) = rest.split_at_checked(number(length) as usize)?;
            return Some((name, (*kind == 7).then_some(value), rest));
        }
        _ => return None,
    };
    Some((name, None, rest.get(size..)?))
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn corrupt(what: &str) -> Error {
    Error::unreadable(format!("the event stream is corrupt: {what}"))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::wires::framing::{Frame, Frames, Framing};

    /// A message with headers of texts.
    pub fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut head = Vec::new();
        for (name, value) in headers {
            head.push(u8::try_from(name.len()).unwrap());
            head.extend(name.as_bytes());
            head.push(7);
            head.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            head.extend(value.as_bytes());
        }
        let total = u32::try_from(PRELUDE + head.len() + payload.len() + CHECKSUM).unwrap();
        let mut out = total.to_be_bytes().to_vec();
        out.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
        out.extend(crc32fast::hash(&out).to_be_bytes());
        out.extend(head);
        out.extend(payload);
        out.extend(crc32fast::hash(&out).to_be_bytes());
        out
    }

    /// An event with a JSON payload.
    pub fn event(name: &str, payload: &serde_json::Value) -> Vec<u8> {
        let headers =
            [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
        message(&headers, payload.to_string().as_bytes())
    }

    pub fn exception(name: &str, payload: &serde_json::Value) -> Vec<u8> {
        let headers = [(":exception-type", name), (":message-type", "exception")];
        message(&headers, payload.to_string().as_bytes())
    }

    fn run(pieces: &[&[u8]]) -> Result<Vec<(String, String)>> {
        let mut frames = Frames::new(Framing::AwsEvents);
        let mut seen = Vec::new();
        let mut each = |frame: Frame<'_>| {
            let event = frame.event.unwrap_or_default().to_owned();
            seen.push((event, String::from_utf8_lossy(frame.data).into_owned()));
            Ok(true)
        };
        for piece in pieces {
            frames.push(bytes::Bytes::copy_from_slice(piece), &mut each)?;
        }
        frames.finish(&mut each)?;
        Ok(seen)
    }

    fn sample() -> Vec<u8> {
        let mut bytes = event("contentBlockDelta", &serde_json::json!({"delta": {"text": "\u{e4}"}}));
        bytes.extend(event("empty", &serde_json::json!({})));
        bytes.extend(exception("throttlingException", &serde_json::json!({"message": "slow"})));
        bytes.extend(message(
            &[(":message-type", "error"), (":error-code", "Internal"), (":error-message", "boom")],
            b"",
        ));
        bytes
    }

    #[test]
    fn bed_19_messages_are_found_at_any_split() {
        let bytes = sample();
        let whole = run(&[&bytes]).unwrap();
        let names: Vec<&str> = whole.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["contentBlockDelta", "empty", ":exception/throttlingException", ":error/Internal"]
        );
        assert_eq!(whole[0].1, "{\"delta\":{\"text\":\"\u{e4}\"}}");
        assert_eq!(whole[3].1, "boom");
        for size in 1..40 {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(run(&pieces).unwrap(), whole, "pieces of {size}");
        }
        for at in 0..=bytes.len() {
            assert_eq!(run(&[&bytes[..at], &bytes[at..]]).unwrap(), whole, "cut at {at}");
        }
    }

    #[test]
    fn bed_19_every_changed_bit_is_noticed() {
        let bytes = event("messageStart", &serde_json::json!({"role": "assistant"}));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(run(&[&changed]).is_err(), "byte {at}");
        }
    }

    #[test]
    fn bed_19_a_cut_message_is_an_error() {
        let bytes = sample();
        for at in [1, 11, 12, 40, bytes.len() - 1] {
            assert!(run(&[&bytes[..at]]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn bed_19_headers_of_other_types_are_passed_over_and_broken_ones_refused() {
        let typed = |kind: u8, value: &[u8]| {
            let mut header = vec![1, b'x', kind];
            header.extend(value);
            header
        };
        for (kind, size) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)] {
            let header = typed(kind, &vec![0; size]);
            assert!(
                super::header(&header).is_some_and(|(_, value, rest)| value.is_none() && rest.is_empty())
            );
        }
        assert!(super::header(&typed(6, &[0, 2, 1, 1])).is_some());
        for broken in [typed(10, &[]), typed(7, &[0, 9, 1]), vec![5, b'x'], typed(4, &[0])] {
            assert!(super::header(&broken).is_none());
        }
    }

    #[test]
    fn str_13_a_message_over_the_limit_is_an_error() {
        let bytes = event("x", &serde_json::json!("y".repeat(500)));
        assert!(length(&bytes, 100).is_err());
        assert!(length(&bytes[..8], 100).unwrap().is_none());
    }
}
