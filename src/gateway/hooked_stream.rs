//! A streamed answer on its way through hooks: its events go to them as they come, and theirs go to the client.
//!
//! Hooks pull: they are given the events that came, and what they have made of them is awaited before the next ones are
//! read, so that a slow client still slows the upstream down.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};

use super::calls::Shown;
use super::dialect::Dialect;
use super::hooks::{Event, Hooked, Step};
use crate::error::{Error, Kind};

/// The pieces of an answer's body.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>> + Send>>;

const DONE: &str = "[DONE]";

/// What a stream with hooks needs.
#[expect(clippy::struct_excessive_bools, reason = "each is about another end of the stream")]
struct Filter {
    pieces: Pieces,
    hooked: Arc<Hooked>,
    shown: Shown,
    facts: Value,
    /// For those who are told of the whole answer.
    kept: Vec<Value>,
    /// Hooks have more to say before the next events are read.
    has_more: bool,
    /// Held back until the hooks have said all.
    is_done: bool,
    has_read_all: bool,
    ended: bool,
}

/// A stream through the hooks of its request.
pub fn through(hooked: Arc<Hooked>, shown: Shown, facts: Value, pieces: Pieces) -> Pieces {
    let filter = Filter {
        pieces,
        hooked,
        shown,
        facts,
        kept: Vec::new(),
        has_more: false,
        is_done: false,
        has_read_all: false,
        ended: false,
    };
    Box::pin(stream::unfold(filter, |mut filter| async move {
        let mut out = Vec::with_capacity(512);
        while out.is_empty() && !filter.ended {
            filter.step(&mut out).await;
        }
        (!out.is_empty()).then(|| (Ok(Bytes::from(out)), filter))
    }))
}

/// An event of a stream: its name, where it has one, and its data.
type Frame = (Option<String>, Value);

/// The events of a piece, which holds whole ones; texts that are no JSON stay what they are.
fn frames(piece: &[u8]) -> VecDeque<Frame> {
    let text = String::from_utf8_lossy(piece);
    let mut found = VecDeque::new();
    for frame in text.split("\n\n") {
        let (mut name, mut data) = (None, None);
        for line in frame.lines() {
            if let Some(rest) = line.strip_prefix("event:") {
                name = Some(rest.trim().to_owned());
            } else if let Some(rest) = line.strip_prefix("data:") {
                let rest = rest.trim_start();
                data = Some(serde_json::from_str(rest).unwrap_or_else(|_| rest.into()));
            }
        }
        found.extend(data.map(|data| (name, data)));
    }
    found
}

fn write(name: Option<&str>, data: &Value, out: &mut Vec<u8>) {
    if let Some(name) = name {
        out.extend_from_slice(format!("event: {name}\n").as_bytes());
    }
    let text = match data {
        Value::String(text) => text.replace('\n', "\ndata: "),
        other => other.to_string(),
    };
    out.extend_from_slice(format!("data: {text}\n\n").as_bytes());
}

impl Filter {
    async fn step(&mut self, out: &mut Vec<u8>) {
        let mut events = Vec::new();
        if !self.has_more && !self.has_read_all {
            let piece = self.pieces.next().await;
            self.has_read_all = piece.is_none();
            let piece = piece.map(|Ok(piece)| piece).unwrap_or_default();
            for (name, data) in frames(&piece) {
                if data == DONE {
                    self.is_done = true;
                } else if data.get("error").is_some_and(|error| !error.is_null())
                    && data.get("choices").is_none()
                {
                    // The stream has broken off: that goes out as it is.
                    self.broken(&data);
                    write(name.as_deref(), &data, out);
                    self.ended = true;
                    return;
                } else {
                    events.push(data);
                }
            }
        }
        if self.hooked.listens(Event::Success) {
            self.kept.extend(events.iter().cloned());
        }
        let said = if self.hooked.has(Step::Stream) {
            let format = self.shown.call_type.name();
            let facts = json!({ "events": events, "ended": self.has_read_all, "format": format });
            match self.hooked.next_pieces(facts).await {
                Ok(said) => said,
                Err(error) => return self.fail(&error, out),
            }
        } else {
            json!({ "events": events, "ended": self.has_read_all })
        };
        self.has_more = said.get("more") == Some(&Value::Bool(true));
        for event in said.get("events").and_then(Value::as_array).into_iter().flatten() {
            self.show(event.clone(), out);
        }
        if said.get("ended") == Some(&Value::Bool(true)) {
            self.end(out);
        }
    }

    fn show(&self, mut event: Value, out: &mut Vec<u8>) {
        if let Value::Object(chunk) = &mut event
            && !self.shown.usage_asked
            && chunk.contains_key("choices")
            && chunk.get("usage").is_some_and(|usage| !usage.is_null())
        {
            chunk.shift_remove("usage");
            if chunk.get("choices").and_then(Value::as_array).is_some_and(Vec::is_empty) {
                return;
            }
        }
        let is_named = matches!(self.shown.dialect, Dialect::Anthropic)
            || self.shown.call_type == crate::hub::CallType::Responses;
        let name = event.get("type").and_then(Value::as_str).filter(|_| is_named).map(str::to_owned);
        write(name.as_deref(), &event, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.ended = true;
        if self.is_done {
            write(None, &DONE.into(), out);
        }
        if self.hooked.listens(Event::Success) {
            let facts = json!({ "events": std::mem::take(&mut self.kept), "meta": self.facts.take() });
            self.hooked.succeeded(facts);
        }
    }

    fn broken(&self, said: &Value) {
        let message =
            said.pointer("/error/message").and_then(Value::as_str).unwrap_or("the stream broke off");
        self.hooked.tell_failure(&Error::new(Kind::Api, message));
    }

    /// A hook has refused what came, or failed: the client is told, and nothing more is sent.
    fn fail(&mut self, error: &Error, out: &mut Vec<u8>) {
        tracing::warn!(error = %error, "a hook ended a stream");
        self.ended = true;
        self.hooked.tell_failure(error);
        let name = (self.shown.dialect == Dialect::Anthropic).then_some("error");
        write(name, &self.shown.dialect.error_body(error), out);
        if self.shown.dialect == Dialect::OpenAi {
            write(None, &DONE.into(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_written_as_they_are() {
        let piece = b"event: a\ndata: {\"x\":1}\n\ndata: {\"y\":2}\n\ndata: [DONE]\n\n";
        let read = frames(piece);
        let mut out = Vec::new();
        for (name, data) in &read {
            write(name.as_deref(), data, &mut out);
        }
        assert_eq!(read.len(), 3);
        assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8_lossy(piece));
    }
}
