//! Keys that have to be fetched before a request can be signed: roles, machines, containers. Kept until they age.

use std::sync::Mutex;
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
pub struct Credentials {
    kept: Mutex<Vec<(Source, aws::Credentials)>>,
}

impl Credentials {
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
            if let Some(keys) = self.fresh(source, SystemTime::now()) {
                return Ok(keys);
            }
            let keys = match source {
                Source::Keys(keys) => keys.clone(),
                Source::Role { base, role } => {
                    let keys = self.of(way, base, region).await?;
                    let call = aws::assume_role(role, &keys, region, SystemTime::now())?;
                    aws::read_credentials(&way.send(call, REMOTE).await?)?
                }
                Source::WebIdentity { token, role } => {
                    let call = aws::web_identity(role, &token.load()?);
                    aws::read_credentials(&way.send(call, REMOTE).await?)?
                }
                Source::Metadata(MetadataSource::Container { url, authorization, authorization_file }) => {
                    let authorization = match authorization_file {
                        Some(path) => Some(read(path)?),
                        None => authorization.clone(),
                    };
                    let call = Metadata::container(url, authorization.as_ref())?;
                    let reply = way.send(call, REMOTE).await?;
                    Metadata::credentials(&reply).ok_or_else(Metadata::nothing)?
                }
                Source::Metadata(MetadataSource::Machine { base }) => {
                    way.machine(base).await.ok_or_else(Metadata::nothing)?
                }
            };
            self.keep(source, &keys);
            Ok(keys)
        })
    }

    fn fresh(&self, source: &Source, now: SystemTime) -> Option<aws::Credentials> {
        let kept = self.kept.lock().ok()?;
        let (_, keys) = kept.iter().find(|(known, _)| known == source)?;
        let fresh = keys.expires.is_none_or(|expires| expires > now + EARLY);
        fresh.then(|| keys.clone())
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

    /// A session, the name of the role, its keys. Nothing when nobody answers: then this is no such machine.
    async fn machine(self, base: &str) -> Option<aws::Credentials> {
        let session = Metadata::line(&self.send(Metadata::session(base), LOCAL).await.ok()?)?;
        let role = Metadata::line(&self.send(Metadata::roles(base, &session), LOCAL).await.ok()?)?;
        Metadata::credentials(&self.send(Metadata::keys(base, &session, &role), LOCAL).await.ok()?)
    }
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
        let cache = Credentials::default();
        let source = Source::Metadata(MetadataSource::Machine { base: "http://m".into() });
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(cache.fresh(&source, at(0)), None);
        cache.keep(&source, &keys(Some(Duration::from_secs(1000))));
        assert!(cache.fresh(&source, at(699)).is_some());
        assert!(cache.fresh(&source, at(701)).is_none());
        cache.keep(&source, &keys(None));
        assert!(cache.fresh(&source, at(1_000_000)).is_some());
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
        let (cache, transport) = (Credentials::default(), Transport::default());
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
        let (cache, transport) = (Credentials::default(), Transport::default());
        let first = signing(Source::Role { base: base(), role: role("one") });
        let found = cache.get(&transport, &Connection::default(), &first).await.unwrap();
        assert_eq!(found.access_key_id, "R");
        let second = signing(Source::Role { base: base(), role: role("two") });
        let error = cache.get(&transport, &Connection::default(), &second).await.unwrap_err();
        assert_eq!(error.kind(), Kind::PermissionDenied);
        assert_eq!(served.join().unwrap(), ["POST / HTTP/1.1", "POST / HTTP/1.1"]);
    }
}
