// Lines are put into order by dragging their handles, by mouse, pen or finger, and by Alt with the arrows.
"use strict";
(() => {
  const EDGE_PX = 48, STEP_PX = 12;
  let drag = null; // What is being dragged, and where it would go.

  const send = (source, values) => {
    const line = source.closest("[data-line]");
    if (line) htmx.ajax("POST", line.dataset.move, { source, target: "#deal", swap: "merge", values });
  };
  const lines = () => [...document.querySelectorAll("[data-lines] > [data-line]")];
  const clear = () => document.querySelectorAll(".drop-before, .drop-after, .dragged").forEach((node) => node.classList.remove("drop-before", "drop-after", "dragged"));

  const show = (y) => {
    clear();
    const others = lines().filter((line) => line.dataset.line !== drag.line);
    const before = others.find((line) => { const box = line.getBoundingClientRect(); return y < box.top + box.height / 2; });
    drag.before = before ? before.dataset.line : "";
    const dragged = lines().find((line) => line.dataset.line === drag.line);
    if (!dragged) return;
    dragged.classList.add("dragged");
    if (before) before.classList.add("drop-before");
    else if (others.length) others[others.length - 1].classList.add("drop-after");
  };
  const end = () => { drag = null; clear(); };

  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button !== 0) return;
    drag = { line: grip.closest("[data-line]").dataset.line, pointer: event.pointerId, from: event.clientY, isMoving: false, before: "" };
    grip.setPointerCapture(event.pointerId);
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    if (!drag.isMoving && Math.abs(event.clientY - drag.from) < 4) return;
    drag.isMoving = true;
    if (event.clientY < EDGE_PX) window.scrollBy(0, -STEP_PX);
    if (event.clientY > window.innerHeight - EDGE_PX) window.scrollBy(0, STEP_PX);
    show(event.clientY);
  });
  document.addEventListener("pointerup", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { line, before, isMoving } = drag;
    end();
    const moved = lines().find((node) => node.dataset.line === line);
    const follower = moved && moved.nextElementSibling && moved.nextElementSibling.dataset.line;
    // Where it is already is no place to move to.
    if (isMoving && moved && (follower || "") !== before) send(moved.querySelector("[data-grip]"), { before });
  });
  document.addEventListener("pointercancel", (event) => { if (drag && event.pointerId === drag.pointer) end(); });

  document.addEventListener("keydown", (event) => {
    if (drag && event.key === "Escape") { end(); return; }
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const line = event.target.closest("[data-line]");
    if (!step || !line) return;
    const isGrip = event.target.matches("[data-grip]");
    // In a list of choices these keys open the list.
    if (!isGrip && (!event.altKey || event.target.matches("select, [list], [role=combobox]"))) return;
    event.preventDefault();
    const ordered = lines();
    const place = ordered.indexOf(line) + step;
    if (place >= 0 && place < ordered.length) send(line.querySelector("[data-grip]"), { step });
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) send(button, { step: button.dataset.step });
  });
})();
