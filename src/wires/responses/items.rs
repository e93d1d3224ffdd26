//! A chat completion's answer as a response object and its items.

use serde_json::{Value, json};

use super::{ids, tools};
use crate::hub::{AssistantMessage, ChatResponse, FinishReason, Target, ToolCall, Usage};
use crate::json::{Map, object};

/// What is the same in every event of a response.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The caller's id.
    pub id: String,
    pub created: u64,
    pub model: String,
}

/// How a response stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    InProgress,
    Completed,
    /// Cut at the limit of tokens, or by a filter.
    Incomplete(&'static str),
    Failed,
}

impl Status {
    pub fn of(finish: FinishReason) -> Self {
        match finish {
            FinishReason::Stop | FinishReason::ToolCalls | FinishReason::FunctionCall => Self::Completed,
            FinishReason::Length => Self::Incomplete("max_output_tokens"),
            FinishReason::ContentFilter => Self::Incomplete("content_filter"),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed => "failed",
        }
    }
}

/// The response object around its output.
pub fn shell(shell: &Shell, asked: &Map, status: Status, output: Vec<Value>, usage: Option<&Usage>) -> Map {
    let repeated = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let or = |name: &str, default: Value| asked.get(name).cloned().unwrap_or(default);
    let begun = status == Status::InProgress;
    let incomplete = match status {
        Status::Incomplete(reason) => json!({ "reason": reason }),
        Status::InProgress | Status::Completed | Status::Failed => Value::Null,
    };
    let response = object([
        ("id", shell.id.as_str().into()),
        ("object", "response".into()),
        ("created_at", shell.created.into()),
        ("status", status.name().into()),
        ("error", Value::Null),
        ("incomplete_details", incomplete),
        ("instructions", repeated("instructions")),
        ("max_output_tokens", if begun { Value::Null } else { repeated("max_output_tokens") }),
        ("metadata", if begun { repeated("metadata") } else { or("metadata", json!({})) }),
        ("model", shell.model.as_str().into()),
        ("output", output.into()),
        ("parallel_tool_calls", or("parallel_tool_calls", begun.into())),
        ("previous_response_id", Value::Null),
        ("reasoning", if begun { json!({}) } else { repeated("reasoning") }),
        ("store", if begun { or("store", true.into()) } else { repeated("store") }),
        ("temperature", repeated("temperature")),
        ("text", if begun { repeated("text") } else { or("text", json!({})) }),
        ("tool_choice", or("tool_choice", "auto".into())),
        ("tools", or("tools", json!([]))),
        ("top_p", if begun { or("top_p", json!(1.0)) } else { repeated("top_p") }),
        ("truncation", repeated("truncation")),
        ("usage", usage.map_or(Value::Null, counts)),
        ("user", repeated("user")),
    ]);
    match response {
        Value::Object(response) => response,
        _ => Map::new(),
    }
}

/// Counts under Responses' names (OAR-13).
fn counts(usage: &Usage) -> Value {
    let details = |map: Option<&Map>, names: &[&str], always: &str| match map {
        None => Value::Null,
        Some(map) => {
            let known = names.iter().filter_map(|name| Some(((*name).to_owned(), map.get(*name)?.clone())));
            let mut known: Map = known.filter(|(_, count)| !count.is_null()).collect();
            known.entry(always).or_insert_with(|| 0.into());
            known.into()
        }
    };
    let told = usage.completion_tokens_details.as_ref().filter(|map| !map.is_empty());
    let input = details(
        usage.prompt_tokens_details.as_ref(),
        &["audio_tokens", "cached_tokens", "cache_write_tokens", "image_tokens", "text_tokens"],
        "cached_tokens",
    );
    let output = details(
        told,
        &["audio_tokens", "image_tokens", "reasoning_tokens", "text_tokens"],
        "reasoning_tokens",
    );
    object([
        ("input_tokens", usage.prompt_tokens.into()),
        ("input_tokens_details", input),
        ("output_tokens", usage.completion_tokens.into()),
        ("output_tokens_details", output),
        ("total_tokens", usage.total_tokens.into()),
    ])
}

pub fn message(id: &str, status: Status, content: Vec<Value>) -> Value {
    object([
        ("type", "message".into()),
        ("id", id.into()),
        ("status", status.name().into()),
        ("role", "assistant".into()),
        ("content", content.into()),
    ])
}

pub fn text_part(text: &str, annotations: &[Value]) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": annotations })
}

pub fn refusal_part(refusal: &str) -> Value {
    json!({ "type": "refusal", "refusal": refusal })
}

/// Thinking. What a provider signed goes into `encrypted_content`, to be sent back with the next request (OAR-11).
pub fn reasoning(id: &str, text: &str, thinking_blocks: &[Value]) -> Value {
    let mut item = Map::new();
    item.insert("type".into(), "reasoning".into());
    item.insert("id".into(), id.into());
    item.insert("status".into(), "completed".into());
    item.insert("role".into(), "assistant".into());
    item.insert("content".into(), json!([text_part(text, &[])]));
    let is_sealed = |block: &Value| block.get("signature").is_some() || block["type"] == "redacted_thinking";
    if thinking_blocks.iter().any(is_sealed) {
        let blocks = serde_json::to_string(thinking_blocks).unwrap_or_default();
        item.insert("encrypted_content".into(), blocks.into());
    }
    item.into()
}

/// A call of a function, or of a tool that takes free text.
#[derive(Debug, Clone, Default)]
pub struct CalledTool {
    pub call_id: String,
    pub name: String,
    pub arguments: String,
    pub is_custom: bool,
    /// What the provider wants back with the call, such as a signature.
    pub provider_fields: Option<Map>,
}

impl CalledTool {
    pub fn id(&self) -> String {
        format!("{}_{}", if self.is_custom { "ctc" } else { "fc" }, self.call_id)
    }

    /// The free text among the arguments.
    pub fn input(&self) -> String {
        let arguments: Option<Map> = serde_json::from_str(&self.arguments).ok();
        match arguments.as_ref().and_then(|arguments| arguments.get(tools::FREE_TEXT)) {
            Some(Value::String(text)) => text.clone(),
            _ => self.arguments.clone(),
        }
    }

    /// The item as the response has it in the end.
    pub fn whole_item(self) -> Value {
        let mut item = self.item(Status::Completed);
        if let (Some(fields), Value::Object(item)) = (self.provider_fields, &mut item) {
            item.insert("provider_specific_fields".into(), fields.into());
        }
        item
    }

    pub fn item(&self, status: Status) -> Value {
        let (kind, field, text) = if self.is_custom {
            ("custom_tool_call", "input", self.input())
        } else {
            ("function_call", "arguments", self.arguments.clone())
        };
        object([
            ("type", kind.into()),
            ("id", self.id().into()),
            ("call_id", self.call_id.as_str().into()),
            ("name", self.name.as_str().into()),
            (field, text.into()),
            ("status", status.name().into()),
        ])
    }
}

/// Citations in Responses' shape: flat (OAR-14).
pub fn annotation(annotation: Value) -> Value {
    let Value::Object(mut map) = annotation else { return annotation };
    match map.shift_remove("url_citation") {
        Some(Value::Object(citation)) => {
            map.extend(citation);
            map.into()
        }
        Some(other) => {
            map.insert("url_citation".into(), other);
            map.into()
        }
        None => map.into(),
    }
}

/// A picture that the model made, given as a data address.
pub fn image(id: &str, image: &Value) -> Option<Value> {
    let url = image["image_url"]["url"].as_str().or_else(|| image["image_url"].as_str())?;
    let data = url.split_once("base64,").map_or(url, |(_, data)| data);
    Some(json!({ "type": "image_generation_call", "id": id, "status": "completed", "result": data }))
}

/// Ids of items: the provider has none.
pub fn item_id(kind: &str, of: &str, index: usize) -> String {
    let of = of.strip_prefix("chatcmpl-").unwrap_or(of);
    if index == 0 { format!("{kind}_{of}") } else { format!("{kind}_{of}_{index}") }
}

/// A whole answer.
pub fn response(answer: ChatResponse, asked: &Map, target: &Target) -> Value {
    let custom = tools::custom_names(asked);
    let status = answer.choices.first().map_or(Status::Completed, |choice| Status::of(choice.finish_reason));
    let mut output = Vec::new();
    let mut provider_fields = Map::new();
    for (index, choice) in answer.choices.into_iter().enumerate() {
        let mut message = choice.message;
        if index == 0 {
            provider_fields = std::mem::take(&mut message.provider_fields);
        }
        add_items(message, &answer.id, Status::of(choice.finish_reason), &custom, &mut output);
    }
    let shell_of = Shell {
        id: ids::of_provider(&target.provider, &answer.id),
        created: answer.created,
        model: answer.model,
    };
    let usage = answer.usage.unwrap_or_default();
    let mut response = shell(&shell_of, asked, status, output, Some(&usage));
    if !provider_fields.is_empty() {
        response.insert("provider_specific_fields".into(), provider_fields.into());
    }
    response.into()
}

fn add_items(said: AssistantMessage, of: &str, status: Status, custom: &[String], out: &mut Vec<Value>) {
    let thinking = said.reasoning_content.unwrap_or_default();
    if !thinking.is_empty() || !said.thinking_blocks.is_empty() {
        out.push(reasoning(&item_id("rs", of, out.len()), &thinking, &said.thinking_blocks));
    }
    let mut content = Vec::new();
    // An empty text is one, too, from those who say it beside calls.
    if let Some(text) = said.content {
        let annotations = match said.annotations {
            Some(Value::Array(items)) => items.into_iter().map(annotation).collect(),
            _ => Vec::new(),
        };
        content.push(text_part(&text, &annotations));
    }
    if let Some(Value::String(refusal)) = &said.refusal {
        content.push(refusal_part(refusal));
    }
    if !content.is_empty() {
        out.push(message(&item_id("msg", of, out.len()), status, content));
    }
    if let Some(Value::Array(images)) = &said.images {
        for one in images {
            out.extend(image(&item_id("ig", of, out.len()), one));
        }
    }
    for call in said.tool_calls {
        out.push(called(call, custom).whole_item());
    }
}

fn called(call: ToolCall, custom: &[String]) -> CalledTool {
    let name = call.function.name.unwrap_or_default();
    CalledTool {
        is_custom: custom.contains(&name),
        call_id: call.id.unwrap_or_default(),
        arguments: call.function.arguments,
        provider_fields: call.provider_specific_fields,
        name,
    }
}
