//! What is known of the providers: `tests/facts`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub base_url: Option<String>,
    pub base_example: Option<String>,
    pub base_env: Vec<String>,
    pub key_env: Vec<String>,
    pub key_required: Option<bool>,
    pub headers: BTreeMap<String, String>,
    pub auth: Option<String>,
    pub path: String,
    pub chat: Option<Chat>,
    pub messages: BTreeMap<String, String>,
    pub model_in_result: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chat {
    pub model: String,
    pub renamed: BTreeMap<String, String>,
    pub becomes: BTreeMap<String, Value>,
    pub dropped: Vec<String>,
    pub rejected: Vec<String>,
    pub same: Vec<String>,
    pub body_always: Map<String, Value>,
    pub reasoning_model: Option<Box<Chat>>,
}

/// They are for other calls.
pub const NO_CHAT: &str = "no chat";

/// Providers whose chat has no row here, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("anyscale", "the reference refuses the prefix"),
    ("infinity", NO_CHAT),
    ("jina_ai", NO_CHAT),
    ("openai_like", NO_CHAT),
    ("recraft", NO_CHAT),
    ("voyage", NO_CHAT),
];

static PROVIDERS: LazyLock<BTreeMap<String, Facts>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../facts/providers.json")).expect("facts of providers")
});

/// Every provider that has a row, with its facts.
pub fn providers() -> impl Iterator<Item = (&'static str, &'static Facts)> {
    PROVIDERS
        .iter()
        .map(|(name, facts)| (name.as_str(), facts))
        .filter(|(name, _)| !LEFT_OUT.iter().any(|(left_out, _)| left_out == name))
}

impl Facts {
    pub fn chat(&self) -> &Chat {
        self.chat.as_ref().expect("a provider with chat")
    }

    /// The name in braces of an address and what this test puts there.
    pub const VARIABLES: &[(&str, &str, &str)] = &[
        ("{region}", "AWS_REGION", "zq-region"),
        ("{account_id}", "CLOUDFLARE_ACCOUNT_ID", "zq-account"),
        ("{account_id}", "SNOWFLAKE_ACCOUNT_ID", "zq-account"),
        ("{project}", "GDC_PROJECT", "zq-project"),
        ("{location}", "GDC_LOCATION", "zq-location"),
        ("{resource}", "", "zq-resource"),
        ("{workspace}", "", "zq-workspace"),
        ("{agent_id}", "", "zqid"),
    ];

    /// An address with its names filled in.
    pub fn filled(address: &str) -> String {
        Self::VARIABLES
            .iter()
            .fold(address.to_owned(), |address, (name, _, value)| address.replace(name, value))
    }
}

/// Differences that a test found, against those that are known: each known one has to be there, and no other.
#[track_caller]
pub fn compare(found: &[String], known: &[(&str, &str, &str)]) {
    let known: BTreeMap<String, &str> =
        known.iter().map(|(name, what, why)| (format!("{name}: {what}"), *why)).collect();
    let unknown: Vec<&String> = found.iter().filter(|found| !is_known(found, &known)).collect();
    let gone: Vec<&String> =
        known.keys().filter(|known| !found.iter().any(|found| found.starts_with(known.as_str()))).collect();
    assert!(unknown.is_empty(), "{} new differences:\n{}", unknown.len(), lines(&unknown));
    assert!(gone.is_empty(), "{} differences are no more:\n{}", gone.len(), lines(&gone));
}

fn is_known(found: &str, known: &BTreeMap<String, &str>) -> bool {
    known.keys().any(|known| found.starts_with(known.as_str()))
}

fn lines(items: &[&String]) -> String {
    items.iter().fold(String::new(), |text, item| text + "  " + item + "\n")
}
