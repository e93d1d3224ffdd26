//! Tokens of a prompt, counted here: nothing is sent upstream.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use super::Context;
use crate::error::{Error, Result};
use crate::gateway::body;
use crate::gateway::calls::unknown_model;
use crate::hub::{CallType, ThinkingBudgets};
use crate::json::{Map, str_at};
use crate::tokens::{Conversation, Encoding, ImageCount};
use crate::wires::{self, Destination};

/// Anthropic's `count_tokens`.
pub async fn of_message(context: Context<'_>, body: Body) -> Result<Response> {
    let bytes = body::read(body, context.limit()).await?;
    let request = body::object(&bytes)?;
    let counted = of_dialect(context, CallType::Messages, &request)?;
    Ok(super::json(&json!({ "input_tokens": counted })))
}

/// Gemini's `countTokens`; what is counted may be in a request of its own.
pub fn of_contents(context: Context<'_>, request: &Map) -> Result<Response> {
    let mut request = request.clone();
    if let Some(Value::Object(inner)) = request.shift_remove("generateContentRequest") {
        request.extend(inner.into_iter().filter(|(name, _)| name != "model"));
    }
    let counted = of_dialect(context, CallType::GenerateContent, &request)?;
    Ok(super::json(&json!({ "totalTokens": counted })))
}

/// The reference's `/utils/token_counter`.
pub async fn of_prompt(context: Context<'_>, body: Body) -> Result<Response> {
    let bytes = body::read(body, context.limit()).await?;
    let request = body::object(&bytes)?;
    let (asked, model) = model_of(context, &request)?;
    let counted = match (request.get("prompt"), request.get("messages"), request.get("contents")) {
        (Some(Value::String(prompt)), ..) => Encoding::of_model(&model).count(prompt),
        (_, Some(Value::Array(_)), _) => of_chat(&model, &request)?,
        (.., Some(Value::Array(_))) => of_dialect(context, CallType::GenerateContent, &request)?,
        _ => {
            return Err(Error::bad_request("One of 'prompt', 'messages' and 'contents' is needed.")
                .with_param("messages"));
        }
    };
    Ok(super::json(&json!({
        "total_tokens": counted,
        "request_model": asked,
        "model_used": model,
        "tokenizer_type": "openai_tokenizer",
    })))
}

/// The name that was asked for, and the upstream model that it leads to.
fn model_of(context: Context<'_>, request: &Map) -> Result<(String, String)> {
    let asked = str_at(request, "model")
        .ok_or_else(|| Error::bad_request("'model' is missing.").with_param("model"))?;
    let view = context.running.router.view();
    let found = view.table.find(asked).ok_or_else(|| unknown_model(context.running, asked))?;
    let deployment = found.group.members().next();
    let model = deployment.map(|one| found.model_of(one).unwrap_or_else(|| one.model.clone()));
    Ok((asked.to_owned(), model.unwrap_or_else(|| asked.to_owned())))
}

fn of_dialect(context: Context<'_>, call_type: CallType, request: &Map) -> Result<u64> {
    let (_, model) = model_of(context, request)?;
    let Some(dialect) = wires::dialect(call_type) else {
        return Err(Error::unreadable("there is no such dialect"));
    };
    let destination = Destination { model: &model, drop_params: true, budgets: ThinkingBudgets::default() };
    let mut request = request.clone();
    request.shift_remove("model");
    // What limits the answer is needed for a call, not for its prompt.
    request.entry("max_tokens").or_insert_with(|| 1.into());
    let inbound = dialect.decode_request(request, &destination)?;
    of_chat(&model, &inbound.chat)
}

fn of_chat(model: &str, request: &Map) -> Result<u64> {
    let list = |name: &str| request.get(name).and_then(Value::as_array).map(Vec::as_slice);
    let conversation = Conversation {
        messages: list("messages").unwrap_or_default(),
        tools: list("tools"),
        tool_choice: request.get("tool_choice"),
        is_answer: false,
        images: ImageCount::BySize,
        unreadable: Some(0),
    };
    let encoding = Encoding::of_model(model);
    conversation.count(&mut |text| encoding.count(text)).map_err(Error::bad_request)
}
