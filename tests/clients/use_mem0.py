"""mem0: memories that a model extracts, kept in a vector store and found again."""

import os
import tempfile

folder = tempfile.mkdtemp()
os.environ["MEM0_DIR"] = folder

from _provider import Json, Provider, done  # noqa: E402
from mem0 import Memory  # noqa: E402


def answer(body: dict) -> object:
    said = str(body["messages"])
    if "facts" in said or "memor" in said:
        return Json(
            facts=["Likes cats"],
            memory=[{"id": "0", "text": "Likes cats", "event": "ADD", "attributed_to": "user"}],
        )
    return "no"


with Provider(always=answer) as provider:
    memory = Memory.from_config(
        {
            "llm": {"provider": "litellm", "config": {"model": "openai/gpt-4o-mini", "temperature": 0.1}},
            "embedder": {
                "provider": "openai",
                "config": {"model": "text-embedding-3-small", "openai_base_url": provider.url},
            },
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": f"{folder}/qdrant", "embedding_model_dims": 16, "collection_name": "m"},
            },
            "history_db_path": f"{folder}/history.db",
        }
    )
    added = memory.add([{"role": "user", "content": "I like cats"}], user_id="ada")
    assert [entry["memory"] for entry in added["results"]] == ["Likes cats"], added
    assert provider.chats[0]["temperature"] == 0.1
    assert "I like cats" in provider.said(0)
    found = memory.search("cats", filters={"user_id": "ada"})
    assert found["results"][0]["memory"] == "Likes cats", found

done(added=len(added["results"]), calls=len(provider.chats))
