//! Gemini's paths: `models/{model}:generateContent` and its siblings.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Context, model_calls};
use crate::error::{Error, Kind, Result};
use crate::gateway::answer;
use crate::gateway::body;
use crate::gateway::calls;
use crate::hub::{CallResponse, CallType};
use crate::json::Map;
use crate::router::Outcome;

pub async fn answer(context: Context<'_>, body: Body) -> Result<Response> {
    let path = context.found.param("name").unwrap_or_default();
    let (model, verb) = path.rsplit_once(':').ok_or_else(|| not_there(path))?;
    let bytes = body::read(body, context.limit()).await?;
    let mut keywords = body::object(&bytes)?;
    keywords.insert("model".to_owned(), model.into());
    match verb {
        "generateContent" => model_calls::ask(context, CallType::GenerateContent, keywords, Vec::new()).await,
        "streamGenerateContent" => {
            keywords.insert("stream".to_owned(), true.into());
            model_calls::ask(context, CallType::GenerateContent, keywords, Vec::new()).await
        }
        "countTokens" => super::tokens::of_contents(context, &keywords),
        "embedContent" => embed(context, keywords, false).await,
        "batchEmbedContents" => embed(context, keywords, true).await,
        _ => Err(not_there(path)),
    }
}

fn not_there(path: &str) -> Error {
    Error::new(
        Kind::NotFound,
        format!(
            "'{path}' is no call: expected {{model}}:generateContent, streamGenerateContent, countTokens, embedContent \
             or batchEmbedContents."
        ),
    )
}

/// The text of one request for an embedding.
fn text_of(request: &Map) -> Result<Value> {
    let parts = request.get("content").and_then(|content| content.get("parts")).and_then(Value::as_array);
    let texts: Vec<&str> =
        parts.into_iter().flatten().filter_map(|part| part.get("text")?.as_str()).collect();
    if texts.is_empty() {
        return Err(Error::invalid("content", "expected parts with text"));
    }
    Ok(texts.join("\n").into())
}

/// An embedding in Gemini's format, by whichever provider.
async fn embed(context: Context<'_>, mut request: Map, many: bool) -> Result<Response> {
    let mut keywords = Map::new();
    keywords.extend(request.shift_remove("model").map(|model| ("model".to_owned(), model)));
    let requests = match request.shift_remove("requests") {
        Some(Value::Array(requests)) if many => requests,
        _ => vec![Value::Object(request)],
    };
    let requests: Vec<&Map> = requests.iter().filter_map(Value::as_object).collect();
    let inputs = requests.iter().map(|request| text_of(request)).collect::<Result<Vec<_>>>()?;
    keywords.insert("input".to_owned(), inputs.into());
    let size = requests.first().and_then(|request| request.get("outputDimensionality"));
    keywords.extend(size.map(|size| ("dimensions".to_owned(), size.clone())));
    if let Some(Value::String(model)) = keywords.get("model") {
        context.call.asks(CallType::Embedding, model);
    }
    if let Some(hooked) = &context.call.hooked {
        keywords = hooked.pre_call(CallType::Embedding, keywords).await?;
        hooked.moderate().await?;
    }
    let outcome =
        calls::run(context.gateway, context.running, CallType::Embedding, keywords, Vec::new()).await?;
    let Outcome::Call(answer) = outcome else { return Err(Error::unreadable("an embedding is no stream")) };
    answer::account(context.call, &answer);
    let CallResponse::Json(mut value) = answer.response else {
        return Err(Error::unreadable("an embedding is no file"));
    };
    let data = value.get_mut("data").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let mut made = data.into_iter().map(|mut item| {
        let values = item.get_mut("embedding").map(Value::take).unwrap_or_default();
        json!({ "values": values })
    });
    let body = if many {
        json!({ "embeddings": made.collect::<Vec<_>>() })
    } else {
        json!({ "embedding": made.next() })
    };
    Ok(super::json(&body))
}
