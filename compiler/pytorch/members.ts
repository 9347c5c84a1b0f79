/** pytorch: how code reads the members of a module. Slots keep their names, which are those of a `state_dict`, so a name that
 *  Python or `nn.Module` has taken is read from where `nn.Module` keeps it. */
import { quoted, RESERVED } from "./python.js"

/** The names that `dir(torch.nn.Module())` lists in PyTorch 2.15. */
const OF_MODULE = new Set(
  (
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr " +
    "float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers " +
    "named_children named_modules named_parameters parameters register_backward_hook register_buffer register_forward_hook " +
    "register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook " +
    "register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook " +
    "register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train training " +
    "type xpu zero_grad"
  ).split(" "),
)

/** Whether `self.name` can have this name. */
export const isAttribute = (name: string): boolean =>
  /^[A-Za-z]\w*$/.test(name) && !RESERVED.has(name) && !OF_MODULE.has(name) && !/^forward_\d+$/.test(name)

/** `self.linear[0].weight`. `kept`: where `nn.Module` keeps the last part. */
export function memberOf(
  path: string,
  kept: "_modules" | "_parameters" | "_buffers" = "_modules",
  of = "self",
): string {
  const parts = path.split(".")
  const last = parts.length - 1
  return `${of}${parts
    .map((part, i) => {
      if (/^\d+$/.test(part)) return `[${part}]`
      return isAttribute(part) ? `.${part}` : `.${i === last ? kept : "_modules"}[${quoted(part)}]`
    })
    .join("")}`
}
