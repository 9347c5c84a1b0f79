// Builds site/dist/: the pages of docs/, the playground below them, and the pages of what the package exports. Run `npm run build` before, which
// makes the modules that the playground is built of. SITE_BASE: the folder of the server that it will lie in, "/" when left out.
import { Application } from "typedoc"
import { build } from "vite"
import { build as buildPages } from "vitepress"

const base = process.env["SITE_BASE"] ?? "/"

await buildPages("docs")
await build({ configFile: "site/play/vite.config.ts" })
await buildApi("site/dist/api")

/** A link that leads nowhere is an error. */
async function buildApi(out) {
  const app = await Application.bootstrapWithPlugins({
    out,
    logLevel: "Warn",
    navigationLinks: { Site: base, Playground: `${base}play/index.html` },
  })
  const project = await app.convert()
  if (project) {
    app.validate(project)
    await app.generateOutputs(project)
  }
  if (app.logger.hasErrors() || app.logger.hasWarnings())
    throw new Error("the pages of the API have mistakes")
}
