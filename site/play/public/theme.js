// Before anything is drawn, so that a dark page does not flash; a file of its own, as a strict content security policy wants it.
const theme = (() => {
  try {
    return localStorage.getItem("nnc-theme")
  } catch {
    return null
  }
})()
document.documentElement.dataset.theme =
  theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")
