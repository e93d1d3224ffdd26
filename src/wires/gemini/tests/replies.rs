//! What whole replies mean: the rules on parts, ends and refusals.

use serde_json::{Value, json};

use super::super::Gemini;
use super::target;
use crate::error::{Error, Kind};
use crate::hub::{ChatResponse, FinishReason};
use crate::wires::{HttpReply, Memo, Wire};

fn decode(body: Value) -> Result<ChatResponse, Error> {
    let reply = HttpReply {
        status: 200,
        headers: http::HeaderMap::new(),
        body: body.to_string().into_bytes().into(),
    };
    Gemini.decode(&reply, &Memo::default(), &target("gemini-2.5-flash"))
}

fn reply(parts: Value, reason: &str) -> ChatResponse {
    decode(json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": reason}],
        "responseId": "r1", "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}}))
    .unwrap()
}

#[test]
fn gem_06_the_provider_s_own_id_comes_first() {
    let response = reply(
        json!([{"functionCall": {"id": "own", "name": "f", "args": {}}}, {"functionCall": {"name": "g"}}]),
        "STOP",
    );
    let calls = &response.choices[0].message.tool_calls;
    assert_eq!(calls[0].id.as_deref(), Some("own"));
    assert_eq!(calls[1].id, None);
    assert_eq!(calls[1].function.arguments, "{}");
}

#[test]
fn gem_07_a_signature_travels_with_the_id_and_beside_it() {
    let response = reply(
        json!([{"functionCall": {"id": "own", "name": "f", "args": {}}, "thoughtSignature": "S1"},
            {"functionCall": {"name": "g", "args": {}}, "thoughtSignature": "S2"}]),
        "STOP",
    );
    let message = &response.choices[0].message;
    assert_eq!(message.tool_calls[0].id.as_deref(), Some("own__thought__S1"));
    let made = message.tool_calls[1].id.as_deref().unwrap();
    assert!(made.starts_with("call_") && made.ends_with("__thought__S2"), "{made}");
    assert_eq!(message.tool_calls[1].provider_specific_fields.as_ref().unwrap()["thought_signature"], "S2");
    assert_eq!(message.provider_fields["thought_signatures"], json!(["S1", "S2"]));
}

#[test]
fn gem_11_a_thought_keeps_its_signature() {
    let response = reply(
        json!([{"text": "th", "thought": true, "thoughtSignature": "S0"}, {"text": "a", "thoughtSignature": "S1"}]),
        "STOP",
    );
    let message = &response.choices[0].message;
    assert_eq!(message.thinking_blocks, [json!({"type": "thinking", "thinking": "th", "signature": "S0"})]);
    assert_eq!(message.provider_fields["thought_signatures"], json!(["S0", "S1"]));
}

#[test]
fn gem_23_kinds_of_parts() {
    let inline = |mime: &str, data: &str| json!({"inlineData": {"mimeType": mime, "data": data}});
    let response = reply(
        json!([{"text": "think", "thought": true}, {"text": "see "}, inline("application/pdf", "PDF"),
            inline("image/png", "PNG"), inline("audio/L16;rate=24000", "SND"),
            {"executableCode": {"code": "1"}}, {"fileData": {"fileUri": "x"}}, {"zq": 1}]),
        "STOP",
    );
    let message = &response.choices[0].message;
    assert_eq!(message.reasoning_content.as_deref(), Some("think"));
    assert_eq!(message.content.as_deref(), Some("see data:application/pdf;base64,PDF"));
    assert_eq!(message.images.as_ref().unwrap()[0]["image_url"]["url"], "data:image/png;base64,PNG");
    assert_eq!(message.audio.as_ref().unwrap()["data"], "SND");
}

#[test]
fn gem_24_reasons_to_end() {
    for (native, reason) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("OTHER", FinishReason::ContentFilter),
        ("LANGUAGE", FinishReason::ContentFilter),
        ("IMAGE_OTHER", FinishReason::ContentFilter),
        ("NO_IMAGE", FinishReason::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", FinishReason::Stop),
        ("UNEXPECTED_TOOL_CALL", FinishReason::Stop),
        ("TOO_MANY_TOOL_CALLS", FinishReason::Stop),
        ("MISSING_THOUGHT_SIGNATURE", FinishReason::Stop),
        ("ZQ_UNKNOWN", FinishReason::Stop),
    ] {
        let choice = &reply(json!([{"text": "x"}]), native).choices[0];
        assert_eq!(choice.finish_reason, reason, "{native}");
        assert_eq!(choice.native_finish_reason.as_deref(), Some(native), "GEN-37");
    }
    for native in ["STOP", "MAX_TOKENS", "MALFORMED_FUNCTION_CALL"] {
        let response = reply(json!([{"functionCall": {"name": "f", "args": {}}}]), native);
        assert_eq!(response.choices[0].finish_reason, FinishReason::ToolCalls, "{native}");
    }
}

#[test]
fn gem_24_what_was_said_before_a_filter_stays() {
    for native in ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"] {
        let choice = &reply(json!([{"text": "x"}]), native).choices[0];
        assert_eq!(choice.finish_reason, FinishReason::ContentFilter, "{native}");
        assert_eq!(choice.message.content.as_deref(), Some("x"));
        let empty = &reply(json!([]), native).choices[0];
        assert_eq!(empty.finish_reason, FinishReason::ContentFilter, "{native}");
        assert_eq!(empty.message.content, None);
    }
}

#[test]
fn gem_25_a_refused_prompt_is_one_empty_choice() {
    let response = decode(json!({"promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8}}))
    .unwrap();
    assert_eq!(response.choices.len(), 1);
    assert_eq!(response.choices[0].finish_reason, FinishReason::ContentFilter);
    assert_eq!(response.choices[0].message.content, None);
    assert_eq!(response.usage.unwrap().prompt_tokens, 8);
}

#[test]
fn gem_26_an_error_in_a_good_reply_raises() {
    let error =
        decode(json!({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}})).unwrap_err();
    assert_eq!((error.kind(), error.status()), (Kind::RateLimit, 429));
}

#[test]
fn gem_28_grounding_is_kept_and_cited() {
    let grounding = json!({"webSearchQueries": ["q"], "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 1}, "groundingChunkIndices": [0]}]});
    let response =
        decode(json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP",
        "groundingMetadata": grounding, "safetyRatings": [{"category": "c"}]}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}}))
        .unwrap();
    assert_eq!(response.extra["vertex_ai_grounding_metadata"], json!([grounding]));
    assert_eq!(response.extra["vertex_ai_safety_results"], json!([[{"category": "c"}]]));
    let annotations = response.choices[0].message.annotations.as_ref().unwrap();
    assert_eq!(annotations[0]["url_citation"]["url"], "https://a");
    assert_eq!(response.usage.unwrap().prompt_tokens_details.unwrap()["web_search_requests"], 1);
}

#[test]
fn logprobs_in_openai_s_form() {
    let response = decode(json!({"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP",
        "logprobsResult": {"chosenCandidates": [{"token": "Hi", "logProbability": -0.5}, {"token": "!"}],
            "topCandidates": [{"candidates": [{"token": "Hi", "logProbability": -0.5}, {"token": "Ho", "logProbability": -1}]}]}}]}))
    .unwrap();
    assert_eq!(
        response.choices[0].logprobs,
        Some(json!({"content": [
            {"token": "Hi", "logprob": -0.5, "top_logprobs": [
                {"token": "Hi", "logprob": -0.5}, {"token": "Ho", "logprob": -1.0}]},
            {"token": "!", "logprob": 0.0, "top_logprobs": []}]}))
    );
}

#[test]
fn candidates_of_another_type_are_no_answer() {
    assert!(decode(json!({"candidates": 7})).is_err());
}

#[test]
fn no_candidate_is_no_answer() {
    for body in [
        json!({}),
        json!({"candidates": [], "usageMetadata": {"promptTokenCount": -5, "totalTokenCount": "x", "promptTokensDetails": [7, {}]}}),
        json!({"error": null, "responseId": 7, "modelVersion": 7, "promptFeedback": 7}),
    ] {
        let error = decode(body.clone()).unwrap_err();
        assert_eq!(error.kind(), Kind::InternalServer, "{body}");
        assert!(error.message().starts_with("the answer has no candidates"), "{error}");
    }
}

#[test]
fn odd_replies_do_no_harm() {
    for body in [
        json!({"candidates": [7, null, {}]}),
        json!({"candidates": [{"content": {"parts": 7}}, {"content": {"parts": [7, {"text": 7}, {"functionCall": 7},
            {"functionCall": {}}, {"inlineData": {}}, {"inlineData": 7}]}, "index": -1, "finishReason": 7}]}),
        json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "groundingMetadata": [7, null, {"groundingSupports":
            [7, {"segment": {"startIndex": -1, "endIndex": 1e30}, "groundingChunkIndices": [-1, 1e9, 0]}],
            "groundingChunks": 7, "webSearchQueries": 7}], "logprobsResult": {"chosenCandidates": 7}}]}),
    ] {
        assert!(decode(body.clone()).is_ok(), "{body}");
    }
}
