//! JSON schemas as the provider takes them: of tools, and of answers.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::json::{Map, kind_of, spaced, str_at};

/// How deep a schema may nest once its references are resolved (GEN-34).
const DEPTH_LIMIT: usize = 64;
/// How many schemas it may hold then (GEN-34).
const SIZE_LIMIT: usize = 10_000;
/// The provider's limits for optional properties and unions (ANT-29).
const OPTIONAL_LIMIT: usize = 24;
const UNION_LIMIT: usize = 16;

/// Keys of a tool's schema that the provider takes at the top.
const TOOL_KEYS: [&str; 6] = ["type", "properties", "required", "additionalProperties", "$defs", "strict"];

/// Constraints the provider does not check: told in words instead.
pub const NOTES: [(&str, &str); 23] = [
    ("minItems", "minimum number of items: "),
    ("maxItems", "maximum number of items: "),
    ("uniqueItems", "all array items must be unique"),
    ("contains", "array must contain an item matching: "),
    ("minContains", "minimum number of matching items: "),
    ("maxContains", "maximum number of matching items: "),
    ("prefixItems", "leading items must match, in order: "),
    ("minimum", "minimum value: "),
    ("maximum", "maximum value: "),
    ("exclusiveMinimum", "exclusive minimum value: "),
    ("exclusiveMaximum", "exclusive maximum value: "),
    ("multipleOf", "must be a multiple of "),
    ("minLength", "minimum length: "),
    ("maxLength", "maximum length: "),
    ("minProperties", "minimum number of properties: "),
    ("maxProperties", "maximum number of properties: "),
    ("propertyNames", "property names must satisfy: "),
    ("dependentRequired", "dependent required properties: "),
    ("dependentSchemas", "dependent schemas: "),
    ("if", "conditional (if): "),
    ("then", "conditional (then): "),
    ("else", "conditional (else): "),
    ("not", "must not match: "),
];

/// The schema of a tool's input: always an object (ANT-31).
pub fn of_tool(parameters: Option<&Value>, path: &str) -> Result<Value> {
    let mut schema = match parameters {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map
            .iter()
            .filter(|(key, _)| {
                TOOL_KEYS.contains(&key.as_str()) || key.as_str() == "definitions" && uses_definitions(map)
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        Some(other) => {
            return Err(Error::bad_request(format!(
                "Invalid '{path}': expected a JSON schema, got {}.",
                kind_of(other)
            ))
            .with_param(path));
        }
    };
    if str_at(&schema, "type") != Some("object") {
        schema.insert("type".to_owned(), "object".into());
    }
    if schema.get("properties").is_none_or(Value::is_null) {
        schema.insert("properties".to_owned(), json!({}));
    }
    Ok(Value::Object(schema))
}

/// Old-style definitions are kept where a reference needs them.
fn uses_definitions(schema: &Map) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.iter().any(|(key, value)| match value {
                Value::String(text) => key == "$ref" && text.starts_with("#/definitions/"),
                value => any(value),
            }),
            Value::Array(items) => items.iter().any(any),
            _ => false,
        }
    }
    schema.values().any(any)
}

/// What becomes of objects that allow properties nobody has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// The schema does not fit: a forced tool keeps its meaning.
    Refuse,
    /// They are closed, because there is no other way.
    Close,
}

/// The schema for a native structured answer, or `None` when it does not fit (ANT-29).
pub fn native(schema: &Value, open: Open) -> Result<Option<Value>> {
    let mut walk = Walk { root: schema, open, path: Vec::new(), size: 0, optional: 0, unions: 0 };
    match walk.schema(schema, 0) {
        Ok(schema) if walk.optional <= OPTIONAL_LIMIT && walk.unions <= UNION_LIMIT => Ok(Some(schema)),
        Ok(_) | Err(Stop::Misfit) => Ok(None),
        Err(Stop::Limit(what)) => Err(Error::bad_request(format!(
            "Invalid 'response_format': the schema {what} once its references are resolved. Make it smaller."
        ))
        .with_param("response_format")),
    }
}

enum Stop {
    Misfit,
    Limit(String),
}

struct Walk<'a> {
    root: &'a Value,
    open: Open,
    /// References being resolved: one that leads back into itself does not fit.
    path: Vec<&'a str>,
    size: usize,
    optional: usize,
    unions: usize,
}

impl<'a> Walk<'a> {
    fn schema(&mut self, schema: &'a Value, depth: usize) -> std::result::Result<Value, Stop> {
        let Value::Object(map) = schema else { return Ok(schema.clone()) };
        self.size += 1;
        if depth > DEPTH_LIMIT {
            return Err(Stop::Limit(format!("is nested deeper than {DEPTH_LIMIT} levels")));
        }
        if self.size > SIZE_LIMIT {
            return Err(Stop::Limit(format!("holds more than {SIZE_LIMIT} schemas")));
        }
        if let Some(reference) = str_at(map, "$ref") {
            return self.reference(reference, depth);
        }
        let mut out = Map::new();
        for (key, value) in map {
            match key.as_str() {
                "$defs" | "definitions" | "unevaluatedProperties" => {}
                "patternProperties" => return Err(Stop::Misfit),
                "additionalProperties" if *value == false => {}
                "additionalProperties" => {
                    if self.open == Open::Refuse {
                        return Err(Stop::Misfit);
                    }
                }
                "properties" => {
                    let value = self.properties(value, map.get("required"), depth)?;
                    out.insert(key.clone(), value);
                }
                "items" => {
                    let value = match value {
                        Value::Array(items) => self.all(items, depth)?,
                        item => self.schema(item, depth + 1)?,
                    };
                    out.insert(key.clone(), value);
                }
                "anyOf" | "oneOf" | "allOf" => {
                    let Value::Array(items) = value else { return Err(Stop::Misfit) };
                    // The provider has one kind of union.
                    let name = if key == "allOf" { "allOf" } else { "anyOf" };
                    self.unions += usize::from(name == "anyOf");
                    if out.contains_key(name) {
                        return Err(Stop::Misfit);
                    }
                    let value = self.all(items, depth)?;
                    out.insert(name.to_owned(), value);
                }
                "pattern" if value.as_str().is_some_and(looks_around) => return Err(Stop::Misfit),
                "type" => {
                    self.unions += usize::from(value.as_array().is_some_and(|types| types.len() > 1));
                    out.insert(key.clone(), value.clone());
                }
                "minItems" if value.as_u64().is_some_and(|count| count <= 1) => {
                    out.insert(key.clone(), value.clone());
                }
                key if NOTES.iter().any(|(name, _)| *name == key) => {}
                _ => {
                    out.insert(key.clone(), value.clone());
                }
            }
        }
        describe(map, &mut out);
        if is_object(&out) {
            out.insert("additionalProperties".to_owned(), false.into());
        }
        Ok(Value::Object(out))
    }

    fn all(&mut self, items: &'a [Value], depth: usize) -> std::result::Result<Value, Stop> {
        items.iter().map(|item| self.schema(item, depth + 1)).collect()
    }

    fn properties(
        &mut self,
        properties: &'a Value,
        required: Option<&Value>,
        depth: usize,
    ) -> std::result::Result<Value, Stop> {
        let Value::Object(properties) = properties else { return Err(Stop::Misfit) };
        let required = required.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        self.optional +=
            properties.keys().filter(|name| !required.iter().any(|known| known == *name)).count();
        let mut out = Map::new();
        for (name, schema) in properties {
            out.insert(name.clone(), self.schema(schema, depth + 1)?);
        }
        Ok(Value::Object(out))
    }

    /// A definition in place of the reference to it; the provider resolves none.
    fn reference(&mut self, reference: &'a str, depth: usize) -> std::result::Result<Value, Stop> {
        let target = reference.strip_prefix('#').filter(|pointer| !pointer.is_empty());
        let Some(target) = target.and_then(|pointer| self.root.pointer(pointer)) else {
            return Err(Stop::Misfit);
        };
        if self.path.contains(&reference) {
            return Err(Stop::Misfit);
        }
        self.path.push(reference);
        let schema = self.schema(target, depth + 1);
        self.path.pop();
        schema
    }
}

pub fn is_object(schema: &Map) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    }
}

fn looks_around(pattern: &str) -> bool {
    ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|mark| pattern.contains(mark))
}

/// Tells in the description what the provider would not check.
pub fn describe(schema: &Map, out: &mut Map) {
    let notes: Vec<String> = NOTES
        .iter()
        .filter_map(|(key, words)| {
            let value = schema.get(*key)?;
            if out.contains_key(*key) || *value == false || value.is_null() {
                return None;
            }
            Some(if *key == "uniqueItems" {
                (*words).to_owned()
            } else {
                format!("{words}{}", spaced(value))
            })
        })
        .collect();
    if notes.is_empty() {
        return;
    }
    let note = format!("Note: {}.", notes.join(", "));
    let text = match str_at(schema, "description") {
        Some(text) if !text.is_empty() => format!("{text} {note}"),
        _ => note,
    };
    out.insert("description".to_owned(), text.into());
}
