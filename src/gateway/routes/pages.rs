//! What tells a reader, or a program, what is served.

use std::fmt::Write as _;

use axum::response::Response;
use serde_json::{Value, json};

use super::Context;
use crate::gateway::dialect::Dialect;
use crate::gateway::endpoint::{Access, Endpoint, ROUTES};
use crate::hub::CallType;
use crate::json::Map;

const FORM: &str = "multipart/form-data";

/// `/openapi.json`: made of the table of paths.
pub fn open_api() -> Response {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = route.path.replace("{*", "{");
        let parameters: Vec<Value> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let error = match route.dialect {
            Dialect::OpenAi => "OpenAiError",
            Dialect::Anthropic => "AnthropicError",
            Dialect::Gemini => "GeminiError",
        };
        let failed = |what: &str| {
            json!({
                "description": what,
                "content": { "application/json": {
                    "schema": { "$ref": format!("#/components/schemas/{error}") },
                } },
            })
        };
        let mut operation = json!({
            "summary": route.summary,
            "parameters": parameters,
            "responses": {
                "200": { "description": "The answer" },
                "4XX": failed("What is wrong with the request, in the format of the path's clients"),
                "5XX": failed("What went wrong upstream"),
            },
        });
        if route.access != Access::Open {
            operation["security"] = json!([{ "key": [] }]);
        }
        if let Some((kind, schema)) = body_of(route.endpoint)
            && !route.any_method
        {
            operation["requestBody"] = json!({ "required": true, "content": { kind: { "schema": schema } } });
        }
        let entry = paths.entry(path.clone()).or_insert_with(|| json!({}));
        for method in route.methods() {
            operation["operationId"] = operation_id(method.as_str(), &path).into();
            entry[method.as_str().to_ascii_lowercase()] = operation.clone();
        }
    }
    super::json(&json!({
        "openapi": "3.1.0",
        "info": { "title": "ferrolite", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "OpenAiError": object(&["error"], json!({ "error": object(&["message", "type", "param", "code"], json!({
                    "message": { "type": "string" },
                    "type": { "type": "string" },
                    "param": { "type": ["string", "null"] },
                    "code": { "type": ["string", "null"] },
                })) })),
                "AnthropicError": object(&["type", "error"], json!({
                    "type": { "const": "error" },
                    "error": object(&["type", "message"], json!({
                        "type": { "type": "string" },
                        "message": { "type": "string" },
                    })),
                })),
                "GeminiError": object(&["error"], json!({ "error": object(&["code", "message", "status"], json!({
                    "code": { "type": "integer" },
                    "message": { "type": "string" },
                    "status": { "type": "string" },
                })) })),
            },
        },
    }))
}

/// `postChatCompletions`: what generators of clients name their functions by.
fn operation_id(method: &str, path: &str) -> String {
    let mut id = method.to_ascii_lowercase();
    for word in path.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    id
}

fn object(required: &[&str], properties: Value) -> Value {
    let mut made = json!({ "type": "object", "required": required });
    made["properties"] = properties;
    made
}

/// What a path takes: the type of its body, and what must be in it and what often is. Whatever else the makers' own
/// documents name is taken, too.
fn body_of(endpoint: Endpoint) -> Option<(&'static str, Value)> {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": ["string", "array"] });
    let list = || json!({ "type": "array", "items": { "type": "object" } });
    let number = || json!({ "type": "number" });
    let count = || json!({ "type": "integer", "minimum": 1 });
    let switch = || json!({ "type": "boolean" });
    let file = || json!({ "type": "string", "format": "binary" });
    let schema = match endpoint {
        Endpoint::Call(CallType::Chat) => object(
            &["model", "messages"],
            json!({
                "model": text(), "messages": list(), "stream": switch(), "max_tokens": count(), "temperature": number(),
                "tools": list(), "tool_choice": { "type": ["string", "object"] }, "response_format": { "type": "object" },
            }),
        ),
        Endpoint::Call(CallType::TextCompletion) => object(
            &["model", "prompt"],
            json!({
                "model": text(), "prompt": texts(), "stream": switch(), "max_tokens": count(), "temperature": number(),
            }),
        ),
        Endpoint::Call(CallType::Embedding) => object(
            &["model", "input"],
            json!({
                "model": text(), "input": texts(), "dimensions": count(), "encoding_format": { "enum": ["float", "base64"] },
            }),
        ),
        Endpoint::Call(CallType::Responses) => object(
            &["model", "input"],
            json!({
                "model": text(), "input": texts(), "stream": switch(), "instructions": text(), "tools": list(),
                "max_output_tokens": count(), "previous_response_id": text(),
            }),
        ),
        Endpoint::Call(CallType::Messages) => object(
            &["model", "messages", "max_tokens"],
            json!({
                "model": text(), "messages": list(), "max_tokens": count(), "system": texts(), "stream": switch(),
                "temperature": number(), "tools": list(), "tool_choice": { "type": "object" },
            }),
        ),
        Endpoint::CountTokens => object(
            &["model", "messages"],
            json!({
                "model": text(), "messages": list(), "system": texts(), "tools": list(),
            }),
        ),
        Endpoint::Gemini => object(
            &[],
            json!({
                "contents": list(), "systemInstruction": { "type": "object" }, "generationConfig": { "type": "object" },
                "tools": list(), "content": { "type": "object" }, "requests": list(),
            }),
        ),
        Endpoint::Call(CallType::ImageGeneration) => object(
            &["model", "prompt"],
            json!({
                "model": text(), "prompt": text(), "n": count(), "size": text(),
            }),
        ),
        Endpoint::Call(CallType::Speech) => object(
            &["model", "input"],
            json!({
                "model": text(), "input": text(), "voice": { "type": ["string", "object"] }, "response_format": text(),
            }),
        ),
        Endpoint::Call(CallType::Moderation) => {
            object(&["input"], json!({ "model": text(), "input": texts() }))
        }
        Endpoint::Call(CallType::Rerank) => object(
            &["model", "query", "documents"],
            json!({
                "model": text(), "query": text(), "documents": { "type": "array" }, "top_n": count(),
            }),
        ),
        Endpoint::Call(CallType::CreateBatch) => object(
            &["input_file_id", "endpoint", "completion_window"],
            json!({
                "input_file_id": text(), "endpoint": text(), "completion_window": text(),
            }),
        ),
        Endpoint::Call(CallType::CreateFineTuningJob) => object(
            &["model", "training_file"],
            json!({
                "model": text(), "training_file": text(),
            }),
        ),
        Endpoint::NewModel => object(
            &["model_name", "litellm_params"],
            json!({
                "model_name": text(), "litellm_params": object(&["model"], json!({ "model": text() })),
            }),
        ),
        Endpoint::DeleteModel => object(&["id"], json!({ "id": text() })),
        Endpoint::TokenCounter => object(
            &["model"],
            json!({
                "model": text(), "prompt": text(), "messages": list(), "contents": list(),
            }),
        ),
        Endpoint::Deployment | Endpoint::Call(_) => object(&[], json!({})),
        Endpoint::Form(CallType::Transcription) => {
            return Some((FORM, object(&["model", "file"], json!({ "model": text(), "file": file() }))));
        }
        Endpoint::Form(CallType::CreateFile) => {
            return Some((FORM, object(&["purpose", "file"], json!({ "purpose": text(), "file": file() }))));
        }
        Endpoint::Form(_) => {
            let fields = json!({ "model": text(), "image": file(), "prompt": text() });
            return Some((FORM, object(&["model", "image"], fields)));
        }
        _ => return None,
    };
    Some(("application/json", schema))
}

/// `/`: what is served, for a browser. No names of models: it needs no key.
pub fn docs(_context: Context<'_>) -> Response {
    let mut rows = String::new();
    for route in ROUTES {
        let key = if route.access == Access::Open { "" } else { "key" };
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{key}</td></tr>",
            if route.any_method { "any" } else { route.method.as_str() },
            route.path,
            route.summary
        );
    }
    let page = include_str!("docs.html")
        .replace("{{rows}}", &rows)
        .replace("{{version}}", env!("CARGO_PKG_VERSION"));
    super::text("text/html; charset=utf-8", page)
}
