// A part of the page that loads: its skeleton, then its content or what went wrong.

import { h } from "./dom.js";
import { problemAlert } from "./problem.js";

export const skeleton = (kind, number) => () =>
  Array.from({ length: number }, () => h(`div.skeleton.${kind}`, { "aria-hidden": "true" }));

// Old content stays until the new has come. Answers that a later request has overtaken are dropped.
export function panel(placeholder, expired) {
  const element = h("div");
  let turn = 0;
  async function load(ask, show, reset) {
    const mine = ++turn;
    element.setAttribute("aria-busy", "true");
    if (!element.hasChildNodes()) element.append(...placeholder());
    let content;
    try {
      const answer = await ask();
      if (mine !== turn) return;
      content = show(answer);
    } catch (problem) {
      if (mine !== turn) return;
      if (problem.status === undefined) throw problem;
      if (problem.status === 401) return void expired();
      content = problemAlert(problem, () => load(ask, show, reset), reset);
    }
    element.replaceChildren(...[content].flat());
    element.setAttribute("aria-busy", "false");
  }
  return { element, load };
}
