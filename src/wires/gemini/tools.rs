//! Tools, tool choice and what goes with them (GEM-12, GEM-13, GEM-14).

use serde_json::{Value, json};

use super::{model, schema};
use crate::error::{Error, Result};
use crate::hub::{Params, Target, Tool, ToolChoice};
use crate::json::{Map, kind_of, str_at};

/// Google's own tools, in the order they are sent: both spellings of the key, and whether it is a search tool that
/// does not go together with functions (GEM-14).
const BUILT_IN: &[(&str, &str, bool)] = &[
    ("googleSearch", "google_search", true),
    ("googleSearchRetrieval", "google_search_retrieval", true),
    ("enterpriseWebSearch", "enterprise_web_search", true),
    ("codeExecution", "code_execution", false),
    ("urlContext", "url_context", true),
    ("googleMaps", "google_maps", true),
    ("computerUse", "computer_use", false),
    ("fileSearch", "file_search", false),
];

/// What the body gets: `tools` and `toolConfig`.
#[derive(Debug, Default)]
pub struct Tools {
    pub tools: Option<Value>,
    pub config: Option<Map>,
}

pub fn encode(params: &Params, target: &Target) -> Result<Tools> {
    let mut found = Found::default();
    for (index, tool) in params.tools()?.iter().enumerate() {
        found.add(tool, index, target)?;
    }
    if let Some(functions) = params.get("functions") {
        found.add_functions(functions, target)?;
    }
    let mut config = Map::new();
    if let Some(choice) = params.tool_choice()? {
        config.insert("functionCallingConfig".into(), Value::Object(calling_config(choice)?));
    }
    let beside_functions = params.bool("include_server_side_tool_invocations").unwrap_or(false);
    if beside_functions {
        config.insert("includeServerSideToolInvocations".into(), true.into());
    }
    if !found.retrieval.is_empty() {
        config.insert("retrievalConfig".into(), Value::Object(std::mem::take(&mut found.retrieval)));
    }
    let searches = params.has("web_search_options");
    let asked = params.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
        || params.has("functions");
    let tools = found.list(searches, beside_functions);
    Ok(Tools {
        tools: (asked || searches).then_some(Value::Array(tools)),
        config: (!config.is_empty()).then_some(config),
    })
}

#[derive(Debug, Default)]
struct Found {
    functions: Vec<Value>,
    /// By place in [`BUILT_IN`].
    built_in: [Option<Value>; BUILT_IN.len()],
    /// Tools in Google's form that we have no name for, as they are.
    unknown: Vec<Value>,
    retrieval: Map,
}

impl Found {
    fn add(&mut self, tool: &Tool<'_>, index: usize, target: &Target) -> Result<()> {
        let path = format!("tools[{index}]");
        match tool {
            Tool::Function { name, description, parameters, .. } => {
                let path = format!("{path}.function.parameters");
                self.functions.push(declaration(name, *description, *parameters, target, &path)?);
            }
            Tool::Other(entry) => self.add_other(entry, &path, target)?,
        }
        Ok(())
    }

    fn add_other(&mut self, entry: &Map, path: &str, target: &Target) -> Result<()> {
        for key in ["functionDeclarations", "function_declarations"] {
            if let Some(Value::Array(declarations)) = entry.get(key) {
                self.functions.extend(declarations.iter().cloned());
                return Ok(());
            }
        }
        let by_key = BUILT_IN.iter().position(|(camel, snake, _)| {
            [camel, snake].into_iter().any(|key| entry.get(*key).is_some_and(|value| !value.is_boolean()))
        });
        if let Some(at) = by_key {
            let (camel, snake, _) = BUILT_IN[at];
            let settings = entry.get(camel).or_else(|| entry.get(snake)).cloned().unwrap_or(Value::Null);
            self.set(at, settings);
            return Ok(());
        }
        let kind = str_at(entry, "type").unwrap_or_default();
        if let Some(name) = str_at(entry, "name").filter(|_| matches!(kind, "" | "function" | "custom")) {
            // The function's keys without the wrapper, or Anthropic's form.
            let parameters = entry.get("parameters").or_else(|| entry.get("input_schema"));
            let parameters = parameters.filter(|value| !value.is_null());
            let path = format!("{path}.parameters");
            self.functions.push(declaration(name, str_at(entry, "description"), parameters, target, &path)?);
            return Ok(());
        }
        let kind = if kind.starts_with("web_search") { "google_search" } else { kind };
        let by_type = BUILT_IN.iter().position(|(camel, snake, _)| kind == *camel || kind == *snake);
        match by_type {
            Some(at) => {
                self.set(at, Value::Object(computer_settings(entry)));
                Ok(())
            }
            None if kind.is_empty() && !entry.is_empty() && entry.values().all(Value::is_object) => {
                self.unknown.push(Value::Object(entry.clone()));
                Ok(())
            }
            None if target.options.drop_params => Ok(()),
            None => {
                let what = format!(
                    "Invalid '{path}': this is neither a function nor one of the provider's own tools. To leave \
                     such tools out, set drop_params."
                );
                Err(Error::unsupported(what).with_param(path))
            }
        }
    }

    fn set(&mut self, at: usize, settings: Value) {
        let mut settings = if settings.is_null() { json!({}) } else { settings };
        if BUILT_IN[at].0 == "googleMaps"
            && let Value::Object(settings) = &mut settings
        {
            self.take_place(settings);
        }
        if let Some(slot) = self.built_in.get_mut(at) {
            *slot = Some(settings);
        }
    }

    /// Where to look is said beside the tools, not in the maps tool.
    fn take_place(&mut self, maps: &mut Map) {
        let mut take = |key: &str| maps.shift_remove(key);
        if let (Some(latitude), Some(longitude)) = (take("latitude"), take("longitude")) {
            self.retrieval.insert("latLng".into(), json!({"latitude": latitude, "longitude": longitude}));
        }
        if let Some(language) = take("languageCode").or_else(|| take("language_code")) {
            self.retrieval.insert("languageCode".into(), language);
        }
    }

    fn add_functions(&mut self, functions: &Value, target: &Target) -> Result<()> {
        let Value::Array(functions) = functions else {
            let what = format!("Invalid 'functions': expected a list, got {}.", kind_of(functions));
            return Err(Error::bad_request(what).with_param("functions"));
        };
        for (index, function) in functions.iter().enumerate() {
            let path = format!("functions[{index}]");
            let Some((function, name)) =
                function.as_object().and_then(|function| Some((function, str_at(function, "name")?)))
            else {
                let what = format!("Invalid '{path}': a function is an object with a name.");
                return Err(Error::bad_request(what).with_param(path));
            };
            let parameters = function.get("parameters").filter(|value| !value.is_null());
            let path = format!("{path}.parameters");
            let description = str_at(function, "description");
            self.functions.push(declaration(name, description, parameters, target, &path)?);
        }
        Ok(())
    }

    /// One kind of tool an entry.
    fn list(self, searches: bool, beside_functions: bool) -> Vec<Value> {
        let mut out = Vec::new();
        let mut dropped = Vec::new();
        let only_functions = !self.functions.is_empty() && !beside_functions;
        if !self.functions.is_empty() {
            out.push(json!({"functionDeclarations": self.functions}));
        }
        for ((key, _, is_search), settings) in BUILT_IN.iter().zip(self.built_in) {
            match settings {
                Some(_) if *is_search && only_functions => dropped.push(*key),
                Some(settings) => out.push(Value::Object(Map::from_iter([((*key).to_owned(), settings)]))),
                None => {}
            }
        }
        out.extend(self.unknown);
        if searches && only_functions {
            dropped.push("web_search_options");
        } else if searches {
            out.push(json!({"googleSearch": {}}));
        }
        if !dropped.is_empty() {
            tracing::warn!(
                ?dropped,
                "search tools do not go together with functions, left out; set \
                 include_server_side_tool_invocations to send both"
            );
        }
        out
    }
}

fn declaration(
    name: &str,
    description: Option<&str>,
    parameters: Option<&Value>,
    target: &Target,
    path: &str,
) -> Result<Value> {
    let mut out = Map::new();
    out.insert("name".into(), name.into());
    if let Some(description) = description {
        out.insert("description".into(), description.into());
    }
    match parameters {
        None => {}
        Some(Value::Object(parameters)) => {
            let enums = if model::is_modern(target) {
                schema::IntegerEnums::AsStrings
            } else {
                schema::IntegerEnums::Dropped
            };
            out.insert("parameters".into(), schema::convert(parameters, enums, path)?);
        }
        Some(other) => {
            let what = format!("Invalid '{path}': expected a JSON schema object, got {}.", kind_of(other));
            return Err(Error::bad_request(what).with_param(path));
        }
    }
    Ok(Value::Object(out))
}

/// The settings of a `{"type": "computer_use", …}` tool in Google's words; empty for other tools.
fn computer_settings(entry: &Map) -> Map {
    let mut out = Map::new();
    if let Some(environment) = str_at(entry, "environment") {
        let name = match environment.strip_prefix("ENVIRONMENT_") {
            Some(_) => environment.to_owned(),
            None => format!("ENVIRONMENT_{}", environment.to_uppercase()),
        };
        out.insert("environment".into(), name.into());
    }
    if let Some(excluded) = entry.get("excluded_predefined_functions") {
        out.insert("excludedPredefinedFunctions".into(), excluded.clone());
    }
    out
}

/// GEM-12.
fn calling_config(choice: ToolChoice<'_>) -> Result<Map> {
    let (mode, name) = match choice {
        ToolChoice::Auto => ("AUTO", None),
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Function(name) => ("ANY", Some(name)),
        ToolChoice::Other(map) => match (str_at(map, "type"), str_at(map, "name")) {
            (Some("auto"), _) => ("AUTO", None),
            (Some("none"), _) => ("NONE", None),
            (Some("any" | "required"), _) => ("ANY", None),
            (_, Some(name)) => ("ANY", Some(name)),
            _ => {
                return Err(Error::bad_request(
                    "Invalid 'tool_choice': expected 'auto', 'none', 'required' or {\"type\": \"function\", \
                     \"function\": {\"name\": …}}.",
                )
                .with_param("tool_choice"));
            }
        },
    };
    let mut config = Map::from_iter([("mode".to_owned(), mode.into())]);
    if let Some(name) = name {
        config.insert("allowedFunctionNames".into(), json!([name]));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{params, target};
    use super::*;

    fn encoded(asked: Value) -> Tools {
        encode(&params(asked), &target("gemini-2.5-flash")).unwrap()
    }

    fn function(name: &str) -> Value {
        json!({"type": "function", "function": {"name": name}})
    }

    #[test]
    fn gem_12_tool_choice() {
        for (choice, config) in [
            (json!("none"), json!({"mode": "NONE"})),
            (json!("auto"), json!({"mode": "AUTO"})),
            (json!("required"), json!({"mode": "ANY"})),
            (
                json!({"type": "function", "function": {"name": "f"}}),
                json!({"mode": "ANY", "allowedFunctionNames": ["f"]}),
            ),
            (json!({"type": "tool", "name": "f"}), json!({"mode": "ANY", "allowedFunctionNames": ["f"]})),
            (json!({"type": "auto"}), json!({"mode": "AUTO"})),
        ] {
            let tools = encoded(json!({"tools": [function("f")], "tool_choice": choice}));
            assert_eq!(tools.config.unwrap()["functionCallingConfig"], config);
        }
    }

    #[test]
    fn gem_13_parallel_tool_calls_is_dropped() {
        let tools = encoded(json!({"tools": [function("f"), function("g")], "parallel_tool_calls": false}));
        assert!(tools.config.is_none());
        assert_eq!(tools.tools.unwrap(), json!([{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]));
    }

    #[test]
    fn gem_14_search_tools_do_not_go_with_functions() {
        let mixed = json!([function("f"), {"googleSearch": {}}, {"url_context": {}}, {"codeExecution": {}}]);
        let functions = json!({"functionDeclarations": [{"name": "f"}]});
        let tools = encoded(json!({"tools": mixed, "web_search_options": {}}));
        assert_eq!(tools.tools.unwrap(), json!([functions, {"codeExecution": {}}]));
        let tools = encoded(json!({"tools": mixed, "include_server_side_tool_invocations": true}));
        assert_eq!(
            tools.tools.unwrap(),
            json!([functions, {"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}])
        );
        assert_eq!(tools.config.unwrap()["includeServerSideToolInvocations"], true);
    }

    #[test]
    fn gem_14_one_kind_of_tool_an_entry_whatever_the_spelling() {
        let tools = encoded(json!({"tools": [{"google_search": {}}, {"type": "web_search_preview"},
            {"googleMaps": {"enableWidget": true, "latitude": 1.5, "longitude": 2}},
            {"type": "computer_use", "environment": "browser", "excluded_predefined_functions": ["x"]},
            {"newTool": {"a": 1}}]}));
        assert_eq!(
            tools.tools.unwrap(),
            json!([{"googleSearch": {}}, {"googleMaps": {"enableWidget": true}}, {"computerUse": {
                "environment": "ENVIRONMENT_BROWSER", "excludedPredefinedFunctions": ["x"]}}, {"newTool": {"a": 1}}])
        );
        let place = tools.config.unwrap()["retrievalConfig"]["latLng"].clone();
        assert_eq!(place, json!({"latitude": 1.5, "longitude": 2}));
    }

    #[test]
    fn other_forms_of_a_function() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let declaration = json!({"name": "x", "description": "y", "parameters": schema});
        for tool in [
            json!({"type": "function", "name": "x", "description": "y", "parameters": schema}),
            json!({"name": "x", "description": "y", "input_schema": schema}),
            json!({"function_declarations": [declaration]}),
        ] {
            let tools = encoded(json!({"tools": [tool]})).tools.unwrap();
            assert_eq!(tools, json!([{"functionDeclarations": [declaration]}]));
        }
        let tools = encoded(json!({"functions": [{"name": "x", "description": "y", "parameters": schema}]}));
        assert_eq!(tools.tools.unwrap(), json!([{"functionDeclarations": [declaration]}]));
    }

    #[test]
    fn gen_01_a_tool_nobody_knows_is_refused_or_dropped() {
        let asked = params(json!({"tools": [{"type": "zq"}]}));
        let mut target = target("gemini-2.5-flash");
        assert_eq!(encode(&asked, &target).unwrap_err().facts().param.as_deref(), Some("tools[0]"));
        target.options.drop_params = true;
        assert_eq!(encode(&asked, &target).unwrap().tools, Some(json!([])));
    }
}
