//! Who asks: the first of many places that says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::grants::{
    External, Impersonated, Machine, ServiceAccount, Subject, SubjectAt, User, Wanted, no_project,
};
use super::{TOKEN_URI, unusable};
use crate::auth::Secret;
use crate::auth::exchange::Grant;
use crate::config::Environment;
use crate::error::{Error, Result};
use crate::json::{Map, str_at};

/// Where a machine of Google's tells what it is.
const METADATA: &str = "metadata.google.internal";
/// How long the token of another account lasts, in seconds, when nobody says.
const LIFETIME: u64 = 3600;
/// Credentials may name each other as the base of an impersonation; a longer chain is a mistake.
const CHAIN_LIMIT: usize = 4;

/// What a caller said of Google.
#[derive(Debug, Clone, Default)]
pub struct Keywords {
    /// JSON, or the path of a file with it.
    pub credentials: Option<Secret>,
    pub project: Option<String>,
    pub location: Option<String>,
}

/// How a token is had, and the project that the calls belong to.
#[derive(Debug, Clone)]
pub struct Access {
    /// `None` where a token is given.
    pub grant: Option<Arc<dyn Grant>>,
    pub project: Project,
}

#[derive(Debug, Clone)]
pub enum Project {
    Named(String),
    /// Only the machine knows it.
    Asked(Arc<dyn Grant>),
}

/// What stands in an address for a project that is yet to be asked for.
pub const PROJECT: &str = "{project}";

impl Project {
    /// As it stands in addresses.
    pub fn in_address(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Asked(_) => PROJECT,
        }
    }

    /// How it is had, if it is not known.
    pub fn asked(self) -> Option<Arc<dyn Grant>> {
        match self {
            Self::Named(_) => None,
            Self::Asked(grant) => Some(grant),
        }
    }
}

impl Keywords {
    /// Reads the keywords, each of which has two names. Credentials may also be an object.
    pub fn read<'a>(
        value: impl Fn(&str) -> Option<&'a Value>,
        text: impl Fn(&str) -> Result<Option<String>>,
    ) -> Result<Self> {
        let named = |name: &str| Ok(text(&format!("vertex_{name}"))?.or(text(&format!("vertex_ai_{name}"))?));
        let given = ["vertex_credentials", "vertex_ai_credentials"].into_iter().find_map(value);
        let credentials = match given {
            Some(Value::Object(map)) => Some(Value::Object(map.clone()).to_string()),
            _ => named("credentials")?,
        };
        Ok(Self {
            credentials: credentials.filter(|text| !text.trim().is_empty()).map(Secret::new),
            project: named("project")?.filter(|name| !name.is_empty()),
            location: named("location")?.filter(|name| !name.is_empty()),
        })
    }
}

impl Access {
    /// Keywords before the environment, the environment before what `gcloud` left, that before the machine.
    /// `has_token`: a token is given, and none is asked for.
    pub fn find(keywords: &Keywords, has_token: bool, environment: &dyn Environment) -> Result<Self> {
        let named = keywords.project.clone().or_else(|| environment.get("VERTEXAI_PROJECT"));
        let written = if has_token { None } else { credentials(keywords, environment)? };
        let is_machine = written.is_none() && !has_token;
        let grant = match &written {
            Some(map) => Some(grant(map, 0)?),
            None => is_machine.then(|| machine(Wanted::Token, environment)),
        };
        let own = written.as_ref().and_then(|map| {
            ["project_id", "quota_project_id"].iter().find_map(|key| str_at(map, key)).map(str::to_owned)
        });
        let of_environment =
            || ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"].iter().find_map(|name| environment.get(name));
        let project = match named.or(own).or_else(of_environment) {
            Some(name) if is_project(&name) => Project::Named(name),
            Some(name) => {
                let what = format!("Invalid 'vertex_project': '{name}' is no name of a project.");
                return Err(Error::bad_request(what).with_param("vertex_project"));
            }
            // Credentials that are not the machine's may belong to another project.
            None if is_machine => Project::Asked(machine(Wanted::Project, environment)),
            None => return Err(no_project()),
        };
        Ok(Self { grant, project })
    }
}

/// A name, or a number, or a name with the domain of a company; it becomes a part of the address.
pub fn is_project(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        && !name.bytes().all(|byte| byte == b'.')
}

fn machine(wanted: Wanted, environment: &dyn Environment) -> Arc<dyn Grant> {
    let host = environment.get("GCE_METADATA_HOST").unwrap_or_else(|| METADATA.to_owned());
    Arc::new(Machine { base: format!("http://{host}"), wanted })
}

/// What somebody wrote down about who asks; `None` when nobody did.
fn credentials(keywords: &Keywords, environment: &dyn Environment) -> Result<Option<Map>> {
    let given = keywords.credentials.clone().or_else(|| {
        let names = ["VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"];
        names.iter().find_map(|name| environment.get(name)).map(Secret::new)
    });
    if let Some(given) = given {
        let text = given.expose().trim();
        return if text.starts_with('{') { parse(text) } else { read(Path::new(text)) }.map(Some);
    }
    match gcloud_file(environment) {
        Some(path) if path.is_file() => read(&path).map(Some),
        _ => Ok(None),
    }
}

/// Where `gcloud auth application-default login` writes.
fn gcloud_file(environment: &dyn Environment) -> Option<PathBuf> {
    let folder = environment.get("CLOUDSDK_CONFIG").map(PathBuf::from).or_else(|| {
        let windows = environment.get("APPDATA").map(|folder| Path::new(&folder).join("gcloud"));
        windows
            .or_else(|| environment.get("HOME").map(|home| Path::new(&home).join(".config").join("gcloud")))
    })?;
    Some(folder.join("application_default_credentials.json"))
}

fn read(path: &Path) -> Result<Map> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        unusable("they are no JSON, and no file that can be read has this name").with_source(error)
    })?;
    parse(&text)
}

fn parse(text: &str) -> Result<Map> {
    serde_json::from_str(text).map_err(|_| unusable("they are not an object in JSON"))
}

/// The way to a token that credentials of any kind say.
fn grant(map: &Map, depth: usize) -> Result<Arc<dyn Grant>> {
    let need = |name: &str| {
        str_at(map, name).map(str::to_owned).ok_or_else(|| unusable(&format!("'{name}' is missing")))
    };
    let token_uri = || str_at(map, "token_uri").unwrap_or(TOKEN_URI).to_owned();
    let grant: Arc<dyn Grant> = match str_at(map, "type") {
        Some("service_account") => Arc::new(ServiceAccount {
            email: need("client_email")?,
            key_id: str_at(map, "private_key_id").map(str::to_owned),
            key: Secret::new(need("private_key")?),
            token_uri: token_uri(),
        }),
        Some("authorized_user") => Arc::new(User {
            client_id: need("client_id")?,
            client_secret: Secret::new(need("client_secret")?),
            refresh_token: Secret::new(need("refresh_token")?),
            token_uri: token_uri(),
        }),
        Some("external_account") => {
            let external: Arc<dyn Grant> = Arc::new(External {
                token_url: need("token_url")?,
                audience: need("audience")?,
                token_type: need("subject_token_type")?,
                user_project: str_at(map, "workforce_pool_user_project").map(str::to_owned),
                subject: subject(map)?,
            });
            match str_at(map, "service_account_impersonation_url") {
                Some(url) => impersonated(url, external, map),
                None => external,
            }
        }
        Some("impersonated_service_account") => {
            let source = map.get("source_credentials").and_then(Value::as_object);
            let source = source.filter(|_| depth < CHAIN_LIMIT);
            let source = source.ok_or_else(|| unusable("'source_credentials' is missing"))?;
            let base = grant(source, depth + 1)?;
            impersonated(&need("service_account_impersonation_url")?, base, map)
        }
        Some(other) => {
            return Err(unusable(&format!(
                "the type '{other}' is not known: service_account, authorized_user, external_account and \
                 impersonated_service_account are"
            )));
        }
        None => return Err(unusable("'type' is missing")),
    };
    Ok(grant)
}

fn impersonated(url: &str, base: Arc<dyn Grant>, map: &Map) -> Arc<dyn Grant> {
    let seconds = map
        .get("service_account_impersonation")
        .and_then(|options| options.get("token_lifetime_seconds"))
        .and_then(Value::as_u64);
    let delegates = map.get("delegates").and_then(Value::as_array).into_iter().flatten();
    Arc::new(Impersonated {
        base,
        url: url.to_owned(),
        delegates: delegates.filter_map(Value::as_str).map(str::to_owned).collect(),
        seconds: seconds.unwrap_or(LIFETIME),
    })
}

/// Where the token of another identity provider is: a file, or an address.
fn subject(map: &Map) -> Result<Subject> {
    let source = map.get("credential_source").and_then(Value::as_object);
    let source = source.ok_or_else(|| unusable("'credential_source' is missing"))?;
    let format = source.get("format").and_then(Value::as_object);
    let is_json = format.and_then(|format| str_at(format, "type")) == Some("json");
    let field = format.filter(|_| is_json).and_then(|format| str_at(format, "subject_token_field_name"));
    let field = field.map(str::to_owned);
    if let Some(path) = str_at(source, "file") {
        return Ok(Subject::File { path: PathBuf::from(path), field });
    }
    match str_at(source, "url").filter(|_| !source.contains_key("environment_id")) {
        Some(url) => {
            let headers = source.get("headers").and_then(Value::as_object).into_iter().flatten();
            let headers =
                headers.filter_map(|(name, value)| Some((name.clone(), Secret::new(value.as_str()?))));
            Ok(Subject::Asked(Arc::new(SubjectAt { url: url.to_owned(), headers: headers.collect(), field })))
        }
        None => Err(unusable("only tokens in files and at addresses can be exchanged ('credential_source')")),
    }
}
