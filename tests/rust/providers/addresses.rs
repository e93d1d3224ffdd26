//! Where a plain call goes, and with which key.

use ferrolite::error::Kind;
use ferrolite::providers;
use serde_json::{Value, json};

use crate::facts::{self, Facts, compare};
use crate::support::{Sent, Variables, keywords, provider, sent, variables};

const NEVER_ASKED_FOR: &str = "no field is sent that nobody asked for (OSS-01)";
const OPENAIS: &str = "a variable of OpenAI's is OpenAI's alone";
const OTHERS: &str = "variables of another provider; it has its own here";
const OWN_SERVER: &str = "a server of the caller's may have no keys";

fn model(provider: &str, facts: &Facts) -> String {
    format!("{provider}/{}", facts.chat().model)
}

/// The address that the caller gives where there is no default.
fn example(facts: &Facts) -> Option<String> {
    facts
        .base_url
        .is_none()
        .then(|| Facts::filled(facts.base_example.as_deref().unwrap_or("https://host.invalid")))
}

fn plain(provider: &str, facts: &Facts) -> Sent {
    let keywords = keywords(&model(provider, facts), json!({ "api_base": example(facts) }));
    sent(keywords, &variables()).unwrap_or_else(|error| panic!("{provider}: {error}"))
}

#[test]
fn every_provider_that_is_not_left_out_has_a_row() {
    for (name, facts) in facts::providers() {
        assert!(facts.chat.is_some(), "{name} has no chat: it belongs to those that are left out");
        assert!(providers::row(name).is_some(), "{name}");
    }
    for (name, why) in facts::LEFT_OUT {
        let row = providers::row(name);
        let row = row.unwrap_or_else(|| panic!("{name}"));
        assert_eq!(row.wires.chat.is_none(), *why == facts::NO_CHAT, "{name}");
    }
}

#[test]
fn a_plain_call_goes_to_the_known_address_with_the_known_body() {
    let mut found = Vec::new();
    for (name, facts) in facts::providers() {
        let sent = plain(name, facts);
        let base =
            example(facts).or_else(|| facts.base_url.as_deref().map(Facts::filled)).unwrap_or_default();
        let url = format!("{base}{}", Facts::filled(&facts.path));
        if sent.url != url {
            found.push(format!("{name}: address {} instead of {url}", sent.url));
        }
        let mut keys: Vec<&str> = vec!["messages", "model"];
        keys.extend(facts.chat().body_always.keys().map(String::as_str));
        keys.sort_unstable();
        let mut body: Vec<&str> = sent.body.as_object().unwrap().keys().map(String::as_str).collect();
        body.sort_unstable();
        if body != keys {
            found.push(format!("{name}: body {body:?} instead of {keys:?}"));
        }
        let (header, value) = match facts.auth.as_deref() {
            Some("bearer") => ("authorization", Some("Bearer k")),
            Some("header") => ("api-key", Some("k")),
            _ => ("authorization", None),
        };
        if sent.header(header) != value {
            found.push(format!("{name}: {header} {:?}", sent.header(header)));
        }
        for (header, value) in &facts.headers {
            let value = Facts::filled(value);
            if sent.header(header) != Some(&value) {
                found.push(format!("{name}: {header} {:?} instead of {value}", sent.header(header)));
            }
        }
    }
    compare(
        &found,
        &[
            ("aiohttp_openai", "address", "the format's own path, whatever the client"),
            ("amazon_nova", "body", NEVER_ASKED_FOR),
            ("maritalk", "body", NEVER_ASKED_FOR),
            ("ragflow", "body", NEVER_ASKED_FOR),
            ("snowflake", "body", NEVER_ASKED_FOR),
        ],
    );
}

#[test]
fn keys_and_addresses_are_read_from_the_known_variables_in_order() {
    let mut found = Vec::new();
    for (name, facts) in facts::providers() {
        let model = model(name, facts);
        let key_of = |variables: &Variables| {
            let call = keywords(&model, json!({ "api_key": null, "api_base": example(facts) }));
            let sent = sent(call, variables).ok()?;
            let key = sent.header("authorization").or_else(|| sent.header("api-key"))?;
            Some(key.trim_start_matches("Bearer ").to_owned())
        };
        for (at, variable) in facts.key_env.iter().enumerate() {
            let all = facts.key_env[at..].iter().fold(variables(), |all, name| all.with(name, name));
            if key_of(&all).as_deref() != Some(variable) {
                found.push(format!("{name}: key {variable}, got {:?}", key_of(&all)));
            }
        }
        for (at, variable) in facts.base_env.iter().enumerate() {
            let host = |name: &str| format!("https://{}.invalid", name.to_lowercase().replace('_', "-"));
            let all = facts.base_env[at..].iter().fold(variables(), |all, name| all.with(name, &host(name)));
            let sent = sent(keywords(&model, json!({ "api_base": null })), &all);
            if !sent.is_ok_and(|sent| sent.url.starts_with(&host(variable))) {
                found.push(format!("{name}: base {variable}"));
            }
        }
    }
    compare(
        &found,
        &[
            ("aiohttp_openai", "base OPENAI_BASE_URL", OPENAIS),
            ("aiohttp_openai", "base OPENAI_API_BASE", OPENAIS),
            ("custom_openai", "base OPENAI_BASE_URL", OPENAIS),
            ("custom_openai", "base OPENAI_API_BASE", OPENAIS),
            ("custom_openai", "key OPENAI_API_KEY", OPENAIS),
            ("custom_openai", "key OPENAI_ADMIN_KEY", OPENAIS),
            ("litellm_proxy", "base COHERE_API_BASE", OTHERS),
            ("litellm_proxy", "key COHERE_API_KEY", OTHERS),
            ("litellm_proxy", "key CO_API_KEY", OTHERS),
            ("xinference", "base OPENAI_BASE_URL", OPENAIS),
            ("xinference", "base OPENAI_API_BASE", OPENAIS),
            ("xinference", "key OPENAI_API_KEY", OPENAIS),
            ("xinference", "key OPENAI_ADMIN_KEY", OPENAIS),
        ],
    );
}

#[test]
fn a_missing_key_is_an_error_where_the_provider_needs_one() {
    let mut found = Vec::new();
    for (name, facts) in facts::providers() {
        let call = keywords(&model(name, facts), json!({ "api_key": null, "api_base": example(facts) }));
        let refused = sent(call, &variables()).err();
        if let Some(error) = &refused {
            assert_eq!(error.kind(), Kind::Authentication, "{name}: {error}");
            assert!(error.message().contains("api_key"), "{name}: {error}");
            let row = providers::row(name).unwrap();
            assert!(row.key_env.iter().all(|variable| error.message().contains(variable)), "{name}: {error}");
        }
        if refused.is_some() != (facts.key_required == Some(true)) {
            found.push(format!("{name}: key required {:?}", facts.key_required));
        }
    }
    compare(
        &found,
        &[("custom_openai", "key required", OWN_SERVER), ("xinference", "key required", OWN_SERVER)],
    );
}

#[test]
fn a_missing_address_is_an_error_that_names_what_to_set() {
    for (name, facts) in facts::providers().filter(|(_, facts)| facts.base_url.is_none()) {
        let call = keywords(&model(name, facts), json!({ "api_base": null }));
        let error = sent(call, &variables()).err().unwrap_or_else(|| panic!("{name} has an address"));
        assert_eq!(error.kind(), Kind::BadRequest, "{name}: {error}");
        assert!(error.message().contains("api_base"), "{name}: {error}");
        let row = providers::row(name).unwrap();
        assert!(row.base_env.iter().all(|variable| error.message().contains(variable)), "{name}: {error}");
    }
}

#[test]
fn nothing_of_openais_goes_to_another_provider() {
    let leaks =
        ["OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_PROJECT"];
    let hosts = ["OPENAI_BASE_URL", "OPENAI_API_BASE"];
    let variables = leaks.iter().fold(variables(), |all, name| all.with(name, "leak"));
    let variables = hosts.iter().fold(variables, |all, name| all.with(name, "https://leak.invalid"));
    for name in providers::names().filter(|name| !matches!(*name, "openai" | "text-completion-openai")) {
        let row = providers::row(name).unwrap();
        for key in [json!(null), json!("k")] {
            let model = match name {
                "clarifai" => "clarifai/user.app.m".to_owned(),
                "ragflow" => "ragflow/chat/id/m".to_owned(),
                name => format!("{name}/m"),
            };
            let base = row.base.is_none().then_some("https://host.invalid");
            let call = keywords(&model, json!({ "api_key": key, "api_base": base }));
            let Ok(sent) = sent(call, &variables) else { continue };
            assert!(
                !sent.url.contains("leak") && !sent.url.contains("api.openai.com"),
                "{name}: {}",
                sent.url
            );
            let leaked =
                sent.headers.values().any(|value| value.to_str().is_ok_and(|value| value.contains("leak")));
            assert!(!leaked, "{name}: {:?}", sent.headers);
        }
    }
}

#[test]
fn no_row_repeats_a_default() {
    let defaults = [
        "key_required = true",
        "client_retries = 2",
        "path = \"/chat/completions\"",
        "model = \"prefixed\"",
        "errors = \"openai\"",
        "flatten = \"none\"",
        "= []",
        "= {}",
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/providers/data");
    for (name, _) in facts::providers() {
        let row = providers::row(name).unwrap();
        let name = &row.name;
        let text = std::fs::read_to_string(format!("{folder}/{name}.toml")).unwrap();
        // What a call type says in place of its row, it may say with nothing.
        let text = text.split("\n[calls").next().unwrap();
        for default in defaults {
            assert!(!text.contains(default), "{name} says {default}");
        }
        let usual = format!("error_prefix = \"{}\"", usual_prefix(name));
        assert!(!text.contains(&usual), "{name} says {usual}");
    }
}

fn usual_prefix(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}Exception", letters.as_str())
}

#[test]
fn a_base_ends_as_the_row_says() {
    provider("v-end", "base = \"https://a.invalid/v1\"\nbase_end = \"/v1\"", "");
    let url = |base: Value| {
        sent(keywords("v-end/m", json!({ "api_base": base })), &Variables::default()).unwrap().url
    };
    for base in [
        json!(null),
        json!("https://a.invalid"),
        json!("https://a.invalid/v1/"),
        json!("https://a.invalid/v1/chat/completions"),
    ] {
        assert_eq!(url(base), "https://a.invalid/v1/chat/completions");
    }
}

#[test]
fn names_in_braces_are_filled_in() {
    let row = "base = \"https://{region}.a.invalid\"\nvars = { region = { env = [\"ZQ_REGION\"] } }";
    provider("v-vars", row, "");
    let url = |variables: &Variables| {
        sent(keywords("v-vars/m", json!({ "api_base": null })), variables).map(|sent| sent.url)
    };
    let set = Variables::default().with("ZQ_REGION", "eu");
    assert_eq!(url(&set).unwrap(), "https://eu.a.invalid/chat/completions");
    let error = url(&Variables::default()).unwrap_err();
    assert!(error.message().contains("ZQ_REGION") && error.message().contains("api_base"), "{error}");
}
