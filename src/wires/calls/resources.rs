//! What an account keeps (files, batches, fine-tuning jobs): requests by id, lists, and OpenAI's objects for them.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::segment;
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::{Map, str_at};
use crate::wires::{HttpCall, Memo, Prepared};

/// The id that the call is about: a text that is not empty.
pub fn id<'a>(request: &'a CallRequest, target: &Target) -> Result<&'a str> {
    let name = target.call_type.resource().map_or("id", |resource| resource.id());
    match super::text(request, name)? {
        "" => Err(Error::bad_request(format!("Invalid '{name}': it is empty.")).with_param(name)),
        id => Ok(id),
    }
}

/// The id as a segment of a path.
pub fn id_segment(request: &CallRequest, target: &Target) -> Result<String> {
    id(request, target).map(segment)
}

/// A request without a body, which changes nothing or takes something away.
pub fn bare(method: Method, url: String) -> HttpCall {
    HttpCall { method, url, headers: HeaderMap::new(), body: Bytes::new(), rest: Vec::new() }
}

/// The same, to be read with nothing remembered.
pub fn bare_call(method: Method, url: String) -> Prepared {
    Prepared { call: bare(method, url), memo: Memo::default() }
}

/// A POST of nothing, as it starts an action.
pub fn action(url: String) -> Prepared {
    let mut prepared = bare_call(Method::POST, url);
    prepared.call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    prepared
}

/// An address with parameters in its query; `names` says what they are called there, others keep their names.
pub fn listed(url: &str, request: &CallRequest, names: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    let mut any = false;
    for (name, value) in &request.params {
        let name = names.iter().find(|(known, _)| known == name).map_or(name.as_str(), |(_, other)| other);
        let text = match value {
            _ if name.is_empty() => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        query.append_pair(name, &text);
        any = true;
    }
    if any { format!("{url}?{}", query.finish()) } else { url.to_owned() }
}

/// A page of a list in OpenAI's form. `more` is whether there are others, and what the provider calls the next.
pub fn page(data: &[Value], more: bool, next: Option<Value>) -> CallResponse {
    let end = |item: Option<&Value>| item.and_then(|item| item.get("id")).cloned().unwrap_or_default();
    let (first, last) = (end(data.first()), end(data.last()));
    let mut page = json!({
        "object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more,
    });
    if let Some(next) = next {
        page["next_page_token"] = next;
    }
    CallResponse::Json(page)
}

/// A page of a list; the answer has a token for the next one under this name, if there is a next one.
pub fn page_by_token(data: &[Value], answer: &Map, name: &str) -> CallResponse {
    let next = str_at(answer, name).filter(|token| !token.is_empty()).map(Value::from);
    page(data, next.is_some(), next)
}

/// That something is deleted.
pub fn deleted(id: &str) -> CallResponse {
    CallResponse::Json(json!({ "id": id, "object": "file", "deleted": true }))
}

/// A batch in OpenAI's form: all its fields, of which `said` are known.
pub fn batch<const N: usize>(said: [(&str, Value); N]) -> Value {
    const FIELDS: [&str; 20] = [
        "id",
        "object",
        "endpoint",
        "errors",
        "input_file_id",
        "completion_window",
        "status",
        "output_file_id",
        "error_file_id",
        "created_at",
        "in_progress_at",
        "expires_at",
        "finalizing_at",
        "completed_at",
        "failed_at",
        "expired_at",
        "cancelling_at",
        "cancelled_at",
        "request_counts",
        "metadata",
    ];
    let mut batch: Map = FIELDS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    batch.insert("object".into(), "batch".into());
    batch.insert("completion_window".into(), "24h".into());
    batch.extend(said.map(|(name, value)| (name.to_owned(), value)));
    batch.into()
}

/// Why a batch failed, in OpenAI's form; null when there is nothing to say.
pub fn batch_errors(errors: &[Value]) -> Value {
    if errors.is_empty() { Value::Null } else { json!({ "object": "list", "data": errors }) }
}

/// A moment as seconds since 1970; null when it is not there or cannot be read.
pub fn moment(map: &Map, name: &str) -> Value {
    str_at(map, name).and_then(crate::dates::seconds).into()
}

/// A count that may be written as a text.
pub fn count(value: Option<&Value>) -> u64 {
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    value.and_then(number).unwrap_or_default()
}
