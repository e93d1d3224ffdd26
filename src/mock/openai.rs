//! OpenAI's chat and text completions, embeddings and model list. The Responses API is in [`super::responses`].

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{Answer, Call, Choice, Finish, Usage};
use super::embedding;
use super::prompt::{Format, Prompt, ToolChoice, count, list, required_list, required_text, text_of};
use super::stream::{Block, Renderer, Step, write_event};
use super::text::{HOLE, Stencil, tokens};

const FINGERPRINT: &str = "fp_ferrolite_mock";

pub(super) fn read_chat(body: &Value) -> Result<Prompt, String> {
    let mut prompt = Prompt::new(required_text(body, "model")?);
    for message in required_list(body, "messages")? {
        let role = message["role"].as_str().ok_or("Missing required parameter: 'messages[].role'.")?;
        let text = text_of(&message["content"]);
        if matches!(role, "tool" | "function") {
            prompt.hear_result(&text);
        } else {
            prompt.tool_result = None;
            prompt.hear(role == "user", &text);
        }
    }
    for tool in list(&body["tools"]) {
        prompt.offer(&tool["function"]["name"], tool["function"].get("parameters"));
    }
    prompt.tool_choice = tool_choice(&body["tool_choice"], |choice| &choice["function"]["name"]);
    prompt.parallel = body["parallel_tool_calls"] != false;
    prompt.format = format(&body["response_format"], |format| &format["json_schema"]["schema"]);
    prompt.thinking = wants_thinking(body);
    prompt.max_tokens = count(&body["max_completion_tokens"]).or(count(&body["max_tokens"]));
    prompt.set_stop(&body["stop"]);
    prompt.set_choices("n", &body["n"])?;
    Ok(prompt)
}

pub(super) fn read_completion(body: &Value) -> Result<Prompt, String> {
    let mut prompt = Prompt::new(required_text(body, "model")?);
    let mut prompts = 1;
    match &body["prompt"] {
        Value::String(text) => prompt.hear(true, text),
        Value::Array(texts) if texts.first().is_some_and(Value::is_string) => {
            prompts = texts.len();
            texts.iter().filter_map(Value::as_str).for_each(|text| prompt.hear(true, text));
        }
        // Token ids.
        Value::Array(ids) => prompt.tokens = ids.len(),
        Value::Null => return Err("Missing required parameter: 'prompt'.".to_owned()),
        _ => return Err("Invalid type for 'prompt': expected a string or a list.".to_owned()),
    }
    prompt.max_tokens = count(&body["max_tokens"]);
    prompt.set_stop(&body["stop"]);
    prompt.set_choices("n", &body["n"])?;
    prompt.set_choices("prompt", &json!(prompts * prompt.choices))?;
    Ok(prompt)
}

/// `named` finds the name in a choice that is an object.
pub(super) fn tool_choice(choice: &Value, named: impl Fn(&Value) -> &Value) -> ToolChoice {
    match choice {
        Value::String(word) if word == "none" => ToolChoice::Never,
        Value::String(word) if word == "required" || word == "any" => ToolChoice::Required,
        Value::Object(_) => match named(choice).as_str() {
            Some(name) => ToolChoice::Named(name.to_owned()),
            None => ToolChoice::Required,
        },
        _ => ToolChoice::Auto,
    }
}

/// `schema` finds the schema in a format of the type `json_schema`.
pub(super) fn format(format: &Value, schema: impl Fn(&Value) -> &Value) -> Format {
    match format["type"].as_str() {
        Some("json_object") => Format::Object,
        Some("json_schema") => Format::Schema(schema(format).clone()),
        _ => Format::Text,
    }
}

/// The ways in which OpenAI and those compatible with it are asked to think aloud.
pub(super) fn wants_thinking(body: &Value) -> bool {
    let effort = |value: &Value| value.as_str().is_some_and(|effort| !matches!(effort, "none" | "disable"));
    effort(&body["reasoning_effort"])
        || effort(&body["reasoning"]["effort"])
        || !body["reasoning"]["summary"].is_null()
        || body["reasoning"]["enabled"] == true
        || matches!(body["thinking"]["type"].as_str(), Some("enabled" | "adaptive"))
        || body["enable_thinking"] == true
}

/// A chat completion. Typed, unlike the other replies, because benchmarks live on it: a request then takes 11 µs of the
/// server's time, with `json!` it was 18 µs.
#[derive(Serialize)]
pub(super) struct Chat<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChatChoice<'a>>,
    usage: UsageReport,
    service_tier: &'static str,
    system_fingerprint: &'static str,
}

#[derive(Serialize)]
struct ChatChoice<'a> {
    index: usize,
    message: Message<'a>,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: (),
    annotations: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
}

#[derive(Serialize)]
struct UsageReport {
    prompt_tokens: usize,
    completion_tokens: usize,
    total_tokens: usize,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Default, Serialize)]
struct PromptDetails {
    cached_tokens: usize,
    audio_tokens: usize,
}

#[derive(Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
struct CompletionDetails {
    reasoning_tokens: usize,
    audio_tokens: usize,
    accepted_prediction_tokens: usize,
    rejected_prediction_tokens: usize,
}

impl<'a> Chat<'a> {
    pub(super) fn new(answer: &'a Answer) -> Self {
        let choice = |(index, choice): (usize, &'a Choice)| ChatChoice {
            index,
            message: Message {
                role: "assistant",
                content: choice.calls.is_empty().then_some(&choice.text),
                refusal: (),
                annotations: [],
                reasoning_content: choice.thinking.as_deref(),
                tool_calls: choice.calls.iter().map(tool_call).collect(),
            },
            logprobs: (),
            finish_reason: finish_reason(choice),
        };
        Self {
            id: format!("chatcmpl-{}", answer.id),
            object: "chat.completion",
            created: answer.created,
            model: &answer.model,
            choices: answer.choices.iter().enumerate().map(choice).collect(),
            usage: usage(answer.usage),
            service_tier: "default",
            system_fingerprint: FINGERPRINT,
        }
    }
}

fn tool_call(call: &Call) -> Value {
    json!({
        "id": format!("call_{}", call.id),
        "type": "function",
        "function": {"name": call.name, "arguments": call.json},
    })
}

pub(super) fn completion(answer: &Answer) -> Value {
    let choices: Vec<Value> = answer.choices.iter().enumerate().map(|(index, choice)| {
        json!({"text": choice.text, "index": index, "logprobs": null, "finish_reason": finish_reason(choice)})
    }).collect();
    json!({
        "id": format!("cmpl-{}", answer.id),
        "object": "text_completion",
        "created": answer.created,
        "model": answer.model,
        "choices": choices,
        "usage": usage(answer.usage),
        "system_fingerprint": FINGERPRINT,
    })
}

fn finish_reason(choice: &Choice) -> &'static str {
    match choice.finish {
        Finish::Stop | Finish::StopSequence(_) => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

fn usage(usage: Usage) -> UsageReport {
    UsageReport {
        prompt_tokens: usage.prompt,
        completion_tokens: usage.completion,
        total_tokens: usage.prompt + usage.completion,
        prompt_tokens_details: PromptDetails::default(),
        completion_tokens_details: CompletionDetails {
            reasoning_tokens: usage.reasoning,
            ..CompletionDetails::default()
        },
    }
}

/// The streams of chat and text completions, which differ in what a chunk holds.
pub(super) struct Chunks {
    chat: bool,
    include_usage: bool,
    /// The event of a piece of the open block.
    piece: Stencil,
}

impl Chunks {
    pub(super) fn new(chat: bool, include_usage: bool) -> Self {
        Self { chat, include_usage, piece: Stencil::default() }
    }

    fn chunk(&self, answer: &Answer, choices: &[Value]) -> Value {
        let (prefix, object) =
            if self.chat { ("chatcmpl", "chat.completion.chunk") } else { ("cmpl", "text_completion") };
        let mut chunk = json!({
            "id": format!("{prefix}-{}", answer.id),
            "object": object,
            "created": answer.created,
            "model": answer.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn choice(&self, answer: &Answer, index: usize, delta: Value, finish_reason: Option<&str>) -> Value {
        let mut choice = json!({"index": index});
        choice[if self.chat { "delta" } else { "text" }] = delta;
        choice["logprobs"] = Value::Null;
        choice["finish_reason"] = json!(finish_reason);
        self.chunk(answer, &[choice])
    }
}

impl Renderer for Chunks {
    fn step(&mut self, answer: &Answer, index: usize, step: &Step, out: &mut Vec<u8>) {
        let Some(choice) = answer.choices.get(index) else { return };
        match step {
            Step::Open if self.chat => {
                let content = choice.calls.is_empty().then_some("");
                let delta = json!({"role": "assistant", "content": content, "refusal": null});
                write_event(None, &self.choice(answer, index, delta, None), out);
            }
            Step::BlockOpen(block) => {
                let delta = match block {
                    _ if !self.chat => json!(HOLE),
                    Block::Thinking => json!({"reasoning_content": HOLE}),
                    Block::Text => json!({"content": HOLE}),
                    Block::Call(position) => {
                        let call = choice.calls.get(*position);
                        let opening = json!({"tool_calls": [{
                            "index": position,
                            "id": call.map(|call| format!("call_{}", call.id)),
                            "type": "function",
                            "function": {"name": call.map(|call| &call.name), "arguments": ""},
                        }]});
                        write_event(None, &self.choice(answer, index, opening, None), out);
                        json!({"tool_calls": [{"index": position, "function": {"arguments": HOLE}}]})
                    }
                };
                self.piece = Stencil::new("data: ", &self.choice(answer, index, delta, None), "\n\n");
            }
            Step::Piece(block, range) => {
                self.piece.write(choice.block(*block).get(range.clone()).unwrap_or_default(), out);
            }
            Step::Finish => {
                let delta = if self.chat { json!({}) } else { json!("") };
                write_event(None, &self.choice(answer, index, delta, Some(finish_reason(choice))), out);
            }
            Step::Close => {
                if self.include_usage {
                    let mut chunk = self.chunk(answer, &[]);
                    chunk["usage"] = json!(usage(answer.usage));
                    write_event(None, &chunk, out);
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
            Step::Open | Step::BlockClose(_) => {}
        }
    }

    fn error(&mut self, out: &mut Vec<u8>) {
        let error = json!({"message": "Overloaded while streaming", "type": "server_error", "param": null, "code": null});
        write_event(None, &json!({"error": error}), out);
    }
}

pub(super) fn embeddings(body: &Value) -> Result<Value, String> {
    let model = required_text(body, "model")?;
    let mut used = 0;
    let mut embed = |input: &Value| {
        // Token ids embed as the text that lists them.
        let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
        used += tokens(&text);
        text
    };
    let texts: Vec<String> = match &body["input"] {
        Value::Null => return Err("Missing required parameter: 'input'.".to_owned()),
        Value::Array(list) if list.is_empty() => return Err("Invalid 'input': the list is empty.".to_owned()),
        Value::Array(list) if !list.iter().all(Value::is_number) => list.iter().map(&mut embed).collect(),
        one => vec![embed(one)],
    };
    let dimensions = embedding::dimensions(&body["dimensions"])?;
    let encoded = body["encoding_format"] == "base64";
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = embedding::vector(text, dimensions);
            let embedding = if encoded {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                json!(BASE64_STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    Ok(json!({
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }))
}

pub(super) fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "ferrolite-mock"})
}

pub(super) fn models() -> Value {
    let names = ["gpt-4o", "gpt-4o-mini", "gpt-5", "text-embedding-3-small"];
    json!({"object": "list", "data": names.map(model)})
}
