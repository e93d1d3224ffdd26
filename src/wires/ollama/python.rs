//! Values as Python writes them: prompts that models have been tried out with are made of this.

use std::fmt::{self, Write as _};

use serde_json::{Number, Value};

/// A value as a Python literal.
#[derive(Debug, Clone, Copy)]
pub struct Literal<'a>(pub &'a Value);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("None"),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::Number(number) => write_number(number, f),
            Value::String(text) => write_text(text, f),
            Value::Array(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", Literal(item))?;
                }
                f.write_str("]")
            }
            Value::Object(map) => {
                f.write_str("{")?;
                for (at, (key, value)) in map.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    write_text(key, f)?;
                    write!(f, ": {}", Literal(value))?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_number(number: &Number, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = number.to_string();
    // An exponent has a sign and two digits.
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent.strip_prefix('+').unwrap_or(exponent)),
            };
            write!(f, "{digits}e{sign}{exponent:0>2}")
        }
        None => f.write_str(&text),
    }
}

/// In single quotes, unless that would need an escape and double quotes would not.
fn write_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    write!(f, "{quote}")?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    write!(f, "{quote}")
}

/// JSON text with everything beyond ASCII escaped.
pub fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0u16; 2];
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals() {
        let value = json!({"a": [1, 2.5, 1e20, 1e-7, true, null], "it's": "it's \"d\" ü\n", "b": "it's", "c": "\u{1}\\"});
        assert_eq!(
            Literal(&value).to_string(),
            r#"{'a': [1, 2.5, 1e+20, 1e-07, True, None], "it's": 'it\'s "d" ü\n', 'b': "it's", 'c': '\x01\\'}"#
        );
    }

    #[test]
    fn escapes_beyond_ascii() {
        assert_eq!(ascii("{\"a\": \"ü😀\"}"), "{\"a\": \"\\u00fc\\ud83d\\ude00\"}");
    }
}
