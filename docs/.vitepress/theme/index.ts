// The look of VitePress, in the colours of the playground.
import theme from "vitepress/theme"
import "./style.css"

export default theme
