//! A chat request as a prompt and what goes with it.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

use super::Format;
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Target};
use crate::json::Map;
use crate::wires::{HttpCall, Memo, Next, Prepared, prompt};

/// The prompt, for an estimate where the provider does not count.
pub const PROMPT: &str = "prompt";
/// The body that waits for its address.
const LATER: &str = "later";

/// A body before it is put together.
#[derive(Debug)]
pub struct Parts {
    /// Keys beside the prompt and the parameters.
    pub top: Map,
    /// Null when `finish` has put it elsewhere.
    pub prompt: Value,
    pub params: Map,
}

pub fn encode(format: &Format, request: &ChatRequest, target: &Target) -> Result<Prepared> {
    prompt::check(&request.messages, target)?;
    let text = prompt::render(&request.messages, (format.template)(&target.model), target)?;
    let mut memo = Memo::default();
    memo.notes.insert(PROMPT.to_owned(), text.as_str().into());
    let mut parts = Parts { top: Map::new(), prompt: text.into(), params: params(format, request) };
    (format.finish)(&mut parts, request, target);
    let mut body = parts.join(format);
    body.extend(request.extra_body.clone());
    if format.opens {
        memo.notes.insert(LATER.to_owned(), std::mem::take(&mut body).into());
    }
    let body = serde_json::to_vec(&body)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    let url = (format.url)(target, request.stream);
    Ok(Prepared { call: post(url, Bytes::from(body)), memo })
}

fn post(url: String, body: Bytes) -> HttpCall {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    HttpCall { rest: Vec::new(), method: Method::POST, url, headers, body }
}

/// The request proper, once a reply has said under which id.
pub fn opened(memo: &Memo, url: impl Fn(&str) -> String, opening: &Value) -> Result<Option<Next>> {
    let Some(id) = opening.get("id").and_then(Value::as_str).filter(|id| is_plain(id)) else {
        return Err(Error::unreadable("the conversation that was opened has no id"));
    };
    let body = memo.notes.get(LATER).map(Value::to_string).unwrap_or_default();
    Ok(Some(Next::now(post(url(id), body.into()))))
}

/// An id that can stand in an address as it is.
pub fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Parameters under the format's names, then the keywords of the provider's own.
fn params(format: &Format, request: &ChatRequest) -> Map {
    let mut sent = Map::new();
    for (name, theirs) in format.params {
        let value = match *name {
            _ if theirs.is_empty() => continue,
            // One limit, where the format has one (GEN-03).
            "max_tokens" if request.params.has("max_completion_tokens") => continue,
            "stop" if format.stop_is_list => request.params.stop().map(Value::from),
            name => request.params.get(name).cloned(),
        };
        if let Some(value) = value {
            sent.insert((*theirs).to_owned(), value);
        }
    }
    sent.extend(request.extra.clone());
    sent
}

impl Parts {
    fn join(self, format: &Format) -> Map {
        let Self { top: mut body, prompt, params } = self;
        let mut inner = Map::new();
        if !prompt.is_null() {
            let place = if format.prompt_in_params { &mut inner } else { &mut body };
            place.insert(format.prompt.to_owned(), prompt);
        }
        inner.extend(params);
        match format.params_in {
            Some(object) => {
                body.insert(object.to_owned(), inner.into());
            }
            None => body.extend(inner),
        }
        body
    }
}
