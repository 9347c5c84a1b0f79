// Builds site/dist/: the pages of docs/, and the playground below them. Run `npm run build` before, which makes the modules that the
// playground is built of. SITE_BASE: the folder of the server that it will lie in, "/" when left out.
import { build } from "vite"
import { build as buildPages } from "vitepress"

await buildPages("docs")
await build({ configFile: "site/play/vite.config.ts" })
