//! Tool calls: arguments are objects both ways (OLL-05).

use serde_json::Value;

use crate::error::Result;
use crate::hub::{FunctionCall, Message, ToolCall};
use crate::json::{Map, spaced, take_string};

/// A call of an earlier answer. The old single `function_call` is one, too.
#[derive(Debug)]
pub struct Call<'a> {
    pub id: Option<&'a str>,
    pub name: &'a str,
    pub arguments: Value,
}

pub fn of_message(message: &Message, index: usize) -> Result<Vec<Call<'_>>> {
    let calls = message.tool_calls.iter().map(|call| (call.id.as_deref(), &call.function)).enumerate().map(
        |(at, (id, function))| read(id, function, &format!("messages[{index}].tool_calls[{at}].function")),
    );
    let old = message
        .function_call
        .iter()
        .map(|function| read(None, function, &format!("messages[{index}].function_call")));
    calls.chain(old).collect()
}

fn read<'a>(id: Option<&'a str>, function: &'a FunctionCall, path: &str) -> Result<Call<'a>> {
    let name = function.name.as_deref().unwrap_or_default();
    let arguments = Value::Object(function.arguments_object(path)?.unwrap_or_default());
    Ok(Call { id, name, arguments })
}

/// A call as an answer has it.
#[derive(Debug, PartialEq)]
pub struct Answered {
    pub id: Option<String>,
    pub name: String,
    pub arguments: String,
}

/// The calls of an answer. Ids are rare here; who passes the answer on makes them (STR-09).
pub fn of_answer(calls: Value) -> Vec<Answered> {
    let Value::Array(calls) = calls else { return Vec::new() };
    calls
        .into_iter()
        .filter_map(|call| {
            let Value::Object(mut call) = call else { return None };
            let Some(Value::Object(function)) = call.shift_remove("function") else { return None };
            let mut answered = of_function(function)?;
            answered.id = take_string(&mut call, "id");
            Some(answered)
        })
        .collect()
}

fn of_function(mut function: Map) -> Option<Answered> {
    let name = take_string(&mut function, "name")?;
    let arguments = match function.shift_remove("arguments") {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "{}".to_owned(),
        // Some models write the JSON text themselves.
        Some(Value::String(text)) => text,
        Some(other) => spaced(&other),
    };
    Some(Answered { id: None, name, arguments })
}

/// A call that the model wrote as its text, as the prompt asked it to.
pub fn of_text(text: &str) -> Option<Answered> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) if map.contains_key("arguments") => of_function(map),
        _ => None,
    }
}

impl From<Answered> for ToolCall {
    fn from(call: Answered) -> Self {
        Self {
            id: call.id,
            function: FunctionCall {
                name: Some(call.name),
                arguments: call.arguments,
                provider_specific_fields: None,
            },
            provider_specific_fields: None,
            cache_control: None,
            extra: Map::new(),
        }
    }
}
