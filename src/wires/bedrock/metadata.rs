//! `requestMetadata`: what Bedrock's logs are filtered by. Refused here, where it can be said what is wrong.

use serde_json::Value;

use crate::error::{Error, Result};

const ITEMS: usize = 16;
const LENGTH: usize = 256;

/// Checks a keyword of the body's top, where there is something to check.
pub fn check(keyword: &str, value: &Value) -> Result<()> {
    if keyword != "requestMetadata" {
        return Ok(());
    }
    let wrong = |what: String| Err(Error::bad_request(what).with_param("requestMetadata"));
    let Value::Object(map) = value else { return wrong("requestMetadata must be a dictionary".to_owned()) };
    if map.len() > ITEMS {
        return wrong(format!("requestMetadata can contain a maximum of {ITEMS} items"));
    }
    for (key, value) in map {
        let Value::String(text) = value else {
            return wrong("requestMetadata keys and values must be strings".to_owned());
        };
        if key.is_empty() || !is_plain(key) {
            return wrong(format!(
                "requestMetadata key '{key}' must be 1-{LENGTH} characters of [a-zA-Z0-9\\s:_@$#=/+,.-]"
            ));
        }
        if !is_plain(text) {
            return wrong(format!(
                "requestMetadata value for key '{key}' must be 0-{LENGTH} characters of [a-zA-Z0-9\\s:_@$#=/+,.-]"
            ));
        }
    }
    Ok(())
}

fn is_plain(text: &str) -> bool {
    text.len() <= LENGTH
        && text.chars().all(|symbol| {
            symbol.is_ascii_alphanumeric() || symbol.is_ascii_whitespace() || ":_@$#=/+,.-".contains(symbol)
        })
}
