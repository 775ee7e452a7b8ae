// A form that was sent, and a button that has something done, are not sent again until the answer is there.
"use strict";
(() => {
  const GONE_MS = 10_000;
  let pending = new WeakSet();
  const isOnce = ({ elt, verb }) => verb !== "get" && order.isOnce(elt);

  document.addEventListener("htmx:confirm", (event) => { if (isOnce(event.detail) && pending.has(event.detail.elt)) event.preventDefault(); });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (!isOnce(requestConfig)) return;
    pending.add(elt);
    xhr.addEventListener("loadend", () => {
      // What leads to another page is answered by that page; a person may choose to stay.
      setTimeout(() => pending.delete(elt), xhr.getResponseHeader("HX-Redirect") ? GONE_MS : 0);
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
  document.addEventListener("stayed", () => { leadsTo = ""; pending = new WeakSet(); });
  // The answer may be here before the second click of a double click, with another form in the same place.
  document.addEventListener("click", (event) => {
    const button = event.detail > 1 && event.target.closest("button");
    if (!button || !(button.form && button.type === "submit" || button.matches("[role=switch]"))) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
})();
