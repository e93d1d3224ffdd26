//! Tokens that are exchanged for something else: a client's secret, an assertion, what a machine is given.
//!
//! A [`Grant`] says what to ask and how to read the answer; [`Tokens`] asks, once at a time for each identity, and
//! keeps the answer until it is about to expire. Who may ask for what is said where the grants are (`azure`, …).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::Secret;
use crate::error::{Error, Kind, Result};
use crate::json::{Map, cut, str_at};
use crate::transport::{Connection, Limits, Transport};
use crate::wires::{HttpCall, HttpReply};

/// The most identities whose tokens are kept.
const KEPT: usize = 256;
/// Tokens are replaced this long before they expire, or after half of a shorter life.
const EARLY: Duration = Duration::from_secs(300);
/// How long a token service may take to answer.
const LIMIT: Duration = Duration::from_secs(30);
/// How much of a refusal an error shows, in bytes.
const SHOWN: usize = 500;

/// A way to a token.
pub trait Grant: fmt::Debug + Send + Sync {
    /// Who asks whom. Equal identities share a token.
    fn identity(&self) -> Identity;

    /// A grant whose token is needed to ask for this one's.
    fn first(&self) -> Option<&Arc<dyn Grant>> {
        None
    }

    /// The request, with the token of the first grant where there is one. Files are read here: they are renewed.
    fn request(&self, first: Option<&Secret>, now: SystemTime) -> Result<HttpCall>;

    /// The token in the answer.
    fn read(&self, reply: &HttpReply, now: SystemTime) -> Result<Token> {
        read_token(reply, now)
    }

    /// The error to tell when nobody answered.
    fn unreachable(&self, error: Error) -> Error {
        error
    }

    /// How long the service may take; what is on the machine itself answers at once or not at all.
    fn limit(&self) -> Duration {
        LIMIT
    }
}

/// What tells one token from another. Secrets are part of it: a name without its secret gets nobody's token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The address of the service.
    pub endpoint: String,
    /// Who asks, and for what: a client's id, a scope.
    pub who: Vec<String>,
    pub secrets: Vec<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub value: Secret,
    /// When it stops to be accepted; `None` when the service does not say, and then it is not kept.
    pub expires: Option<SystemTime>,
}

/// Tokens by identity. A value of the engine's, not a global.
#[derive(Debug, Default)]
pub struct Tokens {
    kept: Mutex<Vec<Arc<Slot>>>,
}

/// The token of one identity; whoever holds the lock asks for it, and the others wait for the answer.
#[derive(Debug)]
struct Slot {
    identity: Identity,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Kept>,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Kept {
    token: Token,
    renew: SystemTime,
}

/// Why nobody who waited for the same answer has got a token.
#[derive(Debug)]
struct Failure {
    at: Instant,
    kind: Kind,
    message: String,
}

impl Tokens {
    /// The token of a grant: kept, or asked for.
    pub async fn get(
        &self,
        transport: &Transport,
        connection: &Connection,
        grant: &Arc<dyn Grant>,
    ) -> Result<Secret> {
        // The first grant's token is needed only when this one's is not kept, and is kept itself.
        let mut chain = vec![grant];
        while let Some(first) = chain.last().and_then(|grant| grant.first()) {
            chain.push(first);
        }
        let asked = Instant::now();
        let mut slots = Vec::with_capacity(chain.len());
        for grant in &chain {
            let slot = self.slot(grant.identity());
            let kept = slot.state.lock().await.fresh(SystemTime::now());
            let is_kept = kept.is_some();
            slots.push((grant, slot, kept));
            if is_kept {
                break;
            }
        }
        let mut token = None;
        for (grant, slot, kept) in slots.into_iter().rev() {
            token = match kept {
                Some(kept) => Some(kept),
                None => Some(slot.fill(transport, connection, grant.as_ref(), token, asked).await?),
            };
        }
        token.ok_or_else(|| Error::new(Kind::Authentication, "no token was asked for"))
    }

    /// Forgets a token that was refused although it should be good, unless another has taken its place.
    pub async fn forget(&self, grant: &Arc<dyn Grant>, refused: &Secret) {
        let slot = self.slot(grant.identity());
        let mut state = slot.state.lock().await;
        if state.token.as_ref().is_some_and(|kept| kept.token.value == *refused) {
            state.token = None;
        }
    }

    fn slot(&self, identity: Identity) -> Arc<Slot> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = kept.iter().find(|slot| slot.identity == identity) {
            return slot.clone();
        }
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        let slot = Arc::new(Slot { identity, state: tokio::sync::Mutex::default() });
        kept.push(slot.clone());
        slot
    }
}

impl Slot {
    /// Asks for the token, unless another call has done so since `asked`.
    async fn fill(
        &self,
        transport: &Transport,
        connection: &Connection,
        grant: &dyn Grant,
        first: Option<Secret>,
        asked: Instant,
    ) -> Result<Secret> {
        let mut state = self.state.lock().await;
        if let Some(token) = state.fresh(SystemTime::now()) {
            return Ok(token);
        }
        if let Some(failure) = state.failure.as_ref().filter(|failure| failure.at >= asked) {
            return Err(Error::new(failure.kind, failure.message.clone()));
        }
        let now = SystemTime::now();
        let answer = async {
            let limits = Limits { total: grant.limit(), idle: grant.limit() };
            let call = grant.request(first.as_ref(), now)?;
            let reply = async { transport.send(call, connection, limits).await?.collect(limits).await };
            let reply = reply.await.map_err(|error| grant.unreachable(error))?;
            grant.read(&reply, SystemTime::now())
        };
        match answer.await {
            Ok(token) => {
                let value = token.value.clone();
                state.failure = None;
                state.token = Kept::new(token, now);
                Ok(value)
            }
            Err(mut error) => {
                self.hide_in(&mut error);
                // One that is about to expire is still better than none.
                if let Some(token) = state.valid(SystemTime::now()) {
                    tracing::warn!(endpoint = %self.identity.endpoint, error = %error, "a token could not be renewed");
                    return Ok(token);
                }
                let message = error.message().to_owned();
                state.failure = Some(Failure { at: Instant::now(), kind: error.kind(), message });
                Err(error)
            }
        }
    }

    /// A service that repeats what it was asked with is not quoted there (ERR-07).
    fn hide_in(&self, error: &mut Error) {
        for secret in &self.identity.secrets {
            if let Some(clean) = secret.hidden_in(error.message()) {
                error.facts_mut().message = clean;
            }
        }
    }
}

impl State {
    fn fresh(&self, now: SystemTime) -> Option<Secret> {
        self.token.as_ref().filter(|kept| now < kept.renew).map(|kept| kept.token.value.clone())
    }

    fn valid(&self, now: SystemTime) -> Option<Secret> {
        let kept = self.token.as_ref()?;
        kept.token.expires.is_some_and(|expires| now < expires).then(|| kept.token.value.clone())
    }
}

impl Kept {
    fn new(token: Token, now: SystemTime) -> Option<Self> {
        let left = token.expires?.duration_since(now).ok()?;
        Some(Self { renew: now + left - EARLY.min(left / 2), token })
    }
}

/// A request with a form, as OAuth's services take it.
pub fn form_call(url: impl Into<String>, fields: &[(&str, &str)]) -> HttpCall {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    HttpCall { rest: Vec::new(), method: Method::POST, url: url.into(), headers, body: body.into() }
}

/// OAuth's answer: a token and how long it lasts, or a refusal in the service's words.
pub fn read_token(reply: &HttpReply, now: SystemTime) -> Result<Token> {
    let map = serde_json::from_slice::<Map>(&reply.body).unwrap_or_default();
    match str_at(&map, "access_token") {
        Some(token) if reply.status < 300 => {
            Ok(Token { value: Secret::new(token), expires: expiry(&map, now) })
        }
        _ => Err(refusal(reply, &map)),
    }
}

/// How long a token lasts (`expires_in`), or when it ends; numbers are also written as texts.
fn expiry(map: &Map, now: SystemTime) -> Option<SystemTime> {
    let seconds = |name: &str| {
        let value = map.get(name)?;
        let text = value.as_str();
        let count = value.as_u64().or_else(|| text.and_then(|text| text.trim().parse().ok()))?;
        Some(Duration::from_secs(count))
    };
    match seconds("expires_in") {
        Some(left) => now.checked_add(left),
        None => ["expires_on", "expires_at", "expiration"]
            .into_iter()
            .find_map(seconds)
            .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)),
    }
}

/// Why there is no token in an answer.
pub fn refusal(reply: &HttpReply, map: &Map) -> Error {
    let words = |names: &[&str]| names.iter().find_map(|name| str_at(map, name)).unwrap_or_default();
    let code = words(&["error", "errorCode", "code"]);
    let said = words(&["error_description", "errorMessage", "message"]);
    let nested = map.get("error").and_then(|error| error.get("message")).and_then(Value::as_str);
    let what = [code, nested.unwrap_or(said)].into_iter().filter(|word| !word.is_empty());
    let what = what.collect::<Vec<_>>().join(": ");
    let kind = match reply.status {
        408 | 504 => Kind::Timeout,
        429 => Kind::RateLimit,
        500.. => Kind::ServiceUnavailable,
        _ => Kind::Authentication,
    };
    let what = if what.is_empty() { "no token in the answer" } else { cut(&what, SHOWN) };
    Error::new(kind, format!("The token service refused (status {}): {what}", reply.status))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Answers every request with the next of its replies, the last one again; counts what was asked.
    fn service(replies: &'static [(u16, &'static str)]) -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/token", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            for peer in listener.incoming() {
                let mut peer = peer.unwrap();
                let at = count.fetch_add(1, Ordering::SeqCst);
                let mut bytes = [0; 4096];
                let _ = peer.read(&mut bytes).unwrap();
                std::thread::sleep(Duration::from_millis(20));
                let (status, body) = replies[at.min(replies.len() - 1)];
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}", body.len());
                peer.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes()).unwrap();
            }
        });
        (address, asked)
    }

    #[derive(Debug)]
    struct Client {
        endpoint: String,
        secret: Secret,
        first: Option<Arc<dyn Grant>>,
    }

    impl Grant for Client {
        fn identity(&self) -> Identity {
            Identity {
                endpoint: self.endpoint.clone(),
                who: vec!["me".into()],
                secrets: vec![self.secret.clone()],
            }
        }

        fn first(&self) -> Option<&Arc<dyn Grant>> {
            self.first.as_ref()
        }

        fn request(&self, first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
            let proof = first.unwrap_or(&self.secret).expose();
            Ok(form_call(self.endpoint.as_str(), &[("client_secret", proof)]))
        }
    }

    fn client(endpoint: &str, secret: &str) -> Arc<dyn Grant> {
        Arc::new(Client { endpoint: endpoint.into(), secret: Secret::new(secret), first: None })
    }

    async fn get(tokens: &Tokens, grant: &Arc<dyn Grant>) -> Result<Secret> {
        tokens.get(&Transport::default(), &Connection::default(), grant).await
    }

    const GOOD: (u16, &str) = (200, r#"{"access_token":"first","expires_in":3600}"#);

    #[tokio::test]
    async fn az_10_one_request_serves_all_who_wait_and_who_come_later() {
        let (endpoint, asked) = service(&[GOOD]);
        let (tokens, grant) = (Tokens::default(), client(&endpoint, "secret-one"));
        let found = futures_util::future::join_all((0..20).map(|_| get(&tokens, &grant))).await;
        assert!(found.into_iter().all(|token| token.unwrap().expose() == "first"));
        get(&tokens, &grant).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_shared_by_those_who_wait_and_forgotten_by_the_next() {
        let (endpoint, asked) = service(&[(401, r#"{"error":"invalid_client"}"#), GOOD]);
        let (tokens, grant) = (Tokens::default(), client(&endpoint, "secret-one"));
        let found = futures_util::future::join_all((0..20).map(|_| get(&tokens, &grant))).await;
        assert!(found.into_iter().all(|token| token.unwrap_err().kind() == Kind::Authentication));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert_eq!(get(&tokens, &grant).await.unwrap().expose(), "first");
    }

    #[tokio::test]
    async fn another_secret_gets_no_token_that_is_kept() {
        let (endpoint, asked) = service(&[GOOD, (401, r#"{"error_description":"not other-secret"}"#)]);
        let tokens = Tokens::default();
        get(&tokens, &client(&endpoint, "secret-one")).await.unwrap();
        let error = get(&tokens, &client(&endpoint, "other-secret")).await.unwrap_err();
        assert_eq!(error.message(), "The token service refused (status 401): not [redacted]");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_refused_token_is_asked_for_again() {
        let (endpoint, asked) = service(&[GOOD]);
        let (tokens, grant) = (Tokens::default(), client(&endpoint, "secret-one"));
        let token = get(&tokens, &grant).await.unwrap();
        tokens.forget(&grant, &Secret::new("another")).await;
        get(&tokens, &grant).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        tokens.forget(&grant, &token).await;
        get(&tokens, &grant).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_first_grant_is_asked_once_for_many() {
        let (first, asked) = service(&[GOOD]);
        let (second, _) = service(&[GOOD]);
        let tokens = Tokens::default();
        for secret in ["secret-one", "secret-two"] {
            let grant: Arc<dyn Grant> = Arc::new(Client {
                endpoint: second.clone(),
                secret: Secret::new(secret),
                first: Some(client(&first, "secret")),
            });
            get(&tokens, &grant).await.unwrap();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn tokens_are_renewed_before_they_expire() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let kept = |life| {
            let token = Token { value: Secret::new("t"), expires: Some(at(life)) };
            State { token: Kept::new(token, at(0)), failure: None }
        };
        let long = kept(1000);
        assert!(long.fresh(at(699)).is_some() && long.fresh(at(701)).is_none());
        assert!(long.valid(at(999)).is_some() && long.valid(at(1001)).is_none());
        let short = kept(60);
        assert!(short.fresh(at(29)).is_some() && short.fresh(at(31)).is_none());
        assert!(Kept::new(Token { value: Secret::new("t"), expires: None }, at(0)).is_none());
        assert!(Kept::new(Token { value: Secret::new("t"), expires: Some(at(5)) }, at(9)).is_none());
    }

    #[test]
    fn answers_and_refusals() {
        let reply = |status, body: &'static str| HttpReply {
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().into(),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        for (body, end) in [
            (r#"{"access_token":"t","expires_in":"50"}"#, Some(1050)),
            (r#"{"access_token":"t","expires_in":50,"expires_on":9}"#, Some(1050)),
            (r#"{"access_token":"t","expires_on":"1700"}"#, Some(1700)),
            (r#"{"access_token":"t","expires_in":18446744073709551615}"#, None),
            (r#"{"access_token":"t"}"#, None),
        ] {
            let end = end.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(read_token(&reply(200, body), now).unwrap().expires, end, "{body}");
        }
        for (status, body, kind, words) in [
            (
                400,
                r#"{"error":"invalid_grant","error_description":"no"}"#,
                Kind::Authentication,
                "invalid_grant: no",
            ),
            (400, r#"{"errorCode":"B1","errorMessage":"no key"}"#, Kind::Authentication, "B1: no key"),
            (403, r#"{"error":{"message":"not you"}}"#, Kind::Authentication, "not you"),
            (429, "{}", Kind::RateLimit, "no token in the answer"),
            (500, "<html>", Kind::ServiceUnavailable, "no token in the answer"),
            (200, "[]", Kind::Authentication, "no token in the answer"),
        ] {
            let error = read_token(&reply(status, body), now).unwrap_err();
            assert_eq!(error.kind(), kind, "{body}");
            assert!(error.message().ends_with(words), "{error}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let grant = client("https://login.example/token", "hush-hush");
        assert!(!format!("{grant:?} {:?}", grant.identity()).contains("hush"));
    }
}
