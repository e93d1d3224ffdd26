//! Data URLs and base64, read without a copy (GEN-28).

use crate::error::{Error, Result};

/// `data:image/png;base64,…`, its parameters left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataUrl<'a> {
    pub mime: &'a str,
    pub data: &'a str,
}

impl<'a> DataUrl<'a> {
    /// `None` for anything else, data without base64 included.
    pub fn parse(url: &'a str) -> Option<Self> {
        let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
        let mime = head.strip_suffix(";base64")?;
        Some(Self { mime: mime.split(';').next().unwrap_or_default(), data })
    }
}

/// What a provider takes beside the standard alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Also {
    Nothing,
    LineBreaks,
    /// `-` and `_` for `+` and `/`.
    UrlAlphabet,
}

impl Also {
    fn allows(self, byte: u8) -> bool {
        match self {
            Self::Nothing => false,
            Self::LineBreaks => matches!(byte, b'\n' | b'\r'),
            Self::UrlAlphabet => matches!(byte, b'-' | b'_'),
        }
    }
}

/// Alphabet, padding at the end only, and a possible length; nothing is decoded (GEN-28).
pub fn check_base64(data: &str, also: Also, path: &str) -> Result<()> {
    let wrong = |what: &str| Err(Error::invalid(path, &format!("the data is not base64: {what}")));
    let data = if also == Also::LineBreaks { data.trim_end() } else { data };
    let body = data.trim_end_matches('=');
    let mut symbols = 0usize;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            b'+' | b'/' => symbols += 1,
            byte if byte.is_ascii_alphanumeric() => symbols += 1,
            byte if also.allows(byte) => symbols += usize::from(also == Also::UrlAlphabet),
            _ => return wrong(&format!("an invalid character at position {at}")),
        }
    }
    match (symbols, data.len() - body.len()) {
        (0, _) => wrong("it is empty"),
        (_, 3..) => wrong("too much padding"),
        (symbols, _) if symbols % 4 == 1 => wrong("its end is missing"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_taken_apart() {
        let parsed = |url| DataUrl::parse(url).map(|url| (url.mime, url.data));
        assert_eq!(parsed("data:image/png;base64,AAAA"), Some(("image/png", "AAAA")));
        assert_eq!(parsed("data:text/plain;charset=utf-8;base64,AAAA"), Some(("text/plain", "AAAA")));
        assert_eq!(parsed("data:;base64,AAAA"), Some(("", "AAAA")));
        for other in ["data:image/png,abc", "https://x/;base64,AAAA", "AAAA", ""] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn gen_28_base64_is_checked_without_decoding() {
        let good = |data, also| check_base64(data, also, "p").is_ok();
        for data in ["AAAA", "aGk=", "aA==", "aGk", "+/+/"] {
            assert!(good(data, Also::Nothing), "{data}");
        }
        for data in ["", "=", "a b", "A=A=", "A===", "abcde", "aG\nk=", "-_-_"] {
            assert!(!good(data, Also::Nothing), "{data:?}");
        }
        assert!(good("aGkh\r\naGk=\n", Also::LineBreaks));
        assert!(!good("aGkh\naG-_", Also::LineBreaks));
        assert!(good("AA-_Aa0=", Also::UrlAlphabet));
        let error = check_base64("aG*k", Also::Nothing, "messages[0]").unwrap_err();
        assert_eq!(error.facts().param.as_deref(), Some("messages[0]"));
        assert!(error.message().contains("position 2"), "{error}");
    }
}
