
"use strict";
(() => {
  const tools = document.getElementById("tools");
  const field = (name) => document.getElementById(name);
  const text = field("text"), fixable = field("fixable"), state = field("state"), kind = field("kind");
  const levels = [...tools.querySelectorAll("[name=level]")];
  // the page has them in the order of what matters most, which is that of `rank`
  const packages = [...document.querySelectorAll(".package")].map((element, place) => {
    const about = element.dataset;
    const heading = element.querySelector("summary").textContent + " " + (element.querySelector(".where")?.textContent ?? "");
    return {
      element, kind: about.kind, name: about.name, rank: -place, count: Number(about.count),
      fixable: "fixable" in about ? 1 : 0, quiet: "quiet" in about ? 1 : 0,
      rows: [...element.querySelectorAll("tbody tr")].map((row) => ({
        element: row, level: row.dataset.level, state: row.dataset.state, fixable: "fixable" in row.dataset,
        text: (heading + " " + row.textContent).toLowerCase(),
      })),
    };
  });

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(levels.filter((box) => box.checked).map((box) => box.value));
    let shown = 0, all = 0;
    for (const each of packages) {
      const here = !kind || !kind.value || kind.value === each.kind;
      let some = 0;
      for (const row of each.rows) {
        const fits = here && wanted.has(row.level) && (!state.value || state.value === row.state)
          && (!fixable.value || (fixable.value === "yes") === row.fixable)
          && words.every((word) => row.text.includes(word));
        row.element.hidden = !fits;
        some += fits;
      }
      each.element.hidden = !some;
      shown += some;
      all += each.rows.length;
    }
    for (const block of document.querySelectorAll(".packages")) {
      block.querySelector(".nothing").hidden = Boolean(block.querySelector(".package:not([hidden])"));
    }
    field("shown").textContent = shown === all ? `${all} findings` : `${shown} of ${all} findings`;
  }

  function sort(key, down) {
    const order = (a, b) => a.quiet - b.quiet || (key === "name" ? a.name.localeCompare(b.name, "en") : a[key] - b[key]) * (down ? -1 : 1)
      || b.rank - a.rank;
    for (const list of document.querySelectorAll(".list")) {
      list.append(...packages.filter((each) => each.element.parentElement === list).sort(order).map((each) => each.element));
    }
    for (const button of document.querySelectorAll(".head button")) {
      const chosen = button.parentElement.dataset.sort === key;
      button.setAttribute("aria-pressed", String(chosen));
      button.textContent = button.dataset.word + (chosen ? (down ? " ↓" : " ↑") : "");
    }
  }

  let sorted = { key: "rank", down: true };
  for (const cell of document.querySelectorAll(".head [data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.word = button.textContent = cell.textContent;
    button.title = "Sort by this";
    button.addEventListener("click", () => {
      const key = cell.dataset.sort;
      sorted = { key, down: sorted.key === key ? !sorted.down : key !== "name" };
      sort(sorted.key, sorted.down);
    });
    cell.replaceChildren(button);
  }
  const openAll = (open) => packages.forEach((each) => { each.element.open = open; });
  field("open").addEventListener("click", () => openAll(true));
  field("close").addEventListener("click", () => openAll(false));
  tools.addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["input", "change"]) tools.addEventListener(kind, filter);
  tools.addEventListener("reset", () => setTimeout(filter));
  tools.hidden = packages.length === 0;
  filter();
  sort(sorted.key, sorted.down);
})();
