"""A judge behind an OpenAI-compatible chat endpoint, every answer kept on disk.

What was answered once is never asked again: the file's name is the hash of endpoint, model, length and
prompt. The key comes from the environment only, goes into one header, and is in no file, no message and no
figure.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.metrics.judge_cache import keep, kept, place
from unsee.nouns import UserError

LONGEST_REPLY = 8  # tokens: one digit, with room to see that it is not one
PAUSE = 2.0  # seconds before the second try; doubled each time
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Endpoint:
    """Where the judge lives.

    Attributes:
        url: Up to and including the version, such as "https://api.openai.com/v1".
        model: Its name there; give a dated version, since others change under the same name.
        cache: Folder of the answers.
        key_variable: Environment variable that holds the key; "" for an endpoint without one.
        tries: How often a busy or unreachable endpoint is asked.
        timeout: Seconds to wait for one answer.
        sleep: Waits between tries.
        longest_reply: Most tokens of an answer.
    """

    url: str
    model: str
    cache: Path
    key_variable: str = "OPENAI_API_KEY"
    tries: int = 4
    timeout: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    longest_reply: int = LONGEST_REPLY

    @property
    def name(self) -> str:
        """Model and address."""
        return f"{self.model} at {self.url}"

    def ask(self, prompts: Sequence[str]) -> list[str]:
        """The judge's texts, in order, from disk where they are there.

        Raises:
            UserError: No key, a refusal of the endpoint, or no answer after all tries. What was answered is
                kept, so running again goes on from there.
        """
        return [self._one(prompt) for prompt in prompts]

    def check(self) -> None:
        """Refuses an endpoint that could not be asked.

        Raises:
            UserError: No http address, or no key.
        """
        if not self.url.startswith(("http://", "https://")):
            raise UserError(
                "the judge has no address",
                got=self.url,
                expected="an address that begins with http:// or https://",
                remedy="such as https://api.openai.com/v1",
            )
        self._headers()

    def _one(self, prompt: str) -> str:
        file = place(self.cache, self.url, self.model, str(self.longest_reply), prompt)
        if (there := kept(file)) is not None:
            return there
        said = _content(self._post(prompt), self.url)
        keep(file, self.model, said)
        return said

    def _post(self, prompt: str) -> bytes:
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": self.longest_reply,
        }
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}/chat/completions", json.dumps(body).encode(), self._headers()
        )
        problem = ""
        for number in range(self.tries):
            if number:
                self.sleep(PAUSE * 2 ** (number - 1))
            try:
                with _OPENER.open(request, timeout=self.timeout) as response:
                    answer: bytes = response.read()
                    return answer
            except urllib.error.HTTPError as error:
                problem = f"status {error.code}"
                if error.code not in BUSY:
                    break
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                problem = str(getattr(error, "reason", error))
        raise UserError(
            "the judge does not answer",
            got=f"{problem} from {self.url}",
            expected="an OpenAI-compatible endpoint /chat/completions that accepts the key",
            remedy=f"check url, model and {self.key_variable or 'the server'}; "
            "then run again, what was judged is kept",
        )

    def _headers(self) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json"}
        if not self.key_variable:
            return headers
        key = os.environ.get(self.key_variable, "")
        if not key:
            raise UserError(
                "there is no key for the judge",
                got=f"{self.key_variable} is not set",
                expected="a key in that environment variable",
                remedy=f"export {self.key_variable}=..., name another variable, or use the rule judge",
            )
        return {**headers, "Authorization": f"Bearer {key}"}


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def _content(answer: bytes, url: str) -> str:
    """The text of the first choice; "" where the endpoint sent none (a refusal)."""
    try:
        return str(json.loads(answer)["choices"][0]["message"]["content"] or "")
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(
            "the judge's answer has another form",
            got=answer.decode("utf-8", "replace"),
            expected="choices[0].message.content",
            remedy=f"is {url} an OpenAI-compatible endpoint?",
        ) from error
