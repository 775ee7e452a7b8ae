// Before the page is drawn: what is done on it before its scripts run is not lost, and done once they do.
"use strict";
(() => {
  const early = []; // [node, what happened to it, the button that was pressed]
  const take = (event) => {
    const node = event.target.closest({ submit: "form[hx-post]", click: "button[type=button]", change: "input, select, textarea" }[event.type]);
    if (!node) return;
    if (event.type === "submit") event.preventDefault();
    if (event.type !== "change") event.stopPropagation();
    if (!early.some(([other, type]) => other === node && type === event.type)) early.push([node, event.type, event.submitter]);
  };
  const redo = ([node, type, submitter]) => {
    if (!node.isConnected) return;
    if (type === "submit") node.requestSubmit(submitter);
    else if (type === "click") node.click();
    else node.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const types = ["submit", "click", "change"];
  for (const type of types) document.addEventListener(type, take, true);
  document.addEventListener("DOMContentLoaded", () => {
    // After those who wait for the same event.
    setTimeout(() => {
      for (const type of types) document.removeEventListener(type, take, true);
      early.forEach(redo);
    });
  });
})();
