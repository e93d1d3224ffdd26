"""Budgets for users of a program: who has spent how much, kept in a file."""

from __future__ import annotations

from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ferrolite.types.utils import ModelResponse

_DAYS = {"daily": 1, "weekly": 7, "monthly": 28, "yearly": 365}
_DAY = 24 * 60 * 60
_FILE = "user_cost.json"
_saving = Lock()


class BudgetManager:
    """Budgets in US dollars for users of a program.

    What is known of each user is in `user_dict`: `total_budget`, `current_cost`, `model_cost` by model, and the
    `duration` in days after which the cost begins at zero again.

    Args:
        project_name: For the program's own sake, and for the service of `client_type="hosted"`.
        client_type: "local" keeps budgets in `user_cost.json` in the working directory; "hosted" at a service.
        api_base: The service's address; there is no default.
        headers: Headers for the service.

    Raises:
        ValueError: A hosted client without an address.
    """

    def __init__(
        self,
        project_name: str,
        client_type: str = "local",
        api_base: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if client_type == "hosted" and not api_base:
            raise ValueError('BudgetManager(client_type="hosted") needs an api_base')
        self.client_type = client_type
        self.project_name = project_name
        self.api_base = api_base
        self.headers = headers or {"Content-Type": "application/json"}
        self.user_dict: dict[str, dict[str, Any]] = {}
        self.load_data()

    # Keeping

    def load_data(self) -> None:
        """Read what was saved. A local client without a file has no users."""
        if self.client_type == "hosted":
            answer = self._ask("get_budget", {"project_name": self.project_name})
            self.user_dict = answer.get("data") or {}
            return
        import json
        import os

        if os.path.isfile(_FILE):
            with open(_FILE, encoding="utf-8") as file:
                self.user_dict = json.load(file)

    def save_data(self) -> dict[str, Any]:
        """Write what is known. A local file is replaced as a whole, so that it is never half written."""
        if self.client_type == "hosted":
            return self._ask("set_budget", {"project_name": self.project_name, "user_dict": self.user_dict})
        import json
        import os
        from uuid import uuid4

        made = f"{_FILE}.{uuid4().hex}.new"
        with _saving:  # the later write is of the later state
            try:
                with open(made, "w", encoding="utf-8") as file:
                    json.dump(self.user_dict, file, indent=4)
                os.replace(made, _FILE)
            except BaseException:
                if os.path.exists(made):
                    os.unlink(made)
                raise
        return {"status": "success"}

    def _ask(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        import json
        from urllib.request import Request, urlopen

        request = Request(f"{self.api_base}/{path}", json.dumps(data).encode(), self.headers)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    # Users

    def create_budget(
        self,
        total_budget: float,
        user: str,
        duration: Literal["daily", "weekly", "monthly", "yearly"] | None = None,
        created_at: float | None = None,
    ) -> dict[str, Any]:
        """Give a user a budget.

        Args:
            total_budget: US dollars.
            user: Any name.
            duration: After which time the cost begins at zero again; never by default.
            created_at: Seconds since the epoch; now by default.

        Raises:
            ValueError: An unknown duration.
        """
        import time

        entry: dict[str, Any] = {"total_budget": total_budget}
        if duration is not None:
            if duration not in _DAYS:
                raise ValueError('duration needs to be one of ["daily", "weekly", "monthly", "yearly"]')
            now = time.time() if created_at is None else created_at
            entry |= {"duration": _DAYS[duration], "created_at": now, "last_updated_at": now}
        self.user_dict[user] = entry
        self.save_data()
        return entry

    def get_users(self) -> list[str]:
        """All users' names."""
        return list(self.user_dict)

    def is_valid_user(self, user: str) -> bool:
        """Whether the user has a budget."""
        return user in self.user_dict

    def get_total_budget(self, user: str) -> float:
        """A user's budget in US dollars. Raises KeyError for an unknown user."""
        return self.user_dict[user]["total_budget"]

    def get_current_cost(self, user: str) -> float:
        """What a user has spent, in US dollars. Raises KeyError for an unknown user."""
        return self.user_dict[user].get("current_cost", 0)

    def get_model_cost(self, user: str) -> dict[str, float]:
        """The same by model."""
        return self.user_dict[user].get("model_cost", {})

    # Spending

    def projected_cost(self, model: str, messages: list[Any], user: str) -> float:
        """What a user will have spent once a conversation is sent, without its answer."""
        from ferrolite import completion_cost, token_counter

        text = "".join(str(message.get("content") or "") for message in messages)
        tokens = token_counter(model=model, text=text)
        return self.get_current_cost(user) + completion_cost(
            completion_response={"model": model, "usage": {"prompt_tokens": tokens, "completion_tokens": 0}}
        )

    def update_cost(
        self,
        user: str,
        completion_obj: ModelResponse | None = None,
        model: str | None = None,
        input_text: str | None = None,
        output_text: str | None = None,
    ) -> dict[str, Any]:
        """Add the cost of an answer, or of two texts.

        Raises:
            ValueError: Neither an answer nor a model with both texts.
            KeyError: An unknown user.
        """
        from ferrolite import completion_cost

        if completion_obj is not None:
            cost = completion_cost(completion_response=completion_obj)
            model = completion_obj["model"]
        elif model and input_text is not None and output_text is not None:
            cost = completion_cost(model=model, prompt=input_text, completion=output_text)
        else:
            raise ValueError(
                "update_cost needs a completion_obj, or a model, an input_text and an output_text"
            )
        entry = self.user_dict[user]
        entry["current_cost"] = cost + entry.get("current_cost", 0)
        by_model = entry.setdefault("model_cost", {})
        by_model[model] = cost + by_model.get(model, 0)
        self.save_data()
        return {"user": entry}

    def reset_cost(self, user: str) -> dict[str, Any]:
        """Let a user begin at zero."""
        self.user_dict[user] |= {"current_cost": 0, "model_cost": {}}
        self.save_data()
        return {"user": self.user_dict[user]}

    def reset_on_duration(self, user: str) -> None:
        """Let a user begin at zero if the time of the budget has passed."""
        import time

        entry = self.user_dict[user]
        if "duration" in entry and time.time() - entry["last_updated_at"] >= entry["duration"] * _DAY:
            entry["last_updated_at"] = time.time()
            self.reset_cost(user)

    def update_budget_all_users(self) -> None:
        """`reset_on_duration` for every user."""
        for user in self.get_users():
            self.reset_on_duration(user)

    def print_verbose(self, print_statement: Any) -> None:
        """Log at debug level."""
        from ferrolite import print_verbose

        print_verbose(print_statement)
