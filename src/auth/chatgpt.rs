//! A ChatGPT subscription: the token of a login, which another program has made and renews.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Secret;
use crate::error::{Error, Kind, Result};
use crate::json::{Map, str_at};

/// Whose login it is.
#[derive(Debug)]
pub struct Login {
    pub token: Secret,
    pub account: Option<String>,
}

/// Reads a login. It is never renewed here: the token that renews it is spent by that, and its owner would be left
/// with none.
pub fn login(path: &Path, now: SystemTime) -> Result<Login> {
    let missing = |what: &str| {
        let how = "log in with LiteLLM once, set CHATGPT_TOKEN_DIR, or pass `api_key`";
        Error::new(
            Kind::Authentication,
            format!("ChatGPT needs a login, and '{}' {what}: {how}.", path.display()),
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| missing("cannot be read").with_source(error))?;
    let login: Map = serde_json::from_str(&text).unwrap_or_default();
    let Some(token) = str_at(&login, "access_token").filter(|token| !token.is_empty()) else {
        return Err(missing("holds none"));
    };
    let end = login.get("expires_at").and_then(serde_json::Value::as_f64);
    let end = end.and_then(|end| Duration::try_from_secs_f64(end).ok());
    if end.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(end)).is_some_and(|end| end <= now) {
        return Err(missing("holds one that has expired"));
    }
    Ok(Login { token: Secret::new(token), account: str_at(&login, "account_id").map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_until_it_expires() {
        let path = std::env::temp_dir().join(format!("ferrolite-chatgpt-{}", std::process::id()));
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let words = |seconds| login(&path, at(seconds)).unwrap_err().message().to_owned();
        assert!(words(0).contains("cannot be read") && words(0).contains("CHATGPT_TOKEN_DIR"));
        std::fs::write(&path, r#"{"access_token": "t", "expires_at": 1800.5, "account_id": "a"}"#).unwrap();
        let found = login(&path, at(1800)).unwrap();
        let late = words(1801);
        std::fs::write(&path, "nonsense").unwrap();
        let none = words(0);
        std::fs::remove_file(&path).unwrap();
        assert_eq!((found.token.expose(), found.account.as_deref()), ("t", Some("a")));
        assert!(late.contains("expired"), "{late}");
        assert!(none.contains("holds none"), "{none}");
    }
}
