// The window's totals, and how they differ from the window before.

import { h } from "./dom.js";
import { addDays, days, daysBetween, exact, knownZone, percent, shortDay, today } from "./formats.js";
import { measured } from "./groups.js";
import { t } from "./i18n.js";

// The dates of the equally long window that ends where this one begins.
export function windowBefore({ start_date, end_date }) {
  if (!start_date || start_date < "1000") return null;
  return { start_date: addDays(start_date, -daysBetween(start_date, end_date)), end_date: addDays(start_date, -1) };
}

function change(measure, now, before) {
  const [current, old] = [now, before].map((totals) => Number(measured(measure, totals)));
  if (!old) return t("none_before");
  const share = current / old - 1;
  return t(share < 0 ? "less" : "more", { share: percent(Math.abs(share)) });
}

const card = (label, value, note) =>
  h("div.card.total", h("dt", label), h("dd", h("b", value), h("span.small", note)));

// `before` is the summary of the days `asked`. If some of these are hidden, nothing is compared.
export function totalCards({ totals, end_date, time_zone }, before, asked) {
  const zone = knownZone(time_zone);
  const isWhole = before?.start_date === asked?.start_date && before?.end_date === asked?.end_date;
  const against = (measure) => before && isWhole ? change(measure, totals, before.totals) : null;
  const share = Number(totals.runs) ? percent(totals.succeeded / totals.runs) : "—";
  const notes = [t("zone", { zone: zone.replaceAll("_", " ") })];
  if (before) {
    notes.unshift(isWhole ? t("compared", { days: days(asked.start_date, asked.end_date) })
      : t("not_compared", { day: shortDay(asked.end_date) }));
    if (isWhole && end_date === today(zone)) notes.splice(1, 0, t("today_runs"));
  }
  return [
    h("dl.totals",
      card(t("credits"), exact(totals.credits), against("credits")),
      card(t("runs"), exact(totals.runs), against("runs")),
      card(t("tokens"), exact(totals.tokens.total), against("tokens")),
      card(t("succeeded"), share, t("failed_runs", { number: exact(totals.failed) }))),
    h("p.small", notes.join(" ")),
  ];
}
