// The ten groups with the most credits, and all others as one.

import { h } from "./dom.js";
import { exact } from "./formats.js";
import { keyOf, measured, nameOf } from "./groups.js";
import { t } from "./i18n.js";

// `choose`, if there is one, shows only a group's runs.
export function topList({ groups, other }, dimension, measure, choose) {
  const number = (totals) => Number(measured(measure, totals));
  const sorted = [...groups].sort((one, two) => number(two) - number(one));
  const greatest = Math.max(...[...groups, other].filter(Boolean).map(number)) || 1;
  const row = (name, totals, key) => {
    const bar = h("i", { "aria-hidden": "true" });
    bar.style.setProperty("width", `${(number(totals) / greatest) * 100}%`);
    const text = h("bdi", name);
    return h("li",
      key && choose ? h("button.link", { title: t("show_only"), onclick: () => choose(key) }, text) : h("span", text),
      h("span.number", exact(measured(measure, totals))), bar);
  };
  return h("ol.top",
    sorted.map((group) => row(nameOf(dimension, group), group, keyOf(dimension, group))),
    other && row(t("other"), other));
}
