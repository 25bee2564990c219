"""Speech with a known text, spoken by flite, and how much of it was misheard."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

VOICES = ("kal16", "rms")
SENTENCES = (
    "I usually type a few words into the search box",
    "Then I look at the first results on the page",
    "The last time it took me about ten minutes",
    "I was looking for the price of a new phone",
    "It was hard to find because the list was too long",
    "My sister told me to call the shop instead",
    "That worked very well and I was happy with it",
    "I do not like it when the page moves around",
    "Most of the time I give up and ask somebody",
    "The pictures are small and the text is hard to read",
    "I would like to see the price before anything else",
    "We talk about this at work almost every week",
    "It is easy to use when you know where to look",
    "I have used the product for three years",
    "There was a problem with the order last month",
    "In the end I got my money back",
)


def speak(flite: str, text: str, voice: str, out: Path) -> bytes:
    """16 kHz mono PCM of a text."""
    subprocess.run([flite, "-voice", voice, "-t", text, "-o", str(out)], check=True)
    with wave.open(str(out)) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        return file.readframes(file.getnframes())


def corpus(flite: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    for voice in VOICES:
        for text in SENTENCES:
            yield text, speak(flite, text, voice, folder / "spoken.wav")


def misheard(said: str, heard: str) -> int:
    """Words that were left out, put in or changed."""
    wanted, found = said.lower().split(), heard.lower().split()
    row = list(range(len(found) + 1))
    for i, word in enumerate(wanted, 1):
        above, row = row, [i]
        for j, other in enumerate(found, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
    return row[-1]
