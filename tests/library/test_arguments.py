"""Arguments of a policy that look right and could never work."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from cors_right import CORSPolicy
from cors_right.policy import CORSPolicyError

HOST = ".".join(["a" * 63] * 3 + ["b" * 59])  # 251 characters
VALUES = {
    "allow_origins": ["https://a.example", "https://b.example"],
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-A", "X-B"],
    "expose_headers": ["X-C", "X-D"],
}
ITERABLES: dict[str, Callable[[list[str]], Iterable[str]]] = {
    "list": list,
    "tuple": tuple,
    "dict": dict.fromkeys,
    "map": lambda values: map(str, values),
    "filter": lambda values: filter(None, values),
    "generator": lambda values: (value for value in values),
    "iter": iter,
    "reversed": lambda values: reversed(values[::-1]),
}


@pytest.mark.parametrize("kind", ITERABLES)
@pytest.mark.parametrize("argument", VALUES)
def test_policy_keeps_values_of_any_iterable(argument: str, kind: str) -> None:
    values = VALUES[argument]
    policy = CORSPolicy(**{argument: ITERABLES[kind](values)})  # type: ignore[arg-type]
    assert getattr(policy, argument) == tuple(values)


@pytest.mark.parametrize("argument", VALUES)
@pytest.mark.parametrize("values", ["https://a.example", b"GET", 1, None, [1]])
def test_policy_refuses_values_other_than_string_lists(argument: str, values: Any) -> None:
    with pytest.raises(CORSPolicyError) as caught:
        CORSPolicy(**{argument: values})
    assert all(str(problem).startswith(argument) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ({"max_age": True}, "max_age: True "),
        ({"max_age": False}, "max_age: False "),
        ({"max_age": -1}, "max_age: -1 "),
        ({"max_age": 600.0}, "max_age: 600.0 "),
        ({"allow_headers": ["X-Company-*"]}, "allow_headers: 'X-Company-*' "),
        ({"allow_methods": ["P*"]}, "allow_methods: 'P*' "),
        ({"expose_headers": ["X-*"]}, "expose_headers: 'X-*' "),
        ({"allow_origins": [f"https://*.b{HOST}"]}, "'https://*.b"),
    ],
)
def test_policy_refuses_entries_that_never_work(arguments: dict[str, Any], start: str) -> None:
    with pytest.raises(CORSPolicyError) as caught:
        CORSPolicy(**arguments)
    (problem,) = caught.value.problems
    assert str(problem).startswith(start)


def test_longest_base_of_a_pattern_matches_a_name() -> None:
    policy = CORSPolicy(allow_origins=[f"https://*.{HOST}"])
    assert policy.allows(f"https://a.{HOST}")
    assert not policy.allows(f"https://ab.{HOST}")
