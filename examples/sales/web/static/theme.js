// Before the page is drawn: the theme that was chosen here, else the system's; and whether it is in a frame, whose
// owner may ask whether it is still there.
"use strict";
(() => {
  const chosen = localStorage.getItem("theme");
  if (window !== window.top) document.documentElement.classList.add("framed");
  if (window !== window.top) addEventListener("message", (event) => { if (event.source === window.parent) event.source.postMessage("here", event.origin); });
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
