//! `guardrailConfig`: `invoke` takes it in headers (BED-24).

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::hub::ChatRequest;
use crate::json::str_at;

/// The keyword as headers. Bodies never hold it.
pub fn put(request: &ChatRequest, headers: &mut HeaderMap) -> Result<()> {
    let Some(given) = request.extra.get("guardrailConfig") else { return Ok(()) };
    let wrong = || {
        Error::bad_request(
            "Invalid 'guardrailConfig': expected an object with 'guardrailIdentifier', 'guardrailVersion' and 'trace'.",
        )
        .with_param("guardrailConfig")
    };
    let Value::Object(config) = given else { return Err(wrong()) };
    for (key, name) in [
        ("guardrailIdentifier", HeaderName::from_static("x-amzn-bedrock-guardrailidentifier")),
        ("guardrailVersion", HeaderName::from_static("x-amzn-bedrock-guardrailversion")),
        ("trace", HeaderName::from_static("x-amzn-bedrock-trace")),
    ] {
        let Some(value) = str_at(config, key) else { continue };
        let value = if key == "trace" { value.to_ascii_uppercase() } else { value.to_owned() };
        headers.insert(name, HeaderValue::try_from(value).map_err(|_| wrong())?);
    }
    Ok(())
}
