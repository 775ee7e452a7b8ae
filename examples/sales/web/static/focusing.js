// Where the focus goes on: what was done says it, and where what had the focus is gone, it is beside or around that.
"use strict";
const focusing = (() => {
  const PLACES = "section, article, main";
  let refuge = null; // What was given the focus since what had it was gone, and not since its person went there.

  const nextTo = (node) => {
    const beside = [];
    for (let next = node.nextElementSibling; next; next = next.nextElementSibling) beside.push(next);
    for (let last = node.previousElementSibling; last; last = last.previousElementSibling) beside.push(last);
    return beside.find((other) => other.matches("button:enabled, a[href]"));
  };
  // A place is called by its heading, and whoever reads on from there comes to what is in it.
  const nameOf = (place) => document.getElementById(place.getAttribute("aria-labelledby") || "") || place;
  const takeRefuge = (node) => {
    refuge = node;
    if (!node.matches("button, a[href], [tabindex]")) {
      node.tabIndex = -1;
      node.addEventListener("blur", () => node.removeAttribute("tabindex"), { once: true });
    }
    node.focus({ preventScroll: true });
  };
  // Keeps the focus in a part of the page that is about to be changed; returns what is to be called after that.
  const hold = (part) => {
    const had = document.activeElement;
    if (!part.contains(had)) return () => {};
    const places = [];
    for (let place = had.parentElement.closest(PLACES); place; place = place.parentElement.closest(PLACES)) places.push(place);
    return () => {
      const isThere = had.isConnected && !had.matches(":disabled");
      if (isThere && document.activeElement !== had && document.activeElement === document.body) had.focus({ preventScroll: true });
      const isLost = !isThere && [document.body, had].includes(document.activeElement);
      const next = isLost && ((had.isConnected && nextTo(had)) || places.map(nameOf).find((place) => place.isConnected));
      if (next) takeRefuge(next);
    };
  };

  // What was done says where to go on, unless its person has gone on by then.
  document.addEventListener("htmx:beforeRequest", (event) => { event.detail.requestConfig.askedFrom = document.activeElement; });
  const goOn = (id, askedFrom) => {
    const next = document.getElementById(id), now = document.activeElement;
    const isElsewhere = now !== document.body && now !== refuge && (now !== askedFrom || now.closest(".is-typed"));
    if (next && !isElsewhere) next.focus();
  };
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail, id = xhr.getResponseHeader("X-Focus-On");
    // The swap follows at once, and this follows the swap.
    if (id) queueMicrotask(() => goOn(id, requestConfig.askedFrom));
  });
  return { hold };
})();
