//! A chat request for `/ml/v1/text/chat`, or for a deployment.

use crate::error::{Error, Kind, Result};
use crate::hub::{ChatRequest, Target};
use crate::json::Map;
use crate::wires::openai::Openai;
use crate::wires::{Prepared, Wire};

/// OpenAI's parameters that have a field here, and those that lose nothing by being left out.
pub const SUPPORTED: &[&str] = &[
    "frequency_penalty",
    "logprobs",
    "max_tokens",
    "n",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
];

/// In front of the name of a deployment, which knows its model and its space.
const DEPLOYMENT: &str = "deployment/";
pub const VERSION: &str = "2024-03-13";

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let mut request = request.clone();
    let params = &mut request.params;
    params.remove("user");
    // A word goes under a name of its own; one function stays where it is.
    if params.get("tool_choice").is_some_and(serde_json::Value::is_string)
        && let Some(word) = params.remove("tool_choice")
    {
        params.0.insert("tool_choice_option".to_owned(), word);
    }
    let place = place(target);
    let named = |name: &str| place.contains_key(name) || request.extra_body.contains_key(name);
    if !target.model.starts_with(DEPLOYMENT) && !named("project_id") && !named("space_id") {
        return Err(no_place());
    }
    for (name, value) in place {
        request.extra.entry(name).or_insert(value);
    }
    // Said also when it is off.
    request.extra.insert("stream".to_owned(), request.stream.into());
    let streamed = std::mem::take(&mut request.stream);
    let mut target = target.clone();
    let call = if streamed { "chat_stream" } else { "chat" };
    let url = url(&target, call);
    if target.model.starts_with(DEPLOYMENT) {
        target.model.clear();
    }
    let mut prepared = Openai.encode(&request, &target)?;
    prepared.call.url = url;
    Ok(prepared)
}

fn no_place() -> Error {
    let what = "watsonx needs to know who pays: pass `project_id` or `space_id`, or set WATSONX_PROJECT_ID or \
                WATSONX_SPACE_ID";
    Error::new(Kind::Authentication, what).with_param("project_id")
}

/// The address of one of the calls.
pub fn url(target: &Target, call: &str) -> String {
    let base = &target.base;
    match target.model.strip_prefix(DEPLOYMENT) {
        Some(id) => format!("{base}/ml/v1/deployments/{id}/text/{call}?version={VERSION}"),
        None => format!("{base}/ml/v1/text/{call}?version={VERSION}"),
    }
}

/// The model, and the project or the space that pays.
pub fn place(target: &Target) -> Map {
    let mut place = Map::new();
    if target.model.starts_with(DEPLOYMENT) {
        return place;
    }
    place.insert("model_id".to_owned(), target.model.as_str().into());
    for name in ["project_id", "space_id"] {
        if let Some(id) = target.vars.get(name) {
            place.insert(name.to_owned(), id.as_str().into());
        }
    }
    place
}
