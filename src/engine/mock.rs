//! `mock_response`: an answer without a request, for tests of a caller's own program.

use std::time::Duration;

use serde_json::{Value, json};

use super::calls::CallAnswer;
use super::chat::complete;
use super::chat_call::ChatCall;
use super::control::Control;
use super::stream::ChatStream;
use super::{Answer, Meta, new_chat_id, now};
use crate::error::{Error, Kind, Result};
use crate::hub::{
    AssistantMessage, CallResponse, CallType, ChatResponse, Choice, Delta, Deltas, FinishReason,
    FunctionCall, Target, ToolCall, Usage,
};
use crate::json::{Map, kind_of, str_at};
use crate::tokens::{Conversation, Encoding, ImageCount};

/// What a mock call answers.
#[derive(Debug, Clone)]
pub struct Mock {
    text: String,
    tool_calls: Vec<ToolCall>,
    delay: Duration,
    /// Times out once the call's limit has passed.
    times_out: bool,
}

/// Characters in a chunk of a mock stream.
const PIECE: usize = 3;

impl Mock {
    pub(super) fn take(control: &mut Control) -> Result<Option<Self>> {
        let tool_calls = match control.take_value("mock_tool_calls") {
            Some(Value::Array(items)) => items.into_iter().filter_map(tool_call).collect(),
            _ => Vec::new(),
        };
        let delay = control.seconds("mock_delay")?.unwrap_or_default();
        let times_out = control.switch("mock_timeout")?.unwrap_or(false);
        let text = match control.take_value("mock_response") {
            None if tool_calls.is_empty() && !times_out => return Ok(None),
            None => String::new(),
            Some(Value::String(text)) => text,
            Some(Value::Bool(_)) => "This is a mock request".to_owned(),
            Some(other) => {
                return Err(Error::bad_request(format!(
                    "Invalid 'mock_response': expected a text or an exception, got {}.",
                    kind_of(&other)
                ))
                .with_param("mock_response"));
            }
        };
        Ok(Some(Self { text, tool_calls, delay, times_out }))
    }

    /// The names of errors stand for these errors.
    fn error(&self) -> Option<Error> {
        let name = self.text.strip_prefix("litellm.").or_else(|| self.text.strip_prefix("ferrolite."))?;
        let (kind, what) = match name {
            "RateLimitError" => (Kind::RateLimit, "this is a mock rate limit error"),
            "ContextWindowExceededError" => {
                (Kind::ContextWindowExceeded, "this is a mock context window exceeded error")
            }
            "InternalServerError" => (Kind::InternalServer, "this is a mock internal server error"),
            _ => return None,
        };
        Some(Error::new(kind, what))
    }
}

/// The call types besides chat that may be mocked.
pub fn serves(call_type: CallType) -> bool {
    matches!(call_type, CallType::Embedding | CallType::ImageGeneration)
}

/// A vector, or what an image call answers with.
pub fn call(mocked: &Value, target: &Target) -> Result<CallAnswer> {
    if let Value::String(text) = mocked {
        let mock =
            Mock { text: text.clone(), tool_calls: Vec::new(), delay: Duration::ZERO, times_out: false };
        if let Some(error) = mock.error() {
            return Err(error.at(&target.provider, &target.model));
        }
    }
    let answer = match target.call_type {
        CallType::Embedding => json!({
            "object": "list",
            "model": target.model,
            "data": [{ "object": "embedding", "index": 0, "embedding": mocked }],
            "usage": { "prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10 },
        }),
        _ => image(mocked),
    };
    let meta = Meta {
        provider: target.provider.clone(),
        model: target.model.clone(),
        status: 200,
        call_type: Some(target.call_type),
        ..Meta::default()
    };
    Ok(CallAnswer { call_type: target.call_type, response: CallResponse::Json(answer), meta })
}

/// The address of an image, a list of images, or the whole answer.
fn image(mocked: &Value) -> Value {
    match mocked {
        Value::Object(_) => mocked.clone(),
        Value::Array(_) => json!({ "data": mocked }),
        Value::String(address) => json!({ "data": [{ "url": address }] }),
        _ => json!({ "data": [] }),
    }
}

fn tool_call(value: Value) -> Option<ToolCall> {
    let Value::Object(map) = value else { return None };
    let function = map.get("function").and_then(Value::as_object)?;
    let arguments = match function.get("arguments") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Some(ToolCall {
        id: str_at(&map, "id").map(str::to_owned),
        function: FunctionCall {
            name: str_at(function, "name").map(str::to_owned),
            arguments,
            provider_specific_fields: None,
        },
        provider_specific_fields: None,
        cache_control: None,
        extra: Map::new(),
    })
}

async fn begin(mock: &Mock, call: &ChatCall) -> Result<()> {
    let target = call.target();
    if mock.times_out {
        tokio::time::sleep(call.envelope.limits.total).await;
        let error = Error::new(Kind::Timeout, "This is a mock timeout error");
        return Err(error.at(&target.provider, &target.model));
    }
    if !mock.delay.is_zero() {
        tokio::time::sleep(mock.delay).await;
    }
    mock.error().map_or(Ok(()), |error| Err(error.at(&target.provider, &target.model)))
}

fn count(call: &ChatCall) -> u64 {
    call.request.params.get("n").and_then(Value::as_u64).unwrap_or(1).clamp(1, 128)
}

fn meta(call: &ChatCall) -> Meta {
    let target = call.target();
    Meta {
        provider: target.provider.clone(),
        model: target.model.clone(),
        api_base: String::new(),
        status: 200,
        call_type: Some(target.call_type),
        billing: call.envelope.billing.clone(),
        ..Meta::default()
    }
}

pub async fn answer(mock: &Mock, call: &ChatCall) -> Result<Answer> {
    begin(mock, call).await?;
    let choices = (0..count(call))
        .map(|index| {
            let message = AssistantMessage {
                content: Some(mock.text.clone()),
                tool_calls: mock.tool_calls.clone(),
                ..AssistantMessage::default()
            };
            Choice { index, ..Choice::new(message, FinishReason::Stop) }
        })
        .collect();
    let mut response = ChatResponse {
        id: new_chat_id(),
        created: now(),
        model: call.target().model.clone(),
        choices,
        usage: Some(Usage::new(10, 20)),
        ..ChatResponse::default()
    };
    complete(&mut response);
    Ok(Answer { response, meta: meta(call) })
}

/// What the tokens of a streamed mock count: programs test their own counting with it.
fn counted(mock: &Mock, call: &ChatCall) -> Usage {
    let encoding = Encoding::of_model(&call.target().model);
    let messages: Vec<Value> = call
        .request
        .messages
        .iter()
        .map(|message| json!({ "role": message.role.as_str(), "content": message.text() }))
        .collect();
    let conversation = Conversation {
        messages: &messages,
        tools: call.request.params.get("tools").and_then(Value::as_array).map(Vec::as_slice),
        tool_choice: call.request.params.get("tool_choice"),
        is_answer: false,
        images: ImageCount::Alike,
        unreadable: Some(0),
    };
    let prompt = conversation.count(&mut |text| encoding.count(text)).unwrap_or_default();
    let said = if mock.text.is_empty() {
        mock.tool_calls.iter().map(|call| encoding.count(&call.function.arguments)).sum()
    } else {
        encoding.count(&mock.text)
    };
    Usage::new(prompt, said * count(call))
}

pub async fn stream(mock: &Mock, call: &ChatCall) -> Result<ChatStream> {
    begin(mock, call).await?;
    let mut deltas = Deltas::default();
    let characters: Vec<char> = mock.text.chars().collect();
    let mut batches = Vec::new();
    for piece in characters.chunks(PIECE) {
        for choice in 0..count(call) {
            deltas.text(choice, piece.iter().collect::<String>());
        }
        batches.push(std::mem::take(&mut deltas.0));
    }
    for choice in 0..count(call) {
        for (index, call) in (0u64..).zip(&mock.tool_calls) {
            deltas.push(Delta::ToolStart {
                choice,
                index,
                id: call.id.clone(),
                name: call.function.name.clone().unwrap_or_default(),
                provider_fields: None,
            });
            deltas.push(Delta::ToolArguments { choice, index, json: call.function.arguments.clone() });
        }
        deltas.push(Delta::Finish { choice, reason: FinishReason::Stop, native: None });
    }
    deltas.push(Delta::Usage(counted(mock, call)));
    batches.push(deltas.0);
    Ok(ChatStream::canned(batches, meta(call), call.include_usage))
}
