//! A JSON schema → an example value that fits it: for the arguments of tool calls and for structured answers.
//! Understands what schemas in requests are made of, not every keyword of the standard (no `pattern`, no `not`).

use serde_json::{Map, Number, Value, json};

/// Below this depth only required properties are filled in, which ends most recursive schemas.
const OPTIONAL_DEPTH: usize = 4;
/// Below this depth everything is null.
const MAX_DEPTH: usize = 16;
/// Values made for one schema; references that multiply end here.
const MAX_VALUES: usize = 2_000;
/// The longest string and list made to fill a `minLength` or `minItems`.
const MAX_LENGTH: usize = 1_000;
const MAX_ITEMS: usize = 16;

/// A value that fits `schema`. The same schema always gives the same value.
pub(super) fn example(schema: &Value) -> Value {
    Maker { root: schema, left: MAX_VALUES }.value(schema, "", 0)
}

struct Maker<'a> {
    /// Where `$ref` points into.
    root: &'a Value,
    left: usize,
}

impl<'a> Maker<'a> {
    fn value(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        self.left = self.left.saturating_sub(1);
        if depth > MAX_DEPTH || self.left == 0 {
            return Value::Null;
        }
        if let Some(fixed) = fixed(schema) {
            return fixed.clone();
        }
        if let Some(target) = schema["$ref"].as_str() {
            let found = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return found.map_or(Value::Null, |found| self.value(found, name, depth + 1));
        }
        if let Some(option) = ["anyOf", "oneOf", "any_of"].iter().find_map(|key| first_real(&schema[key])) {
            return self.value(option, name, depth + 1);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.merged(schema, parts, name, depth);
        }
        match kind(schema).as_str() {
            "object" => Value::Object(self.object(schema, depth)),
            "array" => self.array(schema, name, depth),
            "string" => Value::String(string(schema, name)),
            "integer" => number(schema, 1),
            "number" => number(schema, 1.5),
            "boolean" => Value::Bool(true),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Map<String, Value> {
        let required = schema["required"].as_array();
        let mut object = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if self.left == 0 {
                break;
            }
            let wanted = required.is_some_and(|names| names.iter().any(|required| required == name));
            if wanted || depth < OPTIONAL_DEPTH {
                object.insert(name.clone(), self.value(property, name, depth + 1));
            }
        }
        object
    }

    fn array(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        if let Some(prefix) = schema["prefixItems"].as_array() {
            return prefix.iter().map(|item| self.value(item, name, depth + 1)).collect();
        }
        let least = ["minItems", "min_items"].iter().find_map(|key| whole(&schema[key])).unwrap_or(1);
        if schema["items"].is_null() || depth >= MAX_DEPTH - 2 {
            return json!([]);
        }
        (0..least.clamp(1, MAX_ITEMS)).map(|_| self.value(&schema["items"], name, depth + 1)).collect()
    }

    /// The properties of all parts and of the schema itself; a single part that is no object is taken as it is.
    fn merged(&mut self, schema: &'a Value, parts: &'a [Value], name: &str, depth: usize) -> Value {
        let mut merged = self.object(schema, depth);
        for part in parts {
            match self.value(part, name, depth + 1) {
                Value::Object(object) => merged.extend(object),
                other if parts.len() == 1 => return other,
                _ => {}
            }
        }
        Value::Object(merged)
    }
}

/// A value the schema states itself.
fn fixed(schema: &Value) -> Option<&Value> {
    let first = |key: &str| schema[key].as_array().and_then(|values| values.first());
    schema.get("const").or_else(|| first("enum")).or_else(|| first("examples"))
}

/// The first alternative that is more than "or null".
fn first_real(alternatives: &Value) -> Option<&Value> {
    let alternatives = alternatives.as_array()?;
    alternatives.iter().find(|option| option["type"] != "null").or(alternatives.first())
}

/// The type in lower case, as Gemini also writes it in upper case; where it is missing, what the keywords say.
fn kind(schema: &Value) -> String {
    let named = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        other => other.as_str(),
    };
    match named {
        Some(name) => name.to_ascii_lowercase(),
        None if schema["properties"].is_object() => "object".to_owned(),
        None if schema["items"].is_object() => "array".to_owned(),
        None => "string".to_owned(),
    }
}

fn string(schema: &Value, name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let mut text = match schema["format"].as_str().unwrap_or_default() {
        "date" => "2025-01-31",
        "time" => "12:00:00",
        "date-time" => "2025-01-31T12:00:00Z",
        "email" => "user@example.com",
        "uri" | "url" => "https://example.com/",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        _ if ["city", "location"].iter().any(|place| name.contains(place)) => "Oslo",
        _ => "example",
    }
    .to_owned();
    let length = |keys: [&str; 2]| keys.iter().find_map(|key| whole(&schema[key]));
    if let Some(least) = length(["minLength", "min_length"]) {
        let missing = least.min(MAX_LENGTH).saturating_sub(text.len());
        text.push_str(&"x".repeat(missing));
    }
    if let Some(most) = length(["maxLength", "max_length"]) {
        text.truncate(most);
    }
    text
}

/// `usual`, moved into the bounds of the schema.
fn number(schema: &Value, usual: impl Into<Value>) -> Value {
    let usual = usual.into();
    let whole = usual.is_u64();
    let mut number = usual.as_f64().unwrap_or(1.0);
    let step = if whole { 1.0 } else { 0.5 };
    let bound = |key: &str| schema[key].as_f64();
    let least = bound("minimum").or(bound("exclusiveMinimum").map(|least| least + step));
    let most = bound("maximum").or(bound("exclusiveMaximum").map(|most| most - step));
    if least.is_some_and(|least| number < least) {
        number = least.unwrap_or(number);
    }
    if most.is_some_and(|most| number > most) {
        number = most.unwrap_or(number);
    }
    let exact = if whole { format!("{:.0}", number.ceil()).parse::<Number>().ok() } else { None };
    exact.or_else(|| Number::from_f64(number)).map_or(usual, Value::Number)
}

fn whole(value: &Value) -> Option<usize> {
    // Gemini writes 64-bit numbers as strings.
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_nested_objects_enums_and_places() {
        let schema = json!({"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "days": {"type": "integer", "minimum": 3},
            "who": {"type": "array", "minItems": 2, "items": {"type": "object", "properties": {"age": {"type": ["null", "number"]}}}},
            "when": {"anyOf": [{"type": "null"}, {"type": "string", "format": "date"}]},
        }});
        assert_eq!(
            example(&schema),
            json!({"city": "Oslo", "unit": "celsius", "days": 3, "who": [{"age": 1.5}, {"age": 1.5}], "when": "2025-01-31"})
        );
    }

    #[test]
    fn follows_references_and_upper_case_types() {
        let schema = json!({"$defs": {"node": {"type": "OBJECT", "properties": {"value": {"type": "INTEGER"}}}},
            "type": "object", "properties": {"root": {"$ref": "#/$defs/node"}}});
        assert_eq!(example(&schema), json!({"root": {"value": 1}}));
    }

    #[test]
    fn recursion_ends() {
        let mut properties = Map::new();
        for index in 0..20 {
            properties.insert(format!("p{index}"), json!({"$ref": "#"}));
        }
        let names: Vec<&String> = properties.keys().collect();
        let schema = json!({"type": "object", "required": names, "properties": properties});
        assert!(example(&schema).to_string().len() < 50_000);
        assert_eq!(example(&json!({"$ref": "#"})), Value::Null);
    }

    #[test]
    fn no_schema_is_an_empty_answer() {
        assert_eq!(example(&json!({"type": "object"})), json!({}));
        assert_eq!(example(&json!({"type": "object", "properties": {}})), json!({}));
    }
}
