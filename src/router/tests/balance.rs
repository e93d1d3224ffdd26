//! Who gets how much.

use std::collections::HashMap;

use super::*;

fn shares(router: &Arc<Router>, picks: u32) -> HashMap<String, f64> {
    let mut counts = HashMap::new();
    for _ in 0..picks {
        let mut plan = plan(router, json!({ "model": "a" }));
        *counts.entry(id(&attempt(&mut plan))).or_insert(0.0) += 100.0 / f64::from(picks);
    }
    counts
}

#[test]
fn shares_follow_weights_requests_and_tokens() {
    for (first, second) in [
        (json!({ "weight": 9 }), json!({ "weight": 1 })),
        (json!({ "rpm": 900 }), json!({ "rpm": 100 })),
        (json!({ "tpm": 90_000 }), json!({ "tpm": 10_000 })),
        (json!({ "weight": 9, "rpm": 1 }), json!({ "weight": 1, "rpm": 1000 })),
    ] {
        let router = router(vec![entry("a", "x", first.clone()), entry("a", "y", second)], json!({}));
        let shares = shares(&router, 100_000);
        assert!((shares["x"] - 90.0).abs() < 0.5, "{first}: {shares:?}");
    }
}

#[test]
fn shares_hold_for_those_that_are_left() {
    let entries = vec![
        entry("a", "x", json!({ "weight": 80 })),
        entry("a", "y", json!({ "weight": 15 })),
        entry("a", "z", json!({ "weight": 5 })),
    ];
    let router = router(entries, json!({}));
    router.view().table.by_id("x").unwrap().live.cool_until(START.plus(Duration::from_secs(9)));
    let shares = shares(&router, 100_000);
    assert!(!shares.contains_key("x") && (shares["y"] - 75.0).abs() < 0.5, "{shares:?}");
}

#[test]
fn the_least_busy_one_is_taken() {
    let entries = ["x", "y", "z"].map(|id| entry("a", id, json!({})));
    let router = router(entries.to_vec(), json!({ "routing_strategy": "least-busy" }));
    let mut held: Vec<(Plan, Attempt)> = Vec::new();
    for _ in 0..30 {
        let mut plan = plan(&router, json!({ "model": "a" }));
        let attempt = attempt(&mut plan);
        held.push((plan, attempt));
    }
    let mut counts = HashMap::new();
    for (_, attempt) in &held {
        *counts.entry(id(attempt)).or_insert(0) += 1;
    }
    assert!(counts.values().all(|count| *count == 10), "{counts:?}");
    held.retain(|(_, attempt)| id(attempt) != "y");
    let mut plan = plan(&router, json!({ "model": "a" }));
    assert_eq!(id(&attempt(&mut plan)), "y", "its calls have ended");
}

/// One call that takes so long.
fn call(router: &Arc<Router>, stream: bool, seconds: &dyn Fn(&str) -> f64) -> String {
    let mut plan = plan(router, json!({ "model": "a", "stream": stream }));
    let attempt = attempt(&mut plan);
    let id = id(&attempt);
    router.clock.advance(Duration::from_secs_f64(seconds(&id)));
    plan.succeeded(attempt, router.clock.now());
    id
}

#[test]
fn the_fastest_one_is_taken_within_the_buffer() {
    let entries = ["x", "y", "z"].map(|id| entry("a", id, json!({})));
    let took = |id: &str| match id {
        "x" => 1.0,
        "y" => 1.1,
        _ => 2.0,
    };
    let settings = json!({ "routing_strategy": "latency-based-routing" });
    let router = router(entries.to_vec(), settings);
    let first: std::collections::HashSet<String> = (0..3).map(|_| call(&router, false, &took)).collect();
    assert_eq!(first.len(), 3, "each is measured once");
    assert!((0..20).all(|_| call(&router, false, &took) == "x"));
    let settings = json!({ "routing_strategy": "latency-based-routing", "routing_strategy_args": { "lowest_latency_buffer": 0.2 } });
    let Value::Object(settings) = settings else { panic!() };
    router.set_settings(RouterSettings::read(&settings).unwrap());
    let mut counts = HashMap::new();
    for _ in 0..200 {
        *counts.entry(call(&router, false, &took)).or_insert(0) += 1;
    }
    assert!(counts["x"] > 50 && counts["y"] > 50 && !counts.contains_key("z"), "{counts:?}");
}

#[test]
fn streams_have_a_latency_of_their_own() {
    let entries = ["x", "y"].map(|id| entry("a", id, json!({})));
    let router = router(entries.to_vec(), json!({ "routing_strategy": "latency-based-routing" }));
    for _ in 0..4 {
        call(&router, false, &|id| if id == "x" { 1.0 } else { 5.0 });
    }
    let to_first = |id: &str| if id == "x" { 3.0 } else { 0.5 };
    for id in ["x", "y"] {
        let latency = Latency { seconds: to_first(id), is_first_content: true };
        router.view().table.by_id(id).unwrap().live.measure(latency, 10, router.clock.now());
    }
    assert_eq!(call(&router, true, &to_first), "y");
    assert_eq!(call(&router, false, &|_| 1.0), "x");
}

#[test]
fn usage_goes_where_tokens_are_left() {
    let entries = vec![entry("a", "x", json!({ "tpm": 100 })), entry("a", "y", json!({ "tpm": 1000 }))];
    let router = router(entries, json!({ "routing_strategy": "usage-based-routing-v2" }));
    let view = router.view();
    let minute = router.clock.now().minute();
    let pick = || id(&attempt(&mut plan(&router, json!({ "model": "a" }))));
    view.table.by_id("x").unwrap().live.tokens.add(minute, 90);
    view.table.by_id("y").unwrap().live.tokens.add(minute, 200);
    assert_eq!(pick(), "x", "fewer tokens so far");
    view.table.by_id("x").unwrap().live.tokens.add(minute, 10);
    assert_eq!(pick(), "y", "the limit is reached");
    router.clock.advance(Duration::from_secs(60));
    view.table.by_id("y").unwrap().live.tokens.add(router.clock.now().minute(), 1);
    assert_eq!(pick(), "x", "another minute");
}

#[test]
fn the_cheapest_one_is_taken() {
    let listed = |id: &str, model: &str| json!({ "model_name": "a", "litellm_params": { "model": model, "api_key": "k" }, "model_info": { "id": id } });
    let dear = json!({ "input_cost_per_token": 0.1, "output_cost_per_token": 0.1 });
    let cheap = json!({ "input_cost_per_token": 1e-7, "output_cost_per_token": 1e-7 });
    let settings = json!({ "routing_strategy": "cost-based-routing" });
    let router =
        router(vec![entry("a", "x", dear), entry("a", "y", cheap), listed("z", "openai/nobody")], settings);
    assert!((0..20).all(|_| id(&attempt(&mut plan(&router, json!({ "model": "a" })))) == "y"));
}

#[test]
fn two_choices_avoid_the_slow_one() {
    let entries = ["x", "y", "z", "slow"].map(|id| entry("a", id, json!({})));
    let router = router(entries.to_vec(), json!({ "routing_strategy": "power-of-two-choices" }));
    let mut slow = 0;
    for _ in 0..1000 {
        if call(&router, false, &|id| if id == "slow" { 10.0 } else { 1.0 }) == "slow" {
            slow += 1;
        }
    }
    assert!(slow < 30, "{slow} of 1000 calls went to the slow deployment");
}

/// Calls that take 10 ms, or one in twenty ten times as long: their latencies in order, and the second requests.
fn simulated(arguments: Value, calls: usize) -> (Vec<Duration>, usize) {
    let router = router(vec![entry("a", "x", json!({}))], json!({ "routing_strategy_args": arguments }));
    let random = Random::seeded(3);
    let takes = || {
        let base = Duration::from_millis(10).mul_f64(0.8 + 0.4 * random.unit());
        if random.below(20) == 0 { base * 10 } else { base }
    };
    let (mut took, mut seconds) = (Vec::new(), 0);
    for number in 0..calls + 500 {
        let mut plan = plan(&router, json!({ "model": "a" }));
        let first = attempt(&mut plan);
        let began = router.clock.now();
        let alone = takes();
        let second = plan.slow_after().filter(|slow| alone > *slow).and_then(|slow| {
            router.clock.advance(slow);
            Some((slow, plan.hedge(first.deployment(), router.clock.now())?))
        });
        let latency = match second {
            None => alone,
            Some((slow, second)) => {
                let with = slow + takes();
                seconds += usize::from(number >= 500);
                let at = began.plus(alone.min(with));
                if alone <= with {
                    plan.abandoned(&second, at);
                    plan.succeeded(first, at);
                } else {
                    plan.abandoned(&first, at);
                    plan.succeeded(second, at);
                }
                if number >= 500 {
                    took.push(alone.min(with));
                }
                continue;
            }
        };
        plan.succeeded(first, began.plus(latency));
        if number >= 500 {
            took.push(latency);
        }
    }
    took.sort();
    (took, seconds)
}

#[test]
fn a_second_request_for_few_cuts_the_tail() {
    const CALLS: usize = 20_000;
    let (alone, _) = simulated(json!({}), CALLS);
    let (hedged, seconds) = simulated(json!({ "hedging_percentile": 90, "hedging_budget": 0.07 }), CALLS);
    let p99 = |took: &[Duration]| took[CALLS * 99 / 100];
    assert!(p99(&alone) >= p99(&hedged) * 3, "{:?} {:?}, {seconds}", p99(&alone), p99(&hedged));
    assert!(seconds * 100 <= CALLS * 7, "{seconds} second requests");
}
