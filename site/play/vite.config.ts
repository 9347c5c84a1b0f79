// Builds the playground: static files that work in any folder of any server, and offline from the second visit on.
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { defineConfig, type Plugin } from "vite"
import { allTokens, Identifier, isKeyword, settingWords } from "../../grammar/tokens.js"

const root = fileURLToPath(new URL("../..", import.meta.url))
const threads = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
}

/** Whether a word may also be an ordinary name. */
const isName = ({ CATEGORIES }: (typeof allTokens)[number]): boolean =>
  CATEGORIES?.includes(Identifier) ?? false

/** The words of the grammar, without the lexer. */
function words(): string {
  const all = allTokens.flatMap((type) => {
    const text = type.PATTERN instanceof RegExp ? type.PATTERN.source : ""
    return /^[A-Za-z_]+$/.test(text) ? [{ text, isReserved: isKeyword(type) && !isName(type) }] : []
  })
  const of = (reserved: boolean): readonly string[] =>
    all.filter(({ isReserved }) => isReserved === reserved).map(({ text }) => text)
  return `export const keywords = ${JSON.stringify(of(true))}
export const contextual = ${JSON.stringify([...of(false), ...settingWords])}`
}

const MADE: Readonly<Record<string, () => string>> = {
  "virtual:nn-words": words,
  "virtual:nn-runtime": () =>
    `export const runtime = ${JSON.stringify(readFileSync(`${root}dist/runtime-bundle/browser.js`, "utf8"))}`,
}

/** Modules that are made when the page is built. */
const made = (): Plugin => ({
  name: "nnc-made",
  resolveId: (source) => (Object.hasOwn(MADE, source) ? `\0${source}` : undefined),
  load: (source) => MADE[source.slice(1)]?.(),
})

/** The service worker, which knows all files of the build. */
const offline = (): Plugin => ({
  name: "nnc-offline",
  apply: "build",
  buildStart() {
    this.emitFile({ type: "chunk", id: `${root}site/play/src/service-worker.ts`, fileName: SERVICE_WORKER })
  },
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const worker = bundle[SERVICE_WORKER]
      if (worker?.type !== "chunk") throw new Error("the service worker was not built")
      const hash = createHash("sha256")
      const made = Object.values(bundle).filter((each) => each !== worker)
      for (const each of made) hash.update(each.type === "chunk" ? each.code : each.source)
      const copied = readdirSync(`${root}site/play/public`)
      for (const name of copied) hash.update(readFileSync(`${root}site/play/public/${name}`))
      const paths = [...made.map(({ fileName }) => fileName), ...copied].map((path) => `./${path}`)
      worker.code = worker.code
        .replaceAll("PLAY_FILES", JSON.stringify(paths))
        .replaceAll("PLAY_BUILD", JSON.stringify(hash.digest("hex").slice(0, 16)))
    },
  },
})
const SERVICE_WORKER = "service-worker.js"

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [made(), offline()],
  worker: { format: "es", plugins: () => [made()] },
  resolve: {
    alias: {
      "nnc/browser": `${root}dist/browser/index.js`,
      "nnc/runtime/browser": `${root}dist/runtime/index.js`,
    },
  },
  build: {
    outDir: `${root}site/dist/play`,
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 4000,
  },
  server: { headers: threads, fs: { allow: [root] } },
  preview: { headers: threads },
})
