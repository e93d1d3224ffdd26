//! JSON Schema to the part of it that Google's own `Schema` type has (GEM-15), for function parameters and for
//! models without JSON Schema output.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::Map;

/// How deep a schema may be, and how many nodes it may have once its references are inlined (GEN-34).
const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 20_000;

/// Keywords that are copied as they are.
const KEPT: &[&str] = &[
    "title",
    "description",
    "nullable",
    "default",
    "example",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "propertyOrdering",
];

/// Which enums survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerEnums {
    /// The model takes them, written as strings.
    AsStrings,
    /// The model takes enums of strings only.
    Dropped,
}

/// Converts a schema. `path` names it in errors.
pub fn convert(schema: &Map, enums: IntegerEnums, path: &str) -> Result<Value> {
    let definitions = ["$defs", "definitions"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_object().map(|map| (key, map)))
        .collect();
    let mut converter = Converter { definitions, enums, nodes: 0, path, open: Vec::new() };
    converter.schema(schema, 0).map(Value::Object)
}

struct Converter<'a> {
    definitions: Vec<(&'static str, &'a Map)>,
    enums: IntegerEnums,
    nodes: usize,
    path: &'a str,
    /// The references being inlined right now: one that meets itself again ends there.
    open: Vec<&'a str>,
}

impl<'a> Converter<'a> {
    fn schema(&mut self, schema: &'a Map, depth: usize) -> Result<Map> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            let (what, cap) =
                if depth > MAX_DEPTH { ("levels deep", MAX_DEPTH) } else { ("nodes large", MAX_NODES) };
            let text = format!(
                "Invalid '{}': the schema is more than {cap} {what} once its references are inlined.",
                self.path
            );
            return Err(Error::bad_request(text).with_param(self.path));
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.reference(reference, depth);
        }
        if let Some(Value::Array(branches)) = schema.get("anyOf")
            && !branches.is_empty()
        {
            return self.any_of(branches, schema, depth);
        }
        if let Some(Value::Array(types)) = schema.get("type") {
            return self.type_list(types, schema, depth);
        }
        self.plain(schema, schema.get("type").and_then(Value::as_str), depth)
    }

    fn reference(&mut self, reference: &'a str, depth: usize) -> Result<Map> {
        let found =
            reference.strip_prefix("#/").and_then(|rest| rest.split_once('/')).and_then(|(key, name)| {
                let (_, map) = self.definitions.iter().find(|(known, _)| *known == key)?;
                map.get(name)?.as_object()
            });
        let Some(schema) = found.filter(|_| !self.open.contains(&reference)) else {
            // Unknown, or inside of itself: anything goes.
            return Ok(object());
        };
        self.open.push(reference);
        let converted = self.schema(schema, depth + 1);
        self.open.pop();
        converted
    }

    /// The alternatives, without null: the others become nullable. What the schema says beside them moves into
    /// each, as no other key may stand there.
    fn any_of(&mut self, branches: &'a [Value], schema: &'a Map, depth: usize) -> Result<Map> {
        let is_null = |branch: &Value| branch.get("type").and_then(Value::as_str) == Some("null");
        let nullable = branches.iter().any(is_null);
        let mut converted = Vec::with_capacity(branches.len());
        for branch in branches.iter().filter(|branch| !is_null(branch)) {
            let mut branch = self.value(branch, depth + 1)?;
            finish_branch(&mut branch, nullable, schema);
            converted.push(Value::Object(branch));
        }
        if converted.is_empty() {
            converted.push(Value::Object(Map::from_iter([
                ("type".to_owned(), "null".into()),
                ("nullable".to_owned(), true.into()),
            ])));
        }
        Ok(Map::from_iter([("anyOf".to_owned(), Value::Array(converted))]))
    }

    /// `type: [a, b]` as alternatives; each takes the keys that belong to its type.
    fn type_list(&mut self, types: &'a [Value], schema: &'a Map, depth: usize) -> Result<Map> {
        let names: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
        if let [only] = names[..] {
            return self.plain(schema, Some(only), depth);
        }
        let nullable = names.contains(&"null");
        let mut converted = Vec::with_capacity(names.len());
        for name in names.into_iter().filter(|name| *name != "null") {
            let mut branch = self.structure(schema, name, depth)?;
            if name == "integer" && self.enums == IntegerEnums::AsStrings {
                self.enumeration(schema, name, &mut branch);
            }
            finish_branch(&mut branch, nullable, schema);
            converted.push(Value::Object(branch));
        }
        if converted.is_empty() {
            return Ok(object());
        }
        Ok(Map::from_iter([("anyOf".to_owned(), Value::Array(converted))]))
    }

    /// The type and what gives it a structure.
    fn structure(&mut self, schema: &'a Map, name: &str, depth: usize) -> Result<Map> {
        let mut out = Map::new();
        out.insert("type".into(), name.into());
        if name.eq_ignore_ascii_case("object") {
            self.properties(schema, &mut out, depth)?;
        } else if name.eq_ignore_ascii_case("array") {
            let items = match schema.get("items") {
                Some(items @ Value::Object(map)) if !map.is_empty() => self.value(items, depth + 1)?,
                _ => object(),
            };
            out.insert("items".into(), Value::Object(items));
            copy(schema, &["minItems", "maxItems"], &mut out);
        }
        Ok(out)
    }

    fn properties(&mut self, schema: &'a Map, out: &mut Map, depth: usize) -> Result<()> {
        if let Some(Value::Object(properties)) = schema.get("properties")
            && !properties.is_empty()
        {
            let mut converted = Map::with_capacity(properties.len());
            for (name, property) in properties {
                converted.insert(name.clone(), Value::Object(self.value(property, depth + 1)?));
            }
            out.insert("properties".into(), Value::Object(converted));
            if let Some(Value::Array(required)) = schema.get("required") {
                out.insert("required".into(), Value::Array(required.clone()));
            }
        } else if let Some(Value::Array(required)) = schema.get("required")
            && !required.is_empty()
        {
            out.insert("required".into(), Value::Array(required.clone()));
        }
        Ok(())
    }

    fn plain(&mut self, schema: &'a Map, name: Option<&str>, depth: usize) -> Result<Map> {
        let composed = ["oneOf", "allOf"].into_iter().any(|key| schema.contains_key(key));
        let mut out = match name {
            Some(name) => self.structure(schema, name, depth)?,
            // Alternatives that Google has no word for: anything goes.
            None if composed => Map::new(),
            None => {
                let mut out = object();
                self.properties(schema, &mut out, depth)?;
                if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
                    out.insert("items".into(), Value::Object(self.value(items, depth + 1)?));
                }
                out
            }
        };
        copy(schema, KEPT, &mut out);
        if let Some(name) = name {
            self.enumeration(schema, name, &mut out);
        }
        if let Some(Value::String(format)) = schema.get("format")
            && matches!(format.as_str(), "date-time" | "enum")
        {
            out.insert("format".into(), format.as_str().into());
        }
        Ok(out)
    }

    /// Google's enums are strings, and none of them empty or null.
    fn enumeration(&self, schema: &Map, name: &str, out: &mut Map) {
        let Some(Value::Array(values)) = schema.get("enum") else { return };
        let strings = name.eq_ignore_ascii_case("string");
        let integers = name.eq_ignore_ascii_case("integer") && self.enums == IntegerEnums::AsStrings;
        if !strings && !integers {
            return;
        }
        let kept: Vec<Value> = values
            .iter()
            .filter_map(|value| match value {
                Value::String(text) => (!text.is_empty()).then(|| value.clone()),
                Value::Number(number) => Some(Value::String(number.to_string())),
                Value::Bool(flag) => Some(Value::String(flag.to_string())),
                _ => None,
            })
            .collect();
        if values.iter().any(Value::is_null) && strings {
            out.insert("nullable".into(), true.into());
        }
        if !kept.is_empty() {
            out.insert("enum".into(), Value::Array(kept));
        }
    }

    /// A schema may also be `true` or `false`.
    fn value(&mut self, value: &'a Value, depth: usize) -> Result<Map> {
        match value {
            Value::Object(schema) => self.schema(schema, depth),
            _ => Ok(object()),
        }
    }
}

fn object() -> Map {
    Map::from_iter([("type".to_owned(), "object".into())])
}

fn copy(from: &Map, keys: &[&str], to: &mut Map) {
    for key in keys {
        if let Some(value) = from.get(*key).filter(|value| !value.is_null()) {
            to.entry(*key).or_insert_with(|| value.clone());
        }
    }
}

fn finish_branch(branch: &mut Map, nullable: bool, parent: &Map) {
    if nullable {
        branch.insert("nullable".into(), true.into());
    }
    for key in ["title", "description"] {
        if let Some(value) = parent.get(key).filter(|value| !value.is_null()) {
            branch.insert(key.into(), value.clone());
        }
    }
}

/// Says in which order the model is to write properties: the schema's own (GEM-16).
pub fn order_properties(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        let names = properties.keys().cloned().map(Value::String).collect();
        properties.values_mut().for_each(order_properties);
        map.entry("propertyOrdering").or_insert(Value::Array(names));
    }
    if let Some(items) = map.get_mut("items") {
        order_properties(items);
    }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests pass `json!` values")]
mod tests {
    use serde_json::json;

    use super::*;

    fn converted(schema: Value) -> Value {
        let Value::Object(map) = schema else { panic!("not an object") };
        convert(&map, IntegerEnums::Dropped, "tools[0]").unwrap()
    }

    fn property(schema: Value) -> Value {
        converted(json!({"type": "object", "properties": {"p": schema}}))["properties"]["p"].clone()
    }

    #[test]
    fn gem_15_unknown_keywords_go_names_of_properties_stay() {
        let schema = json!({"$schema": "s", "$id": "i", "type": "object", "additionalProperties": false,
            "strict": true, "required": ["a"],
            "properties": {"a": {"type": "string", "format": "uuid", "minLength": 1, "$comment": "c"},
                "strict": {"type": "boolean"}, "additionalProperties": {"type": "string"}, "title": {"type": "string"}}});
        assert_eq!(
            converted(schema),
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "minLength": 1},
                "strict": {"type": "boolean"}, "additionalProperties": {"type": "string"}, "title": {"type": "string"}}})
        );
    }

    #[test]
    fn gem_15_null_among_the_alternatives_becomes_nullable() {
        assert_eq!(
            property(
                json!({"anyOf": [{"type": "string"}, {"type": "null"}], "description": "D", "default": null})
            ),
            json!({"anyOf": [{"type": "string", "nullable": true, "description": "D"}]})
        );
        assert_eq!(
            property(json!({"type": ["string", "null"], "description": "D"})),
            json!({"anyOf": [{"type": "string", "nullable": true, "description": "D"}]})
        );
        assert_eq!(property(json!({"type": ["string"]})), json!({"type": "string"}));
        assert_eq!(
            property(
                json!({"type": ["array", "null"], "items": {"type": ["string", "null"]}, "minItems": 1})
            ),
            json!({"anyOf": [{"type": "array", "items": {"anyOf": [{"type": "string", "nullable": true}]},
                "minItems": 1, "nullable": true}]})
        );
    }

    #[test]
    fn gem_15_definitions_are_inlined_and_recursion_ends() {
        let schema = json!({"type": "object", "$defs": {
                "N": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/N"}}}},
            "properties": {"a": {"$ref": "#/$defs/N"}, "b": {"$ref": "#/$defs/unknown"},
                "c": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]}}});
        let n =
            json!({"type": "object", "properties": {"v": {"type": "integer"}, "next": {"type": "object"}}});
        let mut nullable = n.clone();
        nullable["nullable"] = json!(true);
        assert_eq!(
            converted(schema),
            json!({"type": "object", "properties": {"a": n, "b": {"type": "object"}, "c": {"anyOf": [nullable]}}})
        );
    }

    #[test]
    fn gem_15_empty_things() {
        assert_eq!(property(json!({"type": "array"})), json!({"type": "array", "items": {"type": "object"}}));
        assert_eq!(property(json!({"type": "array", "items": {}}))["items"], json!({"type": "object"}));
        assert_eq!(
            property(json!({"type": "object", "properties": {}, "required": []})),
            json!({"type": "object"})
        );
        assert_eq!(property(json!({})), json!({"type": "object"}));
        assert_eq!(property(json!({"const": 3})), json!({"type": "object"}));
        assert_eq!(property(json!(true)), json!({"type": "object"}));
        assert_eq!(converted(json!({})), json!({"type": "object"}));
    }

    #[test]
    fn gem_15_enums_are_strings() {
        assert_eq!(
            property(json!({"type": "string", "enum": ["x", "", "y"]})),
            json!({"type": "string", "enum": ["x", "y"]})
        );
        assert_eq!(property(json!({"type": "string", "enum": [1, "a"]}))["enum"], json!(["1", "a"]));
        assert_eq!(property(json!({"type": "integer", "enum": [1, 2]})), json!({"type": "integer"}));
        let schema = json!({"type": "integer", "enum": [1, 2]});
        let modern = convert(schema.as_object().unwrap(), IntegerEnums::AsStrings, "p").unwrap();
        assert_eq!(modern, json!({"type": "integer", "enum": ["1", "2"]}));
    }

    #[test]
    fn gen_34_depth_and_size_have_caps() {
        let mut deep = json!({"type": "string"});
        for _ in 0..100 {
            deep = json!({"type": "array", "items": deep});
        }
        let error = convert(deep.as_object().unwrap(), IntegerEnums::Dropped, "tools[0]").unwrap_err();
        assert!(error.message().contains("64 levels"), "{error}");
        // Each definition holds the next one ten times.
        let mut definitions = Map::new();
        for level in 0..12 {
            let reference = json!({"$ref": format!("#/$defs/d{}", level + 1)});
            let properties: Map = (0..10).map(|n| (format!("p{n}"), reference.clone())).collect();
            definitions.insert(format!("d{level}"), json!({"type": "object", "properties": properties}));
        }
        let bomb = json!({"$ref": "#/$defs/d0", "$defs": definitions});
        let error = convert(bomb.as_object().unwrap(), IntegerEnums::Dropped, "tools[0]").unwrap_err();
        assert!(error.message().contains("20000 nodes"), "{error}");
    }

    #[test]
    fn gem_16_properties_are_ordered_as_written() {
        let mut schema = json!({"type": "object", "properties": {"z": {"type": "object", "properties": {
            "b": {"type": "string"}, "a": {"type": "string"}}}, "y": {"type": "array", "items": {"type": "object",
            "properties": {"q": {"type": "string"}}}}}});
        order_properties(&mut schema);
        assert_eq!(schema["propertyOrdering"], json!(["z", "y"]));
        assert_eq!(schema["properties"]["z"]["propertyOrdering"], json!(["b", "a"]));
        assert_eq!(schema["properties"]["y"]["items"]["propertyOrdering"], json!(["q"]));
    }
}
