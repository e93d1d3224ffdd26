//! Entra ID, Azure's directory: tokens that take the place of a key (AZ-10).
//!
//! What a caller or the environment says becomes a token that is there already, or a grant that asks for one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Secret;
use super::aws::Token as Assertion;
use super::exchange::{Grant, Identity, form_call};
use crate::config::Environment;
use crate::error::{Error, Kind, Result};
use crate::wires::HttpCall;

const AUTHORITY: &str = "https://login.microsoftonline.com";
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
/// The tenant of accounts whose own is not said.
const ANY_TENANT: &str = "organizations";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Where a machine asks for the token of its identity.
const MACHINE: &str = "http://169.254.169.254";
/// How long a machine's own service may take.
const NEAR: Duration = Duration::from_secs(5);

/// What a caller said of Entra.
#[derive(Debug, Clone, Default)]
pub struct Keywords {
    /// A token, or `oidc/…` for one that is exchanged.
    pub ad_token: Option<Secret>,
    pub tenant_id: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub scope: Option<String>,
    /// The identity of the machine may be asked for, when there is nothing else.
    pub machine: bool,
}

/// What takes the place of a key.
#[derive(Debug, Clone)]
pub enum Proof {
    Token(Secret),
    Grant(Arc<dyn Grant>),
}

impl Keywords {
    /// Reads the keywords by their names.
    pub fn read(mut text: impl FnMut(&str) -> Result<Option<String>>, machine: bool) -> Result<Self> {
        Ok(Self {
            ad_token: text("azure_ad_token")?.map(Secret::new),
            tenant_id: text("tenant_id")?,
            client_id: text("client_id")?,
            client_secret: text("client_secret")?.map(Secret::new),
            username: text("azure_username")?,
            password: text("azure_password")?.map(Secret::new),
            scope: text("azure_scope")?,
            machine,
        })
    }

    /// Whether the call itself says what a token is had for.
    pub fn asks(&self) -> bool {
        self.client_secret.is_some() || self.password.is_some()
    }

    /// What the call itself says. A token comes before `key`, what a token is had for after it.
    pub fn said(&self, has_key: bool, environment: &dyn Environment) -> Result<Option<Proof>> {
        if let Some(token) = &self.ad_token {
            return self.token(token, environment).map(Some);
        }
        if has_key || !self.asks() {
            return Ok(None);
        }
        Ok(self.client(environment))
    }

    /// What the environment says, and at last the machine.
    pub fn found(&self, environment: &dyn Environment) -> Result<Option<Proof>> {
        let token = ["AZURE_AD_TOKEN", "AZURE_OPENAI_AD_TOKEN"].iter().find_map(|name| environment.get(name));
        if let Some(token) = token {
            return self.token(&Secret::new(token), environment).map(Some);
        }
        if let Some(proof) = self.client(environment) {
            return Ok(Some(proof));
        }
        let client_id = or(self.client_id.as_ref(), environment, "AZURE_CLIENT_ID");
        let file = environment.get("AZURE_FEDERATED_TOKEN_FILE");
        if let (Some(file), Some(tenant), Some(client_id)) =
            (file, or(self.tenant_id.as_ref(), environment, "AZURE_TENANT_ID"), client_id.clone())
        {
            let how = How::Assertion(Assertion::File(file.into()));
            return Ok(Some(self.entra(&tenant, client_id, how, environment)));
        }
        let header = environment.get("IDENTITY_HEADER");
        let service = environment.get("IDENTITY_ENDPOINT").zip(header.map(Secret::new));
        let at = match service {
            Some((endpoint, header)) => Some(At::Service { endpoint, header }),
            None if self.machine => {
                let base = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST");
                let base = base.as_deref().unwrap_or(MACHINE).trim_end_matches('/').to_owned();
                Some(At::Machine { base })
            }
            None => None,
        };
        let scope = self.scope(environment);
        let resource = scope.strip_suffix("/.default").unwrap_or(&scope).to_owned();
        Ok(at.map(|at| Proof::Grant(Arc::new(Managed { at, client_id, resource }))))
    }

    /// A client with its secret, or a user with a password.
    fn client(&self, environment: &dyn Environment) -> Option<Proof> {
        let client_id = or(self.client_id.as_ref(), environment, "AZURE_CLIENT_ID")?;
        let tenant = or(self.tenant_id.as_ref(), environment, "AZURE_TENANT_ID");
        let secret = |said: Option<&Secret>, name: &str| {
            said.cloned().or_else(|| environment.get(name).map(Secret::new))
        };
        if let (Some(tenant), Some(secret)) =
            (&tenant, secret(self.client_secret.as_ref(), "AZURE_CLIENT_SECRET"))
        {
            return Some(self.entra(tenant, client_id, How::Secret(secret), environment));
        }
        let username = or(self.username.as_ref(), environment, "AZURE_USERNAME")?;
        let password = secret(self.password.as_ref(), "AZURE_PASSWORD")?;
        let tenant = tenant.as_deref().unwrap_or(ANY_TENANT);
        Some(self.entra(tenant, client_id, How::Password { username, password }, environment))
    }

    /// A token as it is; one of another identity provider (`oidc/…`) is exchanged.
    fn token(&self, given: &Secret, environment: &dyn Environment) -> Result<Proof> {
        let Some(source) = given.expose().strip_prefix("oidc/") else {
            return Ok(Proof::Token(given.clone()));
        };
        let missing = |what: String| Error::new(Kind::Authentication, what).with_param("azure_ad_token");
        let variable = |name: &str| {
            environment.get(name).ok_or_else(|| missing(format!("the variable {name} is not set")))
        };
        let assertion = match source.split_once('/') {
            Some(("env", name)) => Assertion::Text(Secret::new(variable(name)?)),
            Some(("file", path)) => Assertion::File(path.into()),
            Some(("env_path", name)) => Assertion::File(variable(name)?.into()),
            _ => {
                let what = "`azure_ad_token` names no token: 'oidc/env/NAME', 'oidc/file/PATH' and \
                            'oidc/env_path/NAME' are known";
                return Err(missing(what.to_owned()));
            }
        };
        let part = |said: Option<&String>, keyword: &str, name: &str| {
            or(said, environment, name)
                .ok_or_else(|| missing(format!("an exchanged token needs `{keyword}` or {name}")))
        };
        let tenant = part(self.tenant_id.as_ref(), "tenant_id", "AZURE_TENANT_ID")?;
        let client_id = part(self.client_id.as_ref(), "client_id", "AZURE_CLIENT_ID")?;
        Ok(self.entra(&tenant, client_id, How::Assertion(assertion), environment))
    }

    fn entra(&self, tenant: &str, client_id: String, how: How, environment: &dyn Environment) -> Proof {
        let authority = environment.get("AZURE_AUTHORITY_HOST");
        let authority = authority.as_deref().unwrap_or(AUTHORITY).trim_end_matches('/');
        // Only the name of the host is told, sometimes.
        let scheme = if authority.contains("://") { "" } else { "https://" };
        Proof::Grant(Arc::new(Entra {
            endpoint: format!("{scheme}{authority}/{tenant}/oauth2/v2.0/token"),
            client_id,
            scope: self.scope(environment),
            how,
        }))
    }

    fn scope(&self, environment: &dyn Environment) -> String {
        or(self.scope.as_ref(), environment, "AZURE_SCOPE").unwrap_or_else(|| SCOPE.to_owned())
    }
}

fn or(said: Option<&String>, environment: &dyn Environment, name: &str) -> Option<String> {
    said.cloned().or_else(|| environment.get(name))
}

/// A token of a tenant's.
#[derive(Debug)]
struct Entra {
    endpoint: String,
    client_id: String,
    scope: String,
    how: How,
}

/// How a client proves who it is.
#[derive(Debug)]
enum How {
    Secret(Secret),
    Password { username: String, password: Secret },
    Assertion(Assertion),
}

impl Grant for Entra {
    fn identity(&self) -> Identity {
        let mut who = vec![self.client_id.clone(), self.scope.clone()];
        let secret = match &self.how {
            How::Secret(secret) | How::Assertion(Assertion::Text(secret)) => Some(secret.clone()),
            How::Password { username, password } => {
                who.push(username.clone());
                Some(password.clone())
            }
            How::Assertion(Assertion::File(path)) => {
                who.push(path.display().to_string());
                None
            }
        };
        Identity { endpoint: self.endpoint.clone(), who, secrets: secret.into_iter().collect() }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let assertion;
        let mut form = vec![("client_id", self.client_id.as_str()), ("scope", self.scope.as_str())];
        match &self.how {
            How::Secret(secret) => {
                form.extend([("grant_type", "client_credentials"), ("client_secret", secret.expose())]);
            }
            How::Password { username, password } => form.extend([
                ("grant_type", "password"),
                ("username", username),
                ("password", password.expose()),
            ]),
            How::Assertion(token) => {
                assertion = token.load()?;
                form.extend([
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", assertion.expose()),
                ]);
            }
        }
        Ok(form_call(self.endpoint.as_str(), &form))
    }
}

/// The token of an identity that Azure gives to what runs there.
#[derive(Debug)]
struct Managed {
    at: At,
    /// One of several identities; the only one when it is not said.
    client_id: Option<String>,
    resource: String,
}

#[derive(Debug)]
enum At {
    /// Of an app, a function or a container: its own address, and a header that proves that it is meant.
    Service {
        endpoint: String,
        header: Secret,
    },
    Machine {
        base: String,
    },
}

impl Managed {
    fn endpoint(&self) -> (String, &'static str) {
        match &self.at {
            At::Service { endpoint, .. } => (endpoint.clone(), "2019-08-01"),
            At::Machine { base } => (format!("{base}/metadata/identity/oauth2/token"), "2018-02-01"),
        }
    }
}

impl Grant for Managed {
    fn identity(&self) -> Identity {
        let who = self.client_id.iter().chain([&self.resource]).cloned().collect();
        let secrets = match &self.at {
            At::Service { header, .. } => vec![header.clone()],
            At::Machine { .. } => Vec::new(),
        };
        Identity { endpoint: self.endpoint().0, who, secrets }
    }

    fn request(&self, _first: Option<&Secret>, _now: SystemTime) -> Result<HttpCall> {
        let (endpoint, version) = self.endpoint();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", version).append_pair("resource", &self.resource);
        if let Some(client_id) = &self.client_id {
            query.append_pair("client_id", client_id);
        }
        let mut headers = HeaderMap::new();
        let (name, mut value) = match &self.at {
            At::Service { header, .. } => {
                let value = HeaderValue::try_from(header.expose()).map_err(|_| {
                    Error::new(Kind::Authentication, "IDENTITY_HEADER holds what a header cannot carry")
                })?;
                (HeaderName::from_static("x-identity-header"), value)
            }
            At::Machine { .. } => (HeaderName::from_static("metadata"), HeaderValue::from_static("true")),
        };
        value.set_sensitive(true);
        headers.insert(name, value);
        let url = format!("{endpoint}?{}", query.finish());
        Ok(HttpCall { rest: Vec::new(), method: Method::GET, url, headers, body: Bytes::new() })
    }

    fn limit(&self) -> Duration {
        NEAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Variables(&'static [(&'static str, &'static str)]);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }
    }

    fn keywords(pairs: &[(&str, &str)]) -> Keywords {
        let text = |name: &str| {
            Ok(pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        Keywords::read(text, false).unwrap()
    }

    fn request(proof: Option<Proof>) -> (String, String) {
        match proof {
            Some(Proof::Grant(grant)) => {
                let call = grant.request(None, SystemTime::UNIX_EPOCH).unwrap();
                (call.url, String::from_utf8(call.body.to_vec()).unwrap())
            }
            other => panic!("no grant: {other:?}"),
        }
    }

    const CLIENT: &[(&str, &str)] = &[("tenant_id", "t"), ("client_id", "c"), ("client_secret", "hush&")];

    #[test]
    fn az_10_a_client_asks_with_its_secret() {
        let (url, form) = request(keywords(CLIENT).said(false, &Variables(&[])).unwrap());
        assert_eq!(url, "https://login.microsoftonline.com/t/oauth2/v2.0/token");
        assert_eq!(
            form,
            "client_id=c&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default\
             &grant_type=client_credentials&client_secret=hush%26"
        );
        let found = Variables(&[
            ("AZURE_TENANT_ID", "t2"),
            ("AZURE_CLIENT_ID", "c2"),
            ("AZURE_CLIENT_SECRET", "s2"),
            ("AZURE_AUTHORITY_HOST", "login.example"),
            ("AZURE_SCOPE", "mine"),
        ]);
        let (url, form) = request(keywords(&[]).found(&found).unwrap());
        assert_eq!(url, "https://login.example/t2/oauth2/v2.0/token");
        assert!(form.starts_with("client_id=c2&scope=mine&"), "{form}");
    }

    #[test]
    fn az_10_a_user_a_pod_and_a_machine() {
        let user = keywords(&[("azure_username", "u"), ("azure_password", "p"), ("client_id", "c")]);
        let (url, form) = request(user.said(false, &Variables(&[])).unwrap());
        assert!(url.ends_with("/organizations/oauth2/v2.0/token"), "{url}");
        assert!(form.ends_with("&grant_type=password&username=u&password=p"), "{form}");
        let token = Variables(&[("TOKEN", "jwt"), ("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")]);
        let (_, form) =
            request(keywords(&[("azure_ad_token", "oidc/env/TOKEN")]).said(true, &token).unwrap());
        assert!(form.ends_with("jwt-bearer&client_assertion=jwt"), "{form}");
        let service =
            Variables(&[("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token"), ("IDENTITY_HEADER", "h")]);
        let (url, _) = request(keywords(&[("client_id", "c")]).found(&service).unwrap());
        assert_eq!(
            url,
            "http://127.0.0.1:1/token?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com\
             &client_id=c"
        );
        let machine = Keywords { machine: true, ..Keywords::default() };
        assert!(request(machine.found(&Variables(&[])).unwrap()).0.starts_with(MACHINE));
        assert!(keywords(&[]).found(&Variables(&[])).unwrap().is_none(), "the machine is asked when told to");
    }

    #[test]
    fn az_10_a_pods_token_is_read_when_it_is_needed() {
        const POD: &[(&str, &str)] = &[
            ("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/token"),
            ("AZURE_TENANT_ID", "t"),
            ("AZURE_CLIENT_ID", "c"),
        ];
        let Some(Proof::Grant(grant)) = keywords(&[]).found(&Variables(POD)).unwrap() else {
            panic!("a grant")
        };
        let error = grant.request(None, SystemTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.kind(), Kind::Authentication);
        assert!(error.message().contains("/nowhere/token"), "{error}");
    }

    #[test]
    fn what_is_said_comes_first() {
        let token = keywords(&[("azure_ad_token", "tok"), ("client_secret", "s")]);
        let said = token.said(true, &Variables(&[])).unwrap();
        assert!(matches!(said, Some(Proof::Token(token)) if token.expose() == "tok"));
        assert!(keywords(CLIENT).said(true, &Variables(&[])).unwrap().is_none(), "a key comes first");
        for wrong in ["oidc/env/NOT_SET", "oidc/github/x", "oidc/file/x"] {
            let error = keywords(&[("azure_ad_token", wrong)]).said(false, &Variables(&[])).unwrap_err();
            assert_eq!(error.kind(), Kind::Authentication, "{wrong}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let said =
            keywords(&[("azure_ad_token", "hush"), ("client_secret", "hush"), ("azure_password", "hush")]);
        let client = keywords(CLIENT).said(false, &Variables(&[])).unwrap();
        assert!(!format!("{said:?} {client:?}").contains("hush"));
    }
}
