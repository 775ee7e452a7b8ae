// What a person has done on a page is done in that order: one request after the answer to the one before.
// Not by hx-sync: htmx forgets what is on its way when the attributes of its element change, as their classes do.
"use strict";
const order = (() => {
  let current = null; // The request that is on its way, and whether it only reads.
  const queue = new Map(); // What waits for its answer: by the box that is saved, by the button that is pressed once.
  let isSending = false, hasFailed = false;
  const isBusy = () => current !== null || queue.size > 0;
  // Whether something has not reached the workstation yet, as far as is known here.
  const isUnheard = () => queue.size > 0 || (current !== null && !current.isReading && current.xhr.readyState < XMLHttpRequest.HEADERS_RECEIVED);

  // The lines ask for whatever is done to one of them, and are shown by the same answers: a line that is unfolded, too.
  const isOrdered = (elt, verb) => verb !== "get" || elt.id === "lines";
  // By the button that was pressed; a form has forgotten it by the time it is sent.
  const press = (button, send) => { if (button && button.isConnected) button.click(); else send(); };

  // What is in it by then is saved, and made on what was saved of it before.
  const saveAgain = (id) => {
    const box = document.getElementById(id);
    if (box) box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const goOn = () => {
    while (!current && queue.size) {
      const [key, send] = queue.entries().next().value;
      queue.delete(key);
      isSending = true;
      try { send(); } finally { isSending = false; }
    }
    if (isBusy()) return;
    document.dispatchEvent(new CustomEvent("all-answered", { detail: { hasFailed } }));
    hasFailed = false;
  };
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, verb, path, issueRequest, triggeringEvent } = event.detail;
    event.detail.hasWaited = isSending;
    if (!isOrdered(elt, verb) || event.defaultPrevented || isSending || !isBusy()) return;
    event.preventDefault();
    const send = () => issueRequest(true), box = cells.boxSavedBy(elt, path), button = triggeringEvent && triggeringEvent.submitter;
    if (box) queue.set(box.id, () => saveAgain(box.id));
    else if (!once.isOnce(elt)) queue.set(Symbol("again"), send);
    else if (!queue.has(button || elt)) queue.set(button || elt, () => press(button, send));
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (!isOrdered(elt, requestConfig.verb)) return;
    current = { xhr, isReading: requestConfig.verb === "get" };
    xhr.addEventListener("loadend", () => {
      current = null;
      // What leads on is done with.
      if (xhr.getResponseHeader("HX-Redirect")) for (const key of queue.keys()) if (key === elt || key.form === elt) queue.delete(key);
      hasFailed ||= !xhr.status || xhr.status >= 400;
      goOn();
    });
  });
  return { isBusy, isUnheard };
})();
