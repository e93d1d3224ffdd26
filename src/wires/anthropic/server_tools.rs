//! Tools that the provider runs itself: what they were asked and what they found (ANT-34).

use serde_json::{Value, json};

use crate::json::{Map, str_at};

/// Calls and results of one answer, whole or as a stream tells them.
#[derive(Debug, Default)]
pub struct ServerTools {
    uses: Vec<Use>,
    search_results: Vec<Value>,
    tool_results: Vec<Value>,
}

#[derive(Debug)]
struct Use {
    id: String,
    name: String,
    input: Value,
}

/// Where a result belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Search,
    Tool,
}

pub fn is_result(kind: &str) -> bool {
    kind.ends_with("_tool_result")
}

impl ServerTools {
    pub fn begin(&mut self, id: &str, name: &str, input: Value) {
        self.uses.push(Use { id: id.to_owned(), name: name.to_owned(), input });
    }

    /// The input of a call, once it is whole.
    pub fn set_input(&mut self, id: &str, input: Value) {
        if let Some(used) = self.uses.iter_mut().find(|used| used.id == id) {
            used.input = input;
        }
    }

    pub fn add_result(&mut self, block: &Map) -> Found {
        let mut block = block.clone();
        block.retain(|_, value| !value.is_null());
        match str_at(&block, "type") {
            Some("web_search_tool_result" | "web_fetch_tool_result") => {
                self.search_results.push(Value::Object(block));
                Found::Search
            }
            _ => {
                self.tool_results.push(Value::Object(block));
                Found::Tool
            }
        }
    }

    pub fn tool_searches(&self) -> u64 {
        self.uses.iter().fold(0, |count, used| count + u64::from(used.name.starts_with("tool_search")))
    }

    pub fn has_searches(&self) -> bool {
        self.uses.iter().any(Use::is_search)
    }

    /// All fields of a whole answer.
    pub fn fields(self, container: Option<&Value>, out: &mut Map) {
        let searched = self.has_searches() || !self.search_results.is_empty();
        if searched {
            let calls: Vec<Value> = self.searches().map(|(_, call)| call).collect();
            out.insert("web_search_calls".to_owned(), calls.into());
        }
        self.put_code_results(container, out);
        if !self.search_results.is_empty() {
            out.insert("web_search_results".to_owned(), self.search_results.into());
        }
        if !self.tool_results.is_empty() {
            out.insert("tool_results".to_owned(), self.tool_results.into());
        }
    }

    /// What a stream says once more with each step: everything so far.
    pub fn search_fields(&self, with_results: bool, out: &mut Map) {
        if with_results {
            out.insert("web_search_results".to_owned(), self.search_results.clone().into());
        }
        if self.has_searches() {
            out.insert("web_search_calls".to_owned(), Value::Object(self.searches().collect()));
        }
    }

    pub fn tool_fields(&self, container: Option<&Value>, out: &mut Map) {
        out.insert("tool_results".to_owned(), self.tool_results.clone().into());
        self.put_code_results(container, out);
    }

    pub fn has_code_results(&self) -> bool {
        self.tool_results.iter().any(is_bash_result)
    }

    /// Results of code, in the shape of OpenAI's code interpreter.
    pub fn put_code_results(&self, container: Option<&Value>, out: &mut Map) {
        let kind = |result: &Value| result.get("type").and_then(Value::as_str).map(str::to_owned);
        if self.tool_results.iter().all(|result| kind(result).as_deref() == Some("tool_search_tool_result")) {
            return;
        }
        let container_id = container.and_then(|container| container.get("id")).and_then(Value::as_str);
        let results: Vec<Value> = self
            .tool_results
            .iter()
            .filter(|result| is_bash_result(result))
            .map(|result| self.code_result(result, container_id))
            .collect();
        out.insert("code_interpreter_results".to_owned(), results.into());
    }

    fn code_result(&self, result: &Value, container_id: Option<&str>) -> Value {
        let id = result.get("tool_use_id").and_then(Value::as_str).unwrap_or_default();
        let code = self.uses.iter().find(|used| used.id == id).and_then(|used| used.text("command"));
        let mut out = Map::new();
        out.insert("type".to_owned(), "code_interpreter_call".into());
        out.insert("id".to_owned(), id.into());
        out.insert("code".to_owned(), code.unwrap_or_default().into());
        if let Some(container_id) = container_id {
            out.insert("container_id".to_owned(), container_id.into());
        }
        out.insert("status".to_owned(), "completed".into());
        let printed = |key: &str| {
            result.get("content").and_then(|content| content.get(key)?.as_str()).unwrap_or_default()
        };
        let mut logs = printed("stdout").to_owned();
        if !printed("stderr").is_empty() {
            logs.push_str("STDERR: ");
            logs.push_str(printed("stderr"));
        }
        if !logs.is_empty() {
            out.insert("outputs".to_owned(), json!([{"type": "logs", "logs": logs}]));
        }
        Value::Object(out)
    }

    /// Web searches in the shape of OpenAI's, by the id of their call.
    fn searches(&self) -> impl Iterator<Item = (String, Value)> + '_ {
        self.uses.iter().filter(|used| used.is_search()).map(|used| (used.id.clone(), self.search(used)))
    }

    fn search(&self, used: &Use) -> Value {
        let query = used.text("query");
        let result = self
            .search_results
            .iter()
            .find(|result| result.get("tool_use_id").and_then(Value::as_str) == Some(&used.id))
            .and_then(|result| result.get("content"));
        let (status, sources) = match result {
            None => ("in_progress", Vec::new()),
            Some(Value::Array(found)) => {
                let urls = found.iter().filter_map(|page| page.get("url")?.as_str());
                ("completed", urls.map(|url| json!({"type": "url", "url": url})).collect())
            }
            Some(_) => ("failed", Vec::new()),
        };
        json!({
            "id": format!("ws_{}", used.id),
            "action": {
                "type": "search",
                "queries": query.iter().collect::<Vec<_>>(),
                "query": query.unwrap_or_default(),
                "sources": sources,
            },
            "status": status,
            "type": "web_search_call",
        })
    }
}

impl Use {
    fn is_search(&self) -> bool {
        self.name == "web_search"
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.input.get(key).and_then(Value::as_str)
    }
}

fn is_bash_result(result: &Value) -> bool {
    result.get("type").and_then(Value::as_str) == Some("bash_code_execution_tool_result")
}
