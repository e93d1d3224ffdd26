//! From the name of a Bedrock model to its wire, its path, its region and what is known of it (BED-22).

use super::{ModelName, Provider};
use crate::hub::CallType;
use crate::wires::WireId;
use crate::wires::bedrock::model::{Family, Name, Route};
use crate::{address, models};

/// `deployment` is called in place of the model, which then says only what it can do.
pub(super) fn read(
    model: &str,
    deployment: Option<&str>,
    call_type: CallType,
    wire: WireId,
    row: &Provider,
) -> ModelName {
    let name = Name::parse(model);
    let owners: Vec<&str> = row.aliases.iter().map(String::as_str).chain([row.name.as_str()]).collect();
    let facts = models::facts_of(&owners, &name.listed(&row.name));
    let called = deployment.map_or(name, Name::parse);
    let path = format!("/model/{}", address::segment(called.id));
    let region = called.region.or(name.region).map(str::to_owned);
    if call_type != CallType::Chat {
        // A ranking names its model in the body; what else there is goes through `invoke`.
        let path = (wire == WireId::BedrockInvoke).then(|| format!("{path}/invoke"));
        let shown = if path.is_some() { model } else { called.id };
        return ModelName {
            shown: shown.to_owned(),
            wire,
            path,
            base_suffix: "",
            region,
            facts,
            accent: None,
            door: None,
        };
    }
    let route = name.route.unwrap_or_else(|| Route::of(name, &facts));
    let (wire, path, base_suffix) = match route {
        Route::Converse => (wire, Some(path), ""),
        Route::Invoke => (WireId::BedrockInvoke, Some(path), ""),
        Route::ChatCompletions => (WireId::Openai, None, "/openai/v1"),
    };
    let shown = match route {
        // Their own name is in the body.
        Route::ChatCompletions => called.id,
        Route::Converse | Route::Invoke => model.strip_prefix("converse/").unwrap_or(model),
    };
    ModelName { shown: shown.to_owned(), wire, path, base_suffix, region, facts, accent: None, door: None }
}

/// Claude's own format goes through `invoke`, unless another way is named.
pub(super) fn native_name(model: &str, call_type: CallType) -> Option<String> {
    let name = Name::parse(model);
    let is_claude = call_type == CallType::Messages && name.family() == Family::Anthropic;
    match name.route {
        _ if !is_claude => None,
        None => Some(format!("invoke/{model}")),
        Some(Route::Invoke) => Some(model.to_owned()),
        Some(Route::Converse | Route::ChatCompletions) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Environment;
    use crate::hub::{CallType, Options};
    use crate::providers::{Route, Wanted, resolve};
    use crate::wires::WireId;

    struct Empty;
    impl Environment for Empty {
        fn get(&self, _name: &str) -> Option<String> {
            None
        }
    }

    fn route(model: &str, model_id: Option<&str>) -> Route {
        let wanted =
            Wanted { model: model.into(), model_id: model_id.map(str::to_owned), ..Wanted::default() };
        resolve(wanted, CallType::Chat, Options::default(), &Empty).unwrap()
    }

    #[test]
    fn bed_22_where_a_name_leads() {
        let arn = "arn:aws:bedrock:us-west-1:123456789012:application-inference-profile/abc";
        for (model, path, region, shown) in [
            (
                "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0",
                "us-west-2",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ),
            (
                "bedrock/converse/eu-west-1/anthropic.claude-3-haiku-20240307-v1:0",
                "/model/anthropic.claude-3-haiku-20240307-v1%3A0",
                "eu-west-1",
                "eu-west-1/anthropic.claude-3-haiku-20240307-v1:0",
            ),
            (
                &format!("bedrock/converse/{arn}"),
                "/model/arn%3Aaws%3Abedrock%3Aus-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc",
                "us-west-1",
                arn,
            ),
        ] {
            let route = route(model, None);
            assert_eq!(route.target.path.as_deref(), Some(path), "{model}");
            assert_eq!(
                route.target.base,
                format!("https://bedrock-runtime.{region}.amazonaws.com"),
                "{model}"
            );
            assert_eq!(route.signing.unwrap().region, region, "{model}");
            assert_eq!(route.target.model, shown, "{model}");
            assert_eq!(route.target.wire, WireId::BedrockConverse, "{model}");
        }
        let called = route("bedrock/anthropic.claude-opus-4-20250514-v1:0", Some(arn));
        assert!(called.target.path.unwrap().contains("abc"));
        assert_eq!(called.signing.unwrap().region, "us-west-1");
        assert!(called.target.facts.can("vision"), "the model says what it can do");
    }

    #[test]
    fn bed_22_facts_are_found_without_region_route_and_suffix() {
        for model in [
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0:51k",
            "converse/us-east-1/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "arn:aws:bedrock:us-west-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "invoke/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ] {
            let target = route(&format!("bedrock/{model}"), None).target;
            assert!(target.facts.can("native_structured_output"), "{model}");
        }
    }

    #[test]
    fn claude_is_asked_for_messages_in_its_own_format() {
        let haiku = "anthropic.claude-3-haiku-20240307-v1:0";
        for (model, name) in [
            (haiku, Some("invoke/anthropic.claude-3-haiku-20240307-v1:0")),
            (&format!("eu-west-1/{haiku}"), Some("invoke/eu-west-1/anthropic.claude-3-haiku-20240307-v1:0")),
            (&format!("invoke/{haiku}"), Some("invoke/anthropic.claude-3-haiku-20240307-v1:0")),
            (&format!("converse/{haiku}"), None),
            ("us.amazon.nova-lite-v1:0", None),
            ("invoke/us.amazon.nova-lite-v1:0", None),
            ("arn:aws:bedrock:us-west-2:1:application-inference-profile/abc", None),
        ] {
            assert_eq!(super::native_name(model, CallType::Messages).as_deref(), name, "{model}");
            assert_eq!(super::native_name(model, CallType::GenerateContent), None);
        }
    }

    #[test]
    fn which_interface_serves_a_model() {
        for (model, wire) in [
            ("anthropic.claude-99-v1:0", WireId::BedrockConverse),
            ("us.meta.llama3-3-70b-instruct-v1:0", WireId::BedrockConverse),
            ("invoke/anthropic.claude-3-haiku-20240307-v1:0", WireId::BedrockInvoke),
            ("amazon.titan-text-express-v1", WireId::BedrockInvoke),
            ("eu-west-3/mistral.mistral-7b-instruct-v0:2", WireId::BedrockInvoke),
            ("deepseek_r1/arn:aws:bedrock:us-east-1:1:imported-model/x", WireId::BedrockInvoke),
            ("nova/arn:aws:bedrock:us-east-1:1:custom-model-deployment/x", WireId::BedrockConverse),
            ("chat_completions/openai.gpt-oss-20b-1:0", WireId::Openai),
            ("us.openai.gpt-5.6-sol", WireId::Openai),
        ] {
            assert_eq!(route(&format!("bedrock/{model}"), None).target.wire, wire, "{model}");
        }
        assert_eq!(
            route("bedrock/us.openai.gpt-5.6-sol", None).target.base,
            "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1"
        );
        assert_eq!(route("us.amazon.nova-lite-v1:0", None).target.provider.as_ref(), "bedrock");
    }
}
