//! Providers that speak a known language at an address, or with a proof, of their own; and those that are not called.

use ferrolite::error::Kind;
use ferrolite::hub::{CallType, Options};
use ferrolite::providers::{self, Wanted};
use serde_json::json;

use crate::support::{Variables, answered, keywords, sent, variables};

#[test]
fn azure_text_completes_texts_of_a_deployment() {
    let call = keywords("azure_text/dep", json!({ "api_version": "2024-02-01", "max_tokens": 5 }));
    let sent = sent(call, &variables()).unwrap();
    assert_eq!(sent.url, "https://host.invalid/openai/deployments/dep/completions?api-version=2024-02-01");
    assert_eq!(sent.header("api-key"), Some("k"));
    assert_eq!(sent.body, json!({ "model": "dep", "prompt": "hi", "max_tokens": 5 }));
}

#[test]
fn an_agent_of_databricks_is_asked_at_its_endpoint() {
    let messages = json!([{ "role": "system", "content": "be" }, { "role": "user", "content": [{ "type": "text", "text": "hi" }] }]);
    for base in ["https://ws.invalid", "https://ws.invalid/serving-endpoints"] {
        let more = json!({ "api_base": base, "messages": messages, "max_tokens": 5, "temperature": 0.5 });
        let sent = sent(keywords("databricks_agent/agent", more), &variables()).unwrap();
        assert_eq!(sent.url, "https://ws.invalid/serving-endpoints/agent/invocations");
        assert_eq!(sent.header("authorization"), Some("Bearer k"));
        assert_eq!(
            sent.body,
            json!({
                "input": [{ "role": "system", "content": "be" }, { "role": "user", "content": "hi" }],
                "max_output_tokens": 5, "temperature": 0.5,
            })
        );
    }
    let error = sent(keywords("databricks_agent/agent", json!({ "stop": "x" })), &variables()).err().unwrap();
    assert_eq!(error.kind(), Kind::UnsupportedParams);
}

#[test]
fn a_subscription_is_always_streamed_and_never_kept() {
    let more = json!({ "api_base": null, "temperature": 0.5, "max_tokens": 5, "reasoning_effort": "low" });
    let sent = sent(keywords("chatgpt/gpt-5.2", more), &variables()).unwrap();
    assert_eq!(sent.url, "https://chatgpt.com/backend-api/codex/responses");
    assert_eq!(sent.header("authorization"), Some("Bearer k"));
    assert_eq!(sent.header("originator"), Some("codex_cli_rs"));
    assert!(sent.header("session_id").is_some());
    assert_eq!(
        sent.body,
        json!({
            "model": "gpt-5.2",
            "input": [{ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "hi" }] }],
            "include": ["reasoning.encrypted_content"], "reasoning": { "effort": "low" },
            "instructions": "You are a helpful assistant.", "store": false, "stream": true,
        })
    );
    let messages = json!([{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "hi" }]);
    let own = keywords("chatgpt/gpt-5.2", json!({ "messages": messages }));
    assert_eq!(crate::support::sent(own, &variables()).unwrap().body["instructions"], "Be brief.");
}

#[test]
fn a_login_is_read_from_its_folder() {
    let folder = std::env::temp_dir().join(format!("ferrolite-login-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = json!({ "access_token": "t", "account_id": "acct", "expires_at": 9e9 }).to_string();
    std::fs::write(folder.join("auth.json"), text).unwrap();
    let variables = Variables::default().with("CHATGPT_TOKEN_DIR", folder.to_str().unwrap());
    let call = || keywords("chatgpt/gpt-5.2", json!({ "api_key": null, "api_base": null }));
    let found = sent(call(), &variables);
    std::fs::remove_dir_all(&folder).unwrap();
    let found = found.unwrap();
    assert_eq!(found.header("authorization"), Some("Bearer t"));
    assert_eq!(found.header("chatgpt-account-id"), Some("acct"));
    let error = sent(call(), &variables).err().unwrap();
    assert_eq!(error.kind(), Kind::Authentication);
    assert!(error.message().contains("CHATGPT_TOKEN_DIR"), "{error}");
}

/// A stream that nobody asked for is the answer of a plain call.
#[test]
fn a_whole_answer_is_read_from_a_stream() {
    let call = || keywords("chatgpt/gpt-5.2", json!({}));
    let item = json!({ "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "Hello" }] });
    let usage = json!({ "input_tokens": 3, "output_tokens": 2, "total_tokens": 5 });
    let events = |last: serde_json::Value| {
        let done = json!({ "type": "response.output_item.done", "output_index": 0, "item": item });
        format!("event: response.output_item.done\ndata: {done}\n\ndata: {last}\n\n")
    };
    let response =
        json!({ "id": "r", "model": "gpt-5.2", "status": "completed", "output": [], "usage": usage });
    let body = events(json!({ "type": "response.completed", "response": response }));
    let (call_made, prepared) = crate::call::prepared(call(), &variables()).unwrap();
    let wire = call_made.target().wire.chat().unwrap();
    let read = |body: String| {
        let reply =
            ferrolite::wires::HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.into() };
        wire.decode(&reply, &prepared.memo, call_made.target())
    };
    let answer = read(body).unwrap();
    assert_eq!(answer.choices[0].message.content.as_deref(), Some("Hello"));
    assert_eq!(answer.usage.unwrap().total_tokens, 5);
    let failed = json!({ "error": { "code": "rate_limit_exceeded", "message": "slow down" } });
    let error = read(events(json!({ "type": "response.failed", "response": failed }))).unwrap_err();
    assert_eq!(error.kind(), Kind::RateLimit);
    assert_eq!(read(events(json!({ "type": "x" }))).unwrap_err().kind(), Kind::Connection);
    // Whoever answers without a stream is read, too.
    let response =
        json!({ "id": "r", "model": "m", "status": "completed", "output": [item], "usage": usage });
    let whole = answered(call(), &response).unwrap();
    assert_eq!(whole.choices[0].message.content.as_deref(), Some("Hello"));
}

/// Models that have Responses only, by their names or their entries in the table.
#[test]
fn the_chat_of_some_models_is_asked_for_over_responses() {
    for (model, base, url, named) in [
        ("openai/responses/gpt-4o", None, "https://api.openai.com/v1/responses", "gpt-4o"),
        ("openai/gpt-5-codex", None, "https://api.openai.com/v1/responses", "gpt-5-codex"),
        ("o1-pro", None, "https://api.openai.com/v1/responses", "o1-pro"),
        ("xai/responses/grok-4", None, "https://api.x.ai/v1/responses", "grok-4"),
        ("perplexity/openai/gpt-5", None, "https://api.perplexity.ai/v1/responses", "openai/gpt-5"),
        (
            "azure/responses/gpt-4o",
            Some("https://r.openai.azure.com"),
            "https://r.openai.azure.com/openai/v1/responses?api-version=preview",
            "gpt-4o",
        ),
        (
            "azure/gpt-5-codex",
            Some("https://r.openai.azure.com"),
            "https://r.openai.azure.com/openai/v1/responses?api-version=preview",
            "gpt-5-codex",
        ),
    ] {
        let sent = sent(keywords(model, json!({ "api_base": base, "max_tokens": 5 })), &variables()).unwrap();
        assert_eq!(sent.url, url, "{model}");
        assert_eq!(sent.body["model"], named, "{model}");
        assert!(sent.body["input"].is_array() && sent.body.get("messages").is_none(), "{model}");
        // The interface takes no smaller limit.
        let least = if model.starts_with("xai") { 5 } else { 16 };
        assert_eq!(sent.body["max_output_tokens"], least, "{model}");
        // Models that do not reason refuse to be asked for it.
        if model.starts_with("openai/") {
            assert_eq!(sent.body.get("include").is_some(), named == "gpt-5-codex", "{model}");
        }
    }
    for (model, base) in
        [("openai/gpt-4o", None), ("groq/responses/x", None), ("azure/gpt-4o", Some("https://r.invalid"))]
    {
        let sent = sent(keywords(model, json!({ "api_base": base })), &variables()).unwrap();
        assert!(sent.url.contains("/chat/completions"), "{model}: {}", sent.url);
    }
}

/// What is not served says what to use, whatever was asked, with and without a key.
#[test]
fn a_provider_that_is_not_called_says_what_is() {
    for (name, instead) in [
        ("vllm", "hosted_vllm/"),
        ("petals", "custom_openai/"),
        ("nvidia_riva", "openai/"),
        ("transcribe", "deepgram/"),
        ("aws_textract", "bedrock/"),
        ("reducto", "model that sees"),
    ] {
        assert!(providers::row(name).unwrap().instead.is_some());
        for call_type in CallType::ALL {
            let wanted = Wanted { model: format!("{name}/m"), ..Wanted::default() };
            let error = providers::resolve(wanted, call_type, Options::default(), &variables()).unwrap_err();
            assert_eq!(error.kind(), Kind::BadRequest, "{name}");
            assert!(error.message().contains(instead), "{error}");
        }
    }
}
