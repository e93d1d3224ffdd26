//! Tools, and which of them the model is to call.

use serde_json::{Value, json};

use super::betas::{self, Betas};
use super::names::NAMES;
use super::schema;
use crate::error::{Error, Result};
use crate::hub::{Params, Tool, ToolChoice};
use crate::json::{Map, kind_of, object, str_at};
use crate::wires::tool_names::{JSON_TOOL, ToolNames};

/// Keys of a function that the provider knows; they may stand in the entry or in its function.
const FUNCTION_KEYS: [&str; 5] =
    ["cache_control", "eager_input_streaming", "defer_loading", "allowed_callers", "input_examples"];

/// The tools of one request.
#[derive(Debug)]
pub struct ToolSet {
    pub names: ToolNames,
    pub tools: Vec<Value>,
    /// Servers whose tools are called for us; they have a place of their own in the body.
    pub mcp_servers: Vec<Value>,
}

impl ToolSet {
    pub fn encode(params: &Params, betas: &mut Betas) -> Result<Self> {
        let parsed = params.tools()?;
        let names = ToolNames::of(NAMES, parsed.iter().filter_map(Tool::own_name));
        let mut set = Self { names, tools: Vec::new(), mcp_servers: Vec::new() };
        for (index, tool) in parsed.iter().enumerate() {
            set.add(tool, &format!("tools[{index}]"), betas)?;
        }
        if !set.mcp_servers.is_empty() {
            betas.need(betas::MCP_CLIENT);
        }
        if let Some(options) = params.get("web_search_options") {
            set.tools.push(web_search(options)?);
        }
        Ok(set)
    }

    fn add(&mut self, tool: &Tool<'_>, path: &str, betas: &mut Betas) -> Result<()> {
        let entry = match tool {
            Tool::Function { name, description, parameters, function, entry, .. } => {
                let kind = str_at(entry, "type").filter(|kind| kind.starts_with("computer_"));
                let tool = match kind {
                    Some(kind) => {
                        betas.need_for_tool(kind);
                        computer(kind, name, *parameters)
                    }
                    None => {
                        let sources = [*entry, *function];
                        self.function(name, *description, *parameters, &sources, path, betas)?
                    }
                };
                self.tools.push(tool);
                return Ok(());
            }
            Tool::Other(entry) => *entry,
        };
        let name = str_at(entry, "name");
        match str_at(entry, "type") {
            Some("mcp") => self.mcp_servers.push(mcp_server(entry, path)?),
            Some("url") => self.mcp_servers.push(Value::Object(without_nulls(entry))),
            Some("tool_search") => {
                let kind = "tool_search_tool_regex_20251119";
                betas.need_for_tool(kind);
                self.tools.push(json!({"type": kind, "name": "tool_search_tool_regex"}));
            }
            Some("web_search" | "web_search_preview") if name.is_none() => {
                self.tools.push(web_search(&json!({}))?);
            }
            // The shape of the Responses interface.
            Some("function") => {
                let description = str_at(entry, "description");
                let name = name.unwrap_or_default();
                let tool =
                    self.function(name, description, entry.get("parameters"), &[entry], path, betas)?;
                self.tools.push(tool);
            }
            None | Some("custom") => {
                let Some(name) = name else {
                    return Err(Error::bad_request(format!(
                        "Invalid '{path}': expected a function, or a tool of the provider with 'type' and 'name'."
                    ))
                    .with_param(path));
                };
                let mut tool = without_nulls(entry);
                tool.insert("name".to_owned(), self.names.sent(name).into());
                if !tool.contains_key("input_schema") {
                    tool.insert("input_schema".to_owned(), schema::of_tool(None, path)?);
                }
                need_for_function(&tool, betas);
                self.tools.push(Value::Object(tool));
            }
            Some(kind) => {
                betas.need_for_tool(kind);
                self.tools.push(Value::Object(without_nulls(entry)));
            }
        }
        Ok(())
    }

    fn function(
        &self,
        name: &str,
        description: Option<&str>,
        parameters: Option<&Value>,
        sources: &[&Map],
        path: &str,
        betas: &mut Betas,
    ) -> Result<Value> {
        if name.is_empty() {
            return Err(
                Error::bad_request(format!("Invalid '{path}': a function needs a name.")).with_param(path)
            );
        }
        let mut tool = Map::new();
        tool.insert("name".to_owned(), self.names.sent(name).into());
        let input_schema = schema::of_tool(parameters, &format!("{path}.function.parameters"))?;
        tool.insert("input_schema".to_owned(), input_schema);
        tool.insert("type".to_owned(), "custom".into());
        if let Some(description) = description {
            tool.insert("description".to_owned(), description.into());
        }
        for key in FUNCTION_KEYS {
            let value = sources.iter().find_map(|source| source.get(key).filter(|value| !value.is_null()));
            if let Some(value) = value {
                tool.insert(key.to_owned(), value.clone());
            }
        }
        need_for_function(&tool, betas);
        Ok(Value::Object(tool))
    }

    /// A tool that runs uploaded files, where there are such files (ANT-26).
    pub fn need_code_execution(&mut self) {
        let kind = |tool: &Value| tool.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !self.tools.iter().any(|tool| kind(tool).starts_with("code_execution")) {
            self.tools.push(json!({"type": "code_execution_20250522", "name": "code_execution"}));
        }
    }

    /// The provider wants tools to be defined when the history holds calls (GEN-21).
    pub fn need_any(&mut self) {
        if self.tools.is_empty() {
            self.tools.push(json!({
                "name": "dummy_tool",
                "input_schema": {"type": "object", "properties": {}},
                "type": "custom",
                "description": "This is a dummy tool call",
            }));
        }
    }

    /// The tool whose input is the answer, before all others (GEN-29).
    pub fn put_json_tool(&mut self, schema: &Value) {
        let mut schema = schema.clone();
        if let Value::Object(map) = &mut schema
            && !map.contains_key("type")
        {
            map.insert("type".to_owned(), "object".into());
        }
        self.tools.insert(0, object([("name", JSON_TOOL.into()), ("input_schema", schema)]));
    }
}

fn need_for_function(tool: &Map, betas: &mut Betas) {
    if tool.get("input_examples").and_then(Value::as_array).is_some_and(|examples| !examples.is_empty()) {
        betas.need(betas::ADVANCED_TOOL_USE);
    }
}

fn without_nulls(map: &Map) -> Map {
    let mut map = map.clone();
    map.retain(|_, value| !value.is_null());
    map
}

/// The computer tool written as a function: its parameters are its settings.
fn computer(kind: &str, name: &str, parameters: Option<&Value>) -> Value {
    let mut tool = Map::new();
    tool.insert("type".to_owned(), kind.into());
    tool.insert("name".to_owned(), name.into());
    if let Some(Value::Object(settings)) = parameters {
        tool.extend(settings.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Value::Object(tool)
}

/// OpenAI's MCP tool as a server of the provider.
fn mcp_server(entry: &Map, path: &str) -> Result<Value> {
    let Some(url) = str_at(entry, "server_url") else {
        let path = format!("{path}.server_url");
        return Err(Error::bad_request(format!("Invalid '{path}': an MCP tool needs the server's address."))
            .with_param(path));
    };
    let mut server = Map::new();
    server.insert("type".to_owned(), "url".into());
    server.insert("url".to_owned(), url.into());
    server.insert("name".to_owned(), str_at(entry, "server_label").unwrap_or_default().into());
    if let Some(allowed) = entry.get("allowed_tools").filter(|allowed| !allowed.is_null()) {
        server.insert("tool_configuration".to_owned(), json!({"allowed_tools": allowed}));
    }
    let bearer = entry.get("headers").and_then(Value::as_object).and_then(|headers| {
        let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
        value.as_str()
    });
    if let Some(token) = bearer.map(|value| value.strip_prefix("Bearer ").unwrap_or(value)) {
        server.insert("authorization_token".to_owned(), token.into());
    }
    Ok(Value::Object(server))
}

/// `web_search_options` as the hosted tool (ANT-30).
fn web_search(options: &Value) -> Result<Value> {
    let wrong =
        |path: &str, what: &str| Error::bad_request(format!("Invalid '{path}': {what}.")).with_param(path);
    let Value::Object(options) = options else {
        return Err(wrong("web_search_options", &format!("expected an object, got {}", kind_of(options))));
    };
    let mut tool = Map::new();
    tool.insert("type".to_owned(), "web_search_20250305".into());
    tool.insert("name".to_owned(), "web_search".into());
    if let Some(Value::Object(location)) = options.get("user_location") {
        let place = location.get("approximate").and_then(Value::as_object).unwrap_or(location);
        let mut place = without_nulls(place);
        place.shift_remove("type");
        if !place.is_empty() {
            let mut location = Map::from_iter([("type".to_owned(), Value::from("approximate"))]);
            location.extend(place);
            tool.insert("user_location".to_owned(), location.into());
        }
    }
    let max_uses = match str_at(options, "search_context_size") {
        None => None,
        Some("low") => Some(1),
        Some("medium") => Some(5),
        Some("high") => Some(10),
        Some(other) => {
            let what = format!("expected 'low', 'medium' or 'high', got '{other}'");
            return Err(wrong("web_search_options.search_context_size", &what));
        }
    };
    if let Some(max_uses) = max_uses {
        tool.insert("max_uses".to_owned(), max_uses.into());
    }
    Ok(Value::Object(tool))
}

/// `tool_choice` with `parallel_tool_calls` in it (ANT-11, ANT-12).
pub fn choice(params: &Params, names: &ToolNames) -> Result<Option<Value>> {
    let mut choice = match params.tool_choice()? {
        None => None,
        Some(ToolChoice::Auto) => Some(json!({"type": "auto"})),
        Some(ToolChoice::None) => Some(json!({"type": "none"})),
        Some(ToolChoice::Required) => Some(json!({"type": "any"})),
        Some(ToolChoice::Function(name)) => Some(json!({"type": "tool", "name": names.sent(name)})),
        Some(ToolChoice::Other(map)) => Some(native_choice(map, names)?),
    };
    if let Some(parallel) = params.bool("parallel_tool_calls") {
        let choice = choice.get_or_insert_with(|| json!({"type": "auto"}));
        if let Value::Object(choice) = choice
            && str_at(choice, "type") != Some("none")
        {
            choice.insert("disable_parallel_tool_use".to_owned(), (!parallel).into());
        }
    }
    Ok(choice)
}

/// The provider's own object, or a name in the shape of the Responses interface.
fn native_choice(map: &Map, names: &ToolNames) -> Result<Value> {
    let mut choice = without_nulls(map);
    let name = str_at(map, "name").map(|name| Value::from(names.sent(name)));
    let kind = match (str_at(map, "type"), name) {
        (Some("function" | "tool"), Some(name)) => {
            choice.insert("name".to_owned(), name);
            "tool"
        }
        (Some("required"), _) => "any",
        (Some(kind @ ("auto" | "any" | "none")), _) => kind,
        _ => {
            return Err(Error::bad_request(format!(
                "Invalid tool choice, tool_choice={}. Expected 'auto', 'none', 'required' or a named function.",
                Value::Object(map.clone())
            ))
            .with_param("tool_choice"));
        }
    };
    choice.insert("type".to_owned(), kind.into());
    Ok(Value::Object(choice))
}

/// Whether a choice makes the model call a tool.
pub fn is_forced(choice: &Value) -> bool {
    matches!(choice.get("type").and_then(Value::as_str), Some("any" | "tool"))
}
