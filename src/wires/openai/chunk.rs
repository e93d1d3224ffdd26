//! Deltas to OpenAI chunks: the one place that knows a chunk's shape (STR-01 … STR-06, STR-20 … STR-22).

use serde_json::Value;

use crate::hub::{Delta, FinishReason, Usage, is_synonym};
use crate::json::Map;

/// One chunk. What all chunks of a stream share (id, model, time) is the stream's, not the chunk's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chunk {
    pub choices: Vec<ChunkChoice>,
    pub usage: Option<Usage>,
    /// Other top-level fields.
    pub fields: Map,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChunkChoice {
    pub index: u64,
    /// The first chunk of a choice says who speaks (STR-01).
    pub role: bool,
    pub content: Option<String>,
    pub reasoning_content: Option<String>,
    pub thinking_blocks: Vec<Value>,
    pub tool_calls: Vec<ToolCallChunk>,
    pub function_call: Option<Value>,
    pub refusal: Option<String>,
    pub annotations: Option<Vec<Value>>,
    pub images: Option<Vec<Value>>,
    pub audio: Option<Value>,
    pub provider_fields: Map,
    /// Other fields of the delta.
    pub fields: Map,
    /// Other fields of the choice.
    pub extra: Map,
    pub logprobs: Option<Value>,
    pub finish_reason: Option<FinishReason>,
    pub native_finish_reason: Option<String>,
}

impl Chunk {
    /// Whether it has anything that a reader would see: more than a role.
    pub fn has_content(&self) -> bool {
        self.choices.iter().any(|choice| {
            let bare = ChunkChoice { index: choice.index, role: choice.role, ..ChunkChoice::default() };
            let is_empty = choice.content.as_deref().is_none_or(str::is_empty);
            !is_empty || ChunkChoice { content: None, ..choice.clone() } != bare
        })
    }
}

/// The first piece of a call has id and name, later ones only arguments (STR-06).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolCallChunk {
    pub index: u64,
    pub id: Option<String>,
    pub name: Option<String>,
    pub arguments: String,
    pub provider_fields: Option<Map>,
}

/// Makes chunks of deltas. Deltas of one frame share a chunk, but for a finish and the usage.
#[derive(Debug)]
pub struct Chunker {
    include_usage: bool,
    new_id: fn() -> String,
    started: Vec<Started>,
    usage: Option<Usage>,
    held: Map,
    /// The stream held visible text, and nothing but text: all its output tokens are text.
    only_text: Option<bool>,
}

#[derive(Debug)]
struct Started {
    index: u64,
    /// Tool calls begun, and whether each has had arguments.
    calls: Vec<bool>,
}

impl Chunker {
    /// `new_id` makes an id for a tool call that came without one (STR-09).
    pub fn new(include_usage: bool, new_id: fn() -> String) -> Self {
        Self { include_usage, new_id, started: Vec::new(), usage: None, held: Map::new(), only_text: None }
    }

    /// Adds the deltas of one frame, hands out the chunks they make.
    pub fn add(&mut self, deltas: &mut Vec<Delta>, out: &mut Vec<Chunk>) {
        let mut chunk = Chunk::default();
        for delta in deltas.drain(..) {
            self.delta(delta, &mut chunk, out);
        }
        self.emit(chunk, out);
    }

    /// The counts of the stream so far.
    pub fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    /// The counts that the usage chunk will have, while they can still be completed.
    pub fn usage_mut(&mut self) -> Option<&mut Usage> {
        self.usage.as_mut().filter(|_| self.include_usage)
    }

    /// The stream ended well: the usage chunk, when the caller asked for one (STR-21).
    pub fn finish(&mut self, out: &mut Vec<Chunk>) {
        if self.include_usage
            && let Some(mut usage) = self.usage.clone()
        {
            if self.only_text == Some(true) && usage.completion_tokens_details.is_none() {
                let text = usage.completion_tokens;
                usage = usage.completion_detail("reasoning_tokens", 0).completion_detail("text_tokens", text);
            }
            let fields = std::mem::take(&mut self.held);
            out.push(Chunk { choices: Vec::new(), usage: Some(usage), fields });
        }
    }

    fn emit(&mut self, mut chunk: Chunk, out: &mut Vec<Chunk>) {
        if chunk.choices.is_empty() {
            // Nothing for the caller yet (STR-22): fields wait for the next chunk.
            self.held.append(&mut chunk.fields);
            return;
        }
        if !self.held.is_empty() {
            let mut fields = std::mem::take(&mut self.held);
            fields.append(&mut chunk.fields);
            chunk.fields = fields;
        }
        out.push(chunk);
    }

    fn delta(&mut self, delta: Delta, chunk: &mut Chunk, out: &mut Vec<Chunk>) {
        match delta {
            Delta::Open { .. } => {}
            Delta::Text { choice, text } => {
                self.only_text = Some(self.only_text.unwrap_or(true));
                self.choice(chunk, choice).content.get_or_insert_default().push_str(&text);
            }
            Delta::Reasoning { choice, text } => {
                self.only_text = Some(false);
                self.choice(chunk, choice).reasoning_content.get_or_insert_default().push_str(&text);
            }
            Delta::ThinkingBlock { choice, block } => {
                self.choice(chunk, choice).thinking_blocks.push(Value::Object(block));
            }
            Delta::ToolStart { choice, index, id, name, provider_fields } => {
                self.only_text = Some(false);
                let id = id.unwrap_or_else(self.new_id);
                let call = ToolCallChunk {
                    index,
                    id: Some(id),
                    name: Some(name),
                    arguments: String::new(),
                    provider_fields,
                };
                self.choice(chunk, choice).tool_calls.push(call);
                self.started(choice).calls.push(false);
            }
            Delta::ToolArguments { choice, index, json } => self.arguments(chunk, choice, index, &json),
            Delta::FunctionCall { choice, value } => self.choice(chunk, choice).function_call = Some(value),
            Delta::Refusal { choice, text } => {
                self.choice(chunk, choice).refusal.get_or_insert_default().push_str(&text);
            }
            Delta::Annotations { choice, annotations } => {
                self.choice(chunk, choice).annotations.get_or_insert_default().extend(annotations);
            }
            Delta::Images { choice, images } => {
                self.choice(chunk, choice).images.get_or_insert_default().extend(images);
            }
            Delta::Audio { choice, audio } => self.choice(chunk, choice).audio = Some(audio),
            Delta::Logprobs { choice, logprobs } => self.choice(chunk, choice).logprobs = Some(logprobs),
            Delta::ProviderFields { choice, fields } => {
                self.choice(chunk, choice).provider_fields.extend(fields);
            }
            Delta::Field { choice, name, value } => {
                self.choice(chunk, choice).fields.insert(name, value);
            }
            Delta::ChoiceField { choice, name, value } => {
                self.choice(chunk, choice).extra.insert(name, value);
            }
            Delta::ChunkField { name, value } => {
                chunk.fields.insert(name, value);
            }
            Delta::Usage(usage) => self.usage = Some(usage),
            Delta::Finish { choice, reason, native } => {
                self.close_calls(chunk, choice);
                // The finish is a chunk of its own, after what came in the same frame.
                let before = std::mem::take(chunk);
                self.emit(before, out);
                let any_call = self.started(choice).calls.iter().any(|_| true);
                let last = self.choice(chunk, choice);
                last.finish_reason = Some(reason.with_tool_calls(any_call));
                last.native_finish_reason = native.filter(|word| !is_synonym(word));
                let last = std::mem::take(chunk);
                self.emit(last, out);
            }
        }
    }

    fn arguments(&mut self, chunk: &mut Chunk, choice: u64, index: u64, json: &str) {
        if let Some(begun) = usize::try_from(index).ok().and_then(|at| self.started(choice).calls.get_mut(at))
        {
            *begun = true;
        }
        let calls = &mut self.choice(chunk, choice).tool_calls;
        match calls.iter_mut().rfind(|call| call.index == index) {
            Some(call) => call.arguments.push_str(json),
            None => {
                calls.push(ToolCallChunk { index, arguments: json.to_owned(), ..ToolCallChunk::default() });
            }
        }
    }

    /// A call without any arguments gets an empty object (STR-10).
    fn close_calls(&mut self, chunk: &mut Chunk, choice: u64) {
        let empty: Vec<u64> = self
            .started(choice)
            .calls
            .iter()
            .zip(0u64..)
            .filter(|(begun, _)| !**begun)
            .map(|(_, at)| at)
            .collect();
        for index in empty {
            self.arguments(chunk, choice, index, "{}");
        }
    }

    fn started(&mut self, index: u64) -> &mut Started {
        let at = match self.started.iter().position(|started| started.index == index) {
            Some(at) => at,
            None => {
                self.started.push(Started { index, calls: Vec::new() });
                self.started.len() - 1
            }
        };
        &mut self.started[at]
    }

    fn choice<'c>(&mut self, chunk: &'c mut Chunk, index: u64) -> &'c mut ChunkChoice {
        let at = match chunk.choices.iter().position(|choice| choice.index == index) {
            Some(at) => at,
            None => {
                let role = !self.started.iter().any(|started| started.index == index);
                self.started(index);
                chunk.choices.push(ChunkChoice { index, role, ..ChunkChoice::default() });
                chunk.choices.len() - 1
            }
        };
        &mut chunk.choices[at]
    }
}
