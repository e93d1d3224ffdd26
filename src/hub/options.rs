//! Structured parameters of a chat request, read where a wire needs their meaning.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::{Map, kind_of, str_at};

/// The key of a cache mark.
const CACHE_CONTROL: &str = "cache_control";

/// The `tools` parameter for a provider without cache marks: none in an entry, none in its function.
pub fn tools_without_cache_control(tools: &Value) -> Cow<'_, Value> {
    let is_marked = |tool: &Value| {
        tool.get(CACHE_CONTROL).is_some()
            || tool.get("function").is_some_and(|function| function.get(CACHE_CONTROL).is_some())
    };
    match tools {
        Value::Array(items) if items.iter().any(is_marked) => {
            let mut items = items.clone();
            for tool in items.iter_mut().filter_map(Value::as_object_mut) {
                tool.shift_remove(CACHE_CONTROL);
                if let Some(Value::Object(function)) = tool.get_mut("function") {
                    function.shift_remove(CACHE_CONTROL);
                }
            }
            Cow::Owned(Value::Array(items))
        }
        other => Cow::Borrowed(other),
    }
}

/// One entry of `tools`.
#[derive(Debug, Clone, Copy)]
pub enum Tool<'a> {
    Function {
        name: &'a str,
        description: Option<&'a str>,
        parameters: Option<&'a Value>,
        strict: Option<bool>,
        /// The whole `function` object, for further keys.
        function: &'a Map,
        /// The whole entry, for `cache_control` and the like.
        entry: &'a Map,
    },
    /// A provider's own tool, in its own shape.
    Other(&'a Map),
}

impl<'a> Tool<'a> {
    /// Reads the `tools` parameter. Errors name the index and the field.
    pub fn parse_all(tools: &'a Value) -> Result<Vec<Self>> {
        let Value::Array(items) = tools else {
            return Err(Error::invalid("tools", &format!("expected a list, got {}", kind_of(tools))));
        };
        items.iter().enumerate().map(|(index, item)| Self::parse(item, index)).collect()
    }

    /// A name that is the caller's to choose; hosted tools have fixed ones.
    pub fn own_name(&self) -> Option<&'a str> {
        match self {
            Self::Function { name, .. } => Some(*name),
            Self::Other(entry) if matches!(str_at(entry, "type"), None | Some("custom" | "function")) => {
                str_at(entry, "name")
            }
            Self::Other(_) => None,
        }
        .filter(|name| !name.is_empty())
    }

    fn parse(item: &'a Value, index: usize) -> Result<Self> {
        let Value::Object(entry) = item else {
            let what = format!("expected an object, got {}", kind_of(item));
            return Err(Error::invalid(&format!("tools[{index}]"), &what));
        };
        let Some(Value::Object(function)) = entry.get("function") else {
            if str_at(entry, "type") == Some("function") && !entry.contains_key("name") {
                return Err(Error::invalid(
                    &format!("tools[{index}].function"),
                    "a function tool needs a 'function' object",
                ));
            }
            return Ok(Self::Other(entry));
        };
        let Some(name) = str_at(function, "name") else {
            return Err(Error::invalid(&format!("tools[{index}].function.name"), "a function needs a name"));
        };
        Ok(Self::Function {
            name,
            description: str_at(function, "description"),
            parameters: function.get("parameters").filter(|value| !value.is_null()),
            strict: function.get("strict").and_then(Value::as_bool),
            function,
            entry,
        })
    }
}

/// `tool_choice`, whoever's shape it came in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ToolChoice<'a> {
    Auto,
    None,
    Required,
    Function(&'a str),
    /// A provider's own object.
    Other(&'a Map),
}

impl<'a> ToolChoice<'a> {
    pub fn parse(value: &'a Value) -> Result<Self> {
        match value {
            Value::String(text) => match text.as_str() {
                "auto" => Ok(Self::Auto),
                "none" => Ok(Self::None),
                "required" | "any" => Ok(Self::Required),
                other => Err(Error::invalid(
                    "tool_choice",
                    &format!("expected 'auto', 'none', 'required' or a named function, got '{other}'"),
                )),
            },
            Value::Object(map) => match map.get("function") {
                Some(Value::Object(function)) => {
                    str_at(function, "name").map(Self::Function).ok_or_else(|| {
                        Error::invalid("tool_choice.function.name", "a named choice needs a name")
                    })
                }
                _ => Ok(Self::Other(map)),
            },
            other => Err(Error::invalid(
                "tool_choice",
                &format!("expected a string or an object, got {}", kind_of(other)),
            )),
        }
    }
}

/// `response_format`.
#[derive(Debug, Clone, Copy)]
pub enum ResponseFormat<'a> {
    /// Plain text: a no-op everywhere (GEN-32).
    Text,
    /// JSON, with a schema when the caller put one into the object.
    JsonObject {
        schema: Option<&'a Value>,
    },
    JsonSchema {
        name: Option<&'a str>,
        schema: Option<&'a Value>,
        strict: Option<bool>,
    },
    Other(&'a Map),
}

impl<'a> ResponseFormat<'a> {
    pub fn parse(value: &'a Value) -> Result<Self> {
        let Value::Object(map) = value else {
            return Err(Error::invalid(
                "response_format",
                &format!("expected an object, got {}", kind_of(value)),
            ));
        };
        match str_at(map, "type") {
            Some("text") => Ok(Self::Text),
            Some("json_object") => {
                Ok(Self::JsonObject { schema: map.get("response_schema").or_else(|| map.get("schema")) })
            }
            Some("json_schema") => match map.get("json_schema") {
                Some(Value::Object(inner)) => Ok(Self::JsonSchema {
                    name: str_at(inner, "name"),
                    schema: inner.get("schema").filter(|schema| !schema.is_null()),
                    strict: inner.get("strict").and_then(Value::as_bool),
                }),
                _ => Err(Error::invalid(
                    "response_format.json_schema",
                    "a json_schema format needs this object",
                )),
            },
            _ => Ok(Self::Other(map)),
        }
    }

    pub fn schema(&self) -> Option<&'a Value> {
        match self {
            Self::JsonObject { schema } | Self::JsonSchema { schema, .. } => *schema,
            Self::Text | Self::Other(_) => None,
        }
    }
}

/// `reasoning_effort`: a word, or an object with a summary wish (GEN-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasoningEffort<'a> {
    pub effort: Option<&'a str>,
    pub summary: Option<&'a str>,
}

impl<'a> ReasoningEffort<'a> {
    pub fn parse(value: &'a Value) -> Result<Self> {
        match value {
            Value::String(effort) => Ok(Self { effort: Some(effort), summary: None }),
            Value::Object(map) => Ok(Self { effort: str_at(map, "effort"), summary: str_at(map, "summary") }),
            other => Err(Error::invalid(
                "reasoning_effort",
                &format!("expected a string or an object, got {}", kind_of(other)),
            )),
        }
    }
}
