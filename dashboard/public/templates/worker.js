/* Keeps the display's page and its files, so that a screen starts after a power cut while the server is still away.
   What is kept has no value in it. Everything else goes to the server untouched. */
'use strict';
const BUILD = {{ build | tojson }};
const FILES = {{ files | tojson }};
const NAME = 'classair-display-';
const PATIENCE_MS = 5000;   // a server that starts may take a connection and not answer yet
const MOST_PAGES = 20;

/* Page and files of one version are kept together or not at all. */
async function keepAll() {
  const kept = await caches.open(NAME + BUILD);
  await kept.addAll(FILES);
  const windows = await self.clients.matchAll({type: 'window', includeUncontrolled: true});
  const open = windows.map(it => it.url.split('#')[0]).filter(isDisplay);
  await Promise.all(open.map(url => fetch(url, {cache: 'no-store'}).then(answer => keepPage(url, answer)).catch(() => {})));
}
async function keepPage(url, answer) {
  if (!answer.ok || answer.redirected || !(await answer.clone().text()).includes(BUILD)) { return; }
  const kept = await caches.open(NAME + BUILD);
  await kept.put(url, answer);
  const pages = (await kept.keys()).filter(it => isDisplay(it.url));
  await Promise.all(pages.slice(0, Math.max(0, pages.length - MOST_PAGES)).map(it => kept.delete(it)));
}
function isDisplay(url) { return /^\/display\/[a-z0-9-]+\.[a-z0-9-]+$/.test(new URL(url).pathname); }

async function page(event) {
  const url = event.request.url;
  const asked = fetch(event.request);
  event.waitUntil(asked.then(answer => keepPage(url, answer.clone())).catch(() => {}));
  const old = await (await caches.open(NAME + BUILD)).match(url);
  if (!old) { return asked; }
  const late = new Promise((_, give) => setTimeout(give, PATIENCE_MS));
  try {
    const answer = await Promise.race([asked, late]);
    return answer.status >= 500 ? old : answer;
  } catch (away) {
    return old;
  }
}
async function file(request) {
  return (await (await caches.open(NAME + BUILD)).match(request)) || fetch(request);
}

self.addEventListener('install', event => event.waitUntil(keepAll().then(() => self.skipWaiting())));
self.addEventListener('activate', event => event.waitUntil(
  caches.keys().then(names => Promise.all(
    names.filter(name => name.startsWith(NAME) && name !== NAME + BUILD).map(name => caches.delete(name))
  )).then(() => self.clients.claim())
));
self.addEventListener('fetch', event => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) { return; }
  if (event.request.mode === 'navigate' && isDisplay(url.href)) {
    event.respondWith(page(event));
  } else if (FILES.includes(url.pathname + url.search)) {
    event.respondWith(file(event.request));
  }
});
