//! Tools, and which of them the model is to call (BED-03, BED-05, BED-06).

use serde_json::{Value, json};

use super::cache::Caching;
use super::model::Family;
use super::names::NAMES;
use super::schema;
use crate::error::{Error, Result};
use crate::hub::{Params, Target, Tool, ToolChoice};
use crate::json::{Map, object, str_at};
use crate::wires::tool_names::{JSON_TOOL, ToolNames};

/// The tools of one request.
#[derive(Debug)]
pub struct ToolSet {
    pub names: ToolNames,
    /// Of `toolConfig`.
    pub tools: Vec<Value>,
    /// Tools that only Claude knows: in its own format, beside the others.
    pub own: Vec<Value>,
    /// What those need of `anthropic_beta`.
    pub betas: Vec<String>,
    /// The model can be strict about schemas.
    strict: bool,
}

impl ToolSet {
    pub fn encode(params: &Params, target: &Target, family: Family, caching: Caching) -> Result<Self> {
        let parsed = params.tools()?;
        let names = ToolNames::of(NAMES, parsed.iter().filter_map(Tool::own_name));
        let strict = family == Family::Anthropic
            && target.facts.extra.get("bedrock_converse_supports_strict_tools") != Some(&Value::Bool(false));
        let mut set = Self { names, tools: Vec::new(), own: Vec::new(), betas: Vec::new(), strict };
        for (index, tool) in parsed.iter().enumerate() {
            set.add(tool, &format!("tools[{index}]"), caching, family)?;
        }
        if params.has("web_search_options") {
            set.tools.push(json!({"systemTool": {"name": "nova_grounding"}}));
        }
        Ok(set)
    }

    fn add(&mut self, tool: &Tool<'_>, path: &str, caching: Caching, family: Family) -> Result<()> {
        let entry = match tool {
            Tool::Function { name, description, parameters, strict, entry, .. } => {
                if name.is_empty() {
                    let what = format!("Invalid '{path}': a function needs a name.");
                    return Err(Error::bad_request(what).with_param(path));
                }
                let strict = self.strict && *strict == Some(true);
                self.function(name, *description, *parameters, strict, path)?;
                self.tools.extend(caching.point(entry.get("cache_control").filter(|mark| !mark.is_null())));
                return Ok(());
            }
            Tool::Other(entry) => *entry,
        };
        if ["toolSpec", "systemTool", "cachePoint"].iter().any(|key| entry.contains_key(*key)) {
            self.tools.push(Value::Object(entry.clone()));
            return Ok(());
        }
        match (str_at(entry, "type"), str_at(entry, "name")) {
            (None | Some("custom" | "function"), Some(name)) => {
                let schema = entry.get("input_schema").or_else(|| entry.get("parameters"));
                self.function(name, str_at(entry, "description"), schema, false, path)?;
                self.tools.extend(caching.point(entry.get("cache_control").filter(|mark| !mark.is_null())));
            }
            (Some(kind), _) if family == Family::Anthropic && is_computer_use(kind) => {
                let beta = computer_beta(kind);
                if !self.betas.contains(&beta) {
                    self.betas.push(beta);
                }
                self.own.push(Value::Object(entry.clone()));
            }
            (kind, _) => {
                tracing::warn!(path, kind, "tool dropped, Converse has none of this type");
            }
        }
        Ok(())
    }

    fn function(
        &mut self,
        name: &str,
        description: Option<&str>,
        parameters: Option<&Value>,
        strict: bool,
        path: &str,
    ) -> Result<()> {
        let sent = self.names.sent(name).into_owned();
        let schema = schema::of_tool(parameters, self.strict, &format!("{path}.function.parameters"))?;
        let description = description.filter(|text| !text.is_empty()).unwrap_or(&sent).to_owned();
        self.tools.push(spec(sent, description, schema, strict));
        Ok(())
    }

    /// The tool whose input is the answer, before all others (GEN-29).
    pub fn put_json_tool(&mut self, schema: &Value) -> Result<()> {
        let schema = schema::of_tool(Some(schema), self.strict, "response_format")?;
        self.tools.insert(0, spec(JSON_TOOL.to_owned(), JSON_TOOL.to_owned(), schema, false));
        Ok(())
    }
}

fn spec(name: String, description: String, schema: Value, strict: bool) -> Value {
    let mut spec = Map::new();
    spec.insert("inputSchema".to_owned(), object([("json", schema)]));
    spec.insert("name".to_owned(), name.into());
    spec.insert("description".to_owned(), description.into());
    if strict {
        spec.insert("strict".to_owned(), true.into());
    }
    object([("toolSpec", spec.into())])
}

fn is_computer_use(kind: &str) -> bool {
    ["computer_", "bash_", "text_editor_"].iter().any(|prefix| kind.starts_with(prefix))
}

/// The three come together, in the version of their date.
fn computer_beta(kind: &str) -> String {
    let date = kind.rsplit('_').next().unwrap_or_default();
    let known = match date.split_at_checked(4).map(|(year, rest)| (year, rest.split_at_checked(2))) {
        Some((year, Some((month, day)))) if kind.starts_with("computer_") => format!("{year}-{month}-{day}"),
        _ if date == "20241022" => "2024-10-22".to_owned(),
        _ => "2025-01-24".to_owned(),
    };
    format!("computer-use-{known}")
}

/// `tool_choice` as Converse writes it; `None` where the model decides for itself.
pub fn choice(params: &Params, names: &ToolNames, drop_params: bool) -> Result<Option<Value>> {
    let Some(choice) = params.tool_choice()? else { return Ok(None) };
    let named = |name: &str| json!({"tool": {"name": names.sent(name)}});
    Ok(Some(match choice {
        ToolChoice::Auto => json!({"auto": {}}),
        ToolChoice::Required => json!({"any": {}}),
        ToolChoice::Function(name) => named(name),
        ToolChoice::None if drop_params => return Ok(None),
        ToolChoice::None => {
            return Err(Error::unsupported(
                "Bedrock doesn't support tool_choice=none. To drop it from the call, set `drop_params = True`.",
            )
            .with_param("tool_choice"));
        }
        ToolChoice::Other(map) => match (str_at(map, "type"), str_at(map, "name")) {
            (Some("auto"), _) => json!({"auto": {}}),
            (Some("any" | "required"), _) => json!({"any": {}}),
            (Some("tool" | "function"), Some(name)) => named(name),
            _ if ["auto", "any", "tool"].iter().any(|key| map.contains_key(*key)) => {
                Value::Object(map.clone())
            }
            _ => {
                let given = Value::Object(map.clone());
                return Err(Error::bad_request(format!(
                    "Invalid tool choice, tool_choice={given}. Expected 'auto', 'required' or a named function."
                ))
                .with_param("tool_choice"));
            }
        },
    }))
}

/// Whether a choice makes the model call a tool.
pub fn is_forced(choice: &Value) -> bool {
    choice.get("any").is_some() || choice.get("tool").is_some()
}

/// `parallel_tool_calls` among the model's own fields, where it can be set: Claude says it the other way round
/// (BED-06). The rest of the choice has its own place when there is one.
pub fn parallel(params: &Params, target: &Target, has_choice: bool) -> Option<Value> {
    let parallel = params.bool("parallel_tool_calls")?;
    if !target.facts.can("parallel_tool_use_config") {
        return None;
    }
    let mut choice = Map::new();
    if !has_choice {
        choice.insert("type".to_owned(), "auto".into());
    }
    choice.insert("disable_parallel_tool_use".to_owned(), (!parallel).into());
    Some(Value::Object(choice))
}
