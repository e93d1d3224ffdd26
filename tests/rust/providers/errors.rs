//! How errors name their provider. What each reply becomes is in `tests/python/test_error_facts.py`.

use ferrolite::engine::{ChatCall, Settings};
use ferrolite::error::Error;
use serde_json::{Value, json};

use crate::support::{keywords, variables};

fn failure(model: &str, status: u16, body: &Value) -> Error {
    let Value::Object(map) = keywords(model, json!({})) else { panic!("keywords") };
    let call = ChatCall::from_keywords(map, &Settings::default(), &variables()).expect("a call");
    let target = call.target();
    let wire = target.wire.chat().expect("a language with chat");
    let facts = wire.error_facts(status, body.to_string().as_bytes());
    let kind = wire.classify(&facts, target);
    call.envelope.error_context().name(facts.into_error(kind))
}

#[test]
fn messages_name_the_provider() {
    let body = json!({ "error": { "message": "no" } });
    for (provider, prefix) in [
        ("groq", "GroqException - no"),
        ("together_ai", "Together_aiException - no"),
        ("nano-gpt", "Nano-gptException - no"),
        ("ai21", "Ai21_chatException - no"),
        ("bedrock_mantle", "BedrockException - no"),
    ] {
        assert_eq!(failure(&format!("{provider}/m"), 400, &body).message(), prefix);
    }
}
