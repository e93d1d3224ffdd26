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
