//! Who asks for tokens, and how: against services on this machine.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::default_provider;
use serde_json::{Value, json};

use super::chain::Project;
use super::*;
use crate::auth::exchange::Tokens;
use crate::config::Environment;
use crate::error::Result;
use crate::transport::{Connection, Transport};

const KEY: &str = include_str!("../../../tests/fixtures/google/private-key.pem");
const PUBLIC: &[u8] = include_bytes!("../../../tests/fixtures/google/public-key.der");
const PROJECT_NAME: &str = "here";

struct Variables(Vec<(&'static str, String)>);

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

fn nothing() -> Variables {
    Variables(Vec::new())
}

type Asked = Arc<Mutex<Vec<String>>>;

/// Answers by path; keeps what was asked.
fn service(replies: &'static [(&'static str, u16, &'static str)]) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = asked.clone();
    std::thread::spawn(move || {
        for peer in listener.incoming() {
            let mut peer = peer.unwrap();
            let mut text = String::new();
            let mut bytes = [0; 4096];
            loop {
                let count = peer.read(&mut bytes).unwrap();
                text.push_str(&String::from_utf8_lossy(&bytes[..count]));
                let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length = length.map_or(0, |length| length.parse().unwrap());
                let body_at = text.find("\r\n\r\n").map(|at| at + 4);
                if count == 0 || body_at.is_some_and(|at| text.len() >= at + length) {
                    break;
                }
            }
            let path = text.split(' ').nth(1).unwrap().to_owned();
            seen.lock().unwrap().push(text);
            let found = replies.iter().find(|(known, ..)| *known == path);
            let (status, body) = found.map_or((404, ""), |(_, status, body)| (*status, *body));
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}", body.len());
            peer.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes()).unwrap();
        }
    });
    (base, asked)
}

const TOKEN: &str = r#"{"access_token":"ya29.first","expires_in":3599,"token_type":"Bearer"}"#;

fn written(credentials: &Value) -> Keywords {
    Keywords { credentials: Some(Secret::new(credentials.to_string())), ..Keywords::default() }
}

fn account(token_uri: &str) -> Value {
    json!({"type": "service_account", "project_id": "own", "private_key_id": "k1", "private_key": KEY,
        "client_email": "me@own.iam", "token_uri": token_uri})
}

fn found(keywords: &Keywords, environment: &dyn Environment) -> Result<Access> {
    Access::find(keywords, false, environment)
}

async fn token(access: &Access) -> Result<String> {
    let grant = access.grant.as_ref().unwrap();
    let token = Tokens::default().get(&Transport::default(), &Connection::default(), grant).await?;
    Ok(token.expose().to_owned())
}

/// The form of what was asked.
fn form(asked: &Asked, at: usize) -> Vec<(String, String)> {
    let text = asked.lock().unwrap()[at].clone();
    let body = text.split_once("\r\n\r\n").unwrap().1.to_owned();
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn field(form: &[(String, String)], name: &str) -> String {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_service_account_signs_an_assertion() {
    let (base, asked) = service(&[("/token", 200, TOKEN)]);
    let access = found(&written(&account(&format!("{base}/token"))), &nothing()).unwrap();
    assert_eq!(access.project.in_address(), "own");
    assert_eq!(token(&access).await.unwrap(), "ya29.first");

    let form = form(&asked, 0);
    assert_eq!(field(&form, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let assertion = field(&form, "assertion");
    let parts: Vec<&str> = assertion.split('.').collect();
    let decoded = |at: usize| URL_SAFE_NO_PAD.decode(parts[at]).unwrap();
    let header: Value = serde_json::from_slice(&decoded(0)).unwrap();
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    let claims: Value = serde_json::from_slice(&decoded(1)).unwrap();
    assert_eq!(claims["iss"], "me@own.iam");
    assert_eq!(claims["aud"], format!("{base}/token"));
    assert_eq!(claims["scope"], SCOPE);
    let (from, to) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert_eq!(to - from, 3600);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now - from < 60);
    let algorithms = default_provider().signature_verification_algorithms.mapping;
    let (_, rsa) =
        algorithms.iter().find(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256).unwrap();
    let message = format!("{}.{}", parts[0], parts[1]);
    assert!(rsa[0].verify_signature(PUBLIC, message.as_bytes(), &decoded(2)).is_ok());
    assert!(rsa[0].verify_signature(PUBLIC, b"other", &decoded(2)).is_err());
}

#[tokio::test]
async fn one_token_serves_many_calls() {
    let (base, asked) = service(&[("/token", 200, TOKEN)]);
    let tokens = Tokens::default();
    for _ in 0..3 {
        let access = found(&written(&account(&format!("{base}/token"))), &nothing()).unwrap();
        let grant = access.grant.unwrap();
        tokens.get(&Transport::default(), &Connection::default(), &grant).await.unwrap();
    }
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_user_has_a_refresh_token() {
    let (base, asked) = service(&[("/token", 200, TOKEN)]);
    let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "hush", "refresh_token": "r",
        "quota_project_id": "q", "token_uri": format!("{base}/token")});
    let access = found(&written(&user), &nothing()).unwrap();
    assert_eq!(access.project.in_address(), "q");
    assert_eq!(token(&access).await.unwrap(), "ya29.first");
    let form = form(&asked, 0);
    for (name, value) in [
        ("grant_type", "refresh_token"),
        ("client_id", "c"),
        ("client_secret", "hush"),
        ("refresh_token", "r"),
    ] {
        assert_eq!(field(&form, name), value);
    }
}

#[tokio::test]
async fn a_foreign_token_is_exchanged_and_acts_as_an_account() {
    let (base, asked) = service(&[
        ("/subject", 200, r#"{"id_token":"foreign"}"#),
        ("/sts", 200, TOKEN),
        ("/as", 200, r#"{"accessToken":"ya29.second","expireTime":"2099-01-01T00:00:00Z"}"#),
    ]);
    let external = json!({"type": "external_account", "audience": "//iam/x", "subject_token_type": "urn:jwt",
        "token_url": format!("{base}/sts"), "service_account_impersonation_url": format!("{base}/as"),
        "credential_source": {"url": format!("{base}/subject"), "headers": {"x-proof": "p"},
            "format": {"type": "json", "subject_token_field_name": "id_token"}}});
    let keywords = Keywords { project: Some("mine".into()), ..written(&external) };
    let access = found(&keywords, &nothing()).unwrap();
    assert_eq!(token(&access).await.unwrap(), "ya29.second");
    let texts = asked.lock().unwrap().clone();
    assert!(texts[0].starts_with("GET /subject") && texts[0].contains("x-proof: p"));
    assert!(texts[2].contains("authorization: Bearer ya29.first"));
    assert!(texts[2].ends_with(&json!({"scope": [SCOPE], "lifetime": "3600s"}).to_string()));
    let form = form(&asked, 1);
    assert_eq!(field(&form, "subject_token"), "foreign");
    assert_eq!(field(&form, "audience"), "//iam/x");
}

#[tokio::test]
async fn a_foreign_token_in_a_file_is_read_each_time() {
    let (base, asked) = service(&[("/sts", 200, r#"{"access_token":"ya29.x"}"#)]);
    let path = std::env::temp_dir().join(format!("ferrolite-subject-{}", std::process::id()));
    let external = json!({"type": "external_account", "audience": "a", "subject_token_type": "t",
        "token_url": format!("{base}/sts"), "credential_source": {"file": path}});
    let access = found(&Keywords { project: Some("p".into()), ..written(&external) }, &nothing()).unwrap();
    for (at, text) in ["one\n", "two\n"].into_iter().enumerate() {
        std::fs::write(&path, text).unwrap();
        token(&access).await.unwrap();
        assert_eq!(field(&form(&asked, at), "subject_token"), text.trim());
    }
    std::fs::remove_file(&path).unwrap();
    assert!(token(&access).await.unwrap_err().message().contains("cannot be read"));
}

#[tokio::test]
async fn a_machine_knows_its_token_and_its_project() {
    let (base, asked) = service(&[
        ("/computeMetadata/v1/instance/service-accounts/default/token", 200, TOKEN),
        ("/computeMetadata/v1/project/project-id", 200, PROJECT_NAME),
    ]);
    let host = base.strip_prefix("http://").unwrap().to_owned();
    let environment = Variables(vec![("GCE_METADATA_HOST", host)]);
    let access = found(&Keywords::default(), &environment).unwrap();
    assert_eq!(token(&access).await.unwrap(), "ya29.first");
    assert_eq!(access.project.in_address(), PROJECT);
    let Project::Asked(project) = &access.project else { panic!("the machine is asked") };
    let name = Tokens::default().get(&Transport::default(), &Connection::default(), project).await.unwrap();
    assert_eq!(name.expose(), PROJECT_NAME);
    assert!(asked.lock().unwrap().iter().all(|text| text.contains("metadata-flavor: Google")));
}

#[tokio::test]
async fn nobody_at_all_says_what_to_set() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let environment = Variables(vec![("GCE_METADATA_HOST", unused.to_string())]);
    let error = token(&found(&Keywords::default(), &environment).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    assert!(error.message().contains("GOOGLE_APPLICATION_CREDENTIALS"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_told_without_the_secret() {
    let (base, _) =
        service(&[("/token", 400, r#"{"error":"invalid_grant","error_description":"not hush-hush"}"#)]);
    let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "hush-hush",
        "refresh_token": "r", "quota_project_id": "q", "token_uri": format!("{base}/token")});
    let error = token(&found(&written(&user), &nothing()).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    assert!(error.message().contains("invalid_grant: not [redacted]"), "{error}");
}

#[test]
fn where_credentials_and_projects_come_from() {
    let folder = std::env::temp_dir().join(format!("ferrolite-gcloud-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("application_default_credentials.json");
    let user = |project: &str| {
        json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
            "quota_project_id": project})
    };
    std::fs::write(&path, user("of-gcloud").to_string()).unwrap();
    let gcloud = ("CLOUDSDK_CONFIG", folder.display().to_string());
    let file = ("GOOGLE_APPLICATION_CREDENTIALS", path.display().to_string());
    let text = ("VERTEXAI_CREDENTIALS", user("of-text").to_string());
    let project = |keywords: &Keywords, variables: &[&(&'static str, String)]| {
        let environment = Variables(variables.iter().map(|pair| (*pair).clone()).collect());
        found(keywords, &environment).unwrap().project.in_address().to_owned()
    };
    let named = Keywords { project: Some("named".into()), ..Keywords::default() };
    assert_eq!(project(&Keywords::default(), &[&gcloud]), "of-gcloud");
    assert_eq!(project(&Keywords::default(), &[&file]), "of-gcloud");
    assert_eq!(project(&Keywords::default(), &[&gcloud, &file, &text]), "of-text");
    let variable = ("VERTEXAI_PROJECT", "of-variable".to_owned());
    assert_eq!(project(&Keywords::default(), &[&text, &variable]), "of-variable");
    assert_eq!(project(&named, &[&text, &variable]), "named");
    assert_eq!(project(&written(&user("of-keyword")), &[&text]), "of-keyword");
    let by_path =
        Keywords { credentials: Some(Secret::new(path.display().to_string())), ..Keywords::default() };
    assert_eq!(project(&by_path, &[]), "of-gcloud");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn credentials_that_cannot_be_used_say_why_and_nothing_more() {
    for (credentials, words) in [
        (json!({"type": "service_account", "client_email": "e"}).to_string(), "'private_key' is missing"),
        (json!({"type": "nonsense"}).to_string(), "service_account"),
        (json!({}).to_string(), "'type' is missing"),
        ("{not json: hush}".to_owned(), "not an object in JSON"),
        ("/no/such/hush".to_owned(), "no file that can be read"),
        (
            json!({"type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": "u",
            "credential_source": {"environment_id": "aws1", "url": "http://x"}})
            .to_string(),
            "in files",
        ),
    ] {
        let keywords = Keywords { credentials: Some(Secret::new(credentials)), ..Keywords::default() };
        let error = found(&keywords, &nothing()).unwrap_err();
        assert_eq!(error.kind(), Kind::Authentication);
        assert!(error.message().contains(words) && !error.message().contains("hush"), "{error}");
    }
    let user =
        json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"});
    let error = found(&written(&user), &nothing()).unwrap_err();
    assert_eq!(error.facts().param.as_deref(), Some("vertex_project"));
    for project in ["a/../b", "..", "a b", "{project}"] {
        let keywords = Keywords { project: Some(project.into()), ..written(&user) };
        assert_eq!(found(&keywords, &nothing()).unwrap_err().kind(), Kind::BadRequest, "{project}");
    }
}

#[test]
fn a_key_that_does_not_sign_is_not_shown() {
    let now = UNIX_EPOCH + Duration::from_secs(1000);
    for key in ["hush", "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----\n"] {
        let error = jwt::assertion("e", None, &Secret::new(key), "a", now).unwrap_err();
        assert_eq!(error.kind(), Kind::Authentication);
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
}

#[test]
fn only_tokens_of_googles_are_sent_as_they_are() {
    assert!(is_token(&Secret::new("ya29.a0")));
    assert!(!is_token(&Secret::new("sk-of-somebody-else")));
    let given =
        Access::find(&Keywords { project: Some("p".into()), ..Keywords::default() }, true, &nothing());
    assert!(given.unwrap().grant.is_none());
}

#[test]
fn credentials_may_be_an_object_under_either_name() {
    let account = account("http://x");
    for name in ["vertex_credentials", "vertex_ai_credentials"] {
        let read = Keywords::read(
            |asked| (asked == name).then_some(&account),
            |asked| Ok((asked == "vertex_ai_project").then(|| "p".to_owned())),
        );
        let keywords = read.unwrap();
        assert_eq!(keywords.project.as_deref(), Some("p"));
        assert!(keywords.credentials.unwrap().expose().contains("me@own.iam"));
    }
}
