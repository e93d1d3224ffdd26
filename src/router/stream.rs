//! Streams that a router has begun: counted to their end, and continued elsewhere when they break off.

use serde_json::json;

use super::driver::{Caller, Handle, Outcome, answered};
use super::lease::Lease;
use super::plan::Plan;
use crate::engine::{ChatStream, Continuation, StreamOwner};
use crate::error::Error;
use crate::hub::Usage;
use crate::json::Map;
use crate::tokens;

/// What is asked of the model that goes on.
const GO_ON: &str = "Your answer was cut off. Continue it from exactly where it stops, without repeating any of it \
                     and without a word about the interruption.";

/// Holds the deployment that a stream comes from.
pub struct Owner<E> {
    caller: Caller<E>,
    plan: Plan,
    lease: Lease,
}

impl<E: Handle> Owner<E> {
    pub fn new(caller: Caller<E>, plan: Plan, lease: Lease) -> Self {
        Self { caller, plan, lease }
    }

    fn count(&self, tokens: u64) {
        if let Some(router) = self.plan.router().filter(|_| tokens > 0) {
            router.count_tokens(&self.lease.deployment, tokens, self.plan.now());
        }
    }

    /// The keywords of the call that goes on: the answer so far is in its conversation.
    fn continued(&self, generated: &str) -> Map {
        let mut keywords = self.plan.asked.keywords.clone();
        if let Some(messages) = keywords.get_mut("messages").and_then(serde_json::Value::as_array_mut) {
            messages.push(json!({ "role": "assistant", "content": generated }));
            messages.push(json!({ "role": "user", "content": GO_ON }));
        }
        keywords
    }

    /// What a broken attempt has used, where its provider had no time to say so.
    fn estimated(&self, generated: &str) -> Usage {
        let messages = self.plan.asked.keywords.get("messages").map(serde_json::Value::to_string);
        Usage::new(tokens::count(&messages.unwrap_or_default()), tokens::count(generated))
    }

    async fn go_on(
        &mut self,
        error: &Error,
        generated: Option<&str>,
        usage: Option<Usage>,
    ) -> Option<(ChatStream, Usage)> {
        let deployment = self.lease.deployment.clone();
        self.plan.broke_off(&deployment, error, self.plan.now());
        let usage = usage.unwrap_or_else(|| self.estimated(generated.unwrap_or_default()));
        self.count(usage.total_tokens);
        let generated = generated.filter(|_| self.plan.continues_streams())?;
        let original = self.plan.asked.keywords.clone();
        self.plan.asked.keywords = self.continued(generated);
        let answer = answered(&self.caller, &mut self.plan).await;
        self.plan.asked.keywords = original;
        match answer {
            Ok((attempt, Outcome::Stream(stream))) => {
                let (lease, _) = self.plan.succeeded(attempt, self.plan.now());
                self.lease = lease;
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
