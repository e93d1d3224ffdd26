//! What the wires share for calls other than chat: bodies of JSON and of forms, answers of JSON and of bytes.

mod answers;
mod batch;
mod form;
mod resources;

use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

pub use answers::{
    bytes, decoded, embeddings, images, json_object, json_value, ranking, sound, transcript, unreadable,
};
pub use batch::{batch_model, completion, lines, output};
pub use form::{Lists, form, form_call, form_fields};
pub use resources::{
    action, bare, bare_call, batch, batch_errors, count, deleted, id, id_segment, listed, moment, page,
    page_by_token,
};

/// One segment of a path.
pub use crate::address::segment;

use super::{ErrorFacts, HttpCall, HttpReply, Memo, Next, Prepared, Wire};
use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, Target, Upload};
use crate::json::Map;

/// How often a provider is asked whether the work is done.
pub const POLL: Duration = Duration::from_secs(1);

/// One call type of a language, as a table of functions.
#[derive(Debug)]
pub struct CallWire {
    /// Whether the target takes a parameter of OpenAI's interface.
    pub takes: fn(&str, &Target) -> bool,
    pub encode: fn(&CallRequest, &Target) -> Result<Prepared>,
    pub decode: fn(&HttpReply, &Memo, &Target) -> Result<CallResponse>,
    /// For a call that is more than one request.
    pub next: Option<NextOf>,
    pub errors: Errors,
}

type NextOf = fn(&CallRequest, &HttpReply, &mut Memo, &Target) -> Result<Option<Next>>;

/// How a language reads failures, whatever was asked.
#[derive(Debug, Clone, Copy)]
pub struct Errors {
    pub facts: fn(u16, &[u8]) -> ErrorFacts,
    pub classify: fn(&ErrorFacts, &Target) -> Kind,
}

impl Wire<Call> for CallWire {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        (self.takes)(parameter, target)
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        (self.encode)(request, target)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
        (self.decode)(reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        (self.errors.facts)(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        (self.errors.classify)(facts, target)
    }

    fn next(
        &self,
        request: &CallRequest,
        reply: &HttpReply,
        memo: &mut Memo,
        target: &Target,
    ) -> Result<Option<Next>> {
        self.next.map_or(Ok(None), |next| next(request, reply, memo, target))
    }
}

/// Prepares a POST of a JSON object; a key of `extra_body` replaces the same key (GEN-06).
pub fn json_call(url: String, mut body: Map, request: &CallRequest, memo: Memo) -> Result<Prepared> {
    for (name, value) in &request.extra_body {
        body.insert(name.clone(), value.clone());
    }
    let body = serde_json::to_vec(&body)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    Ok(posted(url, HeaderValue::from_static("application/json"), body.into(), memo))
}

/// Prepares a POST of a file's bytes alone.
pub fn bytes_call(url: String, file: &Upload, memo: Memo) -> Prepared {
    let kind = file.content_type.as_deref().and_then(|kind| HeaderValue::try_from(kind).ok());
    let kind = kind.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream"));
    posted(url, kind, file.data.clone(), memo)
}

/// A GET, for calls that are more than one request.
pub fn get(url: String) -> HttpCall {
    bare(Method::GET, url)
}

fn posted(url: String, content_type: HeaderValue, body: Bytes, memo: Memo) -> Prepared {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, content_type);
    Prepared { call: HttpCall { rest: Vec::new(), method: Method::POST, url, headers, body }, memo }
}

/// The body of an OpenAI-shaped call: the model's name and the parameters as they are.
pub fn named_body(request: &CallRequest, target: &Target) -> Map {
    let mut body = Map::with_capacity(request.params.len() + 1);
    body.insert("model".to_owned(), Value::String(target.model.clone()));
    body.extend(request.params.iter().map(|(name, value)| (name.clone(), value.clone())));
    body
}

/// The texts (or whatever else) that vectors are wanted of, one by one.
pub fn inputs(request: &CallRequest) -> Vec<Value> {
    match request.params.get("input") {
        None => Vec::new(),
        // Token ids are one input.
        Some(Value::Array(items)) if !items.first().is_some_and(Value::is_number) => items.clone(),
        Some(one) => vec![one.clone()],
    }
}

/// The documents that are ranked, as texts: an object has its text under `text`.
pub fn documents(request: &CallRequest) -> Vec<String> {
    let text = |document: &Value| match document {
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            map.get("text").and_then(Value::as_str).map_or_else(|| document.to_string(), str::to_owned)
        }
        other => other.to_string(),
    };
    request.params.get("documents").and_then(Value::as_array).into_iter().flatten().map(text).collect()
}

/// A text that the call cannot do without.
pub fn text<'a>(request: &'a CallRequest, name: &str) -> Result<&'a str> {
    request
        .params
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Error::bad_request(format!("Invalid '{name}': expected a string.")).with_param(name))
}

/// The file that the call is about.
pub fn file(request: &CallRequest) -> Result<&Upload> {
    request
        .files
        .iter()
        .find(|file| file.field != "mask")
        .ok_or_else(|| Error::bad_request("A file is missing.").with_param("file"))
}

/// Width and height of `1024x768`.
pub fn size(request: &CallRequest) -> Option<(u64, u64)> {
    let (width, height) = request.params.get("size")?.as_str()?.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// A file as base64.
pub fn base64(file: &Upload) -> String {
    base64::engine::general_purpose::STANDARD.encode(&file.data)
}

/// A file as an address that holds it.
pub fn data_address(file: &Upload) -> String {
    let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
    format!("data:{kind};base64,{}", base64(file))
}

/// The ratios that most image models know.
pub const RATIOS: [&str; 9] = ["1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "5:4", "4:5"];

/// The ratio of the wanted size, as the nearest of those that a model knows.
pub fn aspect_ratio<'a>(request: &CallRequest, known: &[&'a str]) -> Option<&'a str> {
    let (width, height) = size(request)?;
    let distance = |ratio: &str| {
        let (across, down) = ratio.split_once(':').unwrap_or(("1", "1"));
        let (across, down): (f64, f64) = (across.parse().unwrap_or(1.0), down.parse().unwrap_or(1.0));
        #[expect(clippy::cast_precision_loss, reason = "pixels")]
        let wanted = width.max(1) as f64 / height.max(1) as f64;
        (wanted * down / across).ln().abs()
    };
    known.iter().min_by(|one, other| distance(one).total_cmp(&distance(other))).copied()
}
