//! Which endpoint a request is for, and in which dialect it wants to hear of mistakes.

use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use super::dialect::{Dialect, Failure};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint<'a> {
    Health,
    Requests,
    Models,
    Model(&'a str),
    Chat,
    Completions,
    Embeddings,
    Responses,
    Messages,
    CountTokens,
    /// A model of Gemini's and what it is to do.
    Gemini(&'a str, Verb),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Generate,
    Stream,
    Embed,
    BatchEmbed,
    CountTokens,
}

/// The dialect of a path, and its endpoint if it has one.
pub(super) fn find(parts: &Parts) -> (Dialect, Option<Endpoint<'_>>) {
    let path = parts.uri.path();
    match path {
        "/health" => return (Dialect::OpenAi, Some(Endpoint::Health)),
        "/_mock/requests" => return (Dialect::OpenAi, Some(Endpoint::Requests)),
        "/v1/messages" => return (Dialect::Anthropic, Some(Endpoint::Messages)),
        "/v1/messages/count_tokens" => return (Dialect::Anthropic, Some(Endpoint::CountTokens)),
        _ => {}
    }
    let version = ["/v1beta/", "/v1alpha/"].iter().find_map(|version| path.strip_prefix(version));
    let plain = path.strip_prefix("/v1/").or_else(|| path.strip_prefix('/')).unwrap_or_default();
    if let Some((model, verb)) =
        version.unwrap_or(plain).strip_prefix("models/").and_then(|rest| rest.rsplit_once(':'))
    {
        let verb = match verb {
            "generateContent" => Some(Verb::Generate),
            "streamGenerateContent" => Some(Verb::Stream),
            "embedContent" => Some(Verb::Embed),
            "batchEmbedContents" => Some(Verb::BatchEmbed),
            "countTokens" => Some(Verb::CountTokens),
            _ => None,
        };
        // A fine-tuned model of OpenAI's has colons in its name.
        if verb.is_some() || version.is_some() {
            return (Dialect::Gemini, verb.map(|verb| Endpoint::Gemini(model, verb)));
        }
    }
    let model = |rest: &'static str| {
        let name = version.unwrap_or(plain).strip_prefix(rest)?;
        (!name.is_empty()).then_some(Endpoint::Model(name))
    };
    if let Some(rest) = version {
        return (Dialect::Gemini, if rest == "models" { Some(Endpoint::Models) } else { model("models/") });
    }
    let anthropic = parts.headers.contains_key("anthropic-version");
    let dialect =
        if anthropic || path.starts_with("/v1/messages/") { Dialect::Anthropic } else { Dialect::OpenAi };
    let endpoint = match plain {
        "models" => Some(Endpoint::Models),
        _ if dialect == Dialect::Anthropic => model("models/"),
        "chat/completions" => Some(Endpoint::Chat),
        "completions" => Some(Endpoint::Completions),
        "embeddings" => Some(Endpoint::Embeddings),
        "responses" => Some(Endpoint::Responses),
        _ => model("models/"),
    };
    (dialect, endpoint)
}

impl Endpoint<'_> {
    pub(super) fn check_method(self, parts: &Parts) -> Result<(), Failure> {
        let allowed = match self {
            Self::Health | Self::Models | Self::Model(_) => "GET, HEAD",
            Self::Requests => "GET, HEAD, DELETE",
            _ => "POST",
        };
        if allowed.split(", ").any(|allowed| allowed == parts.method.as_str()) {
            return Ok(());
        }
        let message = format!("Not allowed method: {} {}", parts.method, parts.uri.path());
        Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, message)
            .with(ALLOW, HeaderValue::from_static(allowed)))
    }
}
