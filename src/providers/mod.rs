//! Who speaks what, where: the registry, and the way from a model string to a route.

mod bedrock;
mod exchange;
mod names;
mod quirks;
mod row;
mod vars;
mod vertex;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use crate::auth::exchange::Grant;
use crate::auth::{Scheme, Secret, aws, azure, google, oci};
use crate::config::Environment;
use crate::engine::new_uuid;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallAccent, CallType, ModelFacts, Options, Target};
use crate::wires::WireId;
use crate::{address, auth, models};

pub use names::{of_address, split_model};
pub use row::{
    CallRow, HeaderFrom, ModelNames, Provider, TokenKind, Variable, Wires, error_prefix, names_in,
};

/// The embedded rows: (file name, text), sorted.
static DATA: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/providers.rs"));
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

/// Rows that have been used, and rows that a user added.
#[derive(Debug, Default)]
struct Registry {
    rows: RwLock<HashMap<String, Arc<Provider>>>,
}

/// The row of a provider, by its name or an alias.
pub fn row(name: &str) -> Option<Arc<Provider>> {
    if let Ok(rows) = REGISTRY.rows.read()
        && let Some(row) = rows.get(name)
    {
        return Some(row.clone());
    }
    let row = Arc::new(embedded(name)?);
    if let Ok(mut rows) = REGISTRY.rows.write() {
        rows.insert(name.to_owned(), row.clone());
    }
    Some(row)
}

/// Adds a provider at run time, or replaces one.
pub fn register(row: Provider) -> Result<()> {
    let row = Arc::new(row.settle()?);
    let mut rows = REGISTRY
        .rows
        .write()
        .map_err(|_| Error::new(Kind::InternalServer, "the provider table is not usable"))?;
    for name in row.aliases.iter().chain([&row.name]) {
        rows.insert(name.clone(), row.clone());
    }
    Ok(())
}

/// Names of all embedded providers.
pub fn names() -> impl Iterator<Item = &'static str> {
    DATA.iter().map(|(name, _)| *name)
}

/// All embedded rows as they are read, with what is wrong with them.
pub fn embedded_rows() -> impl Iterator<Item = (&'static str, Result<Provider>)> {
    DATA.iter().map(|(name, text)| (*name, Provider::parse(text)))
}

fn embedded(name: &str) -> Option<Provider> {
    if let Ok(at) = DATA.binary_search_by_key(&name, |(name, _)| name) {
        return Provider::parse(DATA[at].1).ok();
    }
    // An alias: rare, and only on a name's first use.
    DATA.iter().filter(|(_, text)| text.contains(name)).find_map(|(_, text)| {
        Provider::parse(text).ok().filter(|row| row.aliases.iter().any(|alias| alias == name))
    })
}

/// Whether a provider is asked for a chat completion in place of a call of this type. The model's name has the
/// provider in front.
pub fn is_bridged(provider: &str, model: &str, call_type: CallType) -> bool {
    let Some(row) = row(provider) else { return false };
    if row.wires.chat.is_none() {
        return false;
    }
    let Some(call) = row.calls.get(&call_type.in_rows()) else { return true };
    if !call.has(model) || call.wire.call(call_type).is_none() {
        return true;
    }
    let model = without_prefix(model, provider);
    let mode = || models::facts(&row.name, model).mode.clone();
    call.accent.not_for_chat_models && mode().is_some_and(|mode| mode == "chat" || mode == "responses")
}

fn without_prefix<'a>(model: &'a str, provider: &str) -> &'a str {
    model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model)
}

/// The language in which a chat completion is asked for in place of a call of this type, when it is not the
/// provider's usual one, and what the row says of it.
pub fn bridge_wire(provider: &str, call_type: CallType) -> Option<(WireId, Arc<CallAccent>)> {
    let row = row(provider)?;
    let call = row.calls.get(&call_type)?;
    call.wire.call(call_type).is_none().then(|| (call.wire, call.accent.clone()))
}

/// Whether models of a provider may have the format of a call type as their own language.
pub fn may_speak(provider: &str, call_type: CallType) -> bool {
    call_type.is_of_models()
        && row(provider).is_some_and(|row| {
            row.model_names != ModelNames::Plain
                || row.quirk.is_some()
                || row.wires.chat.is_some_and(|wire| wire.call(call_type).is_some())
        })
}

/// The name under which a model is reached in the language of a call type, where the way that is usual for it speaks
/// another one, or none where a model does not speak it.
pub fn native_name(provider: &str, model: &str, call_type: CallType) -> Option<String> {
    let plain = without_prefix(model, provider);
    match row(provider)?.model_names {
        ModelNames::Bedrock => {
            bedrock::native_name(plain, call_type).map(|name| format!("{provider}/{name}"))
        }
        _ => Some(model.to_owned()),
    }
}

/// What a caller said about where a call goes; everything may be left to the environment.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub model: String,
    pub provider: Option<String>,
    pub api_base: Option<String>,
    pub api_key: Option<Secret>,
    /// Values of keywords that a row turns into headers or parts of an address (`organization` …).
    pub values: Vec<(String, String)>,
    pub aws: aws::Keywords,
    pub google: google::Keywords,
    pub azure: azure::Keywords,
    /// What is called instead of the model that is named: a deployment of it.
    pub model_id: Option<String>,
    /// The model behind a name that does not say it.
    pub base_model: Option<String>,
    /// Nothing is sent: no proof is needed.
    pub unproven: bool,
}

impl Wanted {
    /// The value of a keyword that a row reads.
    fn value(&self, keyword: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| name == keyword).map(|(_, value)| value.as_str())
    }
}

/// Where a call goes and how it proves who it is. Resolved once; nobody parses the model string again.
#[derive(Debug, Clone)]
pub struct Route {
    pub target: Target,
    pub row: Arc<Provider>,
    pub key: Option<Secret>,
    /// Where the key goes.
    pub auth: Scheme,
    /// How the whole request is signed, where there is no key.
    pub signing: Option<aws::Signing>,
    /// The user's key that each request is signed with.
    pub signer: Option<Arc<oci::Signer>>,
    /// How a token is had that takes the place of a key.
    pub grant: Option<Arc<dyn Grant>>,
    /// How the part of the address is had that stands as `{project}` in it.
    pub project: Option<Arc<dyn Grant>>,
    pub headers: Vec<(String, String)>,
    /// What stands in the query of the address.
    pub query: Vec<(String, String)>,
}

impl Route {
    /// Gives the call ids of its own, the same ones when it is repeated. They are no part of what is asked, so this comes
    /// after everything that compares calls.
    pub fn mark(&mut self) {
        if self.row.exchange == Some(exchange::Exchange::Chatgpt) {
            self.headers.push(("session_id".to_owned(), new_uuid()));
        }
        if self.row.quirk == Some(quirks::Quirk::A2a) {
            self.target.vars.insert("message_id".to_owned(), new_uuid());
        }
    }

    /// Whether each attempt needs more than its headers to prove who asks.
    pub fn is_signed(&self) -> bool {
        self.signing.is_some() || self.signer.is_some() || self.grant.is_some() || self.project.is_some()
    }

    /// A token takes the place of the key.
    fn prove_with(&mut self, proof: azure::Proof) {
        self.auth = Scheme::Bearer;
        match proof {
            azure::Proof::Token(token) => self.key = Some(token),
            azure::Proof::Grant(grant) => self.grant = Some(grant),
        }
    }
}

/// A route for a call that is not sent: no key, no address of the caller's. What the environment would have to say
/// is taken as said.
pub fn resolve_without_key(wanted: Wanted, call_type: CallType, options: Options) -> Result<Route> {
    /// One value for all variables; some of them name a region, which has a form.
    struct Anything;
    impl Environment for Anything {
        fn get(&self, _name: &str) -> Option<String> {
            Some("us-east-1".to_owned())
        }
    }
    let base = wanted.api_base.or_else(|| Some("http://localhost".to_owned()));
    let google = google::Keywords { project: Some("none".to_owned()), ..google::Keywords::default() };
    let wanted = Wanted { api_base: base, api_key: Some(Secret::new("")), google, unproven: true, ..wanted };
    resolve(wanted, call_type, options, &Anything)
}

/// From a model string to a route. No network; errors name what to set.
pub fn resolve(
    mut wanted: Wanted,
    call_type: CallType,
    options: Options,
    environment: &dyn Environment,
) -> Result<Route> {
    let (provider, mut model) = match (call_type.resource(), wanted.provider.as_deref()) {
        (Some(_), Some(provider)) => {
            (provider.to_owned(), without_prefix(&wanted.model, provider).to_owned())
        }
        _ => split_model(&wanted.model, wanted.provider.as_deref())?,
    };
    let row = row(&provider).ok_or_else(|| names::unknown_provider(&format!("{provider}/{model}")))?;
    if let Some(other) = row.quirk.and_then(|quirk| quirk.redirected(&wanted, &model, &row, environment)) {
        return resolve(other, call_type, options, environment);
    }
    let over_responses = (call_type == CallType::Chat)
        .then(|| names::over_responses(&row, &model, wanted.base_model.as_deref()))
        .flatten();
    let (call, wire) = match over_responses {
        Some((call, name)) => {
            model = name;
            (Some(call), Some(WireId::Responses))
        }
        None if call_type == CallType::Chat => (None, row.wires.chat),
        None => {
            let call = row.calls.get(&call_type.in_rows());
            (call, call.map(|call| call.wire))
        }
    };
    let at = |error: Error| error.at(&row.name, &model);
    if let Some(instead) = &row.instead {
        let what = format!("'{}' is not called from here: {instead}", row.name);
        return Err(at(Error::bad_request(what).with_param("model")));
    }
    let wire = wire.ok_or_else(|| {
        at(Error::bad_request(format!("the provider '{}' has no {}", row.name, call_type.plural())))
    })?;
    if let Some(exchange) = row.exchange {
        exchange.read_key(&mut wanted, &row, environment).map_err(at)?;
    }
    let read = match row.model_names {
        _ if call_type.resource().is_some() => ModelName::plain(&model, wire, &row),
        ModelNames::Vertex if call_type == CallType::Chat => vertex::read(&model, &row),
        ModelNames::Vertex if call.is_some_and(|call| call.path.is_none()) => {
            vertex::read_call(&model, call_type, wire, &row)
        }
        ModelNames::Plain | ModelNames::Vertex => ModelName::plain(&model, wire, &row),
        ModelNames::Bedrock => bedrock::read(&model, wanted.model_id.as_deref(), call_type, wire, &row),
    };
    let region = match row.auth {
        Scheme::Aws => Some(aws::region(&wanted.aws, read.region.as_deref(), environment).map_err(at)?),
        Scheme::Google => Some(vertex::location(&wanted.google, &read.facts, environment).map_err(at)?),
        _ => None,
    };
    if let Some(endpoint) = wanted.aws.runtime_endpoint.take().filter(|_| region.is_some()) {
        wanted.api_base = Some(endpoint);
    }
    let key_env = call.and_then(|call| call.key_env.as_ref()).unwrap_or(&row.key_env);
    let (key, proof) = key_or_token(&mut wanted, &row, key_env, environment).map_err(at)?;
    let access = match row.auth {
        Scheme::Google => Some(google::Access::find(&wanted.google, key.is_some(), environment).map_err(at)?),
        _ => None,
    };
    let shown = read.shown.clone();
    let values = vars::Values::of(&row, &wanted, &shown, region.as_deref(), environment);
    let mut base =
        format!("{}{}", base(&row, call, &wanted, &values, environment).map_err(at)?, read.base_suffix);
    if let (Scheme::Google, Some(location)) = (row.auth, &region) {
        base = vertex::hosted(base, location);
    }
    if key.is_none() && proof.is_none() && row.key_required {
        return Err(at(missing_key(&row, key_env)));
    }
    let mut headers = Vec::with_capacity(row.headers.len());
    for (name, value) in &row.headers {
        headers.push((name.clone(), values.fill(value).map_err(at)?));
    }
    let mut query = Vec::with_capacity(row.query.len());
    for (name, value) in &row.query {
        let value = values.fill(value).map_err(at)?;
        if !value.is_empty() {
            query.push((name.clone(), value));
        }
    }
    let signing = match (&key, &region) {
        (None, Some(region)) if row.auth == Scheme::Aws => Some(aws::Signing {
            source: aws::Source::find(&wanted.aws, region, environment).map_err(at)?,
            service: row.service.clone().unwrap_or_default(),
            region: region.clone(),
        }),
        _ => None,
    };
    for (keyword, from) in &row.headers_from {
        let given = wanted.value(keyword).map(str::to_owned);
        if let Some(value) = given.or_else(|| environment.first(&from.env)) {
            headers.push((from.header.clone(), value));
        }
    }
    let path = match call {
        Some(call) => call.path.as_deref(),
        None => row.path.as_deref(),
    };
    let path = path.map(|path| values.fill(path)).transpose().map_err(at)?;
    let path = path.map(|path| match &access {
        Some(access) => path.replace("{project}", access.project.in_address()),
        None => path,
    });
    let mut paths = (read.path.or(path), None);
    if let (Some(door), Some(access), Some(location)) = (read.door, &access, &region) {
        let address = door.address(&base, access.project.in_address(), location);
        base = address.base;
        paths = (Some(address.path), Some(address.stream_path));
    }
    let (grant, project) = access.map_or((None, None), |access| (access.grant, access.project.asked()));
    let accent = read.accent.and_then(|name| row.accents.get(name)).unwrap_or(&row.accent).clone();
    let target = Target {
        provider: row.name.as_str().into(),
        error_prefix: row.error_prefix().into(),
        wire: read.wire,
        base,
        path: paths.0.map(Into::into),
        stream_path: paths.1.map(Into::into),
        vars: values.public(),
        facts: read.facts,
        accent,
        call_type,
        call_accent: call.map_or_else(CallAccent::none, |call| call.accent.clone()),
        options,
        model: read.shown,
    };
    let auth = call.and_then(|call| call.auth).unwrap_or(row.auth);
    let mut route =
        Route { target, auth, row: row.clone(), key, signing, signer: None, grant, project, headers, query };
    if let Some(exchange) = route.row.exchange.filter(|_| !wanted.unproven) {
        exchange.adapt(&mut route, &values).map_err(at)?;
    }
    if let Some(quirk) = route.row.quirk {
        let (provider, model) = (route.target.provider.clone(), route.target.model.clone());
        quirk.adapt(&mut route, wanted.base_model.as_deref()).map_err(|error| error.at(&provider, &model))?;
    }
    if let Some(proof) = proof {
        route.prove_with(proof);
    }
    Ok(route)
}

/// The key, or what takes its place: what the call says comes before the environment, a token before a key.
fn key_or_token(
    wanted: &mut Wanted,
    row: &Provider,
    variables: &[String],
    environment: &dyn Environment,
) -> Result<(Option<Secret>, Option<azure::Proof>)> {
    let key = wanted.api_key.take();
    let own = || environment.first(variables).map(Secret::new);
    match row.token {
        // A key that is no token of Google's is another provider's.
        None if row.auth == Scheme::Google => Ok((key.or_else(own).filter(google::is_token), None)),
        None => Ok((key.or_else(own), None)),
        Some(TokenKind::Entra) => {
            if let Some(proof) = wanted.azure.said(key.is_some(), environment)? {
                return Ok((None, Some(proof)));
            }
            match key.or_else(own) {
                Some(key) => Ok((Some(key), None)),
                None => Ok((None, wanted.azure.found(environment)?)),
            }
        }
    }
}

/// What a model's name says.
struct ModelName {
    /// As answers and errors name it.
    shown: String,
    wire: WireId,
    /// The path after the base, where it depends on the model.
    path: Option<String>,
    /// Comes after the base for this model.
    base_suffix: &'static str,
    region: Option<String>,
    facts: Arc<ModelFacts>,
    /// Which of the row's accents the model's wire is spoken in.
    accent: Option<&'static str>,
    /// Where the model is, in the project and the location of the call.
    door: Option<vertex::Door>,
}

impl ModelName {
    fn plain(model: &str, wire: WireId, row: &Provider) -> Self {
        Self {
            shown: model.to_owned(),
            wire,
            path: None,
            base_suffix: "",
            region: None,
            facts: models::facts(&row.name, model),
            accent: None,
            door: None,
        }
    }
}

fn missing_key(row: &Provider, variables: &[String]) -> Error {
    let how = match variables {
        [] => "Pass `api_key`.".to_owned(),
        names => format!("Pass `api_key` or set the environment variable {}.", names.join(" or ")),
    };
    let how = match row.token {
        None => how,
        Some(TokenKind::Entra) => {
            format!(
                "{how} Or use Entra ID: pass `azure_ad_token`, or `tenant_id`, `client_id` and `client_secret`."
            )
        }
    };
    Error::new(Kind::Authentication, format!("Missing credentials for {}. {how}", row.name))
}

/// The address: the caller's, the environment's or the row's. The row of another provider is never asked.
fn base(
    row: &Provider,
    call: Option<&CallRow>,
    wanted: &Wanted,
    values: &vars::Values<'_>,
    environment: &dyn Environment,
) -> Result<String> {
    let base_env = call.and_then(|call| call.base_env.as_ref()).unwrap_or(&row.base_env);
    let found = match wanted.api_base.clone().or_else(|| environment.first(base_env)) {
        Some(base) => base,
        None => match call.and_then(|call| call.base.as_ref()).or(row.base.as_ref()) {
            Some(base) => values.fill(base)?,
            None => {
                let how = match base_env.as_slice() {
                    [] => String::new(),
                    names => format!(" or set {}", names.join(" or ")),
                };
                return Err(Error::bad_request(format!(
                    "The provider '{}' needs an address: pass `api_base`{how}.",
                    row.name
                ))
                .with_param("api_base"));
            }
        },
    };
    let mut base = found.trim_end_matches('/').to_owned();
    match address::parse(&base) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {}
        _ => {
            return Err(Error::bad_request(format!(
                "'{}' is not an address: `api_base` starts with http:// or https:// and names a host.",
                auth::without_credentials(&base)
            ))
            .with_param("api_base"));
        }
    }
    let has_own_base = call.is_some_and(|call| call.base.is_some());
    if let Some(end) = row.base_end.as_ref().filter(|_| !has_own_base)
        && !base.ends_with(end.as_str())
        && !base.ends_with("/chat/completions")
    {
        base.push_str(end);
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Empty;
    impl Environment for Empty {
        fn get(&self, _name: &str) -> Option<String> {
            None
        }
    }

    fn wanted(model: &str) -> Wanted {
        Wanted { model: model.into(), ..Wanted::default() }
    }

    #[test]
    fn bare_names_go_to_their_makers() {
        for (model, provider) in [
            ("gpt-4o", "openai"),
            ("o3-mini", "openai"),
            ("gpt-9-unheard-of", "openai"),
            ("claude-sonnet-4-5", "anthropic"),
            ("claude-next-20990101", "anthropic"),
            ("gemini-2.5-pro", "gemini"),
            ("openai/anything/with/slashes", "openai"),
        ] {
            assert_eq!(split_model(model, None).unwrap().0, provider, "{model}");
        }
        assert_eq!(split_model("openai/a/b", None).unwrap().1, "a/b");
        assert_eq!(split_model("openai/a", Some("openai")).unwrap().1, "a");
        assert_eq!(split_model("a/b", Some("openai")).unwrap(), ("openai".into(), "a/b".into()));
    }

    #[test]
    fn an_unknown_provider_is_a_bad_request() {
        let error =
            resolve(wanted("nonsense/gpt-9"), CallType::Chat, Options::default(), &Empty).unwrap_err();
        assert_eq!(error.kind(), Kind::UnknownProvider);
    }

    #[test]
    fn a_missing_key_names_the_variable() {
        let error =
            resolve(wanted("anthropic/claude-x"), CallType::Chat, Options::default(), &Empty).unwrap_err();
        assert_eq!(error.kind(), Kind::Authentication);
        assert!(error.message().contains("ANTHROPIC_API_KEY"), "{error}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for base in ["nonsense", "ftp://host", "http://", "https//x"] {
            let wanted = Wanted { api_base: Some(base.into()), ..wanted("custom_openai/m") };
            let error = resolve(wanted, CallType::Chat, Options::default(), &Empty).unwrap_err();
            assert_eq!(error.kind(), Kind::BadRequest, "{base}");
        }
        let error =
            resolve(wanted("custom_openai/m"), CallType::Chat, Options::default(), &Empty).unwrap_err();
        assert!(error.message().contains("api_base"), "{error}");
    }
}
