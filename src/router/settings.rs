//! What a router is told: the reference's constructor, read from JSON.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::fallback::Fallbacks;
use super::groups::{Alias, aliases};
use super::policy::ByKind;
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::json::Map;

/// The settings of a router.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "the reference's switches, each with its name")]
pub struct RouterSettings {
    pub strategy: Strategy,
    /// Latencies that a mean is taken over, and how long they count.
    pub latency_window: usize,
    pub latency_ttl: Duration,
    /// Deployments so much slower than the fastest still count as fast.
    pub latency_buffer: f64,
    pub hedging: Option<Hedging>,
    pub retries: u32,
    /// The shortest wait before a retry.
    pub retry_after: Duration,
    pub retry_policy: Option<ByKind>,
    pub group_retry_policy: HashMap<String, ByKind>,
    pub max_fallbacks: Option<u32>,
    pub fallbacks: Fallbacks,
    pub context_window_fallbacks: Fallbacks,
    pub content_policy_fallbacks: Fallbacks,
    pub default_fallbacks: Fallbacks,
    /// `None`: by the rate of failures.
    pub allowed_fails: Option<u32>,
    pub allowed_fails_policy: Option<ByKind>,
    pub cooldown_time: Duration,
    pub disable_cooldowns: bool,
    pub pre_call_checks: bool,
    /// Limits per minute hold without the other checks, too.
    pub enforce_limits: bool,
    pub tag_filtering: bool,
    pub tags_match_any: bool,
    pub max_parallel: Option<u32>,
    /// Keywords of every call.
    pub defaults: Map,
    pub aliases: HashMap<String, Alias>,
    pub continue_streams: bool,
    /// How often those that wait for a deployment look again.
    pub polling: Duration,
    pub default_priority: Option<i64>,
    pub prompt_cache_affinity: bool,
    pub session_affinity: bool,
    pub affinity_ttl: Duration,
}

/// A second request after a percentile of the latency, the slower one given up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hedging {
    /// From 0 to 1.
    pub percentile: f64,
    /// The most second requests, as a share of all.
    pub budget: f64,
}

const DEFAULT_COOLDOWN: Duration = Duration::from_secs(5);
const DEFAULT_RETRIES: u32 = 2;
const DEFAULT_WINDOW: usize = 10;
const DEFAULT_TTL: Duration = Duration::from_secs(3600);
const DEFAULT_POLLING: Duration = Duration::from_millis(30);
const DEFAULT_BUDGET: f64 = 0.05;
/// What litellm takes for no time limit.
const UNSET_TIMEOUT: f64 = 6000.0;

impl Default for RouterSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::SimpleShuffle,
            latency_window: DEFAULT_WINDOW,
            latency_ttl: DEFAULT_TTL,
            latency_buffer: 0.0,
            hedging: None,
            retries: DEFAULT_RETRIES,
            retry_after: Duration::ZERO,
            retry_policy: None,
            group_retry_policy: HashMap::new(),
            max_fallbacks: None,
            fallbacks: Fallbacks::default(),
            context_window_fallbacks: Fallbacks::default(),
            content_policy_fallbacks: Fallbacks::default(),
            default_fallbacks: Fallbacks::default(),
            allowed_fails: None,
            allowed_fails_policy: None,
            cooldown_time: DEFAULT_COOLDOWN,
            disable_cooldowns: false,
            pre_call_checks: false,
            enforce_limits: false,
            tag_filtering: false,
            tags_match_any: true,
            max_parallel: None,
            defaults: Map::new(),
            aliases: HashMap::new(),
            continue_streams: false,
            polling: DEFAULT_POLLING,
            default_priority: None,
            prompt_cache_affinity: false,
            session_affinity: false,
            affinity_ttl: DEFAULT_TTL,
        }
    }
}

/// Values by name, absent and null alike.
struct Given<'m>(&'m Map);

impl Given<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn number(&self, name: &str) -> Result<Option<f64>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if number >= 0.0 => Ok(Some(number)),
                _ => Err(Error::invalid(name, "expected a number from 0")),
            },
        }
    }

    fn count(&self, name: &str) -> Result<Option<u32>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
                Some(count) => Ok(Some(count)),
                None => Err(Error::invalid(name, "expected a whole number from 0")),
            },
        }
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        let limit = self.number(name)?.map(Duration::try_from_secs_f64);
        limit.transpose().map_err(|_| Error::invalid(name, "expected a number of seconds"))
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}

impl RouterSettings {
    /// Reads the constructor's arguments; those that are not about routing are passed over.
    pub fn read(arguments: &Map) -> Result<Self> {
        let given = Given(arguments);
        let default = Self::default();
        let empty = Map::new();
        let details = Given(match given.get("routing_strategy_args") {
            Some(Value::Object(details)) => details,
            None => &empty,
            Some(_) => return Err(Error::invalid("routing_strategy_args", "expected an object")),
        });
        let strategy = match given.get("routing_strategy") {
            None => Strategy::SimpleShuffle,
            Some(value) => value.as_str().and_then(Strategy::from_name).ok_or_else(|| {
                Error::invalid("routing_strategy", &format!("expected one of {}", Strategy::names()))
            })?,
        };
        let by_kind = |name: &str, ending: &str| {
            given.get(name).map(|value| ByKind::read(value, name, ending)).transpose()
        };
        let group_retry_policy = match given.get("model_group_retry_policy") {
            Some(Value::Object(groups)) => groups
                .iter()
                .map(|(group, value)| {
                    Ok((group.clone(), ByKind::read(value, "model_group_retry_policy", "Retries")?))
                })
                .collect::<Result<_>>()?,
            _ => HashMap::new(),
        };
        let checks: Vec<&str> = match given.get("optional_pre_call_checks") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let checks = |name: &str| checks.contains(&name);
        let mut defaults = match given.get("default_litellm_params") {
            Some(Value::Object(defaults)) => defaults.clone(),
            _ => Map::new(),
        };
        for name in ["timeout", "stream_timeout"] {
            if let Some(seconds) = given.number(name)?.filter(|seconds| *seconds != UNSET_TIMEOUT) {
                defaults.entry(name).or_insert_with(|| seconds.into());
            }
        }
        let hedging = details.number("hedging_percentile")?.map(|percentile| Hedging {
            percentile: if percentile > 1.0 { percentile / 100.0 } else { percentile }.min(1.0),
            budget: DEFAULT_BUDGET,
        });
        let hedging = match (hedging, details.number("hedging_budget")?) {
            (Some(hedging), Some(budget)) => Some(Hedging { budget, ..hedging }),
            (hedging, _) => hedging,
        };
        let fallbacks = |name: &str| Fallbacks::read(given.get(name), name);
        Ok(Self {
            strategy,
            latency_window: details
                .count("max_latency_list_size")?
                .map_or(DEFAULT_WINDOW, |size| size.max(1) as usize),
            latency_ttl: details.seconds("ttl")?.unwrap_or(DEFAULT_TTL),
            latency_buffer: details.number("lowest_latency_buffer")?.unwrap_or(0.0),
            hedging,
            retries: given.count("num_retries")?.unwrap_or(DEFAULT_RETRIES),
            retry_after: given.seconds("retry_after")?.unwrap_or_default(),
            retry_policy: by_kind("retry_policy", "Retries")?,
            group_retry_policy,
            max_fallbacks: given.count("max_fallbacks")?,
            fallbacks: fallbacks("fallbacks")?,
            context_window_fallbacks: fallbacks("context_window_fallbacks")?,
            content_policy_fallbacks: fallbacks("content_policy_fallbacks")?,
            default_fallbacks: Fallbacks::for_all(given.get("default_fallbacks"), "default_fallbacks")?,
            allowed_fails: given.count("allowed_fails")?,
            allowed_fails_policy: by_kind("allowed_fails_policy", "AllowedFails")?,
            cooldown_time: given.seconds("cooldown_time")?.unwrap_or(DEFAULT_COOLDOWN),
            disable_cooldowns: given.is_on("disable_cooldowns"),
            pre_call_checks: given.is_on("enable_pre_call_checks"),
            enforce_limits: checks("enforce_model_rate_limits"),
            tag_filtering: given.is_on("enable_tag_filtering"),
            tags_match_any: given
                .get("tag_filtering_match_any")
                .is_none_or(|value| *value == Value::Bool(true)),
            max_parallel: given.count("default_max_parallel_requests")?,
            defaults,
            aliases: aliases(given.get("model_group_alias"))?,
            continue_streams: given.is_on("enable_mid_stream_fallback_continuation"),
            polling: given
                .seconds("polling_interval")?
                .filter(|span| !span.is_zero())
                .unwrap_or(default.polling),
            default_priority: given.get("default_priority").and_then(Value::as_i64),
            prompt_cache_affinity: checks("prompt_caching"),
            session_affinity: checks("session_affinity") || checks("deployment_affinity"),
            affinity_ttl: given.seconds("deployment_affinity_ttl_seconds")?.unwrap_or(DEFAULT_TTL),
        })
    }

    /// Whether the limits per minute are enforced before a call.
    pub fn limits_hold(&self) -> bool {
        self.pre_call_checks || self.enforce_limits || self.strategy == Strategy::Usage
    }

    pub fn retry_policy(&self, group: &str) -> Option<&ByKind> {
        self.group_retry_policy.get(group).or(self.retry_policy.as_ref())
    }
}
