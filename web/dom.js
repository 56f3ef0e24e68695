// Makes elements. Data becomes text or a checked attribute, never markup.

// Control characters; some of them change the direction of what follows.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

// h("p.small", { id: "x" }, "text", element, [others])
export function h(name, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  if (tag === "button") element.type = "button";
  const attributes = children[0]?.constructor === Object ? children.shift() : {};
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter(Boolean));
  return element;
}

// Returns data as one line of text, cut after `limit` characters.
export function plain(value, limit = 120) {
  const text = String(value ?? "").replace(CONTROLS, " ").trim();
  const characters = [...text.slice(0, 2 * limit + 2)];
  return characters.length > limit ? `${characters.slice(0, limit).join("")}…` : text;
}

// As an element: its direction doesn't reach the text around it.
export const shown = (value, limit) => h("bdi", plain(value, limit) || "—");

// Returns a URL of a server, or null: for javascript: and the like.
export function webUrl(value, base) {
  try {
    const url = new URL(value, base);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

export const newTab = (href, ...children) =>
  h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);

export function segments(name, label, options, chosen, choose) {
  const inputs = options.map(([value, text]) =>
    h("label",
      h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) }),
      h("span", text)));
  return h("fieldset.segments", h("legend.unseen", label), inputs);
}

export function select(label, options, chosen, choose) {
  const control = h("select", { onchange: () => choose(control.value) },
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return h("label.field", h("span", label), control);
}

export const setting = (name) => document.querySelector(`meta[name="${name}"]`).content;
