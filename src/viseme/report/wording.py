"""Numbers, lists and shares as a reader expects them in running text and tables."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"


def number(value: float, digits: int) -> str:
    """`value` with `digits` decimals, a true minus sign, and thousands set apart by a narrow space.

    What rounds to zero carries no sign.
    """
    text = f"{abs(value):,.{digits}f}".replace(",", THIN)
    negative = value < 0 and any(character in "123456789" for character in text)
    return MINUS + text if negative else text


def signed(value: float, digits: int) -> str:
    """As `number`, with a plus sign before what is above zero."""
    text = number(value, digits)
    return "+" + text if value > 0 and any(character in "123456789" for character in text) else text


def bounds(low: float, high: float, digits: int) -> str:
    """`[low, high]`."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def signed_bounds(low: float, high: float, digits: int) -> str:
    """`[low, high]` with signs, for differences."""
    return f"[{signed(low, digits)}, {signed(high, digits)}]"


def enough_digits(low: float, high: float, digits: int, more: int = 3) -> int:
    """Decimals that show both ends of an interval apart from zero where it excludes zero, at most `more` extra."""
    if low <= 0 <= high:
        return digits
    nearest = min(abs(low), abs(high))
    return min(digits + more, max(digits, math.ceil(-math.log10(nearest))))


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(count: int, thing: str, things: str = "") -> str:
    """`1 clip`, `1 125 clips`."""
    return f"{number(count, 0)} {thing if count == 1 else things or thing + 's'}"


def signature(hexadecimal: str, length: int = 12) -> str:
    """The beginning of a checksum, enough to tell two apart by eye."""
    return hexadecimal if len(hexadecimal) <= length else hexadecimal[:length] + "\N{HORIZONTAL ELLIPSIS}"


def natural(name: str) -> list[tuple[int, str]]:
    """A key by which `s2` comes before `s10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def capitalised(text: str) -> str:
    """`text` with its first letter raised, the rest left as it is."""
    return text[:1].upper() + text[1:]


def shown(value: Any) -> str:
    """As a person would write it: yes and no, lists with commas, nothing as a dash."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
