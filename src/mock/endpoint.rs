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
    Account(Kept, Part<'a>),
}

/// What OpenAI keeps for an account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    File,
    Batch,
    FineTuningJob,
}

/// How much of it: the list, one by its id, or something of one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    All,
    One(&'a str),
    Content(&'a str),
    Cancel(&'a str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Generate,
    Stream,
    Embed,
    BatchEmbed,
    CountTokens,
}

/// The dialect of a request, and its endpoint if it has one. A path says both, except for those that providers share:
/// there the headers of the provider's clients tell.
pub(super) fn find(parts: &Parts) -> (Dialect, Option<Endpoint<'_>>) {
    let path = parts.uri.path();
    let of_gemini = ["/v1beta/", "/v1alpha/"].iter().find_map(|version| path.strip_prefix(version));
    let plain = path.strip_prefix("/v1/").or_else(|| path.strip_prefix('/')).unwrap_or_default();
    let rest = of_gemini.unwrap_or(plain);
    if let Some((model, verb)) = rest.strip_prefix("models/").and_then(|rest| rest.rsplit_once(':'))
        && let Some(verb) = Verb::named(verb)
    {
        return (Dialect::Gemini, Some(Endpoint::Gemini(model, verb)));
    }
    if of_gemini.is_none() {
        match plain {
            "health" => return (Dialect::OpenAi, Some(Endpoint::Health)),
            "_mock/requests" => return (Dialect::OpenAi, Some(Endpoint::Requests)),
            "chat/completions" => return (Dialect::OpenAi, Some(Endpoint::Chat)),
            "completions" => return (Dialect::OpenAi, Some(Endpoint::Completions)),
            "embeddings" => return (Dialect::OpenAi, Some(Endpoint::Embeddings)),
            "responses" => return (Dialect::OpenAi, Some(Endpoint::Responses)),
            "messages" => return (Dialect::Anthropic, Some(Endpoint::Messages)),
            "messages/count_tokens" => return (Dialect::Anthropic, Some(Endpoint::CountTokens)),
            _ => {}
        }
    }
    if of_gemini.is_none()
        && let Some(endpoint) = of_account(plain)
    {
        return (Dialect::OpenAi, Some(endpoint));
    }
    let has = |name: &str| parts.headers.contains_key(name);
    let dialect = if of_gemini.is_some() || has("x-goog-api-key") {
        Dialect::Gemini
    } else if plain.starts_with("messages/") || has("anthropic-version") {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    };
    // A model of OpenAI's may have a colon in its name, at Gemini's there is a verb after it.
    let may_name = |name: &&str| !name.is_empty() && (dialect != Dialect::Gemini || !name.contains(':'));
    let model = || rest.strip_prefix("models/").filter(may_name).map(Endpoint::Model);
    (dialect, if rest == "models" { Some(Endpoint::Models) } else { model() })
}

fn of_account(path: &str) -> Option<Endpoint<'_>> {
    let kinds = [("files", Kept::File), ("batches", Kept::Batch), ("fine_tuning/jobs", Kept::FineTuningJob)];
    let (kept, rest) = kinds.into_iter().find_map(|(name, kept)| Some((kept, path.strip_prefix(name)?)))?;
    let part = match rest.strip_prefix('/').filter(|rest| !rest.is_empty()) {
        None if rest.is_empty() => Part::All,
        None => return None,
        Some(one) => match one.split_once('/') {
            None => Part::One(one),
            Some((id, "content")) if kept == Kept::File => Part::Content(id),
            Some((id, "cancel")) if kept != Kept::File => Part::Cancel(id),
            Some(_) => return None,
        },
    };
    Some(Endpoint::Account(kept, part))
}

impl Verb {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "generateContent" => Self::Generate,
            "streamGenerateContent" => Self::Stream,
            "embedContent" => Self::Embed,
            "batchEmbedContents" => Self::BatchEmbed,
            "countTokens" => Self::CountTokens,
            _ => return None,
        })
    }
}

impl Endpoint<'_> {
    pub(super) fn check_method(self, parts: &Parts) -> Result<(), Failure> {
        let allowed = match self {
            Self::Requests | Self::Account(Kept::File, Part::One(_)) => "GET, HEAD, DELETE",
            Self::Health
            | Self::Models
            | Self::Model(_)
            | Self::Account(_, Part::One(_) | Part::Content(_)) => "GET, HEAD",
            Self::Account(_, Part::All) => "GET, HEAD, POST",
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
