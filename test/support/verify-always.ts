/** test: whatever a test compiles is verified after every pass. Vitest calls this by its place in vitest.config.ts. */
import { verifyByDefault } from "../../compiler/driver/compilation.js"

verifyByDefault(true)
