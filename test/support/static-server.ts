/** test: the files of a folder over http on this machine, as any static server gives them out. */
import { readFile } from "node:fs/promises"
import { createServer, type OutgoingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { extname, join } from "node:path"

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
}

/** What makes a page cross-origin isolated, so that it may share memory between threads. */
export const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
}

export interface StaticServer {
  readonly url: string
  close(): void
}

export async function serveFolder(folder: string, headers: OutgoingHttpHeaders = {}): Promise<StaticServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost")
    const path = pathname === "/" ? "/index.html" : decodeURIComponent(pathname)
    readFile(join(folder, path)).then(
      (content) => {
        const type = TYPES[extname(path)] ?? "application/octet-stream"
        response.writeHead(200, { ...headers, "Content-Type": type }).end(content)
      },
      () => response.writeHead(404, headers).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://localhost:${port}/`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
