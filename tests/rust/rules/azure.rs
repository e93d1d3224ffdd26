//! Azure OpenAI (AZ). AZ-10 is tested where the tokens are (`src/auth/azure.rs`, `src/auth/exchange.rs`) and over
//! HTTP in `tests/python/test_azure.py`.

use ferrolite::engine::{ChatCall, Settings};
use ferrolite::error::{Error, Kind};
use serde_json::{Value, json};

use crate::support::{Variables, answer, keywords, refused, sent, sse, streamed};

fn azure(model: &str, more: Value) -> Value {
    let mut all = keywords(&format!("azure/{model}"), json!({ "api_base": "https://r.openai.azure.com" }));
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

fn call(keywords: Value) -> ChatCall {
    call_with(keywords, &[])
}

fn call_with(keywords: Value, variables: &'static [(&'static str, &'static str)]) -> ChatCall {
    let Value::Object(map) = keywords else { panic!("keywords are an object") };
    let variables = variables.iter().fold(Variables::default(), |all, (name, value)| all.with(name, value));
    ChatCall::from_keywords(map, &Settings::default(), &variables).unwrap()
}

/// The address and its query, and where the key goes.
fn address(call: &ChatCall) -> (String, String, ferrolite::auth::Scheme) {
    let target = call.target();
    let url =
        target.wire.chat().expect("a language with chat").encode(&call.request, target).unwrap().call.url;
    let query: Vec<String> =
        call.envelope.route.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (url, query.join("&"), call.envelope.route.auth)
}

#[test]
fn az_01_the_deployment_is_addressed_not_the_model() {
    use ferrolite::auth::Scheme::{ApiKey, Bearer};
    let root = "https://r.openai.azure.com";
    let dated = format!("{root}/openai/deployments/dep/chat/completions");
    let v1 = format!("{root}/openai/v1/chat/completions");
    for (base, version, url, query, auth) in [
        ("", "2024-10-21", &dated, "api-version=2024-10-21", ApiKey),
        ("/", "2024-10-21", &dated, "api-version=2024-10-21", ApiKey),
        ("/openai", "2024-10-21", &dated, "api-version=2024-10-21", ApiKey),
        ("/openai/deployments/dep", "2024-10-21", &dated, "api-version=2024-10-21", ApiKey),
        ("/openai/deployments/dep/chat/completions", "2024-10-21", &dated, "api-version=2024-10-21", ApiKey),
        (
            "/openai/deployments/dep/chat/completions?api-version=2023-07-01-preview",
            "2024-10-21",
            &dated,
            "api-version=2023-07-01-preview",
            ApiKey,
        ),
        ("", "v1", &v1, "", Bearer),
        ("", "preview", &v1, "", Bearer),
        ("/openai/v1/", "latest", &v1, "", Bearer),
        ("/openai/v1/", "2024-10-21", &v1, "", Bearer),
    ] {
        let more = json!({ "api_base": format!("{root}{base}"), "api_version": version });
        assert_eq!(
            address(&call(azure("dep", more))),
            (url.clone(), query.to_owned(), auth),
            "{base} {version}"
        );
    }
    let (url, ..) = address(&call(azure("a/b c", json!({}))));
    assert_eq!(url, format!("{root}/openai/deployments/a%2Fb%20c/chat/completions"));
    let by_id = call(keywords("gpt-4o", json!({ "deployment_id": "dep", "api_base": root })));
    assert_eq!(address(&by_id).0, dated);
}

#[test]
fn az_01_the_version_is_said_set_or_the_default() {
    let query = |more: Value, variables| address(&call_with(azure("dep", more), variables)).1;
    assert_eq!(query(json!({}), &[]), "api-version=2025-02-01-preview");
    assert_eq!(query(json!({}), &[("AZURE_API_VERSION", "2024-06-01")]), "api-version=2024-06-01");
    assert_eq!(
        query(json!({ "api_version": "2023-05-15" }), &[("AZURE_API_VERSION", "2024-06-01")]),
        "api-version=2023-05-15"
    );
    let base = json!({ "api_base": null });
    let found = call_with(azure("dep", base), &[("AZURE_API_BASE", "https://e.openai.azure.com/")]);
    assert_eq!(address(&found).0, "https://e.openai.azure.com/openai/deployments/dep/chat/completions");
}

#[test]
fn az_02_newer_models_take_max_completion_tokens() {
    for model in
        ["gpt-5", "gpt-5-chat", "my-gpt-5-mini-eu", "gpt5_series/mine", "o_series/mine", "my-o3-mini"]
    {
        let body = sent(azure(model, json!({ "max_tokens": 5 })));
        assert_eq!(body["max_completion_tokens"], 5, "{model}");
        assert!(body.get("max_tokens").is_none(), "{model}");
    }
    assert_eq!(sent(azure("my-gpt4o", json!({ "max_tokens": 5 })))["max_tokens"], 5);
    for model in ["gpt5_series/mine", "o_series/mine"] {
        let body = sent(azure(model, json!({ "reasoning_effort": "low" })));
        assert_eq!((&body["model"], &body["reasoning_effort"]), (&json!("mine"), &json!("low")), "{model}");
        let error = refused(azure(model, json!({ "temperature": 0.2 })));
        assert_eq!(error.kind(), Kind::UnsupportedParams, "{model}");
    }
    let none = |model: &str| azure(model, json!({ "reasoning_effort": "none" }));
    assert_eq!(refused(none("gpt-5")).kind(), Kind::UnsupportedParams, "OAI-06: it is not listed with it");
    assert_eq!(sent(none("gpt-5.1"))["reasoning_effort"], "none");
    // The chat line does not reason.
    assert_eq!(sent(azure("gpt-5-chat", json!({ "temperature": 0.2 })))["temperature"], 0.2);
}

#[test]
fn az_02_some_of_the_series_take_system_messages() {
    let messages = json!([{ "role": "system", "content": "s" }, { "role": "user", "content": "hi" }]);
    for (model, role) in [("o1", "system"), ("o3-mini", "user"), ("o_series/mine", "user")] {
        let body = sent(azure(model, json!({ "messages": messages })));
        assert_eq!(body["messages"][0]["role"], role, "{model}");
    }
}

#[test]
fn az_03_a_base_model_says_what_a_deployment_can_do() {
    let more = json!({ "base_model": "azure/gpt-5", "max_tokens": 5, "reasoning_effort": "low" });
    let body = sent(azure("mine", more));
    assert_eq!(
        body,
        json!({
            "model": "mine", "messages": [{ "role": "user", "content": "hi" }],
            "max_completion_tokens": 5, "reasoning_effort": "low",
        })
    );
    let error = refused(azure("mine", json!({ "reasoning_effort": "low" })));
    assert_eq!(error.kind(), Kind::UnsupportedParams);
}

const TOOL: &str =
    r#"[{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }]"#;

fn with_choice(version: &str, choice: &str, drop: bool) -> Value {
    let tools: Value = serde_json::from_str(TOOL).unwrap();
    let more = json!({ "api_version": version, "tools": tools, "tool_choice": choice, "drop_params": drop });
    azure("my-gpt4o", more)
}

#[test]
fn az_04_older_versions_have_no_choice_of_tools() {
    for (version, choice) in [
        ("2023-05-15", "auto"),
        ("2023-11-30", "required"),
        ("2024-02-01", "required"),
        ("2024-05-01-preview", "required"),
    ] {
        let error = refused(with_choice(version, choice, false));
        assert_eq!(error.kind(), Kind::UnsupportedParams, "{version}");
        assert!(sent(with_choice(version, choice, true)).get("tool_choice").is_none(), "{version}");
    }
    for (version, choice) in [
        ("2023-12-01-preview", "auto"),
        ("2024-02-01", "auto"),
        ("2024-06-01", "required"),
        ("v1", "required"),
    ] {
        assert_eq!(sent(with_choice(version, choice, false))["tool_choice"], choice, "{version}");
    }
}

#[test]
fn az_05_a_tool_stands_for_a_schema_where_there_are_none() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } } });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": schema } });
    let with = |model: &str, version: &str| {
        let more = json!({ "api_version": version, "response_format": format, "stream": true });
        azure(model, more)
    };
    for (model, version) in
        [("gpt-4o", "2024-02-01"), ("mine", "2024-07-01-preview"), ("gpt-35-turbo", "2024-10-21")]
    {
        let body = sent(with(model, version));
        assert_eq!(body["tool_choice"]["function"]["name"], "json_tool_call", "{model} {version}");
        assert_eq!(body["tools"][0]["function"]["parameters"], schema);
        assert!(body.get("response_format").is_none());
        assert!(body.get("stream").is_none(), "its answer comes whole (GEN-30)");
    }
    for model in ["mine", "gpt-4"] {
        assert_eq!(sent(with(model, "2024-08-01-preview"))["response_format"], format, "{model}");
    }
    let object = json!({ "type": "json_object", "response_schema": schema });
    let body = sent(azure("mine", json!({ "api_version": "2024-02-01", "response_format": object })));
    assert_eq!(body["tools"][0]["function"]["parameters"], schema);
    let object = json!({ "type": "json_object" });
    let body = sent(azure("mine", json!({ "api_version": "2023-05-15", "response_format": object })));
    assert_eq!(body["response_format"], object, "GEN-01: nothing is dropped in silence");
    let call = json!({ "id": "c", "type": "function", "function": { "name": "json_tool_call", "arguments": "{\"a\":1}" } });
    let reply = json!({
        "id": "x", "created": 1, "model": "gpt-4o",
        "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": { "role": "assistant", "tool_calls": [call] } }],
    });
    let response = answer(with("gpt-4o", "2024-02-01"), &reply).unwrap();
    assert_eq!(response.choices[0].message.content.as_deref(), Some("{\"a\":1}"));
    assert_eq!(response.choices[0].finish_reason.as_str(), "stop");
}

const FILTERS: &str = r#"{"hate":{"filtered":false,"severity":"safe"}}"#;

#[test]
fn az_06_what_the_filters_say_of_the_prompt_comes_with_the_first_chunk() {
    let filters: Value = serde_json::from_str(FILTERS).unwrap();
    let found = json!([{ "prompt_index": 0, "content_filter_results": filters }]);
    let events = [
        json!({ "id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": found }),
        json!({ "id": "c", "model": "gpt-4o", "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "Hi" } }] }),
        json!({ "id": "c", "model": "gpt-4o", "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }),
    ];
    let chunks = streamed(azure("dep", json!({ "stream": true })), &[sse(&events).as_bytes()]).chunks;
    assert_eq!(
        chunks[0].choices[0].content.as_deref(),
        Some("Hi"),
        "an empty chunk is not the first content"
    );
    assert!(chunks[0].choices[0].role);
    assert_eq!(chunks[0].fields["provider_specific_fields"]["prompt_filter_results"], found);
}

#[test]
fn az_07_a_call_without_arguments_has_empty_ones() {
    let call = json!({ "name": "f", "arguments": null });
    let messages = json!([
        { "role": "user", "content": "hi" },
        { "role": "assistant", "content": null, "function_call": call },
        { "role": "function", "name": "f", "content": "x" },
    ]);
    let body = sent(azure("dep", json!({ "messages": messages })));
    assert_eq!(body["messages"][1]["function_call"], json!({ "name": "f", "arguments": "" }));
}

/// What a reply with a status raises.
fn failure(status: u16, error: Value) -> Error {
    let call = call(azure("dep", json!({})));
    let target = call.target();
    let wire = target.wire.chat().expect("a language with chat");
    let facts = wire.error_facts(status, json!({ "error": error }).to_string().as_bytes());
    let kind = wire.classify(&facts, target);
    call.envelope.error_context().name(facts.into_error(kind))
}

#[test]
fn az_08_filtered_prompts_are_told_by_their_codes() {
    let filters: Value = serde_json::from_str(FILTERS).unwrap();
    let inner = json!({ "code": "ResponsibleAIPolicyViolation", "content_filter_result": filters });
    for error in [
        json!({ "code": "content_filter", "message": "m", "innererror": inner }),
        json!({ "code": "400", "message": "m", "innererror": inner }),
        json!({ "code": "400", "message": "m", "inner_error": inner }),
        json!({ "code": "400", "message": "Triggering Azure OpenAI's content management policy." }),
    ] {
        let found = failure(400, error.clone());
        assert_eq!(found.kind(), Kind::ContentPolicy, "{error}");
        assert_eq!(found.facts().body.as_ref(), Some(&error), "the details are kept");
    }
}

#[test]
fn az_09_the_status_comes_before_words() {
    let long = "This model's maximum context length is 10 tokens.";
    for (status, code, message, kind) in [
        (404, "DeploymentNotFound", "no such deployment", Kind::NotFound),
        (400, "context_length_exceeded", "too long", Kind::ContextWindowExceeded),
        (400, "400", long, Kind::ContextWindowExceeded),
        (413, "context_length_exceeded", long, Kind::Api),
        (422, "context_length_exceeded", long, Kind::BadRequest),
        (400, "400", "Rate limit reached", Kind::BadRequest),
        (429, "429", long, Kind::RateLimit),
    ] {
        let error = failure(status, json!({ "code": code, "message": message }));
        assert_eq!(error.kind(), kind, "{status} {code} {message}");
    }
    assert_eq!(failure(400, json!({ "message": "no" })).message(), "AzureException - no");
    assert_eq!(failure(404, json!({ "message": "no" })).message(), "AzureException NotFoundError - no");
}

#[test]
fn az_10_what_is_no_key_goes_as_a_bearer() {
    use ferrolite::auth::Scheme::{ApiKey, Bearer};
    for (more, auth, key, has_grant) in [
        (json!({ "azure_ad_token": "t" }), Bearer, Some("t"), false),
        (
            json!({ "api_key": "k", "tenant_id": "t", "client_id": "c", "client_secret": "s" }),
            ApiKey,
            Some("k"),
            false,
        ),
        (
            json!({ "api_key": null, "tenant_id": "t", "client_id": "c", "client_secret": "s" }),
            Bearer,
            None,
            true,
        ),
    ] {
        for provider in ["azure", "azure_ai"] {
            let mut more = more.clone();
            more["model"] = format!("{provider}/dep").into();
            let call = call(azure("dep", more));
            let route = &call.envelope.route;
            assert_eq!(route.auth, auth, "{provider}");
            assert_eq!(route.key.as_ref().map(ferrolite::auth::Secret::expose), key, "{provider}");
            assert_eq!(route.grant.is_some(), has_grant, "{provider}");
            let target = call.target();
            let body = target
                .wire
                .chat()
                .expect("a language with chat")
                .encode(&call.request, target)
                .unwrap()
                .call
                .body;
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 2, "nothing of it is in the body: {body}");
        }
    }
    let nothing = refused(azure("dep", json!({ "api_key": null })));
    assert_eq!(nothing.kind(), Kind::Authentication);
    for name in ["AZURE_API_KEY", "azure_ad_token", "client_secret"] {
        assert!(nothing.message().contains(name), "{nothing}");
    }
}

#[test]
fn az_11_a_filtered_answer_keeps_what_the_filters_found() {
    let filters: Value = serde_json::from_str(FILTERS).unwrap();
    let reply = json!({
        "id": "x", "created": 1, "model": "gpt-4o", "prompt_filter_results": [{ "prompt_index": 0 }],
        "choices": [{
            "index": 0, "finish_reason": "content_filter", "content_filter_results": filters,
            "message": { "role": "assistant", "content": null },
        }],
    });
    let response = answer(azure("dep", json!({})), &reply).unwrap();
    let choice = &response.choices[0];
    assert_eq!(choice.finish_reason.as_str(), "content_filter");
    assert_eq!(choice.extra["content_filter_results"], filters);
    assert_eq!(response.extra["prompt_filter_results"], json!([{ "prompt_index": 0 }]));
    assert_eq!(response.model, "gpt-4o");
}
