"""aider: a file is edited as the model's answer says, streamed and whole."""

import os
import subprocess
import tempfile
from pathlib import Path

from _provider import KEY, Provider, done

EDIT = """I change the greeting.

hello.py
```python
<<<<<<< SEARCH
print("hello")
=======
print("{}")
>>>>>>> REPLACE
```
"""

with Provider(
    EDIT.format("goodbye"), EDIT.replace("hello", "goodbye").replace("goodbye.py", "hello.py").format("again")
) as provider:
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    (folder / "hello.py").write_text('print("hello")\n')
    subprocess.run(["git", "init", "-q"], check=True)
    os.environ["AIDER_ANALYTICS"] = "false"

    from aider.coders import Coder
    from aider.io import InputOutput
    from aider.models import Model

    model = Model("openai/gpt-4o-mini")
    model.extra_params = {"api_base": provider.url, "api_key": KEY}
    assert model.info["max_input_tokens"] == 128000
    assert model.token_count("hello world") == 2
    for stream in (True, False):
        coder = Coder.create(
            main_model=model,
            edit_format="diff",
            fnames=["hello.py"],
            io=InputOutput(yes=True, pretty=False, fancy_input=False),
            stream=stream,
            use_git=False,
        )
        coder.run("change the greeting")
        assert bool(provider.chats[-1].get("stream")) is stream
        assert "change the greeting" in provider.said()
        if stream:
            assert (folder / "hello.py").read_text() == 'print("goodbye")\n'
    assert (folder / "hello.py").read_text() == 'print("again")\n'
    assert coder.total_cost > 0
    assert coder.message_tokens_received >= 0

done(cost=coder.total_cost)
