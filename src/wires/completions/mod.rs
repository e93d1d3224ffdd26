//! OpenAI's text completions, and those that fill in the middle, as chat: the conversation is the prompt.

use serde_json::{Value, json};

use super::framing::{Frame, Framing};
use super::openai::Openai;
use super::prompt::{self, Template};
use super::{ErrorFacts, HttpReply, Memo, Prepared, Seen, StreamDecoder, StreamWire, Wire};
use crate::error::{Error, Kind, Result};
use crate::hub::{Chat, ChatRequest, ChatResponse, Deltas, Target, Usage};
use crate::json::Map;

#[derive(Debug)]
pub struct Completions;

impl Wire<Chat> for Completions {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        Openai.supports(parameter, target)
    }

    /// OpenAI's body with a prompt in place of the messages.
    fn encode(&self, request: &ChatRequest, target: &Target) -> Result<Prepared> {
        prompt::check(&request.messages, target)?;
        let text = prompt::render(&request.messages, Template::Words, target)?;
        let mut prepared = Openai.encode(&ChatRequest { messages: Vec::new(), ..request.clone() }, target)?;
        let unreadable =
            |error| Error::bad_request("the request cannot be written as JSON").with_source(error);
        let mut body = serde_json::from_slice::<Map>(&prepared.call.body).map_err(unreadable)?;
        body.shift_remove("messages");
        body.entry("prompt").or_insert_with(|| text.into());
        prepared.call.body = serde_json::to_vec(&body).map_err(unreadable)?.into();
        Ok(prepared)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<ChatResponse> {
        let mut reply = reply.clone();
        if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
            as_chat(&mut body, "message");
            reply.body = body.to_string().into();
        }
        Openai.decode(&reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        Openai.error_facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        Openai.classify(facts, target)
    }
}

impl StreamWire for Completions {
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    fn decoder(&self, memo: Memo, target: &Target) -> Box<dyn StreamDecoder> {
        Box::new(Decoder(Openai.decoder(memo, target)))
    }
}

/// A choice's text where chat has it: in a `message`, or in a `delta`. Some have it there already.
fn as_chat(body: &mut Value, part: &str) {
    for choice in body.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let Value::Object(choice) = choice else { continue };
        if let Some(text) = choice.shift_remove("text")
            && !choice.contains_key(part)
        {
            choice.insert(part.to_owned(), json!({ "role": "assistant", "content": text }));
        }
    }
}

/// Chunks in chat's form for OpenAI's decoder.
struct Decoder(Box<dyn StreamDecoder>);

impl StreamDecoder for Decoder {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Deltas) -> Result<Seen> {
        let Ok(mut chunk) = serde_json::from_slice::<Value>(frame.data) else {
            return self.0.frame(frame, out);
        };
        as_chat(&mut chunk, "delta");
        let text = chunk.to_string();
        self.0.frame(Frame { event: frame.event, data: text.as_bytes() }, out)
    }

    fn end(&mut self, out: &mut Deltas) -> Result<()> {
        self.0.end(out)
    }

    fn usage(&self) -> Option<Usage> {
        self.0.usage()
    }
}
