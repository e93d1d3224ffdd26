//! Azure OpenAI: deployments with names of their own, and interfaces that are dated.

use std::sync::Arc;

use crate::address;
use crate::auth::Scheme;
use crate::hub::{Accent, CallType, ModelName, SchemaRule, ToolChoiceRule};
use crate::models;
use crate::providers::Route;
use crate::wires::WireId;

/// The name of the version's parameter in an address.
pub const VERSION: &str = "api-version";
/// The first versions that have a choice of tools, its word `required` again, and schemas of answers (AZ-04, AZ-05).
const TOOL_CHOICE: (u16, u8) = (2023, 12);
const REQUIRED: (u16, u8) = (2024, 6);
const SCHEMAS: (u16, u8) = (2024, 8);
/// The first version with Responses.
const RESPONSES: (u16, u8) = (2025, 3);
const SYSTEM: &str = "system_messages";
/// Prefixes that say of which series a deployment is, and the model whose rules it has then.
const SERIES: [(&str, &str); 2] = [("o_series/", "o3"), ("gpt5_series/", "gpt-5")];

/// A deployment is addressed by its name; which model it runs is told by `base_model`, its series or its name.
pub fn adapt(route: &mut Route, base_model: Option<&str>) {
    if let Some(name) = speech(route) {
        route.target.model = name;
        route.target.wire = WireId::AzureSpeech;
        route.auth = Scheme::OcpApim;
        route.query.clear();
        return;
    }
    name_model(route, base_model);
    let call_type = route.target.call_type;
    if call_type.in_rows() == CallType::Responses || route.target.wire == WireId::Responses {
        place_responses(route);
        return;
    }
    if call_type.resource().is_some() {
        place_account(route);
        return;
    }
    place(route);
    let model = route.target.known_as();
    let (is_o_series, is_gpt_3) =
        (is_o_series(model), ["gpt-3.5", "gpt-35"].iter().any(|part| model.contains(part)));
    let version = route.query.iter().find(|(name, _)| name == VERSION).map(|(_, value)| value.as_str());
    let month = version.and_then(month).filter(|month| *month < SCHEMAS);
    if !is_o_series && !is_gpt_3 && month.is_none() {
        return; // the row says it all
    }
    let accent = Arc::make_mut(&mut route.target.accent);
    if is_o_series {
        accent.model = ModelName::Prefixed;
        accent.streams_name_model = false;
    }
    if is_gpt_3 {
        emulate_schemas(accent);
    }
    if let Some(month) = month {
        restrict(accent, month);
    }
}

/// The name of a model of the speech service, which is no deployment.
fn speech(route: &Route) -> Option<String> {
    matches!(route.target.call_type, CallType::Speech | CallType::Transcription)
        .then(|| route.target.model.strip_prefix("speech/").map(str::to_owned))
        .flatten()
}

/// Finds out which model a deployment runs, and what is known of it (AZ-02, AZ-03).
fn name_model(route: &mut Route, base_model: Option<&str>) {
    let target = &mut route.target;
    let series = SERIES.iter().find_map(|(prefix, model)| {
        let name = target.model.strip_prefix(prefix)?.to_owned();
        Some((name, *model))
    });
    let mut model = base_model.map(|said| said.strip_prefix("azure/").unwrap_or(said).to_owned());
    if let Some((name, of_series)) = series {
        target.model = name;
        model.get_or_insert_with(|| of_series.to_owned());
    } else if model.is_none() && target.facts.key.is_none() {
        model = listed_part(&target.model);
    }
    if let Some(model) = &model {
        target.facts = models::facts(&target.provider, model);
        if target.facts.key.is_none() {
            target.facts = models::facts("openai", model);
        }
    }
    let name = model.as_ref().unwrap_or(&target.model);
    let is_o_series = is_o_series(name);
    if model.is_none() && !is_o_series {
        return;
    }
    // Its maker's entry is the one that says so (OAI-07).
    let takes_system = models::facts("openai", name).can(SYSTEM);
    let facts = Arc::make_mut(&mut target.facts);
    facts.base_model = model;
    if is_o_series {
        // Tools are a matter of the version here, and the table leaves some of them out.
        let abilities = ["reasoning", "function_calling", "parallel_function_calling", "response_schema"];
        for ability in abilities.into_iter().chain(takes_system.then_some(SYSTEM)) {
            if !facts.can(ability) {
                facts.abilities.push(ability.to_owned());
            }
        }
    }
}

/// The name of a model that reasons within a deployment's: `my-o3-mini-eu` is an o3-mini. The longest one that is
/// listed, or the rest of the name.
fn listed_part(deployment: &str) -> Option<String> {
    let starts = deployment.char_indices().filter(|(at, _)| {
        let before = deployment[..*at].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric())
    });
    let rest = starts.map(|(at, _)| &deployment[at..]).find(|rest| is_o_series(rest) || is_gpt_5(rest))?;
    let mut name = rest;
    loop {
        if models::is_listed(&format!("azure/{name}")) {
            return Some(name.to_owned());
        }
        match name.rfind(['-', '_']) {
            Some(end) => name = &name[..end],
            None => return Some(rest.to_owned()),
        }
    }
}

fn is_o_series(model: &str) -> bool {
    let digits = model.strip_prefix('o').unwrap_or_default();
    let rest = digits.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.len() < digits.len() && (rest.is_empty() || rest.starts_with(['-', '_']))
}

fn is_gpt_5(model: &str) -> bool {
    model.strip_prefix("gpt-").is_some_and(|rest| rest.starts_with(['5', '6', '7', '8', '9']))
}

/// What an account keeps lies beside the deployments, or in the interface without dates.
fn place_account(route: &mut Route) {
    if is_undated(route) {
        return;
    }
    let base = &mut route.target.base;
    if let Some(at) = base.find("/openai/deployments") {
        base.truncate(at);
    }
    if !base.ends_with("/openai") {
        base.push_str("/openai");
    }
}

/// The path to the deployment, or to the interface without dates (AZ-01). An address that has one keeps it.
fn place(route: &mut Route) {
    if is_undated(route) {
        return;
    }
    let base = &mut route.target.base;
    if base.contains("/openai/deployments/") {
        return;
    }
    let folder = if base.ends_with("/openai") { "/deployments/" } else { "/openai/deployments/" };
    base.push_str(folder);
    base.push_str(&address::segment(&route.target.model));
}

/// Whether the version or the address is that of the interface without dates; if so, the route leads there.
fn is_undated(route: &mut Route) -> bool {
    let undated = |(name, value): &(String, String)| {
        name == VERSION && matches!(value.as_str(), "v1" | "latest" | "preview")
    };
    take_query(route);
    let base = &mut route.target.base;
    if let Some(root) = base.strip_suffix("/chat/completions") {
        *base = root.to_owned();
    }
    let is_v1 = route.query.iter().any(undated) || base.ends_with("/openai/v1");
    if is_v1 {
        route.query.retain(|(name, _)| name != VERSION);
        if !base.contains("/openai/v1") {
            base.push_str(if base.ends_with("/openai") { "/v1" } else { "/openai/v1" });
        }
        // It is OpenAI's own interface, and takes the key as that one does.
        route.auth = Scheme::Bearer;
    }
    is_v1
}

/// The whole address of a call, as the portal shows it, says its version.
fn take_query(route: &mut Route) {
    if let Some((root, query)) = route.target.base.split_once('?') {
        let said: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        route.query.retain(|(name, _)| !said.iter().any(|(known, _)| known == name));
        route.query.extend(said);
        route.target.base = root.trim_end_matches('/').to_owned();
    }
}

/// Responses are no deployment's: they lie in the interface without dates, and in the dated ones since they exist.
fn place_responses(route: &mut Route) {
    take_query(route);
    let base = &mut route.target.base;
    let root = base.strip_suffix("/responses").unwrap_or(base);
    let is_v1 = root.ends_with("/openai/v1");
    // In the path, not in the host's name.
    let path = root.find("://").and_then(|at| root[at + 3..].find('/').map(|slash| at + 3 + slash));
    let folder = path.and_then(|path| root[path..].find("/openai").map(|at| path + at));
    let root = root[..folder.unwrap_or(root.len())].to_owned();
    let version = route.query.iter_mut().find(|(name, _)| name == VERSION);
    let dated = version.as_ref().and_then(|(_, version)| month(version));
    if !is_v1 && dated.is_some_and(|month| month >= RESPONSES) {
        *base = format!("{root}/openai");
        return;
    }
    *base = format!("{root}/openai/v1");
    match version {
        Some((_, version)) if dated.is_some() => "preview".clone_into(version),
        Some(_) => {}
        None => route.query.push((VERSION.to_owned(), "preview".to_owned())),
    }
}

/// `2024-05-01-preview` is of May 2024. Whatever is no date has everything.
fn month(version: &str) -> Option<(u16, u8)> {
    let mut parts = version.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// What older versions do not have.
fn restrict(accent: &mut Accent, month: (u16, u8)) {
    if month < TOOL_CHOICE {
        accent.reject.push("tool_choice".to_owned());
    }
    if month.0 == REQUIRED.0 && month < REQUIRED {
        accent.tool_choice.insert("required".to_owned(), ToolChoiceRule::Refuse);
    }
    if month < SCHEMAS {
        emulate_schemas(accent);
    }
}

/// A forced tool stands for a schema; its answer comes whole, since its arguments are the text (AZ-05, GEN-30).
fn emulate_schemas(accent: &mut Accent) {
    accent.json_schema = SchemaRule::ToolAlways;
    accent.whole_formatted = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn az_02_models_are_found_in_names_of_deployments() {
        for (deployment, model) in [
            ("my-o3-mini-eu", Some("o3-mini")),
            ("prod_o1", Some("o1")),
            ("gpt-5-mini-prod", Some("gpt-5-mini")),
            ("my-gpt-5-chat-x", Some("gpt-5-chat")),
            ("gpt-7-unheard-of", Some("gpt-7-unheard-of")),
            ("my-gpt4o", None),
            ("foo1-gpt-4", None),
            ("proto3-test", None),
            ("o", None),
            ("", None),
        ] {
            assert_eq!(listed_part(deployment).as_deref(), model, "{deployment}");
        }
    }

    #[test]
    fn az_04_versions_are_compared_by_month() {
        assert_eq!(month("2024-05-01-preview"), Some((2024, 5)));
        assert_eq!(month("v1"), None);
        assert_eq!(month("2024"), None);
        let accent = |version: &str| {
            let mut accent = Accent::default();
            restrict(&mut accent, month(version).unwrap());
            (
                accent.reject.contains(&"tool_choice".to_owned()),
                accent.tool_choice.contains_key("required"),
                accent.json_schema == SchemaRule::ToolAlways,
            )
        };
        assert_eq!(accent("2023-11-30"), (true, false, true));
        assert_eq!(accent("2023-12-01-preview"), (false, false, true));
        assert_eq!(accent("2024-02-01"), (false, true, true));
        assert_eq!(accent("2024-06-01"), (false, false, true));
        assert_eq!(accent("2024-08-01-preview"), (false, false, false));
        assert_eq!(accent("2025-01-01"), (false, false, false));
    }
}
