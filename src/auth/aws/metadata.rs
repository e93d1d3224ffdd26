//! Keys that a machine or a container is given, from a service on a link-local address.

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Credentials;
use crate::auth::Secret;
use crate::config::{self, Environment};
use crate::dates;
use crate::error::{Error, Kind, Result};
use crate::json::{Map, str_at};
use crate::wires::{HttpCall, HttpReply};

const MACHINE: &str = "http://169.254.169.254";
const CONTAINER: &str = "http://169.254.170.2";
const PATH: &str = "/latest/meta-data/iam/security-credentials/";
/// How long a session with the machine's service lasts, in seconds.
const SESSION: &str = "21600";
const SESSION_HEADER: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const SESSION_LENGTH: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");

/// Which of the services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataSource {
    Container { url: String, authorization: Option<Secret>, authorization_file: Option<String> },
    Machine { base: String },
}

/// The calls, one after the other, and what their replies hold.
#[derive(Debug)]
pub struct Metadata;

impl Metadata {
    /// The container's service where its variables are set; the machine's unless it is turned off.
    pub fn find(environment: &dyn Environment) -> Option<MetadataSource> {
        let relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let url = relative
            .map(|path| format!("{CONTAINER}{path}"))
            .or_else(|| environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").filter(|url| is_local(url)));
        if let Some(url) = url {
            return Some(MetadataSource::Container {
                url,
                authorization: environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new),
                authorization_file: environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
            });
        }
        if config::switch(environment, "AWS_EC2_METADATA_DISABLED") {
            return None;
        }
        let base = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let base = base.as_deref().unwrap_or(MACHINE).trim_end_matches('/').to_owned();
        Some(MetadataSource::Machine { base })
    }

    /// Asks the container's service.
    pub fn container(url: &str, authorization: Option<&Secret>) -> Result<HttpCall> {
        let mut call = get(url.to_owned());
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::try_from(authorization.expose())
                .map_err(|_| Error::new(Kind::Authentication, "the container's token is no header value"))?;
            value.set_sensitive(true);
            call.headers.insert(http::header::AUTHORIZATION, value);
        }
        Ok(call)
    }

    /// Opens a session with the machine's service.
    pub fn session(base: &str) -> HttpCall {
        let mut call = get(format!("{base}/latest/api/token"));
        call.method = Method::PUT;
        call.headers.insert(SESSION_LENGTH, HeaderValue::from_static(SESSION));
        call
    }

    /// Asks for the names of the machine's roles.
    pub fn roles(base: &str, session: &str) -> HttpCall {
        with_session(get(format!("{base}{PATH}")), session)
    }

    /// Asks for the keys of a role.
    pub fn keys(base: &str, session: &str, role: &str) -> HttpCall {
        with_session(get(format!("{base}{PATH}{role}")), session)
    }

    /// The first line of a reply; nothing when it is no success.
    pub fn line(reply: &HttpReply) -> Option<String> {
        if reply.status != 200 {
            return None;
        }
        let text = std::str::from_utf8(&reply.body).ok()?;
        text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    pub fn credentials(reply: &HttpReply) -> Option<Credentials> {
        let map = serde_json::from_slice::<Map>(&reply.body).ok().filter(|_| reply.status == 200)?;
        Some(Credentials {
            access_key_id: str_at(&map, "AccessKeyId")?.to_owned(),
            secret_access_key: Secret::new(str_at(&map, "SecretAccessKey")?),
            session_token: str_at(&map, "Token").map(Secret::new),
            expires: dates::expiry(
                map.get("Expiration")
                    .filter(|value| !value.is_null())
                    .map(|value| value.as_str().unwrap_or_default()),
            ),
        })
    }

    /// The service gave none.
    pub fn nothing() -> Error {
        super::chain::nothing()
    }
}

/// Tokens for keys go to this machine or over TLS, to nobody else.
fn is_local(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    match url.host() {
        Some(url::Host::Ipv4(address)) => {
            address.is_loopback() || address.is_link_local() || url.scheme() == "https"
        }
        Some(url::Host::Ipv6(address)) => address.is_loopback() || url.scheme() == "https",
        Some(url::Host::Domain(name)) => name == "localhost" || url.scheme() == "https",
        None => false,
    }
}

fn get(url: String) -> HttpCall {
    HttpCall {
        rest: Vec::new(),
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    }
}

fn with_session(mut call: HttpCall, session: &str) -> HttpCall {
    if let Ok(value) = HeaderValue::try_from(session) {
        call.headers.insert(SESSION_HEADER, value);
    }
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &'static str) -> HttpReply {
        HttpReply { status, headers: HeaderMap::new(), body: body.into() }
    }

    #[test]
    fn keys_of_a_machine() {
        let found = Metadata::credentials(&reply(
            200,
            r#"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2030-01-01T00:00:00Z"}"#,
        ))
        .unwrap();
        assert_eq!(found.access_key_id, "A");
        assert!(found.expires.is_some());
        assert_eq!(Metadata::credentials(&reply(404, "{}")), None);
        assert_eq!(Metadata::credentials(&reply(200, "<html>")), None);
        assert_eq!(Metadata::line(&reply(200, "role\nother")).as_deref(), Some("role"));
        assert_eq!(Metadata::line(&reply(403, "role")), None);
        let call = Metadata::keys(MACHINE, "session", "role");
        assert_eq!(call.url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/role");
        assert_eq!(call.headers[SESSION_HEADER], "session");
    }

    #[test]
    fn a_containers_service_is_near_or_over_tls() {
        for near in
            ["http://127.0.0.1/x", "http://169.254.170.23/v1", "http://localhost:1/x", "https://a.example/x"]
        {
            assert!(is_local(near), "{near}");
        }
        for far in ["http://a.example/x", "http://10.0.0.1/x", "nonsense"] {
            assert!(!is_local(far), "{far}");
        }
    }
}
