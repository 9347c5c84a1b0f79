// The word between ensure-adapter.ts, test.ts and the tests about a machine on which no WebGPU adapter can be had.

/** Exit code of ensure-adapter.ts: there is none, and this user may not install one. */
export const NONE_TO_BE_HAD = 3

/** Environment variable that tells the tests so. */
export const NO_ADAPTER = "NNC_TEST_NO_ADAPTER"
