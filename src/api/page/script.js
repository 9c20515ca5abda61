// Fetches the changing part of the page every second and swaps in the sections that differ.
(() => {
  "use strict";
  const main = document.getElementById("status");
  const stale = document.getElementById("stale");
  let last = new Date();

  const busy = (section) => {
    const selection = document.getSelection();
    return selection && !selection.isCollapsed && section.contains(selection.anchorNode);
  };

  const swap = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    for (const section of [...fresh.querySelectorAll("[data-part]")]) {
      const old = main.querySelector(`[data-part="${section.dataset.part}"]`);
      if (!old) {
        main.append(section);
      } else if (!old.isEqualNode(section) && !busy(old)) {
        const scrolled = old.querySelector(".scroll")?.scrollLeft ?? 0;
        old.replaceWith(section);
        const scroll = section.querySelector(".scroll");
        if (scroll) scroll.scrollLeft = scrolled;
      }
    }
  };

  const refresh = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch("/page/status", { signal: AbortSignal.timeout(8000) });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        swap(await answer.text());
        last = new Date();
        stale.hidden = true;
      } catch (error) {
        stale.textContent = `No answer from the swarm since ${last.toLocaleTimeString()}; the numbers are from then.`;
        stale.hidden = false;
      }
    }
    setTimeout(refresh, 1000);
  };

  setTimeout(refresh, 1000);
})();
