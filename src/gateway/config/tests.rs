use std::collections::HashMap;
use std::path::PathBuf;

use super::*;

/// An environment of a test's own.
struct Set(HashMap<&'static str, &'static str>);

impl Set {
    fn of<const N: usize>(variables: [(&'static str, &'static str); N]) -> Self {
        Self(variables.into())
    }
}

impl Environment for Set {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }
}

/// A folder of files that goes away.
struct Folder(PathBuf);

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ferrolite-config-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("config.yaml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOTHING: [(&str, &str); 0] = [];

fn load<const N: usize>(text: &str, variables: [(&'static str, &'static str); N]) -> Config {
    let folder = Folder::of(&[("config.yaml", text)]);
    Config::load(&folder.file(), &Set::of(variables)).unwrap()
}

/// Problems without the name of the file.
fn problems<const N: usize>(text: &str, variables: [(&'static str, &'static str); N]) -> Vec<String> {
    let folder = Folder::of(&[("config.yaml", text)]);
    let found = check(&folder.file(), &Set::of(variables));
    let file = format!("{}:", folder.file().display());
    found.iter().map(|problem| problem.to_string().replace(&file, "")).collect()
}

const MODEL: &str =
    "model_list: [{model_name: a, litellm_params: {model: openai/gpt-4o, api_key: sk-planted-secret}}]\n";

#[test]
fn a_plain_file_is_read() {
    let config = load(
        "model_list:\n  - model_name: gpt-4o\n    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 10}\ngeneral_settings: {master_key: sk-1234}\n",
        [("OPENAI_API_KEY", "sk-planted-secret")],
    );
    assert_eq!(config.deployments.len(), 1);
    assert_eq!(config.deployments[0].params["api_key"], "sk-planted-secret");
    assert_eq!(config.general.master_key.as_ref().unwrap().expose(), "sk-1234");
    assert_eq!(config.warnings, []);
    assert!(!format!("{config:?}").contains("sk-"), "no key is shown");
}

#[test]
fn every_problem_is_said_at_once() {
    assert_eq!(
        problems("modle_list: []\ngeneral_settings: {master_key: os.environ/NOT_THERE}\n", NOTHING),
        [
            "1:1: error: unknown key 'modle_list'; did you mean 'model_list'?",
            "1:1: warning: no model is named: 'model_list' has no entry",
            "2:32: error: the variable NOT_THERE is not set",
        ]
    );
    assert_eq!(problems(MODEL, NOTHING), [""; 0]);
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gateway")
}

/// The variables that the fixtures name.
fn of_fixtures() -> Set {
    Set::of([
        ("ANTHROPIC_API_KEY", "sk-planted-anthropic"),
        ("AWS_ACCESS_KEY_ID", "planted-id"),
        ("AWS_SECRET_ACCESS_KEY", "planted-secret"),
        ("AZURE_API_KEY_CA", "planted-azure-ca"),
        ("AZURE_API_KEY_EU", "planted-azure-eu"),
        ("COHERE_API_KEY", "planted-cohere"),
        ("GEMINI_API_KEY", "planted-gemini"),
        ("GROQ_API_KEY", "planted-groq"),
        ("HUGGINGFACE_API_KEY", "planted-hugging"),
        ("MASTER_KEY", "sk-planted-master"),
        ("OPENAI_API_KEY", "sk-planted-openai"),
        ("REDIS_HOST", "127.0.0.1"),
        ("REDIS_PASSWORD", "planted:redis@"),
    ])
}

fn fixture(name: &str) -> Config {
    let path = fixtures().join(name);
    let config =
        Config::load(&path, &of_fixtures()).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
    let problems: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(problems, [""; 0], "{name}");
    config
}

#[test]
fn files_as_the_reference_describes_them_are_clean() {
    for (name, models) in [
        ("aliases.yaml", 3),
        ("caching.yaml", 2),
        ("callbacks.yaml", 2),
        ("dialects.yaml", 5),
        ("fallbacks.yaml", 4),
        ("load_balancing.yaml", 3),
        ("pass_through.yaml", 1),
        ("tags.yaml", 3),
        ("weights.yaml", 2),
        ("wildcard.yaml", 4),
    ] {
        let config = fixture(name);
        assert_eq!(config.deployments.len(), models, "{name}");
        let shown = format!("{config:?}");
        assert!(!shown.contains("planted"), "{name} shows a key: {shown}");
    }
}

#[test]
fn deployments_are_read_with_what_they_say() {
    let config = fixture("load_balancing.yaml");
    assert_eq!(config.redis_url.as_deref(), Some("redis://:planted%3Aredis%40@127.0.0.1:6379"));
    assert_eq!(config.deployments[0].rpm, Some(6));
    assert_eq!(config.deployments[1].params["api_version"], "2024-10-21");
    assert_eq!(&*config.deployments[2].id, "openai-gpt-4o");
    assert_eq!(config.router.defaults["timeout"], 30.0);
    let weights: Vec<_> = fixture("weights.yaml").deployments.iter().map(|one| one.weight).collect();
    assert_eq!(weights, [Some(9.0), Some(1.0)]);
    let tags = fixture("tags.yaml");
    assert!(tags.router.tag_filtering && tags.router.tags_match_any);
    assert_eq!(tags.deployments[1].tags, ["paid"]);
}

#[test]
fn a_credential_gives_its_keywords_and_is_none_itself() {
    let config = fixture("aliases.yaml");
    for deployment in &config.deployments {
        assert_eq!(deployment.params["api_key"], "sk-planted-openai");
        assert!(!deployment.params.contains_key("litellm_credential_name"));
    }
    assert_eq!(config.deployments[2].params["temperature"], 0.2);
    assert_eq!(config.deployments[2].params["max_tokens"], 100);
    assert!(config.router.aliases["gpt-3.5-turbo"].hidden);
    let own = load(
        "credential_list: [{credential_name: c, credential_values: {api_key: theirs}}]\nmodel_list: [{model_name: a, litellm_params: {model: openai/a, api_key: own, litellm_credential_name: c}}]",
        NOTHING,
    );
    assert_eq!(own.deployments[0].params["api_key"], "own", "what a model says itself wins");
}

#[test]
fn litellm_settings_say_what_router_settings_do_not() {
    let config = fixture("fallbacks.yaml");
    assert_eq!((config.router.retries, config.router.allowed_fails), (3, Some(3)));
    assert_ne!(config.router.fallbacks, crate::router::Fallbacks::default());
    assert_ne!(config.router.default_fallbacks, crate::router::Fallbacks::default());
    assert_eq!(config.engine.request_timeout, Some(10.0));
    let both = load(
        &format!("{MODEL}litellm_settings: {{num_retries: 3}}\nrouter_settings: {{num_retries: 5}}"),
        NOTHING,
    );
    assert_eq!(both.router.retries, 5);
}

#[test]
fn included_files_add_to_lists() {
    let config = fixture("dialects.yaml");
    let names: Vec<&str> = config.deployments.iter().map(|one| &*one.group).collect();
    assert_eq!(names, ["gpt-4o", "claude-sonnet", "gemini-flash", "nova", "local"]);
    assert_eq!(config.files.len(), 2);
    assert!(config.general.master_key.is_some(), "a section that only the other file has");

    let folder = Folder::of(&[
        ("config.yaml", "include: [more.yaml, gone.yaml]\nlitellm_settings: {drop_params: true}"),
        ("more.yaml", "include: config.yaml\nlitellm_settings: {modify_params: true, wrong: 1}"),
    ]);
    let problems: Vec<String> = check(&folder.file(), &Set::of(NOTHING))
        .iter()
        .map(|problem| problem.to_string().replace(&format!("{}/", folder.0.display()), ""))
        .collect();
    assert_eq!(
        problems,
        [
            "config.yaml:1:1: warning: no model is named: 'model_list' has no entry",
            "config.yaml:1:22: error: gone.yaml cannot be read: No such file or directory (os error 2)",
            "more.yaml:1:10: error: config.yaml is included already",
            "more.yaml:2:1: warning: 'litellm_settings' replaces all of the one in line 2 of config.yaml",
            "more.yaml:2:41: error: unknown key 'wrong'",
        ]
    );
}

#[test]
fn a_cache_is_described_by_the_references_names() {
    let config = fixture("caching.yaml");
    let spec = config.cache.as_ref().unwrap();
    assert_eq!(
        (spec.kind.as_str(), spec.ttl, spec.namespace.as_deref()),
        ("local", Some(600.0), Some("gateway"))
    );
    let with = |params: &str| {
        let text = format!("{MODEL}litellm_settings: {{cache: true, cache_params: {params}}}");
        load(&text, [("AWS_REGION", "eu-central-1")]).cache.unwrap()
    };
    let s3 = with(
        "{type: s3, s3_bucket_name: b, gcs_bucket_name: c, s3_region_name: us-west-2, s3_verify: /roots.pem}",
    );
    assert_eq!((s3.bucket.as_deref(), s3.region.as_deref()), (Some("b"), Some("us-west-2")));
    assert_eq!(s3.ssl_ca_certs, Some("/roots.pem".into()));
    let redis = with(
        "{host: h, port: '7000', ssl: true, ssl_cert_reqs: null, redis_startup_nodes: [{host: n, port: '7001'}]}",
    );
    assert_eq!((redis.kind.as_str(), redis.port, redis.ssl_verify), ("redis", Some(7000), Some(false)));
    assert_eq!(redis.startup_nodes.unwrap()[0].port, 7001);
    assert!(
        load(&format!("{MODEL}litellm_settings: {{cache: false, cache_params: {{type: nothing}}}}"), NOTHING)
            .cache
            .is_none()
    );
    assert_eq!(
        problems(&format!("{MODEL}litellm_settings:\n  cache: true\n  cache_params: {{type: s3}}"), NOTHING),
        ["4:17: error: the cache cannot be set up: `s3_bucket_name` is missing"]
    );
}

#[test]
fn an_open_cache_is_the_engines() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut config = fixture("caching.yaml");
    assert!(config.engine.cache.is_none());
    config.open_cache(runtime.handle().clone()).unwrap();
    assert!(config.engine.cache.is_some());
}

#[test]
fn endpoints_elsewhere_need_a_key_unless_they_say_no() {
    let config = fixture("pass_through.yaml");
    let [rerank, langfuse] = &config.pass_through[..] else { panic!() };
    assert_eq!(rerank.headers[0].1.expose(), "bearer planted-cohere");
    assert!(rerank.auth && !rerank.include_subpath && !rerank.forward_headers);
    assert!(!langfuse.auth && langfuse.include_subpath && langfuse.forward_headers);
}

#[test]
fn what_is_in_python_is_kept_by_name() {
    let config = fixture("callbacks.yaml");
    assert_eq!(config.hooks.callbacks, ["custom_callbacks.proxy_handler_instance"]);
    assert_eq!(config.hooks.success_callbacks, ["langfuse"]);
    assert_eq!(config.hooks.failure_callbacks, ["sentry"]);
    assert_eq!(
        config.hooks.custom_providers,
        [("my-provider".to_owned(), "custom_handler.my_custom_llm".to_owned())]
    );
    assert_eq!(config.hooks.guardrails.len(), 1);
    assert_eq!(config.hooks.settings["turn_off_message_logging"], true);
    assert_eq!(config.variables.get("LANGFUSE_PUBLIC_KEY").as_deref(), Some("pk-lf-fixture"));
}

#[test]
fn variables_that_are_not_set() {
    assert_eq!(
        problems(
            "model_list:\n  - model_name: a\n    litellm_params: {model: openai/gpt-4o, api_key: os.environ/NO_KEY}\nlitellm_settings: {api_base: os.environ/NO_BASE}\ngeneral_settings: {database_url: os.environ/NO_BASE}\n",
            NOTHING
        ),
        [
            "3:53: warning: the variable NO_KEY is not set",
            "4:30: error: the variable NO_BASE is not set",
            "5:20: warning: 'database_url' is not acted on yet: Keys, teams and budgets in a database",
        ]
    );
    let of_file = "environment_variables: {KEY: planted-in-file, N: 3, ON: true, OTHER: os.environ/BELOW}\nmodel_list:\n  - model_name: a\n    litellm_params: {model: openai/gpt-4o, api_key: os.environ/KEY, rpm: os.environ/N, drop_params: os.environ/ON, api_base: os.environ/OTHER}\n";
    let config = load(of_file, [("KEY", "planted-outside"), ("BELOW", "http://127.0.0.1:1")]);
    let deployment = &config.deployments[0];
    assert_eq!(deployment.params["api_key"], "planted-in-file", "the file's own variables come first");
    assert_eq!((deployment.rpm, &deployment.params["drop_params"]), (Some(3), &Value::Bool(true)));
    assert_eq!(deployment.params["api_base"], "http://127.0.0.1:1");
    assert!(!format!("{:?}", config.variables).contains("planted"));
}

#[test]
fn the_key_of_the_gateway() {
    let key = |text: &str, variables: [(&'static str, &'static str); 1]| {
        load(&format!("{MODEL}{text}"), variables).general.master_key.map(|key| key.expose().to_owned())
    };
    assert_eq!(key("", [("", "")]), None);
    assert_eq!(key("", [("LITELLM_MASTER_KEY", "sk-a")]).as_deref(), Some("sk-a"));
    assert_eq!(key("", [("FERROLITE_MASTER_KEY", "sk-b")]).as_deref(), Some("sk-b"));
    assert_eq!(
        key("general_settings: {master_key: sk-c}", [("LITELLM_MASTER_KEY", "sk-a")]).as_deref(),
        Some("sk-c")
    );
}

#[test]
fn general_settings_say_who_may_come_in() {
    let text = format!(
        "{MODEL}general_settings: {{enable_jwt_auth: true, litellm_jwtauth: {{user_id_jwt_field: sub}}, max_request_size_mb: 2, global_max_parallel_requests: 9, max_in_flight_requests_per_worker: 5, max_parallel_requests: 4, allow_client_side_credentials: true, forward_client_headers_to_llm_api: true, public_routes: [/a]}}"
    );
    let config = load(&text, [("JWT_PUBLIC_KEY_URL", "https://example.com/jwks"), ("JWT_AUDIENCE", "us")]);
    let general = &config.general;
    let jwt = general.jwt.as_ref().unwrap();
    assert_eq!(
        (jwt.jwks_url.as_str(), jwt.audience.as_deref(), jwt.user_claim.as_deref()),
        ("https://example.com/jwks", Some("us"), Some("sub"))
    );
    assert_eq!((general.max_request_bytes, general.max_parallel_requests), (2 * 1024 * 1024, Some(5)));
    assert_eq!(config.router.max_parallel, Some(4));
    assert_eq!(general.client_credentials, ["api_key", "api_base", "base_url"]);
    assert!(general.forward_client_headers);
    assert_eq!(general.public_routes, ["/a"]);
    assert_eq!(
        problems(&format!("{MODEL}general_settings: {{enable_jwt_auth: true}}"), NOTHING),
        ["2:37: error: 'enable_jwt_auth' needs the address of the public keys in JWT_PUBLIC_KEY_URL"]
    );
}

#[test]
fn keys_of_providers_stand_in_litellm_settings_too() {
    let text = format!(
        "{MODEL}litellm_settings: {{groq_key: planted-groq, togetherai_api_key: planted-together, REPEATED_STREAMING_CHUNK_LIMIT: 50, ssl_verify: false, model_alias_map: {{x: a}}}}"
    );
    let engine = load(&text, NOTHING).engine;
    let key = |provider: &str| engine.keys.of(provider).map(|key| key.expose().to_owned());
    assert_eq!(key("groq").as_deref(), Some("planted-groq"));
    assert_eq!(key("together_ai").as_deref(), Some("planted-together"));
    assert_eq!(key("openai"), None);
    assert_eq!((engine.repeated_chunk_limit, engine.verify), (Some(50), Some(crate::transport::Verify::Off)));
    assert_eq!(engine.model_aliases["x"], "a");
}

#[test]
fn a_file_brings_its_own_providers() {
    let text = "providers: [{name: config-fixture, base: 'http://127.0.0.1:9', auth: bearer, wires: {chat: openai}}]\nmodel_list: [{model_name: a, litellm_params: {model: config-fixture/m}}]\n";
    let config = load(text, NOTHING);
    assert_eq!(config.warnings, []);
    assert!(providers::row("config-fixture").is_none(), "reading alone changes nothing");
    config.register_providers().unwrap();
    assert!(providers::row("config-fixture").is_some());
    let wrong = problems("providers: [{name: a/b}, {nam: c}]\n", NOTHING);
    assert_eq!(
        wrong.iter().filter(|problem| problem.contains("error: this is no provider")).count(),
        2,
        "{wrong:?}"
    );
}

#[test]
fn an_organization_of_several_is_a_deployment_of_each() {
    let config = load(
        "model_list: [{model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k, organization: [o1, o2]}}]",
        NOTHING,
    );
    let organizations: Vec<&Value> =
        config.deployments.iter().map(|one| &one.params["organization"]).collect();
    assert_eq!(organizations, ["o1", "o2"]);
}

#[test]
fn what_is_not_acted_on_is_not_sent() {
    let config = load(
        "model_list: [{model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k, max_budget: 3, own_word: 1}}]",
        NOTHING,
    );
    let names: Vec<&String> = config.deployments[0].params.keys().collect();
    assert_eq!(names, ["model", "api_key", "own_word"]);
    assert_eq!(config.warnings.len(), 1);
}

#[test]
fn one_model_serves_any_name() {
    let options = ModelOptions {
        alias: Some("mine".to_owned()),
        api_base: Some("http://127.0.0.1:1".to_owned()),
        temperature: Some(0.5),
        max_tokens: Some(9),
        request_timeout: Some(7.0),
        drop_params: true,
        add_function_to_prompt: true,
        ..ModelOptions::default()
    };
    let config =
        Config::of_model("ollama/llama3", &options, &Set::of([("LITELLM_MASTER_KEY", "sk-a")])).unwrap();
    assert!(config.engine.drop_params && config.general.master_key.is_some());
    assert_eq!(config.router.defaults["timeout"], 7.0);
    assert_eq!(config.warnings.len(), 1);
    let deployments = config.deployments.into_iter().map(std::sync::Arc::new).collect();
    let table = crate::router::Table::new(deployments, HashMap::new());
    for name in ["mine", "gpt-4o", "anthropic/claude"] {
        let found = table.find(name).unwrap();
        let deployment = found.group.members().next().unwrap();
        let model = found.model_of(deployment).unwrap_or_else(|| deployment.model.clone());
        assert_eq!(
            (model.as_str(), &deployment.params["max_tokens"]),
            ("ollama/llama3", &Value::from(9)),
            "{name}"
        );
    }
    let wrong = Config::of_model("no-such-model", &ModelOptions::default(), &Set::of(NOTHING)).unwrap_err();
    assert!(wrong[0].message.contains("no-such-model"), "{wrong:?}");
    let file = Set::of([("CONFIG_FILE_PATH", "/a.yaml")]);
    assert_eq!(file_of_environment(&file), Some("/a.yaml".into()));
}

/// Writes a golden file anew when `UPDATE_GOLDEN` is set.
#[expect(clippy::disallowed_methods, reason = "a switch of the developer's, not of the program")]
fn golden(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, text).unwrap();
    }
    // Not the texts themselves: they are long.
    let is_current = std::fs::read_to_string(path).unwrap_or_default() == text;
    assert!(is_current, "{} is not up to date: run the test with UPDATE_GOLDEN=1", path.display());
}

#[test]
fn all_that_is_wrong_is_in_one_report_without_a_secret() {
    let folder = format!("{}/", fixtures().display());
    let problems = check(&fixtures().join("bad.yaml"), &of_fixtures());
    let text: String = problems.iter().map(|problem| format!("{problem}\n").replace(&folder, "")).collect();
    assert!(!text.contains("planted"), "{text}");
    golden(&fixtures().join("bad.problems.txt"), &text);
}

/// The tables of the page are made from the table of keys.
#[test]
fn the_documentation_names_every_key() {
    use std::fmt::Write as _;
    let mut tables = String::new();
    for (name, section) in schema::sections() {
        let about = &section.about;
        writeln!(tables, "\n### {name}\n\n{about}\n\n| Key | Value | Treatment | |\n|---|---|---|---|")
            .unwrap();
        for (key, schema::Key(kind, treatment, note)) in &section.keys {
            let (kind, treatment) = (kind.replace('|', " or "), format!("{treatment:?}").to_lowercase());
            writeln!(tables, "| `{key}` | {kind} | {treatment} | {note} |").unwrap();
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gateway-config.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, _) = text.split_once("<!-- keys -->\n").unwrap();
    golden(&page, &format!("{before}<!-- keys -->\n{tables}"));
}

#[test]
fn deployments_that_cannot_work_are_said() {
    let with = |params: &str| {
        problems(&format!("model_list:\n  - model_name: a\n    litellm_params: {{{params}}}\n"), NOTHING)
    };
    for (params, found) in [
        ("model: openai/gpt-4o", "3:21: warning: 'openai' needs what is not there: set OPENAI_API_KEY"),
        ("model: azure/x, api_key: k", "3:21: warning: 'azure' needs what is not there: set AZURE_API_BASE"),
        (
            "model: no-such-model",
            "3:29: error: no provider is known for 'no-such-model': write it in front, as 'openai/no-such-model'",
        ),
        ("rpm: 3", "3:21: error: 'model' is missing"),
        (
            "model: openai/a, api_key: k, weight: 0",
            "2:5: warning: all weights of 'a' are 0: its deployments are drawn alike",
        ),
        ("model: openai/a, api_key: k, weight: -1", "3:59: error: a weight is 0 or more"),
    ] {
        assert_eq!(with(params), [found], "{params}");
    }
    for params in [
        "model: openai/gpt-4o, mock_response: hi",
        "model: bedrock/x, aws_profile_name: p",
        "model: azure/x, azure_ad_token: t, api_base: 'https://example.com'",
        "model: ollama/llama3",
        "model: '*'",
    ] {
        assert_eq!(with(params), [""; 0], "{params}");
    }
    assert_eq!(
        problems("model_list: [{litellm_params: {model: openai/a}}, {model_name: b}]", NOTHING),
        ["1:14: error: 'model_name' is missing", "1:51: error: 'litellm_params' is missing",]
    );
}

#[test]
fn entries_of_a_group_fit_together() {
    let entry = |more: &str| {
        format!("  - {{model_name: a, litellm_params: {{model: openai/x, api_key: k{more}}}}}\n")
    };
    let list = |entries: &[&str]| {
        let entries: String = entries.iter().map(|more| entry(more)).collect();
        problems(&format!("model_list:\n{entries}"), NOTHING)
    };
    assert_eq!(list(&["", ""]), ["3:5: warning: the same model stands in line 2: it is taken once"]);
    assert_eq!(
        list(&[", weight: 1", ", rpm: 1"]),
        ["3:37: warning: others of 'a' have a weight and this one has none: it is not drawn while they work"]
    );
    assert_eq!(list(&[", weight: 1", ", weight: 0"]), [""; 0]);
}

#[test]
fn settings_of_the_router_name_what_is_there() {
    for (settings, found) in [
        ("model_group_alias: {b: aa}", "2:42: warning: the model 'aa' is not in 'model_list'"),
        (
            "default_fallbacks: [openai/gpt-4]",
            "2:39: warning: the fallback 'openai/gpt-4' is not in 'model_list'",
        ),
        (
            "optional_pre_call_checks: [nothing]",
            "2:46: warning: the check 'nothing' is not there; deployment_affinity, enforce_model_rate_limits, prompt_caching, responses_api_deployment_check, session_affinity are",
        ),
        ("retry_policy: [1]", "2:33: error: 'retry_policy' is a map, and this is a list"),
        ("redis_url: 'http://u:planted-word@h'", "2:18: error: "),
        ("fallbacks: [a]", "2:30: error: Invalid 'fallbacks': expected objects"),
    ] {
        let said = problems(&format!("{MODEL}router_settings: {{{settings}}}"), NOTHING);
        assert!(said.len() == 1 && said[0].starts_with(found), "{settings}: {said:?}");
        assert!(!said[0].contains("planted"), "{said:?}");
    }
    let fine = "fallbacks: [{a: [openai/gpt-4o]}, {'*': [a]}], model_group_alias: {b: a}, optional_pre_call_checks: [prompt_caching]";
    assert_eq!(problems(&format!("{MODEL}router_settings: {{{fine}}}"), NOTHING), [""; 0]);
}

#[test]
fn a_file_that_is_not_there() {
    let folder = Folder::of(&[]);
    let problems = Config::load(&folder.file(), &Set::of(NOTHING)).unwrap_err();
    assert!(problems[0].to_string().contains("cannot be read"), "{problems:?}");
    assert_eq!(problems[0].severity, Severity::Error);
}

/// Files that are cut off, or lack a line, have problems at most.
#[test]
fn no_text_makes_it_fall_over() {
    let environment = of_fixtures();
    for name in ["bad.yaml", "aliases.yaml", "callbacks.yaml", "pass_through.yaml"] {
        let text = std::fs::read_to_string(fixtures().join(name)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let cut = (0..text.len()).step_by(13).map(|end| text[..end].to_owned());
        let lacking = (0..lines.len()).map(|gone| [&lines[..gone], &lines[gone + 1..]].concat().join("\n"));
        for text in cut.chain(lacking) {
            let folder = Folder::of(&[("config.yaml", &text)]);
            for problem in check(&folder.file(), &environment) {
                assert!(!problem.to_string().contains("planted"), "{problem}\n{text}");
            }
        }
    }
}
