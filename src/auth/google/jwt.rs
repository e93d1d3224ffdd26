//! Assertions of service accounts: JSON web tokens that are signed with RSA.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{SCOPE, unusable};
use crate::auth::{Secret, rsa};
use crate::error::Result;

/// How long an assertion can be used, in seconds: as long as Google allows.
const LIFE: u64 = 3600;

/// Says that `email` asks `audience` for a token, signed with its private key (in PEM).
pub fn assertion(
    email: &str,
    key_id: Option<&str>,
    key: &Secret,
    audience: &str,
    now: SystemTime,
) -> Result<Secret> {
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(id), Value::Object(header)) = (key_id, &mut header) {
        header.insert("kid".to_owned(), id.into());
    }
    let claims =
        json!({"iss": email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now.saturating_add(LIFE)});
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encoded(&header), encoded(&claims));
    let signature = URL_SAFE_NO_PAD.encode(
        rsa::sign(key, message.as_bytes()).map_err(|what| unusable(&format!("'private_key' {what}")))?,
    );
    Ok(Secret::new(format!("{message}.{signature}")))
}
