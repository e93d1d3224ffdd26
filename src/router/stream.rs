//! Streams that a router has begun: counted to their end, and continued elsewhere when they break off.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Deployment;
use super::driver::{Caller, Handle, Outcome, answered};
use super::lease::Lease;
use super::plan::Plan;
use crate::engine::{ChatStream, Continuation, Keywords, StreamOwner};
use crate::error::Error;
use crate::hub::{CallType, Usage};
use crate::tokens::{self, Conversation, ImageCount};

/// What is asked of the model that goes on.
const GO_ON: &str = "Your answer was cut off. Continue it from exactly where it stops, without repeating any of it \
                     and without a word about the interruption.";

/// Holds the deployment that a stream comes from, until it ends or breaks off.
pub struct Owner<E> {
    caller: Caller<E>,
    plan: Plan,
    deployment: Arc<Deployment>,
    lease: Option<Lease>,
}

impl<E: Handle> Owner<E> {
    pub fn new(caller: Caller<E>, plan: Plan, lease: Lease) -> Self {
        Self { caller, plan, deployment: lease.deployment.clone(), lease: Some(lease) }
    }

    fn count(&self, tokens: u64) {
        if let Some(router) = self.plan.router().filter(|_| tokens > 0) {
            router.count_tokens(&self.deployment, tokens, self.plan.now());
        }
    }

    /// The keywords of the call that goes on: the answer so far is in its conversation.
    fn continued(&self, generated: &str) -> Keywords {
        let mut keywords = self.plan.asked.keywords.clone();
        if let Some(messages) = keywords.get_mut("messages").and_then(Value::as_array_mut) {
            messages.push(json!({ "role": "assistant", "content": generated }));
            messages.push(json!({ "role": "user", "content": GO_ON }));
        }
        keywords
    }

    /// What a broken attempt has used, where its provider had no time to say so.
    pub(super) fn estimated(&self, generated: &str) -> Usage {
        let keywords = &self.plan.asked.keywords;
        let list = |name: &str| keywords.get(name).and_then(Value::as_array).map(Vec::as_slice);
        let conversation = Conversation {
            messages: list("messages").unwrap_or_default(),
            tools: list("tools"),
            tool_choice: keywords.get("tool_choice"),
            is_answer: false,
            images: ImageCount::Alike,
            unreadable: Some(0),
        };
        let prompt = conversation.count(&mut tokens::count).unwrap_or_default();
        Usage::new(prompt, tokens::count(generated))
    }

    async fn go_on(
        &mut self,
        error: &Error,
        generated: Option<&str>,
        usage: Option<Usage>,
    ) -> Option<(ChatStream, Usage)> {
        // It is free for whoever waits, and that may be the call that goes on.
        self.lease = None;
        let usage = usage.unwrap_or_else(|| self.estimated(generated.unwrap_or_default()));
        self.count(usage.total_tokens);
        // A caller's own format cannot be joined to what comes from elsewhere.
        let is_chat = matches!(self.plan.asked.call_type, None | Some(CallType::Chat));
        let generated = generated.filter(|_| is_chat && self.plan.continues_streams());
        self.plan.broke_off(&self.deployment, error, generated.is_some(), self.plan.now());
        let continued = self.plan.asked.clone().with_keywords(self.continued(generated?));
        let original = std::mem::replace(&mut self.plan.asked, continued);
        let answer = answered(&self.caller, &mut self.plan).await;
        self.plan.asked = original;
        match answer {
            Ok((attempt, Outcome::Stream(stream))) => {
                let (lease, _) = self.plan.succeeded(attempt, self.plan.now());
                self.deployment = lease.deployment.clone();
                self.lease = Some(lease);
                Some((*stream, usage))
            }
            Ok(_) => None,
            Err(failed) => {
                tracing::warn!(error = %failed, "a stream that broke off could not be continued");
                None
            }
        }
    }
}

impl<E: Handle> StreamOwner for Owner<E> {
    fn ended(&mut self, usage: Option<&Usage>) {
        self.count(usage.map_or(0, |usage| usage.total_tokens));
    }

    fn question(&self) -> Option<String> {
        let keywords = &self.plan.asked.keywords;
        let asked =
            ["messages", "input", "contents", "prompt"].iter().find_map(|name| keywords.get(*name))?;
        Some(asked.to_string())
    }

    fn broke_off<'o>(
        &'o mut self,
        error: &'o Error,
        generated: Option<&'o str>,
        usage: Option<Usage>,
    ) -> Continuation<'o> {
        Box::pin(self.go_on(error, generated, usage))
    }
}
