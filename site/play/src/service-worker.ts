/** play: keeps the built page, so that it works without a network from its second visit on. Every build has a cache of its own, named by its content.
 *  Where the server does not ask for it, it makes the page cross-origin isolated, which threads of WebAssembly need.
 *  Not here: data and checkpoints of the user (kept.ts). */

/** Put there when the page is built: all of its files, and a hash that tells this build from others. */
declare const PLAY_FILES: readonly string[]
declare const PLAY_BUILD: string

/** Members of service workers; the types of pages do not have them. */
interface Lifetime extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface Fetching extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
declare const skipWaiting: () => Promise<void>
declare const clients: { claim(): Promise<void> }

const PREFIX = "nnc-play "
const CACHE = `${PREFIX}${PLAY_BUILD}`

addEventListener("install", (event) => {
  const keep = caches.open(CACHE).then((cache) => cache.addAll(PLAY_FILES))
  ;(event as Lifetime).waitUntil(keep.then(() => skipWaiting()))
})

addEventListener("activate", (event) => {
  const forget = caches
    .keys()
    .then((names) => names.filter((name) => name.startsWith(PREFIX) && name !== CACHE))
    .then((old) => Promise.all(old.map((name) => caches.delete(name))))
  ;(event as Lifetime).waitUntil(forget.then(() => clients.claim()))
})

addEventListener("fetch", (event) => {
  const { request } = event as Fetching
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return
  ;(event as Fetching).respondWith(answer(request).then(isolated))
})

/** The page itself is asked for first, so that a new one is seen; its files have a new name where they change. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  const isPage = request.mode === "navigate"
  const kept = await cache.match(isPage ? "./index.html" : request, { ignoreSearch: isPage })
  if (kept && !isPage) return kept
  try {
    return await fetch(request)
  } catch (caught) {
    if (kept) return kept
    throw caught
  }
}

function isolated(response: Response): Response {
  // The browser follows a redirect itself.
  if (response.status === 0) return response
  const headers = new Headers(response.headers)
  headers.set("Cross-Origin-Opener-Policy", "same-origin")
  headers.set("Cross-Origin-Embedder-Policy", "require-corp")
  const { status, statusText } = response
  return new Response(response.body, { status, statusText, headers })
}

export {}
