// A form that was sent, and a button that has something done, are not sent again until the answer is there.
"use strict";
const once = (() => {
  const GONE_MS = 10_000;
  let pending = new WeakMap(); // What was sent, by what sent it.
  // Some things are asked for again and again on purpose.
  const isOnce = (elt) => elt.matches("form, button") && !("repeats" in elt.dataset);
  const waiting = new WeakSet(); // What was pressed and is not sent yet.
  const isUnanswered = (form) => Boolean(form) && (pending.has(form) || waiting.has(form));
  // A token says nothing, and every answer brings a new one.
  const boxesOf = (form) => [...form.elements].filter((box) => box.name && box.name !== "token" && box.matches("input, select, textarea"));
  // Who writes something else into a form that is on its way, or presses another of its buttons, wants that as well.
  const writtenIn = (elt, values, event) => {
    if (!elt.matches("form")) return "";
    const { name, value } = (event && event.submitter) || {};
    return JSON.stringify([boxesOf(elt).map((box) => values.getAll(box.name)), name, value]);
  };

  document.addEventListener("htmx:confirm", (event) => {
    const { elt, verb, triggeringEvent } = event.detail;
    const sent = verb !== "get" && isOnce(elt) && pending.get(elt);
    if (sent && (sent.isLeading || sent.written === writtenIn(elt, elt.matches("form") && new FormData(elt), triggeringEvent))) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (requestConfig.verb === "get" || !isOnce(elt)) return;
    const sent = { written: writtenIn(elt, requestConfig.parameters, requestConfig.triggeringEvent), isLeading: false };
    pending.set(elt, sent);
    xhr.addEventListener("loadend", () => {
      // What leads to another page is answered by that page; a person may choose to stay.
      sent.isLeading = Boolean(xhr.getResponseHeader("HX-Redirect"));
      const forget = () => { if (pending.get(elt) === sent) pending.delete(elt); };
      if (sent.isLeading) setTimeout(forget, GONE_MS); else forget();
    });
  });
  // The answer and the event of the same change may both lead on, and the second would break off what the first began.
  let leadsTo = "";
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const address = event.detail.xhr.getResponseHeader("HX-Redirect");
    if (!address) return;
    if (address === leadsTo) event.preventDefault();
    leadsTo = address;
    setTimeout(() => { leadsTo = ""; }, GONE_MS);
  });
  document.addEventListener("stayed", () => { leadsTo = ""; pending = new WeakMap(); });
  // The answer may be here before the second click of a double click, with another form in the same place.
  document.addEventListener("click", (event) => {
    const button = event.detail > 1 && event.target.closest("button");
    if (!button || !(button.form && button.type === "submit" || button.matches("[role=switch]"))) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  return { isOnce, boxesOf, waiting, isUnanswered };
})();
