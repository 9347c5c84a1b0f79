/** runtime: the entry for browser pages, and everything that needs no files of its own. node.ts adds those.
 *  @module nnc/runtime/browser */
import { readBundle, type ReadFile } from "./bundle/decode.js"
import type { Bundle } from "./bundle/format.js"
import { fileAt, fileByRanges, rangesOfBlob } from "./data/by-ranges.js"
import { inMemory } from "./data/file.js"
import { openBrowserDevice, probeBrowserDevice } from "./device/browser-gpu.js"
import { browserThreads, startBrowserThread } from "./device/wasm/browser-thread.js"
import type { Host } from "./host.js"
import { PageTrainer } from "./page-trainer.js"
import { Session } from "./session.js"
import type { OpenOptions } from "./session/options.js"

export interface PageOpenOptions extends OpenOptions {
  /** Files that the user chose, by the paths of data files in their stead. Of large .npy and IDX files just the rows are read that a run takes. */
  readonly files?: ReadonlyMap<string, Blob>
}

/** Fetches a bundle from the folder at `url`, checks it and opens it on the page's GPU. */
export async function loadBundle(
  url: string | URL,
  { files, ...options }: PageOpenOptions = {},
): Promise<Session> {
  const base = new URL(`${String(url).replace(/\/*$/, "")}/`, location.href)
  return Session.open(await readBundle(base.href, reader(base)), browserHost(base, files), options, base.href)
}

/** Opens a bundle whose files are in memory or at addresses of their own, by their paths in its folder: checked as if they were fetched.
 *  Data files that are not among them are fetched relative to the page. */
export async function loadFiles(
  contents: ReadonlyMap<string, Uint8Array | URL>,
  { files, ...options }: PageOpenOptions = {},
): Promise<Session> {
  const place = "the bundle"
  const page = new URL(location.href)
  const own: ReadFile = async (path) => {
    const content = contents.get(path)
    return content instanceof Uint8Array ? content : reader(page)(content?.href ?? path)
  }
  const host = browserHost(page, files)
  const openFile: Host["openFile"] = async (path) => {
    const content = files?.has(path) ? undefined : contents.get(path)
    if (content instanceof Uint8Array) return inMemory(content)
    return content ? fileAt(content) : host.openFile(path)
  }
  return Session.open(await readBundle(place, own), { ...host, openFile }, options, place)
}

/** Opens a bundle already in memory; data files are fetched relative to `base`. */
export function openBundle(
  bundle: Bundle,
  base: string | URL,
  { files, ...options }: PageOpenOptions = {},
): Promise<Session> {
  return Session.open(bundle, browserHost(new URL(base, globalThis.location?.href), files), options)
}

/** Like `loadBundle`, as a trainer. */
export const loadTrainer = async (url: string | URL, options: PageOpenOptions = {}): Promise<PageTrainer> =>
  new PageTrainer(await loadBundle(url, options))

const reader =
  (base: URL): ReadFile =>
  async (path) => {
    const response = await fetch(new URL(path, base))
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
    return new Uint8Array(await response.arrayBuffer())
  }

function browserHost(base: URL, files: ReadonlyMap<string, Blob> = new Map()): Host {
  return {
    openFile: (path) => {
      const blob = files.get(path)
      return blob ? fileByRanges(rangesOfBlob(blob)) : fileAt(new URL(path, base))
    },
    openDevice: openBrowserDevice,
    probeDevice: probeBrowserDevice,
    mayHaveGpu: () => true,
    threads: { start: startBrowserThread, most: browserThreads(), mayBlock: false },
    now: () => performance.now(),
  }
}

export { PageTrainer, type PageTrainOptions } from "./page-trainer.js"
export * from "./api.js"
