//! Rules of prices, one by one. That real models cost what they should is the subject of tests/python/test_cost_facts.py.

use serde_json::{Value, json};

use super::*;

fn map(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        _ => panic!("an object is meant"),
    }
}

fn cost_of(entry: Value, provider: &str, usage: Value) -> Cost {
    let work = Work { provider, counts: Counts::of_json(&map(usage)), ..Work::default() };
    cost(&map(entry), &work)
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

fn check(entry: Value, provider: &str, usage: Value, prompt: f64, completion: f64) {
    let found = cost_of(entry, provider, usage);
    near(found.prompt, prompt);
    near(found.completion, completion);
}

fn usage(prompt: u32, completion: u32, prompt_details: &Value, details: &Value) -> Value {
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": prompt_details, "completion_tokens_details": details,
    })
}

#[test]
fn cached_tokens_have_their_own_price_or_the_text_s() {
    let entry = json!({"input_cost_per_token": 10, "output_cost_per_token": 1,
        "cache_read_input_token_cost": 1, "cache_creation_input_token_cost": 100,
        "cache_creation_input_token_cost_above_1hr": 1000});
    let details = &json!({"cached_tokens": 300, "cache_creation_tokens": 200,
        "cache_creation_token_details": {"ephemeral_1h_input_tokens": 50}});
    let asked = usage(1000, 7, details, &Value::Null);
    check(entry, "openai", asked.clone(), 5000.0 + 300.0 + 15_000.0 + 50_000.0, 7.0);
    check(json!({"input_cost_per_token": 10}), "openai", asked, 10_000.0, 0.0);
}

#[test]
fn kinds_of_tokens_have_their_own_prices() {
    let entry = json!({"input_cost_per_token": 1, "output_cost_per_token": 1, "input_cost_per_audio_token": 10,
        "output_cost_per_audio_token": 20, "output_cost_per_reasoning_token": 3});
    let asked =
        usage(1000, 100, &json!({"audio_tokens": 250}), &json!({"audio_tokens": 10, "reasoning_tokens": 40}));
    check(entry, "openai", asked, 750.0 + 2500.0, 50.0 + 200.0 + 120.0);
}

#[test]
fn parts_that_count_the_cached_ones_too_are_not_paid_twice() {
    let entry = json!({"input_cost_per_token": 10, "cache_read_input_token_cost": 1});
    for text in [0, 700, 1000] {
        let asked = usage(1000, 0, &json!({"cached_tokens": 300, "text_tokens": text}), &Value::Null);
        check(entry.clone(), "openai", asked, 7300.0, 0.0);
    }
}

#[test]
fn each_price_has_its_own_bound_and_tier() {
    let entry = json!({"input_cost_per_token": 1, "input_cost_per_token_above_128k_tokens": 2,
        "input_cost_per_token_above_272k_tokens": 3, "input_cost_per_token_above_272k_tokens_priority": 5,
        "output_cost_per_token": 1, "output_cost_per_token_above_200k_tokens": 4, "output_cost_per_token_priority": 7});
    for (tokens, tier, input, output) in [
        (128_000, None, 1.0, 1.0),
        (128_001, None, 2.0, 1.0),
        (200_001, None, 2.0, 4.0),
        (272_001, None, 3.0, 4.0),
        (272_001, Some("priority"), 5.0, 4.0),
        (1000, Some("priority"), 1.0, 7.0),
        (1000, Some("default"), 1.0, 1.0),
    ] {
        let counts = Counts::of_json(&map(usage(tokens, 10, &Value::Null, &Value::Null)));
        let work = Work { provider: "openai", counts, service_tier: tier, ..Work::default() };
        let found = cost(&map(entry.clone()), &work);
        near(found.prompt, f64::from(tokens) * input);
        near(found.completion, 10.0 * output);
    }
}

#[test]
fn a_band_holds_for_all_tokens_of_the_call() {
    let entry = json!({"tiered_pricing": [
        {"input_cost_per_token": 1, "output_cost_per_token": 10, "range": [0, 1000]},
        {"input_cost_per_token": 2, "output_cost_per_token": 20, "range": [1000, 5000]}]});
    for (tokens, price) in [(1000, 1.0), (1001, 2.0), (9000, 2.0)] {
        let asked = usage(tokens, 1, &Value::Null, &Value::Null);
        check(entry.clone(), "dashscope", asked, f64::from(tokens) * price, price * 10.0);
    }
}

#[test]
fn a_batch_costs_half_unless_it_has_prices() {
    let entry = json!({"input_cost_per_token": 2, "output_cost_per_token": 4});
    let counts = || Counts::of_tokens(100.0, 10.0, 0.0, 0.0);
    let work = || Work { call_type: "batch", provider: "openai", counts: counts(), ..Work::default() };
    assert_eq!(cost(&map(entry), &work()), Cost { prompt: 100.0, completion: 20.0 });
    let entry = json!({"input_cost_per_token": 2, "input_cost_per_token_batches": 0.5,
        "output_cost_per_token": 4, "output_cost_per_token_batches": 3});
    assert_eq!(cost(&map(entry), &work()), Cost { prompt: 50.0, completion: 30.0 });
}

#[test]
fn a_place_or_a_mode_multiplies() {
    let entry = map(json!({"input_cost_per_token": 1, "output_cost_per_token": 0,
        "regional_processing_uplift_multiplier_eu": 1.5, "regional_endpoint_uplift_multiplier": 2,
        "provider_specific_entry": {"fast": 4}}));
    let counts = Counts::of_tokens(100.0, 0.0, 0.0, 0.0);
    let mut work = Work { provider: "openai", counts, data_residency: Some("EU"), ..Work::default() };
    near(cost(&entry, &work).prompt, 150.0);
    work.provider = "vertex_ai";
    work.vertex_location = Some("us-central1");
    near(cost(&entry, &work).prompt, 200.0);
    work.provider = "anthropic";
    work.counts.speed = Some("fast".to_owned());
    near(cost(&entry, &work).prompt, 400.0);
}

#[test]
fn work_that_is_not_paid_by_token() {
    let price = |entry: Value, work: Work<'_>| cost(&map(entry), &work).total();
    let work = |call_type| Work { call_type, provider: "cohere", ..Work::default() };
    let ranked = Work { search_units: 3.0, billed_tokens: 50.0, ..work("arerank") };
    near(price(json!({"input_cost_per_query": 2, "input_cost_per_token": 9}), ranked.clone()), 6.0);
    near(price(json!({"input_cost_per_token": 2}), Work { provider: "voyage", ..ranked }), 100.0);
    let heard = Work { audio_seconds: 12.5, ..work("atranscription") };
    near(price(json!({"input_cost_per_second": 2, "output_cost_per_second": 0}), heard), 25.0);
    let spoken = Work { prompt_characters: Some(7.0), ..work("speech") };
    near(price(json!({"input_cost_per_character": 2}), spoken), 14.0);
    let drawn = Work { images: 2.0, size: Some((10.0, 20.0)), ..work("image_generation") };
    near(price(json!({"output_cost_per_image": 3}), drawn.clone()), 6.0);
    near(price(json!({"input_cost_per_pixel": 1}), drawn), 400.0);
    let read = Work { pages: 4.0, ..work("ocr") };
    near(price(json!({"ocr_cost_per_page": 5}), read), 20.0);
    let run = Work { seconds: 2.0, ..work("completion") };
    near(price(json!({"input_cost_per_second": 5}), run), 10.0);
}

#[test]
fn searches_are_counted_as_the_provider_does() {
    let entry = map(json!({"web_search_billing_unit": "query", "search_context_cost_per_query": {
        "search_context_size_low": 1, "search_context_size_medium": 2}}));
    let counts = Counts { server_web_searches: 3.0, ..Counts::default() };
    let searched = |provider| web_search(&entry, (provider, "m"), &counts, None, false);
    near(searched("openai"), 2.0);
    near(searched("anthropic"), 6.0);
    near(searched("gemini"), 6.0);
    near(searched("xai"), 0.0);
    near(web_search(&entry, ("openai", "m"), &Counts::default(), Some("low"), true), 1.0);
}

#[test]
fn a_name_finds_its_entry() {
    for (model, provider, key) in [
        ("gpt-4o", None, "gpt-4o"),
        ("GPT-4o", Some("openai"), "gpt-4o"),
        ("openai/gpt-4o", Some("openai"), "gpt-4o"),
        ("gpt-4o", Some("azure"), "azure/gpt-4o"),
        ("ft:gpt-4o-2024-08-06:org::id", Some("openai"), "ft:gpt-4o-2024-08-06"),
        ("gemini/gemini-2.5-pro-001", Some("gemini"), "gemini/gemini-2.5-pro"),
        (
            "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some("bedrock"),
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
    ] {
        assert_eq!(find(&Listed, model, provider).map(|(key, _)| key).as_deref(), Some(key), "{model}");
    }
    assert!(find(&Listed, "gpt-4o", Some("groq")).is_none(), "another provider's");
    assert!(find(&Listed, "", None).is_none());
    crate::models::register("own/Model-By-Letters", map(json!({"input_cost_per_token": 1})));
    let found = find(&Listed, "OWN/model-by-letters", None).map(|(key, _)| key);
    assert_eq!(found.as_deref(), Some("own/Model-By-Letters"));
}

/// `cargo test --profile quick --lib pricing -- --ignored --nocapture` prints the time of one answer's cost.
#[test]
#[ignore = "a measurement"]
fn time_of_one_cost() {
    let usage = map(usage(5000, 300, &json!({"cached_tokens": 4096}), &json!({"reasoning_tokens": 20})));
    let rounds = 100_000;
    let started = std::time::Instant::now();
    let mut sum = 0.0;
    for _ in 0..rounds {
        let (_, entry) = find(&Listed, "gpt-4o", Some("openai")).unwrap();
        let work = Work { provider: "openai", counts: Counts::of_json(&usage), ..Work::default() };
        sum += cost(&entry, &work).total();
    }
    println!("{:.2} us, {sum}", started.elapsed().as_secs_f64() * 1e6 / f64::from(rounds));
}
