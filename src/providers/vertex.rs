//! From the name of a Vertex AI model to its wire, its accent and the door it stands behind.
//!
//! Gemini and the models of publishers with a format of their own are methods of a model; the others are served behind
//! one door in OpenAI's format, where the body names the model; so are endpoints that someone deployed.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{ModelName, Provider};
use crate::auth::google::Keywords;
use crate::config::Environment;
use crate::error::{Error, Result};
use crate::hub::{CallType, ModelFacts};
use crate::models;
use crate::wires::WireId;

const LOCATION: &str = "us-central1";
/// Locations of many regions, which have hosts of their own.
const MULTI_REGIONS: [&str; 2] = ["eu", "us"];
const CHAT: &str = "/chat/completions";
/// How the address of a publisher's or an endpoint's models goes on.
const GENERATE: Methods = Methods { whole: "generateContent", stream: "streamGenerateContent" };
/// Of an endpoint that does not stream.
const PREDICT_WHOLE: Methods = Methods { whole: "predict", stream: "predict" };
const PREDICT: Methods = Methods { whole: "rawPredict", stream: "streamRawPredict" };

/// What is called, within a project and a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    version: &'static str,
    /// The path after the location.
    resource: String,
    methods: Option<Methods>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Methods {
    whole: &'static str,
    stream: &'static str,
}

/// A base and what comes after it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub base: String,
    pub path: String,
    pub stream_path: String,
}

pub(super) fn read(model: &str, row: &Provider) -> ModelName {
    let publisher = |name: &str| model.strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
    let plain =
        ["publishers/google/models", "publishers/anthropic/models", "google", "anthropic", "mistralai"]
            .into_iter()
            .find_map(publisher)
            .unwrap_or(model);
    // The publisher's models for all, at an address that ends with the model's name.
    let published = |owner: &str| format!("publishers/{owner}/models/{}", encoded(plain));
    let (wire, accent, version, resource, methods) = if model.ends_with("-maas") {
        (WireId::Openai, "openapi", "v1", "endpoints/openapi".to_owned(), None)
    } else if let Some(endpoint) = publisher("openai") {
        let resource = format!("endpoints/{}", encoded(endpoint));
        (WireId::Openai, "endpoint", "v1beta1", resource, None)
    } else if let Some(endpoint) = publisher("gemma") {
        let resource = format!("endpoints/{}", encoded(endpoint));
        (WireId::Openai, "gemma", "v1", resource, Some(PREDICT_WHOLE))
    } else if let Some(tuned) = tuned(model) {
        let resource = format!("endpoints/{}", encoded(tuned));
        (WireId::Gemini, "gemini", "v1", resource, Some(GENERATE))
    } else if plain.starts_with("claude") {
        (WireId::Anthropic, "claude", "v1", published("anthropic"), Some(PREDICT))
    } else if is_mistral(model, plain) {
        (WireId::Openai, "mistral", "v1", published("mistralai"), Some(PREDICT))
    } else if plain.starts_with("jamba") {
        (WireId::Openai, "jamba", "v1beta1", published("ai21"), Some(PREDICT))
    } else if plain.contains('/') && publisher("gemini").is_none() {
        (WireId::Openai, "openapi", "v1", "endpoints/openapi".to_owned(), None)
    } else {
        let name = publisher("gemini").unwrap_or(plain);
        let resource = format!("publishers/google/models/{}", encoded(name));
        (WireId::Gemini, "gemini", "v1", resource, Some(GENERATE))
    };
    let shown = match accent {
        "openapi" => model,
        "endpoint" => publisher("openai").unwrap_or(model),
        "gemma" => publisher("gemma").unwrap_or(model),
        "gemini" => publisher("gemini").unwrap_or(plain),
        // The version is in the address; the body says the rest.
        "mistral" => plain.split('@').next().unwrap_or(plain),
        _ => plain,
    };
    let accent = if accent == "openapi" && model.contains("gpt-oss") { "gpt_oss" } else { accent };
    ModelName {
        shown: shown.to_owned(),
        wire,
        path: None,
        base_suffix: "",
        region: None,
        facts: facts(model, plain, wire, row),
        accent: Some(accent),
        door: Some(Door { version, resource, methods }),
    }
}

/// The same for a call of another type, which Google's own models serve.
pub(super) fn read_call(model: &str, call_type: CallType, wire: WireId, row: &Provider) -> ModelName {
    let plain = ["publishers/google/models/", "google/", "gemini/"]
        .into_iter()
        .find_map(|publisher| model.strip_prefix(publisher))
        .unwrap_or(model);
    let endpoint = tuned(model);
    let resource = endpoint.map_or_else(
        || format!("publishers/google/models/{}", encoded(plain)),
        |endpoint| format!("endpoints/{}", encoded(endpoint)),
    );
    let predicts = call_type == CallType::Embedding || plain.contains("imagen");
    let methods = if predicts { PREDICT_WHOLE } else { GENERATE };
    ModelName {
        shown: plain.to_owned(),
        wire,
        path: None,
        base_suffix: "",
        region: None,
        facts: facts(model, plain, wire, row),
        accent: None,
        door: Some(Door { version: "v1", resource, methods: Some(methods) }),
    }
}

/// The number of an endpoint with a tuned Gemini.
fn tuned(model: &str) -> Option<&str> {
    let id = ["gemini/", "endpoints/"].iter().find_map(|prefix| model.strip_prefix(prefix)).unwrap_or(model);
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

fn is_mistral(model: &str, plain: &str) -> bool {
    let families = ["codestral", "magistral", "ministral", "mistral", "mixtral", "pixtral"];
    model.starts_with("mistralai/")
        || !plain.contains('/') && families.iter().any(|family| plain.starts_with(family))
}

/// Listed with the provider in front or bare, with or without the publisher and the version.
fn facts(model: &str, plain: &str, wire: WireId, row: &Provider) -> Arc<ModelFacts> {
    let unversioned = plain.split('@').next().unwrap_or(plain);
    let prefixed = |name: &str| format!("{}/{name}", row.name);
    let forms = [model, plain, unversioned];
    let names: Vec<String> = forms.iter().flat_map(|name| [prefixed(name), (*name).to_owned()]).collect();
    let facts = models::facts_of(&[&row.name], &names);
    // A limit is known by the name that Anthropic itself uses; other names get the wire's default (ANT-01).
    if wire == WireId::Anthropic && models::facts("anthropic", plain).max_output_tokens.is_none() {
        return Arc::new(ModelFacts { max_output_tokens: None, ..(*facts).clone() });
    }
    facts
}

/// Where the call goes: to where the caller or the environment says, unless the model is served elsewhere only.
pub(super) fn location(
    keywords: &Keywords,
    facts: &ModelFacts,
    environment: &dyn Environment,
) -> Result<String> {
    let of_environment =
        || ["VERTEXAI_LOCATION", "VERTEX_LOCATION"].iter().find_map(|name| environment.get(name));
    let location = keywords.location.clone().or_else(of_environment).unwrap_or_else(|| LOCATION.to_owned());
    // It becomes part of a host's name (GEM-31).
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if location.is_empty() || location.starts_with('-') || !location.bytes().all(is_name) {
        let what =
            format!("Invalid 'vertex_location': '{location}' is no location like 'us-central1' or 'global'.");
        return Err(Error::bad_request(what).with_param("vertex_location"));
    }
    match facts.regions.first() {
        Some(first) if !facts.regions.contains(&location) => {
            tracing::warn!(location, served = %facts.regions.join(","), "the model is not served there");
            Ok(first.clone())
        }
        _ => Ok(location),
    }
}

impl Door {
    /// The whole address. A base with a path of the caller's own is the address of the model itself.
    pub fn address(&self, base: &str, project: &str, location: &str) -> Address {
        let root_at = base.find("://").map_or(0, |at| at + 3);
        let path_at = base[root_at..].find('/').map_or(base.len(), |at| root_at + at);
        let (root, own) = base.split_at(path_at);
        let version = match own {
            "" => Some(self.version),
            "/v1" | "/v1beta1" => Some(&own[1..]),
            _ => None,
        };
        let method = |name: &str| format!(":{name}");
        let endings = |methods: Methods| {
            let query = if methods.whole == methods.stream { "" } else { "?alt=sse" };
            (method(methods.whole), format!("{}{query}", method(methods.stream)))
        };
        let (whole, stream) = self.methods.map_or_else(|| (CHAT.to_owned(), CHAT.to_owned()), endings);
        if let Some(version) = version {
            let place = format!("/{version}/projects/{project}/locations/{location}/{}", self.resource);
            return Address {
                base: root.to_owned(),
                path: format!("{place}{whole}"),
                stream_path: format!("{place}{stream}"),
            };
        }
        let stripped = match self.methods {
            Some(methods) => [methods.whole, methods.stream]
                .into_iter()
                .find_map(|name| base.strip_suffix(method(name).as_str())),
            None => base.strip_suffix(CHAT),
        };
        Address { base: stripped.unwrap_or(base).to_owned(), path: whole, stream_path: stream }
    }
}

/// The address for all that is in a location: those of many regions have hosts of their own.
pub(super) fn hosted(base: String, location: &str) -> String {
    if base == regional(location) { host(location) } else { base }
}

fn regional(location: &str) -> String {
    format!("https://{location}-aiplatform.googleapis.com")
}

/// The host of a location (GEM-31).
fn host(location: &str) -> String {
    match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        many if MULTI_REGIONS.contains(&many) => format!("https://aiplatform.{many}.rep.googleapis.com"),
        one => regional(one),
    }
}

/// A name as a part of a path that it cannot leave.
fn encoded(name: &str) -> String {
    if name.bytes().all(|byte| byte == b'.') {
        return "-".to_owned();
    }
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Secret;
    use crate::hub::{CallType, Options};
    use crate::providers::{Route, Wanted, resolve};

    struct Variables(&'static [(&'static str, &'static str)]);
    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }
    }

    fn wanted(model: &str, location: Option<&str>) -> Wanted {
        let google = Keywords {
            project: Some("p".into()),
            location: location.map(str::to_owned),
            ..Keywords::default()
        };
        Wanted { model: model.into(), api_key: Some(Secret::new("ya29.t")), google, ..Wanted::default() }
    }

    fn route(wanted: Wanted) -> Route {
        resolve(wanted, CallType::Chat, Options::default(), &Variables(&[])).unwrap()
    }

    /// The path after the location, the wire, and how the model is called.
    fn read(model: &str) -> (String, WireId, String) {
        let target = route(wanted(&format!("vertex_ai/{model}"), Some("us-east5"))).target;
        let path = target.path.unwrap();
        let rest = path.split_once("/locations/").unwrap().1.split_once('/').unwrap().1;
        (rest.to_owned(), target.wire, target.model)
    }

    #[test]
    fn where_a_name_leads() {
        for (model, path, wire, shown) in [
            (
                "gemini-2.5-flash",
                "publishers/google/models/gemini-2.5-flash:generateContent",
                WireId::Gemini,
                "",
            ),
            (
                "gemini/gemini-x",
                "publishers/google/models/gemini-x:generateContent",
                WireId::Gemini,
                "gemini-x",
            ),
            (
                "google/gemini-x",
                "publishers/google/models/gemini-x:generateContent",
                WireId::Gemini,
                "gemini-x",
            ),
            ("gemini/123", "endpoints/123:generateContent", WireId::Gemini, "123"),
            ("123", "endpoints/123:generateContent", WireId::Gemini, ""),
            ("unheard-of", "publishers/google/models/unheard-of:generateContent", WireId::Gemini, ""),
            ("claude-x@1", "publishers/anthropic/models/claude-x@1:rawPredict", WireId::Anthropic, ""),
            (
                "anthropic/claude-x",
                "publishers/anthropic/models/claude-x:rawPredict",
                WireId::Anthropic,
                "claude-x",
            ),
            (
                "mistral-x@2503",
                "publishers/mistralai/models/mistral-x@2503:rawPredict",
                WireId::Openai,
                "mistral-x",
            ),
            (
                "mistralai/codestral-2",
                "publishers/mistralai/models/codestral-2:rawPredict",
                WireId::Openai,
                "codestral-2",
            ),
            ("jamba-1.5@001", "publishers/ai21/models/jamba-1.5@001:rawPredict", WireId::Openai, ""),
            ("meta/llama-x-maas", "endpoints/openapi/chat/completions", WireId::Openai, ""),
            ("openai/gpt-oss-20b-maas", "endpoints/openapi/chat/completions", WireId::Openai, ""),
            ("google/gemma-x-maas", "endpoints/openapi/chat/completions", WireId::Openai, ""),
            ("xai/grok-x", "endpoints/openapi/chat/completions", WireId::Openai, ""),
            ("gemma/77", "endpoints/77:predict", WireId::Openai, "77"),
            ("openai/77", "endpoints/77/chat/completions", WireId::Openai, "77"),
            ("../../x", "endpoints/openapi/chat/completions", WireId::Openai, ""),
            ("openai/..", "endpoints/-/chat/completions", WireId::Openai, ".."),
            ("gemini/../x", "publishers/google/models/..%2Fx:generateContent", WireId::Gemini, "../x"),
        ] {
            let shown = if shown.is_empty() { model } else { shown };
            assert_eq!(read(model), (path.to_owned(), wire, shown.to_owned()), "{model}");
        }
        assert_eq!(
            route(wanted("vertex_ai_beta/gemini-2.5-flash", None)).target.provider.as_ref(),
            "vertex_ai"
        );
    }

    #[test]
    fn gem_31_hosts_and_locations() {
        for (location, host) in [
            (None, "https://us-central1-aiplatform.googleapis.com"),
            (Some("europe-west4"), "https://europe-west4-aiplatform.googleapis.com"),
            (Some("global"), "https://aiplatform.googleapis.com"),
            (Some("eu"), "https://aiplatform.eu.rep.googleapis.com"),
        ] {
            let target = route(wanted("vertex_ai/gemini-2.5-flash", location)).target;
            let location = location.unwrap_or(LOCATION);
            assert_eq!(target.base, host);
            let place =
                format!("/v1/projects/p/locations/{location}/publishers/google/models/gemini-2.5-flash");
            assert_eq!(target.path.as_deref(), Some(format!("{place}:generateContent").as_str()));
            let stream = format!("{place}:streamGenerateContent?alt=sse");
            assert_eq!(target.stream_path.as_deref(), Some(stream.as_str()));
        }
        for location in ["evil.example/x", "US-EAST5", "a b", "-x", "x.y"] {
            let error = resolve(
                wanted("vertex_ai/m", Some(location)),
                CallType::Chat,
                Options::default(),
                &Variables(&[]),
            );
            assert_eq!(error.unwrap_err().facts().param.as_deref(), Some("vertex_location"), "{location}");
        }
    }

    #[test]
    fn a_model_with_few_locations_is_called_there() {
        let model = "vertex_ai/qwen/qwen3-235b-a22b-instruct-2507-maas";
        for (location, used) in
            [(None, "global"), (Some("us-south1"), "us-south1"), (Some("us-east5"), "global")]
        {
            let path = route(wanted(model, location)).target.path.unwrap();
            assert!(path.contains(&format!("/locations/{used}/")), "{path}");
        }
    }

    #[test]
    fn the_environment_says_where() {
        let variables = Variables(&[
            ("VERTEXAI_PROJECT", "env-p"),
            ("VERTEXAI_LOCATION", "asia-east1"),
            ("VERTEXAI_API_BASE", "https://gateway.example"),
        ]);
        let wanted = Wanted { google: Keywords::default(), ..wanted("vertex_ai/gemini-2.5-flash", None) };
        let target = resolve(wanted, CallType::Chat, Options::default(), &variables).unwrap().target;
        assert_eq!(target.base, "https://gateway.example");
        assert!(target.path.unwrap().starts_with("/v1/projects/env-p/locations/asia-east1/"));
    }

    #[test]
    fn a_base_of_the_callers() {
        let place = "/projects/p/locations/us-central1";
        let gemini = format!("{place}/publishers/google/models/gemini-x:generateContent");
        let llama = format!("{place}/endpoints/openapi/chat/completions");
        let endpoint = format!("{place}/endpoints/7/chat/completions");
        for (model, base, url) in [
            ("gemini-x", "https://g.example", format!("https://g.example/v1{gemini}")),
            ("gemini-x", "https://g.example/v1beta1/", format!("https://g.example/v1beta1{gemini}")),
            ("gemini-x", "https://g.example/own", "https://g.example/own:generateContent".to_owned()),
            (
                "gemini-x",
                "https://g.example/own:generateContent",
                "https://g.example/own:generateContent".to_owned(),
            ),
            ("meta/llama-maas", "https://g.example", format!("https://g.example/v1{llama}")),
            ("openai/7", "https://7.example", format!("https://7.example/v1beta1{endpoint}")),
            ("openai/7", "https://g.example/own", "https://g.example/own/chat/completions".to_owned()),
            (
                "openai/7",
                "https://g.example/own/chat/completions",
                "https://g.example/own/chat/completions".to_owned(),
            ),
        ] {
            let model = format!("vertex_ai/{model}");
            let target = route(Wanted { api_base: Some(base.into()), ..wanted(&model, None) }).target;
            assert_eq!(format!("{}{}", target.base, target.path.unwrap()), url, "{model} {base}");
        }
    }

    #[test]
    fn what_is_known_of_a_model() {
        let facts = |model: &str| route(wanted(&format!("vertex_ai/{model}"), None)).target.facts;
        assert!(facts("gemini-2.5-flash").can("reasoning"), "listed bare");
        assert!(facts("gemini-2.5-flash@001").can("reasoning"), "listed without the version");
        assert!(facts("claude-sonnet-4-5@20250929").can("reasoning"));
        assert!(facts("meta/llama-3.1-405b-instruct-maas").key.is_some());
        assert_eq!(facts("claude-sonnet-4-5").max_output_tokens, Some(64000));
        assert_eq!(facts("claude-sonnet-4-5@20250929").max_output_tokens, None, "ANT-01");
    }

    #[test]
    fn a_key_of_somebody_else_is_not_sent() {
        let account = r#"{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}"#;
        let google =
            Keywords { credentials: Some(Secret::new(account)), project: Some("p".into()), location: None };
        let wanted = Wanted {
            api_key: Some(Secret::new("sk-of-somebody-else")),
            google,
            ..wanted("vertex_ai/gemini-2.5-flash", None)
        };
        let route = route(wanted);
        assert!(route.key.is_none() && route.grant.is_some());
    }
}
