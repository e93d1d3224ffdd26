//! What is passed on as it is: a provider's own interface, and addresses of the configuration's.
//!
//! The client's key ends here and the provider's takes its place; method, path, query, body and answer go through byte
//! for byte, both bodies no faster than they are taken. Where a request goes, the configuration or the provider's row
//! says: a path cannot leave its base.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::Limited;
use percent_encoding::percent_decode_str;
use url::Url;

use super::Context;
use crate::engine::{Keywords, Passage};
use crate::error::{Error, Kind, Result};
use crate::gateway::config::PassThrough;
use crate::gateway::{admission, body};
use crate::json::str_at;
use crate::providers;
use crate::router::Deployment;
use crate::transport;
use crate::wires::HttpCall;

/// The silence in an answer after which it is given up.
const SILENCE: Duration = Duration::from_secs(600);

/// Headers that say something of one connection only (RFC 9110, 7.6.1), or that are made anew for the next one.
const HOP: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers that prove who a client is: to the gateway, and to nobody else.
const PROOFS: [&str; 11] = [
    "api-key",
    "authorization",
    "cookie",
    "ocp-apim-subscription-key",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-api-key",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-litellm-api-key",
];

/// Headers of who stands between a client and the gateway.
const WAY: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// A model of each provider: a name of one is what says how a provider is spoken to.
const MODELS: [(&str, &str); 9] = [
    ("anthropic", "anthropic/claude-sonnet-4-5"),
    ("azure", "azure/gpt-4o"),
    ("bedrock", "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ("cohere", "cohere/command-r"),
    ("gemini", "gemini/gemini-2.5-flash"),
    ("groq", "groq/llama-3.1-8b-instant"),
    ("mistral", "mistral/mistral-small-latest"),
    ("openai", "openai/gpt-4o"),
    ("vertex_ai", "vertex_ai/gemini-2.5-flash"),
];

/// Paths of Bedrock's agents, which are served by a host of their own.
const OF_AGENTS: [&str; 6] =
    ["agents", "flows", "generateQuery", "knowledgebases", "rerank", "retrieveAndGenerate"];

/// The address of the configuration's that a path stands for.
pub fn own<'c>(all: &'c [PassThrough], path: &str) -> Option<&'c PassThrough> {
    if all.is_empty() {
        return None;
    }
    let is_it = |one: &&PassThrough| {
        let own = one.path.trim_end_matches('/');
        match path.strip_prefix(own) {
            Some("" | "/") => true,
            Some(rest) => one.include_subpath && rest.starts_with('/'),
            None => false,
        }
    };
    // Of two, the longer path is the more exact one.
    all.iter().filter(is_it).max_by_key(|one| one.path.len())
}

/// A provider's own interface.
pub async fn provider(context: Context<'_>, body: Body, provider: &'static str) -> Result<Response> {
    let path = context.parts.uri.path();
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(provider)).unwrap_or_default();
    let rest = checked(rest)?;
    let caller = context.gateway.caller(context.running);
    let passage = Passage::new(keywords(context, provider, rest), &caller.settings, caller.environment)?;
    let mut base = passage.target().base.clone();
    if provider == "bedrock" && OF_AGENTS.contains(&rest.split('/').next().unwrap_or_default()) {
        base = base.replacen("://bedrock-runtime.", "://bedrock-agent-runtime.", 1);
    }
    if provider == "azure" {
        // The deployment is the client's to name.
        base.truncate(base.find("/openai/deployments/").unwrap_or(base.len()));
    }
    let own_key = |name: &str, _: &str| name == "key";
    let query = query_without(context.parts.uri.query(), own_key, passage.query());
    let url = joined(&base, &head_of(&base, rest)?, rest, query.as_deref())?;
    // Who stands before the gateway is no business of a provider's either.
    let is_way = |name: &HeaderName| WAY.contains(&name.as_str());
    let headers = forwarded(&context.parts.headers, |name, _| !is_private(name) && !is_way(name));
    let call =
        HttpCall { method: context.parts.method.clone(), url, headers, body: Bytes::new(), rest: Vec::new() };
    let sent = if passage.signs_bodies() {
        let body = body::read(body, context.limit()).await?;
        caller.engine.pass(&passage, HttpCall { body, ..call }, None::<Sent>).await
    } else {
        let (call, body) = streamed(context, call, body)?;
        caller.engine.pass(&passage, call, Some(body)).await
    };
    Ok(answered(sent.map_err(unreachable_upstream)?))
}

/// An address of the configuration's.
pub async fn own_path(context: Context<'_>, body: Body) -> Result<Response> {
    let path = context.parts.uri.path();
    let not_there = || Error::new(Kind::NotFound, "There is nothing there.");
    let own = own(&context.running.config.pass_through, path).ok_or_else(not_there)?;
    let rest = path.strip_prefix(own.path.trim_end_matches('/')).unwrap_or_default();
    let rest = checked(rest)?;
    let presented = admission::presented(context.parts);
    let is_key = |value: &str| {
        own.auth && presented.as_deref() == Some(value)
            || context
                .running
                .config
                .general
                .master_key
                .as_ref()
                .is_some_and(|key| admission::is_same(value, key))
    };
    let query = query_without(context.parts.uri.query(), |name, value| name == "key" && is_key(value), &[]);
    let url = joined(&own.target, &path_of(&own.target)?, rest, query.as_deref())?;
    let mut headers = if own.forward_headers {
        forwarded(&context.parts.headers, |name, value| {
            let text = value.to_str().unwrap_or_default();
            // Where the gateway asks for no key, those that a client sends are the target's.
            !(is_ours(name) || own.auth && is_private(name) || is_key(admission::bearer(text)))
        })
    } else {
        let plain = [ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE];
        forwarded(&context.parts.headers, |name, _| plain.iter().any(|known| known == name))
    };
    for (name, value) in &own.headers {
        let wrong =
            || Error::new(Kind::Config, format!("The header '{name}' of {} cannot be sent.", own.path));
        let header = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    let call =
        HttpCall { method: context.parts.method.clone(), url, headers, body: Bytes::new(), rest: Vec::new() };
    let (call, body) = streamed(context, call, body)?;
    let caller = context.gateway.caller(context.running);
    let sent = caller.engine.pass_plain(call, Some(body)).await;
    Ok(answered(sent.map_err(unreachable_upstream)?))
}

/// What says where a provider is and with whose key it is asked: a deployment that is meant for it, else the environment.
fn keywords(context: Context<'_>, provider: &str, rest: &str) -> Keywords {
    let location = (provider == "vertex_ai").then(|| location_of(rest)).flatten();
    let view = context.running.router.view();
    let is_meant = |one: &&Arc<Deployment>| {
        let is_true =
            |value: &serde_json::Value| value.as_bool() == Some(true) || value.as_str() == Some("true");
        one.given.get("use_in_pass_through").is_some_and(is_true)
            && providers::split_model(&one.model, str_at(&one.params, "custom_llm_provider"))
                .is_ok_and(|(name, _)| name == provider)
    };
    let meant: Vec<&Arc<Deployment>> = view.table.deployments.iter().filter(is_meant).collect();
    let there = |one: &&&Arc<Deployment>| location.is_some() && one.region.as_deref() == location;
    let mut keywords = match meant.iter().find(there).or(meant.first()) {
        Some(deployment) => deployment.params.clone(),
        None => Keywords::new(),
    };
    keywords
        .retain(|name, _| name == "model" || crate::engine::is_steering(name) || name.starts_with("api_"));
    let model = MODELS.iter().find(|(name, _)| *name == provider).map_or("", |(_, model)| model);
    keywords.entry("model").or_insert_with(|| model.into());
    if let Some(location) = location {
        keywords.insert("vertex_location".to_owned(), location.into());
    }
    keywords
}

/// The location in a path of Google's, which is a host of its own.
fn location_of(path: &str) -> Option<&str> {
    let mut segments = path.split('/');
    segments.find(|segment| *segment == "locations")?;
    let location = segments.next()?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits =
        (1..=40).contains(&location.len()) && !location.starts_with('-') && location.bytes().all(is_name);
    fits.then_some(location)
}

/// The rest of a path, if it cannot lead out of its base: no empty segment, none that goes up, nothing that is no text.
fn checked(rest: &str) -> Result<&str> {
    let refused =
        || Error::bad_request("This path is not passed on: it has an empty segment, or one that leads up.");
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let mut text = rest.to_owned();
    for _ in 0..4 {
        let leads_out = |part: &str| matches!(part, "." | "..");
        if text.contains("//") || text.starts_with('/') || text.split(['/', '\\']).any(leads_out) {
            return Err(refused());
        }
        if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f || byte == b'\\') {
            return Err(refused());
        }
        let decoded = percent_decode_str(&text).decode_utf8().map_err(|_| refused())?.into_owned();
        if decoded == text {
            return Ok(rest);
        }
        text = decoded;
    }
    // Encoded over and over: nobody means that.
    Err(refused())
}

/// The query without what is the gateway's, and with what the provider wants and is not there. Pairs that stay are not
/// written anew.
fn query_without(
    query: Option<&str>,
    is_ours: impl Fn(&str, &str) -> bool,
    wanted: &[(String, String)],
) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = url::form_urlencoded::parse(pair.as_bytes()).next() else { continue };
        if !is_ours(&name, &value) {
            names.push(name.into_owned());
            kept.push(pair.to_owned());
        }
    }
    for (name, value) in wanted.iter().filter(|(name, _)| !names.contains(name)) {
        kept.push(url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish());
    }
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// An address of the configuration's, read.
fn parsed(base: &str) -> Result<Url> {
    Url::parse(base).map_err(|_| Error::new(Kind::Config, "The address that this stands for is none."))
}

/// The path of a base, without slashes around it.
fn path_of(base: &str) -> Result<String> {
    Ok(parsed(base)?.path().trim_matches('/').to_owned())
}

/// What of a provider's base stays before the rest of a path: a version in front of the rest takes the place of the
/// base's, and a base that is said twice is meant once.
fn head_of(base: &str, rest: &str) -> Result<String> {
    let own = path_of(base)?;
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let first = rest.split('/').next().unwrap_or_default();
    let (head, last) = own.rsplit_once('/').unwrap_or(("", &own));
    let is_said =
        rest.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !own.is_empty() && is_said {
        Ok(String::new())
    } else if is_version(last) && is_version(first) {
        Ok(head.to_owned())
    } else {
        Ok(own)
    }
}

/// The whole address: the base's host, `head`, and the rest.
fn joined(base: &str, head: &str, rest: &str, query: Option<&str>) -> Result<String> {
    let parsed = parsed(base)?;
    let mut path = String::with_capacity(head.len() + rest.len() + 2);
    for part in [head, rest].into_iter().filter(|part| !part.is_empty()) {
        path.push('/');
        path.push_str(part);
    }
    let mut url = format!("{}{path}", parsed.origin().ascii_serialization());
    let own_query = parsed.query().filter(|query| !query.is_empty());
    for (at, part) in own_query.into_iter().chain(query).enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        url.push_str(part);
    }
    // What the path does to an address is looked at, and not foreseen.
    let whole = Url::parse(&url).map_err(|_| Error::bad_request("That is no path."))?;
    if whole.origin() != parsed.origin() || !whole.path().trim_start_matches('/').starts_with(head) {
        return Err(Error::bad_request("This path is not passed on: it leads elsewhere."));
    }
    Ok(url)
}

fn is_private(name: &HeaderName) -> bool {
    PROOFS.contains(&name.as_str()) || is_ours(name)
}

fn is_ours(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-litellm-")
}

/// The headers that go on: none of this connection's, and of the others those that may.
fn forwarded(headers: &HeaderMap, may: impl Fn(&HeaderName, &HeaderValue) -> bool) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut out = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let is_hop = HOP.contains(&name.as_str()) || named.iter().any(|known| known == name.as_str());
        if !is_hop && may(name, value) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

/// A body on its way, within the limit.
struct Sent(Mutex<Limited<Body>>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
    ) -> Poll<Option<std::result::Result<http_body::Frame<Bytes>, Self::Error>>> {
        match self.0.get_mut() {
            Ok(body) => Pin::new(body).poll_frame(task),
            Err(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().is_ok_and(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.lock().map(|body| body.size_hint()).unwrap_or_default()
    }
}

fn streamed(context: Context<'_>, call: HttpCall, body: Body) -> Result<(HttpCall, Sent)> {
    let length =
        context.parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > context.limit() as u64) {
        return Err(body::too_large(context.limit()));
    }
    Ok((call, Sent(Mutex::new(Limited::new(body, context.limit())))))
}

/// What the upstream says, as it says it.
fn answered(reply: transport::Body) -> Response {
    let mut headers = forwarded(reply.headers(), |name, _| name.as_str() != "set-cookie");
    // Not a header of the way there, but of the body as it is.
    if let Some(length) = reply.headers().get(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, length.clone());
    }
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let read = stream::unfold(Some(reply), |reply| async move {
        let mut reply = reply?;
        match reply.read(SILENCE).await {
            Ok(Some(read)) => Some((Ok(read), Some(reply))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    let mut response = Response::new(Body::from_stream(read));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn unreachable_upstream(error: Error) -> Error {
    if error.kind() == Kind::Connection { error.with_status(502) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_its_base() {
        for path in [
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/a/%2E%2e%2fx",
            "/..%2fx",
            "/%252e%252e/x",
            "//host/x",
            "/a//b",
            "/a%2f%2fb",
            "/.",
            "/a/./b",
            "/a%5c..%5cb",
            "/a%0d%0ahost:x",
            "/%00",
            "/%25252525252e",
        ] {
            let rest = checked(path);
            assert!(rest.is_err(), "{path}: {rest:?}");
        }
        for path in ["/v1/messages", "/model/arn%3Aaws%3Abedrock%2Fx/converse", "/v1/files/a.b..c", "/x/", ""]
        {
            assert!(checked(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn an_address_is_the_base_and_the_rest() {
        for (base, rest, url) in [
            ("https://api.openai.com/v1", "chat/completions", "https://api.openai.com/v1/chat/completions"),
            (
                "https://api.openai.com/v1",
                "v1/chat/completions",
                "https://api.openai.com/v1/chat/completions",
            ),
            ("https://g.com/v1beta", "v1/models", "https://g.com/v1/models"),
            ("https://api.groq.com/openai/v1", "openai/v1/models", "https://api.groq.com/openai/v1/models"),
            ("https://api.anthropic.com", "v1/messages", "https://api.anthropic.com/v1/messages"),
            ("https://x.com/a?b=c", "d", "https://x.com/a/d?b=c"),
            ("https://x.com", "@evil.com/x", "https://x.com/@evil.com/x"),
            ("https://x.com", "http://evil.com", "https://x.com/http://evil.com"),
        ] {
            assert_eq!(joined(base, &head_of(base, rest).unwrap(), rest, None).unwrap(), url);
        }
        let literal =
            joined("https://x.com/a/v1", &path_of("https://x.com/a/v1").unwrap(), "v2/b", Some("c=d"));
        assert_eq!(
            literal.unwrap(),
            "https://x.com/a/v1/v2/b?c=d",
            "of the configuration's own nothing is replaced"
        );
        assert!(joined("https://x.com/a", "a", "..", None).is_err());
    }

    #[test]
    fn keys_leave_the_query_and_nothing_else_changes() {
        let ours = |name: &str, _: &str| name == "key";
        let version = [("api-version".to_owned(), "1".to_owned())];
        assert_eq!(
            query_without(Some("alt=sse&key=k&x=%20a+b"), ours, &[]).as_deref(),
            Some("alt=sse&x=%20a+b")
        );
        assert_eq!(query_without(Some("%6Bey=k"), ours, &[]), None);
        assert_eq!(query_without(None, ours, &version).as_deref(), Some("api-version=1"));
        assert_eq!(query_without(Some("api-version=2"), ours, &version).as_deref(), Some("api-version=2"));
    }

    #[test]
    fn headers_of_the_connection_stay_here() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("authorization", "Bearer k"),
            ("x-litellm-api-key", "k"),
            ("anthropic-version", "2023-06-01"),
            ("host", "gateway"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let sent = forwarded(&headers, |name, _| !is_private(name));
        assert_eq!(sent.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["anthropic-version"]);
    }

    #[test]
    fn a_location_is_a_name_or_none() {
        assert_eq!(location_of("v1/projects/p/locations/us-east5/x"), Some("us-east5"));
        for path in ["v1/projects/p", "locations/evil.com", "locations/a%2fb", "locations/-a", "locations/"] {
            assert_eq!(location_of(path), None, "{path}");
        }
    }

    #[test]
    fn the_longest_own_path_is_meant() {
        let one = |path: &str, include_subpath| PassThrough {
            path: path.into(),
            target: "https://x.com".into(),
            headers: Vec::new(),
            include_subpath,
            auth: true,
            forward_headers: false,
        };
        let all = [one("/a", true), one("/a/b", false)];
        let found = |path: &str| own(&all, path).map(|one| one.path.as_str());
        assert_eq!(found("/a/b"), Some("/a/b"));
        assert_eq!(found("/a/b/c"), Some("/a"));
        assert_eq!(found("/ab"), None);
    }
}
