//! Retries, fallbacks, limits, tags.

use super::*;

fn one_and_spare(settings: Value) -> Arc<Router> {
    router(vec![entry("a", "x", json!({})), entry("b", "y", json!({}))], settings)
}

#[test]
fn err_09_passing_failures_are_repeated_and_others_are_not() {
    let router = one_and_spare(json!({ "num_retries": 2 }));
    for (kind, attempts) in [
        (Kind::InternalServer, 3),
        (Kind::RateLimit, 3),
        (Kind::Connection, 3),
        (Kind::Timeout, 3),
        (Kind::Authentication, 1),
        (Kind::NotFound, 1),
        (Kind::BadRequest, 1),
        (Kind::ContextWindowExceeded, 1),
        (Kind::ContentPolicy, 1),
    ] {
        let (tried, _, error) = all_fail(&mut plan(&router, json!({ "model": "a" })), &of(kind));
        assert_eq!((tried.len(), error.kind()), (attempts, kind));
        assert_eq!(error.facts().attempts as usize, attempts - 1);
        router.forget();
    }
    let conflict = || Error::new(Kind::BadRequest, "boom").with_status(409);
    assert_eq!(all_fail(&mut plan(&router, json!({ "model": "a" })), &conflict).0.len(), 3);
}

#[test]
fn what_is_the_deployments_fault_is_tried_elsewhere() {
    let router = router(vec![entry("a", "x", json!({})), entry("a", "y", json!({}))], json!({}));
    let (mut tried, waits, _) =
        all_fail(&mut plan(&router, json!({ "model": "a" })), &of(Kind::Authentication));
    tried.sort();
    assert_eq!((tried.as_slice(), waits.len()), (&["x".to_owned(), "y".to_owned()][..], 0));
}

#[test]
fn err_10_waits_double_or_are_what_the_upstream_asks_for() {
    let router = one_and_spare(json!({ "num_retries": 4 }));
    let (_, waits, _) = all_fail(&mut plan(&router, json!({ "model": "a" })), &of(Kind::InternalServer));
    for (wait, base) in waits.iter().zip([0.5, 1.0, 2.0, 4.0]) {
        assert!((0.75 * base..=base).contains(&wait.as_secs_f64()), "{waits:?}");
    }
    let asks = |seconds: u64| {
        move || {
            let mut error = Error::new(Kind::RateLimit, "slow down");
            error.facts_mut().retry_after = Some(Duration::from_secs(seconds));
            error
        }
    };
    let (_, waits, _) = all_fail(&mut plan(&router, json!({ "model": "a" })), &asks(3));
    assert!(waits.len() == 4 && waits.iter().all(|wait| wait.as_secs() == 3));
    let (tried, ..) = all_fail(&mut plan(&router, json!({ "model": "a" })), &asks(61));
    assert_eq!(tried, ["x"], "ERR-11: too long to wait for");
}

#[test]
fn retries_are_as_the_policy_the_call_or_the_deployment_says() {
    let attempts = |settings: Value, call: Value, kind: Kind| {
        let mut keywords = json!({ "model": "a" });
        keywords.as_object_mut().unwrap().extend(call.as_object().unwrap().clone());
        all_fail(&mut plan(&one_and_spare(settings), keywords), &of(kind)).0.len()
    };
    let policy = json!({ "num_retries": 0, "retry_policy": { "BadRequestErrorRetries": 2 } });
    assert_eq!(attempts(policy.clone(), json!({}), Kind::BadRequest), 3);
    assert_eq!(attempts(policy, json!({}), Kind::InternalServer), 1);
    let group = json!({ "model_group_retry_policy": { "a": { "TimeoutErrorRetries": 1 } } });
    assert_eq!(attempts(group, json!({}), Kind::Timeout), 2);
    assert_eq!(attempts(json!({ "num_retries": 5 }), json!({ "num_retries": 0 }), Kind::Timeout), 1);
    let router = router(vec![entry("a", "x", json!({ "num_retries": 1 }))], json!({}));
    assert_eq!(all_fail(&mut plan(&router, json!({ "model": "a" })), &of(Kind::Timeout)).0.len(), 2);
}

#[test]
fn another_deployment_is_tried_at_once() {
    let entries = ["x", "y", "z"].map(|id| entry("a", id, json!({})));
    let router = router(entries.to_vec(), json!({ "num_retries": 2 }));
    let (mut tried, waits, _) =
        all_fail(&mut plan(&router, json!({ "model": "a" })), &of(Kind::InternalServer));
    tried.sort();
    assert_eq!((tried.join(""), waits.len()), ("xyz".to_owned(), 0));
}

#[test]
fn fallbacks_are_those_of_the_failure() {
    let settings = json!({
        "num_retries": 0,
        "fallbacks": [{ "a": ["b"] }],
        "context_window_fallbacks": [{ "a": ["c"] }],
        "content_policy_fallbacks": [{ "a": ["d"] }],
        "default_fallbacks": ["e"],
    });
    let entries = ["a", "b", "c", "d", "e"].map(|name| entry(name, name, json!({})));
    let router = router(entries.to_vec(), settings);
    for (kind, way) in [
        (Kind::InternalServer, "abe"),
        (Kind::BadRequest, "abe"),
        (Kind::ContextWindowExceeded, "ace"),
        (Kind::ContentPolicy, "ade"),
    ] {
        let (tried, _, error) = all_fail(&mut plan(&router, json!({ "model": "a" })), &of(kind));
        assert_eq!((tried.join("").as_str(), error.kind()), (way, kind));
        assert!(error.message().starts_with("boom Fallbacks that failed, too: "), "{error}");
        router.forget();
    }
    let own = json!({ "model": "a", "fallbacks": ["d"] });
    assert_eq!(all_fail(&mut plan(&router, own), &of(Kind::Timeout)).0.join(""), "ade");
    let none = json!({ "model": "a", "disable_fallbacks": true });
    assert_eq!(all_fail(&mut plan(&router, none), &of(Kind::Timeout)).0.join(""), "a");
    let limited = json!({ "model": "a", "max_fallbacks": 1 });
    assert_eq!(all_fail(&mut plan(&router, limited), &of(Kind::Timeout)).0.join(""), "ab");
}

#[test]
fn an_alias_has_the_fallbacks_of_its_group() {
    let settings =
        json!({ "num_retries": 0, "fallbacks": [{ "a": ["b"] }], "model_group_alias": { "al": "a" } });
    let (tried, ..) =
        all_fail(&mut plan(&one_and_spare(settings), json!({ "model": "al" })), &of(Kind::Timeout));
    assert_eq!(tried, ["x", "y"]);
}

#[test]
fn fallbacks_run_in_no_circle() {
    let settings = json!({ "num_retries": 0, "fallbacks": [{ "a": ["b"] }, { "b": ["a"] }] });
    let (tried, ..) =
        all_fail(&mut plan(&one_and_spare(settings), json!({ "model": "a" })), &of(Kind::Timeout));
    assert_eq!(tried, ["x", "y"]);
}

#[test]
fn a_name_nobody_knows_has_default_fallbacks_or_is_an_error() {
    let router = one_and_spare(json!({ "default_fallbacks": ["b"] }));
    assert_eq!(id(&attempt(&mut plan(&router, json!({ "model": "zzz" })))), "y");
    let error = Plan::new(one_and_spare(json!({})), asked(json!({ "model": "zzz" }))).unwrap_err();
    assert_eq!(error.kind(), Kind::BadRequest);
    assert!(error.message().contains("There are no healthy deployments for this model"));
}

#[test]
fn keywords_of_the_call_win_and_those_of_a_fallback_win_over_them() {
    let settings = json!({
        "num_retries": 0,
        "default_litellm_params": { "temperature": 1, "user": "u" },
        "fallbacks": [{ "a": [{ "model": "b", "temperature": 0, "api_key": "f" }] }],
    });
    let router = one_and_spare(settings);
    let mut plan =
        plan(&router, json!({ "model": "a", "api_key": null, "temperature": 0.5, "messages": [] }));
    let first = attempt(&mut plan);
    let keywords = Value::Object(plan.keywords(&first));
    assert_eq!(keywords["api_key"], Value::Null);
    assert_eq!(
        (&keywords["temperature"], &keywords["model"], &keywords["user"]),
        (&json!(0.5), &json!("openai/x"), &json!("u"))
    );
    assert_eq!((&keywords["num_retries"], &keywords["max_retries"]), (&json!(0), &json!(0)), "ERR-14");
    plan.failed(first, of(Kind::Timeout)(), router.clock.now(), 0);
    let second = attempt(&mut plan);
    let keywords = Value::Object(plan.keywords(&second));
    assert_eq!((&keywords["api_key"], &keywords["temperature"]), (&json!("f"), &json!(0)));
    let (_, routing) = plan.succeeded(second, router.clock.now());
    assert_eq!((&*routing.group, &*routing.deployment, routing.fallbacks), ("b", "y", 1));
    let ends: Vec<bool> = routing.attempts.iter().map(|attempt| attempt.failure.is_none()).collect();
    assert_eq!(ends, [false, true]);
}

#[test]
fn the_next_order_comes_when_the_first_has_failed() {
    let entries = vec![
        entry("a", "second", json!({ "order": 2 })),
        entry("a", "first", json!({ "order": 1 })),
        entry("a", "last", json!({})),
    ];
    let router = router(entries, json!({ "num_retries": 1 }));
    let (tried, ..) = all_fail(&mut plan(&router, json!({ "model": "a" })), &of(Kind::InternalServer));
    assert_eq!(tried, ["first", "first", "second", "second", "last", "last"]);
}

#[test]
fn the_last_one_that_works_is_not_left_alone_for_a_limit() {
    let router =
        router(vec![entry("a", "x", json!({})), entry("a", "y", json!({}))], json!({ "num_retries": 3 }));
    all_fail(&mut plan(&router, json!({ "model": "a" })), &of(Kind::RateLimit));
    let cooling = router.cooling(router.view().table.group("a").unwrap());
    assert_eq!(cooling.len(), 1, "{cooling:?}");
}

#[test]
fn limits_hold_before_the_call() {
    let entries = vec![entry("a", "x", json!({ "rpm": 3 })), entry("a", "y", json!({ "rpm": 2 }))];
    let router = router(entries, json!({ "enable_pre_call_checks": true }));
    let call = || plan(&router, json!({ "model": "a" })).next(router.clock.now());
    for _ in 0..5 {
        assert!(matches!(call(), Step::Call(_)));
    }
    let Step::Fail(error) = call() else { panic!("the limits are used up") };
    assert_eq!(error.kind(), Kind::NoDeployment);
    assert_eq!(error.facts().retry_after, Some(router.clock.now().rest_of_minute()));
    router.clock.advance(Duration::from_secs(60));
    assert!(matches!(call(), Step::Call(_)));
}

#[test]
fn a_choice_of_ones_own_waits_before_a_retry_too() {
    let router = router(vec![entry("a", "x", json!({}))], json!({ "num_retries": 1, "retry_after": 3 }));
    let mut plan = plan(&router, json!({ "model": "a" }));
    let now = router.clock.now();
    let first = plan.take("x", now).unwrap();
    plan.failed(first, of(Kind::InternalServer)(), now, 0);
    assert!(plan.take("x", now).is_none() && plan.wants().is_none());
    assert!(matches!(plan.next(now), Step::Wait(wait) if wait >= Duration::from_secs(3)));
    assert!(plan.wants() == Some("a") && plan.take("x", now).is_some());
}

#[test]
fn a_call_waits_as_long_as_its_request_may_take() {
    let entries = vec![entry("a", "x", json!({ "timeout": 5 })), entry("a", "y", json!({ "timeout": 7 }))];
    let router = router(entries, json!({ "timeout": 3, "stream_timeout": 2 }));
    let limit = |keywords: Value| plan(&router, keywords).longest_queue().as_secs();
    assert_eq!(limit(json!({ "model": "a" })), 7);
    assert_eq!(limit(json!({ "model": "a", "timeout": 1 })), 1);
    router.set_deployments(vec![Deployment::read(&entry("a", "x", json!({}))).unwrap()]);
    assert_eq!(limit(json!({ "model": "a" })), 3);
    assert_eq!(limit(json!({ "model": "a", "stream": true })), 2);
}

#[test]
fn calls_beyond_the_limit_of_those_under_way_wait() {
    let router = router(vec![entry("a", "x", json!({ "max_parallel_requests": 1 }))], json!({}));
    let (mut one, mut two) = (plan(&router, json!({ "model": "a" })), plan(&router, json!({ "model": "a" })));
    let held = attempt(&mut one);
    assert!(matches!(two.next(router.clock.now()), Step::Queue));
    drop(held);
    assert!(matches!(two.next(router.clock.now()), Step::Call(_)));
}

#[test]
fn prompts_go_where_they_fit() {
    let small = json!({ "model_name": "a", "litellm_params": { "model": "openai/x" }, "model_info": { "id": "small", "max_input_tokens": 10 } });
    let large = json!({ "model_name": "a", "litellm_params": { "model": "openai/x" }, "model_info": { "id": "large", "max_input_tokens": 200 } });
    let router = router(vec![small, large], json!({ "enable_pre_call_checks": true }));
    let call = |text: &str| {
        let messages = json!([{ "role": "user", "content": text }]);
        plan(&router, json!({ "model": "a", "messages": messages })).next(router.clock.now())
    };
    for _ in 0..20 {
        let Step::Call(attempt) = call(&"word ".repeat(50)) else { panic!() };
        assert_eq!(id(&attempt), "large");
    }
    let Step::Fail(error) = call(&"word ".repeat(500)) else { panic!() };
    assert_eq!(error.kind(), Kind::ContextWindowExceeded);
}

#[test]
fn regions_are_kept() {
    let entries = vec![
        entry("a", "eu", json!({ "region_name": "eu-west-1" })),
        entry("a", "us", json!({ "region_name": "us-east-1" })),
        entry("a", "nowhere", json!({})),
    ];
    let router = router(entries, json!({ "enable_pre_call_checks": true }));
    let picked = |_| id(&attempt(&mut plan(&router, json!({ "model": "a", "allowed_model_region": "eu" }))));
    assert!((0..20).map(picked).all(|id| id == "eu"));
}

#[test]
fn tags_choose() {
    let entries = vec![
        entry("a", "free", json!({ "tags": ["free", "x"] })),
        entry("a", "paid", json!({ "tags": ["paid", "x"] })),
        entry("a", "rest", json!({ "tags": ["default"] })),
    ];
    let all = router(entries.clone(), json!({ "enable_tag_filtering": true }));
    let every = router(entries, json!({ "enable_tag_filtering": true, "tag_filtering_match_any": false }));
    let picked = |router: &Arc<Router>, tags: Value| {
        let keywords = json!({ "model": "a", "metadata": { "tags": tags } });
        let ids: std::collections::BTreeSet<String> =
            (0..50).map(|_| id(&attempt(&mut plan(router, keywords.clone())))).collect();
        ids.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(picked(&all, json!(["free"])), "free");
    assert_eq!(picked(&all, json!(["free", "paid"])), "free paid");
    assert_eq!(picked(&all, json!(["other"])), "rest");
    assert_eq!(picked(&all, json!([])), "rest");
    assert_eq!(picked(&every, json!(["x", "paid"])), "paid");
}

#[test]
fn calls_that_belong_together_stay_together() {
    let entries: Vec<Value> = (0..20).map(|at| entry("a", &format!("d{at}"), json!({}))).collect();
    let router = router(entries, json!({ "optional_pre_call_checks": ["session_affinity"] }));
    let call = |session: &str| {
        let keywords = json!({ "model": "a", "metadata": { "session_id": session } });
        let mut plan = plan(&router, keywords);
        let attempt = attempt(&mut plan);
        let id = id(&attempt);
        plan.succeeded(attempt, router.clock.now());
        id
    };
    let home = call("s");
    assert!((0..20).all(|_| call("s") == home));
    assert!((0..20).any(|at| call(&format!("other {at}")) != home));
    let last = router.view().table.by_id(&home).unwrap().clone();
    last.live.cool_until(router.clock.now().plus(Duration::from_secs(5)));
    assert_ne!(call("s"), home, "what is left alone is left alone");
}

#[test]
fn a_response_is_continued_where_it_is_held() {
    let entries: Vec<Value> = (0..20).map(|at| entry("a", &format!("d{at}"), json!({}))).collect();
    let router = router(entries, json!({}));
    let holder = router.view().table.by_id("d7").unwrap().clone();
    plan(&router, json!({ "model": "a" })).holds_response("resp_1", &holder, router.clock.now());
    let keywords = json!({ "model": "a", "previous_response_id": "resp_1" });
    assert!((0..20).all(|_| id(&attempt(&mut plan(&router, keywords.clone()))) == "d7"));
}

#[test]
fn a_changed_list_keeps_calls_and_forgets_what_is_gone() {
    let router = one_and_spare(json!({}));
    let mut running = plan(&router, json!({ "model": "a" }));
    let held = attempt(&mut running);
    router.upsert(Deployment::read(&entry("a", "new", json!({}))).unwrap());
    assert!(router.remove("x").is_some() && router.remove("x").is_none());
    assert_eq!(id(&attempt(&mut plan(&router, json!({ "model": "a" })))), "new");
    assert_eq!(held.deployment().live.in_flight(), 1);
    let read = || Deployment::read(&entry("b", "y", json!({ "weight": 2 }))).unwrap();
    router.view().table.by_id("y").unwrap().live.cool_until(router.clock.now().plus(Duration::from_secs(5)));
    router.upsert(read());
    router.set_deployments(vec![read()]);
    assert!(router.view().table.by_id("y").unwrap().live.cooldown(router.clock.now()).is_some());
}
