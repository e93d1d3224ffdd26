//! Responses that a provider keeps: fetched, cancelled, deleted, and what they were asked with.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::ids::ResponseId;
use super::native::{self, Native};
use crate::error::{Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, CallType, Target};
use crate::json::str_at;
use crate::wires::{
    ErrorFacts, Event, EventReader, EventWire, HttpCall, HttpReply, Memo, Prepared, Wire, calls,
};

/// `/responses/{id}`.
#[derive(Debug)]
pub struct Stored;

impl Wire<Call> for Stored {
    fn supports(&self, _parameter: &str, _target: &Target) -> bool {
        true
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        let id = ResponseId::parse(str_at(&request.params, "response_id").unwrap_or_default()).id;
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let mut url = format!("{}/{id}", target.url("/responses"));
        let mut headers = HeaderMap::new();
        let mut body = Bytes::new();
        let method = match target.call_type {
            CallType::DeleteResponse => Method::DELETE,
            CallType::CancelResponse => {
                url.push_str("/cancel");
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let whole = Value::Object(request.extra_body.clone());
                body = Bytes::from(whole.to_string());
                Method::POST
            }
            CallType::ListInputItems => {
                url.push_str("/input_items");
                Method::GET
            }
            _ => Method::GET,
        };
        if method == Method::GET {
            let query = query(request);
            if !query.is_empty() {
                url = format!("{url}?{query}");
            }
        }
        Ok(Prepared {
            call: HttpCall { rest: Vec::new(), method, url, headers, body },
            memo: Memo::default(),
        })
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
        match target.call_type {
            CallType::DeleteResponse | CallType::ListInputItems => {
                Ok(CallResponse::Json(calls::json_object(reply)?.into()))
            }
            _ => native::response(reply, target),
        }
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        Native.error_facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        Native.classify(facts, target)
    }
}

/// The parameters, lists separated by commas.
fn query(request: &CallRequest) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in request.params.iter().filter(|(name, _)| *name != "response_id") {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items =
                    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                items.collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        query.append_pair(name, &text);
    }
    if request.stream {
        query.append_pair("stream", "true");
    }
    query.finish()
}

impl EventWire for Stored {
    fn reader(&self, memo: &Memo, target: &Target) -> Box<dyn EventReader> {
        Native.reader(memo, target)
    }

    fn replay(&self, answer: Value) -> Vec<Event> {
        Native.replay(answer)
    }
}
