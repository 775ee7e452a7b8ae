// Printing is recorded when it happens, also with the browser's own command; a failure to record does not stop it.
"use strict";
(() => {
  const { record, header, token } = document.body.dataset;
  const told = document.querySelector("[data-told]");
  let isRecorded = false;
  const recorded = async () => {
    if (isRecorded || !record) return;
    isRecorded = true;
    try {
      const answer = await fetch(record, { method: "POST", headers: { [header]: token }, keepalive: true });
      told.textContent = answer.ok ? "Recorded as printed." : await answer.text();
      isRecorded = answer.ok;
    } catch {
      isRecorded = false;
      told.textContent = "This workstation does not answer: that it was printed is not recorded.";
    }
  };
  addEventListener("beforeprint", recorded);
  document.querySelector("[data-print]").addEventListener("click", async () => {
    await recorded();
    print();
  });
})();
