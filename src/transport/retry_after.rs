//! What a reply says about when to try again (ERR-09, ERR-10, ERR-12).

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// The wait a reply asks for: `retry-after-ms`, else `retry-after` as seconds or as an HTTP date.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(wait) = text("retry-after-ms").and_then(|value| value.trim().parse::<f64>().ok()) {
        return positive(wait / 1000.0);
    }
    let value = text("retry-after")?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return positive(seconds);
    }
    httpdate::parse_http_date(value).ok()?.duration_since(now).ok()
}

fn positive(seconds: f64) -> Option<Duration> {
    (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

/// Whether a status is worth another try: the server's own word first, then the status (ERR-09).
pub fn should_retry(status: u16, headers: &HeaderMap) -> bool {
    match headers.get("x-should-retry").and_then(|value| value.to_str().ok()) {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(status, 408 | 409 | 429) || status >= 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn err_10_waits_in_all_their_spellings() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let wait = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), now);
        assert_eq!(wait(&[("retry-after-ms", "15"), ("retry-after", "9")]), Some(Duration::from_millis(15)));
        assert_eq!(wait(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
        let date = httpdate::fmt_http_date(now + Duration::from_secs(30));
        assert_eq!(wait(&[("retry-after", &date)]), Some(Duration::from_secs(30)));
        assert_eq!(wait(&[("retry-after", "-3")]), None);
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn err_09_the_servers_word_wins() {
        assert!(should_retry(429, &headers(&[])));
        assert!(should_retry(529, &headers(&[])));
        assert!(!should_retry(400, &headers(&[])));
        assert!(!should_retry(500, &headers(&[("x-should-retry", "false")])));
        assert!(should_retry(400, &headers(&[("x-should-retry", "true")])));
    }
}
