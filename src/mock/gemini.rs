//! Gemini's generateContent and what belongs to it. Fields are read in both spellings the API takes, `camelCase` and
//! `snake_case`.

use serde_json::{Value, json};

use super::answer::{Answer, Call, Choice, Finish};
use super::embedding;
use super::prompt::{Format, Prompt, ToolChoice, count, list, required_list};
use super::stream::{Block, Renderer, Step};
use super::text::{HOLE, Stencil, write_json};

const SIGNATURE: &str = "bW9jay1zaWduYXR1cmU=";

/// The field under its usual name, or under its other spelling.
fn field<'a>(value: &'a Value, camel: &str, snake: &str) -> &'a Value {
    match &value[camel] {
        Value::Null => &value[snake],
        found => found,
    }
}

pub(super) fn read(model: &str, body: &Value) -> Result<Prompt, String> {
    let mut prompt = Prompt::new(model);
    prompt.hear(false, &text_of(field(body, "systemInstruction", "system_instruction")));
    for content in required_list(body, "contents")? {
        prompt.tool_result = None;
        prompt.hear(content["role"] != "model", &text_of(content));
        for part in list(&content["parts"]) {
            let response = &field(part, "functionResponse", "function_response")["response"];
            if !response.is_null() {
                prompt.hear_result(&response.to_string());
            }
        }
    }
    for tool in list(&body["tools"]) {
        for function in list(field(tool, "functionDeclarations", "function_declarations")) {
            let schema = match field(function, "parametersJsonSchema", "parameters_json_schema") {
                Value::Null => &function["parameters"],
                schema => schema,
            };
            prompt.offer(&function["name"], Some(schema));
        }
    }
    let calling = field(body, "toolConfig", "tool_config");
    let calling = field(calling, "functionCallingConfig", "function_calling_config");
    let allowed = list(field(calling, "allowedFunctionNames", "allowed_function_names"));
    prompt.tool_choice = match (calling["mode"].as_str(), allowed.first().and_then(Value::as_str)) {
        (Some("NONE"), _) => ToolChoice::Never,
        (Some("ANY"), Some(name)) => ToolChoice::Named(name.to_owned()),
        (Some("ANY"), None) => ToolChoice::Required,
        _ => ToolChoice::Auto,
    };
    let config = field(body, "generationConfig", "generation_config");
    prompt.format = format(config);
    let thinking = field(config, "thinkingConfig", "thinking_config");
    prompt.thinking = *field(thinking, "includeThoughts", "include_thoughts") == true;
    prompt.max_tokens = count(field(config, "maxOutputTokens", "max_output_tokens"));
    prompt.set_stop(field(config, "stopSequences", "stop_sequences"));
    prompt.set_choices("candidateCount", field(config, "candidateCount", "candidate_count"))?;
    Ok(prompt)
}

fn format(config: &Value) -> Format {
    let schema = match field(config, "responseJsonSchema", "response_json_schema") {
        Value::Null => field(config, "responseSchema", "response_schema"),
        schema => schema,
    };
    match schema {
        Value::Null if *field(config, "responseMimeType", "response_mime_type") == "application/json" => {
            Format::Object
        }
        Value::Null => Format::Text,
        schema => Format::Schema(schema.clone()),
    }
}

/// The text of a content object's parts, without thoughts sent back.
fn text_of(content: &Value) -> String {
    let parts = list(&content["parts"]).iter().filter(|part| part["thought"] != true);
    parts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
}

pub(super) fn response(answer: &Answer) -> Value {
    let candidates: Vec<Value> = answer
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            let mut parts = Vec::new();
            if let Some(thinking) = &choice.thinking {
                parts.push(json!({"text": thinking, "thought": true}));
            }
            if choice.calls.is_empty() {
                parts.push(text_part(choice));
            }
            parts.extend(choice.calls.iter().map(|call| call_part(choice, call)));
            candidate(index, &json!(parts), Some(finish_reason(choice)))
        })
        .collect();
    envelope(answer, &json!(candidates), true)
}

/// With thoughts, what follows them carries a signature to be sent back.
fn text_part(choice: &Choice) -> Value {
    let mut part = json!({"text": choice.text});
    if choice.thinking.is_some() {
        part["thoughtSignature"] = json!(SIGNATURE);
    }
    part
}

fn call_part(choice: &Choice, call: &Call) -> Value {
    let mut part = json!({"functionCall": {"name": call.name, "args": call.arguments}});
    if choice.thinking.is_some() {
        part["thoughtSignature"] = json!(SIGNATURE);
    }
    part
}

fn candidate(index: usize, parts: &Value, finish_reason: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}});
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = json!(reason);
    }
    candidate["index"] = json!(index);
    candidate
}

/// Unfinished chunks of a stream count the prompt only.
fn envelope(answer: &Answer, candidates: &Value, finished: bool) -> Value {
    let usage = answer.usage;
    let mut counts = json!({"promptTokenCount": usage.prompt});
    if finished {
        counts["candidatesTokenCount"] = json!(usage.completion - usage.reasoning);
        if usage.reasoning > 0 {
            counts["thoughtsTokenCount"] = json!(usage.reasoning);
        }
    }
    counts["totalTokenCount"] = json!(usage.prompt + if finished { usage.completion } else { 0 });
    counts["promptTokensDetails"] = json!([{"modality": "TEXT", "tokenCount": usage.prompt}]);
    json!({
        "candidates": candidates,
        "usageMetadata": counts,
        "modelVersion": answer.model,
        "responseId": answer.id,
    })
}

fn finish_reason(choice: &Choice) -> &'static str {
    match choice.finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::ToolCalls => "STOP",
        Finish::Length => "MAX_TOKENS",
    }
}

/// The stream of chunks, as server-sent events or as one JSON array.
pub(super) struct Chunks {
    array: bool,
    started: bool,
    piece: Stencil,
}

impl Chunks {
    pub(super) fn new(array: bool) -> Self {
        Self { array, started: false, piece: Stencil::default() }
    }

    fn before(&self) -> &'static str {
        match (self.array, self.started) {
            (false, _) => "data: ",
            (true, false) => "[",
            (true, true) => ",\r\n",
        }
    }

    fn after(&self) -> &'static str {
        if self.array { "" } else { "\r\n\r\n" }
    }

    fn write(&mut self, value: &Value, out: &mut Vec<u8>) {
        out.extend_from_slice(self.before().as_bytes());
        write_json(value, out);
        out.extend_from_slice(self.after().as_bytes());
        self.started = true;
    }

    fn write_part(&mut self, answer: &Answer, index: usize, part: &Value, out: &mut Vec<u8>) {
        let chunk = envelope(answer, &json!([candidate(index, &json!([part]), None)]), false);
        self.write(&chunk, out);
    }
}

impl Renderer for Chunks {
    fn step(&mut self, answer: &Answer, index: usize, step: &Step, out: &mut Vec<u8>) {
        let Some(choice) = answer.choices.get(index) else { return };
        match step {
            Step::Piece(Block::Call(_), _) | Step::Open | Step::BlockOpen(_) => {}
            Step::Piece(block, range) => {
                let text = choice.block(*block).get(range.clone()).unwrap_or_default();
                let thought = *block == Block::Thinking;
                let part = |text: &str| {
                    if thought { json!({"text": text, "thought": true}) } else { json!({"text": text}) }
                };
                if range.start == 0 {
                    self.write_part(answer, index, &part(text), out);
                    let chunk =
                        envelope(answer, &json!([candidate(index, &json!([part(HOLE)]), None)]), false);
                    self.piece = Stencil::new(self.before(), &chunk, self.after());
                } else {
                    self.piece.write(text, out);
                }
            }
            Step::BlockClose(Block::Call(position)) => {
                if let Some(call) = choice.calls.get(*position) {
                    self.write_part(answer, index, &call_part(choice, call), out);
                }
            }
            Step::BlockClose(Block::Text) if choice.thinking.is_some() => {
                self.write_part(answer, index, &json!({"text": "", "thoughtSignature": SIGNATURE}), out);
            }
            Step::BlockClose(_) => {}
            Step::Finish => {
                let end = candidate(index, &json!([{"text": ""}]), Some(finish_reason(choice)));
                self.write(&envelope(answer, &json!([end]), true), out);
            }
            Step::Close => {
                if self.array {
                    out.push(b']');
                }
            }
        }
    }

    fn error(&mut self, out: &mut Vec<u8>) {
        let error = json!({"code": 503, "message": "Overloaded while streaming", "status": "UNAVAILABLE"});
        self.write(&json!({"error": error}), out);
        if self.array {
            out.push(b']');
        }
    }
}

pub(super) fn embed(body: &Value) -> Result<Value, String> {
    Ok(json!({"embedding": values(body)?}))
}

pub(super) fn batch_embed(body: &Value) -> Result<Value, String> {
    let embeddings = required_list(body, "requests")?.iter().map(values).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({"embeddings": embeddings}))
}

fn values(request: &Value) -> Result<Value, String> {
    if !request["content"]["parts"].is_array() {
        return Err("content.parts is required".to_owned());
    }
    let config = field(request, "embedContentConfig", "embed_content_config");
    let asked = match field(request, "outputDimensionality", "output_dimensionality") {
        Value::Null => field(config, "outputDimensionality", "output_dimensionality"),
        asked => asked,
    };
    let vector = embedding::vector(&text_of(&request["content"]), embedding::dimensions(asked)?);
    Ok(json!({"values": vector}))
}

pub(super) fn count_tokens(body: &Value) -> Result<Value, String> {
    let request = field(body, "generateContentRequest", "generate_content_request");
    let request = if request.is_null() { body } else { request };
    let total = read("", request)?.counted();
    Ok(json!({
        "totalTokens": total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}],
    }))
}

pub(super) fn model(name: &str) -> Value {
    json!({
        "name": format!("models/{name}"),
        "version": "001",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent"],
    })
}

pub(super) fn models() -> Value {
    let names = ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-embedding-001"];
    json!({"models": names.map(model)})
}
