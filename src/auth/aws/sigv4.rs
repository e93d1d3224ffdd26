//! Signature Version 4: the hash of a request, sealed with a key that is derived from the secret (BED-21).

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, DATE, HOST, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use url::Url;

use super::Credentials;
use crate::address;
use crate::dates;
use crate::error::{Error, Kind, Result};
use crate::wires::HttpCall;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs exactly what will be sent: the encoded path, the query, the body, and the headers that say what it is.
/// An `Authorization` that the caller gave stays, and nothing is signed then.
pub fn sign(
    call: &mut HttpCall,
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Result<()> {
    if call.headers.contains_key(AUTHORIZATION) {
        return Ok(());
    }
    let url = address::checked(&call.url)?;
    let stamp = dates::stamp(now);
    let day = &stamp[..8];
    call.headers.insert(AMZ_DATE, value(&stamp)?);
    if let Some(token) = &credentials.session_token {
        let mut token = value(token.expose())?;
        token.set_sensitive(true);
        call.headers.insert(AMZ_TOKEN, token);
    }
    let (names, headers) = canonical_headers(&call.headers, &url);
    let request = format!(
        "{}\n{}\n{}\n{headers}\n{names}\n{}",
        call.method,
        canonical_path(url.path()),
        canonical_query(&url),
        hex(&Sha256::digest(call.whole_body())),
    );
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let sealed = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let secret = format!("AWS4{}", credentials.secret_access_key.expose());
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    let signature = hex(&hmac(&key, sealed.as_bytes()));
    let id = &credentials.access_key_id;
    let mut authorization =
        value(&format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"))?;
    authorization.set_sensitive(true);
    call.headers.insert(AUTHORIZATION, authorization);
    Ok(())
}

/// How far our clock is behind the service's, when a refusal says that it is wrong (BED-21): seconds to add.
pub fn clock_offset(status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Option<i64> {
    if !matches!(status, 400 | 403) {
        return None;
    }
    let kind = headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let says = |words: &str| kind.contains(words) || text.contains(words);
    if !says("RequestTimeTooSkewed") && !says("Signature expired") && !says("Signature not yet current") {
        return None;
    }
    let theirs = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let seconds = |span: Duration| i64::try_from(span.as_secs()).ok();
    match theirs.duration_since(now) {
        Ok(behind) => seconds(behind),
        Err(ahead) => seconds(ahead.duration()).map(|ahead| -ahead),
    }
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(text).map_err(|_| {
        Error::new(Kind::Authentication, "the AWS keys hold characters that a header cannot carry")
    })
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// What is not unreserved is encoded, once more where it is encoded already: so the services expect it.
fn canonical_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 16);
    encode(path, b"/", &mut out);
    out
}

fn canonical_query(url: &Url) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let (mut left, mut right) = (String::new(), String::new());
            encode(&name, b"", &mut left);
            encode(&value, b"", &mut right);
            (left, right)
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn encode(text: &str, plain: &[u8], out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Signed are the host, the type of the content and AWS's own headers: others may be changed on the way.
fn canonical_headers(headers: &HeaderMap, url: &Url) -> (String, String) {
    let mut signed: Vec<(&str, String)> = Vec::new();
    for name in headers.keys().map(HeaderName::as_str) {
        if name == "content-type" || name.starts_with("x-amz-") {
            let values: Vec<String> = headers
                .get_all(name)
                .iter()
                .map(|value| {
                    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
                })
                .collect();
            signed.push((name, values.join(",")));
        }
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    signed.push(("host", host.unwrap_or_else(|| authority(url))));
    signed.sort();
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: Vec<String> = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    (names, lines.concat())
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Method;

    use super::*;
    use crate::auth::Secret;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            expires: None,
        }
    }

    /// 2015-08-30T12:36:00Z, the moment of the published examples.
    fn moment() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
    }

    fn signature(method: Method, url: &str, headers: &[(&'static str, &'static str)], body: &str) -> String {
        let mut call = HttpCall {
            rest: Vec::new(),
            method,
            url: url.into(),
            headers: headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        sign(&mut call, &credentials(), "us-east-1", "service", moment()).unwrap();
        let text = call.headers[AUTHORIZATION].to_str().unwrap().to_owned();
        text.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn bed_21_the_published_examples() {
        // From AWS's signature test suite: get-vanilla, get-vanilla-query-order-key-case, post-vanilla,
        // post-x-www-form-urlencoded.
        let get = |url| signature(Method::GET, url, &[], "");
        assert_eq!(
            get("https://example.amazonaws.com/"),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            get("https://example.amazonaws.com/?Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        assert_eq!(
            signature(Method::POST, "https://example.amazonaws.com/", &[], ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        assert_eq!(
            signature(
                Method::POST,
                "https://example.amazonaws.com/",
                &[("content-type", "application/x-www-form-urlencoded")],
                "Param1=value1"
            ),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    #[test]
    fn bed_21_an_encoded_model_is_encoded_once_more_in_the_signature() {
        assert_eq!(canonical_path("/model/arn%3Aaws%2Fx/converse"), "/model/arn%253Aaws%252Fx/converse");
    }

    #[test]
    fn bed_21_a_wrong_clock_is_told_by_the_services_date() {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static("Sun, 30 Aug 2015 12:46:00 GMT"));
        let body = br#"{"message":"Signature expired: 20150830T123600Z is now earlier than ..."}"#;
        assert_eq!(clock_offset(403, &headers, body, moment()), Some(600));
        assert_eq!(clock_offset(403, &headers, b"{}", moment()), None, "another refusal");
        assert_eq!(clock_offset(500, &headers, body, moment()), None);
        headers.insert(DATE, HeaderValue::from_static("Sun, 30 Aug 2015 12:26:00 GMT"));
        assert_eq!(clock_offset(403, &headers, body, moment()), Some(-600));
    }

    #[test]
    fn a_token_travels_signed_and_a_callers_own_authorization_stays() {
        let mut call = HttpCall {
            rest: Vec::new(),
            method: Method::POST,
            url: "http://127.0.0.1:8080/model/x/converse".into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let with_token = Credentials { session_token: Some(Secret::new("session")), ..credentials() };
        let mut own = call.clone();
        sign(&mut call, &with_token, "us-east-1", "bedrock", moment()).unwrap();
        let text = call.headers[AUTHORIZATION].to_str().unwrap();
        assert!(text.contains("SignedHeaders=host;x-amz-date;x-amz-security-token"), "{text}");
        assert_eq!(call.headers["x-amz-security-token"], "session");
        assert!(!format!("{call:?}").contains("Signature="), "headers that identify are sensitive");
        own.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer mine"));
        sign(&mut own, &with_token, "us-east-1", "bedrock", moment()).unwrap();
        assert_eq!(own.headers[AUTHORIZATION], "Bearer mine");
    }
}
