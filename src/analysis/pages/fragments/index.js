"use strict";
// Finds units without a server: case, diacritics, đ and its look-alikes do not matter. Without script, or in a
// browser that cannot unpack the data, the plain list stays.
const byId = (id) => document.getElementById(id);
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[đðɖ]/g, "d");
const { packed, words } = JSON.parse(byId("data").textContent);

async function unpack() {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// The packed columns, with each unit's id and how often it has each verdict.
function complete(units, links) {
  const count = (word) => links.map((_, i) => units.indicators.filter((one) => one.shown[one.places[i]][1] === word).length);
  units.id = links.map((link, i) => units.id[i] || link.getAttribute("href").replace(/^.*\/|\.html$/g, ""));
  units.counts = { met: count("met"), not_met: count("not_met"), undetermined: count("undetermined") };
}

function makeRow(units, i, link, labels) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  const small = document.createElement("small");
  small.textContent = units.id[i];
  head.append(link.cloneNode(true), " ", small);
  row.append(head);
  const counts = Object.values(units.counts).map((count) => count[i]);
  const texts = [words.type[units.type[i]], units.commune[i], ...counts, words.outcome[units.outcome[i]], ""];
  texts.forEach((text, column) => {
    const cell = row.insertCell();
    cell.textContent = text;
    cell.dataset.label = labels[column + 1];
    if (typeof text === "number" || column === 6) cell.className = "n";
  });
  return row;
}

function start(units) {
  const links = [...document.querySelectorAll("#list li")].map((item) => item.firstElementChild ?? item.firstChild);
  const labels = [...document.querySelectorAll("#units thead th")].map((cell) => cell.textContent);
  complete(units, links);
  const rows = links.map((link, i) => makeRow(units, i, link, labels));
  const text = links.map((link, i) => fold(`${link.textContent} ${units.id[i]} ${units.commune[i]}`));
  const body = document.querySelector("#units tbody");
  body.append(...rows);
  let chosen = null;

  function filter() {
    const asked = fold(byId("q").value).split(/\s+/).filter(Boolean);
    const [type, commune, verdict] = ["type", "commune", "verdict"].map((id) => byId(id).value);
    const says = (i) => (chosen === null ? units.counts[verdict][i] > 0 : chosen.shown[chosen.places[i]][1] === verdict);
    let count = 0;
    rows.forEach((row, i) => {
      const fits = asked.every((word) => text[i].includes(word)) && (!verdict || says(i))
        && (!type || units.type[i] === type) && (!commune || units.commune[i] === commune);
      row.hidden = !fits;
      count += fits;
    });
    const texts = byId("found").dataset;
    byId("found").textContent = (count ? texts.text : texts.none).replace("{}", count);
  }

  // What rows are ordered by: the larger first; undefined where there is nothing to order by.
  const places = new Map([...byId("commune").options].map((option, i) => [option.value, -i]));
  function sizes(by) {
    if (by === "commune") return units.commune.map((name) => places.get(name));
    if (by in units.counts) return units.counts[by];
    // Places count from the highest value; those after the last known one have none.
    return chosen.places.map((place) => (place < chosen.known ? -place : undefined));
  }

  function sort() {
    const by = byId("sort").value, option = byId("sort").selectedOptions[0];
    chosen = units.indicators[by] ?? null;
    const head = byId("chosen"), isAscending = byId("order").value === "asc";
    head.hidden = chosen === null;
    head.textContent = option.dataset.short ?? "";
    for (const cell of document.querySelectorAll("#units thead th")) {
      const isSorted = cell === head ? chosen !== null : by !== "" && cell.dataset.sort === by;
      if (isSorted) cell.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    }
    const order = rows.map((_, i) => i);
    if (by !== "") {
      // Who has no value stands last either way; equals in the list's own order.
      const size = sizes(by), way = isAscending ? 1 : -1;
      order.sort((a, b) => (size[a] === undefined) - (size[b] === undefined) || way * ((size[a] ?? 0) - (size[b] ?? 0)) || a - b);
    }
    rows.forEach((row, i) => {
      const cell = row.lastElementChild;
      cell.textContent = chosen === null ? "" : chosen.shown[chosen.places[i]][0];
      cell.dataset.label = head.textContent;
      cell.hidden = head.hidden;
    });
    body.append(...order.map((i) => rows[i]));
    filter();
  }

  byId("list").hidden = true;
  document.querySelector("div.scroll").hidden = false;
  const form = document.querySelector("form.search");
  form.hidden = false;
  // On a phone the list comes first.
  form.querySelector("details").open = window.innerWidth > 736;
  form.addEventListener("input", (event) => (["sort", "order"].includes(event.target.id) ? sort() : filter()));
  form.addEventListener("submit", (event) => event.preventDefault());
  sort();
}

unpack().then(start, () => {});
