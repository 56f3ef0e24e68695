// A button that waits as long as the API asked to wait.

import { h } from "./dom.js";
import { t } from "./i18n.js";

export function retryButton(seconds, retry, style) {
  const button = h("button", { class: style, onclick: retry });
  const until = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? t("retry_in", { seconds: left }) : t("retry");
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
  return button;
}
