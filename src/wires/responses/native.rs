//! A provider that speaks Responses itself: bodies, answers and events are passed on, but for ids.

use bytes::Bytes;
use serde_json::{Value, json};

use super::ids::{self, ResponseId};
use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, CallType, Target};
use crate::json::{Map, str_at};
use crate::wires::framing::{Frame, Frames, Framing};
use crate::wires::openai::errors;
use crate::wires::{
    ErrorFacts, Event, EventReader, EventWire, HttpReply, Memo, Prepared, Seen, Wire, calls,
    incomplete_stream,
};

/// The smallest limit of tokens: what is below is an error.
pub(super) const LEAST_LIMIT: u64 = 16;

/// What a response is asked for with, by OpenAI, and what others know beside it. Nothing else is sent, since keywords
/// of the package's and of chat's come here, too; `extra_body` is for what is new.
const PARAMETERS: [&str; 37] = [
    "background",
    "caching",
    "context_management",
    "conversation",
    "expire_at",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "models",
    "moderation",
    "parallel_tool_calls",
    "partial_images",
    "preset",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "thinking",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

fn is_known(name: &str) -> bool {
    let is_known = PARAMETERS.contains(&name);
    if !is_known {
        tracing::warn!(name, "Responses have no such parameter: it is left out");
    }
    is_known
}

/// `/responses`.
#[derive(Debug)]
pub struct Native;

impl Wire<Call> for Native {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        match parameter {
            // OpenAI's own models that do not reason.
            "reasoning" if target.accent.openai_models => {
                target.facts.key.is_none() || target.facts.can("reasoning")
            }
            _ => true,
        }
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        let mut body = calls::named_body(request, target);
        if target.call_type == CallType::Responses {
            body.retain(|name, _| is_known(name) || target.call_accent.defaults.contains_key(name));
        }
        if let Some(Value::String(id)) = body.get_mut("previous_response_id") {
            *id = ResponseId::parse(id).id;
        }
        if !target.call_accent.small_limits
            && let Some(limit) = body.get_mut("max_output_tokens")
            && limit.as_u64().is_some_and(|limit| limit < LEAST_LIMIT)
        {
            *limit = LEAST_LIMIT.into();
        }
        // A text in a list is a message.
        for item in body.get_mut("input").and_then(Value::as_array_mut).into_iter().flatten() {
            if item.is_string() {
                *item = json!({ "role": "user", "content": item.take() });
            }
        }
        if request.stream {
            body.insert("stream".into(), true.into());
        }
        calls::json_call(target.url("/responses"), body, request, Memo::default())
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
        response(reply, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        errors::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        errors::classify(facts, &target.accent)
    }
}

/// A whole response.
pub(super) fn response(reply: &HttpReply, target: &Target) -> Result<CallResponse> {
    let mut answer = match last_response(&reply.body, target)? {
        Some(answer) => answer,
        None => calls::json_object(reply)?,
    };
    if !answer.get("output").is_some_and(Value::is_array) {
        return Err(calls::unreadable(reply));
    }
    rename(&mut answer, target);
    Ok(CallResponse::Json(answer.into()))
}

/// The whole response at the end of a stream, from those who stream whatever they are asked; `None` when it is none.
pub(super) fn last_response(body: &Bytes, target: &Target) -> Result<Option<Map>> {
    if !["event:", "data:", ":"].iter().any(|start| body.starts_with(start.as_bytes())) {
        return Ok(None);
    }
    let mut items = Map::new();
    let mut last = None;
    let mut each = |frame: Frame<'_>| {
        let Ok(Value::Object(mut event)) = serde_json::from_slice(frame.data) else { return Ok(true) };
        if let Some(error) = failure(str_at(&event, "type").or(frame.event), &event) {
            let facts = facts_of(&error);
            let kind = errors::classify(&facts, &target.accent);
            return Err(facts.into_error(kind));
        }
        match str_at(&event, "type") {
            Some("response.output_item.done") => {
                let place = event.get("output_index").map(Value::to_string).unwrap_or_default();
                items.insert(place, event.remove("item").unwrap_or_default());
            }
            Some("response.completed" | "response.incomplete") => last = event.remove("response"),
            _ => {}
        }
        Ok(last.is_none())
    };
    let mut frames = Frames::new(Framing::Sse);
    if frames.push(body.clone(), &mut each)? {
        frames.finish(&mut each)?;
    }
    let Some(Value::Object(mut answer)) = last else { return Err(incomplete_stream()) };
    // Some leave out at the end what they have said.
    if answer.get("output").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        answer.insert("output".into(), items.into_iter().map(|(_, item)| item).collect());
    }
    Ok(Some(answer))
}

/// The caller's id in place of the provider's.
fn rename(response: &mut Map, target: &Target) {
    if let Some(Value::String(id)) = response.get_mut("id") {
        *id = ids::of_provider(&target.provider, id);
    }
}

impl EventWire for Native {
    fn reader(&self, _memo: &Memo, target: &Target) -> Box<dyn EventReader> {
        Box::new(Reader { target: target.clone(), is_over: false })
    }

    fn replay(&self, answer: Value) -> Vec<Event> {
        super::replay::events(answer)
    }
}

#[derive(Debug)]
struct Reader {
    target: Target,
    /// The event that ends an answer has come.
    is_over: bool,
}

impl EventReader for Reader {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<Seen> {
        if frame.data == b"[DONE]" {
            return Ok(Seen::Done);
        }
        let data: Value = serde_json::from_slice(frame.data).map_err(|error| {
            Error::unreadable(format!("an event of the stream cannot be read: {error}")).with_source(error)
        })?;
        let Value::Object(mut event) = data else { return Ok(Seen::Unknown) };
        let name = str_at(&event, "type").or(frame.event).map(str::to_owned);
        if let Some(error) = failure(name.as_deref(), &event) {
            let facts = facts_of(&error);
            let kind = errors::classify(&facts, &self.target.accent);
            return Err(facts.into_error(kind));
        }
        if let Some(Value::Object(response)) = event.get_mut("response") {
            rename(response, &self.target);
        }
        self.is_over = matches!(name.as_deref(), Some("response.completed" | "response.incomplete"));
        out.push(Event { name, data: Value::Object(event) });
        Ok(if self.is_over { Seen::Done } else { Seen::Known })
    }

    fn end(&mut self) -> Result<()> {
        if self.is_over { Ok(()) } else { Err(incomplete_stream()) }
    }
}

/// The error that an event tells, if it does.
pub(super) fn failure(name: Option<&str>, event: &Map) -> Option<Map> {
    let error_in = |map: &Map| map.get("error").and_then(Value::as_object).cloned();
    match name {
        // Its facts lie in the event itself, or one level deeper.
        Some("error") => Some(error_in(event).unwrap_or_else(|| event.clone())),
        Some("response.failed") => {
            let response = event.get("response").and_then(Value::as_object);
            Some(response.and_then(error_in).unwrap_or_default())
        }
        Some(_) => None,
        None => error_in(event),
    }
}

/// Events have codes where replies have a status, too.
pub(super) fn facts_of(error: &Map) -> ErrorFacts {
    let status = match str_at(error, "code") {
        Some("rate_limit_exceeded" | "insufficient_quota") => 429,
        Some(code) if code.starts_with("invalid_") || code.starts_with("context_length") => 400,
        _ => 500,
    };
    errors::facts_of(status, &serde_json::json!({ "error": error }))
}
