//! Who speaks what, where: the registry, and the way from a model string to a route.

mod bedrock;
mod names;
mod quirks;
mod row;
mod vars;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use crate::auth::{Scheme, Secret, aws};
use crate::config::Environment;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallAccent, CallType, ModelFacts, Options, Target};
use crate::wires::WireId;
use crate::{address, auth, models};

pub use names::split_model;
pub use row::{CallRow, HeaderFrom, ModelNames, Provider, Variable, Wires};

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
    let model = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
    let mode = || models::facts(&row.name, model).mode.clone();
    call.accent.not_for_chat_models && mode().is_some_and(|mode| mode == "chat" || mode == "responses")
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
    /// What is called instead of the model that is named: a deployment of it.
    pub model_id: Option<String>,
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
    pub headers: Vec<(String, String)>,
}

/// A route for a call that is not sent: no key, no address of the caller's.
pub fn resolve_without_key(wanted: Wanted, call_type: CallType, options: Options) -> Result<Route> {
    struct Nothing;
    impl Environment for Nothing {
        fn get(&self, _name: &str) -> Option<String> {
            None
        }
    }
    let base = wanted.api_base.or_else(|| Some("http://localhost".to_owned()));
    resolve(Wanted { api_base: base, api_key: Some(Secret::new("")), ..wanted }, call_type, options, &Nothing)
}

/// From a model string to a route. No network; errors name what to set.
pub fn resolve(
    mut wanted: Wanted,
    call_type: CallType,
    options: Options,
    environment: &dyn Environment,
) -> Result<Route> {
    let (provider, model) = split_model(&wanted.model, wanted.provider.as_deref())?;
    let row = row(&provider).ok_or_else(|| names::unknown_provider(&format!("{provider}/{model}")))?;
    let at = |error: Error| error.at(&row.name, &model);
    let call = row.calls.get(&call_type.in_rows());
    let wire = if call_type == CallType::Chat { row.wires.chat } else { call.map(|call| call.wire) };
    let wire = wire.ok_or_else(|| {
        at(Error::bad_request(format!("the provider '{}' has no {}", row.name, call_type.plural())))
    })?;
    let read = match row.model_names {
        ModelNames::Plain => ModelName::plain(&model, wire, &row),
        ModelNames::Bedrock => bedrock::read(&model, wanted.model_id.as_deref(), wire, &row),
    };
    let region = match row.auth {
        Scheme::Aws => Some(aws::region(&wanted.aws, read.region.as_deref(), environment).map_err(at)?),
        _ => None,
    };
    if let Some(endpoint) = wanted.aws.runtime_endpoint.take().filter(|_| region.is_some()) {
        wanted.api_base = Some(endpoint);
    }
    let key = wanted.api_key.take().or_else(|| environment.first(&row.key_env).map(Secret::new));
    let values = vars::Values::of(&row, &wanted, region.as_deref(), environment);
    let base =
        format!("{}{}", base(&row, call, &wanted, &values, environment).map_err(at)?, read.base_suffix);
    if key.is_none() && row.key_required {
        return Err(at(missing_key(&row)));
    }
    let mut headers = Vec::with_capacity(row.headers.len());
    for (name, value) in &row.headers {
        headers.push((name.clone(), values.fill(value).map_err(at)?));
    }
    let signing = match (&key, &region) {
        (None, Some(region)) => Some(aws::Signing {
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
    let target = Target {
        provider: row.name.as_str().into(),
        error_prefix: row.error_prefix().into(),
        wire: read.wire,
        base,
        path: read.path.or(path).map(Into::into),
        facts: read.facts,
        accent: row.accent.clone(),
        call_type,
        call_accent: call.map_or_else(CallAccent::none, |call| call.accent.clone()),
        options,
        model: read.shown,
    };
    let auth = call.and_then(|call| call.auth).unwrap_or(row.auth);
    let mut route = Route { target, auth, row, key, signing, headers };
    if let Some(quirk) = route.row.quirk {
        let (provider, model) = (route.target.provider.clone(), route.target.model.clone());
        quirk.adapt(&mut route).map_err(|error| error.at(&provider, &model))?;
    }
    Ok(route)
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
        }
    }
}

fn missing_key(row: &Provider) -> Error {
    let how = match row.key_env.as_slice() {
        [] => "Pass `api_key`.".to_owned(),
        names => format!("Pass `api_key` or set the environment variable {}.", names.join(" or ")),
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
    let found = match wanted.api_base.clone().or_else(|| environment.first(&row.base_env)) {
        Some(base) => base,
        None => match call.and_then(|call| call.base.as_ref()).or(row.base.as_ref()) {
            Some(base) => values.fill(base)?,
            None => {
                let how = match row.base_env.as_slice() {
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
    if let Some(end) = &row.base_end
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
    fn every_row_parses_and_is_named_after_its_file() {
        let mut seen = std::collections::HashSet::new();
        for (name, text) in DATA {
            let row = Provider::parse(text).unwrap();
            assert_eq!(row.name, *name);
            for name in row.aliases.iter().chain([&row.name]) {
                assert!(seen.insert(name.clone()), "{name} twice");
            }
        }
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
