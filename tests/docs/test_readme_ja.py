"""The Japanese README is in step with the English one, and uses one term for one thing."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.documents import TOP, name, without_blocks
from tests.docs.outline import out_of_step, sections
from tests.docs.test_links import anchors

ENGLISH, JAPANESE = TOP / "README.md", TOP / "README.ja.md"
PAGE = TOP / "scripts/fleet/report_page/messages/ja.toml"
TO_JAPANESE, TO_ENGLISH = "[日本語](README.ja.md)", "[English](README.md)"

# Spellings that are not used, and those of Kubernetes' documentation in Japanese.
INSTEAD = {
    r"クラスタ(?!ー)": "クラスター",
    r"サーバ(?!ー)": "サーバー",
    r"ユーザ(?!ー)": "ユーザー",
    r"フォルダ(?!ー)": "フォルダー",
    r"ドライバ(?!ー)": "ドライバー",
    r"コンテナー": "コンテナ",
    r"プロキシー": "プロキシ",
    r"レジストリー": "レジストリ",
    r"ポッド": "Pod",
    r"(?:である|だ|(?<![まで])した|する)。": "です・ます",
    r"(?![\uff01\uff1f])[\uff01-\uff5e]": "半角",
}


def japanese() -> str:
    """Return the Japanese README with the English one's link to the other language."""
    return JAPANESE.read_text().replace(TO_ENGLISH, TO_JAPANESE, 1)


def test_the_japanese_readme_is_in_step() -> None:
    problems = out_of_step(ENGLISH.read_text(), japanese())
    assert not problems, "change README.md and README.ja.md together:\n" + "\n".join(problems)


def test_each_readme_leads_to_the_other() -> None:
    assert ENGLISH.read_text().splitlines()[2] == TO_JAPANESE
    assert JAPANESE.read_text().splitlines()[2] == TO_ENGLISH


def test_headings_in_japanese_have_anchors_of_their_own() -> None:
    assert "ca-と鍵のローテーション" in anchors(JAPANESE)
    assert len(anchors(JAPANESE)) == len(sections(JAPANESE.read_text()))


def misspelled(text: str) -> list[str]:
    """Return what is not used, with some text before it, and what to write instead."""
    return [
        f"{found}: {instead}"
        for pattern, instead in INSTEAD.items()
        for found in re.findall(rf".{{0,9}}{pattern}", text)
    ]


@pytest.mark.parametrize("path", [JAPANESE, PAGE], ids=name)
def test_japanese_texts_use_one_spelling(path: Path) -> None:
    assert misspelled(without_blocks(path)) == []


@pytest.mark.parametrize(
    "text",
    [
        "クラスタを作成します。",
        "ポッドです。",
        "クラスターを作成する。",
        "失敗した。",
        "ノード１です。",
    ],
)
def test_a_planted_spelling_is_found(text: str) -> None:
    assert len(misspelled(f"クラスターのサーバーでした。{text}正常に終了しました。")) == 1


def replaced(old: str, new: str) -> Callable[[str], str]:
    def spoil(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return spoil


# What somebody did to one of both, and what the test says.
SPOILED = {
    "a command is gone": (
        replaced("fleet revoke alice  ", "fleet  "),
        ["section ## Who has access", "fleet revoke alice"],
    ),
    "a comment in a block is translated": (
        replaced("# Pulumi.dev.yaml\n", "# 設定\n"),
        ["section ## What a fleet looks like", "# 設定"],
    ),
    "a block is gone": (
        lambda text: re.sub(r"```sh\nfleet rotate.*?\n```\n\n", "", text, flags=re.DOTALL),
        ["section ## Replacing a CA or a key", "block 'fleet rotate ca"],
    ),
    "a section is new": (
        replaced("\n## クラスターの比較\n", "\n## 新機能\n\n説明です。\n\n## クラスターの比較\n"),
        ["section ## 新機能: has no counterpart in the original"],
    ),
    "a section is gone": (
        lambda text: re.sub(r"## 障害に備えた余裕\n.*?(?=\n## )", "", text, flags=re.DOTALL),
        ["section ## Room for failures: has no counterpart in the translation"],
    ),
    "a heading has another level": (
        replaced("\n## クラスターの比較", "\n### クラスターの比較"),
        ["section ## Comparing clusters (クラスターの比較): level 2 became 3"],
    ),
    "a paragraph is new": (
        replaced("\n## クラスターの比較\n", "\n## クラスターの比較\n\n説明です。\n"),
        ["section ## Comparing clusters", "'説明です。' has no counterpart in the original"],
    ),
    "a row is gone": (
        lambda text: re.sub(r"\| `fleet etcd status.*\n", "", text),
        ["section ## Two commands", "row of 2 '| `fleet etcd status CLUSTER`"],
    ),
    "a column is new": (
        replaced("| `fleet pulumi ...` |", "| `fleet pulumi ...` | |"),
        ["section ## Two commands", "fleet pulumi ...", "became a row of 3"],
    ),
    "a link leads elsewhere": (
        replaced("(docs/runbooks/drain-stuck.md)", "(docs/runbooks/drift.md)"),
        ["section ## Day two", "lacks [](docs/runbooks/drain-stuck.md)"],
    ),
    "an image is another one": (
        replaced("(docs/report.png)", "(docs/scale.svg)"),
        ["section ## The fleet on one page", "lacks ![](docs/report.png)"],
    ),
    "a flag is another one": (
        replaced("`--with none`", "`--with nothing`"),
        ["section ## The fleet on one page", "lacks `--with none`"],
    ),
    "a number is another one": (
        replaced("253 個", "254 個"),
        ["section ## What a fleet looks like", "lacks the number 253"],
    ),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
def test_what_is_out_of_step_is_named(spoil: Callable[[str], str], said: list[str]) -> None:
    problems = out_of_step(ENGLISH.read_text(), spoil(japanese()))
    assert 1 <= len(problems) <= 2
    assert all(each in problems[0] for each in said), problems


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "\n## Room for failures\n",
            "\n## New\n\nWhat is new.\n\n## Room for failures\n",
            "section ## New: has no counterpart in the translation",
        ),
        (
            "| `fleet pulumi ...` |",
            "| `fleet new` | what is new |\n| `fleet pulumi ...` |",
            "section ## Two commands (2 つのコマンド): row of 2 '| `fleet new` | what is new |'",
        ),
        (
            "# kubectl config get-contexts",
            "# kubectl config view",
            "section ## Two commands (2 つのコマンド): block '# export KUBECONFIG=$PWD/kubeconfig'",
        ),
        (
            "for 253\npods",
            "for 509\npods",
            "section ## What a fleet looks like (フリートの定義): paragraph 'Pod and Service",
        ),
    ],
    ids=["section", "row", "command", "number"],
)
def test_what_is_new_in_english_is_named(old: str, new: str, said: str) -> None:
    problems = out_of_step(replaced(old, new)(ENGLISH.read_text()), japanese())
    assert len(problems) == 1
    assert problems[0].startswith(said)
