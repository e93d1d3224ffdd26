//! The driver of a stream: reading, framing, limits and errors for all wires in one place.
//!
//! Pull, not push: upstream is read only when the caller asks for more (STR-25), and everything that is there then
//! is handed over in one batch. Dropping the stream closes the upstream connection (STR-24).

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::cached::Tee;
use super::error_context::ErrorContext;
use super::{Meta, Routing, new_call_id, new_chat_id, now, own_headers};
use crate::error::{Error, Kind, Result};
use crate::hub::{ChatResponse, Delta, Deltas, StreamHead, Usage, replay};
use crate::tokens;
use crate::transport::{Body, Rest};
use crate::wires::framing::{Frame, Frames, Framing};
use crate::wires::openai::{Chunk, Chunker};
use crate::wires::{Seen, StreamDecoder};

/// The most chunks in one batch; the rest stays upstream.
const BATCH: usize = 64;
/// The longest text that an error in mid-stream carries, in bytes.
const GENERATED_LIMIT: usize = 1024 * 1024;

/// A streamed chat completion.
pub struct ChatStream {
    source: Source,
    state: State,
    meta: Meta,
    /// An error that comes after the chunks before it were handed out.
    failed: Option<Error>,
    ended: bool,
    rest: Option<Rest>,
    context: Option<ErrorContext>,
    /// What was read to see that the stream has begun.
    held: Vec<Chunk>,
    owner: Option<Box<dyn StreamOwner>>,
    /// What goes on where this stream has broken off.
    successor: Option<Box<ChatStream>>,
    /// What has broken off.
    earlier: Vec<Part>,
    /// What was asked, once the stream has ended without counts.
    question: Option<String>,
}

/// One of several attempts that a stream is made of: each has its own price.
#[derive(Debug, Clone)]
pub struct Part {
    pub meta: Meta,
    /// The model as its chunks name it.
    pub model: String,
    /// What it has counted, or is believed to have.
    pub usage: Usage,
}

/// Who has begun a stream, is told how it ends, and may go on elsewhere when it breaks off.
pub trait StreamOwner: Send {
    /// The stream has ended well.
    fn ended(&mut self, usage: Option<&Usage>);

    /// The texts of the question, where the stream's provider counts nothing.
    fn question(&self) -> Option<String> {
        None
    }

    /// The stream has broken off. `generated` is the text so far, when all of the answer so far is text. Gives a
    /// stream that goes on from there, and what the broken one has counted or is believed to have.
    fn broke_off<'o>(
        &'o mut self,
        error: &'o Error,
        generated: Option<&'o str>,
        usage: Option<Usage>,
    ) -> Continuation<'o>;
}

/// A stream that goes on from a broken one, and the counts of the broken one.
pub type Continuation<'o> = Pin<Box<dyn Future<Output = Option<(ChatStream, Usage)>> + Send + 'o>>;

/// What a stream is made of so far.
struct State {
    deltas: Deltas,
    chunker: Chunker,
    head: StreamHead,
    /// The head still waits for the provider's name of the model.
    wants_model: bool,
    generated: String,
    /// The answer so far is the text of one choice, and nothing else that a reader would miss.
    only_text: bool,
    /// Thinking so far, to be counted when the provider does not.
    reasoning: String,
    repeats: Repeats,
    /// Keeps what passes by.
    tee: Option<Box<Tee>>,
}

/// How a live stream is driven.
pub(super) struct StreamSettings {
    pub idle: Duration,
    pub include_usage: bool,
    pub repeated_chunk_limit: u32,
    /// Chunks name the model as the provider does.
    pub reply_model: bool,
    pub context: ErrorContext,
}

impl StreamSettings {
    /// Lets errors name another provider than the call does.
    pub fn errors_as(mut self, provider: Option<&str>) -> Self {
        if let Some(provider) = provider {
            self.context.provider = provider.into();
        }
        self
    }
}

#[expect(clippy::large_enum_variant, reason = "one for each stream, and nearly always the large one")]
enum Source {
    Live {
        body: Body,
        frames: Frames,
        decoder: Box<dyn StreamDecoder>,
        idle: Duration,
    },
    /// Deltas that are there already, frame by frame.
    Canned(VecDeque<Vec<Delta>>),
}

/// Counts identical pieces of text in a row (STR-23).
#[derive(Debug)]
struct Repeats {
    limit: u32,
    count: u32,
    last: String,
}

impl ChatStream {
    pub(super) fn live(
        body: Body,
        framing: Framing,
        decoder: Box<dyn StreamDecoder>,
        meta: Meta,
        settings: StreamSettings,
    ) -> Self {
        let source = Source::Live { body, frames: Frames::new(framing), decoder, idle: settings.idle };
        let mut stream = Self::new(
            source,
            meta,
            settings.include_usage,
            settings.repeated_chunk_limit,
            Some(settings.context),
        );
        stream.state.wants_model = settings.reply_model;
        stream
    }

    /// Deltas without an upstream: a mock.
    pub(super) fn canned(frames: Vec<Vec<Delta>>, meta: Meta, include_usage: bool) -> Self {
        Self::new(Source::Canned(frames.into()), meta, include_usage, u32::MAX, None)
    }

    /// A whole response as a stream (STR-30).
    pub(super) fn replayed(response: ChatResponse, meta: Meta, include_usage: bool) -> Self {
        let head = StreamHead {
            id: response.id.clone(),
            created: if response.created == 0 { now() } else { response.created },
            model: meta.model.clone(),
            system_fingerprint: response.system_fingerprint.clone(),
        };
        let mut stream = Self::canned(vec![replay(response).0], meta, include_usage);
        stream.state.head = head;
        stream
    }

    /// Keeps the stream's answer once it has ended well.
    pub(super) fn keep_with(&mut self, tee: Tee) {
        self.state.tee = Some(Box::new(tee));
    }

    fn new(
        source: Source,
        meta: Meta,
        include_usage: bool,
        limit: u32,
        context: Option<ErrorContext>,
    ) -> Self {
        let head = StreamHead {
            id: String::new(),
            created: now(),
            model: meta.model.clone(),
            system_fingerprint: None,
        };
        let state = State {
            deltas: Deltas::default(),
            chunker: Chunker::new(include_usage, new_call_id),
            head,
            wants_model: false,
            generated: String::new(),
            only_text: true,
            reasoning: String::new(),
            repeats: Repeats { limit, count: 0, last: String::new() },
            tee: None,
        };
        Self {
            source,
            state,
            meta,
            failed: None,
            ended: false,
            rest: None,
            context,
            held: Vec::new(),
            owner: None,
            successor: None,
            earlier: Vec::new(),
            question: None,
        }
    }

    /// Says who is told of the stream's end, and how the stream was come by.
    pub fn own(&mut self, owner: Box<dyn StreamOwner>, routing: Arc<Routing>) {
        self.owner = Some(owner);
        self.meta.routing = Some(routing);
    }

    /// Reads until there is content, which is handed out later.
    ///
    /// # Errors
    /// The failure itself, and not one in mid-stream: nothing has been handed out.
    pub async fn begin(&mut self) -> Result<()> {
        loop {
            match self.read_batch().await {
                Ok(chunks) => {
                    let is_begun = chunks.is_empty() || chunks.iter().any(Chunk::has_content);
                    self.held.extend(chunks);
                    if is_begun {
                        return Ok(());
                    }
                }
                Err(mut error) => return Err(error.facts_mut().cause.take().unwrap_or(error)),
            }
        }
    }

    /// What is left to do for the connection of a stream that has ended: its owner finds a place for that.
    pub fn take_rest(&mut self) -> Option<Rest> {
        self.rest.take()
    }

    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Complete once the first chunk is out.
    pub fn head(&self) -> &StreamHead {
        &self.state.head
    }

    /// The counts of the stream so far; the caller may not have asked for them.
    pub fn usage(&self) -> Option<Cow<'_, Usage>> {
        let Some(successor) = &self.successor else { return self.usage_of_this().map(Cow::Owned) };
        let mut usage = successor.usage()?.into_owned();
        self.earlier.iter().for_each(|part| usage.add(&part.usage));
        Some(Cow::Owned(usage))
    }

    /// The attempts that the stream is made of, when it has been continued.
    pub fn parts(&self) -> Vec<Part> {
        let Some(successor) = &self.successor else { return Vec::new() };
        let last = successor.usage_of_this().map(|usage| successor.part(usage));
        self.earlier.iter().cloned().chain(last).collect()
    }

    fn part(&self, usage: Usage) -> Part {
        Part { meta: self.meta.clone(), model: self.state.head.model.clone(), usage }
    }

    fn usage_of_this(&self) -> Option<Usage> {
        let told = self.state.chunker.usage().cloned();
        told.or_else(|| match &self.source {
            Source::Live { decoder, .. } => decoder.usage(),
            Source::Canned(_) => None,
        })
    }

    /// Question and answer so far as texts, to be counted where the provider has not: `None` where it has, or where
    /// nobody knows the question.
    pub fn take_uncounted(&mut self) -> Option<(String, String)> {
        if self.usage().is_some() {
            return None;
        }
        let question =
            self.question.take().or_else(|| self.owner.as_ref().and_then(|owner| owner.question()))?;
        let mut answer = std::mem::take(&mut self.state.reasoning);
        answer.push_str(&self.state.generated);
        if let Some(successor) = &self.successor {
            answer.push_str(&successor.state.generated);
        }
        Some((question, answer))
    }

    /// Waits until there is something, then takes all that is ready. An empty batch means the end.
    pub async fn next_batch(&mut self) -> Result<Vec<Chunk>> {
        if !self.held.is_empty() {
            return Ok(std::mem::take(&mut self.held));
        }
        if self.owner.is_none() {
            return self.read_batch().await;
        }
        loop {
            let read = match &mut self.successor {
                Some(successor) => Box::pin(successor.next_batch()).await,
                None => self.read_batch().await,
            };
            match read {
                Ok(chunks) if chunks.is_empty() => {
                    // What has broken off was counted then, and what comes from a cache is not counted.
                    let last = self.successor.as_deref().unwrap_or(self);
                    let usage = last.usage_of_this().filter(|_| last.meta.cached.is_none());
                    if let Some(mut owner) = self.owner.take() {
                        owner.ended(usage.as_ref());
                        if usage.is_none() && self.meta.cached.is_none() {
                            self.question = owner.question();
                        }
                    }
                    if let Some(successor) = &mut self.successor {
                        self.rest = successor.take_rest();
                    }
                    return Ok(chunks);
                }
                Ok(mut chunks) => {
                    if self.successor.is_some() {
                        self.join(&mut chunks);
                    }
                    return Ok(chunks);
                }
                Err(error) => self.go_on(error).await?,
            }
        }
    }

    /// Makes the chunks of a successor go on from those before them.
    fn join(&self, chunks: &mut [Chunk]) {
        for chunk in chunks {
            for choice in &mut chunk.choices {
                choice.role = false;
            }
            if let Some(usage) = &mut chunk.usage {
                self.earlier.iter().for_each(|part| usage.add(&part.usage));
            }
        }
    }

    /// Puts a successor in place after a failure, or hands the failure back.
    async fn go_on(&mut self, mut error: Error) -> Result<()> {
        let mut only_text = self.state.only_text;
        let mut usage = self.usage_of_this();
        if let Some(successor) = &mut self.successor {
            only_text &= successor.state.only_text;
            self.state.generated.push_str(&successor.state.generated);
            usage = successor.usage_of_this();
            error.facts_mut().generated = Some(self.state.generated.clone());
        }
        let Some(mut owner) = self.owner.take() else { return Err(error) };
        let generated = only_text.then_some(self.state.generated.as_str());
        let cause = error.facts_mut().cause.take();
        let next = owner.broke_off(cause.as_ref().unwrap_or(&error), generated, usage).await;
        error.facts_mut().cause = cause;
        let Some((stream, counted)) = next else { return Err(error) };
        let broken = self.successor.as_deref().unwrap_or(self).part(counted);
        self.earlier.push(broken);
        self.owner = Some(owner);
        self.successor = Some(Box::new(stream));
        Ok(())
    }

    async fn read_batch(&mut self) -> Result<Vec<Chunk>> {
        let mut out = Vec::new();
        while out.is_empty() {
            if let Some(error) = self.failed.take() {
                self.ended = true;
                return Err(error);
            }
            if self.ended {
                return Ok(out);
            }
            if let Err(error) = self.pull(&mut out).await {
                self.failed = Some(self.explain(error));
            }
        }
        if self.state.head.id.is_empty() {
            self.state.head.id = new_chat_id();
        }
        Ok(out)
    }

    async fn pull(&mut self, out: &mut Vec<Chunk>) -> Result<()> {
        let read = match &mut self.source {
            Source::Canned(frames) => {
                match frames.pop_front() {
                    Some(deltas) => {
                        self.state.deltas.0 = deltas;
                        self.state.absorb(out)?;
                    }
                    None => self.close(out),
                }
                return Ok(());
            }
            Source::Live { body, idle, .. } => body.read(*idle).await?,
        };
        self.take(read, out)?;
        // What has arrived meanwhile costs no further wait.
        while !self.ended && out.len() < BATCH {
            let Source::Live { body, .. } = &mut self.source else { break };
            match body.read_ready() {
                Some(read) => self.take(read?, out)?,
                None => break,
            }
        }
        Ok(())
    }

    /// One read, or the end of the body.
    fn take(&mut self, read: Option<bytes::Bytes>, out: &mut Vec<Chunk>) -> Result<()> {
        let Self { source: Source::Live { frames, decoder, .. }, state, .. } = self else { return Ok(()) };
        let at_end = read.is_none();
        let mut done = false;
        let mut each = |frame: Frame<'_>| -> Result<bool> {
            let seen = decoder.frame(frame, &mut state.deltas)?;
            state.absorb(out)?;
            done = seen == Seen::Done;
            Ok(!done)
        };
        match read {
            Some(read) => {
                frames.push(read, &mut each)?;
            }
            None => frames.finish(&mut each)?,
        }
        if at_end || done {
            let ended = decoder.end(&mut state.deltas);
            state.absorb(out)?;
            ended?;
            self.close(out);
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Chunk>) {
        if let Some(usage) = self.state.chunker.usage_mut() {
            tokens::estimate_reasoning(usage, &self.state.reasoning);
        }
        self.state.chunker.finish(out);
        self.ended = true;
        if let Some(tee) = self.state.tee.take() {
            if self.state.head.id.is_empty() {
                self.state.head.id = new_chat_id();
            }
            tee.finish(&self.state.head);
        }
        // The connection goes back to its pool, or is closed, now rather than when the caller lets go.
        if let Source::Live { body, .. } =
            std::mem::replace(&mut self.source, Source::Canned(VecDeque::new()))
        {
            self.rest = body.finish();
        }
    }

    fn explain(&self, cause: Error) -> Error {
        match &self.context {
            Some(context) => mid_stream(cause, context, &self.meta, Some(self.state.generated.clone())),
            None => cause,
        }
    }
}

/// Any failure once the stream has begun is a failure in mid-stream, with its cause and the text so far.
pub(super) fn mid_stream(
    cause: Error,
    context: &ErrorContext,
    meta: &Meta,
    generated: Option<String>,
) -> Error {
    let cause = context.name(cause);
    let mut error = Error::new(Kind::MidStream, cause.message().to_owned()).with_status(cause.status());
    error = context.count(error).at(&context.provider, &context.model);
    let facts = error.facts_mut();
    facts.headers = own_headers(&meta.headers);
    facts.generated = generated;
    facts.cause = Some(cause);
    error
}

impl State {
    /// Turns the deltas of one frame into chunks.
    fn absorb(&mut self, out: &mut Vec<Chunk>) -> Result<()> {
        let mut failed = Ok(());
        for delta in &mut self.deltas.0 {
            match delta {
                Delta::Open { id, model, system_fingerprint } => {
                    if self.wants_model
                        && let Some(model) = model.take().filter(|model| !model.is_empty())
                    {
                        self.head.model = model;
                        self.wants_model = false;
                    }
                    if self.head.id.is_empty()
                        && let Some(id) = id.take()
                    {
                        self.head.id = id;
                    }
                    if self.head.system_fingerprint.is_none() {
                        self.head.system_fingerprint = system_fingerprint.take();
                    }
                }
                Delta::Text { choice: 0, text } => {
                    if self.generated.len() + text.len() <= GENERATED_LIMIT {
                        self.generated.push_str(text);
                    }
                    if self.repeats.is_stuck(text) {
                        failed = Err(Error::new(
                            Kind::InternalServer,
                            format!("the model repeats the same chunk = {text} without end"),
                        ));
                    }
                }
                Delta::Reasoning { choice: 0, text }
                    if self.reasoning.len() + text.len() <= GENERATED_LIMIT =>
                {
                    self.reasoning.push_str(text);
                }
                Delta::Usage(_)
                | Delta::Finish { .. }
                | Delta::ChunkField { .. }
                | Delta::Reasoning { choice: 0, .. }
                | Delta::ThinkingBlock { choice: 0, .. } => {}
                _ => self.only_text = false,
            }
        }
        if self.tee.as_mut().is_some_and(|tee| !tee.add(&self.deltas.0)) {
            self.tee = None;
        }
        self.chunker.add(&mut self.deltas.0, out);
        failed
    }
}

impl Repeats {
    fn is_stuck(&mut self, text: &str) -> bool {
        if text.chars().nth(2).is_none() || text != self.last {
            self.last.clear();
            self.last.push_str(text);
            self.count = 1;
            return false;
        }
        self.count += 1;
        self.count >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn str_23_what_repeats_is_measured_in_characters() {
        let stuck = |text: &str| {
            let mut repeats = Repeats { limit: 3, count: 0, last: String::new() };
            (0..3).any(|_| repeats.is_stuck(text))
        };
        assert!(!stuck("ab") && !stuck("äö") && !stuck("你好"));
        assert!(stuck("abc") && stuck("äöü"));
    }
}
