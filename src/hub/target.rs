//! Where a call goes, as plain facts. Resolved once per attempt; nobody re-parses the model string.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Accent, CallAccent, CallType, PromptTemplate};
use crate::json::Map;
use crate::wires::WireId;

/// The resolved target of one attempt.
#[derive(Debug, Clone)]
pub struct Target {
    /// The provider's name, for errors and logs; never something to branch on.
    pub provider: Arc<str>,
    /// How error messages name the provider, for example `OpenAIException`.
    pub error_prefix: Arc<str>,
    pub wire: WireId,
    pub call_type: CallType,
    /// The model's name as the provider knows it.
    pub model: String,
    /// The base address without a trailing slash.
    pub base: String,
    /// The path after the base, when it is not the wire's own.
    pub path: Option<Arc<str>>,
    /// The same for streams, when they have another one.
    pub stream_path: Option<Arc<str>>,
    /// What the row's variables stand for in this call: a project, a tenant. No secrets.
    pub vars: BTreeMap<String, String>,
    pub facts: Arc<ModelFacts>,
    /// How its chat differs from the wire's own way.
    pub accent: Arc<Accent>,
    /// The same for a call of another type.
    pub call_accent: Arc<CallAccent>,
    pub options: Options,
}

impl Target {
    /// The path of one request, when it is not the wire's own.
    pub fn path(&self, stream: bool) -> Option<&str> {
        self.stream_path.as_deref().filter(|_| stream).or(self.path.as_deref())
    }

    /// The name of the model that answers, which tells its family.
    pub fn known_as(&self) -> &str {
        self.facts.base_model.as_deref().unwrap_or(&self.model)
    }

    /// The address of a call: the base and the path, the wire's own unless the row has another. Some callers give
    /// the whole address as the base.
    pub fn url(&self, path: &str) -> String {
        let path = self.path.as_deref().unwrap_or(path);
        if self.base.ends_with(path) { self.base.clone() } else { format!("{}{path}", self.base) }
    }
}

/// What is known of a model. Absent facts are unknown, not false.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelFacts {
    /// The name under which the model is listed; `None` for an unlisted one.
    pub key: Option<String>,
    /// The model itself, where the target's name is a deployment's and does not say it.
    pub base_model: Option<String>,
    pub max_input_tokens: Option<u64>,
    pub max_output_tokens: Option<u64>,
    pub mode: Option<String>,
    /// What the model is said to do, for example `vision` or `reasoning`.
    pub abilities: Vec<String>,
    /// What the model is said not to do.
    pub lacks: Vec<String>,
    /// The only regions that serve the model, where there are few.
    pub regions: Vec<String>,
    /// Effort levels of a reasoning model, where they are listed.
    pub efforts: Vec<String>,
    pub default_effort: Option<String>,
    /// Rare facts under their own names.
    pub extra: Map,
}

impl ModelFacts {
    pub fn can(&self, ability: &str) -> bool {
        self.abilities.iter().any(|known| known == ability)
    }

    /// True when the model is said not to have the ability (an unknown ability is not lacking).
    pub fn lacks(&self, ability: &str) -> bool {
        self.lacks.iter().any(|known| known == ability)
    }
}

/// The caller's switches that translation needs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Remove parameters the target does not take, instead of an error (GEN-01).
    pub drop_params: bool,
    /// Repair conversations the target would refuse (GEN-14).
    pub modify_params: bool,
    pub thinking_budgets: ThinkingBudgets,
    /// How a conversation becomes a prompt, in place of the model's own way.
    pub prompt_template: Option<Arc<PromptTemplate>>,
}

/// Token budgets that stand for effort levels where a provider takes budgets (ANT-14, GEM-17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinkingBudgets {
    /// `None`: the wire's own default.
    pub minimal: Option<u64>,
    pub low: u64,
    pub medium: u64,
    pub high: u64,
    pub xhigh: u64,
    pub max: u64,
}

impl Default for ThinkingBudgets {
    fn default() -> Self {
        Self { minimal: None, low: 1024, medium: 2048, high: 4096, xhigh: 8192, max: 16384 }
    }
}

impl ThinkingBudgets {
    /// The level that a budget of the caller's stands for (AMI-07).
    pub fn level_of(&self, budget: u64) -> &'static str {
        match budget {
            _ if budget >= self.high => "high",
            _ if budget >= self.medium => "medium",
            _ if budget >= self.low => "low",
            _ => "minimal",
        }
    }
}
