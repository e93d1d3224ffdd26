//! Counts and times of requests, in Prometheus' text format under the names that LiteLLM's dashboards know.
//!
//! One entry for each combination of what tells requests apart; the families of metrics are made of the entries when
//! they are asked for. Labels are names of the configuration and of the core, never a client's own text, so that there
//! are no more series than the configuration has. A label without a value is left out, which means the same.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::gateway::record::Record;
use crate::providers;
use crate::router::{Deployment, Moment, View};

/// Upper bounds of the buckets of times, in seconds.
const SECONDS: [f64; 17] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 420.0, 600.0];
/// The most combinations that are told apart; a configuration that is reloaded with new ids again and again makes more.
const ENTRIES: usize = 10_000;

/// Numbers in buckets.
#[derive(Debug, Clone)]
pub struct Histogram {
    pub bounds: &'static [f64],
    /// One more than there are bounds.
    pub counts: Vec<u64>,
    pub sum: f64,
}

impl Histogram {
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    pub fn add(&mut self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        self.sum += value;
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn join(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }
}

/// What tells requests apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    route: &'static str,
    status: u16,
    error: &'static str,
    error_status: u16,
    /// The group that was asked for; empty for one that is not served.
    asked: Arc<str>,
    group: Arc<str>,
    deployment: Arc<str>,
    provider: Arc<str>,
}

/// What has been counted.
#[derive(Debug)]
struct Entry {
    /// The upstream model, or the wildcard that leads to it.
    model: String,
    /// The same with the provider in front, as in the configuration.
    name: String,
    api_base: String,
    requests: u64,
    spend: f64,
    input: u64,
    output: u64,
    cache_read: u64,
    cache_written: u64,
    reasoning: u64,
    cache_hits: u64,
    cached_tokens: u64,
    times: Option<Box<Times>>,
    left_requests: Option<u64>,
    left_tokens: Option<u64>,
}

#[derive(Debug)]
struct Times {
    total: Histogram,
    upstream: Histogram,
    overhead: Histogram,
    first_token: Histogram,
    per_token: Histogram,
}

impl Times {
    fn new() -> Self {
        let new = || Histogram::new(&SECONDS);
        Self { total: new(), upstream: new(), overhead: new(), first_token: new(), per_token: new() }
    }
}

/// All that has been counted.
#[derive(Debug, Default)]
pub struct Metrics {
    entries: HashMap<Key, Entry>,
    /// Requests that are in no entry, since there are too many.
    uncounted: u64,
}

/// The name of the group that a name means: one of the configuration's, whatever a wildcard catches.
pub fn group_of(name: &str, view: &View) -> Arc<str> {
    if name.is_empty() {
        return Arc::default();
    }
    let table = &view.table;
    if let Some(group) = table.group(name) {
        return group.name.clone();
    }
    let found = table.find(name).map(|found| found.group.name.clone());
    // A deployment's id or upstream model is a name, too, which the configuration bounds.
    found.unwrap_or_default()
}

/// The upstream model as a label, and the same with its provider.
fn model_of(deployment: Option<&Arc<Deployment>>, record: &Record) -> (String, String) {
    let Some(deployment) = deployment else { return (String::new(), String::new()) };
    if deployment.model.contains('*') || record.upstream_model.is_empty() {
        return (bare(&deployment.model), deployment.model.clone());
    }
    (record.upstream_model.clone(), deployment.model.clone())
}

fn bare(model: &str) -> String {
    model.split_once('/').map_or(model, |(_, bare)| bare).to_owned()
}

impl Metrics {
    /// Counts a request.
    pub fn count(&mut self, record: &Record, view: &View) {
        let asked = group_of(&record.model, view);
        let group =
            if *record.group == *record.model { asked.clone() } else { group_of(&record.group, view) };
        let (error, error_status) = (record.error_class(), record.error.map_or(0, |(_, status)| status));
        let deployment = view.table.by_id(&record.deployment);
        let key = Key {
            route: record.route,
            status: record.status,
            error,
            error_status,
            asked,
            group,
            // One of a call that ended after a reload is not known any more.
            deployment: deployment.map(|one| one.id.clone()).unwrap_or_default(),
            provider: record.provider.clone(),
        };
        if self.entries.len() >= ENTRIES && !self.entries.contains_key(&key) {
            self.uncounted += 1;
            return;
        }
        let entry = self.entries.entry(key).or_insert_with(|| {
            let (model, name) = model_of(deployment, record);
            Entry {
                model,
                name,
                api_base: record.api_base.clone(),
                requests: 0,
                spend: 0.0,
                input: 0,
                output: 0,
                cache_read: 0,
                cache_written: 0,
                reasoning: 0,
                cache_hits: 0,
                cached_tokens: 0,
                times: None,
                left_requests: None,
                left_tokens: None,
            }
        });
        let tokens = record.tokens;
        entry.requests += 1;
        entry.spend += record.cost.unwrap_or_default();
        entry.input += tokens.input;
        entry.output += tokens.output;
        entry.cache_read += tokens.cache_read;
        entry.cache_written += tokens.cache_written;
        entry.reasoning += tokens.reasoning;
        if record.is_cached {
            entry.cache_hits += 1;
            entry.cached_tokens += tokens.input + tokens.output;
        }
        entry.left_requests = record.left.requests.or(entry.left_requests);
        entry.left_tokens = record.left.tokens.or(entry.left_tokens);
        if record.error.is_some() {
            return;
        }
        let times = entry.times.get_or_insert_with(|| Box::new(Times::new()));
        times.total.add(record.total.as_secs_f64());
        if record.call_type.is_none() || record.is_cached {
            return;
        }
        let upstream = record.upstream().as_secs_f64();
        times.upstream.add(upstream);
        if let Some(overhead) = record.overhead {
            times.overhead.add(overhead.as_secs_f64());
        }
        if let Some(first) = record.first_token {
            times.first_token.add(first.as_secs_f64());
        }
        if tokens.output > 0 {
            #[expect(clippy::cast_precision_loss, reason = "tokens of one answer")]
            times.per_token.add(upstream / tokens.output as f64);
        }
    }

    /// All of it as text.
    pub fn text(&self, view: &View, now: Moment, more: &[(&'static str, &'static str, f64)]) -> String {
        let mut page = Page::default();
        for (key, entry) in &self.entries {
            self.requests(key, entry, &mut page);
            times(key, entry, &mut page);
        }
        for deployment in &view.table.deployments {
            self.deployment(deployment, now, &mut page);
        }
        page.gauge(
            "ferrolite_uncounted_requests",
            "Requests that are in no series: there are too many.",
            &[],
            self.uncounted,
        );
        for (name, help, value) in more {
            page.number(name, help, "gauge", &[], *value);
        }
        page.text()
    }

    #[expect(clippy::unused_self, reason = "it reads beside the others")]
    fn requests(&self, key: &Key, entry: &Entry, page: &mut Page) {
        let (status, error_status) = (key.status.to_string(), key.error_status.to_string());
        let common = [
            ("requested_model", &*key.asked),
            ("model_id", &*key.deployment),
            ("api_provider", &*key.provider),
        ];
        let [asked, id, provider] = common;
        let with_model = [asked, ("model", &entry.model), id, provider];
        let route = ("route", key.route);
        page.counter(
            "litellm_proxy_total_requests_metric",
            "Requests of clients.",
            &[asked, ("status_code", &status), route, id, provider],
            entry.requests,
        );
        if key.error.is_empty() {
            page.counter("litellm_requests_metric", "Calls that succeeded.", &with_model, entry.requests);
        } else {
            let class = class(key.error, &key.provider);
            page.counter(
                "litellm_proxy_failed_requests_metric",
                "Requests that failed.",
                &[
                    asked,
                    ("exception_status", &error_status),
                    ("exception_class", &class),
                    route,
                    id,
                    provider,
                ],
                entry.requests,
            );
            // What broke off has cost all the same.
            if entry.input + entry.output == 0 && entry.spend == 0.0 {
                return;
            }
        }
        page.number(
            "litellm_spend_metric_total",
            "Spend in US dollars.",
            "counter",
            &with_model,
            entry.spend,
        );
        for (name, help, count) in [
            ("litellm_total_tokens_metric", "Tokens in and out.", entry.input + entry.output),
            ("litellm_input_tokens_metric", "Tokens in.", entry.input),
            ("litellm_output_tokens_metric", "Tokens out.", entry.output),
        ] {
            page.counter(name, help, &with_model, count);
        }
        for (name, help, count) in [
            (
                "litellm_input_cached_tokens_metric",
                "Tokens in that the provider had cached.",
                entry.cache_read,
            ),
            (
                "litellm_input_cache_creation_tokens_metric",
                "Tokens in that the provider has cached.",
                entry.cache_written,
            ),
            ("litellm_output_reasoning_tokens_metric", "Tokens out that were thought.", entry.reasoning),
        ] {
            if count > 0 {
                page.counter(name, help, &with_model, count);
            }
        }
        if entry.cache_hits > 0 {
            let labels = [("model", entry.model.as_str()), id, provider];
            page.counter("litellm_cache_hits_metric", "Answers out of the cache.", &labels, entry.cache_hits);
            page.counter("litellm_cached_tokens_metric", "Tokens of these.", &labels, entry.cached_tokens);
        }
    }

    /// What a deployment is doing. Attempts are counted here: a request may make several.
    fn deployment(&self, deployment: &Deployment, now: Moment, page: &mut Page) {
        let own = deployment.params.get("custom_llm_provider").and_then(serde_json::Value::as_str);
        let provider = providers::split_model(&deployment.model, own).map_or(String::new(), |(name, _)| name);
        let seen = self.entries.iter().filter(|(key, _)| key.deployment == deployment.id);
        let mut seen = seen.map(|(_, entry)| entry).filter(|entry| !entry.api_base.is_empty());
        let api_base = seen.next().map_or("", |entry| &entry.api_base);
        let labels = [
            ("litellm_model_name", deployment.model.as_str()),
            ("model_id", &deployment.id),
            ("api_base", api_base),
            ("api_provider", &provider),
        ];
        let live = &deployment.live;
        let state =
            if live.cooldown(now).is_some() { 2 } else { u64::from(live.failures.get(now.minute()) > 0) };
        page.gauge(
            "litellm_deployment_state",
            "0: healthy, 1: some calls of this minute failed, 2: left alone for a while.",
            &labels,
            state,
        );
        let group = [("model_group", &*deployment.group)];
        let [name, id, base, provider] = labels;
        let labels = [group[0], name, id, base, provider];
        let totals = &live.totals;
        let (succeeded, failures) = (totals.successes.load(Ordering::Relaxed), totals.failures());
        let failed: u64 = failures.iter().map(|(_, _, count)| count).sum();
        page.counter(
            "litellm_deployment_success_responses",
            "Calls to it that succeeded.",
            &labels,
            succeeded,
        );
        page.counter("litellm_deployment_total_requests", "Calls to it.", &labels, succeeded + failed);
        for (kind, status, count) in failures {
            let (status, class) = (status.to_string(), class(kind.class_name(), provider.1));
            let more = [("exception_status", status.as_str()), ("exception_class", &class)];
            let labels: Vec<_> = labels.into_iter().chain(more).collect();
            page.counter("litellm_deployment_failure_responses", "Calls to it that failed.", &labels, count);
        }
        let cooled = totals.cooldowns.load(Ordering::Relaxed);
        page.counter("litellm_deployment_cooled_down", "How often it was left alone.", &labels[1..], cooled);
        for (name, help, limit) in [
            ("litellm_deployment_tpm_limit", "Tokens a minute that it may take.", deployment.tpm),
            ("litellm_deployment_rpm_limit", "Requests a minute that it may take.", deployment.rpm),
        ] {
            if let Some(limit) = limit {
                page.gauge(name, help, &labels, limit);
            }
        }
    }
}

/// LiteLLM's name of an exception: `Openai.RateLimitError`.
fn class(error: &str, provider: &str) -> String {
    let mut letters = provider.chars();
    match letters.next() {
        Some(first) => format!("{}{}.{error}", first.to_ascii_uppercase(), letters.as_str()),
        None => error.to_owned(),
    }
}

fn times(key: &Key, entry: &Entry, page: &mut Page) {
    let group = ("model_group", &*key.group);
    let labels = [
        group,
        ("requested_model", &*key.asked),
        ("model", &entry.model),
        ("model_id", &key.deployment),
        ("api_provider", &key.provider),
    ];
    let of_deployment = [
        group,
        ("api_provider", &*key.provider),
        ("api_base", &entry.api_base),
        ("litellm_model_name", &entry.name),
        ("model_id", &key.deployment),
    ];
    if let Some(times) = &entry.times {
        for (name, help, labels, times) in [
            (
                "litellm_request_total_latency_metric",
                "Seconds from the request to its end.",
                &labels,
                &times.total,
            ),
            ("litellm_llm_api_latency_metric", "Seconds that the provider took.", &labels, &times.upstream),
            (
                "litellm_llm_api_time_to_first_token_metric",
                "Seconds to a stream's first content.",
                &labels,
                &times.first_token,
            ),
            (
                "litellm_overhead_latency_metric",
                "Seconds that the gateway took.",
                &of_deployment,
                &times.overhead,
            ),
            (
                "litellm_deployment_latency_per_output_token",
                "Seconds for a token.",
                &of_deployment,
                &times.per_token,
            ),
        ] {
            if times.count() > 0 {
                page.histogram(name, help, labels, times);
            }
        }
    }
    for (name, help, left) in [
        (
            "litellm_remaining_requests_metric",
            "Requests that the provider says are left.",
            entry.left_requests,
        ),
        ("litellm_remaining_tokens_metric", "Tokens that the provider says are left.", entry.left_tokens),
    ] {
        if let Some(left) = left {
            page.gauge_of_one(name, help, &of_deployment, left);
        }
    }
}

/// A page of metrics under way.
#[derive(Default)]
struct Page {
    families: BTreeMap<&'static str, Family>,
}

struct Family {
    help: &'static str,
    kind: &'static str,
    series: BTreeMap<String, Sample>,
}

enum Sample {
    Number(f64),
    Histogram(Histogram),
}

type Labels<'a> = [(&'static str, &'a str)];

impl Page {
    fn sample(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: &'static str,
        labels: &Labels<'_>,
    ) -> &mut Sample {
        let family = self.families.entry(name).or_insert(Family { help, kind, series: BTreeMap::new() });
        family.series.entry(written(labels)).or_insert(Sample::Number(0.0))
    }

    fn number(
        &mut self,
        name: &'static str,
        help: &'static str,
        kind: &'static str,
        labels: &Labels<'_>,
        value: f64,
    ) {
        if let Sample::Number(sum) = self.sample(name, help, kind, labels) {
            *sum += value;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the format's numbers are such")]
    fn counter(&mut self, name: &'static str, help: &'static str, labels: &Labels<'_>, value: u64) {
        self.number(name, help, "counter", labels, value as f64);
    }

    #[expect(clippy::cast_precision_loss, reason = "the format's numbers are such")]
    fn gauge(&mut self, name: &'static str, help: &'static str, labels: &Labels<'_>, value: u64) {
        self.number(name, help, "gauge", labels, value as f64);
    }

    /// The least of the values, where several entries are one series.
    #[expect(clippy::cast_precision_loss, reason = "the format's numbers are such")]
    fn gauge_of_one(&mut self, name: &'static str, help: &'static str, labels: &Labels<'_>, value: u64) {
        let is_new =
            !self.families.get(name).is_some_and(|known| known.series.contains_key(&written(labels)));
        if let Sample::Number(known) = self.sample(name, help, "gauge", labels) {
            *known = if is_new { value as f64 } else { known.min(value as f64) };
        }
    }

    fn histogram(&mut self, name: &'static str, help: &'static str, labels: &Labels<'_>, value: &Histogram) {
        match self.sample(name, help, "histogram", labels) {
            Sample::Histogram(known) => known.join(value),
            new @ Sample::Number(_) => *new = Sample::Histogram(value.clone()),
        }
    }

    fn text(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        for (name, family) in &self.families {
            // A counter's name ends so, whatever it is called.
            let total = if family.kind == "counter" && !name.ends_with("_total") { "_total" } else { "" };
            // Writing to a text cannot fail.
            let _ =
                writeln!(out, "# HELP {name}{total} {}\n# TYPE {name}{total} {}", family.help, family.kind);
            for (labels, sample) in &family.series {
                let _ = match sample {
                    Sample::Number(value) if labels.is_empty() => writeln!(out, "{name}{total} {value}"),
                    Sample::Number(value) => writeln!(out, "{name}{total}{{{labels}}} {value}"),
                    Sample::Histogram(histogram) => write_histogram(&mut out, name, labels, histogram),
                };
            }
        }
        out
    }
}

fn write_histogram(out: &mut String, name: &str, labels: &str, histogram: &Histogram) -> std::fmt::Result {
    let comma = if labels.is_empty() { "" } else { "," };
    let mut count = 0;
    for (at, more) in histogram.counts.iter().enumerate() {
        count += more;
        match histogram.bounds.get(at) {
            Some(bound) => writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound:?}\"}} {count}")?,
            None => writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}")?,
        }
    }
    let sum = histogram.sum;
    writeln!(out, "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}")
}

/// Labels as they stand in a line, those without a value left out.
fn written(labels: &Labels<'_>) -> String {
    let mut out = String::new();
    for (name, value) in labels {
        if value.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        for letter in value.chars() {
            match letter {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                other => out.push(other),
            }
        }
        out.push('"');
    }
    out
}
