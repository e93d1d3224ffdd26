//! From a checked tree to a [`Config`].

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::models;
use super::problem::{Report, nearest, shown};
use super::schema::{self, Treatment};
use super::source::Over;
use super::yaml::{Node, Place, Tree};
use super::{Config, General, Hooks, Jwt, PassThrough, cache};
use crate::auth::Secret;
use crate::config::Environment;
use crate::engine::{Keys, Settings};
use crate::error::Error;
use crate::hub::PromptTemplate;
use crate::json::Map;
use crate::providers::Provider;
use crate::router::{Hop, RouterSettings, Table};
use crate::transport::Verify;

/// Where the key of the gateway is when the file has none.
const MASTER_KEYS: [&str; 2] = ["LITELLM_MASTER_KEY", "FERROLITE_MASTER_KEY"];
/// `optional_pre_call_checks` that there are.
const CHECKS: [&str; 5] = [
    "deployment_affinity",
    "enforce_model_rate_limits",
    "prompt_caching",
    "responses_api_deployment_check",
    "session_affinity",
];
/// What `allow_client_side_credentials` allows.
const CLIENT_CREDENTIALS: [&str; 3] = ["api_key", "api_base", "base_url"];
const MEGABYTE: f64 = 1024.0 * 1024.0;
/// Settings with a provider's key whose names do not say the provider's.
const KEYS: [(&str, &str); 5] = [
    ("cohere", "cohere_chat"),
    ("llama", "meta_llama"),
    ("ollama", "ollama_chat"),
    ("sap_service", "sap"),
    ("togetherai", "together_ai"),
];

pub fn build(root: &Node, environment: &Over<'_>, report: &mut Report) -> Config {
    static NOTHING: Node = Node {
        at: Place { file: 0, line: 0, column: 0 },
        tree: Tree::Null,
        is_anchor: false,
        variable: None,
    };
    let section = |name: &str| root.get(name).unwrap_or(&NOTHING);
    let (calls, routing, server) =
        (section("litellm_settings"), section("router_settings"), section("general_settings"));
    let mut router = router_settings(calls, routing, server, report);
    if router.max_parallel.is_none() {
        router.max_parallel =
            count(server, "max_parallel_requests").and_then(|most| u32::try_from(most).ok());
    }
    let hooks = hooks(root, calls, server, report);
    let providers = providers(section("providers"), report);
    let deployments = models::deployments(root, &hooks, &providers, environment, report);
    let mut config = Config {
        deployments,
        router,
        redis_url: redis_url(routing, report),
        engine: engine(calls, report),
        general: general(server, environment, report),
        pass_through: pass_through(server, report),
        cache: cache::spec(calls, environment, report),
        hooks,
        providers,
        ..Config::default()
    };
    if section("model_list").items().is_empty() && config.pass_through.is_empty() {
        report.warn(root.at, "model_list", "no model is named: 'model_list' has no entry");
    }
    let deployments: Vec<Arc<_>> =
        std::mem::take(&mut config.deployments).into_iter().map(Arc::new).collect();
    // The table is let go of before the deployments are taken back.
    names(&Table::new(deployments.clone(), config.router.aliases.clone()), calls, routing, report);
    config.deployments = deployments.into_iter().filter_map(Arc::into_inner).collect();
    config
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key)?.text().filter(|text| !text.is_empty())
}

fn is_on(node: &Node, key: &str) -> bool {
    matches!(node.get(key).map(|node| &node.tree), Some(Tree::Switch(true)))
}

fn number(node: &Node, key: &str) -> Option<f64> {
    if let Tree::Number(number) = &node.get(key)?.tree { number.as_f64() } else { None }
}

fn count(node: &Node, key: &str) -> Option<u64> {
    if let Tree::Number(number) = &node.get(key)?.tree { number.as_u64() } else { None }
}

/// A text, or the texts of a list.
fn texts(node: &Node, key: &str) -> Vec<String> {
    let Some(node) = node.get(key) else { return Vec::new() };
    match node.text() {
        Some(text) => vec![text.to_owned()],
        None => node.items().iter().filter_map(Node::text).map(str::to_owned).collect(),
    }
}

/// Settings of the router: its own section's, then what `litellm_settings` says of it.
fn router_settings(calls: &Node, routing: &Node, server: &Node, report: &mut Report) -> RouterSettings {
    let mut arguments = Map::new();
    for entry in routing.entries() {
        if schema::treatment("router_settings", &entry.key) == Some(Treatment::Does) {
            arguments.insert(entry.key.clone(), entry.value.to_json());
        }
    }
    for name in OF_CALLS {
        if let Some(node) = calls.get(name)
            && arguments.get(name).is_none_or(Value::is_null)
        {
            arguments.insert(name.to_owned(), node.to_json());
        }
    }
    if let Some(limit) = number(calls, "request_timeout") {
        arguments.entry("timeout").or_insert_with(|| limit.into());
    }
    for check in routing.get("optional_pre_call_checks").map(Node::items).unwrap_or_default() {
        if !check.text().is_some_and(|name| CHECKS.contains(&name)) {
            let message = format!("the check '{}' is not there; {} are", shown(check), CHECKS.join(", "));
            report.warn(check.at, "router_settings.optional_pre_call_checks", message);
        }
    }
    RouterSettings::read(&arguments).unwrap_or_else(|failed| {
        let name = failed.facts().param.clone().unwrap_or_default();
        let key = name.split(['.', '[']).next().unwrap_or_default();
        let at =
            [routing, calls, server].into_iter().find_map(|section| section.get(key)).unwrap_or(routing).at;
        report.error(at, &format!("router_settings.{name}"), said(&failed));
        RouterSettings::default()
    })
}

/// What an error says, on one line.
pub fn said(failed: &Error) -> String {
    failed.message().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Keys of the router that may stand in `litellm_settings`, too.
const OF_CALLS: [&str; 9] = [
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "allowed_fails",
    "cooldown_time",
    "max_fallbacks",
    "model_group_alias",
    "num_retries",
];

/// Where the router shares what it knows.
fn redis_url(routing: &Node, report: &mut Report) -> Option<String> {
    let url = match (text(routing, "redis_url"), text(routing, "redis_host")) {
        (Some(url), _) => url.to_owned(),
        (None, Some(host)) => {
            let scheme = if is_on(routing, "redis_ssl") { "rediss" } else { "redis" };
            let mut url = Url::parse(&format!("{scheme}://{host}")).ok()?;
            let port = routing.get("redis_port").map(|node| node.to_json().to_string());
            let port = port.and_then(|port| port.trim_matches('"').parse().ok());
            let _ = url.set_port(port);
            let _ = url.set_username(text(routing, "redis_username").unwrap_or_default());
            let _ = url.set_password(text(routing, "redis_password"));
            url.set_path(&count(routing, "redis_db").map(|db| db.to_string()).unwrap_or_default());
            url.to_string()
        }
        (None, None) => return None,
    };
    report.hide(&url);
    if let Err(failed) = crate::store::redis::RedisOptions::from_url(&url) {
        report.error(routing.at, "router_settings.redis_url", said(&failed));
    }
    Some(url)
}

fn engine(calls: &Node, report: &mut Report) -> Settings {
    let owned = |key: &str| text(calls, key).map(str::to_owned);
    let pairs = |key: &str| {
        let entries = calls.get(key).map(Node::entries).unwrap_or_default();
        entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned())))
    };
    let mut keys: HashMap<String, Secret> = HashMap::new();
    for entry in calls.entries() {
        let Some(name) = entry.key.strip_suffix("_key").filter(|name| *name != "api") else { continue };
        let name = name.strip_suffix("_api").unwrap_or(name);
        let Some(key) = entry.value.text() else { continue };
        let others = KEYS.iter().filter(|(known, _)| *known == name).map(|(_, provider)| *provider);
        keys.extend(others.chain([name]).map(|provider| (provider.to_owned(), Secret::new(key))));
    }
    let mut templates = HashMap::new();
    for entry in calls.get("custom_prompt_dict").map(Node::entries).unwrap_or_default() {
        match PromptTemplate::read(&entry.value.to_map()) {
            Ok(Some(template)) => {
                templates.insert(entry.key.clone(), Arc::new(template));
            }
            Ok(None) => {}
            Err(failed) => {
                let path = schema::join("litellm_settings.custom_prompt_dict", &entry.key);
                report.error(entry.at, &path, said(&failed));
            }
        }
    }
    Settings {
        api_key: text(calls, "api_key").map(Secret::new),
        api_base: owned("api_base"),
        keys: Keys::new(move |provider| keys.get(provider).cloned()),
        organization: owned("organization"),
        project: owned("project"),
        vertex_project: owned("vertex_project"),
        vertex_location: owned("vertex_location"),
        api_version: owned("api_version"),
        azure_machine_identity: is_on(calls, "enable_azure_ad_token_refresh"),
        headers: pairs("headers").collect(),
        drop_params: is_on(calls, "drop_params"),
        modify_params: is_on(calls, "modify_params"),
        // The router retries.
        num_retries: None,
        request_timeout: number(calls, "request_timeout"),
        verify: match calls.get("ssl_verify").map(|node| &node.tree) {
            Some(Tree::Switch(false)) => Some(Verify::Off),
            Some(Tree::Text(text)) => Some(Verify::of_text(text)),
            // The environment may say otherwise.
            _ => None,
        },
        model_aliases: pairs("model_alias_map").collect(),
        prompt_templates: templates,
        repeated_chunk_limit: count(calls, "REPEATED_STREAMING_CHUNK_LIMIT")
            .and_then(|most| u32::try_from(most).ok()),
        cache: None,
        chat_over_responses: is_on(calls, "route_all_chat_openai_to_responses"),
        caching_with_models: is_on(calls, "caching_with_models"),
    }
}

/// The key of the gateway in the environment.
pub fn master_key(environment: &dyn Environment) -> Option<Secret> {
    MASTER_KEYS.iter().find_map(|name| environment.get(name)).map(Secret::new)
}

fn general(server: &Node, environment: &Over<'_>, report: &mut Report) -> General {
    let default = General::default();
    let most =
        [count(server, "global_max_parallel_requests"), count(server, "max_in_flight_requests_per_worker")];
    let size = number(server, "max_request_size_mb").filter(|size| *size > 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "above 0, and cut at the largest size"
    )]
    let bytes = |megabytes: f64| (megabytes * MEGABYTE) as usize;
    let client = is_on(server, "allow_client_side_credentials").then_some(CLIENT_CREDENTIALS);
    General {
        master_key: text(server, "master_key").map(Secret::new).or_else(|| master_key(environment)),
        jwt: is_on(server, "enable_jwt_auth").then(|| jwt(server, environment, report)),
        max_request_bytes: size.map_or(default.max_request_bytes, bytes),
        max_parallel_requests: most.into_iter().flatten().min().and_then(|most| usize::try_from(most).ok()),
        client_credentials: client.into_iter().flatten().map(str::to_owned).collect(),
        forward_client_headers: is_on(server, "forward_client_headers_to_llm_api"),
        public_routes: texts(server, "public_routes"),
        hook_timeout: number(server, "hook_timeout")
            .and_then(|limit| std::time::Duration::try_from_secs_f64(limit).ok())
            .filter(|limit| !limit.is_zero())
            .unwrap_or(default.hook_timeout),
        max_parallel_hooks: count(server, "max_parallel_hooks")
            .and_then(|most| usize::try_from(most).ok())
            .map_or(default.max_parallel_hooks, |most| most.clamp(1, 100_000)),
        drain: default.drain,
    }
}

fn jwt(server: &Node, environment: &Over<'_>, report: &mut Report) -> Jwt {
    let jwks_url = environment.get("JWT_PUBLIC_KEY_URL").unwrap_or_default();
    if jwks_url.is_empty() {
        let at = server.get("enable_jwt_auth").unwrap_or(server).at;
        let message = "'enable_jwt_auth' needs the address of the public keys in JWT_PUBLIC_KEY_URL";
        report.error(at, "general_settings.enable_jwt_auth", message);
    }
    let details = server.get("litellm_jwtauth");
    Jwt {
        jwks_url,
        audience: environment.get("JWT_AUDIENCE"),
        issuer: environment.get("JWT_ISSUER"),
        user_claim: details.and_then(|details| text(details, "user_id_jwt_field")).map(str::to_owned),
    }
}

fn pass_through(server: &Node, report: &mut Report) -> Vec<PassThrough> {
    let mut found = Vec::new();
    let items = server.get("pass_through_endpoints").map(Node::items).unwrap_or_default();
    for (index, item) in items.iter().enumerate() {
        let place = format!("general_settings.pass_through_endpoints[{index}]");
        let (Some(path), Some(target)) = (text(item, "path"), text(item, "target")) else {
            report.error(item.at, &place, "an endpoint has a 'path' and a 'target'");
            continue;
        };
        let is_address = Url::parse(target).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_address {
            let at = item.get("target").unwrap_or(item).at;
            report.error(at, &format!("{place}.target"), "'target' is no http address");
        }
        if !path.starts_with('/') {
            let at = item.get("path").unwrap_or(item).at;
            report.error(at, &format!("{place}.path"), "'path' begins with '/'");
        }
        let headers = item.get("headers").map(Node::entries).unwrap_or_default();
        let value = |node: &Node| node.text().map_or_else(|| node.to_json().to_string(), str::to_owned);
        found.push(PassThrough {
            path: path.to_owned(),
            target: target.to_owned(),
            headers: headers
                .iter()
                .filter(|entry| !entry.value.is_null())
                .map(|entry| (entry.key.clone(), Secret::new(value(&entry.value))))
                .collect(),
            include_subpath: is_on(item, "include_subpath"),
            // Whoever has set a key means it for all, until an entry says otherwise.
            auth: !matches!(item.get("auth").map(|node| &node.tree), Some(Tree::Switch(false))),
            forward_headers: is_on(item, "forward_headers"),
        });
    }
    found
}

fn hooks(root: &Node, calls: &Node, server: &Node, report: &mut Report) -> Hooks {
    let mut settings = Map::new();
    for entry in calls.entries() {
        let is_theirs = schema::treatment("litellm_settings", &entry.key) == Some(Treatment::Callbacks);
        if (is_theirs || entry.key == "json_logs") && !entry.value.is_null() {
            settings.insert(entry.key.clone(), entry.value.to_json());
        }
    }
    if let Some(node) = root.get("callback_settings").filter(|node| !node.is_null()) {
        settings.insert("callback_settings".to_owned(), node.to_json());
    }
    for key in ["callbacks", "success_callback", "failure_callback"] {
        let node = calls.get(key);
        let items = node.map(Node::items).unwrap_or_default().iter();
        for item in items.chain(node.filter(|node| node.text().is_some())) {
            check_name(item, &format!("litellm_settings.{key}"), report);
        }
    }
    if let Some(node) = server.get("custom_auth").filter(|node| !node.is_null()) {
        check_name(node, "general_settings.custom_auth", report);
    }
    let mut custom_providers = Vec::new();
    for (index, item) in
        calls.get("custom_provider_map").map(Node::items).unwrap_or_default().iter().enumerate()
    {
        let path = format!("litellm_settings.custom_provider_map[{index}]");
        match (text(item, "provider"), item.get("custom_handler")) {
            (Some(provider), Some(handler)) if handler.text().is_some() => {
                check_name(handler, &path, report);
                custom_providers.push((provider.to_owned(), handler.text().unwrap_or_default().to_owned()));
            }
            _ => report.error(item.at, &path, "an entry has a 'provider' and a 'custom_handler'"),
        }
    }
    Hooks {
        callbacks: texts(calls, "callbacks"),
        success_callbacks: texts(calls, "success_callback"),
        failure_callbacks: texts(calls, "failure_callback"),
        custom_auth: text(server, "custom_auth").map(str::to_owned),
        custom_providers,
        guardrails: guardrails(root, report),
        settings,
    }
}

/// A name of Python's, `module.object`, or that of a known callback.
fn check_name(node: &Node, path: &str, report: &mut Report) {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    if node.text().is_some_and(|name| !name.split('.').all(is_word)) {
        report.error(node.at, path, format!("'{}' is no name, nor 'module.object'", shown(node)));
    }
}

/// Those that are written in Python; of the ones that are built into LiteLLM none is there.
fn guardrails(root: &Node, report: &mut Report) -> Vec<Value> {
    let mut found = Vec::new();
    for (index, item) in root.get("guardrails").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("guardrails[{index}].litellm_params.guardrail");
        let named = item.get("litellm_params").and_then(|params| params.get("guardrail"));
        match named.and_then(|node| Some((node, node.text()?))) {
            None => {
                report.error(item.at, &path, "a guardrail says in 'litellm_params' which 'guardrail' it is");
            }
            Some((node, name)) if name.contains('.') => {
                check_name(node, &path, report);
                found.push(item.to_json());
            }
            Some((node, _)) => {
                let message = format!(
                    "the guardrail '{}' is not there: those in Python are, as 'module.Class'",
                    shown(node)
                );
                report.warn(node.at, &path, message);
            }
        }
    }
    found
}

fn providers(node: &Node, report: &mut Report) -> Vec<Provider> {
    let mut rows = Vec::new();
    for (index, item) in node.items().iter().enumerate() {
        let row = serde_json::from_value::<Provider>(item.to_json()).map_err(|failed| failed.to_string());
        match row.and_then(|row| row.check().map(|()| row).map_err(|failed| said(&failed))) {
            Ok(row) => rows.push(row),
            Err(failed) => {
                report.error(
                    item.at,
                    &format!("providers[{index}]"),
                    format!("this is no provider: {failed}"),
                );
            }
        }
    }
    rows
}

/// Groups that fallbacks and aliases name, and that are not there.
fn names(table: &Table, calls: &Node, routing: &Node, report: &mut Report) {
    let known = table.names();
    let mut check = |node: &Node, name: &str, path: &str, what: &str| {
        if name != "*" && table.find(name).is_none() {
            let near = nearest(name, known.iter().copied().chain(table.aliases().keys().map(String::as_str)));
            let message = match &node.variable {
                Some(variable) => format!("{what} os.environ/{variable} is not in 'model_list'"),
                None => format!("{what} '{}' is not in 'model_list'", crate::json::cut(name, 80)),
            };
            report.add(node.at, path, super::Severity::Warning, message, near.map(str::to_owned));
        }
    };
    for (section, place) in [(routing, "router_settings"), (calls, "litellm_settings")] {
        for key in ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"]
        {
            let path = format!("{place}.{key}");
            let mut hops: Vec<&Node> = Vec::new();
            for item in section.get(key).map(Node::items).unwrap_or_default() {
                if key == "default_fallbacks" {
                    hops.push(item);
                    continue;
                }
                for entry in item.entries() {
                    let node = Node { at: entry.at, ..Node::default() };
                    check(&node, &entry.key, &path, "the model");
                    hops.extend(entry.value.items());
                }
            }
            for hop in hops {
                let node = if hop.text().is_some() { Some(hop) } else { hop.get("model") };
                if let Some(node) = node
                    && let Some(name) = node.text()
                {
                    check(node, &Hop::to(name).model, &path, "the fallback");
                }
            }
        }
        for entry in section.get("model_group_alias").map(Node::entries).unwrap_or_default() {
            let node =
                if entry.value.text().is_some() { Some(&entry.value) } else { entry.value.get("model") };
            if let Some(node) = node
                && let Some(name) = node.text()
            {
                check(node, name, &format!("{place}.model_group_alias"), "the model");
            }
        }
    }
}

/// The keywords of a tree that calls take, of a deployment or a credential.
pub fn keywords(node: &Node) -> Map {
    let is_taken = |key: &str| match schema::treatment("litellm_params", key) {
        None | Some(Treatment::Does | Treatment::Callbacks) => key != "litellm_credential_name",
        Some(Treatment::Later | Treatment::No | Treatment::Nothing) => false,
    };
    let taken = node.entries().iter().filter(|entry| is_taken(&entry.key));
    taken.map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
}
