"""Keeps the ways in which notices leave the house; a gateway takes a letter or raises SendingFailed."""

import logging
from typing import Protocol

from app.notices.outbox import Letter
from app.notices.templates import By, words_of

log = logging.getLogger("minhu.notices")


class SendingFailed(Exception):
    """The peer did not take the letter; it will be tried again."""


class Gateway(Protocol):
    """Sends one letter."""

    def send(self, letter: Letter) -> None:
        """Send a letter, outside any transaction; raises SendingFailed."""

    def text(self, phone: str, words: str) -> None:
        """Text words that are kept nowhere to a telephone, outside any transaction; raises SendingFailed."""


class ConsoleGateway:
    """Writes each letter to the log: for counties that have not connected WeChat or SMS yet, and for demonstrations."""

    def send(self, letter: Letter) -> None:
        """Write the letter's key, way, recipient id and words to the log."""
        words = words_of(letter.template, letter.params)
        log.info("%s → %s %s %s：%s", letter.key, letter.by, letter.recipient, letter.recipient_id, words)

    def text(self, phone: str, words: str) -> None:
        """Write the words to the log, and the last digits of the phone."""
        log.info("→ %s …%s：%s", By.SMS, phone[-4:], words)


class RecordingGateway:
    """Keeps letters for tests to read, and fails on demand."""

    def __init__(self) -> None:
        """Start empty and willing."""
        self.sent: list[Letter] = []
        self.texts: list[tuple[str, str]] = []
        self.failing = False

    def send(self, letter: Letter) -> None:
        """Keep the letter, or raise SendingFailed while `failing`."""
        if self.failing:
            raise SendingFailed("switched to failing")
        self.sent.append(letter)

    def text(self, phone: str, words: str) -> None:
        """Keep phone and words, or raise SendingFailed while `failing`."""
        if self.failing:
            raise SendingFailed("switched to failing")
        self.texts.append((phone, words))

    def words(self) -> list[str]:
        """Give the sentences sent so far."""
        return [words_of(letter.template, letter.params) for letter in self.sent]
