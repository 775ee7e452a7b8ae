// What the server cannot do: what is typed and not saved, what was done, keys, the menu, the theme.
"use strict";
(() => {
  const WORDS_CHARS_MAX = 200; // Of what is looked for, as the server counts.
  document.addEventListener("input", (event) => {
    const field = event.target.closest(".field");
    if (!field) return;
    // What was typed and taken back is as if nothing had been typed.
    const isTyped = event.target.value !== cells.knownOf(field);
    field.classList.toggle("is-typed", isTyped);
    if (isTyped) cells.pin(field);
    else if (field.classList.contains("is-behind")) asking.again(field);
    else cells.unpin(field);
  });
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, verb, hasWaited } = event.detail;
    // What was done before is told until something else is done.
    // What asks from there, an Undo, stays until its own answer: an event of what is no more in the page reaches nobody.
    if (verb === "post" && !hasWaited)
      for (const done of document.querySelectorAll("#done, [data-told]"))
        if (!done.contains(elt)) done.replaceChildren();
  });
  // The rows that are here are not sent again, and those that show their details go on to: by hand, as what is locked is
  // disabled, and of that a browser says nothing.
  document.addEventListener("htmx:configRequest", ({ detail: { target, parameters } }) => {
    if (!target || target.id !== "deal") return;
    parameters.have = [...target.querySelectorAll("[data-have]")].map((row) => row.dataset.have).join("");
    parameters.open = [...target.querySelectorAll("[name=open]")].map((row) => row.value);
  });
  // What the links of a list lead to was written into them before what is being typed.
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".chips a[href], .pages a[href]"), form = link && document.getElementById("search");
    if (!form) return;
    const address = new URL(link.href);
    for (const { name, value, options } of [...form.elements].filter((box) => box.name)) {
      const wanted = options && value === options[0].value ? "" : value.trim().slice(0, WORDS_CHARS_MAX);
      if (wanted === (address.searchParams.get(name) || "")) continue;
      if (wanted) address.searchParams.set(name, wanted); else address.searchParams.delete(name);
      address.searchParams.delete("page");
    }
    link.href = address.href;
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && !event.metaKey) {
      // With Alt a Mac types another sign, or none yet: there the key is known by its place.
      const key = /^[a-z]$/i.test(event.key) ? event.key : event.code.replace(/^Key/, "");
      const button = document.querySelector(`[data-key="${CSS.escape(key.toLowerCase())}"]`);
      if (button) { event.preventDefault(); button.click(); }
    }
    if (event.key === "/" && !event.target.matches("input, textarea, select")) {
      const words = document.getElementById("words");
      if (words) { event.preventDefault(); words.focus(); words.select(); }
    }
  });

  // The menu is folded where there is little room.
  const unfold = (button, isOpen) => button.setAttribute("aria-expanded", String(isOpen));
  document.addEventListener("click", (event) => {
    const button = document.querySelector("[data-menu]");
    if (button) unfold(button, Boolean(event.target.closest("[data-menu]")) && button.getAttribute("aria-expanded") === "false");
  });
  document.addEventListener("keydown", (event) => {
    const button = event.key === "Escape" && document.querySelector("[data-menu][aria-expanded=true]");
    if (button) { unfold(button, false); button.focus(); }
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const root = document.documentElement;
    const isDark = (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
})();
