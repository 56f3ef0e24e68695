// The list of runs, a page at a time.

import { cursorsBefore, go } from "./address.js";
import { h, shown } from "./dom.js";
import { exact, knownZone, moment } from "./formats.js";
import { t, typeName } from "./i18n.js";
import { outcome } from "./media.js";

const COLUMNS = ["when", "agent", "user", "tokens", "credits", "result"];

const cells = (item, zone) => ({
  when: [h("time", { datetime: item.created_at }, moment(item.created_at, zone)), h("span.small", "#", shown(item.id, 40))],
  agent: [
    shown(item.name, 100),
    h("span.small", shown(typeName(item.type), 30), item.used_model && " · ", item.used_model && shown(item.used_model, 40)),
  ],
  user: shown(item.email, 60),
  tokens: item.tokens?.total ? exact(item.tokens.total) : "—",
  credits: [exact(item.credits), item.status === "failed" && h("span.small.failed", t("status_failed"))],
  result: outcome(item),
});

// On a narrow screen, rows become cards: so cells name their columns, and roles are spelled out.
export function runsTable({ items }, zone) {
  if (!items.length) return h("p.empty", t("empty"));
  const column = (name) => h(`th.${name}`, { role: "columnheader", scope: "col" }, t(name));
  const row = (content) => h("tr", { role: "row" }, COLUMNS.map((name) =>
    h(`td.${name}`, { role: "cell", "data-label": t(name) }, h("div", content[name]))));
  return h("table.runs", { role: "table", "aria-label": t("runs") },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, COLUMNS.map(column))),
    h("tbody", { role: "rowgroup" }, items.map((item) => row(cells(item, knownZone(zone))))));
}

// The buttons to other pages. A link that was sent has no earlier cursors: back is the first page.
export function pager() {
  let nextCursor, cursor;
  const previous = h("button", { onclick: () => cursor && go({ cursor: cursorsBefore().at(-1) ?? "" }, cursorsBefore().slice(0, -1)) });
  const next = h("button", { onclick: () => nextCursor && go({ cursor: nextCursor }, [...cursorsBefore(), cursor]) }, t("next"));
  const place = h("span", { role: "status" });
  return {
    element: h("nav.pager", { "aria-label": t("runs") }, previous, place, next),
    // `page` is null while it loads.
    update(page, current) {
      nextCursor = page?.next_cursor;
      cursor = current;
      const isKnown = cursorsBefore().length > 0 || !cursor;
      previous.textContent = isKnown ? t("previous") : t("page", { number: 1 });
      place.textContent = page && isKnown ? t("page", { number: cursorsBefore().length + 1 }) : "";
      // A disabled button would lose the focus.
      previous.setAttribute("aria-disabled", !cursor);
      next.setAttribute("aria-disabled", !nextCursor);
    },
  };
}
