"""IAM's decision: an explicit deny wins, else something must allow. Actions, resources and conditions all count."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Context = dict[str, str | list[str]]


@dataclass(frozen=True)
class Need:
    """One permission that a call needs."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def allows(documents: list[dict[str, Any]], need: Need) -> bool:
    """Whether a caller with these policies may."""
    statements = [statement for document in documents for statement in as_list(document["Statement"])]
    effects = {statement["Effect"] for statement in statements if applies(statement, need)}
    return "Allow" in effects and "Deny" not in effects


def applies(statement: dict[str, Any], need: Need) -> bool:
    return (
        named(statement, "Action", need.action.lower())
        and named(statement, "Resource", need.resource)
        and all(holds(operator, keys, need.context) for operator, keys in statement.get("Condition", {}).items())
    )


def named(statement: dict[str, Any], element: str, value: str) -> bool:
    """Whether an element, or its opposite, names the value."""
    is_action = element == "Action"
    patterns = lambda key: (p.lower() if is_action else p for p in as_list(statement[key]))
    if element in statement:
        return any(like(pattern, value) for pattern in patterns(element))
    return not any(like(pattern, value) for pattern in patterns(f"Not{element}"))


def holds(operator: str, keys: dict[str, Any], context: Context) -> bool:
    """Whether every key of one operator holds."""
    quantifier, _, operator = operator.rpartition(":")
    if_exists = operator.endswith("IfExists")
    test = TESTS[operator.removesuffix("IfExists")]
    lower = {key.lower(): value for key, value in context.items()}
    for key, wanted in keys.items():
        found = lower.get(key.lower())
        if operator == "Null":
            fits = (found is None) == (as_list(wanted)[0] in ("true", True))
        elif found is None:
            fits = if_exists or quantifier == "ForAllValues" or operator.startswith("StringNot")
        else:
            fits = quantified(quantifier, [test(value, as_list(wanted)) for value in as_list(found)])
        if not fits:
            return False
    return True


def quantified(quantifier: str, results: list[bool]) -> bool:
    return any(results) if quantifier == "ForAnyValue" else all(results)


# An operator that is not here is a mistake of the policy, or something to add: it fails loudly.
TESTS = {
    "StringEquals": lambda value, wanted: value in wanted,
    "StringNotEquals": lambda value, wanted: value not in wanted,
    "StringLike": lambda value, wanted: any(like(pattern, value) for pattern in wanted),
    "StringNotLike": lambda value, wanted: not any(like(pattern, value) for pattern in wanted),
    "ArnEquals": lambda value, wanted: any(like(pattern, value) for pattern in wanted),
    "ArnLike": lambda value, wanted: any(like(pattern, value) for pattern in wanted),
    "Bool": lambda value, wanted: str(value).lower() in (str(each).lower() for each in wanted),
    "Null": None,
}


def like(pattern: str, value: str) -> bool:
    return compiled(pattern).fullmatch(value) is not None


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
