// Sends the requests of the page and shows what comes back. Tokens stay in their field: nothing is stored.
"use strict";

const SHOWN = 200_000; // characters of an answer
const base = location.pathname.replace(/\/docs$/, "");
const token = document.getElementById("token");
document.documentElement.classList.add("live");

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function requestOf(operation) {
  let path = operation.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const field of operation.querySelectorAll("[data-name]")) {
    const { name, in: place } = field.dataset;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(field.value));
    else if (field.value === "") continue;
    else if (place === "header") headers[name] = field.value;
    else query.append(name, field.value);
  }
  if (token.value.trim()) headers.Authorization = `Bearer ${token.value.trim()}`;
  const request = { method: operation.dataset.method, headers, url: base + path + (query.size ? `?${query}` : "") };
  const field = operation.querySelector("[data-type]");
  if (field) {
    headers["Content-Type"] = field.dataset.type;
    request.body = field.type === "file" ? field.files[0] : field.value;
  }
  return request;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curlOf({ method, url, headers, body }) {
  const words = ["curl", "-X", method, quoted(location.origin + url)];
  for (const [name, value] of Object.entries(headers)) {
    words.push("-H", name === "Authorization" ? '"Authorization: Bearer $TOKEN"' : quoted(`${name}: ${value}`));
  }
  if (body instanceof File) words.push("-T", quoted(body.name));
  else if (body) words.push("-d", quoted(body));
  return words.join(" ");
}

function pretty(text, type) {
  if (!/json/.test(type)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function show(place, response, text, took) {
  const type = response.headers.get("content-type") || "";
  const head = element("div", "head");
  head.append(
    element("span", `status s${String(response.status)[0]}`, `${response.status} ${response.statusText}`.trim()),
    element("span", "", `${took.toFixed(0)} ms`),
    element("span", "", `${text.length.toLocaleString("en")} characters`),
    element("span", "", type),
  );
  const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const more = element("details", "headers");
  more.append(element("summary", "", "Headers"), element("pre", "", lines));
  const whole = pretty(text, type);
  const body = whole.length > SHOWN ? `${whole.slice(0, SHOWN)}\n…` : whole;
  place.replaceChildren(head, ...(body ? [element("pre", "", body)] : []), more);
}

function fail(place, error) {
  const head = element("div", "head");
  head.append(element("span", "status s0", "No answer"), element("span", "", String(error)));
  place.replaceChildren(head);
}

async function send(operation) {
  const place = operation.querySelector(".answer");
  const button = operation.querySelector("button");
  const { url, ...request } = requestOf(operation);
  button.disabled = true;
  const begun = performance.now();
  try {
    const response = await fetch(url, { ...request, credentials: "omit", redirect: "manual" });
    const type = response.headers.get("content-type") || "";
    const endless = type.startsWith("text/event-stream");
    const text = endless ? await some(response) : await response.text();
    show(place, response, text, performance.now() - begun);
  } catch (error) {
    fail(place, error);
  } finally {
    button.disabled = false;
    place.hidden = false;
  }
}

// What a stream says within some seconds.
async function some(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const end = new Promise((resolve) => setTimeout(resolve, 3000, { done: true }));
  let text = "";
  for (;;) {
    const { done, value } = await Promise.race([reader.read(), end]);
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.cancel();
  return text;
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target.closest(".operation"));
});

document.addEventListener("click", async (event) => {
  if (!event.target.matches(".copy")) return;
  const text = curlOf(requestOf(event.target.closest(".operation")));
  try {
    await navigator.clipboard.writeText(text);
    event.target.textContent = "Copied";
  } catch {
    window.prompt("The command:", text);
  }
  setTimeout(() => (event.target.textContent = "Copy as curl"), 2000);
});

document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const group of document.querySelectorAll(".group")) {
    let here = 0;
    for (const operation of group.querySelectorAll(".operation")) {
      const text = operation.querySelector("summary").textContent.toLowerCase();
      operation.hidden = !wanted.every((word) => text.includes(word));
      here += operation.hidden ? 0 : 1;
    }
    group.hidden = here === 0;
    found += here;
  }
  document.getElementById("none").hidden = found > 0;
});

function openAnchor() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (place?.matches(".operation")) place.open = true;
}
window.addEventListener("hashchange", openAnchor);
openAnchor();
