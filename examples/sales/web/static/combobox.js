// A combobox as ARIA 1.2 describes it: the focus stays in the field, the arrows walk through the list below it.
"use strict";
(() => {
  const LOOK_MS = 150;
  let timer = 0;
  // By box whose list is being asked for: how far the arrows went meanwhile, and whether Enter takes what is there.
  const looking = new WeakMap();

  const boxOf = (node) => node.closest && node.closest("[data-combobox]");
  const inputOf = (box) => box.querySelector("[role=combobox]");
  const listOf = (box) => box.querySelector("[role=listbox]");
  const optionsOf = (box) => [...box.querySelectorAll("[role=option]")];
  const isOpen = (box) => !listOf(box).hidden;

  const close = (box) => {
    clearTimeout(timer);
    looking.delete(box);
    const isBehind = isOpen(box) && box.matches(".is-behind:not(.is-typed)");
    listOf(box).hidden = true;
    inputOf(box).setAttribute("aria-expanded", "false");
    inputOf(box).removeAttribute("aria-activedescendant");
    // What came in while it was open waited.
    if (isBehind) asking.again(box);
  };
  const open = (box) => {
    if (document.activeElement !== inputOf(box)) return;
    listOf(box).hidden = false;
    inputOf(box).setAttribute("aria-expanded", "true");
  };
  const look = (box, delay) => {
    clearTimeout(timer);
    const state = { steps: 0, takes: false, isSent: false };
    looking.set(box, state);
    timer = setTimeout(() => { state.isSent = true; htmx.trigger(listOf(box), "look"); }, delay);
  };
  const choose = (box, option) => {
    optionsOf(box).forEach((other) => other.setAttribute("aria-selected", String(other === option)));
    if (!option) { inputOf(box).removeAttribute("aria-activedescendant"); return; }
    inputOf(box).setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  const chosen = (box) => box.querySelector("[role=option][aria-selected=true]");
  const pick = (box, option) => {
    const input = inputOf(box);
    close(box);
    input.value = "isEmptied" in box.dataset ? "" : option.dataset.text;
    if (!box.dataset.pick) {
      // A form takes it when it is sent.
      const hidden = box.querySelector("[data-picked]");
      if (hidden) hidden.value = option.dataset.name === "new" ? "" : option.dataset.value;
      return;
    }
    const seen = box.querySelector("[name=seen]");
    const values = { [option.dataset.name]: option.dataset.value, value: input.value, seen: seen ? seen.value : "" };
    cells.send("POST", box.dataset.pick, { source: box, target: box.dataset.target || box, swap: "merge", values });
  };

  document.addEventListener("input", (event) => {
    const box = event.target.matches("[role=combobox]") && boxOf(event.target);
    if (!box) return;
    const hidden = box.querySelector("[data-picked]");
    if (hidden) hidden.value = "";
    choose(box, null);
    look(box, LOOK_MS);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const list = event.detail.target;
    if (!list || !list.matches || !list.matches("[role=listbox]")) return;
    const box = boxOf(list), state = looking.get(box), options = optionsOf(box);
    if (!state || !state.isSent) return; // More was typed since, or it was closed.
    looking.delete(box);
    if (list.children.length) open(box); else close(box);
    if (!state.steps || !options.length || !isOpen(box)) return;
    const option = options.at(state.steps > 0 ? Math.min(state.steps, options.length) - 1 : Math.max(state.steps, -options.length));
    choose(box, option);
    if (state.takes) pick(box, option);
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const state = event.detail.elt.matches("[role=listbox]") && looking.get(boxOf(event.detail.elt));
    if (state) state.xhr = event.detail.xhr;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, successful, xhr } = event.detail, box = elt.matches("[role=listbox]") && boxOf(elt);
    // One that was given up for a newer one is not waited for.
    if (box && !successful && (looking.get(box) || {}).xhr === xhr) looking.delete(box);
  });
  document.addEventListener("keydown", (event) => {
    const box = event.target.matches && event.target.matches("[role=combobox]") && boxOf(event.target);
    if (!box || event.isComposing) return;
    const options = optionsOf(box), at = options.indexOf(chosen(box));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1, state = looking.get(box);
      if (state) { state.steps += step; return; }
      if (!isOpen(box)) { look(box, 0); return; }
      if (event.altKey && event.key === "ArrowUp") { close(box); return; }
      choose(box, options[at < 0 ? (step > 0 ? 0 : options.length - 1) : (at + step + options.length) % options.length]);
    } else if (event.key === "Enter" && looking.has(box) && looking.get(box).steps) {
      event.preventDefault();
      looking.get(box).takes = true;
    } else if (event.key === "Enter" && isOpen(box) && at >= 0) {
      event.preventDefault();
      pick(box, options[at]);
    } else if (event.key === "Escape" && (isOpen(box) || looking.has(box))) {
      event.preventDefault();
      event.stopPropagation();
      close(box);
    } else if (event.key === "Tab") {
      close(box);
    }
  });
  // The focus stays in the field, so that leaving it does not save what is about to be replaced.
  document.addEventListener("mousedown", (event) => { if (event.target.closest("[data-combobox] [role=listbox]")) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    const option = event.target.closest("[data-combobox] [role=option]");
    if (option) { pick(boxOf(option), option); return; }
    const input = event.target.closest("[data-combobox] [role=combobox]");
    if (input && !isOpen(boxOf(input))) look(boxOf(input), 0);
  });
  document.addEventListener("focusout", (event) => {
    const box = boxOf(event.target);
    if (box && !box.contains(event.relatedTarget)) close(box);
  });
})();
