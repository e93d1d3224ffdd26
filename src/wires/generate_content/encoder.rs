//! Chunks of a chat completion as chunks of generated content.

use serde_json::{Value, json};

use super::answer;
use crate::error::Error;
use crate::hub::{FinishReason, StreamHead, Usage};
use crate::json::Map;
use crate::wires::openai::{Chunk, ChunkChoice, ToolCallChunk};
use crate::wires::{Event, EventEncoder};

#[derive(Debug)]
pub struct Encoder {
    asked: Map,
    candidates: Vec<Candidate>,
    usage: Option<Usage>,
}

#[derive(Debug)]
struct Candidate {
    index: u64,
    /// Calls come whole: their arguments are no text that could be cut.
    calls: Vec<ToolCallChunk>,
    finish: Option<FinishReason>,
}

impl Encoder {
    pub fn new(asked: Map) -> Self {
        Self { asked, candidates: Vec::new(), usage: None }
    }

    fn choice(&mut self, choice: ChunkChoice, parts: &mut Vec<Value>) {
        if let Some(thought) = choice.reasoning_content
            && !thought.is_empty()
            && answer::shows_thoughts(&self.asked)
        {
            parts.push(json!({ "text": thought, "thought": true }));
        }
        for text in choice.content.into_iter().chain(choice.refusal).filter(|text| !text.is_empty()) {
            parts.push(json!({ "text": text }));
        }
        let at = match self.candidates.iter().position(|candidate| candidate.index == choice.index) {
            Some(at) => at,
            None => {
                let index = choice.index;
                self.candidates.push(Candidate { index, calls: Vec::new(), finish: None });
                self.candidates.len() - 1
            }
        };
        let Some(candidate) = self.candidates.get_mut(at) else { return };
        for more in choice.tool_calls {
            match candidate.calls.iter_mut().find(|call| call.index == more.index) {
                Some(call) => call.arguments.push_str(&more.arguments),
                None => candidate.calls.push(more),
            }
        }
        candidate.finish = choice.finish_reason.or(candidate.finish);
    }
}

impl EventEncoder for Encoder {
    fn chunk(&mut self, chunk: Chunk, head: &StreamHead, out: &mut Vec<Event>) {
        let mut candidates = Vec::new();
        for choice in chunk.choices {
            let index = choice.index;
            let mut parts = Vec::new();
            self.choice(choice, &mut parts);
            if !parts.is_empty() {
                candidates.push(answer::candidate(index, parts, None));
            }
        }
        if !candidates.is_empty() {
            out.push(event(answer::shell(&head.id, &head.model, candidates)));
        }
        self.usage = chunk.usage.or(self.usage.take());
    }

    /// The last chunk has the calls, the reason, and the counts.
    fn finish(&mut self, head: &StreamHead, out: &mut Vec<Event>) {
        let candidates: Vec<Value> = std::mem::take(&mut self.candidates)
            .into_iter()
            .map(|candidate| {
                let calls = candidate.calls.into_iter().map(|call| {
                    let name = call.name.unwrap_or_default();
                    answer::function_call(call.id, &name, &call.arguments, call.provider_fields.as_ref())
                });
                let reason = candidate.finish.unwrap_or(FinishReason::Stop);
                answer::candidate(candidate.index, calls.collect(), Some(reason))
            })
            .collect();
        let mut last = answer::shell(&head.id, &head.model, candidates);
        last.insert("usageMetadata".into(), answer::counts(&self.usage.take().unwrap_or_default()));
        out.push(event(last));
    }

    fn fail(&mut self, error: &Error, out: &mut Vec<Event>) {
        let status = error.status();
        let error = json!({ "code": status, "message": error.message(), "status": word(status) });
        out.push(Event { name: None, data: json!({ "error": error }) });
    }
}

fn event(data: Map) -> Event {
    Event { name: None, data: data.into() }
}

/// Google's word for a status.
fn word(status: u16) -> &'static str {
    match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}
