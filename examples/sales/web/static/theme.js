// Before the page is drawn: the theme that was chosen here, else the system's; and whether it is in a frame.
"use strict";
(() => {
  const chosen = localStorage.getItem("theme");
  if (window !== window.top) document.documentElement.classList.add("framed");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
