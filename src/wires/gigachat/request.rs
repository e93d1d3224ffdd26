//! A chat request: tools become functions, and a conversation has one system message, in front.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{
    ChatRequest, Content, Message, Part, ResponseFormat, Role, Target, Tool, ToolCall, ToolChoice,
};
use crate::json::Map;
use crate::wires::openai::Openai;
use crate::wires::{Memo, Prepared, Wire};

pub fn encode(request: &ChatRequest, target: &Target) -> Result<Prepared> {
    let mut sent = request.clone();
    let mut memo = Memo { legacy_functions: sent.params.has("functions"), ..Memo::default() };
    functions(&mut sent, &mut memo, target)?;
    // Messages have a form that OpenAI's has no words for: they are written here.
    sent.extra_body.insert("messages".to_owned(), messages(&request.messages, target)?.into());
    sent.extra_body.extend(request.extra_body.clone());
    sent.messages.clear();
    // An answer that fits a schema is asked for as a whole (STR-30).
    sent.stream &= memo.json_tool.is_none();
    let prepared = Openai.encode(&sent, target)?;
    Ok(Prepared { memo, ..prepared })
}

/// Tools and the choice among them; a schema is the one function that has to be called (GEN-30).
fn functions(sent: &mut ChatRequest, memo: &mut Memo, target: &Target) -> Result<()> {
    let params = &mut sent.params;
    let format = params.response_format()?;
    let schema = match format {
        Some(ResponseFormat::JsonSchema { name, schema, .. }) => Some((
            name.unwrap_or("response").to_owned(),
            schema.cloned().unwrap_or_else(|| json!({ "type": "object" })),
        )),
        _ => None,
    };
    params.remove("response_format");
    if let Some((name, schema)) = schema {
        if params.has("tools") || params.has("functions") {
            return Err(Error::bad_request(format!(
                "{} has no JSON schemas: a forced function stands for them, which cannot go together with tools of \
                 the caller's. Leave out `tools` or the schema.",
                target.provider
            ))
            .with_param("response_format"));
        }
        let description = format!("Output structured response: {name}");
        let function = json!({ "name": name, "description": description, "parameters": schema });
        params.0.insert("functions".to_owned(), json!([function]));
        params.0.insert("function_call".to_owned(), json!({ "name": name }));
        memo.json_tool = Some(name);
        return Ok(());
    }
    if params.has("tools") {
        let functions: Vec<Value> = params.tools()?.iter().filter_map(function).collect();
        let choice = match params.tool_choice()? {
            None | Some(ToolChoice::Other(_)) => None,
            Some(ToolChoice::None) => Some("none".into()),
            // There is no word for any of them.
            Some(ToolChoice::Auto | ToolChoice::Required) => Some("auto".into()),
            Some(ToolChoice::Function(name)) => Some(json!({ "name": name })),
        };
        params.remove("tools");
        params.0.insert("functions".to_owned(), functions.into());
        if let Some(choice) = choice {
            params.0.insert("function_call".to_owned(), choice);
        }
    }
    params.remove("tool_choice");
    Ok(())
}

fn function(tool: &Tool<'_>) -> Option<Value> {
    match tool {
        Tool::Function { function, .. } => {
            let mut function = (*function).clone();
            function.shift_remove("strict");
            Some(function.into())
        }
        Tool::Other(_) => None,
    }
}

fn messages(messages: &[Message], target: &Target) -> Result<Vec<Value>> {
    let results: HashMap<&str, &Message> = messages
        .iter()
        .filter(|message| message.role == Role::Tool)
        .filter_map(|message| Some((message.tool_call_id.as_deref()?, message)))
        .collect();
    let called: Vec<&str> = messages
        .iter()
        .flat_map(|message| &message.tool_calls)
        .filter_map(|call| call.id.as_deref())
        .collect();
    let mut sent = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let text = || text(message, index, target);
        match message.role {
            Role::Assistant if !message.tool_calls.is_empty() => {
                // One call each, with its result behind it.
                for (at, call) in message.tool_calls.iter().enumerate() {
                    let said = if at == 0 { text()? } else { String::new() };
                    sent.push(call_message(&said, call, index)?);
                    if let Some(result) = call.id.as_deref().and_then(|id| results.get(id)) {
                        sent.push(result_message(result, call.function.name.as_deref()));
                    }
                }
            }
            // It stands behind its call.
            Role::Tool if message.tool_call_id.as_deref().is_some_and(|id| called.contains(&id)) => {}
            Role::Tool => sent.push(result_message(message, message.name.as_deref())),
            Role::System | Role::Developer => {
                let role = if sent.is_empty() { "system" } else { "user" };
                sent.push(json!({ "role": role, "content": text()? }));
            }
            _ => sent.push(json!({ "role": message.role.as_str(), "content": text()? })),
        }
    }
    Ok(sent)
}

fn call_message(said: &str, call: &ToolCall, index: usize) -> Result<Value> {
    let name = call.function.name.as_deref().unwrap_or_default();
    let arguments = match call.function.arguments.trim() {
        "" => Map::new(),
        text => serde_json::from_str(text).map_err(|error| {
            let what = format!(
                "Invalid 'messages[{index}].tool_calls': the arguments of '{name}' are no JSON object."
            );
            Error::bad_request(what).with_param(format!("messages[{index}].tool_calls")).with_source(error)
        })?,
    };
    Ok(json!({
        "role": "assistant", "content": said, "function_call": { "name": name, "arguments": arguments },
    }))
}

/// A result is JSON, also where the tool has given a text.
fn result_message(result: &Message, name: Option<&str>) -> Value {
    let text = result.text();
    let content = if serde_json::from_str::<Value>(&text).is_ok() {
        text.into_owned()
    } else {
        Value::from(text.as_ref()).to_string()
    };
    let mut message = json!({ "role": "function", "content": content });
    if let Some(name) = name {
        message["name"] = name.into();
    }
    message
}

/// Texts on lines of their own. Images have to be uploaded first, and come as `attachments`.
fn text(message: &Message, index: usize, target: &Target) -> Result<String> {
    let Some(Content::Parts(parts)) = &message.content else { return Ok(message.text().into_owned()) };
    let other = parts.iter().position(|part| !matches!(part, Part::Text { .. }));
    if let Some(part) = other.filter(|_| !target.options.drop_params) {
        let place = format!("messages[{index}].content[{part}]");
        return Err(Error::bad_request(format!(
            "Invalid '{place}': {} takes texts only. To drop what is none, set drop_params=True.",
            target.provider
        ))
        .with_param(place));
    }
    Ok(parts.iter().filter_map(Part::text).collect::<Vec<_>>().join("\n"))
}
