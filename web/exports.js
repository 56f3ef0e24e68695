// Exports run, and become links, while the rest of the page is used.

import { h, plain, webUrl } from "./dom.js";
import { exact } from "./formats.js";
import { t } from "./i18n.js";
import { fieldMessages, isForLater, retryButton, words } from "./problem.js";

const LONGEST_WAIT = 8000;

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Returns how an export has ended, or null if nobody looks any more.
async function watch(client, id, card) {
  const since = Date.now();
  for (let pause = 1000; ; pause = Math.min(pause * 1.5, LONGEST_WAIT)) {
    await wait(pause);
    if (!card.element.isConnected || client.isClosed()) return null;
    try {
      const state = await client.readExport(id);
      if (state.status !== "running") return state;
      card.says(t("export_running", { seconds: Math.round((Date.now() - since) / 1000) }));
    } catch (problem) {
      if (!isForLater(problem)) throw problem;
      await wait(problem.retryAfter * 1000);
    }
  }
}

function exportCard(format) {
  const text = h("p", { role: "status" });
  const progress = h("progress", { "aria-label": t("exports") });
  const actions = h("p.actions");
  const element = h("div.card", h("b", t("export_as", { format: format.toUpperCase() })), text, progress, actions);
  const dismiss = h("button", { onclick: () => element.remove() }, t("dismiss"));
  return {
    element,
    says(words, action) {
      text.textContent = words;
      progress.hidden = Boolean(action);
      actions.replaceChildren(...(action ? [action, dismiss] : []));
    },
  };
}

// Returns the list of exports, and the function that starts one.
export function exportList(client, expired) {
  const list = h("aside.exports", { "aria-label": t("exports") });

  async function run(format, filters, card) {
    const again = (seconds) => retryButton(seconds, () => run(format, filters, card));
    card.says(t("export_running", { seconds: 0 }));
    try {
      const { id } = await client.startExport(format, filters);
      const state = await watch(client, id, card);
      if (state === null) return;
      const url = state.status === "done" ? webUrl(state.link) : null;
      if (url) card.says(t("export_done", { rows: exact(state.rows) }), h("a.button.primary", { href: url.href, download: true }, t("download")));
      else card.says(words(state), again(0));
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      if (problem.status === 401) expired();
      else card.says(fieldMessages(problem)[0]?.[1] ?? words(problem), again(problem.retryAfter));
    }
  }

  function start(format, filters) {
    const card = exportCard(format);
    list.append(card.element);
    run(format, filters, card);
  }
  return { element: list, start };
}
