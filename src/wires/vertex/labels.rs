//! The caller's id of a request, as labels: all that Vertex AI repeats of it beside the request itself.
//!
//! A label holds 63 letters, digits and dashes, none in upper case. One tells people the id, as far as that goes; others
//! hold its bytes, in base 32.

use serde_json::Value;

use crate::json::{Map, str_at};

const SHOWN: &str = "litellm_custom_id";
const EXACT: &str = "litellm_custom_id_raw";
const MARK: &str = "b32_";
const LIMIT: usize = 63;
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Writes the id into the labels of a request.
pub fn put(request: &mut Map, id: &str) {
    let labels = request.entry("labels").or_insert_with(|| Map::new().into());
    let Value::Object(labels) = labels else { return };
    let lower = id.to_lowercase();
    let shown = lower.chars().map(|letter| match letter {
        'a'..='z' | '0'..='9' | '_' | '-' => letter,
        _ => '_',
    });
    labels.insert(SHOWN.to_owned(), shown.take(LIMIT).collect::<String>().into());
    let exact = encoded(id.as_bytes());
    for (index, piece) in pieces(&exact).enumerate() {
        labels.insert(numbered(index), format!("{MARK}{piece}").into());
    }
}

/// The id that `put` wrote.
pub fn get(request: &Map) -> Option<String> {
    let labels = request.get("labels")?.as_object()?;
    let pieces = (0..).map_while(|index| str_at(labels, &numbered(index))?.strip_prefix(MARK));
    let exact: String = pieces.collect();
    let is_there = labels.contains_key(EXACT);
    let exact = is_there.then(|| decoded(&exact)).flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    exact.or_else(|| str_at(labels, SHOWN).map(str::to_owned))
}

fn numbered(index: usize) -> String {
    if index == 0 { EXACT.to_owned() } else { format!("{EXACT}_{index}") }
}

/// At least one, which may be empty.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let size = LIMIT - MARK.len();
    let count = text.len().div_ceil(size).max(1);
    (0..count).map(move |index| &text[index * size..text.len().min((index + 1) * size)])
}

fn encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(char::from(LETTERS[(bits >> held & 31) as usize]));
        }
    }
    if held > 0 {
        out.push(char::from(LETTERS[(bits << (5 - held) & 31) as usize]));
    }
    out
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 255).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels(id: &str) -> Value {
        let mut request = Map::new();
        put(&mut request, id);
        request["labels"].clone()
    }

    #[test]
    fn an_id_is_shown_and_kept_to_the_byte() {
        assert_eq!(
            labels("UPPER_Case.1"),
            json!({ "litellm_custom_id": "upper_case_1", "litellm_custom_id_raw": "b32_kvifarksl5bwc43ffyyq" })
        );
        assert_eq!(labels(""), json!({ "litellm_custom_id": "", "litellm_custom_id_raw": "b32_" }));
        let long = labels(&"x".repeat(80));
        assert_eq!(long["litellm_custom_id_raw_2"], "b32_dypb4hq6dy");
        for value in long.as_object().unwrap().values() {
            assert!(value.as_str().unwrap().len() <= LIMIT);
        }
    }

    #[test]
    fn any_id_comes_back() {
        for id in ["", "1", "UPPER_Case.1", "ü €", &"long ".repeat(50), "a\nb"] {
            let mut request = Map::new();
            put(&mut request, id);
            assert_eq!(get(&request).as_deref(), Some(id));
        }
        let Value::Object(shown) = json!({ "labels": { "litellm_custom_id": "only" } }) else { panic!() };
        assert_eq!(get(&shown).as_deref(), Some("only"));
        let Value::Object(broken) =
            json!({ "labels": { "litellm_custom_id": "x", "litellm_custom_id_raw": "b32_!" } })
        else {
            panic!()
        };
        assert_eq!(get(&broken).as_deref(), Some("x"));
        assert_eq!(get(&Map::new()), None);
    }
}
