//! Tokens of somebody else's (JWT) that let clients in: checked with the public keys that who signs them publishes.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

use super::unknown_key;
use crate::engine::Engine;
use crate::error::{Error, Kind, Result};
use crate::gateway::config::Jwt;

/// The shortest time between two looks at the keys because of one that is not among them.
const REST: Duration = Duration::from_secs(60);
/// The same after a look that has failed.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// After how long they are looked at again in any case: keys are taken back, too.
const AGED: Duration = Duration::from_secs(3600);
/// How long the server of the keys may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The largest document of keys, in bytes, and the most keys of one.
const LARGEST: usize = 1024 * 1024;
const MOST: usize = 200;
/// How far two clocks may be apart, in seconds.
const LEEWAY: f64 = 30.0;

/// Whether a key looks like a token: three parts, with points between them.
pub fn is_token(key: &str) -> bool {
    key.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Checks tokens.
#[derive(Debug)]
pub struct Tokens {
    wanted: Jwt,
    kept: RwLock<Arc<Keys>>,
    /// When the keys may be looked at again. Held by who looks.
    turn: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Keys {
    keys: Vec<Key>,
    read: Option<Instant>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, where it says so.
    algorithm: Option<String>,
    public: Public,
}

#[derive(Debug)]
enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Tokens {
    pub fn new(wanted: Jwt) -> Self {
        Self { wanted, kept: RwLock::default(), turn: tokio::sync::Mutex::default() }
    }

    /// The user that a token names.
    ///
    /// # Errors
    /// [`Kind::Authentication`] without a word about what is wrong; [`Kind::ServiceUnavailable`] when there are no keys
    /// to check it with.
    pub async fn verify(self: &Arc<Self>, token: &str, engine: &Arc<Engine>) -> Result<Arc<str>> {
        let parts = Parts::read(token).ok_or_else(unknown_key)?;
        let mut keys = self.keys();
        if keys.read.is_some_and(|read| read.elapsed() > AGED)
            && self.turn.try_lock().is_ok_and(|next| next.is_none_or(|next| Instant::now() >= next))
        {
            // Those that are there serve meanwhile.
            let (tokens, engine) = (self.clone(), engine.clone());
            tokio::spawn(async move { tokens.look(&engine, AGED).await });
        }
        if !keys.keys.iter().any(|key| parts.may_be_of(key)) {
            self.look(engine, Duration::ZERO).await;
            keys = self.keys();
        }
        if keys.read.is_none() {
            return Err(Error::new(
                Kind::ServiceUnavailable,
                "Tokens cannot be checked: their issuer's keys are out of reach.",
            ));
        }
        if !keys.keys.iter().any(|key| parts.may_be_of(key) && parts.is_signed_by(key)) {
            return Err(unknown_key());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let claims = self.claims(&parts, now).ok_or_else(unknown_key)?;
        let user = claims.get(self.wanted.user_claim.as_deref().unwrap_or("sub")).and_then(Value::as_str);
        Ok(user.unwrap_or_default().into())
    }

    fn keys(&self) -> Arc<Keys> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a token says, if it is for us and for now.
    fn claims(&self, parts: &Parts<'_>, now: f64) -> Option<Value> {
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.claims).ok()?).ok()?;
        let time = |name: &str| match claims.get(name) {
            None => Some(None),
            Some(value) => value.as_f64().map(Some),
        };
        let ends = time("exp")??;
        let begins = time("nbf")?;
        if now > ends + LEEWAY || begins.is_some_and(|begins| now + LEEWAY < begins) {
            return None;
        }
        if let Some(issuer) = &self.wanted.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return None;
        }
        if let Some(audience) = &self.wanted.audience {
            let is_it = |value: &Value| value.as_str() == Some(audience);
            let is_among = match claims.get("aud")? {
                Value::Array(all) => all.iter().any(is_it),
                one => is_it(one),
            };
            if !is_among {
                return None;
            }
        }
        Some(claims)
    }

    /// Looks at the keys, unless somebody has just done so, or they are younger than `age`.
    async fn look(&self, engine: &Engine, age: Duration) {
        let asked = Instant::now();
        let mut turn = self.turn.lock().await;
        let read = self.keys().read;
        if turn.is_some_and(|next| Instant::now() < next)
            || read.is_some_and(|read| read >= asked || read.elapsed() < age)
        {
            return;
        }
        // Before it is known how it ends: who asks may go away meanwhile.
        *turn = Some(Instant::now() + REST);
        match engine.document(&self.wanted.jwks_url, LIMIT, LARGEST).await.map(|reply| read_keys(&reply.body))
        {
            Ok(Some(keys)) => {
                let read = Keys { keys, read: Some(Instant::now()) };
                *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
            }
            Ok(None) => tracing::warn!("the document at jwks_url is no set of keys"),
            Err(error) => {
                *turn = Some(Instant::now() + REST_AFTER_FAILURE);
                tracing::warn!(error = %error, "the keys of tokens cannot be read");
            }
        }
    }
}

fn read_keys(document: &[u8]) -> Option<Vec<Key>> {
    let document: Value = serde_json::from_slice(document).ok()?;
    Some(document.get("keys")?.as_array()?.iter().take(MOST).filter_map(read_key).collect())
}

fn read_key(key: &Value) -> Option<Key> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok();
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let point = |size: usize| {
        let (x, y) = (bytes("x")?, bytes("y")?);
        (x.len() == size && y.len() == size).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    };
    let public = match (text("kty")?, text("crv")) {
        ("RSA", _) => Public::Rsa { n: bytes("n")?, e: bytes("e")? },
        ("EC", Some("P-256")) => Public::P256(point(32)?),
        ("EC", Some("P-384")) => Public::P384(point(48)?),
        ("OKP", Some("Ed25519")) => Public::Ed25519(bytes("x")?),
        _ => return None,
    };
    Some(Key { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), public })
}

/// A token, taken apart.
struct Parts<'t> {
    algorithm: String,
    key_id: Option<String>,
    /// The header and the claims as they were signed.
    signed: &'t str,
    claims: &'t str,
    signature: Vec<u8>,
}

impl<'t> Parts<'t> {
    fn read(token: &'t str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.get("crit").is_some() {
            return None; // something that has to be understood, and is not
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(id) => Some(id.as_str()?.to_owned()),
        };
        Some(Self {
            algorithm: header.get("alg")?.as_str()?.to_owned(),
            key_id,
            signed,
            claims,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether the token may be signed with a key: the key says what it is for, never the token alone.
    fn may_be_of(&self, key: &Key) -> bool {
        let fits = match key.public {
            Public::Rsa { .. } => rsa(&self.algorithm).is_some(),
            Public::P256(_) => self.algorithm == "ES256",
            Public::P384(_) => self.algorithm == "ES384",
            Public::Ed25519(_) => matches!(self.algorithm.as_str(), "EdDSA" | "Ed25519"),
        };
        fits && key.algorithm.as_ref().is_none_or(|only| *only == self.algorithm)
            && (self.key_id.is_none() || self.key_id == key.id)
    }

    fn is_signed_by(&self, key: &Key) -> bool {
        let message = self.signed.as_bytes();
        let plain = |algorithm: &'static dyn VerificationAlgorithm, public: &[u8]| {
            UnparsedPublicKey::new(algorithm, public).verify(message, &self.signature).is_ok()
        };
        match &key.public {
            Public::Rsa { n, e } => rsa(&self.algorithm).is_some_and(|algorithm| {
                // Zeros in front say nothing, and are refused by what checks.
                let n = &n[n.iter().take_while(|byte| **byte == 0).count()..];
                RsaPublicKeyComponents { n, e }.verify(algorithm, message, &self.signature).is_ok()
            }),
            Public::P256(point) => plain(&signature::ECDSA_P256_SHA256_FIXED, point),
            Public::P384(point) => plain(&signature::ECDSA_P384_SHA384_FIXED, point),
            Public::Ed25519(public) => plain(&signature::ED25519, public),
        }
    }
}

/// The algorithms with an RSA key. No others are known: not `none`, and none with a shared secret (HS256).
fn rsa(name: &str) -> Option<&'static RsaParameters> {
    Some(match name {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    struct Signer(Ed25519KeyPair);

    impl Signer {
        fn new() -> Self {
            let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
            Self(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
        }

        fn tokens(&self, wanted: Jwt) -> Tokens {
            let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
            let document = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x }] });
            let tokens = Tokens::new(wanted);
            let keys = Keys {
                keys: read_keys(document.to_string().as_bytes()).unwrap(),
                read: Some(Instant::now()),
            };
            *tokens.kept.write().unwrap() = Arc::new(keys);
            // Nothing more is looked for.
            *tokens.turn.try_lock().unwrap() = Some(Instant::now() + AGED);
            tokens
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let signed = format!("{}.{}", encoded(header), encoded(claims));
            let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).as_ref());
            format!("{signed}.{signature}")
        }
    }

    fn now() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
    }

    async fn user(tokens: Tokens, token: &str) -> Option<String> {
        Arc::new(tokens).verify(token, &Arc::new(Engine::new())).await.ok().map(|user| user.to_string())
    }

    fn wanted() -> Jwt {
        Jwt { audience: Some("us".into()), issuer: Some("they".into()), ..Jwt::default() }
    }

    #[tokio::test]
    async fn a_token_for_us_and_for_now_lets_in() {
        let signer = Signer::new();
        let header = json!({ "alg": "EdDSA", "kid": "k" });
        let claims = |change: Value| {
            let mut claims = json!({ "sub": "u", "iss": "they", "aud": ["x", "us"], "exp": now() + 60 });
            claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            claims
        };
        for (change, is_good) in [
            (json!({}), true),
            (json!({ "aud": "us" }), true),
            (json!({ "exp": now() - 10 }), true),
            (json!({ "exp": now() - 60 }), false),
            (json!({ "exp": null }), false),
            (json!({ "exp": "tomorrow" }), false),
            (json!({ "nbf": now() + 10 }), true),
            (json!({ "nbf": now() + 60 }), false),
            (json!({ "aud": "them" }), false),
            (json!({ "aud": null }), false),
            (json!({ "iss": "others" }), false),
        ] {
            let token = signer.sign(&header, &claims(change.clone()));
            let expected = is_good.then(|| "u".to_owned());
            assert_eq!(user(signer.tokens(wanted()), &token).await, expected, "{change}");
        }
        let mail = Jwt { user_claim: Some("email".into()), ..wanted() };
        let token = signer.sign(&header, &claims(json!({ "email": "a@b" })));
        assert_eq!(user(signer.tokens(mail), &token).await.as_deref(), Some("a@b"));
    }

    #[tokio::test]
    async fn a_token_that_proves_nothing_does_not() {
        let signer = Signer::new();
        let claims = json!({ "sub": "u", "iss": "they", "aud": "us", "exp": now() + 60 });
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS256", "kid": "k" }),
            json!({ "alg": "RS256", "kid": "k" }),
            json!({ "alg": "ES256", "kid": "k" }),
            json!({ "alg": "EdDSA", "kid": "other" }),
            json!({ "alg": "EdDSA", "kid": "k", "crit": ["x"] }),
            json!({ "kid": "k" }),
        ] {
            assert_eq!(user(signer.tokens(wanted()), &signer.sign(&header, &claims)).await, None, "{header}");
        }
        let good = signer.sign(&json!({ "alg": "EdDSA", "kid": "k" }), &claims);
        assert!(user(signer.tokens(wanted()), &good).await.is_some());
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let other =
            signer.sign(&json!({ "alg": "EdDSA", "kid": "k" }), &json!({ "sub": "root", "exp": now() + 60 }));
        let (other, _) = other.rsplit_once('.').unwrap();
        for token in [
            format!("{signed}."),
            format!("{other}.{signature}"),
            format!("{signed}.{signature}="),
            "..".into(),
        ] {
            assert_eq!(user(signer.tokens(wanted()), &token).await, None, "{token}");
        }
        assert_eq!(user(Signer::new().tokens(wanted()), &good).await, None, "another key of the same name");
    }

    #[test]
    fn elliptic_keys_check_what_they_signed() {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).unwrap();
        let point = key.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        let read = read_key(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).unwrap();
        let signed = format!("{}.{}", encoded(&json!({ "alg": "ES256" })), encoded(&json!({})));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(&random, signed.as_bytes()).unwrap());
        let token = format!("{signed}.{signature}");
        let parts = Parts::read(&token).unwrap();
        assert!(parts.may_be_of(&read) && parts.is_signed_by(&read));
        assert!(read_key(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": "AA" })).is_none());
        assert!(read_key(&json!({ "kty": "oct", "k": "AA" })).is_none());
        assert!(read_key(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "enc" })).is_none());
    }
}
