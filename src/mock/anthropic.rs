//! Anthropic's Messages.

use serde_json::{Value, json};

use super::answer::{Answer, Choice, Finish};
use super::prompt::{Format, Prompt, ToolChoice, count, list, required_list, required_text, text_of};
use super::stream::{Block, Renderer, Step, write_event};
use super::text::{HOLE, Stencil};

/// Clients send it back and must not change it, so any fixed text will do.
const SIGNATURE: &str = "bW9jay1zaWduYXR1cmU=";

pub(super) fn read(body: &Value) -> Result<Prompt, String> {
    let prompt = read_conversation(body)?;
    if prompt.max_tokens.is_none_or(|limit| limit == 0) {
        return Err("max_tokens: Field required".to_owned());
    }
    Ok(prompt)
}

/// As [`read`], without the token limit that counting does not need.
pub(super) fn read_conversation(body: &Value) -> Result<Prompt, String> {
    let mut prompt = Prompt::new(required_text(body, "model")?);
    prompt.hear(false, &text_of(&body["system"]));
    for message in required_list(body, "messages")? {
        let role = message["role"].as_str().ok_or("messages: Field required: role")?;
        prompt.tool_result = None;
        prompt.hear(role == "user", &text_of(&message["content"]));
        for block in list(&message["content"]).iter().filter(|block| block["type"] == "tool_result") {
            prompt.hear_result(&text_of(&block["content"]));
        }
    }
    for tool in list(&body["tools"]) {
        // Tools that run at the provider have no schema.
        if let Some(schema) = tool.get("input_schema") {
            prompt.offer(&tool["name"], Some(schema));
        }
    }
    let choice = &body["tool_choice"];
    prompt.tool_choice = match choice["type"].as_str() {
        Some("none") => ToolChoice::Never,
        Some("any") => ToolChoice::Required,
        Some("tool") => ToolChoice::Named(choice["name"].as_str().unwrap_or_default().to_owned()),
        _ => ToolChoice::Auto,
    };
    prompt.parallel = choice["disable_parallel_tool_use"] != true;
    prompt.format = [&body["output_config"]["format"], &body["output_format"]]
        .into_iter()
        .find(|format| format["type"] == "json_schema")
        .map_or(Format::Text, |format| Format::Schema(format["schema"].clone()));
    prompt.thinking = matches!(body["thinking"]["type"].as_str(), Some("enabled" | "adaptive"));
    prompt.max_tokens = count(&body["max_tokens"]);
    prompt.set_stop(&body["stop_sequences"]);
    Ok(prompt)
}

pub(super) fn message(answer: &Answer) -> Value {
    let mut content = Vec::new();
    let choice = answer.choices.first();
    if let Some(choice) = choice {
        if let Some(thinking) = &choice.thinking {
            content.push(json!({"type": "thinking", "thinking": thinking, "signature": SIGNATURE}));
        }
        if choice.calls.is_empty() {
            content.push(json!({"type": "text", "text": choice.text}));
        }
        content.extend(choice.calls.iter().map(|call| json!({
            "type": "tool_use", "id": format!("toolu_{}", call.id), "name": call.name, "input": call.arguments,
        })));
    }
    shell(answer, &content, choice.map(stop), answer.usage.completion)
}

/// The message around its content; `end` is why it ended, once it has.
fn shell(
    answer: &Answer,
    content: &[Value],
    end: Option<(&'static str, Option<&str>)>,
    output_tokens: usize,
) -> Value {
    json!({
        "id": format!("msg_{}", answer.id),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": end.map(|(reason, _)| reason),
        "stop_sequence": end.and_then(|(_, sequence)| sequence),
        "usage": {
            "input_tokens": answer.usage.prompt,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    })
}

fn stop(choice: &Choice) -> (&'static str, Option<&str>) {
    match &choice.finish {
        Finish::Stop => ("end_turn", None),
        Finish::StopSequence(sequence) => ("stop_sequence", Some(sequence)),
        Finish::Length => ("max_tokens", None),
        Finish::ToolCalls => ("tool_use", None),
    }
}

#[derive(Default)]
pub(super) struct Events {
    /// The position of the open block.
    index: usize,
    piece: Stencil,
}

impl Events {
    fn delta(&self, delta: &Value) -> Value {
        json!({"type": "content_block_delta", "index": self.index, "delta": delta})
    }
}

impl Renderer for Events {
    fn step(&mut self, answer: &Answer, index: usize, step: &Step, out: &mut Vec<u8>) {
        let Some(choice) = answer.choices.get(index) else { return };
        match step {
            Step::Open => {
                let message = shell(answer, &[], None, 1);
                write_event(
                    Some("message_start"),
                    &json!({"type": "message_start", "message": message}),
                    out,
                );
            }
            Step::BlockOpen(block) => {
                let (opening, delta) = match block {
                    Block::Thinking => (
                        json!({"type": "thinking", "thinking": "", "signature": ""}),
                        json!({"type": "thinking_delta", "thinking": HOLE}),
                    ),
                    Block::Text => {
                        (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": HOLE}))
                    }
                    Block::Call(position) => {
                        let call = choice.calls.get(*position);
                        let id = call.map(|call| format!("toolu_{}", call.id));
                        let name = call.map(|call| &call.name);
                        (
                            json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
                            json!({"type": "input_json_delta", "partial_json": HOLE}),
                        )
                    }
                };
                let start =
                    json!({"type": "content_block_start", "index": self.index, "content_block": opening});
                write_event(Some("content_block_start"), &start, out);
                if self.index == 0 {
                    write_event(Some("ping"), &json!({"type": "ping"}), out);
                }
                self.piece = Stencil::new("event: content_block_delta\ndata: ", &self.delta(&delta), "\n\n");
                if matches!(block, Block::Call(_)) {
                    self.piece.write("", out);
                }
            }
            Step::Piece(block, range) => {
                self.piece.write(choice.block(*block).get(range.clone()).unwrap_or_default(), out);
            }
            Step::BlockClose(block) => {
                if *block == Block::Thinking {
                    let signature = self.delta(&json!({"type": "signature_delta", "signature": SIGNATURE}));
                    write_event(Some("content_block_delta"), &signature, out);
                }
                let stop = json!({"type": "content_block_stop", "index": self.index});
                write_event(Some("content_block_stop"), &stop, out);
                self.index += 1;
            }
            Step::Finish => {
                let (reason, sequence) = stop(choice);
                let delta = json!({
                    "type": "message_delta",
                    "delta": {"stop_reason": reason, "stop_sequence": sequence},
                    "usage": {"output_tokens": answer.usage.completion},
                });
                write_event(Some("message_delta"), &delta, out);
            }
            Step::Close => write_event(Some("message_stop"), &json!({"type": "message_stop"}), out),
        }
    }

    fn error(&mut self, out: &mut Vec<u8>) {
        let error = json!({"type": "overloaded_error", "message": "Overloaded while streaming"});
        write_event(Some("error"), &json!({"type": "error", "error": error}), out);
    }
}

pub(super) fn model(name: &str) -> Value {
    json!({"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"})
}

pub(super) fn models() -> Value {
    let names = ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"];
    json!({
        "data": names.map(model),
        "has_more": false,
        "first_id": names.first(),
        "last_id": names.last(),
    })
}
