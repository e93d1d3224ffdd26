//! A whole reply as a response (GEM-23 … GEM-25, GEM-28).

use serde_json::{Value, json};

use super::grounding::{self, Grounded};
use super::pieces::{self, Piece};
use super::stream::Decoder;
use super::{errors, usage};
use crate::error::{Error, Result};
use crate::hub::{
    AssistantMessage, ChatResponse, Choice, Collector, Deltas, FinishReason, FunctionCall, Target, ToolCall,
    map_finish_reason,
};
use crate::json::{Map, cut, kind_of, take_string};
use crate::wires::framing::Frame;
use crate::wires::{Memo, StreamDecoder};

/// Facts of the candidates that the response carries as they are: Google's name, and the response's.
pub const METADATA: &[(&str, &str)] = &[
    ("groundingMetadata", "vertex_ai_grounding_metadata"),
    ("urlContextMetadata", "vertex_ai_url_context_metadata"),
    ("safetyRatings", "vertex_ai_safety_results"),
    ("citationMetadata", "vertex_ai_citation_metadata"),
];

pub fn decode(body: &[u8], memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let text = String::from_utf8_lossy(body.get(..200).unwrap_or(body)).into_owned();
        Error::unreadable(format!("the provider's answer is no JSON ({error}): {}", cut(&text, 200)))
            .with_source(error)
    })?;
    let mut reply = match value {
        Value::Object(reply) => reply,
        Value::Array(chunks) if !chunks.is_empty() => return decode_chunks(body, memo, target),
        other => {
            let what = format!("the provider's answer is {}, not an object", kind_of(&other));
            return Err(Error::unreadable(what));
        }
    };
    if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
        return Err(errors::of_stream(error));
    }
    let id = take_string(&mut reply, "responseId").unwrap_or_default();
    let candidates = match reply.shift_remove("candidates") {
        Some(Value::Array(candidates)) => candidates,
        None | Some(Value::Null) => Vec::new(),
        Some(other) => {
            let what = format!("the answer's 'candidates' is {}, expected a list", kind_of(&other));
            return Err(Error::unreadable(what));
        }
    };
    let mut response = ChatResponse {
        model: take_string(&mut reply, "modelVersion").unwrap_or_else(|| target.model.clone()),
        ..ChatResponse::default()
    };
    let mut grounded = Grounded::default();
    let mut metadata: Vec<(&str, Vec<Value>)> =
        METADATA.iter().map(|(_, name)| (*name, Vec::new())).collect();
    for (position, candidate) in (0u64..).zip(candidates) {
        let Value::Object(mut candidate) = candidate else { continue };
        collect_metadata(&mut candidate, &mut metadata);
        let (choice, used) = choice(candidate, position, &id, memo);
        grounded.merge(used);
        response.choices.push(choice);
    }
    let counts = reply.get("usageMetadata").and_then(Value::as_object);
    response.usage = counts.map(|counts| usage::read(counts, grounded));
    if is_blocked(&reply, &response) {
        return Ok(blocked(id, response));
    }
    if response.choices.is_empty() {
        let text = Value::Object(reply).to_string();
        return Err(Error::unreadable(format!("the answer has no candidates: {}", cut(&text, 200))));
    }
    response.id = id;
    response.extra =
        metadata.into_iter().map(|(name, values)| (name.to_owned(), Value::Array(values))).collect();
    Ok(response)
}

/// The chunks of a stream in one list: what comes without `alt=sse` (GEM-27).
fn decode_chunks(body: &[u8], memo: &Memo, target: &Target) -> Result<ChatResponse> {
    let mut decoder = Decoder::new(memo.clone());
    let mut deltas = Deltas::default();
    decoder.frame(Frame { event: None, data: body }, &mut deltas)?;
    decoder.end(&mut deltas)?;
    let mut collector = Collector::new();
    deltas.0.into_iter().for_each(|delta| collector.add(delta));
    let mut response = collector.finish();
    response.model.clone_from(&target.model);
    Ok(response)
}

/// One list a fact over all candidates.
fn collect_metadata(candidate: &mut Map, metadata: &mut [(&str, Vec<Value>)]) {
    for ((key, _), (_, values)) in METADATA.iter().zip(metadata) {
        match candidate.get(*key) {
            Some(value) if *key == "groundingMetadata" => values.extend(grounding::entries(value.clone())),
            Some(value) if !value.is_null() => values.push(value.clone()),
            _ => {}
        }
    }
}

/// A prompt that was refused, or an answer of which nothing is left (GEM-25).
fn is_blocked(reply: &Map, response: &ChatResponse) -> bool {
    let refused = reply.get("promptFeedback").and_then(|feedback| feedback.get("blockReason"));
    if response.choices.is_empty() {
        return refused.is_some_and(|reason| !reason.is_null());
    }
    response.choices.iter().all(|choice| {
        choice.message == AssistantMessage::default()
            && choice.native_finish_reason.as_deref().is_some_and(is_refusal)
    })
}

/// Why a candidate is withheld; other reasons say how a delivered one ended.
fn is_refusal(native: &str) -> bool {
    matches!(
        native,
        "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
    )
}

fn blocked(id: String, mut response: ChatResponse) -> ChatResponse {
    response.id = id;
    response.choices = vec![Choice::new(AssistantMessage::default(), FinishReason::ContentFilter)];
    if let Some(usage) = &mut response.usage {
        usage.prompt_tokens_details = None;
        usage.completion_tokens_details = None;
    }
    response
}

fn choice(mut candidate: Map, position: u64, answer: &str, memo: &Memo) -> (Choice, Grounded) {
    let mut builder = Builder::default();
    let parts = candidate.get_mut("content").and_then(|content| content.get_mut("parts")).map(Value::take);
    if let Some(Value::Array(parts)) = parts {
        for part in parts {
            builder.add(part, answer);
        }
    }
    let index = candidate.get("index").and_then(Value::as_u64).unwrap_or(position);
    let native = take_string(&mut candidate, "finishReason");
    let reason = native.as_deref().map_or(FinishReason::Stop, |native| map_finish_reason(native).0);
    let grounding = candidate.shift_remove("groundingMetadata").map(grounding::entries).unwrap_or_default();
    let annotations = grounding::annotations(&grounding);
    if !annotations.is_empty() {
        builder.message.annotations = Some(Value::Array(annotations));
    }
    let (message, reason) = builder.finish(reason, memo);
    let mut choice = Choice::new(message, reason);
    choice.index = index;
    choice.native_finish_reason = native;
    choice.logprobs = candidate.get("logprobsResult").and_then(pieces::logprobs);
    (choice, grounding::used(&grounding))
}

/// Grows a message part by part.
#[derive(Debug, Default)]
struct Builder {
    message: AssistantMessage,
    images: Vec<Value>,
    signatures: Vec<Value>,
    invocations: Vec<Value>,
}

impl Builder {
    fn add(&mut self, part: Value, answer: &str) {
        let signed = pieces::read(part);
        if let Some(signature) = &signed.signature {
            self.signatures.push(signature.as_str().into());
        }
        match signed.piece {
            Piece::Text(text) => {
                if !text.is_empty() {
                    self.message.content.get_or_insert_default().push_str(&text);
                }
            }
            Piece::Thought(text) => {
                let mut block = json!({"type": "thinking", "thinking": text});
                // The signature stays on the thought it came with (GEM-11).
                if let (Value::Object(block), Some(signature)) = (&mut block, signed.signature) {
                    block.insert("signature".into(), signature.into());
                }
                self.message.thinking_blocks.push(block);
                if !text.is_empty() {
                    self.message.reasoning_content.get_or_insert_default().push_str(&text);
                }
            }
            Piece::Call { id, name, arguments } => {
                let signature = signed.signature.as_deref();
                let ordinal = u64::try_from(self.message.tool_calls.len()).unwrap_or(u64::MAX);
                self.message.tool_calls.push(ToolCall {
                    id: pieces::call_id(id, signature, answer, ordinal),
                    function: FunctionCall { name: Some(name), arguments, provider_specific_fields: None },
                    provider_specific_fields: pieces::call_fields(signature),
                    cache_control: None,
                    extra: Map::from_iter([("index".to_owned(), ordinal.into())]),
                });
            }
            Piece::Image(url) => self.images.push(pieces::image(url)),
            Piece::Audio(data) => match &mut self.message.audio {
                Some(Value::Object(audio)) => {
                    if let Some(Value::String(all)) = audio.get_mut("data") {
                        all.push_str(&data);
                    }
                }
                slot => *slot = Some(pieces::audio(data, answer)),
            },
            Piece::ServerCall(call) => self.invocations.push(Value::Object(call)),
            Piece::ServerResult(result) => pieces::add_result(&mut self.invocations, result),
            Piece::Other => {}
        }
    }

    fn finish(mut self, reason: FinishReason, memo: &Memo) -> (AssistantMessage, FinishReason) {
        if !self.images.is_empty() {
            self.message.images = Some(Value::Array(self.images));
        }
        for (name, values) in
            [("thought_signatures", self.signatures), ("server_side_tool_invocations", self.invocations)]
        {
            if !values.is_empty() {
                self.message.provider_fields.insert(name.to_owned(), Value::Array(values));
            }
        }
        let reason = finish_with_calls(reason, !self.message.tool_calls.is_empty(), memo);
        if memo.legacy_functions && !self.message.tool_calls.is_empty() {
            let call = self.message.tool_calls.swap_remove(0).function;
            self.message.tool_calls.clear();
            self.message.function_call = Some(json!({"name": call.name, "arguments": call.arguments}));
        }
        (self.message, reason)
    }
}

/// A turn with calls ends for their sake, whatever else is said (GEM-24), but for a filter.
pub fn finish_with_calls(reason: FinishReason, any: bool, memo: &Memo) -> FinishReason {
    match reason {
        FinishReason::ContentFilter => reason,
        _ if !any => reason,
        _ if memo.legacy_functions => FinishReason::FunctionCall,
        _ => FinishReason::ToolCalls,
    }
}
