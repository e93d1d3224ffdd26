//! The schema of a provider's row: what is said of it in `data/<name>.toml`, checked when it is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::exchange::Exchange;
use super::quirks::Quirk;
use crate::auth::Scheme;
use crate::error::{Error, Kind, Result};
use crate::hub::{Accent, CallAccent, CallType};
use crate::wires::WireId;

/// Who speaks what, where, with which key, in which accent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The prefix in front of a model's name.
    pub name: String,
    /// Other prefixes for the same provider.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Why nothing is called under this name, and what is called instead.
    pub instead: Option<String>,
    /// How the model's name is read.
    #[serde(default)]
    pub model_names: ModelNames,
    /// The default address, without a trailing slash; `None` when the caller has to give one. Names in braces are
    /// filled in from `vars`; `{region}` is the region of a call that goes to one.
    pub base: Option<String>,
    /// How a base ends: added to one that does not end so.
    pub base_end: Option<String>,
    /// Environment variables that give the address, in order.
    #[serde(default)]
    pub base_env: Vec<String>,
    /// Environment variables that hold the key, in order.
    #[serde(default)]
    pub key_env: Vec<String>,
    pub auth: Scheme,
    /// What may take the place of a key: tokens of a directory.
    pub token: Option<TokenKind>,
    /// What the key is exchanged for.
    pub exchange: Option<Exchange>,
    /// The name of the service in AWS's signatures.
    pub service: Option<String>,
    #[serde(default = "yes")]
    pub key_required: bool,
    #[serde(default)]
    pub wires: Wires,
    /// The call types besides chat.
    #[serde(default)]
    pub calls: BTreeMap<CallType, CallRow>,
    /// The path after the base, when it is not the wire's own.
    pub path: Option<String>,
    /// What names in braces stand for, in `base`, `path` and the values of `headers` and `query`; a wire or an exchange
    /// may ask for others.
    #[serde(default)]
    pub vars: BTreeMap<String, Variable>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What stands in the query of every address; left out when it is empty.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Keywords of a call that become headers.
    #[serde(default)]
    pub headers_from: BTreeMap<String, HeaderFrom>,
    /// Headers of the caller's that the provider wants in the body: header, keyword. Lists, separated by commas.
    #[serde(default)]
    pub keywords_from_headers: BTreeMap<String, String>,
    /// An answer that takes several requests may go on at a sibling of the first one's host (`api.eu.example.com` of
    /// `api.example.com`), where the key goes along. Only for hosts whose siblings are all the provider's own.
    #[serde(default)]
    pub regional_hosts: bool,
    /// How often a failed request is repeated when the caller says nothing: twice in OpenAI's language, as its own
    /// client does, unless the row says 0. `None` when only `num_retries` repeats it.
    pub client_retries: Option<u32>,
    /// How messages of errors name the provider; by default its name with `Exception`. `{class}` is the error's.
    pub error_prefix: Option<String>,
    #[serde(default)]
    pub accent: Arc<Accent>,
    /// Other accents, for models whose names are read to speak them.
    #[serde(default)]
    pub accents: BTreeMap<String, Arc<Accent>>,
    /// What no key here can say.
    pub quirk: Option<Quirk>,
    /// The defaults that depend on other keys are filled in.
    #[serde(skip)]
    pub(super) settled: bool,
}

/// A value for a name in braces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    #[serde(default)]
    pub env: Vec<String>,
    /// A keyword of the call that gives it before the environment does. It is not sent.
    pub keyword: Option<String>,
    pub default: Option<String>,
    /// It proves who asks: only an exchange sees it.
    #[serde(default)]
    pub secret: bool,
}

/// What the name of a model says besides which model it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelNames {
    #[default]
    Plain,
    /// Routes, regions and ARNs.
    Bedrock,
    /// Publishers and endpoints.
    Vertex,
}

/// Tokens that take the place of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Entra ID, Azure's directory (AZ-10).
    Entra,
}

/// The language of chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wires {
    pub chat: Option<WireId>,
}

/// How a provider serves a call type. A row may name the wire alone: `embedding = "openai"`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "CallRowText")]
pub struct CallRow {
    pub wire: WireId,
    /// The address of this call type, when it is not the row's.
    pub base: Option<String>,
    /// Environment variables that give the address, when they are not the row's.
    pub base_env: Option<Vec<String>>,
    /// Environment variables that hold the key, when they are not the row's.
    pub key_env: Option<Vec<String>>,
    /// The path after the base, when it is not the wire's own. Names in braces as in the row's; `{model}` is the
    /// model's name.
    pub path: Option<String>,
    /// Where the key goes, when it is not the row's way.
    pub auth: Option<Scheme>,
    /// Parts of names: only such models have it, where not all do.
    pub models: Vec<String>,
    pub accent: Arc<CallAccent>,
}

impl CallRow {
    pub fn has(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|part| model.contains(part.as_str()))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CallRowText {
    Wire(WireId),
    Whole(WholeCallRow),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeCallRow {
    wire: WireId,
    base: Option<String>,
    base_env: Option<Vec<String>>,
    key_env: Option<Vec<String>>,
    path: Option<String>,
    auth: Option<Scheme>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    accent: Arc<CallAccent>,
}

impl From<CallRowText> for CallRow {
    fn from(text: CallRowText) -> Self {
        match text {
            CallRowText::Wire(wire) => Self {
                wire,
                base: None,
                base_env: None,
                key_env: None,
                auth: None,
                path: None,
                models: Vec::new(),
                accent: CallAccent::none(),
            },
            CallRowText::Whole(WholeCallRow {
                wire,
                base,
                base_env,
                key_env,
                path,
                auth,
                models,
                accent,
            }) => Self { wire, base, base_env, key_env, path, auth, models, accent },
        }
    }
}

/// A header that a keyword or the environment fills.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderFrom {
    pub header: String,
    #[serde(default)]
    pub env: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Provider {
    /// Reads and checks a row.
    pub fn parse(text: &str) -> Result<Self> {
        let row: Self = toml::from_str(text)
            .map_err(|error| Error::new(Kind::Config, format!("a provider row cannot be read: {error}")))?;
        row.settle()
    }

    /// Checks a row and fills in the defaults that depend on other keys.
    pub(super) fn settle(mut self) -> Result<Self> {
        self.check()?;
        if !self.settled {
            self.client_retries = match self.client_retries {
                None if self.wires.chat == Some(WireId::Openai) => Some(2),
                Some(0) => None,
                said => said,
            };
            self.settled = true;
        }
        Ok(self)
    }

    /// What a row must keep to, whoever wrote it.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::new(Kind::Config, format!("provider '{}': {what}", self.name)));
        if self.name.is_empty() || self.name.contains('/') {
            return wrong("a name is not empty and has no '/'".to_owned());
        }
        if let Some(base) = &self.base
            && !(base.starts_with("https://")
                || base.starts_with("http://127.0.0.1")
                || base.starts_with("http://localhost"))
        {
            return wrong(format!("the base '{base}' is not an https address"));
        }
        if self.auth == Scheme::Aws && self.service.is_none() {
            return wrong("a signature needs the name of the service".to_owned());
        }
        if self.base.as_deref().is_some_and(|base| base.ends_with('/')) {
            return wrong("the base ends with '/'".to_owned());
        }
        if self.wires.chat.is_some_and(|wire| wire.chat().is_none()) {
            return wrong(format!("the wire {:?} has no chat", self.wires.chat));
        }
        for (call_type, call) in &self.calls {
            // A wire without such calls is the language in which a chat completion is asked for instead.
            if call.wire.call(*call_type).is_none() && !call_type.is_of_models() {
                return wrong(format!("the wire {:?} has no {}", call.wire, call_type.name()));
            }
        }
        let of_calls = self.calls.values().flat_map(|call| call.base.iter().chain(&call.path));
        let templates = self.base.iter().chain(&self.path).chain(of_calls);
        let templates = templates.chain(self.headers.values()).chain(self.query.values());
        for name in templates.flat_map(|template| names_in(template)) {
            let is_region = name == "region" && matches!(self.auth, Scheme::Aws | Scheme::Google);
            let is_project = name == "project" && self.auth == Scheme::Google;
            if !is_region && !is_project && name != "model" && !self.vars.contains_key(name) {
                return wrong(format!("nothing says what '{{{name}}}' stands for"));
            }
        }
        Ok(())
    }

    /// Keywords of a call that are for the address or the headers, not for the body.
    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        let of_vars = self.vars.values().filter_map(|variable| variable.keyword.as_deref());
        self.headers_from.keys().map(String::as_str).chain(of_vars)
    }

    /// How error messages name this provider.
    pub fn error_prefix(&self) -> String {
        self.error_prefix.clone().unwrap_or_else(|| error_prefix(&self.name))
    }
}

/// How error messages name a provider, unless its row says otherwise.
pub fn error_prefix(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}Exception", letters.as_str())
}

/// The names in braces of a template.
pub fn names_in(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}
