//! Rules and strategies under a clock that is set and chance that is seeded: nothing sleeps, nothing is sent.

#![allow(clippy::needless_pass_by_value, reason = "values are written out where they are passed")]

mod balance;
mod rules;
mod sequences;
mod served;
mod server;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::error::{Error, Kind};

pub const START: Moment = Moment(1_800_000_000_000_000);

pub fn router(entries: Vec<Value>, settings: Value) -> Arc<Router> {
    seeded(entries, settings, 1)
}

pub fn seeded(entries: Vec<Value>, settings: Value, seed: u64) -> Arc<Router> {
    let deployments = entries.iter().map(|entry| Arc::new(Deployment::read(entry).unwrap())).collect();
    let Value::Object(settings) = settings else { panic!("an object") };
    let settings = RouterSettings::read(&settings).unwrap();
    Arc::new(Router::with(deployments, settings, Clock::manual(START), Random::seeded(seed)))
}

/// A deployment of group `name` with an id and further parameters.
pub fn entry(name: &str, id: &str, more: Value) -> Value {
    let mut params = json!({ "model": format!("openai/{id}"), "api_key": "k" });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "model_name": name, "litellm_params": params, "model_info": { "id": id } })
}

pub fn asked(keywords: Value) -> Asked {
    let Value::Object(keywords) = keywords else { panic!("an object") };
    Asked::read(None, keywords, Vec::new()).unwrap()
}

pub fn plan(router: &Arc<Router>, keywords: Value) -> Plan {
    Plan::new(router.clone(), asked(keywords)).unwrap()
}

/// The deployment of the next attempt.
pub fn attempt(plan: &mut Plan) -> Attempt {
    match plan.next(plan.now()) {
        Step::Call(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

pub fn id(attempt: &Attempt) -> String {
    attempt.deployment().id.to_string()
}

/// Fails attempts until the plan gives up: the deployments that were tried, the waits, the error.
pub fn all_fail(plan: &mut Plan, failure: &dyn Fn() -> Error) -> (Vec<String>, Vec<Duration>, Error) {
    let (mut tried, mut waits) = (Vec::new(), Vec::new());
    loop {
        match plan.next(plan.now()) {
            Step::Call(attempt) => {
                tried.push(id(&attempt));
                plan.failed(attempt, failure(), plan.now(), 0);
            }
            Step::Wait(wait) => waits.push(wait),
            Step::Queue => panic!("nothing is limited"),
            Step::Fail(error) => return (tried, waits, error),
        }
    }
}

pub fn of(kind: Kind) -> impl Fn() -> Error {
    move || Error::new(kind, "boom")
}
