//! Keys that have to be fetched before a request can be signed: roles, machines, containers. Kept until they age.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

use crate::auth::Secret;
use crate::auth::aws::{self, Metadata, MetadataSource, Signing, Source};
use crate::error::{Error, Kind, Result};
use crate::transport::{Connection, Limits, Transport};
use crate::wires::{HttpCall, HttpReply};

/// The most sources whose keys are kept.
const KEPT: usize = 64;
/// Keys are replaced this long before they expire.
const EARLY: Duration = Duration::from_secs(300);
/// The token service answers in seconds; what is on the machine itself, at once or not at all.
const REMOTE: Limits = Limits { total: Duration::from_secs(30), idle: Duration::from_secs(30) };
const LOCAL: Limits = Limits { total: Duration::from_secs(1), idle: Duration::from_secs(1) };

/// Fetched keys by where they come from.
#[derive(Debug, Default)]
pub struct KeyRing {
    kept: Mutex<Vec<(Source, aws::Credentials)>>,
    turns: Mutex<Vec<(Source, Arc<tokio::sync::Mutex<()>>)>>,
}

impl KeyRing {
    /// The keys of a route: there, kept, or fetched.
    pub async fn get(
        &self,
        transport: &Transport,
        connection: &Connection,
        signing: &Signing,
    ) -> Result<aws::Credentials> {
        self.of(Way { transport, connection }, &signing.source, &signing.region).await
    }

    /// Boxed, since a role may need the keys of another one.
    fn of<'a>(
        &'a self,
        way: Way<'a>,
        source: &'a Source,
        region: &'a str,
    ) -> BoxFuture<'a, Result<aws::Credentials>> {
        Box::pin(async move {
            if let Source::Keys(keys) = source {
                return Ok(keys.clone());
            }
            if let Some(keys) = self.kept(source, SystemTime::now() + EARLY) {
                return Ok(keys);
            }
            // Calls that find the keys aged at the same time wait for the first of them.
            let turn = self.turn(source);
            let _turn = turn.lock().await;
            if let Some(keys) = self.kept(source, SystemTime::now() + EARLY) {
                return Ok(keys);
            }
            match self.fetch(way, source, region).await {
                Ok(keys) => {
                    self.keep(source, &keys);
                    Ok(keys)
                }
                // Keys are replaced early so that a service that is away for a while harms nobody.
                Err(error) => match self.kept(source, SystemTime::now()) {
                    Some(keys) => {
                        tracing::warn!(error = %error, "AWS keys cannot be replaced yet, the old ones serve on");
                        Ok(keys)
                    }
                    None => Err(error),
                },
            }
        })
    }

    async fn fetch(&self, way: Way<'_>, source: &Source, region: &str) -> Result<aws::Credentials> {
        match source {
            Source::Keys(keys) => Ok(keys.clone()),
            Source::Role { base, role } => {
                let keys = self.of(way, base, region).await?;
                let call = aws::assume_role(role, &keys, region, SystemTime::now())?;
                aws::read_credentials(&way.send(call, REMOTE).await?)
            }
            Source::WebIdentity { token, role } => {
                let call = aws::web_identity(role, &token.load()?);
                aws::read_credentials(&way.send(call, REMOTE).await?)
            }
            Source::Metadata(MetadataSource::Container { url, authorization, authorization_file }) => {
                let authorization = match authorization_file {
                    Some(path) => Some(read(path)?),
                    None => authorization.clone(),
                };
                let call = Metadata::container(url, authorization.as_ref())?;
                let reply = way.send(call, REMOTE).await.map_err(because)?;
                Metadata::credentials(&reply).ok_or_else(|| because(answered(&reply)))
            }
            Source::Metadata(MetadataSource::Machine { base }) => way.machine(base).await.map_err(because),
        }
    }

    /// The lock of a source. A source that is not known any more has a new one, which only costs a second fetch.
    fn turn(&self, source: &Source) -> Arc<tokio::sync::Mutex<()>> {
        let Ok(mut turns) = self.turns.lock() else { return Arc::default() };
        if let Some((_, turn)) = turns.iter().find(|(known, _)| known == source) {
            return turn.clone();
        }
        if turns.len() >= KEPT {
            turns.remove(0);
        }
        let turn = Arc::<tokio::sync::Mutex<()>>::default();
        turns.push((source.clone(), turn.clone()));
        turn
    }

    /// Kept keys that are good at a time.
    fn kept(&self, source: &Source, at: SystemTime) -> Option<aws::Credentials> {
        let kept = self.kept.lock().ok()?;
        let (_, keys) = kept.iter().find(|(known, _)| known == source)?;
        keys.expires.is_none_or(|expires| expires > at).then(|| keys.clone())
    }

    fn keep(&self, source: &Source, keys: &aws::Credentials) {
        let Ok(mut kept) = self.kept.lock() else { return };
        kept.retain(|(known, _)| known != source);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((source.clone(), keys.clone()));
    }
}

/// How the services are reached.
#[derive(Clone, Copy)]
struct Way<'a> {
    transport: &'a Transport,
    connection: &'a Connection,
}

impl Way<'_> {
    async fn send(self, call: HttpCall, limits: Limits) -> Result<HttpReply> {
        self.transport.send(call, self.connection, limits).await?.collect(limits).await
    }

    /// A session, the name of the role, its keys.
    async fn machine(self, base: &str) -> Result<aws::Credentials> {
        let session = line(&self.send(Metadata::session(base), LOCAL).await?)?;
        let role = line(&self.send(Metadata::roles(base, &session), LOCAL).await?)?;
        let reply = self.send(Metadata::keys(base, &session, &role), LOCAL).await?;
        Metadata::credentials(&reply).ok_or_else(|| answered(&reply))
    }
}

fn line(reply: &HttpReply) -> Result<String> {
    Metadata::line(reply).ok_or_else(|| answered(reply))
}

/// A reply without what was asked for; its body may hold parts of keys and is not shown.
fn answered(reply: &HttpReply) -> Error {
    Error::new(Kind::Authentication, format!("it answered {} without keys", reply.status))
}

/// Nobody has keys: the last that was asked is the machine's or the container's own service.
fn because(cause: Error) -> Error {
    let mut error = Metadata::nothing();
    let what = format!(" (The service for AWS keys: {})", cause.message());
    error.facts_mut().message.push_str(&what);
    error.with_source(cause)
}

fn read(path: &str) -> Result<Secret> {
    std::fs::read_to_string(path).map(|text| Secret::new(text.trim())).map_err(|error| {
        let what = format!("the container's token cannot be read from '{path}'");
        Error::new(Kind::Authentication, what).with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::{Reply, server};

    fn keys(expires: Option<Duration>) -> aws::Credentials {
        aws::Credentials {
            access_key_id: "A".into(),
            secret_access_key: Secret::new("s"),
            session_token: None,
            expires: expires.map(|after| SystemTime::UNIX_EPOCH + after),
        }
    }

    #[test]
    fn keys_are_replaced_before_they_expire() {
        let cache = KeyRing::default();
        let source = Source::Metadata(MetadataSource::Machine { base: "http://m".into() });
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(cache.kept(&source, at(0)), None);
        cache.keep(&source, &keys(Some(Duration::from_secs(1000))));
        assert!(cache.kept(&source, at(699) + EARLY).is_some());
        assert!(cache.kept(&source, at(701) + EARLY).is_none());
        cache.keep(&source, &keys(None));
        assert!(cache.kept(&source, at(1_000_000)).is_some());
    }

    fn signing(source: Source) -> Signing {
        Signing { source, region: "us-east-1".into(), service: "bedrock".into() }
    }

    #[tokio::test]
    async fn a_machine_is_asked_three_times_and_then_no_more() {
        let (base, served) = server(vec![
            Reply::new("200 OK", "session"),
            Reply::new("200 OK", "role"),
            Reply::new("200 OK", r#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T"}"#),
        ]);
        let (cache, transport) = (KeyRing::default(), Transport::default());
        let signing = signing(Source::Metadata(MetadataSource::Machine { base }));
        for _ in 0..2 {
            let keys = cache.get(&transport, &Connection::default(), &signing).await.unwrap();
            assert_eq!(keys.access_key_id, "A");
        }
        let asked = served.join().unwrap();
        assert_eq!(asked[0], "PUT /latest/api/token HTTP/1.1");
        assert_eq!(asked[2], "GET /latest/meta-data/iam/security-credentials/role HTTP/1.1");
    }

    #[tokio::test]
    async fn a_role_is_taken_with_the_keys_of_another() {
        let (sts, served) = server(vec![
            Reply::new(
                "200 OK",
                "<AccessKeyId>R</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>",
            ),
            Reply::new("403 Forbidden", "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
        ]);
        let role = |session: &str| aws::Role {
            arn: "arn:r".into(),
            session: session.into(),
            external_id: None,
            sts: sts.clone(),
        };
        let base = || Box::new(Source::Keys(keys(None)));
        let (cache, transport) = (KeyRing::default(), Transport::default());
        let first = signing(Source::Role { base: base(), role: role("one") });
        let found = cache.get(&transport, &Connection::default(), &first).await.unwrap();
        assert_eq!(found.access_key_id, "R");
        let second = signing(Source::Role { base: base(), role: role("two") });
        let error = cache.get(&transport, &Connection::default(), &second).await.unwrap_err();
        assert_eq!(error.kind(), Kind::PermissionDenied);
        assert_eq!(served.join().unwrap(), ["POST / HTTP/1.1", "POST / HTTP/1.1"]);
    }

    fn metadata(base: &str) -> Signing {
        signing(Source::Metadata(MetadataSource::Machine { base: base.to_owned() }))
    }

    #[tokio::test]
    async fn aged_keys_serve_on_while_they_are_valid_and_the_service_is_away() {
        let (base, served) = server(vec![Reply::new("503 Service Unavailable", "no")]);
        let (cache, transport) = (KeyRing::default(), Transport::default());
        let signing = metadata(&base);
        let expires = SystemTime::now() + EARLY / 2;
        cache.keep(&signing.source, &aws::Credentials { expires: Some(expires), ..keys(None) });
        let found = cache.get(&transport, &Connection::default(), &signing).await.unwrap();
        assert_eq!(found.access_key_id, "A");
        served.join().unwrap();
    }

    #[tokio::test]
    async fn an_error_says_why_there_are_no_keys() {
        let (base, served) = server(vec![Reply::new("403 Forbidden", "no")]);
        let (cache, transport) = (KeyRing::default(), Transport::default());
        let signing = metadata(&base);
        let error = cache.get(&transport, &Connection::default(), &signing).await.unwrap_err();
        assert!(error.message().contains("it answered 403"), "{error}");
        assert!(error.facts().source.is_some());
        served.join().unwrap();
    }

    #[tokio::test]
    async fn calls_at_the_same_time_fetch_once() {
        let (base, served) = server(vec![
            Reply::new("200 OK", "session"),
            Reply::new("200 OK", "role"),
            Reply::new("200 OK", r#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T"}"#),
        ]);
        let (cache, transport) = (KeyRing::default(), Transport::default());
        let (signing, connection) = (metadata(&base), Connection::default());
        let get = || cache.get(&transport, &connection, &signing);
        let (one, two, three) = tokio::join!(get(), get(), get());
        assert!([one, two, three].into_iter().all(|keys| keys.is_ok()));
        served.join().unwrap();
    }
}
