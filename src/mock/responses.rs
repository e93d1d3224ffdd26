//! OpenAI's Responses: text, function calls and reasoning. Nothing is stored, so nothing can be continued by id.

use serde_json::{Value, json};

use super::answer::{Answer, Call, Choice, Finish};
use super::openai::{format, tool_choice, wants_thinking};
use super::prompt::{Prompt, count, list, required_text, text_of};
use super::stream::{Block, Renderer, Step, write_event};

pub(super) fn read(body: &Value) -> Result<Prompt, String> {
    let mut prompt = Prompt::new(required_text(body, "model")?);
    prompt.hear(false, &text_of(&body["instructions"]));
    match &body["input"] {
        Value::Null => return Err("Missing required parameter: 'input'.".to_owned()),
        Value::String(text) => prompt.hear(true, text),
        input => {
            for item in list(input) {
                if item["type"] == "function_call_output" {
                    let output = &item["output"];
                    prompt.hear_result(&text_of(output));
                } else {
                    prompt.tool_result = None;
                    prompt.hear(item["role"] == "user", &text_of(&item["content"]));
                }
            }
        }
    }
    for tool in list(&body["tools"]) {
        prompt.offer(&tool["name"], tool.get("parameters"));
    }
    prompt.tool_choice = tool_choice(&body["tool_choice"], |choice| &choice["name"]);
    prompt.parallel = body["parallel_tool_calls"] != false;
    prompt.format = format(&body["text"]["format"], |format| &format["schema"]);
    prompt.thinking = wants_thinking(body);
    prompt.max_tokens = count(&body["max_output_tokens"]);
    Ok(prompt)
}

pub(super) fn response(answer: &Answer) -> Value {
    let output = answer.choices.first().map(|choice| items(answer, choice)).unwrap_or_default();
    shell(answer, &json!(output), true)
}

/// The response object around its output; while it is in progress it has no usage.
fn shell(answer: &Answer, output: &Value, complete: bool) -> Value {
    let cut = answer.choices.first().is_some_and(|choice| matches!(choice.finish, Finish::Length));
    let status = match (complete, cut) {
        (false, _) => "in_progress",
        (true, true) => "incomplete",
        (true, false) => "completed",
    };
    let usage = answer.usage;
    let usage = json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    });
    json!({
        "id": format!("resp_{}", answer.id),
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": (complete && cut).then(|| json!({"reason": "max_output_tokens"})),
        "instructions": null,
        "max_output_tokens": null,
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": complete.then_some(usage),
        "user": null,
        "metadata": {},
    })
}

fn items(answer: &Answer, choice: &Choice) -> Vec<Value> {
    let mut items = Vec::new();
    if let Some(thinking) = &choice.thinking {
        items.push(reasoning(answer, &[thinking]));
    }
    if choice.calls.is_empty() {
        items.push(message(answer, "completed", &[&choice.text]));
    }
    items.extend(choice.calls.iter().map(|call| function_call(call, "completed", &call.json)));
    items
}

fn reasoning(answer: &Answer, summary: &[&str]) -> Value {
    let summary: Vec<Value> =
        summary.iter().map(|text| json!({"type": "summary_text", "text": text})).collect();
    json!({"id": format!("rs_{}", answer.id), "type": "reasoning", "summary": summary})
}

fn message(answer: &Answer, status: &str, texts: &[&str]) -> Value {
    let content: Vec<Value> = texts.iter().map(|text| text_part(text)).collect();
    json!({
        "id": format!("msg_{}", answer.id),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    })
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn function_call(call: &Call, status: &str, arguments: &str) -> Value {
    json!({
        "id": format!("fc_{}", call.id),
        "type": "function_call",
        "status": status,
        "call_id": format!("call_{}", call.id),
        "name": call.name,
        "arguments": arguments,
    })
}

#[derive(Default)]
pub(super) struct Events {
    sequence: u64,
    /// The position of the open item.
    index: usize,
}

impl Events {
    /// Writes an event: its own fields after its type, its number last.
    fn write(&mut self, kind: &str, fields: Value, out: &mut Vec<u8>) {
        let mut event = json!({"type": kind});
        if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
            event.extend(fields);
        }
        event["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        write_event(Some(kind), &event, out);
    }

    fn open(&mut self, answer: &Answer, choice: &Choice, block: Block, out: &mut Vec<u8>) {
        let index = self.index;
        let item = match block {
            Block::Thinking => reasoning(answer, &[]),
            Block::Text => message(answer, "in_progress", &[]),
            Block::Call(position) => {
                choice.calls.get(position).map_or(Value::Null, |call| function_call(call, "in_progress", ""))
            }
        };
        let id = item["id"].clone();
        self.write("response.output_item.added", json!({"output_index": index, "item": item}), out);
        match block {
            Block::Thinking => self.write(
                "response.reasoning_summary_part.added",
                json!({
                    "item_id": id, "output_index": index, "summary_index": 0,
                    "part": {"type": "summary_text", "text": ""},
                }),
                out,
            ),
            Block::Text => self.write(
                "response.content_part.added",
                json!({
                    "item_id": id, "output_index": index, "content_index": 0, "part": text_part(""),
                }),
                out,
            ),
            Block::Call(_) => {}
        }
    }

    fn close(&mut self, answer: &Answer, choice: &Choice, block: Block, out: &mut Vec<u8>) {
        let index = self.index;
        let text = choice.block(block);
        let item = match block {
            Block::Thinking => reasoning(answer, &[text]),
            Block::Text => message(answer, "completed", &[text]),
            Block::Call(position) => {
                choice.calls.get(position).map_or(Value::Null, |call| function_call(call, "completed", text))
            }
        };
        let id = item["id"].clone();
        match block {
            Block::Thinking => {
                self.write(
                    "response.reasoning_summary_text.done",
                    json!({
                        "item_id": id, "output_index": index, "summary_index": 0, "text": text,
                    }),
                    out,
                );
                self.write(
                    "response.reasoning_summary_part.done",
                    json!({
                        "item_id": id, "output_index": index, "summary_index": 0,
                        "part": {"type": "summary_text", "text": text},
                    }),
                    out,
                );
            }
            Block::Text => {
                self.write("response.output_text.done", json!({
                    "item_id": id, "output_index": index, "content_index": 0, "text": text, "logprobs": [],
                }), out);
                self.write(
                    "response.content_part.done",
                    json!({
                        "item_id": id, "output_index": index, "content_index": 0, "part": text_part(text),
                    }),
                    out,
                );
            }
            Block::Call(_) => self.write(
                "response.function_call_arguments.done",
                json!({
                    "item_id": id, "output_index": index, "name": item["name"], "arguments": text,
                }),
                out,
            ),
        }
        self.write("response.output_item.done", json!({"output_index": index, "item": item}), out);
        self.index += 1;
    }

    fn delta(&mut self, answer: &Answer, choice: &Choice, block: Block, delta: &str, out: &mut Vec<u8>) {
        let index = self.index;
        match block {
            Block::Thinking => self.write("response.reasoning_summary_text.delta", json!({
                "item_id": format!("rs_{}", answer.id), "output_index": index, "summary_index": 0, "delta": delta,
            }), out),
            Block::Text => self.write("response.output_text.delta", json!({
                "item_id": format!("msg_{}", answer.id), "output_index": index, "content_index": 0, "delta": delta,
                "logprobs": [],
            }), out),
            Block::Call(position) => self.write("response.function_call_arguments.delta", json!({
                "item_id": choice.calls.get(position).map(|call| format!("fc_{}", call.id)),
                "output_index": index, "delta": delta,
            }), out),
        }
    }
}

impl Renderer for Events {
    fn step(&mut self, answer: &Answer, index: usize, step: &Step, out: &mut Vec<u8>) {
        let Some(choice) = answer.choices.get(index) else { return };
        match step {
            Step::Open => {
                let response = shell(answer, &json!([]), false);
                self.write("response.created", json!({"response": response}), out);
                self.write("response.in_progress", json!({"response": response}), out);
            }
            Step::BlockOpen(block) => self.open(answer, choice, *block, out),
            Step::Piece(block, range) => {
                let delta = choice.block(*block).get(range.clone()).unwrap_or_default();
                self.delta(answer, choice, *block, delta, out);
            }
            Step::BlockClose(block) => self.close(answer, choice, *block, out),
            Step::Finish => {
                let response = response(answer);
                let kind = if response["status"] == "incomplete" {
                    "response.incomplete"
                } else {
                    "response.completed"
                };
                self.write(kind, json!({"response": response}), out);
            }
            Step::Close => {}
        }
    }

    fn error(&mut self, out: &mut Vec<u8>) {
        let fields = json!({"code": "server_error", "message": "Overloaded while streaming", "param": null});
        self.write("error", fields, out);
    }
}
