"""A reference protocol as a rule pack: pack.toml, rules.toml and cases.toml, ready to be signed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from models.measurement import Value
from models.rules.pack import RulePack
from models.rules.toml import inline, text, value
from models.sets.protocol import (
    COUNT,
    FAILS_AT,
    LAYER,
    PARAMETERS,
    CannotLearn,
    Expected,
    Protocol,
    SeriesProtocol,
)

_SOURCE = (
    "qcbox protocol learn, from a good study; image-qc.md 6.5 MB10: TE 0.05 ms, TR 1 ms (MRQART, V), others 2 %"
)

_ALL = (*(known for group in PARAMETERS.values() for known in group), COUNT)


def files_of(protocol: Protocol, authors: Sequence[str], version: int = 1) -> dict[str, str]:
    """The three files of the pack, by name."""
    numbered = [(f"s{number:02}", one) for number, one in enumerate(protocol.series, start=1)]
    stem = f"PROTOCOL.{re.sub(r'[^A-Za-z0-9]', '_', protocol.name)}"
    rules, cases = [], [_base(protocol)]
    for number, one in numbered:
        for expected in one.expected:
            rule = f"{stem}.{number}.{expected.known.fact.rpartition('.')[2]}"
            rules.append(_rule(rule, one, expected))
            cases.append(_cases(rule, one, expected))
    for number, one in numbered:
        rules.append(_must_come(f"{stem}.{number}.is_there", one))
        cases.append(_cases_of_coming(f"{stem}.{number}.is_there", one))
    return {
        "pack.toml": _head(protocol, authors, version),
        "rules.toml": "\n".join(rules),
        "cases.toml": "\n".join(cases),
    }


def protocol_of(pack: RulePack) -> Protocol:
    """The protocol that a pack of this kind holds, its limits as somebody may have changed them.

    Raises:
        CannotLearn: it is a pack of another kind.
    """
    series: dict[str, list[Expected]] = {}
    for rule in pack.rules:
        limits = {limit.name: limit.value for limit in rule.limits}
        known = next((one for one in _ALL if one.fact in rule.fails.names), None)
        description, within = limits.get("series"), limits.get("tolerance", 0.0)
        if isinstance(description, str) and known is not None and isinstance(within, float):
            series.setdefault(description, []).append(Expected(known, limits["expected"], within))
    if not series or len(pack.scope.modality) != 1:
        raise CannotLearn("不是参考协议的规则包", "it is no rule pack of a reference protocol")
    return Protocol(
        name=pack.name,
        modality=pack.scope.modality[0],
        study_description=None,
        series=tuple(SeriesProtocol(name, tuple(expected), (), ()) for name, expected in series.items()),
        left_out=(),
        device_key=next(iter(pack.scope.device_key), ""),
    )


def _head(protocol: Protocol, authors: Sequence[str], version: int) -> str:
    device = f"device_key = {value((protocol.device_key,))}\n" if protocol.device_key else ""
    zh, en = _note(protocol)
    return f"""name = {text(protocol.name)}
version = {version}
layer = {text(LAYER)}
authors = {value(tuple(authors))}
when = {text(_condition(protocol))}

[scope]
level = ["series", "study"]
modality = [{text(protocol.modality)}]
{device}
[title]
zh = {text(f"参考协议 {protocol.name}")}
en = {text(f"Reference protocol {protocol.name}")}

[note]
zh = {text(zh)}
en = {text(en)}
"""


def _condition(protocol: Protocol) -> str:
    """Which studies it speaks of: those called as the example, or all of its modality that have such series."""
    if protocol.study_description is None:
        return "true"
    return f"dicom.StudyDescription == {_cel(protocol.study_description)}"


def _cel(said: str) -> str:
    """A CEL string: JSON's escapes are CEL's."""
    return text(said)


def _note(protocol: Protocol) -> tuple[str, str]:
    zh, en = (
        [f"由一次合格检查生成，共 {len(protocol.series)} 个序列。"],
        [f"From a good study of {len(protocol.series)} series."],
    )
    for one in protocol.series:
        for facts, say_zh, say_en in (
            (one.nullable, "未注明、不比较", "not stated, not compared"),
            (one.varying, "序列内变化、不比较", "varies, not compared"),
        ):
            if facts:
                names = ", ".join(fact.rpartition(".")[2] for fact in facts)
                zh.append(f"{one.description}：{say_zh}：{names}。")
                en.append(f"{one.description}: {say_en}: {names}.")
    if protocol.left_out:
        names = ", ".join(f"{name or '-'} ({why})" for name, why in protocol.left_out)
        zh.append(f"跳过的序列：{names}。")
        en.append(f"Series left out: {names}.")
    return "".join(zh)[:2000], " ".join(en)[:2000]


_WHEN = 'set.level == "series" && series.is_judged && dicom.SeriesDescription == limit.series'


def _rule(rule: str, one: SeriesProtocol, expected: Expected) -> str:
    fact, label = expected.known.fact, expected.known.label
    limits = [f"series = {text(one.description)}", f"expected = {value(expected.value)}"]
    if expected.tolerance:
        limits.append(f"tolerance = {value(expected.tolerance)}")
        off = f"{fact} > limit.expected + {{0}}limit.tolerance || {fact} < limit.expected - {{0}}limit.tolerance"
        verdict = f"warn = {text(off.format(''))}\nfails = {text(off.format(f'{FAILS_AT} * '))}\n"
        within = " ± {limit.tolerance}"
        deduct = "{ warn = 1, fail = 5 }"
    else:
        verdict, within, deduct = f"fails = {text(f'{fact} != limit.expected')}\n", "", "{ fail = 5 }"
    title = _plain(one.description)
    return f"""[[rule]]
id = {text(rule)}
when = {text(_WHEN)}
{verdict}severity = "minor"
deduct = {deduct}
group = "exposure"
source = {text(_SOURCE)}
evidence = "{"V" if expected.known.within else "E"}"
[rule.limit]
{chr(10).join(limits)}
[rule.text.zh]
title = {text(f"{title}：{label.zh}偏离协议")}
advice = {text(f"{label.zh} {{{fact}}}，协议为 {{limit.expected}}{within}：请核对是否改动了协议。")}
[rule.text.en]
title = {text(f"{title}: {label.en} is off the protocol")}
advice = {text(f"{label.en} {{{fact}}}, protocol {{limit.expected}}{within}: check whether it was changed.")}
"""


def _must_come(rule: str, one: SeriesProtocol) -> str:
    title = _plain(one.description)
    return f"""[[rule]]
id = {text(rule)}
when = 'set.level == "study" && set.is_whole'
fails = '!(limit.series in study.descriptions)'
severity = "major"
deduct = {{ fail = 20 }}
group = "position"
source = {text("qcbox protocol learn, from a good study; image-qc.md 6.5 MB01")}
evidence = "E"
[rule.limit]
series = {text(one.description)}
[rule.text.zh]
title = {text(f"缺少序列 {title}")}
advice = "协议中的序列 {{limit.series}} 未收到：请在患者离开前补扫，或确认重新发送。"
[rule.text.en]
title = {text(f"Series {title} is missing")}
advice = "{{limit.series}} of the protocol did not come: scan it before the patient leaves, or send it again."
"""


def _plain(description: str) -> str:
    """Fit for a title: no braces, not long."""
    return re.sub(r"[{}]", " ", description)[:60]


def _base(protocol: Protocol) -> str:
    facts: dict[str, Value] = {"dicom.Modality": protocol.modality}
    if protocol.study_description is not None:
        facts["dicom.StudyDescription"] = protocol.study_description
    if protocol.device_key:
        facts["case.device_key"] = protocol.device_key
    return "[base]\n" + "".join(f"{name} = {value(given)}\n" for name, given in facts.items())


def _cases(rule: str, one: SeriesProtocol, expected: Expected) -> str:
    fact = expected.known.fact
    base: dict[str, Value] = {
        "set.level": "series",
        "series.is_judged": True,
        "dicom.SeriesDescription": one.description,
    }
    lines = [f"[case.{text(rule)}]", f"base = {inline(base)}"]
    for outcome, values in _tried(expected):
        lines.append(f"{outcome} = [{', '.join(inline({fact: tried}) for tried in values)}]")
    elsewhere = {fact: expected.value, "dicom.SeriesDescription": f"not {one.description}"}
    return "\n".join((*lines, "not_assessed = [{}]", f"skips = [{inline(elsewhere)}]")) + "\n"


def _tried(expected: Expected) -> Iterator[tuple[str, list[Value]]]:
    wanted, off = expected.value, expected.tolerance
    yield "passes", [wanted]
    if isinstance(wanted, float):
        if off:
            yield "warns", [wanted + 2 * off, wanted - 2 * off]
        step = off or 1.0
        yield "fails", [wanted + 5 * step, wanted - 5 * step]
    elif isinstance(wanted, tuple):
        yield "fails", [(*wanted, "another")]
    else:
        yield "fails", [f"not {wanted}"]


def _cases_of_coming(rule: str, one: SeriesProtocol) -> str:
    base: dict[str, Value] = {"set.level": "study", "set.is_whole": True}
    there: tuple[str, ...] = (one.description, "another")
    return "\n".join(
        (
            f"[case.{text(rule)}]",
            f"base = {inline(base)}",
            f"passes = [{inline({'study.descriptions': there})}]",
            f"fails = [{inline({'study.descriptions': ('another',)})}]",
            "not_assessed = [{}]",
            f"skips = [{inline({'study.descriptions': ('another',), 'set.is_whole': False})}]",
            "",
        )
    )
