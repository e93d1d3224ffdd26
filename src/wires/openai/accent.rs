//! The verbs of a row that change parameters: each in one function. What they mean is said in `hub::Accent`.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::error::{Error, Kind, Result};
use crate::hub::{
    Accent, Message, Params, ReasoningEffort, ReasoningRule, ResponseFormat, Role, SchemaRule, Target,
    ToolChoice, ToolChoiceRule,
};
use crate::json::{Map, spaced, str_at};
use crate::wires::tool_names::JSON_TOOL;

/// What is left over for the answer when a thinking budget is all that is said.
const ROOM_FOR_ANSWER: u64 = 4096;

/// Efforts in the order of their size.
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// What a message says when no `tool_choice` can (the provider's own advice).
const ASK_FOR_TOOL: &str = "Please select a tool to handle the current issue.";

/// The system prompt that the maker of the Magistral models publishes for them (MIS-08).
const THINK_FIRST: &str = "A user will ask you to solve a task. You should first draft your thinking process (inner monologue) until you have derived the final answer. Afterwards, write a self-contained summary of your thoughts (i.e. your summary should be succinct but contain all the critical steps you needed to reach the conclusion). You should use Markdown to format your response. Write both your thoughts and summary in the same language as the task posed by the user. NEVER use \\boxed{} in your response.

Your thinking process must follow the template below:
<think>
Your thoughts or/and draft, like working through an exercise on scratch paper. Be as casual and as long as you want until you are confident to generate a correct answer.
</think>

Here, provide a concise summary that reflects your reasoning and presents a clear final answer to the user. Don't mention that this is a summary.

Problem:

";

/// What parameters said that is sent elsewhere than in a parameter.
#[derive(Debug, Default)]
pub struct Asides {
    /// Goes in front of the system message.
    pub system: Option<&'static str>,
    /// Messages at the end.
    pub messages: Vec<Message>,
    /// The tool whose arguments are the answer.
    pub json_tool: Option<&'static str>,
    /// Whether the model was told to think; `None` when nothing was said.
    pub thinks: Option<bool>,
    /// The answer is asked for as a whole, although the caller wants a stream.
    pub whole: bool,
}

/// Applies every verb of the row to the parameters.
pub fn apply(params: &mut Cow<'_, Params>, target: &Target) -> Result<Asides> {
    let accent = &*target.accent;
    let whole = accent.whole_formatted && params.has("response_format");
    let mut asides = Asides { whole, ..Asides::default() };
    leave_out(params, target);
    clamp(params, accent);
    effort_words(params, accent);
    reasoning(params, &mut asides, target)?;
    tool_choice(params, &mut asides, target)?;
    search_tool(params, accent);
    tools(params, accent);
    json_schema(params, &mut asides, target)?;
    rename(params, accent);
    Ok(asides)
}

/// `ignore`, `ignore_if`
fn leave_out(params: &mut Cow<'_, Params>, target: &Target) {
    let left_out = |name: &String| target.accent.leaves_out(name, &target.facts);
    if params.0.keys().any(left_out) {
        params.to_mut().0.retain(|name, _| !left_out(name));
    }
}

/// `clamp`
fn clamp(params: &mut Cow<'_, Params>, accent: &Accent) {
    for (name, [least, most]) in &accent.clamp {
        let Some(value) = params.get(name).and_then(Value::as_f64) else { continue };
        if value < *least || value > *most {
            let limit = if value < *least { *least } else { *most };
            params.to_mut().0.insert(name.clone(), json!(limit));
        }
    }
}

/// `effort`
fn effort_words(params: &mut Cow<'_, Params>, accent: &Accent) {
    if let Some(word) = params.str("reasoning_effort").and_then(|word| accent.effort.get(word)) {
        let word = Value::from(word.as_str());
        params.to_mut().0.insert("reasoning_effort".into(), word);
    }
}

/// `reasoning`
fn reasoning(params: &mut Cow<'_, Params>, asides: &mut Asides, target: &Target) -> Result<()> {
    let rule = target.accent.reasoning;
    if rule == ReasoningRule::Plain || !(params.has("reasoning_effort") || params.has("thinking")) {
        return Ok(());
    }
    let effort = match params.reasoning_effort()? {
        Some(ReasoningEffort { effort, .. }) => effort.map(str::to_owned),
        None => None,
    };
    match rule {
        ReasoningRule::Plain => {}
        ReasoningRule::Switch => switch(params.to_mut(), asides, effort.as_deref(), true),
        ReasoningRule::SwitchOnly => switch(params.to_mut(), asides, effort.as_deref(), false),
        ReasoningRule::EffortOnly => budget_to_effort(params.to_mut(), effort.as_deref(), target),
        ReasoningRule::Listed => listed_effort(params.to_mut(), asides, effort.as_deref(), target),
        ReasoningRule::Budget => effort_to_budget(params.to_mut(), effort.as_deref(), target),
    }
    Ok(())
}

fn switch(params: &mut Params, asides: &mut Asides, effort: Option<&str>, keeps_effort: bool) {
    let given = params.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    let on = match (given, effort) {
        (Some("disabled"), _) | (None, Some("none")) => Some(false),
        (Some("enabled"), _) | (None, Some(_)) => Some(true),
        _ => None,
    };
    let is_given = given.is_some();
    if !keeps_effort || effort == Some("none") {
        params.remove("reasoning_effort");
    }
    if keeps_effort || !is_given {
        params.remove("thinking");
        if let Some(on) = on {
            let word = if on { "enabled" } else { "disabled" };
            params.0.insert("thinking".into(), json!({ "type": word }));
        }
    }
    asides.thinks = on;
}

fn budget_to_effort(params: &mut Params, effort: Option<&str>, target: &Target) {
    let Some(thinking) = params.remove("thinking") else { return };
    if effort.is_none() && thinking.get("type").and_then(Value::as_str) != Some("disabled") {
        params.0.insert("reasoning_effort".into(), effort_of_budget(&thinking, target).into());
    }
}

/// The effort that a budget stands for.
fn effort_of_budget(thinking: &Value, target: &Target) -> &'static str {
    let budgets = &target.options.thinking_budgets;
    match thinking.get("budget_tokens").and_then(Value::as_u64) {
        Some(budget) if budget < budgets.low => "minimal",
        Some(budget) if budget < budgets.medium => "low",
        Some(budget) if budget < budgets.high => "medium",
        Some(_) => "high",
        None => "medium",
    }
}

fn listed_effort(params: &mut Params, asides: &mut Asides, effort: Option<&str>, target: &Target) {
    let thinking = params.remove("thinking");
    let wanted = match (effort, &thinking) {
        (Some(effort), _) => effort,
        (None, Some(thinking)) if thinking.get("type").and_then(Value::as_str) == Some("disabled") => "none",
        (None, Some(thinking)) => effort_of_budget(thinking, target),
        (None, None) => return,
    };
    asides.thinks = Some(wanted != "none");
    let listed = &target.facts.efforts;
    if listed.is_empty() {
        params.remove("reasoning_effort");
        if wanted != "none" {
            asides.system = Some(THINK_FIRST);
        }
        return;
    }
    let rank = |word: &str| EFFORTS.iter().position(|known| *known == word);
    // At least what was asked for, as far as there is so much.
    let nearest = listed
        .iter()
        .filter(|word| rank(word) >= rank(wanted))
        .min_by_key(|word| rank(word))
        .or_else(|| listed.iter().max_by_key(|word| rank(word)));
    if let Some(word) = nearest {
        params.0.insert("reasoning_effort".into(), word.as_str().into());
    }
}

fn effort_to_budget(params: &mut Params, effort: Option<&str>, target: &Target) {
    if let Some(effort) = effort
        && target.model.contains("claude")
    {
        params.remove("reasoning_effort");
        let budgets = &target.options.thinking_budgets;
        let budget = match effort {
            "none" => None,
            "minimal" => Some(budgets.minimal.unwrap_or(budgets.low)),
            "low" => Some(budgets.low),
            "medium" => Some(budgets.medium),
            _ => Some(budgets.high),
        };
        if let Some(budget) = budget.filter(|_| !params.has("thinking")) {
            params.0.insert("thinking".into(), json!({ "type": "enabled", "budget_tokens": budget }));
        }
    }
    let budget =
        params.get("thinking").and_then(|thinking| thinking.get("budget_tokens")).and_then(Value::as_u64);
    if let Some(budget) = budget
        && params.output_limit().is_none()
    {
        params.0.insert("max_tokens".into(), budget.saturating_add(ROOM_FOR_ANSWER).into());
    }
}

/// `tool_choice`
fn tool_choice(params: &mut Cow<'_, Params>, asides: &mut Asides, target: &Target) -> Result<()> {
    if target.accent.tool_choice.is_empty() {
        return Ok(());
    }
    let kind = match params.tool_choice()? {
        None => return Ok(()),
        Some(ToolChoice::Auto) => "auto",
        Some(ToolChoice::None) => "none",
        Some(ToolChoice::Required) => "required",
        Some(ToolChoice::Function(_) | ToolChoice::Other(_)) => "named",
    };
    match target.accent.tool_choice.get(kind) {
        None => {}
        Some(ToolChoiceRule::Omit) => {
            params.to_mut().remove("tool_choice");
        }
        Some(ToolChoiceRule::Refuse) if target.options.drop_params => {
            params.to_mut().remove("tool_choice");
        }
        Some(ToolChoiceRule::Refuse) => {
            let text = format!(
                "{} doesn't support tool_choice={kind}. To drop unsupported parameters, set drop_params=True.",
                target.provider
            );
            return Err(Error::unsupported(text).with_param("tool_choice"));
        }
        Some(ToolChoiceRule::Ask) => {
            params.to_mut().remove("tool_choice");
            asides.messages.push(Message::new(Role::User, ASK_FOR_TOOL));
        }
        Some(ToolChoiceRule::Word(word)) => {
            params.to_mut().0.insert("tool_choice".into(), word.as_str().into());
        }
    }
    Ok(())
}

/// `search_tool`
fn search_tool(params: &mut Cow<'_, Params>, accent: &Accent) {
    let Some(kind) = &accent.search_tool else { return };
    if !params.has("web_search_options") {
        return;
    }
    let params = params.to_mut();
    params.remove("web_search_options");
    if let Value::Array(tools) = params.0.entry("tools").or_insert_with(|| json!([])) {
        tools.push(json!({ "type": kind }));
    }
}

/// `drop_from_tools`, `only_functions`
fn tools(params: &mut Cow<'_, Params>, accent: &Accent) {
    if !params.has("tools") || accent.drop_from_tools.is_empty() && !accent.only_functions {
        return;
    }
    let params = params.to_mut();
    let Some(Value::Array(tools)) = params.0.get_mut("tools") else { return };
    if accent.only_functions {
        tools.retain(|tool| tool.get("function").is_some());
    }
    for tool in tools.iter_mut() {
        drop_keys(tool, &accent.drop_from_tools);
    }
    if tools.is_empty() {
        for name in ["tools", "tool_choice", "parallel_tool_calls"] {
            params.remove(name);
        }
    }
}

/// Takes keywords out of a tool. Names of a schema's own properties are no keywords.
fn drop_keys(value: &mut Value, keys: &[String]) {
    match value {
        Value::Object(map) => {
            map.retain(|name, value| {
                let dropped = keys.iter().any(|key| key == name);
                !dropped || name == "additionalProperties" && *value != Value::Bool(false)
            });
            for (name, value) in map {
                match (name.as_str(), value) {
                    ("properties" | "$defs" | "definitions", Value::Object(named)) => {
                        named.values_mut().for_each(|schema| drop_keys(schema, keys));
                    }
                    ("enum" | "const" | "default" | "examples", _) => {}
                    (_, value) => drop_keys(value, keys),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| drop_keys(item, keys)),
        _ => {}
    }
}

/// `json_schema`
fn json_schema(params: &mut Cow<'_, Params>, asides: &mut Asides, target: &Target) -> Result<()> {
    let rule = target.accent.json_schema;
    if rule == SchemaRule::Plain || rule == SchemaRule::Tool && target.facts.can("response_schema") {
        return Ok(());
    }
    let schema = match params.response_format()? {
        Some(ResponseFormat::JsonSchema { schema, .. }) => schema,
        Some(ResponseFormat::JsonObject { schema }) if schema.is_some() && rule == SchemaRule::ToolAlways => {
            schema
        }
        _ => return Ok(()),
    };
    let schema = schema.cloned().unwrap_or_else(|| json!({ "type": "object" }));
    match rule {
        SchemaRule::Plain => {}
        SchemaRule::Tool | SchemaRule::ToolAlways => {
            if params.has("tools") {
                return Err(Error::bad_request(format!(
                    "{} has no native JSON schemas for the model '{}': a forced tool stands for them, which cannot \
                     go together with tools of the caller's. Leave out `tools` or the schema, or take another model.",
                    target.provider, target.model
                ))
                .with_param("response_format"));
            }
            let params = params.to_mut();
            params.remove("response_format");
            let function = json!({ "name": JSON_TOOL, "parameters": schema });
            params.0.insert("tools".into(), json!([{ "type": "function", "function": function }]));
            let choice = json!({ "type": "function", "function": { "name": JSON_TOOL } });
            params.0.insert("tool_choice".into(), choice);
            asides.json_tool = Some(JSON_TOOL);
            asides.whole = true;
        }
        SchemaRule::Words => {
            params.to_mut().0.insert("response_format".into(), json!({ "type": "json_object" }));
            let text =
                format!("Answer with JSON that fits this JSON schema:\n```json\n{}\n```", spaced(&schema));
            asides.messages.push(Message::new(Role::User, text));
        }
    }
    Ok(())
}

/// `rename`: the renamed parameter wins over one that has the name already (GEN-03).
fn rename(params: &mut Cow<'_, Params>, accent: &Accent) {
    for (name, other) in &accent.rename {
        if !params.has(name) {
            continue;
        }
        let params = params.to_mut();
        let Some(value) = params.remove(name) else { continue };
        match other.split_once('.') {
            None => {
                params.0.insert(other.clone(), value);
            }
            Some((outer, inner)) => {
                if let Value::Object(map) = params.0.entry(outer).or_insert_with(|| Value::Object(Map::new()))
                {
                    map.insert(inner.to_owned(), value);
                }
            }
        }
    }
}

/// `error_statuses`
pub fn kind_of_status(status: u16, accent: &Accent) -> Option<Kind> {
    use crate::hub::ErrorClass;
    Some(match accent.error_statuses.get(&status.to_string())? {
        ErrorClass::Api => Kind::Api,
        ErrorClass::Connection => Kind::Connection,
        ErrorClass::ServiceUnavailable => Kind::ServiceUnavailable,
    })
}

/// The text of an earlier turn's reasoning, under any of its names.
pub fn reasoning_text(message: &Message) -> Option<String> {
    if let Some(text) = message.reasoning_content.as_deref().filter(|text| !text.is_empty()) {
        return Some(text.to_owned());
    }
    let blocks: String =
        message.thinking_blocks.iter().filter_map(|block| str_at(block, "thinking")).collect();
    if !blocks.is_empty() {
        return Some(blocks);
    }
    let fields = message.provider_specific_fields.as_ref()?;
    str_at(fields, "reasoning_content").filter(|text| !text.is_empty()).map(str::to_owned)
}
