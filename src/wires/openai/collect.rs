//! Chunk objects back to one response: what `stream_chunk_builder` offers.

use serde_json::Value;

use super::stream::Decoder;
use crate::error::Result;
use crate::hub::{ChatResponse, Collector, Deltas};
use crate::json::{count_at, str_at};
use crate::wires::framing::Frame;
use crate::wires::{Memo, StreamDecoder as _};

/// Folds chunks, as OpenAI has them, into the response they stand for. A stream that was cut gives what there is.
pub fn collect_chunks(chunks: Vec<Value>) -> Result<ChatResponse> {
    let mut decoder = Decoder::new(Memo::default(), std::sync::Arc::default());
    let mut collector = Collector::new();
    let mut deltas = Deltas::default();
    let mut created = 0;
    let mut model = None;
    for chunk in chunks {
        if let Value::Object(map) = &chunk {
            if created == 0 {
                created = count_at(map, "created");
            }
            if model.is_none() {
                model = str_at(map, "model").map(str::to_owned);
            }
        }
        let text = chunk.to_string();
        decoder.frame(Frame { event: None, data: text.as_bytes() }, &mut deltas)?;
        for delta in deltas.0.drain(..) {
            collector.add(delta);
        }
    }
    let mut response = collector.finish();
    response.created = created;
    response.model = model.unwrap_or_default();
    response.extra.shift_remove("provider_specific_fields");
    Ok(response)
}

/// A whole answer, as OpenAI has it: a stream of one chunk.
pub fn response_of(mut answer: Value) -> Result<ChatResponse> {
    for choice in answer.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(choice) = choice.as_object_mut() else { continue };
        let Some(mut message) = choice.shift_remove("message") else { continue };
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for (index, call) in calls.into_iter().flatten().enumerate() {
            if let Some(call) = call.as_object_mut() {
                call.insert("index".into(), index.into());
            }
        }
        choice.insert("delta".into(), message);
    }
    collect_chunks(vec![answer])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_answer_is_read() {
        let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
        let response = response_of(json!({
            "id": "x", "created": 5, "model": "m",
            "choices": [{ "index": 0, "finish_reason": "tool_calls",
                          "message": { "role": "assistant", "content": "hi", "tool_calls": [call] } }],
            "usage": { "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3 },
        }))
        .unwrap();
        assert_eq!((response.id.as_str(), response.created, response.model.as_str()), ("x", 5, "m"));
        let message = &response.choices[0].message;
        assert_eq!(message.content.as_deref(), Some("hi"));
        assert_eq!(message.tool_calls[0].function.name.as_deref(), Some("f"));
        assert_eq!(response.usage.unwrap().total_tokens, 3);
    }
}
