//! Parameters that the target does not take: refused by name, or dropped when the caller said so (GEN-01).

use serde_json::Value;

use super::control::strings;
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Target};

/// Checks every OpenAI parameter against the target. Those in `allowed` are sent as they are.
pub fn check(request: &mut ChatRequest, target: &Target, allowed: &[String]) -> Result<()> {
    let params = request.params.0.keys();
    let unsupported: Vec<String> = params.filter(|name| !takes(name, target)).cloned().collect();
    let mut refused = Vec::new();
    for name in unsupported {
        let Some(value) = request.params.remove(&name) else { continue };
        if allowed.contains(&name) {
            request.extra.insert(name, value);
        } else if target.options.drop_params || name == "user" || is_no_op(&name, &value) {
            // `user` is for the provider's own bookkeeping: losing it changes no answer.
            tracing::debug!(provider = %target.provider, model = %target.model, parameter = %name, "parameter dropped");
        } else {
            refused.push(name);
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let list = refused.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let error = Error::unsupported(format!(
        "{} does not support parameters: [{list}], for model={}. To drop these, set drop_params=True. \
         To send them as they are, pass allowed_openai_params=[{list}].",
        target.provider, target.model
    ));
    Err(error.with_param(refused.swap_remove(0)).at(&target.provider, &target.model))
}

/// Whether a chat completion at the target takes a parameter: as its row says, else as its format does.
pub fn takes(name: &str, target: &Target) -> bool {
    let said = target.accent.takes(name, &target.model, &target.facts);
    said.unwrap_or_else(|| target.wire.chat().is_some_and(|wire| wire.supports(name, target)))
}

/// Leaves out those of the named parameters that the target does not take.
pub fn leave_out(request: &mut ChatRequest, target: &Target, names: &[&str]) {
    for name in names {
        if request.params.has(name) && !takes(name, target) {
            tracing::warn!(provider = %target.provider, model = %target.model, parameter = %name, "left out");
            request.params.remove(name);
        }
    }
}

/// Values that ask for nothing (GEN-32).
fn is_no_op(name: &str, value: &Value) -> bool {
    match name {
        "response_format" => value.get("type").and_then(Value::as_str) == Some("text"),
        "n" => value.as_u64() == Some(1),
        _ => false,
    }
}

/// `additional_drop_params`: names, or paths into a parameter such as `tools[*].function.strict`.
pub fn additional(request: &mut ChatRequest, names: Option<&Value>) -> Result<()> {
    for name in strings(names, "additional_drop_params")? {
        let (head, rest) = split(&name);
        if rest.is_empty() {
            request.params.remove(head);
            request.extra.shift_remove(head);
            continue;
        }
        for map in [&mut request.params.0, &mut request.extra] {
            if let Some(value) = map.get_mut(head) {
                remove(value, rest);
            }
        }
    }
    Ok(())
}

/// The first step of a path and what follows it.
fn split(path: &str) -> (&str, &str) {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    (&path[..end], path[end..].trim_start_matches('.'))
}

fn remove(value: &mut Value, path: &str) {
    if let Some(rest) = path.strip_prefix('[') {
        let Some((index, rest)) = rest.split_once(']') else { return };
        let rest = rest.trim_start_matches('.');
        let Value::Array(items) = value else { return };
        if index == "*" {
            for item in items {
                remove(item, rest);
            }
        } else if let Some(item) = index.parse().ok().and_then(|at: usize| items.get_mut(at)) {
            remove(item, rest);
        }
        return;
    }
    let (head, rest) = split(path);
    let Value::Object(map) = value else { return };
    if rest.is_empty() {
        map.shift_remove(head);
    } else if let Some(inner) = map.get_mut(head) {
        remove(inner, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_reach_into_parameters() {
        let map = json!({
            "messages": [{"role": "user", "content": "x"}],
            "tools": [{"function": {"name": "f", "strict": true}}, {"function": {"name": "g", "strict": false}}],
            "seed": 3, "own": {"a": 1, "b": 2},
        });
        let Value::Object(map) = map else { unreachable!() };
        let mut request = ChatRequest::from_map(map).unwrap();
        additional(&mut request, Some(&json!(["seed", "tools[*].function.strict", "own.a"]))).unwrap();
        assert_eq!(
            request.params.get("tools"),
            Some(&json!([{"function": {"name": "f"}}, {"function": {"name": "g"}}]))
        );
        assert!(!request.params.has("seed"));
        assert_eq!(request.extra.get("own"), Some(&json!({"b": 2})));
    }
}
