//! Requests in the words of OpenTelemetry's conventions for generative AI: spans, and counts for its metrics.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::metrics::{Histogram, group_of};
use crate::engine::new_uuid;
use crate::gateway::record::Record;
use crate::hub::CallType;
use crate::router::View;

/// The bounds that the conventions advise: of durations in seconds, and of tokens.
const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// The most combinations of attributes.
const ENTRIES: usize = 2000;

/// The conventions' name of a kind of call; ours where they have none.
fn operation(call_type: Option<CallType>) -> &'static str {
    match call_type {
        Some(CallType::Chat | CallType::Messages | CallType::Responses) => "chat",
        Some(CallType::Embedding) => "embeddings",
        Some(CallType::GenerateContent) => "generate_content",
        Some(other) => other.name(),
        None => "request",
    }
}

/// The conventions' name of a provider.
fn provider(name: &str) -> &str {
    match name {
        "azure" => "azure.ai.openai",
        "azure_ai" => "azure.ai.inference",
        "bedrock" => "aws.bedrock",
        "gemini" => "gcp.gemini",
        "mistral" => "mistral_ai",
        "vertex_ai" => "gcp.vertex_ai",
        "watsonx" => "ibm.watsonx.ai",
        "xai" => "x_ai",
        other => other,
    }
}

/// A list of attributes in the form of OTLP's JSON.
#[derive(Default)]
pub struct Attributes(Vec<Value>);

impl Attributes {
    pub fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.0.push(json!({ "key": key, "value": { "stringValue": value } }));
        }
    }

    /// Whole numbers are texts in protobuf's JSON.
    pub fn whole(&mut self, key: &str, value: u64) {
        self.0.push(json!({ "key": key, "value": { "intValue": value.to_string() } }));
    }

    fn number(&mut self, key: &str, value: f64) {
        self.0.push(json!({ "key": key, "value": { "doubleValue": value } }));
    }

    fn switch(&mut self, key: &str, value: bool) {
        self.0.push(json!({ "key": key, "value": { "boolValue": value } }));
    }

    pub fn into_value(self) -> Value {
        Value::Array(self.0)
    }
}

fn server_of(api_base: &str) -> (String, Option<u16>) {
    let Ok(url) = url::Url::parse(api_base) else { return (String::new(), None) };
    (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default())
}

/// The most of a client's own word that leaves, in characters.
const WORD: usize = 256;

/// The span of a request.
pub fn span(record: &Record) -> Value {
    let mut out = Attributes::default();
    let operation = operation(record.call_type);
    let model: String = record.model.chars().take(WORD).collect();
    out.text("gen_ai.operation.name", operation);
    out.text("gen_ai.provider.name", provider(&record.provider));
    out.text("gen_ai.request.model", &model);
    out.text("gen_ai.response.model", record.response_model.as_deref().unwrap_or(&record.upstream_model));
    if record.tokens.input + record.tokens.output > 0 {
        out.whole("gen_ai.usage.input_tokens", record.tokens.input);
        out.whole("gen_ai.usage.output_tokens", record.tokens.output);
    }
    for (name, count) in [
        ("gen_ai.usage.cache_read.input_tokens", record.tokens.cache_read),
        ("gen_ai.usage.cache_creation.input_tokens", record.tokens.cache_written),
        ("gen_ai.usage.reasoning.output_tokens", record.tokens.reasoning),
    ] {
        if count > 0 {
            out.whole(name, count);
        }
    }
    if let Some(cost) = record.cost {
        out.number("gen_ai.cost.total_cost", cost);
    }
    let (address, port) = server_of(&record.api_base);
    out.text("server.address", &address);
    if let Some(port) = port {
        out.whole("server.port", port.into());
    }
    out.text("http.request.method", record.method);
    out.text("http.route", record.route);
    out.whole("http.response.status_code", record.status.into());
    out.text("litellm.call_id", &record.id);
    out.text("litellm.model_group", &record.group);
    out.text("litellm.model_id", &record.deployment);
    if record.retries > 0 {
        out.whole("litellm.retries", record.retries.into());
    }
    if record.fallbacks > 0 {
        out.whole("litellm.fallbacks", record.fallbacks.into());
    }
    if record.is_cached {
        out.switch("litellm.cache_hit", true);
    }
    if let Some(first) = record.first_token {
        out.number("gen_ai.response.time_to_first_chunk", first.as_secs_f64());
    }
    out.text("error.type", record.error_class());
    let random = new_uuid().replace('-', "");
    let trace = record.trace.map_or_else(|| random.clone(), |(trace, _)| format!("{trace:032x}"));
    let own = new_uuid().replace('-', "");
    let begun = record.came.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut span = json!({
        "traceId": trace,
        // The first digits have no fixed ones among them but one.
        "spanId": own.get(..16).unwrap_or_default(),
        "name": if model.is_empty() { operation.to_owned() } else { format!("{operation} {model}") },
        "kind": 3,
        "startTimeUnixNano": begun.as_nanos().to_string(),
        "endTimeUnixNano": (begun + record.total).as_nanos().to_string(),
        "attributes": out.into_value(),
        "status": if record.error.is_some() { json!({ "code": 2 }) } else { json!({}) },
    });
    if let Some((_, parent)) = record.trace {
        span["parentSpanId"] = format!("{parent:016x}").into();
    }
    span
}

/// What tells data points apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    operation: &'static str,
    provider: Arc<str>,
    model: Arc<str>,
    server: String,
    error: &'static str,
}

#[derive(Debug)]
struct Entry {
    seconds: Histogram,
    input: Histogram,
    output: Histogram,
}

/// Durations and tokens since the start.
#[derive(Debug, Default)]
pub struct GenAi {
    entries: HashMap<Key, Entry>,
}

impl GenAi {
    pub fn count(&mut self, record: &Record, view: &View) {
        let key = Key {
            operation: operation(record.call_type),
            provider: record.provider.clone(),
            model: group_of(&record.model, view),
            server: server_of(&record.api_base).0,
            error: record.error_class(),
        };
        if self.entries.len() >= ENTRIES && !self.entries.contains_key(&key) {
            return;
        }
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            seconds: Histogram::new(&SECONDS),
            input: Histogram::new(&TOKENS),
            output: Histogram::new(&TOKENS),
        });
        entry.seconds.add(record.total.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "tokens of one call")]
        for (histogram, count) in
            [(&mut entry.input, record.tokens.input as f64), (&mut entry.output, record.tokens.output as f64)]
        {
            if count > 0.0 {
                histogram.add(count);
            }
        }
    }

    /// The metrics in the form of OTLP's JSON, with the times between which they were counted.
    pub fn metrics(&self, from: u128, to: u128) -> Vec<Value> {
        let (mut durations, mut tokens) = (Vec::new(), Vec::new());
        for (key, entry) in &self.entries {
            let attributes = |kind: &str| {
                let mut out = Attributes::default();
                out.text("gen_ai.operation.name", key.operation);
                out.text("gen_ai.provider.name", provider(&key.provider));
                out.text("gen_ai.request.model", &key.model);
                out.text("server.address", &key.server);
                out.text("error.type", key.error);
                out.text("gen_ai.token.type", kind);
                out.into_value()
            };
            durations.push(point(&entry.seconds, &attributes(""), from, to));
            for (kind, histogram) in [("input", &entry.input), ("output", &entry.output)] {
                if histogram.count() > 0 {
                    tokens.push(point(histogram, &attributes(kind), from, to));
                }
            }
        }
        let named = |name: &str, unit: &str, description: &str, points: Vec<Value>| {
            json!({
                "name": name,
                "unit": unit,
                "description": description,
                "histogram": { "aggregationTemporality": 2, "dataPoints": points },
            })
        };
        let all = [
            named("gen_ai.client.operation.duration", "s", "The time of a call.", durations),
            named("gen_ai.client.token.usage", "{token}", "Tokens of a call.", tokens),
        ];
        all.into_iter().filter(|metric| metric["histogram"]["dataPoints"] != json!([])).collect()
    }
}

fn point(histogram: &Histogram, attributes: &Value, from: u128, to: u128) -> Value {
    json!({
        "startTimeUnixNano": from.to_string(),
        "timeUnixNano": to.to_string(),
        "count": histogram.count().to_string(),
        "sum": histogram.sum,
        "bucketCounts": histogram.counts.iter().map(u64::to_string).collect::<Vec<_>>(),
        "explicitBounds": histogram.bounds,
        "attributes": attributes,
    })
}
