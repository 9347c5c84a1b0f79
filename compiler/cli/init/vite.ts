/** cli/init: a page with Vite and TypeScript in which the program trains. */
import { VERSION } from "../../version.js"
import { POINTS } from "./points.js"
import type { Template } from "./template.js"

const PACKAGE = {
  name: "nnc-page",
  private: true,
  type: "module",
  scripts: { dev: "vite", build: "vite build && tsc --noEmit", preview: "vite preview" },
  devDependencies: { nnc: `^${VERSION}`, typescript: "^5.9.3", vite: "^8.0.0" },
}

const TSCONFIG = {
  compilerOptions: {
    target: "ES2022",
    module: "ESNext",
    moduleResolution: "Bundler",
    lib: ["ES2022", "DOM", "DOM.Iterable"],
    types: [],
    strict: true,
    noEmit: true,
  },
  include: ["src"],
}

const CONFIG = `import nnc from "nnc/vite"
import { defineConfig } from "vite"

export default defineConfig({ plugins: [nnc()] })
`

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>A network that trains in this page</title>
    <link rel="icon" href="data:," />
    <style>
      :root {
        color-scheme: light dark;
      }
      body {
        max-width: 40rem;
        margin: 3rem auto;
        padding: 0 1rem;
        font: 16px/1.5 system-ui, sans-serif;
      }
      button {
        font: inherit;
        padding: 0.4rem 1.2rem;
      }
      progress {
        width: 100%;
      }
    </style>
  </head>
  <body>
    <h1>A network that trains in this page</h1>
    <p><button id="train">Train</button> <button id="stop" disabled>Stop</button></p>
    <progress id="progress" value="0"></progress>
    <p id="status">Ready.</p>
    <p>
      <label>x1 <input id="x1" type="range" min="0" max="1" step="0.01" value="0.2" /></label>
      <label>x2 <input id="x2" type="range" min="0" max="1" step="0.01" value="0.3" /></label>
      <output id="says"></output>
    </p>
    <script type="module" src="/src/main.ts"></script>
  </body>
</html>
`

const MAIN = `import { load } from "./program.nn"

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const [train, stop] = [byId<HTMLButtonElement>("train"), byId<HTMLButtonElement>("stop")]
const [x1, x2] = [byId<HTMLInputElement>("x1"), byId<HTMLInputElement>("x2")]
const status = byId("status")

const trainer = await load()
status.textContent = \`Ready, on \${trainer.device.adapter}.\`

let ending = new AbortController()
train.onclick = async () => {
  ending = new AbortController()
  train.disabled = true
  stop.disabled = false
  for await (const event of trainer.train({ signal: ending.signal })) {
    if (event.event === "report") {
      byId<HTMLProgressElement>("progress").value = event.step / 1000
      status.textContent = \`Step \${event.step}: loss \${event.metrics.loss.toPrecision(3)}\`
    }
    if (event.event === "end") status.textContent += \`, \${event.why}.\`
  }
  train.disabled = false
  stop.disabled = true
  await predict()
}
stop.onclick = () => ending.abort()
x1.oninput = x2.oninput = () => void predict()

/** The prediction for the point of the sliders. */
async function predict(): Promise<void> {
  if (train.disabled) return
  const { output } = await trainer.predict({ x: [x1.valueAsNumber, x2.valueAsNumber] })
  const probability = 1 / (1 + Math.exp(-output.values[0]!))
  byId("says").textContent = \`class 1 with probability \${probability.toFixed(2)}\`
}
await predict()
`

const README = `# A network that trains in a page

    npm install
    npm run dev      # opens a page; what you change in src/ is there at once
    npm run build    # static files in dist/

\`src/program.nn\` is the program: data, model, loss, optimizer. \`src/main.ts\` imports it like a module; its types are written beside it
(\`src/program.nn.d.ts\`) when Vite reads it. Mistakes in the program are shown in the page.

WebAssembly has several threads where the page is cross-origin isolated. The plugin sees to that for \`dev\` and \`preview\`; a server of your own has to send
\`Cross-Origin-Opener-Policy: same-origin\` and \`Cross-Origin-Embedder-Policy: require-corp\`.
`

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

export const vite: Template = {
  about: "a page of Vite in which the program trains",
  program: "src/program.nn",
  next: (folder) => `cd ${folder} && npm install && npm run dev`,
  files: () => ({
    "package.json": json(PACKAGE),
    "tsconfig.json": json(TSCONFIG),
    "vite.config.ts": CONFIG,
    "index.html": PAGE,
    "src/main.ts": MAIN,
    "src/program.nn": POINTS,
    "README.md": README,
    ".gitignore": "node_modules/\ndist/\n*.nn.d.ts\n",
  }),
}
