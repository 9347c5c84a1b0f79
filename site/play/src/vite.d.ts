/** The types of Vite's imports that are no modules of TypeScript. */
declare module "*?raw" {
  const text: string
  export default text
}
/** Made by vite.config.ts from the tokens of the grammar. */
declare module "virtual:nn-words" {
  /** Reserved. */
  export const keywords: readonly string[]
  /** With a meaning in one place, names elsewhere. */
  export const contextual: readonly string[]
}
/** The runtime for pages as a bundle holds it. */
declare module "virtual:nn-runtime" {
  export const runtime: string
}
interface ImportMeta {
  readonly env: {
    /** production: as it is built, not as it is served while one works on it. */
    readonly MODE: string
  }
}
