//! Tools as a model reads them: OpenAI shows functions in a form like TypeScript's.

use std::fmt::Write as _;

use serde_json::Value;

/// The text that tools become.
pub fn render(tools: &[Value]) -> String {
    let mut out = "namespace functions {\n\n".to_owned();
    for tool in tools {
        let function = tool.get("function").unwrap_or(tool);
        let Some(name) = function.get("name").and_then(Value::as_str) else { continue };
        if let Some(description) = text(function, "description") {
            _ = writeln!(out, "// {description}");
        }
        let parameters = function.get("parameters").or_else(|| function.get("input_schema"));
        match parameters.filter(|schema| properties(schema).next().is_some()) {
            Some(schema) => {
                _ = writeln!(out, "type {name} = (_: {{");
                object(schema, 0, &mut out);
                out.push_str("\n}) => any;\n\n");
            }
            None => _ = writeln!(out, "type {name} = () => any;\n"),
        }
    }
    out.push_str("} // namespace functions");
    out
}

/// Deeper than this a schema is cut off.
const DEPTH: usize = 64;

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn object(schema: &Value, indent: usize, out: &mut String) {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    let space = " ".repeat(indent);
    for (at, (name, property)) in properties(schema).enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if let Some(description) = text(property, "description") {
            _ = writeln!(out, "{space}// {description}");
        }
        let mark = if is_required(name) { "" } else { "?" };
        _ = write!(out, "{space}{name}{mark}: ");
        kind(property, indent, out);
        out.push(',');
    }
}

fn kind(schema: &Value, indent: usize, out: &mut String) {
    let choices = schema.get("enum").and_then(Value::as_array);
    match schema.get("type").and_then(Value::as_str) {
        Some("string" | "number" | "integer") if choices.is_some() => {
            for (at, choice) in choices.into_iter().flatten().enumerate() {
                let choice = choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
                out.push_str(if at == 0 { "" } else { " | " });
                _ = write!(out, "\"{choice}\"");
            }
        }
        Some("number" | "integer") => out.push_str("number"),
        Some(plain @ ("string" | "boolean" | "null")) => out.push_str(plain),
        Some("array") => {
            match schema.get("items") {
                Some(items) if indent < DEPTH => kind(items, indent, out),
                _ => out.push_str("any"),
            }
            out.push_str("[]");
        }
        Some("object") if indent < DEPTH => {
            out.push_str("{\n");
            object(schema, indent + 2, out);
            out.push_str("\n}");
        }
        _ => out.push_str("any"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_reads_like_typescript() {
        let tools = json!([
            {"type": "function", "function": {"name": "find", "description": "Finds it", "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "the city"},
                    "unit": {"type": "string", "enum": ["c", "f"]},
                    "sizes": {"type": "array", "items": {"type": "integer"}},
                    "place": {"type": "object", "properties": {
                        "deep": {"type": "object", "properties": {"x": {"type": "number", "description": "far"}}},
                    }, "required": ["deep"]},
                    "level": {"type": "integer", "enum": [1, 2]},
                    "any": {"anyOf": [{"type": "string"}]},
                    "list": {"type": "array"},
                },
                "required": ["city"],
            }}},
            {"name": "plain", "input_schema": {}},
            {"type": "web_search"},
        ]);
        let expected = "namespace functions {\n\n// Finds it\ntype find = (_: {\n// the city\ncity: string,\n\
            unit?: \"c\" | \"f\",\nsizes?: number[],\nplace?: {\n  deep: {\n    // far\n    x?: number,\n},\n},\n\
            level?: \"1\" | \"2\",\nany?: any,\nlist?: any[],\n}) => any;\n\ntype plain = () => any;\n\n\
            } // namespace functions";
        assert_eq!(render(tools.as_array().unwrap()), expected);
    }

    #[test]
    fn a_schema_without_end_is_cut_off() {
        let mut schema = json!({"type": "string"});
        for _ in 0..100 {
            schema = json!({"type": "array", "items": {"type": "object", "properties": {"a": schema}}});
        }
        let tools = json!([{"name": "deep", "parameters": {"properties": {"a": schema}}}]);
        assert!(render(tools.as_array().unwrap()).len() < 100_000);
    }
}
