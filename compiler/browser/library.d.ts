/** The standard library, as the build parsed it. */
declare module "*/library.ast" {
  const text: string
  export default text
}
