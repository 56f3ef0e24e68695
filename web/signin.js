// The first screen: whose token, which workspace.

import { ROOT } from "./api.js";
import { h, plain } from "./dom.js";
import { t } from "./i18n.js";
import { problemAlert } from "./problem.js";

const LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

// The demo's accounts, if `make run` serves this page. No deployment is asked for them.
const accounts = (async () => {
  if (!LOCAL_HOSTS.includes(location.hostname)) return [];
  try {
    const response = await fetch(new URL("_local/stack", ROOT));
    return (response.ok && (await response.json()).demo?.accounts) || [];
  } catch {
    return [];
  }
})();

function field(id, label, hint, attributes) {
  const input = h("input", { id, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-hint`, ...attributes });
  return [input, h("div.field", h("label", { for: id }, label), input, h("span.small", { id: `${id}-hint` }, hint))];
}

// `message` says why it is necessary to sign in again.
export function signInScreen({ enter, message, workspace }) {
  const [token, tokenField] = field("token", t("token"), t("token_hint"), { type: "password", maxlength: 500 });
  const [id, idField] = field("workspace", t("x-workspace-id"), t("workspace_hint"), { inputmode: "numeric", maxlength: 19, value: workspace });
  const alert = h("div", { role: "alert" }, message);
  const button = h("button.primary", { type: "submit" }, t("sign_in"));
  const choices = h("div.accounts");

  async function submit(secret, number) {
    button.disabled = true;
    alert.replaceChildren();
    const canBeSent = /^[!-~]+$/.test(secret);
    try {
      if (!canBeSent) throw new Error(t("error_401"));
      if (!/^[1-9]\d*$/.test(number)) throw new Error(t("workspace_hint"));
      await enter(secret, number);
    } catch (problem) {
      button.disabled = false;
      const isOwn = problem.status === undefined;
      alert.replaceChildren(isOwn ? problem.message : problem.status === 401 ? t("error_401")
        : problemAlert(problem, () => submit(secret, number)));
      (canBeSent && (isOwn || problem.status === 422) ? id : token).focus();
    }
  }

  const form = h("form", { novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    submit(token.value.trim().replace(/^(bearer\s+)+/i, ""), id.value.trim());
  } }, tokenField, idField, button, h("p.small", t("memory_only")));

  accounts.then((found) => found.length && choices.append(
    h("h2", t("demo")),
    ...found.map((account, number) => h(number ? "button" : "button.primary", {
      onclick: () => submit(account.token, String(account.workspace_id)),
    }, h("b", plain(account.name)), h("span", t(`sees_${account.sees}`), " · ", t("workspace", { id: account.workspace_id })))),
    h("p.muted", t("or"))));
  return h("main.signin", h("div.card",
    h("h1", t("title")), h("p.muted", t("lead")), alert, choices, form, h("p.small", h("a", { href: "docs" }, t("reference")))));
}
