//! The router by itself: what choosing a deployment costs, and what strategies do for the slowest calls.
//!
//!     cargo bench --bench router
//!
//! The first table is CPU time for a whole plan of one call (made, chosen, succeeded) over a group of so many
//! deployments. The second is a simulation under a clock that is set: ten deployments, one of them ten times slower,
//! calls that arrive at random.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program that prints its figures"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrolite::router::{
    Asked, Attempt, Clock, Deployment, Moment, Plan, Random, Router, RouterSettings, Step,
};
use serde_json::{Value, json};

const STRATEGIES: [&str; 6] = [
    "simple-shuffle",
    "least-busy",
    "latency-based-routing",
    "usage-based-routing-v2",
    "cost-based-routing",
    "power-of-two-choices",
];

fn router(count: usize, strategy: &str, clock: Clock) -> Arc<Router> {
    let entry = |at: usize| {
        json!({
            "model_name": "a",
            "litellm_params": { "model": "openai/gpt-4o", "api_key": "k", "weight": 1 + at % 3 },
            "model_info": { "id": format!("d{at}") },
        })
    };
    let deployments = (0..count).map(|at| Arc::new(Deployment::read(&entry(at)).unwrap())).collect();
    let Value::Object(settings) = json!({ "routing_strategy": strategy }) else { unreachable!() };
    let settings = RouterSettings::read(&settings).unwrap();
    Arc::new(Router::with(deployments, settings, clock, Random::seeded(1)))
}

fn asked() -> Asked {
    let Value::Object(keywords) = json!({ "model": "a", "messages": [{ "role": "user", "content": "hi" }] })
    else {
        unreachable!()
    };
    Asked::read(None, keywords, Vec::new()).unwrap()
}

fn begin(router: &Arc<Router>, now: Moment) -> (Plan, Attempt) {
    let mut plan = Plan::new(router.clone(), asked()).unwrap();
    match plan.next(now) {
        Step::Call(attempt) => (plan, attempt),
        other => unreachable!("{other:?}"),
    }
}

fn cost(count: usize, strategy: &str) -> Duration {
    let router = router(count, strategy, Clock::system());
    let calls = 20_000;
    let run = || {
        for _ in 0..calls {
            let now = router.clock.now();
            let (mut plan, attempt) = begin(&router, now);
            black_box(plan.keywords(&attempt));
            black_box(plan.succeeded(attempt, now));
        }
    };
    run();
    let began = Instant::now();
    run();
    began.elapsed() / calls
}

/// Latencies of calls that arrive at random: one deployment takes ten times as long as the others.
fn simulated(strategy: &str) -> Vec<Duration> {
    const CALLS: usize = 50_000;
    let router = router(10, strategy, Clock::manual(Moment(1_800_000_000_000_000)));
    let random = Random::seeded(9);
    let mut running: BinaryHeap<Reverse<(Moment, usize)>> = BinaryHeap::new();
    let mut held: Vec<Option<(Plan, Attempt)>> = Vec::new();
    let mut took = Vec::new();
    let mut now = router.clock.now();
    for number in 0..CALLS {
        // 100 calls a second.
        let next = now.plus(Duration::from_secs_f64(-random.unit().max(1e-12).ln() / 100.0));
        while let Some(Reverse((end, at))) = running.peek().copied().filter(|Reverse((end, _))| *end <= next)
        {
            running.pop();
            router.clock.advance(end.since(router.clock.now()));
            let (mut plan, attempt) = held[at].take().unwrap();
            plan.succeeded(attempt, end);
        }
        router.clock.advance(next.since(router.clock.now()));
        now = next;
        let (plan, attempt) = begin(&router, now);
        let slow = if &*attempt.deployment().id == "d0" { 10.0 } else { 1.0 };
        let latency = Duration::from_secs_f64(0.1 * slow * (0.5 + random.unit()));
        held.push(Some((plan, attempt)));
        running.push(Reverse((now.plus(latency), number)));
        took.push(latency);
    }
    took.sort();
    took
}

fn main() {
    println!("CPU time of a plan, in µs");
    println!("{:<24} {:>8} {:>8} {:>8}", "strategy", "10", "100", "1000");
    for strategy in STRATEGIES {
        let costs = [10, 100, 1000].map(|count| cost(count, strategy).as_secs_f64() * 1e6);
        println!("{strategy:<24} {:>8.2} {:>8.2} {:>8.2}", costs[0], costs[1], costs[2]);
    }
    println!("\nten deployments, one ten times slower: latency in ms");
    println!("{:<24} {:>8} {:>8} {:>8}", "strategy", "p50", "p99", "mean");
    for strategy in STRATEGIES {
        let took = simulated(strategy);
        let at = |share: usize| took[took.len() * share / 100].as_secs_f64() * 1e3;
        let mean = took.iter().sum::<Duration>().as_secs_f64() * 1e3 / 50_000.0;
        println!("{strategy:<24} {:>8.1} {:>8.1} {mean:>8.1}", at(50), at(99));
    }
}
