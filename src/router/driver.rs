//! Carries plans out: the one place of the router that waits.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::plan::{Attempt, Plan, Step};
use super::stream::Owner;
use crate::config::Environment;
use crate::engine::{
    Answer, Call, CallAnswer, ChatCall, ChatStream, Engine, EventStream, Keywords, Meta, Preview, Settings,
    Shown,
};
use crate::error::{Error, Kind, Result};
use crate::hub::{CallResponse, CallType, Upload};
use crate::json::count_at;

/// What calls are made with. Cheap to clone: a stream that may go on elsewhere keeps one.
#[derive(Clone)]
pub struct Caller<E> {
    pub engine: E,
    pub settings: Arc<Settings>,
    pub environment: &'static (dyn Environment + Sync),
    /// Answers keep the upstream's reply, for those who log it.
    pub keep_reply: bool,
}

/// A handle on an engine: a reference that lives for good, or a shared one.
pub trait Handle: Deref<Target = Engine> + Clone + Send + Sync + 'static {}
impl<E: Deref<Target = Engine> + Clone + Send + Sync + 'static> Handle for E {}

/// What a call brings.
pub enum Outcome {
    Chat(Box<Answer>),
    Stream(Box<ChatStream>),
    Call(Box<CallAnswer>),
    Events(Box<EventStream>),
}

impl Outcome {
    fn meta_mut(&mut self) -> Option<&mut Meta> {
        match self {
            Self::Chat(answer) => Some(&mut answer.meta),
            Self::Call(answer) => Some(&mut answer.meta),
            Self::Stream(_) | Self::Events(_) => None,
        }
    }

    /// Tokens of a whole answer, where it says so; without those that came from a cache.
    fn tokens(&self) -> u64 {
        let (meta, tokens) = match self {
            Self::Chat(answer) => {
                (&answer.meta, answer.response.usage.as_ref().map_or(0, |usage| usage.total_tokens))
            }
            Self::Call(answer) => match &answer.response {
                CallResponse::Json(value) => (&answer.meta, tokens_of(value)),
                CallResponse::Bytes { .. } => return 0,
            },
            Self::Stream(_) | Self::Events(_) => return 0,
        };
        meta.cached.as_ref().map_or(tokens, |cached| cached.asked_tokens)
    }

    /// The id of a response that only its deployment holds.
    fn response_id(&self) -> Option<&str> {
        match self {
            Self::Call(answer) if answer.call_type == CallType::Responses => match &answer.response {
                CallResponse::Json(value) => value.get("id")?.as_str(),
                CallResponse::Bytes { .. } => None,
            },
            _ => None,
        }
    }
}

/// Tokens as an answer tells them: OpenAI's names, those of Messages and Responses, or Google's.
fn tokens_of(answer: &Value) -> u64 {
    const TOTALS: [&str; 2] = ["total_tokens", "totalTokenCount"];
    const PARTS: [&[&str]; 3] = [
        &["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"],
        &["prompt_tokens", "completion_tokens"],
        &["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"],
    ];
    let usage = ["usage", "usageMetadata"].iter().find_map(|name| answer.get(*name)?.as_object());
    let Some(usage) = usage else { return 0 };
    let total = TOTALS.iter().map(|name| count_at(usage, name)).find(|count| *count > 0);
    let sum = |names: &[&str]| names.iter().map(|name| count_at(usage, name)).sum::<u64>();
    total.or_else(|| PARTS.into_iter().map(sum).find(|count| *count > 0)).unwrap_or_default()
}

impl<E: Handle> Caller<E> {
    /// One request, until its answer or the first content of its stream.
    pub async fn perform(
        &self,
        call_type: Option<CallType>,
        keywords: Keywords,
        files: Vec<Upload>,
    ) -> Result<Outcome> {
        let engine: &Engine = &self.engine;
        match call_type {
            None | Some(CallType::Chat) => {
                let mut call = ChatCall::from_keywords(keywords, &self.settings, self.environment)?;
                call.envelope.keep_reply = self.keep_reply;
                if call.request.stream {
                    let mut stream = engine.chat_stream(call).await?;
                    stream.begin().await?;
                    return Ok(Outcome::Stream(Box::new(stream)));
                }
                Ok(Outcome::Chat(Box::new(engine.chat(call).await?)))
            }
            Some(call_type) => {
                let mut call =
                    Call::from_keywords(call_type, keywords, files, &self.settings, self.environment)?;
                call.envelope_mut().keep_reply = self.keep_reply;
                if call.is_stream() {
                    let mut stream = engine.call_stream(call).await?;
                    stream.begin().await?;
                    return Ok(Outcome::Events(Box::new(stream)));
                }
                Ok(Outcome::Call(Box::new(engine.call(call).await?)))
            }
        }
    }

    fn start(&self, plan: &Plan, attempt: &Attempt) -> Pin<Box<dyn Future<Output = Result<Outcome>> + Send>> {
        let (caller, keywords) = (self.clone(), plan.keywords(attempt));
        let (call_type, files) = (plan.asked.call_type, plan.asked.files.clone());
        Box::pin(async move { caller.perform(call_type, keywords, files).await })
    }
}

/// Carries a plan out.
///
/// # Errors
/// What the first group failed with, when no fallback has answered either.
pub async fn run<E: Handle>(caller: Caller<E>, mut plan: Plan) -> Result<Outcome> {
    let (attempt, mut outcome) = answered(&caller, &mut plan).await?;
    let now = plan.now();
    let tokens = outcome.tokens();
    let (lease, routing) = plan.succeeded(attempt, now);
    if plan.router().is_none() {
        return Ok(outcome);
    }
    if let Some(router) = plan.router().filter(|_| tokens > 0) {
        router.count_tokens(&lease.deployment, tokens, now);
    }
    if let Some(id) = outcome.response_id() {
        plan.holds_response(id, &lease.deployment, now);
    }
    let routing = Arc::new(routing);
    match &mut outcome {
        Outcome::Stream(stream) => stream.own(Box::new(Owner::new(caller, plan, lease)), routing),
        Outcome::Events(stream) => stream.own(Box::new(Owner::new(caller, plan, lease)), routing),
        Outcome::Chat(_) | Outcome::Call(_) => {
            if let Some(meta) = outcome.meta_mut() {
                meta.routing = Some(routing);
            }
        }
    }
    Ok(outcome)
}

/// What the first request of a plan would be. Nothing is sent, and the plan is let go of.
pub fn preview(
    mut plan: Plan,
    settings: &Settings,
    environment: &dyn Environment,
    shown: Shown,
) -> Result<Preview> {
    let attempt = match plan.next(plan.now()) {
        Step::Call(attempt) => attempt,
        Step::Fail(error) => return Err(error),
        Step::Wait(_) | Step::Queue => {
            return Err(Error::new(Kind::NoDeployment, "Every deployment is taken."));
        }
    };
    let (keywords, files) = (plan.keywords(&attempt), plan.asked.files.clone());
    match plan.asked.call_type {
        None | Some(CallType::Chat) => {
            ChatCall::from_keywords(keywords, settings, environment)?.preview(shown)
        }
        Some(call_type) => {
            Call::from_keywords(call_type, keywords, files, settings, environment)?.preview(shown)
        }
    }
}

/// Goes through the plan until an attempt has an answer.
pub(super) async fn answered<E: Handle>(caller: &Caller<E>, plan: &mut Plan) -> Result<(Attempt, Outcome)> {
    loop {
        match plan.next(plan.now()) {
            Step::Fail(error) => return Err(error),
            Step::Wait(wait) => tokio::time::sleep(wait).await,
            Step::Queue => {
                let attempt = queued(plan).await?;
                if let Some(answered) = attempted(caller, plan, attempt).await {
                    return Ok(answered);
                }
            }
            Step::Call(attempt) => {
                if let Some(answered) = attempted(caller, plan, attempt).await {
                    return Ok(answered);
                }
            }
        }
    }
}

/// Waits for a deployment to be free.
async fn queued(plan: &mut Plan) -> Result<Attempt> {
    let deadline = Instant::now() + plan.longest_queue();
    let mut place = plan.queue()?;
    loop {
        if tokio::time::timeout_at(deadline, place.turn(plan.polling())).await.is_err() {
            return Err(plan.waited_too_long());
        }
        match plan.next(plan.now()) {
            Step::Call(attempt) => return Ok(attempt),
            Step::Fail(error) => return Err(error),
            Step::Wait(wait) => tokio::time::sleep(wait).await,
            // Its group may have become one that it has fallen back to.
            Step::Queue if !plan.queues_at(&place) => place = plan.queue()?,
            Step::Queue => {}
        }
    }
}

/// One attempt, and a second one beside it if it is slow and that is wanted. `None` when all have failed, which the
/// plan has been told.
async fn attempted<E: Handle>(
    caller: &Caller<E>,
    plan: &mut Plan,
    attempt: Attempt,
) -> Option<(Attempt, Outcome)> {
    let mut first = caller.start(plan, &attempt);
    let done = match plan.slow_after() {
        None => first.as_mut().await,
        Some(limit) => {
            tokio::select! {
                biased;
                done = first.as_mut() => done,
                () = tokio::time::sleep(limit) => {
                    let second = plan.hedge(attempt.deployment(), plan.now());
                    match second {
                        Some(second) => return raced(caller, plan, (attempt, first), second).await,
                        None => first.as_mut().await,
                    }
                }
            }
        }
    };
    match done {
        Ok(outcome) => Some((attempt, outcome)),
        Err(error) => {
            plan.failed(attempt, error, plan.now(), 0);
            None
        }
    }
}

type Running = Pin<Box<dyn Future<Output = Result<Outcome>> + Send>>;

/// Two attempts at once: the first answer counts, the other request is given up.
async fn raced<E: Handle>(
    caller: &Caller<E>,
    plan: &mut Plan,
    (first, mut one): (Attempt, Running),
    second: Attempt,
) -> Option<(Attempt, Outcome)> {
    let mut two = caller.start(plan, &second);
    let (done, by_first) = tokio::select! {
        done = one.as_mut() => (done, true),
        done = two.as_mut() => (done, false),
    };
    let (finished, other, mut rest) = if by_first { (first, second, two) } else { (second, first, one) };
    match done {
        Ok(outcome) => {
            plan.abandoned(&other, plan.now());
            Some((finished, outcome))
        }
        Err(error) => {
            plan.failed(finished, error, plan.now(), 1);
            match rest.as_mut().await {
                Ok(outcome) => Some((other, outcome)),
                Err(error) => {
                    plan.failed(other, error, plan.now(), 0);
                    None
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_have_several_names() {
        for (answer, tokens) in [
            (json!({ "usage": { "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7 } }), 7),
            (json!({ "usage": { "input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5 } }), 12),
            (json!({ "usageMetadata": { "promptTokenCount": 3, "totalTokenCount": 9 } }), 9),
            (json!({ "usageMetadata": { "promptTokenCount": 3, "candidatesTokenCount": 4 } }), 7),
            (json!({ "usage": { "type": "duration", "seconds": 5 } }), 0),
            (json!({ "text": "x" }), 0),
        ] {
            assert_eq!(tokens_of(&answer), tokens, "{answer}");
        }
    }
}
