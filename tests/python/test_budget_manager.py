"""Budgets that are kept in a file."""

import json
from concurrent.futures import ThreadPoolExecutor

import ferrolite


def test_budgets_may_be_saved_at_the_same_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    managers = [ferrolite.BudgetManager("test") for _ in range(8)]
    for number, manager in enumerate(managers):
        manager.user_dict = {"user": {"total_budget": number, "padding": "x" * 10000}}
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: managers[number % 8].save_data(), range(200)))
    assert told == [{"status": "success"}] * 200
    assert [path.name for path in tmp_path.iterdir()] == ["user_cost.json"]
    assert json.loads((tmp_path / "user_cost.json").read_text())["user"]["total_budget"] in range(8)
