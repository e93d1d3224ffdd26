//! Calls over real connections to servers that behave badly: a caller sees none of it.

use std::time::Instant;

use super::server::{Behaviour, Server, server};
use super::*;
use crate::config::ProcessEnvironment;
use crate::engine::{Engine, Routing, Settings};
use crate::hub::{CallType, Usage};

const CALLS: usize = 1000;
const AT_ONCE: usize = 50;

fn caller() -> Caller<Arc<Engine>> {
    Caller {
        engine: Arc::new(Engine::new()),
        settings: Arc::new(Settings::default()),
        environment: &ProcessEnvironment,
        keep_reply: false,
    }
}

fn at(name: &str, id: &str, server: &Server) -> Value {
    // A machine with much else to do is no fault of the good one.
    let timeout = if id == "good" { 30.0 } else { 0.25 };
    entry(name, id, json!({ "api_base": server.base, "timeout": timeout }))
}

fn live(entries: Vec<Value>, settings: Value) -> Arc<Router> {
    let deployments = entries.iter().map(|entry| Arc::new(Deployment::read(entry).unwrap())).collect();
    let Value::Object(settings) = settings else { panic!("an object") };
    Arc::new(Router::new(deployments, RouterSettings::read(&settings).unwrap()))
}

/// What a caller has got: the text, how often it ended, and how it was come by.
struct Got {
    text: String,
    finishes: usize,
    usage: Option<Usage>,
    routing: Arc<Routing>,
}

async fn one(caller: Caller<Arc<Engine>>, router: Arc<Router>, stream: bool) -> Result<Got> {
    let messages = json!([{ "role": "user", "content": "count" }]);
    let mut keywords = json!({ "model": "a", "messages": messages });
    if stream {
        keywords["stream"] = true.into();
        keywords["stream_options"] = json!({ "include_usage": true });
    }
    match run(caller, Plan::new(router, asked(keywords))?).await? {
        Outcome::Chat(answer) => Ok(Got {
            text: answer.response.choices[0].message.content.clone().unwrap_or_default(),
            finishes: 1,
            usage: answer.response.usage.clone(),
            routing: answer.meta.routing.clone().unwrap(),
        }),
        Outcome::Stream(mut stream) => {
            let routing = stream.meta().routing.clone().unwrap();
            let mut got = Got { text: String::new(), finishes: 0, usage: None, routing };
            let mut roles = 0;
            loop {
                let chunks = stream.next_batch().await?;
                if chunks.is_empty() {
                    assert_eq!(roles, 1, "one stream has one role");
                    return Ok(got);
                }
                for chunk in chunks {
                    for choice in &chunk.choices {
                        got.text.push_str(choice.content.as_deref().unwrap_or_default());
                        got.finishes += usize::from(choice.finish_reason.is_some());
                        roles += usize::from(choice.role);
                    }
                    got.usage = chunk.usage.or(got.usage);
                }
            }
        }
        Outcome::Call(_) | Outcome::Events(_) => panic!("a chat completion"),
    }
}

/// Many calls, some at a time; none fails and each has the whole answer. Returns the most attempts of any.
async fn all_well(router: &Arc<Router>, stream: bool, retries: usize) {
    let caller = caller();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..CALLS {
        if number >= AT_ONCE {
            check(running.join_next().await.unwrap().unwrap(), retries);
        }
        running.spawn(one(caller.clone(), router.clone(), stream));
    }
    while let Some(done) = running.join_next().await {
        check(done.unwrap(), retries);
    }
    for deployment in &router.view().table.deployments {
        assert_eq!(deployment.live.in_flight(), 0, "{deployment:?}");
    }
}

fn check(got: Result<Got>, retries: usize) {
    let got = got.unwrap();
    assert_eq!((got.text.as_str(), got.finishes), ("one two three", 1));
    assert!(got.routing.retries as usize <= retries, "{:?}", got.routing);
}

/// Two deployments, one of which behaves badly: whether it is left alone at the end.
async fn beside_a_good_one(behaviour: Behaviour, stream: bool) -> bool {
    let (bad, good) = (server(behaviour).await, server(Behaviour::Good).await);
    let settings = json!({
        "num_retries": 3,
        "cooldown_time": 60,
        "enable_mid_stream_fallback_continuation": true,
    });
    let router = live(vec![at("a", "bad", &bad), at("a", "good", &good)], settings);
    all_well(&router, stream, 3).await;
    let cooling = router.cooling(router.view().table.group("a").unwrap());
    assert!(!cooling.iter().any(|id| &**id == "good"), "{behaviour:?}: {cooling:?}");
    !cooling.is_empty()
}

/// One deployment that behaves badly, and a fallback.
async fn with_a_fallback(behaviour: Behaviour, stream: bool) {
    let (bad, good) = (server(behaviour).await, server(Behaviour::Good).await);
    let settings = json!({
        "num_retries": 0,
        "fallbacks": [{ "a": ["b"] }],
        "enable_mid_stream_fallback_continuation": true,
    });
    let router = live(vec![at("a", "bad", &bad), at("b", "good", &good)], settings);
    all_well(&router, stream, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_connection_is_seen_by_nobody() {
    assert!(beside_a_good_one(Behaviour::Refused, false).await);
    with_a_fallback(Behaviour::Refused, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_seen_by_nobody() {
    assert!(beside_a_good_one(Behaviour::Hang, false).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_seen_by_nobody() {
    assert!(beside_a_good_one(Behaviour::Status(429, None), false).await);
    assert!(beside_a_good_one(Behaviour::Status(429, Some(30)), false).await);
    with_a_fallback(Behaviour::Status(429, Some(30)), false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bursts_of_errors_are_seen_by_nobody() {
    beside_a_good_one(Behaviour::Bursts, false).await;
    with_a_fallback(Behaviour::Bursts, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_first_byte_is_seen_by_nobody() {
    // Within the limit it is an answer, beyond it a time-out.
    beside_a_good_one(Behaviour::Slow(Duration::from_millis(20)), true).await;
    assert!(beside_a_good_one(Behaviour::Slow(Duration::from_millis(600)), true).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_in_mid_stream_is_seen_by_nobody() {
    beside_a_good_one(Behaviour::Reset, true).await;
    with_a_fallback(Behaviour::Reset, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_continued_stream_has_the_counts_of_both() {
    let (bad, good) = (server(Behaviour::Reset).await, server(Behaviour::Good).await);
    let entries = || vec![at("a", "bad", &bad), at("b", "good", &good)];
    let settings = json!({ "num_retries": 0, "fallbacks": [{ "a": ["b"] }], "enable_mid_stream_fallback_continuation": true });
    let router = live(entries(), settings);
    let got = one(caller(), router.clone(), true).await.unwrap();
    let usage = got.usage.unwrap();
    assert!(usage.prompt_tokens > 20 && usage.completion_tokens > 2, "{usage:?}");
    // Each has its own tokens: what broke off does not count where the stream went on.
    let tokens = ["bad", "good"].map(|id| tokens_of(&router, id));
    assert_eq!((tokens[0] + tokens[1], tokens[1]), (usage.total_tokens, 22));
    let settings = json!({ "num_retries": 0, "fallbacks": [{ "a": ["b"] }] });
    let error = one(caller(), live(entries(), settings), true).await.err().unwrap();
    assert_eq!((error.kind(), error.facts().generated.as_deref()), (Kind::MidStream, Some("one ")));
}

fn tokens_of(router: &Arc<Router>, id: &str) -> u64 {
    let now = router.clock.now();
    // A minute may have begun meanwhile.
    let view = router.view();
    let live = &view.table.by_id(id).unwrap().live;
    live.tokens.get(now.minute()).max(live.tokens.get(now.minute() - 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_may_go_on_where_it_broke_off() {
    let server = server(Behaviour::ResetOnce).await;
    let settings = json!({ "num_retries": 1, "disable_cooldowns": true, "enable_mid_stream_fallback_continuation": true });
    // The one place there is must be free again by then.
    let entries = vec![entry("a", "x", json!({ "api_base": server.base, "max_parallel_requests": 1 }))];
    let router = live(entries, settings);
    let going = one(caller(), router.clone(), true);
    let got = tokio::time::timeout(Duration::from_secs(60), going).await.unwrap().unwrap();
    assert_eq!((got.text.as_str(), got.finishes), ("one two three", 1));
    assert_eq!(router.view().table.deployments[0].live.in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_joined_is_not_asked_for() {
    let (bad, good) = (server(Behaviour::Reset).await, server(Behaviour::Good).await);
    let settings = json!({ "num_retries": 0, "fallbacks": [{ "a": ["b"] }], "enable_mid_stream_fallback_continuation": true });
    let at = |name, id, server: &Server| {
        entry(name, id, json!({ "model": "groq/m", "api_base": server.base, "timeout": 30 }))
    };
    let router = live(vec![at("a", "bad", &bad), at("b", "good", &good)], settings);
    let Value::Object(keywords) = json!({
        "model": "a",
        "messages": [{ "role": "user", "content": "count" }],
        "max_tokens": 9,
        "stream": true,
    }) else {
        panic!("an object")
    };
    let asked = Asked::read(Some(CallType::Messages), keywords, Vec::new()).unwrap();
    let Outcome::Events(mut stream) = run(caller(), Plan::new(router.clone(), asked).unwrap()).await.unwrap()
    else {
        panic!("a stream of events")
    };
    let error = loop {
        match stream.next_batch().await {
            Ok(events) => assert!(!events.is_empty(), "the stream breaks off"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::MidStream);
    let hits = |server: &Server| server.hits.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!((hits(&bad), hits(&good)), (1, 0));
    assert_eq!(router.view().table.by_id("bad").unwrap().live.in_flight(), 0);
}

#[test]
fn pictures_are_not_read_as_text() {
    let picture = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(20_000));
    let content = json!([{ "type": "text", "text": "what is this?" }, { "type": "image_url", "image_url": { "url": picture } }]);
    let router = live(vec![entry("a", "x", json!({}))], json!({}));
    let mut plan =
        plan(&router, json!({ "model": "a", "messages": [{ "role": "user", "content": content }] }));
    let (lease, _) = {
        let attempt = attempt(&mut plan);
        plan.succeeded(attempt, plan.now())
    };
    let usage = super::super::stream::Owner::new(caller(), plan, lease).estimated("one");
    assert!(usage.prompt_tokens < 1000, "{usage:?}");
}

async fn latencies(router: &Arc<Router>, calls: usize) -> Vec<Duration> {
    let caller = caller();
    let mut running = tokio::task::JoinSet::new();
    let mut took = Vec::new();
    for number in 0..calls {
        if number >= 40 {
            took.push(running.join_next().await.unwrap().unwrap());
        }
        let (caller, router) = (caller.clone(), router.clone());
        running.spawn(async move {
            let began = Instant::now();
            one(caller, router, false).await.unwrap();
            began.elapsed()
        });
    }
    while let Some(done) = running.join_next().await {
        took.push(done.unwrap());
    }
    took.sort();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_request_cuts_the_tail() {
    const MANY: usize = 800;
    let wait = Duration::from_millis(100);
    let mut tails = Vec::new();
    let mut extra = 0;
    for arguments in [json!({}), json!({ "hedging_percentile": 90, "hedging_budget": 0.065 })] {
        let uneven = server(Behaviour::Uneven(5, wait)).await;
        let entries = vec![entry("a", "x", json!({ "api_base": uneven.base }))];
        let router = live(entries, json!({ "routing_strategy_args": arguments }));
        // The percentile is learnt from the first calls.
        latencies(&router, MANY).await;
        let before = uneven.hits.load(std::sync::atomic::Ordering::Relaxed);
        let took = latencies(&router, MANY).await;
        extra = uneven.hits.load(std::sync::atomic::Ordering::Relaxed) - before - MANY;
        tails.push(took[MANY * 99 / 100]);
    }
    assert!(tails[0] >= tails[1] * 3, "p99 without and with: {tails:?}");
    assert!(extra > 0, "no second request");
    assert!(extra * 100 <= MANY * 7, "{extra} second requests");
}
