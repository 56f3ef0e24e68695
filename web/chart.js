// Stacked bars by day. Each is a button that says its numbers.

import { h } from "./dom.js";
import { compact, exact, longDay, shortDay } from "./formats.js";
import { keyOf, measured, nameOf } from "./groups.js";
import { t } from "./i18n.js";

const OTHER = 10;

// Series, the greatest first, and each day's parts in that order.
export function seriesOf(main, dimension, measure) {
  const series = main.groups.map((group, color) => ({ key: keyOf(dimension, group), name: nameOf(dimension, group), color }));
  if (main.other) series.push({ key: OTHER, name: t("other"), color: OTHER });
  const bars = main.buckets.map(({ start_date, totals, groups, other }) => {
    const values = new Map(groups.map((group) => [keyOf(dimension, group), measured(measure, group)]));
    if (other) values.set(OTHER, measured(measure, other));
    const parts = series.map((one) => ({ ...one, value: values.get(one.key) ?? "0" }));
    return { day: longDay(start_date), date: start_date, total: measured(measure, totals), parts };
  });
  return { series, bars };
}

// Round numbers from 0 to at least `greatest`.
export function ticksUpTo(greatest) {
  const power = 10 ** Math.floor(Math.log10(greatest / 4));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= greatest / 4) * power;
  return Array.from({ length: Math.ceil(greatest / step) + 1 }, (_, number) => number * step);
}

function sized(element, property, share) {
  element.style.setProperty(property, `${share * 100}%`);
  return element;
}

const label = ({ name, color }) => [h(`i.swatch.s${color}`, { "aria-hidden": "true" }), h("bdi", name)];
const present = ({ value }) => Number(value);

const tooltip = ({ day, total, parts }, measure) => [
  h("b", day),
  h("dl", parts.filter(present).map((part) => h("div", h("dt", label(part)), h("dd", exact(part.value)))),
    h("div.sum", h("dt", t(measure)), h("dd", exact(total)))),
];

const spoken = ({ day, total, parts }, measure) =>
  [`${day}: ${exact(total)} ${t(measure)}`, ...parts.filter(present).map(({ name, value }) => `${name} ${exact(value)}`)].join("; ");

// Moves the one tab stop of the bars with the arrow keys.
function moveFocus(event, bars) {
  const place = bars.indexOf(document.activeElement);
  const to = bars[{ ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: bars.length - 1 }[event.key]];
  if (!to) return;
  event.preventDefault();
  bars[place].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

export function stackedBars({ series, bars }, measure, title) {
  const ticks = ticksUpTo(Math.max(...bars.map(({ total }) => total)) || 1);
  const top = ticks.at(-1);
  const tip = h("div.tip", { hidden: true, "aria-hidden": "true" });
  const hide = () => { tip.hidden = true; };
  const buttons = bars.map((bar, number) => {
    const show = () => {
      const middle = (number + 0.5) / bars.length;
      tip.replaceChildren(...tooltip(bar, measure));
      tip.removeAttribute("style");
      sized(tip, middle > 0.5 ? "right" : "left", Math.min(middle, 1 - middle));
      tip.hidden = false;
    };
    return h("button.bar", {
      "aria-label": spoken(bar, measure), tabindex: number === bars.length - 1 ? 0 : -1,
      onpointerenter: show, onfocus: show, onclick: show, onpointerleave: hide, onblur: hide,
    }, h("span", bar.parts.filter(present).map(({ value, color }) => sized(h(`i.s${color}`), "height", value / top))));
  });
  const every = Math.ceil(bars.length / (innerWidth < 600 ? 4 : 7));
  return h("figure",
    h("div.plot",
      h("div.ticks", { "aria-hidden": "true" }, ticks.map((tick) => sized(h("span", compact(tick)), "bottom", tick / top))),
      h("div.bars", {
        role: "group", "aria-label": title,
        onkeydown: (event) => (event.key === "Escape" ? hide() : moveFocus(event, buttons)),
      }, buttons),
      tip,
      h("div.days", { "aria-hidden": "true" }, bars.map(({ date }, number) =>
        h("span", number % every - (every >> 1) ? null : h("span", shortDay(date)))))),
    h("figcaption", h("ul.legend", series.map((one) => h("li", label(one))))));
}

export function numbersTable({ series, bars }, measure, title) {
  const column = (...content) => h("th", { scope: "col" }, ...content);
  return h("details", h("summary", t("as_table")),
    h("div.scroll", { tabindex: 0, role: "region", "aria-label": title },
      h("table",
        h("caption.unseen", title),
        h("thead", h("tr", column(t("day")), series.map(({ name }) => column(h("bdi", name))), column(t(measure)))),
        h("tbody", bars.map(({ day, total, parts }) => h("tr", h("th", { scope: "row" }, day),
          parts.map(({ value }) => h("td", exact(value))), h("td", exact(total))))))));
}
