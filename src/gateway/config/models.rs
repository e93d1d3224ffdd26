//! `model_list`: deployments, and what is wrong with them.

use std::collections::HashMap;

use serde_json::Value;

use super::Hooks;
use super::build::{keywords, said};
use super::problem::{Report, nearest, shown};
use super::source::Over;
use super::yaml::Node;
use crate::engine::missing_environment;
use crate::json::{Map, str_at};
use crate::providers::{self, Provider};
use crate::router::Deployment;

/// Keywords that prove who asks, beside those of the provider's row.
const PROOFS: [&str; 8] = [
    "api_key",
    "azure_ad_token",
    "azure_username",
    "client_secret",
    "mock_response",
    "use_xai_oauth",
    "vertex_credentials",
    "chatgpt_auth_file",
];

pub fn deployments(
    root: &Node,
    hooks: &Hooks,
    rows: &[Provider],
    environment: &Over<'_>,
    report: &mut Report,
) -> Vec<Deployment> {
    let credentials = credentials(root, report);
    let own: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.aliases.iter().chain([&row.name]).map(String::as_str))
        .chain(hooks.custom_providers.iter().map(|(name, _)| name.as_str()))
        .collect();
    let mut found: Vec<Deployment> = Vec::new();
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut weights: HashMap<String, Vec<(&Node, Option<f64>)>> = HashMap::new();
    for (index, item) in root.get("model_list").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("model_list[{index}]");
        let Some(entry) = entry(item, &credentials, &path, report) else { continue };
        for entry in per_organization(entry) {
            let deployment = match Deployment::read(&entry) {
                Ok(deployment) => deployment,
                Err(failed) => {
                    report.error(item.at, &path, said(&failed));
                    continue;
                }
            };
            let says_id = item.get("model_info").and_then(|info| info.get("id"));
            if let Some(line) = ids.insert(deployment.id.to_string(), item.at.line) {
                match says_id {
                    Some(id) => {
                        let message =
                            format!("the id '{}' is that of the model in line {line}, too", shown(id));
                        report.error(id.at, &format!("{path}.model_info.id"), message);
                    }
                    None => report.warn(
                        item.at,
                        &path,
                        format!("the same model stands in line {line}: it is taken once"),
                    ),
                }
                continue;
            }
            weights.entry(deployment.group.to_string()).or_default().push((item, deployment.weight));
            reach(&deployment, item, &own, environment, &path, report);
            found.push(deployment);
        }
    }
    check_weights(&weights, report);
    found
}

/// Keywords by the name of their credential.
fn credentials(root: &Node, report: &mut Report) -> HashMap<String, Map> {
    let of_calls = root.get("litellm_settings").and_then(|calls| calls.get("credential_list"));
    let lists = [root.get("credential_list"), of_calls];
    let mut found = HashMap::new();
    for (index, item) in lists.into_iter().flatten().flat_map(Node::items).enumerate() {
        let path = format!("credential_list[{index}]");
        match (item.get("credential_name").and_then(Node::text), item.get("credential_values")) {
            (Some(name), Some(values)) => {
                if found.insert(name.to_owned(), keywords(values)).is_some() {
                    report.warn(item.at, &path, "a credential of this name stands above: this one counts");
                }
            }
            _ => report.error(item.at, &path, "a credential has a 'credential_name' and 'credential_values'"),
        }
    }
    found
}

/// An entry as a router reads it.
fn entry(item: &Node, credentials: &HashMap<String, Map>, path: &str, report: &mut Report) -> Option<Value> {
    let Some(params) = item.get("litellm_params").filter(|params| !params.is_null()) else {
        report.error(item.at, path, "'litellm_params' is missing");
        return None;
    };
    let said_null = |node: &Node, key: &str| node.get(key).is_some_and(|node| node.variable.is_some());
    if params.get("model").and_then(Node::text).is_none_or(str::is_empty) {
        if !said_null(params, "model") {
            report.error(params.at, &format!("{path}.litellm_params"), "'model' is missing");
        }
        return None;
    }
    let Some(name) = item.get("model_name").and_then(Node::text) else {
        if !said_null(item, "model_name") {
            report.error(item.at, path, "'model_name' is missing");
        }
        return None;
    };
    let mut taken = keywords(params);
    if let Some(node) = params.get("litellm_credential_name")
        && let Some(credential) = node.text()
    {
        match credentials.get(credential) {
            Some(values) => {
                for (key, value) in values {
                    let own = taken.entry(key.clone()).or_insert(Value::Null);
                    if own.is_null() {
                        own.clone_from(value);
                    }
                }
            }
            None => {
                let path = format!("{path}.litellm_params.litellm_credential_name");
                let near = nearest(credential, credentials.keys().map(String::as_str)).map(str::to_owned);
                let message = format!("'{}' is not in 'credential_list'", shown(node));
                report.add(node.at, &path, super::Severity::Error, message, near);
            }
        }
    }
    let info = item.get("model_info").map_or(Value::Null, Node::to_json);
    Some(serde_json::json!({ "model_name": name, "litellm_params": taken, "model_info": info }))
}

/// A list of organizations stands for a deployment of each.
fn per_organization(entry: Value) -> Vec<Value> {
    let Some(Value::Array(all)) = entry.pointer("/litellm_params/organization").cloned() else {
        return vec![entry];
    };
    let with = |one: Value| {
        let mut entry = entry.clone();
        if let Some(place) = entry.pointer_mut("/litellm_params/organization") {
            *place = one;
        }
        entry
    };
    all.into_iter().map(with).collect()
}

/// Whether there is a provider, and a key for it.
fn reach(
    deployment: &Deployment,
    item: &Node,
    own: &[&str],
    environment: &Over<'_>,
    path: &str,
    report: &mut Report,
) {
    let model = deployment.model.as_str();
    let params = item.get("litellm_params").unwrap_or(item);
    let node = params.get("model").unwrap_or(params);
    let named = str_at(&deployment.params, "custom_llm_provider");
    let prefix = named.or_else(|| Some(model.split_once('/')?.0));
    // A bare wildcard takes the provider that the client names.
    if model == "*" || prefix.is_some_and(|prefix| own.contains(&prefix)) {
        return;
    }
    let row = providers::split_model(model, named).ok().and_then(|(provider, _)| providers::row(&provider));
    let Some(row) = row else {
        let mut known: Vec<&str> = own.to_vec();
        known.extend(providers::names().map(|name| -> &str { name }));
        let near = prefix.and_then(|prefix| nearest(prefix, known));
        let message = match prefix {
            Some(_) => format!("no provider is known for '{}'", shown(node)),
            None => format!(
                "no provider is known for '{}': write it in front, as 'openai/{}'",
                shown(node),
                shown(node)
            ),
        };
        report.add(
            node.at,
            &format!("{path}.litellm_params.model"),
            super::Severity::Error,
            message,
            near.map(str::to_owned),
        );
        return;
    };
    let said = |key: &str| params.get(key).is_some() || deployment.params.contains_key(key);
    let proofs = row
        .vars
        .values()
        .filter(|variable| variable.secret)
        .filter_map(|variable| variable.keyword.as_deref());
    let has_key = PROOFS.into_iter().chain(proofs).any(said)
        || deployment.params.keys().any(|key| key.starts_with("aws_") && key != "aws_region_name");
    let has_base = said("api_base") || said("base_url");
    let missing = missing_environment(&row, has_key, has_base, environment);
    let keyword = |name: &String| {
        let variables = row.vars.values();
        variables
            .clone()
            .find(|variable| variable.env.contains(name))
            .and_then(|variable| variable.keyword.clone())
    };
    let missing: Vec<String> =
        missing.into_iter().filter(|name| !keyword(name).is_some_and(|keyword| said(&keyword))).collect();
    if !missing.is_empty() {
        let message = format!("'{}' needs what is not there: set {}", row.name, missing.join(", "));
        report.warn(params.at, &format!("{path}.litellm_params"), message);
    }
}

fn check_weights(groups: &HashMap<String, Vec<(&Node, Option<f64>)>>, report: &mut Report) {
    for (group, members) in groups {
        let group = crate::json::cut(group, 80);
        let is_weighted = members.iter().any(|(_, weight)| weight.is_some_and(|weight| weight > 0.0));
        for (item, weight) in members {
            let params = item.get("litellm_params").unwrap_or(item);
            let node = params.get("weight").unwrap_or(params);
            match weight {
                Some(weight) if *weight < 0.0 => report.error(node.at, "model_list", "a weight is 0 or more"),
                None if is_weighted => {
                    let message = format!(
                        "others of '{group}' have a weight and this one has none: it is not drawn while they work"
                    );
                    report.warn(node.at, "model_list", message);
                }
                _ => {}
            }
        }
        if !is_weighted && members.iter().all(|(_, weight)| *weight == Some(0.0)) {
            let at = members.first().map(|(item, _)| item.at).unwrap_or_default();
            report.warn(
                at,
                "model_list",
                format!("all weights of '{group}' are 0: its deployments are drawn alike"),
            );
        }
    }
}
