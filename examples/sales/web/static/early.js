// Before the page is drawn: what is done on it before its scripts run is not lost, and done once they do.
"use strict";
(() => {
  const BOXES = "input, select, textarea";
  const LINKS = "a[href]:not([target], [role=button])";
  const WHERE = { submit: "form[hx-post]", click: `button[type=button], button:not(form button, [form]), a[role=button], ${LINKS}`, input: BOXES, change: BOXES };
  const early = []; // [node, what happened to it, the button that was pressed]
  const take = (event) => {
    const node = event.target.closest(WHERE[event.type]);
    // A link that leads away is in no hurry only where it would take along what was done before.
    if (!node || (node.matches(LINKS) && (!early.length || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey))) return;
    if (node.matches("form, a")) event.preventDefault();
    if (!node.matches(BOXES)) event.stopPropagation();
    if (!early.some(([other, type]) => other === node && type === event.type)) early.push([node, event.type, event.submitter]);
  };
  const redo = ([node, type, submitter]) => {
    if (!node.isConnected) return;
    // What a form is sent by is known from a click on it.
    if (type === "submit") (submitter ? submitter.click() : node.requestSubmit());
    else if (type === "click") node.click();
    else node.dispatchEvent(new Event(type, { bubbles: true }));
  };
  const types = Object.keys(WHERE);
  for (const type of types) document.addEventListener(type, take, true);
  document.addEventListener("DOMContentLoaded", () => {
    // After those who wait for the same event.
    setTimeout(() => {
      for (const type of types) document.removeEventListener(type, take, true);
      early.forEach(redo);
    });
  });
})();
