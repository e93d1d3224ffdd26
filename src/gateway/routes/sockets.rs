//! WebSockets: to models that speak and listen, relayed as they are, and responses, made by any provider.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::Context;
use crate::engine::{EventStream, Keywords, Passage};
use crate::error::{Error, Kind, Result};
use crate::gateway::admission::KEY_PROTOCOL;
use crate::gateway::calls;
use crate::gateway::dialect::Dialect;
use crate::gateway::state::{Gateway, Running};
use crate::hub::CallType;
use crate::json::Map;
use crate::router::{Asked, Deployment, Outcome};
use crate::transport::Upgraded;
use crate::wires::{HttpCall, WireId};

/// The largest message, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;
/// How much waits for who does not read, in bytes, before nothing more is read from the other side.
const BUFFER: usize = 128 * 1024;
/// How often a side is asked whether it is there, and after which silence it is not.
const ASK: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(75);
/// How long a side may read nothing.
const STALLED: Duration = Duration::from_secs(300);
/// How long a side may take to say that it has understood the end.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long an upstream may take to open.
const OPENING: Duration = Duration::from_secs(20);
/// How many deployments are tried.
const TRIES: usize = 3;
/// The most requests of one connection that wait for their turn.
const WAITING: usize = 16;

/// What every key of a WebSocket is hashed with (RFC 6455, 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

type Client = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// A WebSocket to a model that speaks and listens.
pub fn realtime(context: Context<'_>) -> Result<Response> {
    let door = Door::of(context.parts)?;
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(context.parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let named = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let model = named("model").or_else(|| named("deployment"));
    let model =
        model.ok_or_else(|| Error::bad_request("'model' is missing in the query.").with_param("model"))?;
    if context.running.router.view().table.find(&model).is_none() {
        return Err(calls::unknown_model(context.running, &model));
    }
    let wanted = Wanted {
        model,
        query: query
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "api-version" | "deployment" | "key" | "model"))
            .collect(),
        beta: door.beta.clone().or_else(|| context.parts.headers.get("openai-beta").cloned()),
    };
    let (gateway, running, place) = (context.gateway.clone(), context.running.clone(), context.place.clone());
    let call_id = context.call.id.clone();
    Ok(door.open(LARGEST, move |mut client| async move {
        match wanted.connect(&gateway, &running).await {
            Ok(upstream) => relay(&gateway, client, upstream).await,
            Err(error) => {
                tracing::warn!(call = %call_id, error = %error, "a realtime connection failed");
                let said = client.send(Message::text(event_of(&error).to_string())).await;
                if said.is_ok() {
                    farewell(client, CloseCode::Error, "the upstream is out of reach").await;
                }
            }
        }
        drop(place);
    }))
}

/// Responses over a WebSocket: each request of a client is answered with the events of its response.
pub fn responses(context: Context<'_>) -> Result<Response> {
    let door = Door::of(context.parts)?;
    let (gateway, running, place) = (context.gateway.clone(), context.running.clone(), context.place.clone());
    Ok(door.open(context.limit(), move |client| async move {
        Box::pin(answer(&gateway, &running, client)).await;
        drop(place);
    }))
}

/// A request that wants to become a WebSocket.
struct Door {
    upgrade: OnUpgrade,
    accept: HeaderValue,
    protocol: Option<HeaderValue>,
    /// What a browser says as a protocol, since it cannot as a header.
    beta: Option<HeaderValue>,
}

impl Door {
    fn of(parts: &Parts) -> Result<Self> {
        let has = |name: HeaderName, wanted: &str| {
            let all = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            all.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(wanted))
        };
        let none = || Error::bad_request("This path is a WebSocket (over HTTP/1.1).").with_status(426);
        let key = parts.headers.get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
        let upgrade = parts.extensions.get::<OnUpgrade>().cloned();
        let (Some(key), Some(upgrade), true) =
            (key, upgrade, has(UPGRADE, "websocket") && has(CONNECTION, "upgrade"))
        else {
            return Err(none());
        };
        if !has(SEC_WEBSOCKET_VERSION, "13") {
            return Err(none());
        }
        let offered =
            parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        let offered: Vec<&str> = offered.flat_map(|value| value.split(',')).map(str::trim).collect();
        let is_word =
            |one: &&&str| !one.is_empty() && !one.starts_with("openai-") && !one.starts_with(KEY_PROTOCOL);
        let protocol = offered.iter().find(is_word).and_then(|one| HeaderValue::from_str(one).ok());
        // `openai-beta.realtime-v1` is the header `OpenAI-Beta: realtime=v1`.
        let beta = offered.iter().find_map(|one| one.strip_prefix("openai-beta."));
        let beta = beta.and_then(|beta| HeaderValue::from_str(&beta.replacen("-v", "=v", 1)).ok());
        Ok(Self { upgrade, accept: accept_of(key)?, protocol, beta })
    }

    /// Answers, and does `then` with what has been opened.
    fn open<F>(self, largest: usize, then: impl FnOnce(Client) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Self { upgrade, accept, protocol, .. } = self;
        tokio::spawn(async move {
            // Who has gone before it was open wants nothing more.
            let Ok(upgraded) = upgrade.await else { return };
            let io = TokioIo::new(upgraded);
            then(WebSocketStream::from_raw_socket(io, Role::Server, Some(limits(largest))).await).await;
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        headers.extend(protocol.map(|protocol| (SEC_WEBSOCKET_PROTOCOL, protocol)));
        response
    }
}

fn accept_of(key: &str) -> Result<HeaderValue> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{}{MAGIC}", key.trim()).as_bytes());
    HeaderValue::from_str(&STANDARD.encode(hash))
        .map_err(|_| Error::bad_request("That is no key of a WebSocket."))
}

fn limits(largest: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(BUFFER.saturating_add(largest))
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest))
}

/// What a client has asked for.
struct Wanted {
    model: String,
    query: Vec<(String, String)>,
    beta: Option<HeaderValue>,
}

impl Wanted {
    /// Opens a WebSocket to a deployment that the router chooses; to another one if that fails.
    async fn connect(
        &self,
        gateway: &Arc<Gateway>,
        running: &Arc<Running>,
    ) -> Result<WebSocketStream<Upgraded>> {
        let mut failed = None;
        for _ in 0..TRIES {
            let asked = Asked { model: self.model.clone(), ..Asked::default() };
            let deployment = running.router.choose(asked)?;
            match self.connect_to(&deployment, gateway, running).await {
                Ok(upstream) => return Ok(upstream),
                // Another one would not understand it either.
                Err(error) if error.kind() == Kind::BadRequest => return Err(error),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| Error::new(Kind::ServiceUnavailable, "No deployment has answered.")))
    }

    async fn connect_to(
        &self,
        deployment: &Deployment,
        gateway: &Arc<Gateway>,
        running: &Arc<Running>,
    ) -> Result<WebSocketStream<Upgraded>> {
        let mut keywords = deployment.params.clone();
        keywords.retain(|name, _| name == "model" || crate::engine::is_steering(name));
        if deployment.model.contains('*') {
            let name = self.model.rsplit_once('/').map_or(self.model.as_str(), |(_, name)| name);
            keywords.insert("model".to_owned(), deployment.model.replacen('*', name, 1).into());
        }
        let caller = gateway.caller(running);
        let passage = Passage::new(keywords, &caller.settings, caller.environment)?;
        let mut nonce = [0_u8; 16];
        let no_random = |_| Error::new(Kind::InternalServer, "The system gives no random numbers.");
        SystemRandom::new().fill(&mut nonce).map_err(no_random)?;
        let key = STANDARD.encode(nonce);
        let expected = accept_of(&key)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.extend(HeaderValue::from_str(&key).ok().map(|key| (SEC_WEBSOCKET_KEY, key)));
        headers.extend(self.beta.clone().map(|beta| (HeaderName::from_static("openai-beta"), beta)));
        let url = self.address(&passage)?;
        let call = HttpCall { method: Method::GET, url, headers, body: Bytes::new(), rest: Vec::new() };
        let reply = caller.engine.switch(&passage, call, OPENING).await?;
        if reply.status() != 101 {
            let status = reply.status();
            return Err(Error::new(
                Kind::BadGateway,
                format!("The upstream has not opened: it answered {status}."),
            ));
        }
        if reply.headers().get(SEC_WEBSOCKET_ACCEPT) != Some(&expected) {
            return Err(Error::new(Kind::BadGateway, "The upstream has not opened: it speaks no WebSocket."));
        }
        let upgraded = reply.upgraded().await?;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits(LARGEST))).await)
    }

    /// Where an upstream has its WebSocket: OpenAI's place for it, or Azure's.
    fn address(&self, passage: &Passage) -> Result<String> {
        let target = passage.target();
        if !matches!(target.wire, WireId::Openai | WireId::Responses) {
            return Err(Error::bad_request(format!(
                "The provider '{}' has no realtime models.",
                target.provider
            )));
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let base = target.base.trim_end_matches('/');
        let path = match base.find("/openai") {
            Some(at) if &*target.provider == "azure" && base[at..].starts_with("/openai/v1") => {
                query.append_pair("model", &target.model);
                format!("{}/openai/v1/realtime", &base[..at])
            }
            at if &*target.provider == "azure" => {
                for (name, value) in passage.query() {
                    query.append_pair(name, value);
                }
                query.append_pair("deployment", &target.model);
                format!("{}/openai/realtime", &base[..at.unwrap_or(base.len())])
            }
            _ => {
                query.append_pair("model", &target.model);
                format!("{base}/realtime")
            }
        };
        for (name, value) in &self.query {
            query.append_pair(name, value);
        }
        Ok(format!("{path}?{}", query.finish()))
    }
}

/// Carries messages both ways until one side ends it.
async fn relay(gateway: &Gateway, client: Client, upstream: WebSocketStream<Upgraded>) {
    let (to_client, from_client) = client.split();
    let (to_upstream, from_upstream) = upstream.split();
    let up = std::pin::pin!(pump(gateway, from_client, to_upstream, CloseCode::Away));
    let down = std::pin::pin!(pump(gateway, from_upstream, to_client, CloseCode::Error));
    // Whoever has not said that it is over has a moment to do so.
    match futures_util::future::select(up, down).await {
        futures_util::future::Either::Left(((), down)) => drop(tokio::time::timeout(FAREWELL, down).await),
        futures_util::future::Either::Right(((), up)) => drop(tokio::time::timeout(FAREWELL, up).await),
    }
}

/// Carries messages one way: no more is read before the last one is written. `lost` tells the other side of a
/// connection that has broken.
async fn pump<A, B>(
    gateway: &Gateway,
    mut from: SplitStream<WebSocketStream<A>>,
    mut to: SplitSink<WebSocketStream<B>, Message>,
    lost: CloseCode,
) where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let mut asks = tokio::time::interval(ASK);
    let mut heard = Instant::now();
    let close = |code: CloseCode| Message::Close(Some(CloseFrame { code, reason: "".into() }));
    loop {
        let read = tokio::select! {
            read = from.next() => read,
            _ = asks.tick() => {
                let end = if gateway.is_taking() {
                    (heard.elapsed() > SILENCE).then_some(lost)
                } else {
                    Some(CloseCode::Away)
                };
                let said = to.send(end.map_or_else(|| Message::Ping(Bytes::new()), close)).await;
                if end.is_some() || said.is_err() {
                    return;
                }
                continue;
            }
        };
        heard = Instant::now();
        match read {
            // Each side's questions are answered where they are heard.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => {
                // A side that is gone already needs no farewell.
                let _ = to.send(Message::Close(frame)).await;
                // Reading on sends the answer to the farewell.
                let rest = async { while let Some(Ok(_)) = from.next().await {} };
                let _ = tokio::time::timeout(FAREWELL, rest).await;
                return;
            }
            Some(Ok(message)) => {
                if !sent(&mut to, message).await {
                    return;
                }
                // Nothing was listened to meanwhile.
                heard = Instant::now();
            }
            Some(Err(_)) | None => {
                let _ = to.send(close(lost)).await;
                return;
            }
        }
    }
}

/// Writes a message; whether the connection goes on. Who does not read is waited for, but not for ever.
async fn sent<S: futures_util::Sink<Message> + Unpin>(to: &mut S, message: Message) -> bool {
    tokio::time::timeout(STALLED, to.send(message)).await.is_ok_and(|sent| sent.is_ok())
}

/// Ends a connection in good form.
async fn farewell(mut client: Client, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    let ended = async {
        if client.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = client.next().await {}
        }
    };
    let _ = tokio::time::timeout(FAREWELL, ended).await;
}

fn event_of(error: &Error) -> Value {
    let mut event = Dialect::OpenAi.error_body(error);
    event["type"] = "error".into();
    event["status"] = error.status().into();
    event
}

/// Answers one request after the other.
async fn answer(gateway: &Arc<Gateway>, running: &Arc<Running>, client: Client) {
    let (mut to, mut from) = client.split();
    let mut waiting: VecDeque<String> = VecDeque::new();
    let mut asks = tokio::time::interval(ASK);
    let mut heard = Instant::now();
    let mut current: Option<Box<EventStream>> = None;
    loop {
        if current.is_none()
            && let Some(text) = waiting.pop_front()
        {
            // Beginning is waited for with an eye on the client: one that goes ends it.
            let begun = {
                let mut begin = std::pin::pin!(begin(gateway, running, &text));
                loop {
                    tokio::select! {
                        begun = &mut begin => break begun,
                        read = from.next() => if !take(read, &mut waiting, &mut heard) { return },
                    }
                }
            };
            match begun {
                Ok(stream) => current = Some(stream),
                Err(error) => {
                    if !sent(&mut to, Message::text(event_of(&error).to_string())).await {
                        return;
                    }
                    continue;
                }
            }
        }
        let next = async {
            match &mut current {
                Some(stream) => stream.next_batch().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            batch = next => {
                let (events, is_over) = match batch {
                    Ok(events) => { let is_over = events.is_empty(); (events, is_over) }
                    Err(error) => {
                        let mut events = current.as_mut().map(|stream| stream.encode_failure(&error)).unwrap_or_default();
                        if events.is_empty() {
                            events.push(crate::wires::Event { name: None, data: event_of(&error) });
                        }
                        (events, true)
                    }
                };
                for event in events {
                    if !sent(&mut to, Message::text(event.data.to_string())).await {
                        return;
                    }
                }
                if is_over && let Some(rest) = current.take().and_then(|mut stream| stream.take_rest()) {
                    tokio::spawn(rest);
                }
            }
            read = from.next() => if !take(read, &mut waiting, &mut heard) { return },
            _ = asks.tick() => {
                let is_idle = current.is_none() && waiting.is_empty();
                if heard.elapsed() > SILENCE || !gateway.is_taking() && is_idle {
                    let frame = CloseFrame { code: CloseCode::Away, reason: "".into() };
                    let _ = to.send(Message::Close(Some(frame))).await;
                    return;
                }
                if to.send(Message::Ping(Bytes::new())).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Takes what a client says; whether the connection goes on.
fn take(
    read: Option<std::result::Result<Message, tokio_tungstenite::tungstenite::Error>>,
    waiting: &mut VecDeque<String>,
    heard: &mut Instant,
) -> bool {
    *heard = Instant::now();
    match read {
        Some(Ok(Message::Text(text))) if waiting.len() < WAITING => {
            waiting.push_back(text.as_str().to_owned());
            true
        }
        Some(Ok(Message::Binary(data))) if waiting.len() < WAITING => {
            waiting.push_back(String::from_utf8_lossy(&data).into_owned());
            true
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => true,
        _ => false,
    }
}

/// Begins the response that a message asks for.
async fn begin(gateway: &Arc<Gateway>, running: &Arc<Running>, text: &str) -> Result<Box<EventStream>> {
    let keywords = wanted_of(text)?;
    calls::check(CallType::Responses, &keywords, &running.config.general.client_credentials)?;
    match calls::run(gateway, running, CallType::Responses, keywords, Vec::new()).await? {
        Outcome::Events(stream) => Ok(stream),
        _ => Err(Error::unreadable("a response over a WebSocket is a stream")),
    }
}

/// The keywords of a message.
fn wanted_of(text: &str) -> Result<Keywords> {
    let message: Value = serde_json::from_str(text)
        .map_err(|error| Error::bad_request(format!("The message is no JSON: {error}.")))?;
    let Value::Object(mut keywords) = message else {
        return Err(Error::bad_request("The message must be a JSON object."));
    };
    match keywords.shift_remove("type") {
        Some(Value::String(kind)) if kind == "response.create" => {}
        _ => {
            return Err(
                Error::bad_request("Expected a message of the type 'response.create'.").with_param("type")
            );
        }
    }
    // Some clients have the request within.
    if let Some(Value::Object(inner)) = keywords.shift_remove("response") {
        keywords = inner;
    }
    if keywords.get("background") == Some(&Value::Bool(true)) {
        return Err(Error::bad_request("'background' is not for WebSockets.").with_param("background"));
    }
    for name in ["background", "event_id", "stream_id"] {
        keywords.shift_remove(name);
    }
    keywords.retain(|_, value| !value.is_null());
    keywords.insert("stream".to_owned(), json!(true));
    Ok::<Map, Error>(keywords)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_the_standards() {
        assert_eq!(accept_of("dGhlIHNhbXBsZSBub25jZQ==").unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_message_is_a_request() {
        let keywords =
            wanted_of(r#"{"type":"response.create","model":"a","input":"b","stream_id":"x"}"#).unwrap();
        assert_eq!(Value::Object(keywords), json!({ "model": "a", "input": "b", "stream": true }));
        for text in ["", "[]", "{}", r#"{"type":"other"}"#, r#"{"type":"response.create","background":true}"#]
        {
            assert!(wanted_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_upstreams_place_is_openais_or_azures() {
        let address = |keywords: Value| {
            let Value::Object(keywords) = keywords else { panic!("an object") };
            let passage = Passage::new(
                keywords,
                &crate::engine::Settings::default(),
                &crate::config::ProcessEnvironment,
            )
            .unwrap();
            let query = vec![("intent".to_owned(), "a b".to_owned())];
            Wanted { model: "m".into(), query, beta: None }.address(&passage)
        };
        assert_eq!(
            address(
                json!({ "model": "openai/gpt-realtime", "api_key": "k", "api_base": "https://x.com/v1" })
            )
            .unwrap(),
            "https://x.com/v1/realtime?model=gpt-realtime&intent=a+b"
        );
        assert_eq!(
            address(
                json!({ "model": "azure/d", "api_key": "k", "api_base": "https://x.com", "api_version": "1" })
            )
            .unwrap(),
            "https://x.com/openai/realtime?api-version=1&deployment=d&intent=a+b"
        );
        assert_eq!(
            address(json!({ "model": "azure/d", "api_key": "k", "api_base": "https://x.com/openai/v1" }))
                .unwrap(),
            "https://x.com/openai/v1/realtime?model=d&intent=a+b"
        );
        assert!(address(json!({ "model": "anthropic/claude-sonnet-4-5", "api_key": "k" })).is_err());
    }
}
