/** codegen/wgsl: names that WGSL accepts. */

/** Keywords and reserved words of WGSL that a buffer or variable could plausibly be called, and our own names. */
const TAKEN = new Set(
  (
    "alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let " +
    "loop override requires return struct switch true var while active as asm async attribute auto await become buffer " +
    "cast catch class common compile concept delete demote do enum export extern external filter final finally friend " +
    "from get goto groupshared handle highp impl implements import in inline input instanceof interface layout lowp " +
    "macro match mediump meta mod module move mut mutable namespace new nil noexcept noinline null of operator out output " +
    "package packed partial pass patch pixelfragment precise precision premerge priv protected pub public readonly ref " +
    "register require resource restrict self set shared sizeof smooth snorm static std subroutine super target template " +
    "texture this throw trait try type typedef typeof union unless unorm unsafe unsized use using varying virtual " +
    "volatile where with writeonly yield bool f16 f32 i32 u32 vec2 vec3 vec4 array atomic ptr sampler select bitcast " +
    "main parameters Parameters blocks group lane_index subgroup_lane subgroup_size abs exp log min max pow sin cos tan tanh sqrt sign floor ceil round"
  ).split(" "),
)

/** `name` itself where WGSL allows it, else a name as close as possible. */
export function identifier(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9_]/g, "_")
    .replace(/^(?=\d)/, "_")
    .replace(/^__/, "_")
  return TAKEN.has(plain) || plain === "_" ? `${plain}_` : plain
}
