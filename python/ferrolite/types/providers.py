"""LiteLLM's names of providers and of calls."""

from __future__ import annotations

from enum import Enum

_NAMES = (
    "a2a a2a_agent abliteration ai21 ai21_chat aiand aiml aiohttp_openai amazon_nova anthropic "
    "anthropic_text apertis assemblyai auto_router aws_polly aws_textract azure azure_ai azure_speech "
    "azure_text baseten bedrock bedrock_mantle bespoke bigmodel black_forest_labs bytez cerebras "
    "charity_engine chatgpt chutes clarifai clf_ai_gateway cloudflare codestral cognition cohere "
    "cohere_chat cometapi compactifai coralbricks cortecs cursor custom custom_openai darkbloom dashscope "
    "databricks databricks_agent datarobot deepgram deepinfra deepseek docker_model_runner dotprompt "
    "edenai elevenlabs empower eu_jev fal_ai featherless_ai fireworks_ai friendliai galadriel gdc gemini "
    "gigachat github github_copilot gradient_ai groq helicone heroku hosted_vllm hostinger_router "
    "huggingface humanloop hyperbolic inception inferenceapis infinity jina_ai kyma lambda_ai langflow "
    "langfuse langgraph laya lemonade libertai litellm_agent litellm_proxy llamafile lm_studio manus "
    "maritalk meta meta_llama microsoft_365_copilot milvus minimax mistral modelscope mongodb moonshot "
    "morph nace nadir nano-gpt nebius neosantara nlp_cloud novita nscale nvidia_nim nvidia_riva oci "
    "ollama ollama_chat oobabooga openai openai_like opencode_go openinfer openrouter opensearch ovhcloud "
    "parasail perplexity petals pg_vector pinstripes poe predibase prism publicai qwen_ai_platform "
    "qwencloud ragflow recraft reducto refuseless reka replicate runwayml s3_vectors sagemaker "
    "sagemaker_chat sagemaker_nova sail sambanova sap scaledown scaleway scx-ai snowflake soniox "
    "stability strands_decider streamlake synthetic tencent tensormesh text-completion-codestral "
    "text-completion-inception text-completion-openai together_ai topaz transcribe triton typesafe v0 "
    "valkey vercel_ai_gateway vertex_ai vertex_ai_beta vllm volcengine voyage wandb watsonx watsonx_text "
    "xai xiaomi_mimo xinference zai zerogpu "
)
_OTHERWISE = {"LLAMA": "meta_llama", "NANOGPT": "nano-gpt", "SAP_GENERATIVE_AI_HUB": "sap"}
_MEMBERS = {
    name.upper().replace("-", "_"): name for name in _NAMES.split() if name not in _OTHERWISE.values()
} | _OTHERWISE

LlmProviders = Enum("LlmProviders", _MEMBERS, type=str, module="ferrolite.types.utils")
"""Every provider that LiteLLM has a name for; those that are served are in docs/providers.md."""

_CALLS = (
    "_arealtime _aresponses_websocket a_add_message aanthropic_messages acancel_batch "
    "acancel_fine_tuning_job acancel_responses acode_interpreter_tool acompletion acreate_assistants "
    "acreate_batch acreate_container acreate_file acreate_fine_tuning_job acreate_interaction "
    "acreate_sandbox acreate_skill acreate_thread acreate_video add_message adecisions adelete_assistant "
    "adelete_container adelete_responses adelete_sandbox aembedding aextraction afile_content "
    "afile_delete afile_list afile_retrieve agenerate_content agenerate_content_stream aget_assistants "
    "aget_messages aget_responses aget_thread aimage_edit aimage_generation aingest alist_container_files "
    "alist_containers alist_fine_tuning_jobs alist_input_items allm_passthrough_route amoderation "
    "anthropic_messages aocr aquery arerank aresponses aretrieve_batch aretrieve_container "
    "aretrieve_fine_tuning_job arun_code arun_thread arun_thread_stream asearch asend_message aspeech "
    "asystemone atext_completion atranscription aupload_container_file avector_store_create "
    "avector_store_file_content avector_store_file_create avector_store_file_delete "
    "avector_store_file_list avector_store_file_retrieve avector_store_file_update avector_store_search "
    "avideo_content avideo_create_character avideo_delete avideo_edit avideo_extension avideo_generation "
    "avideo_get_character avideo_list avideo_remix avideo_retrieve avideo_retrieve_job call_mcp_tool "
    "cancel_batch cancel_fine_tuning_job cancel_responses code_interpreter_tool completion "
    "create_assistants create_batch create_container create_file create_fine_tuning_job "
    "create_interaction create_sandbox create_thread create_video decisions delete_assistant "
    "delete_container delete_responses delete_sandbox embedding extraction file_content file_delete "
    "file_list file_retrieve generate_content generate_content_stream get_assistants get_messages "
    "get_responses get_thread image_edit image_generation ingest list_container_files list_containers "
    "list_fine_tuning_jobs list_mcp_tools llm_passthrough_route moderation ocr pass_through_endpoint "
    "query rerank responses retrieve_batch retrieve_container retrieve_fine_tuning_job run_code "
    "run_thread run_thread_stream search send_message speech systemone text_completion transcription "
    "upload_container_file vector_store_create vector_store_file_content vector_store_file_create "
    "vector_store_file_delete vector_store_file_list vector_store_file_retrieve vector_store_file_update "
    "vector_store_search video_content video_create_character video_delete video_edit video_extension "
    "video_generation video_get_character video_list video_remix video_retrieve video_retrieve_job "
)
CallTypes = Enum(
    "CallTypes",
    {
        name.lstrip("_") if name != "pass_through_endpoint" else "pass_through": name
        for name in _CALLS.split()
    },
    type=str,
    module="ferrolite.types.utils",
)
"""Every call that LiteLLM has a name for."""

provider_list = list(LlmProviders)
"""All providers; names are members, too: `"openai" in provider_list`."""

openai_compatible_providers = [
    "anyscale",
    "groq",
    "nvidia_nim",
    "cerebras",
    "baseten",
    "sambanova",
    "ai21_chat",
    "ai21",
    "volcengine",
    "codestral",
    "deepseek",
    "tencent",
    "deepinfra",
    "clf_ai_gateway",
    "perplexity",
    "xinference",
    "xai",
    "zai",
    "together_ai",
    "fireworks_ai",
    "empower",
    "friendliai",
    "azure_ai",
    "github",
    "litellm_proxy",
    "hosted_vllm",
    "llamafile",
    "lm_studio",
    "galadriel",
    "zerogpu",
    "github_copilot",
    "chatgpt",
    "novita",
    "meta_llama",
    "publicai",
    "aiand",
    "synthetic",
    "tensormesh",
    "apertis",
    "nano-gpt",
    "poe",
    "chutes",
    "parasail",
    "libertai",
    "featherless_ai",
    "nscale",
    "nebius",
    "dashscope",
    "qwencloud",
    "qwen_ai_platform",
    "modelscope",
    "moonshot",
    "v0",
    "helicone",
    "morph",
    "opencode_go",
    "lambda_ai",
    "inception",
    "hyperbolic",
    "vercel_ai_gateway",
    "aiml",
    "edenai",
    "wandb",
    "cometapi",
    "clarifai",
    "docker_model_runner",
    "ragflow",
    "pinstripes",
    "openinfer",
    "darkbloom",
    "meta",
    "cognition",
    "coralbricks",
    "cortecs",
    "scx-ai",
    "prism",
    "hostinger_router",
    "sail",
    "reka",
    "streamlake",
]
"""Providers that speak OpenAI's format, as LiteLLM lists them."""

openai_text_completion_compatible_providers = [
    "together_ai",
    "fireworks_ai",
    "hosted_vllm",
    "meta_llama",
    "llamafile",
    "featherless_ai",
    "nebius",
    "dashscope",
    "qwencloud",
    "qwen_ai_platform",
    "modelscope",
    "moonshot",
    "publicai",
    "synthetic",
    "tensormesh",
    "apertis",
    "nano-gpt",
    "poe",
    "chutes",
    "v0",
    "lambda_ai",
    "hyperbolic",
    "wandb",
]
"""Those of them with text completions."""

LITELLM_CHAT_PROVIDERS = [
    "openai",
    "openai_like",
    "bytez",
    "gdc",
    "xai",
    "custom_openai",
    "text-completion-openai",
    "cohere",
    "cohere_chat",
    "clarifai",
    "anthropic",
    "anthropic_text",
    "replicate",
    "huggingface",
    "together_ai",
    "datarobot",
    "helicone",
    "openrouter",
    "cometapi",
    "vertex_ai",
    "vertex_ai_beta",
    "gemini",
    "ai21",
    "baseten",
    "azure",
    "azure_text",
    "azure_ai",
    "sagemaker",
    "sagemaker_chat",
    "sagemaker_nova",
    "bedrock",
    "vllm",
    "nlp_cloud",
    "petals",
    "oobabooga",
    "ollama",
    "ollama_chat",
    "deepinfra",
    "clf_ai_gateway",
    "perplexity",
    "mistral",
    "groq",
    "gigachat",
    "nvidia_nim",
    "cerebras",
    "nadir",
    "ai21_chat",
    "volcengine",
    "codestral",
    "text-completion-codestral",
    "text-completion-inception",
    "deepseek",
    "tencent",
    "sambanova",
    "maritalk",
    "cloudflare",
    "fireworks_ai",
    "friendliai",
    "watsonx",
    "watsonx_text",
    "triton",
    "predibase",
    "databricks",
    "empower",
    "github",
    "custom",
    "litellm_proxy",
    "hosted_vllm",
    "llamafile",
    "lm_studio",
    "galadriel",
    "gradient_ai",
    "github_copilot",
    "chatgpt",
    "novita",
    "meta_llama",
    "featherless_ai",
    "nscale",
    "nebius",
    "dashscope",
    "qwencloud",
    "qwen_ai_platform",
    "modelscope",
    "moonshot",
    "publicai",
    "v0",
    "heroku",
    "oci",
    "morph",
    "opencode_go",
    "lambda_ai",
    "inception",
    "vercel_ai_gateway",
    "wandb",
    "edenai",
    "ovhcloud",
    "lemonade",
    "docker_model_runner",
    "amazon_nova",
    "scaledown",
]
"""Providers with chats, as LiteLLM lists them."""

openai_compatible_endpoints = [
    "api.perplexity.ai",
    "api.endpoints.anyscale.com/v1",
    "api.deepinfra.com/v1/openai",
    "api.clfaigateway.dev/v1",
    "api.mistral.ai/v1",
    "codestral.mistral.ai/v1/chat/completions",
    "codestral.mistral.ai/v1/fim/completions",
    "api.groq.com/openai/v1",
    "https://integrate.api.nvidia.com/v1",
    "https://api.getnadir.com/v1",
    "api.deepseek.com/v1",
    "api.together.ai/v1",
    "api.together.xyz/v1",
    "app.empower.dev/api/v1",
    "https://api.friendli.ai/serverless/v1",
    "api.sambanova.ai/v1",
    "api.x.ai/v1",
    "ollama.com",
    "api.galadriel.ai/v1",
    "api.llama.com/compat/v1/",
    "api.featherless.ai/v1",
    "inference.api.nscale.com/v1",
    "api.studio.nebius.ai/v1",
    "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "https://api-inference.modelscope.cn/v1",
    "https://api.moonshot.ai/v1",
    "https://api.publicai.co/v1",
    "https://api.aiand.com/v1",
    "https://api.synthetic.new/openai/v1",
    "https://serverless.tensormesh.ai/v1",
    "https://api.stima.tech/v1",
    "https://nano-gpt.com/api/v1",
    "https://api.poe.com/v1",
    "https://llm.chutes.ai/v1/",
    "https://api.v0.dev/v1",
    "https://api.morphllm.com/v1",
    "https://api.lambda.ai/v1",
    "https://api.inceptionlabs.ai/v1",
    "https://api.hyperbolic.xyz/v1",
    "https://ai-gateway.helicone.ai/",
    "https://ai-gateway.vercel.sh/v1",
    "https://api.edenai.run/v3",
    "https://api.inference.wandb.ai/v1",
    "https://api.clarifai.com/v2/ext/openai/v1",
    "https://api.libertai.io/v1",
    "https://pinstripes.io/v1",
    "https://api.meta.ai/v1",
    "https://api.sailresearch.com/v1",
    "https://api.cognition.ai/v1",
    "https://inference.coralbricks.ai/v1",
    "https://api.cortecs.ai/v1",
    "https://api.scx.ai/v1",
    "https://api.prisminference.com/v1",
    "https://api.reka.ai/v1",
    "https://gigachat.devices.sberbank.ru/api/v1",
    "https://api.openinfer.ai/v1",
    "https://vanchin.streamlake.ai/api/gateway/v1/endpoints",
]
"""Addresses that tell a provider of OpenAI's format."""
