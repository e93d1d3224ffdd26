//! A chat completion: encode, send, decode; whole or as a stream.

use std::time::Instant;

use super::chat_call::ChatCall;
use super::exchange::{Exchange, Failure, Outcome};
use super::stream::{ChatStream, StreamSettings};
use super::{Answer, Engine, chat_wire, media, new_call_id, new_chat_id, now};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, ChatResponse, Target};
use crate::tokens;
use crate::transport::{Body, Transport};
use crate::wires::{HttpReply, Memo, Prepared, StreamWire};

/// What every attempt of a chat completion shares.
struct Job {
    exchange: Exchange,
    request: ChatRequest,
    memo: Memo,
    wire: &'static dyn StreamWire,
    include_usage: bool,
    repeated_chunk_limit: u32,
    /// The request was changed once already.
    repaired: bool,
}

pub async fn answer(engine: &Engine, call: ChatCall, started: Instant) -> Result<Answer> {
    let mut job = Job::prepare(&engine.transport, call, started).await?;
    loop {
        match job.whole(engine).await {
            Ok(reply) => return job.answer(reply),
            // Boxed, as what else is rare: each call would carry the room for it.
            Err(failure) => Box::pin(job.again(*failure)).await?,
        }
    }
}

pub async fn stream(engine: &Engine, call: ChatCall, started: Instant) -> Result<ChatStream> {
    let mut job = Job::prepare(&engine.transport, call, started).await?;
    loop {
        match job.exchange.body(engine, job.wire).await {
            Ok(body) => return job.stream(engine, body).await,
            Err(failure) => Box::pin(job.again(*failure)).await?,
        }
    }
}

impl Job {
    async fn prepare(transport: &Transport, call: ChatCall, started: Instant) -> Result<Self> {
        let ChatCall { mut request, envelope, include_usage, repeated_chunk_limit, .. } = call;
        let target = envelope.target();
        let named = |error: Error| error.at(&target.provider, &target.model);
        let wire = chat_wire(target)?;
        let wanted = wire.remote_media(&request, target);
        if !wanted.is_empty() {
            let fetched = media::fetch(transport, &envelope.connection, envelope.limits, wanted);
            let fetched = Box::pin(fetched).await;
            request.media = fetched.map_err(named)?;
        }
        let Prepared { call: http, memo } = wire.encode(&request, target).map_err(named)?;
        Ok(Self {
            exchange: Exchange::new(envelope, http, started)?,
            request,
            memo,
            wire,
            include_usage,
            repeated_chunk_limit,
            repaired: false,
        })
    }

    fn target(&self) -> &Target {
        self.exchange.target()
    }

    /// The next attempt: of the request as the wire would try it instead (ANT-20), or of the same one.
    async fn again(&mut self, failure: Failure) -> Result<()> {
        let repaired = match &failure.facts {
            Some(facts) if !self.repaired => self.wire.repaired(&self.request, facts),
            _ => None,
        };
        let Some(request) = repaired else { return self.exchange.again(failure).await };
        tracing::debug!(provider = %self.target().provider, error = %failure.error, "repaired");
        self.repaired = true;
        let target = self.target();
        let prepared = self.wire.encode(&request, target);
        let Prepared { call, memo } = prepared.map_err(|error| error.at(&target.provider, &target.model))?;
        self.request = request;
        self.memo = memo;
        self.exchange.replace(call)
    }

    /// One attempt: the reply that holds the answer, after as many requests as the wire asks for.
    async fn whole(&mut self, engine: &Engine) -> Outcome<HttpReply> {
        let reply = self.exchange.reply(engine, self.wire).await?;
        match self.followed(engine, reply, Wanted::Whole).await? {
            Followed::Reply(reply) => Ok(reply),
            Followed::Stream(body) => {
                let limits = self.exchange.envelope.limits;
                Box::pin(body.collect(limits)).await.map_err(|error| self.exchange.broken(error))
            }
        }
    }

    /// Makes the further requests that the wire asks for after a reply.
    async fn followed(&mut self, engine: &Engine, mut reply: HttpReply, wanted: Wanted) -> Outcome<Followed> {
        let limits = self.exchange.envelope.limits;
        let deadline = Instant::now() + limits.total;
        loop {
            let next = self.wire.next(&self.request, &reply, &mut self.memo, self.exchange.target());
            let Some(next) = next.map_err(|error| self.exchange.broken(error))? else {
                return Ok(Followed::Reply(reply));
            };
            let body = Box::pin(self.exchange.further(engine, next, deadline, self.wire)).await?;
            if wanted == Wanted::Streamed && !body.is_json() {
                return Ok(Followed::Stream(body));
            }
            reply = Box::pin(body.collect(limits)).await.map_err(|error| self.exchange.broken(error))?;
        }
    }

    fn answer(self, reply: HttpReply) -> Result<Answer> {
        let mut response = match self.wire.decode(&reply, &self.memo, self.target()) {
            Ok(response) => response,
            Err(error) => return Err(self.exchange.decorate(error, &reply.headers)),
        };
        self.exchange.log_reply(&reply);
        complete(&mut response);
        let mut meta = self.exchange.meta_of(reply);
        meta.response_model = Some(response.model.clone());
        Ok(Answer { response, meta })
    }

    /// No stream at all: an error with a good status, or a server that does not stream (STR-30).
    fn replayed(self, reply: HttpReply) -> Result<ChatStream> {
        let response = self
            .wire
            .decode(&reply, &self.memo, self.target())
            .map_err(|error| self.exchange.decorate(error, &reply.headers))?;
        let mut meta = self.exchange.meta(reply.status, reply.headers);
        meta.response_model = Some(response.model.clone());
        Ok(ChatStream::replayed(response, meta, self.include_usage))
    }

    async fn stream(mut self, engine: &Engine, mut body: Body) -> Result<ChatStream> {
        let limits = self.exchange.envelope.limits;
        if body.is_json() {
            let reply = body.collect(limits).await.map_err(|error| self.exchange.transport_failure(error))?;
            let followed = self.followed(engine, reply, Wanted::Streamed).await;
            body = match followed.map_err(|failure| failure.error)? {
                Followed::Stream(body) => body,
                Followed::Reply(reply) => return self.replayed(reply),
            };
        }
        let meta = self.exchange.meta(body.status(), body.headers().clone());
        let decoder = self.wire.decoder(self.memo.clone(), self.target());
        let settings = StreamSettings {
            idle: limits.idle,
            include_usage: self.include_usage,
            repeated_chunk_limit: self.repeated_chunk_limit,
            reply_model: self.target().accent.streams_name_model,
            context: self.exchange.error_context(),
        };
        let settings = settings.errors_as(self.target().accent.stream_errors_as.as_deref());
        Ok(ChatStream::live(body, self.wire.framing(), decoder, meta, settings))
    }
}

/// How the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Whole,
    Streamed,
}

/// What the last of a call's requests has brought.
enum Followed {
    Reply(HttpReply),
    Stream(Body),
}

/// Fills in what a provider left out (OSS-02, STR-09, USG-08).
pub fn complete(response: &mut ChatResponse) {
    if let Some(usage) = &mut response.usage {
        let reasoning =
            response.choices.first().and_then(|choice| choice.message.reasoning_content.as_deref());
        tokens::estimate_reasoning(usage, reasoning.unwrap_or_default());
    }
    if response.id.is_empty() {
        response.id = new_chat_id();
    }
    if response.created == 0 {
        response.created = now();
    }
    for choice in &mut response.choices {
        for call in &mut choice.message.tool_calls {
            call.id.get_or_insert_with(new_call_id);
        }
    }
}
