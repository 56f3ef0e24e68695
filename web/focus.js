// Keeps the focus when a control is moved, or replaced by its like.

const CONTROLS = "input, select, button, summary, a";

const likeness = (control) =>
  [control.localName, control.name, control.value, (control.closest("label") ?? control).textContent].join("|");

export function keepFocus(element, change) {
  const focused = document.activeElement;
  change();
  if (!focused.matches(CONTROLS) || focused === document.activeElement) return;
  const controls = [...element.querySelectorAll(CONTROLS)];
  const like = controls.includes(focused) ? focused : controls.find((one) => likeness(one) === likeness(focused));
  like?.focus({ preventScroll: true });
}
