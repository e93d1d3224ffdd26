//! What single providers do: one test each.

use ferrolite::error::Kind;
use serde_json::{Value, json};

use crate::support::{Sent, Variables, body, keywords, sent};

fn call(model: &str, more: Value) -> Sent {
    sent(keywords(model, more), &Variables::default()).unwrap()
}

#[test]
fn azure_ai_takes_the_key_by_host() {
    for (base, url, header, value) in [
        (
            "https://r.services.ai.azure.com",
            "https://r.services.ai.azure.com/models/chat/completions",
            "api-key",
            "k",
        ),
        ("https://r.openai.azure.com", "https://r.openai.azure.com/chat/completions", "api-key", "k"),
        (
            "https://r.inference.ai.azure.com",
            "https://r.inference.ai.azure.com/chat/completions",
            "authorization",
            "Bearer k",
        ),
        (
            "https://gate.invalid/models",
            "https://gate.invalid/models/chat/completions",
            "authorization",
            "Bearer k",
        ),
    ] {
        let sent = call("azure_ai/zqmodel", json!({ "api_base": base }));
        assert_eq!((sent.url.as_str(), sent.header(header)), (url, Some(value)));
    }
}

#[test]
fn azure_ai_leaves_openais_models_to_azure_openai_where_they_are_deployments() {
    let foundry = call("azure_ai/gpt-4o", json!({ "api_base": "https://r.services.ai.azure.com" }));
    assert_eq!(foundry.url, "https://r.services.ai.azure.com/models/chat/completions");
    let base = "https://r.cognitiveservices.azure.com";
    let deployment = call("azure_ai/gpt-4o", json!({ "api_base": base, "api_version": "2024-10-21" }));
    let path = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
    assert_eq!(deployment.url, format!("{base}{path}"));
    assert_eq!(deployment.header("api-key"), Some("k"));
    let variables = Variables::default().with("AZURE_AI_API_BASE", base).with("AZURE_AI_API_KEY", "e");
    let found =
        sent(keywords("azure_ai/gpt-4o", json!({ "api_base": null, "api_key": null })), &variables).unwrap();
    assert!(found.url.starts_with(&format!("{base}/openai/deployments/")), "{}", found.url);
    assert_eq!(found.header("api-key"), Some("e"));
    let client = json!({ "api_key": null, "tenant_id": "t", "client_id": "c", "client_secret": "s" });
    let asked = sent(keywords("azure_ai/gpt-4o", client), &variables).unwrap();
    assert_eq!(asked.header("api-key"), None, "what the call says comes before the environment");
}

#[test]
fn azure_ai_takes_versions_tokens_and_routers() {
    let base = "https://r.services.ai.azure.com";
    let sent =
        call("azure_ai/model_router/m", json!({ "api_base": base, "api_version": "2024-05-01-preview" }));
    assert_eq!(sent.url, format!("{base}/models/chat/completions?api-version=2024-05-01-preview"));
    assert_eq!(sent.body["model"], "m");
    let sent = call("azure_ai/claude-sonnet-4-5", json!({ "api_base": base, "azure_ad_token": "t" }));
    assert_eq!(sent.url, format!("{base}/anthropic/v1/messages"));
    assert_eq!(sent.header("authorization"), Some("Bearer t"));
    assert_eq!(sent.header("api-key"), None);
}

#[test]
fn azure_ai_speaks_messages_with_claude() {
    for base in [
        "https://r.services.ai.azure.com",
        "https://r.services.ai.azure.com/models",
        "https://r.services.ai.azure.com/anthropic",
    ] {
        let sent = call("azure_ai/claude-sonnet-4-5", json!({ "api_base": base }));
        assert_eq!(sent.url, "https://r.services.ai.azure.com/anthropic/v1/messages");
        assert_eq!((sent.header("x-api-key"), sent.header("api-key")), (Some("k"), Some("k")));
        assert!(sent.header("authorization").is_none());
    }
}

#[test]
fn clarifai_models_are_addresses() {
    let model = |model: &str| body(&format!("clarifai/{model}"), json!({})).map(|body| body["model"].clone());
    assert_eq!(
        model("openai.chat-completion.gpt-4.1").unwrap(),
        "https://clarifai.com/openai/chat-completion/models/gpt-4.1"
    );
    assert_eq!(model("https://clarifai.com/a/b/models/c").unwrap(), "https://clarifai.com/a/b/models/c");
    assert_eq!(model("gpt-4").unwrap_err().kind(), Kind::BadRequest);
}

#[test]
fn fireworks_short_names_stand_for_paths() {
    for (model, sent) in [
        ("llama-v3p3-70b-instruct", "accounts/fireworks/models/llama-v3p3-70b-instruct"),
        ("accounts/zq/models/m", "accounts/zq/models/m"),
        ("m#accounts/zq/deployments/d", "m#accounts/zq/deployments/d"),
    ] {
        assert_eq!(body(&format!("fireworks_ai/{model}"), json!({})).unwrap()["model"], sent);
    }
}

#[test]
fn hugging_face_is_told_the_host_behind_the_name() {
    let model = |model: &str, base: Option<&str>| {
        call(&format!("huggingface/{model}"), json!({ "api_base": base })).body["model"].clone()
    };
    assert_eq!(model("owner/m", None), "owner/m");
    assert_eq!(model("together/owner/m", None), "owner/m:together");
    assert_eq!(model("together/owner/m", Some("https://own.invalid")), "together/owner/m");
}

#[test]
fn ragflow_agents_are_in_the_path() {
    let sent = call("ragflow/agent/id7/m", json!({ "api_base": "https://own.invalid/api/v1" }));
    assert_eq!(sent.url, "https://own.invalid/api/v1/agents_openai/id7/chat/completions");
    assert_eq!(sent.body["model"], "m");
    assert_eq!(body("ragflow/m", json!({})).unwrap_err().kind(), Kind::BadRequest);
}

#[test]
fn snowflake_says_what_the_key_is() {
    let variables = Variables::default().with("SNOWFLAKE_ACCOUNT_ID", "acme");
    for (key, sent_key, kind) in
        [("jwt", "Bearer jwt", "KEYPAIR_JWT"), ("pat/tok", "Bearer tok", "PROGRAMMATIC_ACCESS_TOKEN")]
    {
        let sent =
            sent(keywords("snowflake/m", json!({ "api_base": null, "api_key": key })), &variables).unwrap();
        assert_eq!(sent.url, "https://acme.snowflakecomputing.com/api/v2/cortex/v1/chat/completions");
        assert_eq!(sent.header("authorization"), Some(sent_key));
        assert_eq!(sent.header("x-snowflake-authorization-token-type"), Some(kind));
    }
}

#[test]
fn openrouter_names_the_site_that_the_environment_says() {
    let variables =
        Variables::default().with("OR_SITE_URL", "https://example.org").with("OR_APP_NAME", "app");
    let sent = sent(keywords("openrouter/a/b", json!({})), &variables).unwrap();
    assert_eq!(
        (sent.header("http-referer"), sent.header("x-title")),
        (Some("https://example.org"), Some("app"))
    );
}

#[test]
fn keywords_that_a_row_names_go_where_it_says_and_not_into_the_body() {
    let sent =
        call("gdc/m", json!({ "api_base": "http://h", "vertex_project": "p", "vertex_location": "l" }));
    assert_eq!(sent.url, "http://h/v1/projects/p/locations/l/chat/completions");
    assert_eq!(sent.header("x-goog-user-project"), Some("projects/p"));
    assert!(sent.body.get("vertex_project").is_none() && sent.body.get("vertex_location").is_none());

    let sent = call("bedrock_mantle/m", json!({ "api_base": null, "region_name": "eu-west-1" }));
    assert!(sent.url.starts_with("https://bedrock-mantle.eu-west-1.api.aws/"), "{}", sent.url);
    assert!(sent.body.get("region_name").is_none());

    let sent = call("openrouter/m", json!({ "site_url": "https://s", "app_name": "a" }));
    assert_eq!((sent.header("http-referer"), sent.header("x-title")), (Some("https://s"), Some("a")));
    assert!(sent.body.get("site_url").is_none() && sent.body.get("app_name").is_none());

    let sent = call("groq/m", json!({ "site_url": "https://s" }));
    assert_eq!(sent.body["site_url"], "https://s", "where no row reads it, it is the provider's");
}
