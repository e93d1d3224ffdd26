//! A chat request as the configuration of an orchestration.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::error::{Error, Kind, Result};
use crate::hub::{ChatRequest, Target};
use crate::json::{Map, str_at};
use crate::wires::openai::Openai;
use crate::wires::{HttpCall, HttpReply, Memo, Next, Prepared, Wire};

/// The body that waits for its address, and where it goes there.
const LATER: &str = "later";
const PATH: &str = "path";
const COMPLETION: &str = "/v2/completion";
/// What belongs to the prompt and not to the model.
const OF_PROMPT: [&str; 3] = ["messages", "tools", "response_format"];
const SCENARIO: &str = "orchestration";

/// OpenAI's body is taken apart, and the deployment looked up that it goes to, unless the caller knows it.
pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let asked = ChatRequest { stream: false, extra_body: Map::new(), ..request.clone() };
    let Prepared { call, memo } = Openai.encode(&asked, target)?;
    let wrong = |error| Error::bad_request("the request cannot be written as JSON").with_source(error);
    let mut params = serde_json::from_slice::<Map>(&call.body).map_err(wrong)?;
    params.shift_remove("model");
    let mut prompt = Map::new();
    for name in OF_PROMPT {
        if let Some(value) = params.shift_remove(name) {
            let name = if name == "messages" { "template" } else { name };
            prompt.insert(name.to_owned(), value);
        }
    }
    for tool in prompt.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(Value::Object(function)) = tool.get_mut("function") {
            function.entry("strict").or_insert(Value::Bool(false));
        }
    }
    let version = params.shift_remove("model_version").unwrap_or_else(|| "latest".into());
    let model = json!({ "name": target.model, "version": version, "params": params });
    let mut config = json!({ "modules": { "prompt_templating": { "prompt": prompt, "model": model } } });
    if request.stream {
        config["stream"] = json!({ "enabled": true });
    }
    let mut body = json!({ "config": config });
    if let Value::Object(body) = &mut body {
        body.extend(request.extra_body.clone());
    }
    Ok(at_deployment(target, COMPLETION, body, memo))
}

/// A request to the deployment, which is looked up first unless the caller knows it.
pub fn at_deployment(target: &Target, path: &str, body: Value, mut memo: Memo) -> Prepared {
    let call = match target.vars.get("deployment_url") {
        Some(address) => post(address, path, &body),
        None => {
            memo.notes.insert(LATER.to_owned(), body);
            memo.notes.insert(PATH.to_owned(), path.into());
            get(format!("{}/v2/lm/deployments", base(target)))
        }
    };
    Prepared { call, memo }
}

/// From the list of deployments to the newest orchestration that runs.
pub fn next(reply: &HttpReply, memo: &mut Memo, target: &Target) -> Result<Option<Next>> {
    let Some(body) = memo.notes.get(LATER) else { return Ok(None) };
    let list = serde_json::from_slice::<Map>(&reply.body).unwrap_or_default();
    let Some(Value::Array(deployments)) = list.get("resources") else { return Ok(None) };
    let running = deployments.iter().filter_map(Value::as_object).filter(|deployment| {
        str_at(deployment, "scenarioId") == Some(SCENARIO) && str_at(deployment, "status") == Some("RUNNING")
    });
    let newest = running.max_by_key(|deployment| str_at(deployment, "createdAt").unwrap_or_default());
    let id =
        newest.and_then(|deployment| str_at(deployment, "id")).filter(|id| !id.contains(['/', '?', '#']));
    let Some(id) = id else {
        let what = "no deployment of an orchestration is running in this resource group: start one, or pass \
                    `deployment_url`";
        return Err(Error::new(Kind::NotFound, what));
    };
    let address = format!("{}/v2/inference/deployments/{id}", base(target));
    let path = str_at(&memo.notes, PATH).unwrap_or(COMPLETION);
    Ok(Some(Next::now(post(&address, path, body))))
}

/// The address may have its version already.
fn base(target: &Target) -> &str {
    target.base.strip_suffix("/v2").unwrap_or(&target.base)
}

fn get(url: String) -> HttpCall {
    HttpCall { rest: Vec::new(), method: Method::GET, url, headers: headers(), body: Bytes::new() }
}

fn post(deployment: &str, path: &str, body: &Value) -> HttpCall {
    let url = format!("{}{path}", deployment.trim_end_matches('/'));
    HttpCall {
        rest: Vec::new(),
        method: Method::POST,
        url,
        headers: headers(),
        body: body.to_string().into(),
    }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}
