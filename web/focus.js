// Keeps the focus where it is when a control is replaced by its like.

const CONTROLS = "input, select, button, summary, a";

const likeness = ({ localName, name, type, value, id, labels, textContent }) =>
  [localName, name, id, type === "radio" && value, labels?.[0] ? labels[0].firstChild.textContent : textContent].join("|");

export function keepFocus(element, change) {
  const focused = document.activeElement;
  change();
  if (!element.contains(focused) && focused.matches(CONTROLS)) {
    const like = likeness(focused);
    [...element.querySelectorAll(CONTROLS)].find((control) => likeness(control) === like)?.focus({ preventScroll: true });
  }
}
