// What a run made: a picture, a video, a sound, or a link.

import { h, newTab, plain, setting, shown, webUrl } from "./dom.js";
import { t, typeName } from "./i18n.js";

const ORIGINS = setting("media-origins").split(" ");
const APP = setting("app-url");

const ELEMENTS = { image: "img", video: "video", voiceover: "audio" };

// Returns a medium's element. If it can't be loaded, `link` takes its place.
function inPlace(type, url, name, link) {
  const medium = h(ELEMENTS[type], {
    loading: "lazy", controls: true, preload: "metadata", src: url,
    [type === "image" ? "alt" : "aria-label"]: name,
    onerror: () => element.replaceWith(link),
  });
  const element = type === "image" ? newTab(url, medium) : medium;
  return element;
}

export function outcome({ source, type, link, output, name }) {
  if (source !== "current") return h("span.muted", t(`source_${source}`));
  const isPath = link?.startsWith("/");
  const url = link && (APP || !isPath) ? webUrl((isPath ? APP : "") + link) : null;
  if (!url) return shown(ELEMENTS[type] && output, 80);
  const open = newTab(url.href, t("open", { what: plain(typeName(type).toLowerCase(), 30) }), " ↗");
  return ELEMENTS[type] && ORIGINS.includes(url.origin) ? inPlace(type, url.href, plain(name, 60), open) : open;
}
