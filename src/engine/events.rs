//! Streams in a caller's own format: the provider's events handed on, or a chat completion's chunks encoded.
//!
//! Pull, not push, as [`ChatStream`]: upstream is read only when the caller asks for more (STR-25), and dropping the
//! stream closes its connection (STR-24).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::cached::EventTee;
use super::error_context::ErrorContext;
use super::stream::{ChatStream, StreamOwner, mid_stream};
use super::{Meta, Routing, exchange::Exchange};
use crate::error::{Error, Result};
use crate::hub::{CallType, Usage};
use crate::transport::{Body, Rest};
use crate::wires::framing::{Frame, Frames};
use crate::wires::{Event, EventEncoder, EventReader, EventWire, Memo, Seen};

/// The most events in one batch; the rest stays upstream.
const BATCH: usize = 64;

/// A streamed call in the caller's own format.
pub struct EventStream {
    call_type: CallType,
    source: Source,
    meta: Meta,
    /// An error that comes after the events before it were handed out.
    failed: Option<Error>,
    ended: bool,
    rest: Option<Rest>,
    /// Keeps what passes by.
    tee: Option<Box<EventTee>>,
    /// What was read to see that the stream has begun.
    held: Vec<Event>,
    /// Told of the end by its own end.
    owner: Option<Box<dyn StreamOwner>>,
}

enum Source {
    /// The provider speaks the caller's language.
    Native(Box<Native>),
    /// It is asked for a chat completion.
    Bridged { stream: Box<ChatStream>, encoder: Box<dyn EventEncoder> },
    /// Events that are there already.
    Canned(Vec<Event>),
}

struct Native {
    body: Body,
    frames: Frames,
    reader: Box<dyn EventReader>,
    idle: Duration,
    context: ErrorContext,
}

impl EventStream {
    /// What an upstream answers to a request for a stream.
    pub(super) async fn native(
        exchange: &Exchange,
        body: Body,
        wire: &'static dyn EventWire,
        memo: &Memo,
    ) -> Result<Self> {
        let limits = exchange.envelope.limits;
        let target = exchange.target();
        let meta = exchange.meta(body.status(), body.headers().clone());
        let source = if body.is_json() {
            // A server that does not stream (STR-30).
            let reply = body.collect(limits).await.map_err(|error| exchange.transport_failure(error))?;
            let events = wire
                .decode(&reply, memo, target)
                .map(|answer| wire.replay(answer.into_json()))
                .map_err(|error| exchange.decorate(error, &reply.headers))?;
            Source::Canned(events)
        } else {
            Source::Native(Box::new(Native {
                body,
                frames: Frames::new(wire.framing()),
                reader: wire.reader(memo, target),
                idle: limits.idle,
                context: exchange.error_context(),
            }))
        };
        Ok(Self::new(target.call_type, source, meta))
    }

    pub(super) fn bridged(call_type: CallType, stream: ChatStream, encoder: Box<dyn EventEncoder>) -> Self {
        let meta = stream.meta().clone();
        Self::new(call_type, Source::Bridged { stream: Box::new(stream), encoder }, meta)
    }

    /// Events that were kept.
    pub(super) fn canned(call_type: CallType, events: Vec<Event>, meta: Meta) -> Self {
        Self::new(call_type, Source::Canned(events), meta)
    }

    /// Keeps the stream's events once it has ended well.
    pub(super) fn keep_with(&mut self, tee: EventTee) {
        self.tee = Some(Box::new(tee));
    }

    fn new(call_type: CallType, source: Source, meta: Meta) -> Self {
        Self {
            call_type,
            source,
            meta,
            failed: None,
            ended: false,
            rest: None,
            held: Vec::new(),
            owner: None,
            tee: None,
        }
    }

    /// Says who is told of the stream's end, and how the stream was come by.
    pub fn own(&mut self, owner: Box<dyn StreamOwner>, routing: Arc<Routing>) {
        self.meta.routing = Some(routing.clone());
        match &mut self.source {
            Source::Bridged { stream, .. } => stream.own(owner, routing),
            Source::Native(_) | Source::Canned(_) => self.owner = Some(owner),
        }
    }

    /// Reads until there is something, which is handed out later.
    ///
    /// # Errors
    /// The failure itself, and not one in mid-stream: nothing has been handed out.
    pub async fn begin(&mut self) -> Result<()> {
        if let Source::Bridged { stream, .. } = &mut self.source {
            return stream.begin().await;
        }
        match self.read_batch().await {
            Ok(events) => self.held = events,
            Err(mut error) => return Err(error.facts_mut().cause.take().unwrap_or(error)),
        }
        Ok(())
    }

    pub fn call_type(&self) -> CallType {
        self.call_type
    }

    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The counts of the stream so far, where a chat completion is behind it; events have theirs in themselves.
    pub fn usage(&self) -> Option<Cow<'_, Usage>> {
        match &self.source {
            Source::Bridged { stream, .. } => stream.usage(),
            Source::Native(_) | Source::Canned(_) => None,
        }
    }

    /// As [`ChatStream::take_uncounted`].
    pub fn take_uncounted(&mut self) -> Option<(String, String)> {
        match &mut self.source {
            Source::Bridged { stream, .. } => stream.take_uncounted(),
            Source::Native(_) | Source::Canned(_) => None,
        }
    }

    /// Whether the provider was asked for a chat completion instead.
    pub fn is_bridged(&self) -> bool {
        matches!(self.source, Source::Bridged { .. })
    }

    /// What is left to do for the connection of a stream that has ended: its owner finds a place for that.
    pub fn take_rest(&mut self) -> Option<Rest> {
        match &mut self.source {
            Source::Bridged { stream, .. } => stream.take_rest(),
            Source::Native(_) | Source::Canned(_) => self.rest.take(),
        }
    }

    /// Waits until there is something, then takes all that is ready. An empty batch means the end.
    pub async fn next_batch(&mut self) -> Result<Vec<Event>> {
        if !self.held.is_empty() {
            return Ok(std::mem::take(&mut self.held));
        }
        let read = self.read_batch().await;
        if let Some(mut owner) = self.owner.take() {
            match &read {
                Ok(events) if events.is_empty() => owner.ended(None),
                Ok(_) => self.owner = Some(owner),
                Err(error) => {
                    // Nothing goes on here: what a caller has read of events cannot be joined to others.
                    let cause = error.facts().cause.as_ref().unwrap_or(error);
                    owner.broke_off(cause, None, None).await;
                }
            }
        }
        read
    }

    async fn read_batch(&mut self) -> Result<Vec<Event>> {
        let mut out = Vec::new();
        while out.is_empty() {
            if let Some(error) = self.failed.take() {
                self.ended = true;
                return Err(error);
            }
            if self.ended {
                return Ok(out);
            }
            let pulled = self.pull(&mut out).await;
            if pulled.is_err() || self.tee.as_mut().is_some_and(|tee| !tee.add(&out)) {
                self.tee = None;
            }
            if let Err(error) = pulled {
                self.failed = Some(error);
            } else if self.ended
                && let Some(tee) = self.tee.take()
            {
                tee.finish();
            }
        }
        Ok(out)
    }

    /// The events of a failure, in the caller's format (STR-16): for faces that have no exceptions.
    pub fn encode_failure(&mut self, error: &Error) -> Vec<Event> {
        let mut out = Vec::new();
        if let Source::Bridged { encoder, .. } = &mut self.source {
            encoder.fail(error, &mut out);
        }
        out
    }

    async fn pull(&mut self, out: &mut Vec<Event>) -> Result<()> {
        match &mut self.source {
            Source::Native(native) => {
                let mut done = native.pull(out).await.map_err(|cause| native.explain(cause, &self.meta))?;
                // What has arrived meanwhile costs no further wait.
                while !done && out.len() < BATCH {
                    let Some(read) = native.body.read_ready() else { break };
                    let taken = read.and_then(|read| native.take(read, out));
                    done = taken.map_err(|cause| native.explain(cause, &self.meta))?;
                }
                if done {
                    self.ended = true;
                    // The connection goes back to its pool, or is closed, now rather than when the caller lets go.
                    let source = std::mem::replace(&mut self.source, Source::Canned(Vec::new()));
                    if let Source::Native(native) = source {
                        self.rest = native.body.finish();
                    }
                }
            }
            Source::Bridged { stream, encoder } => {
                let chunks = stream.next_batch().await?;
                self.ended = chunks.is_empty();
                let head = stream.head();
                for chunk in chunks {
                    encoder.chunk(chunk, head, out);
                }
                if self.ended {
                    encoder.finish(head, out);
                }
            }
            Source::Canned(events) => {
                out.append(events);
                self.ended = true;
            }
        }
        Ok(())
    }
}

impl Native {
    /// Reads on; true at the end.
    async fn pull(&mut self, out: &mut Vec<Event>) -> Result<bool> {
        let read = self.body.read(self.idle).await?;
        self.take(read, out)
    }

    /// One read, or the end of the body; true when the stream has ended.
    fn take(&mut self, read: Option<bytes::Bytes>, out: &mut Vec<Event>) -> Result<bool> {
        let Self { frames, reader, .. } = self;
        let at_end = read.is_none();
        let mut done = false;
        let mut each = |frame: Frame<'_>| -> Result<bool> {
            done = reader.frame(frame, out)? == Seen::Done;
            Ok(!done)
        };
        match read {
            Some(read) => {
                frames.push(read, &mut each)?;
            }
            None => frames.finish(&mut each)?,
        }
        if at_end && !done {
            reader.end()?;
        }
        Ok(at_end || done)
    }

    fn explain(&self, cause: Error, meta: &Meta) -> Error {
        mid_stream(cause, &self.context, meta, None)
    }
}
