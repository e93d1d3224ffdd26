//! Small helpers over serde_json values. No behaviour of any provider.

mod tree;

use serde_json::Value;

pub use tree::{Fields, Tree};

/// A JSON object in the order it was written.
pub type Map = serde_json::Map<String, Value>;

/// What a value is, in the words of an error message.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The string under a key; `None` when it is absent, null or something else.
pub fn str_at<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

/// The string under a key, taken out of the map; other values stay.
pub fn take_string(map: &mut Map, key: &str) -> Option<String> {
    if !map.get(key)?.is_string() {
        return None;
    }
    match map.shift_remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A count under a key: absent and null are zero (USG-10), floats are cut.
pub fn count_at(map: &Map, key: &str) -> u64 {
    map.get(key).map_or(0, count_of)
}

/// The most that a count can be: beyond any sense, and small enough that sums of counts do not overflow.
const COUNT_LIMIT: u64 = 1 << 40;

/// A token count however the provider writes it; anything that is none is zero (USG-10).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of u64 first"
)]
pub fn count_of(value: &Value) -> u64 {
    let count = value.as_u64().or_else(|| value.as_f64().map(|f| f.max(0.0) as u64));
    count.unwrap_or(0).min(COUNT_LIMIT)
}

/// Cuts a text at a character boundary, for messages and logs.
pub fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// An object of these entries. Unlike `json!` it takes the values, and copies none.
pub fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// JSON text with a space after each comma and colon, as Python writes it.
pub fn spaced(value: &Value) -> String {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_array_value<W: ?Sized + std::io::Write>(
            &mut self,
            out: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            out.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_key<W: ?Sized + std::io::Write>(
            &mut self,
            out: &mut W,
            first: bool,
        ) -> std::io::Result<()> {
            out.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
            out.write_all(b": ")
        }
    }
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    match serde::Serialize::serialize(value, &mut serializer) {
        Ok(()) => String::from_utf8(out).unwrap_or_else(|_| value.to_string()),
        Err(_) => value.to_string(),
    }
}
