// The screen behind the sign-in: the controls, the totals, and one of two views.

import { filterParameters, go, readAddress } from "./address.js";
import { numbersTable, seriesOf, stackedBars } from "./chart.js";
import { h, segments, select } from "./dom.js";
import { filterFields } from "./filters.js";
import { keepFocus } from "./focus.js";
import { exact } from "./formats.js";
import { DIMENSIONS, MEASURES } from "./groups.js";
import { LANGUAGES, t } from "./i18n.js";
import { panel, skeleton } from "./panel.js";
import { pager, runsTable } from "./runs.js";
import { topList } from "./tops.js";
import { totalCards, windowBefore } from "./totals.js";

const NAMED = 10;
const LISTED_USERS = 50;
const PER_PAGE = 25;

const named = (names, prefix = "") => names.map((name) => [name, t(prefix + name)]);

export function dashboard({ client, exports, expired, leave }) {
  const part = (...placeholder) => panel(skeleton(...placeholder), expired);
  const head = h("header");
  const fields = h("div.filters", { role: "group", "aria-label": t("filters") });
  const status = h("p.unseen", { role: "status" });
  const totals = part("total", 4);
  const chart = part("plot", 1);
  const tops = Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, part("line", 5)]));
  const list = part("row", 8);
  const pages = pager();
  const view = h("div");
  // What is in the gate hides what comes after it: the first skeleton, or what went wrong.
  const gate = panel(() => view.hasChildNodes() ? [] : [...skeleton("total", 4)(), ...skeleton("plot", 1)()], expired);
  gate.element.className = "gate";
  const element = h("div", head, h("main", fields, status, gate.element, h("div", totals.element, view)));

  const reset = () => go({ range: "", start_date: "", end_date: "", user: "", type: "" });

  const summarize = (asked, others) => client.summarize({ ...filterParameters(asked), interval: "none", ...others });

  // What all else depends on: totals, days, and the users to choose from.
  const mainOf = (asked) => Promise.all([
    summarize(asked, { interval: "day", group_by: asked.group, limit: NAMED }),
    summarize(asked, { user_id: "", group_by: "user", limit: LISTED_USERS }),
  ]);

  function topbar(asked) {
    return h("div.topbar",
      h("h1", { tabindex: -1 }, t("title"), h("span.small", t("workspace", { id: client.workspace }))),
      select(t("language"), LANGUAGES, document.documentElement.lang.replace("-", "_"), (lang) => go({ lang })),
      select(t("theme"), [["", t("theme_auto")], ...named(["light", "dark"], "theme_")], asked.theme, (theme) => go({ theme })),
      h("button", { onclick: () => leave() }, t("sign_out")));
  }

  function toolbar(asked) {
    const tab = ([name, text]) => h("button", {
      "aria-current": asked.view === name && "page", onclick: () => go({ view: name, cursor: "" }),
    }, text);
    const download = (format) => h("button", {
      "aria-label": t("export_as", { format }), onclick: () => exports.start(format.toLowerCase(), filterParameters(asked)),
    }, format);
    const refresh = () => {
      client.forget();
      show(readAddress());
    };
    return h("div.toolbar",
      h("nav.tabs", { "aria-label": t("title") }, named(["overview", "runs"]).map(tab)),
      h("button", { onclick: refresh }, t("refresh")), h("span.muted", t("export")), ["CSV", "NDJSON"].map(download));
  }

  function chartCard({ group, measure }, sums) {
    const title = t("by_day", { measure: t(measure), group: t(group).toLowerCase() });
    chart.load(() => sums, () => {
      if (sums.totals.runs === "0") return h("p.empty", t("empty"));
      const series = seriesOf(sums, group, measure);
      return [stackedBars(series, measure, title), numbersTable(series, measure, title)];
    });
    return h("section.card", h("div.heading", h("h2", title),
      segments("measure", t("measure"), named(MEASURES), measure, (name) => go({ measure: name })),
      segments("group", t("group"), named(DIMENSIONS), group, (name) => go({ group: name }))), chart.element);
  }

  function topCard(dimension, asked, sums) {
    const choose = dimension in asked && !asked[dimension] ? (key) => go({ [dimension]: key }) : null;
    tops[dimension].load(
      () => dimension === asked.group ? sums : summarize(asked, { group_by: dimension, limit: NAMED }),
      (summary) => summary.groups.length ? topList(summary, dimension, asked.measure, choose) : h("p.empty", "—"));
    return h("section.card", h("h2", t(dimension)), tops[dimension].element);
  }

  function overview(asked, sums, users) {
    const isAlone = users.groups.length < 2 && !users.other;
    const dimensions = DIMENSIONS.filter((dimension) => dimension !== "user" || !isAlone);
    return [chartCard(asked, sums), h("div.tops", dimensions.map((dimension) => topCard(dimension, asked, sums)))];
  }

  function runs(asked, sums) {
    pages.update(null, asked.cursor);
    list.load(
      () => client.list({ ...filterParameters(asked), per_page: PER_PAGE, cursor: asked.cursor }),
      (page) => {
        pages.update(page, asked.cursor);
        return runsTable(page, sums.time_zone);
      }, reset);
    return [h("section.card", h("h2", t("runs")), list.element, pages.element)];
  }

  function fill(asked, sums, users) {
    const before = windowBefore(sums);
    fields.replaceChildren(...filterFields(asked, sums, users));
    totals.load(
      () => before && summarize({ ...asked, ...before }), (past) => totalCards(sums, past, before));
    view.replaceChildren(...(asked.view === "runs" ? runs(asked, sums) : overview(asked, sums, users)));
    status.textContent = `${t("runs")}: ${exact(sums.totals.runs)}. ${t("credits")}: ${exact(sums.totals.credits)}.`;
  }

  async function show(asked) {
    keepFocus(element, () => head.replaceChildren(topbar(asked), toolbar(asked)));
    await gate.load(() => mainOf(asked), (answers) => {
      keepFocus(element, () => fill(asked, ...answers));
      return [];
    }, reset);
  }

  return { element, show };
}
