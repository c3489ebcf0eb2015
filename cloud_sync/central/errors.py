"""What the centre's operator can do wrong, in both languages, with a hint."""

from __future__ import annotations

_WORDS: dict[str, tuple[str, str]] = {
    "database.url": (
        "database.url is neither sqlite:////path/file.db nor postgresql+psycopg://...",
        "database.url 既不是 sqlite:////路径/文件.db, 也不是 postgresql+psycopg://…",
    ),
    "database.unusable": (
        "the database cannot be opened; check that its folder exists and is writable",
        "数据库打不开; 请检查所在文件夹是否存在且可写",
    ),
    "config.unreadable": (
        "the configuration file cannot be read; check its path and permissions",
        "读不了配置文件; 请检查路径和权限",
    ),
    "config.syntax": (
        "the configuration file is not valid TOML",
        "配置文件不是有效的 TOML",
    ),
    "config.value": (
        "the configuration has an unknown key or a wrong value",
        "配置中有未知的键或错误的值",
    ),
    "account.exists": (
        "there is an account of that name; choose another name",
        "该账号已存在; 请换一个名字",
    ),
    "account.role": (
        "the role is qc-group or admin",
        "角色只能是 qc-group 或 admin",
    ),
    "account.weak": (
        "the password needs at least 10 characters",
        "密码至少要 10 个字符",
    ),
    "account.name": (
        "an account's name has 1 to 64 letters, digits, dots, dashes or underscores",
        "账号名为 1 到 64 个字母、数字、点、短横或下划线",
    ),
}


class CentralError(Exception):
    """A mistake that the operator can mend. ``code`` is stable; ``where`` names keys, never values."""

    def __init__(self, code: str, where: str = "") -> None:
        self.code = code
        self.where = where
        super().__init__(f"{code}: {self.say('en')}")

    def say(self, language: str) -> str:
        """The text in one language."""
        english, chinese = _WORDS[self.code]
        place = f" [{self.where}]" if self.where else ""
        return (chinese if language.startswith("zh") else english) + place
