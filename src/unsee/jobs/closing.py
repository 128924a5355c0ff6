"""What follows the results: thumbnails, model card, report. All of it can be made again at any time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from unsee.jobs.data import pictures_of
from unsee.jobs.folder import RunFolder
from unsee.jobs.inputs import Request
from unsee.nouns import Picture
from unsee.reports.card import write_card
from unsee.reports.files import read_run
from unsee.reports.html import write_report
from unsee.reports.pictures import public_pictures
from unsee.suites.concept.questionnaire import Questionnaire


def close(folder: RunFolder, questionnaire: Questionnaire, request: Request) -> None:
    """Writes the thumbnails and the pages.

    With ``redact`` no picture of the concept is stored, and those stored before are taken away.
    """
    shown = {picture.hash: picture for picture in _pictures(questionnaire, request)}
    if request.config.redact:
        public = public_pictures(read_run(folder.path))
        for key in shown.keys() - public:
            (folder.path / "pictures" / f"{key}.png").unlink(missing_ok=True)
        shown = {key: picture for key, picture in shown.items() if key in public}
    for picture in shown.values():
        folder.store_picture(picture)
    write_pages(folder)


def write_pages(folder: RunFolder) -> None:
    """Model card and report; checkpoints that are not needed any more go away."""
    if folder.adapter.is_dir():
        write_card(folder.path)
    write_report(folder.path)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)


def _pictures(questionnaire: Questionnaire, request: Request) -> Iterator[Picture]:
    yield from pictures_of(request).values()
    yield from (question.picture for question in questionnaire.questions if question.picture is not None)
