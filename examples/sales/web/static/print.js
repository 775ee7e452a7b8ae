// Printing is recorded when it happens, also with the browser's own command; a failure to record does not stop it.
// What is recorded is what this page shows. Where that is not what the document says by now, its button asks first.
"use strict";
(() => {
  const { record, version, header, token } = document.body.dataset;
  const told = document.querySelector("[data-told]");
  const again = document.querySelector("[data-again]");
  let isRecorded = false;
  let isOutdated = false;
  const recorded = async (is) => {
    if (isRecorded || !record) return;
    isRecorded = true;
    try {
      const body = new URLSearchParams({ version, is });
      const answer = await fetch(record, { method: "POST", headers: { [header]: token }, body, keepalive: true });
      const words = await answer.text();
      told.textContent = words || "Recorded as printed.";
      isRecorded = !words;
      isOutdated = answer.ok && !isRecorded;
    } catch {
      isRecorded = isOutdated = false;
      told.textContent = "This workstation does not answer: that it was printed is not recorded.";
    }
  };
  addEventListener("beforeprint", () => recorded("printed"));
  document.querySelector("[data-print]").addEventListener("click", async () => {
    if (!isOutdated) {
      await recorded("to be printed");
      again.hidden = !isOutdated;
      if (isOutdated) return;
    }
    await recorded("printed");
    print();
  });
})();
