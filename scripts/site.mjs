// Builds site/dist/: the playground. Run `npm run build` before, which makes what the playground is built of.
import { build } from "vite"

await build({ configFile: "site/play/vite.config.ts" })
