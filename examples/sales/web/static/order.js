// What a person has done on a page is done in that order: one request after the answer to the one before.
// Not by hx-sync: htmx forgets what is on its way when the attributes of its element change, as their classes do.
"use strict";
const order = (() => {
  let current = null; // The request that is on its way.
  const queue = new Map(); // What waits for its answer: by the box that is saved, by the button that is pressed once.
  let isSending = false, hasFailed = false;
  const isBusy = () => current !== null || queue.size > 0;
  // Whether something has not reached the workstation yet, as far as is known here.
  const isUnheard = () => queue.size > 0 || (current !== null && current.readyState < XMLHttpRequest.HEADERS_RECEIVED);

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
    const { elt, verb, path, issueRequest } = event.detail;
    if (verb === "get" || event.defaultPrevented || isSending || !isBusy()) return;
    event.preventDefault();
    const send = () => issueRequest(true), box = cells.boxSavedBy(elt, path);
    if (box) queue.set(box.id, () => saveAgain(box.id));
    else if (!once.isOnce(elt)) queue.set(Symbol("again"), send);
    else if (!queue.has(elt)) queue.set(elt, send);
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (requestConfig.verb === "get") return;
    current = xhr;
    xhr.addEventListener("loadend", () => {
      current = null;
      if (xhr.getResponseHeader("HX-Redirect")) queue.delete(elt); // What leads on is done with.
      hasFailed ||= !xhr.status || xhr.status >= 400;
      goOn();
    });
  });
  return { isBusy, isUnheard };
})();
