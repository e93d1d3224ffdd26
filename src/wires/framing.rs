//! Bytes to frames: server-sent events, lines of JSON, one JSON array, AWS's messages. Linear in the stream's length,
//! bounded.
//!
//! A frame may be split at any byte, also inside a character (STR-11). Whole frames inside one read are handed
//! out without a copy; only the tail of a read is buffered (STR-12).

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

use super::nesting::Nesting;
use super::{event_stream, incomplete_stream};
use crate::error::{Error, Kind, Result};

/// The largest frame, in bytes (STR-13).
pub const FRAME_LIMIT: usize = 8 * 1024 * 1024;

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// How a stream is cut into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// One JSON value a line.
    Lines,
    /// Server-sent events, or the elements of one JSON array, whichever the first byte says (GEM-27).
    SseOrArray,
    /// AWS's binary messages (BED-19). What is no event has its type in front of its name: `:exception/…`, `:error/…`.
    AwsEvents,
}

/// One frame: the payload, and the event's name where the framing has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub event: Option<&'a str>,
    pub data: &'a [u8],
}

/// Cuts a stream of reads into frames.
#[derive(Debug)]
pub struct Frames {
    framing: Framing,
    buffer: BytesMut,
    /// How far the buffer has been searched for the end of its first frame.
    searched: usize,
    array: Option<ArrayScan>,
    started: bool,
    /// The byte order mark, if there is one, has been skipped: there is at most one.
    past_mark: bool,
    limit: usize,
    /// Joined payload of an event with several data lines.
    joined: Vec<u8>,
    event: String,
}

/// State of the search for the end of one array element.
#[derive(Debug, Default)]
struct ArrayScan {
    /// The element that has begun.
    element: Option<Nesting>,
    /// Lists that are open around the elements.
    lists: usize,
}

impl Frames {
    pub fn new(framing: Framing) -> Self {
        Self::with_limit(framing, FRAME_LIMIT)
    }

    pub fn with_limit(framing: Framing, limit: usize) -> Self {
        Self {
            framing,
            buffer: BytesMut::new(),
            searched: 0,
            array: None,
            started: false,
            past_mark: false,
            limit,
            joined: Vec::new(),
            event: String::new(),
        }
    }

    /// Adds a read and hands every frame that is now whole to `each`, until it says to stop.
    /// Returns false when `each` stopped.
    pub fn push(&mut self, read: Bytes, each: &mut dyn FnMut(Frame<'_>) -> Result<bool>) -> Result<bool> {
        if self.framing == Framing::AwsEvents {
            return self.push_messages(read, each);
        }
        if !self.started {
            self.buffer.extend_from_slice(&read);
            return self.start(each);
        }
        if self.buffer.is_empty() && self.array.is_none() {
            // The common case: whole events in one read, handed out without a copy.
            let mut rest = read;
            while let Some(end) = self.find_end(&rest, 0).0 {
                let block = rest.split_to(end);
                if !self.emit(&block, each)? {
                    return Ok(false);
                }
            }
            self.buffer.extend_from_slice(&rest);
            self.searched = 0;
        } else {
            self.buffer.extend_from_slice(&read);
        }
        self.drain(each)
    }

    /// The stream ended: a last frame without its blank line still counts (STR-11).
    pub fn finish(&mut self, each: &mut dyn FnMut(Frame<'_>) -> Result<bool>) -> Result<()> {
        if self.framing == Framing::AwsEvents {
            return if self.buffer.is_empty() { Ok(()) } else { Err(event_stream::cut_short()) };
        }
        if !self.drain(each)? {
            return Ok(());
        }
        if let Some(scan) = &self.array {
            // Cut in an element, or between two: more was to come (STR-14).
            return if scan.element.is_some() || scan.lists > 0 { Err(incomplete_stream()) } else { Ok(()) };
        }
        let rest = self.buffer.split();
        if !rest.is_empty() {
            self.emit(&rest, each)?;
        }
        Ok(())
    }

    /// Looks at the first bytes: a byte order mark is skipped, a bracket may mean an array.
    fn start(&mut self, each: &mut dyn FnMut(Frame<'_>) -> Result<bool>) -> Result<bool> {
        if !self.past_mark {
            if self.buffer.len() < MARK.len() && MARK.starts_with(&self.buffer) {
                return Ok(true);
            }
            if self.buffer.starts_with(MARK) {
                self.buffer.advance(MARK.len());
            }
            self.past_mark = true;
        }
        if self.framing == Framing::SseOrArray && self.buffer.iter().all(u8::is_ascii_whitespace) {
            return self.check_limit();
        }
        self.started = true;
        self.start_array_if_any();
        self.drain(each)
    }

    fn start_array_if_any(&mut self) {
        let first = self.buffer.iter().find(|byte| !byte.is_ascii_whitespace());
        if self.framing == Framing::SseOrArray && matches!(first, Some(b'[' | b'{')) {
            self.array = Some(ArrayScan::default());
        }
    }

    fn check_limit(&self) -> Result<bool> {
        if self.buffer.len() > self.limit {
            return Err(Error::new(
                Kind::InternalServer,
                format!("a stream event is larger than {} bytes", self.limit),
            ));
        }
        Ok(true)
    }

    fn drain(&mut self, each: &mut dyn FnMut(Frame<'_>) -> Result<bool>) -> Result<bool> {
        if self.array.is_some() {
            return self.drain_array(each);
        }
        loop {
            let (end, searched) = self.find_end(&self.buffer, self.searched);
            let Some(end) = end else {
                self.searched = searched;
                return self.check_limit();
            };
            self.searched = 0;
            let block = self.buffer.split_to(end);
            if !self.emit(&block, each)? {
                return Ok(false);
            }
        }
    }

    /// The end of the first frame in `bytes`, delimiter included, and from where to search again.
    fn find_end(&self, bytes: &[u8], from: usize) -> (Option<usize>, usize) {
        if self.framing == Framing::Lines {
            return match memchr(b'\n', &bytes[from..]) {
                Some(at) => (Some(from + at + 1), 0),
                None => (None, bytes.len()),
            };
        }
        // An event ends at an empty line; lines end with \n, \r\n or \r.
        let mut at = from;
        while let Some(offset) = memchr2(b'\n', b'\r', &bytes[at..]) {
            let line_end = at + offset;
            let mut next = line_end + 1;
            if bytes[line_end] == b'\r' {
                match bytes.get(next) {
                    Some(b'\n') => next += 1,
                    Some(_) => {}
                    None => return (None, line_end),
                }
            }
            match bytes.get(next) {
                Some(b'\n') => return (Some(next + 1), 0),
                Some(b'\r') => {
                    // A lone \r ends the event; a following \n belongs to it when it is there already.
                    return match bytes.get(next + 1) {
                        Some(b'\n') => (Some(next + 2), 0),
                        Some(_) => (Some(next + 1), 0),
                        None => (None, line_end),
                    };
                }
                Some(_) => at = next,
                None => return (None, line_end),
            }
        }
        (None, bytes.len())
    }

    fn emit(&mut self, block: &[u8], each: &mut dyn FnMut(Frame<'_>) -> Result<bool>) -> Result<bool> {
        if self.framing == Framing::Lines {
            let line = block.trim_ascii();
            return if line.is_empty() { Ok(true) } else { each(Frame { event: None, data: line }) };
        }
        self.event.clear();
        let mut first: Option<&[u8]> = None;
        let mut several = false;
        for line in lines(block) {
            if let Some(value) = field(line, b"data") {
                match first {
                    None => first = Some(value),
                    Some(one) => {
                        if !several {
                            self.joined.clear();
                            self.joined.extend_from_slice(one);
                            several = true;
                        }
                        self.joined.push(b'\n');
                        self.joined.extend_from_slice(value);
                    }
                }
            } else if let Some(value) = field(line, b"event") {
                self.event.push_str(&String::from_utf8_lossy(value));
            }
        }
        let Some(first) = first else {
            // Comments and empty events (STR-11); they still refresh the idle timer (RSN-08).
            return Ok(true);
        };
        let data = if several { self.joined.as_slice() } else { first };
        let event = (!self.event.is_empty()).then_some(self.event.as_str());
        each(Frame { event, data })
    }

    /// Hands out whole messages; those inside one read without a copy.
    fn push_messages(
        &mut self,
        mut read: Bytes,
        each: &mut dyn FnMut(Frame<'_>) -> Result<bool>,
    ) -> Result<bool> {
        if self.buffer.is_empty() {
            while let Some(length) = event_stream::length(&read, self.limit)?.filter(|n| *n <= read.len()) {
                if !emit_message(&read.split_to(length), each)? {
                    return Ok(false);
                }
            }
            self.buffer.extend_from_slice(&read);
            return Ok(true);
        }
        self.buffer.extend_from_slice(&read);
        while let Some(length) =
            event_stream::length(&self.buffer, self.limit)?.filter(|n| *n <= self.buffer.len())
        {
            if !emit_message(&self.buffer.split_to(length), each)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn drain_array(&mut self, each: &mut dyn FnMut(Frame<'_>) -> Result<bool>) -> Result<bool> {
        let Some(scan) = self.array.as_mut() else { return Ok(true) };
        loop {
            if scan.element.is_none() {
                // Between elements: brackets, commas and space.
                let skip = memchr(b'{', &self.buffer).unwrap_or(self.buffer.len());
                scan.count_lists(&self.buffer[..skip]);
                self.buffer.advance(skip);
                self.searched = 0;
                if self.buffer.is_empty() {
                    return Ok(true);
                }
            }
            let element = scan.element.get_or_insert_default();
            let Some(end) = element.end(&self.buffer, self.searched) else {
                self.searched = self.buffer.len();
                return self.check_limit();
            };
            let element = self.buffer.split_to(end);
            self.searched = 0;
            scan.element = None;
            if !each(Frame { event: None, data: &element })? {
                return Ok(false);
            }
        }
    }
}

impl ArrayScan {
    fn count_lists(&mut self, between: &[u8]) {
        for byte in between {
            match byte {
                b'[' => self.lists += 1,
                b']' => self.lists = self.lists.saturating_sub(1),
                _ => {}
            }
        }
    }
}

fn emit_message(message: &[u8], each: &mut dyn FnMut(Frame<'_>) -> Result<bool>) -> Result<bool> {
    let (event, data) = event_stream::parse(message)?;
    each(Frame { event: Some(&event), data })
}

fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(end) = memchr2(b'\n', b'\r', rest) else {
            return Some(std::mem::take(&mut rest));
        };
        let line = &rest[..end];
        let skip = if rest[end] == b'\r' && rest.get(end + 1) == Some(&b'\n') { 2 } else { 1 };
        rest = &rest[end + skip..];
        Some(line)
    })
}

/// The value of a field line, without the one space that may follow the colon.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(framing: Framing, pieces: &[&[u8]]) -> Vec<(Option<String>, String)> {
        let mut frames = Frames::new(framing);
        let mut seen = Vec::new();
        let mut each = |frame: Frame<'_>| {
            seen.push((frame.event.map(str::to_owned), String::from_utf8_lossy(frame.data).into_owned()));
            Ok(true)
        };
        for piece in pieces {
            frames.push(Bytes::copy_from_slice(piece), &mut each).unwrap();
        }
        frames.finish(&mut each).unwrap();
        seen
    }

    fn any_split(framing: Framing, stream: &[u8]) -> Vec<(Option<String>, String)> {
        let whole = run(framing, &[stream]);
        let bytewise: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(run(framing, &bytewise), whole, "byte by byte");
        for size in 2..17 {
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            assert_eq!(run(framing, &pieces), whole, "pieces of {size}");
        }
        for at in 0..=stream.len() {
            assert_eq!(run(framing, &[&stream[..at], &stream[at..]]), whole, "cut at {at}");
        }
        whole
    }

    #[test]
    fn str_11_any_line_ending_comments_and_a_missing_last_blank_line() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!(
                ": hello{end}{end}event: a{end}data: one{end}{end}data: two{end}data:three{end}id: 9{end}{end}data: vier \u{e4}{end}"
            );
            let seen = any_split(Framing::Sse, text.as_bytes());
            assert_eq!(
                seen,
                [(Some("a".into()), "one".into()), (None, "two\nthree".into()), (None, "vier \u{e4}".into())],
                "{end:?}"
            );
        }
    }

    #[test]
    fn str_11_a_byte_order_mark_is_skipped() {
        assert_eq!(any_split(Framing::Sse, b"\xEF\xBB\xBFdata: x\n\n"), [(None, "x".into())]);
    }

    #[test]
    fn str_13_an_event_over_the_limit_is_an_error() {
        let mut frames = Frames::with_limit(Framing::Sse, 100);
        let mut each = |_: Frame<'_>| Ok(true);
        let mut failed = false;
        for _ in 0..30 {
            if frames.push(Bytes::from_static(b"data: xxxxxxxx"), &mut each).is_err() {
                failed = true;
                break;
            }
        }
        assert!(failed);
    }

    #[test]
    fn gem_27_an_array_is_cut_into_its_elements() {
        let text = br#" [{"a": "}{\"["} ,
            {"b": {"c": [1, {"d": 2}]}}]"#;
        let seen = any_split(Framing::SseOrArray, text);
        assert_eq!(
            seen,
            [(None, r#"{"a": "}{\"["}"#.into()), (None, r#"{"b": {"c": [1, {"d": 2}]}}"#.into())]
        );
        assert_eq!(any_split(Framing::SseOrArray, b"\n\ndata: {}\n\n"), [(None, "{}".into())]);
    }

    #[test]
    fn str_14_an_array_that_is_cut_is_no_whole_stream() {
        for text in [r#"[{"a":1},{"b":"#, r#"[{"a":1},"#, r#"[{"a":1}"#, "[", r#"{"a":"#] {
            let mut frames = Frames::new(Framing::SseOrArray);
            let mut each = |_: Frame<'_>| Ok(true);
            frames.push(Bytes::from_static(text.as_bytes()), &mut each).unwrap();
            let error = frames.finish(&mut each).expect_err(text);
            assert_eq!(error.kind(), Kind::Connection, "{text}");
        }
        for whole in ["[]", "[{}]\n", "{}\n{}", "[{}]\n[{}]"] {
            any_split(Framing::SseOrArray, whole.as_bytes());
        }
    }

    #[test]
    fn lines_of_json() {
        assert_eq!(
            any_split(Framing::Lines, b"{\"a\":1}\r\n\n{\"b\":2}"),
            [(None, "{\"a\":1}".into()), (None, "{\"b\":2}".into())]
        );
    }
}
