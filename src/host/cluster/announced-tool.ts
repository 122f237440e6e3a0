import type { AnnouncedTool } from '../../cluster/members.ts'
import { DagstreamError } from '../../errors.ts'
import type { AnyTool } from '../../tools/registry.ts'

/** A tool as a plan needs it, which workers run. Its limits are those of the whole system, in the claim of its orders. */
export function toTool({
  name,
  description,
  version,
  inputSchema,
  outputSchema,
  readOnly,
  timeoutMs,
  retry,
  exactNumbers,
}: AnnouncedTool): AnyTool {
  return {
    name,
    ...(description !== undefined && { description }),
    ...(version !== undefined && { version }),
    ...(inputSchema !== undefined && { inputSchema }),
    ...(outputSchema !== undefined && { outputSchema }),
    ...(readOnly !== undefined && { readOnly }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(exactNumbers !== undefined && { exactNumbers }),
    execute() {
      throw new DagstreamError('TOOLS_UNAVAILABLE', `The tool \`${name}\` runs on workers only`)
    },
  }
}

/** A tool that no living worker announces: its orders wait for one. */
export function toAbsentTool(name: string): AnyTool {
  return toTool({ name })
}
