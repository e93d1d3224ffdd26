//! Features that need a name in the `anthropic-beta` header (ANT-28).

use std::collections::BTreeSet;

use http::HeaderValue;

pub const HEADER: &str = "anthropic-beta";

pub const ADVANCED_TOOL_USE: &str = "advanced-tool-use-2025-11-20";
pub const ADVISOR: &str = "advisor-tool-2026-03-01";
pub const CODE_EXECUTION: &str = "code-execution-2025-08-25";
pub const COMPACTION: &str = "compact-2026-01-12";
pub const CONTEXT_MANAGEMENT: &str = "context-management-2025-06-27";
pub const EFFORT: &str = "effort-2025-11-24";
pub const FAST_MODE: &str = "fast-mode-2026-02-01";
pub const FILES: &str = "files-api-2025-04-14";
pub const MCP_CLIENT: &str = "mcp-client-2025-04-04";
pub const STRUCTURED_OUTPUTS: &str = "structured-outputs-2025-11-13";
pub const WEB_FETCH: &str = "web-fetch-2025-09-10";

/// The names one request needs, each once.
#[derive(Debug, Default)]
pub struct Betas(BTreeSet<String>);

impl Betas {
    pub fn need(&mut self, name: &str) {
        if !self.0.contains(name) {
            self.0.insert(name.to_owned());
        }
    }

    /// What a hosted tool needs, by its type.
    pub fn need_for_tool(&mut self, tool_type: &str) {
        if let Some(date) = tool_type.strip_prefix("computer_")
            && let (8, Some((year, rest))) = (date.len(), date.split_at_checked(4))
            && let Some((month, day)) = rest.split_at_checked(2)
        {
            self.need(&format!("computer-use-{year}-{month}-{day}"));
        }
        let name = match tool_type {
            "code_execution_20250825" => CODE_EXECUTION,
            "tool_search_tool_regex_20251119" | "tool_search_tool_bm25_20251119" => ADVANCED_TOOL_USE,
            _ if tool_type.starts_with("advisor_") => ADVISOR,
            _ if tool_type.starts_with("memory_") => CONTEXT_MANAGEMENT,
            _ if tool_type.starts_with("web_fetch_") => WEB_FETCH,
            _ => return,
        };
        self.need(name);
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn header(&self) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        HeaderValue::try_from(self.0.iter().map(String::as_str).collect::<Vec<_>>().join(",")).ok()
    }
}
