import type { ExecutionState } from '../events/execution-state.ts'
import { placeOf } from '../workflow/place.ts'
import { parseReferences } from '../workflow/references.ts'

/** Maximum number of values of an `output` that are searched for references. */
const MAX_VALUES = 10_000

/** The only task that the `output` of a document refers to; `undefined` if it refers to none or to several. */
export function findOutputTask({ output }: { readonly output?: unknown }): string | undefined {
  const found = new Set<string>()
  const place = placeOf('output')
  const waiting: unknown[] = [output]
  for (let count = 0; waiting.length > 0 && count < MAX_VALUES && found.size < 2; count++) {
    const value = waiting.pop()
    if (typeof value === 'string') {
      const parts = parseReferences(value, true, place)
      if (!Array.isArray(parts)) continue
      for (const part of parts) if (typeof part === 'object' && part.taskId !== undefined) found.add(part.taskId)
    } else if (typeof value === 'object' && value !== null) waiting.push(...Object.values(value))
  }
  const [only, other] = found
  return other === undefined && waiting.length === 0 ? only : undefined
}

/** By state, the only task of its last layer; `null` for none. A state is of one execution, whose layers are fixed. */
const lastTasks = new WeakMap<ExecutionState, string | null>()

/** The task whose text is the answer: the given one, else the only task of the last layer before `finally`. */
export function answerOf(state: ExecutionState, answer: string | undefined): string | undefined {
  if (answer !== undefined) return answer
  const known = lastTasks.get(state)
  if (known !== undefined) return known ?? undefined
  if (state.tasks.size === 0) return undefined
  const only = findLastTask(state)
  lastTasks.set(state, only ?? null)
  return only
}

function findLastTask({ tasks, finallyFrom = Number.POSITIVE_INFINITY }: ExecutionState): string | undefined {
  let last = -1
  let only: string | undefined
  for (const { taskId, layer, parentId } of tasks.values()) {
    if (parentId !== undefined || layer >= finallyFrom || layer < last) continue
    only = layer > last ? taskId : undefined
    last = layer
  }
  return only
}
