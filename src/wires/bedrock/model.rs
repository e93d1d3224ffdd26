//! What the name of a model says: the interface, the region, the maker (BED-22).

use crate::hub::{ModelFacts, Target};

/// Which of Bedrock's interfaces a model is called through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Converse,
    /// The maker's own format.
    Invoke,
    /// OpenAI's format.
    ChatCompletions,
}

/// A model string, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// Said by a prefix.
    pub route: Option<Route>,
    /// The format of an imported model, said by a prefix: its ARN does not tell.
    pub format: Option<&'a str>,
    /// Of a region in front of the name, or of its ARN.
    pub region: Option<&'a str>,
    /// What is called: an id or an ARN.
    pub id: &'a str,
}

const REGION_GROUPS: [&str; 7] = ["global.", "us.", "eu.", "apac.", "jp.", "au.", "us-gov."];

/// Formats of imported models that are spoken through `invoke`.
const IMPORTED: [&str; 6] = ["deepseek_r1", "llama", "openai", "qwen2", "qwen3", "moonshot"];

/// Families that Converse does not serve, or not the way it should.
const INVOKED: [&str; 9] = [
    "ai21.j2",
    "amazon.titan-text",
    "cohere.command-light-text",
    "cohere.command-text",
    "meta.llama2",
    "mistral.mistral-7b",
    "mistral.mixtral-8x7b",
    "moonshotai.kimi-k2-thinking",
    "twelvelabs.",
];

impl<'a> Name<'a> {
    pub fn parse(model: &'a str) -> Self {
        let mut name = Self { route: None, format: None, region: None, id: model };
        for (prefix, route) in [
            ("converse/", Route::Converse),
            ("invoke/", Route::Invoke),
            ("chat_completions/", Route::ChatCompletions),
        ] {
            if let Some(rest) = name.id.strip_prefix(prefix) {
                name.route = Some(route);
                name.id = rest;
                break;
            }
        }
        if let Some((format, rest)) = name.id.split_once('/')
            && rest.starts_with("arn:")
        {
            if IMPORTED.contains(&format) {
                name.route.get_or_insert(Route::Invoke);
                name.format = Some(format);
                name.id = rest;
            } else if format == "nova" {
                name.format = Some(format);
                name.id = rest;
            }
        }
        if let Some((region, rest)) = name.id.split_once('/')
            && !rest.is_empty()
            && is_region(region)
        {
            name.region = Some(region);
            name.id = rest;
        }
        if name.id.starts_with("arn:") {
            name.region = name.id.split(':').nth(3).filter(|region| !region.is_empty());
        }
        name
    }

    /// The id as its maker writes it: without ARN, region group and throughput. `anthropic.claude-…`
    pub fn bare(&self) -> &'a str {
        let id = if self.id.starts_with("arn:") {
            self.id.split_once('/').map_or("", |(_, id)| id)
        } else {
            self.id.rsplit('/').next().unwrap_or(self.id)
        };
        without_throughput(without_group(id))
    }

    /// The names it may be listed under, the most exact first.
    pub fn listed(&self, provider: &str) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(region) = self.region {
            names.push(format!("{provider}/{region}/{}", self.id));
        }
        let id = if self.id.starts_with("arn:") {
            self.id.split_once('/').map_or("", |(_, id)| id)
        } else {
            self.id
        };
        let whole = without_throughput(id);
        names.extend([format!("{provider}/{whole}"), whole.to_owned(), self.bare().to_owned()]);
        names
    }

    /// Whose model it is, where that can be told.
    pub fn family(&self) -> Family {
        if let Some(format) = self.format {
            return Family::of_format(format);
        }
        Family::of_id(self.bare())
    }
}

impl Route {
    /// For a name that does not say: Converse, unless the model is served otherwise.
    pub fn of(name: Name<'_>, facts: &ModelFacts) -> Self {
        if facts.can("bedrock_runtime_chat_completions_response_format") {
            return Self::ChatCompletions;
        }
        let bare = name.bare();
        if INVOKED.iter().any(|family| bare.starts_with(family)) { Self::Invoke } else { Self::Converse }
    }
}

/// A maker's models share ways that others do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Ai21,
    Anthropic,
    Cohere,
    Deepseek,
    Meta,
    Mistral,
    Moonshot,
    Nova,
    Nova2,
    Openai,
    Qwen,
    Titan,
    Other,
}

impl Family {
    /// The family of a target's model.
    pub fn of(model: &str) -> Self {
        Name::parse(model).family()
    }

    fn of_format(format: &str) -> Self {
        match format {
            "deepseek_r1" => Self::Deepseek,
            "llama" => Self::Meta,
            "moonshot" => Self::Moonshot,
            "nova" => Self::Nova,
            "openai" => Self::Openai,
            "qwen2" | "qwen3" => Self::Qwen,
            _ => Self::Other,
        }
    }

    fn of_id(id: &str) -> Self {
        match id.split('.').next().unwrap_or_default() {
            "ai21" => Self::Ai21,
            "amazon" if id.starts_with("amazon.nova-2") => Self::Nova2,
            "amazon" if id.starts_with("amazon.nova") => Self::Nova,
            "amazon" => Self::Titan,
            "anthropic" => Self::Anthropic,
            "cohere" => Self::Cohere,
            "deepseek" => Self::Deepseek,
            "meta" => Self::Meta,
            "mistral" => Self::Mistral,
            "moonshot" | "moonshotai" => Self::Moonshot,
            "openai" => Self::Openai,
            "qwen" => Self::Qwen,
            _ if id.starts_with("claude-") => Self::Anthropic,
            _ => Self::Other,
        }
    }
}

/// Which of OpenAI's parameters Converse takes for a model. What is not known of a deployment is left to the provider.
pub fn supports(parameter: &str, target: &Target) -> bool {
    let facts = &target.facts;
    let known = facts.key.is_some();
    let name = Name::parse(&target.model);
    let family = name.family();
    // It thinks, and cannot be told how much (BED-15).
    let reasons =
        !name.bare().starts_with("deepseek.r1") && (facts.can("reasoning") || !known && may_reason(family));
    match parameter {
        "max_completion_tokens"
        | "max_tokens"
        | "parallel_tool_calls"
        | "response_format"
        | "service_tier"
        | "stop"
        | "stream"
        | "stream_options"
        | "user"
        | "cache_control" => true,
        "temperature" | "top_p" => family != Family::Openai || !facts.lacks("sampling_params"),
        "tools" => {
            !known || facts.can("function_calling") || matches!(family, Family::Anthropic | Family::Mistral)
        }
        "tool_choice" => !known || facts.can("tool_choice"),
        "reasoning_effort" => reasons,
        "thinking" => {
            let own = matches!(family, Family::Nova | Family::Nova2 | Family::Openai | Family::Deepseek);
            reasons && !own
        }
        "context_management" => family == Family::Anthropic,
        "web_search_options" => matches!(family, Family::Nova | Family::Nova2),
        _ => false,
    }
}

fn may_reason(family: Family) -> bool {
    !matches!(
        family,
        Family::Nova | Family::Meta | Family::Mistral | Family::Cohere | Family::Ai21 | Family::Titan
    )
}

fn without_group(id: &str) -> &str {
    REGION_GROUPS.iter().find_map(|group| id.strip_prefix(group)).unwrap_or(id)
}

/// `…-v1:0:51k` is `…-v1:0` with a throughput of its own.
fn without_throughput(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((id, size)) if size.ends_with('k') && id.contains(':') => id,
        _ => id,
    }
}

/// `us-east-1`, `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    parts.len() >= 3
        && (2..=3).contains(&first.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && last.bytes().all(|byte| byte.is_ascii_digit())
        && parts.iter().all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let name = Name::parse("invoke/us-west-2/anthropic.claude-3-haiku-20240307-v1:0");
        assert_eq!(name.route, Some(Route::Invoke));
        assert_eq!(name.region, Some("us-west-2"));
        assert_eq!(name.bare(), "anthropic.claude-3-haiku-20240307-v1:0");
        let name = Name::parse("qwen3/arn:aws:bedrock:us-east-1:1:imported-model/x");
        assert_eq!((name.route, name.family()), (Some(Route::Invoke), Family::Qwen));
        let name = Name::parse("arn:aws:bedrock:us-east-1:1:inference-profile/eu.amazon.nova-2-lite-v1:0");
        assert_eq!((name.region, name.family()), (Some("us-east-1"), Family::Nova2));
        assert_eq!(
            Name::parse("us-east-1/1-month-commitment/cohere.command-text-v14").bare(),
            "cohere.command-text-v14"
        );
        assert_eq!(Name::parse("").bare(), "");
        assert_eq!(Name::parse("arn:").bare(), "");
    }

    #[test]
    fn families_by_name() {
        for (model, family) in [
            ("us.anthropic.claude-opus-5", Family::Anthropic),
            ("claude-sonnet-4-5-20250929-v1:0", Family::Anthropic),
            ("amazon.nova-pro-v1:0", Family::Nova),
            ("amazon.titan-text-lite-v1", Family::Titan),
            ("zz.custom", Family::Other),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }
}
