//! JSON schemas: of tools' inputs, and of answers.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::{Map, kind_of, str_at};
use crate::wires::anthropic::{close_schema, native_schema_fits};

/// How deep a schema may nest once its references are resolved, and how many schemas it may hold then (GEN-34).
const DEPTH_LIMIT: usize = 64;
const SIZE_LIMIT: usize = 10_000;
/// More optional properties than this are too many for a native answer.
const OPTIONAL_LIMIT: usize = 11;

/// The schema of a tool's input: an object, references resolved, nothing at its top that Converse does not take.
/// That it is closed is said only where a model can be `strict` about it.
pub fn of_tool(parameters: Option<&Value>, strict: bool, path: &str) -> Result<Value> {
    let given = match parameters {
        None | Some(Value::Null) => &Map::new(),
        Some(Value::Object(map)) => map,
        Some(other) => {
            let what = format!("Invalid '{path}': expected a JSON schema, got {}.", kind_of(other));
            return Err(Error::bad_request(what).with_param(path));
        }
    };
    let root = Value::Object(given.clone());
    let mut walk = Resolve { root: &root, path: Vec::new(), size: 0 };
    let mut resolved = |key: &str| -> Result<Option<Value>> {
        let Some(value) = given.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
        walk.value(value, 0).map(Some).map_err(|what| {
            Error::bad_request(format!("Invalid '{path}': the schema {what}. Make it smaller."))
                .with_param(path)
        })
    };
    let mut out = Map::new();
    out.insert("type".to_owned(), given.get("type").cloned().unwrap_or_else(|| "object".into()));
    for (key, or) in [("properties", Value::Object(Map::new())), ("required", Value::Array(Vec::new()))] {
        out.insert(key.to_owned(), resolved(key)?.unwrap_or(or));
    }
    if let Some(more) = resolved("additionalProperties")?.filter(|more| strict || *more != false) {
        out.insert("additionalProperties".to_owned(), more);
    }
    Ok(Value::Object(out))
}

/// Puts definitions in the place of references to them; one that leads back into itself stays.
struct Resolve<'a> {
    root: &'a Value,
    path: Vec<&'a str>,
    size: usize,
}

impl<'a> Resolve<'a> {
    fn value(&mut self, value: &'a Value, depth: usize) -> std::result::Result<Value, &'static str> {
        if depth > DEPTH_LIMIT {
            return Err("is nested too deep once its references are resolved");
        }
        match value {
            Value::Object(map) => {
                self.size += 1;
                if self.size > SIZE_LIMIT {
                    return Err("is too large once its references are resolved");
                }
                if let Some(found) = self.definition(map, depth)? {
                    return Ok(found);
                }
                let mut out = Map::new();
                for (key, value) in map {
                    out.insert(key.clone(), self.value(value, depth + 1)?);
                }
                Ok(Value::Object(out))
            }
            Value::Array(items) => items.iter().map(|item| self.value(item, depth + 1)).collect(),
            other => Ok(other.clone()),
        }
    }

    fn definition(&mut self, map: &'a Map, depth: usize) -> std::result::Result<Option<Value>, &'static str> {
        let Some(reference) = str_at(map, "$ref") else { return Ok(None) };
        let pointer = reference.strip_prefix('#').filter(|pointer| !pointer.is_empty());
        let Some(target) = pointer.and_then(|pointer| self.root.pointer(pointer)) else { return Ok(None) };
        if self.path.contains(&reference) {
            return Ok(None);
        }
        self.path.push(reference);
        let found = self.value(target, depth + 1);
        self.path.pop();
        found.map(Some)
    }
}

/// The schema of a native answer, or `None` where a tool has to stand for it. Claude's own limits hold for Claude.
pub fn native(schema: &Value, is_claude: bool) -> Result<Option<Value>> {
    if is_claude
        && (!native_schema_fits(schema)? || has_open_object(schema) || optional(schema) > OPTIONAL_LIMIT)
    {
        return Ok(None);
    }
    Ok(Some(close_schema(schema, is_claude)))
}

/// An object without any named property takes all of them.
fn has_open_object(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            str_at(map, "type") == Some("object") && !map.contains_key("properties")
                || map.values().any(has_open_object)
        }
        Value::Array(items) => items.iter().any(has_open_object),
        _ => false,
    }
}

fn optional(schema: &Value) -> usize {
    match schema {
        Value::Object(map) => {
            let required = map.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let own = map.get("properties").and_then(Value::as_object).map_or(0, |properties| {
                properties.keys().filter(|name| !required.iter().any(|known| known == *name)).count()
            });
            own + map.values().map(optional).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(optional).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gen_34_references_of_a_tools_schema_are_resolved() {
        let schema = json!({
            "type": "object", "title": "t", "$schema": "s",
            "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/Loop"}, "c": {"$ref": "#/none"}},
            "$defs": {"A": {"type": "string", "title": "kept"}, "Loop": {"properties": {"next": {"$ref": "#/$defs/Loop"}}}},
        });
        assert_eq!(
            of_tool(Some(&schema), true, "p").unwrap(),
            json!({
                "type": "object",
                "properties": {
                    "a": {"type": "string", "title": "kept"},
                    "b": {"properties": {"next": {"$ref": "#/$defs/Loop"}}},
                    "c": {"$ref": "#/none"},
                },
                "required": [],
            })
        );
        assert_eq!(
            of_tool(None, true, "p").unwrap(),
            json!({"type": "object", "properties": {}, "required": []})
        );
        assert!(of_tool(Some(&json!("x")), true, "p").is_err());
        let mut deep = json!({"type": "string"});
        for _ in 0..100 {
            deep = json!({"items": deep});
        }
        assert!(of_tool(Some(&json!({"properties": {"x": deep}})), true, "p").is_err());
    }

    #[test]
    fn gen_29_a_native_schema_is_closed_and_keeps_its_references() {
        let schema = json!({
            "type": "object", "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}}},
        });
        assert_eq!(
            native(&schema, true).unwrap().unwrap(),
            json!({
                "type": "object", "properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {
                    "type": "object",
                    "properties": {"n": {"type": "integer", "description": "Note: minimum value: 3."}},
                    "additionalProperties": false,
                }},
                "additionalProperties": false,
            })
        );
        let other = native(&schema, false).unwrap().unwrap();
        assert_eq!(other["$defs"]["A"]["properties"]["n"], json!({"type": "integer", "minimum": 3}));
        for misfit in [
            json!({"type": "object"}),
            json!({"type": "object", "properties": {}, "additionalProperties": true}),
            json!({"type": "object", "properties": {"a": {"pattern": "(?=x)"}}}),
            json!({"type": "object", "properties": (0..12).map(|n| (n.to_string(), json!({}))).collect::<Map>()}),
        ] {
            assert_eq!(native(&misfit, true).unwrap(), None, "{misfit}");
        }
    }
}
