//! The token service: short-lived keys for a role.

use std::time::SystemTime;

use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::chain::Role;
use super::{Credentials, sigv4};
use crate::auth::Secret;
use crate::dates;
use crate::error::{Error, Kind, Result};
use crate::json::cut;
use crate::wires::{HttpCall, HttpReply};

/// How long the keys last, in seconds.
const DURATION: &str = "3600";
/// How much of a refusal an error shows.
const SHOWN: usize = 500;

/// Asks for a role, signed with keys.
pub fn assume_role(role: &Role, keys: &Credentials, region: &str, now: SystemTime) -> Result<HttpCall> {
    let mut form = form("AssumeRole", role);
    if let Some(id) = &role.external_id {
        form.append_pair("ExternalId", id);
    }
    let mut call = call(role, form.finish());
    sigv4::sign(&mut call, keys, region, "sts", now)?;
    Ok(call)
}

/// Asks for a role with another identity provider's token, which signs for itself.
pub fn web_identity(role: &Role, token: &Secret) -> HttpCall {
    let mut form = form("AssumeRoleWithWebIdentity", role);
    form.append_pair("WebIdentityToken", token.expose());
    call(role, form.finish())
}

/// The keys in an answer; it is XML.
pub fn read_credentials(reply: &HttpReply) -> Result<Credentials> {
    let text = String::from_utf8_lossy(&reply.body);
    let keys = (|| {
        Some(Credentials {
            access_key_id: tag(&text, "AccessKeyId")?.to_owned(),
            secret_access_key: Secret::new(tag(&text, "SecretAccessKey")?),
            session_token: Some(Secret::new(tag(&text, "SessionToken")?)),
            expires: dates::expiry(tag(&text, "Expiration")),
        })
    })();
    if let Some(keys) = keys.filter(|_| reply.status == 200) {
        return Ok(keys);
    }
    let code = tag(&text, "Code").unwrap_or("no keys in the answer");
    let message = tag(&text, "Message").unwrap_or_default();
    let what = format!("the role could not be taken: {code} {}", cut(message, SHOWN));
    let kind = match reply.status {
        403 if code == "AccessDenied" => Kind::PermissionDenied,
        400..=499 => Kind::Authentication,
        _ => Kind::ServiceUnavailable,
    };
    Err(Error::new(kind, what.trim_end()))
}

fn form<'a>(action: &str, role: &Role) -> url::form_urlencoded::Serializer<'a, String> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action)
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", &role.arn)
        .append_pair("RoleSessionName", &role.session)
        .append_pair("DurationSeconds", DURATION);
    form
}

fn call(role: &Role, form: String) -> HttpCall {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    HttpCall {
        rest: Vec::new(),
        method: Method::POST,
        url: format!("{}/", role.sts),
        headers,
        body: form.into(),
    }
}

/// The text of the first element of a name. Keys and dates hold nothing that XML would escape.
fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let begin = text.find(&format!("<{name}>"))? + name.len() + 2;
    let rest = text.get(begin..)?;
    rest.get(..rest.find(&format!("</{name}>"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> Role {
        Role {
            arn: "arn:aws:iam::1:role/r".into(),
            session: "me".into(),
            external_id: Some("x&y".into()),
            sts: "https://sts.us-east-1.amazonaws.com".into(),
        }
    }

    fn reply(status: u16, body: &'static str) -> HttpReply {
        HttpReply { status, headers: HeaderMap::new(), body: body.into() }
    }

    #[test]
    fn a_role_is_asked_for_with_a_signature_or_a_token() {
        let keys = Credentials {
            access_key_id: "A".into(),
            secret_access_key: Secret::new("s"),
            session_token: None,
            expires: None,
        };
        let call = assume_role(&role(), &keys, "us-east-1", SystemTime::UNIX_EPOCH).unwrap();
        let body = std::str::from_utf8(&call.body).unwrap();
        assert!(body.contains("Action=AssumeRole&"), "{body}");
        assert!(body.contains("ExternalId=x%26y"), "{body}");
        assert!(call.headers["authorization"].to_str().unwrap().contains("/us-east-1/sts/aws4_request"));
        let call = web_identity(&role(), &Secret::new("jwt"));
        assert!(std::str::from_utf8(&call.body).unwrap().contains("WebIdentityToken=jwt"));
        assert!(!call.headers.contains_key("authorization"));
    }

    #[test]
    fn keys_and_refusals() {
        let keys = read_credentials(&reply(
            200,
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S/+=\
             </SecretAccessKey><SessionToken>T</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>\
             </Credentials></AssumeRoleResult></AssumeRoleResponse>",
        ))
        .unwrap();
        assert_eq!((keys.access_key_id.as_str(), keys.secret_access_key.expose()), ("A", "S/+="));
        assert!(keys.expires.is_some());
        let refusal = "<Error><Code>AccessDenied</Code><Message>not you</Message></Error>";
        let error = read_credentials(&reply(403, refusal)).unwrap_err();
        assert_eq!(error.kind(), Kind::PermissionDenied);
        assert!(error.message().contains("not you"), "{error}");
        assert_eq!(read_credentials(&reply(400, "?")).unwrap_err().kind(), Kind::Authentication);
        assert_eq!(read_credentials(&reply(503, "")).unwrap_err().kind(), Kind::ServiceUnavailable);
    }
}
