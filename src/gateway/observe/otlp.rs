//! Traces and metrics to a collector of OpenTelemetry, by OTLP over HTTP in its JSON form.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::Observer;
use super::genai::{self, Attributes};
use crate::config::{Environment, parse_switch};
use crate::gateway::config::Config;
use crate::gateway::record::Record;
use crate::transport::{Connection, Limits, Transport};
use crate::wires::HttpCall;

/// Where a collector is when nothing is said.
const COLLECTOR: &str = "http://localhost:4318";
/// The most spans in one message.
const BATCH: usize = 512;
/// How often a message is tried before its spans are given up.
const TRIES: u32 = 3;
const TIME: Duration = Duration::from_secs(10);

/// Where signals go, by OpenTelemetry's own variables.
#[derive(Clone)]
pub struct Settings {
    traces: String,
    metrics: String,
    /// May have keys in them.
    headers: HeaderMap,
    resource: Value,
    every: Duration,
    metrics_every: Duration,
    pub has_traces: bool,
    pub has_metrics: bool,
}

impl Settings {
    /// `None` unless the configuration names `otel` among its callbacks, or the environment an address.
    pub fn read(config: &Config, environment: &dyn Environment) -> Option<Self> {
        let get = |name: &str| environment.get(name);
        let hooks = &config.hooks;
        let is_named = [&hooks.callbacks, &hooks.success_callbacks]
            .into_iter()
            .flatten()
            .any(|name| matches!(name.as_str(), "otel" | "opentelemetry"));
        let endpoint = get("OTEL_ENDPOINT").or_else(|| get("OTEL_EXPORTER_OTLP_ENDPOINT"));
        let [of_traces, of_metrics] =
            ["TRACES", "METRICS"].map(|signal| get(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")));
        let is_off = get("OTEL_SDK_DISABLED").is_some_and(|text| parse_switch(&text) == Some(true));
        if is_off || !is_named && endpoint.is_none() && of_traces.is_none() && of_metrics.is_none() {
            return None;
        }
        let protocol = get("OTEL_EXPORTER").or_else(|| get("OTEL_EXPORTER_OTLP_PROTOCOL"));
        if let Some(protocol) = protocol.filter(|name| name.contains("grpc") || name == "console") {
            tracing::warn!(
                protocol,
                "nothing is sent to OpenTelemetry: the gateway speaks OTLP over HTTP only"
            );
            return None;
        }
        let base = endpoint.unwrap_or_else(|| COLLECTOR.to_owned());
        let milliseconds = |name: &str, unsaid: u64| {
            let said = get(name).and_then(|text| text.trim().parse().ok());
            Duration::from_millis(said.unwrap_or(unsaid).max(50))
        };
        let exports = |name: &str| get(name).is_none_or(|exporter| exporter != "none");
        let headers = get("OTEL_HEADERS").or_else(|| get("OTEL_EXPORTER_OTLP_HEADERS"));
        Some(Self {
            traces: of_traces.unwrap_or_else(|| address(&base, "traces")),
            metrics: of_metrics.unwrap_or_else(|| address(&base, "metrics")),
            headers: read_headers(&headers.unwrap_or_default()),
            resource: resource(environment),
            every: milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5000),
            metrics_every: milliseconds("OTEL_METRIC_EXPORT_INTERVAL", 60_000),
            has_traces: exports("OTEL_TRACES_EXPORTER"),
            has_metrics: exports("OTEL_METRICS_EXPORTER"),
        })
    }
}

/// The address of a signal, by that of the collector or of another signal.
fn address(endpoint: &str, signal: &str) -> String {
    let mut base = endpoint.trim_end_matches('/');
    for other in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        base = base.strip_suffix(other).unwrap_or(base);
    }
    format!("{base}/v1/{signal}")
}

/// `name=value` pairs with commas between them, percent-encoded.
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let decoded =
        |text: &str| percent_encoding::percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
    text.split(',').filter_map(move |pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name), decoded(value)))
    })
}

fn read_headers(text: &str) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in pairs(text) {
        if let (Ok(name), Ok(mut value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
        {
            value.set_sensitive(true);
            out.insert(name, value);
        }
    }
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out
}

/// What the process is.
fn resource(environment: &dyn Environment) -> Value {
    let given: Vec<_> = pairs(&environment.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()).collect();
    let named = given.iter().find(|(name, _)| name == "service.name").map(|(_, value)| value.clone());
    let service = environment.get("OTEL_SERVICE_NAME").or(named).unwrap_or_else(|| "litellm".to_owned());
    let mut out = Attributes::default();
    out.text("service.name", &service);
    out.text("telemetry.sdk.name", "ferrolite");
    out.text("telemetry.sdk.language", "rust");
    out.text("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
    if let Some(place) = environment.get("OTEL_ENVIRONMENT_NAME") {
        out.text("deployment.environment.name", &place);
    }
    for (name, value) in &given {
        if name != "service.name" {
            out.text(name, value);
        }
    }
    json!({ "attributes": out.into_value() })
}

/// Sends until the task is aborted.
pub async fn export(observer: Arc<Observer>, settings: Settings) {
    let exporter = Exporter::new(settings);
    let mut next_metrics = tokio::time::Instant::now() + exporter.settings.metrics_every;
    loop {
        tokio::time::sleep(exporter.settings.every.min(exporter.settings.metrics_every)).await;
        exporter.spans(&observer).await;
        if tokio::time::Instant::now() >= next_metrics {
            next_metrics += exporter.settings.metrics_every;
            exporter.metrics(&observer).await;
        }
    }
}

/// Sends what is left.
pub async fn export_rest(observer: &Observer, settings: &Settings) {
    let exporter = Exporter::new(settings.clone());
    exporter.spans(observer).await;
    exporter.metrics(observer).await;
}

struct Exporter {
    transport: Transport,
    settings: Settings,
}

pub fn nanoseconds() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos()
}

impl Exporter {
    fn new(settings: Settings) -> Self {
        Self { transport: Transport::default(), settings }
    }

    async fn spans(&self, observer: &Observer) {
        loop {
            let records = observer.take_spans(BATCH);
            if records.is_empty() {
                return;
            }
            let body = traces(&records, &self.settings.resource);
            if !self.send(&self.settings.traces, &body).await {
                observer.lose_spans(records.len());
                return;
            }
        }
    }

    async fn metrics(&self, observer: &Observer) {
        if !self.settings.has_metrics {
            return;
        }
        let metrics = observer.behind().genai.metrics(observer.begun, nanoseconds());
        if metrics.is_empty() {
            return;
        }
        let body = json!({ "resourceMetrics": [{
            "resource": self.settings.resource,
            "scopeMetrics": [{ "scope": scope(), "metrics": metrics }],
        }] });
        self.send(&self.settings.metrics, &body).await;
    }

    /// Whether the collector has taken a message. One that is busy is asked again, a little later.
    async fn send(&self, url: &str, body: &Value) -> bool {
        let body = Bytes::from(body.to_string());
        for attempt in 1..=TRIES {
            let call = HttpCall {
                method: http::Method::POST,
                url: url.to_owned(),
                headers: self.settings.headers.clone(),
                body: body.clone(),
                rest: Vec::new(),
            };
            let limits = Limits { total: TIME, idle: TIME };
            let is_busy = match self.transport.send(call, &Connection::default(), limits).await {
                Ok(reply) if (200..300).contains(&reply.status()) => {
                    // The connection is free for the next message once the reply is read.
                    let _ = reply.collect(limits).await;
                    return true;
                }
                Ok(reply) => {
                    let status = reply.status();
                    tracing::warn!(status, "the collector of OpenTelemetry refuses what is sent");
                    matches!(status, 429 | 502..=504)
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the collector of OpenTelemetry is not reached");
                    true
                }
            };
            if !is_busy {
                return false;
            }
            if attempt < TRIES {
                tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
            }
        }
        false
    }
}

fn scope() -> Value {
    json!({ "name": "ferrolite", "version": env!("CARGO_PKG_VERSION") })
}

fn traces(records: &[Record], resource: &Value) -> Value {
    let spans: Vec<Value> = records.iter().map(genai::span).collect();
    json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope(), "spans": spans }] }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_addresses() {
        assert_eq!(address("http://a:4318/", "traces"), "http://a:4318/v1/traces");
        assert_eq!(address("http://a/otel/v1/traces", "metrics"), "http://a/otel/v1/metrics");
    }

    #[test]
    fn headers_are_pairs() {
        let headers = read_headers("api-key=a%20b, x-team = c ,bad");
        assert_eq!(
            (&headers["api-key"], &headers["x-team"]),
            (&HeaderValue::from_static("a b"), &HeaderValue::from_static("c"))
        );
        assert_eq!(headers.len(), 3);
    }
}
