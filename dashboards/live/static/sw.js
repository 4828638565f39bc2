// Keeps the page itself on the device, so that it opens where the link is cut; the last picture is in local storage.
// The network comes first: a page from the cache is only shown when there is no other.
const ROOT = '{{static}}';
const FILES = {{files}};
const CACHE = `aryk ${ROOT}`;

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(['/', ...FILES])));
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== self.location.origin || event.request.method !== 'GET') return;
  if (pathname.startsWith(`${ROOT}/`)) event.respondWith(keptFirst(event.request));
  else if (pathname === '/') event.respondWith(networkFirst(event.request));
});

async function keptFirst(request) {
  const kept = await caches.match(request);
  return kept ?? fetchAndKeep(request);
}

async function networkFirst(request) {
  try {
    return await fetchAndKeep(request);
  } catch (error) {
    const kept = await caches.match('/');
    if (kept) return kept;
    throw error;
  }
}

async function fetchAndKeep(request) {
  const answer = await fetch(request);
  if (answer.ok) {
    const cache = await caches.open(CACHE);
    await cache.put(request.mode === 'navigate' ? '/' : request, answer.clone());
  }
  return answer;
}
