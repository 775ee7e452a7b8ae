// What a person has done on a page is done in that order: one request after the answer to the one before.
// Not by hx-sync: htmx forgets what is on its way when the attributes of its element change, as their classes do.
"use strict";
const order = (() => {
  let current = null; // The request that is on its way, and whether it only reads.
  let queue = []; // What waits for its answer: by the box that is saved, by the button that is pressed and what it says.
  let sending = null; // What has waited and is being sent.
  let hasFailed = false;
  const isBusy = () => current !== null || queue.length > 0;
  // Whether something has not reached the workstation yet, as far as is known here.
  const isUnheard = () => queue.some(({ isReading }) => !isReading)
    || (current !== null && !current.isReading && current.xhr.readyState < XMLHttpRequest.HEADERS_RECEIVED);
  // The lines ask for whatever is done to one of them, and are shown by the same answers: a line that is unfolded, too.
  const isOrdered = (elt, verb) => verb !== "get" || elt.id === "lines";

  // What is in it by then is saved, and made on what was saved of it before.
  const saveAgain = (id) => {
    const box = document.getElementById(id);
    if (box) box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  // What its person had seen and written when it was pressed: what comes in while it waits is not agreed to.
  const saidBy = (elt) => {
    const { token, ...said } = JSON.parse(elt.getAttribute("hx-vals") || "{}"), form = elt.matches("button") ? elt.form : elt.matches("form") && elt;
    const written = form && new FormData(form);
    for (const { name } of form ? once.boxesOf(form) : []) said[name] = written.getAll(name);
    return said;
  };
  // What was pressed may be gone by then, as an Undo is; what it is to do is done all the same.
  const press = ({ elt, verb, path, target, issueRequest }, button) => {
    // By the button: a form has forgotten it.
    if (button && button.isConnected && !button.matches(":disabled")) return button.click();
    if (elt.isConnected) return issueRequest(true);
    const values = elt.matches("form") ? new FormData(elt) : new FormData();
    if (button && button.name) values.append(button.name, button.value);
    const place = target.isConnected ? target : document.getElementById("content");
    const swap = target.isConnected ? elt.getAttribute("hx-swap") || "innerHTML" : "none";
    return cells.send(verb, path, { source: place, target: place, swap, select: elt.getAttribute("hx-select"), values });
  };
  document.addEventListener("htmx:configRequest", (event) => { if (sending && sending.said) Object.assign(event.detail.parameters, sending.said); });
  const goOn = () => {
    while (!current && queue.length) {
      sending = queue.shift();
      once.waiting.delete(sending.elt);
      try { sending.send(); } finally { sending = null; }
    }
    if (isBusy()) return;
    document.dispatchEvent(new CustomEvent("all-answered", { detail: { hasFailed } }));
    hasFailed = false;
  };
  const wait = (more) => { if (!queue.some(({ by, what }) => by === more.by && what === more.what)) queue.push(more); };
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, verb, path, triggeringEvent } = event.detail;
    event.detail.hasWaited = sending !== null;
    if (!isOrdered(elt, verb) || event.defaultPrevented || sending || !isBusy()) return;
    event.preventDefault();
    const box = cells.boxSavedBy(elt, path), button = triggeringEvent && triggeringEvent.submitter;
    if (box) { wait({ by: box.id, send: () => saveAgain(box.id) }); return; }
    const said = saidBy(elt), what = JSON.stringify(said), by = once.isOnce(elt) ? button || elt : Symbol("again");
    once.waiting.add(elt);
    wait({ by, what, elt, said, isReading: verb === "get", send: () => press(event.detail, button) });
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (!isOrdered(elt, requestConfig.verb)) return;
    current = { xhr, isReading: requestConfig.verb === "get" };
    xhr.addEventListener("loadend", () => {
      current = null;
      // What leads on is done with.
      if (xhr.getResponseHeader("HX-Redirect")) { queue = queue.filter((waiting) => waiting.elt !== elt); once.waiting.delete(elt); }
      hasFailed ||= !xhr.status || xhr.status >= 400;
      goOn();
    });
  });
  return { isBusy, isUnheard };
})();
