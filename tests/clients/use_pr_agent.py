"""pr-agent: its handler asks a model."""

import asyncio
import os

from _provider import KEY, Provider, done

with Provider("type: fix", "async again") as provider:
    os.environ.update(OPENAI__KEY=KEY, OPENAI__API_BASE=provider.url)
    from pr_agent.algo.ai_handlers.litellm_ai_handler import LiteLLMAIHandler
    from pr_agent.config_loader import get_settings

    get_settings().set("config.model", "openai/gpt-4o-mini")
    get_settings().set("openai.key", KEY)
    get_settings().set("openai.api_base", provider.url)

    async def main() -> None:
        handler = LiteLLMAIHandler()
        text, finish = await handler.chat_completion("openai/gpt-4o-mini", "You review.", "Look at it", 0.1)
        assert (text, finish) == ("type: fix", "stop")
        assert [message["role"] for message in provider.chats[0]["messages"]] == ["system", "user"]
        assert provider.chats[0]["temperature"] == 0.1
        text, _ = await handler.chat_completion("openai/gpt-4o-mini", "You review.", "And again")
        assert text == "async again"

    asyncio.run(main())

done(calls=len(provider.chats))
