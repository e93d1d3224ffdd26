//! Chat completions as the JSON that OpenAI's clients read: whole answers and the chunks of a stream. Written without a
//! tree of values in between.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::chunk::{Chunk, ChunkChoice, ToolCallChunk};
use crate::hub::{AssistantMessage, ChatResponse, Choice, FinishReason, StreamHead, Usage};
use crate::json::Map;

/// The JSON of a whole answer.
pub fn write_response(response: &ChatResponse, out: &mut Vec<u8>) {
    write(&Whole(response), out);
}

/// The JSON of one chunk; `head` has what all chunks of its stream share.
pub fn write_chunk(chunk: &Chunk, head: &StreamHead, out: &mut Vec<u8>) {
    write(&Piece { chunk, head }, out);
}

fn write(value: &impl Serialize, out: &mut Vec<u8>) {
    // All keys are texts and a Vec takes everything: there is no way to fail.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

fn some<M: SerializeMap>(map: &mut M, name: &str, value: Option<&impl Serialize>) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}

fn filled<M: SerializeMap, T: Serialize>(map: &mut M, name: &str, values: &[T]) -> Result<(), M::Error> {
    if values.is_empty() { Ok(()) } else { map.serialize_entry(name, values) }
}

fn fields<M: SerializeMap>(map: &mut M, fields: &Map) -> Result<(), M::Error> {
    fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
}

struct Whole<'a>(&'a ChatResponse);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(response) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &response.id)?;
        map.serialize_entry("created", &response.created)?;
        map.serialize_entry("model", &response.model)?;
        map.serialize_entry("object", "chat.completion")?;
        some(&mut map, "system_fingerprint", response.system_fingerprint.as_ref())?;
        map.serialize_entry("choices", &List(&response.choices, WholeChoice))?;
        some(&mut map, "usage", response.usage.as_ref().map(Counts).as_ref())?;
        fields(&mut map, &response.extra)?;
        map.end()
    }
}

/// The items of a list, each as something that can be written.
struct List<'a, T, W>(&'a [T], fn(&'a T) -> W);

impl<T, W: Serialize> Serialize for List<'_, T, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(items, wrap) = self;
        serializer.collect_seq(items.iter().map(wrap))
    }
}

struct WholeChoice<'a>(&'a Choice);

impl Serialize for WholeChoice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(choice) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("finish_reason", choice.finish_reason.as_str())?;
        map.serialize_entry("index", &choice.index)?;
        let message = Message { message: &choice.message, native: choice.native_finish_reason.as_deref() };
        map.serialize_entry("message", &message)?;
        some(&mut map, "logprobs", choice.logprobs.as_ref())?;
        fields(&mut map, &choice.extra)?;
        map.end()
    }
}

struct Message<'a> {
    message: &'a AssistantMessage,
    /// The provider's own finish reason (GEN-37).
    native: Option<&'a str>,
}

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.message;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", "assistant")?;
        map.serialize_entry("content", &message.content)?;
        some(&mut map, "reasoning_content", message.reasoning_content.as_ref())?;
        filled(&mut map, "thinking_blocks", &message.thinking_blocks)?;
        filled(&mut map, "tool_calls", &message.tool_calls)?;
        some(&mut map, "function_call", message.function_call.as_ref())?;
        some(&mut map, "refusal", message.refusal.as_ref())?;
        some(&mut map, "annotations", message.annotations.as_ref())?;
        some(&mut map, "audio", message.audio.as_ref())?;
        some(&mut map, "images", message.images.as_ref())?;
        provider_fields(&mut map, &message.provider_fields, self.native)?;
        fields(&mut map, &message.extra)?;
        map.end()
    }
}

fn provider_fields<M: SerializeMap>(map: &mut M, told: &Map, native: Option<&str>) -> Result<(), M::Error> {
    match native {
        None if told.is_empty() => Ok(()),
        None => map.serialize_entry("provider_specific_fields", told),
        Some(native) => {
            let mut told = told.clone();
            told.insert("native_finish_reason".to_owned(), native.into());
            map.serialize_entry("provider_specific_fields", &told)
        }
    }
}

/// Counts, with the provider's own beside them rather than in an object of their own.
struct Counts<'a>(&'a Usage);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(usage) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("completion_tokens", &usage.completion_tokens)?;
        map.serialize_entry("prompt_tokens", &usage.prompt_tokens)?;
        map.serialize_entry("total_tokens", &usage.total_tokens)?;
        some(&mut map, "completion_tokens_details", usage.completion_tokens_details.as_ref())?;
        some(&mut map, "prompt_tokens_details", usage.prompt_tokens_details.as_ref())?;
        fields(&mut map, &usage.extra)?;
        map.end()
    }
}

struct Piece<'a> {
    chunk: &'a Chunk,
    head: &'a StreamHead,
}

impl Serialize for Piece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { chunk, head } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &head.id)?;
        map.serialize_entry("created", &head.created)?;
        map.serialize_entry("model", &head.model)?;
        map.serialize_entry("object", "chat.completion.chunk")?;
        some(&mut map, "system_fingerprint", head.system_fingerprint.as_ref())?;
        map.serialize_entry("choices", &List(&chunk.choices, PieceChoice))?;
        some(&mut map, "usage", chunk.usage.as_ref().map(Counts).as_ref())?;
        fields(&mut map, &chunk.fields)?;
        map.end()
    }
}

struct PieceChoice<'a>(&'a ChunkChoice);

impl Serialize for PieceChoice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(choice) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("index", &choice.index)?;
        map.serialize_entry("delta", &PieceDelta(choice))?;
        some(&mut map, "logprobs", choice.logprobs.as_ref())?;
        // There in every chunk, as OpenAI has it: some clients look for the key.
        map.serialize_entry("finish_reason", &choice.finish_reason.map(FinishReason::as_str))?;
        fields(&mut map, &choice.extra)?;
        map.end()
    }
}

struct PieceDelta<'a>(&'a ChunkChoice);

impl Serialize for PieceDelta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(choice) = self;
        let mut map = serializer.serialize_map(None)?;
        if choice.role {
            map.serialize_entry("role", "assistant")?;
        }
        some(&mut map, "content", choice.content.as_ref())?;
        some(&mut map, "reasoning_content", choice.reasoning_content.as_ref())?;
        filled(&mut map, "thinking_blocks", &choice.thinking_blocks)?;
        if !choice.tool_calls.is_empty() {
            map.serialize_entry("tool_calls", &List(&choice.tool_calls, PieceCall))?;
        }
        some(&mut map, "function_call", choice.function_call.as_ref())?;
        some(&mut map, "refusal", choice.refusal.as_ref())?;
        some(&mut map, "annotations", choice.annotations.as_ref())?;
        some(&mut map, "images", choice.images.as_ref())?;
        some(&mut map, "audio", choice.audio.as_ref())?;
        provider_fields(&mut map, &choice.provider_fields, choice.native_finish_reason.as_deref())?;
        fields(&mut map, &choice.fields)?;
        map.end()
    }
}

struct PieceCall<'a>(&'a ToolCallChunk);

impl Serialize for PieceCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(call) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("index", &call.index)?;
        // The first piece alone says whose arguments follow (STR-06).
        if call.id.is_some() {
            map.serialize_entry("id", &call.id)?;
            map.serialize_entry("type", "function")?;
        }
        map.serialize_entry("function", &PieceFunction(call))?;
        some(&mut map, "provider_specific_fields", call.provider_fields.as_ref())?;
        map.end()
    }
}

struct PieceFunction<'a>(&'a ToolCallChunk);

impl Serialize for PieceFunction<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(call) = self;
        let mut map = serializer.serialize_map(None)?;
        some(&mut map, "name", call.name.as_ref())?;
        map.serialize_entry("arguments", &call.arguments)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(out: &[u8]) -> Value {
        serde_json::from_slice(out).unwrap()
    }

    #[test]
    fn a_whole_answer_has_openais_form() {
        let message = AssistantMessage {
            content: Some("Hi".to_owned()),
            reasoning_content: Some("Hm".to_owned()),
            ..AssistantMessage::default()
        };
        let mut choice = Choice::new(message, FinishReason::Stop);
        choice.native_finish_reason = Some("ended".to_owned());
        let response = ChatResponse {
            id: "chatcmpl-1".to_owned(),
            created: 7,
            model: "m".to_owned(),
            choices: vec![choice],
            usage: Some(Usage::new(3, 4).prompt_detail("cached_tokens", 2).with("cost", 0.5)),
            ..ChatResponse::default()
        };
        let mut out = Vec::new();
        write_response(&response, &mut out);
        let wanted = json!({
            "id": "chatcmpl-1", "created": 7, "model": "m", "object": "chat.completion",
            "choices": [{
                "finish_reason": "stop", "index": 0,
                "message": {
                    "role": "assistant", "content": "Hi", "reasoning_content": "Hm",
                    "provider_specific_fields": { "native_finish_reason": "ended" },
                },
            }],
            "usage": {
                "completion_tokens": 4, "prompt_tokens": 3, "total_tokens": 7,
                "prompt_tokens_details": { "cached_tokens": 2 }, "cost": 0.5,
            },
        });
        assert_eq!(read(&out), wanted);
    }

    #[test]
    fn a_chunk_has_openais_form() {
        let head = StreamHead {
            id: "chatcmpl-1".to_owned(),
            created: 7,
            model: "m".to_owned(),
            system_fingerprint: None,
        };
        let begun = ToolCallChunk {
            id: Some("call_1".to_owned()),
            name: Some("look".to_owned()),
            ..ToolCallChunk::default()
        };
        let further = ToolCallChunk { arguments: "{}".to_owned(), ..ToolCallChunk::default() };
        let choice = ChunkChoice { role: true, tool_calls: vec![begun, further], ..ChunkChoice::default() };
        let mut out = Vec::new();
        write_chunk(&Chunk { choices: vec![choice], ..Chunk::default() }, &head, &mut out);
        let wanted = json!({
            "id": "chatcmpl-1", "created": 7, "model": "m", "object": "chat.completion.chunk",
            "choices": [{
                "index": 0,
                "delta": {
                    "role": "assistant",
                    "tool_calls": [
                        { "index": 0, "id": "call_1", "type": "function", "function": { "name": "look", "arguments": "" } },
                        { "index": 0, "function": { "arguments": "{}" } },
                    ],
                },
                "finish_reason": null,
            }],
        });
        assert_eq!(read(&out), wanted);
    }
}
