// A service worker, for who plays sealed films and sounds on the store's own page (docs/sealed.md). A player asks for
// parts of `/opened/<ct>`; this asks the page of the player, which has the key (sealed.js), and passes on what it
// says. It keeps nothing, because browsers end workers that have nothing to do. All other requests go their way.

const OPENED = '/opened/';

addEventListener('install', (event) => {
  skipWaiting();
  // Browsers that know of routes do not wake the worker for what is not its own.
  const others = { condition: { not: { urlPattern: `${OPENED}*` } }, source: 'network' };
  event.waitUntil(Promise.resolve(event.addRoutes?.(others)).catch(() => {}));
});

addEventListener('activate', (event) => event.waitUntil(clients.claim()));

/** A page that was loaded past the worker wants it. */
addEventListener('message', (event) => event.waitUntil(clients.claim()));

addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin === location.origin && pathname.startsWith(OPENED)) event.respondWith(answer(event));
});

async function answer({ request, clientId }) {
  const page = await clients.get(clientId);
  if (!page) return new Response(null, { status: 404 });
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise((resolve) => (port1.onmessage = resolve));
  const film = new URL(request.url).pathname.slice(OPENED.length);
  page.postMessage({ film, range: request.headers.get('range') }, [port2]);
  const { data } = await answered;
  return new Response(...data);
}
