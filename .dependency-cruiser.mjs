// Which room may import from which, and that nothing goes in circles. `npm run lint` checks it; ARCHITECTURE.md has the map.
// Folders of a room are layers, too: those of compiler/schedule are listed below, the earlier first.

const TYPES = "^compiler/ir/([^/]+|.+/types|kernels/(scalar|philox))\\.ts$"
const SOURCE = "^compiler/source/"
const IR = "^compiler/ir/"
const OPS = "^compiler/ops/"
const PASS = "^compiler/(pass\\.ts$|targets/)"
const GRAMMAR = "^grammar/"
const CONTRACT = "^runtime/bundle/(format|builds|wasm|golden|half)\\.ts$"
const STAGE = [SOURCE, IR, OPS, PASS, GRAMMAR]

/** What files of a room may import beside their own room. */
const ROOMS = {
  source: { path: SOURCE, to: [] },
  "ir-types": { path: TYPES, to: [SOURCE] },
  ops: { path: OPS, to: [SOURCE, TYPES] },
  ir: { path: IR, not: TYPES, to: [SOURCE, OPS, PASS] },
  pass: { path: PASS, to: [SOURCE, TYPES, CONTRACT] },
  grammar: { path: GRAMMAR, to: [SOURCE] },
  parse: { to: STAGE },
  check: { to: STAGE },
  lower: { to: STAGE },
  autodiff: { to: STAGE },
  precision: { to: STAGE },
  optimize: { to: STAGE },
  reduce: { to: STAGE },
  schedule: { to: STAGE },
  summary: { to: STAGE },
  onnx: { to: [...STAGE, "^compiler/version\\.ts$"] },
  pytorch: { to: [...STAGE, "^compiler/version\\.ts$"] },
  memory: { to: STAGE },
  batching: { to: STAGE },
  codegen: { to: [...STAGE, CONTRACT] },
  bundle: { to: [...STAGE, CONTRACT] },
  contract: { path: CONTRACT, to: [] },
  runtime: { path: "^runtime/", not: CONTRACT, to: [CONTRACT] },
  // These join the stages, and do no I/O.
  driver: { never: ["^compiler/cli/", "^runtime/(?!bundle/(format|builds|wasm|golden|half)\\.ts)"] },
  editor: { never: ["^compiler/(cli|driver)/", "^runtime/"] },
  validate: { never: ["^compiler/cli/", "^runtime/(?!bundle/(format|builds|wasm|golden|half)\\.ts)"] },
  // These two see the runtime, too, as the command line does.
  facts: { never: ["^compiler/(cli|browser)/"] },
  browser: { never: ["^compiler/cli/"] },
  root: {
    path: "^compiler/[^/]+\\.ts$",
    not: PASS,
    never: ["^compiler/cli/", "^runtime/(?!bundle/(format|builds|wasm|golden|half)\\.ts)"],
  },
}

/** Folders of compiler/schedule: each may import from those before it. */
const LAYERS = [
  "expressions",
  "cost",
  "fuse",
  "rematerialize",
  "kernel",
  "contraction",
  "templates",
  "choose",
  "program",
  "loops",
  "multi-step",
  "horizontal",
]

const rooms = Object.entries(ROOMS).map(([name, { path = `^compiler/${name}/`, not, to, never }]) => ({
  name: `room-${name}`,
  severity: "error",
  from: { path, ...(not && { pathNot: not }) },
  to: never ? { path: never } : { pathNot: [path, ...to, "node_modules"], dependencyTypesNot: ["core"] },
}))

const layers = LAYERS.slice(0, -1).map((name, n) => ({
  name: `schedule-${name}`,
  severity: "error",
  from: { path: `^compiler/schedule/${name}/` },
  to: { path: LAYERS.slice(n + 1).map((later) => `^compiler/schedule/${later}/`) },
}))

const listed = Object.entries(ROOMS).map(([name, { path = `^compiler/${name}/` }]) => path)

export default {
  forbidden: [
    ...rooms,
    ...layers,
    {
      name: "room-is-listed",
      severity: "error",
      from: { path: "^(compiler|runtime|grammar)/", pathNot: [...listed, "^compiler/cli/"] },
      to: {},
    },
    {
      name: "no-circles",
      severity: "error",
      // Left out: rooms whose functions walk a tree by calling each other.
      from: { pathNot: "^compiler/(check|parse|autodiff)/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-circles-of-types",
      severity: "error",
      from: { path: "^compiler/(schedule|ir/groups|memory|lower|optimize|driver)/" },
      to: { circular: true },
    },
    {
      name: "one-file-uses-ts-morph",
      severity: "error",
      from: { pathNot: "^compiler/bundle/host-module\\.ts$" },
      to: { path: "node_modules/ts-morph" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "default"] },
  },
}
