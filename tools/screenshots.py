"""Makes the screenshots of the page, for README and docs/page.md.

``make screenshots`` writes them to ``docs/page/``. They show the demo of a fixed moment, which is
also the browser's time. So they change only if the page does, or the browser.
"""

import base64
import re
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Browser, Page, Route

from local.data.demo import ACCOUNTS, write_demo
from local.stack import Stack
from tools.chromium import NO_BROWSER, find_chromium, running_browser
from tools.openapi.examples import DEMO_MOMENT
from usagectl.loading.loader import Loader

type View = Literal["overview", "runs", "sign-in"]
type Locale = Literal["en", "pt_BR"]
type Scheme = Literal["light", "dark"]

_LAST_DAY: Final = f"{DEMO_MOMENT:%Y-%m-%d}"
_WINDOWS: Final = {
    "1d": {"start_date": _LAST_DAY, "end_date": _LAST_DAY},
    "30d": {"start_date": "2026-10-27", "end_date": _LAST_DAY},
}
"""The days that the page asks for by a range, if it is opened at the demo's moment."""

# The system's font would differ between machines.
_FONT: Final = ":root { font-family: 'Liberation Sans', Arial, sans-serif !important }"

# Without it, a part that is painted again has other edges: pixels differ from run to run.
_SAME_PIXELS: Final = "--disable-partial-raster"

_ARE_MEDIA_LOADED: Final = (
    "[...document.querySelectorAll('audio, video')].every(one => one.readyState === 4)"
)

# Returns the pixels of a PNG as indexes of 256 of its colours: the most frequent ones, and those
# that differ most from them. All others, at the edges of letters, become the nearest of these.
_TO_PALETTE: Final = """async png => {
    const picture = await createImageBitmap(await (await fetch(png)).blob());
    const { width, height } = picture;
    const canvas = new OffscreenCanvas(width, height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    const pixels = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    const colours = [...counts.keys()]
        .sort((one, two) => counts.get(two) - counts.get(one) || one - two)
        .map(key => ({ key, parts: [0, 8, 16].map(shift => (key >> shift) & 255), far: Infinity }));
    const palette = [];
    const add = ({ parts }) => {
        const index = palette.push(parts) - 1;
        for (const colour of colours) {
            const far = colour.parts.reduce((sum, part, i) => sum + (part - parts[i]) ** 2, 0);
            if (far < colour.far) Object.assign(colour, { far, index });
        }
    };
    colours.slice(0, 160).forEach(add);
    while (palette.length < 256) add(colours.reduce((one, two) => two.far > one.far ? two : one));
    const indexes = new Map(colours.map(({ key, index }) => [key, index]));
    const reader = new FileReader();
    reader.readAsDataURL(new Blob([Uint8Array.from(pixels, pixel => indexes.get(pixel))]));
    await new Promise(done => { reader.onload = done; });
    return [width, height, palette.flat(), reader.result.split(",")[1]];
}"""


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A screenshot of a view: in which language and colours, and how wide in pixels."""

    view: View
    locale: Locale
    scheme: Scheme
    width: int

    @property
    def name(self) -> str:
        """The file's name."""
        size = "wide" if self.width > 1000 else "narrow"
        return f"{self.view}-{self.locale}-{self.scheme}-{size}.png"


_LOCALES: Final[tuple[Locale, ...]] = ("en", "pt_BR")
_SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")

SCREENSHOTS: Final = (
    *(
        Screenshot("overview", locale, scheme, width)
        for locale, scheme, width in product(_LOCALES, _SCHEMES, (1280, 360))
    ),
    Screenshot("runs", "en", "light", 1280),
    Screenshot("runs", "pt_BR", "dark", 360),
    Screenshot("sign-in", "en", "light", 1280),
)


def screenshots(url: str, browser: Browser) -> Iterator[tuple[str, bytes]]:
    """Yields each screenshot's file name and content.

    Args:
        url: the API's, whose demo is that of ``DEMO_MOMENT``.
        browser: what shows the page.
    """
    for screenshot in SCREENSHOTS:
        context = browser.new_context(
            locale=screenshot.locale.replace("_", "-"),
            color_scheme=screenshot.scheme,
            reduced_motion="reduce",
            viewport={"width": screenshot.width, "height": 900},
            # For the font only.
            bypass_csp=True,
        )
        yield screenshot.name, _take(context.new_page(), url, screenshot.view)
        context.close()


def _take(page: Page, url: str, view: View) -> bytes:
    page.clock.set_fixed_time(DEMO_MOMENT)
    page.route(re.compile(r"/workspaces/usage\b.*\?"), _send_dates)
    page.goto(f"{url}/#view={view}")
    page.add_style_tag(content=_FONT)
    page.locator(".accounts button").first.wait_for()
    if view != "sign-in":
        page.locator(".accounts button").first.click()
        page.locator(".bar, .runs").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_function(_ARE_MEDIA_LOADED)
    page.evaluate("document.activeElement.blur()")
    return _compress(page, page.screenshot(full_page=view == "overview", animations="disabled"))


def _send_dates(route: Route) -> None:
    """Sends a request with the days that its range would have had at the demo's moment."""
    url = urlsplit(route.request.url)
    query = dict(parse_qsl(url.query))
    if "range" in query:
        query |= _WINDOWS[query.pop("range")]
    route.continue_(url=url._replace(query=urlencode(query)).geturl())


def _compress(page: Page, png: bytes) -> bytes:
    """Returns the picture as a PNG with a palette: about a third of the size."""
    page.goto("about:blank")
    data = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    width, height, palette, encoded = page.evaluate(_TO_PALETTE, data)
    indexes = base64.b64decode(encoded)
    # Each line begins with its filter: none.
    lines = (b"\0" + indexes[start : start + width] for start in range(0, len(indexes), width))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(palette)),
            _chunk(b"IDAT", zlib.compress(b"".join(lines), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def main(folder: Path) -> None:
    """Writes the screenshots into a folder; exits with a sentence if there is no browser."""
    path = find_chromium()
    if path is None:
        sys.exit(NO_BROWSER)
    with tempfile.TemporaryDirectory() as data:
        write_demo(Path(data), DEMO_MOMENT)
        with (
            Stack.start(
                parameters={"AppUrl": "https://app.example.com"},
                load=lambda resources: Loader(resources).load(Path(data)),
                demo=ACCOUNTS,
            ) as stack,
            running_browser(path, _SAME_PIXELS) as browser,
        ):
            folder.mkdir(exist_ok=True)
            for name, content in screenshots(stack.url, browser):
                (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
