//! How a request is to be treated: the server's options, and over them the `x-mock-…` headers of the request.
//! A header the mock does not know, or cannot read, is an error: a typo must not look like a passing test.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

use super::MockOptions;
use super::stream::Accident;

/// The most pieces an answer can be asked to have.
pub(super) const MAX_CHUNKS: usize = 100_000;
/// The longest wait, in milliseconds.
const MAX_WAIT: u64 = 3_600_000;
/// Keys of `x-mock-fail-times` remembered; the oldest is forgotten first.
const MAX_KEYS: usize = 1_024;

#[derive(Default)]
pub(super) struct Behaviour {
    pub(super) status: Option<StatusCode>,
    pub(super) retry_after: Option<HeaderValue>,
    pub(super) fail_times: Option<u32>,
    pub(super) key: String,
    pub(super) latency: Duration,
    pub(super) chunk_delay: Duration,
    pub(super) chunks: Option<usize>,
    pub(super) reply: Option<String>,
    pub(super) accident: Accident,
    pub(super) body: Option<BadBody>,
    pub(super) hang: bool,
}

/// A wrong body under a 200.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BadBody {
    Html,
    Empty,
    Truncated,
    InvalidUtf8,
    WrongTypes,
}

impl Behaviour {
    pub(super) fn new(options: &MockOptions, headers: &HeaderMap) -> Result<Self, String> {
        let mut behaviour = Self {
            latency: options.latency,
            chunk_delay: options.chunk_delay,
            chunks: options.chunks,
            ..Self::default()
        };
        for (name, value) in headers {
            if let Some(what) = name.as_str().strip_prefix("x-mock-") {
                behaviour.set(what, value).map_err(|wanted| format!("{name}: {wanted}"))?;
            }
        }
        Ok(behaviour)
    }

    /// Takes one header; the error says what was expected.
    fn set(&mut self, what: &str, value: &HeaderValue) -> Result<(), &'static str> {
        let text = String::from_utf8_lossy(value.as_bytes());
        let count = || text.parse::<usize>().map_err(|_| "a whole number is expected");
        let milliseconds = || match text.parse() {
            Ok(time @ 0..=MAX_WAIT) => Ok(Duration::from_millis(time)),
            _ => Err("milliseconds are expected, at most 3600000"),
        };
        match what {
            "status" => {
                let status = text.parse().ok().filter(|code| (400..=599).contains(code));
                let status = status.and_then(|code| StatusCode::from_u16(code).ok());
                self.status = Some(status.ok_or("a status from 400 to 599 is expected")?);
            }
            "retry-after" => self.retry_after = Some(value.clone()),
            "fail-times" => self.fail_times = Some(text.parse().map_err(|_| "a whole number is expected")?),
            "key" => self.key = text.into_owned(),
            "latency-ms" => self.latency = milliseconds()?,
            "chunk-delay-ms" => self.chunk_delay = milliseconds()?,
            "chunks" => {
                let chunks = count()?;
                if !(1..=MAX_CHUNKS).contains(&chunks) {
                    return Err("1 to 100000 is expected");
                }
                self.chunks = Some(chunks);
            }
            "reply" => self.reply = Some(text.into_owned()),
            "cut" => self.accident.cut = Some(count()?),
            "stream-error" => self.accident.error = Some(count()?),
            "body" => self.body = Some(BadBody::named(&text)?),
            "hang" => self.hang = text.parse().map_err(|_| "true or false is expected")?,
            _ => return Err("the mock has no such header, see docs/mock.md"),
        }
        Ok(())
    }
}

impl BadBody {
    fn named(name: &str) -> Result<Self, &'static str> {
        Ok(match name {
            "html" => Self::Html,
            "empty" => Self::Empty,
            "truncated" => Self::Truncated,
            "invalid-utf8" => Self::InvalidUtf8,
            "wrong-types" => Self::WrongTypes,
            _ => return Err("html, empty, truncated, invalid-utf8 or wrong-types is expected"),
        })
    }

    /// Turns a good body, or the bytes of a whole stream, into a bad one.
    pub(super) fn spoil(self, mut good: Vec<u8>, stream: bool) -> Vec<u8> {
        let middle = good.len() / 2;
        match self {
            Self::Html => {
                b"<!doctype html><html><title>Login</title><body>Log in to go on</body></html>".to_vec()
            }
            Self::Empty => Vec::new(),
            Self::Truncated => {
                good.truncate(middle);
                good
            }
            Self::InvalidUtf8 => {
                // Into a string value where there is one, so that only the bytes are wrong.
                let letter = |at: &usize| good.get(*at).is_some_and(u8::is_ascii_alphabetic);
                let at = (middle..good.len()).find(letter).unwrap_or(middle);
                good.splice(at..at, [0xff, 0xfe]);
                good
            }
            Self::WrongTypes => {
                let wrong: &[u8] = br#"{"id":7,"type":[],"choices":"none","content":{"a":1},"output":3,"candidates":"none","data":false,"usage":"many","usageMetadata":[]}"#;
                if stream { [b"data: ", wrong, b"\n\n"].concat() } else { wrong.to_vec() }
            }
        }
    }
}

/// How often each key of `x-mock-fail-times` has failed.
#[derive(Default)]
pub(super) struct Failures {
    counts: HashMap<String, u32>,
    order: VecDeque<String>,
}

impl Failures {
    /// Counts a request; true while it is one of the first `times`.
    pub(super) fn fails(&mut self, key: &str, times: u32) -> bool {
        if let Some(count) = self.counts.get_mut(key) {
            *count = count.saturating_add(1);
            return *count <= times;
        }
        if self.order.len() >= MAX_KEYS
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.order.push_back(key.to_owned());
        self.counts.insert(key.to_owned(), 1);
        times >= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_unreadable_headers_are_errors() {
        for (name, value) in
            [("x-mock-stats", "1"), ("x-mock-status", "200"), ("x-mock-chunks", "0"), ("x-mock-hang", "yes")]
        {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert!(Behaviour::new(&MockOptions::default(), &headers).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn failures_are_counted_by_key_and_bounded() {
        let mut failures = Failures::default();
        assert!(failures.fails("a", 2) && failures.fails("a", 2) && !failures.fails("a", 2));
        for key in 0..5_000 {
            assert!(failures.fails(&key.to_string(), 1));
        }
        assert_eq!((failures.counts.len(), failures.order.len()), (MAX_KEYS, MAX_KEYS));
    }
}
