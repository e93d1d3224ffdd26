"""Classes of OpenAI's Responses, where LiteLLM has them."""
