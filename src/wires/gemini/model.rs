//! What a model takes, by its name and the facts known of it.

use crate::hub::Target;

/// The last part of a model's path: `tunedModels/gemini-2.5-mine` is a Gemini 2.5.
fn name(target: &Target) -> &str {
    target.model.rsplit('/').next().unwrap_or(&target.model)
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Gemini 3 and newer: thinking levels instead of budgets, ids on function calls, no penalties (GEM-06, GEM-09,
/// GEM-17, GEM-18). Names that do not say how old they are count as new.
pub fn is_modern(target: &Target) -> bool {
    // `gemini-live-2.5-flash` and the like.
    let old_version = name(target).split('-').any(|part| matches!(part, "1.0" | "1.5" | "2.0" | "2.5"));
    !old_version && !is_old_family(target) && !is_number(target)
}

/// A tuned model that is called by its number. Ids on function calls may be too new for it, the rest is not.
fn is_number(target: &Target) -> bool {
    name(target).bytes().all(|byte| byte.is_ascii_digit())
}

fn is_old_family(target: &Target) -> bool {
    let name = name(target);
    ["gemini-1", "gemini-2", "gemini-exp", "gemma-"]
        .into_iter()
        .any(|prefix| starts_with(name, prefix) && !is_longer_number(name, prefix))
        || (starts_with(name, "gemini-pro") && !name.ends_with("-latest"))
}

/// Whether it thinks: what is said of it, and for names nobody has listed yet, that they are not of an old family.
fn can_reason(target: &Target) -> bool {
    is_modern(target)
        || target.facts.can("reasoning")
        || (target.facts.key.is_none() && !is_old_family(target))
}

/// `gemini-10` does not begin with `gemini-1`.
fn is_longer_number(name: &str, prefix: &str) -> bool {
    prefix.ends_with(|last: char| last.is_ascii_digit())
        && name.as_bytes().get(prefix.len()).is_some_and(u8::is_ascii_digit)
}

/// Whether structured output takes standard JSON Schema: Gemini 2.0 and later, by number (GEM-16).
pub fn takes_json_schema(target: &Target) -> bool {
    let name = name(target);
    if !starts_with(name, "gemini-") {
        return false;
    }
    let digits: String = name.chars().skip("gemini-".len()).take_while(char::is_ascii_digit).collect();
    digits.parse::<u32>().is_ok_and(|version| version >= 2)
}

/// Whether there is a place for system messages; otherwise they go to the user's turn (GEM-02). A new model that
/// is not listed yet has one.
pub fn takes_system_instruction(target: &Target) -> bool {
    target.facts.can("system_messages")
        || (target.facts.key.is_none() && (is_modern(target) || is_number(target)))
}

/// The lowest thinking level (GEM-17).
pub fn lowest_level(target: &Target) -> &'static str {
    if name(target).contains("flash") && !target.facts.lacks("minimal_reasoning_effort") {
        "minimal"
    } else {
        "low"
    }
}

/// The smallest thinking budget of models that take budgets (GEM-17).
pub fn smallest_budget(target: &Target) -> u64 {
    let name = name(target);
    if name.contains("2.5-flash-lite") {
        512
    } else if name.contains("2.5-flash") {
        1
    } else {
        128
    }
}

/// Google ignores sampling parameters on some models; they are refused there (GEM-18).
pub fn takes_sampling(target: &Target) -> bool {
    !target.facts.lacks("sampling_params")
}

pub fn supports(parameter: &str, target: &Target) -> bool {
    match parameter {
        "audio" => name(target).contains("tts"),
        "reasoning_effort" | "thinking" => can_reason(target),
        "temperature" | "top_p" => takes_sampling(target),
        "frequency_penalty"
        | "functions"
        | "include_server_side_tool_invocations"
        | "logprobs"
        | "max_completion_tokens"
        | "max_tokens"
        | "modalities"
        | "n"
        | "parallel_tool_calls"
        | "presence_penalty"
        | "response_format"
        | "seed"
        | "service_tier"
        | "stop"
        | "tool_choice"
        | "tools"
        | "web_search_options" => true,
        _ => is_taken_in_silence(parameter),
    }
}

/// Accepted, but there is nothing to send.
fn is_taken_in_silence(parameter: &str) -> bool {
    matches!(parameter, "cache_control" | "speed" | "stream_options" | "user")
}

#[cfg(test)]
mod tests {
    use super::super::tests::target;
    use super::*;

    #[test]
    fn gem_06_which_models_are_gemini_3_or_newer() {
        for new in [
            "gemini-3-pro-preview",
            "gemini-3.5-flash",
            "GEMINI-3-PRO",
            "gemini-10-pro",
            "gemini-flash-latest",
            "gemini-pro-latest",
            "gemini-robotics-er-2-preview",
            "my-model",
        ] {
            assert!(is_modern(&target(new)), "{new}");
        }
        for old in [
            "gemini-2.5-flash",
            "gemini-2.0-flash",
            "gemini-1.5-pro",
            "gemini-pro",
            "gemini-exp-1206",
            "gemma-3-27b-it",
            "tunedModels/gemini-2.5-mine",
            "gemini-live-2.5-flash",
            "GEMINI-2.5-FLASH",
        ] {
            assert!(!is_modern(&target(old)), "{old}");
        }
    }

    #[test]
    fn gen_01_supported_parameters_follow_the_model() {
        let flash = target("gemini-2.5-flash");
        for taken in ["tools", "n", "seed", "frequency_penalty", "reasoning_effort", "thinking", "user"] {
            assert!(supports(taken, &flash), "{taken}");
        }
        for refused in ["top_logprobs", "logit_bias", "store", "audio", "function_call", "verbosity"] {
            assert!(!supports(refused, &flash), "{refused}");
        }
        assert!(!supports("reasoning_effort", &target("gemini-2.0-flash")));
        assert!(supports("audio", &target("gemini-2.5-flash-preview-tts")));
    }

    #[test]
    fn gem_18_sampling_is_refused_where_it_is_ignored() {
        assert!(!supports("temperature", &target("gemini-3.6-flash")));
        assert!(!supports("top_p", &target("gemini-3.6-flash")));
        assert!(supports("temperature", &target("gemini-3.5-flash")));
    }
}
