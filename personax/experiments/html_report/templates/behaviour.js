// What the page does beside showing: tips, sorting, filtering, dragging. Without it, all numbers are still there.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Paper has no folds: what is folded is opened before printing, and folded again after it.
const unfolded = [];
addEventListener("beforeprint", () => {
  unfolded.push(...all("details:not([open])"));
  for (const part of unfolded) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of unfolded) part.open = false;
  unfolded.length = 0;
});

// Tips: shown at the pointer and at the keyboard's focus; Escape hides them.
const tip = document.getElementById("tip");
let tipped = null;

function showTip(element) {
  hideTip();
  tipped = element;
  tip.textContent = element.dataset.tip;
  tip.hidden = false;
  element.setAttribute("aria-describedby", "tip");
  const place = element.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const below = place.bottom + own.height + 12 < innerHeight;
  tip.style.top = `${Math.max(4, below ? place.bottom + 8 : place.top - own.height - 8)}px`;
  tip.style.left = `${Math.max(4, Math.min(place.left + place.width / 2 - own.width / 2, innerWidth - own.width - 4))}px`;
}

function hideTip() {
  if (tipped) tipped.removeAttribute("aria-describedby");
  tipped = null;
  tip.hidden = true;
}

const carrier = (event) => event.target.closest?.("[data-tip]");
document.addEventListener("pointerover", (event) => {
  const element = carrier(event);
  if (element && element !== tipped) showTip(element);
});
document.addEventListener("pointerout", (event) => {
  const next = event.relatedTarget;
  const stays = next && (tip.contains(next) || tipped?.contains(next)); // the tip itself can be pointed at
  if (tipped && !stays && tipped !== document.activeElement) hideTip();
});
document.addEventListener("focusin", (event) => { if (carrier(event)) showTip(carrier(event)); });
document.addEventListener("focusout", hideTip);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });

// Heatmaps: one stop of the Tab key; arrows, Home and End move within.
for (const grid of all("[role=grid]")) {
  const rows = all("tbody tr", grid).map((row) => all("td", row));
  const focus = (row, column) => {
    const cell = rows[row]?.[column];
    if (!cell) return;
    for (const other of all("td[tabindex='0']", grid)) other.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  };
  grid.addEventListener("keydown", (event) => {
    const row = rows.findIndex((cells) => cells.includes(event.target));
    if (row < 0) return;
    const column = rows[row].indexOf(event.target);
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (steps[event.key]) focus(row + steps[event.key][0], column + steps[event.key][1]);
    else if (event.key === "Home") focus(row, 0);
    else if (event.key === "End") focus(row, rows[row].length - 1);
    else return;
    event.preventDefault();
  });
}

// Tables: the headings sort, the fields above filter.
function sortBy(table, column, ascending) {
  const key = (row) => row.cells[column].dataset.order ?? row.cells[column].textContent;
  const missing = (text) => text === "–" || text === "";
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [row, key(row)]);
  const numeric = rows.every(([, text]) => missing(text) || text.trim() !== "" && Number.isFinite(Number(text)));
  rows.sort(([, a], [, b]) => {
    if (missing(a) || missing(b)) return missing(a) - missing(b); // missing values are last, both ways
    return (ascending ? 1 : -1) * (numeric ? Number(a) - Number(b) : compare(a, b));
  });
  body.append(...rows.map(([row]) => row));
  all("th", table.tHead).forEach((heading, place) => {
    if (place === column) heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    else heading.removeAttribute("aria-sort");
  });
}

function filterTable(holder) {
  const words = holder.querySelector("[data-search]").value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = all("[data-choice]", holder).map((field) => [Number(field.dataset.choice), field.value]);
  const rows = [...holder.querySelector("table").tBodies[0].rows];
  for (const row of rows) {
    const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
    row.hidden = !(words.every((word) => text.includes(word)) &&
      chosen.every(([column, value]) => value === "" || row.cells[column].textContent === value));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  holder.querySelector("[data-count]").textContent = `${shown} of ${rows.length} rows`;
}

for (const holder of all(".table")) {
  const table = holder.querySelector("table");
  for (const button of all("[data-sort]", table)) {
    button.addEventListener("click", () => {
      const ascending = button.parentElement.getAttribute("aria-sort") !== "ascending";
      sortBy(table, Number(button.dataset.sort), ascending);
    });
  }
  for (const field of all("[data-search], [data-choice]", holder)) {
    field.addEventListener("input", () => filterTable(holder));
  }
}

// Graphs: nodes follow the pointer or the arrow keys, and edges follow their nodes.
function curve(from, to, edge) {
  const span = [to.x - from.x, to.y - from.y];
  const { bend, lean } = edge.dataset;
  const middle = [from.x + lean * span[0] - bend * span[1], from.y + lean * span[1] + bend * span[0]];
  const at = (t) => [0, 1].map((k) => (1 - t) ** 2 * [from.x, from.y][k] + 2 * t * (1 - t) * middle[k] + t ** 2 * [to.x, to.y][k]);
  const inside = (node, [x, y]) => Math.abs(x - node.x) < node.width / 2 + 2 && Math.abs(y - node.y) < node.height / 2 + 2;
  let start = 0, stop = 1;
  while (start < 0.5 && inside(from, at(start))) start += 0.005;
  while (stop > 0.5 && inside(to, at(stop))) stop -= 0.005;
  const [a, c] = [at(start), at(stop)];
  const b = [0, 1].map((k) => (1 - start) * (1 - stop) * [from.x, from.y][k] +
    ((1 - start) * stop + start * (1 - stop)) * middle[k] + start * stop * [to.x, to.y][k]);
  const half = [0, 1].map((k) => 0.25 * a[k] + 0.5 * b[k] + 0.25 * c[k]);
  return { path: `M${a}Q${b} ${c}`, half };
}

function makeMovable(svg) {
  const groups = all(".node", svg);
  const home = groups.map(({ dataset: d }) => ({ x: +d.x, y: +d.y, width: +d.width, height: +d.height }));
  const nodes = home.map((node) => ({ ...node }));
  const edges = all(".edge", svg);
  const first = edges.map((edge) => ({ path: edge.querySelector(".line").getAttribute("d"), label: edge.querySelector("text") }));
  const firstLabels = first.map(({ label }) => label && [label.getAttribute("x"), label.getAttribute("y")]);
  const { width, height } = svg.viewBox.baseVal;

  const draw = (edge, place, path, half) => {
    for (const line of all("path", edge)) line.setAttribute("d", path);
    const { label } = first[place];
    if (label) ["x", "y"].forEach((name, k) => label.setAttribute(name, half[k]));
  };
  const moveTo = (index, x, y) => {
    const node = nodes[index];
    node.x = Math.max(node.width / 2, Math.min(width - node.width / 2, x));
    node.y = Math.max(node.height / 2, Math.min(height - node.height / 2, y));
    groups[index].setAttribute("transform", `translate(${node.x} ${node.y})`);
    edges.forEach((edge, place) => {
      const ends = [Number(edge.dataset.from), Number(edge.dataset.to)];
      if (!ends.includes(index)) return;
      const { path, half } = curve(nodes[ends[0]], nodes[ends[1]], edge);
      draw(edge, place, path, half);
    });
  };
  groups.forEach((group, index) => {
    let grip = null;
    const point = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    group.addEventListener("pointerdown", (event) => {
      const { x, y } = point(event);
      grip = [nodes[index].x - x, nodes[index].y - y];
      group.setPointerCapture(event.pointerId);
      group.classList.add("held");
    });
    group.addEventListener("pointermove", (event) => {
      if (!grip) return;
      const { x, y } = point(event);
      moveTo(index, x + grip[0], y + grip[1]);
      hideTip();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      group.addEventListener(end, () => { grip = null; group.classList.remove("held"); });
    }
    group.addEventListener("keydown", (event) => {
      const steps = { ArrowUp: [0, -8], ArrowDown: [0, 8], ArrowLeft: [-8, 0], ArrowRight: [8, 0] };
      const step = steps[event.key];
      if (!step) return;
      moveTo(index, nodes[index].x + step[0], nodes[index].y + step[1]);
      event.preventDefault();
    });
  });
  return () => {
    groups.forEach((group, index) => {
      Object.assign(nodes[index], home[index]);
      group.setAttribute("transform", `translate(${home[index].x} ${home[index].y})`);
    });
    edges.forEach((edge, place) => draw(edge, place, first[place].path, firstLabels[place]));
  };
}

for (const figure of all(".graphs")) {
  const putBack = all("[data-graph]", figure).map(makeMovable);
  figure.querySelector("[data-reset]").addEventListener("click", () => putBack.forEach((reset) => reset()));
  const slider = figure.querySelector("[data-least]");
  if (!slider) continue;
  const edges = all("[data-sure]", figure);
  const choose = () => {
    for (const edge of edges) edge.toggleAttribute("hidden", Number(edge.dataset.sure) < Number(slider.value));
    const shown = edges.filter((edge) => !edge.hasAttribute("hidden")).length;
    figure.querySelector("[data-shown]").textContent = `${Number(slider.value).toFixed(2)}: ${shown} of ${edges.length} edges`;
  };
  slider.addEventListener("input", choose);
  choose();
}
