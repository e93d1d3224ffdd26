//! The keywords of a call that steer it, apart from those that are sent.

use std::time::Duration;

use serde_json::Value;

use crate::config;
use crate::error::{Error, Result};
use crate::json::{Map, kind_of};

/// What a caller passes, by name. Keywords that are neither ours nor OpenAI's go to the provider.
pub type Keywords = Map;

/// The longest time limit; longer ones, and none at all, are this long.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Keywords that steer the call and are never sent.
pub(super) const STEERING: &[&str] = &[
    "additional_drop_params",
    "allowed_openai_params",
    "api_base",
    "api_key",
    "api_version",
    "aws_access_key_id",
    "aws_bedrock_runtime_endpoint",
    "aws_external_id",
    "aws_profile_name",
    "aws_region_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_session_name",
    "aws_session_token",
    "aws_sts_endpoint",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_password",
    "azure_scope",
    "azure_username",
    "base_model",
    "base_url",
    "cache_control_injection_points",
    "client_id",
    "client_secret",
    "custom_llm_provider",
    "deployment_id",
    "drop_params",
    "extra_headers",
    "extra_query",
    "final_prompt_value",
    "headers",
    "initial_prompt_value",
    "max_retries",
    "mock_delay",
    "mock_response",
    "mock_timeout",
    "mock_tool_calls",
    "model",
    "model_alias_map",
    "model_id",
    "modify_params",
    "num_retries",
    "organization",
    "project",
    "region_name",
    "request_timeout",
    "roles",
    "ssl_verify",
    "stream_timeout",
    "tenant_id",
    "timeout",
    "vertex_ai_credentials",
    "vertex_ai_location",
    "vertex_ai_project",
    "vertex_credentials",
    "vertex_location",
    "vertex_project",
];

/// Keywords that are never sent and do nothing here, or may hold anything for other reasons (`cache`): they are
/// accepted, whatever they hold.
const IGNORED: &[&str] = &[
    "acompletion",
    "allowed_model_region",
    "api_type",
    "assistant_continue_message",
    "async_call",
    "bos_token",
    "budget_duration",
    "cache",
    "cache_key",
    "caching",
    "caching_groups",
    "client",
    "complete_response",
    "completion_call_id",
    "content_policy_fallbacks",
    "context_window_fallback_dict",
    "context_window_fallbacks",
    "cooldown_time",
    "custom_prompt_dict",
    "data_residency",
    "disable_fallbacks",
    "enable_json_schema_validation",
    "ensure_alternating_roles",
    "eos_token",
    "fallback_depth",
    "fallbacks",
    "force_timeout",
    "guardrails",
    "hf_model_name",
    "id",
    "litellm_call_id",
    "litellm_credential_name",
    "litellm_disabled_callbacks",
    "litellm_logging_obj",
    "litellm_metadata",
    "litellm_request_debug",
    "litellm_session_id",
    "litellm_trace_id",
    "logger_fn",
    "max_budget",
    "max_fallbacks",
    "max_parallel_requests",
    "merge_reasoning_content_in_choices",
    "model_config",
    "model_info",
    "model_list",
    "no-log",
    "order",
    "preset_cache_key",
    "prompt_id",
    "prompt_label",
    "prompt_variables",
    "prompt_version",
    "provider_specific_header",
    "proxy_server_request",
    "retry_policy",
    "retry_strategy",
    "routing_strategy",
    "rpm",
    "secret_fields",
    "shared_session",
    "stream_chunk_size",
    "stream_response",
    "supports_system_message",
    "tags",
    "text_completion",
    "tpm",
    "ttl",
    "turn_off_message_logging",
    "use_chat_completions_api",
    "use_client",
    "use_in_pass_through",
    "use_litellm_proxy",
    "user_continue_message",
    "verbose",
    "weight",
];

/// Whether a keyword may hold anything: it steers nothing here, or is a caller's own notes.
pub fn is_ignored(name: &str) -> bool {
    name == "metadata" || is_control(name) && STEERING.binary_search(&name).is_err()
}

/// Whether a keyword is never sent: it steers the call, is a caller's own notes, or does nothing here.
pub fn is_steering(name: &str) -> bool {
    name == "metadata" || is_control(name)
}

/// Prices of a caller's own are keywords too: `input_cost_per_token` and its many relatives.
pub(super) fn is_control(name: &str) -> bool {
    STEERING.binary_search(&name).is_ok()
        || IGNORED.binary_search(&name).is_ok()
        // Among them are secrets: they never reach a body (BED-23, AZ-10).
        || name.starts_with("aws_")
        || name.starts_with("vertex_")
        || name.starts_with("azure_")
        || name.contains("_cost_per_")
        || name.contains("_token_cost")
        || name.starts_with("langfuse_")
        || name.starts_with("langsmith_")
}

/// The steering keywords of one call: a handful that many look for, so a list.
#[derive(Debug)]
pub(super) struct Control(Vec<(String, Value)>);

impl Control {
    pub(super) fn take(keywords: &mut Keywords) -> Self {
        let mut taken = Vec::new();
        if keywords.keys().any(|name| is_control(name)) {
            for (name, value) in std::mem::take(keywords) {
                if is_control(&name) {
                    taken.push((name, value));
                } else {
                    keywords.insert(name, value);
                }
            }
        }
        Self(taken)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    /// What steers the call, by name, in the order of the names.
    pub(super) fn steering(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        STEERING.iter().filter_map(|name| Some((*name, self.get(name)?)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn take_value(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a string", other)),
        }
    }

    /// A switch, also written as a text (GEN-02); an unreadable one counts as off.
    pub(super) fn switch(&self, name: &str) -> Result<Option<bool>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(*on)),
            Some(Value::String(text)) => Ok(Some(config::parse_switch(text).unwrap_or(false))),
            Some(other) => Err(wrong(name, "a boolean", other)),
        }
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<u32>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
                Some(count) => Ok(Some(count)),
                None => Err(wrong(name, "a whole number from 0", value)),
            },
        }
    }

    pub(super) fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.get(name).map_or(Ok(None), |value| time_limit(name, value))
    }
}

pub(super) fn wrong(name: &str, expected: &str, found: &Value) -> Error {
    let found = match found {
        Value::Number(number) => number.to_string(),
        other => kind_of(other).to_owned(),
    };
    Error::bad_request(format!("Invalid '{name}': expected {expected}, got {found}.")).with_param(name)
}

/// A number of seconds, also as text; `None` for zero.
pub(super) fn time_limit(name: &str, value: &Value) -> Result<Option<Duration>> {
    let seconds = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    match seconds {
        Some(seconds) if seconds > 0.0 => {
            Ok(Some(Duration::try_from_secs_f64(seconds).map_or(LONGEST, |limit| limit.min(LONGEST))))
        }
        Some(0.0) => Ok(None),
        Some(seconds) => Err(Error::bad_request(format!(
            "Invalid '{name}': expected a positive number of seconds, got {seconds}."
        ))
        .with_param(name)),
        None => Err(wrong(name, "a number of seconds", value)),
    }
}

/// An object of texts, as headers and queries are.
pub(super) fn pairs(value: Option<&Value>, name: &str) -> Result<Vec<(String, String)>> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Object(map)) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key.clone(), text.clone())),
                Value::Number(_) | Value::Bool(_) => Ok((key.clone(), value.to_string())),
                other => Err(wrong(&format!("{name}.{key}"), "a string", other)),
            })
            .collect(),
        Some(other) => Err(wrong(name, "an object", other)),
    }
}

pub(super) fn strings(value: Option<&Value>, name: &str) -> Result<Vec<String>> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::String(text) => Ok(text.clone()),
                other => Err(wrong(&format!("{name}[{index}]"), "a string", other)),
            })
            .collect(),
        Some(other) => Err(wrong(name, "a list of names", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_in_one_list_each() {
        for names in [STEERING, IGNORED] {
            assert!(names.is_sorted());
        }
        assert!(STEERING.iter().all(|name| !IGNORED.contains(name)));
    }

    #[test]
    fn what_acts_here_may_not_hold_anything() {
        for name in ["aws_profile_name", "aws_role_name", "model_id", "timeout", "region_name"] {
            assert!(is_control(name) && !is_ignored(name), "{name}");
        }
        for name in ["aws_bedrock_client", "client", "metadata", "input_cost_per_token"] {
            assert!(is_ignored(name), "{name}");
        }
    }

    #[test]
    fn what_is_read_of_aws_and_azure_steers() {
        let mut read = Vec::new();
        let words = crate::auth::aws::Keywords::read(|name| {
            read.push(name.to_owned());
            Ok(None)
        });
        assert!(words.is_ok());
        let words_of_azure = crate::auth::azure::Keywords::read(
            |name| {
                read.push(name.to_owned());
                Ok(None)
            },
            false,
        );
        assert!(words_of_azure.is_ok());
        for name in read {
            assert!(STEERING.contains(&name.as_str()), "{name}");
        }
    }
}
