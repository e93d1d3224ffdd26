//! What tells a reader, or a program, what is served.

use std::fmt::Write as _;

use axum::response::Response;
use serde_json::{Value, json};

use super::Context;
use crate::gateway::endpoint::{Access, ROUTES};
use crate::json::Map;

/// `/openapi.json`: made of the table of paths.
pub fn open_api() -> Response {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = route.path.replace("{*", "{");
        let parameters: Vec<Value> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let mut operation = json!({
            "summary": route.summary,
            "parameters": parameters,
            "responses": {
                "200": { "description": "The answer" },
                "4XX": { "description": "What is wrong with the request" },
            },
        });
        if route.access != Access::Open {
            operation["security"] = json!([{ "key": [] }]);
        }
        if route.method == http::Method::POST && !route.any_method {
            operation["requestBody"] = json!({
                "content": { "application/json": { "schema": { "type": "object" } } },
            });
        }
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        for method in route.methods() {
            entry[method.as_str().to_ascii_lowercase()] = operation.clone();
        }
    }
    super::json(&json!({
        "openapi": "3.1.0",
        "info": { "title": "ferrolite", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } } },
    }))
}

/// `/`: what is served, for a browser. No names of models: it needs no key.
pub fn docs(_context: Context<'_>) -> Response {
    let mut rows = String::new();
    for route in ROUTES {
        let key = if route.access == Access::Open { "" } else { "key" };
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td><td>{key}</td></tr>",
            if route.any_method { "any" } else { route.method.as_str() },
            route.path, route.summary
        );
    }
    let page = include_str!("docs.html").replace("{{rows}}", &rows).replace("{{version}}", env!("CARGO_PKG_VERSION"));
    super::text("text/html; charset=utf-8", page)
}
