//! `ferrolite explain`: where a request for a model would go, and as what. Nothing is sent.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::calls::unknown_model;
use super::config::Config;
use super::state::Gateway;
use crate::engine::{Engine, Keywords, Preview, Shown};
use crate::error::Result;
use crate::hub::CallType;
use crate::json::str_at;
use crate::router::{self, Asked, Caller, Deployment, Plan, Router};

/// The longest body that is shown, in bytes.
const LONGEST: usize = 4000;

/// Says it in words.
///
/// # Errors
/// When the model is not served, or a request to it cannot be made.
pub fn explain(config: Config, model: &str) -> Result<String> {
    let gateway = Gateway::new(config)?;
    let running = gateway.running();
    let router = &running.router;
    let view = router.view();
    let found = view.table.find(model).ok_or_else(|| unknown_model(&running, model))?;
    let group = &found.group;
    let mut out = String::new();
    let add = |out: &mut String, line: &str| {
        // A text takes everything.
        let _ = writeln!(out, "{line}");
    };
    if &*group.name == model {
        add(&mut out, &format!("'{model}' is a model of the configuration."));
    } else {
        add(&mut out, &format!("'{model}' leads to '{}'.", group.name));
    }
    add(&mut out, &format!("Strategy: {}.", view.settings.strategy.name()));
    let ordered = group.tiers.len() > 1;
    for (at, tier) in group.tiers.iter().enumerate() {
        if ordered {
            add(
                &mut out,
                &format!(
                    "\n{} to be tried:",
                    if at == 0 { "First".to_owned() } else { format!("Number {}", at + 1) }
                ),
            );
        }
        let total: f64 = tier.members.iter().map(|member| tier.weight(member)).sum();
        for member in &tier.members {
            let upstream = found.model_of(member).unwrap_or_else(|| member.model.clone());
            let share = if total > 0.0 { tier.weight(member) / total * 100.0 } else { 0.0 };
            add(&mut out, &format!("  {upstream}  ({share:.0} % of the calls){}", limits(member)));
        }
    }
    for (what, list) in [
        ("When it fails", &view.settings.fallbacks),
        ("When a prompt is too long", &view.settings.context_window_fallbacks),
        ("When a filter refuses", &view.settings.content_policy_fallbacks),
    ] {
        let hops = [model, &group.name].iter().find_map(|name| list.of_name(name)).or_else(|| list.of_all());
        let hops: Vec<&str> = hops.unwrap_or_default().iter().map(|hop| hop.model.as_str()).collect();
        if !hops.is_empty() {
            add(&mut out, &format!("{what}: {}.", hops.join(", then ")));
        }
    }
    let first = group.members().next();
    if let Some(first) = first {
        let name = if first.model.contains('*') { model } else { &*first.id };
        let preview = request(router, first, name, &gateway.caller(&running))?;
        add(&mut out, &format!("\nPOST {}", preview.url));
        for (name, value) in &preview.headers {
            add(&mut out, &format!("{name}: {value}"));
        }
        let body = String::from_utf8_lossy(&preview.body);
        add(&mut out, &format!("\n{}", crate::json::cut(&body, LONGEST)));
    }
    Ok(out)
}

fn limits(deployment: &Deployment) -> String {
    let mut said = String::new();
    for (name, limit) in [("requests", deployment.rpm), ("tokens", deployment.tpm)] {
        if let Some(limit) = limit {
            let _ = write!(said, ", {limit} {name} a minute");
        }
    }
    if !deployment.tags.is_empty() {
        let _ = write!(said, ", tags {}", deployment.tags.join(" "));
    }
    said
}

/// The request that a small call would be.
fn request(
    router: &Arc<Router>,
    deployment: &Deployment,
    name: &str,
    caller: &Caller<Arc<Engine>>,
) -> Result<Preview> {
    let mut keywords = Keywords::new();
    let call_type = match str_at(&deployment.info, "mode") {
        Some("embedding") => {
            keywords.insert("input".to_owned(), json!(["Hi"]));
            Some(CallType::Embedding)
        }
        _ => {
            keywords.insert("messages".to_owned(), json!([{ "role": "user", "content": "Hi" }]));
            None
        }
    };
    keywords.insert("model".to_owned(), Value::from(name));
    let plan = Plan::new(router.clone(), Asked::read(call_type, keywords, Vec::new())?)?;
    router::preview(plan, &caller.settings, caller.environment, Shown::Masked)
}
